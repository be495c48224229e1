"""The network to examine and its windows, from any model."""

from .._rnn import RNNForecaster
from .._series import SeriesForecaster, windows_of_frame

__all__ = ["network_of"]


def network_of(model, X, y=None):
    """The fitted network, and X and y as it takes them.

    Parameters
    ----------
    model : RNNForecaster, or SeriesForecaster around one
    X, y
        As for the model's `fit`.

    Returns
    -------
    RNNForecaster, X, y

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    TypeError
        The model contains no recurrent network.
    """
    inside = getattr(model, "regressor_", model.regressor) if isinstance(model, SeriesForecaster) else model
    unset = inside is None and inside is not model  # SeriesForecaster() makes its network in fit
    if not isinstance(inside, RNNForecaster) and not unset:
        where = "a SeriesForecaster around " if inside is not model else ""
        kind = inside.__name__ if isinstance(inside, type) else type(inside).__name__
        raise TypeError(
            f"model: expected a fitted RNNForecaster, or a SeriesForecaster around one, got {where}{kind}, in which no "
            "network can be looked at. Give a SeriesForecaster(RNNForecaster(...)); of a search its best_estimator_, "
            "of a pipeline its last step with X as that step sees it."
        )
    if inside is model:
        return model, X, y
    windows = windows_of_frame(model, X, y)
    return model.regressor_, windows, windows.y
