"""F9: 500 generated bad values in target and covariates: refused with column and first stamp, nothing changed."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster

pytestmark = pytest.mark.reliability

VALUES = {  # what is put in, the dtype that its column then has, and whether the message names the stamp
    "NaN": (np.nan, None, True),
    "infinity": (np.inf, None, True),
    "minus infinity": (-np.inf, None, True),
    "missing, nullable": (pd.NA, "Float64", True),
    "text": ("12,5", object, True),
    "text in Arrow": ("twelve", "string", False),  # all of the column is text then
    "a stamp": (pd.Timestamp("2024-05-01"), object, True),
    "stamps": (None, "datetime64[ns]", False),
    "complex": (1 + 1j, "complex128", False),
    "beyond all squares": (1e200, None, True),
}
PLACES = ("fit", "history", "update", "future")
REGRESSORS = {
    "ridge": Ridge(),
    "gru": RNNForecaster(hidden_size=2, max_iter=1, random_state=0, n_jobs=1),
}


def frame_of(rng, n=48):
    values = {"y": rng.normal(size=n), "wind": rng.normal(size=n), "promo": rng.normal(size=n)}
    return pd.DataFrame(values, pd.date_range("2024-03-01", periods=n, freq="h"))


def spoilt(frame, column, row, kind):
    value, dtype, _ = VALUES[kind]
    frame = frame.copy()
    if dtype == "datetime64[ns]":
        return frame.assign(**{column: frame.index})
    frame[column] = frame[column].astype(dtype or float)
    frame.iloc[row, frame.columns.get_loc(column)] = value
    return frame


def asked(model, place, frame, known):
    """The call that reads the spoilt rows, by where they come in."""
    if place == "fit":
        return lambda: model.fit(frame[:known])
    if place == "history":
        return lambda: model.predict(history=frame[:known], X=frame[["promo"]][known : known + 3])
    if place == "update":
        return lambda: model.update(frame[known:])
    return lambda: model.predict(frame[["promo"]][known : known + 3])


def draw(seed):
    """A kind, a place, a column and a row that the call reads."""
    rng = np.random.default_rng(seed)
    kind, place = list(VALUES)[seed % len(VALUES)], PLACES[seed // len(VALUES) % len(PLACES)]
    column = "promo" if place == "future" else str(rng.choice(["y", "wind", "promo"]))
    known = 40
    low, high = {"fit": (0, known), "history": (0, known), "update": (known, 48), "future": (known, known + 3)}[place]
    return rng, kind, place, column, int(rng.integers(low, high)), known


@pytest.mark.parametrize("regressor", REGRESSORS)
@pytest.mark.parametrize("kind", VALUES)
def test_bad_values_are_refused_with_their_place_and_the_model_stays(kind, regressor, tmp_path, record_property):
    seeds = [seed for seed in range(250) if draw(seed)[1] == kind]
    assert len(seeds) == 25
    for seed in seeds:
        rng, _, place, column, row, known = draw(seed)
        frame = frame_of(rng)
        model = SeriesForecaster(
            REGRESSORS[regressor], target="y", lookback=4, horizon=3, past_covariates="wind", future_covariates="promo"
        ).fit(frame[:known])
        model.save(tmp_path / "before")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of values far from all known ones
            answer = refusal(asked(model, place, spoilt(frame, column, row, kind), known))
        model.save(tmp_path / "after")
        assert isinstance(answer, (ValueError, TypeError)), (seed, place, column, answer)
        assert (tmp_path / "before").read_bytes() == (tmp_path / "after").read_bytes(), (seed, place)
        assert column in str(answer), (seed, place, answer)
        if VALUES[kind][2]:
            assert str(frame.index[row]) in str(answer), (seed, place, column, answer)


def refusal(call):
    """What a call raises, or its answer."""
    try:
        return call()
    except (ValueError, TypeError) as error:  # every other error fails the test
        return error
