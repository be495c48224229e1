"""Data, scores and verdicts as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .problems import described

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    import pandas as pd

    from .._frames import Panel
    from .._series import SeriesForecaster
    from .planning import Data

__all__ = ["best", "data_line", "day", "name_of", "report_table", "scores_table", "span", "step_of", "verdict"]


def day(label: Any) -> str:
    """A label; a date alone where it is midnight."""
    midnight = getattr(label, "normalize", lambda: None)()
    return str(label.date()) if midnight is not None and midnight == label else str(label)


def step_of(freq: Any) -> str:
    """A frequency in words."""
    return f"frequency {freq.freqstr}" if hasattr(freq, "freqstr") else f"steps of {freq}"


def span(data: Data, panel: Panel) -> dict[str, Any]:
    """The description of the data, for JSON."""
    index = panel.index
    return {
        "rows": len(data.frame),
        "start": index.min(),
        "end": index.max(),
        "frequency": getattr(panel.axis.freq, "freqstr", panel.axis.freq),
        "series": 1 if panel.keys is None else len(panel.keys),
        "columns": list(data.frame.columns),
    }


def data_line(data: Data, panel: Panel) -> str:
    """The description of the data in one line; if the rows have no dates, a second line says so."""
    many = "" if panel.keys is None else f" of {len(panel.keys)} series"
    put_in = len(panel.index) - len(data.frame)
    gaps = f", {put_in} stamps put in for gaps" if put_in > 0 else ""
    first, last = day(panel.index.min()), day(panel.index.max())
    line = (
        f"Data       {', '.join(data.target)}: {len(data.frame)} rows{many} from {first} to {last}, "
        f"{step_of(panel.axis.freq)}{gaps}"
    )
    return line if data.counted is None else f"{line}\nTime       {data.counted}"


def name_of(model: SeriesForecaster) -> str:
    """The cell of a network, the class of any other regressor; "recipe" where `fit` chooses."""
    from .._series.parameters import is_chosen, regressor_of

    if is_chosen(model):
        return "recipe"
    regressor = regressor_of(model)
    if regressor is None:
        return "members"
    cell = getattr(regressor, "cell", None)
    return type(regressor).__name__ if cell is None else str(cell).upper()


def scores_table(summary: pd.DataFrame, names: Sequence[str] | None = None) -> list[str]:
    """A table of scores as text.

    Parameters
    ----------
    summary : pandas.DataFrame
        Index of models; columns of numbers.
    names : list of str, default=None
        Columns to show; None shows all.

    Returns
    -------
    list of str
        Lines. Errors are in the units of the series, with digits for the least of them.
    """
    names = [name for name in names or list(summary.columns) if name in summary.columns]
    least = summary["MAE"][summary["MAE"] > 0].min()
    digits = 2 if not least < 1 else 4 if least > 0.001 else 8
    rows = [[name, *(_cell(column, row[column], digits) for column in names)] for name, row in summary.iterrows()]
    widths = [max(len(line[place]) for line in [["model", *names], *rows]) + 2 for place in range(len(names) + 1)]
    widths = [max(16, widths[0]), *(max(9, width) for width in widths[1:])]
    return [
        "".join(f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}" for place, (cell, width) in enumerate(line))
        for line in ([*zip(row, widths, strict=True)] for row in [["model", *names], *rows])
    ]


def _cell(name: str, value: Any, digits: int) -> str:
    if value != value:
        return "-"
    if name in ("MAE", "RMSE") or name.startswith(("interval_score", "pinball")):
        return f"{value:.{digits}f}"
    if name == "skill":
        return f"{value:+.1%}"
    if name.startswith("coverage"):
        return f"{value:.1%}"
    return f"{value:.2f}" if name == "seconds" else f"{value:.3f}"


def report_table(report: Any, name: str) -> list[str]:
    """The validation errors of a fitted model and of naive forecasts, and notes, as lines.

    Parameters
    ----------
    report : ModelReport
    name : str
        Name of the model, in the table.

    Returns
    -------
    list of str
    """
    if report.table is None:
        return [
            "No validation: no windows were held out, so nothing is known of the errors.",
            *_sentences(report.notes),
        ]
    table = report.table.rename(index={report.table.index[0]: name})
    lines = scores_table(table, ["MAE", "RMSE", "skill"])
    lines.append("")
    lines.append(
        f"Skill over the best naive forecast: {report.skill:+.1%} on the newest {report.n_windows} windows, held out."
    )
    if report.chose_epoch:
        lines.append("Early stopping used the same windows, so this score is slightly optimistic.")
    return lines + _sentences(report.notes)


def _sentences(notes: list[str]) -> list[str]:
    return [f"{note[0].upper()}{note[1:].rstrip('.')}." for note in map(described, notes) if note]


def best(summary: pd.DataFrame, names: Iterable[str]) -> str:
    """The name with the least MAE."""
    return min(names, key=summary["MAE"].get)


def verdict(summary: pd.DataFrame, models: Sequence[str], naive: Sequence[str], noun: str) -> str:
    """Whether models are worth it, in an honest sentence.

    Parameters
    ----------
    summary : pandas.DataFrame
        Index of models, column `MAE`.
    models, naive : list of str
    noun : str
        Noun of the models: "network" or "model".

    Returns
    -------
    str
    """
    from ..metrics import skill

    error = summary["MAE"]
    model, other = best(summary, models), best(summary, naive)
    change = skill(error[model], error[other])
    against = f"MAE {error[model]:.4g} against {error[other]:.4g}"
    if len(models) == 1:
        model = "The recipe" if model == "recipe" else model
        if change > 0:
            return f"{model} beats the best naive forecast ({other}) by {change:.0%}: {against}."
        return f"{model} does not beat the best naive forecast ({other}): {against}."
    if change > 0:
        return f"The best {noun} ({model}) beats the best naive forecast ({other}) by {change:.0%}: {against}."
    return f"No {noun} beats the best naive forecast ({other}); the nearest is {model}: {against}."
