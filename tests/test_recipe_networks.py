"""Settings of the recipe's networks: sound for every kind of data, within their time, from the rows to learn alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast._frames import Roles, Rules, read_panel
from forecast._preparation import Rows, Settings, Task, trained
from forecast._preparation.member import _MOST, _validation_windows
from forecast._recipe import networks
from forecast._recipe.networks import network_settings


def read(frame, horizon, freq="h", seasons=(24,), calendar=(), masked=False, lookback=48, learnt=0.8, **roles):
    """Task, rows, ends and the other arguments of `network_settings`."""
    if "series" not in roles:
        frame = frame.set_index(pd.date_range("2020-01-01", periods=len(frame), freq=freq))
    roles = Roles.of(frame, **roles)
    panel = read_panel(frame, roles, Rules(missing="mask" if masked else "error"))
    rows = Rows.of(panel)
    schema = panel.schema
    task = Task(horizon, panel.axis, list(roles.target), schema.past_names, schema.future_names, masked)
    ends = rows.starts[:-1] + (np.diff(rows.starts) * learnt).astype(np.int64)
    linear = Settings(None, lookback, "last", "standard", tuple(calendar))
    rest = dict(seasons=list(seasons), linear=linear, loss="absolute_error", random_state=0, n_jobs=1)
    return (task, rows, ends), rest


def values(n, columns=1, season=24):
    rng = np.random.default_rng(n)
    time = np.arange(n)[:, None]
    wave = np.sin(2 * np.pi * time / season + np.arange(columns))
    return (wave + rng.normal(0, 0.3, (n, columns))).astype("float32")


def wide(n, columns=1, season=24):
    return pd.DataFrame(values(n, columns, season), columns=[f"y{c}" for c in range(columns)])


def series(lengths):
    parts = [pd.DataFrame({"id": k, "t": np.arange(n), "y": values(n)[:, 0]}) for k, n in enumerate(lengths)]
    return pd.concat(parts, ignore_index=True)


def with_covariates(n):
    frame = wide(n, 3).rename(columns={"y0": "y", "y1": "past", "y2": "known"})
    frame.loc[frame.index % 50 == 3, "y"] = np.nan
    return frame


KINDS = {
    "hourly, several": lambda: read(wide(1500, 3), 24, target=["y0", "y1", "y2"]),
    "hourly, one": lambda: read(wide(1500), 24),
    "no season": lambda: read(wide(800).cumsum(), 12, freq="D", seasons=()),
    "weekly": lambda: read(wide(500, 2, 52), 24, freq="W", seasons=(52,), target=["y0", "y1"]),
    "daily, calendar": lambda: read(wide(800), 7, freq="D", seasons=(), calendar=("dayofyear",)),
    "panel": lambda: read(series([200, 260, 300]), 12, target="y", series="id", time="t"),
    "two seasons": lambda: read(series([700, 960]), 48, seasons=(24, 168), target="y", series="id", time="t"),
    "weather": lambda: read(
        with_covariates(900), 24, masked=True, target="y", past_covariates="past", future_covariates="known",
        calendar=("hour",),
    ),
}  # fmt: skip


@pytest.fixture(params=KINDS, ids=str)
def kind(request):
    return KINDS[request.param]()


def test_every_network_trains_and_forecasts(kind):
    (task, rows, ends), rest = kind
    found = network_settings(task, rows, ends, **rest)
    assert len(found) == 2
    origins = rows.ends - task.horizon
    for settings in found.values():
        settings.regressor.set_params(max_steps=3, max_iter=1, warmup_steps=1)
        member, _ = trained(settings, task, rows, ends)
        assert len(member.regressor.validation_loss_curve_) == 1
        forecast = member.forecast(rows, origins)
        assert forecast.shape == (len(origins), task.horizon, rows.targets.shape[1])
        assert np.isfinite(forecast).all()
        assert settings.lookback <= (ends - rows.starts[:-1]).min()


def test_equal_arguments_give_equal_settings(kind):
    (task, rows, ends), rest = kind
    assert str(network_settings(task, rows, ends, **rest)) == str(network_settings(task, rows, ends, **rest))


def test_what_lies_behind_the_ends_changes_nothing(kind):
    (task, rows, ends), rest = kind
    found = network_settings(task, rows, ends, **rest)
    targets = rows.targets.copy()
    for end, stop in zip(ends, rows.starts[1:], strict=True):
        targets[end:stop] = 1e6
    assert str(network_settings(task, replace(rows, targets=targets), ends, **rest)) == str(found)


def test_rows_that_a_difference_takes_are_not_counted():
    """The shortest series has a window to forecast from, and not one row more."""
    (task, rows, ends), rest = read(series([60, 400, 400]), 12, seasons=(), target="y", series="id", time="t")
    for transform in ("standard", "difference"):
        given = rest | dict(linear=replace(rest["linear"], transform=transform))
        for settings in network_settings(task, rows, ends, **given).values():
            settings.regressor.set_params(max_steps=1, max_iter=1, warmup_steps=0)
            member, _ = trained(settings, task, rows, ends)
            assert member.looks_back == 48
            assert np.isfinite(member.forecast(rows, ends - 1)).all()


@pytest.mark.parametrize("n", [5, 30, 120])
def test_too_few_rows_get_no_network(n):
    arguments, rest = read(wide(n), 24)
    assert network_settings(*arguments, **rest) == {}


@pytest.mark.parametrize("columns", [1, 7, 21])
@pytest.mark.parametrize("horizon", [24, 96, 720])
@pytest.mark.parametrize("calendar", [(), ("dayofyear",)], ids=["no calendar", "calendar"])
def test_the_steps_of_a_fit_stay_within_the_budget(columns, horizon, calendar):
    frame = wide(20_000, columns)
    arguments, rest = read(frame, horizon, target=list(frame.columns), calendar=calendar)
    for settings in network_settings(*arguments, **rest).values():
        net = settings.regressor
        hidden, tokens = net.hidden_size, settings.lookback / net.segment
        window = tokens * 6 * hidden**2 + horizon * hidden  # at least that
        seconds = 3 * net.batch_size * window * net.max_steps / networks._RATE
        assert net.max_steps == 100 or seconds <= networks._BUDGET
        assert net.warmup_steps < net.max_steps <= 1500


def test_networks_with_covariates_have_their_whole_budget_from_12_000_windows_on(monkeypatch):
    def steps(n):
        arguments, rest = read(
            with_covariates(n), 24, masked=True, target="y", past_covariates="past", future_covariates="known",
            calendar=("hour",), seasons=(168,),
        )  # fmt: skip
        return [one.regressor.max_steps for one in network_settings(*arguments, **rest).values()]

    few, many = steps(3_000), steps(16_000)
    monkeypatch.setattr(networks, "_WORTH_COVARIATES", 1)
    assert steps(16_000) == many
    assert min(steps(3_000)) > max(few)


def test_windows_are_cut_into_parts_of_the_season():
    for season, horizon in ((24, 96), (144, 96), (96, 96), (52, 24), (7, 14)):
        frame = wide(9000, 2, season)
        arguments, rest = read(frame, horizon, seasons=(season,), target=list(frame.columns))
        for settings in network_settings(*arguments, **rest).values():
            segment = settings.regressor.segment
            assert settings.lookback % season == 0
            assert season % segment == 0
            assert 7 <= settings.lookback / segment <= 200


def test_a_calendar_is_read_where_no_window_holds_its_cycle():
    for calendar, expected in ((("hour", "dayofweek"), ()), (("hour", "dayofyear"), ("hour", "dayofyear"))):
        arguments, rest = read(wide(9000), 24, calendar=calendar)
        for settings in network_settings(*arguments, **rest).values():
            assert settings.calendar == expected
            assert settings.regressor.decoder == ("steps" if expected else "dense")


def test_the_level_stays_in_a_window_only_where_it_does_not_move():
    still, rest = read(wide(2000), 24)
    drift, _ = read(wide(2000) + np.linspace(0, 5, 2000, dtype="float32")[:, None], 24)
    norms = [{s.window_norm for s in network_settings(*rows, **rest).values()} for rows in (still, drift)]
    assert norms == [{("mean", 0.3), None}, {("mean", 0.3), "standard"}]


def test_of_many_validation_windows_some_of_every_series_are_looked_at():
    (task, rows, ends), rest = read(wide(4000, 4), 12, target=[f"y{c}" for c in range(4)])
    settings = next(iter(network_settings(task, rows, ends, **rest).values()))
    settings.regressor.set_params(max_steps=1, max_iter=1, warmup_steps=0)
    member, _ = trained(settings, task, rows, ends)
    split = rows.split()
    windows = _validation_windows(member.preparation, split, split.starts[:-1] + ends[0], member.regressor)
    assert len(windows) == _MOST
    assert (np.bincount(windows.which) == _MOST / 4).all()
    assert (windows.origins - split.starts[windows.which] + 1 >= ends[0]).all()


def test_a_few_hundred_windows_are_needed_for_a_network():
    for rows, there_are in ((250, False), (500, True)):  # 147 and 347 windows, of four rows in five
        arguments, rest = read(wide(rows), 6)
        assert bool(network_settings(*arguments, **rest)) == there_are, rows
