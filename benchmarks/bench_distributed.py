"""Distributed training: accuracy against one process, rounds on two workers and on one, many models, memory, bytes.

    python benchmarks/bench_distributed.py accuracy --data FOLDER [--passes 10] [--shards 8] [--seeds 2]
    python benchmarks/bench_distributed.py speed [--hidden 64]
    python benchmarks/bench_distributed.py each [--series 500] [--repeats 3]
    python benchmarks/bench_distributed.py memory
    python benchmarks/bench_distributed.py cost

`accuracy` needs no cluster, because a fit in shards gives the same bytes with one; FOLDER holds `m4` and `ETTh1` as
published. Both sides make the same number of passes over the same windows, without early stopping; the error is that of
four horizons after the training rows, and +- is the standard error over seeds. `speed` compares the seconds of a round
on one and on two workers of one thread each. `each` fits one ridge model for every series, in turn on two workers and
with joblib's two processes. `memory` is the greatest resident memory of a worker. `cost` measures the bytes of a round
and the seconds of a task, and computes from them how many workers are best on a network of 10 Gbit/s.
"""

import argparse
import os
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from measuring import machine
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster
from forecast.distributed import fit, fit_each


def long(frame, freq):
    """Columns of a wide frame as series of a long one."""
    out = [
        pd.DataFrame({"series": str(name), "time": np.arange(column.count()), "y": column.dropna().to_numpy()})
        for name, column in frame.items()
    ]
    return pd.concat(out, ignore_index=True), freq


def m4(folder, kind, every):
    train = pd.read_csv(folder / f"m4/{kind}-train.csv.gz", index_col=0).iloc[::every]
    test = pd.read_csv(folder / f"m4/{kind}-test.csv.gz", index_col=0).loc[train.index]
    joined = {name: np.concatenate([train.loc[name].dropna(), test.loc[name].dropna()])[-700:] for name in train.index}
    return pd.DataFrame({name: pd.Series(values) for name, values in joined.items()})


def ett(folder):
    return pd.read_csv(folder / "ETTh1/ETTh1.csv.gz", index_col=0).reset_index(drop=True).iloc[:6000]


ORIGINS = 4  # forecasts of each series, one horizon after the other

SETS = {  # frame, lookback, horizon, rows from one window to the next
    "M4 hourly": (lambda folder: m4(folder, "Hourly", 4), 48, 24, 2),
    "M4 weekly": (lambda folder: m4(folder, "Weekly", 3), 26, 13, 2),
    "ETTh1": (ett, 48, 24, 1),
}


def forecaster(lookback, horizon, passes, seed, step=1, hidden=32):
    network = RNNForecaster(
        cell="gru", hidden_size=hidden, max_iter=passes, early_stopping=False, random_state=seed, dtype="float32"
    )
    return SeriesForecaster(
        network, target="y", series="series", time="time", lookback=lookback, horizon=horizon, step=step,
        window_norm="standard", validation_fraction=None,
    )  # fmt: skip


def scaled_error(model, train, test):
    """MAE of horizons after `train` over the mean absolute change of each series, over all series and origins."""
    change = train.groupby("series")["y"].apply(lambda y: y.diff().abs().mean())
    steps = test.groupby("series").cumcount()
    errors = []
    for first in range(0, int(steps.max()) + 1, model.horizon):
        history = pd.concat([train, test[steps < first]]).sort_values(["series", "time"], kind="stable")
        forecast = model.predict(history=history).set_index(["series", "time"])["y"]
        truth = test[(steps >= first) & (steps < first + model.horizon)].set_index(["series", "time"])["y"]
        errors.append(((forecast - truth).abs().groupby("series").mean() / change).mean())
    return float(np.mean(errors))


def accuracy(options):
    print(f"passes {options.passes}, {options.shards} shards, {options.rounds} rounds a pass; {machine()}")
    for name in options.sets:
        read, lookback, horizon, step = SETS[name]
        frame, _ = long(read(Path(options.data)), None)
        cuts = frame.groupby("series")["time"].transform("max") - frame["time"] >= ORIGINS * horizon
        train, test = frame[cuts], frame[~cuts]
        found = {"one process": [], "shards": []}
        for seed in range(options.seeds):
            model = forecaster(lookback, horizon, options.passes, seed, step)
            found["one process"].append(scaled_error(model.fit(train), train, test))
            sharded = fit(model, train, n_shards=options.shards, rounds_per_epoch=options.rounds)
            found["shards"].append(scaled_error(sharded, train, test))
        one, shards = (np.array(errors) for errors in found.values())
        detail = "; ".join(f"{side} {', '.join(f'{value:.4f}' for value in values)}" for side, values in found.items())
        apart = f"{shards.mean() / one.mean() - 1:+.1%}"
        if options.seeds > 1:
            apart += f" +- {np.std(shards - one, ddof=1) / np.sqrt(options.seeds) / one.mean():.1%}"
        print(f"{name}: {apart} ({detail})", flush=True)


def waves(n, rows, seed=0):
    rng, time_ = np.random.default_rng(seed), np.arange(rows)
    parts = [
        pd.DataFrame({"series": f"s{number:05d}", "time": time_, "y": y})
        for number, y in enumerate(
            np.sin(2 * np.pi * time_ / 24 + rng.uniform(0, 6, (n, 1))) + 0.2 * rng.normal(size=(n, rows))
        )
    ]
    return pd.concat(parts, ignore_index=True)


def cluster(workers, threads=1):
    from distributed import Client, LocalCluster

    local = LocalCluster(n_workers=workers, threads_per_worker=threads, dashboard_address=":0")
    return local, Client(local)


def made(series, rows, partitions):
    """A panel whose partitions are made on the workers."""
    import dask.dataframe as dd

    def part(number, n):
        frame = waves(n, rows, number)
        return frame.assign(series=f"{number:02d} " + frame["series"])

    return dd.from_map(part, range(partitions), n=series // partitions, meta=part(0, 1))


def in_partitions(frame, n):
    import dask.dataframe as dd

    return dd.from_pandas(frame.set_index("series"), npartitions=n).reset_index()


def rounds(options):
    """Seconds of each round, after the first one."""
    frame = waves(64, options.rows)
    for workers in options.workers:
        local, client = cluster(workers)
        with local, client:
            ends = []
            model = forecaster(48, 24, 4, 0, hidden=options.hidden)
            model.regressor.set_params(callbacks=lambda epoch, ends=ends: ends.append(time.perf_counter()))
            fit(model, in_partitions(frame, 4), client=client, n_shards=8)
            yield workers, float(np.median(np.diff(ends)))


def speed(options):
    found = {}
    print(f"64 series of {options.rows} rows, GRU of {options.hidden} units, 8 shards; {machine()}")
    for workers, seconds in rounds(options):
        found[workers] = seconds
        print(f"{workers} workers: {seconds:.2f} s a round, {found[min(found)] / seconds:.2f} times one", flush=True)


def each(options):
    """Both sides in turn, each with processes of its own that have imported everything."""
    frame = waves(options.series, 200)
    model = SeriesForecaster(Ridge(), target="y", series="series", time="time", lookback=48, horizon=24)
    own, found = [part for _, part in frame.groupby("series")], {"joblib": [], "Dask": []}
    print(f"{options.series} models; {machine()}")
    for _ in range(options.repeats):
        for side, took in (("joblib", _with_joblib(model, own)), ("Dask", _with_dask(model, frame))):
            found[side].append(took)
            print(f"{side}: {took[0]:.1f} s, {took[1]:.1f} s of CPU in all processes", flush=True)
    ratio = np.array(found["Dask"]) / np.array(found["joblib"])
    print(f"Dask over joblib: time {np.round(ratio[:, 0], 2)}, CPU {np.round(ratio[:, 1], 2)}")


def _with_dask(model, frame):
    local, client = cluster(2)
    with local, client:
        fit_each(model, in_partitions(frame.iloc[:1600], 2), client=client)  # imports on the workers
        ddf = in_partitions(frame, 8)
        return _timed(lambda: fit_each(model, ddf, client=client))


def _with_joblib(model, own):
    from joblib.externals.loky import get_reusable_executor

    with joblib.Parallel(n_jobs=2) as parallel:
        parallel(joblib.delayed(_alone)(model, part) for part in own[:8])
        took = _timed(lambda: parallel(joblib.delayed(_alone)(model, part) for part in own))
    get_reusable_executor().shutdown(wait=True)
    return took


def _timed(call):
    """Seconds by the clock, and of CPU in this process and its children."""
    began, used = time.perf_counter(), _cpu_seconds()
    call()
    return time.perf_counter() - began, _cpu_seconds() - used


def _cpu_seconds():
    import psutil

    own = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in (own, *own.children(recursive=True)))


def _alone(model, part):
    from sklearn.base import clone

    return clone(model).fit(part)._as_bytes()


def memory(options):
    print("series, values, shards, workers, values of the shards of a worker, peak of a worker above its imports")
    for series in (options.series, 4 * options.series):
        for workers in options.workers:
            local, client = cluster(workers)
            with local, client:
                client.run(__import__, "forecast.distributed")
                before = max(client.run(_peak).values())
                model = forecaster(48, 24, 1, 0, step=48, hidden=options.hidden)
                fit(model, made(series, options.rows, 16), client=client, n_shards=8)
                above = max(client.run(_peak).values()) - before
            values = 8 * series * options.rows / 1e6
            print(f"{series}, {values:.0f} MB, 8, {workers}, {values / workers:.0f} MB, {above:.0f} MB", flush=True)


def _peak():
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seconds_of_a_task(state, tasks=64, repeats=5):
    """What a task of a round costs that computes nothing: it gets a state and returns one."""
    from forecast.distributed.engine import OnDask, itself

    found = []
    local, client = cluster(2)
    with local, client:
        engine = OnDask(client, 60)
        for _ in range(repeats + 1):  # the first one imports
            began = time.perf_counter()
            given = engine.submit("weights", itself, state)
            engine.gather({str(n): engine.submit("step", bytearray, given) for n in range(tasks)})
            found.append((time.perf_counter() - began) / tasks)
    return float(np.median(found[1:]))


def cost(options):
    """Bytes of a round, the seconds that messages take, and the best number of workers."""
    from forecast.distributed.state import State

    frame = waves(16, 300)
    fitted = fit(forecaster(48, 24, 1, 0, hidden=options.hidden), frame, n_shards=2)
    state = State.of(fitted.regressor_).as_bytes()
    size, message = len(state), options.message or seconds_of_a_task(state)
    print(f"{1000 * message:.1f} ms a task; {machine()}")
    print(f"GRU of {options.hidden} units: {fitted.regressor_.n_parameters_:,} parameters, {size:,} bytes a state")
    gbit = 10e9 / 8
    for seconds in (1, 10, 60, 600):
        line = []
        for workers in (1, 2, 4, 8, 16, 32, 64):
            moved = 64 * size / gbit + workers * size / gbit  # 64 shards up to the client, a state down to each worker
            took = seconds / workers + moved + 64 * message
            line.append(f"{workers}: {seconds / took:.1f}")
        print(f"a round of {seconds} s on one worker, 64 shards; times as fast with workers  {', '.join(line)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["accuracy", "speed", "each", "memory", "cost"])
    parser.add_argument("--data", default=os.environ.get("FORECAST_DATA"))
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--passes", type=int, default=10)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--series", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3, help="of each, in turn")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--message", type=float, help="seconds of one task; measured where it is not given")
    options = parser.parse_args()
    globals()[options.what](options)


if __name__ == "__main__":
    main()
