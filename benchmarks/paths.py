"""Sample paths: energy score and coverage of the sum over 24 steps, next to other ways, on real series; and their cost.

    python benchmarks/paths.py --data FOLDER [--cases NAME ...] [--origins 100] [--few] [--mixed N ...]
    python benchmarks/paths.py --cost

FOLDER holds `melbourne_min_temp/daily-min-temperatures.csv.gz`, `air_quality_valencia/air_quality_valencia.csv.gz`,
`ETTh1/ETTh1.csv.gz` and `exchange_rate/exchange_rate.csv.gz`, as published; CO2 comes with statsmodels. A Ridge is
fitted once on 60 % of the rows, then forecasts from origins at even distances, each with the rows before it as history.
"paths" are those of `sample`. "independent" are the same values, shuffled at each step by itself; "same rank" are the
same values, sorted at each step, whose sums are the sums of bounds. `--mixed 1 3 10` compares paths that mix this
many past forecasts. With `--few` the fit sees 250 rows, so that about 40 past errors are known. `--cost` needs no data:
CPU seconds of 1,000 paths of 24 steps of 100 series.
"""

import hashlib
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import Report, parser
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, path_interval
from forecast._series import past_paths
from forecast.datasets import load_co2
from forecast.metrics import energy_score

HORIZON, LEVEL, KEPT = 24, 0.8, 600  # KEPT: rows of a history


def melbourne(folder):
    path = folder / "melbourne_min_temp/daily-min-temperatures.csv.gz"
    return pd.read_csv(path, parse_dates=["Date"], index_col="Date")["Temp"].asfreq("D").interpolate()


def valencia(folder):
    path = folder / "air_quality_valencia/air_quality_valencia.csv.gz"
    return pd.read_csv(path, parse_dates=["datetime"], index_col="datetime")["o3"].interpolate().iloc[-12_000:]


def etth1(folder):
    return pd.read_csv(folder / "ETTh1/ETTh1.csv.gz", parse_dates=["date"], index_col="date")["OT"]


def exchange(folder):
    return pd.read_csv(folder / "exchange_rate/exchange_rate.csv.gz").iloc[:, -1].astype(float).reset_index(drop=True)


def co2(_):
    return load_co2()["co2"].interpolate()


CASES = {
    "Melbourne temperature, daily": (melbourne, 28),
    "Valencia o3, hourly": (valencia, 72),
    "ETTh1 oil temperature, hourly": (etth1, 72),
    "exchange rate, daily": (exchange, 30),
    "CO2, weekly": (co2, 52),
}


def ways(draw, mixed, rng):
    """Paths, and the same values at each step put together to paths in other ways."""
    if mixed is None:
        paths = draw()
        return {"paths": paths, "independent": rng.permuted(paths, axis=1), "same rank": np.sort(paths, axis=1)}
    usual, found = past_paths._MIXED, {}
    for past_paths._MIXED in mixed:
        found[f"{past_paths._MIXED} mixed"] = draw()
    past_paths._MIXED = usual
    return found


def drawn_paths(model, history):
    return model.sample(1_000, random_state=0, history=history).to_numpy()


def judged(series, lookback, arguments):
    """Mean energy score, coverage and width of the sum's interval of each way, and how many past errors there were."""
    rows = series.rename("y").to_frame()
    cut = int(0.6 * len(rows))
    first = max(cut - 250, 0) if arguments.few else 0
    settings = {"lookback": lookback, "horizon": HORIZON, "validation_fraction": 0.2}
    model = SeriesForecaster(Ridge(), target="y", **settings).fit(rows.iloc[first:cut])
    rng, found = np.random.default_rng(0), {}
    for origin in np.linspace(cut, len(rows) - HORIZON, arguments.origins).astype(int):
        kept = lookback if arguments.few else KEPT
        history = rows.iloc[max(0, origin - kept) : origin]
        actual = rows["y"].to_numpy()[origin : origin + HORIZON]
        draw = partial(drawn_paths, model, history)
        for way, drawn in ways(draw, arguments.mixed, rng).items():
            lower, upper = np.quantile(drawn.sum(axis=0), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            inside = lower <= actual.sum() <= upper
            found.setdefault(way, []).append((energy_score(actual, drawn), inside, upper - lower))
    return {way: np.mean(values, axis=0) for way, values in found.items()}, len(model._state.calibration.residuals)


def panel(n_series=100, rows=600):
    """Series with a common part."""
    rng = np.random.default_rng(0)
    hours = pd.date_range("2026-01-01", periods=rows, freq="h", name="hour")
    common = np.cumsum(rng.normal(size=rows)) * 0.3 + 10 * np.sin(2 * np.pi * np.arange(rows) / 24)
    parts = [
        pd.DataFrame({"y": 50 + common + rng.normal(size=rows), "shop": f"s{shop}"}, hours) for shop in range(n_series)
    ]
    return pd.concat(parts)


def cost(arguments):
    """CPU seconds of a call, and the bits with one thread and with two."""
    table = Report("paths cost", arguments, ["model", "call", "seconds", "same bits"])
    rows, settings = panel(), {"target": "y", "series": "shop", "lookback": 48, "horizon": HORIZON}
    network = RNNForecaster(hidden_size=8, max_iter=1, random_state=0, n_jobs=1)
    late = rows.index >= rows.index[540]
    for name, regressor in {"Ridge": Ridge(), "network": network}.items():
        model = SeriesForecaster(regressor, **settings).fit(rows[~late])
        for call in ("after fit", "after 60 new rows"):
            if call != "after fit":
                model.update(rows[late])
            times, bits = [], set()
            for n_jobs in (1, 2, 1, 2, 1):
                if name == "network":
                    model.regressor_.set_params(n_jobs=n_jobs)
                begin = time.process_time()
                paths = model.sample(1_000, random_state=0)
                times.append(time.process_time() - begin)
                bits.add(hashlib.sha256(paths.drop(columns="shop").to_numpy().tobytes()).hexdigest())
            texts = [name, call, f"{np.median(times):.2f}", "yes" if len(bits) == 1 else "NO"]
            table.row(texts, model=name, call=call, seconds=float(np.median(times)), same=len(bits) == 1)
    begin = time.process_time()
    path_interval(paths.drop(columns="shop").groupby(level=0).sum())
    print(f"sums over 100 series with intervals: {time.process_time() - begin:.2f} s")
    table.close()


def main():
    options = parser(__doc__, pairs=None)
    options.add_argument("--cost", action="store_true", help="CPU time and bits of a call")
    options.add_argument("--data", type=Path, help="folder of the series")
    options.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    options.add_argument("--origins", type=int, default=100)
    options.add_argument("--few", action="store_true", help="fit on 250 rows")
    options.add_argument("--mixed", type=int, nargs="+", metavar="N", help="past forecasts in a path, to compare")
    arguments = options.parse_args()
    if arguments.cost:
        cost(arguments)
        return
    if arguments.data is None:
        options.error("expected --data FOLDER, or --cost")
    columns = ["series", "errors", "way", "energy score", "coverage of sum", "width of sum"]
    table = Report("paths", arguments, columns)
    for name in arguments.cases:
        load, lookback = CASES[name]
        found, known = judged(load(arguments.data), lookback, arguments)
        for way, (score, coverage, width) in found.items():
            texts = [name, str(known), way, f"{score:.4g}", f"{100 * coverage:.0f} %", f"{width:.4g}"]
            table.row(texts, series=name, way=way, score=score, coverage=coverage, width=width, errors=known)
    table.close()


if __name__ == "__main__":
    main()
