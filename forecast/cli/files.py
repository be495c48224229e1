"""Model files as the command reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .problems import ProblemError, close_to

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._series import SeriesForecaster

__all__ = ["load_model", "read_model_card"]


def read_model_card(path: str) -> dict[str, Any]:
    """The card of a model file; what is damaged or none is a problem in one line.

    Parameters
    ----------
    path : str

    Returns
    -------
    dict
    """
    from .. import read_card

    return _from_file(read_card, path)


def load_model(path: str) -> SeriesForecaster:
    """The fitted `SeriesForecaster` of a file.

    Parameters
    ----------
    path : str

    Returns
    -------
    SeriesForecaster
    """
    from .. import SeriesForecaster, load

    model = _from_file(load, path)
    if not isinstance(model, SeriesForecaster):
        raise ProblemError(
            f"{path!r} holds a {type(model).__name__}, which forecasts windows; expected a SeriesForecaster, which "
            "forecasts files. Use forecast.load(path) in Python, or a file that `forecast fit` wrote."
        )
    return model


def _from_file(read: Callable[[str], Any], path: str) -> Any:
    from pathlib import Path

    from .. import ModelFileError

    try:
        return read(path)
    except FileNotFoundError:
        folder = Path(path).absolute().parent
        near = close_to(Path(path).name, sorted(other.name for other in folder.iterdir()), 1) if folder.is_dir() else ""
        raise ProblemError(f"there is no model file {path!r}.{near}") from None
    except OSError as error:
        raise ProblemError(f"the model file {path!r} cannot be read: {error.strerror or error}.") from None
    except ModelFileError as error:
        raise ProblemError(str(error)) from None
