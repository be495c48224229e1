"""Random configurations of `SeriesForecaster`: the series, how they are laid out, and the arguments of the model."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from forecast import LinearForecaster, RNNForecaster
from forecast.baselines import Drift, LastValue, SeasonalNaive

__all__ = ["Configuration", "draw"]

REGRESSORS = {
    "ridge": lambda: Ridge(),
    "least squares": lambda: LinearRegression(),
    "pipeline": lambda: make_pipeline(StandardScaler(), Ridge()),
    "linear": lambda: LinearForecaster(),
    "last value": lambda: LastValue(),
    "seasonal naive": lambda: SeasonalNaive(3),
    "drift": lambda: Drift(),
    "gru": lambda: RNNForecaster(cell="gru", hidden_size=4, max_iter=2, early_stopping=False, random_state=0),
    "lstm": lambda: RNNForecaster(hidden_size=4, max_iter=2, random_state=0),
    "members": None,
}
MEMBERS = {
    "ridge": lambda: {"regressor": Ridge(), "weight": 2.0},
    "naive": lambda: {"regressor": SeasonalNaive(2), "lookback": 4, "window_norm": None},
    "short": lambda: {"regressor": LinearRegression(), "lookback": 2, "transform": None},
}
TRANSFORMS = (
    None, None, None, "standard", "robust", "minmax", "asinh", "log", "log1p", "boxcox", "difference",
    "seasonal_difference", "log_return", ["log1p", "standard"], ["difference", "standard"],
)  # fmt: skip
POSITIVE = ("log", "boxcox", "log_return")
NORMS = ("auto", "last", "mean", "standard", None, ("mean", 0.5), ("standard", 0.5), ("season", 3))
# Steps of the index; a number counts rows.
FREQS = ("15min", "h", "h", "D", "D", "B", "W-SAT", "MS", "ME", "QS", "YS", 1, 3, "period M", "period D")
ZONES = (
    None, None, "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo",
)  # fmt: skip
# Most near a change of clocks or the end of a month.
STARTS = ("2024-03-29", "2023-10-27", "2024-01-31", "2000-02-27", "1969-12-20", "2024-04-05 23:00", "2018-11-02")
KINDS = ("walk", "season", "counts", "constant", "large", "tiny", "trend")
HOLES = ("none", "none", "some", "first", "last", "many", "covariate")
GAPS = ("none", "none", "some", "long")
CALENDARS = (None, None, None, ["month"], ["dayofweek", "month"], ["hour"], ["dayofyear"])
LAYOUTS = ("index", "nameless", "column", "y", "series", "nullable", "arrow types", "objects", "polars", "arrow")
PANEL_LAYOUTS = (
    "index", "column", "levels", "levels, time first", "interleaved", "categories", "numbers", "nullable",
    "arrow types", "objects", "polars", "arrow",
)  # fmt: skip


@dataclass
class Configuration:
    """A model's arguments and rows in a user's layout.

    Attributes
    ----------
    seed : int
        Gives the same configuration again: `draw(seed)`.
    options : dict
        Arguments of `SeriesForecaster`.
    drawn : dict
        What was drawn, for messages.
    rows : pandas.DataFrame
        All rows, one below the other: `series`, `stamp`, values.
    full : pandas.DataFrame
        Every stamp of every series, before rows were taken out, with the known future.
    """

    seed: int
    options: dict
    drawn: dict
    rows: pd.DataFrame = field(repr=False)
    full: pd.DataFrame = field(repr=False)

    @property
    def targets(self):
        """Names of the targets."""
        target = self.options.get("target", "y")
        return target if isinstance(target, list) else [target]

    def after(self, last, n):
        """The `n` stamps after one."""
        freq = self.drawn["freq"]
        if isinstance(freq, int):
            return pd.RangeIndex(last + freq, last + freq * (n + 1), freq)
        if isinstance(last, pd.Period):
            return pd.period_range(last, periods=n + 1, freq=last.freq)[1:]
        if freq in ("15min", "h"):
            return pd.date_range(last, periods=n + 1, freq=freq)[1:]
        days = pd.date_range(last.tz_localize(None).normalize(), periods=n + 1, freq=freq)[1:]
        return days if last.tz is None else days.tz_localize(last.tz, nonexistent="shift_forward")

    def future_rows(self, past):
        """The steps after the end of each series, with the known future values as they would come."""
        parts = []
        for name, stamps in past.groupby("series", sort=False)["stamp"]:
            ahead = self.after(stamps.max(), self.options["horizon"])
            parts.append(pd.DataFrame({"series": name, "stamp": ahead}))
        rows = pd.concat(parts, ignore_index=True)
        if self.drawn["layout"] == "interleaved":
            rows = rows.sort_values("stamp", kind="stable", ignore_index=True)
        known = self.full[["series", "stamp", "f"]] if "f" in self.full else self.full[["series", "stamp"]]
        return rows.merge(known, how="left", on=["series", "stamp"])

    def future(self, past):
        """What `predict` is given: None where the model needs nothing."""
        if "future_covariates" not in self.options:
            return None
        return self.laid_out(self.future_rows(past), apart=False)[0]

    def laid_out(self, rows, apart=True):
        """Rows in the layout of the user, and their target where it is given `apart`."""
        layout, names = self.drawn["layout"], [name for name in rows.columns if name not in ("series", "stamp")]
        if self.drawn["n_series"] == 1:
            frame = rows[names].set_axis(pd.Index(rows["stamp"]).rename(None if layout == "nameless" else "when"))
            if layout == "y" and apart:
                return frame.drop(columns="y"), frame["y"]
            if layout == "series" and apart:
                return frame["y"], None
            if layout in ("index", "nameless", "y", "series"):
                return frame, None
            frame = frame.reset_index()
        else:
            frame = rows.rename(columns={"series": "shop", "stamp": "when"})
            if layout in ("levels", "levels, time first"):
                levels = ["shop", "when"] if layout == "levels" else ["when", "shop"]
                return frame.set_index(levels), None
            if layout == "index":
                return frame.set_index("when"), None
            if layout == "interleaved":
                frame = frame.sort_values("when", kind="stable", ignore_index=True)
            if layout == "categories":
                frame = frame.astype({"shop": "category"})
            if layout == "numbers":
                frame = frame.assign(shop=frame["shop"].str[1:].astype(int))
        if layout == "nullable":
            return frame.convert_dtypes(), None
        if layout == "arrow types":
            return frame.convert_dtypes(dtype_backend="pyarrow"), None
        if layout == "objects":
            return frame.assign(when=frame["when"].astype(object)), None
        if layout == "polars":
            import polars

            return polars.from_pandas(frame), None
        if layout == "arrow":
            import pyarrow

            return pyarrow.Table.from_pandas(frame, preserve_index=False), None
        return frame, None

    def key(self, name):
        """A series by the name that its layout has for it."""
        return int(name[1:]) if self.drawn["layout"] == "numbers" else name


def one_of(rng, choices):
    return choices[int(rng.integers(len(choices)))]


def draw(seed):
    """A configuration from its seed.

    Parameters
    ----------
    seed : int

    Returns
    -------
    Configuration
    """
    rng = np.random.default_rng(seed)
    n_series = one_of(rng, (1, 1, 2, 3))
    drawn = {
        "regressor": one_of(rng, list(REGRESSORS)),
        "n_series": n_series,
        "layout": one_of(rng, LAYOUTS if n_series == 1 else PANEL_LAYOUTS),
        "freq": one_of(rng, FREQS),
        "kind": one_of(rng, KINDS),
        "dtype": one_of(rng, ("float64", "float64", "float32", "int64")),
        "holes": one_of(rng, HOLES),
        "gap": one_of(rng, GAPS),
        "start": one_of(rng, STARTS),
        "n_rows": int(rng.integers(36, 90)),
        "uneven": bool(rng.random() < 0.4) and n_series > 1,
        "zone": None,
    }
    dates = not isinstance(drawn["freq"], int) and not drawn["freq"].startswith("period")
    if dates:
        drawn["zone"] = one_of(rng, ZONES)
    if drawn["layout"] in ("polars", "arrow") and not dates and not isinstance(drawn["freq"], int):
        drawn["freq"] = "D"  # they have no periods
    options = {
        "regressor": None if drawn["regressor"] == "members" else REGRESSORS[drawn["regressor"]](),
        "lookback": int(rng.integers(1, 11)),
        "horizon": int(rng.integers(1, 6)),
        "transform": one_of(rng, TRANSFORMS),
        "calendar": one_of(rng, CALENDARS) if not isinstance(drawn["freq"], int) else None,
        "window_norm": one_of(rng, NORMS),
        "missing": one_of(rng, ("error", "mask", "mask")),
        "gaps": one_of(rng, ("error", "mask", "interpolate", "mask")),
        "level": bool(rng.random() < 0.2),
        "step": one_of(rng, (1, 1, 1, 2)),
        "validation_fraction": one_of(rng, (None, 0.2)),
        "lower": one_of(rng, (None, None, None, 0.0)),
        "upper": one_of(rng, (None, None, None, 50.0)),
    }
    if drawn["regressor"] == "members":
        chosen = rng.permutation(list(MEMBERS))[: int(rng.integers(1, 4))]
        options["members"] = {str(name): MEMBERS[name]() for name in chosen}
    rows, full, roles = _rows(rng, drawn, options)
    return Configuration(seed, options | roles, drawn, rows, full)


def _stamps(drawn):
    freq, n = drawn["freq"], drawn["n_rows"]
    if isinstance(freq, int):
        return pd.RangeIndex(-7, -7 + freq * n, freq)
    if freq.startswith("period"):
        return pd.period_range(drawn["start"], periods=n, freq=freq.split()[1])
    start = pd.Timestamp(drawn["start"])
    if freq in ("15min", "h"):
        return pd.date_range(start, periods=n, freq=freq, tz=drawn["zone"])
    days = pd.date_range(start.normalize(), periods=n, freq=freq)  # a midnight that a clock leaves out is an hour later
    return days if drawn["zone"] is None else days.tz_localize(drawn["zone"], nonexistent="shift_forward")


def _values(rng, kind, n, positive):
    t = np.arange(n)
    walk = rng.normal(size=n).cumsum()
    made = {
        "walk": walk,
        "season": 3 * np.sin(2 * np.pi * t / 7) + 0.3 * rng.normal(size=n),
        "counts": rng.poisson(1.5, n).astype(float),
        "constant": np.full(n, 4.0),
        "large": 1e8 + 1e3 * walk,
        "tiny": 1e-6 * walk,
        "trend": 0.5 * t + rng.normal(size=n),
    }[kind]
    if positive and kind != "large":
        made = made - made.min() + (1e-6 if kind == "tiny" else 1.0)
    return made


def _rows(rng, drawn, options):
    """Rows of all series, and the roles of their columns."""
    stamps, roles = _stamps(drawn), {"target": "y"}
    names = options["transform"] if isinstance(options["transform"], list) else [options["transform"]]
    positive = bool(rng.random() < 0.8) and any(name in (*POSITIVE, "log1p") for name in names)
    alone = drawn["layout"] == "series"
    with_past, with_future, with_static = (bool(rng.random() < share) and not alone for share in (0.3, 0.3, 0.3))
    two = bool(rng.random() < 0.25) and drawn["layout"] not in ("y", "series")
    if drawn["n_series"] > 1:
        roles["series"] = "shop"
    if drawn["layout"] not in ("index", "nameless", "y", "series", "levels", "levels, time first"):
        roles["time"] = "when"
    if drawn["layout"] in ("y", "series"):
        roles.pop("target")
    if two:
        roles["target"] = ["y", "z"]
        options["multi_target"] = one_of(rng, ("joint", "shared"))
    parts, whole = [], []
    for number in range(drawn["n_series"]):
        n = len(stamps)
        part = pd.DataFrame({"series": f"s{number}", "stamp": stamps, "y": _values(rng, drawn["kind"], n, positive)})
        if two:
            part["z"] = _values(rng, "walk", n, positive)
        if with_past:
            part["p"] = rng.normal(size=n)
            part["kind"] = rng.choice(["sun", "rain", "snow"], n)
            roles["past_covariates"] = ["p", "kind"]
        if with_future:
            part["f"] = rng.normal(size=n)
            roles["future_covariates"] = ["f"]
        if with_static and drawn["n_series"] > 1:
            part["s"], part["size"] = one_of(rng, ("red", "blue")), float(rng.integers(1, 9))
            roles["static_covariates"] = ["s", "size"]
        whole.append(part)
        if drawn["uneven"]:
            part = part.iloc[int(rng.integers(0, 8)) : n - int(rng.integers(0, 3)) * (number > 0)]
        parts.append(_gapped(rng, _holed(rng, part, drawn), drawn))
    rows = pd.concat(parts, ignore_index=True)
    if drawn["dtype"] == "int64" and not rows["y"].isna().any() and drawn["kind"] != "tiny":
        rows["y"] = rows["y"].round().astype("int64")
    if drawn["dtype"] == "float32" and drawn["kind"] != "large":
        rows["y"] = rows["y"].astype("float32")
    if not isinstance(drawn["freq"], int) and (drawn["gap"] != "none" or drawn["freq"] == "B"):
        options["freq"] = drawn["freq"].split()[-1]
    return rows, pd.concat(whole, ignore_index=True), roles


def _holed(rng, part, drawn):
    """Missing values."""
    n, part = len(part), part.reset_index(drop=True)
    at = {
        "some": rng.choice(n, 3, replace=False),
        "first": np.arange(2),
        "last": np.arange(n - 2, n),
        "many": np.flatnonzero(rng.random(n) < 0.3),
    }.get(drawn["holes"], [])
    part.loc[at, "y"] = np.nan
    if drawn["holes"] == "covariate" and "p" in part:
        part.loc[rng.choice(n, 3, replace=False), "p"] = np.nan
    return part


def _gapped(rng, part, drawn):
    """Missing rows."""
    n = len(part)
    if drawn["gap"] == "some":
        return part.drop(index=rng.choice(np.arange(2, n - 2), 2, replace=False))
    if drawn["gap"] == "long":
        begin = int(rng.integers(2, n - 9))
        return part.drop(index=np.arange(begin, begin + 7))
    return part
