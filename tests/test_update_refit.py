"""`update(refit="continue")`: regressors trained on; and what an update means for intervals."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import forecast
from forecast import LinearForecaster, OldRowsWarning, RNNForecaster, SeriesForecaster

N, CUT = 240, 200
NET = RNNForecaster(hidden_size=4, max_iter=20, random_state=0)


def days(n=N):
    return pd.date_range("2024-01-01", periods=n, freq="D", name="day")


def single(n=N, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"y": 20 + 5 * np.sin(np.arange(n) / 4) + rng.normal(size=n)}, index=days(n))


def panel(names="abc"):
    parts = [single(seed=seed).mul(seed + 1).assign(shop=name) for seed, name in enumerate(names)]
    return pd.concat(parts).reset_index()


def fitted(frame, regressor=None, **settings):
    regressor = Ridge() if regressor is None and "members" not in settings else copy.deepcopy(regressor)
    return SeriesForecaster(regressor, **({"target": "y", "lookback": 8, "horizon": 3} | settings)).fit(frame)


@pytest.mark.parametrize(
    "regressor",
    [Ridge(), make_pipeline(StandardScaler(), Ridge()), LinearForecaster()],
    ids=["ridge", "pipe", "linear"],
)
@pytest.mark.parametrize("given", [True, False], ids=["history", "kept"])
@pytest.mark.parametrize("step", [1, 2])
def test_a_linear_model_is_fitted_again_on_old_and_new_rows(regressor, given, step):
    frame = single()
    first, rest = frame.iloc[:CUT], frame.iloc[CUT:]
    model = fitted(first, regressor, step=step)
    before = model.predict(history=frame)
    model.update(rest, refit="continue", history=first if given else None)
    expected = fitted(frame, regressor, step=step)
    assert model.predict().equals(expected.predict())
    assert not model.predict().equals(before)
    assert model.n_windows_ == expected.n_windows_


def test_a_network_goes_on_from_its_weights_for_a_few_epochs():
    frame = single()
    model = fitted(frame.iloc[:CUT], NET)
    before = {name: weight.copy() for name, weight in model.regressor_.weights_.items()}
    parameters, fitted_before = model.regressor_.get_params(), copy.deepcopy(model)
    model.update(frame.iloc[CUT:], refit="continue")
    assert model.regressor_.n_iter_ == 4
    assert model.regressor_.get_params() == parameters
    assert model.n_windows_ == N - 8 - 3 + 1
    moved = [np.abs(model.regressor_.weights_[name] - weight).max() for name, weight in before.items()]
    assert 0 < max(moved) < 0.5
    assert not model.predict().equals(fitted_before.predict(history=frame))


def test_training_on_follows_what_has_changed():
    """A series whose rhythm changes: the error on the rows after it falls."""
    rng, n = np.random.default_rng(0), 900
    season = np.sin(2 * np.pi * np.arange(n) / 12)
    season[600:] = np.sign(season[600:]) * season[600:] ** 2 + 0.5 * np.sin(2 * np.pi * np.arange(300) / 24)
    frame = pd.DataFrame({"y": 10 + season + 0.05 * rng.normal(size=n)}, index=days(n))
    model = fitted(frame.iloc[:600], RNNForecaster(hidden_size=8, max_iter=30, random_state=0), lookback=24)
    stays = copy.deepcopy(model).update(frame.iloc[600:850])
    model.update(frame.iloc[600:850], refit="continue")

    def error(one):
        found = [
            np.abs(one.predict(history=frame.iloc[:end])["y"].to_numpy() - frame["y"].iloc[end : end + 3]).mean()
            for end in range(850, 895, 5)
        ]
        return np.mean(found)

    assert error(model) < 0.8 * error(stays)


MEMBERS = {"a": {"regressor": Ridge(), "step": 2}, "b": {"regressor": NET, "lookback": 12, "weight": 2.0}}


def test_a_network_trains_on_with_the_parameters_that_are_set_now():
    frame = single()
    model = fitted(frame.iloc[:CUT], NET)
    slow, fast = copy.deepcopy(model), copy.deepcopy(model)
    slow.set_params(regressor__max_iter=50).update(frame.iloc[CUT:], refit="continue")
    assert slow.regressor_.n_iter_ == 10
    assert slow.regressor_.max_iter == 50
    fast.set_params(regressor__learning_rate=0.05).update(frame.iloc[CUT:], refit="continue")
    model.update(frame.iloc[CUT:], refit="continue")
    assert not fast.predict().equals(model.predict())


def test_any_other_regressor_is_fitted_again_with_the_parameters_that_are_set_now():
    frame = single()
    model = fitted(frame.iloc[:CUT], Ridge()).set_params(regressor__alpha=100.0)
    model.update(frame.iloc[CUT:], refit="continue", history=frame.iloc[:CUT])
    assert model.predict().equals(fitted(frame, Ridge(100.0)).predict())


def test_members_train_on_with_the_parameters_that_are_set_now():
    frame = single()
    model = fitted(frame.iloc[:CUT], members=copy.deepcopy(MEMBERS))
    model.members["b"]["regressor"].set_params(max_iter=50)
    model.members["a"]["regressor"].set_params(alpha=100.0)
    model.update(frame.iloc[CUT:], refit="continue")
    assert model.members_["b"].regressor_.n_iter_ == 10
    assert model.members_["a"].regressor_.alpha == 100.0


def test_fine_tuning_uses_the_parameters_that_are_set_now():
    frame = single()
    model = fitted(frame.iloc[:CUT], NET).set_params(regressor__max_iter=50)
    assert model.fine_tune(frame).regressor_.n_iter_ == 10


@pytest.mark.parametrize(
    ("start", "change", "said"),
    [
        ({"regressor": NET}, {"regressor": Ridge()}, "the regressor is a Ridge, but .* had a RNNForecaster"),
        ({"regressor": NET}, {"regressor": None}, "left to a recipe, but"),
        ({"regressor": NET}, {"regressor__hidden_size": 5}, "another architecture"),
        ({"regressor": NET}, {"regressor__max_iter": -1}, "'max_iter' parameter"),
        ({"members": MEMBERS}, {"members": {**MEMBERS, "c": MEMBERS["a"]}}, r"'b', 'c'\], but .* had \['a', 'b'\]"),
    ],
    ids=["class", "recipe", "size", "value", "members"],
)
def test_training_on_with_another_regressor_is_refused_and_the_model_stays(start, change, said):
    frame = single()
    model = fitted(frame.iloc[:CUT], **copy.deepcopy(start))
    before = model.predict()
    with pytest.raises(ValueError, match=said):
        model.set_params(**change).update(frame.iloc[CUT:], refit="continue")
    assert model.predict().equals(before)


@pytest.mark.parametrize("kind", ["network", "members", "masked panel", "series vectors"])
def test_a_saved_and_loaded_model_trains_on_to_the_same_bits(kind, tmp_path):
    frame = single() if kind in ("network", "members") else panel()
    settings = {
        "network": {"regressor": NET},
        "members": {"members": MEMBERS},
        "masked panel": {"regressor": NET, "series": "shop", "time": "day", "missing": "mask", "transform": "standard"},
        "series vectors": {
            "regressor": copy.deepcopy(NET).set_params(series_size=2, cycle=7), "series": "shop", "time": "day"
        },
    }[kind]  # fmt: skip
    time = frame.get("day", frame.index)
    new = pd.Series("c" == frame["shop"] if "shop" in frame else False, index=frame.index)  # one comes with the update
    model = fitted(frame[(time < days()[CUT]) & ~new.to_numpy()], **settings)
    model.save(tmp_path / "model")
    loaded = forecast.load(tmp_path / "model")
    rest = frame[(time >= days()[CUT]) | new.to_numpy()]
    again = pickle.loads(pickle.dumps(model))
    results = [one.update(rest, refit="continue").predict() for one in (model, loaded, again)]
    assert results[0].equals(results[1])
    assert results[0].notna().all(axis=None)
    assert len(results[0]) == (9 if "shop" in frame else 3)


@pytest.mark.slow
def test_the_recipe_trains_on_and_keeps_its_weights(tmp_path):
    frame = single(160)
    model = SeriesForecaster(target="y", horizon=3, random_state=0).fit(frame.iloc[:150])
    weights, before = dict(model._state.weights or {}), model.predict(history=frame)
    model.save(tmp_path / "model")
    loaded = forecast.load(tmp_path / "model")
    model.update(frame.iloc[150:], refit="continue")
    assert not model.predict().equals(before)
    assert dict(model._state.weights or {}) == weights
    assert loaded.update(frame.iloc[150:], refit="continue", history=frame.iloc[:150]).predict().equals(model.predict())


def test_old_rows_that_the_model_does_not_keep_are_missed_by_name(monkeypatch):
    monkeypatch.setattr("forecast._series.growing._KEPT", 100)
    frame = single()
    model = fitted(frame.iloc[:CUT])
    with pytest.warns(OldRowsWarning, match=r"keeps 100 of the 200 rows.*history=") as caught:
        copy.deepcopy(model).update(frame.iloc[CUT:], refit="continue")
    assert caught[0].filename == __file__
    model.update(frame.iloc[CUT:], refit="continue", history=frame.iloc[:CUT])
    assert model.predict().equals(fitted(frame).predict())
    fitted(frame.iloc[:CUT], NET).update(frame.iloc[CUT:], refit="continue")  # keeps what it has learnt


def test_wrong_old_rows_are_refused_and_change_nothing(monkeypatch):
    monkeypatch.setattr("forecast._series.growing._KEPT", 10)
    frame = panel()
    rows = {n: frame[frame["day"] < days()[n]] for n in (100, CUT)}
    model = fitted(rows[CUT], series="shop", time="day")
    state, rest = model._state, frame[frame["day"] >= days()[CUT]]
    with pytest.raises(ValueError, match=r"history, series 'a', ends at 2024-04-09.*keeps begin at"):
        model.update(rest, refit="continue", history=rows[100])
    with pytest.raises(ValueError, match="no series that the model knows"):
        model.update(rest, refit="continue", history=rows[CUT].replace({"shop": {"a": "z"}}))
    with pytest.raises(ValueError, match=r"refit is 'no'.*Fix: refit='continue'"):
        model.update(rest, history=rows[CUT])
    assert model._state is state
    whole = copy.deepcopy(model).update(rest, refit="continue", history=frame).predict()
    assert whole.equals(model.update(rest, refit="continue", history=rows[CUT]).predict())


# -------------------- intervals


PANEL = {"series": "shop", "time": "day", "transform": "standard"}


@pytest.mark.parametrize("settings", [{}, PANEL], ids=["one", "panel"])
def test_intervals_count_the_errors_since_the_fit(settings):
    frame = panel() if settings else single()
    time = frame["day"] if settings else frame.index
    model = fitted(frame[time < days()[CUT]], **settings)
    before = copy.deepcopy(model)
    for day in range(CUT, N, 8):
        model.update(frame[(time >= days()[day]) & (time <= days()[day + 7])])
    got, expected = model.predict_interval(), before.predict_interval(history=frame)
    pd.testing.assert_frame_equal(got, expected, rtol=1e-12)
    assert not got["y_upper"].equals(before.predict_interval()["y_upper"])


def test_errors_that_were_made_before_count_after_training_on():
    frame = single()
    frame.iloc[CUT:] += np.random.default_rng(1).normal(0, 8, (N - CUT, 1))  # much noisier than what was fitted
    model = fitted(frame.iloc[:CUT])
    n = len(model._state.calibration.residuals)
    calm = model.predict_interval()
    model.update(frame.iloc[CUT:], refit="continue")
    assert len(model._state.calibration.residuals) == n + N - CUT
    wide = model.predict_interval()
    assert ((wide["y_upper"] - wide["y_lower"]) > 2 * (calm["y_upper"] - calm["y_lower"]).to_numpy()).all()


@pytest.mark.parametrize("regressor", [Ridge(), RNNForecaster(hidden_size=4, max_iter=2, random_state=0)])
def test_the_report_says_that_its_errors_are_of_the_fit(regressor, tmp_path):
    days = pd.date_range("2025-01-01", periods=200, freq="D")
    frame = pd.DataFrame({"y": np.sin(np.arange(200.0))}, days)
    model = SeriesForecaster(regressor, lookback=7, horizon=2).fit(frame[:150])
    before = model.report_
    assert model.update(frame[150:160]).report_ is before
    for end in (170, 180):
        model.update(frame[end - 10 : end], refit="continue")
    note = "these errors are those of fit; the model was trained on since then, up to 2025-06-29 00:00:00"
    assert model.report_.notes == [*before.notes, note]
    assert model.report_.table.equals(before.table)
    assert note in str(model.report_)
    assert note in model.card_["validation"]["notes"]
    model.save(tmp_path / "model")
    assert forecast.load(tmp_path / "model").report_.notes == model.report_.notes
