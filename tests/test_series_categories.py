"""`SeriesForecaster(categorical="embedding")`: text and categories as vectors that the network learns."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import LinearForecaster, RNNForecaster, SeriesForecaster, load

N = 150
DAYS = pd.date_range("2024-01-01", periods=N, name="day")
NET = RNNForecaster(hidden_size=6, max_iter=12, random_state=0)
ROLES = dict(past_covariates="weather", future_covariates="promo", static_covariates="zone")
ASK = dict(target="y", series="shop", time="day", lookback=8, horizon=3, categorical="embedding")


def shop(name, zone, size, n=N):
    rng = np.random.default_rng(ord(name))
    promo = rng.choice(["no", "yes"], n)
    y = size * (5 + 3 * (promo == "yes") + np.sin(np.arange(n) / 5)) + 0.1 * rng.normal(size=n)
    weather = rng.choice(["dry", "rain", "snow"], n)
    return pd.DataFrame({"day": DAYS[:n], "shop": name, "y": y, "weather": weather, "promo": promo, "zone": zone})


def panel():
    return pd.concat([shop("a", "north", 1), shop("b", "south", 2), shop("c", "north", 1.5)])


def fitted(frame=None, regressor=NET, **settings):
    return SeriesForecaster(regressor, **ASK | ROLES | settings).fit(panel() if frame is None else frame)


def ahead(model, promo):
    return model.future_frame().assign(promo=promo)


def sizes(model):
    return {name: w.shape for name, w in model.regressor_.weights_.items() if name.startswith("embedding")}


SETTINGS = {
    "plain": {},
    "masked": {"missing": "mask"},
    "calendar": {"calendar": ["dayofweek"]},
    "level": {"level": True},
    "steps": {"regressor": RNNForecaster(hidden_size=6, max_iter=12, decoder="steps", random_state=0)},
    "members": {"regressor": None, "members": {"net": {"regressor": NET}, "short": {"regressor": NET, "lookback": 4}}},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_promotion_that_is_known_ahead_moves_the_forecast(settings):
    given = {name: settings[name] for name in settings if name != "members"}
    more = {"lookback": 8} if "members" not in settings else {"members": settings["members"]}
    model = fitted(transform="standard", **given | more)
    without, with_it = (model.predict(ahead(model, promo))["y"].mean() for promo in ("no", "yes"))
    assert 1 < with_it - without < 7
    assert sizes(model) == {
        "embedding.past.1": (4, 2), "embedding.past.2": (3, 1), "embedding.future.0": (3, 1),
        "embedding.static.0": (3, 1),
    }  # fmt: skip


def test_a_missing_category_before_the_first_is_unknown_and_later_the_one_before():
    frame = panel().reset_index(drop=True)
    frame.loc[frame.index[:20], "weather"] = None
    model = fitted(frame, missing="mask")
    rows = model._state.preparation.arrays(model._state.tail)["values"]
    assert set(np.unique(rows[:, 1])) <= {-1.0, 0.0, 1.0, 2.0}
    assert model._state.preparation.fill[1] == -1
    assert np.isfinite(model.predict(ahead(model, "no"))["y"]).all()


@pytest.mark.parametrize("dtype", [str, "category"])
def test_an_unknown_category_reads_the_vector_of_unknown_ones(dtype):
    model = fitted(panel().astype({"promo": dtype, "weather": dtype}))
    none, other = (model.predict(ahead(model, promo))["y"].to_numpy() for promo in ("maybe", "never"))
    assert np.array_equal(none, other)
    yes, no = (model.predict(ahead(model, promo))["y"].to_numpy() for promo in ("yes", "no"))
    assert not np.array_equal(none, yes)
    assert not np.array_equal(none, no)
    new = shop("z", "west", 1).assign(weather="hail")
    answer = model.predict(ahead(model, "no").assign(shop="z")[:3], history=new)
    assert np.isfinite(answer["y"]).all()


def test_one_hot_still_refuses_an_unknown_category():
    model = fitted(categorical="one-hot")
    with pytest.raises(ValueError, match="unknown category 'maybe'"):
        model.predict(ahead(model, "maybe"))


def test_whole_numbers_are_categories_where_the_frame_says_so():
    frame = panel().assign(promo=lambda df: (df["promo"] == "yes") * 7)
    numbers = fitted(frame, past_covariates="weather")
    assert "embedding.future.0" not in sizes(numbers)
    model = fitted(frame.astype({"promo": "category"}))
    assert sizes(model)["embedding.future.0"] == (3, 1)
    assert model.predict(ahead(model, 7))["y"].mean() > model.predict(ahead(model, 0))["y"].mean() + 1


def test_more_categories_than_one_hot_takes():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"y": rng.normal(size=1500), "who": [f"w{n}" for n in rng.permutation(1500)]})
    net = RNNForecaster(hidden_size=2, max_iter=1, random_state=0)
    given = dict(target="y", past_covariates="who", lookback=4, horizon=1)
    with pytest.raises(TypeError, match=r"has 1500 categories.*categorical='embedding' takes any number"):
        SeriesForecaster(net, **given).fit(frame)
    model = SeriesForecaster(net, **given, categorical="embedding").fit(frame)
    assert sizes(model) == {"embedding.past.1": (1501, 50)}


def test_update_intervals_file_and_fine_tuning(tmp_path):
    model = fitted(panel().groupby("shop").head(N - 5))
    newest = panel().groupby("shop").tail(5)
    model.update(newest.assign(weather="hail"))
    frame = ahead(model, "yes")
    answer = model.predict_interval(frame, coverage=0.8)
    model.save(tmp_path / "a.forecast")
    again = load(tmp_path / "a.forecast")
    assert again.predict_interval(frame, coverage=0.8).equals(answer)
    assert again.categorical == "embedding"
    tuned = again.fine_tune(shop("z", "west", 3).assign(weather="fog"), freeze=["embedding"])
    table = "embedding.past.1"
    assert np.array_equal(tuned.regressor_.weights_[table], again.regressor_.weights_[table])
    assert np.isfinite(tuned.predict(tuned.future_frame().assign(promo="no"))["y"]).all()


def test_rare_codes_are_no_outliers():
    """`clip_covariates` holds numbers within what is common, and codes as they are."""
    frame = panel().reset_index(drop=True).assign(rain=lambda df: np.where(df.index % 200 == 7, 90.0, 1.0))
    frame.loc[frame.index % 211 == 5, ["weather", "promo"]] = ["typhoon", "zero"]
    given = dict(past_covariates=["weather", "rain"], clip_covariates=True)
    preparation = fitted(frame, **given)._state.preparation
    finite = np.isfinite(preparation.limits).all(axis=0)
    assert finite.tolist() == [False, True, False, False]  # weather, rain, promo, zone
    assert preparation.levels["past"] == [0, 4, 0, 3]
    assert np.isfinite(fitted(frame, **given, categorical="one-hot")._state.preparation.limits).all()


def test_the_number_of_threads_changes_no_bit():
    one, two = (fitted(regressor=RNNForecaster(hidden_size=6, max_iter=2, n_jobs=n, random_state=0)) for n in (1, 2))
    assert one.predict(ahead(one, "no")).equals(two.predict(ahead(two, "no")))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"regressor": Ridge()}, "is for RNNForecaster.*Ridge reads a column of each.*Fix: categorical='one-hot'"),
        ({"regressor": LinearForecaster()}, "LinearForecaster reads a column of each"),
        ({"regressor": None, "lookback": "auto"}, "a recipe reads a column of each"),
        ({"regressor": None, "members": {"r": {"regressor": Ridge()}}}, "Ridge reads a column of each"),
        (dict.fromkeys(ROLES), "no covariate holds text or categories"),
        ({"categorical": "ordinal"}, "categorical"),
        ({"regressor": RNNForecaster(skip="linear-all")}, "skip='linear-all' is a linear map from all channels"),
    ],
)
def test_what_cannot_be_is_refused_by_name(settings, says):
    with pytest.raises(ValueError, match=says):
        fitted(**settings)


def test_without_a_vector_of_unknown_ones_they_are_refused():
    model = fitted(regressor=RNNForecaster(hidden_size=4, max_iter=2, category_left_out=0.0, random_state=0))
    with pytest.raises(ValueError, match=r"channel 'promo' holds -1.*category_left_out=0"):
        model.predict(ahead(model, "maybe"))
