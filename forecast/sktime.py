"""A forecaster with sktime's names around `SeriesForecaster`. It needs sktime: `pip install "rnn-forecast[sktime]"`."""

from collections.abc import Callable, Hashable, Sequence
from copy import deepcopy
from typing import Any, ClassVar, Literal, Self, TypeAlias

import pandas as pd
from sklearn.base import clone

from ._refusals import Refusal, argument, install

try:
    from sktime.forecasting.base import BaseForecaster, ForecastingHorizon
except ModuleNotFoundError as error:
    if error.name != "sktime":
        raise  # what sktime itself needs
    raise ImportError(Refusal("sktime is not installed", fix=install("'rnn-forecast[sktime]'"))) from error

from ._rnn import RNNForecaster
from ._series import SeriesForecaster
from .baselines import LastValue

__all__ = ["SktimeForecaster"]

Book: TypeAlias = dict[Hashable, list[int]]  # of each series its number and how many of its rows were read

_COUNTED = ["number of series", "number of row"]  # levels in place of names and times
_OURS = ("target", "series", "time", "future_covariates")  # what sktime's y and X say


class SktimeForecaster(BaseForecaster):
    """Forecast with `SeriesForecaster` inside sktime.

    `fit`, `predict`, `predict_quantiles` and `update` are those of `SeriesForecaster`, with sktime's arguments and data
    types: one series, panels and hierarchies, with one or several variables; the time is a DatetimeIndex, a PeriodIndex
    or integers. One model is trained on all series together. Columns of `X` are known ahead, except those that
    `forecaster` names as `past_covariates` or `static_covariates`. Intervals are pairs of quantiles.

    If `fh` is passed to `fit`, its last step replaces `forecaster.horizon`. Later steps are forecast by feeding
    forecasts back, with a warning; intervals and quantiles are for steps up to the horizon.

    `update` appends rows, except those that are known, and continues the training if `update_params=True`. `pretrain`
    fits on a panel, and `fit` then fine-tunes a copy on its own series. Both read rows in order without their dates, so
    frequencies may differ, and `forecaster` must have no calendar.

    Parameters
    ----------
    forecaster : SeriesForecaster, default=None
        Unfitted forecaster, without `target`, `series`, `time` and `future_covariates`, which `y` and `X` decide. It is
        cloned in `fit`. None: `SeriesForecaster()`, which chooses everything from the data. With a regressor:
        `SeriesForecaster(RNNForecaster(), lookback=48)`.

    Attributes
    ----------
    forecaster_ : SeriesForecaster
        The fitted forecaster, with `report_`, `recipe_` and `save`.
    pretrained_ : SeriesForecaster
        The forecaster fitted by `pretrain`.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from forecast import RNNForecaster, SeriesForecaster
    >>> from forecast.sktime import SktimeForecaster
    >>> months = pd.period_range("2000-01", periods=120, freq="M")
    >>> y = pd.Series(np.sin(np.arange(120) * np.pi / 6), index=months, name="sales")
    >>> network = RNNForecaster(hidden_size=8, max_iter=5, random_state=0)
    >>> model = SktimeForecaster(SeriesForecaster(network, lookback=12)).fit(y, fh=[1, 2, 3])
    >>> model.predict().index.astype(str).tolist()
    ['2010-01', '2010-02', '2010-03']
    """

    _tags: ClassVar[dict[str, Any]] = {
        "authors": ["the forecast developers"],
        "maintainers": ["the forecast developers"],
        "y_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "X_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "requires-fh-in-fit": False,
        "X-y-must-have-same-index": False,
        "capability:multivariate": True,
        "capability:exogenous": True,
        "capability:categorical_in_X": True,
        "capability:non_contiguous_X": False,
        "capability:missing_values": True,
        "capability:insample": False,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:unequal_length": True,
        "capability:update": True,
        "capability:pretrain": True,
    }
    _config: ClassVar[dict[str, Any]] = {"remember_data": False}  # forecaster_ keeps the rows that it needs

    def __init__(self, forecaster: SeriesForecaster | None = None) -> None:
        self.forecaster = forecaster
        super().__init__()

    def __post_init__(self) -> None:
        """What sktime keeps where its option `remember_data` is set later; and what `forecaster` can do."""
        self._y = self._X = None
        given = self._given()
        masks = isinstance(given, SeriesForecaster) and "mask" in (given.missing, given.gaps)
        self.set_tags(**{"capability:missing_values": masks})

    # -------------------- what sktime calls

    def _fit(self, y: pd.DataFrame, X: pd.DataFrame | None, fh: ForecastingHorizon | None) -> Self:
        given = self._given()
        self._index_names, self._ends = list(y.index.names), _ends_of(y)
        pretrained = getattr(self, "pretrained_", None)
        if pretrained is None:
            self._axis = None
            self.forecaster_ = self._told(given, y, X, fh).fit(self._frame(y, X, list(y.columns)))
            return self
        if len(y.columns) != len(pretrained.target_names_):
            raise ValueError(
                Refusal(
                    f"has {len(y.columns)} variables, but pretrain had {len(pretrained.target_names_)}",
                    where="y",
                    expected="as many",
                )
            )
        self._axis = _axis_of(given, y)
        self._book: Book = {}
        frame = self._frame(y, X, pretrained.target_names_)
        self.forecaster_ = pretrained.fine_tune(_in_steps(frame, self._book))
        return self

    def _pretrain(self, y: pd.DataFrame, X: pd.DataFrame | None = None, fh: ForecastingHorizon | None = None) -> Self:
        given = self._given()
        if given.calendar not in (None, "auto"):
            raise ValueError(
                Refusal(
                    f"calendar={given.calendar!r} with pretrain",
                    got="rows are read in order, without their dates",
                    fix=argument("calendar", None),
                )
            )
        _axis_of(given, y)  # which refuses gaps
        model = self._told(given, y, X, fh).set_params(series=_COUNTED[0], freq=None, trading_calendar=None)
        self.pretrained_ = model.fit(_in_steps(self._frame(y, X, list(y.columns)), {}))
        return self

    def _predict(self, fh: ForecastingHorizon, X: pd.DataFrame | None) -> pd.DataFrame:
        return self._answer(self.forecaster_.predict, fh, X).set_axis(self._get_columns(), axis=1)

    def _predict_quantiles(
        self, fh: ForecastingHorizon, X: pd.DataFrame | None, alpha: Sequence[float]
    ) -> pd.DataFrame:
        columns = self._get_columns(method="predict_quantiles", alpha=alpha)
        return self._answer(self.forecaster_.predict_quantiles, fh, X, levels=list(alpha)).set_axis(columns, axis=1)

    def _update(self, y: pd.DataFrame, X: pd.DataFrame | None = None, update_params: bool = True) -> Self:
        refit: Literal["continue", "no"] = "continue" if update_params else "no"
        ends, known = _ends_of(y), self._ends
        for key, end in ends.items():
            if key in known and end < known[key]:
                raise ValueError(
                    Refusal(
                        f"the rows of update end at {end}, but rows up to {known[key]} are known, and forecasts begin "
                        "after them",
                        expected="later rows",
                        advice="To forecast from earlier origins, fit on the rows up to them.",
                    )
                )
        frame = self._frame(y, X, self.forecaster_.target_names_)
        if self._axis is None:
            self.forecaster_.update(frame, refit=refit, overlap="skip", errors="raise")
        else:
            axis, book = deepcopy(self._axis), deepcopy(self._book)  # both stay as they are where a row is refused
            axis.update(self._frame(y, None, axis.target_names_), overlap="skip", errors="raise")
            times = zip(_keys(frame), frame.index.get_level_values(-1), strict=True)
            new = [key not in known or time > known[key] for key, time in times]
            if any(new):
                self.forecaster_.update(_in_steps(frame[new], book), refit=refit, errors="raise")
            self._axis, self._book = axis, book
        self._ends = known | ends
        return self

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Parameters for sktime's `check_estimator`: small networks with their own quantiles; its series are short."""
        normal = RNNForecaster(cell="rnn", hidden_size=2, loss="normal", max_iter=2, n_jobs=1, random_state=0)
        robust = RNNForecaster(hidden_size=2, loss="student_t", max_iter=1, n_jobs=1, random_state=0)
        return [
            {"forecaster": SeriesForecaster(normal, lookback=3, horizon=5)},
            {"forecaster": SeriesForecaster(robust, lookback=2, horizon=6, missing="mask", validation_fraction=None)},
        ]

    # -------------------- from sktime's words to ours, and back

    def _given(self) -> SeriesForecaster:
        given = SeriesForecaster() if self.forecaster is None else self.forecaster
        if not isinstance(given, SeriesForecaster):
            raise TypeError(
                Refusal(
                    f"is {type(given).__name__}",
                    where="forecaster",
                    expected="a SeriesForecaster",
                    fix=f"SeriesForecaster({type(given).__name__}())",
                )
            )
        for name in _OURS:
            if getattr(given, name) is not None:
                raise ValueError(
                    Refusal(
                        f"{name}={getattr(given, name)!r} of the forecaster",
                        got="y and X of sktime decide it",
                        fix=argument(name, None),
                    )
                )
        return given

    def _told(
        self, given: SeriesForecaster, y: pd.DataFrame, X: pd.DataFrame | None, fh: ForecastingHorizon | None
    ) -> SeriesForecaster:
        """A clone that knows which column is what, and how far to forecast."""
        targets = list(y.columns)
        past, static = _listed(given.past_covariates), _listed(given.static_covariates)
        future = [] if X is None else [name for name in X.columns if name not in {*past, *static}]
        return clone(given).set_params(
            target=targets,
            series=_level_names(y)[:-1] or None,
            horizon=given.horizon if fh is None else self._steps(_axis_of(given, y), fh)[0],
            past_covariates=_own_names(past, targets) or None,
            static_covariates=_own_names(static, targets) or None,
            future_covariates=_own_names(future, targets) or None,
        )

    def _frame(self, y: pd.DataFrame, X: pd.DataFrame | None, targets: list[Hashable]) -> pd.DataFrame:
        """One frame of both, with names for the levels of its index."""
        frame = y.set_axis(targets, axis=1)
        if X is not None:
            frame = pd.concat([frame, _renamed(X, targets).reindex(y.index)], axis=1)
        return frame.rename_axis(index=_level_names(y)) if y.index.nlevels > 1 else frame

    def _steps(self, axis: SeriesForecaster, fh: ForecastingHorizon) -> tuple[int, pd.DataFrame, list[bool]]:
        """How many steps reach all of `fh`, the frame of these steps, and which of its rows are asked for."""
        asked = fh.to_pandas()
        if fh.is_relative and pd.api.types.is_integer_dtype(asked.dtype):
            count, steps = int(asked.max()), set(asked)
            future = axis.future_frame(count, errors="raise")
            return count, future, [row + 1 in steps for row in _rows(future)]
        labels = fh.to_absolute_index(self.cutoff)
        count, latest = len(labels), labels.max()
        while min(_ends_of(future := axis.future_frame(count, errors="raise")).values()) < latest:
            count *= 2
        times = future.index.get_level_values(-1)
        unknown = [label for label in labels if label not in times]
        if unknown:
            raise ValueError(
                Refusal(
                    f"has {unknown[0]}, which is not the time of a step",
                    where="fh",
                    expected=f"labels such as {times[0]}",
                )
            )
        count = 1 + max(row for row, time in zip(_rows(future), times, strict=True) if time <= latest)
        future = axis.future_frame(count, errors="raise")
        return count, future, future.index.get_level_values(-1).isin(labels).tolist()

    def _answer(
        self, verb: Callable[..., pd.DataFrame], fh: ForecastingHorizon, X: pd.DataFrame | None, **options: Any
    ) -> pd.DataFrame:
        """What a verb of the forecaster answers, at the steps of `fh`."""
        model = self.forecaster_
        count, future, chosen = self._steps(self._axis or model, fh)
        if X is not None and model.future_frame(1).shape[1]:
            rows = model.future_frame(count)
            given = _renamed(X, model.target_names_).reindex(future.index)[list(rows.columns)]
            found = verb(given.set_axis(rows.index), errors="raise", **options)
        else:
            found = verb(n=count, errors="raise", **options)
        return found.set_axis(future.index.set_names(self._index_names))[chosen]


def _axis_of(given: SeriesForecaster, y: pd.DataFrame) -> SeriesForecaster:
    """A forecaster that only knows the time of the rows: it refuses gaps, and names the next steps."""
    named = y.rename_axis(index=_level_names(y)) if y.index.nlevels > 1 else y
    return SeriesForecaster(
        LastValue(),
        target=list(y.columns),
        series=_level_names(y)[:-1] or None,
        lookback=1,
        horizon=1,
        freq=given.freq,
        trading_calendar=given.trading_calendar,
        gaps=given.gaps,
        missing=given.missing,
        validation_fraction=None,
    ).fit(named)


def _level_names(y: pd.DataFrame) -> list[Hashable]:
    """Names for the levels of an index, also where sktime has none."""
    names = [f"level {k}" if name is None or name in y.columns else name for k, name in enumerate(y.index.names)]
    return names if len(set(names)) == len(names) else [f"level {k}" for k in range(len(names))]


def _listed(labels: object) -> list[Hashable]:
    if labels is None:
        return []
    return list(labels) if isinstance(labels, (list, tuple)) else [labels]


def _own_names(names: Sequence[Hashable], targets: Sequence[Hashable]) -> list[Hashable]:
    """Columns of X, which may have the names of y's."""
    return [f"X {name}" if name in targets else name for name in names]


def _renamed(X: pd.DataFrame, targets: Sequence[Hashable]) -> pd.DataFrame:
    return X.set_axis(_own_names(list(X.columns), targets), axis=1)


def _keys(frame: pd.DataFrame) -> list[Hashable]:
    """The series of each row; one without a name is None."""
    return list(frame.index.droplevel(-1)) if frame.index.nlevels > 1 else [None] * len(frame)


def _ends_of(frame: pd.DataFrame) -> dict[Hashable, Any]:
    """The newest time of each series."""
    return dict(zip(_keys(frame), frame.index.get_level_values(-1), strict=True))


def _rows(frame: pd.DataFrame) -> list[int]:
    """How many rows of its series precede each row."""
    return list(_in_steps(frame, {}).index.get_level_values(-1))


def _in_steps(frame: pd.DataFrame, book: Book) -> pd.DataFrame:
    """The frame with numbers of series and of rows as its index. The book has what was counted before."""
    series, steps = [], []
    for key in _keys(frame):
        counted = book.setdefault(key, [len(book), 0])
        series.append(counted[0])
        steps.append(counted[1])
        counted[1] += 1
    return frame.set_axis(pd.MultiIndex.from_arrays([series, steps], names=_COUNTED))
