"""What follows "Fix:" in the refusal of a table, an array or a file runs, and then the call works."""

import numpy as np
import pandas as pd
import pytest
from pasted_fixes import chosen, runs_and_helps
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster
from forecast._dlpack import as_numpy
from forecast._frames import Roles, Rules, frequency_of, read_panel, read_values

N = 60
DAYS = pd.date_range("2024-01-01", periods=N, name="day")
Y = 10 + np.sin(np.arange(float(N)))
DF = pd.DataFrame({"y": Y}, index=DAYS)
SHOPS = pd.concat([DF.assign(shop=shop) for shop in "ab"])
LONG = SHOPS.reset_index()
LEVELS = LONG.set_index(["shop", "day"])
TABLE = pd.DataFrame({"shop": ["a", "b"], "size": [1.0, 2.0]})


def series(**more):
    return SeriesForecaster(Ridge(), **{"target": "y", "lookback": 4, "horizon": 2} | more)


def fitted(s, frame="df", static=None, **more):
    return series(**chosen(s, **more)).fit(s[frame], static=s.get("static", static))


class Foreign:
    """An array of another library: on a device, or with a gradient, until it is copied or detached."""

    __module__ = "torch"
    shape, dtype = (N,), "torch.float64"

    def __init__(self, device=1, requires_grad=False):
        self.device, self.requires_grad = device, requires_grad

    def __dlpack_device__(self):
        return self.device, 0

    def __dlpack__(self, **options):
        if self.requires_grad:
            raise BufferError("it requires a gradient")
        return Y.__dlpack__(**options)

    def detach(self):
        return Foreign(self.device)

    def cpu(self):
        return Foreign()


TABLES = {
    # -------------------- arrays and indices
    "an array with a gradient": ({"X": Foreign(requires_grad=True)}, lambda s: as_numpy(s["X"], "X")),
    "an array on another device": ({"X": Foreign(device=2)}, lambda s: as_numpy(s["X"], "X")),
    "missing values": ({"df": DF.assign(y=np.where(Y > 10.9, np.nan, Y))}, lambda s: read_values(s["df"], ["y"])),
    "infinite values": (
        {"df": DF.assign(y=np.where(Y > 10.9, np.inf, Y))},
        lambda s: read_values(s["df"].interpolate(), ["y"]),
    ),
    "values that are too large": (
        {"df": DF.assign(y=np.where(Y > 10.9, 1e200, Y))},
        lambda s: read_values(s["df"], ["y"]),
    ),
    "stamps of text": ({"df": DF.set_axis(DAYS.strftime("%Y-%m-%d"))}, lambda s: frequency_of(s["df"].index)),
    "levels of an index": (
        {"df": DF.set_axis(pd.MultiIndex.from_product([["a"], DAYS.rename(None)]))},
        lambda s: series(series=s["series"]).fit(s["df"]) if "series" in s else frequency_of(s["df"].index),
    ),
    # -------------------- several series
    "a history with its time in a column": (
        {"model": series(series="shop").fit(SHOPS), "history": LONG},
        lambda s: s["model"].set_params(**chosen(s, time=None)).predict(history=s["history"]),
    ),
    "a forgotten time": (
        {"df": LONG},
        lambda s: read_panel(s["df"], Roles(["y"], series="shop", **chosen(s, time=None)), Rules()),
    ),
    "a column twice": (
        {"df": pd.concat([LONG, LONG[["shop"]]], axis=1)},
        lambda s: fitted(s, series="shop", time="day"),
    ),
    "a tuple for two columns": (
        {"df": LONG.assign(store="x")},
        lambda s: fitted(s, series=("shop", "store"), time="day"),
    ),
    "a level without a role": (
        {"df": LONG.assign(store="x").set_index(["shop", "store", "day"])},
        lambda s: fitted(s, series="shop"),
    ),
    "levels without a name": (
        {"df": LONG.assign(row=range(2 * N)).set_index(["day", "row"]).rename_axis(["day", None])},
        lambda s: fitted(s, series="shop"),
    ),
    "future rows of an unknown series": (
        {"model": series(series="shop").fit(SHOPS), "X": SHOPS[-2:].assign(shop="z")},
        lambda s: s["model"].predict(s["X"]),
    ),
    # -------------------- tables of static covariates
    "dates as static covariates": (
        {"df": SHOPS, "static": TABLE.assign(opened=DAYS[:2])},
        lambda s: fitted(s, series="shop"),
    ),
    "a series twice in the table": (
        {"df": SHOPS, "static": pd.concat([TABLE, TABLE[:1]])},
        lambda s: fitted(s, series="shop"),
    ),
    "a series twice in the table's index": (
        {"df": SHOPS, "static": pd.concat([TABLE, TABLE[:1]]).set_index("shop")},
        lambda s: fitted(s, series="shop"),
    ),
    # -------------------- columns
    "a target of text": ({"df": pd.DataFrame({"y": Y.astype(str)}, DAYS)}, lambda s: fitted(s, target=None)),
    "columns of text alone": (
        {"df": pd.DataFrame({"a": Y.astype(str), "y": Y.astype(str)}, DAYS)},
        lambda s: fitted(s, target=None),
    ),
    "steps without a date": ({"df": DF.reset_index(drop=True)}, lambda s: fitted(s, calendar=["month"])),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.filterwarnings("ignore")
def test_a_fix_of_a_table_runs_and_helps(name):
    scope, call = TABLES[name]
    runs_and_helps({"pd": pd, "np": np} | scope, call)
