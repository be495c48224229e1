"""Training in shards, without a cluster: what the result depends on, and what is refused where."""

import warnings

import dask
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from forecast import ModelFileError, RNNForecaster, SeriesForecaster, SkippedSeriesWarning
from forecast._refusals import refusal_of
from forecast.distributed import backtest, fit, fit_each, predict, predict_each
from forecast.distributed.shards import assigned
from forecast.model_selection import RollingOrigin

DAYS = pd.date_range("2024-01-01", periods=90, freq="D")


def panel(n=6, days=DAYS):
    """Weekly waves, each with its own phase and level."""
    rng, time = np.random.default_rng(0), np.arange(len(days))
    waves = [np.sin(time * 2 * np.pi / 7 + number) + number + 0.1 * rng.normal(size=len(days)) for number in range(n)]
    parts = [pd.DataFrame({"shop": f"s{number}", "day": days, "y": wave}) for number, wave in enumerate(waves)]
    return pd.concat(parts, ignore_index=True)


def forecaster(max_iter=2, seed=0, regressor=None, **settings):
    network = RNNForecaster(cell="gru", hidden_size=4, max_iter=max_iter, random_state=seed)
    given = {"target": "y", "series": "shop", "time": "day", "lookback": 14, "horizon": 7} | settings
    return SeriesForecaster(regressor or network, **given)


def split(frame, *groups):
    """A Dask DataFrame whose partitions hold these series."""
    parts = [dask.delayed(frame[frame["shop"].isin(group)]) for group in groups]
    return dd.from_delayed(parts, meta=frame.iloc[:0], verify_meta=False)


def test_a_fitted_model_forecasts_every_series_with_intervals():
    df = panel(8)
    model = fit(forecaster(), df, n_shards=3)
    interval = model.predict_interval()
    assert interval["shop"].unique().tolist() == [f"s{number}" for number in range(8)]
    assert np.isfinite(interval[["y", "y_lower", "y_upper"]].to_numpy()).all()
    assert model.report_.n_windows > 0
    assert model.n_windows_ == 8 * (90 - 14 - 7 + 1)


def test_partitions_and_the_order_of_series_change_no_bit():
    df = panel()
    backwards = df.sort_values(["shop", "day"], ascending=[False, True])
    whole = fit(forecaster(), df, n_shards=3)._as_bytes()
    assert fit(forecaster(), backwards, n_shards=3)._as_bytes() == whole
    for groups in (["s0", "s1", "s2", "s3", "s4", "s5"],), (["s5", "s1"], ["s0"], [], ["s3", "s2", "s4"]):
        assert fit(forecaster(), split(df, *groups), n_shards=3)._as_bytes() == whole


def test_the_seed_and_the_number_of_shards_decide_the_weights():
    df = panel()

    def theta(seed, n):
        return fit(forecaster(seed=seed), df, n_shards=n).regressor_._network.theta

    assert np.array_equal(theta(0, 3), theta(0, 3))
    assert not np.array_equal(theta(0, 3), theta(1, 3))
    assert not np.array_equal(theta(0, 3), theta(0, 2))


def test_scales_are_those_of_all_windows():
    df = panel()
    ours = fit(forecaster(regressor=_network(early_stopping=False)), df, n_shards=4).regressor_._network.scaling
    theirs = forecaster(regressor=_network(early_stopping=False)).fit(df).regressor_._network.scaling
    for name in ("past_mean", "past_scale", "target_mean", "target_scale"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-12)


def _network(**settings):
    return RNNForecaster(cell="gru", hidden_size=4, max_iter=1, random_state=0, **settings)


def test_missing_values_are_filled_with_the_mean_of_all_shards():
    df = panel()
    df.loc[::11, "y"] = np.nan
    settings = {"missing": "mask", "regressor": _network(early_stopping=False)}
    ours, theirs = fit(forecaster(**settings), df, n_shards=4), forecaster(**settings).fit(df)
    np.testing.assert_allclose(ours._state.preparation.fill, theirs._state.preparation.fill, rtol=1e-12)


def test_shards_hold_whole_series_and_about_as_many_rows():
    lengths = {f"s{number}": 10 + number % 3 for number in range(100)}
    shards = assigned(lengths, 8, seed=0)
    assert sorted(key for own in shards for key in own) == sorted(lengths)
    rows = [sum(lengths[key] for key in own) for own in shards]
    assert max(rows) - min(rows) <= 3 * 12
    assert assigned(dict(reversed(lengths.items())), 8, seed=0) == shards


def test_callbacks_see_every_epoch_and_may_stop():
    seen = []

    def stop(epoch):
        seen.append(epoch)
        return len(seen) == 2

    model = fit(forecaster(regressor=_network(callbacks=stop).set_params(max_iter=5)), panel(), n_shards=2)
    assert [one["epoch"] for one in seen] == [1, 2]
    assert model.regressor_.n_iter_ == 2
    assert seen[0]["loss"] == model.regressor_.loss_curve_[0]


@pytest.mark.parametrize(
    ("optimizer", "n_shards", "expected"),
    [("adam", 2, (32, 0.01 * 2**0.5, 0.1)), ("adam", 6, (11, 0.02, 0.1)), ("adamw", 6, (11, 0.02, 0.05)),
     ("rmsprop", 6, (11, 0.02, 0.1)), ("sgd", 6, (11, 0.01, 0.1))],
)  # fmt: skip
def test_optimisers_that_divide_by_noise_have_a_higher_rate_for_a_divided_batch(
    monkeypatch, optimizer, n_shards, expected
):
    seen, plain = [], RNNForecaster.fit

    def record(network, *data):
        seen.append((network.batch_size, network.learning_rate, network.weight_decay))
        return plain(network, *data)

    monkeypatch.setattr(RNNForecaster, "fit", record)
    network = RNNForecaster(hidden_size=4, max_iter=1, optimizer=optimizer, weight_decay=0.1, random_state=0)
    fit(forecaster(regressor=network), panel(), n_shards=n_shards, rounds_per_epoch=1)
    assert len(seen) == n_shards
    for one in seen:
        assert one == pytest.approx(expected)


class Stopped(Exception):
    """What ends a client in the middle of a fit."""


@pytest.mark.parametrize("rounds_per_epoch", [1, 3])
def test_a_fit_that_ended_goes_on_from_its_checkpoint_with_the_same_bytes(tmp_path, rounds_per_epoch):
    df, path = panel(), tmp_path / "fit.checkpoint"
    whole = fit(forecaster(4), df, n_shards=2, rounds_per_epoch=rounds_per_epoch)._as_bytes()

    def stop(epoch):
        if epoch["epoch"] == 2:
            raise Stopped

    broken = forecaster(4)
    broken.regressor.set_params(callbacks=stop)
    with pytest.raises(Stopped):
        fit(broken, df, n_shards=2, rounds_per_epoch=rounds_per_epoch, checkpoint=path)
    went_on = fit(forecaster(4), df, n_shards=2, rounds_per_epoch=rounds_per_epoch, resume=path)
    assert went_on._as_bytes() == whole


def test_a_checkpoint_of_another_fit_is_refused(tmp_path):
    path = tmp_path / "fit.checkpoint"
    fit(forecaster(1), panel(), n_shards=2, checkpoint=path)
    with pytest.raises(ValueError, match="is a checkpoint of another fit; expected the same data"):
        fit(forecaster(1, seed=1), panel(), n_shards=2, resume=path)


def test_a_checkpoint_needs_a_seed(tmp_path):
    with pytest.raises(ValueError, match="a checkpoint needs a seed: random_state=None"):
        fit(forecaster(seed=None), panel(), checkpoint=tmp_path / "fit.checkpoint")


def test_a_shard_that_fails_is_named(monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("forecast.distributed.steps.stepped", fail)
    with pytest.raises(RuntimeError, match="shard 0 in round 1 failed with ZeroDivisionError: on purpose"):
        fit(forecaster(), panel(), n_shards=2)


def test_a_series_in_two_partitions_is_refused_with_both_and_a_fix_that_works():
    df = panel()
    half = df["day"] < DAYS[45]
    ddf = dd.from_delayed([dask.delayed(df[half]), dask.delayed(df[~half])], meta=df.iloc[:0])
    with pytest.raises(ValueError, match=r"series 's0' is in the partitions 0 and 1; expected all rows") as refused:
        fit(forecaster(), ddf)
    fix = str(refused.value).partition("Fix: ")[2].removesuffix(".")
    scope = {"ddf": ddf}
    with dask.config.set(scheduler="synchronous"):
        exec(fix, scope)
        assert fit(forecaster(), scope["ddf"], n_shards=3)._as_bytes() == fit(forecaster(), df, n_shards=3)._as_bytes()


FAULTS = {
    "time": (lambda part: part.iloc[::-1], ValueError, "partition 1: the rows are not in time order"),
    "dtype": (lambda part: part.astype({"y": "float32"}), TypeError, "partition 1: column 'y' has dtype float32"),
    "missing": (
        lambda part: part.assign(y=part["y"].where(part["day"] != DAYS[5])),
        ValueError,
        "partition 1: target 'y' has 3 missing values",
    ),
    "gap": (lambda part: part[part["day"] != DAYS[5]], ValueError, "partition 1: .*2024-01-06"),
}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_faulty_partition_is_named(fault):
    spoil, error, words = FAULTS[fault]
    df = panel()
    first, second = df[df["shop"] < "s3"], spoil(df[df["shop"] >= "s3"])
    ddf = dd.from_delayed([dask.delayed(first), dask.delayed(second)], meta=df.iloc[:0], verify_meta=False)
    with pytest.raises(error, match=words):
        fit(forecaster(), ddf)


def test_the_fix_of_a_faulty_partition_works_for_all():
    df = panel()
    parts = [df[df["shop"] < "s3"], df[df["shop"] >= "s3"].iloc[::-1]]
    ddf = dd.from_delayed([dask.delayed(part) for part in parts], meta=df.iloc[:0])
    with pytest.raises(ValueError, match="partition 1: the rows are not in time order") as refused:
        fit(forecaster(), ddf)
    scope = {"ddf": ddf}
    with dask.config.set(scheduler="synchronous"):
        exec(str(refusal_of(refused.value).fix), scope)
        assert fit(forecaster(), scope["ddf"], n_shards=3)._as_bytes() == fit(forecaster(), df, n_shards=3)._as_bytes()


REFUSED = {
    "series": ({"series": None}, {}, "series is None; expected the column"),
    "regressor": ({"regressor": Ridge()}, {}, "fit trains a network in rounds: a Ridge"),
    "half_life": ({"half_life": 30.0}, {}, "half_life=30.0 does not work with shards"),
    "clip_covariates": ({"clip_covariates": True}, {}, "clip_covariates=True does not work with shards"),
    "irregular": ({"gaps": "irregular"}, {}, "gaps='irregular' does not work with shards"),
    "series_size": ({"regressor": _network(series_size=2)}, {}, "series_size=2 does not work with shards"),
    "max_steps": ({"regressor": _network(max_steps=2)}, {}, "max_steps=2 does not work with shards"),
    "warm_start": ({"regressor": _network(warm_start=True)}, {}, "warm_start=True does not work with shards"),
    "n_shards": ({}, {"n_shards": 0}, "n_shards=0: expected|n_shards=0"),
    "rounds_per_epoch": ({}, {"rounds_per_epoch": 1.5}, "rounds_per_epoch=1.5"),
    "client": ({}, {"client": "here"}, "client"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_needs_all_data_in_one_place_is_refused_by_name(case):
    settings, arguments, words = REFUSED[case]
    with pytest.raises((TypeError, ValueError), match=words):
        fit(forecaster(**settings), panel(), **arguments)


def test_series_too_short_to_learn_from_are_named_and_forecast_later():
    df = panel()
    df = df[(df["shop"] != "s2") | (df["day"] >= DAYS[-5])]
    with pytest.warns(SkippedSeriesWarning, match="1 of 6 series take no part in training: .*'s2'"):
        model = fit(forecaster(), df, n_shards=3)
    assert "s2" in model._state.tail.keys


def test_forecasts_by_partition_are_those_of_the_model():
    df = panel()
    model = fit(forecaster(), df, n_shards=3)
    expected = model.predict().sort_values(["shop", "day"]).reset_index(drop=True)
    assert predict(model, df).sort_values(["shop", "day"]).reset_index(drop=True).equals(expected)
    lazy = predict(model, split(df, ["s0", "s1"], [], ["s2", "s3", "s4", "s5"]))
    found = lazy.compute(scheduler="synchronous")
    assert found["y"].to_numpy().tolist() == expected["y"].to_numpy().tolist()
    assert lazy.npartitions == 3


def test_backtests_train_on_no_row_behind_an_origin():
    df = panel()
    cv = RollingOrigin(n_splits=2, horizon=7)
    report = backtest(forecaster(), df, cv, n_shards=2)
    first = report.frame[report.frame["model"] == "RNNForecaster"]
    assert len(first) == 2 * 6 * 7
    later = df.copy()
    later.loc[later["day"] > DAYS[-8], "y"] += 100.0  # the last test part
    other = backtest(forecaster(), later, cv, n_shards=2).frame
    assert other.loc[other["model"] == "RNNForecaster", "forecast"].tolist() == first["forecast"].tolist()


def test_a_backtest_has_the_naive_forecasts_and_scales_of_one_machine():
    from forecast.model_selection import backtest as alone

    df, cv = panel(), RollingOrigin(n_splits=2, horizon=7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a network of two epochs has no skill, and says so
        theirs = alone(forecaster(), df, cv).summary()
    ours = backtest(forecaster(), df, cv, n_shards=2).summary()
    names = ["last value", "seasonal naive", "drift", "mean"]
    pd.testing.assert_frame_equal(
        ours.loc[names, ["MAE", "RMSE", "MASE"]], theirs.loc[names, ["MAE", "RMSE", "MASE"]], rtol=1e-12
    )


def test_one_model_for_every_series_is_that_of_the_series_alone():
    df = panel()
    model = forecaster(regressor=Ridge())
    models = fit_each(model, split(df, ["s3", "s4", "s5"], ["s0", "s1", "s2"]))
    assert models["series"].tolist() == [f"s{number}" for number in range(6)]
    alone = [model.fit(df[df["shop"] == f"s{number}"]).predict()["y"].to_numpy() for number in range(6)]
    assert predict_each(models)["y"].to_numpy().tolist() == np.concatenate(alone).tolist()


def test_a_series_without_a_model_says_why():
    df = panel(3)
    models = fit_each(forecaster(regressor=Ridge()), df[(df["shop"] != "s1") | (df["day"] >= DAYS[-5])])
    assert models["error"].notna().tolist() == [False, True, False]
    assert "rows" in models["error"][1]
    assert predict_each(models)["shop"].unique().tolist() == ["s0", "s2"]


class OwnMean(RegressorMixin, BaseEstimator):
    """A regressor of one's own: the mean of the window at all steps."""

    def fit(self, X, y):
        self.n_steps_ = np.asarray(y).shape[1]
        return self

    def predict(self, X):
        return np.tile(np.asarray(X).mean(axis=1)[:, None], self.n_steps_)


class OwnNetwork(RNNForecaster):
    pass


class OwnForecaster(SeriesForecaster):
    pass


def unread():
    """A Dask DataFrame whose partition must not be read."""

    def read():
        raise AssertionError("the partition was read")

    return dd.from_delayed([dask.delayed(read)()], meta=panel(1).iloc[:0], verify_meta=False)


OWN = {
    "a regressor": (OwnMean(), "regressor is a .*OwnMean"),
    "a step of a pipeline": (make_pipeline(StandardScaler(), OwnMean()), "regressor.steps.1.* is a .*OwnMean"),
    "a function": (make_pipeline(FunctionTransformer(lambda x: x), Ridge()), "regressor.steps.0.*func is a .*function"),
}


@pytest.mark.parametrize("what", list(OWN))
def test_models_that_no_file_can_hold_are_refused_before_any_partition_is_read(what):
    regressor, names = OWN[what]
    model = forecaster(regressor=regressor)
    with pytest.raises(ModelFileError, match=f"fit_each sends models as model files: {names}.*joblib can send any"):
        fit_each(model, unread())
    with pytest.raises(ModelFileError, match=f"predict sends models as model files: .*{names}.*Dask can send any"):
        predict(model.fit(panel()), unread())


def test_a_subclass_is_refused_before_any_partition_is_read():
    with pytest.raises(ModelFileError, match=r"fit_each sends models as model files: .*OwnForecaster is a class"):
        fit_each(OwnForecaster(Ridge(), target="y", series="shop", time="day", lookback=14, horizon=7), unread())
    for call in (fit, lambda *given: backtest(*given, RollingOrigin(n_splits=2, horizon=7))):
        with pytest.raises(TypeError, match="fit trains a network in rounds: a OwnNetwork"):
            call(forecaster(regressor=OwnNetwork(hidden_size=4)), unread())


def test_what_the_refusals_advise_forecasts_with_a_class_of_ones_own():
    df, model = panel(3), forecaster(regressor=OwnMean())
    model.fit(df)
    ddf = split(df, ["s0", "s1"], ["s2"])
    answers = ddf.map_partitions(lambda part: model.predict(history=part), meta=model.predict().iloc[:0]).compute()
    assert answers["y"].tolist() == model.predict()["y"].tolist()
    parts = [part for _, part in df.groupby("shop")]
    alone = joblib.Parallel(n_jobs=1)(joblib.delayed(clone(model).fit)(part) for part in parts)
    assert [one.predict()["shop"].iloc[0] for one in alone] == ["s0", "s1", "s2"]
