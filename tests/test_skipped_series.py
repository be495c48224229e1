"""One series of a panel that is late, too short or has a gap: the others are answered, and a warning names it."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, SkippedSeriesWarning

N = 60
DAYS = pd.date_range("2024-01-01", periods=N, freq="D", name="day")
LATER = pd.date_range(DAYS[-1] + DAYS.freq, periods=3, freq="D", name="day")
NET = RNNForecaster(hidden_size=4, max_iter=1, random_state=0)


def shop(name, number, days=DAYS):
    y = 10.0 * (number + 1) + np.sin(np.arange(len(days)) + number)
    return pd.DataFrame({"shop": name, "day": days, "y": y, "promo": (np.arange(len(days)) % 3 == 0).astype(float)})


def panel(*names, **changes):
    return pd.concat([shop(name, number, changes.get(name, DAYS)) for number, name in enumerate(names)])


def fitted(frame, regressor=None, **settings):
    settings = {"target": "y", "lookback": 8, "horizon": 3, "series": "shop", "time": "day"} | settings
    return SeriesForecaster(Ridge() if regressor is None else regressor, **settings).fit(frame)


ARRANGED = {
    "columns": (lambda f: f.reset_index(drop=True), {}),
    "time in the index": (lambda f: f.set_index("day"), {"time": None}),
    "levels": (lambda f: f.set_index(["shop", "day"]), {"time": None}),
    "by time": (lambda f: f.sort_values("day", kind="stable"), {}),
}


def named(forecast):
    names = forecast if isinstance(forecast, pd.DataFrame) else forecast.to_pandas()
    return set(names.reset_index()["shop"])


FAULTS = {
    "too short": (lambda f: f[(f["shop"] != "b") | (f["day"] > DAYS[-5])], r"'b' \(the history of .* has 4 rows"),
    "a gap": (lambda f: f[(f["shop"] != "b") | (f["day"] != DAYS[30])], r"'b' \(the index has gaps.*2024-01-31"),
    "a missing value": (
        lambda f: f.assign(y=f["y"].where((f["shop"] != "b") | (f["day"] != DAYS[30]))), r"'b' \(.*1 missing values",
    ),
    "off the grid": (
        lambda f: f.assign(day=f["day"] + pd.to_timedelta(7 * ((f["shop"] == "b") & (f["day"] > DAYS[30])), "h")),
        r"'b' \(.*not on the grid",
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", ARRANGED)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_other_series_of_a_history_are_answered(fault, layout):
    arrange, roles = ARRANGED[layout]
    spoil, words = FAULTS[fault]
    frame = panel("a", "b", "c")
    model = fitted(arrange(frame), **roles)
    spoiled = arrange(spoil(frame).sort_values("day", kind="stable") if layout == "by time" else spoil(frame))
    with pytest.warns(SkippedSeriesWarning, match=rf"1 of 3 series are left out: {words}.*errors='raise'") as caught:
        got = model.predict(history=spoiled)
    assert caught[0].filename == __file__
    assert caught[0].message.series == ["b"]
    expected = model.predict(history=arrange(frame[frame["shop"] != "b"]))
    pd.testing.assert_frame_equal(got, expected, check_exact=True)
    with pytest.raises(ValueError):
        model.predict(history=spoiled, errors="raise")


def test_the_other_series_of_future_rows_are_answered():
    model = fitted(panel("a", "b", "c"), future_covariates="promo")
    future = model.future_frame().assign(promo=1.0)
    late = future.assign(day=future["day"].where(future["shop"] != "b", future["day"] + DAYS.freq))
    short = future.drop(index=4)
    unknown = future.replace({"shop": {"b": "z"}})
    holes = future.assign(promo=future["promo"].where(future.index != 4))
    whole = model.predict(future)
    for rows, words in {
        r"'b' \(X does not continue.*end at 2024-02-29": late,
        r"'b' \(X has 2 rows after|'b' \(X does not continue": short,
        r"'z' \(X has rows of the unknown series": unknown,
        r"'b' \(future covariate 'promo' has 1 missing": holes,
    }.items():
        with pytest.warns(SkippedSeriesWarning, match=rows):
            got = model.predict(words)
        others = whole.loc[(future["shop"] != "b").to_numpy()]
        assert got["y"].tolist() == others["y"].tolist()
        assert words.loc[got.index, "shop"].isin(["a", "c"]).all(), "under the index of its rows"
        with pytest.raises(ValueError):
            model.predict(words, errors="raise")
        with pytest.warns(SkippedSeriesWarning):
            assert len(model.predict_interval(words, coverage=0.5)) == 6
        with pytest.warns(SkippedSeriesWarning):
            assert len(model.predict_quantiles(words, [0.4])) == 6
        for method in (model.predict_interval, model.predict_quantiles):
            with pytest.raises(ValueError):
                method(words, errors="raise")


def test_the_frame_to_fill_after_a_history():
    frame = panel("a", "b", "c", b=DAYS[:5])
    model = fitted(panel("a", "b", "c"), future_covariates="promo")
    with pytest.warns(SkippedSeriesWarning, match="1 of 3 series are left out: 'b'") as caught:
        future = model.future_frame(history=frame)
    assert caught[0].filename == __file__
    with pytest.warns(SkippedSeriesWarning, match="'b'"):
        assert len(model.predict(future.assign(promo=0.0), history=frame)) == 6
    with pytest.raises(ValueError, match="'b' has 5 rows"):
        model.future_frame(history=frame, errors="raise")


def test_polars_frames():
    model = fitted(pl.from_pandas(panel("a", "b").reset_index(drop=True)))
    with pytest.warns(SkippedSeriesWarning, match="'b'"):
        got = model.predict(history=pl.from_pandas(panel("a", "b", b=DAYS[:5]).reset_index(drop=True)))
    assert named(got) == {"a"}


def test_what_is_wrong_with_the_whole_frame_or_every_series_is_refused():
    model = fitted(panel("a", "b"), past_covariates="promo")
    frame = panel("a", "b")
    for match, rows in {
        "'promo' is not in the frame": frame.drop(columns="promo"),
        "split in two": pd.concat([frame.iloc[:30], frame.iloc[N:], frame.iloc[30:N]]),
        "has 4 rows": panel("a", "b", a=DAYS[-4:], b=DAYS[-4:]),
        "zone": frame.assign(day=frame["day"].dt.tz_localize("UTC")),
    }.items():
        with pytest.raises(ValueError, match=match):
            model.predict(history=rows)
    with pytest.raises(ValueError, match="errors is 'ignore'; expected 'warn' or 'raise'"):
        model.predict(errors="ignore")
    alone = fitted(shop("a", 0), series=None)
    with pytest.raises(ValueError, match="has gaps"):
        alone.predict(history=shop("a", 0).drop(index=30))


def test_many_are_counted_and_the_first_are_named():
    names = [f"s{number}" for number in range(8)]
    model = fitted(panel(*names))
    short = dict.fromkeys(names[1:7], DAYS[-4:])
    with pytest.warns(SkippedSeriesWarning, match=r"6 of 8 series.*'s1' .*'s2' .*'s3' .*\.\.\. \(6 in all\)") as caught:
        model.predict(history=panel(*names, **short))
    assert caught[0].message.series == names[1:7]


# -------------------- a short series in fit

SETTINGS = {
    "plain": {},
    "transform": {"transform": "seasonal_difference"},
    "standard": {"transform": "standard", "window_norm": "standard"},
    "network": {"regressor": NET},
    "shared": {"target": ["y", "promo"], "multi_target": "shared"},
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("rows", [1, 2, 7])
def test_a_short_series_takes_no_part_in_training_and_is_forecast_when_it_is_long_enough(name, rows):
    frame = panel("a", "b", "new", new=DAYS[-rows:])
    with pytest.warns(SkippedSeriesWarning, match=rf"1 of 3 series take no part in training: 'new' \(.*{rows} rows"):
        model = fitted(frame, **SETTINGS[name])
    without = fitted(panel("a", "b"), **SETTINGS[name])
    with pytest.warns(SkippedSeriesWarning, match=r"1 of 3 series are left out: 'new'"):
        got = model.predict()
    assert got.equals(without.predict())
    with pytest.raises(ValueError, match="of series 'new' has"):
        model.predict(errors="raise")
    later = pd.date_range(LATER[0], periods=20, freq="D")
    model.update(panel("a", "b", "new", **dict.fromkeys(["a", "b", "new"], later)))
    got = model.predict()
    assert named(got) == {"a", "b", "new"}
    assert got.notna().all(axis=None)


def test_validation_rows_of_ones_own_and_a_short_series():
    frame = panel("a", "b", "new", new=DAYS[-5:])
    rows = panel("a", "b", "new", **dict.fromkeys(["a", "b", "new"], pd.date_range(LATER[0], periods=2, freq="D")))
    with pytest.warns(SkippedSeriesWarning, match="'new'"):
        model = SeriesForecaster(Ridge(), target="y", lookback=8, horizon=1, series="shop", time="day").fit(
            frame, X_val=rows
        )
    expected = SeriesForecaster(Ridge(), target="y", lookback=8, horizon=1, series="shop", time="day").fit(
        frame[frame["shop"] != "new"], X_val=rows[rows["shop"] != "new"]
    )
    with pytest.warns(SkippedSeriesWarning, match="'new'"):
        assert model.predict().equals(expected.predict())
    assert model.report_.table.equals(expected.report_.table)
