"""Calendar features follow local time, in every zone and year."""

import sys
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.preprocessing import calendar_features

examples = settings(max_examples=100, deadline=None, derandomize=True)

CYCLIC = ["minute", "hour", "dayofweek", "dayofmonth", "dayofyear", "week", "month", "quarter"]


def by_pandas(stamp):
    """Position and length of every cycle, by the attributes of one stamp."""
    year, week, weekday = stamp.isocalendar()
    return {
        "minute": (stamp.minute, 60),
        "hour": (stamp.hour, 24),
        "dayofweek": (weekday - 1, 7),
        "dayofmonth": (stamp.day - 1, stamp.days_in_month),
        "dayofyear": (stamp.day_of_year - 1, 366 if stamp.is_leap_year else 365),
        "week": (week - 1, date(year, 12, 28).isocalendar()[1]),
        "month": (stamp.month - 1, 12),
        "quarter": (stamp.quarter - 1, 4),
    }


ZONES = [None, "UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]
UNITS = ["s", "ms", "us", "ns"]


class TestCalendar:
    @examples
    @given(minutes=st.integers(-100 * 525_960, 100 * 525_960), zone=st.sampled_from(ZONES), unit=st.sampled_from(UNITS))
    def test_it_says_what_the_clock_on_the_wall_says(self, minutes, zone, unit):
        index = pd.DatetimeIndex([pd.Timestamp("1970-01-01") + pd.Timedelta(minutes=minutes)]).as_unit(unit)
        index = index if zone is None else index.tz_localize("UTC").tz_convert(zone)
        features, names = calendar_features(index, [*CYCLIC, "weekend"])
        assert names == [f"{name}_{part}" for name in CYCLIC for part in ("sin", "cos")] + ["weekend"]
        assert features.shape == (1, 17)
        for number, (name, (position, length)) in enumerate(by_pandas(index[0]).items()):
            angle = 2 * np.pi * position / length
            expected = [np.sin(angle), np.cos(angle)]
            assert np.abs(features[0, 2 * number : 2 * number + 2] - expected).max() < 1e-12, name
        assert features[0, -1] == float(index[0].weekday() >= 5)

    @examples
    @given(start=st.integers(0, 20_000), weeks=st.integers(1, 500), freq=st.sampled_from(["15min", "h", "D"]))
    def test_a_shift_of_whole_weeks_leaves_the_day_and_the_hour(self, start, weeks, freq):
        index = pd.date_range(pd.Timestamp("1990-01-01") + pd.Timedelta(days=start), periods=50, freq=freq)
        names = ["minute", "hour", "dayofweek", "weekend"]
        here, there = (calendar_features(at, names)[0] for at in (index, index + pd.Timedelta(weeks=weeks)))
        assert np.array_equal(here, there)

    def test_a_row_has_the_same_bits_in_any_company(self):
        index = pd.date_range("2019-12-01", periods=5100, freq="h", tz="Europe/Berlin")
        names = [*CYCLIC, "weekend", "holidays:DE"]
        whole, _ = calendar_features(index, names)

        @examples
        @given(first=st.integers(0, 5000), rows=st.integers(1, 40))
        def holds(first, rows):
            part, _ = calendar_features(index[first : first + rows], names)
            assert np.array_equal(part, whole[first : first + rows])

        holds()

    def test_the_same_wall_time_has_the_same_features_on_both_sides_of_a_clock_change(self):
        index = pd.date_range("2024-10-26 12:00", periods=3, freq="D", tz="Europe/Berlin")
        assert len(set(map(tuple, calendar_features(index, ["hour"])[0]))) == 1
        twice = pd.date_range("2024-10-27 00:00", periods=5, freq="h", tz="Europe/Berlin")  # 2 o'clock comes twice
        hours = calendar_features(twice, "hour")[0]
        assert np.array_equal(hours[2], hours[3])

    def test_the_last_day_of_a_year_is_next_to_the_first_in_any_year(self):
        for year, length in ((2023, 365), (2024, 366)):
            index = pd.DatetimeIndex([f"{year}-12-31", f"{year + 1}-01-01"])
            last, first = calendar_features(index, "dayofyear")[0]
            assert np.abs(last - [-np.sin(2 * np.pi / length), np.cos(2 * np.pi / length)]).max() < 1e-12
            assert np.array_equal(first, [0, 1])

    def test_a_period_counts_from_its_start(self):
        periods = pd.period_range("2024-01", periods=12, freq="M")
        stamps = pd.date_range("2024-01-01", periods=12, freq="MS")
        names = ["month", "dayofmonth", "dayofyear"]
        assert np.array_equal(calendar_features(periods, names)[0], calendar_features(stamps, names)[0])

    def test_no_names_no_rows_no_features(self):
        index = pd.date_range("2024-01-01", periods=3, freq="D")
        assert calendar_features(index, [])[0].shape == (3, 0)
        assert calendar_features(index[:0], ["hour", "week", "weekend", "holidays:DE"])[0].shape == (0, 6)

    def test_steps_have_no_date(self):
        with pytest.raises(
            TypeError, match=r"int64 values.*a number of steps has no date. Fix: df.index = pd.date_range"
        ):
            calendar_features(pd.RangeIndex(3), ["hour"])

    def test_unknown_names_are_refused_with_the_known_ones(self):
        index = pd.date_range("2024-01-01", periods=3)
        with pytest.raises(ValueError, match=r"'day_of_week'; expected one of \['minute'.*mean 'dayofweek'"):
            calendar_features(index, ["hour", "day_of_week"])
        with pytest.raises(ValueError, match="'hour' is named twice"):
            calendar_features(index, ["hour", "hour"])

    def test_nat_is_refused(self):
        with pytest.raises(ValueError, match=r"1 missing stamps \(NaT\), first in row 1"):
            calendar_features(pd.DatetimeIndex(["2024-01-01", None]), "hour")


class TestHolidays:
    def days(self, place, start, end, **kwargs):
        index = pd.date_range(start, end, freq="D", **kwargs)
        features, names = calendar_features(index, [f"holidays:{place}"])
        assert names == [f"holidays:{place}"]
        assert set(np.unique(features)) <= {0.0, 1.0}
        return [str(day.date()) for day in index[features[:, 0] == 1]]

    def test_days_off_of_a_country(self):
        assert self.days("DE", "2023-12-20", "2024-01-10") == ["2023-12-25", "2023-12-26", "2024-01-01"]

    def test_days_off_of_a_part_of_it(self):
        assert self.days("DE-BY", "2024-01-01", "2024-01-10") == ["2024-01-01", "2024-01-06"]

    def test_a_code_of_three_letters_names_the_same_country(self):
        assert self.days("DEU", "2023-12-20", "2024-01-10") == self.days("DE", "2023-12-20", "2024-01-10")

    def test_a_holiday_observed_in_the_year_before(self):
        assert self.days("US", "2021-12-28", "2022-01-03") == ["2021-12-31", "2022-01-01"]

    def test_the_day_begins_at_midnight_on_the_wall(self):
        index = pd.date_range("2024-12-31 22:00", periods=4, freq="h", tz="Asia/Tokyo")
        assert calendar_features(index, "holidays:JP")[0][:, 0].tolist() == [0, 0, 1, 1]

    def test_unknown_places_are_refused(self):
        index = pd.date_range("2024-01-01", periods=3)
        with pytest.raises(ValueError, match=r"country 'GER' of 'holidays:GER'; expected an ISO 3166 code such as"):
            calendar_features(index, "holidays:GER")
        with pytest.raises(ValueError, match=r"no part 'ZZ' of DE.*'BY'"):
            calendar_features(index, "holidays:DE-ZZ")

    def test_a_year_without_known_holidays_is_refused(self):
        with pytest.raises(ValueError, match=r"known from \d+ to \d+, but the index has a row in 2250"):
            calendar_features(pd.DatetimeIndex(["2250-01-01"]), "holidays:DE")

    def test_without_the_package_the_message_says_how_to_get_it(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "holidays", None)
        with pytest.raises(ImportError, match=r'pip install "rnn-forecast\[holidays\]"'):
            calendar_features(pd.date_range("1999-01-01", periods=3), "holidays:AT")
