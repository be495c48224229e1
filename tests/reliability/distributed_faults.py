"""Kills, stops and crashes of workers and of the client during distributed fits, as a table.

    python tests/reliability/distributed_faults.py [--kills 20] [--seed 0]

Two workers of one thread. Each kill hits a random worker at a random time of a fit; then both workers are killed in
turn during one fit, one is killed during a backtest, and one is stopped. All of these must give the bytes of the
undisturbed run in this process. A shard that always crashes must end with one error that names it. A client with a
cluster of its own is killed, and a fit that continues from its checkpoint must give the bytes of a whole one. At the
end no process of a worker may be left, and no temporary file.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster

from forecast import RNNForecaster, SeriesForecaster
from forecast.distributed import backtest, fit, rounds
from forecast.model_selection import RollingOrigin

SHARDS = 4
SECONDS = 120  # for a worker to come back, of which a busy machine may need some

# 15 s after each loss, LocalCluster looks whether the worker is back, and gives it up for good if it is away just then,
# also because of a later kill. Workers that are killed every few seconds need a longer time.
dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"})


def panel(n=8, rows=400):
    rng, steps = np.random.default_rng(0), np.arange(rows)
    waves = np.sin(steps * 2 * np.pi / 24 + rng.uniform(0, 6, (n, 1))) + 0.1 * rng.normal(size=(n, rows))
    parts = [pd.DataFrame({"meter": number, "hour": steps, "load": wave}) for number, wave in enumerate(waves)]
    return pd.concat(parts, ignore_index=True)


def in_partitions():
    return dd.from_pandas(panel().set_index("meter"), npartitions=4).reset_index()


def forecaster(epochs=6):
    network = RNNForecaster(cell="gru", hidden_size=16, max_iter=epochs, random_state=0)
    return SeriesForecaster(network, target="load", series="meter", time="hour", lookback=48, horizon=12)


def fitted(ddf, **where):
    return fit(forecaster(), ddf, n_shards=SHARDS, **where)._as_bytes()


def backtested(ddf, **where):
    cv = RollingOrigin(n_splits=2, horizon=12)
    return backtest(forecaster(3), ddf, cv, n_shards=SHARDS, **where).frame.to_csv().encode()


def pids(cluster):
    return [one.process.pid for one in cluster.workers.values() if one.process is not None and one.process.pid]


def crash(*_):
    os._exit(1)


class Table:
    """Two workers, what is done to them, and what comes out."""

    def __init__(self, cluster, client, timeout):
        self.cluster, self.client, self.timeout = cluster, client, timeout
        self.seen, self.found = set(), []

    def settled(self):
        """Both workers answer; a nanny gives up a worker that is killed while it starts, so no kill hits one."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            own = set(pids(self.cluster))
            if len(own) == 2 and set(self.client.run(os.getpid, on_error="ignore").values()) == own:
                self.seen |= own
                return
            time.sleep(0.1)
        raise RuntimeError(f"two workers did not answer within {SECONDS} s")

    def disturbed(self, name, run, expected, *signals):
        """One run, with signals to workers some seconds after its start; how long it took."""
        self.settled()
        own = pids(self.cluster)
        timers = [threading.Timer(seconds, os.kill, (own[which], what)) for seconds, which, what in signals]
        began = time.perf_counter()
        for timer in timers:
            timer.start()
        same = run(client=self.client, timeout=self.timeout) == expected
        took = time.perf_counter() - began
        for timer in timers:
            timer.join()
        self.says(name, same, "same bytes" if same else "OTHER BYTES", took)
        return took

    def says(self, name, right, what, took):
        self.seen.update(pids(self.cluster))
        self.found.append(right)
        print(f"{name:<28} {what}  {took:6.1f} s", flush=True)

    def crashing(self, ddf):
        """A shard whose task ends its worker each time ends the fit with one error."""
        self.settled()
        whole, began, said = rounds.step, time.perf_counter(), "no error"
        rounds.step = crash
        try:
            fitted(ddf, client=self.client, timeout=self.timeout)
        except RuntimeError as error:  # the expected one: its text is what is looked at
            said = str(error)
        finally:
            rounds.step = whole
        named = said.startswith("shard ") and "killed its worker" in said
        self.says("a shard that always crashes", named, said.splitlines()[0][:60], time.perf_counter() - began)

    def without_client(self, ddf, expected):
        """A client is killed together with its cluster in this process's stead; another one goes on."""
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "fit.checkpoint"
            command = [sys.executable, __file__, "--child", str(path)]
            child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            own = {int(pid) for pid in child.stdout.readline().split()}
            for _ in range(2):  # rounds that are over, and written
                child.stdout.readline()
            child.kill()
            child.wait()
            same = fitted(ddf, client=self.client, timeout=self.timeout, resume=path) == expected
            left = [one.name for one in Path(folder).iterdir() if one != path]
        self.seen |= own
        what = "same bytes" if same and not left else f"{'same' if same else 'OTHER'} bytes, {left} left"
        took = time.perf_counter() - began
        self.says("a client killed, and resumed", same and len(own) == 2 and not left, what, took)


def child(path):
    """A fit with a cluster of its own, which says its workers and each round; to be killed."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:
        client.wait_for_workers(2)
        print(*pids(cluster), flush=True)
        model = forecaster()
        model.regressor.set_params(callbacks=lambda epoch: print(epoch["epoch"], flush=True))
        fit(model, in_partitions(), client=client, n_shards=SHARDS, checkpoint=path)


def left_of(seen, seconds=30):
    """Processes that are still there after a while."""
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in seen if os.path.exists(f"/proc/{pid}")]) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=30.0)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return 0
    draw, ddf = random.Random(options.seed), in_partitions()
    expected, of_backtest = fitted(ddf), backtested(ddf)

    def one(**where):
        return fitted(ddf, **where)

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:
        table = Table(cluster, client, options.timeout)
        table.disturbed("undisturbed", one, expected)
        usual, longest = table.disturbed("undisturbed, warm", one, expected), 0.0
        for number in range(options.kills):
            at, which = draw.uniform(0, usual), draw.randrange(2)
            took = table.disturbed(f"kill {number + 1} at {at:.2f} s", one, expected, (at, which, signal.SIGKILL))
            longest = max(longest, took)
        turns = (usual / 3, 0, signal.SIGKILL), (2 * usual / 3, 1, signal.SIGKILL)
        table.disturbed("both killed in turn", one, expected, *turns)
        table.disturbed(
            "kill during a backtest", lambda **where: backtested(ddf, **where), of_backtest, (usual, 0, signal.SIGKILL)
        )
        table.disturbed("one stopped", one, expected, (usual / 2, 0, signal.SIGSTOP))
        table.crashing(ddf)
        table.without_client(ddf, expected)
    left = left_of(table.seen)
    print(f"{sum(table.found)} of {len(table.found)} as they must be; {len(left)} of {len(table.seen)} processes left")
    print(f"at most {longest - usual:.1f} s longer after a kill")
    return 0 if all(table.found) and not left else 1


if __name__ == "__main__":
    raise SystemExit(main())
