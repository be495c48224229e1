"""What is true of every transform of a target: each test class of a transform inherits these tests."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from forecast.preprocessing import make_transform

ROUNDING = 1e-11  # relative to the largest value: a chain there and back, float64
examples = settings(max_examples=80, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def positive_series(seed, rows, missing=0.0):
    """A random walk in logarithms, at any level from thousandths to millions."""
    rng = np.random.default_rng(seed)
    x = np.exp(rng.normal(scale=5) + np.cumsum(rng.normal(scale=0.1, size=rows)))
    x[rng.random(rows) < missing] = np.nan
    return x


def assert_near(got, expected, largest=None):
    scale = np.nanmax(np.abs(expected)) if largest is None else largest
    assert got.shape == expected.shape
    assert np.abs(got - expected).max(initial=0) <= ROUNDING * scale


def windows(chain, x, origins, horizon):
    """(transformed future, past, raw future) at each origin; the origin is the last row of the past."""
    z, ahead = chain.transform(x), origins[:, None] + np.arange(1, horizon + 1)
    return z[ahead], x[origins[:, None] + np.arange(1 - chain.n_lost, 1)], x[ahead]


def check_there_and_back(spec, seed, rows, horizon, period=1):
    """At random origins, with the actual values as the forecast; rows one by one have the same bits."""
    x = positive_series(seed, rows)
    chain = make_transform(spec, period).fit(x)
    origins = np.random.default_rng(seed).integers(max(chain.n_lost - 1, 0), rows - horizon, size=5)
    z, past, future = windows(chain, x, origins, horizon)
    back = chain.inverse_transform(z, past)
    assert_near(back, future, np.abs(x).max())
    alone = [chain.inverse_transform(z[i : i + 1], past[i : i + 1])[0] for i in range(len(z))]
    assert np.array_equal(back, alone)


def check_missing_values(spec, seed, period=1):
    """NaN in the lost rows and where a value that is needed is missing, nowhere else; statistics leave it out."""
    x = positive_series(seed, 60, missing=0.15)
    x[:40:13], x[1:40:13] = 1.0, 2.0
    chain = make_transform(spec, period).fit(x)
    expected = np.isnan(x)
    for step in chain.steps_:
        if step.n_lost:
            earlier = np.concatenate([np.ones(step.n_lost, bool), expected[: -step.n_lost]])
            expected = expected | earlier
    assert np.array_equal(np.isnan(chain.transform(x)), expected)
    assert np.isnan(chain.transform(x)[: chain.n_lost_]).all()


class TransformTests:
    """What holds for every transform; a test class of its own each says which it is."""

    spec = None
    period = 1
    lost = 0

    def made(self):
        return make_transform(self.spec, self.period)

    def test_the_inverse_leads_back_from_any_origin(self):
        @examples
        @given(seed=seeds, rows=st.integers(40, 60), horizon=st.integers(1, 20))
        def holds(seed, rows, horizon):
            check_there_and_back(self.spec, seed, rows, horizon, self.period)

        holds()

    def test_missing_values_stay_where_they_are(self):
        @examples
        @given(seed=seeds)
        def holds(seed):
            check_missing_values(self.spec, seed, self.period)

        holds()

    def test_missing_values_are_left_out_of_statistics(self):
        x = positive_series(0, 50)
        holes = np.insert(x, [3, 20, 20], np.nan)
        if self.lost == 0:
            known = ~np.isnan(holes)
            assert np.array_equal(self.made().fit(holes).transform(holes)[known], self.made().fit(x).transform(x))

    def test_lost_rows_are_known_before_fit(self):
        chain = self.made()
        assert chain.n_lost == self.lost
        assert chain.is_pointwise == (self.lost == 0)
        assert chain.fit(positive_series(1, 50)).n_lost_ == self.lost

    def test_pointwise_means_rising(self):
        if self.made().is_pointwise:
            x = np.unique(positive_series(2, 50))
            assert (np.diff(self.made().fit(x).transform(x)) >= 0).all()

    def test_copies_give_the_same_bits(self):
        x = positive_series(3, 50)
        chain = self.made().fit(x)
        for copy in (pickle.loads(pickle.dumps(chain)), clone(chain).fit(x)):
            assert np.array_equal(copy.transform(x), chain.transform(x), equal_nan=True)
        assert clone(chain).get_params(deep=False).keys() == chain.get_params(deep=False).keys()
        assert not hasattr(clone(chain), "n_lost_")

    def test_fit_learns_nothing_from_later_rows(self):
        x = positive_series(4, 60)
        chain = self.made().fit(x[:40])
        later = x.copy()
        later[40:] *= 3
        assert np.array_equal(chain.transform(x)[:40], chain.transform(later)[:40], equal_nan=True)

    def test_input_is_left_alone(self):
        x = positive_series(5, 50)
        before = x.copy()
        chain = self.made().fit(x)
        z, past, _ = windows(chain, x, np.array([30]), 5)
        kept = z.copy()
        chain.transform(x)
        chain.inverse_transform(z, past)
        assert np.array_equal(x, before)
        assert np.array_equal(z, kept)

    def test_a_constant_series_is_no_trouble(self):
        x = np.full(40, 5.0)
        chain = self.made().fit(x)
        z, past, future = windows(chain, x, np.array([30]), 5)
        assert_near(chain.inverse_transform(z, past), future)

    def test_infinite_and_all_missing_are_refused(self):
        x = positive_series(6, 50)
        x[[7, 9]] = np.inf
        with pytest.raises(ValueError, match=r"2 of 50 values are infinite, the first at position 7"):
            self.made().fit(x)
        if self.made().steps:
            with pytest.raises(ValueError, match=r"0 known values in 50 rows"):
                self.made().fit(np.full(50, np.nan))

    def test_a_forecast_that_is_nan_is_refused(self):
        chain = self.made().fit(positive_series(7, 50))
        with pytest.raises(ValueError, match=r"1 values of the forecasts are NaN or infinite.*\(0, 1\)"):
            chain.inverse_transform([[0.0, np.nan]], np.ones((1, chain.n_lost)))
