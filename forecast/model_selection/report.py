"""The result of a backtest: one long frame, and its summary compared with naive forecasts."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._html import block, lines, table
from .._refusals import Refusal
from .._series.backtesting import SCORES
from .._types import Floats, Integers
from ..baselines import NAIVE
from ..metrics import skill, smape

if TYPE_CHECKING:
    from .._frames import Roles
    from .._preparation import Rows
    from .origins import Fold, Origins

__all__ = ["BacktestReport", "BacktestWarning", "SkillWarning", "long_table", "scales_of"]

_SCORES = {"crps": "CRPS", "log_score": "log_score"}  # columns of a report, as a summary calls them
_ENERGY = "energy_score"  # the same at all steps of a forecast


class SkillWarning(UserWarning):
    """A model does not beat naive forecasts, or repeats the past.

    Examples
    --------
    On a random walk nothing beats the last value:

    >>> import warnings
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> from forecast.model_selection import RollingOrigin, backtest
    >>> walk = pd.DataFrame({"price": np.random.default_rng(1).normal(size=400).cumsum()})
    >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=4)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     report = backtest({"ridge": model}, walk, RollingOrigin(n_splits=20, horizon=4))
    >>> [warning.category.__name__ for warning in caught]
    ['SkillWarning']
    """


class BacktestWarning(UserWarning):
    """A backtest left something out: series that end before the first origin, origins that cannot be forecast from,
    series without an actual value, or intervals that too few residuals are known for.

    Examples
    --------
    >>> import warnings
    >>> import pandas as pd
    >>> from forecast import SeriesForecaster
    >>> from forecast.baselines import LastValue
    >>> from forecast.model_selection import RollingOrigin, backtest
    >>> days = pd.date_range("2024-01-01", periods=60)
    >>> shops = [pd.DataFrame({"shop": name, "sold": range(n)}, days[:n]) for name, n in [("a", 60), ("b", 40)]]
    >>> model = SeriesForecaster(LastValue(), target="sold", series="shop", lookback=7, horizon=7)
    >>> with warnings.catch_warnings(record=True, action="always") as caught:
    ...     report = backtest(model, pd.concat(shops), RollingOrigin(2, horizon=7))
    >>> print(caught[0].category.__name__, caught[0].message, sep=": ")
    BacktestWarning: 1 of 2 series left out, because no row of theirs is tested: 'b'
    """


@dataclass(frozen=True)
class BacktestReport:
    """The result of a backtest.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per model, origin, step, series and target: columns `model`, `origin` (label of the newest known row),
        `step` (1 to horizon), `timestamp` (label of the forecast row), `series` (only for a panel; a tuple if several
        columns name a series), `target`, `actual`, `forecast`. `model`, `series` and `target` are categorical. With
        intervals there are also `lower_0.8`, `upper_0.8` and so on (NaN for naive forecasts, and if too few residuals
        were known). If a model forecasts a distribution, there are also its scores `crps` and `log_score` (NaN for the
        other models, and beyond the horizon of the fit). With `n_paths` there are the `energy_score` of all steps of a
        forecast, repeated in each of its rows, and a `crps` of each model.
    seconds : dict of str to float
        Time of all fits and forecasts of each model.
    period : int
        Season of the seasonal naive forecast and of MASE, in steps.
    scales : pandas.DataFrame
        Columns `origin`, (`series`,) `target`, `absolute`, `squared`: mean absolute and mean squared seasonal change of
        the training values, the scales of MASE and RMSSE; NaN if the training series repeats itself exactly.
    coverage : list of float
        Coverages of the intervals; empty if there are none.
    notes : list of str
        Notes: what was left out, models without skill, copies of the past.
    ids : list of labels
        Columns or index levels of the data that name the series; empty for a single series.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> from forecast.datasets import make_ar1
    >>> from forecast.model_selection import RollingOrigin, backtest
    >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=4)
    >>> report = backtest({"ridge": model}, make_ar1(400, random_state=0), RollingOrigin(n_splits=20, horizon=4))
    >>> list(report.summary().index[:2])
    ['ridge', 'last value']
    >>> report.summary(by="step").loc["ridge", "MAE"].is_monotonic_increasing  # the further ahead, the harder
    True
    """

    frame: pd.DataFrame
    seconds: dict[str, float]
    period: int
    scales: pd.DataFrame = field(repr=False)
    coverage: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ids: list[Hashable] = field(default_factory=list)

    def summary(self, by: Hashable | Sequence[Hashable] = None) -> pd.DataFrame:
        """Summarise errors per model, best MAE first.

        Parameters
        ----------
        by : {None, "step", "series", "target"}, a label of `ids`, or a list of them, default=None
            Further columns of `frame` to split by; for a panel with the ids `["store", "item"]` also "store" or "item".

        Returns
        -------
        pandas.DataFrame
            Index `model` (and `by`); columns `MAE` and `RMSE` in the units of the series, over all origins, steps and
            targets that have an actual value; `sMAPE` in percent; `MASE` and `RMSSE`, means over origins, series and
            targets of the scaled errors (NaN if no training series has a scale); `skill`, 1 - MAE over the MAE of the
            best naive forecast; if a model forecasts a distribution, `CRPS` in the units of the series and `log_score`,
            the mean negative log density (NaN for models without one); with paths `energy_score`, the mean over
            origins, series and targets (not by "step": it scores all steps together); for each coverage
            `coverage_0.8`, the share of actual values inside, `interval_score_0.8` (Gneiting and Raftery 2007) and
            `pinball_0.8`, the mean pinball loss of both bounds; without `by` also `seconds`.
        """
        more = list(by) if isinstance(by, list | tuple) else [] if by is None else [by]
        known: list[Hashable] = [name for name in ("step", "series", "target") if name in self.frame.columns]
        known += [label for label in self.ids if label not in self.frame.columns]
        if not set(more) <= set(known):
            raise ValueError(Refusal(f"is {by!r}", where="by", expected=f"one of {known}, or a list of them"))
        keys: list[Hashable] = ["model", *more]
        parts = list(self._parts(more))  # one model after the other, which keeps temporaries small
        table = pd.concat([self._errors(part(), keys) for part in parts])
        best = table.loc[[name in NAIVE for name in table.index.get_level_values("model")], "MAE"]
        best = best.groupby(level=more).min() if more else best.min()
        if more:
            best = best.reindex(table.index.droplevel("model")).to_numpy()
        table["skill"] = skill(table["MAE"], best)
        for coverage in self.coverage:
            table = table.join(pd.concat([self._intervals(part(), keys, coverage) for part in parts]))
        if more:
            return table.sort_index(level=more, sort_remaining=False)
        table["seconds"] = pd.Series(self.seconds)
        return table.sort_values("MAE", kind="stable")

    def _repr_html_(self) -> str:
        frame = self.frame
        words = []
        for name, several in {"origin": "origins", "series": "series", "target": "targets"}.items():
            n = frame[name].nunique() if name in frame.columns else 0
            words += [f"{n} {several if n > 1 else name}"] if n > 1 or name == "origin" else []
        title = f"Backtest: {', '.join(words)}, horizon {int(frame['step'].max())}"
        return block(title, table(self.summary(), ["skill"], first=True), lines(self.notes))

    def _parts(self, more: Sequence[Hashable]) -> Iterator[Callable[[], pd.DataFrame]]:
        """The rows of each model, made lazily, with the id columns among `more`."""
        names = self.frame["model"]
        labels = [label for label in more if label not in self.frame.columns]
        for name in names.unique():

            def part(name: Hashable = name) -> pd.DataFrame:
                return self._with_ids(self.frame[names == name], labels)

            yield part

    def _with_ids(self, rows: pd.DataFrame, labels: Sequence[Hashable]) -> pd.DataFrame:
        """Rows with columns of what names the series."""
        for label in labels:
            keys = rows["series"].cat.categories.tolist()
            parts = keys if len(self.ids) == 1 else [key[self.ids.index(label)] for key in keys]
            codes, known = pd.factorize(pd.Index(parts, tupleize_cols=False))
            rows = rows.copy(deep=False)  # a label may be a number, which no keyword argument can be
            rows[label] = pd.Categorical.from_codes(codes[rows["series"].cat.codes], known)
        return rows

    def _errors(self, rows: pd.DataFrame, keys: list[Hashable]) -> pd.DataFrame:
        error = (rows["forecast"] - rows["actual"]).abs()
        rows = rows.drop(columns="timestamp", errors="ignore").assign(absolute_error=error, squared_error=error**2)
        known = rows["actual"].notna()
        rows = rows if known.all() else rows[known]
        groups = rows.groupby(keys, sort=False, observed=True)
        table = groups[["absolute_error", "squared_error"]].mean()
        table = pd.DataFrame({"MAE": table["absolute_error"], "RMSE": np.sqrt(table["squared_error"])})
        table["sMAPE"] = [smape(part["actual"], part["forecast"]) for _, part in groups[["actual", "forecast"]]]
        for name, title in _SCORES.items():
            if name in rows.columns:
                table[title] = groups[name].mean()
        if _ENERGY in rows.columns and "step" not in keys:
            each = rows.groupby([*keys, *self._where(keys)], sort=False, observed=True)[_ENERGY].first()
            table[_ENERGY] = each.groupby(level=keys, sort=False, observed=True).mean()
        return _plain(
            table.join(self._scaled(rows[[*keys, *self._where(keys), "absolute_error", "squared_error"]], keys))
        )

    def _scaled(self, rows: pd.DataFrame, keys: list[Hashable]) -> pd.DataFrame:
        """MASE and RMSSE: per origin, series and target first, then the mean over them."""
        where = [name for name in ("origin", "series", "target") if name in self.scales.columns]
        means = rows.groupby([*keys, *self._where(keys)], sort=False, observed=True).mean()
        scale = self.scales.astype({name: self.frame[name].dtype for name in where[1:]}).set_index(where)
        joined = means.reset_index().merge(scale, left_on=where, right_index=True, how="left", sort=False)
        joined["MASE"] = joined["absolute_error"] / joined["absolute"]
        joined["RMSSE"] = np.sqrt(joined["squared_error"] / joined["squared"])
        return joined.groupby(keys, sort=False, observed=True)[["MASE", "RMSSE"]].mean()

    def _where(self, keys: list[Hashable]) -> list[Hashable]:
        """What a scale belongs to, apart from some keys."""
        return [name for name in ("origin", "series", "target") if name in self.scales.columns and name not in keys]

    def _intervals(self, rows: pd.DataFrame, keys: list[Hashable], coverage: float) -> pd.DataFrame:
        rows = rows[rows["actual"].notna() & rows[f"lower_{coverage:g}"].notna()]
        lower, upper = (rows[f"{side}_{coverage:g}"] for side in ("lower", "upper"))
        below, above = (lower - rows["actual"]).clip(lower=0), (rows["actual"] - upper).clip(lower=0)
        tail = (1 - coverage) / 2
        pinball = tail * (rows["actual"] - lower).clip(lower=0) + (1 - tail) * below
        pinball = pinball + tail * (upper - rows["actual"]).clip(lower=0) + (1 - tail) * above
        found = {
            f"coverage_{coverage:g}": ((below == 0) & (above == 0)).astype(float),
            f"interval_score_{coverage:g}": upper - lower + (below + above) / tail,
            f"pinball_{coverage:g}": pinball / 2,
        }
        return _plain(pd.DataFrame(found).groupby([rows[key] for key in keys], sort=False, observed=True).mean())


def long_table(truth: Rows, origins: Origins, roles: Roles, found: dict[str, dict[str, Floats]]) -> pd.DataFrame:
    """One row per model, origin, step and target.

    Made column by column, so that at most one column is in memory twice; names are categories.
    """
    steps, n, models = origins.steps, truth.targets.shape[1], len(found)
    repeat = np.repeat(np.arange(len(steps)), steps)
    step = np.arange(len(repeat)) - np.repeat(np.cumsum(steps) - steps, steps)
    target_row = origins.row[repeat] + 1 + step
    rows = len(repeat) * n

    def labels(of: Integers) -> pd.Index:
        part = truth.index[np.repeat(of, n)]
        return part.append([part] * (models - 1))

    table = {
        "model": _names(np.repeat(np.arange(models, dtype=np.int16), rows), list(found)),
        "origin": labels(origins.row[repeat]),
        "step": np.tile(np.repeat((step + 1).astype(np.int32), n), models),
        "timestamp": labels(target_row),
    }
    if roles.series is not None:
        present, codes = np.unique(origins.series, return_inverse=True)
        codes = np.repeat(codes.astype(np.int32)[repeat], n)
        table["series"] = _names(np.tile(codes, models), [truth.keys[number] for number in present])
    table["target"] = _names(np.tile(np.arange(n, dtype=np.int16), len(repeat) * models), roles.target)
    table["actual"] = np.tile(truth.targets[target_row].astype(np.float64).ravel(), models)
    columns = sorted({name: None for cubes in found.values() for name in cubes}, key=SCORES.__contains__)
    for column in columns:
        values = np.full(rows * models, np.nan)
        for number, cubes in enumerate(found.values()):
            if column in cubes:
                values[number * rows : (number + 1) * rows] = cubes[column][repeat, step].ravel()
        table[column] = values
    return pd.DataFrame(table, copy=False)


def _names(codes: Integers, names: Sequence[Any]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, pd.Index(names, tupleize_cols=False))


def scales_of(
    labels: pd.Index, truth: Rows, folds: list[Fold], origins: Origins, roles: Roles, period: int
) -> pd.DataFrame:
    """Mean absolute and squared seasonal change of the training values of each origin, series and target."""
    rows = []
    for fold, number, row in zip(origins.fold, origins.series, origins.row, strict=True):
        end = min(row + 1, truth.starts[number + 1])
        begin = truth.starts[number]
        if truth.n_series == 1:  # a splitter may leave rows out at both ends
            ends = truth.index.searchsorted(labels[folds[fold].ends])
            begin, end = int(ends[0]), int(ends[-1]) + 1
        values = truth.targets[begin:end].astype(np.float64)
        change = values[period:] - values[:-period]
        for column, target in enumerate(roles.target):
            seen = change[:, column][~np.isnan(change[:, column])]
            moved = len(seen) and seen.any()
            sizes = (np.abs(seen).mean(), np.square(seen).mean()) if moved else (np.nan, np.nan)
            rows.append((truth.index[row], truth.keys[number], target, *sizes))
    table = pd.DataFrame(rows, columns=["origin", "series", "target", "absolute", "squared"])
    return table if roles.series is not None else table.drop(columns="series")


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """A table by categories as one by their names, which sort and join as such."""
    index = table.index
    if isinstance(index, pd.MultiIndex):
        levels = [level.astype(level.categories.dtype) if _is_categorical(level) else level for level in index.levels]
        return table.set_axis(index.set_levels(levels))
    return table.set_axis(index.astype(index.categories.dtype)) if _is_categorical(index) else table


def _is_categorical(index: pd.Index) -> bool:
    return isinstance(index, pd.CategoricalIndex)
