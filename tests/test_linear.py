"""LinearForecaster: the same numbers as the normal equations written down, whatever way the sums are made."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import estimator_checks_generator
from threadpoolctl import threadpool_limits

from forecast import LinearForecaster, SeriesForecaster, Windows, make_windows
from forecast._linear import Inputs, penalties_of
from forecast.model_selection import PurgedTimeSeriesSplit

NORMS = [None, "last", "mean", ("mean", 0.3), ("season", 7), "standard"]
every_norm = pytest.mark.parametrize("norm", NORMS, ids=str)


def panel(lengths=(150, 90, 200), seed=0):
    rng = np.random.default_rng(seed)
    parts = []
    for number, n in enumerate(lengths):
        columns = {"y": rng.normal(size=n).cumsum() + 50 * number, "z": rng.normal(size=n).cumsum()}
        columns |= {"p": rng.normal(size=n) * 100, "f": rng.normal(size=n), "size": float(n)}
        parts.append(pd.DataFrame({"shop": "abc"[number]} | columns, index=pd.date_range("2024", periods=n, freq="D")))
    return pd.concat(parts)


ROLES = dict(target=["y", "z"], past_covariates="p", future_covariates="f", static_covariates="size", series="shop")


def windows_of(norm, lookback=20, **changes):
    return make_windows(panel(), lookback=lookback, horizon=5, window_norm=norm, **ROLES | changes)


def holed(norm, share=0.1):
    """Two targets that are missing here and there; what is looked back on is filled."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(250, 2)).cumsum(axis=0)
    targets = np.where(rng.random(values.shape) < share, np.nan, values)
    return Windows(values, np.arange(13, 245), lookback=14, horizon=5, n_targets=2, targets=targets, window_norm=norm)


def written_down(windows, penalty, weight=None):
    """Forecasts of the normal equations on the matrix of the windows, output by output."""
    inputs = Inputs.of(windows, "auto")
    x, y = inputs.table(windows), np.asarray(windows.y, dtype=np.float64)
    weight = np.ones(len(x)) if weight is None else weight
    out = np.empty(y.shape)
    for output in range(y.shape[1]):
        seen = ~np.isnan(y[:, output])
        w = weight[seen] / weight[seen].sum()
        mean, level = w @ x[seen], w @ y[seen, output]
        moved = x[seen] - mean
        gram, cross = (moved.T * w) @ moved, (moved.T * w) @ (y[seen, output] - level)
        line = np.linalg.solve(gram + np.diag(penalties_of(gram, inputs, penalty)), cross)
        out[:, output] = level + (x - mean) @ line
    return out


# -------------------- the same sums by every way


@every_norm
def test_contiguous_windows_give_the_normal_equations(norm):
    windows = windows_of(norm)
    found = LinearForecaster(penalty=0.1).fit(windows, windows.y).predict(windows)
    np.testing.assert_allclose(found, written_down(windows, 0.1), rtol=1e-8, atol=1e-8)


def test_contiguous_windows_of_several_known_values_give_the_same():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(900, 5)).cumsum(axis=0) + 30
    for horizon, block in ((6, 1), (400, 2)):  # the second so long that steps are averaged
        future = rng.normal(size=(900, 3)) + np.array([0, 5, -20])
        windows = Windows(
            values, np.arange(29, 890 - horizon), lookback=30, horizon=horizon, n_targets=2, future=future, freq="D",
            window_norm="last",
        )  # fmt: skip
        assert Inputs.of(windows, "auto").block == block
        found = LinearForecaster(penalty=0.1).fit(windows).predict(windows)
        again = LinearForecaster(penalty=0.1).fit(windows, sample_weight=np.ones(len(windows))).predict(windows)
        np.testing.assert_allclose(found, again, rtol=1e-8, atol=1e-8)


@every_norm
def test_scattered_windows_give_the_normal_equations(norm):
    windows = windows_of(norm)
    windows = windows[np.random.default_rng(0).random(len(windows)) < 0.7]
    found = LinearForecaster(penalty=0.1).fit(windows).predict(windows)
    np.testing.assert_allclose(found, written_down(windows, 0.1), rtol=1e-8, atol=1e-8)


@every_norm
def test_a_missing_target_is_left_out_of_its_own_step(norm):
    windows = holed(norm)
    weight = np.random.default_rng(2).random(len(windows))
    found = LinearForecaster().fit(windows, sample_weight=weight).predict(windows)
    np.testing.assert_allclose(found, written_down(windows, 0.1, weight), rtol=1e-8, atol=1e-8)


@every_norm
@pytest.mark.parametrize("weighted", [False, True])
def test_windows_that_miss_a_target_are_left_out_where_they_are_few(norm, weighted):
    windows = holed(norm, share=0.01)
    whole = ~np.isnan(np.asarray(windows.y, dtype=np.float64)).any(axis=1)
    assert 2 / 3 < whole.mean() < 1
    weight = np.random.default_rng(2).random(len(windows)) if weighted else None
    found = LinearForecaster().fit(windows, sample_weight=weight).predict(windows)
    alone = windows[whole]
    expected = written_down(alone, 0.1, None if weight is None else weight[whole])
    np.testing.assert_allclose(found[whole], expected, rtol=1e-8, atol=1e-8)


def test_windows_of_little_weight_are_few():
    windows = holed("last")  # more than a third of them miss a target
    whole = ~np.isnan(np.asarray(windows.y, dtype=np.float64)).any(axis=1)
    assert whole.mean() < 2 / 3
    weight = np.where(whole, 1.0, 0.1)
    found = LinearForecaster().fit(windows, sample_weight=weight).predict(windows)
    np.testing.assert_allclose(found[whole], written_down(windows[whole], 0.1), rtol=1e-8, atol=1e-8)
    weight = np.where(whole, 0.0, 1.0)  # without the others there is nothing to learn from
    found = LinearForecaster().fit(windows, sample_weight=weight).predict(windows)
    np.testing.assert_allclose(found, written_down(windows, 0.1, weight), rtol=1e-8, atol=1e-8)


def test_gaps_between_contiguous_windows_cost_no_regressions(monkeypatch):
    """27 hours of thirteen years took 171 s of a search, as each step had a matrix of its own."""
    windows = holed("last", share=0.01)
    monkeypatch.setattr("forecast._linear.moments._RUN", 4)
    monkeypatch.setattr("forecast._linear.moments._one_by_one", None)
    assert np.isfinite(LinearForecaster().fit(windows).predict(windows)).all()


def test_a_target_that_is_always_missing_at_a_step_gets_a_finite_forecast():
    windows = holed("last", share=0.0)
    windows.targets[:, 1] = np.nan
    model = LinearForecaster().fit(windows)
    assert np.isfinite(model.predict(windows)).all()


def test_order_and_weights_of_one_change_nothing():
    windows = windows_of("last")
    expected = LinearForecaster().fit(windows).predict(windows)
    shuffled = windows[np.random.default_rng(0).permutation(len(windows))]
    np.testing.assert_array_equal(LinearForecaster().fit(shuffled).predict(windows), expected)
    weighted = LinearForecaster().fit(windows, sample_weight=np.full(len(windows), 2.0)).predict(windows)
    np.testing.assert_allclose(weighted, expected, rtol=1e-8, atol=1e-8)


def test_a_level_far_from_zero_costs_no_digits():
    values = np.random.default_rng(0).normal(size=(400, 1))
    near = Windows(values, np.arange(9, 390), lookback=10, horizon=3, window_norm="last")
    far = Windows(values + 2.0**20, np.arange(9, 390), lookback=10, horizon=3, window_norm="last")
    found = LinearForecaster().fit(far).predict(far)
    np.testing.assert_allclose(found, LinearForecaster().fit(near).predict(near), rtol=1e-7, atol=1e-8)


# -------------------- inputs


def test_covariates_are_read_where_they_are_wanted():
    windows = windows_of("last")
    assert Inputs.of(windows, "auto").backs == (0, 1, 2, 3, 5, 6, 7, 11, 13)
    assert LinearForecaster().fit(windows).coef_.shape == (2 * 20 + 2 * 9 + 5 * 1 + 1, 10)
    assert LinearForecaster(covariates=None).fit(windows).coef_.shape == (2 * 20, 10)


@pytest.mark.parametrize(("channels", "backs"), [(100, (0, 1, 2, 3, 5, 7, 11, 23, 47)), (200, (0, 1, 2, 23, 47))])
def test_of_many_channels_the_newest_and_the_seasonal_values_are_read(channels, backs):
    values = np.zeros((200, 1 + channels))
    windows = Windows(values, np.arange(99, 190), lookback=100, horizon=3, n_targets=1, freq=pd.offsets.Hour())
    assert Inputs.of(windows, "auto").backs == backs


def test_of_what_is_known_ahead_the_newest_three_and_the_seasonal_values_are_read():
    values = np.zeros((200, 3))
    windows = Windows(
        values, np.arange(99, 190), lookback=100, horizon=3, n_targets=1, future=values[:, 1:], freq=pd.offsets.Hour()
    )
    assert Inputs.of(windows, "auto").backs == (0, 1, 2, 23, 47)


def test_units_of_a_covariate_do_not_matter():
    frame = panel()
    models = []
    for scale in (1.0, 1e-4):
        data = frame.assign(p=frame["p"] * scale)
        windows = make_windows(data, lookback=10, horizon=2, window_norm="last", **ROLES)
        models.append(LinearForecaster().fit(windows).predict(windows))
    np.testing.assert_allclose(*models, rtol=1e-8, atol=1e-8)


def test_what_is_constant_in_training_has_no_coefficient():
    """Windows of every day begin at the same hour, so that of each step the calendar is a constant, not 0."""
    index = pd.date_range("2024-01-01", periods=24 * 60, freq="h")
    wave = np.sin(np.arange(len(index)) * 2 * np.pi / 24)
    frame = pd.DataFrame({"y": 10 + wave + 0.1 * np.random.default_rng(0).normal(size=len(index))}, index=index)
    settings = {"target": "y", "lookback": 24, "horizon": 12, "step": 24, "validation_fraction": None}
    for calendar in (["hour"], ["hour", "dayofweek"], []):
        model = SeriesForecaster(LinearForecaster(), calendar=calendar, **settings).fit(frame)
        forecast = model.predict(history=frame[:-7])  # from another hour
        assert (forecast - 10).abs().to_numpy().max() < 3
    lone = SeriesForecaster(LinearForecaster(), calendar=["hour"], **settings).fit(frame).regressor_
    assert not lone.coef_[24:].any()


def test_a_long_known_future_is_averaged_over_steps_and_too_many_lags_are_cut():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2600, 9))
    windows = Windows(
        values, np.arange(1199, 2000, 5), lookback=1200, horizon=512, n_targets=4, future=values[:, 4:], freq=1
    )
    inputs = Inputs.of(windows, "auto")
    assert inputs.block == 3
    assert inputs.columns <= 4096
    assert inputs.lags < 1200
    own = inputs.extra(windows[:1])[0, len(inputs.backs) * 5 :].reshape(-1, 5)
    np.testing.assert_allclose(own[0], values[1200:1203, 4:].mean(axis=0))
    np.testing.assert_allclose(own[-1], values[1710:1712, 4:].mean(axis=0))


def test_several_penalties_on_one_set_of_sums_are_the_fits_of_each():
    windows = windows_of("last")
    model = LinearForecaster(per_series=True)
    for one in model._fit_several(windows, windows.y, [0.01, 1.0]):
        alone = clone(model).set_params(penalty=one.penalty).fit(windows, windows.y)
        np.testing.assert_array_equal(one.predict(windows), alone.predict(windows))
        assert one.get_params() == alone.get_params()


# -------------------- a series at a time


def test_every_series_has_weights_of_its_own_and_a_new_one_those_of_all():
    windows = windows_of("last")
    model = LinearForecaster(per_series=True).fit(windows)
    for number, name in enumerate("abc"):
        own = windows[windows.which == number]
        assert model.series_[number] == name
        expected = LinearForecaster().fit(own).predict(own)
        np.testing.assert_allclose(model.predict(own), expected, rtol=1e-8, atol=1e-8)
    renamed = make_windows(panel().replace({"shop": {"b": "d"}}), lookback=20, horizon=5, window_norm="last", **ROLES)
    shared = LinearForecaster().fit(windows).predict(windows)
    new = renamed.series_rows(pd.Index(["d"])) == 0
    np.testing.assert_array_equal(model.predict(renamed)[new], shared[windows.which == 1])


# -------------------- the same bits


def test_a_window_alone_has_the_forecast_that_it_has_among_others():
    windows = windows_of("mean")
    model = LinearForecaster(per_series=True).fit(windows)
    everything = model.predict(windows)
    for row in (0, 63, 64, len(windows) - 1):
        np.testing.assert_array_equal(model.predict(windows[row]), everything[[row]])


def test_threads_change_no_bit():
    windows = windows_of("last", lookback=60)
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads, user_api="blas"):
            model = LinearForecaster().fit(windows)
            found.append((model.coef_, model.predict(windows)))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


# -------------------- scikit-learn and frames


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(estimator, check, id=getattr(check, "func", check).__name__)
        for estimator, check in estimator_checks_generator(LinearForecaster(), legacy=True)
        if getattr(check, "func", check).__name__ != "check_array_api_input"  # arrays of other libraries
    ],
)
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)


def test_a_search_over_penalties_on_windows():
    windows = windows_of("last")
    search = GridSearchCV(LinearForecaster(), {"penalty": [1e-3, 10.0]}, cv=PurgedTimeSeriesSplit(2, purge=5))
    search.fit(windows, windows.y)
    assert clone(search.best_estimator_).penalty in (1e-3, 10.0)


def test_it_forecasts_frames_with_holes_and_shared_targets():
    frame = panel((150,))[["y", "z", "f"]].copy()
    frame.iloc[40:50, 0] = np.nan
    model = SeriesForecaster(
        LinearForecaster(per_series=True), target=["y", "z"], future_covariates="f", lookback=14, horizon=3,
        multi_target="shared", missing="mask", transform="standard", validation_fraction=None,
    )  # fmt: skip
    model.fit(frame.iloc[:140])
    forecast = model.predict(frame[["f"]].iloc[140:143])
    assert np.isfinite(forecast.to_numpy()).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(penalty=-1.0), "penalty is -1.0; expected a finite number of 0 or more"),
        (dict(penalty="auto"), "penalty is 'auto'"),
        (dict(per_series="yes"), "per_series is 'yes'; expected True or False"),
        (dict(covariates="all"), "covariates is 'all'; expected 'auto' or None"),
    ],
)
def test_what_it_refuses(change, message):
    windows = windows_of("last")
    with pytest.raises(ValueError, match=message):
        LinearForecaster(**change).fit(windows)


def test_it_refuses_targets_and_windows_of_others():
    windows = windows_of("last")
    with pytest.raises(ValueError, match="not the targets of the windows"):
        LinearForecaster().fit(windows, windows[:-1].y)
    model = LinearForecaster().fit(windows)
    with pytest.raises(ValueError, match="fit saw"):
        model.predict(windows_of("last", lookback=19))
    with pytest.raises(ValueError, match="Pass Windows"):
        model.predict(np.asarray(windows))
