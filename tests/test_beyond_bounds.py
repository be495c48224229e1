"""Known values beyond `lower` or `upper` are named: no forecast can reach them."""

import warnings

import numpy as np
import pandas as pd
import pytest
from command_line import runner
from sklearn.linear_model import Ridge

import forecast
from forecast import BoundsWarning, RNNForecaster, SeriesForecaster

N = 220
DAYS = pd.date_range("2024-01-01", periods=N, name="day")
WAVE = 5 + 4 * np.sin(np.arange(N) / 3)


def frame(dtype="float64", **columns):
    return pd.DataFrame({"y": WAVE, **columns}, index=DAYS).astype(dtype)


def model(**settings):
    return SeriesForecaster(Ridge(), **{"target": "y", "lookback": 14, "horizon": 3, **settings})


def said(call):
    """The messages about bounds of a call that warns of nothing else."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert {one.category for one in caught} <= {BoundsWarning}
    assert {one.filename for one in caught} <= {__file__}
    return [str(one.message) for one in caught]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fit_says_once_how_many_rows_are_beyond_and_the_fix_works(dtype):
    df = 15 * frame(dtype)
    (text,) = said(lambda: model(upper=10).fit(df))
    n, most = int((df["y"] > 10).sum()), float(df["y"].max())
    assert f"target 'y' is above upper=10 in {n} of {N} rows, the first at 2024-01-01, the greatest {most:g}," in text
    fixed = model(upper=float(text.partition("Fix: upper=")[2].removesuffix(".")))
    assert said(lambda: fixed.fit(df)) == []
    (text,) = said(lambda: model(lower=20, upper=1000).fit(df))
    assert f"below lower=20 in {int((df['y'] < 20).sum())} of {N} rows" in text
    assert f"the least {float(df['y'].min()):g}," in text
    assert len(said(lambda: model(lower=20, upper=30).fit(df))) == 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_on_the_bound_are_within(dtype):
    """Also 0.1 of float32, which is a little more than 0.1."""
    df = frame(dtype).clip(lower=0.1, upper=8.7)
    df.iloc[:4] = [[0.1], [8.7], [0.1], [8.7]]
    assert said(lambda: model(lower=0.1, upper=8.7).fit(df.astype(dtype))) == []


def test_whole_numbers_missing_values_and_rows_that_gaps_fill():
    df = frame().round().astype("int64")
    assert f"in {int((df['y'] > 8).sum())} of {N} rows" in said(lambda: model(upper=8).fit(df))[0]
    network = RNNForecaster(hidden_size=4, max_iter=1)
    holes = frame().mask(np.arange(N)[:, None] % 9 == 0)
    (text,) = said(
        lambda: SeriesForecaster(network, target="y", lookback=7, horizon=2, missing="mask", upper=8).fit(holes)
    )
    assert f"in {int((holes['y'] > 8).sum())} of {N} rows" in text
    high = frame()
    high.iloc[50:70] = 9.5
    (text,) = said(lambda: model(gaps="interpolate", upper=9.2).fit(high.drop(DAYS[55:60])))
    assert f"in 15 of {N} rows" in text


def test_several_targets_and_series_are_named():
    df = frame(z=10 * WAVE, other=WAVE)
    (text,) = said(lambda: model(target=["y", "z", "other"], upper=9).fit(df))
    assert text.startswith("target 'z' is above upper=9 in ")
    (text,) = said(lambda: model(target=["y", "z"], upper=5).fit(df))
    assert text.startswith("targets 'y', 'z' are above")
    panel = pd.concat([frame().assign(shop="a"), (3 * frame()).assign(shop="b")]).reset_index()
    (text,) = said(lambda: model(upper=9.5, series="shop", time="day").fit(panel))
    assert f"in {int((3 * WAVE > 9.5).sum())} of {2 * N} rows, the first at ('b', 2024-01-01)" in text


def test_a_target_as_y_and_no_other_column_counts():
    df = frame(price=100 * WAVE)
    assert said(lambda: model(upper=9.5, past_covariates=["price"]).fit(df)) == []
    assert len(said(lambda: model(target=None, upper=5).fit(df[["price"]], df["y"]))) == 1


@pytest.mark.parametrize("kept", [False, True])
def test_new_rows_beyond_are_named_and_taken(kept, tmp_path):
    fitted = model(upper=10).fit(frame()[:200])
    if kept:
        fitted.save(tmp_path / "m")
        fitted = forecast.load(tmp_path / "m")
    new = frame()[200:]
    assert said(lambda: forecast_of(fitted, history=frame())) == []
    new.iloc[3:5] = 165.0
    history = pd.concat([frame()[:200], new])
    (text,) = said(lambda: fitted.predict(history=history))
    assert "of history is above upper=10 in 2 of 220 rows, the first at 2024-07-22, the greatest 165," in text
    assert "If they are right, fit again with upper=165.0." in text
    (text,) = said(lambda: fitted.update(new))
    assert "target 'y' of new_rows is above upper=10 in 2 of 20 rows" in text
    assert said(lambda: forecast_of(fitted)) == []
    assert fitted.predict()["y"].max() <= 10


def forecast_of(fitted, **given):
    return fitted.predict(**given), fitted.predict_interval(**given)


def test_what_fit_has_said_of_its_rows_is_not_said_of_them_again():
    df = frame()
    df.iloc[[20, 199]] = 20.0
    with pytest.warns(BoundsWarning, match="in 2 of 200 rows"):
        fitted = model(upper=10).fit(df[:200])
    assert said(lambda: forecast_of(fitted, history=df)) == []
    df.iloc[205] = 20.0
    assert "in 1 of 220 rows" in said(lambda: fitted.predict(history=df))[0]


def test_a_warning_turned_into_an_error_leaves_the_model_as_it_was():
    fitted = model(upper=10).fit(frame()[:200])
    before = fitted.predict()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(BoundsWarning):
            fitted.update(20 * frame()[200:])
        with pytest.raises(BoundsWarning):
            fitted.fit(20 * frame())
    pd.testing.assert_frame_equal(fitted.predict(), before)


def test_a_row_for_a_carried_state_is_named_too():
    network = RNNForecaster(hidden_size=4, max_iter=1, stateful=True)
    fitted = SeriesForecaster(network, target="y", lookback=20, horizon=2, window_norm=None, upper=10).fit(
        frame()[:200]
    )
    assert said(lambda: fitted.update(frame()[200:201])) == []
    assert said(lambda: fitted.update(frame()[201:202])) == []
    assert len(said(lambda: fitted.update(frame()[202:203] + 90))) == 1
    assert fitted.predict().index[0] == DAYS[203]


def test_on_the_command_line(tmp_path, monkeypatch, capsys):
    run = runner(tmp_path, monkeypatch, capsys)
    model(upper=10).fit(frame()[:200]).save("model.forecast")
    (20 * frame()[200:]).to_csv("new.csv")
    code, _, err = run("update", "model.forecast", "new.csv")
    assert code == 0
    assert "target 'y' of the file is above upper=10 in 20 of 20 rows" in err
