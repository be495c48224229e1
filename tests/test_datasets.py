"""Data sets: what they are said to be."""

import sys

import numpy as np
import pytest

from forecast._frames import frequency_of, season_length
from forecast.datasets import load_co2, make_ar1


def test_co2_is_weekly_and_has_its_gaps():
    frame = load_co2()
    assert frame.shape == (2284, 1)
    assert list(frame.columns) == ["co2"]
    assert frame["co2"].isna().sum() == 59
    assert frame["co2"].between(310, 375).sum() == 2284 - 59
    assert frame.index.freqstr == "W-SAT"
    assert season_length(frequency_of(frame.index)) == 52


def test_co2_without_statsmodels_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.datasets", None)
    with pytest.raises(ImportError, match=r"rnn-forecast\[demo\]"):
        load_co2()


@pytest.mark.parametrize("phi", [0.95, 0.0, -0.5])
def test_ar1_has_its_autocorrelation_and_variance(phi):
    values = make_ar1(60_000, phi=phi, scale=2.0, random_state=0)["y"]
    assert values.autocorr() == pytest.approx(phi, abs=0.02)
    assert values.std() == pytest.approx(2 / np.sqrt(1 - phi**2), rel=0.05)


def test_ar1_starts_in_its_stationary_distribution():
    starts = [make_ar1(1, phi=0.95, random_state=seed)["y"].iloc[0] for seed in range(2000)]
    assert np.std(starts) == pytest.approx(1 / np.sqrt(1 - 0.95**2), rel=0.05)


def test_ar1_obeys_its_seed_and_leaves_the_global_state_alone():
    before = np.random.get_state()[1].copy()
    one, same, other = (make_ar1(9, random_state=seed)["y"] for seed in (0, 0, 1))
    assert one.equals(same)
    assert not one.equals(other)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("arguments", [{"phi": 1.0}, {"n": 0}, {"scale": -1.0}])
def test_ar1_refuses_what_is_out_of_range(arguments):
    with pytest.raises(ValueError, match="expected"):
        make_ar1(**arguments)
