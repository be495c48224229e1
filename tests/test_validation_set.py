"""A validation set of the user's own: X_val and y_val of `fit`, as scikit-learn's histogram boosting takes them."""

import numpy as np
import pandas as pd
import pytest

from forecast import RNNForecaster, make_windows


def table(n=200, lookback=6, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, lookback))
    return X, X[:, -1] - 0.5 * X[:, -2]


def small(**changes):
    return RNNForecaster(**dict(hidden_size=4, max_iter=5, random_state=0) | changes)


def weights(model):
    return model._network.theta.tobytes()


def series(n=200, seed=0):
    return pd.Series(np.sin(np.arange(n) / 4) + 0.1 * np.random.default_rng(seed).normal(size=n), name="wave")


LATE = table(60, seed=1)


@pytest.mark.parametrize("early_stopping", [True, "auto"])
def test_every_window_of_X_is_trained_on_and_the_given_ones_are_judged(early_stopping):
    X, y = table()
    model = small(early_stopping=early_stopping).fit(X, y, X_val=LATE[0], y_val=LATE[1])
    every = small(early_stopping=False).fit(X, y)
    assert model.loss_curve_ == every.loss_curve_, "nothing is held out of X"
    assert len(model.validation_loss_curve_) == 5
    scale = model._network.scaling.target_scale[0]
    error = np.mean(((model.predict(LATE[0]) - LATE[1]) / scale) ** 2)
    assert model.best_loss_ == pytest.approx(error, rel=1e-4)


def test_neither_weights_nor_scaling_learn_from_the_validation_set():
    X, y = table()
    far = LATE[0] * 1e3 + 1e4, LATE[1] * 1e3 - 1e4
    one, other = (small(max_iter=1).fit(X, y, X_val=a, y_val=b) for a, b in (LATE, far))
    assert weights(one) == weights(other)
    for name in ("past_mean", "past_scale", "target_mean", "target_scale"):
        assert np.array_equal(getattr(one._network.scaling, name), getattr(other._network.scaling, name))
    assert one.validation_loss_curve_ != other.validation_loss_curve_


def test_the_latest_windows_given_are_as_good_as_held_out_ones():
    """But for the gap: with one step of horizon there is none."""
    X, y = table(200)
    held_out = small(early_stopping=True, validation_fraction=0.25).fit(X, y)
    given = small().fit(X[:150], y[:150], X_val=X[150:], y_val=y[150:])
    assert weights(given) == weights(held_out)
    assert given.validation_loss_curve_ == held_out.validation_loss_curve_


def test_training_stops_and_the_best_weights_on_it_are_kept():
    X, y = table()
    noise = np.random.default_rng(2).normal(size=60)
    model = small(max_iter=200, n_iter_no_change=3).fit(X, y, X_val=LATE[0], y_val=noise)
    assert model.n_iter_ < 200
    assert model.best_loss_ == min(model.validation_loss_curve_)


@pytest.mark.parametrize("form", ["frame", "3-D", "list", "strided", "float32"])
def test_every_form_of_X_is_a_form_of_X_val(form):
    X, y = table()
    X_val, y_val = LATE
    expected = small().fit(X, y, X_val=X_val, y_val=y_val)
    if form == "frame":
        names = [f"lag{i}" for i in range(6)]
        X, X_val = pd.DataFrame(X, columns=names), pd.DataFrame(X_val, columns=names)
        y_val = pd.Series(y_val)
    elif form == "3-D":
        X_val = X_val[:, :, None]
    elif form == "list":
        X_val, y_val = X_val.tolist(), y_val.tolist()
    elif form == "strided":
        X_val = np.repeat(X_val, 2, axis=0)[::2]
    else:
        X_val, y_val = X_val.astype("float32"), y_val.astype("float32")
    found = small().fit(X, y, X_val=X_val, y_val=y_val)
    tolerance = 1e-5 if form == "float32" else 0.0
    np.testing.assert_allclose(found.validation_loss_curve_, expected.validation_loss_curve_, rtol=tolerance)


@pytest.mark.parametrize("window_norm", [None, "last", "standard"])
def test_windows_bring_their_own_y(window_norm):
    windows = make_windows(series(), lookback=12, horizon=3, window_norm=window_norm)
    late = make_windows(series(80, seed=1), lookback=12, horizon=3, window_norm=window_norm)
    model = small().fit(windows, X_val=late)
    same = small().fit(windows, windows.y, X_val=late, y_val=late.y)
    apart = small().fit(windows, X_val=np.asarray(late), y_val=np.asarray(late.y))
    assert model.validation_loss_curve_ == same.validation_loss_curve_
    np.testing.assert_allclose(model.validation_loss_curve_, apart.validation_loss_curve_, rtol=1e-5)
    assert model.loss_curve_ == small(early_stopping=False).fit(windows).loss_curve_


def test_weights_of_the_windows_are_those_of_X_alone():
    X, y = table()
    weight = np.random.default_rng(0).uniform(0.5, 2, size=200)
    plain, weighted = (small().fit(X, y, w, LATE[0], LATE[1]) for w in (None, weight))
    assert plain.loss_curve_ != weighted.loss_curve_
    error = np.mean(((weighted.predict(LATE[0]) - LATE[1]) / weighted._network.scaling.target_scale[0]) ** 2)
    assert weighted.best_loss_ == pytest.approx(error, rel=1e-4)


def test_an_earlier_validation_set_is_forgotten():
    X, y = table()
    model = small(early_stopping=False).fit(X, y)
    expected = weights(model)
    model.set_params(early_stopping="auto").fit(X, y, X_val=LATE[0], y_val=LATE[1])
    assert model.validation_loss_curve_
    model.set_params(early_stopping=False).fit(X, y)
    assert (model.validation_loss_curve_, weights(model)) == ([], expected)


# -------------------- refusals

X, Y = table()
BAD = [
    ((None, LATE[1]), {}, ValueError, "y_val is given without X_val: pass both, or neither"),
    ((LATE[0], None), {}, ValueError, "X_val is given without y_val: pass both"),
    (LATE, {"early_stopping": False}, ValueError, "X_val is given, but early_stopping=False"),
    ((LATE[0][:, :5], LATE[1]), {}, ValueError, r"\(X_val, y_val\): X has 5 features, but RNNForecaster is"),
    ((LATE[0], LATE[1][:-1]), {}, ValueError, r"\(X_val, y_val\): X has 60 windows but y has 59 rows"),
    ((LATE[0], np.c_[LATE[1], LATE[1]]), {}, ValueError, r"\(X_val, y_val\): y: expected 1 outputs per window"),
    ((np.where(LATE[0] > 2, np.nan, LATE[0]), LATE[1]), {}, ValueError, r"\(X_val, y_val\): Input X contains NaN"),
    ((LATE[0], np.where(LATE[1] > 1, np.inf, LATE[1])), {}, ValueError, r"\(X_val, y_val\): Input y contains inf"),
    ((LATE[0].astype(str), LATE[1]), {}, ValueError, r"\(X_val, y_val\): X: expected numbers, got text"),
    ((LATE[0].astype("datetime64[s]"), LATE[1]), {}, TypeError, r"\(X_val, y_val\): X: expected numbers, got datetime"),
    ((LATE[0][:, :, None, None], LATE[1]), {}, ValueError, r"\(X_val, y_val\): X: expected \(n_windows, lookback\)"),
    ((LATE[0][:0], LATE[1][:0]), {}, ValueError, r"\(X_val, y_val\): .*0 sample"),
]


@pytest.mark.parametrize(("given", "changes", "error", "message"), BAD, ids=[message[-30:] for *_, message in BAD])
def test_a_validation_set_that_is_none_is_refused_and_the_model_stays(given, changes, error, message):
    model = small(**changes)
    with pytest.raises(error, match=message):
        model.fit(X, Y, X_val=given[0], y_val=given[1])
    assert not hasattr(model, "n_features_in_")


def test_windows_of_another_kind_are_refused():
    windows = make_windows(series(), lookback=12, horizon=3)
    other = make_windows(series(), lookback=10, horizon=3)
    norm = make_windows(series(), lookback=12, horizon=3, window_norm="last")
    with pytest.raises(ValueError, match=r"\(X_val, y_val\): X: windows of lookback 10 with 1 channels, but"):
        small().fit(windows, X_val=other)
    with pytest.raises(ValueError, match="X_val has window_norm='last', but X has None: make both windows alike"):
        small().fit(windows, X_val=norm)
    with pytest.raises(ValueError, match=r"\(X_val, y_val\): y: expected 3 outputs per window as in fit, got 2"):
        small().fit(windows, X_val=make_windows(series(), lookback=12, horizon=2))
    with pytest.raises(ValueError, match=r"\(X_val, y_val\): expected at least 1 window, got 0"):
        small().fit(windows, X_val=windows[:0])


def test_partial_fit_takes_none():
    with pytest.raises(TypeError, match="X_val"):
        small().partial_fit(X, Y, X_val=LATE[0], y_val=LATE[1])
