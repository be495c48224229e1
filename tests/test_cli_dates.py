"""How the `forecast` command reads times: forms of dates, numbers, clocks in columns of their own, what is in doubt."""

import re
from argparse import Namespace

import numpy as np
import pandas as pd
import pytest
from command_line import runner

from forecast.cli.planning import read_data
from forecast.cli.problems import ProblemError, described
from forecast.cli.stamps import put_time_in_index

ROWS = 60
LOAD = 20 + np.arange(ROWS) / 8
DAYS = pd.date_range("2024-01-01", periods=ROWS)
HOURS = pd.date_range("2024-01-01", periods=ROWS, freq="h")
MONTHS = pd.date_range("2019-01-01", periods=ROWS, freq="MS")
QUARTERS = pd.date_range("2008-01-01", periods=ROWS, freq="QS")
WEEKS = pd.date_range("2023-01-02", periods=ROWS, freq="W-MON")


@pytest.fixture
def read(tmp_path):
    """Columns of text into a file, and the file as the command reads it."""

    def go(columns, **options):
        table = pd.DataFrame(columns)
        if "load" not in table:
            table["load"] = np.resize(LOAD, len(table))
        table.to_csv(tmp_path / "a.csv", index=False)
        given = {"time": None, "time_format": None, "timezone": None, "na": [], "target": ["load"]} | options
        return read_data(Namespace(data=str(tmp_path / "a.csv"), **given))

    return go


def isoweeks(form):
    parts = WEEKS.isocalendar()
    return [form.format(year=y, week=w) for y, w in zip(parts["year"], parts["week"], strict=True)]


def quarters(form):
    return [form.format(year=stamp.year, short=f"{stamp:%y}", quarter=stamp.quarter) for stamp in QUARTERS]


FORMS = {
    "%m/%d/%Y %I:%M:%S %p": HOURS,
    "%-m/%-d/%Y, %-I:%M %p": HOURS,
    "%Y-%m-%d %I:%M:%S %p": HOURS,
    "%d-%b-%y %I.%M.%S %p": HOURS,
    "%A, %B %d, %Y %I:%M %p": HOURS,
    "%a %b %d %H:%M:%S %Y": HOURS,
    "%d%b%Y:%H:%M:%S": HOURS,
    "%Y%m%dT%H%M%S": HOURS,
    "%Y%m%d %H%M": HOURS,
    "%Y%m%d%H": HOURS,
    "%Y%m%d%H%M": HOURS,
    "%Y%m%d%H%M%S": HOURS,
    "%Y-%m-%d-%H.%M.%S": HOURS,
    "%d.%m.%Y %H:%M - %d.%m.%Y %H:59": HOURS,
    "%Y%m%d": DAYS,
    "%Y.%m.%d": DAYS,
    "%d. %B %Y": DAYS,
    "%B %d, %Y": DAYS,
    "%d%b%Y": DAYS,
    "%Y%m": MONTHS,
    "%YM%m": MONTHS,
    "%Y-%m": MONTHS,
    "%m/%Y": MONTHS,
    "%b-%y": MONTHS,
    "%B %Y": MONTHS,
    "%Y%b": MONTHS,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("newest_first", [False, True])
def test_forms_of_dates(read, form, newest_first):
    order = slice(None, None, -1 if newest_first else 1)
    data = read({"when": FORMS[form].strftime(form)[order], "load": LOAD[order]})
    assert (data.frame.index == FORMS[form]).all()
    assert data.frame["load"].tolist() == LOAD.tolist()
    assert any("newest row first" in note for note in data.notes) == newest_first


TEXTS = {
    "{year}-Q{quarter}": QUARTERS,
    "Q{quarter} {year}": QUARTERS,
    "{quarter}Q{short}": QUARTERS,
    "{year}:Q{quarter}": QUARTERS,
    "{year}-W{week:02d}": WEEKS,
    "{year}W{week:02d}": WEEKS,
    "Week {week} {year}": WEEKS,
    "{year}-W{week:02d}-1": WEEKS,
    "{year}-{week:02d}": WEEKS,
    "{year}{week:02d}": WEEKS,
}


@pytest.mark.parametrize("form", TEXTS)
def test_quarters_and_weeks_are_their_first_day(read, form):
    text = quarters(form) if "quarter" in form else isoweeks(form)
    data = read({"week" if "week" in form else "period": text})
    assert (data.frame.index == TEXTS[form]).all()


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 1000), ("us", 10**6), ("ns", 10**9)])
@pytest.mark.parametrize("name", ["timestamp", "k"])
def test_seconds_since_1970_and_parts_of_them(read, unit, factor, name):
    seconds = HOURS.astype("datetime64[s]").astype("int64")
    data = read({name: seconds * factor})
    assert (data.frame.index == HOURS.tz_localize("UTC")).all()
    assert f"Column {name!r} was read as " in data.notes[0]
    form = "%s" if unit == "s" else unit
    zoned = read({"k": seconds * factor}, time_format=form, timezone="Asia/Tokyo")
    assert (zoned.frame.index == HOURS.tz_localize("UTC")).all()
    assert str(zoned.frame.index.tz) == "Asia/Tokyo"


def test_days_of_excel_and_fractions_of_years(read):
    assert (read({"Date": np.arange(45292, 45292 + ROWS)}).frame.index == DAYS).all()
    assert (read({"time": 2019 + np.arange(ROWS) / 12}).frame.index == MONTHS).all()
    assert (read({"time": 2008 + np.arange(ROWS) / 4}).frame.index == QUARTERS).all()


CLOCKS = {
    "a clock": {"Date": HOURS.strftime("%d/%m/%Y"), "Time": HOURS.strftime("%H:%M:%S")},
    "a clock of 12 hours": {"Date": HOURS.strftime("%m/%d/%Y"), "Time": HOURS.strftime("%I:%M %p")},
    "points": {"Date": HOURS.strftime("%d.%m.%Y"), "Time": HOURS.strftime("%H.%M.%S")},
    "spans": {"Date": HOURS.date, "Time": [f"{hour:02d}:00 - {hour + 1:02d}:00" for hour in HOURS.hour]},
    "hours": {"dteday": HOURS.date, "season": 1, "hr": HOURS.hour},
    "hours and minutes": {"date": HOURS.date, "time": HOURS.strftime("%H%M").astype(int)},
    "two columns": {"day": HOURS.strftime("%Y%m%d"), "hour": HOURS.hour, "minute": 0},
    "parts": {"Year": HOURS.year, "Month": HOURS.month, "Day": HOURS.day, "Hour": HOURS.hour},
    "day of the year": {"YEAR": HOURS.year, "DOY": HOURS.day_of_year, "HR": HOURS.hour},
}


@pytest.mark.parametrize("name", CLOCKS)
def test_dates_and_clocks_in_columns_of_their_own(read, name):
    data = read(CLOCKS[name])
    assert (data.frame.index == HOURS).all()
    assert any("put together from the columns" in note for note in data.notes)
    columns = [
        column for column in CLOCKS[name] if column != "season" and (name != "two columns" or column != "minute")
    ]
    assert read(CLOCKS[name], time=",".join(columns)).frame.equals(data.frame)


def test_columns_of_months_weeks_and_quarters(read):
    parts = WEEKS.isocalendar()
    assert (read({"year": MONTHS.year, "month": MONTHS.strftime("%B")}).frame.index == MONTHS).all()
    assert (read({"YEAR": parts["year"], "WEEK": parts["week"]}).frame.index == WEEKS).all()
    assert (read({"year": QUARTERS.year, "quarter": QUARTERS.quarter}).frame.index == QUARTERS).all()


def test_hours_from_1_to_24_and_24_o_clock_end_at_midnight(read):
    data = read({"Date": HOURS.date, "HourEnding": HOURS.hour + 1})
    assert (data.frame.index == HOURS + pd.Timedelta(hours=1)).all()
    assert "each is read as its end, 24 as midnight" in data.notes[0]
    text = [f"{day:%m/%d/%Y} {hour + 1:02d}:00" for day, hour in zip(HOURS, HOURS.hour, strict=True)]
    assert (read({"Hour Ending": text}).frame.index == HOURS + pd.Timedelta(hours=1)).all()


def test_clocks_of_several_series(read):
    parts = [{"date": HOURS.date, "he": HOURS.hour, "region": name, "load": LOAD} for name in ("N", "S")]
    both = pd.concat(map(pd.DataFrame, parts))
    data = read(both, series="region")
    assert (data.frame.index[:ROWS] == HOURS).all()
    with pytest.raises(ProblemError, match=r"'date' .* Fix: --time 'date,he' --series 'region'\."):
        read(both)
    with pytest.raises(ProblemError, match=r"Fix: --time 'date,he'\."):
        read(both[both["region"] == "N"], time="date")


def test_a_daily_file_keeps_its_clock_out_of_the_time(read):
    assert (read({"Date": DAYS.date, "Time": "16:00:00"}).frame.index == DAYS).all()


def test_a_form_of_several_columns_has_blanks_between_them(read):
    columns = {"Date": HOURS.strftime("%d/%m/%Y"), "Time": HOURS.strftime("%Hh%M")}
    data = read(columns, time="Date,Time", time_format="%d/%m/%Y %Hh%M")
    assert (data.frame.index == HOURS).all()
    doubt = read({"Date": HOURS.strftime("%d/%m/%Y"), "Time": HOURS.strftime("%H:%M")})
    assert (doubt.frame.index == HOURS).all()
    assert "02/01/2024 was read as 2024-01-02" in doubt.notes[0]


def test_a_form_without_a_column_finds_the_column(read):
    columns = {"id": 7, "moment": DAYS.strftime("%d%m%Y").astype(int)}
    data = read(columns, time_format="%d%m%Y")
    assert (data.frame.index == DAYS).all()
    assert data.frame.index.name == "moment"
    with pytest.raises(ProblemError, match=r"--time-format '%Y/%m' fits no column; the columns are \['id', 'moment'"):
        read(columns, time_format="%Y/%m")


def test_of_several_columns_of_dates_the_one_that_tells_rows_apart_is_taken(read):
    data = read({"issued": "2024-01-01", "valid": DAYS.date, "end": DAYS.date})
    assert data.frame.index.name == "valid"
    assert "The time is column 'valid', of the columns of dates ['issued', 'valid', 'end']" in data.notes[0]


def test_years_are_whole_numbers_and_no_target(read):
    data = read({"Year": range(2023, 2023 - ROWS, -1), "load": LOAD[::-1]}, target=None)
    assert data.frame.index.tolist() == list(range(2024 - ROWS, 2024))
    assert (data.target, data.counted) == (["load"], "whole numbers of column 'Year', not dates")
    both = pd.concat([pd.DataFrame({"country": c, "year": range(1990, 2020), "load": 1.5}) for c in "AB"])
    assert read(both, series="country").counted is not None
    with pytest.raises(ProblemError, match=r"30 rows repeat a time of column 'year' .* Fix: --series 'country'"):
        read(both)


@pytest.mark.parametrize("counter", ["Unnamed: 0", "index", "id", "n"])
def test_a_counter_of_the_rows_is_no_target(read, counter):
    data = read({counter: range(1, ROWS + 1)}, target=None)
    assert data.target == ["load"]
    assert "counted as steps" in data.counted
    with pytest.raises(ProblemError, match=f"'{counter}'.* count the rows or their time"):
        read({counter: range(ROWS), "load": "a"}, target=None)


def test_an_index_without_a_name_is_no_target_though_it_counts_nothing(read):
    order = np.random.default_rng(0).permutation(ROWS) + 17
    assert read({"": order, "load": LOAD, "when": DAYS.date}, target=None).target == ["load"]
    assert read({"hour": order % 24, "load": LOAD, "when": DAYS.date}, target=None).target == ["load"]


def test_a_column_that_says_nothing_is_the_target_only_where_there_is_no_other(read):
    wave = np.sin(np.arange(ROWS))
    for name, values in {"STATION": 433, "jd": 2460310.5 + np.arange(ROWS), "user_id": wave.round() + 7}.items():
        columns = {name: values, "load": wave}
        assert read({**columns, "when": DAYS.date}, target=None).target == ["load"]
        assert read({name: columns[name], "load": "a", "when": DAYS.date}, target=None).target == [name]


REFUSED = {
    "a word": ({"Date": [f"week {n} of all" for n in range(ROWS)]}, {}, r"'Date' holds 'week 0 of all', no date"),
    "a bad row": ({"when": ["x" if n == 9 else str(d.date()) for n, d in enumerate(DAYS)]}, {}, r"'x' in row 10"),
    "an empty row": ({"when": ["" if n == 9 else str(d.date()) for n, d in enumerate(DAYS)]}, {}, r"empty in row 10"),
    "two forms in turn": (
        {"when": [d.strftime("%Y-%m-%d" if n < 30 else "%d/%m/%Y") for n, d in enumerate(DAYS)]}, {},
        r"'when' holds '31/01/2024' in row 31",
    ),
    "short years": ({"when": DAYS.strftime("%y%m%d")}, {}, r"'when' holds 240101, 240102, .* no regular steps"),
    "a zone by its name": ({"when": HOURS.strftime("%Y-%m-%d %H:%M CET")}, {}, r"'when' holds '2024-01-01 00:00 CET'"),
    "no clock": ({"Date": HOURS.date, "x": "25:61"}, {"time": "Date,x"}, r"'x' holds '25:61' in row 1; .* 13:45"),
    "no such columns": ({"a": ["x"] * ROWS, "b": "y"}, {"time": "a,b"}, r"names the columns \['a', 'b'\]; expected"),
    "not a directive": (
        {"when": DAYS.date},
        {"time": "when", "time_format": "%Q"},
        r"--time-format '%Q' is not a date format",
    ),
    "half a directive": ({"when": DAYS.date}, {"time_format": "%"}, r"--time-format '%' is not a date format"),
    "no directive": ({"when": DAYS.date}, {"time_format": "day"}, r"--time-format 'day' has no %"),
    "none with a form": ({"when": DAYS.date}, {"time": "none", "time_format": "%d"}, r"got --time none"),
    "none with a zone": ({"when": DAYS.date}, {"time": "none", "timezone": "Asia/Tokyo"}, r"--timezone .* no column"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_times_that_cannot_be_read_are_refused_with_the_column(read, name):
    columns, options, words = REFUSED[name]
    with pytest.raises(ProblemError, match=words) as refusal:
        read(columns, **options)
    assert len(str(refusal.value)) < 183
    assert "\n" not in str(refusal.value)


def test_rows_are_counted_where_that_is_asked_for(read):
    data = read({"when": DAYS.date}, time="none")
    assert isinstance(data.frame.index, pd.RangeIndex)
    assert data.notes == ["The rows are counted as steps (--time none)."]


def test_predict_reads_the_columns_that_fit_read(tmp_path, monkeypatch, capsys):
    run = runner(tmp_path, monkeypatch, capsys)
    table = pd.DataFrame({"Date": HOURS.strftime("%d/%m/%Y"), "time": HOURS.strftime("%H:%M"), "n": range(ROWS)})
    for load, name in ((LOAD, "old.csv"), (LOAD + 7.5, "new.csv")):
        table.assign(load=[f"{1000 * value:,.1f}" for value in load]).to_csv(name, index=False, sep=";")
    small = ("--lookback", "12", "--horizon", "2", "--hidden-size", "2", "--max-iter", "1")
    code, _, err = run("fit", "old.csv", "--target", "load", "--past-covariates", "n", *small, "-o", "m")
    assert code == 0, err
    code, out, err = run("predict", "m", "new.csv")
    assert code == 0, err
    first = out.splitlines()[1].split(",")
    assert first[0] == "2024-01-03 12:00:00"
    assert 33_000 < float(first[1]) < 36_000  # a last value of 34,875


def test_one_new_row_is_read_as_earlier_rows_were():
    def index(columns, earlier):
        table = pd.DataFrame({**columns, "load": [1.5]})
        return put_time_in_index(table, taken=["load"], earlier=earlier, notes=[]).index

    hours = HOURS.rename("time")
    new = pd.Timestamp("2024-01-03 12:00")
    assert index({"Date": ["03/01/2024"], "hr": [12]}, hours)[0] == new
    assert index({"Date": ["01/03/2024"], "hr": [12]}, hours)[0] == new
    assert index({"Date": ["2024-01-03"], "Time": ["12:00 PM"]}, hours.tz_localize("Europe/Paris"))[0] == new
    assert index({"when": ["03/01/2024 12:00"]}, hours.rename("when"))[0] == new
    assert index({"day": [20240301]}, DAYS.rename("day"))[0] == pd.Timestamp("2024-03-01")
    assert index({"made": ["2024-03-02"], "day": ["2024-03-01"]}, DAYS.rename("day"))[0] == pd.Timestamp("2024-03-01")
    assert index({"Year": [2024]}, pd.Index(range(1990, 2024), name="Year"))[0] == 2024


def test_periods_of_a_day_need_whole_days(read):
    half_hours = pd.date_range("2024-01-01", periods=96, freq="30min")
    columns = {
        "SETTLEMENT_DATE": half_hours.date,
        "SETTLEMENT_PERIOD": half_hours.hour * 2 + half_hours.minute // 30 + 1,
    }
    assert (read(columns).frame.index == half_hours).all()
    with pytest.raises(ProblemError, match="'SETTLEMENT_PERIOD' counts from 1 to 30; expected the periods of a day"):
        read({name: values[:30] for name, values in columns.items()})


def test_messages_of_the_library_name_the_column_and_stay_short(tmp_path, monkeypatch, capsys):
    run = runner(tmp_path, monkeypatch, capsys)
    days = pd.date_range("2024-01-01", periods=90).delete([*range(5, 80, 3)])
    pd.DataFrame({"day": days, "load": 1.5}).to_csv("gaps.csv", index=False)
    err = run("fit", "gaps.csv", "--lookback", "8", "--horizon", "2", "-o", "m")[2]
    assert re.search(r"column 'day' has gaps: at frequency 'D', 25 of 90 stamps are missing: 2024-01-06, \.\.\.;", err)
    assert len(err) < 200
    text = described(ValueError("the step is 1 days 00:00:00, from 2024-01-01 00:00:00 to 2024-01-02 00:00:00+01:00"))
    assert text == "the step is 1 day, from 2024-01-01 to 2024-01-02 00:00:00+01:00"
