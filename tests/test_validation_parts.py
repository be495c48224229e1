"""Which rows judge a recipe: later than what is learnt from, in parts, each without what comes after it."""

import numpy as np
import pandas as pd
import pytest

from forecast._frames import TimeAxis
from forecast._preparation import Rows
from forecast._recipe.validation import judged_rows, origins_behind, parts_in_time, validation_ends

HOURS = TimeAxis(pd.offsets.Hour(), "datetime", unit="s")
STEPS = TimeAxis(1, "integer")


def rows_of(*lengths, late=None, columns=1):
    """Series of whole numbers; `late`: hours by which each begins later."""
    late = late or [0] * len(lengths)
    first = pd.Timestamp("2024-01-01")
    spans = zip(late, lengths, strict=True)
    index = [pd.date_range(first + pd.Timedelta(hours=by), periods=n, freq="h") for by, n in spans]
    total = sum(lengths)
    nothing = np.empty((total, 0))
    return Rows(
        [None] if len(lengths) == 1 else [f"series {number}" for number in range(len(lengths))],
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        index[0].append(index[1:]),
        np.arange(total * columns, dtype=np.float64).reshape(total, columns),
        nothing,
        nothing,
        np.empty((len(lengths), 0)),
    )


@pytest.mark.parametrize(
    ("rows", "horizon", "held"), [(1000, 10, 100), (1000, 80, 168), (100, 30, 33), (60, 24, None), (60, 4, 16)]
)
def test_a_tenth_is_held_out_but_two_horizons_and_eight_rows_where_there_is_room(rows, horizon, held):
    ends = validation_ends(rows_of(rows), HOURS, horizon, 0.1)
    assert (None if ends is None else rows - int(ends[0])) == held


def test_the_cut_is_the_same_moment_for_all_series_with_time_stamps():
    rows = rows_of(500, 300, 100, late=[0, 200, 150])
    ends = validation_ends(rows, HOURS, 5, 0.1)
    cut = rows.index[ends[0]]
    for number, (first, end, last) in enumerate(zip(rows.starts[:-1], ends, rows.starts[1:], strict=True)):
        assert (rows.index[first:end] < cut).all(), number
        assert (rows.index[end:last] >= cut).all(), number
    assert ends[2] == rows.starts[3]  # it ended before the cut
    own = validation_ends(rows, STEPS, 5, 0.1)
    assert (rows.starts[1:] - own == 30).all()


def test_origins_forecast_rows_behind_the_ends_alone():
    rows = rows_of(300, 200, columns=2)
    ends = np.array([250, 460])
    origins = origins_behind(rows, ends, 7, 20)
    assert (origins.rows + 1 >= ends[origins.which]).all()
    assert (origins.rows + 7 < rows.starts[1:][origins.which]).all()
    assert origins.rows.max() == 500 - 8
    assert set(origins.blocks) == {0, 1, 2, 3}
    for number in (0, 1):
        assert (np.diff(origins.blocks[origins.which == number]) >= 0).all()


def test_few_horizons_are_made_more_by_earlier_parts_that_know_nothing_later():
    rows = rows_of(1000, 900)
    ends = np.array([900, 1800])
    assert len(parts_in_time(rows, ends, 10, 50)) == 1
    parts = parts_in_time(rows, ends, 60, 50)
    assert [len(part.rows) for part in parts] == [1900, 1700, 1500]
    ends_of_parts = [list(part.ends - part.rows.starts[:-1]) for part in parts]
    assert ends_of_parts == [[900, 800], [800, 700], [700, 600]]
    for part, length in zip(parts, (1000, 900, 800), strict=True):
        np.testing.assert_array_equal(part.rows.targets[: part.rows.starts[1], 0], np.arange(length))
    assert len(parts_in_time(rows, ends, 60, 850)) == 1  # members need more rows than an earlier part would leave


def test_many_series_need_no_earlier_parts():
    for n, parts in ((29, 3), (30, 1)):
        rows = rows_of(*[1000] * n)
        assert len(parts_in_time(rows, rows.starts[:-1] + 900, 60, 50)) == parts


def test_series_without_enough_rows_to_learn_from_do_not_judge():
    rows = rows_of(100, 12)
    kept, ends = judged_rows(rows, np.array([80, 105]), 6)
    assert kept.keys == ["series 0"]
    assert list(ends) == [80]
