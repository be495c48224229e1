"""A saved model is the model: the same bits out of it, the same training from there on, the same bytes again."""

import copy
import io
import json
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import saved_models
from pandas.testing import assert_frame_equal
from saved_models import MANY, ONE, SERIES, WINDOWS, X
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import forecast
from forecast import RNNForecaster, SeriesForecaster


def saved(model, folder, name="model.forecast"):
    path = folder / name
    model.save(path)
    return path


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


def future_of(model):
    future = model.future_frame()
    for name in model._state.schema.future_names:
        future[name] = 19.5
    return future


# -------------------- SeriesForecaster


@pytest.mark.parametrize("name", SERIES)
def test_a_saved_forecaster_is_the_forecaster(name, tmp_path):
    model = SERIES[name]()
    path = saved(model, tmp_path)
    loaded = forecast.load(path)
    data = path.read_bytes()
    assert saved(loaded, tmp_path, "again").read_bytes() == data
    for kind, made in COPIES.items():
        assert saved(made(model), tmp_path, "copy").read_bytes() == data, kind
    assert repr(loaded) == repr(model)
    assert vars(loaded).keys() == vars(model).keys()
    future = future_of(model)
    forecasts = model.predict(future)
    assert_frame_equal(loaded.predict(future), forecasts, check_freq=True, rtol=0, atol=0)
    assert_frame_equal(loaded.history_, model.history_, rtol=0, atol=0)
    assert loaded.freq_ == model.freq_
    assert str(loaded.report_) == str(model.report_)
    assert loaded.regressor_ is loaded._state.regressor
    clone(loaded)
