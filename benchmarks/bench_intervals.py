"""Coverage of intervals at 80 and 95 % in backtests of 1,000 origins and more on four real series.

    python benchmarks/bench_intervals.py --data FOLDER [--cases NAME ...] [--epochs 20] [--seed 0]
    python benchmarks/bench_intervals.py --cost

FOLDER holds `melbourne_min_temp/daily-min-temperatures.csv.gz`, `air_quality_valencia/air_quality_valencia.csv.gz`,
`beijing_pm25/PRSA_data_2010.1.1-2014.12.31.csv.gz` and `sp500/sp500_1950_2018.csv.gz`, as published. Three kinds of
intervals are compared: conformal ones whose level adapts to misses, conformal ones that stay as the
validation windows of the fit made them, and the quantiles of a network trained on the pinball loss. A network is fitted
once, before the first origin, or as often as a case says; "of steps" is the range over the steps of the horizon.

`--cost` needs no data: CPU time of `predict_interval` and of `predict` after new rows; "first" is the first call after
`update`, "again" any later one, "history" the first call with the rows as `history`, over `predict` with these.
"""

import pickle
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import Report, parser
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster
from forecast.model_selection import RollingOrigin, SkillWarning, backtest

LEVELS = [0.8, 0.95]
QUANTILES = [0.025, 0.1, 0.5, 0.9, 0.975]
BARS = {"adaptive": 0.02, "static": None, "quantile": 0.05}


def melbourne(folder):
    return pd.read_csv(
        folder / "melbourne_min_temp/daily-min-temperatures.csv.gz", parse_dates=["Date"], index_col="Date"
    )


def valencia(folder):
    path = folder / "air_quality_valencia/air_quality_valencia.csv.gz"
    return pd.read_csv(path, parse_dates=["datetime"], index_col="datetime")


def beijing(folder):
    frame = pd.read_csv(folder / "beijing_pm25/PRSA_data_2010.1.1-2014.12.31.csv.gz")
    return frame.set_index(pd.to_datetime(frame[["year", "month", "day", "hour"]]))


def sp500(folder):
    close = pd.read_csv(folder / "sp500/sp500_1950_2018.csv.gz", parse_dates=["Date"], index_col="Date")["Close"]
    return 100 * np.log(close).diff().iloc[1:].to_frame("return")  # in percent


@dataclass(frozen=True)
class Case:
    """A series, what is forecast of it, and from which origins."""

    load: object
    options: dict
    cv: RollingOrigin
    refit: object = False
    network: dict = field(default_factory=dict)


HOURLY = {"lookback": 48, "horizon": 24, "missing": "mask", "calendar": ["hour"]}
CASES = {
    "Melbourne temperature": Case(
        melbourne, {"target": "Temp", "lookback": 28, "horizon": 7, "gaps": "mask"}, RollingOrigin(1_095, 7, step=1)
    ),
    "Valencia o3": Case(
        valencia,
        {"target": "o3", "past_covariates": ["no2", "nox", "veloc.", "direc."], **HOURLY},
        RollingOrigin(1_200, 24, step=7),
    ),
    "Beijing PM2.5": Case(
        beijing,
        {"target": "pm2.5", "past_covariates": ["DEWP", "TEMP", "PRES", "Iws", "cbwd"], **HOURLY},
        RollingOrigin(1_200, 24, step=7),
    ),
    "sp500 returns": Case(
        sp500, {"target": "return", "lookback": 20, "horizon": 5, "window_norm": None}, RollingOrigin(4_000, 5, step=1)
    ),
}


def run(case, frame, kind, arguments):
    """The report of one backtest, and its seconds."""
    network = {"hidden_size": 32, "max_iter": arguments.epochs, "random_state": arguments.seed, **case.network}
    if kind == "quantile":
        network |= {"loss": "quantile", "quantile": QUANTILES}
    model = SeriesForecaster(RNNForecaster(**network), **case.options)
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkillWarning)  # intervals are looked at here, not skill
        report = backtest(model, frame, case.cv, refit=case.refit, coverage=LEVELS, intervals=kind)
    return report, time.perf_counter() - begin


def facts_of(report, level):
    """Coverage, its range over steps, mean width and interval score of the model's intervals."""
    name = f"{level:g}"
    whole, steps = (report.summary(by=by).loc["RNNForecaster"] for by in (None, "step"))
    rows = report.frame[report.frame["model"] == "RNNForecaster"]
    known = rows["actual"].notna()
    return {
        "coverage": float(whole[f"coverage_{name}"]),
        "lowest": float(steps[f"coverage_{name}"].min()),
        "highest": float(steps[f"coverage_{name}"].max()),
        "width": float((rows[f"upper_{name}"] - rows[f"lower_{name}"])[known].mean()),
        "score": float(whole[f"interval_score_{name}"]),
        "without": int(rows.loc[known, f"lower_{name}"].isna().sum()),
    }


def verdict(kind, found):
    bar = BARS[kind]
    if bar is None:
        return ""
    off = max(abs(found[level]["coverage"] - level) for level in LEVELS)
    return f"within {bar * 100:.0f}" if off <= bar else f"off by {off * 100:.1f}, bar {bar * 100:.0f}"


def cost(arguments):
    """CPU milliseconds of one call, the medians of many."""
    network = RNNForecaster(hidden_size=32, max_iter=3, random_state=0, n_jobs=1)
    rng, n = np.random.default_rng(0), 2_200
    hours = pd.date_range("2026-01-01", periods=n, freq="h", name="hour")
    y = np.exp(np.sin(2 * np.pi * np.arange(n) / 24) + 0.3 * rng.normal(size=n))
    shops = pd.concat(
        [pd.DataFrame({"hour": hours[:470], "shop": f"s{k}", "y": rng.normal(size=470).cumsum()}) for k in range(50)]
    )
    hour, panel = {"lookback": 48, "horizon": 24}, {"lookback": 28, "horizon": 7, "series": "shop", "time": "hour"}
    many = pd.concat(
        [pd.DataFrame({"hour": hours[:470], "shop": f"s{k}", "y": rng.normal(size=470).cumsum()}) for k in range(400)]
    )
    one = pd.DataFrame({"hour": hours, "y": y})
    warm, promoted = one.assign(known=np.sin(np.arange(n) / 11)), shops.assign(known=rng.normal(size=len(shops)))
    future = {"future_covariates": ["known"]}
    cases = {
        "Ridge": (Ridge(), one, {"time": "hour", **hour}, 2_000),
        "Ridge, log": (Ridge(), one, {"time": "hour", "transform": "log", **hour}, 2_000),
        "network": (network, one, {"time": "hour", **hour}, 2_000),
        "50 series, Ridge": (Ridge(), shops, panel, 370),
        "50 series, network": (network, shops, panel, 370),
        "400 series, Ridge": (Ridge(), many, panel, 370),
        "known ahead, Ridge": (Ridge(), warm, {"time": "hour", **hour, **future}, 2_000),
        "known ahead, network": (network, warm, {"time": "hour", **hour, **future}, 2_000),
        "known ahead, 50 series": (Ridge(), promoted, {**panel, **future}, 370),
    }
    columns = ["model", "new rows", "predict", "first", "ratio", "again", "ratio", "history"]
    table = Report("interval cost", arguments, columns)
    for name, (regressor, frame, settings, cut) in cases.items():
        model = SeriesForecaster(regressor, target="y", **settings).fit(frame[frame["hour"] < hours[cut]])
        for end in (cut + 1, cut + 24, cut + 90):
            known, ahead = frame[frame["hour"] < hours[end]], {}
            if "known" in frame:
                after = (frame["hour"] >= hours[end]) & (frame["hour"] < hours[end + settings["horizon"]])
                ahead["X"] = frame[after].drop(columns="y")
            plain, first, again, *past = (np.median(times) * 1e3 for times in _timed(model, known, ahead, 15))
            ratios = first / plain, again / plain, past[1] / past[0]
            texts = [f"{plain:.2f}", f"{first:.2f}", f"{ratios[0]:.2f}", f"{again:.2f}", f"{ratios[1]:.2f}"]
            texts = [name, str(end - cut), *texts, f"{ratios[2]:.2f}"]
            table.row(texts, model=name, rows=end - cut, plain=plain, first=first, again=again, history=ratios[2])
    table.close()


def _timed(model, known, ahead, calls):
    """Seconds of predict, the first predict_interval and the next, and of both with the rows as history, in turns."""
    times = []
    for _ in range(calls):
        updated, other = pickle.loads(pickle.dumps(model)), pickle.loads(pickle.dumps(model))
        updated.update(known, overlap="skip")
        other.predict(**ahead, history=known)
        marks = [time.process_time()]
        for verb in (updated.predict, updated.predict_interval, updated.predict_interval):
            verb(**ahead)
            marks.append(time.process_time())
        for verb in (other.predict, other.predict_interval):
            verb(**ahead, history=known)
            marks.append(time.process_time())
        times.append(np.diff(marks))
    return np.array(times).T


def main():
    options = parser(__doc__, pairs=None)
    options.add_argument("--cost", action="store_true", help="CPU time of a call, in place of coverage")
    options.add_argument("--data", type=Path, help="folder of the series")
    options.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    options.add_argument("--kinds", nargs="+", choices=BARS, default=list(BARS))
    options.add_argument("--epochs", type=int, default=20)
    options.add_argument("--seed", type=int, default=0)
    arguments = options.parse_args()
    if arguments.cost:
        cost(arguments)
        return
    if arguments.data is None:
        options.error("expected --data FOLDER, or --cost")
    columns = ["series", "origins", "intervals"]
    for level in LEVELS:
        columns += [f"coverage {level:.0%}", "of steps", "width", "score"]
    table = Report("intervals", arguments, [*columns, "points", "seconds"])
    for name in arguments.cases:
        case = CASES[name]
        frame = case.load(arguments.data)
        for kind in arguments.kinds:
            report, seconds = run(case, frame, kind, arguments)
            found = {level: facts_of(report, level) for level in LEVELS}
            texts = [name, f"{report.frame['origin'].nunique():,}", kind]
            for facts in found.values():
                texts += [f"{facts['coverage']:.1%}", f"{facts['lowest']:.1%} to {facts['highest']:.1%}"]
                texts += [f"{facts['width']:.3g}", f"{facts['score']:.3g}"]
            table.row(
                [*texts, verdict(kind, found), f"{seconds:.1f}"],
                series=name, kind=kind, seconds=seconds, **{f"at_{level:g}": facts for level, facts in found.items()},
            )  # fmt: skip
    table.close()


if __name__ == "__main__":
    main()
