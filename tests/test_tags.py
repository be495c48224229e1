"""scikit-learn's tags of estimators and transforms, each next to what it says."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_regression
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from small_networks import small, table

from forecast import LinearForecaster, RNNClassifier, RNNForecaster, SeriesForecaster, make_windows
from forecast.baselines import Drift, LastValue, SeasonalNaive
from forecast.preprocessing import (
    Asinh,
    BoxCox,
    Chain,
    Difference,
    Log,
    Log1p,
    LogReturn,
    Pointwise,
    Scale,
)  # fmt: skip

X, Y = table()


def classifier(**changes):
    return RNNClassifier(**dict(hidden_size=4, max_iter=2, random_state=0) | changes)


def forecaster(**changes):
    return SeriesForecaster(Ridge(), **dict(target="y", lookback=6, horizon=2) | changes)


WINDOWED = [small(), classifier(), LinearForecaster(), LastValue(), SeasonalNaive(2), Drift()]
TRANSFORMS = [
    Asinh(), BoxCox(), Chain([Log(), Difference()]), Chain([]), Chain([Scale(), Asinh()]), Difference(), Log(), Log1p(),
    LogReturn(), Pointwise(StandardScaler()), Scale(),
]  # fmt: skip
windowed = pytest.mark.parametrize("model", WINDOWED, ids=lambda model: type(model).__name__)
transforms = pytest.mark.parametrize("transform", TRANSFORMS, ids=str)


def works(call):
    """Whether a call is refused, in words of its own."""
    try:
        call()
    except (TypeError, ValueError):
        return False
    return True


def labels(model, y):
    return (np.asarray(y) > 0).astype(int) if isinstance(model, RNNClassifier) else y


# -------------------- estimators on windows


@windowed
def test_the_tags_of_an_estimator_on_windows_are_what_it_takes(model):
    tags, y = get_tags(model), labels(model, Y)
    with_nan = np.where(np.arange(X.size).reshape(X.shape) == 7, np.nan, X)
    assert tags.input_tags.two_d_array == works(lambda: model.fit(X, y))
    assert tags.input_tags.three_d_array == works(lambda: model.fit(X.reshape(120, 3, 2), y))
    assert tags.input_tags.one_d_array == works(lambda: model.fit(X[:, 0], y))
    assert tags.input_tags.allow_nan == works(lambda: model.fit(with_nan, y))
    assert tags.input_tags.string == works(lambda: model.fit(np.full(X.shape, "text"), y))
    assert tags.input_tags.positive_only == (not works(lambda: model.fit(-abs(X), y)))
    assert tags.target_tags.required == (not works(lambda: model.fit(X, None)))
    assert tags.target_tags.single_output == works(lambda: model.fit(X, y))
    assert tags.target_tags.multi_output == works(lambda: model.fit(X, labels(model, X[:, :2])))
    assert tags.non_deterministic is False


@windowed
def test_a_sparse_matrix_is_refused_as_the_tag_says(model):
    from scipy.sparse import csr_array

    assert get_tags(model).input_tags.sparse is False
    with pytest.raises(TypeError, match="dense"):
        model.fit(csr_array(X), labels(model, Y))


LOSSES = [
    "squared_error", "absolute_error", "huber", "quantile", "normal", "student_t", "negative_binomial", "poisson",
    "gamma",
]  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_of_counts_or_positive_numbers_wants_positive_targets(loss):
    whole = np.round(Y)
    assert get_tags(small(loss=loss)).target_tags.positive_only == (not works(lambda: small(loss=loss).fit(X, whole)))
    assert works(lambda: small(loss=loss).fit(X, abs(whole) + 1))


@pytest.mark.parametrize("parameters", [{"return_sequences": True}, {"stateful": True}])
def test_outputs_at_every_step_are_several(parameters):
    tags = get_tags(small(**parameters)).target_tags
    assert (tags.single_output, tags.multi_output) == (False, True)
    assert not works(lambda: small(**parameters).fit(X, Y))
    assert works(lambda: small(**parameters).fit(X, X))


def test_labels_at_every_step_are_several():
    model = classifier(return_sequences=True)
    assert (get_tags(model).target_tags.single_output, get_tags(model).target_tags.multi_output) == (False, True)
    assert not works(lambda: model.fit(X, Y > 0))
    assert works(lambda: model.fit(X, X > 0))


def test_a_vocabulary_is_categorical():
    assert get_tags(classifier(vocabulary=9)).input_tags.categorical
    assert not get_tags(classifier()).input_tags.categorical


@pytest.mark.parametrize(
    ("model", "poor"), [(RNNForecaster(random_state=0), False), (LinearForecaster(), False), (LastValue(), True)]
)
def test_naive_forecasts_promise_no_score(model, poor):
    """scikit-learn's own example of a poor score: R² below 0.5 where one column of ten explains the target."""
    X, y = make_regression(200, n_features=10, n_informative=1, bias=5.0, noise=20, random_state=42)
    assert get_tags(model).regressor_tags.poor_score == poor == (model.fit(X, y).score(X, y) < 0.5)


# -------------------- forecasters


def series():
    days = pd.date_range("2024-01-01", periods=90)
    return pd.DataFrame({"y": np.sin(np.arange(90) / 3), "day": days.day_name()}, days)


@pytest.mark.parametrize("missing", ["error", "mask"])
def test_a_forecaster_says_whether_values_may_be_missing(missing):
    df = series()
    df.iloc[40, 0] = np.nan
    model = forecaster(missing=missing)
    assert get_tags(model).input_tags.allow_nan == works(lambda: model.fit(df))


def test_a_forecaster_takes_frames_with_text_and_needs_no_y():
    model, df = forecaster(past_covariates="day"), series()
    tags = get_tags(model)
    assert tags.input_tags.two_d_array == works(lambda: model.fit(df[["y"]].to_numpy(), df["y"])) is False
    assert tags.input_tags.string == tags.input_tags.categorical == works(lambda: model.fit(df)) is True
    assert works(lambda: model.fit(df.astype({"day": "category"})))
    assert tags.target_tags.required is False
    assert tags.target_tags.multi_output == works(lambda: forecaster(target=["y", "z"]).fit(df.assign(z=1 - df["y"])))


def test_only_a_limit_on_time_makes_a_forecaster_depend_on_the_machine():
    assert not get_tags(forecaster()).non_deterministic
    assert get_tags(SeriesForecaster(max_seconds=9.0)).non_deterministic


# -------------------- transforms


@transforms
def test_the_tags_of_a_transform_are_what_it_takes(transform):
    tags, x = get_tags(transform).input_tags, np.arange(1.0, 10.0)
    with_nan = np.where(x == 4, np.nan, x)
    assert tags.one_d_array == works(lambda: transform.fit(x)) is True
    assert tags.two_d_array == works(lambda: transform.fit(x[:, None]))
    assert tags.allow_nan == works(lambda: transform.fit(with_nan)) is True
    assert tags.positive_only == (not works(lambda: transform.fit(np.linspace(-0.9, 1, 9))))
    assert get_tags(transform).target_tags.required is False


def test_windows_need_no_y():
    windows = make_windows(series()["y"], lookback=6, horizon=2)
    assert works(lambda: small().fit(windows))
