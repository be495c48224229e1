"""Files of users, in the manner of public exports: the command reads each right, or says in one line what it cannot."""

import json
import re

import pytest
import user_files as files

from forecast.cli import main, planning

QUICK = ("--horizon", "2", "--lookback", "4", "--hidden-size", "2", "--max-iter", "1", "--validation-fraction", "none")
FIRST, SMALL = [5003.25, 5013.25], [20.0, 20.125]
WHOLE = [5003.0, 5013.0]

# file: options, first stamp, frequency, first values
READ = {
    files.nasdaq: ((), "2024-03-01", "B", [20.0, 20.12]),
    files.grid_operator: ((), "2024-01-01", "h", SMALL),
    files.noaa_daily: (("--target", "TMAX"), "2024-01-01", "D", SMALL),
    files.noaa_compact: ((), "2024-01-01", "D", SMALL),
    files.buoy: ((), "2024-01-01", "h", SMALL),
    files.uci_power: ((), "2006-12-16T17:24:00", "min", SMALL),
    files.uci_air: ((), "2024-01-01", "h", SMALL),
    files.uci_bike: (("--target", "cnt"), "2024-01-01", "h", WHOLE),
    files.uci_beijing: ((), "2024-01-01", "h", SMALL),
    files.uci_appliances: ((), "2024-01-01", "h", WHOLE),
    files.rossmann: (("--target", "Sales", "--series", "Store"), "2024-01-01", "D", WHOLE),
    files.store_item: (("--target", "sales", "--series", "store,item"), "2024-01-01", "D", WHOLE),
    files.entsoe_prices: ((), "2024-01-01", "h", SMALL),
    files.miso_load: ((), "2024-01-01T01:00:00", "h", FIRST),
    files.ercot_load: ((), "2024-01-01T01:00:00", "h", FIRST),
    files.settlement_periods: ((), "2024-01-01", "30min", [20000.0, 20001.0]),
    files.google_trends: ((), "2023-01-01", "W-SUN", [20.0, 20.0]),
    files.fred: ((), "2015-01-01", "MS", SMALL),
    files.fred_with_points: (("--na", ".", "--missing", "mask"), "2024-01-01", "B", SMALL),
    files.jena: ((), "2009-01-01T00:10:00", "10min", SMALL),
    files.page_views: ((), "2024-01-01", "h", WHOLE),
    files.yahoo: ((), "2024-03-01", "B", SMALL),
    files.yahoo_tickers: (("--target", "Close MSFT"), "2024-03-01", "B", [21.0, 21.125]),
    files.units_below: ((), "2024-01-01", "h", FIRST),
    files.destatis: ((), "2019-01-01", "MS", FIRST),
    files.eurostat: ((), "2008-01-01", "QS-JAN", SMALL),
    files.imf_months: ((), "2019-01-01", "MS", SMALL),
    files.illness: ((), "2023-01-02", "W-MON", WHOLE),
    files.iso_weeks: ((), "2023-01-02", "W-MON", WHOLE),
    files.nasa_power: ((), "2024-01-01", "D", SMALL),
    files.exchange_seconds: ((), "2024-01-01T00:00:00+00:00", "h", SMALL),
    files.exchange_milliseconds: ((), "2024-01-01T00:00:00+00:00", "h", SMALL),
    files.pandas_index: ((), "2024-01-01", "h", SMALL),
    files.pandas_dates_as_index: ((), "2024-01-01", "h", SMALL),
    files.r_rownames: ((), "2024-01-01", "D", SMALL),
    files.r_decimal_years: ((), "1949-01-01", "MS", WHOLE),
    files.investing: ((), "2024-03-01", "B", FIRST),
    files.swiss: ((), "2024-01-01", "D", FIRST),
    files.french: ((), "2024-01-01", "D", FIRST),
    files.thousands_alone: ((), "2024-01-01", "D", WHOLE),
    files.json_lines: ((), "2024-01-01", "h", SMALL),
    files.month_names: ((), "2019-01-01", "MS", WHOLE),
    files.year_and_month_columns: ((), "2019-01-01", "MS", WHOLE),
    files.sunspots: ((), 1700, 1, SMALL),
    files.no_time: ((), 0, 1, SMALL),
}

# file: what stdout says of the time
COUNTED = {
    files.sunspots: "whole numbers of column 'Year', not dates",
    files.no_time: "the rows are counted as steps: no column of dates is read",
}

# file: options, what the line says
REFUSED = {
    files.uci_power_question_marks: ((), r"column 'Global_active_power' holds text: '\?' in row 5, .* Fix: --na '\?'"),
    files.google_trends_below_one: ((), r"column 'lstm: \(Worldwide\)' holds text: '<1' in row 9, .* Fix: --na '<1'"),
    files.entsoe_missing: ((), r"column 'Day-ahead Price \[EUR/MWh\]' holds text: 'n/e' in row 9, .* Fix: --na n/e"),
    files.fred_with_points: ((), r"column 'DGS10' holds text: '\.' in row 8, .* Fix: --na \."),
    files.rossmann: ((), r"60 rows repeat a time of column 'Date' .* Fix: --series 'Store'"),
    files.store_item: ((), r"180 rows repeat a time of column 'date' .* Fix: --series 'store,item'"),
    files.m4_wide: ((), r"columns 'V2' to 'V40' are numbered steps: .* df\.melt\(\['V1'\], var_name='time'\)"),
    files.web_traffic: ((), r"columns '2024-01-01' to '2024-02-29' are dates: .* df\.melt\(\['Page'\]"),
    files.world_bank: ((), r"columns '1990' to '2023' are dates: .* df\.melt\(\['Country Name', 'Country Code'\]"),
    files.in_doubt: ((), r"column 'y' holds '5,003', which may be a thousand or a decimal\. Give --decimal \. if"),
    files.unreadable_dates: ((), r"column .Date. holds .week 0 of season 0., no date .* Give its form with "),
    files.sunspots_without_header: ((), r"no header: its first line is '1749, 01, 20\.0'"),
    files.only_an_index: ((), r"\['Unnamed: 0', 'id'\] count the rows or their time"),
}


def name_of(file):
    return file.__name__


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Write a file and train on it; exit code, stdout, stderr and the frame that was read."""
    monkeypatch.chdir(tmp_path)
    seen = []
    read = planning.read_data
    monkeypatch.setattr(planning, "read_data", lambda *given: seen.append(read(*given)) or seen[-1])

    def go(file, *options):
        (tmp_path / "data.csv").write_text(file(), encoding="utf-8", newline="")
        code = main(["fit", "data.csv", *QUICK, *options, "-o", "model.forecast"])
        return code, *capsys.readouterr(), seen[-1] if seen else None

    return go


def test_there_are_forty_files_and_more():
    assert len(READ.keys() | REFUSED.keys()) > 50


@pytest.mark.parametrize("file", READ, ids=name_of)
def test_a_file_is_read_right(run, file):
    options, start, freq, values = READ[file]
    code, out, err, data = run(file, *options, "--json")
    assert code == 0, err
    found = json.loads(out.replace("QS-OCT", "QS-JAN"))["data"]  # the same stamps, which pandas 2 names the other way
    plain = start if not isinstance(start, str) or "T" in start else f"{start}T00:00:00"
    assert (found["start"], found["frequency"]) == (plain, freq)
    one = (
        data.frame.groupby(data.series).get_group(tuple(data.frame[data.series].iloc[0])) if data.series else data.frame
    )
    assert one[data.target[0]].head(2).tolist() == values
    assert not data.target[0].startswith(("Unnamed", "instant", "No"))
    assert (data.counted is None) == (file not in COUNTED)
    assert all(len(line) < 200 for line in err.splitlines())


@pytest.mark.parametrize("file", REFUSED, ids=name_of)
def test_a_file_is_refused_in_one_line_that_names_the_column(run, file):
    options, words = REFUSED[file]
    code, out, err, _ = run(file, *options)
    assert (code, out) == (2, "")
    last = err.splitlines()[-1]
    assert last.startswith("forecast: error: ")
    assert re.search(words, last), last
    assert len(last) < 200


@pytest.mark.parametrize("file", [files.sunspots, files.no_time], ids=name_of)
def test_rows_without_dates_are_counted_with_a_line_on_stdout(run, file):
    _, out, _, data = run(file)
    words = {
        files.sunspots: "whole numbers of column 'Year', not dates",
        files.no_time: "the rows are counted as steps",
    }
    assert re.search(rf"^Time       {words[file]}", out, re.MULTILINE)
    assert data.target == [{files.sunspots: "Mean", files.no_time: "load"}[file]]


def test_what_is_in_doubt_is_read_as_the_option_says(run):
    assert run(files.in_doubt, "--decimal", ".")[3].frame["y"].head(2).tolist() == WHOLE
    assert run(files.in_doubt, "--decimal", ",")[3].frame["y"].head(2).tolist() == [5.003, 5.013]


def test_the_advice_on_series_gives_series_that_can_be_trained(run):
    for file, options in ((files.rossmann, ("--target", "Sales")), (files.store_item, ("--target", "sales"))):
        err = run(file, *options)[2]
        code, out, err, _ = run(file, *options, "--series", re.search(r"--series '(.*?)'", err)[1])
        assert code == 0, err
        assert re.search(r" of [24] series", out)
