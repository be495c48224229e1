"""Windows with known future and static values through the estimator: read by reference, checked, refused."""

import pickle
from itertools import pairwise

import numpy as np
import pytest

from forecast import RNNForecaster, Windows

LOOKBACK, HORIZON, FUTURE, STATIC = 6, 2, 2, 3
STARTS = np.array([0, 60, 110, 170], dtype=np.int64)
ROWS = 170
EXTRA = HORIZON * FUTURE + STATIC


def panel(**changes):
    """Windows of three series, with the arrays given and random ones for the others; a part that is None is absent."""
    rng = np.random.default_rng(0)
    arrays = (
        dict(
            values=rng.normal(size=(ROWS, 2)).cumsum(axis=0),
            future=rng.normal(size=(ROWS, FUTURE)),
            static=rng.normal(size=(3, STATIC)),
            starts=STARTS,
            window_norm=None,
            lookback=LOOKBACK,
            horizon=HORIZON,
            targets=None,
        )
        | changes
    )
    origins = np.concatenate([np.arange(first + LOOKBACK - 1, end - HORIZON) for first, end in pairwise(STARTS)])
    origins = arrays.pop("origins", origins)
    return Windows(arrays.pop("values"), origins, **arrays)


def model(**changes):
    return RNNForecaster(**dict(hidden_size=4, max_iter=3, random_state=0, dtype="float64") | changes)


@pytest.fixture(scope="module")
def fitted():
    return model().fit(panel())


@pytest.mark.parametrize("window_norm", [None, "last", "mean", "standard"])
@pytest.mark.parametrize("parts", [{}, {"future": None}, {"static": None}], ids=["both", "static", "future"])
def test_windows_by_reference_are_as_good_as_their_matrix(parts, window_norm):
    windows = panel(window_norm=window_norm, **parts)
    own = model(early_stopping=False).fit(windows)
    by_matrix = model(early_stopping=False).fit(windows, np.asarray(windows.y))
    np.testing.assert_allclose(own.predict(windows), by_matrix.predict(windows), rtol=1e-9, atol=1e-12)
    assert own.weights_["head.W"].shape == (HORIZON, 4 + windows.n_extra)
    assert own.n_features_in_ == windows.shape[1] == LOOKBACK * 2 + windows.n_extra


def test_the_matrix_of_windows_can_be_forecast_from(fitted):
    windows = panel()
    np.testing.assert_allclose(fitted.predict(np.asarray(windows)), fitted.predict(windows), rtol=1e-9)
    wide = np.zeros((len(windows), 3 * windows.shape[1]))
    wide[:, ::3] = windows
    np.testing.assert_allclose(fitted.predict(wide[:, ::3]), fitted.predict(windows), rtol=1e-9)


def test_known_and_static_values_move_the_forecast(fitted):
    windows = panel()
    before = fitted.predict(windows)
    for part in ("future", "static"):
        moved = panel(**{part: getattr(windows, part) + 1.0})
        assert (fitted.predict(moved) != before).any(axis=1).all(), part


def test_forecasts_need_no_targets(fitted):
    windows = panel()
    values = windows.values.copy()
    values[STARTS[1] - HORIZON : STARTS[1]] = np.nan  # the rows to forecast, of which the future alone is known
    last = panel(values=values).at([STARTS[1] - HORIZON - 1])
    assert fitted.predict(last).tobytes() == fitted.predict(windows.at(last.origins)).tobytes()


def test_training_goes_on_and_survives_a_pickle(fitted):
    windows = panel()
    loaded = pickle.loads(pickle.dumps(fitted))
    assert loaded.predict(windows).tobytes() == fitted.predict(windows).tobytes()
    assert np.isfinite(loaded.partial_fit(windows).predict(windows)).all()
    with pytest.raises(ValueError, match="is expecting 19 features"):
        loaded.partial_fit(panel(static=None))


def test_missing_targets_are_left_out():
    windows = panel()
    targets = windows.values[:, :1].copy()
    targets[20:30] = np.nan
    known = model().fit(panel(targets=targets))
    targets[40] = np.inf
    with pytest.raises(ValueError, match=r"y: expected finite or missing numbers, got infinity in 2 of \d+ windows"):
        model().fit(panel(targets=targets))
    assert np.isfinite(known.predict(panel(targets=targets))).all(), "a forecast looks at no target"


HOLES = {
    "values": (25, "X: expected finite numbers, got NaN or infinity in (6|8) of 149 windows, first in row 25"),
    "future": (
        25,
        "X, known future: expected finite numbers, got NaN or infinity in 2 of 149 windows, first in row 25",
    ),
    "static": (1, "X, static values: expected finite numbers, got NaN or infinity in 1 of 3 series, first in series 1"),
}


@pytest.mark.parametrize("value", [np.nan, -np.inf])
@pytest.mark.parametrize("part", HOLES)
def test_holes_are_refused(fitted, part, value):
    row, message = HOLES[part]
    array = getattr(panel(), part).copy()
    array[row, -1] = value
    windows = panel(**{part: array})
    for call in (model().fit, fitted.predict):
        with pytest.raises(ValueError, match=message):
            call(windows)


def test_holes_that_no_window_reaches_are_nobodys_business(fitted):
    values, future = panel().values.copy(), panel().future.copy()
    values[[20, 90]], future[[0, 21, 169]] = np.nan, np.nan
    origins = [*range(LOOKBACK - 1, 19), *range(26, 58), *range(116, 160)]
    windows = panel(values=values, future=future, targets=panel().values[:, :1], origins=origins)
    assert np.isfinite(fitted.predict(windows)).all()


def test_windows_without_their_known_future_are_refused(fitted):
    for last in (STARTS[1] - 1, ROWS - 1):  # of a series before another, and of the last
        with pytest.raises(ValueError, match="fewer than horizon = 2 rows of known future"):
            fitted.predict(panel().at([10, last]))


def test_another_number_of_known_and_static_values_is_refused(fitted):
    with pytest.raises(ValueError, match=f"windows with {EXTRA - STATIC} known future and static .* fitted on {EXTRA}"):
        fitted.predict(panel(static=None))
    plain = model().fit(panel(static=None, future=None))
    with pytest.raises(ValueError, match=f"windows with {EXTRA} known future and static .* fitted on 0"):
        plain.predict(panel())
    with pytest.raises(ValueError, match="X has 12 features, but RNNForecaster is expecting 19"):
        fitted.predict(np.zeros((5, LOOKBACK, 2)))
