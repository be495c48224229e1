"""The same bytes on clusters of one to three workers, and after faults; slow, because they start processes."""

import os
import signal
import threading
import time
from pathlib import Path

import dask.dataframe as dd
import distributed
import numpy as np
import pandas as pd
import pytest

from forecast import RNNForecaster, SeriesForecaster
from forecast.distributed import fit, fit_each, predict
from forecast.distributed.engine import share_of_cores

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*unclosed.*:ResourceWarning"),  # Dask's, of workers that were killed
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def panel(n=8, rows=90):
    rng, time_ = np.random.default_rng(0), np.arange(rows)
    waves = [np.sin(time_ * 2 * np.pi / 7 + number) + 0.1 * rng.normal(size=rows) for number in range(n)]
    parts = [pd.DataFrame({"shop": number, "day": time_, "y": wave}) for number, wave in enumerate(waves)]
    return pd.concat(parts, ignore_index=True)


def in_partitions(frame, n=4):
    return dd.from_pandas(frame.set_index("shop"), npartitions=n).reset_index()


def forecaster(max_iter=3, **settings):
    network = RNNForecaster(cell="gru", hidden_size=4, max_iter=max_iter, random_state=0, **settings)
    return SeriesForecaster(network, target="y", series="shop", time="day", lookback=14, horizon=7)


def workers_of(cluster):
    return [one.process.pid for one in cluster.workers.values() if one.process is not None]


@pytest.fixture
def started():
    """A function that starts a cluster; all its processes are gone at the end."""
    opened, pids = [], []

    def start(n_workers=2, threads=1, processes=True):
        cluster = distributed.LocalCluster(
            n_workers=n_workers, threads_per_worker=threads, processes=processes, dashboard_address=":0"
        )
        client = distributed.Client(cluster)
        opened.append((cluster, client))
        pids.extend(workers_of(cluster) if processes else [])
        return cluster, client

    yield start
    for cluster, client in opened:
        pids.extend(workers_of(cluster) if hasattr(next(iter(cluster.workers.values()), None), "process") else [])
        client.close()
        cluster.close()
    deadline = time.monotonic() + 30
    while any(os.path.exists(f"/proc/{pid}") for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [pid for pid in pids if os.path.exists(f"/proc/{pid}")] == []


CLUSTERS = {"1 process": (1, 1, True), "3 processes": (3, 1, True), "2 workers of 2 threads": (2, 2, False)}


@pytest.mark.parametrize("kind", list(CLUSTERS))
def test_a_cluster_gives_the_bytes_of_one_machine(started, kind):
    ddf = in_partitions(panel())
    here = fit(forecaster(), ddf, n_shards=4)
    _, client = started(*CLUSTERS[kind])
    there = fit(forecaster(), ddf, client=client, n_shards=4)
    assert there._as_bytes() == here._as_bytes()
    forecasts = predict(there, ddf, client=client).compute()
    assert forecasts["y"].tolist() == predict(here, ddf).compute(scheduler="synchronous")["y"].tolist()


def at(rounds, act):
    """A callback that acts after some epochs."""

    def callback(epoch):
        if epoch["epoch"] in rounds:
            act(epoch["epoch"])

    return callback


def later(seconds, act):
    """Act in the middle of what runs then."""
    threading.Timer(seconds, act).start()


def test_killed_workers_change_no_byte(started):
    ddf = in_partitions(panel())
    here = fit(forecaster(6), ddf, n_shards=4)._as_bytes()
    cluster, client = started()

    def kill(epoch):
        client.wait_for_workers(2, timeout=60)  # a nanny gives up a worker that is killed while it starts
        pids = workers_of(cluster)
        later(0.02, lambda: os.kill(pids[epoch % len(pids)], signal.SIGKILL))

    there = fit(forecaster(6, callbacks=at((1, 4), kill)), ddf, client=client, n_shards=4, timeout=60)
    assert there._as_bytes() == here


def test_a_stopped_worker_is_restarted_and_changes_no_byte(started):
    ddf = in_partitions(panel())
    here = fit(forecaster(4), ddf, n_shards=4)._as_bytes()
    cluster, client = started()
    stop = at((2,), lambda _: os.kill(workers_of(cluster)[0], signal.SIGSTOP))
    there = fit(forecaster(4, callbacks=stop), ddf, client=client, n_shards=4, timeout=40)
    assert there._as_bytes() == here


def test_a_shard_that_always_crashes_is_named(started, monkeypatch):
    _, client = started()

    def crash(*_):  # inside of the test, so that it travels by its code: workers cannot import this module
        os._exit(1)

    monkeypatch.setattr("forecast.distributed.rounds.step", crash)
    with pytest.raises(RuntimeError, match=r"shard \d in round 1 killed its worker each time that it was tried"):
        fit(forecaster(), in_partitions(panel()), client=client, n_shards=2)


def test_a_lost_scheduler_ends_with_an_error_and_a_checkpoint_that_goes_on(started, tmp_path):
    ddf, path = in_partitions(panel()), tmp_path / "fit.checkpoint"
    whole = fit(forecaster(4), ddf, n_shards=2)._as_bytes()
    cluster, client = started()
    lost = at((2,), lambda _: cluster.close())  # after eight rounds, four an epoch
    with pytest.raises(ConnectionError, match=r"scheduler was lost.* holds 8 rounds; go on with resume="):
        fit(forecaster(4, callbacks=lost), ddf, client=client, n_shards=2, checkpoint=path)
    assert fit(forecaster(4), ddf, n_shards=2, resume=path)._as_bytes() == whole


def test_a_fit_opens_no_port(started):
    cluster, client = started(1)
    (pid,) = workers_of(cluster)

    def listening():
        kinds = [Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:] for kind in ("tcp", "tcp6")]
        inodes = {line.split()[9] for lines in kinds for line in lines if line.split()[3] == "0A"}
        own = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        return sorted(inode for inode in inodes if f"socket:[{inode}]" in own)

    before, seen = listening(), []
    fit(forecaster(callbacks=at((1, 2, 3), lambda _: seen.append(listening()))), in_partitions(panel()), client=client)
    assert seen == [before] * 3


FOUR = threading.Barrier(4, timeout=60)  # of tasks in this process


def share_of_four(_):
    """Asks while all four tasks run: one that ends earlier would leave its share to the others."""
    FOUR.wait()
    share = share_of_cores()
    FOUR.wait()
    return share


def test_tasks_share_the_threads_of_their_worker(started):
    _, client = started(1, 4, processes=False)
    assert client.submit(share_of_cores, pure=False).result() == 4
    assert client.gather(client.map(share_of_four, range(4), pure=False)) == [1, 1, 1, 1]
    assert share_of_cores() is None


def test_one_model_for_every_series_is_the_same_on_a_cluster(started):
    from sklearn.linear_model import Ridge

    model = SeriesForecaster(Ridge(), target="y", series="shop", time="day", lookback=14, horizon=7)
    ddf = in_partitions(panel())
    _, client = started()
    assert fit_each(model, ddf, client=client).equals(fit_each(model, ddf))


def test_the_series_of_a_plain_frame_are_fitted_by_all_workers(started):
    from sklearn.linear_model import Ridge

    model, df = SeriesForecaster(Ridge(), target="y", series="shop", time="day", lookback=14, horizon=7), panel()
    _, client = started()
    with distributed.get_task_stream(client) as stream:
        found = fit_each(model, df.sample(frac=1.0, random_state=0).sort_values("day"), client=client)
    assert found.equals(fit_each(model, df))
    assert len({task["worker"] for task in stream.data if task["key"].startswith("fit-")}) == 2
