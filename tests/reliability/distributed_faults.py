"""Kills, stops and crashes of workers during distributed fits, as a table.

    python tests/reliability/distributed_faults.py [--kills 20] [--seed 0]

Two workers of one thread. Each kill hits a random worker at a random time of a fit; then both workers are killed in
turn during one fit, and one is stopped. Every fit must give the bytes of the undisturbed fit in this process. At the
end no process of a worker may be left.
"""

import argparse
import os
import random
import signal
import threading
import time

import dask.dataframe as dd
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster

from forecast import RNNForecaster, SeriesForecaster
from forecast.distributed import fit


def panel(n=8, rows=400):
    rng, steps = np.random.default_rng(0), np.arange(rows)
    waves = np.sin(steps * 2 * np.pi / 24 + rng.uniform(0, 6, (n, 1))) + 0.1 * rng.normal(size=(n, rows))
    parts = [pd.DataFrame({"meter": number, "hour": steps, "load": wave}) for number, wave in enumerate(waves)]
    return pd.concat(parts, ignore_index=True)


def forecaster():
    network = RNNForecaster(cell="gru", hidden_size=16, max_iter=6, random_state=0)
    return SeriesForecaster(network, target="load", series="meter", time="hour", lookback=48, horizon=12)


def pids(cluster):
    return [one.process.pid for one in cluster.workers.values() if one.process is not None]


def send(cluster, which, what):
    """A signal to a worker; one that is being restarted has no process to hit."""
    found = pids(cluster)
    if found:
        os.kill(found[which % len(found)], what)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=30.0)
    options = parser.parse_args()
    draw, ddf = random.Random(options.seed), dd.from_pandas(panel().set_index("meter"), npartitions=4).reset_index()
    expected, seen = fit(forecaster(), ddf, n_shards=4)._as_bytes(), set()

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:

        def disturbed(name, *signals):
            """One fit, with signals to workers some seconds after its start."""
            client.wait_for_workers(2, timeout=60)
            seen.update(pids(cluster))
            timers = [threading.Timer(seconds, send, (cluster, which, what)) for seconds, which, what in signals]
            began = time.perf_counter()
            for timer in timers:
                timer.start()
            same = fit(forecaster(), ddf, client=client, n_shards=4, timeout=options.timeout)._as_bytes() == expected
            took = time.perf_counter() - began
            for timer in timers:
                timer.join()
            seen.update(pids(cluster))
            print(f"{name:<28} {'same bytes' if same else 'OTHER BYTES'}  {took:6.1f} s", flush=True)
            return same, took

        _, usual = disturbed("undisturbed")
        found = [disturbed("undisturbed, warm")]
        usual = found[0][1]
        for number in range(options.kills):
            at, which = draw.uniform(0, usual), draw.randrange(2)
            found.append(disturbed(f"kill {number + 1} at {at:.2f} s", (at, which, signal.SIGKILL)))
        turns = (usual / 3, 0, signal.SIGKILL), (2 * usual / 3, 1, signal.SIGKILL)
        found.append(disturbed("both killed in turn", *turns))
        found.append(disturbed("one stopped", (usual / 2, 0, signal.SIGSTOP)))
    left = [pid for pid in seen if os.path.exists(f"/proc/{pid}")]
    extra = max(took for _, took in found[1 : options.kills + 1]) - usual if options.kills else 0.0
    print(f"{sum(same for same, _ in found)} of {len(found)} fits with the same bytes; {len(left)} processes left")
    print(f"at most {extra:.1f} s longer after a kill")
    return 0 if all(same for same, _ in found) and not left else 1


if __name__ == "__main__":
    raise SystemExit(main())
