"""Refusals of new rows name them as the call does, and the code after "Fix:" mends them where it is pasted."""

import numpy as np
import pandas as pd
import pyarrow
import pytest
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster

DAYS = pd.date_range("2024-01-01", periods=60, freq="D", name="day")
FRAME = pd.DataFrame({"y": 10 + np.sin(np.arange(60)), "x": np.arange(60.0)}, DAYS)
PANEL = pd.concat([FRAME.assign(shop=shop) for shop in "ab"]).reset_index()


def fitted(rows=FRAME[:50], **more):
    settings = {"target": "y", "past_covariates": ["x"], "lookback": 7, "horizon": 3} | more
    return SeriesForecaster(Ridge(), **settings).fit(rows)


def mended(error, **variables):
    code = str(error.value).partition(" Fix: ")[2].removesuffix(".")
    names = {"pd": pd, "np": np, "pyarrow": pyarrow} | variables
    exec(code, names)
    return names


WRONG = {
    "infinite": lambda rows: rows.assign(y=rows["y"].where(rows.index != DAYS[52], np.inf)),
    "too large": lambda rows: rows.assign(y=rows["y"].where(rows.index != DAYS[52], -1e200)),
    "missing": lambda rows: rows.assign(x=rows["x"].where(rows.index != DAYS[52])),
    "text": lambda rows: rows.assign(y=rows["y"].astype(str)),
    "complex": lambda rows: rows.assign(y=rows["y"] + 0j),
    "twice": lambda rows: pd.concat([rows[:1], rows]),
    "backwards": lambda rows: rows[::-1],
    "two columns": lambda rows: pd.concat([rows, rows[["y"]]], axis=1),
}


@pytest.mark.parametrize("what", ["new_rows", "history"])
@pytest.mark.parametrize("name", WRONG)
def test_the_fix_mends_the_rows_of_the_call(name, what):
    model = fitted()
    rows = WRONG[name](FRAME[50:] if what == "new_rows" else FRAME[40:])

    def ask(rows):
        return model.update(rows).predict() if what == "new_rows" else model.predict(history=rows)

    with pytest.raises((TypeError, ValueError), match=rf"Fix: {what}") as error:
        ask(rows)
    assert len(ask(mended(error, **{what: rows})[what])) == 3


def test_names_with_blanks_around_are_the_known_series():
    model = fitted(PANEL[PANEL["day"] < DAYS[50]], series="shop", time="day")
    new_rows = PANEL[PANEL["day"] == DAYS[50]].assign(shop=lambda rows: rows["shop"].replace("a", "a "))
    with pytest.raises(ValueError, match=r"names series 'a ', the fitted data 'a'.*blanks around") as error:
        model.update(new_rows, errors="raise")
    model.update(mended(error, new_rows=new_rows)["new_rows"])
    assert (model.predict(1)["day"] == DAYS[51]).all()
    spaced = PANEL.assign(shop=PANEL["shop"] + " ")
    model = fitted(spaced[spaced["day"] < DAYS[50]], series="shop", time="day")
    model.update(spaced[spaced["day"] == DAYS[50]])


@pytest.mark.parametrize(
    ("form", "freq", "periods"), [("%Y%m%d", "D", 90), ("%Y%m%d", "D", 20), ("%Y%m", "MS", 60), ("%Y%m", "MS", 11),
    ("%Y%m%d%H", "h", 90), ("%G%V", "W-MON", 80), ("%G%V", "W-MON", 30)],
)  # fmt: skip
@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("gaps", ["error", "interpolate"])
def test_dates_written_as_numbers_are_no_steps(form, freq, periods, column, gaps):
    stamps = pd.date_range("2024-01-08", periods=periods, freq=freq)
    df = pd.DataFrame({"when": stamps.strftime(form).astype(int), "y": np.sin(np.arange(float(periods)))})
    df = df if column else df.set_index("when")
    model = SeriesForecaster(Ridge(), lookback=4, horizon=2, gaps=gaps, time="when" if column else None)
    with pytest.raises(TypeError, match="whole numbers that are written dates, starting with 2024") as error:
        model.set_params(target="y").fit(df)
    found = model.fit(mended(error, df=df)["df"]).predict()
    stamp = found["when"].iloc[0] if column else found.index[0]
    assert stamp == pd.date_range(stamps[-1], periods=2, freq=freq)[1]


def test_numbers_that_only_count_stay_steps():
    for first, step in ((20_240_125, 1), (0, 1), (1_900, 1), (202_410, 7), (20_240_101, 7), (1_704_067_200, 86_400)):
        df = pd.DataFrame({"y": np.sin(np.arange(60.0))}, pd.RangeIndex(first, first + 60 * step, step))
        assert SeriesForecaster(Ridge(), lookback=4, horizon=1).fit(df).predict().index[0] == first + 60 * step


def test_what_is_no_frame_is_told_by_its_name():
    model = fitted()
    for rows in ([1.0, 2.0], {"y": [1.0]}, np.ones((2, 2))):
        with pytest.raises(TypeError, match=r"^new_rows is .*laid out as the fitted data, with the time of its rows"):
            model.update(rows)
    with pytest.raises(TypeError, match=r"^static is .*dict; expected a DataFrame with a row for each series"):
        SeriesForecaster(Ridge(), target="y", series="shop", time="day").fit(PANEL, static={"a": 1, "b": 2})
    batch = pyarrow.Table.from_pandas(PANEL).combine_chunks().to_batches()[0]
    with pytest.raises(TypeError, match="RecordBatch; expected a frame") as error:
        fitted(batch, series="shop", time="day")
    table = mended(error, df=batch)["df"]
    assert fitted(table, series="shop", time="day").predict(1).num_rows == 2


def test_a_monitor_is_not_answered_with_an_update():
    model = fitted(validation_fraction=0.4)
    with pytest.raises(ValueError, match=r"Fix: model\.monitor\(new_rows, overlap='skip'\)\.$"):
        model.monitor(FRAME[45:])
    model.monitor(FRAME[45:], overlap="skip")
    with pytest.raises(ValueError, match=r"Fix: model\.set_params\(gaps='interpolate'\)\.monitor\(new_rows\)\.$"):
        model.monitor(FRAME[52:])


@pytest.mark.parametrize("freq", ["M", "Q", "Y", "W-SUN", "D"])
def test_stamps_for_a_model_of_periods(freq):
    periods = pd.period_range("2000-01-01", periods=60, freq=freq)
    model = fitted(FRAME.set_axis(periods)[:50])
    new_rows = FRAME.set_axis(periods.to_timestamp())[50:]
    with pytest.raises(ValueError, match="on periods; expected labels of the same kind") as error:
        model.update(new_rows)
    assert model.update(mended(error, new_rows=new_rows)["new_rows"]).predict().index[0] == periods[-1] + 1


def test_labels_in_the_place_of_rows():
    model = fitted(FRAME[["y"]], past_covariates=None)
    for X in ("2024-03-01", DAYS[0], DAYS[0].date(), np.datetime64("2024-03-01")):
        with pytest.raises(TypeError, match=r"expected the future rows .*or a number of steps"):
            model.predict(X)
    with pytest.raises(TypeError, match=r"Fix: n=24\.$"):
        model.predict("24")
    ahead = pd.date_range(DAYS[-1], periods=3)[1:]
    with pytest.raises(TypeError, match="expected a frame with them as its index") as error:
        model.predict_interval(ahead)
    assert model.predict(mended(error, X=ahead)["X"]).index.equals(ahead)
