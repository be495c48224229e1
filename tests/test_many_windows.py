"""Millions of windows: their numbers in 32 bits and looked at piece by piece, with the same result."""

import numpy as np
import pandas as pd
import pytest

from forecast import RNNForecaster, _network, _tail, _training, make_windows
from forecast._tail import index_type, time_tail


@pytest.fixture
def small_pieces(monkeypatch):
    """What is many: a thousandth of what it is, so that the pieces are many as well."""

    def pretend(many):
        for module in (_tail, _training.epochs, _network.scaling):
            monkeypatch.setattr(module, "MANY", many)

    return pretend


def test_the_tail_is_the_same_in_pieces(small_pieces):
    rng = np.random.default_rng(0)
    for _ in range(300):
        n = int(rng.integers(1, 60))
        time, fraction, span = rng.integers(0, rng.integers(2, 60), n), rng.uniform(0.01, 0.9), int(rng.integers(1, 6))
        small_pieces(1 << 20)
        whole = time_tail(time, fraction, span)
        small_pieces(7)
        pieces = time_tail(time, fraction, span)
        for one, other in zip(whole, pieces, strict=True):
            np.testing.assert_array_equal(one, other)


def test_of_windows_at_the_same_time_the_later_rows_are_held_out():
    train, validation = time_tail(np.array([0, 5, 1, 5, 2, 5]), 0.3, span=2)
    assert validation.tolist() == [3, 5]
    assert train.tolist() == [0, 2, 4]


def test_an_epoch_in_parts_has_the_bits_of_one_call(small_pieces):
    series = pd.Series(np.sin(np.arange(700) / 5))
    windows = make_windows(series, lookback=8, horizon=2)

    def fitted():
        model = RNNForecaster(hidden_size=4, max_iter=1, batch_size=32, random_state=0, early_stopping=False)
        return model.fit(windows)

    whole = fitted()
    small_pieces(100)  # three batches at a time; the moments of every seventh window
    parts = fitted()
    assert len(parts.gradient_norm_curve_) == len(whole.gradient_norm_curve_) == -(-len(windows) // 32)
    assert parts.loss_curve_[0] == pytest.approx(whole.loss_curve_[0], rel=0.02)
    _network.scaling.MANY = len(windows)  # the moments of all windows, the epoch still in parts
    assert fitted()._network.theta.tobytes() == whole._network.theta.tobytes()


def test_numbers_of_windows_take_four_bytes_where_there_are_many():
    assert index_type(1 << 20) == np.int64
    assert index_type((1 << 20) + 1) == np.int32


def test_fits_on_32_bit_numbers_have_the_bits_of_64(small_pieces):
    series = pd.Series(np.sin(np.arange(900) / 5))
    windows = make_windows(series, lookback=8, horizon=2)
    narrow = windows.at(windows.origins.astype(np.int32))
    assert narrow.origins.dtype == np.int32
    assert windows.origins.dtype == np.int64
    options = dict(hidden_size=4, max_iter=3, random_state=0, early_stopping=True)
    one, other = (RNNForecaster(**options).fit(given) for given in (windows, narrow))
    assert one._network.theta.tobytes() == other._network.theta.tobytes()
    assert one.predict(windows[:5]).tobytes() == other.predict(narrow[:5]).tobytes()
