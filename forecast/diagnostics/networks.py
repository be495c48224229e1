"""The network to examine and its windows, from any model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._classifier import RNNClassifier
from .._refusals import Refusal
from .._rnn import RNNForecaster
from .._series import SeriesForecaster, windows_of_frame
from .._series.parameters import regressor_of

if TYPE_CHECKING:
    from typing import Any

__all__ = ["network_of", "refuse_no_forecaster"]


def refuse_no_forecaster(model: Any, function: str, needs: str) -> None:
    """Refuse any model but a `SeriesForecaster`, a classifier by name.

    Parameters
    ----------
    model : object
    function : str
        Its name.
    needs : str
        What the function does, of which only a forecaster has the parts.

    Raises
    ------
    TypeError
    """
    if isinstance(model, RNNClassifier):
        raise TypeError(
            Refusal(
                f"is an RNNClassifier, but {function} {needs}",
                where="model",
                expected=(
                    "a SeriesForecaster. gradient_flow(model, X, y) and gate_activity(model, X) look inside a "
                    "classifier"
                ),
            )
        )
    if not isinstance(model, SeriesForecaster):
        raise TypeError(
            Refusal(
                f"is a {type(model).__name__}",
                where="model",
                expected=(
                    "a fitted SeriesForecaster, whose columns have names: SeriesForecaster(regressor, ...).fit(df)"
                ),
            )
        )


def network_of(model: Any, X: Any, y: Any = None) -> tuple[Any, Any, Any]:
    """The fitted network, and X and y as it takes them.

    Parameters
    ----------
    model : RNNForecaster, RNNClassifier, or SeriesForecaster around an RNNForecaster
    X, y
        As for the model's `fit`.

    Returns
    -------
    RNNForecaster or RNNClassifier, X, y

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    TypeError
        The model contains no recurrent network.
    """
    if isinstance(model, RNNClassifier):
        return model, X, y
    inside = getattr(model, "regressor_", regressor_of(model)) if isinstance(model, SeriesForecaster) else model
    unset = inside is None and inside is not model  # SeriesForecaster() makes its network in fit
    if not isinstance(inside, RNNForecaster) and not unset:
        where = "a SeriesForecaster around " if inside is not model else ""
        kind = inside.__name__ if isinstance(inside, type) else type(inside).__name__
        raise TypeError(
            Refusal(
                where="model",
                got=f"{where}{kind}, in which no network can be looked at",
                expected="a fitted RNNForecaster, or a SeriesForecaster around one, or an RNNClassifier",
                advice=(
                    "Give a SeriesForecaster(RNNForecaster(...)); of a search its best_estimator_, of a pipeline its "
                    "last step with X as that step sees it."
                ),
            )
        )
    if inside is model:
        return model, X, y
    windows = windows_of_frame(model, X, y)
    return model.regressor_, windows, windows.y
