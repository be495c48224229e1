"""Random configurations of the forecaster on random series: each is refused for a known reason, or is one model.

What fits answers alike in every way that it can be asked: `predict`, the same rows as `history=`, the rows of the
future, a backtest, a pickle and a file. Nothing changes the user's frame, and no forecast is NaN.
"""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from random_configurations import draw

from forecast import BoundsWarning, LateSeriesWarning, SeriesForecaster, load
from forecast.model_selection import BacktestWarning, RollingOrigin, SkillWarning, backtest

POSITIVE = ("log", "log1p", "boxcox", "log_return")


def transforms(one):
    given = one.options["transform"]
    return given if isinstance(given, list) else [given]


REFUSALS = (  # (what must have been drawn, what the refusal says)
    (lambda one: one.options["gaps"] == "error" and one.drawn["gap"] != "none", r"the index has gaps: at frequency"),
    (
        lambda one: one.options["missing"] == "error" and one.rows.isna().any(axis=None),
        r"(target|past covariate) '[ypz]' has \d+ missing values \(NaN\)",
    ),
    (lambda one: one.options["window_norm"] == ("season", 3), r"has to hold the season"),
    (
        lambda one: one.drawn["layout"] == "objects" and isinstance(one.drawn["freq"], int),
        r"column 'when' holds object values, starting with -?\d+",
    ),
    (
        lambda one: any(name in POSITIVE for name in transforms(one)) and (one.rows[one.targets] <= 0).any(axis=None),
        r"(values are not positive|values are -?\d+ or less), the first",
    ),
    (
        lambda one: "seasonal_difference" in transforms(one),
        r"has no season to go by|the differences take the first|lost to the transform",
    ),
    (lambda one: one.drawn["holes"] == "many", r"every window misses some target, and \w+ cannot leave"),
)


def known_refusal(one, error):
    """Whether a refusal has a reason in what was drawn."""
    return any(fits(one) and re.search(words, str(error)) for fits, words in REFUSALS)


def as_frame(answer):
    return pd.DataFrame(answer.to_pandas() if hasattr(answer, "to_pandas") else answer)


def by_series(one, answer, rows=None):
    """Forecasts by series and stamp, out of an answer in the layout of the data, or of one row per row of `rows`."""
    table = as_frame(answer)
    if rows is None:
        table = table if "when" in {*table.columns, *table.index.names} else table.rename_axis("when")
        table = table.reset_index() if {"when", "shop"} & set(table.index.names) else table
        series = table["shop"] if "shop" in table else pd.Series("s0", table.index)
        keys = pd.MultiIndex.from_arrays([series, table["when"]])
    else:
        series = rows["series"].map(one.key) if one.drawn["n_series"] > 1 else "s0"
        keys = pd.MultiIndex.from_arrays([pd.Series(series, rows.index), rows["stamp"]])
    columns = [name for name in table.columns if name not in ("shop", "when")]
    assert len(columns) == len(one.targets)
    return pd.DataFrame(table[columns].to_numpy(np.float64), keys, one.targets).sort_index()


def assert_same(got, expected, what):
    common = got.index.intersection(expected.index)
    assert len(common) == len(got.index), f"{what}: other rows"
    assert np.array_equal(got.to_numpy(), expected.loc[got.index].to_numpy()), f"{what}: other values"


def assert_one_model(one, path):
    horizon, rows = one.options["horizon"], one.rows
    stamps = pd.Index(rows["stamp"].unique()).sort_values()
    early, late = stamps[-horizon - 2], stamps[-horizon - 1]
    past = rows[rows["stamp"] <= early]
    train, y = one.laid_out(past)
    before = pickle.loads(pickle.dumps((train, y)))
    model = SeriesForecaster(**one.options).fit(train, y)

    ahead = one.future(past)
    answer = model.predict(ahead)
    first = by_series(one, answer) if ahead is None else by_series(one, answer, one.future_rows(past))
    assert np.isfinite(first.to_numpy()).all(), "a forecast is NaN"
    ends = past.groupby("series")["stamp"].max()
    for key, table in first.groupby(level=0, observed=True):
        last = ends[key if isinstance(key, str) else f"s{key}"]
        expected = one.after(last, horizon)
        assert list(table.index.get_level_values(1)) == list(expected), "the index does not continue the data"
    again = model.predict(ahead, history=_with_target(one, past), errors="raise")
    assert_same(
        by_series(one, again) if ahead is None else by_series(one, again, one.future_rows(past)), first, "history"
    )
    assert all(a is b is None or a.equals(b) for a, b in zip((train, y), before, strict=True)), "the frame was changed"

    copies = {"pickle": pickle.loads(pickle.dumps(model))}
    model.save(path)
    copies["file"] = load(path)
    for what, copy in copies.items():
        got = copy.predict(ahead)
        assert_same(by_series(one, got) if ahead is None else by_series(one, got, one.future_rows(past)), first, what)

    known = rows[rows["stamp"] <= late]
    ahead = one.future(known)
    second = model.predict(ahead, history=_with_target(one, known), errors="raise")
    second = by_series(one, second) if ahead is None else by_series(one, second, one.future_rows(known))
    assert_updated(one, model, path, known, rows[(rows["stamp"] > early) & (rows["stamp"] <= late)])
    assert_backtest(one, {early: first, late: second}, past, known)


def assert_updated(one, model, path, known, new):
    """After an update, forecasts and intervals are those of the whole history, also out of a file."""
    if not len(new):
        return
    ahead, history = one.future(known), _with_target(one, known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LateSeriesWarning)
        updated = load(path).update(*one.laid_out(new))
    calls = [lambda model, **more: model.predict(ahead, **more)]
    if model._state.calibration is not None:
        calls.append(lambda model, **more: model.predict_interval(ahead, coverage=[0.5], **more))
    updated.save(path)
    for call in calls:
        wanted = as_frame(call(model, history=history, errors="raise"))
        for copy in (updated, load(path)):
            got = as_frame(call(copy))  # out of a file, text of Arrow is text of pandas
            pd.testing.assert_frame_equal(got, wanted, check_dtype=False, rtol=0, atol=0, obj="after an update")


def _with_target(one, rows):
    """A history holds the target: predict has no argument for it."""
    return one.laid_out(rows, apart=False)[0]


def assert_backtest(one, expected, past, known):
    """Forecasts of a backtest are those of `predict`, where both start after the same row."""
    if one.rows.loc[one.rows["stamp"] > min(expected), one.targets].isna().all(axis=None):
        return  # nothing to compare with: refused
    frame, _ = one.laid_out(one.rows, apart=False)
    options = one.options | ({"target": "y"} if "target" not in one.options else {})
    cv = RollingOrigin(
        2, one.options["horizon"], step=1, time="when" if one.drawn["n_series"] > 1 else options.get("time")
    )
    report = backtest({"model": SeriesForecaster(**options)}, frame, cv, refit=False)
    table = report.frame[report.frame["model"] == "model"]
    if "series" not in table:
        table = table.assign(series="s0")
    for (origin, forecasts), rows in zip(expected.items(), (past, known), strict=True):
        ends = rows.groupby("series")["stamp"].max()
        for key, mine in table[table["origin"] == origin].groupby("series", observed=True):
            name = key if isinstance(key, str) else f"s{key}"
            if ends[name] != origin:  # a gap right before it: predict starts earlier
                continue
            ahead = one.rows[(one.rows["series"] == name) & (one.rows["stamp"] > origin)]
            if "future_covariates" in options and not set(mine["timestamp"]) <= set(ahead["stamp"]):
                continue  # a backtest has the rows of the data, of which some are missing
            wide = mine.pivot(index="timestamp", columns="target", values="forecast")[one.targets]
            got = pd.DataFrame(wide.to_numpy(), pd.MultiIndex.from_product([[key], wide.index]), one.targets)
            assert_same(got, forecasts, f"backtest from {origin}")


@pytest.mark.parametrize(
    ("first", "count"), [(0, 40), pytest.param(1000, 1000, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_a_configuration_is_one_model_or_refused_for_a_known_reason(first, count, tmp_path):
    fitted = 0
    for seed in range(first, first + count):
        one = draw(seed)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                for category in (BoundsWarning, SkillWarning, BacktestWarning):
                    warnings.simplefilter("ignore", category)
                assert_one_model(one, tmp_path / "model.forecast")
        except (ValueError, TypeError) as error:
            if not known_refusal(one, error):
                raise AssertionError(f"{error}: {one}") from error
        except Exception as error:
            raise AssertionError(f"{error}: {one}") from error
        else:
            fitted += 1
    assert fitted > 0.4 * count
