"""`update`: new rows behind the known ones; forecasts go on as if the whole history had been given."""

import copy
import itertools
import re

import daily
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from panels import LAYOUTS
from sklearn.linear_model import Ridge

import forecast
from forecast import LateSeriesWarning, RNNForecaster, SeriesForecaster, SkippedSeriesWarning

N, CUT = 110, 90
NET = RNNForecaster(hidden_size=4, max_iter=1, random_state=0)


def single(index, **columns):
    rng = np.random.default_rng(0)
    y = 20 + 5 * np.sin(np.arange(len(index)) / 4) + rng.normal(size=len(index))
    return pd.DataFrame({"y": y} | columns, index=index)


def days(n=N, **changes):
    return pd.date_range("2024-01-01", **{"periods": n, "freq": "D", "name": "day"} | changes)


def panel(n=N, names="abc"):
    parts = [single(days(n)).assign(shop=name, size=float(k)) * 1 for k, name in enumerate(names)]
    parts = [part.assign(y=part["y"] * (k + 1), x=part["y"] ** 2) for k, part in enumerate(parts)]
    return pd.concat(parts).reset_index().sort_values("day", kind="stable", ignore_index=True)


def holes(frame):
    frame = frame.copy()
    frame.loc[frame.index[[20, 21, CUT - 1, CUT, CUT + 4]], "y"] = np.nan
    return frame


def fitted(frame, regressor=None, **settings):
    return SeriesForecaster(
        Ridge() if regressor is None else regressor, **({"target": "y", "lookback": 8, "horizon": 3} | settings)
    ).fit(frame)


SESSIONS = pd.offsets.CustomBusinessDay(holidays=["2024-03-29", "2024-05-01"])
CASES = {
    "days": (lambda: single(days()), {}),
    "hours over a change of the clock": (
        lambda: single(days(freq="h", tz="Europe/Berlin").shift(2072)), {"calendar": ["hour"]}
    ),
    "days over a change of the clock": (
        lambda: single(days(tz="Europe/Berlin")), {"calendar": ["dayofweek"]}
    ),
    "business days": (lambda: single(days(freq="B")), {}),
    "sessions": (lambda: single(pd.DatetimeIndex(days(freq=SESSIONS), freq=None)), {"trading_calendar": SESSIONS}),
    "weeks": (lambda: single(days(freq="W-WED")), {}),
    "months": (lambda: single(days(freq="MS")), {"transform": "seasonal_difference"}),
    "periods": (lambda: single(pd.period_range("2015-01", periods=N, freq="M")), {}),
    "whole numbers": (lambda: single(pd.RangeIndex(100, 100 + 3 * N, 3)), {}),
    "small whole numbers": (lambda: single(pd.Index(np.arange(N, dtype=np.int32) * 2)), {}),
    "float32": (lambda: single(days()).astype(np.float32), {"regressor": NET}),
    "masked": (lambda: holes(single(days())), {"regressor": NET, "missing": "mask"}),
    "gaps as a mask": (lambda: single(days()).drop(days()[[50, CUT - 1, CUT, 105]]), {"gaps": "mask", "freq": "D"}),
    "gaps on a line": (lambda: single(days()).drop(days()[[50, CUT, CUT + 1, 105]]), {"gaps": "interpolate"}),
    "difference": (lambda: single(days()), {"transform": ["log", "difference"], "window_norm": "standard"}),
    "log returns": (lambda: single(days()), {"transform": "log_return"}),
    "several targets": (lambda: single(days()).assign(z=lambda f: f["y"] ** 2), {"target": ["y", "z"]}),
    "shared targets": (
        lambda: single(days()).assign(z=lambda f: f["y"] ** 2),
        {"target": ["y", "z"], "multi_target": "shared", "transform": "standard"},
    ),
    "past covariates": (
        lambda: single(days()).assign(x=1.0, sky=np.resize(["blue", "grey"], N)), {"past_covariates": ["x", "sky"]}
    ),
    "members": (
        lambda: single(days()),
        {"regressor": None, "members": {"a": {"regressor": Ridge()}, "b": {"regressor": NET, "lookback": 12}}},
    ),
}  # fmt: skip


def given(name):
    frame, settings = CASES[name]
    settings = dict(settings)
    members = "members" in settings
    return frame(), {"regressor": settings.pop("regressor", None)} | settings if not members else settings


def pieces(frame, *cuts):
    bounds = [0, *cuts, len(frame)]
    return [frame.iloc[first:end] for first, end in itertools.pairwise(bounds)]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:no trading calendar was given")
def test_forecasts_are_those_of_the_whole_history_to_the_bit(name, tmp_path):
    frame, settings = given(name)
    first, *rest = pieces(frame, CUT, CUT + 1, CUT + 6)
    settings = {"target": "y", "lookback": 8, "horizon": 3} | settings
    model = SeriesForecaster(settings.pop("regressor") or (None if "members" in settings else Ridge()), **settings)
    model.fit(first)
    before = copy.deepcopy(model)
    for number, rows in enumerate(rest):
        assert model.update(rows) is model
        model.save(tmp_path / "model")
        model = forecast.load(tmp_path / "model")
        whole = frame.loc[: rows.index[-1]]
        expected = before.predict(history=whole)
        pd.testing.assert_frame_equal(model.predict(), expected, check_exact=True, check_freq=number > 0)
        assert model.history_.index[-1] == rows.index[-1]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("settings", [{"transform": "standard"}, {"missing": "mask"}], ids=["learnt", "masked"])
def test_panels_in_every_layout_with_a_new_series(layout, settings):
    arrange, roles = LAYOUTS[layout]
    frame = panel(names="0123")
    frame["shop"] = "s" + frame["shop"]
    frame = frame[(frame["shop"] != "s3") | (frame["day"] >= days()[CUT + 2])]
    blocks = layout not in ("interleaved", "levels, time first", "time in the index")
    settings = settings | {"series": "shop", "past_covariates": "x", "static_covariates": "size"} | roles

    def part(first, end):
        rows = frame[(frame["day"] >= days()[first]) & (frame["day"] <= days()[end])]
        return arrange(rows.sort_values(["shop", "day"], ignore_index=True) if blocks else rows)

    model = fitted(part(0, CUT - 1), **settings)
    before = copy.deepcopy(model)
    model.update(part(CUT, CUT + 5)).update(part(CUT + 6, N - 1))
    expected = before.predict(history=part(0, N - 1))
    pd.testing.assert_frame_equal(model.predict(), expected, check_exact=True)
    assert len(expected) == 4 * 3


@pytest.mark.parametrize("kind", [pl.from_pandas, pa.Table.from_pandas], ids=["polars", "arrow"])
def test_frames_of_other_libraries(kind):
    frame = panel()
    first, rest = frame[frame["day"] < days()[CUT]], frame[frame["day"] >= days()[CUT]]
    settings = {"series": "shop", "time": "day"}
    model = fitted(kind(first.reset_index(drop=True)), **settings).update(kind(rest.reset_index(drop=True)))
    expected = fitted(first, **settings).update(rest).predict()
    got = model.predict()
    got = got.to_pandas()
    assert got["y"].tolist() == expected["y"].tolist()
    assert (got["day"].to_numpy() == expected["day"].to_numpy()).all()


def test_future_covariates_of_the_new_rows_are_remembered():
    frame = single(days()).assign(promo=lambda f: (np.arange(len(f)) % 3 == 0).astype(float))
    first, rest = pieces(frame, CUT)
    model = fitted(first, future_covariates="promo")
    before = copy.deepcopy(model)
    future = model.update(rest).future_frame().assign(promo=1.0)
    assert model.predict(future).equals(before.predict(future, history=frame))
    with pytest.raises(ValueError, match="'promo' is not in the frame"):
        before.update(rest[["y"]])


def test_the_target_as_y():
    frame = single(days()).assign(x=1.0)
    first, rest = pieces(frame, CUT)
    model = fitted(first[["x"]].assign(y=first["y"]), past_covariates="x")
    other = SeriesForecaster(Ridge(), lookback=8, horizon=3, past_covariates="x").fit(first[["x"]], first["y"])
    assert other.update(rest[["x"]], rest["y"]).predict().equals(model.update(rest).predict())


# -------------------- refusals


def state_of(model):
    return model._state


def run_fix(error, model, new_rows):
    """Paste the fix of a message."""
    code = re.search(r"Fix: (.*?)\.?$", str(error.value)).group(1)
    return eval(code, {"model": model, "new_rows": new_rows})


@pytest.mark.parametrize(
    ("settings", "gaps"), [({}, "interpolate"), ({"missing": "mask", "regressor": NET}, "mask")], ids=["line", "mask"]
)
def test_a_gap_is_refused_with_a_fix_that_runs(settings, gaps):
    first, rest = pieces(single(days()), CUT)
    model = fitted(first, **settings)
    state = state_of(model)
    with pytest.raises(ValueError, match=r"index has gaps.*2024-03-31.*2024-04-01") as error:
        model.update(rest.iloc[2:])
    assert state_of(model) is state
    run_fix(error, model, rest.iloc[2:])
    assert model.gaps == gaps
    assert model.predict().notna().all(axis=None)
    assert model.history_.index[-1] == rest.index[-1]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_overlap_is_refused_with_a_fix_that_runs(layout):
    arrange, roles = LAYOUTS[layout]
    frame = panel(names="012")
    frame["shop"] = "s" + frame["shop"]
    frame = frame if layout in ("interleaved", "levels, time first") else frame.sort_values(["shop", "day"])
    first, rest = (arrange(frame[rows]) for rows in (frame["day"] < days()[CUT], frame["day"] > days()[CUT - 4]))
    model = fitted(first, series="shop", **roles)
    state, expected = state_of(model), copy.deepcopy(model).predict(history=arrange(frame))
    with pytest.raises(ValueError, match=r"series .*new_rows begins at 2024-03-28.*rows up to 2024-03-30") as error:
        model.update(rest)
    assert state_of(model) is state
    assert run_fix(error, model, rest).predict().equals(expected)
    assert model.update(rest, overlap="skip").predict().equals(expected), "a second time nothing is new"


@pytest.mark.parametrize("steps", [1, 3, 10])
def test_one_row_of_each_series_of_counted_rows_follows(steps):
    parts = [pd.DataFrame({"k": np.arange(60) * steps, "shop": f"s{n}", "y": np.arange(60.0) ** n}) for n in range(4)]
    rows = pd.concat(parts, ignore_index=True)
    model = fitted(rows[rows["k"] < 50 * steps], series="shop", time="k")
    for number in (50, 51):
        model.update(rows[rows["k"] == number * steps])
    want = model.predict(history=rows[rows["k"] <= 51 * steps])
    pd.testing.assert_frame_equal(model.predict(), want)
    with pytest.raises(ValueError, match=r"not on the grid|has gaps"):
        model.update(rows[rows["k"] == 52 * steps].assign(k=52 * steps + (1 if steps > 1 else 5)))


def test_what_is_not_as_fitted_is_refused_and_changes_nothing():
    frame = panel()
    first, rest = frame[frame["day"] < days()[CUT]], frame[frame["day"] >= days()[CUT]]
    model = fitted(first, series="shop", time="day", static_covariates="size", past_covariates="x")
    state = state_of(model)
    wrong = {
        r"size.*was 0 and is 1.*same in all rows": rest.assign(size=1.0).iloc[[0]],
        r"'x' is not in the frame": rest.drop(columns="x"),
        r"zone Europe/Berlin, but the model was fitted on zone None": rest.assign(
            day=rest["day"].dt.tz_localize("Europe/Berlin")
        ),
        r"not on the grid": rest.assign(day=rest["day"] + pd.Timedelta("7h")),
        r"'y' has .* missing values": rest.assign(y=np.nan),
        r"the frame is empty": rest.iloc[:0],
    }
    for match, rows in wrong.items():
        with pytest.raises(ValueError, match=match):
            model.update(rows)
    for name in ("refit", "overlap", "errors"):
        with pytest.raises(ValueError, match=f"{name} is 'maybe'; expected"):
            model.update(rest, **{name: "maybe"})
    assert state_of(model) is state


# -------------------- one of many


def test_a_late_series_is_named_and_forecast_after_its_own_last_row():
    frame = panel()
    first, rest = frame[frame["day"] < days()[CUT]], frame[frame["day"] == days()[CUT]]
    model = fitted(first, series="shop", time="day")
    with pytest.raises(ValueError, match=r"1 of 3 series end before 2024-03-31.*'b' \(ends at 2024-03-30"):
        model.update(rest[rest["shop"] != "b"], errors="raise")
    with pytest.warns(LateSeriesWarning, match=r"'b' \(ends at 2024-03-30 00:00:00\)") as caught:
        model.update(rest[rest["shop"] != "b"])
    assert caught[0].message.series == ["b"]
    assert caught[0].filename == __file__
    begins = model.predict().groupby("shop")["day"].min()
    assert begins.to_dict() == {"a": days()[CUT + 1], "b": days()[CUT], "c": days()[CUT + 1]}
    model.update(rest[rest["shop"] == "b"])  # and all end together again
    assert model.predict().equals(fitted(first, series="shop", time="day").update(rest).predict())


def test_a_series_that_ended_long_before_the_fit_is_not_late():
    frame = panel()
    first = frame[(frame["day"] < days()[CUT]) & ((frame["shop"] != "c") | (frame["day"] < days()[50]))]
    rest = frame[(frame["day"] == days()[CUT]) & (frame["shop"] != "c")]
    fitted(first, series="shop", time="day").update(rest)


def test_rows_of_one_series_that_cannot_be_taken_are_named_and_the_others_are_taken():
    frame = panel(names="abcd")
    first, rest = frame[frame["day"] < days()[CUT]], frame[frame["day"] >= days()[CUT]]
    gap = (rest["shop"] == "b") & (rest["day"] == days()[CUT + 1])
    rest = rest[~gap].assign(y=lambda f: f["y"].where((f["shop"] != "c") | (f["day"] != days()[CUT + 2])))
    model = fitted(first, series="shop", time="day")
    state = state_of(model)
    with pytest.raises(ValueError, match="has gaps"):
        model.update(rest, errors="raise")
    assert state_of(model) is state
    with pytest.warns(SkippedSeriesWarning, match=r"new rows of 2 series.*'b' \(the index has gaps.*'c' \(.*missing"):
        model.update(rest)
    ends = model.predict().groupby("shop")["day"].min()
    assert ends.to_dict() == dict.fromkeys("ad", days()[-1] + days().freq) | dict.fromkeys("bc", days()[CUT])


def test_a_second_fit_starts_clean():
    first, rest = pieces(single(days()), CUT)
    model = fitted(first).update(rest)
    assert model.fit(first).predict().equals(fitted(first).predict())


# -------------------- the daily job


@pytest.mark.filterwarnings("ignore::forecast.LateSeriesWarning", "ignore::forecast.SkippedSeriesWarning")
@pytest.mark.filterwarnings("ignore::forecast.ShortHistoryWarning")
@pytest.mark.parametrize(
    ("regressor", "settings"),
    [(Ridge(), {"transform": "standard"}), (NET, {"future_covariates": None, "missing": "mask"})],
    ids=["ridge", "network"],
)
def test_fourteen_days_of_fifty_stores_are_those_of_the_whole_history(regressor, settings, tmp_path):
    frame = daily.stores(days=60)
    start = frame["day"].iloc[-1] - pd.Timedelta(days=daily.DAYS - 1)
    found = daily.run(daily.fitted(frame, start, regressor, **settings), frame, start, tmp_path)
    assert len(found) == daily.DAYS
    for answer, expected, _, _ in found:
        pd.testing.assert_frame_equal(answer, expected, check_exact=True)
