"""Several members in place of one regressor, and rows to validate on."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, load
from forecast._series import windows_of_frame
from forecast.baselines import SeasonalNaive
from forecast.model_selection import RollingOrigin, backtest


def hourly(n=600, columns=("load",), seed=0):
    rng = np.random.default_rng(seed)
    day = np.sin(2 * np.pi * np.arange(n) / 24)[:, None]
    values = 10 + 3 * day + 0.3 * np.cumsum(rng.normal(size=(n, len(columns))), axis=0) / 5
    return pd.DataFrame(values, pd.date_range("2024-01-01", periods=n, freq="h", name="hour"), list(columns))


def network(**more):
    return RNNForecaster(hidden_size=8, max_iter=3, random_state=0, n_jobs=1, **more)


def members(**of_network):
    return {
        "network": {"regressor": network(**of_network), "lookback": 30, "weight": 3},
        "linear": {"regressor": Ridge(alpha=0.1), "lookback": 48, "transform": "standard", "window_norm": "mean"},
        "naive": {"regressor": SeasonalNaive(24), "lookback": 1, "window_norm": None},
    }


def mixed(**more):
    return SeriesForecaster(members=members(), target="load", horizon=6, **more)


def alone(name, **more):
    one = {key: value for key, value in members()[name].items() if key != "weight"}
    return SeriesForecaster(**one, target="load", horizon=6, **more)


def test_the_forecast_is_the_weighted_mean_of_forecasters_fitted_alone():
    df = hourly()
    model = mixed().fit(df)
    each = {name: alone(name).fit(df).predict() for name in members()}
    expected = 0.6 * each["network"] + 0.2 * each["linear"] + 0.2 * each["naive"]
    pd.testing.assert_frame_equal(model.predict(), expected, rtol=1e-12)
    for name, forecast in each.items():
        pd.testing.assert_frame_equal(model.members_[name].predict(), forecast, rtol=0, atol=0)


@pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")
def test_backtest_gives_the_bits_of_predict():
    df = hourly()
    report = backtest(mixed(), df, RollingOrigin(n_splits=2, horizon=6), refit=True)
    last = report.frame.query("model == 'members' and origin == @df.index[-7]")
    np.testing.assert_array_equal(last["forecast"], mixed().fit(df[:-6]).predict()["load"])


def test_a_mixture_survives_clone_and_file(tmp_path):
    df = hourly()
    model = mixed().fit(df)
    model.save(tmp_path / "mixed.rnn")
    again = load(tmp_path / "mixed.rnn")
    pd.testing.assert_frame_equal(again.predict(), model.predict(), rtol=0, atol=0)
    pd.testing.assert_frame_equal(again.predict_interval(), model.predict_interval(), rtol=0, atol=0)
    pd.testing.assert_frame_equal(clone(model).fit(df).predict(), model.predict(), rtol=0, atol=0)
    pd.testing.assert_frame_equal(
        again.members_["linear"].predict(), model.members_["linear"].predict(), rtol=0, atol=0
    )


def test_intervals_rest_on_rows_that_no_member_learnt_from():
    model = mixed().fit(hourly(1200))
    assert model.report_.n_windows >= 100
    middle, lower, upper = model.predict_interval(coverage=0.8).to_numpy().T
    np.testing.assert_array_equal(middle, model.predict()["load"])
    assert (lower < middle).all()
    assert (middle < upper).all()


def test_feeding_back_and_other_histories_go_through_all_members():
    df = hourly()
    model = mixed().fit(df)
    long = model.predict(model.future_frame(15), recursive=True)
    np.testing.assert_array_equal(long["load"][:6], model.predict()["load"])
    assert long["load"].notna().all()
    shorter = mixed().fit(df[:400])
    pd.testing.assert_frame_equal(shorter.predict(history=df[:400]), shorter.predict(), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"members": {}}, "members is empty"),
        ({"members": {"a": Ridge()}}, "member 'a' is Ridge; expected a dict"),
        ({"members": {"a": {"lookback": 3}}}, "member 'a' has no 'regressor'"),
        ({"members": {"a": {"regressor": Ridge(), "weights": 1}}}, "member 'a' has 'weights'"),
        ({"members": {"a": {"regressor": Ridge(), "weight": 0}}}, "weight 0; expected a positive number"),
        ({"regressor": Ridge()}, "both regressor and members"),
        ({"members": {"a": {"regressor": Ridge(), "continued": 0.5}}}, "'continued', and Ridge is no network"),
        ({"members": {"a": {"regressor": network(), "continued": 0}}}, "continued=0; expected a share of the"),
        ({"members": {"a": {"regressor": network(), "continued": 1.5}}}, "continued=1.5; expected a share of the"),
        ({"members": {"a": {"regressor": network(), "continued": True}}}, "continued=True; expected a share of the"),
        ({"season": 24}, "season=24 has no effect where members are given"),
        ({"n_jobs": 2}, "n_jobs=2 has no effect"),
        ({"members": None, "regressor": Ridge(), "loss": "squared_error"}, "no effect where a regressor is given"),
    ],
)
def test_what_is_no_member_is_refused_by_name(change, message):
    with pytest.raises((TypeError, ValueError), match=message):
        mixed().set_params(**change).fit(hourly(100))


def test_the_level_is_a_channel_that_the_norm_leaves_alone():
    df = hourly(columns=("a", "b"))
    settings = dict(target=["a", "b"], lookback=24, horizon=6, transform="standard", window_norm="last")
    plain, model = (SeriesForecaster(Ridge(), level=level, **settings).fit(df) for level in (False, True))
    assert model.regressor_.n_features_in_ == 2 * plain.regressor_.n_features_in_
    assert model._state.preparation.names == ["a", "b", "a level", "b level"]
    windows = windows_of_frame(model, df)
    scaled = (df - df.mean()) / df.std(ddof=0)
    last = np.asarray(windows[-1:]).reshape(24, 4)
    np.testing.assert_allclose(last[:, 2:], scaled.iloc[-30:-6], atol=1e-12)
    np.testing.assert_allclose(last[:, :2], scaled.iloc[-30:-6] - scaled.iloc[-7], atol=1e-12)
    assert not model.predict().equals(plain.predict())


def test_a_seed_goes_to_regressors_without_one_of_their_own():
    df = hourly()
    settings = dict(target="load", lookback=24, horizon=6)
    one = SeriesForecaster(RNNForecaster(hidden_size=8, max_iter=2, n_jobs=1), random_state=5, **settings).fit(df)
    own = RNNForecaster(hidden_size=8, max_iter=2, n_jobs=1, random_state=5)
    pd.testing.assert_frame_equal(one.predict(), SeriesForecaster(own, **settings).fit(df).predict(), rtol=0, atol=0)
    kept = SeriesForecaster(own, random_state=6, **settings).fit(df)
    pd.testing.assert_frame_equal(kept.predict(), one.predict(), rtol=0, atol=0)


# -------------------- rows to validate on


# -------------------- a network that learns from the validation rows last


def continued(share=0.4, **more):
    own = {"regressor": network(early_stopping=True), "lookback": 30}
    own |= {} if share is None else {"continued": share}
    return SeriesForecaster(members={"network": own}, target="load", horizon=6, **more)


def trainings(monkeypatch):
    """Optimiser steps and learning rate of each training of a network from here on."""
    found, real = [], RNNForecaster.fit

    def fit(self, *args, **options):
        done = real(self, *args, **options)
        found.append((self.n_steps_, self.learning_rate, len(args[0])))
        return done

    monkeypatch.setattr(RNNForecaster, "fit", fit)
    return found


def test_training_continues_with_all_rows_for_a_share_of_the_steps_at_half_the_rate(monkeypatch):
    df, found = hourly(), trainings(monkeypatch)
    model = continued().fit(df)
    (steps, rate, fewer), (more, slower, windows) = found
    assert more == round(0.4 * steps)
    assert slower == rate / 2
    assert fewer < windows == model.n_windows_
    early = continued().fit(df[:540], X_val=df[540:])  # 60 rows are held out
    own = (one.regressor_.validation_loss_curve_ for one in (early, model))
    assert [len(curve) > 0 for curve in own] == [True, False]
    assert len(found) == 3  # rows to validate on are not learnt from


def test_rows_of_the_report_are_held_out_also_without_a_report():
    df = hourly()
    model = continued().fit(df)
    quick = continued(validation_fraction=None).fit(df)
    assert quick.report_.table is None
    pd.testing.assert_frame_equal(quick.predict(), model.predict(), rtol=0, atol=0)
    assert not np.array_equal(continued(validation_fraction=0.3).fit(df).predict(), model.predict())


def test_too_few_rows_to_hold_any_out_train_once(monkeypatch):
    df, found = hourly(40), trainings(monkeypatch)
    model = continued().set_params(horizon=15)
    model.set_params(members={"network": model.members["network"] | {"lookback": 4}}).fit(df)
    assert len(found) == 1
    assert found[0][2] == model.n_windows_ == 40 - 4 - 15 + 1


@pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")
def test_a_backtest_continues_in_each_fit():
    df = hourly()
    for share in (0.1, 0.3):
        model = continued(validation_fraction=share)
        report = backtest(model, df, RollingOrigin(n_splits=1, horizon=6), refit=True)
        found = report.frame.query("model == 'members'")["forecast"]
        np.testing.assert_array_equal(found, model.fit(df[:-6]).predict()["load"])


def test_validation_rows_stop_a_network_and_are_not_learnt_from():
    df = hourly()
    learnt, later = df[:450], df[450:]
    plain = SeriesForecaster(network(early_stopping=True), target="load", lookback=24, horizon=6)
    model = clone(plain).fit(learnt, X_val=later)
    assert len(model.regressor_.validation_loss_curve_) == 3
    other = clone(plain).fit(learnt, X_val=later * 1.5)
    np.testing.assert_array_equal(model.regressor_.loss_curve_, other.regressor_.loss_curve_)
    assert model.regressor_.validation_loss_curve_ != other.regressor_.validation_loss_curve_
    assert model.report_.n_windows == len(later) - 6 + 1
    assert model.predict().index[0] == df.index[-1] + df.index.freq


def test_what_is_fitted_in_closed_form_learns_nothing_of_validation_rows():
    df = hourly()
    settings = dict(target="load", lookback=24, horizon=6, transform="standard")
    model = SeriesForecaster(Ridge(), **settings).fit(df[:450], X_val=df[450:])
    without = SeriesForecaster(Ridge(), **settings).fit(df[:450])
    np.testing.assert_array_equal(model.regressor_.coef_, without.regressor_.coef_)
    pd.testing.assert_frame_equal(model.predict(), without.predict(history=df), rtol=0, atol=0)


def test_validation_rows_that_do_not_continue_are_refused():
    df = hourly()
    model = SeriesForecaster(Ridge(), target="load", lookback=24, horizon=6)
    for begin in (440, 460):
        with pytest.raises(ValueError, match=f"X_val begins at {df.index[begin]}; expected {df.index[450]}"):
            model.fit(df[:450], X_val=df[begin:])


def test_validation_rows_of_a_panel_are_those_of_its_series():
    df = hourly(columns=("a", "b"))
    panel = df.rename_axis(columns="site").stack().rename("load").reset_index().sort_values(["site", "hour"])
    late = panel["hour"] >= df.index[450]
    settings = dict(target="load", series="site", time="hour", lookback=24, horizon=6)
    model = SeriesForecaster(network(early_stopping=True), **settings).fit(panel[~late], X_val=panel[late])
    assert model.report_.n_windows == 2 * (len(df) - 450 - 6 + 1)
    unseen = panel[late & (panel["site"] == "b")].assign(site="c")
    with pytest.raises(ValueError, match="X_val has the series 'c'"):
        clone(model).fit(panel[~late], X_val=unseen)
