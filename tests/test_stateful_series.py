"""A forecaster whose network carries its states: updates of single rows, histories, panels, files, refusals."""

import pickle
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from forecast import RNNForecaster, SeriesForecaster, load
from forecast._files import ModelFileError
from forecast.model_selection import RollingOrigin, SkillWarning, backtest

N, FITTED = 330, 300
RNG = np.random.default_rng(0)
HOURS = pd.date_range("2024-03-20", periods=N, freq="h", tz="Europe/Berlin", name="hour")  # over the change of clocks
FRAME = pd.DataFrame(
    {"x": RNG.normal(size=N), "y": 5 + np.sin(np.arange(N) / 4) + RNG.normal(0, 0.1, N)}, index=HOURS
)  # fmt: skip
PANEL = pd.concat([FRAME.assign(id=name, y=FRAME["y"] * factor) for name, factor in (("a", 1.0), ("b", 2.0))])


def forecaster(network=None, **changes):
    network = {"hidden_size": 6, "max_iter": 2, "random_state": 0, "stateful": True} | (network or {})
    given = dict(target="y", past_covariates="x", lookback=24, horizon=4) | changes
    return SeriesForecaster(RNNForecaster(**network), **given)


def largest(one, other):
    assert one.index.equals(other.index)
    return float(np.abs(one - other).max(axis=None))


WAYS = {
    "plain": {},
    "two targets": dict(target=["y", "x"], past_covariates=None),
    "clipped, with a level": dict(clip_covariates=True, level=True),
    "bounds": dict(lower=4.9, upper=5.1),
    "standard": dict(transform="standard"),
    "difference": dict(transform="difference"),
    "seasonal difference": dict(transform="seasonal_difference"),
    "masks": dict(missing="mask"),
    "quantiles": dict(network=dict(loss="quantile", quantile=[0.1, 0.5, 0.9])),
    "two layers, dropout": dict(network=dict(num_layers=2, dropout=0.2, residual=True, cell="gru")),
}


@pytest.mark.filterwarnings("ignore::forecast.BoundsWarning")
@pytest.mark.parametrize("way", WAYS)
def test_updates_go_on_as_the_whole_history_does(way):
    model = forecaster(**WAYS[way]).fit(FRAME[:FITTED])
    assert largest(model.predict(), model.predict(history=FRAME[:FITTED])) <= 1e-6
    whole = deepcopy(model)
    for row in range(FITTED, FITTED + 8):
        model.update(FRAME[row : row + 1])
        assert largest(model.predict(), whole.predict(history=FRAME[: row + 1])) <= 1e-6
    model.update(FRAME[FITTED + 8 : N])
    expected = whole.predict(history=FRAME)
    assert largest(model.predict(), expected) <= 1e-6
    assert largest(model.predict(2), expected[:2]) <= 1e-6
    assert model.history_.index[-1] == HOURS[-1]
    if way == "quantiles":
        assert model.predict_quantiles(levels=[0.2, 0.8]).shape == (4, 2)


def test_a_row_at_a_time_has_the_bits_of_many_and_of_double_precision():
    model = forecaster(dict(dtype="float64")).fit(FRAME[:FITTED])
    many, mixed = deepcopy(model).update(FRAME[FITTED:]), deepcopy(model)
    for row in range(FITTED, N):
        model.update(FRAME[row : row + 1])
        mixed.update(FRAME[row : row + 1])
        if row % 7 == 0:
            mixed.predict_interval()  # which needs the rows in place
    for one in (model, mixed):
        pd.testing.assert_frame_equal(one.predict(), many.predict())
        pd.testing.assert_frame_equal(one.history_, many.history_)
        pd.testing.assert_frame_equal(one.predict_interval(), many.predict_interval())
    assert model.predict().index.freq == many.predict(4).index.freq
    assert largest(model.predict(), many.predict(history=FRAME)) <= 1e-12


@pytest.mark.parametrize("index", [pd.RangeIndex(N), pd.period_range("2024-01-01", periods=N, freq="h")])
def test_other_indices_go_on_row_by_row(index):
    frame = FRAME.set_axis(index)
    model = forecaster().fit(frame[:FITTED])
    many = deepcopy(model).update(frame[FITTED : FITTED + 9])
    for row in range(FITTED, FITTED + 9):
        model.update(frame[row : row + 1])
    assert "_waiting" in vars(model)  # the short way was taken
    pd.testing.assert_frame_equal(model.predict(), many.predict())


def test_more_rows_than_are_labelled_ahead(monkeypatch):
    monkeypatch.setattr("forecast._series.one_row._AHEAD", 5)
    model = forecaster().fit(FRAME[:FITTED])
    for row in range(FITTED, N):
        model.update(FRAME[row : row + 1])
    assert largest(model.predict(), model.predict(history=FRAME)) <= 1e-6


def test_what_is_wrong_with_a_row_is_still_refused():
    model = forecaster().fit(FRAME[:FITTED])
    model.update(FRAME[FITTED : FITTED + 1])
    before, after = model.predict(), FRAME[FITTED + 1 : FITTED + 2]
    wrong = [
        (FRAME[FITTED + 2 : FITTED + 3], "gap|missing"), (FRAME[FITTED : FITTED + 1], "overlap|known"),
        (after.assign(y=np.nan), "NaN|missing"), (after.assign(x=np.inf), "inf"), (after.drop(columns="x"), "x"),
        (after.assign(y="high"), "number"), (after.rename(columns={"y": "z"}), "y"),
        (after.tz_convert("UTC").tz_localize(None), "zone|UTC"),
    ]  # fmt: skip
    for frame, match in wrong:
        with pytest.raises((TypeError, ValueError, KeyError), match=match):
            model.update(frame)
        pd.testing.assert_frame_equal(model.predict(), before)
    assert model.update(after[["y", "x"]]).predict().index[0] == HOURS[FITTED + 2]  # in any order


def test_panels_have_a_state_for_each_series():
    early, late = PANEL[PANEL.index < HOURS[FITTED]], PANEL[PANEL.index >= HOURS[FITTED]]
    model = forecaster(series="id").fit(early)
    whole = deepcopy(model)
    assert largest_of_panel(model.predict(), whole.predict(history=early)) <= 1e-6
    model.update(late)
    assert largest_of_panel(model.predict(), whole.predict(history=PANEL)) <= 1e-6
    alone = deepcopy(whole)
    with pytest.warns(UserWarning, match="end before"):
        alone.update(late[late["id"] == "b"])
    expected = whole.predict(history=pd.concat([early[early["id"] == "a"], PANEL[PANEL["id"] == "b"]]))
    assert largest_of_panel(alone.predict(), expected) <= 1e-6


def largest_of_panel(one, other):
    numbers = ["y"]
    return float(np.abs(one[numbers].to_numpy() - other[numbers].to_numpy()).max())


def test_a_series_that_fit_did_not_have_begins_with_its_first_row():
    model = forecaster(series="id").fit(PANEL[PANEL.index < HOURS[FITTED]])
    new = FRAME[:60].assign(id="c")
    with pytest.warns(UserWarning, match="end before"):
        model.update(new)
    found = model.predict()
    expected = model.predict(history=new)
    assert np.abs(found.loc[found["id"] == "c", "y"].to_numpy() - expected["y"].to_numpy()).max() <= 1e-6


def test_files_pickles_and_copies_keep_the_states(tmp_path):
    model = forecaster().fit(FRAME[:FITTED])
    model.update(FRAME[FITTED : FITTED + 1])
    model.save(tmp_path / "m.forecast")
    others = [load(tmp_path / "m.forecast"), pickle.loads(pickle.dumps(model)), deepcopy(model)]
    for row in range(FITTED + 1, FITTED + 4):
        model.update(FRAME[row : row + 1])
        for other in others:
            pd.testing.assert_frame_equal(other.update(FRAME[row : row + 1]).predict(), model.predict())
    broken = deepcopy(model)
    broken._state.tail.carried[None].states = np.zeros((1, 2, 1, 5), dtype=np.float32)
    broken.save(tmp_path / "bad.forecast")
    with pytest.raises(ModelFileError, match="carried states"):
        load(tmp_path / "bad.forecast")


def test_training_goes_on():
    model = forecaster().fit(FRAME[:FITTED])
    model.update(FRAME[FITTED:], refit="continue")
    assert largest(model.predict(), model.predict(history=FRAME)) <= 1e-6
    tuned = forecaster().fit(FRAME[:FITTED]).fine_tune(FRAME)
    assert largest(tuned.predict(), tuned.predict(history=FRAME)) <= 1e-6
    given = forecaster(dict(early_stopping=True)).fit(FRAME[:200], X_val=FRAME[200:FITTED])
    assert len(given.regressor_.validation_loss_curve_) == 2
    assert largest(given.predict(), given.predict(history=FRAME[:FITTED])) <= 1e-6


def test_training_windows_end_with_the_newest_row():
    model = forecaster().fit(FRAME[:FITTED])
    assert model.n_windows_ == (FITTED - 4) // 24
    assert model.report_.n_windows == 48  # after every row of the blocks held out


def test_backtests_read_each_history_from_its_first_row():
    model = forecaster()
    with pytest.warns(SkillWarning):
        report = backtest(model, FRAME, RollingOrigin(n_splits=3, horizon=4))
    fitted = forecaster().fit(FRAME[: N - 12])
    assert np.isfinite(report.frame["forecast"]).all()
    assert largest(fitted.predict(history=FRAME[: N - 8]), fitted.update(FRAME[N - 12 : N - 8]).predict()) <= 1e-6


# -------------------- refused


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (dict(window_norm="last"), "Fix: window_norm=None"), (dict(window_norm=("mean", 0.5)), "Fix: window_norm=None"),
        (dict(step=2), "Fix: step=1"), (dict(calendar=["hour"]), "known future"),
        (dict(past_covariates=None, future_covariates="x"), "known future"),
        (dict(target=["y", "x"], past_covariates=None, multi_target="shared"), "Fix: multi_target='joint'"),
        (dict(network=dict(cell="mlstm")), "matrix"),
    ],
)  # fmt: skip
def test_what_is_not_causal_or_cannot_be_carried_is_refused(changes, match):
    with pytest.raises(ValueError, match=match):
        forecaster(**changes).fit(FRAME[:FITTED])


def test_members_pipelines_and_longer_forecasts_are_refused():
    network = RNNForecaster(stateful=True, hidden_size=4, max_iter=1)
    with pytest.raises(ValueError, match="only regressor"):
        SeriesForecaster(target="y", lookback=24, members={"a": {"regressor": network}}).fit(FRAME[["y"]])
    with pytest.raises(ValueError, match="rnnforecaster__stateful=True"):
        forecaster().set_params(regressor=make_pipeline(StandardScaler(), network)).fit(FRAME)
    model = forecaster(past_covariates=None).fit(FRAME[:FITTED])
    with pytest.raises(ValueError, match="Fix: horizon=9"):
        model.predict(9, recursive=True)
    masked = forecaster(dict(dropout=0.2)).fit(FRAME[:FITTED])
    with pytest.raises(ValueError, match="would not carry"):
        masked.sample_y()
