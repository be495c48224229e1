"""Series with a short history or none: what is forecast for them, and that it is said what that is worth."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, ShortHistoryWarning, SkippedSeriesWarning

N = 120
DAYS = pd.date_range("2024-01-01", periods=N + 3, freq="D", name="day")
NET = RNNForecaster(hidden_size=4, max_iter=2, random_state=0)
SIZES = {"corner": 1.0, "mall": 5.0, "hall": 30.0}


def shop(name, kind, seed, days=DAYS):
    rng = np.random.default_rng(seed)
    size = SIZES[kind] * rng.uniform(0.9, 1.1)
    promo = (rng.random(len(DAYS)) < 0.2).astype(float)
    y = size * (10 + 3 * np.sin(2 * np.pi * np.arange(len(DAYS)) / 7) + 3 * promo + 0.5 * rng.normal(size=len(DAYS)))
    frame = pd.DataFrame(
        {"shop": name, "day": DAYS, "y": y, "promo": promo, "kind": kind, "area": np.log(SIZES[kind]).round(2)}
    )
    return frame[frame["day"].isin(days)]


def panel(n=12):
    kinds = list(SIZES)
    return pd.concat([shop(f"s{k}", kinds[k % 3], k) for k in range(n)], ignore_index=True)


def early(frame):
    return frame[frame["day"] < DAYS[N]]


def fitted(frame, regressor=None, **settings):
    settings = {"target": "y", "lookback": 14, "horizon": 3, "series": "shop", "time": "day"} | settings
    regressor = Ridge() if regressor is None and "members" not in settings else regressor
    return SeriesForecaster(regressor, **settings).fit(frame)


STATIC = {"static_covariates": ["kind", "area"], "future_covariates": "promo"}
MEMBERS = {"regressor": None, "members": {"a": {"regressor": Ridge()}, "b": {"regressor": NET, "lookback": 21}}}


# -------------------- a short history


class Spy(Ridge):
    """A Ridge that keeps what it was asked."""

    def predict(self, X):
        self.asked_ = X.copy()
        return super().predict(X)


def test_rows_before_a_short_history_are_masked_copies_of_its_oldest():
    model = fitted(early(panel()), Spy(), missing="mask", window_norm=None)
    rows = early(shop("new", "mall", 99))[-4:]
    with pytest.warns(ShortHistoryWarning, match=r"fewer rows than .* \(14\): 'new' \(4 rows\).*less sure") as caught:
        model.predict(history=rows)
    assert caught[0].message.series == ["new"]
    assert caught[0].filename == __file__
    asked = model.regressor_.asked_[0].reshape(14, 2)
    y = rows["y"].to_numpy()
    np.testing.assert_array_equal(asked[:, 0], [*[y[0]] * 10, *y])
    np.testing.assert_array_equal(asked[:, 1], [*[0.0] * 10, *[1.0] * 4])


@pytest.mark.parametrize("settings", [{"transform": "log"}, {"transform": "standard"}, MEMBERS])
@pytest.mark.parametrize("rows", [1, 3, 13])
def test_a_short_series_is_forecast_and_its_interval_is_wider(settings, rows):
    settings = {"regressor": NET, "missing": "mask"} | settings
    model = fitted(early(panel()), **settings)
    whole = early(shop("new", "mall", 99))
    with pytest.warns(ShortHistoryWarning):
        got = model.predict(history=whole[-rows:])
    assert np.isfinite(got["y"]).all()
    assert len(got) == 3
    with pytest.warns(ShortHistoryWarning):
        short = model.predict_interval(history=whole[-rows:], coverage=0.8)
    full = model.predict_interval(history=whole, coverage=0.8)
    width = [(one["y_upper"] - one["y_lower"]).to_numpy() for one in (short, full)]
    assert (width[0] > (1.05 if rows < 13 else 0.8) * width[1]).all()


def test_two_equal_rows_are_no_reason_for_a_narrow_interval():
    model = fitted(early(panel()), NET, missing="mask")
    rows = early(shop("new", "mall", 99))[-2:].assign(y=50.0)
    with pytest.warns(ShortHistoryWarning):
        bounds = model.predict_interval(history=rows, coverage=0.8)
    assert (bounds["y_upper"] - bounds["y_lower"] > 10).all()


def test_a_single_series_with_masks():
    frame = early(shop("s", "mall", 0)).set_index("day")[["y"]]
    model = SeriesForecaster(NET, lookback=14, horizon=3, missing="mask").fit(frame)
    with pytest.warns(ShortHistoryWarning, match=r"the series has fewer rows than .* \(14\): 5 rows"):
        assert model.predict(history=frame[-5:]).notna().all(axis=None)
    with pytest.raises(ValueError, match=r"the history has 5 rows; expected at least lookback = 14"):
        SeriesForecaster(NET, lookback=14, horizon=3).fit(frame).predict(history=frame[-5:])


def test_a_short_series_in_fit_is_forecast_where_there_are_masks():
    frame = pd.concat([early(panel()), early(shop("new", "corner", 99))[-3:]])
    model = fitted(frame, NET, missing="mask", transform="standard")
    with pytest.warns(ShortHistoryWarning, match="'new'"):
        got = model.predict()
    assert set(got["shop"]) == {*early(panel())["shop"], "new"}
    assert got.notna().all(axis=None)


UNLEARNABLE = {
    "difference": ("difference", lambda f: f[-1:], "differences take the first 1"),
    "seasonal": ("seasonal_difference", lambda f: f[-7:], "differences take the first 7"),
    "boxcox": ("boxcox", lambda f: f[-1:], "expected 2 or more"),
    "nothing known": (None, lambda f: f[-5:].assign(y=np.nan), "no value"),
}


@pytest.mark.parametrize("name", UNLEARNABLE)
def test_a_series_from_which_nothing_can_be_learnt_does_not_refuse_the_others(name):
    transform, cut, words = UNLEARNABLE[name]
    frame, new = early(panel(3)), cut(early(shop("new", "mall", 99)))
    settings = {"missing": "mask", "transform": transform}
    with pytest.warns(SkippedSeriesWarning, match=rf"1 of 4 series take no part in training: 'new' \(.*{words}"):
        model = fitted(pd.concat([frame, new]), NET, **settings)
    with pytest.warns(SkippedSeriesWarning, match=rf"left out: 'new' \(.*{words}"):
        assert set(model.predict()["shop"]) == {"s0", "s1", "s2"}
    other = fitted(frame, NET, **settings)
    with pytest.warns(SkippedSeriesWarning, match="'new'"):
        assert other.predict(history=pd.concat([frame, new])).equals(other.predict())
    with pytest.raises(ValueError, match=words):
        other.predict(history=pd.concat([frame, new]), errors="raise")


# -------------------- no history


def cold(model, **promo):
    future = model.future_frame(new=["west"]).assign(**{"promo": 0.0} | promo)
    mine = future["shop"] == "west"
    return future.assign(kind=future["kind"].mask(mine, "mall"), area=future["area"].mask(mine, np.log(5).round(2)))


REGRESSORS = {
    "ridge": (Ridge(), {}),
    "transform": (Ridge(), {"transform": "standard", "window_norm": "standard"}),
    "masked network": (NET, {"missing": "mask", "transform": "log"}),
}


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_series_without_history_begins_with_the_mean_of_those_most_like_it(name):
    regressor, settings = REGRESSORS[name]
    model = fitted(early(panel()), regressor, **STATIC, **settings)
    future = cold(model)
    with pytest.warns(
        ShortHistoryWarning, match=r"1 of 13 series have no history: 'west' \(the mean of 's\d+'"
    ) as caught:
        got = model.predict(future)
    assert caught[0].message.series == ["west"]
    mine = (future["shop"] == "west").to_numpy()
    assert got.loc[mine, "y"].between(25, 75).all(), "a mall's"
    known = future[~mine].drop(columns=["kind", "area"])
    assert got.loc[~mine, "y"].tolist() == model.predict(known)["y"].tolist(), "the others stay as they are"
    with pytest.warns(ShortHistoryWarning):
        more = model.predict(cold(model, promo=1.0))
    assert (more.loc[mine, "y"] > got.loc[mine, "y"]).all(), "known future values are read"
    like = re.findall(r"'(s\d+)'", str(caught[0].message))
    assert {"s1", "s4", "s7", "s10"} < set(like), "the malls, and the nearest of the others"


def test_its_interval_is_as_wide_as_series_differ_from_those_like_them():
    model = fitted(early(panel()), **STATIC)
    future = cold(model)
    with pytest.warns(ShortHistoryWarning):
        bounds = model.predict_interval(future, coverage=0.8)
    width = (bounds["y_upper"] - bounds["y_lower"]).to_numpy().reshape(-1, 3)
    assert (width[-1] > 1.3 * width[:-1].reshape(4, 3, 3)[:, 1].mean(axis=0)).all(), "wider than other malls'"
    model.update(panel()[lambda f: f["day"] == DAYS[N]])
    future = cold(model)
    with pytest.warns(ShortHistoryWarning):
        assert model.predict_interval(future, coverage=0.8).notna().all(axis=None)


def test_a_series_without_history_alone_and_in_other_layouts():
    expected = None
    for arrange, roles in (
        (lambda f: f, {}),
        (lambda f: f.set_index("day"), {"time": None}),
        (lambda f: f.set_index(["shop", "day"]), {"time": None}),
        (lambda f: pl.from_pandas(f.reset_index(drop=True)), {}),
    ):
        model = fitted(arrange(early(panel())), **STATIC, **roles)
        rows = shop("west", "mall", 5)[-3:].drop(columns="y")
        with pytest.warns(ShortHistoryWarning, match="'west'"):
            got = model.predict(arrange(rows))
        got = got["y"].to_list()
        expected = got if expected is None else expected
        assert got == expected


def test_new_series_that_nothing_is_known_of_are_refused():
    model = fitted(early(panel()), **STATIC)
    rows = shop("west", "mall", 5)[-3:]
    for match, X in {
        r"kind.* has 1 missing values": rows.assign(kind=rows["kind"].where(rows["day"] != DAYS[-1])),
        r"unknown category 'tower'": rows.assign(kind="tower"),
        r"changes within series 'west'": rows.assign(area=[1.0, 2.0, 2.0]),
        r"series 'west': X does not continue": shop("west", "mall", 5)[-2:],
        r"unknown series 'west'": rows.drop(columns="kind"),
    }.items():
        with pytest.raises(ValueError, match=match):
            model.predict(X)
    with pytest.raises(ValueError, match="has no static covariates"):
        fitted(early(panel())).future_frame(new=["west"])
    with pytest.raises(ValueError, match="new names 's0', which the model knows"):
        model.future_frame(new=["s0"])


def test_the_frame_to_fill_shows_the_static_covariates_of_the_known_series():
    model = fitted(early(panel()), **STATIC)
    future = model.future_frame(new=["west", "east"])
    assert list(future.columns) == ["shop", "day", "promo", "kind", "area"]
    known = future[~future["shop"].isin(["west", "east"])]
    own = panel().drop_duplicates("shop").set_index("shop")
    assert (known["kind"].astype(str).to_numpy() == own["kind"].loc[known["shop"]].to_numpy()).all()
    assert (known["area"].to_numpy() == own["area"].loc[known["shop"]].to_numpy()).all()
    assert future.loc[future["shop"].isin(["west", "east"]), ["kind", "area"]].isna().all(axis=None)
