"""What the parts of a `SeriesForecaster` use of it and of each other, for type checkers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..._frames import Rules
    from ..._preparation import Rows
    from ..one_row import OneRow
    from ..report import ModelReport
    from ..state import FittedState
    from .requests import Request

__all__ = ["Host"]


class Host:
    """A forecaster, seen from one of its parts."""

    _state: FittedState
    _kind: Any
    recipe_: dict[str, Any]
    regressor_: Any
    report_: ModelReport
    target_names_: list[Any]
    feature_names_in_: Any
    n_features_in_: int
    n_windows_: int
    freq_: Any

    target: Any
    loss: str
    step: int
    half_life: float | None
    validation_fraction: float | None
    get_params: Callable[..., dict[str, Any]]

    _actual: Callable[..., Any]
    _answered: Callable[..., Any]
    _forecasts: Callable[..., Any]
    _known: Callable[..., Any]
    _last_labels: Callable[..., Any]
    _later: Callable[..., Any]
    _bounded: Callable[..., Any]
    _one_row: Callable[[], OneRow | None]
    _own_quantiles: Callable[..., Any]
    _read_history: Callable[..., tuple[Rows, dict[Any, Exception]]]
    _remember: Callable[..., None]
    _request: Callable[..., Request]
    _rules: Callable[[], Rules]
    _series_keys: Callable[..., list[Any]]
    predict: Callable[..., Any]
    _steps: Callable[[], dict[str, int]]
    _regressors: Callable[[], dict[str, Any]]
    _with_static: Callable[..., list[Any]]
