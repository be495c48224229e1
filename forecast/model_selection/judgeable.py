"""What a backtest can evaluate: known actual values in the tested rows, and errors for its intervals."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._conformal import residuals_needed
from .._refusals import Fix, Refusal, Words, argument
from .._series.parameters import is_chosen, member_settings, regressor_of
from .._types import Booleans, Floats

if TYPE_CHECKING:
    from .._frames import Roles
    from .._preparation import Rows
    from .._series import SeriesForecaster
    from .._series.calibration import Calibration
    from .origins import Fold, Origins

__all__ = [
    "missing_intervals", "refuse_impossible_intervals", "refuse_impossible_paths", "refuse_without_truth",
    "tested_rows", "unjudged",
]  # fmt: skip


def tested_rows(truth: Rows, folds: list[Fold]) -> Booleans:
    """Which rows some fold tests.

    Parameters
    ----------
    truth : Rows
    folds : list of Fold

    Returns
    -------
    ndarray of bool of shape (rows,)
    """
    count = np.zeros(len(truth) + 1, dtype=np.int64)
    for first, end in zip(truth.starts[:-1], truth.starts[1:], strict=True):
        index = truth.index[first:end]
        np.add.at(count, first + index.searchsorted(pd.Index([fold.first for fold in folds]), side="left"), 1)
        np.add.at(count, first + index.searchsorted(pd.Index([fold.last for fold in folds]), side="right"), -1)
    return np.cumsum(count)[:-1] > 0


def refuse_without_truth(truth: Rows, tested: Booleans, roles: Roles) -> None:
    """Refuse a backtest that could evaluate nothing, before anything is fitted.

    Parameters
    ----------
    truth : Rows
    tested : ndarray of bool of shape (rows,)
    roles : Roles

    Raises
    ------
    ValueError
        No tested row has a value of any target.
    """
    known = ~np.isnan(truth.targets)
    if not tested.any() or known[tested].any():
        return
    names = ", ".join(map(repr, roles.target))
    where = f"{truth.index[tested].min()} to {truth.index[tested].max()}"
    seen = np.flatnonzero(known.any(axis=1))
    end = {"expected": "a frame that ends with known values, or earlier origins"}
    if truth.n_series == 1 and roles.time is None and len(seen):
        last = truth.index[seen[-1]]
        if last < truth.index[tested].min():
            newest = int(last) if isinstance(last, (int, np.integer)) else str(last)
            end = {"fix": f"df = df.loc[:{newest!r}]"}
    nothing = f"no tested row ({where}) has a value of {names}"
    raise ValueError(Refusal(nothing, got="there is nothing to judge forecasts by", **end))


def unjudged(truth: Rows, origins: Origins, roles: Roles) -> list[str]:
    """Notes about targets and series whose tested rows have no value.

    Parameters
    ----------
    truth : Rows
    origins : Origins
    roles : Roles

    Returns
    -------
    list of str
    """
    n, tested = len(truth), np.zeros(len(truth) + 1, dtype=np.int64)
    np.add.at(tested, np.minimum(origins.row + 1, n), 1)
    np.add.at(tested, np.minimum(origins.row + 1 + origins.steps, n), -1)
    known: Any = ~np.isnan(truth.targets) & (np.cumsum(tested)[:-1] > 0)[:, None]
    refuse_without_truth(truth, np.cumsum(tested)[:-1] > 0, roles)
    notes = []
    for column, target in enumerate(roles.target):
        if not known[:, column].any():
            notes.append(f"target {target!r} is not judged: no tested row has a value of it")
    if truth.n_series > 1:
        any_target = known.any(axis=1)
        empty = [n for n in np.unique(origins.series) if not any_target[truth.starts[n] : truth.starts[n + 1]].any()]
        if empty:
            names = ", ".join(repr(truth.keys[number]) for number in empty[:3]) + (", ..." if len(empty) > 3 else "")
            notes.append(f"{len(empty)} of {truth.n_series} series are not judged: none of their tested rows has a "
                         f"value: {names}")  # fmt: skip
    return notes


def refuse_impossible_intervals(models: dict[str, SeriesForecaster], levels: list[float], intervals: str) -> None:
    """Refuse intervals that no fit could give, before anything is fitted.

    Parameters
    ----------
    models : dict of str to SeriesForecaster
    levels : list of float
        Coverages.
    intervals : {"adaptive", "static", "quantile"}

    Raises
    ------
    ValueError
        "static" without validation windows, or "quantile" of a regressor that has no quantiles.
    """
    for name, model in models.items() if levels else ():
        if intervals == "static" and model.validation_fraction is None and not is_chosen(model):
            raise ValueError(
                Refusal(
                    f"rest on errors on validation windows, and {name!r} has validation_fraction=None",
                    where=argument("intervals", "static"),
                    fix=argument("validation_fraction", 0.2),
                )
            )
        if intervals != "quantile":
            continue
        for regressor in _regressors(model):
            if not hasattr(regressor, "predict_quantiles"):
                kind = "A model without a regressor" if regressor is None else type(regressor).__name__
                raise ValueError(
                    Refusal(
                        f"are the quantiles that a network was trained for, and {name!r} has none",
                        where=argument("intervals", "quantile"),
                        got=Words(
                            f"{kind} does not forecast quantiles, as RNNForecaster(loss='quantile', quantile=[...]) "
                            "does",
                            f"{kind} does not forecast quantiles, as one trained with --quantiles does",
                        ),
                        fix=argument("intervals", "adaptive"),
                    )
                )


def refuse_impossible_paths(models: dict[str, Any], n_paths: int | None) -> None:
    """Refuse sample paths that no fit could give, before anything is fitted.

    Parameters
    ----------
    models : dict of str to SeriesForecaster
    n_paths : int or None

    Raises
    ------
    ValueError
        `n_paths` is not 2 or more, or there are no validation windows, whose errors paths rest on.
    """
    if n_paths is None:
        return
    if not isinstance(n_paths, Integral) or isinstance(n_paths, bool) or n_paths < 2:
        raise ValueError(
            Refusal(
                f"is {n_paths!r}", where="n_paths", expected="a whole number, 2 or more", fix=Fix("n_paths=200", "")
            )
        )
    for name, model in models.items():
        if getattr(model, "validation_fraction", None) is None and not is_chosen(model):
            raise ValueError(
                Refusal(
                    f"paths rest on errors on validation windows, and {name!r} has validation_fraction=None",
                    fix=argument("validation_fraction", 0.2),
                )
            )


def _regressors(model: Any) -> list[Any]:
    if is_chosen(model):
        return [None]
    if model.members is None:
        return [regressor_of(model)]
    return [settings.regressor for settings, _ in member_settings(model).values()]


def missing_intervals(
    name: str, found: dict[str, Floats], origins: Origins, levels: list[float], calibration: Calibration | None
) -> list[str]:
    """Notes about forecasts without an interval.

    Parameters
    ----------
    name : str
        Name of the model.
    found : dict of str to ndarray of shape (n, steps, targets)
        `forecast`, `lower_0.8` and so on.
    origins : Origins
    levels : list of float
    calibration : Calibration or None
        Calibration of the first fit.

    Returns
    -------
    list of str
    """
    asked = np.arange(found["forecast"].shape[1]) < origins.steps[:, None]
    asked = asked[..., None] & ~np.isnan(found["forecast"])
    notes = []
    for level in levels:
        lacking: Any = asked & np.isnan(found[f"lower_{level:g}"])
        if not lacking.any():
            continue
        if calibration is None:
            why = "no errors on validation windows start them (validation_fraction=None, or too few training rows)"
        elif lacking.any(axis=(0, 2))[: calibration.residuals.shape[1]].any():
            known = int((~np.isnan(calibration.residuals)).sum(axis=0).min())
            why = f"they need {residuals_needed(level)} errors of a step, and the validation windows have {known}"
        else:
            why = f"errors on validation windows are known for horizon = {calibration.residuals.shape[1]} steps only"
        notes.append(f"{name}: {int(lacking.sum())} of {int(asked.sum())} intervals of coverage {level:g} are missing "
                     f"(NaN): {why}")  # fmt: skip
    return notes
