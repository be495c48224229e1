"""A code for a missing value is named in rows that come after the fit; and new series have names like the others."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import SentinelWarning, SeriesForecaster

DAYS = pd.date_range("2024-01-01", periods=130, freq="D", name="day", tz="Europe/Berlin")
RNG = np.random.default_rng(0)
ROWS = pd.concat(
    [
        pd.DataFrame({"shop": shop, "item": item, "day": DAYS, "y": RNG.normal(50, 5, 130), "p": RNG.random(130)})
        for shop in (1, 2)
        for item in ("a", "b")
    ]
)
OLD, NEW = ROWS[ROWS["day"] < DAYS[120]], ROWS[ROWS["day"] == DAYS[120]]


@pytest.fixture
def model():
    ids = {"series": ["shop", "item"], "time": "day"}
    return SeriesForecaster(Ridge(), target="y", lookback=7, horizon=2, future_covariates=["p"], **ids).fit(OLD)


def ahead(frame, n=2):
    later = ROWS[(ROWS["day"] > frame["day"].max())].groupby(["shop", "item"]).head(n)
    return later.drop(columns="y")


def with_code(frame, column="y", value=-9999.0):
    return frame.assign(**{column: frame[column].where(frame["item"] != "b", value)})


def test_an_update_names_the_code_and_the_fix_works(model):
    new_rows = with_code(NEW)
    with pytest.warns(SentinelWarning, match=r"'y' of new_rows holds -9999 in 2 of 4 rows.*\(\(1, 'b'\)") as said:
        model.update(new_rows)
    assert said[0].filename == __file__
    exec(str(said[0].message).rpartition("Fix: ")[2].rstrip("."), {"new_rows": new_rows})
    assert new_rows["y"].isna().sum() == 2


@pytest.mark.parametrize("verb", ["predict", "predict_interval"])
def test_a_history_names_it(verb, model):
    history = pd.concat([OLD, with_code(NEW)]).sort_values("day", kind="stable")
    with pytest.warns(SentinelWarning, match="'y' of history holds -9999") as said:
        getattr(model, verb)(ahead(history), history=history)
    assert said[0].filename == __file__


def test_known_future_values_name_it(model):
    with pytest.warns(SentinelWarning, match="column 'p' of X holds -999 in 4 of 8 rows"):
        model.predict(with_code(ahead(OLD), "p", -999))


@pytest.mark.parametrize("value", [99.0, 0.0, 130.0, -40.0, 400.0, np.pi * 1e4])
def test_other_values_are_measured(value, model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.update(with_code(NEW, value=value)).predict(ahead(NEW))


def test_what_was_trained_on_is_not_named_again():
    with pytest.warns(SentinelWarning, match="trained on as a number"):
        model = SeriesForecaster(Ridge(), target="y", series=["shop", "item"], time="day", lookback=7, horizon=2).fit(
            OLD.drop(columns="p").assign(y=OLD["y"].where(RNG.random(len(OLD)) > 0.05, -9999))
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.update(with_code(NEW.drop(columns="p")))


@pytest.mark.parametrize("name", ["a", (3,), (3, "a", "b"), ("x", "a"), (3, 4)])
def test_a_new_series_is_named_like_the_others(name):
    static = ROWS.assign(size=ROWS["shop"] * 2.0).drop(columns="p")
    model = SeriesForecaster(
        Ridge(), target="y", series=["shop", "item"], time="day", lookback=7, horizon=2, static_covariates=["size"]
    ).fit(static)
    with pytest.raises(ValueError, match=r"fitted series are named like \(1, 'a'\); expected tuples of 2 names"):
        model.future_frame(new=[name])
    assert len(model.future_frame(new=[(3, "a")])) == 10


def test_new_rows_that_are_counted_from_0_are_not_skipped_by_the_fix():
    model = SeriesForecaster(Ridge(), lookback=7, horizon=2).fit(pd.DataFrame({"y": RNG.normal(size=60)}))
    new_rows = pd.DataFrame({"y": [1.0, 2.0]})
    with pytest.raises(ValueError, match=r"new_rows is counted from 0, but .* up to 59; .* from 60 on") as refused:
        model.update(new_rows)
    exec(str(refused.value).rpartition("Fix: ")[2].rstrip("."), {"new_rows": new_rows})
    assert model.update(new_rows).predict().index.tolist() == [62, 63]
    with pytest.raises(ValueError, match="overlap='skip'"):
        model.update(pd.DataFrame({"y": np.zeros(70)}))
