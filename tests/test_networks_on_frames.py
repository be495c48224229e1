"""Networks beyond a stack inside of `SeriesForecaster`: every verb, on a panel and on one seasonal series."""

import numpy as np
import pandas as pd
import pytest

import forecast
from forecast import RNNForecaster, SeriesForecaster
from forecast._series import windows_of_frame
from forecast.diagnostics import check_no_leakage, gradient_flow
from forecast.model_selection import RollingOrigin, backtest

WEEK, LOOKBACK, HORIZON = 7, 10, 6
SEASONS = {"north": np.array([9.0, 0, 0, 3, 0, 0, 6]), "south": np.array([0.0, 4, 8, 0, 0, 2, 0])}


def shop(name, n=140, seed=0, first="2024-01-01"):
    days = pd.date_range(first, periods=n, name="day")
    season = SEASONS.get(name, np.full(WEEK, 2.0))
    values = 20 + season[days.day_of_week] + 0.3 * np.random.default_rng(seed).normal(size=n)
    return pd.DataFrame({"day": days, "shop": name, "sold": values, "open": 1.0 * (days.day_of_week < 5)})


def panel():
    """Shops of different beginnings."""
    return pd.concat([shop("north"), shop("south", 120, 1, "2024-01-21")], ignore_index=True)


def network(**changes):
    return RNNForecaster(**dict(cell="gru", hidden_size=8, max_iter=4, random_state=0) | changes)


NETWORKS = {
    "SegRNN of series": dict(segment=3, decoder="segments", series_size=3, future_size=2),
    "steps of series with cycles": dict(segment=4, decoder="steps", decoder_size=8, series_size=2, cycle=WEEK),
    "shared cycle past a skip": dict(cycle=(WEEK, "shared"), skip="linear", bidirectional=True),
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def forecaster(regressor, **changes):
    settings = dict(
        target="sold", series="shop", time="day", future_covariates="open", lookback=LOOKBACK, horizon=HORIZON
    )
    return SeriesForecaster(regressor, **settings | changes)


def known(frame):
    """A history and the rows after it, which say when shops are open."""
    ahead = [
        shop(name, HORIZON, 0, part["day"].iloc[-1] + pd.Timedelta("1D")).assign(sold=np.nan)
        for name, part in frame.groupby("shop", sort=False)
    ]
    return pd.concat(ahead, ignore_index=True)[["day", "shop", "open"]]


@pytest.mark.filterwarnings("ignore:RNNForecaster does not beat")  # in four epochs
@every_network
def test_every_verb_works_on_a_panel(name, tmp_path):
    df = panel()
    model = forecaster(network(**NETWORKS[name])).fit(df)
    future = known(df)
    found = model.predict(future)
    assert len(found) == 2 * HORIZON
    assert np.isfinite(found["sold"]).all()
    again = model.predict(future, history=df)
    pd.testing.assert_frame_equal(again, found, check_exact=True)

    model.save(tmp_path / "model")
    loaded = forecast.load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.predict(future), found, check_exact=True)
    assert loaded.regressor_._series_names == model.regressor_._series_names

    report = backtest(model, df, RollingOrigin(n_splits=2, horizon=HORIZON, time="day"), refit=False)
    assert np.isfinite(report.summary()["MAE"]).all()
    assert gradient_flow(model, df).norms.size


@every_network
def test_a_history_may_begin_anywhere(name):
    """So that neither the phase nor the series depends on which rows come before the window."""
    df = panel()
    model = forecaster(network(**NETWORKS[name])).fit(df)
    future, expected = known(df), model.predict(known(df))
    for rows in (LOOKBACK, LOOKBACK + 3, 50):
        newest = df.groupby("shop", sort=False).tail(rows)
        pd.testing.assert_frame_equal(model.predict(future, history=newest), expected, check_exact=True)
    south = newest[newest["shop"] == "south"]
    alone = model.predict(future[future["shop"] == "south"], history=south)
    assert alone["sold"].tolist() == expected["sold"][HORIZON:].tolist()


@every_network
def test_a_series_that_was_never_seen_is_forecast(name):
    df = panel()
    model = forecaster(network(**NETWORKS[name])).fit(df)
    west, north = shop("west", 30, 2), df[df["shop"] == "north"].tail(30)
    found = model.predict(known(west), history=west)
    assert len(found) == HORIZON
    assert np.isfinite(found["sold"]).all()
    renamed = north.assign(shop="west")
    as_known, as_new = (model.predict(known(f).assign(shop=f["shop"].iloc[0]), history=f) for f in (north, renamed))
    reads_its_name = NETWORKS[name].get("series_size") or not isinstance(NETWORKS[name]["cycle"], tuple)
    assert (as_known["sold"].tolist() != as_new["sold"].tolist()) == bool(reads_its_name)


@every_network
def test_nothing_after_an_origin_reaches_a_forecast(name):
    model = forecaster(network(**NETWORKS[name], max_iter=1))
    check_no_leakage(model, panel(), cv=RollingOrigin(3, HORIZON, time="day"))


def test_a_cycle_of_each_series_is_learnt():
    """From a lookback that is shorter than the season."""
    df = panel()
    model = forecaster(
        network(cycle=WEEK, max_iter=60, learning_rate=0.02, early_stopping=False), future_covariates=None, lookback=3
    ).fit(df)
    found = model.predict()
    for name, part in found.groupby("shop"):
        true = 20 + SEASONS[name][pd.to_datetime(part["day"]).dt.day_of_week]
        assert np.abs(part["sold"] - true).mean() < 0.6, name


def test_one_seasonal_series_has_its_phase_by_the_clock():
    """Fed back beyond the horizon, over a change of clocks."""
    hours = pd.date_range("2024-03-01", periods=24 * 29 + 7, freq="h", tz="UTC").tz_convert("Europe/Berlin")
    wave = np.sin(2 * np.pi * hours.tz_convert("UTC").hour / 24)
    df = pd.DataFrame({"load": 10 + 5 * wave}, index=hours)
    model = SeriesForecaster(
        network(cycle=24, max_iter=40, learning_rate=0.02, early_stopping=False), target="load", lookback=3, horizon=12
    ).fit(df)
    future = model.future_frame(36)
    assert len(set(future.index.map(pd.Timestamp.utcoffset))) == 2
    found = model.predict(future, recursive=True)
    true = 10 + 5 * np.sin(2 * np.pi * found.index.tz_convert("UTC").hour / 24)
    assert np.abs(found["load"] - true).mean() < 0.5


def test_the_windows_of_a_frame_are_placed_as_in_fit():
    df = panel()
    model = forecaster(network(series_size=2, cycle=WEEK)).fit(df)
    windows = windows_of_frame(model, df)
    assert model.regressor_._series_names == list(windows.series_names)
    reversed_ = pd.concat([part for _, part in df.groupby("shop", sort=False)][::-1])
    again = windows_of_frame(model, reversed_)
    north = [w[w.which == list(w.series_names).index("north")] for w in (windows, again)]
    assert np.array_equal(model.regressor_.predict(north[0]), model.regressor_.predict(north[1]))


def test_targets_with_shared_weights_are_series_of_their_own():
    df = shop("north").set_index("day")[["sold"]].assign(lost=shop("south", seed=1)["sold"].to_numpy())
    model = SeriesForecaster(
        network(series_size=2, cycle=WEEK, max_iter=40, learning_rate=0.02), target=["sold", "lost"], lookback=3,
        horizon=HORIZON, multi_target="shared",
    ).fit(df)  # fmt: skip
    assert model.regressor_.weights_["cycle"].shape == (2, 1, WEEK)
    found = model.predict()
    assert np.abs(found["sold"] - (20 + SEASONS["north"][found.index.day_of_week])).mean() < 1.0
    assert np.abs(found["lost"] - (20 + SEASONS["south"][found.index.day_of_week])).mean() < 1.0


def test_one_series_cannot_have_vectors():
    with pytest.raises(ValueError, match=r"series_size=2: .* at least 2 series, got 1"):
        SeriesForecaster(network(series_size=2), target="sold", time="day", lookback=5, horizon=2).fit(
            shop("north")[["day", "sold"]]
        )
