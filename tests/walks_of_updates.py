"""Walks over what a fitted forecaster does with rows that came later, and over panels that it answers in part."""

from copy import deepcopy

import numpy as np
import pandas as pd
from walks import Also, Each, Walk
from walks_of_models import RIDGE, days, fitted, shops

from forecast import RNNForecaster, SeriesForecaster

NEWER = days(63)[60:]
STORES = {"of": (("series", "shop"),)}  # the forecaster of two stores
TABLE = pd.DataFrame({"shop": ["x", "y"], "size": [1.0, 3.0]})
SIZES = {"of": (("series", "shop"), ("static_covariates", "size"))}
UNSIZED = shops().drop(columns="size")
BROKEN = pd.concat([shops()[:60], shops()[60:].drop(index=days().index[30])])
AHEAD = fitted(series="shop").future_frame()
AWRY = AHEAD.iloc[[0, 1, 2, 3, 5]]


def updated(of=(), **arguments):
    """What a forecaster knows and forecasts after an update, also where it fails half-way."""
    model = deepcopy(fitted(**dict(of)))
    model.update(**arguments)
    return model.predict(), model.history_, model.n_windows_


NETWORK = RNNForecaster(hidden_size=3, max_iter=2, random_state=0)


def tuned(of=(), **arguments):
    """What a fine-tuned forecaster knows and forecasts."""
    given = RIDGE | dict(of)
    data = shops() if "series" in given else days()
    model = SeriesForecaster(NETWORK, **given).fit(data).fine_tune(**arguments)
    return model.predict(), model.history_, model.n_windows_, repr(model.report_.table)


def watched(of=(), **arguments):
    report = fitted(**dict(of)).monitor(**arguments)
    return repr(report), report.frame, report.by_series


def later_shops(rows=3):
    """Rows of both stores after those of the fit."""
    index = pd.date_range(days().index[-1], periods=rows + 1, freq="D", name="day")[1:]
    parts = [pd.DataFrame({"a": 5.0 + np.arange(rows), "b": 9.0, "shop": name}, index=index) for name in ("x", "y")]
    return pd.concat(parts)


MANY = Also("raise", **STORES, history=BROKEN, says="has gaps")
PART = {
    "errors": Each([MANY, Also("raise", **STORES, X=AWRY, says="does not continue")]),
    "static": Also(TABLE, **SIZES, history=UNSIZED),
}
UPDATES = {
    "SeriesForecaster.update": Walk(
        updated,
        {"new_rows": NEWER},
        {
            "new_rows": NEWER[:2],
            "y": NEWER["a"] + 1.0,
            "refit": "continue",
            "history": Each([days(), Also(days()[20:], refit="continue")]),
            "static": Also(TABLE, **SIZES, new_rows=later_shops()),
            "overlap": Also("skip", new_rows=days(63)[50:]),
            "errors": Also("raise", **STORES, new_rows=later_shops()[:5], says="series end before"),
        },
    ),
    "SeriesForecaster.fine_tune": Walk(
        tuned,
        {"X": days()},
        {
            "X": days()[10:],
            "y": days()["a"] + 1.0,
            "freeze": ["encoder"],
            "learning_rate": 0.05,
            "max_iter": 3,
            "static": Also(TABLE, **SIZES, X=UNSIZED),
        },
    ),
    "SeriesForecaster.monitor": Walk(
        watched,
        {"new_rows": days(90)[60:]},
        {
            "new_rows": None,
            "y": days(90)["a"][60:] + 1.0,
            "window": 10,
            "confidence": 0.8,
            "margin": 0.3,
            "overlap": Also("skip", new_rows=days(90)[50:]),
        },
    ),
}


def more(walk, **changes):
    """A walk with further arguments."""
    return Walk(walk.call, walk.base, walk.changes | changes)


def with_panels(models):
    """The walks over a forecaster's answers, with the arguments that matter for panels."""
    found = {}
    for method in ("predict", "predict_interval", "predict_quantiles", "sample_y", "sample"):
        found[f"SeriesForecaster.{method}"] = more(models[f"SeriesForecaster.{method}"], n=2, **PART)
    found["SeriesForecaster.future_frame"] = more(
        models["SeriesForecaster.future_frame"],
        errors=MANY,
        static=PART["static"],
        new=Also(["z"], **SIZES),
    )
    found["SeriesForecaster.fit"] = more(models["SeriesForecaster.fit"], static=Also(TABLE, says="series is None"))
    return found
