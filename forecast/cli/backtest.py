"""`forecast backtest`: forecasts from several origins in the past of a file, compared with naive ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .options import add_command, add_data, add_loudness, add_model, add_roles, count, refuse_without_effect, share

if TYPE_CHECKING:
    import argparse
    from argparse import ArgumentParser, Namespace
    from pathlib import Path

    import pandas as pd

    from .._series import SeriesForecaster
    from ..model_selection import BacktestReport
    from .planning import Data
    from .terminal import Terminal

__all__ = ["add", "run"]

_DESCRIPTION = """\
Forecast from several past origins of a file as if each were today, and compare with naive forecasts: the last value,
the last season, the drift and the mean. Settings come from options, or from a model file.
"""
_EXAMPLES = """\
examples:
  forecast backtest load.csv --target load --horizon 24 --origins 20
  forecast backtest load.csv --target load --horizon 24 --coverage 0.8 0.95 --output rows.csv --plot origins.png
  forecast backtest load.csv --model load.forecast --refit always
"""


def add(commands: argparse._SubParsersAction[ArgumentParser]) -> None:
    """Add the command to the parser."""
    usage = "forecast backtest DATA --target COLUMN --horizon N [options]"
    summary = "forecast from several past origins of a file and compare with naive forecasts"
    parser = add_command(commands, "backtest", run, summary, usage, _DESCRIPTION, _EXAMPLES)
    parser.add_argument("data", metavar="DATA", help="CSV, JSON lines, Excel or Parquet file; -: standard input")
    parser.add_argument("--model", metavar="MODEL", help="model file whose settings to use; the model is trained anew")
    parser.add_argument("--origins", type=count, default=8, metavar="N", help="number of origins (default: 8)")
    parser.add_argument("--step", type=count, metavar="N", help="rows between two origins (default: the horizon)")
    parser.add_argument(
        "--refit", type=_refit, default=False, metavar="WHEN",
        help="when to train: never (once, before the first origin), always, or N: every N-th origin (default: never)",
    )  # fmt: skip
    parser.add_argument(
        "--coverage", type=share, nargs="+", metavar="C", help="coverage of intervals to evaluate, such as 0.8 0.95"
    )
    parser.add_argument(
        "--intervals", choices=("adaptive", "static", "quantile"), help="kind of intervals (default: adaptive)"
    )
    parser.add_argument("--output", metavar="ROWS", help="CSV or Parquet file for all forecasts from all origins")
    parser.add_argument("--plot", metavar="PNG", help="picture of the forecasts from the newest origin")
    add_loudness(parser)
    add_roles(add_data(parser))
    add_model(parser)


def _refit(text: str) -> int:
    words = {"never": False, "always": True}
    return words[text] if text in words else count(text)


def run(arguments: Namespace, terminal: Terminal) -> None:
    """Read, forecast from every origin, compare."""
    from .files import load_model
    from .fit import settings, silent
    from .planning import planned, read_data
    from .printing import data_line, span
    from .writing import check_picture, check_table, write_table

    if arguments.coverage is None:
        refuse_without_effect(arguments, ("intervals",), "without --coverage there are no intervals")
    output = check_table(arguments.output, "--output")
    picture = check_picture(arguments.plot, "--plot")
    given = None if arguments.model is None else _settings_of(load_model(arguments.model), arguments)
    data = read_data(arguments, given)
    for note in data.notes:
        terminal.note(note)
    model, panel = planned(arguments, data, given)
    terminal.show(data_line(data, panel))
    terminal.show(_origins_line(arguments, model))
    report = _compared(arguments, model, data, terminal)
    silent(model)
    summary = report.summary()
    sentence = _print_scores(summary, report, model, terminal)
    if output is not None:
        write_table(report.frame, output)
        terminal.note(f"{len(report.frame)} rows written to {output}")
    if picture is not None:
        _draw(report, data, model, picture)
        terminal.note(f"picture written to {picture}")
    terminal.document(
        {
            "data": span(data, panel),
            "settings": settings(model),
            "origins": sorted(report.frame["origin"].unique()),
            "scores": summary.to_dict("index"),
            "verdict": sentence,
            "rows": None if output is None else str(output),
            "picture": None if picture is None else str(picture),
            "notes": [*data.notes, *report.notes],
        }
    )


def _settings_of(model: SeriesForecaster, arguments: Namespace) -> SeriesForecaster | None:
    """A forecaster with the settings of a model file, to be trained anew."""
    from sklearn.base import clone

    from .problems import ProblemError, listed

    roles, anew = model._state.roles, clone(model)
    if roles.outside is None or arguments.static_covariates:
        return anew
    if arguments.static is None:
        raise ProblemError(
            f"the model was trained with static covariates {listed(roles.static, 60)} in a file of their own. Give "
            "it with --static FILE."
        )
    return anew.set_params(static_covariates=list(roles.static))


def _origins_line(arguments: Namespace, model: SeriesForecaster) -> str:
    step = arguments.step or model.horizon
    when = {False: "once, before the first origin", True: "anew at every origin"}
    trained = when.get(arguments.refit, f"anew at every {arguments.refit}. origin")
    if arguments.refit is not True and arguments.refit == 1:
        trained = when[True]
    return (
        f"Forecasts  {model.horizon} steps ahead from {arguments.origins} origins, {step} steps apart"
        f"{'' if model.lookback == 'auto' else f'; lookback {model.lookback}'}; trained {trained}\n"
    )


def _compared(arguments: Namespace, model: SeriesForecaster, data: Data, terminal: Terminal) -> BacktestReport:
    import warnings

    from ..model_selection import RollingOrigin, SkillWarning, backtest
    from .fit import progress
    from .planning import index_named
    from .printing import name_of
    from .problems import refusals

    shown = terminal if arguments.refit is False else None  # a line an epoch; of several fits, a line each
    with progress(model, shown), refusals(index_named(data.frame.index), of_data=True), warnings.catch_warnings():
        warnings.simplefilter("ignore", SkillWarning)  # its words are in the report's notes, and in the verdict
        origins = RollingOrigin(arguments.origins, model.horizon, step=arguments.step)
        return backtest(
            {name_of(model): model}, data.frame, origins, refit=arguments.refit, coverage=arguments.coverage,
            intervals=arguments.intervals or "adaptive", static=data.table,
            verbose=int(terminal.progress and arguments.refit is not False),
        )  # fmt: skip


def _print_scores(summary: pd.DataFrame, report: BacktestReport, model: SeriesForecaster, terminal: Terminal) -> str:
    from .printing import name_of, scores_table, verdict

    judged = [f"{score}_{level:g}" for level in report.coverage for score in ("coverage", "interval_score")]
    for line in scores_table(summary, ["MAE", "RMSE", "MASE", "skill", *judged, "seconds"]):
        terminal.show(line)
    naive = [name for name in summary.index if name != name_of(model)]
    sentence = verdict(summary, [name_of(model)], naive, "network")
    terminal.show(f"\n{sentence}")
    for note in report.notes:
        if "does not beat" not in note:
            terminal.note(note)
    return sentence


def _draw(report: BacktestReport, data: Data, model: SeriesForecaster, path: Path) -> None:
    """The newest origin; of many series, the first."""
    from ..plotting import ForecastDisplay
    from .printing import name_of
    from .writing import write_picture

    title = f"{data.target[0]}, {model.horizon} steps ahead"
    if data.series:
        title = f"{report.frame['series'].iloc[0]}: {title}"
    naive = [name for name in report.summary().index if name != name_of(model)]
    display = ForecastDisplay.from_report(report, data.frame, models=[name_of(model), naive[0]], title=title)
    write_picture(display.figure_, path)
