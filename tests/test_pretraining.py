"""The scripts that make the weights: a run goes on from its checkpoint, and its weights reach the package's format."""

import json
import shutil
import sys

import export
import numpy as np
import pytest
import train
import windows
from windows import LENGTH, Pool, batch_of

import forecast
from forecast._pretrained.network import HORIZON, LOOKBACK, network_of
from forecast._pretrained.reading import CHANNELS, KNOWN, STATIC, read

SMALL = ["--units", "4", "--decoder", "4", "--future", "2", "--pool", "64", "--renewed", "8", "--threads", "1"]


@pytest.fixture
def few(monkeypatch):
    """Few windows in a step, and few that are held out."""
    monkeypatch.setattr(train, "BATCH", 4)
    monkeypatch.setattr(train, "HELD_OUT", 32)


def run(path, steps, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py", "--out", str(path), "--steps", str(steps), *SMALL])
    train.main()
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.slow
def test_a_run_goes_on_from_its_checkpoint_and_twice_to_the_same_bits(few, tmp_path, monkeypatch, capsys):
    """Not to those of a run without a pause: what goes on has a new pool, and its order of windows."""
    first = run(tmp_path / "one.npz", 32, monkeypatch, capsys)
    assert first[-1]["steps"] == 32
    assert {"next", "later"} < set(first[-1])
    shutil.copy(tmp_path / "one.npz", tmp_path / "two.npz")
    for name in ("one", "two"):
        assert run(tmp_path / f"{name}.npz", 64, monkeypatch, capsys)[-1]["steps"] == 64
    run(tmp_path / "anew.npz", 64, monkeypatch, capsys)
    with np.load(tmp_path / "one.npz") as one, np.load(tmp_path / "two.npz") as two:
        with np.load(tmp_path / "anew.npz") as anew:
            assert not np.array_equal(one["theta"], anew["theta"])
        assert set(one) == {"theta", "average", "steps", "first", "second"}
        for name in one:
            np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.slow
def test_an_exported_checkpoint_is_a_file_of_the_package_with_its_card(few, tmp_path, monkeypatch, capsys):
    run(tmp_path / "one.npz", 32, monkeypatch, capsys)
    out = tmp_path / "weights.forecast"
    monkeypatch.setattr(
        sys, "argv", ["export.py", str(tmp_path / "one.npz"), "--out", str(out), "--date", "2026-11-29"]
    )
    export.main()
    card = forecast.read_card(out)
    assert card["network"] == dict(cell="gru", units=4, layers=1, segment=16, decoder=4, future=2)
    assert (card["training"]["steps"], card["date"]) == (32, "2026-11-29")
    kept = json.loads((tmp_path / "one.json").read_text())
    (tmp_path / "one.json").write_text(json.dumps(kept | {"units": 6}))
    with pytest.raises(SystemExit, match="its options are of"):
        export.main()


@pytest.mark.slow
def test_windows_of_training_have_the_shapes_and_the_missing_values_that_they_should():
    pool = Pool(0, 32)
    assert pool.series.shape == (32, LENGTH)
    found, targets, skipped = batch_of(np.random.default_rng(0), pool.series, 60)
    assert found.past.shape == (60, LOOKBACK, CHANNELS)
    assert found.known.shape == (60, HORIZON, KNOWN)
    assert found.static.shape == (60, STATIC)
    assert targets.shape == (60, HORIZON)
    assert np.isfinite(targets).all()
    assert set(np.unique(skipped % HORIZON)) == {0}
    assert 0.2 < (found.past[:, 0, 1] == 0).mean() < 0.8  # of the series that begin late
    again = batch_of(np.random.default_rng(0), Pool(0, 32).series, 60)
    np.testing.assert_array_equal(again[0].past, found.past)


def test_a_pool_is_renewed_from_its_oldest_on(monkeypatch):
    monkeypatch.setattr(windows, "LENGTH", 100)
    pool = Pool(0, 8)
    before = pool.series.copy()
    pool.renew(3)
    pool.renew(3)
    assert [bool((before[n] == pool.series[n]).all()) for n in range(8)] == [False] * 6 + [True] * 2


def test_what_is_read_of_a_window_does_not_depend_on_the_others():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(21, LOOKBACK)).cumsum(axis=1)
    values[3, :300] = np.nan
    whole = read(values, HORIZON, 64)
    for rows in (slice(3, 4), slice(0, 3), slice(5, 12)):
        for part, one in zip(whole, read(values[rows], HORIZON, 64), strict=True):
            np.testing.assert_array_equal(one, part[rows])


def test_the_first_weights_are_always_the_same():
    options = dict(cell="gru", units=4, layers=1, segment=16, decoder=4, future=2)
    np.testing.assert_array_equal(network_of(**options).theta, network_of(**options).theta)
