"""Every constructor argument has an effect; losses, optimisers and schedules learn; the newest observation counts."""

import numpy as np
import pandas as pd
import pytest
from small_networks import small

from forecast import RNNForecaster, Windows
from forecast._network import CELLS as _CELLS
from forecast._network import DECAYING_CELLS, ESTIMATOR_CELLS, LOSSES, MATRIX_CELLS, OPTIMIZERS, core_cell
from forecast._training import SCHEDULES

pytestmark = pytest.mark.quick

CELLS = [cell for cell in ESTIMATOR_CELLS if cell not in DECAYING_CELLS]  # these need times: test_gru_decay.py


def reads_its_past(word):
    """Whether a unit sees what the others have kept: through an R, or through the matrix of a memory."""
    first, last = _CELLS[core_cell(word, "tanh")]["state"] if word not in MATRIX_CELLS else (0, 1)
    return last > first


every_cell = pytest.mark.parametrize("cell", CELLS)


def table(n=300, lookback=6, outputs=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, lookback))
    return X, X[:, -1] + 0.3 * rng.normal(size=n) if outputs is None else X[:, -outputs:] * 0.5


# -------------------- every constructor argument has an effect

EFFECTS = {  # changed value, and what else both models need to show it
    "cell": ("gru", {}),
    "hidden_size": (5, {}),
    "num_layers": (2, {}),
    "activation": ("relu", {"cell": "rnn"}),
    "heads": (2, {"cell": "mlstm", "hidden_size": 6}),
    "elapsed": (0, {"cell": "gru_decay"}),  # of a channel of times: test_gru_decay.py
    "dropout": (0.5, {}),
    "segment": (3, {}),
    "segment_activation": ("identity", {"segment": 3}),
    "bidirectional": (True, {}),
    "residual": (True, {"num_layers": 2}),
    "layer_norm": (True, {"num_layers": 2}),
    "dilation": ((1, 2), {"num_layers": 2}),
    "recurrent_dropout": (0.5, {}),
    "zoneout": (0.3, {}),
    "skip": ("linear", {}),
    "skip_start": ("zero", {"skip": "linear"}),
    "skip_penalty": (10.0, {"skip": "linear"}),
    "skip_learning_rate": (1e-4, {"skip": "linear"}),
    "encoder": ("dense", {"decoder": "recurrent"}),
    "decoder": ("steps", {}),
    "decoder_size": (5, {"decoder": "steps"}),
    "decoder_tied": (True, {"decoder": "segments", "segment": 3}),
    "teacher_forcing": (1.0, {"decoder": "recurrent"}),
    "attention": ("dot", {}),
    "return_sequences": (True, {}),  # these two need targets at every step: test_many_to_many.py, test_stateful.py
    "stateful": (True, {}),
    "future_size": (3, {}),
    "series_size": (3, {}),
    "series_left_out": (0.5, {"series_size": 3}),
    "categories": ({"past": {1: 5}}, {}),  # these three need columns of codes: test_categories.py
    "embedding_size": (3, {}),
    "category_left_out": (0.3, {}),
    "cycle": (12, {}),
    "loss": ("absolute_error", {}),
    "quantile": (0.9, {"loss": "quantile"}),
    "huber_delta": (0.1, {"loss": "huber"}),
    "optimizer": ("rmsprop", {}),
    "momentum": (0.5, {"optimizer": "sgd"}),
    "learning_rate": (0.02, {}),
    "learning_rate_schedule": ("constant", {}),
    "weight_decay": (0.1, {}),
    "clip_norm": (1e-3, {"optimizer": "sgd"}),
    "clip_value": (1e-3, {"optimizer": "sgd"}),
    "batch_size": (32, {}),
    "max_iter": (7, {}),
    "warmup_steps": (3, {}),
    "max_steps": (4, {}),
    "finish_schedule": (True, {"early_stopping": True, "n_iter_no_change": 1, "tol": 1.0, "random_state": 3}),
    "weight_average": (0.5, {}),
    "input_noise": (0.1, {}),
    "input_clip": (1.0, {}),
    "shuffle": (False, {}),
    "early_stopping": (True, {"early_stopping": False}),
    "validation_fraction": (0.3, {"early_stopping": True}),
    "n_iter_no_change": (1, {"early_stopping": True, "tol": 1.0}),
    "tol": (10.0, {"early_stopping": True, "n_iter_no_change": 2}),
    "warm_start": (True, {}),
    "freeze": (["head"], {"warm_start": True}),  # of a fit from scratch refused: test_freeze.py
    "n_channels": (2, {}),
    "n_jobs": (3, {}),
    "random_state": (1, {}),
    "verbose": (1, {}),
    "callbacks": (lambda info: info["epoch"] == 2, {}),
    "dtype": ("float64", {}),
}


def test_every_constructor_argument_is_in_the_table():
    assert set(EFFECTS) == set(RNNForecaster().get_params())


def panel(lookback=8, horizon=2, rows=150):
    """Windows of two series with a column of known future."""
    rng = np.random.default_rng(0)
    values = np.sin(np.arange(2 * rows) * np.pi / 6)[:, None] + 0.3 * rng.normal(size=(2 * rows, 1))
    origins = np.concatenate([np.arange(start + lookback, start + rows - horizon) for start in (0, rows)])
    future, starts = rng.normal(size=(2 * rows, 1)), np.array([0, rows, 2 * rows])
    windows = Windows(
        values, origins, lookback=lookback, horizon=horizon, future=future, starts=starts, series=pd.Index(["a", "b"])
    )
    return windows, windows.y


ON_WINDOWS = (  # what plain arrays do not say, or one step of horizon does not show
    "future_size", "series_size", "series_left_out", "cycle", "teacher_forcing",
)  # fmt: skip


ELSEWHERE = (
    "n_jobs", "verbose", "freeze", "categories", "embedding_size", "category_left_out", "return_sequences", "stateful",
    "elapsed",
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in EFFECTS if name not in ELSEWHERE])
def test_an_argument_changes_the_forecast(name):
    X, y = panel() if name in ON_WINDOWS else table()
    value, beside = EFFECTS[name]
    base = small(**beside)
    changed = small(**beside | {name: value})
    assert base.get_params()[name] != value
    one, other = (m.fit(X, y).fit(X, y).predict(X) for m in (base, changed))  # twice: warm_start needs a former fit
    assert np.abs(one - other).max() > (1e-12 if name == "dtype" else 1e-6)


def test_the_number_of_jobs_changes_the_threads_and_not_one_bit():
    X, y = table(1500)
    one, many = (small(n_jobs=n, batch_size=512).fit(X, y) for n in (1, 3))
    assert one.predict(X).tobytes() == many.predict(X).tobytes()
    assert (one.n_threads_, many.n_threads_ > 1) == (1, True)


# -------------------- the line of progress


def test_silent_by_default(capfd):
    X, y = table()
    small().fit(X, y).partial_fit(X, y).predict(X)
    assert capfd.readouterr() == ("", "")


# -------------------- the newest observation


@pytest.mark.parametrize("layers", [1, 2])
@every_cell
def test_the_newest_observation_moves_the_first_step_and_every_other(cell, layers):
    X, y = table(outputs=4)
    model = small(cell=cell, num_layers=layers, hidden_size=8, dtype="float64").fit(X, y)
    for change in (0.5, -0.5, 1e-3):
        moved = X.copy()
        moved[:, -1] += change
        assert np.all(model.predict(moved) != model.predict(X)), change


@every_cell
def test_the_newest_observation_of_every_channel_counts(cell):
    X, y = table(lookback=8, outputs=2)
    X = X.reshape(300, 4, 2)
    model = small(cell=cell).fit(X, y)
    for channel in range(2):
        moved = X.copy()
        moved[:, -1, channel] += 0.1
        assert np.all(model.predict(moved) != model.predict(X))


def test_the_oldest_observation_counts_as_well():
    X, y = table()
    moved = X.copy()
    moved[:, 0] += 0.5
    model = small(hidden_size=8).fit(X, y)
    assert np.all(model.predict(moved) != model.predict(X))


# -------------------- every loss, optimiser and schedule learns


def skewed(n=600, seed=0):
    """Targets that depend on the newest value, with noise of mean 1 and median log 2."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    return X, X[:, -1] + rng.exponential(size=n)


@every_cell
def test_every_loss_finds_what_it_asks_for(cell):
    X, y = skewed()
    losses = {loss: {} for loss, info in LOSSES.items() if info["target"] == "real"}
    losses |= {"huber": {"huber_delta": 0.1}, "quantile": {"quantile": 0.5}}
    units = 16 if cell in MATRIX_CELLS else 8  # all of one head are read through one matrix
    options = dict(cell=cell, hidden_size=units, max_iter=60, early_stopping=False)
    found = {loss: small(loss=loss, **options, **more).fit(X, y).predict(X) for loss, more in losses.items()}
    level = {loss: np.mean(forecast - X[:, -1]) for loss, forecast in found.items()}
    assert level["squared_error"] == pytest.approx(1.0, abs=0.1)
    for loss in ("absolute_error", "quantile"):
        assert level[loss] == pytest.approx(np.log(2), abs=0.12)
        assert np.mean(y > found[loss]) == pytest.approx(0.5, abs=0.06)
    assert level["absolute_error"] - 0.05 < level["huber"] < level["squared_error"] - 0.1
    for loss, forecast in found.items():
        assert np.log(2) - 0.12 < level[loss] < 1.1, loss  # from the median to the mean
        assert np.corrcoef(forecast, X[:, -1])[0, 1] > 0.95, loss


@pytest.mark.parametrize("loss", [loss for loss, info in LOSSES.items() if info["target"] != "real"])
def test_a_loss_of_targets_that_are_never_negative_finds_their_mean(loss):
    X, _ = skewed()
    mean, rng = np.exp(1.0 + 0.5 * X[:, -1]), np.random.default_rng(1)
    y = rng.poisson(mean) if LOSSES[loss]["target"] == "counts" else mean * rng.gamma(2.0, 0.5, size=len(mean))
    found = small(loss=loss, cell="gru", hidden_size=8, max_iter=60, early_stopping=False).fit(X, y).predict(X)
    assert found.mean() == pytest.approx(mean.mean(), rel=0.1)
    assert np.corrcoef(found, mean)[0, 1] > 0.9


def test_half_the_absolute_error_is_the_median_quantile():
    X, y = skewed(200)
    options = dict(max_iter=3, clip_norm=None, early_stopping=False, dtype="float64")
    absolute = small(loss="absolute_error", **options).fit(X, y)
    median = small(loss="quantile", **options).fit(X, y)
    assert absolute.loss_curve_[0] == pytest.approx(2 * median.loss_curve_[0], rel=1e-3)


@every_cell
def test_higher_quantiles_lie_above_and_cover_their_share(cell):
    X, y = skewed()
    options = dict(cell=cell, loss="quantile", hidden_size=8, max_iter=60, early_stopping=False)
    low, middle, high = (small(quantile=q, **options).fit(X, y).predict(X) for q in (0.1, 0.5, 0.9))
    assert np.mean(low < middle) > 0.95
    assert np.mean(middle < high) > 0.95
    for share, forecast in ((0.1, low), (0.5, middle), (0.9, high)):
        assert np.mean(y <= forecast) == pytest.approx(share, abs=0.06)


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@every_cell
def test_every_optimiser_learns(cell, optimizer):
    X, _ = table()
    rate = {"sgd": 0.05}.get(optimizer, 0.01)
    model = small(cell=cell, optimizer=optimizer, learning_rate=rate, hidden_size=8, max_iter=60)
    assert model.fit(X, X[:, -1]).score(X, X[:, -1]) > 0.9


@pytest.mark.parametrize("schedule", SCHEDULES)
@every_cell
def test_every_schedule_learns(cell, schedule):
    X, _ = table()
    model = small(cell=cell, learning_rate_schedule=schedule, hidden_size=8, max_iter=60)
    assert model.fit(X, X[:, -1]).score(X, X[:, -1]) > 0.9


@pytest.mark.parametrize("cell", [cell for cell in CELLS if reads_its_past(cell)])
def test_far_steps_in_time_can_be_learned(cell):
    """The target is the oldest of twelve values: its gradient passes every step.

    One layer of a cell that looks at its input alone cannot tell the oldest value from the others.
    """
    X = np.random.default_rng(0).normal(size=(1000, 12))
    model = small(cell=cell, hidden_size=32, max_iter=60).fit(X, X[:, 0])
    assert model.score(X, X[:, 0]) > 0.8


# -------------------- dropout


@pytest.mark.parametrize("layers", [1, 2])
@every_cell
def test_dropout_is_for_training_only(cell, layers):
    X, y = table()
    model = small(cell=cell, num_layers=layers, dropout=0.5).fit(X, y)
    assert model.predict(X).tobytes() == model.predict(X).tobytes()
    theta, network = model._network.theta, model._network.with_dropout(0.0)
    plain = network.predict({"past": X.reshape(-1, 1), "lookback": 6, "past_stride": 6}, len(X))
    assert plain.ravel().tobytes() == model.predict(X).tobytes()
    assert network.theta is theta


def test_dropout_costs_in_training_and_learns_all_the_same():
    X, _ = table(600)
    y = X[:, -1]
    plain, dropped = (small(hidden_size=32, max_iter=60, dropout=rate).fit(X, y) for rate in (0.0, 0.3))
    assert dropped.loss_curve_[-1] > 2 * plain.loss_curve_[-1]
    assert dropped.score(X, y) > 0.9
    assert dropped.loss_curve_[-1] > dropped.validation_loss_curve_[-1], "what is held out is judged without it"
