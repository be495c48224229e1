"""Callbacks: what they get, how they stop a training, whom clones, searches and pickles share them with."""

import logging
import pickle
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_networks import small, table

from forecast import RNNClassifier, SeriesForecaster, _callbacks

KEYS = [
    "epoch", "max_iter", "loss", "validation_loss", "learning_rate", "gradient_norm", "seconds", "epoch_seconds",
]  # fmt: skip


# -------------------- what they get and what they answer


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_callback_gets_the_numbers_of_each_epoch(early_stopping):
    seen = []
    model = small(callbacks=[seen.append], early_stopping=early_stopping, batch_size=16).fit(*table())
    assert [list(info) for info in seen] == [KEYS] * 6
    for info in seen:
        assert type(info) is dict
        kinds = [type(value) for value in info.values()]
        assert kinds == [int, int, float, float if early_stopping else type(None), float, float, float, float]
    assert [info["epoch"] for info in seen] == [1, 2, 3, 4, 5, 6]
    assert {info["max_iter"] for info in seen} == {6}
    assert [info["loss"] for info in seen] == model.loss_curve_
    assert [info["validation_loss"] for info in seen] == (model.validation_loss_curve_ or [None] * 6)
    norms = model.gradient_norm_curve_.reshape(6, -1).mean(axis=1)
    assert [info["gradient_norm"] for info in seen] == pytest.approx(norms.tolist())
    assert seen[0]["learning_rate"] == 0.01
    assert seen[3]["learning_rate"] == pytest.approx(0.005), "half way along the cosine"
    total = [info["seconds"] for info in seen]
    assert all(a < b for a, b in pairwise(total))
    assert sum(info["epoch_seconds"] for info in seen) <= total[-1] + 1e-9


def test_one_function_is_as_good_as_a_list():
    seen, several = [], []
    small(callbacks=seen.append).fit(*table())
    small(callbacks=(several.append, several.append)).fit(*table())
    assert (len(seen), len(several)) == (6, 12)


def test_a_callback_that_changes_its_dict_changes_nothing():
    seen = []
    small(callbacks=[lambda info: info.clear(), seen.append]).fit(*table())
    assert list(seen[0]) == KEYS


def test_callbacks_lines_and_the_log_change_no_bit(caplog, capfd):
    X, y = table()
    plain = small(early_stopping=True).fit(X, y)
    caplog.set_level(logging.DEBUG, logger="forecast")
    watched = small(early_stopping=True, verbose=2, callbacks=[[].append]).fit(X, y)
    assert watched.predict(X).tobytes() == plain.predict(X).tobytes()
    assert watched.loss_curve_ == plain.loss_curve_
    assert capfd.readouterr().err


@pytest.mark.parametrize("true", [True, np.True_])
def test_true_stops_after_this_epoch_and_every_callback_is_called(true):
    seen = []
    model = small(callbacks=[lambda info: true if info["epoch"] == 3 else None, seen.append]).fit(*table())
    assert model.n_iter_ == len(model.loss_curve_) == len(seen) == 3
    assert model.predict(table()[0]).shape == (120,)


def test_a_stop_keeps_the_best_weights_where_windows_are_held_out():
    X, y = table()
    options = dict(early_stopping=True, max_iter=40, learning_rate=0.3, learning_rate_schedule="constant")
    stopped = small(callbacks=lambda info: info["epoch"] == 9, **options).fit(X, y)
    best = int(np.argmin(stopped.validation_loss_curve_)) + 1
    assert best < 9, "else the last epoch would be as good"
    again = small(callbacks=lambda info: info["epoch"] == best, **options).fit(X, y)
    assert stopped.predict(X).tobytes() == again.predict(X).tobytes()


@pytest.mark.parametrize("answer", ["stop", 1, 0, [], {}])
def test_an_answer_that_is_no_yes_or_no_is_refused(answer):
    with pytest.raises(TypeError, match=r"callbacks\[1\], .*, returned .*; expected None or False to go on, True to"):
        small(callbacks=[lambda info: None, lambda info: answer]).fit(*table())


def test_what_is_no_function_is_refused_before_any_work():
    with pytest.raises(TypeError, match=r"callbacks\[1\] is 'loss'; expected a function that takes the dict"):
        small(callbacks=[print, "loss"]).fit(None, None)


@pytest.mark.parametrize("fitted", [False, True])
def test_an_exception_in_a_callback_leaves_the_model_as_it_was(fitted):
    X, y = table()
    model = small()
    if fitted:
        model.fit(X, y)
    before = dict(model.__dict__)
    model.set_params(callbacks=lambda info: 1 / 0)
    for fit in (model.fit, model.partial_fit):
        with pytest.raises(ZeroDivisionError):
            fit(X, -y)
    after = dict(model.__dict__)
    assert after.pop("callbacks") is not before.pop("callbacks")
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)


def test_epochs_are_counted_in_each_call():
    seen = []
    model = small(callbacks=seen.append, warm_start=True, max_iter=2)
    model.fit(*table()).fit(*table()).partial_fit(*table())
    assert [(info["epoch"], info["max_iter"]) for info in seen] == [(1, 2), (2, 2), (1, 2), (2, 2), (1, 1)]


# -------------------- copies


def test_a_clone_shares_the_callbacks():
    history = []
    model = small(callbacks=[history.append]).fit(*table())
    copy = clone(model)
    assert copy.callbacks is model.callbacks
    assert not hasattr(copy, "loss_curve_")
    copy.fit(*table())
    assert len(history) == 12


def test_a_clone_keeps_what_scikit_learn_keeps():
    model = small(quantile=[0.1, 0.5], loss="quantile", callbacks=print)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert copy.quantile is not model.quantile, "other parameters are copied as ever"


def test_a_list_hears_of_the_fit_inside_a_series_a_pipeline_and_a_search():
    X, y = table()
    history = []
    network = small(callbacks=[history.append])
    SeriesForecaster(network, target="wave", lookback=8, horizon=2).fit(
        pd.DataFrame({"wave": np.sin(np.arange(160) / 4)})
    )
    assert len(history) == 6 * 2, "nothing is held out of so few windows, so a second clone is fitted for the report"
    clone(make_pipeline(StandardScaler(), network)).fit(X, y)
    assert len(history) == 6 * 3
    GridSearchCV(network, {"hidden_size": [2, 3]}, cv=TimeSeriesSplit(2), error_score="raise").fit(X, y)
    assert len(history) == 6 * 3 + 6 * 5


class StopsAfterTwo:
    def __call__(self, info):
        return info["epoch"] == 2


def test_a_search_in_two_processes_obeys_callbacks():
    X, y = table()
    search = GridSearchCV(
        small(callbacks=[lambda info: info["epoch"] == 2]), {"hidden_size": [2, 3]}, cv=TimeSeriesSplit(2), n_jobs=2,
        error_score="raise",
    ).fit(X, y)  # fmt: skip
    plain = GridSearchCV(
        small(callbacks=[StopsAfterTwo()]), {"hidden_size": [2, 3]}, cv=TimeSeriesSplit(2), error_score="raise"
    ).fit(X, y)
    assert search.best_estimator_.n_iter_ == 2
    assert search.cv_results_["mean_test_score"].tobytes() == plain.cv_results_["mean_test_score"].tobytes()


def test_a_pickle_carries_callbacks_that_pickle():
    history = []
    X, y = table()
    copy = pickle.loads(pickle.dumps(small(callbacks=history.append).fit(X, y)))
    copy.fit(X, y)
    assert len(history) == 6, "of the first fit: the pickle has a list of its own"
    assert len(copy.callbacks.__self__) == 12
    model = small(callbacks=lambda info: None).fit(X, y)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(model)
    assert pickle.loads(pickle.dumps(model.set_params(callbacks=None))).predict(X).shape == (120,)


def test_a_callback_that_ends_a_training_that_went_too_far_leaves_finite_weights():
    """Nothing is held out and no later batch comes: the last steps of the epoch have to be looked at."""
    X, y = table(64)
    model = small(callbacks=lambda info: True, learning_rate=1e30, optimizer="sgd", clip_norm=None, batch_size=64)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    assert np.isfinite(model.predict(X)).all()


# -------------------- those of scikit-learn


@pytest.mark.parametrize("model", [small(), RNNClassifier(), SeriesForecaster(small(), lookback=4, horizon=2)])
def test_set_callbacks_is_there_where_scikit_learn_has_callbacks(model, monkeypatch):
    """What it does: test_scikit_learn_callbacks.py."""
    assert hasattr(model, "set_callbacks") == (find_spec("sklearn.callback") is not None)
    monkeypatch.setattr(_callbacks, "find_spec", lambda name: None)
    assert not hasattr(model, "set_callbacks")
