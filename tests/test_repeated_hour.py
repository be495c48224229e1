"""The second hour of the night in which clocks are set back, in an update whose stamps have no offset."""

import numpy as np
import pandas as pd
import pytest
from command_line import csv, runner
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster, load

ZONE = "Europe/Berlin"
HOURS = pd.date_range("2025-10-10", periods=500, freq="h", tz=ZONE, name="time")
SECOND = int(np.flatnonzero(HOURS == pd.Timestamp("2025-10-26 02:00+01:00"))[0])
FRAME = pd.DataFrame({"y": np.sin(np.arange(500) / 4) + np.arange(500) / 100}, HOURS)


def fitted(rows, **settings):
    return SeriesForecaster(Ridge(), target="y", lookback=24, horizon=3, **settings).fit(rows)


def naive(rows):
    return rows.set_axis(rows.index.tz_localize(None))


def fix_of(error):
    return str(error.value).partition(" Fix: ")[2].removesuffix(".")


@pytest.mark.parametrize("end", [SECOND + 1, SECOND + 3])
@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("overlap", ["error", "skip"])
def test_the_fix_of_python_makes_it_the_second_hour(end, column, overlap):
    known, want = FRAME[:SECOND], fitted(FRAME[:SECOND]).update(FRAME[SECOND:end]).predict()
    new_rows = naive(FRAME[SECOND:end])
    if column:
        known, want, new_rows = known.reset_index(), want.reset_index(), new_rows.reset_index()
    model = fitted(known, time="time" if column else None)
    with pytest.raises(ValueError, match="have zone None") as error:
        model.update(new_rows, overlap=overlap)
    exec(fix_of(error), {"pd": pd}, {"new_rows": new_rows})
    pd.testing.assert_frame_equal(model.update(new_rows, overlap=overlap).predict(), want)


def test_both_hours_are_told_apart_by_their_order():
    new_rows = naive(FRAME[SECOND - 1 : SECOND + 2])
    model = fitted(FRAME[: SECOND - 1])
    with pytest.raises(ValueError, match="ambiguous='infer'") as error:
        model.update(new_rows)
    exec(fix_of(error), {}, {"new_rows": new_rows})
    assert model.update(new_rows).predict().index[0] == HOURS[SECOND + 2]


def test_stamps_that_the_clock_skips_have_no_fix():
    hours = pd.date_range("2025-03-10", "2025-03-30 01:00", freq="h", tz=ZONE)
    model = fitted(pd.DataFrame({"y": np.sin(np.arange(len(hours)))}, hours))
    new = pd.DataFrame({"y": [0.0, 1.0]}, pd.date_range("2025-03-30 02:00", periods=2, freq="h"))
    with pytest.raises(ValueError, match=r"do not exist in that zone, or come twice: give each its offset\.$"):
        model.update(new)


def test_a_model_without_a_zone_says_what_it_would_need():
    model = fitted(naive(FRAME[:SECOND]))
    with pytest.raises(ValueError, match=r"comes twice because clocks were set back, the rows of fit need a zone"):
        model.update(naive(FRAME[SECOND : SECOND + 1]))
    with pytest.raises(ValueError) as error:  # many known rows are no such hour
        model.update(naive(FRAME[SECOND - 9 : SECOND]))
    assert "clocks" not in str(error.value)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    return runner(tmp_path, monkeypatch, capsys)


def write(rows, name):
    rows = rows if isinstance(rows.index, pd.RangeIndex) else rows.reset_index()
    rows.assign(time=rows["time"].dt.tz_localize(None)).to_csv(name, index=False)


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_file_that_begins_with_it_is_read_right(run, newest_first):
    model = fitted(FRAME[:SECOND])
    model.save("model.forecast")
    new = FRAME[SECOND : SECOND + 3]
    write(new[::-1] if newest_first else new, "new.csv")
    code, out, err = run("update", "model.forecast", "new.csv")
    assert (code, "2025-10-26 02:00:00 is read as 2025-10-26 02:00:00+01:00" in out + err) == (0, True)
    want = model.update(new).predict()
    pd.testing.assert_frame_equal(load("model.forecast").predict(), want)
    found = csv(run("predict", "model.forecast")[1])
    assert found["y"].tolist() == want["y"].tolist()


def test_rows_that_are_sent_again_are_told_from_it_by_the_rows_before_them(run):
    fitted(FRAME[:SECOND]).save("model.forecast")
    write(FRAME[SECOND - 3 : SECOND], "again.csv")
    assert run("update", "model.forecast", "again.csv")[0] == 2
    assert run("update", "model.forecast", "again.csv", "--overlap", "skip")[0] == 0
    assert load("model.forecast").predict().index[0] == HOURS[SECOND]


def test_each_series_ends_at_its_own_hour(run):
    panel = pd.concat([FRAME[:SECOND].assign(shop="a"), FRAME[: SECOND + 1].assign(shop="b")]).reset_index()
    model = fitted(panel, series="shop", time="time")
    model.save("model.forecast")
    new = [FRAME[SECOND : SECOND + 2].assign(shop="a"), FRAME[SECOND + 1 : SECOND + 2].assign(shop="b")]
    write(pd.concat(new).reset_index(), "new.csv")
    assert run("update", "model.forecast", "new.csv")[0] == 0
    want = model.update(pd.concat(new).reset_index()).predict()
    pd.testing.assert_frame_equal(load("model.forecast").predict(), want)
