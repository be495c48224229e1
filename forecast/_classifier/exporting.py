"""RNNClassifier as an ONNX model."""

import os
from typing import Any

from sklearn.utils.validation import check_is_fitted

from .._files import write_whole
from .._types import Array

__all__ = ["Exports"]


class Exports:
    """The part of `RNNClassifier` that writes ONNX models."""

    _network: Any
    classes_: Array

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted network as an ONNX model, which other programs run without this package.

        The model takes "X" of shape (n, steps, n_channels), float32, with as many steps as in `fit`; n is free. It
        gives "label" and "probabilities", as `predict` and `predict_proba` do. Scaling is inside.

        Parameters
        ----------
        path : str or os.PathLike
            Path of the file, by convention with the suffix `.onnx`. An existing file is replaced in one step.

        Raises
        ------
        ImportError
            The package onnx is not installed: `pip install "rnn-forecast[onnx]"`.
        sklearn.exceptions.NotFittedError
            `fit` has not been called.
        ValueError
            The model was fitted on sequences of unequal length. Nothing is written.
        OSError
            The file cannot be written.

        See Also
        --------
        save : Save the model for `forecast.load`, with everything that belongs to it.

        Examples
        --------
        >>> import os, tempfile
        >>> import numpy as np
        >>> import onnxruntime
        >>> from forecast import RNNClassifier
        >>> X = np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)
        >>> y = np.where(X.sum(axis=1) > 0, "up", "down")
        >>> model = RNNClassifier(hidden_size=8, max_iter=5, random_state=0).fit(X, y)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.onnx")
        ...     model.to_onnx(path)
        ...     session = onnxruntime.InferenceSession(path)
        >>> label, probabilities = session.run(None, {"X": X[:7, :, None]})
        >>> bool((label == model.predict(X[:7])).all())
        True
        """
        from .._onnx import onnx_model  # here, because few need it

        check_is_fitted(self)
        write_whole(path, onnx_model(self._network, classes=self.classes_))
