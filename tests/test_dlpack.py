"""Arrays of other libraries as X and y: read through DLPack without a copy, and refused where the CPU has no access."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.linear_model import Ridge
from small_networks import small, table

from forecast import LinearForecaster, RNNClassifier, SeriesForecaster
from forecast._dlpack import as_numpy
from forecast.baselines import LastValue

CPU, CUDA, METAL = 1, 2, 8


class Tensor:
    """What the standard asks of an array: DLPack, a shape and a type; no `__array__`, no length, no iteration."""

    __module__ = "tensors.arrays"

    def __init__(self, values, device=CPU, error=None):
        self.values, self.kind, self.error, self.exports = np.asarray(values), device, error, 0

    @property
    def shape(self):
        return self.values.shape

    @property
    def dtype(self):
        return "tensor.float64"

    def __dlpack_device__(self):
        return self.kind, 0

    def __dlpack__(self, **options):
        if self.error is not None:
            raise self.error
        self.exports += 1
        return self.values.__dlpack__(**options)


def classifier():
    return RNNClassifier(hidden_size=4, max_iter=6, random_state=0)


MODELS = [small(), small(dtype="float64", early_stopping=False), classifier(), LinearForecaster(), LastValue()]
every = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)


def data(model):
    X, y = table()
    return (X, (y > 0).astype(np.int64)) if isinstance(model, RNNClassifier) else (X, y)


@every
def test_arrays_with_dlpack_give_the_same_bits(model):
    X, y = data(model)
    expected = model.fit(X, y).predict(X)
    assert model.fit(Tensor(X), Tensor(y)).predict(Tensor(X)).tobytes() == expected.tobytes()
    assert type(model.predict(Tensor(X))) is np.ndarray


@pytest.mark.parametrize("model", MODELS[:3], ids=lambda model: type(model).__name__)
def test_weights_validation_sets_and_three_dimensions_are_read_too(model):
    X, y = data(model)
    weight = np.arange(120.0)
    more = {} if model.early_stopping is False else {"X_val": X[100:], "y_val": y[100:]}
    expected = model.fit(X.reshape(120, 3, 2), y, weight, **more).predict(X.reshape(120, 3, 2))
    more = {name: Tensor(values) for name, values in more.items()}
    model.fit(Tensor(X.reshape(120, 3, 2)), Tensor(y), Tensor(weight), **more)
    assert model.predict(Tensor(X.reshape(120, 3, 2))).tobytes() == expected.tobytes()


def test_sequences_of_unequal_length_may_be_arrays_with_dlpack():
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=n) for n in rng.integers(4, 9, size=40)]
    y = np.arange(40) % 2
    expected = classifier().fit(rows, y).predict_proba(rows)

    class Row(Tensor):
        def __len__(self):
            return len(self.values)

    given = [Row(row) for row in rows]
    assert classifier().fit(given, Tensor(y)).predict_proba(given).tobytes() == expected.tobytes()


def test_a_series_forecaster_takes_its_target_so():
    df = pd.DataFrame({"known": np.arange(90.0)}, pd.date_range("2024-01-01", periods=90))
    y = np.sin(np.arange(90) / 3)
    model = SeriesForecaster(Ridge(), lookback=6, horizon=2, future_covariates="known")
    future = pd.DataFrame({"known": [90.0, 91.0]}, pd.date_range("2024-03-31", periods=2))
    expected = model.fit(df, y).predict(future)
    assert model.fit(df, Tensor(y)).predict(future).equals(expected)


def test_the_memory_is_shared():
    X, _ = table()
    given = Tensor(X)
    assert np.shares_memory(as_numpy(given, "X"), X)
    assert given.exports == 1


def test_other_objects_stay_as_they_are():
    for given in (table()[0], np.float64(1.0), [1.0], pd.DataFrame({"a": [1.0]}), pa.array([1.0, None]), None):
        assert as_numpy(given, "X") is given


# -------------------- what is refused

DEVICES = [(CUDA, "a CUDA device"), (METAL, "a Metal device"), (99, "a device of type 99")]


@every
@pytest.mark.parametrize(("device", "words"), DEVICES)
def test_an_array_elsewhere_is_refused_by_name(model, device, words):
    X, y = data(model)
    model.fit(X, y)
    far = Tensor(X, device)
    for name, call in {"X": lambda: model.fit(far, y), "y": lambda: model.fit(X, Tensor(y, device))}.items():
        with pytest.raises(TypeError, match=f"^{name} is a tensors array on {words}; .*Copy it to the CPU first"):
            call()
    with pytest.raises(TypeError, match=f"^X is a tensors array on {words}"):
        model.predict(far)


@pytest.mark.parametrize(
    ("library", "fix"),
    [("torch", "X.cpu()"), ("cupy", "X.get()"), ("jax", "jax.device_get(X)"), ("dpnp", "X.asnumpy()")],
)
def test_the_fix_is_that_of_the_library(library, fix):
    class Far(Tensor):
        device = "cuda:0"

    Far.__module__ = f"{library}.arrays"
    with pytest.raises(TypeError) as refused:
        as_numpy(Far([1.0], CUDA), "X")
    assert str(refused.value) == (
        f"X is a {library} array on device 'cuda:0'; expected one in memory of the CPU. Fix: X = {fix}."
    )


def test_what_a_library_does_not_export_is_refused_with_its_reason():
    learning = Tensor([1.0], error=BufferError("it requires a gradient"))
    learning.requires_grad = True
    with pytest.raises(TypeError, match=r"cannot read: it requires a gradient; .* Fix: y = y\.detach\(\)\."):
        as_numpy(learning, "y")
    with pytest.raises(TypeError, match=r"cannot read: no such type; expected a dense .* without a gradient\.$"):
        as_numpy(Tensor([1.0], error=RuntimeError("no such type")), "y")
