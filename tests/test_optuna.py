"""Optuna prunes trials through a callback, as docs/guide/tuning.md shows; a pruned fit leaves the model as it was."""

import re
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from small_networks import small, table

from forecast import RNNForecaster, make_windows

PAGE = (Path(__file__).parent.parent / "docs" / "guide" / "tuning.md").read_text(encoding="utf-8")
(BLOCK,) = re.findall(r"^```py\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def pruning_at_once():
    """The page's callback, in a trial that is pruned at its first report."""
    names = {"RNNForecaster": RNNForecaster}
    exec(compile(BLOCK.partition("def objective")[0], "tuning.md", "exec"), names)
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=0.0))
    return names["prunes"](study.ask())


def test_a_pruned_trial_leaves_a_fitted_model_as_it_was():
    X, y = table()
    model = small(early_stopping=True).fit(X, y)
    weights = {name: value.copy() for name, value in model.weights_.items()}
    curve, forecast = list(model.validation_loss_curve_), model.predict(X)
    for go_on in (False, True):
        with pytest.raises(optuna.TrialPruned):
            model.set_params(callbacks=pruning_at_once(), learning_rate=0.5, warm_start=go_on).fit(X, -y)
        assert {name: value.tolist() for name, value in model.weights_.items()} == {
            name: value.tolist() for name, value in weights.items()
        }
        assert model.validation_loss_curve_ == curve
        assert np.array_equal(model.predict(X), forecast)


def test_a_pruned_trial_leaves_an_unfitted_model_unfitted():
    model = small(early_stopping=True, callbacks=pruning_at_once())
    with pytest.raises(optuna.TrialPruned):
        model.fit(*table())
    assert not hasattr(model, "weights_")
    assert not hasattr(model, "n_features_in_")


@pytest.mark.slow
def test_the_pages_study_prunes_some_trials_and_finishes_others(capsys):
    values = 100 + 20 * np.sin(2 * np.pi * np.arange(400) / 7) + 3 * np.random.default_rng(0).normal(size=400)
    df = pd.DataFrame({"visits": values}, index=pd.date_range("2025-01-01", periods=400, freq="D"))
    windows = make_windows(df, target="visits", lookback=28, horizon=7, window_norm="last")
    names = {"RNNForecaster": RNNForecaster, "windows": windows}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    exec(compile(BLOCK, "tuning.md", "exec"), names)
    states = [trial.state.name for trial in names["study"].trials]
    assert {"PRUNED", "COMPLETE"} == set(states)
    assert len(states) == 12
    assert "hidden_size" in capsys.readouterr().out
