"""Small fitted models of every sort, by what is special about them, for the tests of model files."""

from functools import cache

import numpy as np
import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Lasso, LinearRegression, Ridge, RidgeCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from forecast import LinearForecaster, RNNForecaster, SeriesForecaster, make_windows
from forecast.baselines import Drift, LastValue, SeasonalNaive
from forecast.preprocessing import BoxCox, Difference, LogReturn


def small(**changes):
    return RNNForecaster(**{"hidden_size": 4, "max_iter": 3, "random_state": 0} | changes)


def wave(n=160, seed=0):
    rng = np.random.default_rng(seed)
    return 20 + 5 * np.sin(np.arange(n) / 4) + rng.normal(size=n)


def frame(index, **columns):
    return pd.DataFrame({"y": wave(len(index)), **columns}, index=index)


def days(n=160, **changes):
    return pd.date_range("2024-01-01", **{"periods": n, "freq": "D", "name": "day"} | changes)


def series(regressor=None, data=None, **changes):
    settings = {"target": "y", "lookback": 8, "horizon": 3} | changes
    model = SeriesForecaster(small() if regressor is None else regressor, **settings)
    return model.fit(frame(days()) if data is None else data)


def panel(dtype=str, n=60):
    parts = [
        pd.DataFrame({"shop": name, "y": wave(n, seed) * (seed + 1), "x": wave(n, seed + 9), "size": float(seed)})
        for seed, name in enumerate(["a", "b", "ä"])
    ]
    found = pd.concat([part.assign(day=days(n)) for part in parts], ignore_index=True)
    return found.astype({"shop": dtype})


def with_holes():
    data = frame(days())
    data.iloc[[20, 21, 60], 0] = np.nan
    return data


def sessions():
    calendar = pd.offsets.CustomBusinessDay(holidays=["2024-03-29", "2024-04-01"])
    return frame(pd.date_range("2024-01-02", periods=160, freq=calendar)), calendar


def covariates():
    data = frame(days(tz="Europe/Berlin", freq="h"))
    data["weather"] = pd.Categorical(np.resize(["dry", "rain", "snow"], len(data)))
    data["sky"] = np.resize(["blue", "grey"], len(data))
    data["price"] = wave(len(data), 5)
    return data


def transformed(transform, regressor=None):
    return lambda: series(Ridge() if regressor is None else regressor, transform=transform, calendar=["dayofweek"])


def of_windows():
    windows = make_windows(frame(days()), target="y", lookback=8, horizon=3, window_norm="standard")
    return small().fit(windows, windows.y)


TRANSFORMS = {
    "standard": "standard",
    "robust": "robust",
    "minmax": "minmax",
    "log": "log",
    "log1p": "log1p",
    "asinh": "asinh",
    "boxcox": "boxcox",
    "difference": "difference",
    "seasonal_difference": "seasonal_difference",
    "log_return": "log_return",
    "chain": ["boxcox", Difference(2), "standard"],
    "objects": [BoxCox(0.5), StandardScaler()],
    "LogReturn": LogReturn(),
    "PowerTransformer": PowerTransformer(),
    "QuantileTransformer": QuantileTransformer(n_quantiles=20),
    "RobustScaler": RobustScaler(),
    "FunctionTransformer": FunctionTransformer(np.log1p, np.expm1),
}

REGRESSORS = {
    "Ridge": lambda: Ridge(),
    "RidgeCV": lambda: RidgeCV(),
    "LinearRegression": lambda: LinearRegression(),
    "pipeline": lambda: make_pipeline(StandardScaler(), MinMaxScaler(), Ridge(0.1)),
    "MultiOutputRegressor": lambda: MultiOutputRegressor(Lasso(0.01)),
    "TransformedTargetRegressor": lambda: TransformedTargetRegressor(Ridge(), transformer=StandardScaler()),
    "network in a pipeline": lambda: make_pipeline(StandardScaler(), small()),
    "LastValue": lambda: LastValue(),
    "SeasonalNaive": lambda: SeasonalNaive(7),
    "Drift": lambda: Drift(),
    "LinearForecaster": lambda: LinearForecaster(),
}

SERIES = {
    "as it comes": lambda: series(),
    "named column and index": lambda: series(data=frame(days(name=None))),
    "numbers as labels": lambda: series(data=frame(days()).rename(columns={"y": 7}), target=7),
    "tuples as labels": lambda: series(data=frame(days()).rename(columns={"y": ("y", 1)}), target=None),
    "zone": lambda: series(data=frame(days(tz="Europe/Berlin"))),
    "utc": lambda: series(data=frame(days(tz="UTC"))),
    "fixed zone": lambda: series(data=frame(days(tz=pd.Timestamp("2024-01-01T00:00+05:30").tz))),
    "seconds": lambda: series(data=frame(days().as_unit("s"))),
    "weeks": lambda: series(data=frame(days(freq="W-WED"))),
    "months": lambda: series(data=frame(days(freq="MS"))),
    "quarters": lambda: series(data=frame(days(freq="QE-FEB"))),
    "periods": lambda: series(data=frame(pd.period_range("2024-01", periods=160, freq="M", name="month"))),
    "whole numbers": lambda: series(data=frame(pd.RangeIndex(100, 580, 3, name="step"))),
    "small whole numbers": lambda: series(data=frame(pd.Index(np.arange(160, dtype=np.int32) * 2))),
    "trading calendar": lambda: series(data=sessions()[0]),
    "trading calendar given": lambda: series(
        data=sessions()[0].drop(columns=[]).set_axis(pd.DatetimeIndex(sessions()[0].index, freq=None)),
        trading_calendar=sessions()[1],
    ),
    "holidays given": lambda: series(
        data=sessions()[0].set_axis(pd.DatetimeIndex(sessions()[0].index, freq=None)),
        trading_calendar=[pd.Timestamp("2024-03-29"), "2024-04-01"],
    ),
    "covariates": lambda: series(
        data=covariates(), past_covariates=["weather", "sky"], future_covariates="price", calendar=["hour", "weekend"]
    ),
    "holidays": lambda: series(Ridge(), calendar=["holidays:DE"]),
    "freq given": lambda: series(freq="D"),
    "offset given": lambda: series(freq=pd.offsets.Day()),
    "mask": lambda: series(data=with_holes(), missing="mask"),
    "gaps": lambda: series(Ridge(), frame(days()).drop(days()[50:53]), gaps="interpolate"),
    "gaps as a mask": lambda: series(data=frame(days()).drop(days()[50:53]), gaps="mask", freq="D"),
    "quantiles": lambda: series(small(loss="quantile", quantile=[0.1, 0.5, 0.9])),
    "several targets": lambda: series(data=frame(days(), z=wave(seed=3)), target=["y", "z"]),
    "shared targets": lambda: series(data=frame(days(), z=wave(seed=3)), target=["y", "z"], multi_target="shared"),
    "no validation": lambda: series(Ridge(), validation_fraction=None),
    "window_norm": lambda: series(window_norm="standard"),
    "float32 values": lambda: series(data=frame(days()).astype(np.float32)),
    "panel": lambda: series(data=panel(), series="shop", time="day", past_covariates="x", static_covariates="size"),
    "panel of categories": lambda: series(Ridge(), panel("category"), series="shop", time="day", transform="standard"),
    "panel in levels": lambda: series(data=panel().set_index(["shop", "day"]), series="shop"),
    "panel of numbers": lambda: series(
        Ridge(), panel().assign(shop=np.repeat([3, 1, 2], 60)).set_index("day"), series="shop", transform="standard"
    ),
    "series, cycle and segments": lambda: series(
        small(segment=3, decoder="segments", series_size=2, cycle=7), panel(), series="shop", time="day"
    ),
    "a cycle of one series": lambda: series(small(cycle=7)),
    "a cycle of shared targets": lambda: series(
        small(cycle=7, series_size=2), frame(days(), z=wave(seed=3)), target=["y", "z"], multi_target="shared"
    ),
} | {f"regressor: {name}": lambda make=make: series(make()) for name, make in REGRESSORS.items()}

SERIES |= {
    "linear weights of each series": lambda: series(
        LinearForecaster(per_series=True), panel(), series="shop", time="day", past_covariates="x"
    )
}
SERIES |= {f"transform: {name}": transformed(spec) for name, spec in TRANSFORMS.items()}

X = np.random.default_rng(0).normal(size=(200, 6))
ONE, MANY = X[:, -1], X[:, -2:] * 2

WINDOWS = {
    "lstm": lambda: small().fit(X, ONE),
    "gru": lambda: small(cell="gru", num_layers=2).fit(X, MANY),
    "relu": lambda: small(cell="rnn", activation="relu").fit(X, ONE),
    "float64": lambda: small(dtype="float64").fit(X, MANY),
    "dropout and channels": lambda: small(dropout=0.2, n_channels=2).fit(X, ONE),
    "3-D": lambda: small().fit(X.reshape(200, 3, 2), ONE),
    "columns": lambda: small().fit(pd.DataFrame(X, columns=list("abcdef")), ONE),
    "huber": lambda: small(loss="huber", huber_delta=0.5).fit(X, ONE),
    "several levels": lambda: small(loss="quantile", quantile=(0.2, 0.5, 0.8)).fit(X, ONE),
    "sgd": lambda: small(optimizer="sgd", momentum=0.5).fit(X, ONE),
    "rmsprop": lambda: small(optimizer="rmsprop").fit(X, ONE),
    "early stopping": lambda: small(early_stopping=True, n_iter_no_change=1).fit(X, ONE),
    "RandomState": lambda: small(random_state=np.random.RandomState(3)).fit(X, ONE),
    "numpy settings": lambda: small(hidden_size=np.int64(3), learning_rate=np.float32(0.01)).fit(X, ONE),
    "partial_fit": lambda: small().partial_fit(X, ONE).partial_fit(X, ONE),
    "Windows": of_windows,
    "segments": lambda: small(segment=4, decoder="segments", bidirectional=True, skip="linear").fit(X, MANY),
    "steps": lambda: small(decoder="steps", decoder_size=5, weight_average=0.9, warmup_steps=2).fit(X, ONE),
}


@cache
def fitted(name):
    """A model of the tables above, fitted once; it is not to be changed."""
    return (SERIES | WINDOWS)[name]()
