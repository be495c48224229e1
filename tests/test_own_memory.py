"""A fitted model keeps nothing of the user's memory: a frame that is changed after `fit` changes no forecast."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor

from forecast import RNNForecaster, SeriesForecaster
from forecast.baselines import Drift, SeasonalNaive

ROWS = 120
STAMPS = pd.date_range("2024-03-25", periods=ROWS, freq="h", tz="Europe/Berlin", name="when")


class Given:
    """A frame over arrays that are still at hand, so that they can be written to behind its back."""

    def __init__(self, dtype=np.float64, *, series=1, several=False, missing=False):
        rng = np.random.default_rng(0)
        n = series * ROWS
        y = (20 + 5 * np.sin(np.arange(n) / 4) + rng.normal(size=n)).astype(dtype)
        if missing:
            y[[40, n - 1]] = np.nan
        self.arrays = {"y": y, "temp": rng.normal(size=n).astype(np.float32 if dtype == np.float32 else np.float64)}
        if several:
            self.arrays["z"] = 2 * y
        if series > 1:
            self.arrays["size"] = np.repeat(rng.normal(size=series), ROWS)
        index = STAMPS if series == 1 else STAMPS.append([STAMPS] * (series - 1))
        self.frame = pd.DataFrame(self.arrays, index=index, copy=False)
        assert all(np.shares_memory(self.frame[name].to_numpy(), array) for name, array in self.arrays.items())
        self.codes = rng.integers(0, 3, size=n).astype(np.int8)
        self.frame["kind"] = pd.Categorical.from_codes(self.codes, ["p", "q", "r"])
        if series > 1:
            self.frame["shop"] = np.repeat([f"s{number}" for number in range(series)], ROWS)

    def overwrite(self):
        """Through the arrays, of which pandas does not know, then through pandas, which may copy what it shares."""
        for array in (*self.arrays.values(), self.codes):
            array[:] = 1
        for position, column in enumerate(self.frame.columns):
            self.frame.iloc[:, position] = {"kind": "r", "shop": "elsewhere"}.get(column, 7)


CASES = {
    "float64": ({}, {}),
    "float32": ({"dtype": np.float32}, {}),
    "integers": ({"dtype": np.int64}, {}),
    "covariates": ({}, {"past_covariates": ["temp", "kind"]}),
    "several targets": ({"several": True}, {"target": ["y", "z"]}),
    "shared": ({"several": True}, {"target": ["y", "z"], "multi_target": "shared"}),
    "missing": ({"missing": True}, {"missing": "mask", "past_covariates": "temp"}),
    "transform": ({}, {"transform": ["log", "difference"], "window_norm": "standard"}),
    "panel": ({"series": 3}, {"series": "shop", "static_covariates": "size", "past_covariates": "kind"}),
    "panel, transform": ({"series": 3}, {"series": "shop", "transform": "robust"}),
}
REGRESSORS = {
    "ridge": Ridge(),
    "neighbours": KNeighborsRegressor(3),  # keeps what it is given
    "season": SeasonalNaive(24),
    "drift": Drift(),
    "network": RNNForecaster(hidden_size=4, max_iter=2, random_state=0),
}


def bits(frame):
    return np.ascontiguousarray(frame.select_dtypes("number").to_numpy(np.float64)).view(np.int64)


def answers(fitted):
    """All that a fitted model says without new data."""
    said = {"predict": fitted.predict(), "history_": fitted.history_, "future_frame": fitted.future_frame()}
    if fitted.report_.table is not None:
        said |= {"report_": fitted.report_.table, "interval": fitted.predict_interval(coverage=0.5)}
    return said


EVERY_CASE = [(name, "ridge") for name in CASES]
EVERY_REGRESSOR = [(name, regressor) for name in ("transform", "panel, transform") for regressor in REGRESSORS]


@pytest.mark.parametrize(("name", "regressor"), sorted({*EVERY_CASE, *EVERY_REGRESSOR}))
def test_a_frame_written_to_after_fit_changes_no_bit(name, regressor):
    made, settings = CASES[name]
    given = Given(**made)
    settings = {"target": "y", "lookback": 12, "horizon": 3} | settings
    fitted = SeriesForecaster(REGRESSORS[regressor], **settings).fit(given.frame)
    before = answers(fitted)
    given.overwrite()
    for what, after in answers(fitted).items():
        pd.testing.assert_frame_equal(after, before[what])
        np.testing.assert_array_equal(bits(after), bits(before[what]), err_msg=what)


def test_y_and_a_column_of_stamps_are_not_kept_either():
    given = Given()
    frame = given.frame.reset_index()
    stamps = np.array(STAMPS.tz_convert(None))
    frame["when"] = pd.Series(pd.DatetimeIndex(stamps, copy=False), copy=False)
    target = pd.Series(given.arrays["y"], index=frame.index, name="y", copy=False)
    model = SeriesForecaster(Ridge(), lookback=12, horizon=3, time="when", past_covariates="temp")
    fitted = model.fit(frame.drop(columns=["y", "kind"]), target)
    before = answers(fitted)
    stamps[:] = np.datetime64("2000-01-01")
    frame["when"] = pd.Timestamp("2000-01-01")
    target.iloc[:] = 0.0
    given.overwrite()
    for what, after in answers(fitted).items():
        pd.testing.assert_frame_equal(after, before[what])


def test_what_is_answered_may_be_written_to():
    """The next answer is computed or copied anew."""
    fitted = SeriesForecaster(Ridge(), target="y", lookback=12, horizon=3).fit(Given().frame)
    before = answers(fitted)
    for frame in answers(fitted).values():
        frame.iloc[:, :] = 0.0
    for what, after in answers(fitted).items():
        pd.testing.assert_frame_equal(after, before[what])
