"""`save`, `load` and `read_card`: the public functions for model files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar, overload

from sklearn.utils.validation import check_is_fitted

from .._refusals import Fix, Refusal, extended
from .card import card_of
from .container import FORMAT, VERSION, pack, parsed, read, unpacked
from .disk import write_whole
from .errors import ModelFileError
from .registered import BY_CLASS

if TYPE_CHECKING:
    import os

__all__ = ["Saved", "from_bytes", "load", "read_card"]

Model = TypeVar("Model")


class Saved:
    """The part of an estimator that saves it and describes it."""

    @property
    def card_(self) -> dict[str, Any]:
        """The model card: data, settings, validation scores and versions, as a dict of JSON values."""
        check_is_fitted(self)
        return card_of(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the fitted model to a file for `forecast.load`.

        The file contains numbers, names and a checksum, but no code. The same model gives the same bytes. An existing
        file is replaced in one step; if anything fails, it stays as it is.

        Parameters
        ----------
        path : str or os.PathLike
            Path of the file, by convention with the suffix `.forecast`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            `fit` has not been called.
        forecast.ModelFileError
            The model contains something that cannot be saved, such as the trees of a random forest or your own
            functions: use joblib.
        OSError
            The file cannot be written.

        See Also
        --------
        forecast.load : Load a saved model. forecast.read_card : Read the metadata of a saved model.

        Examples
        --------
        >>> import forecast, os, tempfile
        >>> from sklearn.linear_model import Ridge
        >>> from forecast.datasets import make_ar1
        >>> model = forecast.SeriesForecaster(Ridge(), lookback=12, horizon=3).fit(make_ar1(200, random_state=0))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.forecast")
        ...     model.save(path)
        ...     forecast.load(path).predict().equals(model.predict())
        True
        """
        write_whole(path, self._as_bytes())

    def _as_bytes(self) -> bytes:
        """The bytes of the file that `save` writes."""
        from .values import Writer  # here, as in `load`: half of this room is about files alone

        check_is_fitted(self)
        _refuse_own_class(self)
        writer = Writer()
        tree = writer(self, "")
        metadata = {
            "format": FORMAT,
            "version": str(VERSION),
            "card": json.dumps(card_of(self), allow_nan=False),
            "model": json.dumps(tree, separators=(",", ":"), allow_nan=False),
        }
        return pack(writer.tensors, metadata)

    def _refuse_unsavable(self) -> None:
        """Refuse a model that no file can hold once it is fitted, by its class and its parameters alone."""
        from .values import Writer  # here, as in `load`

        _refuse_own_class(self)
        Writer()(self, "")


def _refuse_own_class(model: Saved) -> None:
    if type(model) not in BY_CLASS:
        raise ModelFileError(
            Refusal(
                f"{type(model).__module__}.{type(model).__qualname__} is a class of your own, and a file holds no code",
                advice=(
                    "A pickle can hold it: use joblib.dump(model, path), and load one only from people you trust, "
                    "because it runs what it says."
                ),
            )
        )


@overload
def load(path: str | os.PathLike[str]) -> Any: ...
@overload
def load(path: str | os.PathLike[str], kind: type[Model]) -> Model: ...
def load(path: str | os.PathLike[str], kind: type | None = None) -> Any:
    """Load a model saved with `save`.

    Nothing in the file is executed. It is refused if any byte has changed.

    Parameters
    ----------
    path : str or os.PathLike
    kind : type, optional
        Class of the model, such as `SeriesForecaster`: a file with another model is refused, and type checkers know
        what `load` returns. Default: any class, which is `Any` to type checkers.

    Returns
    -------
    RNNForecaster, RNNClassifier or SeriesForecaster
        Fitted model: it gives bit-identical forecasts and continues training as the saved one would.

    Raises
    ------
    forecast.ModelFileError
        The file is damaged, cut short, forged, of a newer version, not from this package, or of another `kind`.
    OSError
        The file cannot be read.
    TypeError
        `kind` is not a class.

    Warns
    -----
    sklearn.exceptions.InconsistentVersionWarning
        A scikit-learn estimator in the file was fitted with another version of scikit-learn.

    Notes
    -----
    The checksum detects damage. It does not say who wrote a file: a forged file can forecast anything, but it cannot
    run code.

    Examples
    --------
    >>> import forecast, numpy as np, os, tempfile
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> model = forecast.RNNForecaster(hidden_size=4, max_iter=2, random_state=0).fit(X, X[:, -1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.forecast")
    ...     model.save(path)
    ...     again = forecast.load(path, forecast.RNNForecaster)
    >>> np.array_equal(again.predict(X), model.predict(X))
    True
    """
    if kind is not None and not isinstance(kind, type):
        raise TypeError(Refusal(where="kind", expected="a class, such as SeriesForecaster", got=repr(kind)))
    return _loaded(path, *read(path), kind)


def from_bytes(data: bytes, name: str = "a model") -> Any:
    """The model whose file has these bytes, as `load` returns it.

    Parameters
    ----------
    data : bytes
    name : str, default="a model"
        What they are called in messages.

    Returns
    -------
    RNNForecaster, RNNClassifier or SeriesForecaster
    """
    return _loaded(name, *unpacked(data, name), len(data), None)


def _loaded(
    path: str | os.PathLike[str], tensors: dict[str, Any], metadata: dict[str, Any], size: int, kind: type | None
) -> Any:
    from .values import Reader

    tree = parsed(path, _text(path, metadata, "model"), size)
    del metadata
    reader = Reader(tensors, room=size, steps=size // 4)
    del tensors
    try:
        model = reader(tree)
        if not isinstance(model, Saved):
            raise ModelFileError(Refusal(f"it holds a {type(model).__name__}, no model"))
        if reader.tensors:
            raise ModelFileError(Refusal(f"nothing reads its tensor {next(iter(reader.tensors))[:80]!r}"))
        check_is_fitted(model)
    except (Warning, MemoryError):  # a warning that the user turned into an error; no word about the file
        raise
    except Exception as error:
        # The checksum is right, so the file says what its author wrote. numpy, pandas and scikit-learn may raise any
        # error for that, and each means that it is not a model.
        raise ModelFileError(extended(error, f"{path}: not written by this version of forecast: ")) from error
    if kind is not None and not isinstance(model, kind):
        found = type(model).__name__
        fix = Fix(f"kind=forecast.{found}", "")
        raise ModelFileError(Refusal(where=f"{path}", expected=f"a {kind.__name__}", got=found, fix=fix))
    return model


def read_card(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the metadata of a saved model without loading the model.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    dict
        Only JSON values: `format`, `versions`, `settings`, `model`, `data`, `training`, `validation`, `seed`.
        `docs/files.md` describes them.

    Raises
    ------
    forecast.ModelFileError
        The file is damaged or not a model file, as for `load`.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import forecast, os, tempfile
    >>> from sklearn.linear_model import Ridge
    >>> from forecast.datasets import make_ar1
    >>> model = forecast.SeriesForecaster(Ridge(), lookback=12, horizon=3).fit(make_ar1(200, random_state=0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.forecast")
    ...     model.save(path)
    ...     card = forecast.read_card(path)
    >>> card["data"]["n_rows"], card["settings"]["lookback"], sorted(card["validation"]["scores"])[0]
    (200, 12, 'Ridge')
    """
    _, metadata, size = read(path)
    card = parsed(path, _text(path, metadata, "card"), size)
    if not isinstance(card, dict):
        raise ModelFileError(Refusal("its model card is not a JSON object", where=f"{path}:"))
    return card


def _text(path: str | os.PathLike[str], metadata: dict[str, Any], name: str) -> str:
    text = metadata.get(name)
    if not isinstance(text, str):
        raise ModelFileError(Refusal(f"its header has no {name!r}", where=f"{path}:"))
    return text
