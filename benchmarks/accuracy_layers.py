"""Accuracy, not speed: what segments, decoders, skip, known future and the recipe of training are worth on real series.

    FORECAST_DATA=FOLDER python benchmarks/accuracy_layers.py long [--seeds 0 1] [--only PART]
    FORECAST_DATA=FOLDER python benchmarks/accuracy_layers.py known [--seeds 0 1] [--only PART]

FOLDER holds ETTh1/ETTh1.csv.gz and beijing_pm25/PRSA_data_2010.1.1-2014.12.31.csv.gz, as published; they are no part of
this project. `--only` keeps the settings whose name contains PART. One thread. CPU seconds
are those of `fit`, of `known` with the forecasts.
"""

import argparse
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, make_windows
from forecast.model_selection import RollingOrigin, backtest

LONG = dict(  # the recipe of the long horizon: 96 steps from 720
    cell="gru", hidden_size=64, segment=24, segment_activation="identity", loss="absolute_error", learning_rate=1e-3,
    batch_size=256, max_iter=12, warmup_steps=100, n_iter_no_change=4, n_jobs=1,
)  # fmt: skip
LONG_SETTINGS = {
    "dense": {},
    "dense, ReLU after segments": dict(segment_activation="relu"),
    "dense, input_noise=0.3": dict(input_noise=0.3),
    "dense, weight_average=0.995": dict(weight_average=0.995),
    "dense, cycle": dict(cycle=24),
    "dense, skip": dict(skip="linear", skip_penalty=0.1),
    "dense, skip held": dict(skip="linear", skip_penalty=0.1, skip_learning_rate=1e-5),
    "dense, skip, input_noise=0.3": dict(skip="linear", skip_penalty=0.1, input_noise=0.3),
    "dense, skip from zero": dict(skip="linear", skip_start="zero", skip_penalty=0.1),
    "segments": dict(decoder="segments"),
    "segments, tied": dict(decoder="segments", decoder_tied=True),
}
KNOWN = dict(  # 24 steps from 168, with covariates
    cell="gru", hidden_size=96, segment=24, dropout=0.2, decoder="steps", future_size=64, loss="absolute_error",
    optimizer="adamw", learning_rate=2e-3, weight_decay=0.01, batch_size=256, max_iter=4, warmup_steps=50,
    early_stopping=False, n_jobs=1,
)  # fmt: skip
KNOWN_SETTINGS = {
    "GRU": {},
    "GRU, level": dict(level=True),
    "LSTM, level": dict(level=True, cell="lstm"),
    "GRU, level, 8 epochs": dict(level=True, max_iter=8),
    "GRU, no log of the target": dict(transform=None),
    "GRU, no layer over the future": dict(future_size=0),
    "GRU, dense decoder": dict(decoder="dense"),
    "recurrent": dict(level=True, decoder="recurrent"),
    "recurrent, teacher forcing": dict(level=True, decoder="recurrent", teacher_forcing=1.0),
    "recurrent, scheduled sampling": dict(level=True, decoder="recurrent", teacher_forcing=(1.0, 0.0)),
    "recurrent, additive attention": dict(level=True, decoder="recurrent", attention="additive"),
    "recurrent, no layer over the future": dict(level=True, decoder="recurrent", future_size=0),
    "GRU, level, additive attention": dict(level=True, attention="additive"),
}
WEATHER = ["DEWP", "TEMP", "PRES", "cbwd", "Iws", "Is", "Ir"]


def long_windows(folder):
    """Training, validation and test windows of ETTh1 as one panel, on the scale of the training rows."""
    wide = pd.read_csv(folder / "ETTh1" / "ETTh1.csv.gz", parse_dates=["date"], index_col="date")[:14400]
    wide = (wide - wide[:8640].mean()) / wide[:8640].std(ddof=0)
    panel = wide.rename_axis(columns="variable").stack().rename("value").reset_index().astype({"value": "float32"})
    windows = make_windows(
        panel, target="value", series="variable", time="date", lookback=720, horizon=96, window_norm="last"
    )
    origin = wide.index.get_indexer(windows.timestamps)  # the targets of a window are the 96 rows after it
    parts = ((0, 8640), (8640, 11520), (11520, 14400))
    return [windows[(origin + 1 >= first) & (origin + 96 < end)] for first, end in parts]


def errors(forecast, actual):
    gone = np.asarray(forecast, dtype=float) - actual
    return f"MSE {np.mean(gone**2):.4f}  MAE {np.mean(np.abs(gone)):.4f}"


def long(folder, seeds, only):
    """ETTh1, 96 hours ahead, all seven variables with shared weights, every window."""
    train, validation, test = long_windows(folder)
    actual = test.restore(np.asarray(test.y))
    started = time.process_time()
    line = Ridge(alpha=0.1 * len(train)).fit(np.asarray(train)[:, -512:], np.asarray(train.y))
    line = test.restore(line.predict(np.asarray(test)[:, -512:]))
    print(f"{'ridge, lookback 512':34s} {errors(line, actual)}  {time.process_time() - started:.0f} CPU s", flush=True)
    for name, setting in LONG_SETTINGS.items():
        for seed in seeds if only in name else ():
            started = time.process_time()
            net = RNNForecaster(**(LONG | setting), random_state=seed).fit(train, train.y, X_val=validation)
            seconds = time.process_time() - started
            forecast = test.restore(net.predict(test))
            print(
                f"{name:34s} {errors(forecast, actual)}  {seconds:.0f} CPU s  seed {seed}, {net.n_steps_} steps, "
                f"{net.n_parameters_} parameters; mean with ridge: {errors((forecast + line) / 2, actual)}",
                flush=True,
            )


def beijing(folder):
    """The hourly frame from its first observed value on; the weather's three sums are skewed, so on a log scale."""
    frame = pd.read_csv(folder / "beijing_pm25" / "PRSA_data_2010.1.1-2014.12.31.csv.gz")
    frame.index = pd.to_datetime(frame[["year", "month", "day", "hour"]])
    frame = frame[["pm2.5", *WEATHER]].assign(**np.log1p(frame[["Iws", "Is", "Ir"]]), level=np.log1p(frame["pm2.5"]))
    return frame.iloc[24:]


def model_for(role, setting, seed):
    """The forecaster of a setting; the weather is a covariate of the `role` "past" or "future"."""
    net = KNOWN | setting | {"random_state": seed}
    transform, level = net.pop("transform", "log1p"), net.pop("level", False)
    past = [*(["level"] if level else []), *(WEATHER if role == "past" else [])]  # window_norm takes the level off
    return SeriesForecaster(
        RNNForecaster(**net), target="pm2.5", lookback=168, horizon=24, missing="mask", transform=transform,
        calendar=["hour", "dayofyear"], validation_fraction=None, past_covariates=past or None,
        future_covariates=WEATHER if role == "future" else None,
    )  # fmt: skip


def known(folder, seeds, only):
    """Beijing PM2.5, the next 24 hours, one origin a day in the last 365 days; one fit on the rows before them."""
    frame = beijing(folder)
    days = RollingOrigin(n_splits=365, horizon=24, step=24)
    for task, role in (("D1b, weather known ahead", "future"), ("D1a, weather of the past", "past")):
        print(task)
        for name, setting in KNOWN_SETTINGS.items():
            for seed in seeds if only in name else ():
                started = time.process_time()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of skill
                    report = backtest({"network": model_for(role, setting, seed)}, frame, days, refit=False)
                seconds = time.process_time() - started
                rows = report.frame[report.frame["actual"].notna()]  # observed cells
                mae = (rows["forecast"] - rows["actual"]).abs().groupby(rows["model"], observed=True).mean()
                print(
                    f"{name:34s} MAE {mae['network']:.2f}  {seconds:.0f} CPU s  seed {seed}; seasonal naive "
                    f"{mae['seasonal naive']:.2f}, last value {mae['last value']:.2f}",
                    flush=True,
                )


def folder_of_data():
    if "FORECAST_DATA" not in os.environ:
        sys.exit("FORECAST_DATA is not set; expected the folder with ETTh1 and beijing_pm25.")
    return Path(os.environ["FORECAST_DATA"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=("long", "known"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", default="", help="settings whose name contains this")
    arguments = parser.parse_args()
    {"long": long, "known": known}[arguments.task](folder_of_data(), arguments.seeds, arguments.only)


if __name__ == "__main__":
    main()
