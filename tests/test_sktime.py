"""`SktimeForecaster`: sktime's names around `SeriesForecaster`, with the bits of `SeriesForecaster`."""

import numpy as np
import pandas as pd
import pytest
from absent import REASON

pytest.importorskip("sktime", reason=REASON)

from pasted_fixes import chosen, runs_and_helps
from sklearn.linear_model import Ridge
from sktime.forecasting.base import ForecastingHorizon
from sktime.forecasting.model_evaluation import evaluate
from sktime.forecasting.model_selection import ForecastingGridSearchCV
from sktime.split import ExpandingWindowSplitter
from sktime.transformations.difference import Differencer
from sktime.utils.estimator_checks import check_estimator

from forecast import RNNForecaster, SeriesForecaster
from forecast.sktime import SktimeForecaster

pytestmark = pytest.mark.filterwarnings("default::Warning")  # what sktime and pandas warn of among themselves
INDEXES = {
    "days": pd.date_range("2024-01-01", periods=60, freq="D"),
    "business days": pd.bdate_range("2024-01-01", periods=60),
    "hours in a zone": pd.date_range("2024-01-01", periods=60, freq="h", tz="Europe/Berlin"),
    "months": pd.period_range("2000-01", periods=60, freq="M"),
    "row numbers": pd.RangeIndex(60),
    "integers": pd.Index(range(7, 67)),
}
every_index = pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)


def linear(**settings):
    return SeriesForecaster(Ridge(), **{"lookback": 7, "horizon": 3} | settings)


def small(**settings):
    network = RNNForecaster(cell="rnn", hidden_size=4, max_iter=5, random_state=0)
    return SeriesForecaster(network, **{"lookback": 7, "horizon": 3} | settings)


def wave(index, name="sold"):
    values = np.sin(np.arange(len(index)) * 2 * np.pi / 7) + np.random.default_rng(0).normal(0, 0.1, len(index))
    return pd.Series(values, index=index, name=name)


def panel(ends=(40, 60)):
    index = INDEXES["days"]
    parts = {f"shop {n}": (n + 1) * wave(index[:end]).to_frame() for n, end in enumerate(ends)}
    return pd.concat(parts, names=["shop", "day"])


@pytest.mark.slow
def test_sktimes_own_checks_pass():
    found = check_estimator(SktimeForecaster, verbose=False)
    assert len(found) > 800
    assert {
        name: repr(result) for name, result in found.items() if not (isinstance(result, str) and result == "PASSED")
    } == {}


@every_index
def test_forecasts_are_those_of_the_forecaster_inside(index):
    y = wave(index)
    expected = linear(target="sold", validation_fraction=0.3).fit(y.to_frame())
    model = SktimeForecaster(linear(validation_fraction=0.3)).fit(y, fh=[1, 3])
    pd.testing.assert_series_equal(model.predict(), expected.predict()["sold"].iloc[[0, 2]], check_freq=False)
    quantiles = model.predict_quantiles(alpha=[0.25, 0.75])
    np.testing.assert_array_equal(quantiles, expected.predict_quantiles(levels=[0.25, 0.75]).iloc[[0, 2]])
    interval = model.predict_interval(coverage=0.5)
    np.testing.assert_array_equal(interval, quantiles)
    assert list(interval.columns) == [("sold", 0.5, "lower"), ("sold", 0.5, "upper")]


@every_index
def test_an_absolute_horizon_selects_the_same_steps(index):
    y = wave(index)
    model = SktimeForecaster(linear()).fit(y[:-10])
    by_steps = model.predict(fh=[2, 3])
    asked = ForecastingHorizon(y.index[-9:-7], is_relative=False)
    pd.testing.assert_series_equal(model.predict(fh=asked), by_steps, check_freq=False)


@every_index
def test_labels_up_to_the_horizon_have_quantiles_and_need_no_later_X(index):
    y, X = wave(index), pd.DataFrame({"open": np.arange(60.0)}, index=index)
    model = SktimeForecaster(linear(validation_fraction=0.3)).fit(y[:-5], X=X[:-5])
    asked = ForecastingHorizon(y.index[-3:-2], is_relative=False)
    found = model.predict_quantiles(fh=asked, X=X[-5:-2], alpha=[0.5])
    assert list(found.index) == list(y.index[-3:-2])


def test_the_last_step_of_fh_is_the_horizon():
    y = wave(INDEXES["days"])
    assert SktimeForecaster(linear()).fit(y).forecaster_.horizon == 3
    assert SktimeForecaster(linear()).fit(y, fh=[2, 5]).forecaster_.horizon == 5


def test_a_label_that_is_no_step_is_refused():
    model = SktimeForecaster(linear()).fit(wave(INDEXES["business days"]))  # the last row is a Friday
    with pytest.raises(ValueError, match=r"fh has 2024-03-23 00:00:00, which is not the time of a step"):
        model.predict(fh=pd.DatetimeIndex(["2024-03-23"]))


def test_series_of_a_panel_are_forecast_after_their_own_ends():
    y = panel()
    expected = linear(target="sold", series="shop").fit(y).predict()
    pd.testing.assert_frame_equal(SktimeForecaster(linear()).fit(y).predict(fh=[1, 2, 3]), expected, check_freq=False)


def test_one_model_is_trained_on_all_series():
    assert not hasattr(SktimeForecaster(linear()).fit(panel()), "forecasters_")


def test_X_is_known_ahead():
    y, rng = wave(INDEXES["days"]), np.random.default_rng(1)
    X = pd.DataFrame({"sold": rng.normal(size=60), "open": rng.normal(size=60)}, index=y.index)  # a name of y's, too
    y = (y + X["open"]).rename("sold")
    model = SktimeForecaster(linear()).fit(y[:-3], X=X[:-3], fh=[1, 2, 3])
    assert model.forecaster_.future_covariates == ["X sold", "open"]
    assert np.abs(model.predict(X=X[-3:]) - y[-3:]).max() < 0.5
    assert not np.allclose(model.predict(X=X[-3:]), model.predict(X=1 + X[-3:]))
    pd.testing.assert_series_equal(model.predict(X=X), model.predict(X=X[-3:]))  # more rows than are asked for


def test_a_past_covariate_needs_no_future():
    y = wave(INDEXES["days"])
    X = pd.DataFrame({"load": np.arange(60.0)}, index=y.index)
    model = SktimeForecaster(linear(past_covariates="load")).fit(y, X=X, fh=[1])
    assert model.forecaster_.past_covariates == ["load"]
    assert model.predict().notna().all()


@pytest.mark.parametrize("update_params", [False, True])
def test_update_is_that_of_the_forecaster(update_params):
    y = wave(INDEXES["days"])
    expected = small(target="sold").fit(y[:50].to_frame())
    expected.update(y[50:].to_frame(), refit="continue" if update_params else "no")
    model = SktimeForecaster(small()).fit(y[:50], fh=[1, 2, 3]).update(y[45:], update_params=update_params)
    np.testing.assert_array_equal(model.predict(), expected.predict()["sold"])
    assert model.cutoff == y.index[[-1]]


def test_rows_that_end_before_the_known_ones_are_refused():
    """sktime would count steps from their end, the forecaster from its own."""
    y = wave(INDEXES["days"])
    with pytest.raises(ValueError, match=r"rows of update end at 2024-02-09 .* rows up to 2024-02-29"):
        SktimeForecaster(linear()).fit(y).update(y[:40])


def test_fit_after_pretrain_fine_tunes_whatever_the_frequency():
    months = wave(INDEXES["months"])
    model = SktimeForecaster(small()).pretrain(panel(), fh=[1, 2, 3]).fit(months[:50])
    before = model.pretrained_.predict()
    assert list(model.predict(fh=[1, 2]).index) == list(months.index[50:52])
    model.update(months[45:], update_params=False)
    assert list(model.predict(fh=[1]).index) == [months.index[-1] + 1]
    rows = months.to_frame().set_axis(
        pd.MultiIndex.from_product([[0], range(60)], names=["number of series", "number of row"])
    )
    tuned = model.pretrained_.fine_tune(rows[:50])
    np.testing.assert_array_equal(model.predict(fh=[1, 2, 3]), tuned.update(rows[50:]).predict()["sold"])
    pd.testing.assert_frame_equal(model.pretrained_.predict(), before)


def test_a_gap_is_refused_also_where_rows_are_read_without_dates():
    y = wave(INDEXES["days"])
    model = SktimeForecaster(small()).pretrain(panel())
    with pytest.raises(ValueError, match="gap"):
        model.fit(y.drop(y.index[20]))
    with pytest.raises(ValueError, match="gap"):
        SktimeForecaster(small()).pretrain(panel().drop(("shop 0", y.index[20])))


def test_missing_values_are_for_forecasters_that_mask_them():
    y = wave(INDEXES["days"])
    y.iloc[20] = np.nan
    with pytest.raises(ValueError, match="cannot handle missing data"):
        SktimeForecaster(linear()).fit(y)
    assert SktimeForecaster(linear(missing="mask")).fit(y).predict(fh=[1]).notna().all()


@pytest.mark.parametrize(
    ("forecaster", "message"),
    [
        (Ridge(), r"forecaster is Ridge; expected a SeriesForecaster. Fix: SeriesForecaster\(Ridge\(\)\)"),
        (linear(target="sold"), r"target='sold' of the forecaster"),
        (linear(series="shop"), r"series='shop' of the forecaster"),
    ],
    ids=["regressor", "target", "series"],
)
def test_what_sktime_decides_is_refused_by_name(forecaster, message):
    with pytest.raises((TypeError, ValueError), match=message):
        SktimeForecaster(forecaster).fit(wave(INDEXES["days"]))


def test_sktimes_tools_take_it_as_their_own():
    y = wave(INDEXES["days"])
    cv = ExpandingWindowSplitter(fh=[1, 2, 3], initial_window=45, step_length=5)
    model = SktimeForecaster(linear())
    by_strategy = [evaluate(model, y=y, cv=cv, strategy=strategy) for strategy in ("refit", "update")]
    errors = [found["test_MeanAbsolutePercentageError"] for found in by_strategy]
    np.testing.assert_allclose(*errors)  # a ridge is fitted again
    search = ForecastingGridSearchCV(model, cv=cv, param_grid={"forecaster__lookback": [1, 14]}).fit(y, fh=[1, 2, 3])
    assert search.best_params_ == {"forecaster__lookback": 14}
    pipeline = (Differencer() * model).fit(y, fh=[1, 2, 3])
    assert list(pipeline.predict().index) == list(search.predict().index)


def test_pretrain_refuses_a_calendar():
    with pytest.raises(ValueError, match=r"calendar=\['dayofweek'\] with pretrain"):
        SktimeForecaster(small(calendar=["dayofweek"])).pretrain(panel())


FIXES = {
    "a regressor": (
        {"SeriesForecaster": SeriesForecaster, "Ridge": Ridge},
        lambda s: SktimeForecaster(s["made"].set_params(lookback=7) if "made" in s else Ridge()),
    ),
    "a target": ({}, lambda s: SktimeForecaster(linear(**chosen(s, target="sold")))),
    "series": ({}, lambda s: SktimeForecaster(linear(**chosen(s, series="shop")))),
}


@pytest.mark.parametrize("name", FIXES)
def test_a_fix_of_what_sktime_decides_runs_and_helps(name):
    scope, made = FIXES[name]
    assert len(runs_and_helps(scope, lambda s: made(s).fit(wave(INDEXES["days"]), fh=[1]).predict())) == 1


def test_a_fix_of_a_calendar_runs_and_helps():
    runs_and_helps({}, lambda s: SktimeForecaster(small(**chosen(s, calendar=["dayofweek"]))).pretrain(panel()))
