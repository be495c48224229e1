"""Forecasts keep to bounds, and impossible bounds are refused by name."""

from decimal import Decimal

import numpy as np
import pytest

from forecast._series.bounds import check_bounds, within


@pytest.mark.parametrize(
    "bounds", [(None, None), (0, None), (None, -2.5), (-1, 1), (np.float32(0), np.int64(7))], ids=str
)
def test_numbers_and_none_are_bounds(bounds):
    check_bounds(*bounds)


@pytest.mark.parametrize("bound", ["0", True, np.True_, [0.0], np.zeros(2), Decimal(1), 1j], ids=str)
@pytest.mark.parametrize("name", ["lower", "upper"])
def test_what_is_no_number_is_refused(name, bound):
    with pytest.raises(TypeError, match=rf"{name} is .*expected a number in the units of the targets, or None"):
        check_bounds(**{"lower": None, "upper": None, name: bound})


@pytest.mark.parametrize("bound", [np.nan, np.inf, -np.inf, np.float32("nan")], ids=str)
@pytest.mark.parametrize("name", ["lower", "upper"])
def test_a_bound_that_is_not_finite_is_refused(name, bound):
    with pytest.raises(ValueError, match=rf"{name} is .*expected a finite number, or None"):
        check_bounds(**{"lower": None, "upper": None, name: bound})


@pytest.mark.parametrize("bounds", [(1, 0), (2.0, 2)], ids=str)
def test_lower_must_be_below_upper(bounds):
    with pytest.raises(ValueError, match=r"lower is .* and upper is .*expected lower below upper"):
        check_bounds(*bounds)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(7,), (7, 3), (7, 3, 2, 4)], ids=str)
def test_values_beyond_a_bound_are_put_on_it_and_others_keep_their_bits(shape, dtype):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    before = x.copy()
    out = within(x, -0.5, 0.25)
    assert out.shape == x.shape
    assert out.dtype == x.dtype
    assert np.array_equal(out, np.where(x < -0.5, -0.5, np.where(x > 0.25, 0.25, x)))
    assert np.array_equal(x, before)


def test_one_bound_leaves_the_other_side_open():
    x = np.array([-1e300, 0.0, 1e300])
    assert within(x, 0, None).tolist() == [0.0, 0.0, 1e300]
    assert within(x, None, 0).tolist() == [-1e300, 0.0, 0.0]


def test_without_bounds_nothing_is_done():
    x = np.array([1.0, np.nan])
    assert within(x, None, None) is x


def test_what_is_missing_stays_missing():
    assert np.array_equal(within(np.array([np.nan, -1.0]), 0, 1), [np.nan, 0.0], equal_nan=True)


def test_quantiles_stay_in_order():
    x = np.sort(np.random.default_rng(0).normal(size=(50, 9)), axis=1)
    assert (np.diff(within(x, 0, None), axis=1) >= 0).all()
