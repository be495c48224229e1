"""Model files of earlier releases are read, and forecast what they forecast then (see golden/make_models.py)."""

import importlib.util
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import tolerances
from sklearn.exceptions import InconsistentVersionWarning

import forecast
from forecast._files.container import read

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("models-*/*.forecast"))
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")


def generator():
    spec = importlib.util.spec_from_file_location("make_models", GOLDEN / "make_models.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def loaded(path):
    """Of whatever scikit-learn it was written with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        return forecast.load(path)


def largest_difference(found, expected):
    assert found.shape == expected.shape
    return np.abs(found - expected).max() / np.abs(expected).max()


@every_file
def test_a_model_of_an_earlier_release_forecasts_what_it_forecast_then(path):
    """To the last digits, where another instruction set or another BLAS rounds differently."""
    model = loaded(path)
    regressor = getattr(model, "regressor_", model)
    tolerance = tolerances.GOLDEN_MODELS[getattr(regressor, "dtype", "float64")]
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    found = generator().answers(model)
    assert found.keys() == expected.keys()
    for name, answer in expected.items():
        assert found[name]["labels"] == answer["labels"], name
        difference = largest_difference(np.array(found[name]["values"]), np.array(answer["values"]))
        assert difference <= tolerance, name


@every_file
def test_the_card_of_an_earlier_release_is_read(path):
    card = forecast.read_card(path)
    assert card["versions"]["forecast"] == path.parent.name.removeprefix("models-")
    assert card["format"] == {"name": "forecast model", "version": 1}


@every_file
def test_a_model_of_an_earlier_release_goes_on(path, tmp_path):
    """It is saved anew, and the new file is as good."""
    model = loaded(path)
    model.save(tmp_path / "model")
    answers = generator().answers
    assert answers(forecast.load(tmp_path / "model")) == answers(model)


def holds(today, then):
    """Whether a tree has everything that an older one has; parameters and fields may have come."""
    if isinstance(then, dict):
        return isinstance(today, dict) and all(key in today and holds(today[key], then[key]) for key in then)
    if isinstance(then, list):
        return isinstance(today, list) and len(today) == len(then) and all(map(holds, today, then))
    return type(today) is type(then) and today == then


def test_a_network_is_described_today_as_it_was_then(tmp_path):
    """Another pandas or scikit-learn has no part in it: what is lost or renamed here is lost to every older file."""
    path = GOLDEN / "models-0.1.0" / "network.forecast"
    loaded(path).save(tmp_path / "model")
    then, today = (read(one) for one in (path, tmp_path / "model"))
    expected = json.loads(then[1]["model"])
    del expected["fitted"]["n_threads_"]  # of the machine, not of the model
    assert holds(json.loads(today[1]["model"]), expected)
    assert today[0].keys() >= then[0].keys()
    for name, tensor in then[0].items():
        assert today[0][name].tobytes() == tensor.tobytes(), name


def test_there_is_a_file_of_every_sort_and_all_are_small():
    assert {path.stem for path in FILES} == set(generator().MODELS)
    assert sum(path.stat().st_size for path in FILES) < 60_000
