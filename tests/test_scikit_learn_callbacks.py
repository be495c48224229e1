"""Callbacks of scikit-learn 1.9: which tasks a fit has, what they are given, and that they change nothing."""

import pickle

import numpy as np
import pandas as pd
import pytest
from recording_callback import Recorder, lines
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from small_networks import small, table

from forecast import RNNClassifier, SeriesForecaster, load, make_windows


def classifier(**changes):
    return RNNClassifier(**dict(hidden_size=4, max_iter=6, random_state=0) | changes)


def series(rows=120):
    return pd.DataFrame({"y": np.sin(np.arange(rows) / 4)}, pd.date_range("2024-01-01", periods=rows))


def forecaster(regressor=None, **changes):
    return SeriesForecaster(regressor or small(), **dict(target="y", lookback=6, horizon=2) | changes)


def labelled():
    X, y = table()
    return X, y > 0


EVERY = [(small, table), (classifier, labelled), (forecaster, lambda: (series(),))]
each = pytest.mark.parametrize(("make", "data"), EVERY, ids=["RNNForecaster", "RNNClassifier", "SeriesForecaster"])


# -------------------- the tasks


@each
def test_an_object_without_the_hooks_is_refused(make, data):
    with pytest.raises(TypeError, match="FitCallback"):
        make().set_callbacks(print)


def test_a_fit_is_a_task_with_a_subtask_for_each_epoch(tmp_path):
    small(max_iter=2, early_stopping=False).set_callbacks(Recorder(tmp_path / "a")).fit(*table())
    assert lines(tmp_path / "a") == [
        "setup 0 RNNForecaster 'fit' 0 2",
        "begin 0 RNNForecaster 'fit' 0 2",
        "begin 1 RNNForecaster 'epoch' 0 0",
        "end 1 RNNForecaster 'epoch' 0 0",
        "begin 1 RNNForecaster 'epoch' 1 0",
        "end 1 RNNForecaster 'epoch' 1 0",
        "end 0 RNNForecaster 'fit' 0 2",
        "teardown 0 RNNForecaster 'fit' 0 2",
    ]


def test_a_forecaster_has_a_subtask_for_each_regressor_and_their_epochs_are_below(tmp_path):
    model = forecaster(small(max_iter=2, early_stopping=False))
    model.set_callbacks(Recorder(tmp_path / "a")).fit(series())
    assert lines(tmp_path / "a", "begin")[:5] == [
        "begin 0 SeriesForecaster 'fit' 0 None",
        "begin 1 RNNForecaster 'fit' 0 2",
        "begin 2 RNNForecaster 'epoch' 0 0",
        "begin 2 RNNForecaster 'epoch' 1 0",
        "begin 1 RNNForecaster 'fit' 1 2",  # without the newest windows, for the report
    ]
    assert not hasattr(model.regressor_, "_skl_callbacks")


def test_a_regressor_without_callbacks_is_a_task_without_a_warning(tmp_path):
    forecaster(Ridge(), validation_fraction=None).set_callbacks(Recorder(tmp_path / "a")).fit(series())
    assert lines(tmp_path / "a", "end") == [
        "end 1 SeriesForecaster 'fit Ridge' 0 0",
        "end 0 SeriesForecaster 'fit' 0 None",
    ]


@pytest.mark.slow
def test_the_networks_of_a_recipe_are_tasks(tmp_path):
    rng = np.random.default_rng(0)
    df = pd.DataFrame({"y": np.sin(np.arange(700) / 4) + rng.normal(size=700) / 9}, pd.RangeIndex(700))
    SeriesForecaster(target="y", horizon=3, random_state=0).set_callbacks(Recorder(tmp_path / "a")).fit(df)
    told = lines(tmp_path / "a", "begin")
    assert any(line.startswith("begin 2 RNNForecaster 'epoch'") for line in told)
    assert len(lines(tmp_path / "a", "end")) == len(told)


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_search_passes_its_callbacks_on(tmp_path, n_jobs):
    X, y = table()
    grid = GridSearchCV(small(early_stopping=False), {"hidden_size": [2, 3]}, cv=TimeSeriesSplit(2), n_jobs=n_jobs)
    told = grid.set_callbacks(Recorder(tmp_path / "a")).fit(X, y)
    plain = GridSearchCV(small(early_stopping=False), {"hidden_size": [2, 3]}, cv=TimeSeriesSplit(2)).fit(X, y)
    assert told.predict(X).tobytes() == plain.predict(X).tobytes()
    assert len([line for line in lines(tmp_path / "a", "end") if "RNNForecaster 'epoch'" in line]) == 6 * (2 * 2 + 1)


# -------------------- what they change


@each
def test_callbacks_change_no_bit(make, data, tmp_path):
    told, plain = make().set_callbacks(Recorder(tmp_path / "a")).fit(*data()), make().fit(*data())
    X = () if make is forecaster else data()[:1]
    assert np.asarray(told.predict(*X)).tobytes() == np.asarray(plain.predict(*X)).tobytes()


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("weight_average", [None, 0.9])
def test_a_score_of_each_epoch_changes_no_bit_and_ends_with_that_of_the_model(early_stopping, weight_average):
    from sklearn.callback import ScoringMonitor

    X, y = table()
    parameters = dict(early_stopping=early_stopping, weight_average=weight_average, dropout=0.2, num_layers=2)
    monitor = ScoringMonitor(scoring="r2")
    told, plain = small(**parameters).set_callbacks(monitor).fit(X, y), small(**parameters).fit(X, y)
    assert told.predict(X).tobytes() == plain.predict(X).tobytes()
    scores = monitor.get_logs().data_as_pandas.set_index("task_id_path")["r2"]
    assert len(set(scores[[(0, epoch) for epoch in range(6)]])) > 1
    assert scores[(0, told.n_iter_ - 1)] == scores[(0,)] == told.score(X, y)


def test_windows_are_scored_by_their_own_targets():
    from sklearn.callback import ScoringMonitor

    windows = make_windows(series(), lookback=6, horizon=2)
    monitor = ScoringMonitor(scoring="neg_mean_absolute_error")
    model = small().set_callbacks(monitor).fit(windows)
    scores = [row["neg_mean_absolute_error"] for row in monitor.get_logs().data]
    error = np.abs(model.predict(windows) - np.asarray(windows.y)).mean()
    assert len(scores) == 7
    assert -scores[0] == pytest.approx(error, rel=1e-12)


def test_a_callback_stops_the_training(tmp_path):
    model = small(early_stopping=False).set_callbacks(Recorder(tmp_path / "a", stop_at=2)).fit(*table())
    assert model.n_iter_ == 3


def test_both_kinds_of_callbacks_are_called(tmp_path):
    history = []
    small(callbacks=history.append, early_stopping=False).set_callbacks(Recorder(tmp_path / "a")).fit(*table())
    assert len(history) == 6
    assert len([line for line in lines(tmp_path / "a", "end") if "'epoch'" in line]) == 6


# -------------------- what goes wrong, and copies


@each
def test_a_refused_fit_ends_with_a_teardown(make, data, tmp_path):
    model = make().set_callbacks(Recorder(tmp_path / "a"))
    with pytest.raises(RuntimeError, match="the recorder fails"):
        model.set_callbacks(Recorder(tmp_path / "a", fails_at=1)).fit(*data())
    assert lines(tmp_path / "a", "teardown") == [f"teardown 0 {type(model).__name__} 'fit' 0 {_most(model)}"]
    assert [name for name in vars(model) if "callback" in name and name != "callbacks"] == ["_skl_callbacks"]
    model.set_callbacks().fit(*data())
    assert not hasattr(model, "_skl_callbacks")


def _most(model):
    return getattr(model, "max_iter", None)


def test_an_epoch_that_diverges_is_ended_too(tmp_path):
    model = small(learning_rate=1e30, clip_norm=None, optimizer="sgd", early_stopping=False)
    with pytest.warns(UserWarning, match="Training diverged"):
        model.set_callbacks(Recorder(tmp_path / "a")).fit(*table())
    assert len(lines(tmp_path / "a", "begin")) == len(lines(tmp_path / "a", "end")) > 1


def test_a_part_of_a_fit_is_no_task(tmp_path):
    model = small().set_callbacks(Recorder(tmp_path / "a"))
    model.partial_fit(*table())
    assert not (tmp_path / "a").exists()


@each
def test_a_clone_and_a_pickle_keep_callbacks_and_a_file_does_not(make, data, tmp_path):
    model = make().set_callbacks(Recorder(tmp_path / "a")).fit(*data())
    assert clone(model)._skl_callbacks is model._skl_callbacks
    assert pickle.loads(pickle.dumps(model))._skl_callbacks[0].path == str(tmp_path / "a")
    model.save(tmp_path / "model.forecast")
    assert not hasattr(load(tmp_path / "model.forecast"), "_skl_callbacks")
