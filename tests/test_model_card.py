"""The model card: what a file says of its model, as plain JSON and without reading the model."""

import json
import platform

import numpy as np
import pandas as pd
import pytest
import sklearn
from saved_models import ONE, SERIES, WINDOWS, X, fitted, panel, series, small
from sklearn.exceptions import NotFittedError

import forecast
from forecast import SeriesForecaster


def card_of(model, folder):
    model.save(folder / "model")
    return forecast.read_card(folder / "model")


@pytest.mark.parametrize("name", [*SERIES, *WINDOWS])
def test_a_card_is_plain_json_and_the_models_own(name, tmp_path):
    model = fitted(name)
    card = card_of(model, tmp_path)
    assert json.loads(json.dumps(card, allow_nan=False)) == card == model.card_
    assert "0x" not in json.dumps(card)  # no address, which differs from run to run
    assert card.keys() == {"format", "versions", "settings", "model", "data", "training", "validation", "seed"}


def test_the_card_of_a_panel(tmp_path):
    names = [f"shop {number}" for number in range(9)]
    data = pd.concat([panel(n=60).query("shop == 'a'").assign(shop=name) for name in names], ignore_index=True)
    model = series(
        data=data, series="shop", time="day", past_covariates="x", static_covariates="size", calendar=["dayofweek"]
    )
    card = card_of(model, tmp_path)
    assert card["data"] == {
        "start": "2024-01-01 00:00:00",
        "end": "2024-02-29 00:00:00",
        "n_rows": 540,
        "known_until": "2024-02-29 00:00:00",
        "index": "datetime",
        "freq": "D",
        "season": 7,
        "zone": None,
        "n_series": 9,
        "series": names[:5],
        "columns": {
            "target": ["y"],
            "past_covariates": ["x"],
            "future_covariates": [],
            "static_covariates": ["size"],
            "calendar": ["dayofweek"],
            "series": "shop",
            "time": "day",
        },
        "missing": "none",
    }
    assert card["model"]["regressor"]["parameters"] == model.regressor_.n_parameters_
    assert card["seed"] == 0
    assert card["settings"]["regressor"] == {
        "class": "RNNForecaster", "hidden_size": 4, "max_iter": 3, "random_state": 0
    }  # fmt: skip
    assert card["settings"]["calendar"] == ["dayofweek"]
    assert "window_norm" not in card["settings"]
    assert card["training"]["epochs"] == 3
    assert card["training"]["n_windows"] == model.n_windows_


def test_the_scores_stand_beside_those_of_the_naive_forecasts(tmp_path):
    model = fitted("regressor: Ridge")
    validation = card_of(model, tmp_path)["validation"]
    assert list(validation["scores"]) == ["Ridge", "last value", "seasonal naive", "drift", "mean"]
    assert validation["scores"]["Ridge"]["MAE"] == model.report_.table.loc["Ridge", "MAE"]
    assert validation["skill"] == model.report_.skill
    assert (validation["folds"], validation["n_windows"]) == (1, model.report_.n_windows)
    assert validation["chose_epoch"] is False


def test_without_validation_the_card_says_so(tmp_path):
    validation = card_of(fitted("no validation"), tmp_path)["validation"]
    assert (validation["folds"], validation["scores"], validation["skill"]) == (0, None, None)


def test_the_versions_are_those_at_hand():
    versions = small().fit(X, ONE).card_["versions"]
    assert versions == {
        "forecast": forecast.__version__,
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "scikit-learn": sklearn.__version__,
        "python": platform.python_version(),
    }


def test_a_card_is_read_of_a_model_that_cannot_be_made(tmp_path):
    """Only the bytes are checked: `forecast show` works where scikit-learn does not have what the model needs."""
    from model_bytes import changed

    (tmp_path / "model").write_bytes(changed(small().fit(X, ONE), tmp_path, model='{"is":"from the future"}'))
    assert forecast.read_card(tmp_path / "model")["model"]["cell"] == "lstm"
    with pytest.raises(forecast.ModelFileError, match="from the future"):
        forecast.load(tmp_path / "model")


def test_what_is_not_fitted_has_neither_card_nor_file(tmp_path):
    for model in (small(), SeriesForecaster()):
        with pytest.raises(NotFittedError):
            model.save(tmp_path / "model")
        with pytest.raises(NotFittedError):
            _ = model.card_
    assert list(tmp_path.iterdir()) == []
