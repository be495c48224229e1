"""`forecast show`: the model card of a file, for people or for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .options import add_command

if TYPE_CHECKING:
    import argparse
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from .._series import SeriesForecaster
    from .terminal import Terminal

__all__ = ["add", "run"]

_DESCRIPTION = """\
Print the metadata of a model file: its training data, settings, errors on the newest windows compared with naive
forecasts, seed and versions. The file is checked first; a damaged one is refused.
"""

_ROLES = {
    "target": "Target", "past_covariates": "Past only", "future_covariates": "Known ahead",
    "static_covariates": "Static", "calendar": "Calendar",
}  # fmt: skip


def add(commands: argparse._SubParsersAction[ArgumentParser]) -> None:
    """Add the command to the parser."""
    usage = "forecast show MODEL [--json]"
    parser = add_command(commands, "show", run, "print the metadata of a model file", usage, _DESCRIPTION)
    parser.add_argument("model", metavar="MODEL", help="file that `forecast fit` or `model.save` wrote")


def run(arguments: Namespace, terminal: Terminal) -> None:
    """Read the card and print it."""
    from .files import read_model_card

    card = read_model_card(arguments.model)
    if terminal.as_json:
        terminal.document(card)
    else:
        terminal.show("\n".join(card_lines(card)))


def card_lines(card: dict[str, Any]) -> list[str]:
    """A model card as lines: model, data, scores, settings, versions.

    Parameters
    ----------
    card : dict

    Returns
    -------
    list of str
    """
    model, data = card.get("model", {}), card.get("data", {})
    return [
        *_line("Model", _model_words(model)),
        *_data_lines(data),
        *_line("Training", _training_words(card.get("training", {}))),
        *_line("Seed", card.get("seed", "none: the network's start was drawn")),
        "",
        *_score_lines(card.get("validation") or {}, (model.get("regressor") or model).get("cell")),
        "",
        "Settings that are not the defaults",
        *_setting_lines(card.get("settings", {}), "  "),
        "",
        *_line("Format", " ".join(str(part) for part in card.get("format", {}).values())),
        *_line("Versions", ", ".join(f"{name} {version}" for name, version in card.get("versions", {}).items())),
    ]


def _line(name: str, text: str) -> list[str]:
    return [] if text in (None, "") else [f"{name:<12}{text}"]


def _model_words(model: SeriesForecaster) -> str:
    """The forecaster and its regressor in one line."""
    inner = model.get("regressor") or model
    words = [str(inner.get("class", ""))]
    if "cell" in inner:
        words = [
            f"{str(inner['cell']).upper()} of {inner.get('hidden_size')} units, {inner.get('num_layers')} layer(s)"
        ]
        words.append(f"{inner.get('parameters')} parameters, {inner.get('dtype')}, loss {inner.get('loss')}")
    if model.get("members"):
        words = ["mean of " + ", ".join(f"{name} {share:.0%}" for name, share in model["members"].items())]
    for name in ("lookback", "horizon"):
        if name in model:
            words.append(f"{name} {model[name]}")
    return "; ".join(words)


def _data_lines(data: dict[str, Any]) -> list[str]:
    columns = data.get("columns") or {}
    span = f"{data.get('n_rows')} rows from {data.get('start')} to {data.get('end')}" if "n_rows" in data else None
    more = [
        f"step {data['freq']}" if data.get("freq") is not None else "",
        f"zone {data['zone']}" if data.get("zone") else "",
    ]
    many = data.get("n_series") or 1
    keys = columns.get("series")
    named = f"column {keys!r}" if isinstance(keys, str) else f"columns {', '.join(map(repr, keys or ()))}"
    more.append(f"{many} series ({named})" if many > 1 else "")
    lines = _line("Data", ", ".join(part for part in [span, *more] if part))
    for role, title in _ROLES.items():
        lines += _line(title, ", ".join(map(str, columns.get(role) or ())))
    return lines


def _training_words(training: dict[str, Any]) -> str:
    words = []
    if "n_windows" in training:
        words.append(f"{training['n_windows']} windows")
    if training.get("epochs") is not None:
        words.append(f"{training['epochs']} of at most {training.get('max_iter')} epochs")
    return ", ".join(words)


def _score_lines(validation: dict[str, Any], cell: Any) -> list[str]:
    scores = validation.get("scores")
    if not scores:
        return ["No validation: no windows were held out, so nothing is known of the errors."]
    least = min((row["MAE"] for row in scores.values() if row.get("MAE")), default=1)
    digits = 2 if least >= 1 else 4 if least > 0.001 else 8
    lines = [f"{'Validation':<18}{'MAE':>10}{'RMSE':>10}{'skill':>9}"]
    for name, row in scores.items():
        name = cell.upper() if cell and name == "RNNForecaster" else name
        skill = "-" if row.get("skill") is None else f"{row['skill']:+.1%}"
        lines.append(f"  {name:<16}{row['MAE']:>10.{digits}f}{row['RMSE']:>10.{digits}f}{skill:>9}")
    chose = "; they also decided when training ended" if validation.get("chose_epoch") else ""
    lines.append(
        f"  on the newest {validation.get('n_windows')} windows, held out, {validation.get('folds')} fold{chose}"
    )
    return lines + [f"  {note}" for note in validation.get("notes") or ()]


def _setting_lines(settings: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for name, value in settings.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}: {value.get('class', '')}".rstrip()]
            lines += _setting_lines({key: part for key, part in value.items() if key != "class"}, indent + "  ")
        else:
            lines.append(f"{indent}{name} = {value!r}" if isinstance(value, str) else f"{indent}{name} = {value}")
    return lines or [f"{indent}none"]
