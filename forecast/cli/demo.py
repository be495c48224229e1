"""`forecast demo`: a first forecast of a real series, or of your own file, compared with naive ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .options import add_command, count
from .printing import best, day, scores_table, step_of, verdict
from .problems import ProblemError, described, short_problems
from .writing import check_picture, write_picture

if TYPE_CHECKING:
    import argparse
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence
    from typing import Any

    import pandas as pd

    from .._series import SeriesForecaster
    from ..model_selection import BacktestReport
    from .terminal import Terminal

__all__ = ["add", "run"]

OTHERS = {"ridge": "ridge regression", "LSTM": "a plain LSTM"}  # that may be better than the recipe

_DESCRIPTION = """\
Forecast a series from several past origins with the recipe, which chooses its own settings. Compare it with a plain
LSTM, ridge regression and naive forecasts, and draw the newest forecasts.

Without a file, the series is weekly CO2 at Mauna Loa. A CSV file needs a header and a numeric column. The time is the
first column of dates, or the one named by --time, and has to be regular.
"""
_EXAMPLES = """\
examples:
  forecast demo
  forecast demo data.csv --target temperature --horizon 24
"""


def add(commands: argparse._SubParsersAction[ArgumentParser]) -> None:
    """Add the command to the parser."""
    summary, usage = "forecast a real series, or a file, without settings", "forecast demo [DATA] [options]"
    demo = add_command(commands, "demo", run, summary, usage, _DESCRIPTION, _EXAMPLES)
    demo.add_argument("csv", nargs="?", metavar="DATA", help="file to forecast (default: weekly CO2 at Mauna Loa)")
    demo.add_argument("--target", help="column to forecast (default: the first numeric one)")
    demo.add_argument("--time", metavar="COLUMN", help="column of dates (default: the first with dates)")
    demo.add_argument("--horizon", type=count, metavar="N", help="number of steps to forecast (default: one season)")
    demo.add_argument("--lookback", type=count, metavar="N", help="number of past steps to use (default: chosen)")
    demo.add_argument("--origins", type=count, default=8, metavar="N", help="number of origins (default: 8)")
    demo.add_argument("--output", default="forecast-demo.png", metavar="PNG", help="picture (default: %(default)s)")
    demo.add_argument("--seed", type=int, default=0, metavar="N", help="random seed of the networks (default: 0)")
    demo.add_argument("--threads", type=count, metavar="N", help="number of training threads (default: all cores)")


def run(arguments: Namespace, terminal: Terminal) -> None:
    """Read, train, compare, draw."""
    from ..baselines import NAIVE

    output = check_picture(arguments.output, "--output")
    with short_problems():
        frame, title = _co2(arguments) if arguments.csv is None else _own_series(arguments, terminal)
    target = frame.columns[0]
    frame, filled = _fill(frame)
    plan = _plan(frame, arguments)
    _show_plan(frame, filled, plan, terminal)
    report = _compare(frame, plan, arguments)
    summary = report.summary()
    terminal.show(_table(summary))
    models = ["recipe", best(summary, NAIVE), "ridge"]
    _draw(report, frame, models, f"{title}: {target}, {plan['horizon']} steps ahead", output)
    terminal.show(f"\nPicture: {output}")
    sentence = _verdict(summary)
    terminal.show(sentence)
    terminal.document(
        {
            "target": target,
            "data": {"rows": len(frame), "start": frame.index[0], "end": frame.index[-1], "filled": int(filled.sum())},
            **{name: plan[name] for name in ("horizon", "lookback", "season", "origins")},
            "scores": summary.to_dict("index"),
            "verdict": sentence,
            "picture": str(output),
        }
    )


def _co2(arguments: Namespace) -> tuple[pd.DataFrame, str]:
    from ..datasets import load_co2

    if arguments.target not in (None, "co2") or arguments.time is not None:
        raise ProblemError("--target and --time choose columns of a CSV file; the CO2 series has one column, 'co2'.")
    try:
        return load_co2(), "CO2 above Mauna Loa, weekly"
    except ImportError as error:
        raise ProblemError(str(error)) from None


def _own_series(arguments: Namespace, terminal: Terminal) -> tuple[pd.DataFrame, str]:
    from .columns import find_columns, first_number, read_numbers
    from .reading import read_table
    from .stamps import in_time_order, put_time_in_index

    table, notes = read_table(arguments.csv)
    named = find_columns(table, arguments.target and [arguments.target], "--target")
    if arguments.time is not None and arguments.time == arguments.target:
        raise ProblemError(f"column {arguments.time!r} is the time of the rows; expected another one as --target.")
    frame = put_time_in_index(table, arguments.time, taken=named, notes=notes)
    frame = in_time_order(frame, (), notes, arguments.time, named)
    target = named[0] if named else first_number(frame, (), notes)
    frame = frame[[target]]
    frame = frame.assign(**{target: read_numbers(frame[target], target)})
    for note in notes:
        terminal.show(note)
    return frame, Path(arguments.csv).name


def _fill(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Fill the gaps of the target by interpolation; too many are refused."""
    missing = frame.iloc[:, 0].isna()
    share = missing.mean()
    if share > 0.2:
        raise ProblemError(
            f"column {frame.columns[0]!r} has {int(missing.sum())} missing values in {len(frame)} rows ({share:.0%}), "
            f"the first at {frame.index[missing.argmax()]}; expected at most 20 %, which are filled by interpolation. "
            "Choose another column with --target, or use a part of the file with fewer gaps."
        )
    return frame.interpolate(limit_direction="both"), missing


def _plan(frame: pd.DataFrame, arguments: Namespace) -> dict[str, Any]:
    """Lookback, horizon and origins that fit the series."""
    from .._frames import frequency_of, read_values, season_length

    try:
        season = season_length(frequency_of(frame.index))
        read_values(frame, list(frame.columns))
    except (TypeError, ValueError) as error:
        raise ProblemError(described(error)) from None
    horizon = arguments.horizon or (26 if season == 52 else season if season > 1 else 12)
    first = len(frame) - arguments.origins * horizon
    # At most a third of what is there before the first origin, so that there are windows enough to learn from.
    lookback = arguments.lookback or min(max(2 * season, 24), max(first // 3, 8))
    if first < lookback + horizon + 10:
        needed = lookback + horizon + 10 + arguments.origins * horizon
        raise ProblemError(
            f"the series has {len(frame)} rows; for {arguments.origins} origins with horizon {horizon} and lookback "
            f"{lookback} at least {needed} are needed. Use fewer --origins, a shorter --horizon or a shorter "
            "--lookback."
        )
    return {"season": season, "horizon": horizon, "lookback": lookback, "first": first, "origins": arguments.origins}


def _show_plan(frame: pd.DataFrame, filled: pd.Series, plan: dict[str, Any], terminal: Terminal) -> None:
    from .._frames import frequency_of

    freq = frequency_of(frame.index)
    start, end = (day(label) for label in (frame.index[0], frame.index[-1]))
    terminal.show(f"Series     {frame.columns[0]}: {len(frame)} rows from {start} to {end}, {step_of(freq)}")
    if filled.any():
        late = int(filled.iloc[plan["first"] :].sum())
        where = "none of them after the first origin" if late == 0 else f"{late} of them after the first origin"
        terminal.show(f"Gaps       {int(filled.sum())} missing values filled by linear interpolation, {where}")
    origin = day(frame.index[plan["first"] - 1])
    terminal.show(
        f"Forecasts  {plan['horizon']} steps ahead from {plan['origins']} origins, the first {origin}; lookback "
        f"{plan['lookback']} for LSTM and ridge"
    )
    terminal.show(f"Training   each model once, on the {plan['first']} rows up to the first origin\n")


def _models(plan: dict[str, Any], arguments: Namespace) -> dict[str, SeriesForecaster]:
    """The recipe and its competitors: a network with default settings and a linear model."""
    from sklearn.linear_model import Ridge

    from .._rnn import RNNForecaster
    from .._series import SeriesForecaster

    seeded = {"n_jobs": arguments.threads, "random_state": arguments.seed}
    network = RNNForecaster(hidden_size=32, **seeded)
    horizon, lookback = plan["horizon"], plan["lookback"]
    return {
        "recipe": SeriesForecaster(horizon=horizon, lookback=arguments.lookback or "auto", **seeded),
        "LSTM": SeriesForecaster(network, lookback=lookback, horizon=horizon),
        "ridge": SeriesForecaster(Ridge(), lookback=lookback, horizon=horizon),
    }


def _compare(frame: pd.DataFrame, plan: dict[str, Any], arguments: Namespace) -> BacktestReport:
    import warnings

    from ..model_selection import RollingOrigin, SkillWarning, backtest

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkillWarning)  # the last line says it of the recipe
        return backtest(_models(plan, arguments), frame, RollingOrigin(plan["origins"], plan["horizon"]), refit=False)


def _table(summary: pd.DataFrame) -> str:
    """The summary as text; the errors in the units of the series, but for MASE."""
    return "\n".join(scores_table(summary, ["MAE", "RMSE", "MASE", "seconds"]))


def _draw(report: BacktestReport, frame: pd.DataFrame, models: Sequence[str], title: str, output: Path | None) -> None:
    from ..plotting import ForecastDisplay

    write_picture(ForecastDisplay.from_report(report, frame, models=models, title=title).figure_, output)


def _verdict(summary: pd.DataFrame) -> str:
    """Whether the recipe is worth it, in one or two honest sentences."""
    from ..baselines import NAIVE

    text, error = verdict(summary, ["recipe"], NAIVE, "model"), summary["MAE"]
    other = best(summary, OTHERS)
    if error[other] < error["recipe"]:
        text += f" Better still here: {OTHERS[other]}, MAE {error[other]:.4g}."
    return text
