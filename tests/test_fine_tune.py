"""`fine_tune`: a panel's model trained on for some series, as a forecaster of its own; the panel's stays as it was."""

import pickle

import numpy as np
import pandas as pd
import pytest
from command_line import SMALL, runner
from sklearn.linear_model import Ridge

import forecast
from forecast import RNNForecaster, SeriesForecaster

N = 160
NET = RNNForecaster(hidden_size=4, max_iter=10, random_state=0)
DAYS = pd.date_range("2024-01-01", periods=N + 40, freq="D", name="day")


def shop(name, size=1.0, rows=N, shape=1.0, **columns):
    rng = np.random.default_rng(len(name))
    wave = np.sign(np.sin(np.arange(N) / 4)) * np.abs(np.sin(np.arange(N) / 4)) ** shape
    values = size * (2 + wave + 0.05 * rng.normal(size=N))
    return pd.DataFrame({"day": DAYS[:N], "shop": name, "y": values, **columns})[-rows:]


def panel(**columns):
    return pd.concat([shop("a", **columns), shop("b", 10, **columns), shop("c", 100, **columns)])


def fitted(regressor=NET, data=None, **settings):
    given = dict(target="y", series="shop", time="day", lookback=8, horizon=3) | settings
    if "members" in settings:
        regressor = None
    return SeriesForecaster(regressor, **given).fit(panel() if data is None else data)


def weights(model):
    return {name: weight.tobytes() for name, weight in model.regressor_.weights_.items()}


SETTINGS = {
    "plain": {},
    "transform": {"transform": "standard"},
    "norm": {"window_norm": "standard"},
    "masked": {"missing": "mask"},
    "calendar": {"calendar": ["dayofweek"]},
    "aged": {"half_life": 30},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_panels_model_stays_and_the_tuned_one_is_of_the_rows_given(settings):
    model = fitted(**settings)
    before, forecasts, state = weights(model), model.predict(), pickle.dumps(model.get_params())
    tuned = model.fine_tune(shop("b", 10))
    assert weights(model) == before
    assert model.predict().equals(forecasts)
    assert pickle.dumps(model.get_params()) == state == pickle.dumps(tuned.get_params())
    assert all(before[name] != bits for name, bits in weights(tuned).items())
    answer = tuned.predict()
    assert answer["shop"].tolist() == ["b"] * 3
    assert answer["day"].tolist() == list(DAYS[N : N + 3])
    assert tuned.n_windows_ == N - 8 - 3 + 1
    assert tuned.regressor_.get_params() == model.regressor_.get_params()


def test_a_new_series_and_several_at_once():
    model = fitted(transform="standard")
    tuned = model.fine_tune(pd.concat([shop("z", 1e4, rows=60), shop("a")]))
    found = tuned.predict().groupby("shop")["y"].mean()
    assert found.index.tolist() == ["a", "z"]
    assert 1e4 < found["z"] < 3e4


def test_it_learns_what_the_panel_does_not_show():
    """A series of another shape: the tuned model misses its next rows by less."""
    model = fitted(RNNForecaster(hidden_size=8, max_iter=30, random_state=0), lookback=26, transform="standard")
    rows, ahead = shop("odd", shape=0.2)[:120], shop("odd", shape=0.2)[120:]

    def error(one, known):
        found = [one.predict(history=pd.concat([rows, ahead[:n]]))["y"].to_numpy() for n in range(0, 36, 3)]
        return np.abs(np.concatenate(found) - known[: 12 * 3]).mean()

    tuned = model.fine_tune(rows, learning_rate=1e-2)
    assert error(tuned, ahead["y"].to_numpy()) < 0.9 * error(model, ahead["y"].to_numpy())


@pytest.mark.parametrize("parts", [["encoder"], ["head"], None])
def test_frozen_parts_keep_their_bits(parts):
    model = fitted()
    tuned = model.fine_tune(shop("b", 10), freeze=parts)
    before, after = weights(model), weights(tuned)
    same = {"encoder" if name[0] == "0" else "head" for name in before if before[name] == after[name]}
    assert same == set(parts or ())


def test_it_is_the_training_of_update_and_takes_its_epochs_from_the_regressor():
    model = fitted()
    once = model.fine_tune(panel(), learning_rate=NET.learning_rate)
    assert once.regressor_.n_iter_ == 2  # a fifth
    assert model.fine_tune(panel(), max_iter=5).regressor_.n_iter_ == 5
    last = panel()["day"].max()
    again = fitted(data=panel()[panel()["day"] < last])
    assert weights(again.fine_tune(panel(), learning_rate=NET.learning_rate)) == weights(
        again.update(panel()[panel()["day"] == last], refit="continue")
    )


def test_update_intervals_report_and_file(tmp_path):
    tuned = fitted().fine_tune(shop("b", 10))
    assert tuned.report_.n_windows > 0
    assert "fine-tuned" in str(tuned.report_)
    later = shop("b", 10)[:4].assign(day=DAYS[N : N + 4])
    tuned.update(later)
    answer = tuned.predict_interval(coverage=0.8)
    assert answer["day"].iloc[0] == DAYS[N + 4]
    assert (answer["y_lower"] < answer["y_upper"]).all()
    tuned.save(tmp_path / "b.forecast")
    assert forecast.load(tmp_path / "b.forecast").predict_interval(coverage=0.8).equals(answer)
    again = forecast.load(tmp_path / "b.forecast").fine_tune(shop("b", 10))  # it goes on from its own weights
    assert weights(again) == weights(fitted().fine_tune(shop("b", 10)).fine_tune(shop("b", 10)))


def test_forecasts_of_the_panels_model_since_its_fit_say_nothing_of_the_tuned_one():
    rows = panel()
    later = rows["day"] >= DAYS[N - 20]
    model = fitted(data=rows[~later]).update(rows[later])
    assert model._state.since is not None
    assert model.fine_tune(shop("b", 10))._state.since is None


def test_few_rows_of_a_new_series_have_the_panels_intervals():
    model = fitted(window_norm="standard")
    tuned = model.fine_tune(shop("z", 5, rows=14))
    assert tuned.report_.n_windows < 40
    answer = tuned.predict_interval(coverage=0.9)
    assert (answer["y_lower"] < answer["y_upper"]).all()


def test_members_are_tuned_where_they_are_networks_and_kept_where_not():
    members = {
        "net": {"regressor": NET, "weight": 0.5, "transform": "standard"},
        "line": {"regressor": Ridge(), "weight": 0.5},
    }
    model = fitted(members=members)
    tuned = model.fine_tune(shop("b", 10))
    one, other = model.members_, tuned.members_
    assert weights(one["net"]) != weights(other["net"])
    assert np.array_equal(one["line"].regressor_.coef_, other["line"].regressor_.coef_)
    assert tuned.report_.n_windows > 0
    assert tuned.predict()["shop"].tolist() == ["b"] * 3


def test_static_covariates_of_a_new_series():
    table = pd.DataFrame({"shop": ["a", "b", "c"], "floor": [1.0, 2.0, 3.0]})
    model = fitted(data=panel(floor=2.0), static_covariates="floor")
    one = model.fine_tune(shop("z"), static=table[:1].assign(shop="z"))
    assert one.predict().equals(model.fine_tune(shop("z", floor=1.0)).predict())


def test_a_model_of_one_series_moves_to_another():
    plain = shop("a").set_index("day")[["y"]]
    model = SeriesForecaster(NET, lookback=8, horizon=3).fit(plain)
    tuned = model.fine_tune(plain * 3)
    assert tuned.predict().index[0] == DAYS[N]


@pytest.mark.parametrize(
    ("regressor", "rows", "options", "says"),
    [
        (Ridge(), N, {}, r"the regressor of this model is Ridge; expected an RNNForecaster.*Fix: sklearn\.base\.clone"),
        (NET, 10, {}, r"the longest series of X has 10 rows; expected at least 11, lookback=8 and horizon=3"),
        (NET, N, {"freeze": ["body"]}, r"there is no 'body'; the parts of this network are"),
        (NET, N, {"learning_rate": -1.0}, "learning_rate"),
        (NET, N, {"max_iter": 0}, "max_iter"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_the_model(regressor, rows, options, says):
    model = fitted(regressor)
    before = model.predict()
    with pytest.raises(ValueError, match=says):
        model.fine_tune(shop("b", 10, rows=rows), **options)
    assert model.predict().equals(before)


def test_on_the_command_line_as_in_python(tmp_path, monkeypatch, capsys):
    run = runner(tmp_path, monkeypatch, capsys)
    assert run("fit", "panel.csv", "--target", "load", "--series", "station", *SMALL, "-o", "m.forecast")[0] == 0
    rows = pd.read_csv("panel.csv", parse_dates=["when"])
    rows = rows[rows["station"] == "south"].set_index("when")
    rows.to_csv("south.csv")
    before = (tmp_path / "m.forecast").read_bytes()
    options = ["--freeze", "encoder", "--learning-rate", "0.005", "--max-iter", "3"]
    code, out, _ = run("fine-tune", "m.forecast", "south.csv", *options, "-o", "south.forecast")
    assert code == 0
    assert "400 rows of 1 series, up to 2024-01-17 15:00:00; trained on: 371 windows" in out.splitlines()[0]
    assert (tmp_path / "m.forecast").read_bytes() == before
    expected = forecast.load("m.forecast").fine_tune(rows, freeze=["encoder"], learning_rate=0.005, max_iter=3)
    found = forecast.load("south.forecast")
    assert weights(found) == weights(expected)
    assert found.predict()["load"].tolist() == expected.predict()["load"].tolist()


def test_the_command_says_what_it_needs(tmp_path, monkeypatch, capsys):
    run = runner(tmp_path, monkeypatch, capsys)
    with pytest.raises(SystemExit):
        run("fine-tune", "m.forecast", "panel.csv")
    assert "-o/--output" in capsys.readouterr().err
