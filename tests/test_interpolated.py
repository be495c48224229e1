"""Rows that `gaps="interpolate"` puts in lie on a line to a later value: nothing before that value may rest on them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, make_windows
from forecast._series.due import origins_since
from forecast._tail import time_tail
from forecast.baselines import LastValue

ROWS = 300


class Keeper(RegressorMixin, BaseEstimator):
    """Takes windows as a network does, and keeps them."""

    _accepts_windows = True

    def fit(self, X, y):
        self.windows_ = X
        return self

    def predict(self, X):
        return np.zeros((len(X), X.horizon * X.n_targets))


def hourly(rng, name=None, late=0):
    index = pd.date_range("2024-03-25", periods=ROWS, freq="h", tz="Europe/Berlin", name="when")[late:]
    frame = pd.DataFrame({"y": rng.normal(size=len(index)).cumsum(), "x": rng.normal(size=len(index))}, index=index)
    return frame if name is None else frame.assign(shop=name)


def with_gaps(frame, rng, spans):
    """A frame without some single rows, and without the rows of some spans (first and end)."""
    single = rng.choice(np.arange(20, len(frame) - 20), 15, replace=False)
    return frame.drop(frame.index[np.unique(np.concatenate([single, *(np.arange(*span) for span in spans)]))])


def forecaster(regressor, **changes):
    settings = {"target": "y", "lookback": 8, "horizon": 5, "freq": "h", "gaps": "interpolate", "past_covariates": "x"}
    return SeriesForecaster(regressor, **(settings | changes))


def draw(seed, panel):
    """A frame with a gap over the origin of the first validation window, and others anywhere."""
    rng = np.random.default_rng([seed, panel])
    names = "abc" if panel else [None]
    parts = [hourly(rng, name, late=7 * number) for number, name in enumerate(names)]
    split = ROWS - 35  # the newest tenth of the windows begins some rows after it
    spans = [(split - int(rng.integers(2, 20)) - 8, split + int(rng.integers(2, 15)) - 8), (100, 104)]
    return pd.concat([with_gaps(part, rng, spans) for part in parts]), {"series": "shop"} if panel else {}


def parts_of(windows):
    """Windows to train on and to validate on, as networks and reports split them."""
    return time_tail(windows.time, 0.1, windows.span)


@pytest.mark.parametrize("panel", [False, True], ids=["one", "panel"])
@pytest.mark.parametrize("seed", range(10))
def test_what_is_trained_before_the_validation_windows_does_not_know_them(seed, panel):
    frame, roles = draw(seed, panel)
    windows = forecaster(Keeper(), **roles).fit(frame).regressor_.windows_
    early, late = parts_of(windows)
    cut = windows.timestamps[late].min()
    changed = frame.copy()
    after = changed.index > cut
    changed.loc[after, ["y", "x"]] = 1e3 * np.random.default_rng(seed).normal(size=(after.sum(), 2))
    others = forecaster(Keeper(), **roles).fit(changed).regressor_.windows_
    again = parts_of(others)
    for mine, other in zip((early, late), again, strict=True):
        np.testing.assert_array_equal(mine, other)
    assert len(early) > 100
    assert windows.timestamps[early].max() < cut
    for one, other in ((windows[early], others[early]), (windows[early].y, others[early].y)):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
    first = late[windows.timestamps[late] == cut]
    assert np.asarray(windows[first]).tobytes() == np.asarray(others[first]).tobytes()
    assert np.asarray(windows[late].y).tobytes() != np.asarray(others[late].y).tobytes()


def test_the_generated_gaps_lie_over_the_split():
    """In a panel: the split is an origin of one series, and a line of another may go over it."""
    found = {False: 0, True: 0}
    for panel in found:
        for seed in range(10):
            frame, roles = draw(seed, panel)
            windows = forecaster(Keeper(), **roles).fit(frame).regressor_.windows_
            early, _ = parts_of(windows)
            by_horizon, _ = time_tail(windows.time, 0.1, windows.horizon)
            found[panel] += len(by_horizon) > len(early)
    assert found[False] == 0  # the split is a row that was there, where lines before it have ended
    assert found[True] >= 5


@pytest.mark.parametrize("regressor", [Ridge(), RNNForecaster(hidden_size=4, max_iter=3, random_state=0)], ids=type)
def test_every_window_of_any_regressor_starts_from_a_row_that_was_there(regressor):
    frame, roles = draw(0, panel=True)
    kept = forecaster(Keeper(), **roles).fit(frame).regressor_.windows_
    assert kept.timestamps.isin(frame.index).all()
    fitted = forecaster(regressor, **roles).fit(frame)
    assert fitted.n_windows_ == len(kept)
    assert np.isfinite(fitted.report_.table.to_numpy()).all()
    if isinstance(regressor, RNNForecaster):
        assert len(regressor.fit(kept).validation_loss_curve_) == 3


def test_made_up_rows_judge_nothing():
    frame = hourly(np.random.default_rng(1))
    frame = frame.drop(frame.index[[285, 286, 290]])
    report = forecaster(LastValue(), past_covariates=None).fit(frame).report_
    windows = forecaster(Keeper(), past_covariates=None).fit(frame).regressor_.windows_
    _, late = parts_of(windows)
    errors = []
    for stamp in windows.timestamps[late]:
        ahead = frame["y"].reindex(stamp + pd.Timedelta("1h") * np.arange(1, 6)).to_numpy()
        errors.append(np.abs(ahead - frame.loc[stamp, "y"]))
    errors = np.concatenate(errors)
    assert np.isnan(errors).any()
    assert report.table.loc["LastValue", "MAE"] == pytest.approx(np.nanmean(errors), rel=1e-12)


def test_no_window_looks_back_from_a_made_up_row_and_others_are_left_as_they_are():
    rng = np.random.default_rng(0)
    whole = hourly(rng)
    gap = whole.drop(whole.index[[50, 51, 90]])
    filled = whole.copy()
    filled.iloc[[50, 51, 90]] = np.nan
    filled = filled.interpolate()
    got = forecaster(Keeper()).fit(gap).regressor_.windows_
    expected = forecaster(Keeper(), gaps="error").fit(filled).regressor_.windows_
    real = ~np.isin(expected.origins, [50, 51, 90])
    np.testing.assert_array_equal(got.origins, expected.origins[real])
    np.testing.assert_allclose(np.asarray(got), np.asarray(expected)[real], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(np.asarray(got.y), np.asarray(expected.y)[real], rtol=1e-12, atol=1e-12)
    longer = {45: 7, 46: 6, 85: 6}  # the fifth row after these lies on a line that ends later
    np.testing.assert_array_equal(got.span, [longer.get(origin, 5) for origin in got.origins.tolist()])


@pytest.mark.parametrize("multi_target", ["joint", "shared"])
def test_several_targets_and_masks_go_the_same_way(multi_target):
    frame, _ = draw(2, panel=False)
    frame.iloc[5:9, 0] = np.nan
    settings = {"target": ["y", "x"], "past_covariates": None, "multi_target": multi_target, "missing": "mask"}
    windows = forecaster(Keeper(), **settings).fit(frame).regressor_.windows_
    assert set(windows.timestamps) <= set(frame.index)
    assert (windows.span > windows.horizon).any()


def test_intervals_learn_from_no_origin_on_a_line():
    frame, _ = draw(3, panel=False)
    fitted = forecaster(Ridge(), past_covariates=None).fit(frame.iloc[:220])
    history = fitted._request(None, frame).fresh
    origins, _ = origins_since(fitted._state, history, fitted._state.trained_until)
    assert len(origins) > 20
    assert history.made_up.sum() > 20
    assert not history.made_up[origins].any()
    assert np.isfinite(fitted.predict_interval(history=frame, coverage=0.8).to_numpy()).all()


def test_where_every_origin_is_made_up_the_message_says_so():
    """Every second hour is there; windows two rows apart all begin on the others."""
    frame = hourly(np.random.default_rng(0)).iloc[::2]
    with pytest.raises(ValueError, match=r"no window is left.* after a row that was not put in"):
        forecaster(Ridge(), step=2, lookback=8).fit(frame)
    assert forecaster(Ridge(), step=2, lookback=9).fit(frame).n_windows_ > 100


def test_windows_without_gaps_settle_with_their_horizon():
    windows = make_windows(pd.Series(np.arange(20.0)), lookback=4, horizon=3)
    assert windows.span == 3
    assert windows.settled is None
