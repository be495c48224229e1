"""How the `forecast` command reads files: separators, encodings, dates, zones, order; its words where one is odd."""

import gzip
import io
import sys
from argparse import Namespace

import numpy as np
import pandas as pd
import pytest

from forecast.cli.planning import read_data
from forecast.cli.problems import ProblemError
from forecast.cli.reading import read_table

ROWS = 400


@pytest.fixture
def df():
    rng = np.random.default_rng(0)
    hours = pd.date_range("2024-01-01", periods=ROWS, freq="h")
    wave = np.sin(np.arange(ROWS) * 2 * np.pi / 24) + 0.1 * rng.normal(size=ROWS)
    return pd.DataFrame({"when": hours, "station": "north", "count": 1, "temperature": wave})


def read(path, **options):
    given = {"time": None, "time_format": None, "timezone": None, "na": [], "target": ["temperature"], **options}
    return read_data(Namespace(data=str(path), **given))


FORMS = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d %b %Y %H:%M",
    "%d.%m.%y %H:%M",
]


@pytest.mark.parametrize("form", FORMS)
def test_usual_forms_of_dates_are_read(df, tmp_path, form):
    df.assign(when=df["when"].dt.strftime(form)).to_csv(tmp_path / "a.csv", index=False)
    data = read(tmp_path / "a.csv")
    assert (data.frame.index == pd.DatetimeIndex(df["when"])).all()
    assert data.frame.index.name == "when"
    assert not data.notes
    np.testing.assert_allclose(data.frame["temperature"], df["temperature"])


def test_dates_that_fit_two_forms_are_read_in_the_one_that_gives_regular_steps_and_it_is_noted(tmp_path):
    months = pd.date_range("2020-01-01", periods=30, freq="MS")
    pd.DataFrame({"month": months.strftime("%d/%m/%Y"), "y": range(30)}).to_csv(tmp_path / "a.csv", index=False)
    data = read(tmp_path / "a.csv", target=["y"])
    assert (data.frame.index == months).all()
    assert "01/02/2020 was read as 2020-02-01 (--time-format '%m/%d/%Y'" in data.notes[0]
    data = read(tmp_path / "a.csv", target=["y"], time="month", time_format="%m/%d/%Y")
    assert str(data.frame.index[1].date()) == "2020-01-02"


def test_a_form_that_is_given_is_believed(df, tmp_path):
    df.assign(when=df["when"].dt.strftime("%H:%M %d-%Y-%m")).to_csv(tmp_path / "a.csv", index=False)
    data = read(tmp_path / "a.csv", time="when", time_format="%H:%M %d-%Y-%m")
    assert (data.frame.index == pd.DatetimeIndex(df["when"])).all()
    with pytest.raises(ProblemError, match=r"row 1; expected dates of the form '%d\.%m\.%Y'"):
        read(tmp_path / "a.csv", time="when", time_format="%d.%m.%Y")


def test_days_as_whole_numbers_are_dates(tmp_path):
    days = pd.date_range("2020-02-20", periods=40, freq="D")
    pd.DataFrame({"day": days.strftime("%Y%m%d").astype(int), "y": 1.5}).to_csv(tmp_path / "a.csv", index=False)
    assert (read(tmp_path / "a.csv", target=["y"], time="day").frame.index == days).all()


def test_time_in_several_columns_is_put_together(df, tmp_path):
    parts = {name: getattr(df["when"].dt, name) for name in ("year", "month", "day", "hour")}
    pd.DataFrame({"No": range(ROWS), **parts, "temperature": df["temperature"]}).to_csv(tmp_path / "a.csv", index=False)
    data = read(tmp_path / "a.csv")
    assert (data.frame.index == pd.DatetimeIndex(df["when"])).all()
    assert "put together from the columns year, month, day, hour" in data.notes[0]
    given = read(tmp_path / "a.csv", time="year,month,day,hour")
    assert given.frame.equals(data.frame)
    assert not given.notes
    with pytest.raises(ProblemError, match="in this order"):
        read(tmp_path / "a.csv", time="month,day")


def test_offsets_become_utc_or_the_zone_that_is_named(df, tmp_path):
    zoned = df.assign(when=pd.date_range("2024-03-20", periods=ROWS, freq="h", tz="Europe/Berlin"))
    zoned.to_csv(tmp_path / "a.csv", index=False)
    assert {text[-6:] for text in pd.read_csv(tmp_path / "a.csv")["when"]} == {"+01:00", "+02:00"}
    data = read(tmp_path / "a.csv")
    assert (data.frame.index == zoned["when"]).all()
    assert str(data.frame.index.tz) == "UTC"
    assert "in UTC here" in data.notes[0]
    data = read(tmp_path / "a.csv", timezone="Europe/Berlin")
    assert (data.frame.index == pd.DatetimeIndex(zoned["when"])).all()
    assert str(data.frame.index.tz) == "Europe/Berlin"
    assert not data.notes


@pytest.mark.parametrize("many", [False, True])
def test_wall_time_gets_its_zone_and_the_hour_that_comes_twice_is_two(df, tmp_path, many):
    true = pd.date_range("2024-10-20", periods=ROWS, freq="h", tz="Europe/Berlin")
    wall = df.assign(when=true.tz_localize(None))
    if many:
        wall = pd.concat([wall, wall.assign(station="south")])
    wall.to_csv(tmp_path / "a.csv", index=False)
    data = read(tmp_path / "a.csv", timezone="Europe/Berlin", series="station" if many else None)
    assert (data.frame.index[:ROWS] == true).all()
    assert (data.frame.index[-ROWS:] == true).all()
    if not many:
        with pytest.raises(ProblemError, match=r"1 row repeats .* 2024-10-27 02:00:00\); .* --timezone ZONE"):
            read(tmp_path / "a.csv")


def test_a_zone_that_is_none_or_does_not_fit_is_refused(df, tmp_path):
    df.assign(when=pd.date_range("2024-03-20", periods=ROWS, freq="h")).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ProblemError, match=r"which is not a zone; .* Did you mean 'Europe/Berlin'"):
        read(tmp_path / "a.csv", timezone="Europe/Berln")
    with pytest.raises(ProblemError, match="is not local time of --timezone Europe/Berlin"):
        read(tmp_path / "a.csv", timezone="Europe/Berlin")


@pytest.mark.parametrize(("separator", "decimal"), [(",", "."), (";", ","), (";", "."), ("\t", ",")])
def test_separators_and_decimals_are_seen(df, tmp_path, separator, decimal):
    df.to_csv(tmp_path / "a.csv", index=False, sep=separator, decimal=decimal)
    np.testing.assert_allclose(read(tmp_path / "a.csv").frame["temperature"], df["temperature"])


def test_a_decimal_comma_far_down_is_seen(tmp_path):
    values = ["7"] * 50 + ["7,5"] * 50
    rows = "".join(f"2024-01-01 {n // 60:02d}:{n % 60:02d};{value}\n" for n, value in enumerate(values))
    (tmp_path / "a.csv").write_text("when;temperature\n" + rows)
    assert read(tmp_path / "a.csv").frame["temperature"].iloc[-1] == 7.5


ENCODINGS = {"utf-8": 0, "utf-8-sig": 0, "utf-16": 0, "latin-1": 1, "cp1252": 1}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings_are_seen(df, tmp_path, encoding):
    name = "Außen €" if encoding == "cp1252" else "Außen"
    text = df.rename(columns={"temperature": name}).to_csv(index=False)
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    data = read(tmp_path / "a.csv", target=[name])
    assert data.target == [name]
    assert data.frame.index.name == "when"
    assert len(data.notes) == ENCODINGS[encoding]


@pytest.mark.parametrize("source", ["gzip", "parquet", "parquet with an index", "the standard input"])
def test_other_sources_give_the_same_frame(df, tmp_path, source, monkeypatch):
    df.to_csv(tmp_path / "a.csv", index=False)
    right, text = read(tmp_path / "a.csv").frame, (tmp_path / "a.csv").read_bytes()
    path = tmp_path / "other"
    if source == "gzip":
        path.write_bytes(gzip.compress(text))
    elif source == "the standard input":
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        path = "-"
    else:
        (df.set_index("when") if "index" in source else df).to_parquet(path)
    pd.testing.assert_frame_equal(read(path).frame, right, check_index_type=False, check_freq=False, rtol=1e-15)


def test_parquet_without_pyarrow_is_refused_with_the_fix(df, tmp_path, monkeypatch):
    df.to_parquet(tmp_path / "a.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ProblemError, match=r"Parquet, which needs pyarrow.* Fix: pip install pyarrow"):
        read_table(tmp_path / "a.parquet")


def test_damaged_files_are_refused(df, tmp_path):
    df.to_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:3000])
    with pytest.raises(ProblemError, match="not a readable Parquet file"):
        read_table(tmp_path / "a.parquet")
    (tmp_path / "a.gz").write_bytes(gzip.compress(df.to_csv().encode())[:500])
    with pytest.raises(ProblemError, match="is damaged"):
        read_table(tmp_path / "a.gz")


def test_choices_made_for_the_user_are_noted(df, tmp_path):
    df[::-1].drop(columns="station").to_csv(tmp_path / "a.csv", index=False)
    data = read(tmp_path / "a.csv", target=None)
    assert list(data.frame.columns) == ["temperature"]
    assert data.frame.index.is_monotonic_increasing
    assert "order was reversed" in data.notes[0]
    assert "'temperature', the first numeric column that varies, of ['count', 'temperature']" in data.notes[1]
    df[["temperature"]].to_csv(tmp_path / "b.csv", index=False)
    data = read(tmp_path / "b.csv", target=None)
    assert isinstance(data.frame.index, pd.RangeIndex)
    assert "rows are counted as steps" in data.notes[0]


def test_rows_in_disorder_are_sorted_and_it_is_noted(df, tmp_path):
    df.sample(frac=1, random_state=0).to_csv(tmp_path / "a.csv", index=False)
    data = read(tmp_path / "a.csv")
    assert (data.frame.index == pd.DatetimeIndex(df["when"])).all()
    assert "not in time order" in data.notes[0]
    many = pd.concat([df, df.assign(station="south").sample(frac=1, random_state=0)])
    many.to_csv(tmp_path / "b.csv", index=False)
    data = read(tmp_path / "b.csv", series="station")
    assert data.frame[data.frame["station"] == "south"].index.is_monotonic_increasing
    assert "series 'south' are not in time order" in data.notes[0]


def test_time_may_be_whole_numbers(tmp_path):
    pd.DataFrame({"year": range(1900, 1950), "v": 1.5}).to_csv(tmp_path / "a.csv", index=False)
    data = read(tmp_path / "a.csv", time="year", target=None)
    assert data.frame.index[0] == 1900
    assert list(data.frame.columns) == ["v"]
    with pytest.raises(ProblemError, match=r"'v' holds '1\.5' in row 1; expected dates"):
        read(tmp_path / "a.csv", time="v", target=["year"])


def test_columns_are_named_one_by_one_or_with_commas(df, tmp_path):
    df.assign(**{"rain, mm": 0.5}).to_csv(tmp_path / "a.csv", index=False)
    data = read(tmp_path / "a.csv", past_covariates=["count", "rain, mm"])
    assert data.past == ["count", "rain, mm"]
    assert read(tmp_path / "a.csv", target=["temperature,count"]).target == ["temperature", "count"]


def test_cells_that_mean_no_value_are_named(df, tmp_path):
    text = df["temperature"].round(3).astype(str).where(df.index != 7, "-").where(df.index != 8, "-9999")
    df.assign(temperature=text).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ProblemError, match=r"holds text: '-' in row 8, and 1 such .* --na '-'"):
        read(tmp_path / "a.csv")
    frame = read(tmp_path / "a.csv", na=["-", "-9999"]).frame
    assert frame["temperature"].isna().to_numpy().nonzero()[0].tolist() == [7, 8]
    df.assign(temperature=df["temperature"].where(df.index != 8, -9999.0)).to_parquet(tmp_path / "a.parquet")
    frame = read(tmp_path / "a.parquet", na=["-9999"]).frame
    assert frame["temperature"].isna().to_numpy().nonzero()[0].tolist() == [8]


ODD = {
    "a wrong column": ({"target": ["temprature"]}, r"no column 'temprature'; .* Did you mean 'temperature'\?"),
    "another case": ({"target": ["Temperature"]}, r"Did you mean 'temperature'\?"),
    "two roles": ({"past_covariates": ["temperature"]}, "'temperature' is named for two roles"),
    "a time with a role": ({"time": "temperature"}, "'temperature' is the time of the rows"),
    "a series that is not there": ({"series": "shop"}, "--series: there is no column 'shop'"),
    "text for a number": ({"past_covariates": ["mixed"]}, r"'mixed' holds text: 'n\.a\.' in row 4"),
}


@pytest.mark.parametrize("name", ODD)
def test_a_wrong_choice_of_columns_is_refused(df, tmp_path, name):
    options, message = ODD[name]
    mixed = df["temperature"].astype(str).where(df.index != 3, "n.a.")
    df.assign(mixed=mixed).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ProblemError, match=message):
        read(tmp_path / "a.csv", **options)


def test_a_name_that_stands_twice_in_the_header_is_refused_where_it_is_used(df, tmp_path):
    df.rename(columns={"count": "temperature"}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ProblemError, match="'temperature' appears several times in the header"):
        read(tmp_path / "a.csv")
    df.rename(columns={"count": "station"}).to_csv(tmp_path / "b.csv", index=False)
    assert list(read(tmp_path / "b.csv").frame.columns) == ["temperature"]


def test_stamps_of_several_series_ask_for_the_column_that_names_them(df, tmp_path):
    pd.concat([df, df.assign(station="south")]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ProblemError, match=r"400 rows repeat .* Fix: --series 'station'"):
        read(tmp_path / "a.csv")
