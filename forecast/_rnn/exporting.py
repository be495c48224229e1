"""RNNForecaster as an ONNX model."""

import os
from typing import Any

from sklearn.utils.validation import check_is_fitted

from .._files import write_whole
from .placing import reads_names

__all__ = ["Exports"]


class Exports:
    """The part of `RNNForecaster` that writes ONNX models."""

    _network: Any
    _is_flat: bool
    _series_names: Any

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted network as an ONNX model, which other programs run without this package.

        The model takes what `predict` takes, as float32 arrays: "X" of shape (n, lookback, n_channels) and, for a
        network fitted on `Windows` that have them, "future" (n, horizon, columns), "static" (n, columns), "series" (n,)
        and "phase" (n,), both int64. n is free. It gives what `predict` gives as "forecast", in the units of y, and
        with several quantiles also "quantiles". Scaling is inside. The same model gives the same bytes.

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
            The network cannot be written as an ONNX model: `stateful=True`, or windows without any value. Nothing is
            written.
        OSError
            The file cannot be written.

        See Also
        --------
        save : Save the model for `forecast.load`, with everything that belongs to it.

        Notes
        -----
        Numbers are computed in float32, whatever `dtype` is, so forecasts agree with `predict` to about six digits. The
        exception is `cell="mlstm"`, which amplifies rounding: it is computed in double, so forecasts agree with those
        of `dtype="float64"`.
        The `window_norm` of `Windows` is not part of the network: pass `np.asarray(windows)`, and convert the
        forecasts with `windows.restore`.

        Examples
        --------
        >>> import os, tempfile
        >>> import numpy as np
        >>> import onnxruntime
        >>> from forecast import RNNForecaster
        >>> X = np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)
        >>> model = RNNForecaster(hidden_size=8, max_iter=5, random_state=0).fit(X, X[:, -1])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.onnx")
        ...     model.to_onnx(path)
        ...     session = onnxruntime.InferenceSession(path)
        >>> (forecast,) = session.run(None, {"X": X[:7, :, None]})
        >>> bool(np.allclose(forecast, model.predict(X[:7]), atol=1e-5))
        True
        """
        from .._onnx import onnx_model  # here, because few need it

        check_is_fitted(self)
        names = self._series_names if reads_names(self._network.architecture) else None
        write_whole(path, onnx_model(self._network, is_flat=self._is_flat, series=names))
