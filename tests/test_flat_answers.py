"""Steps by number, and forecasts with bounds and quantiles in one flat frame."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster
from forecast.plotting import CoverageDisplay, ForecastDisplay

HOURS = pd.date_range("2024-03-28", periods=400, freq="h", tz="Europe/Berlin", name="hour")
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"load": 50 + 10 * np.sin(np.arange(400) * np.pi / 12) + RNG.normal(size=400)}, index=HOURS)
FRAME["price"] = 3 * FRAME["load"] + RNG.normal(size=400)


def model(**parameters):
    return SeriesForecaster(Ridge(), **{"target": "load", "lookback": 24, "horizon": 6} | parameters)


@pytest.fixture(scope="module")
def fitted():
    return model().fit(FRAME)


@pytest.fixture(scope="module")
def panel():
    frame = pd.concat([FRAME.assign(shop=name) for name in ("a", "b")])
    return model(series="shop", calendar=["hour"]).fit(frame), frame


# -------------------- steps by number


@pytest.mark.parametrize("n", [1, 4, 6, 15])
def test_a_number_of_steps_is_that_many_future_rows(fitted, panel, n):
    fed = {"recursive": True}
    for one, history in ((fitted, FRAME[:300]), (panel[0], panel[1])):
        rows = one.predict(one.future_frame(n), **fed)
        assert one.predict(n, **fed).equals(one.predict(n=n, **fed))
        np.testing.assert_array_equal(one.predict(n, **fed)["load"], rows["load"])
        after = one.predict(np.int64(n), history=history, **fed)
        future = one.future_frame(n, history=history)
        np.testing.assert_array_equal(after[["load"]], one.predict(future, history=history, **fed))
    assert fitted.predict(n, **fed).index.equals(fitted.predict(15, **fed).index[:n])
    assert panel[0].predict(n, **fed)["shop"].tolist() == ["a"] * n + ["b"] * n


def test_all_horizon_steps_are_the_default(fitted):
    assert fitted.predict(6).equals(fitted.predict())
    assert fitted.predict_interval(6).equals(fitted.predict_interval())
    assert fitted.predict_quantiles(n=6).equals(fitted.predict_quantiles())


def test_intervals_and_quantiles_take_a_number_of_steps(fitted):
    assert fitted.predict_interval(4, coverage=0.8).equals(fitted.predict_interval(coverage=0.8)[:4])
    assert fitted.predict_quantiles(4).equals(fitted.predict_quantiles()[:4])
    with pytest.raises(ValueError, match=r"intervals of 7 steps.*horizon = 6"):
        fitted.predict_interval(n=7)


@pytest.mark.parametrize("n", [0, -3, 2.0, "6", True, [3]])
def test_what_is_no_number_of_steps_is_refused(fitted, n):
    with pytest.raises(ValueError, match=r"n is .*expected a whole number of steps"):
        fitted.predict(n=n)


def test_rows_and_a_number_are_refused_together(fitted):
    with pytest.raises(ValueError, match="both X and n are given"):
        fitted.predict(fitted.future_frame(2), n=2)
    with pytest.raises(ValueError, match="both X and n are given"):
        fitted.predict(3, n=2)


@pytest.mark.parametrize(("given", "said"), [(0.8, "0.8"), ([0.5, 0.9], r"\[0.5, 0.9\]"), ((0.8,), r"\(0.8,\)")])
def test_a_coverage_in_the_place_of_rows_is_named(fitted, given, said):
    with pytest.raises(TypeError, match=rf"X is {said}; expected the future rows .*predict_interval\(coverage=0.8\)"):
        fitted.predict_interval(given)


@pytest.mark.parametrize(("given", "said"), [(2.5, "2.5"), ([3, 4], r"\[3, 4\]"), ([51.0] * 9, "a list of 9 values")])
def test_other_numbers_in_the_place_of_rows_are_refused(fitted, given, said):
    with pytest.raises(TypeError, match=rf"X is {said}; expected the future rows .*or a number of steps\.?$"):
        fitted.predict(given)


def test_covariates_that_are_not_known_refuse_a_number():
    known = model(future_covariates="price").fit(FRAME)
    with pytest.raises(ValueError, match=r"cannot know.*model.future_frame\(9\)"):
        known.predict(9)
    past = model(past_covariates="price").fit(FRAME)
    assert len(past.predict(6)) == 6
    with pytest.raises(ValueError, match="cannot be fed back"):
        past.predict(7)


# -------------------- one flat frame


@pytest.mark.parametrize("multi_target", ["joint", "shared"])
def test_the_forecast_stands_before_its_bounds_target_by_target(multi_target):
    one = model(target=["load", "price"], multi_target=multi_target).fit(FRAME)
    found = one.predict_interval(coverage=[0.5, 0.8])
    ends = ["", "_lower_0.5", "_upper_0.5", "_lower_0.8", "_upper_0.8"]
    assert list(found.columns) == [name + end for name in ("load", "price") for end in ends]
    assert found[["load", "price"]].equals(one.predict())
    for name in ("load", "price"):
        for level in (0.5, 0.8):
            alone = one.predict_interval(coverage=level)
            for side in ("lower", "upper"):
                np.testing.assert_array_equal(found[f"{name}_{side}_{level}"], alone[f"{name}_{side}"])
    quantiles = one.predict_quantiles(levels=[0.1, 0.5])
    assert list(quantiles.columns) == ["load_0.1", "load_0.5", "price_0.1", "price_0.5"]
    np.testing.assert_array_equal(quantiles["price_0.5"], found["price"])
    np.testing.assert_array_equal(quantiles["price_0.1"], found["price_lower_0.8"])


def test_rows_of_a_panel_are_answered_in_their_order(panel):
    one, _ = panel
    future = one.future_frame(6).sample(frac=1, random_state=0).sort_index(kind="stable")
    found = one.predict_interval(future, coverage=[0.5])
    assert found.index.equals(future.index)
    np.testing.assert_array_equal(found["load"], one.predict(future)["load"])
    whole = one.predict_interval(coverage=[0.5])
    assert list(whole.columns) == ["shop", "load", "load_lower_0.5", "load_upper_0.5"]


def test_polars_is_answered_in_kind():
    frame = pl.from_pandas(FRAME.reset_index())
    found = model(time="hour").fit(frame).predict_interval(4, coverage=[0.5])
    assert isinstance(found, pl.DataFrame)
    assert found.columns == ["hour", "load", "load_lower_0.5", "load_upper_0.5"]


def test_columns_of_the_same_name_are_refused():
    frame = FRAME.assign(load_lower=FRAME["price"])
    one = model(target=["load", "load_lower"]).fit(frame)
    with pytest.raises(ValueError, match="two columns of the answer would be called 'load_lower'"):
        one.predict_interval()


@pytest.mark.parametrize("bad", [[], [0.5, 1.0], "much"])
def test_levels_that_are_none_are_refused(fitted, bad):
    for ask in (lambda: fitted.predict_interval(coverage=bad), lambda: fitted.predict_quantiles(levels=bad)):
        with pytest.raises(TypeError if bad == "much" else ValueError, match="numbers between 0 and 1"):
            ask()


# -------------------- the order of version 0.1


def test_levels_in_the_first_place_are_understood_with_a_warning(fitted):
    want = fitted.predict_quantiles(levels=[0.1, 0.9])
    future = fitted.future_frame(6)
    for given in ([0.1, 0.9], (0.1, 0.9), np.array([0.1, 0.9])):
        with pytest.warns(DeprecationWarning, match="takes X first.*levels=") as caught:
            assert fitted.predict_quantiles(given).equals(want)
        assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="X first"):
        np.testing.assert_array_equal(fitted.predict_quantiles([0.1, 0.9], future), want)
    with pytest.warns(DeprecationWarning, match="X first"):
        assert fitted.predict_quantiles(0.1, history=FRAME).equals(fitted.predict_quantiles(None, 0.1, history=FRAME))


def test_a_network_takes_the_rows_first_too():
    network = RNNForecaster(loss="quantile", quantile=[0.1, 0.5, 0.9], hidden_size=4, max_iter=2, random_state=0)
    one = SeriesForecaster(network, target="load", lookback=24, horizon=6).fit(FRAME)
    future = one.future_frame(6)
    found = one.predict_quantiles(future, [0.1, 0.5])
    np.testing.assert_array_equal(found["load_0.5"], one.predict(future)["load"])
    assert found.equals(one.predict_quantiles(levels=[0.1, 0.5]))


# -------------------- drawn


@pytest.mark.usefixtures("closed_figures")
def test_flat_frames_are_drawn_of_the_target_that_is_named():
    one = model(target=["load", "price"]).fit(FRAME[:-6])
    bounds, levels = one.predict_interval(coverage=[0.5, 0.8]), [0.1, 0.25, 0.5, 0.75, 0.9]
    quantiles = one.predict_quantiles(levels=levels)
    for target in ("load", "price"):
        want = ForecastDisplay.from_estimator(one, target=target, coverage=[0.5, 0.8])
        for frame in (bounds, quantiles):
            drawn = ForecastDisplay.from_predictions(FRAME[:-6], frame, target=target)
            assert sorted(drawn.intervals) == [0.5, 0.8]
            for level, band in drawn.intervals.items():
                np.testing.assert_allclose(band, want.intervals[level])
        alone = ForecastDisplay.from_predictions(FRAME[:-6], one.predict(), target=target, intervals=bounds)
        np.testing.assert_allclose(alone.intervals[0.8], want.intervals[0.8])
    first = ForecastDisplay.from_predictions(FRAME["load"][:-6], quantiles)
    np.testing.assert_array_equal(first.forecasts["forecast"], quantiles["load_0.5"])


@pytest.mark.usefixtures("closed_figures")
def test_coverage_is_counted_from_flat_frames():
    one = model(target=["load", "price"]).fit(FRAME[:-6])
    truth, bounds = FRAME["price"][-6:], one.predict_interval(coverage=[0.5, 0.8])
    table = CoverageDisplay.from_predictions(truth, intervals=bounds).table["forecast"]
    for level in (0.5, 0.8):
        inside = (bounds[f"price_lower_{level}"] <= truth) & (truth <= bounds[f"price_upper_{level}"])
        assert table[level] == inside.mean()
    quantiles = one.predict_quantiles(levels=[0.1, 0.9])
    below = CoverageDisplay.from_predictions(truth, quantiles=quantiles).table["forecast"]
    assert below.to_dict() == {level: (truth <= quantiles[f"price_{level}"]).mean() for level in (0.1, 0.9)}
    with pytest.raises(ValueError, match=r"columns of the targets \['load', 'price'\]"):
        CoverageDisplay.from_predictions(truth.to_numpy(), intervals=bounds)
    with pytest.raises(ValueError, match="without columns such as"):
        CoverageDisplay.from_predictions(truth, quantiles=bounds[["load"]])
