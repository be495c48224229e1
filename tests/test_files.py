"""A saved model is the model: the same bits out of it, the same training from there on, the same bytes again."""

import copy
import dataclasses
import io
import pickle
import re

import joblib
import numpy as np
import pandas as pd
import polars
import pytest
from pandas.testing import assert_frame_equal
from saved_models import MANY, ONE, SERIES, WINDOWS, X, days, fitted, frame, panel, series, small
from sklearn.base import clone
from sklearn.linear_model import Ridge

import forecast
from forecast import RNNForecaster, SeriesForecaster
from forecast._files.registered import BY_CLASS


def saved(model, folder, name="model.forecast"):
    path = folder / name
    model.save(path)
    return path


def loaded(model, folder):
    return forecast.load(saved(model, folder))


def joblib_copy(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "joblib": joblib_copy,
    "deepcopy": copy.deepcopy,
}


def assert_same_bytes(model, folder):
    """Saved again, by itself, its copies, and what the file gives."""
    data = saved(model, folder).read_bytes()
    assert saved(model, folder, "again").read_bytes() == data
    assert saved(forecast.load(folder / "again"), folder, "loaded").read_bytes() == data
    for kind, copied in COPIES.items():
        assert saved(copied(model), folder, kind).read_bytes() == data, kind


def future_of(model):
    future = model.future_frame()
    for name in model._state.schema.future_names:
        future[name] = 19.5
    return future


def assert_same_parameters(got, expected):
    """By their text, without the addresses in it."""
    texts = [re.sub("0x[0-9A-F]+", "", repr(sorted(one.get_params().items()))) for one in (got, expected)]
    assert texts[0] == texts[1]


def assert_same(got, expected):
    assert_frame_equal(got, expected, check_freq=True, rtol=0, atol=0)


# -------------------- SeriesForecaster


@pytest.mark.parametrize("name", SERIES)
def test_a_loaded_forecaster_is_the_saved_one(name, tmp_path):
    model = fitted(name)
    again = loaded(model, tmp_path)
    assert_same_parameters(again, model)
    assert vars(again).keys() == vars(model).keys() - {"n_threads_"}  # of the machine, not of the model
    assert again.freq_ == model.freq_
    assert str(again.report_) == str(model.report_)
    assert again.regressor_ is again._state.regressor
    future = future_of(model)
    assert_same(again.future_frame(), model.future_frame())
    assert_same(again.predict(future), model.predict(future))
    assert_same(again.history_, model.history_)
    if model._state.calibration is not None:
        asked = {"coverage": 0.7}
        assert_same(again.predict_interval(future, **asked), model.predict_interval(future, **asked))
    clone(again)


@pytest.mark.parametrize("name", SERIES)
def test_a_forecaster_always_gives_the_same_bytes(name, tmp_path):
    assert_same_bytes(fitted(name), tmp_path)


def test_a_loaded_forecaster_forecasts_after_a_history_that_it_never_saw(tmp_path):
    data = panel()
    model = series(data=data, series="shop", time="day", past_covariates="x", transform="standard")
    new = data[data["shop"] == "a"].assign(shop="new", day=lambda part: part["day"] + pd.Timedelta(days=400))
    assert_same(loaded(model, tmp_path).predict(history=new), model.predict(history=new))


def test_a_loaded_forecaster_gives_its_quantiles(tmp_path):
    model = fitted("quantiles")
    asked = {"levels": [0.1, 0.3]}
    assert_same(loaded(model, tmp_path).predict_quantiles(**asked), model.predict_quantiles(**asked))


def test_a_loaded_forecaster_is_fitted_again_with_the_same_bits(tmp_path):
    model, data = SERIES["zone"](), frame(days(200, tz="Europe/Berlin"))
    again = loaded(model, tmp_path).fit(data)
    assert_same(again.predict(), model.fit(data).predict())


@pytest.mark.parametrize("names", [["A", "B"], ["äöü", "B"]])
def test_polars_is_answered_in_kind_by_a_loaded_forecaster(names, tmp_path):
    data = panel(n=40)[lambda part: part["shop"] != "ä"].replace({"shop": dict(zip("ab", names, strict=True))})
    table = polars.from_pandas(data).with_columns(
        polars.col("shop").cast(polars.Enum(names)),
        polars.col("day").cast(polars.Datetime("ms")).dt.replace_time_zone("Europe/Berlin"),
        polars.col("x").cast(polars.Decimal(12, 4)),  # never given back, so no file needs to know what it is
    )
    model = SeriesForecaster(Ridge(), target="y", series="shop", time="day", lookback=8, horizon=3).fit(table)
    again = loaded(model, tmp_path).predict()
    assert again.equals(model.predict())
    assert again.schema == model.predict().schema
    assert_same_bytes(model, tmp_path)


# -------------------- RNNForecaster


def windows_for(name):
    if name == "Windows":
        data = frame(days())
        windows = forecast.make_windows(data, target="y", lookback=8, horizon=3, window_norm="standard")
        return windows, windows.y
    inputs = X.reshape(200, 3, 2) if name == "3-D" else X
    inputs = pd.DataFrame(X, columns=list("abcdef")) if name == "columns" else inputs
    return inputs, MANY if name in ("gru", "float64", "segments") else ONE


@pytest.mark.parametrize("name", WINDOWS)
def test_a_loaded_network_is_the_saved_one(name, tmp_path):
    model = fitted(name)
    again, inputs = loaded(model, tmp_path), windows_for(name)[0]
    assert_same_parameters(again, model)
    assert vars(again).keys() == vars(model).keys() - {"n_threads_"}  # of the machine, not of the model
    assert np.array_equal(again.predict(inputs), model.predict(inputs))
    for weight, array in model.weights_.items():
        assert again.weights_[weight].dtype == array.dtype
        assert np.array_equal(again.weights_[weight], array), weight
    assert again.loss_curve_ == model.loss_curve_
    assert np.array_equal(again.gradient_norm_curve_, model.gradient_norm_curve_)


@pytest.mark.parametrize("name", WINDOWS)
def test_a_network_always_gives_the_same_bytes(name, tmp_path):
    assert_same_bytes(fitted(name), tmp_path)


@pytest.mark.parametrize("how", ["fit", "warm_start", "partial_fit"])
@pytest.mark.parametrize("name", WINDOWS)
def test_a_loaded_network_goes_on_training_with_the_same_bits(name, how, tmp_path):
    """Weights, moments and steps of the optimiser, scaling and random state are all there."""
    model, data = WINDOWS[name](), windows_for(name)
    again = loaded(model, tmp_path)
    for one in (model, again):
        one.set_params(warm_start=how == "warm_start")
        (one.partial_fit if how == "partial_fit" else one.fit)(*data)
    assert np.array_equal(again.predict(data[0]), model.predict(data[0]))
    assert again.loss_curve_ == model.loss_curve_
    assert saved(again, tmp_path, "a").read_bytes() == saved(model, tmp_path, "b").read_bytes()


def test_a_loaded_network_gives_its_quantiles(tmp_path):
    model = fitted("several levels")
    assert np.array_equal(loaded(model, tmp_path).predict_quantiles(X), model.predict_quantiles(X))


def test_the_same_seed_gives_the_same_file(tmp_path):
    first, second = (saved(small().fit(X, ONE), tmp_path, name).read_bytes() for name in ("first", "second"))
    assert first == second


def test_what_was_set_in_another_order_is_the_same_model(tmp_path):
    model = WINDOWS["columns"]()
    other = RNNForecaster()
    vars(other).clear()
    vars(other).update(dict(reversed(vars(model).items())))
    assert saved(other, tmp_path, "other").read_bytes() == saved(model, tmp_path).read_bytes()


def test_a_model_need_not_share_memory_with_its_file(tmp_path):
    path = saved(small().fit(X, ONE), tmp_path)
    again = forecast.load(path)
    path.write_bytes(b"")
    assert np.isfinite(again.predict(X)).all()
    assert all(array.flags.writeable for array in (again._network.theta, again.gradient_norm_curve_))


def test_a_parameter_that_is_left_out_is_none_in_file_and_card(tmp_path, monkeypatch):
    """As `callbacks` is, which are functions."""
    known = dataclasses.replace(BY_CLASS[RNNForecaster], left_out=(*BY_CLASS[RNNForecaster].left_out, "clip_value"))
    monkeypatch.setitem(BY_CLASS, RNNForecaster, known)
    model = small(clip_value=0.5).fit(X, ONE)
    assert loaded(model, tmp_path).clip_value is None
    assert "clip_value" not in model.card_["settings"]
    assert model.clip_value == 0.5
    assert_same_bytes(model, tmp_path)


def test_a_memory_map_of_joblib_is_saved_as_the_model_is(tmp_path):
    model = small().fit(X, ONE)
    joblib.dump(model, tmp_path / "dumped")
    mapped = joblib.load(tmp_path / "dumped", mmap_mode="r")
    assert isinstance(mapped._network.theta, np.memmap)
    assert saved(mapped, tmp_path, "mapped").read_bytes() == saved(model, tmp_path).read_bytes()


def test_a_network_that_diverged_keeps_its_infinities(tmp_path):
    model = small().fit(X, ONE)
    model.loss_curve_ += [np.nan, np.inf, -np.inf]
    again = loaded(model, tmp_path)
    np.testing.assert_array_equal(again.loss_curve_, model.loss_curve_)
    assert again.card_["training"]["last_loss"] is None
