"""What follows "Fix:" in a message can be pasted: it runs, and then the call works or says something else."""

import ast
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from command_line import OPTIONS
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from forecast import SentinelWarning, SeriesForecaster, make_windows
from forecast.cli.problems import described
from forecast.model_selection import RollingOrigin, backtest

PACKAGE = Path(__file__).parent.parent / "forecast"
N = 60
DAYS = pd.date_range("2024-01-01", periods=N)
Y = 10 + np.sin(np.arange(float(N)))
BUSINESS = pd.date_range("2024-01-01", periods=N, freq="B")
BERLIN_IN_UTC = pd.date_range("2024-03-01", periods=N, tz="Europe/Berlin").tz_convert("UTC")
ROLLED = pd.DatetimeIndex([d if d.weekday() < 5 else d + pd.offsets.BDay() for d in
                           pd.date_range("2018-01-15", periods=N, freq="MS") + pd.Timedelta(days=14)])  # fmt: skip
SANTIAGO = pd.date_range("2024-08-20", periods=N).tz_localize("America/Santiago", nonexistent="shift_forward")
SYDNEY = pd.date_range("2024-03-01", periods=24 * 80, freq="h", tz="Australia/Sydney")
SYDNEY = SYDNEY[(SYDNEY.hour >= 9) & (SYDNEY.hour < 17)]
OFFICE = pd.date_range("2024-01-01", "2024-01-13", freq="h")
OFFICE = OFFICE[(OFFICE.hour >= 10) & (OFFICE.hour < 18) & (OFFICE.day_of_week < 5)]
RNG = np.random.default_rng(0)
IRREGULAR = pd.DatetimeIndex(np.sort(DAYS.to_numpy() + RNG.integers(0, 86_000, N).astype("timedelta64[s]")))[::2]
TWO = pd.DatetimeIndex(["2024-03-30 12:00", "2024-03-31 12:00"])


def frame(index=DAYS, **columns):
    return pd.DataFrame({"y": np.resize(Y, len(index))} | columns, index=index)


def column(index=DAYS, **columns):
    return frame(index, **columns).rename_axis("day").reset_index()


def panel(index=DAYS, at="column", names="ab"):
    made = pd.concat([column(index).assign(shop=name) for name in names], ignore_index=True)
    return made if at == "column" else made.set_index("day") if at == "index" else made.set_index(["shop", "day"])


def mixed():
    days = pd.date_range("2024-03-01", periods=N, tz="Europe/Berlin")
    return pd.Index([pd.Timestamp(day.isoformat()) for day in days], dtype=object)


LONG = {"series": "shop"}
LONG_COLUMN = {"series": "shop", "time": "day"}
REFUSED = {  # the frame, and the arguments of the model
    "not a frame": (Y, {}),
    "text index": (frame(DAYS.strftime("%d.%m.%Y")), {}),
    "text index that is no date": (frame(pd.Index([f"row {i}" for i in range(N)])), {}),
    "durations": (frame(pd.timedelta_range("0s", periods=N, freq="10s")), {}),
    "floats": (frame(pd.Index(np.arange(N) * 1.0)), {}),
    "text column": (column(DAYS.strftime("%Y-%m-%d")), {"time": "day"}),
    "text column that is not named": (column(DAYS.strftime("%Y/%m/%d")), {}),
    "text level": (panel(DAYS.strftime("%Y-%m-%d"), "level"), LONG),
    "text column of a panel": (panel(DAYS.strftime("%Y-%m-%d")), LONG_COLUMN),
    "several offsets": (frame(mixed()), {}),
    "several offsets in a column": (frame(day=mixed()).reset_index(drop=True), {"time": "day"}),
    "missing stamps": (frame(DAYS.insert(9, pd.NaT)[:N]).iloc[: N // 2], {"freq": "D"}),
    "missing stamps in a column": (column(DAYS[:29].append(pd.DatetimeIndex([pd.NaT]))), {"time": "day"}),
    "missing stamps in a level": (panel(DAYS[:29].append(pd.DatetimeIndex([pd.NaT])), "level"), LONG),
    "stamps twice": (frame(DAYS.insert(9, DAYS[9])), {}),
    "stamps twice in a column": (column(DAYS.insert(9, DAYS[9])), {"time": "day"}),
    "stamps twice beside text": (frame(DAYS.insert(9, DAYS[9]), kind="a"), {}),
    "stamps twice in a panel": (panel(DAYS.insert(9, DAYS[9])), LONG_COLUMN),
    "stamps twice in the index of a panel": (panel(DAYS.insert(9, DAYS[9]), "index"), LONG),
    "newest first": (frame(DAYS[::-1]), {}),
    "newest first in a column": (column(DAYS[::-1]), {"time": "day"}),
    "newest first in a panel": (panel(DAYS[::-1]), LONG_COLUMN),
    "newest first in the index of a panel": (panel(DAYS[::-1], "index"), LONG),
    "newest first in a level": (panel(DAYS[::-1], "level"), LONG),
    "a panel in pieces": (pd.concat([panel(DAYS[:30]), panel(DAYS[30:])]), LONG_COLUMN),
    "a gap": (frame(DAYS.delete(20)), {}),
    "a gap in a panel": (panel(DAYS.delete(20)), LONG_COLUMN),
    "a gap of whole numbers": (frame(pd.RangeIndex(N).delete(20)), {}),
    "irregular whole numbers": (frame(pd.Index(np.cumsum(np.resize([5, 2, 2], N)))), {}),
    "a gap of periods": (frame(DAYS.to_period("D").delete(20)), {}),
    "a gap of given business days": (frame(BUSINESS.delete(20)), {"freq": "B"}),
    "irregular": (frame(IRREGULAR), {}),
    "irregular in a column": (column(IRREGULAR), {"time": "day"}),
    "irregular in a panel": (panel(IRREGULAR), LONG_COLUMN),
    "irregular in the index of a panel": (panel(IRREGULAR, "index"), LONG),
    "irregular in a level": (panel(IRREGULAR, "level"), LONG),
    "days of Berlin in UTC": (frame(BERLIN_IN_UTC), {}),
    "days of Berlin in UTC, without a zone": (frame(BERLIN_IN_UTC.tz_localize(None)), {}),
    "days of Berlin in UTC, freq given": (frame(BERLIN_IN_UTC), {"freq": "D"}),
    "days of Berlin in a column": (column(BERLIN_IN_UTC), {"time": "day"}),
    "days of Berlin in a level": (panel(BERLIN_IN_UTC, "level"), LONG),
    "days of Santiago, whose clock skips a midnight": (frame(SANTIAGO.tz_convert("UTC")), {}),
    "opening hours of Sydney in UTC, without a zone": (frame(SYDNEY.tz_convert("UTC").tz_localize(None)), {}),
    "two weeks of business hours": (frame(OFFICE), {}),
    "the 15th or the next business day": (frame(ROLLED), {}),
    "the 15th or the next in a panel": (panel(ROLLED), LONG_COLUMN),
    "two rows": (frame(TWO), {}),
    "off a given frequency": (frame(DAYS), {"freq": "2D"}),
    "off a given weekday": (frame(pd.date_range("2024-01-02", periods=N, freq="7D")), {"freq": "W-SUN"}),
    "off a given calendar": (frame(BUSINESS), {"trading_calendar": ["2024-01-16"]}),
    "a calendar for hours": (frame(pd.date_range("2024-01-01", periods=N, freq="h")), {"trading_calendar": []}),
    "a calendar and a frequency": (frame(BUSINESS), {"trading_calendar": [], "freq": "B"}),
    "another frequency of periods": (frame(DAYS.to_period("D")), {"freq": "M"}),
    "NaN": (frame(y=np.where(np.arange(N) == 9, np.nan, Y)), {}),
    "NaN at the start": (frame(y=np.where(np.arange(N) < 3, np.nan, Y)), {}),
    "infinite": (frame(y=np.where(np.arange(N) == 9, np.inf, Y)), {}),
    "text among numbers": (frame(y=[*Y[:-1].tolist(), "n/a"]), {}),
    "complex": (frame(y=Y + 1j), {}),
    "durations as target": (frame(y=pd.to_timedelta(Y, unit="s")), {}),
    "the target twice": (pd.concat([frame(), frame()], axis=1), {}),
    "no target named": (frame(x=Y), {"target": None}),
    "static covariates of one series": (frame(size=1.0), {"static_covariates": "size"}),
    "static covariates with holes": (panel().assign(size=np.r_[np.full(3, np.nan), np.ones(2 * N - 3)]),
                                     LONG_COLUMN | {"static_covariates": "size"}),
    "series without a name": (panel().assign(shop=["a"] * N + [None] * N), LONG_COLUMN),
    "series without a name in a level": (panel().assign(shop=["a"] * N + [None] * N).set_index(["shop", "day"]), LONG),
    "series in the column and the level": (panel(at="level").assign(shop="a"), LONG),
    "levels without a role": (panel(at="level"), {}),
    "one stamp for several series": (panel(at="index"), {}),
    "two columns of stamps": (column(sent=DAYS[0]), {}),
    "a lazy frame": (pl.DataFrame({"day": DAYS, "y": Y}).lazy(), {"time": "day"}),
}  # fmt: skip


def fix_of(error):
    """The code at the end of a message; None where there is none."""
    text = str(error)
    if "Fix" not in text:
        return None
    assert text.count("Fix: ") == 1, text
    assert text.endswith("."), text
    return text.partition("Fix: ")[2][:-1]


def applied(code, df, arguments):
    """The frame and the arguments after what a fix says."""
    tree = ast.parse(code)  # a statement on the frame, or an argument
    assert len(tree.body) == 1
    (target,) = tree.body[0].targets
    scope = {"df": df, "X": df, "pd": pd, "np": np}
    exec(code, scope)
    if isinstance(target, ast.Name) and target.id not in ("df", "X", "history"):
        return df, arguments | {target.id: scope[target.id]}
    return scope["df"], arguments


def fitted(df, arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for message in ("no trading calendar", "the index only counts"):
            warnings.filterwarnings("ignore", message=message)
        return SeriesForecaster(Ridge(), **({"target": "y", "lookback": 4, "horizon": 2} | arguments)).fit(df)


def tried(df, arguments):
    """The fitted model, or the refusal."""
    try:
        return fitted(df, arguments), None
    except (TypeError, ValueError) as error:
        return None, error


@pytest.mark.parametrize("name", REFUSED)
def test_a_fix_runs_and_helps(name):
    df, arguments = REFUSED[name]
    df, said = (df.copy() if isinstance(df, pd.DataFrame) else df), []
    while len(said) < 4:
        model, error = tried(df, arguments)
        if model is not None:
            break
        if name == "two rows" and said:  # the frequency is known, and two rows are too few for a window
            return
        code = fix_of(error)
        assert code is not None, error
        assert code not in said, error
        said.append(code)
        df, arguments = applied(code, df, arguments)
    assert said
    assert np.isfinite(np.asarray(model.predict()["y"], dtype=float)).all()


def test_what_cannot_be_pasted_is_no_fix():
    far = frame(DAYS.append(pd.DatetimeIndex(["2154-01-01"])))
    cases = [
        (far, {"freq": "D", "gaps": "mask"}),
        (frame(pd.Index([*DAYS[:30].tz_localize("UTC"), *DAYS[30:]], dtype=object)), {}),
        (panel().assign(size=np.arange(2.0 * N)), LONG_COLUMN | {"static_covariates": "size"}),
        (frame(x=[f"name {i}" for i in range(N)]).iloc[:0], {}),
        (column(pd.Index([f"row {i} of {N}" for i in range(N)])), {"time": "day"}),
        (frame(), {"target": "x"}),
        (frame(), {"freq": "fortnight"}),
    ]
    for df, arguments in cases:
        with pytest.raises((TypeError, ValueError)) as caught:
            fitted(df, arguments)
        assert fix_of(caught.value) is None


# -------------------- histories, future rows, windows, splitters


def model_of(df, **arguments):
    return fitted(df, arguments)


LOCAL = DAYS.tz_localize("Europe/Berlin")
HISTORIES = {
    "another zone": (frame(LOCAL), frame(LOCAL.tz_convert("UTC"))),
    "no zone": (frame(LOCAL), frame(DAYS)),
    "a zone": (frame(DAYS), frame(DAYS.tz_localize("UTC"))),
    "hours for days": (frame(DAYS), frame(pd.date_range("2024-01-01", periods=24 * 20, freq="h"))),
    "stamps for periods": (frame(DAYS.to_period("D")), frame(DAYS)),
    "periods for stamps": (frame(DAYS), frame(DAYS.to_period("D"))),
    "a column for an index": (frame(DAYS), column(DAYS)),
    "a zone in a column": (column(DAYS.tz_localize("UTC")), column(DAYS)),
    "newest first": (frame(DAYS), frame(DAYS[::-1])),
    "missing values": (frame(DAYS), frame(DAYS, y=np.where(np.arange(N) == 9, np.nan, Y))),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_a_fix_of_a_history_runs_and_helps(name):
    known, history = HISTORIES[name]
    model = model_of(known)
    with pytest.raises(ValueError, match="Fix: ") as caught:
        model.predict(history=history)
    scope = {"history": history.copy(), "df": history.copy(), "pd": pd}
    code = fix_of(caught.value)
    exec(code, scope)
    assert len(model.predict(history=scope["df" if code.startswith("df") else "history"])) == 2


def test_future_rows_with_their_time_in_a_column_are_told_so():
    model = model_of(frame())
    future = model.future_frame().rename_axis("day").reset_index()
    with pytest.raises(ValueError, match="counts rows") as caught:
        model.predict(future)
    scope = {"X": future}
    exec(fix_of(caught.value), scope)
    assert len(model.predict(scope["X"])) == 2


def test_a_history_over_a_change_of_the_clock_names_the_zone():
    days = pd.date_range("2024-01-01", periods=150, tz="Europe/Berlin").tz_convert("UTC")
    model = model_of(frame(days[:60]))  # winter alone is regular in UTC
    with pytest.raises(ValueError, match=r"not on the grid.*In zone Europe/Berlin they are regular") as caught:
        model.predict(history=frame(days))
    assert type(caught.value) is ValueError


@pytest.mark.parametrize("rows", [slice(0, 0), slice(1, 3), slice(0, 1)], ids=["none", "later", "too few"])
def test_a_fix_of_future_rows_runs_and_helps(rows):
    model = model_of(frame(x=Y), future_covariates="x")
    future = model.future_frame().fillna(0.0).iloc[rows]
    with pytest.raises(ValueError, match="Fix: ") as caught:
        model.predict(future)
    scope = {"model": model}
    exec(fix_of(caught.value), scope)
    assert len(model.predict(scope["X"].fillna(0.0))) >= 1


WINDOWS = {
    "gap": DAYS.delete(9),
    "irregular": IRREGULAR,
    "gap of steps": pd.RangeIndex(N).delete(9),
    "gap of periods": DAYS.to_period("D").delete(9),
    "newest first": DAYS[::-1],
    "twice": DAYS.insert(9, DAYS[9]),
    "irregular steps": pd.Index([0, 5, 7, 9, 20, 22, 23, 25, 26]),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_a_fix_of_windows_runs_and_helps(name):
    df = frame(WINDOWS[name])
    with pytest.raises(ValueError, match="Fix: ") as caught:
        make_windows(df, lookback=4, horizon=2)
    df, _ = applied(fix_of(caught.value), df, {})
    assert len(make_windows(df, lookback=4, horizon=2))


def test_a_fix_of_a_warning_runs():
    df = frame(y=np.where(np.isin(np.arange(N), [7, 8]), -9999.0, Y))
    with pytest.warns(SentinelWarning) as said:
        SeriesForecaster(Ridge(), lookback=4, horizon=2).fit(df)
    df, _ = applied(fix_of(said[0].message), df, {})
    assert df["y"].isna().sum() == 2


def test_fixes_of_splitters_run():
    with pytest.raises(ValueError, match="Fix: ") as caught:
        list(RollingOrigin(n_splits=40, horizon=2).split(frame()))
    _, arguments = applied(fix_of(caught.value), None, {})
    assert len(list(RollingOrigin(**arguments, horizon=2).split(frame()))) == arguments["n_splits"]
    with pytest.raises(ValueError, match="Fix: ") as caught:
        backtest(SeriesForecaster(Ridge(), lookback=4, horizon=2), frame(), KFold(3))
    scope = {"RollingOrigin": RollingOrigin}
    exec(fix_of(caught.value), scope)
    backtest(SeriesForecaster(Ridge(), lookback=4, horizon=2), frame(), scope["cv"])
    assert scope["cv"].n_splits == 3


# -------------------- the sources


def written(node):
    """Text as the source has it, with a name in place of what is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join("PUT_IN" if isinstance(part, ast.FormattedValue) else part.value for part in node.values)
    return None


def codes_in(tree):
    """What is handed to `Fix`, and to `fix=` of a refusal, for Python's users."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    given = [node.args[0] for node in calls if getattr(node.func, "id", "") == "Fix" and node.args]
    given += [one.value for node in calls for one in node.keywords if one.arg == "fix"]
    return [code for code in map(written, given) if code is not None]


SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent.name != "cli"]  # which has words of its own


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_fix_in_the_sources_is_code(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    texts = [written(node) for node in ast.walk(tree) if id(node) not in parts]
    for text in texts:
        if text is None or "Fix: " not in text or '"Fix: "' in text or "Fix: .*" in text or "\n" in text:
            continue  # a pattern or a docstring
        code = text.partition("Fix: ")[2]
        assert code.endswith("."), text
        if not code.startswith("pip install "):
            ast.parse(code[:-1])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_fix_of_a_refusal_is_code(path):
    """One statement, one argument or one expression, whatever is put in."""
    for code in codes_in(ast.parse(path.read_text(encoding="utf-8"))):
        if code == "pip install PUT_IN":  # for the shell
            continue
        assert len(ast.parse(code).body) == 1, code


@pytest.mark.parametrize("name", REFUSED)
def test_the_command_names_options_that_it_has(name):
    _, error = tried(*REFUSED[name])
    said = described(error)
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", said)) <= OPTIONS
    _, mark, fix = said.partition("Fix: ")
    assert not mark or fix.lstrip().startswith(("--", "leave out --")), said
    assert "KFold" not in said
