"""`cell="gru_decay"` with `missing="mask"`: on a grid, states decay with the steps since the last observed value."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, ShortHistoryWarning, load
from forecast._preparation import Rows
from forecast.diagnostics import explain
from forecast.model_selection import RollingOrigin, backtest

pytestmark = pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")


def grid_of(n=200, seed=0, missing=0.5):
    rng = np.random.default_rng(seed)
    index = pd.date_range("2024-01-01", periods=n, freq="h", name="time")
    df = pd.DataFrame({"y": np.sin(np.arange(n) / 8) + 0.1 * rng.normal(size=n), "x": rng.normal(size=n)}, index=index)
    df.loc[rng.random(n) < missing, "y"] = np.nan
    return df


def network(**changes):
    return RNNForecaster(**dict(cell="gru_decay", hidden_size=4, max_iter=3, random_state=0) | changes)


def model(regressor=None, **changes):
    arguments = dict(target="y", lookback=8, horizon=3, missing="mask", past_covariates="x") | changes
    return SeriesForecaster(network() if regressor is None else regressor, **arguments)


FRAME = grid_of()


def rows_of(*series, padding=None):
    """Rows of series of targets (rows, targets)."""
    targets = np.concatenate(series)
    starts = np.concatenate([[0], np.cumsum(list(map(len, series)))])
    none = np.zeros((len(targets), 0))
    return Rows(
        list(range(len(series))), starts, pd.RangeIndex(len(targets)), targets, none, none, none[: len(series)],
        padding=padding,
    )  # fmt: skip


def by_definition(series):
    """Che et al. 2018, equation 2, with one time for all targets; 0 before the first value."""
    found, since, seen = [], 0, False
    for row in series:
        found.append(since + 1 if seen else 0)
        since = 0 if not np.isnan(row).all() else found[-1]
        seen |= not np.isnan(row).all()
    return found


def test_the_steps_since_the_last_value_are_those_of_gru_d():
    rng = np.random.default_rng(0)
    series = [np.where(rng.random((n, 2)) < 0.7, np.nan, 1.0) for n in (30, 1, 0, 40)]
    found = rows_of(*series).since_observed()
    assert found[:, 0].tolist() == [since for one in series for since in by_definition(one)]
    assert found.max() > 3


def test_padding_before_a_short_series_was_not_observed():
    rows = rows_of(np.ones((5, 1)), padding=np.array([True, True, False, False, False]))
    assert rows.since_observed()[:, 0].tolist() == [0, 0, 0, 1, 1]


# -------------------- what windows read


def test_windows_name_the_channel_and_only_cells_that_decay_have_it():
    fitted = model(calendar=["hour"]).fit(FRAME)
    (member, _), *_ = fitted._state.parts
    rows = fitted._state.read(FRAME, fitted._rules(), "X")
    windows = member.preparation.windows(rows, [50, 90])
    assert windows.channel_names[windows.elapsed] == "steps since the last value"
    channels = np.asarray(windows)[:, : 8 * windows.n_channels].reshape(2, 8, -1)
    expected = by_definition(FRAME[["y"]].to_numpy())
    for window, newest in zip(channels, (50, 90), strict=True):
        assert window[:, windows.elapsed].tolist() == expected[newest - 7 : newest + 1]
    (other, _), *_ = model(network(cell="gru")).fit(FRAME)._state.parts
    assert other.preparation.names == ["y", "x", "y observed", "x observed"]


def test_the_core_gathers_what_the_matrix_of_the_windows_holds():
    fitted = model().fit(FRAME)
    (member, _), *_ = fitted._state.parts
    rows = fitted._state.read(FRAME, fitted._rules(), "X")
    windows = member.preparation.windows(rows, np.arange(20, 150))
    assert np.allclose(member.regressor.predict(windows), member.regressor.predict(np.asarray(windows)), atol=1e-6)


def test_a_channel_that_the_user_names_is_the_one_that_counts():
    (member, _), *_ = model(network(elapsed=1)).fit(FRAME)._state.parts
    assert member.preparation.names == ["y", "x", "y observed", "x observed"]


# -------------------- forecasts


@pytest.mark.parametrize("changes", [
    {}, {"decoder": "steps"}, {"decoder": "recurrent"}, {"num_layers": 2, "bidirectional": True},
    {"return_sequences": True}, {"stateful": True}, {"attention": "dot"},
])  # fmt: skip
def test_forecasts_do_not_depend_on_the_rows_that_are_kept(changes):
    fitted = model(network(**changes), lookback=30).fit(FRAME[:-40])  # more rows than a season
    for gap in (slice(-35, -24), slice(-34, -30)):  # the oldest row of the window lies in it, or right behind it
        df, again = FRAME.copy(), deepcopy(fitted)
        df.iloc[-40:, 0] = 0.5
        df.iloc[gap, 0] = np.nan
        again.update(df[-40:])
        assert again.predict().equals(again.predict(history=df))
        if "stateful" not in changes:  # which reads from the beginning
            assert again.predict().equals(again.predict(history=df[-80:]))


def test_a_backtest_forecasts_as_with_a_history():
    """Which is cut to the rows that a forecast needs, more than a season: in a backtest all rows are there."""
    df = FRAME.copy()
    df.iloc[164:167, 0] = np.nan
    df.iloc[167, 0] = 0.5  # the oldest row of the last window, right behind a gap
    report = backtest(model(lookback=30), df, RollingOrigin(n_splits=3, horizon=3), refit=False).frame
    fitted = model(lookback=30).fit(df[:-9])
    for end in (191, 194, 197):
        mine = report[(report["model"] == "RNNForecaster") & (report["origin"] == df.index[end - 1])]
        assert mine["forecast"].tolist() == fitted.predict(history=df[:end])["y"].tolist()


def test_rows_that_are_missing_on_the_grid_are_steps_without_a_value():
    kept = FRAME.dropna()
    gaps = model(gaps="mask").fit(kept)
    assert gaps.predict().index[0] == kept.index[-1] + pd.Timedelta(hours=1)
    whole = FRAME[kept.index[0] : kept.index[-1]].copy()
    whole.loc[whole["y"].isna(), "x"] = np.nan
    assert gaps.predict().equals(model().fit(whole).predict())


@pytest.mark.parametrize("multi_target", ["joint", "shared"])
def test_targets_and_series_go_together(multi_target):
    both = pd.concat([grid_of(90 + 20 * seed, seed).assign(sensor=name) for seed, name in enumerate("ab")])
    both["z"] = both["x"].where(np.arange(len(both)) % 3 > 0)
    fitted = model(target=["y", "z"], past_covariates=None, series="sensor", multi_target=multi_target).fit(both)
    assert fitted.predict().equals(fitted.predict(history=both))


def test_a_short_history_is_padded():
    fitted = model().fit(FRAME)
    with pytest.warns(ShortHistoryWarning):
        short = fitted.predict(history=FRAME[-6:])
    assert np.isfinite(short["y"]).all()


def test_a_file_forecasts_the_same(tmp_path):
    fitted = model().fit(FRAME)
    fitted.save(tmp_path / "decay.forecast")
    assert load(tmp_path / "decay.forecast").predict().equals(fitted.predict())


def test_the_decay_is_trained():
    """Longer gaps make the network forget: the weights of the decay move, and the forecast follows them."""
    fitted = model(network(max_iter=20)).fit(FRAME)
    (member, _), *_ = fitted._state.parts
    first = network(max_iter=1, learning_rate=1e-9)
    (start, _), *_ = model(first).fit(FRAME)._state.parts
    name = "0.decay_w"
    assert np.abs(member.regressor.weights_[name] - start.regressor.weights_[name]).max() > 1e-3


# -------------------- explanations


def test_an_explanation_holds_the_times():
    fitted = model(calendar=["hour"]).fit(FRAME)
    why = explain(fitted, step="each")
    assert why.forecast[0] == pytest.approx(fitted.predict()["y"].to_numpy(), abs=1e-5)
    assert why.values.sum() == pytest.approx((why.forecast - why.baseline).sum(), rel=0.01)


@pytest.mark.parametrize("calendar", [None, ["hour"]])
@pytest.mark.parametrize("regressor", [None, Ridge(), network(cell="lstm")])
def test_a_forecast_at_irregular_times_is_explained(regressor, calendar):
    """Its windows hold the time of each row, which is held, behind the calendar."""
    regressor = network(decoder="steps") if regressor is None else regressor
    irregular = model(regressor, gaps="irregular", missing="error", freq="h", calendar=calendar).fit(FRAME.dropna())
    why = explain(irregular, step="each")
    assert why.forecast[0] == pytest.approx(irregular.predict()["y"].to_numpy(), abs=1e-5)
    assert why.values.sum() == pytest.approx((why.forecast - why.baseline).sum(), rel=0.01)
    assert set(why.by_column().index) == {"y", "x", *(calendar or [])}
