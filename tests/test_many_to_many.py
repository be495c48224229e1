"""A head at every step: trained at every step, without a look ahead; its newest step is the many-to-one network."""

import numpy as np
import pandas as pd
import pytest
import tolerances
from cases import draw_network, largest_difference
from slopes import assert_slopes, differences_from, own_arrays

from forecast import RNNForecaster, SeriesForecaster, _core, load, make_windows
from forecast._network import DECAYING_CELLS, ESTIMATOR_CELLS, LOSSES, compiled, spec_of
from forecast.diagnostics import gate_activity, gradient_flow
from forecast.model_selection import RollingOrigin, SkillWarning, backtest

SMALL = dict(return_sequences=True, hidden_size=5, max_iter=3, random_state=0)
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"a": np.sin(np.arange(160) / 4), "b": RNG.normal(size=160)}).rolling(2, min_periods=1).mean()


def windows_of(target="a", lookback=9, horizon=3, **more):
    return make_windows(FRAME, target=target, lookback=lookback, horizon=horizon, **more)


def model(**changes):
    return RNNForecaster(**SMALL | changes)


# -------------------- the core


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("cell", [cell for cell in _core.CELLS if not cell.endswith("relu")])
def test_gradients_are_the_oracles(cell, loss):
    case = draw_network(
        np.random.default_rng(4), cell=cell, loss=loss, return_sequences=True, layers=2, residual=True, horizon=2,
        columns=2, batch=19, missing=0.2, weighted=True, steps=6,
    )  # fmt: skip
    expected = case.network.gradient(case.theta, case.batch())
    for dtype in ("float64",) if cell == "slstm" else ("float64", "float32"):  # its b_i has a gradient of rounding
        result = case.gradient(dtype)
        wrong = differences_from(expected, result, case.network)
        assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS[dtype], wrong
        assert largest_difference(result["outputs"], expected["outputs"]) <= tolerances.ORACLE_OUTPUTS[dtype]


def test_gradients_are_slopes():
    case = draw_network(np.random.default_rng(4), return_sequences=True, layers=2, dropout=0.2, batch=5, seed=3)
    network, theta, source = case.core(dropout=0.2), case.theta.copy(), _core.Source(**own_arrays(case.arguments))

    def evaluate():
        return network.gradient(theta, source, case.index, seed=3)

    views = case.network.views
    assert_slopes(lambda: evaluate()["loss"], views(theta), views(evaluate()["theta"]), np.random.default_rng(0))


# -------------------- targets


@pytest.mark.parametrize("target", ["a", "b", ["a", "b"]])
@pytest.mark.parametrize(("lookback", "horizon", "step"), [(1, 1, 1), (9, 1, 1), (9, 4, 1), (3, 5, 2)])
def test_targets_at_every_step_are_the_rows_after_it(target, lookback, horizon, step):
    windows = windows_of(target, lookback, horizon, step=step)
    cube = np.asarray(windows.y_sequences).reshape(len(windows), lookback, horizon, windows.n_targets)
    columns = FRAME[[target] if isinstance(target, str) else target].to_numpy()
    for window, origin in ((0, windows.origins[0]), (-1, windows.origins[-1])):
        for t in range(lookback):
            row = origin - lookback + 1 + t
            assert np.array_equal(cube[window, t], columns[row + 1 : row + 1 + horizon])
    picked = windows.y_sequences[[2, 0]]
    assert np.array_equal(np.asarray(picked), np.asarray(windows.y_sequences)[[2, 0]])


@pytest.mark.parametrize("target", ["a", ["b", "a"]])
def test_windows_give_what_their_matrices_give(target):
    windows = windows_of(target)
    lazy = model(early_stopping=False).fit(windows)
    plain = model(early_stopping=False, n_channels=windows.n_channels)
    plain.fit(np.asarray(windows), np.asarray(windows.y_sequences))
    assert np.array_equal(lazy.predict(windows), plain.predict(np.asarray(windows)))
    assert np.array_equal(lazy.predict(windows), model(early_stopping=False).fit(windows, windows.y).predict(windows))
    assert lazy.n_outputs_ == 9 * 3 * windows.n_targets


def test_several_series_and_missing_targets():
    frame = pd.concat([FRAME.assign(id=name) for name in "xy"])
    windows = make_windows(frame, target="a", series="id", lookback=6, horizon=2)
    fitted = model(series_size=2).fit(windows)
    assert fitted.predict(windows).shape == (len(windows), 12)
    holed = FRAME.copy()
    holed.loc[70:80, "a"] = np.nan
    forecaster = SeriesForecaster(model(), target="a", lookback=6, horizon=2, missing="mask").fit(holed)
    assert np.isfinite(forecaster.predict()).all(axis=None)


# -------------------- what is forecast


@pytest.mark.parametrize("cell", sorted({*ESTIMATOR_CELLS} - {*DECAYING_CELLS}))  # these: test_gru_decay.py
def test_a_step_sees_nothing_after_it(cell):
    windows = np.asarray(windows_of())
    fitted = model(cell=cell, num_layers=2, layer_norm=True, residual=True, hidden_size=6, max_iter=1)
    fitted.set_params(n_channels=2 if windows.shape[1] == 18 else 1).fit(windows, np.asarray(windows_of().y_sequences))
    changed = windows.copy()
    changed[:, 5 * fitted.n_channels :] += 7.0  # from the sixth step on
    before, after = (fitted.predict(x).reshape(len(x), 9, -1) for x in (windows, changed))
    assert np.array_equal(before[:, :5], after[:, :5])
    assert not np.isclose(before[:, 5:], after[:, 5:]).all()


def test_the_newest_step_is_the_network_with_one_output_of_the_same_weights():
    windows = windows_of(["a", "b"])
    fitted = model(num_layers=2, residual=True, layer_norm=True).fit(windows)
    newest = fitted._network.at_newest()
    layout = compiled(spec_of(newest.architecture), "float32").layout
    assert [name for name, _, _ in layout] == list(fitted.weights_)
    found = fitted._at_newest.predict(windows)
    assert np.array_equal(found, fitted.predict(windows).reshape(len(windows), 9, -1)[:, -1])


def test_a_forecaster_forecasts_from_the_newest_step():
    forecaster = SeriesForecaster(model(), target="a", lookback=9, horizon=3).fit(FRAME)
    windows = windows_of().at([159])
    expected = forecaster.regressor_.predict(windows).reshape(9, 3)[-1]
    assert np.array_equal(forecaster.predict()["a"].to_numpy(), expected)
    assert forecaster.report_ is not None
    with pytest.warns(SkillWarning):
        backtest(forecaster, FRAME, RollingOrigin(n_splits=2, horizon=3))


def test_quantiles_and_masks_at_every_step():
    windows = windows_of()
    fitted = model(loss="quantile", quantile=[0.1, 0.5, 0.9], dropout=0.2).fit(windows)
    found = fitted.predict_quantiles(windows)
    assert found.shape == (len(windows), 27, 3)
    assert (np.diff(found, axis=-1) >= 0).all()
    assert fitted.sample_y(windows, 4, random_state=0).shape == (len(windows), 27, 4)
    forecaster = SeriesForecaster(fitted, target="a", lookback=9, horizon=3).fit(FRAME)
    assert forecaster.predict_quantiles().shape == (3, 3)
    assert forecaster.sample_y(n_samples=5, random_state=0).shape[0] in (3, 15)


def test_training_at_every_step_learns_from_fewer_windows():
    """Ten windows of 40 steps show 400 targets."""
    wave = np.sin(np.arange(500) / 3) * np.cos(np.arange(500) / 7.3)
    X = wave[:400].reshape(10, 40)
    y = wave[1:401].reshape(10, 40)
    few = dict(hidden_size=16, max_iter=60, batch_size=2, random_state=0)
    every = RNNForecaster(return_sequences=True, **few).fit(X, y)
    one = RNNForecaster(**few).fit(X, y[:, -1])
    later, after = np.lib.stride_tricks.sliding_window_view(wave[400:], 40)[:-1], wave[440:]
    errors = [np.abs(every.predict(later)[:, -1] - after).mean(), np.abs(one.predict(later) - after).mean()]
    assert errors[0] < 0.05 < 0.2 < errors[1]


def test_scales_are_those_of_all_steps():
    X = RNG.normal(size=(60, 4))
    y = RNG.normal(size=(60, 4)) * [1.0, 2.0, 3.0, 4.0] + [0.0, 0.0, 5.0, 5.0]
    scaling = model(early_stopping=False).fit(X, y)._network.scaling
    assert scaling.target_mean == pytest.approx(np.full(4, y.mean()))
    assert scaling.target_scale == pytest.approx(np.full(4, y.std()))


def test_files_and_looks_inside(tmp_path):
    windows = windows_of()
    fitted = model().fit(windows)
    fitted.save(tmp_path / "m.forecast")
    again = load(tmp_path / "m.forecast")
    assert np.array_equal(again.predict(windows), fitted.predict(windows))
    assert again.card_["model"]["return_sequences"] is True
    flow = gradient_flow(fitted, windows)
    assert flow.norms.shape[1] == 9
    assert gate_activity(fitted, windows) is not None
    assert fitted.fit(windows, X_val=windows[-20:]).predict(windows).shape == (len(windows), 27)
    more = model(warm_start=True).fit(windows)
    assert more.fit(windows).n_iter_ == 3


# -------------------- refused


@pytest.mark.parametrize(
    "given",
    [
        {"bidirectional": True}, {"attention": "dot"}, {"skip": "linear"}, {"segment": 3}, {"decoder": "steps"},
        {"decoder": "recurrent"}, {"cycle": 4},
    ],
)  # fmt: skip
def test_what_cannot_stand_at_every_step_is_refused(given):
    (name,) = given
    with pytest.raises(ValueError, match=f"return_sequences=True with {name}="):
        model(**given).fit(windows_of())


def test_windows_and_targets_that_do_not_fit_are_refused():
    windows = windows_of()
    with pytest.raises(ValueError, match="Fix: window_norm=None"):
        model().fit(windows_of(window_norm="last"))
    with pytest.raises(ValueError, match="Fix: window_norm=None"):
        SeriesForecaster(model(), target="a", lookback=9, horizon=3, window_norm="mean").fit(FRAME)
    with pytest.raises(ValueError, match="are not a whole number for each of the 9 steps"):
        model().fit(np.asarray(windows), np.asarray(windows.y_sequences)[:, :10])
    with pytest.raises(ValueError, match="follow from the windows"):
        model().fit(windows, np.asarray(windows.y))
    with pytest.raises(ValueError, match="known future columns"):
        model().fit(windows_of(future_covariates="b"))
    with pytest.raises(ValueError, match=r"for return_sequences=True; expected windows\.y"):
        model(return_sequences=False).fit(windows, windows.y_sequences)
