"""Splitters on panels and with purged borders: cuts by time stamp, and no training row next to the test."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score

from forecast._windows import Windows, make_windows
from forecast.datasets import make_ar1
from forecast.model_selection import PurgedTimeSeriesSplit, RollingOrigin

pytestmark = pytest.mark.quick

LENGTHS = {"a": (0, 20), "b": (5, 20), "c": (0, 12)}  # first day and day after the last


def long_frame():
    parts = [
        pd.DataFrame({"day": pd.date_range("2024-01-01", periods=20)[begin:end], "id": name, "y": float(begin)})
        for name, (begin, end) in LENGTHS.items()
    ]
    return pd.concat(parts, ignore_index=True)


PANELS = {
    "column": (long_frame(), "day"),
    "shuffled": (long_frame().sample(frac=1, random_state=0), "day"),
    "repeated index": (long_frame().set_index("day"), None),
    "level": (long_frame().set_index(["id", "day"]), None),
    "named level": (long_frame().set_index(["id", "day"]), "day"),
    "level of time first": (long_frame().set_index(["day", "id"]), None),
    "zone": (long_frame().assign(day=lambda frame: frame["day"].dt.tz_localize("Asia/Tokyo")), "day"),
    "periods": (long_frame().assign(day=lambda frame: frame["day"].dt.to_period("D")).set_index("day"), None),
    "steps": (long_frame().assign(day=lambda frame: frame["day"].dt.day_of_year).set_index("day"), None),
    "series": (long_frame().set_index("day")["y"], None),
    "polars": (pl.DataFrame(long_frame().to_dict("list")), "day"),
    "arrow": (pa.Table.from_pandas(long_frame(), preserve_index=False), "day"),
}


def days_of(panel, time):
    """Day of the year of each row, 1 to 20."""
    if isinstance(panel, (pl.DataFrame, pa.Table)):
        return np.asarray(pd.DatetimeIndex(panel[time].to_numpy()).day_of_year)
    labels = panel[time] if isinstance(panel, pd.DataFrame) and time in panel else panel.index.get_level_values("day")
    labels = pd.Index(labels)
    return np.asarray(labels if labels.dtype.kind in "iu" else labels.day_of_year)


@pytest.mark.parametrize("kind", PANELS)
@pytest.mark.parametrize(
    "cv",
    [RollingOrigin(3, 4), RollingOrigin(4, 4, step=2, gap=2), RollingOrigin(2, 5, max_train_size=3), RollingOrigin(1)],
    ids=str,
)
def test_origins_cut_all_series_at_one_time(kind, cv):
    panel, time = PANELS[kind]
    cv = clone_with(cv, time=time)
    days = days_of(panel, time)
    folds = list(cv.split(panel))
    assert len(folds) == cv.get_n_splits(panel)
    step = cv.step or cv.horizon
    for number, (train, test) in enumerate(folds):
        origin = 20 - cv.horizon - (cv.n_splits - 1 - number) * step
        oldest = 0 if cv.max_train_size is None else origin - cv.gap - cv.max_train_size
        np.testing.assert_array_equal(test, np.flatnonzero((days > origin) & (days <= origin + cv.horizon)))
        np.testing.assert_array_equal(train, np.flatnonzero((days > oldest) & (days <= origin - cv.gap)))


def clone_with(cv, **changes):
    return type(cv)(**(vars(cv) | changes))


@pytest.mark.parametrize("cv", [RollingOrigin(3, 4), PurgedTimeSeriesSplit(3, purge=2)], ids=str)
def test_panel_of_one_series_is_split_as_its_rows_are(cv):
    one = long_frame().query("id == 'a'")
    by_rows, by_stamps = list(cv.split(one)), list(clone_with(cv, time="day").split(one))
    for (train, test), (other_train, other_test) in zip(by_rows, by_stamps, strict=True):
        np.testing.assert_array_equal(train, other_train)
        np.testing.assert_array_equal(test, other_test)


def test_windows_of_a_panel_are_cut_by_their_origins_stamp():
    starts = np.array([0, 20, 35])
    days = pd.date_range("2024-01-01", periods=20)
    index = days.append(days[5:])
    origins = np.concatenate([np.arange(2, 19), np.arange(22, 34)])
    windows = Windows(np.zeros((35, 1)), origins, lookback=3, horizon=1, index=index, freq="D", starts=starts)
    for train, test in RollingOrigin(3, 2).split(windows):
        assert windows.timestamps[train].max() < windows.timestamps[test].min()
        assert len(windows.timestamps[test].unique()) == 2
        assert len(test) == 4


@pytest.mark.parametrize("cv", [RollingOrigin(3, 4), PurgedTimeSeriesSplit(3)], ids=str)
@pytest.mark.parametrize(
    ("panel", "time", "error", "message"),
    [
        (long_frame(), "date", ValueError, r"time is 'date'.*\['day', 'id', 'y'\]"),
        (pl.DataFrame({"y": [1.0]}), "day", ValueError, r"time is 'day'.*\['y'\]"),
        (np.zeros((9, 2)), "day", ValueError, "time is 'day'"),
        (long_frame(), "id", TypeError, r"'id' has .*expected dates.*pd.to_datetime"),
        (long_frame().assign(sent=pd.Timestamp(0)).set_index("id"), None, TypeError, "the index has .*time="),
        (long_frame().assign(day=range(47)).set_index(["id", "day"]), None, ValueError, "0 hold dates.*time="),
        (
            long_frame().assign(day=lambda frame: frame["day"].where(frame["y"] < 5)),
            "day",
            ValueError,
            "15 missing.*20",
        ),
    ],
)
def test_panel_without_a_time_is_refused(cv, panel, time, error, message):
    with pytest.raises(error, match=message):
        list(clone_with(cv, time=time).split(panel))


def test_too_few_stamps_say_how_many_are_needed():
    with pytest.raises(ValueError, match=r"20 time stamps are too few for 5 origins.*expected at least 21 time stamps"):
        list(RollingOrigin(5, 4, time="day").split(long_frame()))


# -------------------- purge and embargo


@settings(deadline=None, max_examples=200, derandomize=True)
@given(
    n_steps=st.integers(10, 80),
    n_splits=st.integers(1, 6),
    test_size=st.none() | st.integers(1, 10),
    purge=st.integers(0, 6),
    embargo=st.integers(0, 6),
    past_only=st.booleans(),
    seed=st.none() | st.integers(0, 100),
)
def test_no_row_beside_the_test_is_trained_on(n_steps, n_splits, test_size, purge, embargo, past_only, seed):
    """On rows, and on a panel with stamps in any order."""
    steps, table = np.arange(n_steps), np.zeros(n_steps)
    if seed is not None:
        steps = np.random.default_rng(seed).permutation(np.concatenate([steps, steps[n_steps // 3 :], steps[:4]]))
        table = pd.DataFrame({"y": 0.0}, index=pd.Timestamp("2024-01-01") + pd.to_timedelta(steps, "h"))
    cv = PurgedTimeSeriesSplit(n_splits, test_size, purge, embargo, past_only)
    try:
        folds = list(cv.split(table))
    except ValueError as error:
        assert "nothing to train on" in str(error) or "are too few" in str(error)  # noqa: PT017
        return
    assert len(folds) == cv.get_n_splits() == n_splits
    tested = np.concatenate([test for _, test in folds])
    assert len(np.unique(tested)) == len(tested)
    if test_size is None and not past_only:
        assert len(tested) == len(steps)
    for train, test in folds:
        first, last = steps[test].min(), steps[test].max()
        np.testing.assert_array_equal(test, np.flatnonzero((steps >= first) & (steps <= last)))
        kept = steps < first - purge
        if not past_only:
            kept |= steps > last + purge + embargo
        np.testing.assert_array_equal(train, np.flatnonzero(kept))
        assert len(train)
        if test_size is not None:
            assert last - first + 1 == test_size
    assert steps[folds[-1][1]].max() == n_steps - 1
    assert [steps[test].min() for _, test in folds] == sorted(steps[test].min() for _, test in folds)


@pytest.mark.parametrize(
    ("purge", "embargo", "apart"), [(5, 0, "targets"), (5, 24, "inputs after"), (29, 0, "all rows")], ids=str
)
def test_windows_share_nothing_with_the_test_at_the_documented_purge(purge, embargo, apart):
    windows = make_windows(pd.Series(np.arange(200.0)), lookback=24, horizon=6)

    def rows(which, of):
        inputs, targets = np.asarray(windows[which]), np.asarray(windows.y[which])
        return set({"inputs": inputs, "targets": targets, "both": np.hstack([inputs, targets])}[of].ravel())

    for train, test in PurgedTimeSeriesSplit(3, purge=purge, embargo=embargo).split(windows):
        assert not rows(train, "targets") & rows(test, "targets")
        after = train[train > test[-1]]
        if apart == "inputs after" and len(after):
            assert not rows(after, "inputs") & rows(test, "targets")
        if apart == "all rows":
            assert not rows(train, "both") & rows(test, "both")
    less = PurgedTimeSeriesSplit(3, purge=purge - 1)
    of = "both" if apart == "all rows" else "targets"
    assert any(rows(train, of) & rows(test, of) for train, test in less.split(windows))


def test_purged_splits_serve_scikit_learn():
    windows = make_windows(make_ar1(300, random_state=0), lookback=12, horizon=3)
    cv = PurgedTimeSeriesSplit(4, purge=2, embargo=12)
    scores = cross_val_score(Ridge(), windows, windows.y, cv=cv, error_score="raise")
    by_hand = []
    for train, test in cv.split(windows):
        model = Ridge().fit(windows[train], windows.y[train])
        by_hand.append(model.score(windows[test], windows.y[test]))
    np.testing.assert_allclose(scores, by_hand)
    search = clone(GridSearchCV(Ridge(), {"alpha": [0.1, 10.0]}, cv=cv, error_score="raise"))
    search.fit(windows, windows.y)
    assert search.n_splits_ == 4
    panel = long_frame()
    folds = RollingOrigin(3, 4, time="day")
    assert len(cross_val_score(Ridge(), panel.assign(id=0).set_index("day"), panel["y"], cv=RollingOrigin(3, 4))) == 3
    assert str(pickle.loads(pickle.dumps(folds))) == str(folds)


def test_reprs_show_every_parameter():
    assert str(RollingOrigin(3, 4, time="day")) == (
        "RollingOrigin(n_splits=3, horizon=4, step=None, gap=0, max_train_size=None, time='day')"
    )
    assert str(PurgedTimeSeriesSplit(3, purge=2)) == (
        "PurgedTimeSeriesSplit(n_splits=3, test_size=None, purge=2, embargo=0, past_only=False, time=None)"
    )


@pytest.mark.parametrize("name", ["n_splits", "test_size", "purge", "embargo"])
@pytest.mark.parametrize("value", [-1, 1.5, "2", True])
def test_count_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value!r}; expected a whole number"):
        PurgedTimeSeriesSplit(**{name: value})


def test_past_only_is_yes_or_no():
    with pytest.raises(ValueError, match="past_only is 'yes'; expected True or False"):
        PurgedTimeSeriesSplit(past_only="yes")


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (PurgedTimeSeriesSplit(11), "10 rows are too few for 11 test blocks; expected at least 11"),
        (PurgedTimeSeriesSplit(3, test_size=4), "10 rows are too few for 3 test blocks; expected at least 12"),
        (PurgedTimeSeriesSplit(10, past_only=True), "too few for 10 test blocks; expected at least 11"),
        (PurgedTimeSeriesSplit(1), "test block 0, rows 0 to 9 of 10, has nothing to train on"),
        (PurgedTimeSeriesSplit(2, purge=5), "purge 5.*expected smaller"),
        (PurgedTimeSeriesSplit(2, test_size=5, past_only=True), "nothing to train on .*past_only True"),
    ],
    ids=str,
)
def test_blocks_that_leave_nothing_are_refused(cv, message):
    with pytest.raises(ValueError, match=message):
        list(cv.split(np.zeros(10)))
