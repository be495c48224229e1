"""A small panel of several lengths, and every way to lay it out."""

import numpy as np
import pandas as pd

from forecast._frames import Roles

DAYS = pd.date_range("2024-01-01", periods=8, freq="D", tz="Europe/Berlin", name="day")
BARE = pd.DatetimeIndex(DAYS, freq=None)


def long(lengths=(8, 6, 5), dtype=np.float64):
    """Series of several lengths that end together; columns shop, day and values."""
    parts = []
    for number, n in enumerate(lengths):
        y = np.arange(n, dtype=dtype) + 100 * number
        parts.append(pd.DataFrame({"shop": f"s{number}", "day": BARE[-n:], "y": y, "x": -y, "size": dtype(number)}))
    return pd.concat(parts, ignore_index=True)


def roles(**changes):
    return Roles(**({"target": ["y"], "past": ["x"], "static": ["size"], "series": "shop"} | changes))


LAYOUTS = {
    "columns": (lambda f: f, {"time": "day"}),
    "time in the index": (lambda f: f.set_index("day"), {}),
    "levels": (lambda f: f.set_index(["shop", "day"]), {}),
    "levels, time first": (lambda f: f.set_index(["day", "shop"]), {}),
    "names in the index": (lambda f: f.set_index("shop"), {"time": "day"}),
    "categories": (lambda f: f.astype({"shop": "category"}), {"time": "day"}),
    "numbers as names": (lambda f: f.assign(shop=f["shop"].str[1:].astype(int)), {"time": "day"}),
    "interleaved": (lambda f: f.sort_values("day", kind="stable"), {"time": "day"}),
}
