"""Twelve kinds of corrupt frames, 25 random ones of each (50 with `-m reliability`): all refused with the place."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from forecast._frames import Panel, Roles, Rules, answer, future_frame, read_future, read_panel

ZONES = [None, "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]
FREQUENCIES = ["15min", "h", "D", "B", "W-SUN", "MS", "ME", "QS-JAN"]
N_STEPS = 4  # of a future frame
MORE = range(8, 17)  # blocks of clean frames: 204 in all


@dataclass
class Case:
    """A random frame in long columns `series`, `time` and values, and how the user lays it out."""

    long: pd.DataFrame
    roles: Roles
    freq: object
    kind: str
    grouped: bool
    levels: bool

    def laid_out(self, long=None):
        long = self.long if long is None else long
        index = [name for name in ("series", "time") if getattr(self.roles, name) is None or self.levels]
        if self.roles.series is None:
            long = long.drop(columns="series")
            index = [name for name in index if name == "time"]
        return long.set_index(index) if index else long

    def read(self, long=None, **rules):
        return read_panel(self.laid_out(long), self.roles, Rules(**rules))


def stamps(kind, freq, zone, n, rng):
    if kind == "integer":
        first = int(rng.integers(0, 50))
        return pd.Index(np.arange(first, first + n * freq, freq), name="time")
    day = pd.Timestamp("2024-01-01") + pd.Timedelta(days=int(rng.integers(0, 330)))
    if kind == "period":
        return pd.period_range(day, periods=n, freq=freq, name="time")
    if zone is None or freq in ("15min", "h"):
        return pd.date_range(day, periods=n, freq=freq, tz=zone, name="time")
    wall = pd.date_range(day + pd.Timedelta(hours=12), periods=n, freq=freq, name="time")
    return wall.tz_localize(zone)


def random_case(seed, kind=None):
    rng = np.random.default_rng(seed)
    kind = kind or rng.choice(["datetime"] * 6 + ["period", "integer"])
    freq = {
        "datetime": rng.choice(FREQUENCIES),
        "period": rng.choice(["h", "D", "M"]),
        "integer": int(rng.integers(1, 7)),
    }[kind]
    freq = freq if kind == "integer" else str(freq)
    zone = ZONES[rng.integers(len(ZONES))]
    panel = rng.random() < 0.6
    names = ["north", "south", "west"][: rng.integers(2, 4)] if panel else ["only"]
    parts, whole = [], stamps(kind, freq, zone, 60, rng)
    for number, name in enumerate(names):
        first, last = (int(rng.integers(0, 20)), int(rng.integers(45, 61))) if panel else (0, 60)
        n = last - first
        part = pd.DataFrame(
            {"series": name, "time": whole[first:last], "y": rng.normal(size=n), "x": rng.normal(size=n)}
        )
        part["promo"] = rng.integers(0, 5, size=n).astype(float)
        part["weather"] = rng.choice(["dry", "rain", "snow"], size=n)
        part["size"] = float(number)
        parts.append(part)
    long = pd.concat(parts, ignore_index=True)
    if panel and rng.random() < 0.3:
        long["series"] = long["series"].astype("category")
    grouped = not panel or rng.random() < 0.5
    levels = bool(panel and rng.random() < 0.3)
    in_column = not levels and rng.random() < 0.5
    roles = Roles(
        ["y"],
        ["x"],
        ["promo", "weather"],
        ["size"] if panel else [],
        series="series" if panel else None,
        time="time" if in_column else None,
    )
    case = Case(long, roles, freq, kind, grouped, levels)
    if not grouped:
        case.long = long.sort_values("time", kind="stable", ignore_index=True)
    return case, rng


def a_row(case, rng, inner=False):
    """A row; an inner one has neighbours in its series on both sides."""
    if not inner:
        return int(rng.integers(len(case.long)))
    series = case.long["series"].astype(str)
    rows = np.flatnonzero((series == series.iloc[rng.integers(len(series))]).to_numpy())
    return int(rows[rng.integers(2, len(rows) - 2)])


def stamp_of(case, row):
    return str(case.long["time"].iloc[row])


# -------------------- clean frames


@pytest.mark.parametrize("block", [*range(8), *(pytest.param(block, marks=pytest.mark.reliability) for block in MORE)])
def test_clean_frames_are_never_refused(block):
    for seed in range(12 * block, 12 * block + 12):
        case, rng = random_case(1000 + seed)
        panel = case.read()
        assert isinstance(panel, Panel)
        again = case.read(freq=case.freq if case.kind != "period" else None)
        np.testing.assert_array_equal(again.targets, panel.targets)
        assert len(panel.targets) == len(case.long)
        future, expected = future_of(case, panel, rng)
        got = read_future(future, case.roles, panel.schema, panel.axis, expected, at_least=N_STEPS)
        assert sum(map(len, got.values)) == len(future)


@pytest.mark.parametrize("seed", range(20))
def test_rows_of_a_clean_frame_are_read_series_by_series(seed):
    case, _ = random_case(2000 + seed)
    panel = case.read()
    series = case.long["series"].astype(str)
    names = ["only"] if panel.keys is None else list(panel.keys)
    assert names == list(dict.fromkeys(series))
    for number, name in enumerate(names):
        rows = slice(panel.starts[number], panel.starts[number + 1])
        part = case.long[(series == name).to_numpy()]
        np.testing.assert_array_equal(panel.targets[rows, 0], part["y"])
        np.testing.assert_array_equal(panel.past[rows, 0], part["x"])
        np.testing.assert_array_equal(panel.future[rows, 0], part["promo"])
        np.testing.assert_array_equal(panel.future[rows, 2], part["weather"] == "rain")
        assert list(panel.index[rows]) == list(part["time"])
    assert panel.schema.future_names == ["promo", "weather=dry", "weather=rain", "weather=snow"]


# -------------------- corruption of the past: each changes a case's rows and says what the message must name


def duplicate_stamp(case, rng):
    row = a_row(case, rng)
    long = pd.concat([case.long.iloc[: row + 1], case.long.iloc[row:]], ignore_index=True)
    return long, stamp_of(case, row)


def disorder(case, rng):
    series = case.long["series"].astype(str)
    rows = np.flatnonzero((series == series.iloc[a_row(case, rng)]).to_numpy())
    at = int(rng.integers(1, len(rows)))
    order = np.arange(len(case.long))
    order[[rows[at - 1], rows[at]]] = order[[rows[at], rows[at - 1]]]
    return case.long.iloc[order].reset_index(drop=True), stamp_of(case, rows[at - 1])


def missing_stamp(case, rng):
    row = a_row(case, rng, inner=True)
    return case.long.drop(index=row).reset_index(drop=True), stamp_of(case, row)


def mixed_zones(case, rng):
    row = a_row(case, rng, inner=True)
    time = case.long["time"].astype(object)
    stamp = pd.Timestamp(time.iloc[row])
    other = "Asia/Tokyo" if rng.random() < 0.5 else None
    moved = stamp.tz_localize("UTC") if stamp.tz is None else stamp.tz_convert(other)
    time.iloc[row] = moved
    case.levels = False  # a level of an index holds an instant once, in the zone that came first
    return case.long.assign(time=time), str(moved)


def not_a_time(case, rng):
    row = a_row(case, rng)
    time = case.long["time"].copy()
    if case.kind == "integer":
        time = time.astype("Int64")
    time.iloc[row] = pd.NaT if case.kind != "integer" else pd.NA
    return case.long.assign(time=time), f"row {row}"


def text_among_numbers(case, rng):
    row = a_row(case, rng)
    name = str(rng.choice(["y", "x", "promo"]))
    values = case.long[name].astype(object)
    values.iloc[row] = "n/a"
    return case.long.assign(**{name: values}), (name, stamp_of(case, row))


def one_value(value):
    def corrupt(case, rng):
        row = a_row(case, rng)
        name = str(rng.choice(["y", "x", "promo"]))
        values = case.long[name].copy()
        values.iloc[row] = value if rng.random() < 0.5 else -value
        return case.long.assign(**{name: values}), (name, stamp_of(case, row))

    return corrupt


def missing_column(case, rng):
    name = str(rng.choice(["y", "x", "promo", "weather"]))
    return case.long.drop(columns=name), name


def split_in_two(case, rng):
    """The first rows of a series move behind all others, where it is not the last one of the frame."""
    first = case.long["series"].astype(str).iloc[0]
    own = np.flatnonzero((case.long["series"].astype(str) == first).to_numpy())
    cut = own[: int(rng.integers(2, 10))]
    order = np.concatenate([np.setdiff1d(np.arange(len(case.long)), cut), cut])
    return case.long.iloc[order].reset_index(drop=True), first


PAST = {
    "duplicate stamp": (duplicate_stamp, {}),
    "disorder": (disorder, {}),
    "missing stamp": (missing_stamp, {}),
    "mixed zones": (mixed_zones, {"kind": "datetime"}),
    "NaT": (not_a_time, {}),
    "string": (text_among_numbers, {}),
    "infinite": (one_value(np.inf), {}),
    "NaN": (one_value(np.nan), {}),
    "missing column": (missing_column, {}),
    "split in two": (split_in_two, {"panel": True}),
}


def cases(n, kind=None, panel=None):
    seed, found = 5000, 0
    while found < n:
        case, rng = random_case(seed, kind)
        seed += 1
        if panel is None or (case.roles.series is not None) == panel:
            found += 1
            yield case, rng


@pytest.mark.parametrize("n", [25, pytest.param(50, marks=pytest.mark.reliability)])
@pytest.mark.parametrize("name", PAST)
def test_corrupt_frames_are_refused_with_column_and_stamp(name, n):
    corrupt, limits = PAST[name]
    for case, rng in cases(n, **limits):
        case.read()
        long, said = corrupt(case, rng)
        given = name == "missing stamp" and case.kind != "period"
        with pytest.raises((ValueError, TypeError)) as caught:
            case.read(long, freq=case.freq if given else None)
        for word in said if isinstance(said, tuple) else (said,):
            assert word in str(caught.value), (name, word, str(caught.value))


# -------------------- corruption of the future frame


def future_of(case, panel, rng):
    """A filled future frame and the last known labels of its series."""
    ends = panel.starts[1:] - 1
    keys = [None] if panel.keys is None else list(panel.keys)
    expected = {key: panel.index[end] for key, end in zip(keys, ends, strict=True)}
    labels = [panel.axis.after(last, N_STEPS) for last in expected.values()]
    future = future_frame(panel.layout, case.roles, panel.schema, keys, labels)
    future["promo"] = rng.integers(0, 5, size=len(future)).astype(float)
    future["weather"] = rng.choice(["dry", "rain"], size=len(future))
    return future, expected


def short(future, rng, n_series):
    """The last row of one series is not there."""
    number = int(rng.integers(n_series))
    return np.delete(np.arange(len(future)), number * N_STEPS + N_STEPS - 1), number, N_STEPS - 1


def shifted(future, rng, n_series):
    """The first row of one series is not there, and no later one in its place."""
    number = int(rng.integers(n_series))
    return np.delete(np.arange(len(future)), number * N_STEPS), number, 0


@pytest.mark.parametrize("n", [25, pytest.param(50, marks=pytest.mark.reliability)])
@pytest.mark.parametrize("corrupt", [short, shifted])
def test_future_frames_that_do_not_fit_are_refused_with_series_and_first_missing_stamp(corrupt, n):
    for case, rng in cases(n):
        panel = case.read()
        future, expected = future_of(case, panel, rng)
        rows, number, step = corrupt(future, rng, len(expected))
        key = list(expected)[number]
        missing = panel.axis.after(expected[key], N_STEPS)[step]
        with pytest.raises(ValueError, match="future_frame") as caught:
            read_future(future.iloc[rows], case.roles, panel.schema, panel.axis, expected, at_least=N_STEPS)
        assert str(missing) in str(caught.value)
        assert key is None or repr(key) in str(caught.value)


def test_answers_are_laid_out_as_the_users_frame():
    for case, _ in cases(25):
        panel = case.read()
        frame = case.laid_out()
        keys = [None] if panel.keys is None else list(panel.keys)
        labels = [panel.axis.after(panel.index[end - 1], 3) for end in panel.starts[1:]]
        got = answer(panel.layout, case.roles, keys, labels, [np.zeros((3, 1)) for _ in keys], ["y"])
        assert got.index.names == (frame.index.names if case.roles.time is None else [None])
        wanted = [name for name in ("series", "time") if getattr(case.roles, name) is not None and name in frame]
        assert list(got.columns) == [*wanted, "y"]
        for name in wanted:
            assert got[name].dtype == frame[name].dtype
        if case.roles.time is None and not case.levels:
            assert got.index.dtype == frame.index.dtype


def test_the_generator_makes_every_kind_of_frame():
    seen = [random_case(1000 + seed)[0] for seed in range(96)]
    assert {case.kind for case in seen} == {"datetime", "period", "integer"}
    assert {case.freq for case in seen} >= set(FREQUENCIES)
    assert {(case.roles.series is None, case.grouped) for case in seen} == {(True, True), (False, True), (False, False)}
    assert {(case.levels, case.roles.time) for case in seen} == {(True, None), (False, None), (False, "time")}
    assert replace(seen[0], levels=True) is not seen[0]
