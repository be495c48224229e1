"""Any scikit-learn transformer as a transform of a target."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.base import clone

from .._files import stored
from .._refusals import Refusal
from .._types import Floats
from .transform import SAME, Transform

__all__ = ["Pointwise"]


@stored("Pointwise")
class Pointwise(Transform):
    """Any scikit-learn transformer of one column that has an inverse and is increasing.

    Parameters
    ----------
    transformer : estimator
        Transformer; it is cloned in `fit` and gets only known values. A `random_state` of None becomes 0.

    Attributes
    ----------
    transformer_ : estimator
        The fitted clone.
    n_lost_ : int
        0.

    Notes
    -----
    Beyond the fitted values, the result depends on the transformer: `QuantileTransformer` clips to the fitted range, so
    no forecast leaves it. The range of a `PowerTransformer` is known, so forecasts are kept within it, as for `BoxCox`.

    Examples
    --------
    >>> from sklearn.preprocessing import PowerTransformer
    >>> power = Pointwise(PowerTransformer()).fit([-1.0, 0.0, 1.0, 9.0])
    >>> power.inverse_transform(power.transform([0.5])[None]).round(9)
    array([[0.5]])
    """

    def __init__(self, transformer: Any) -> None:
        self.transformer = transformer

    def _learn(self, x: Floats, known: Floats) -> None:
        inner = clone(self.transformer)
        if inner.get_params().get("random_state", 0) is None:
            inner.set_params(random_state=0)
        with config_context(transform_output="default"):  # arrays, as below; steps of a pipeline hand on arrays, too
            self.transformer_ = inner.fit(known[:, None].copy())
        values = np.unique(known)
        images = self._forward(values)
        if (np.diff(images) < -SAME * np.abs(images).max()).any():
            raise ValueError(
                Refusal(
                    "it falls where the value rises",
                    where=f"{self}:",
                    expected="a transformer that rises with the value, because quantiles pass through it",
                    advice="Turn its sign, forwards and backwards.",
                )
            )
        back = self._inverse(images[None], None)[0]
        if (np.abs(back - values) > SAME * np.abs(values).max()).any():
            worst = int(np.argmax(np.abs(back - values)))
            raise ValueError(
                Refusal(
                    "its inverse does not lead back",
                    where=f"{self}:",
                    got=f"{values[worst]} becomes {back[worst]}",
                    expected="the same value",
                    advice="Use a transformer with an exact inverse (check_inverse of FunctionTransformer, no bins).",
                )
            )

    def _forward(self, x: Floats) -> Floats:
        out, known = np.full(x.shape, np.nan), ~np.isnan(x)
        if known.any():
            with config_context(transform_output="default"), np.errstate(all="ignore"):  # what is lost, is refused
                out[known] = self._column(self.transformer_.transform(x[known][:, None]))
        return self._finite(out, x)

    def _inverse(self, z: Floats, past: Floats | None) -> Floats:
        if z.size == 0:
            return z.copy()
        with config_context(transform_output="default"), np.errstate(all="ignore"):
            column = self._column(self.transformer_.inverse_transform(np.maximum(z, self._least).reshape(-1, 1)))
        return self._restored(column.reshape(z.shape), z)

    @property
    def _least(self) -> float:
        """The image of 0 in a Box-Cox transform, or rather the next number that differs from it; otherwise None."""
        lmbda, of = self._power
        if of is None or lmbda <= 0 or self.transformer_.method != "box-cox":
            return -np.inf
        return of(np.nextafter(-1 / lmbda, 0), 1)

    @property
    def _end(self) -> float:
        lmbda, of = self._power
        return of(-1 / lmbda) if of is not None and lmbda < 0 else np.inf

    @property
    def _power(self) -> tuple[float, Callable[..., float] | None]:
        """The power of a PowerTransformer (0 for any other transformer), and the standardisation of an image."""
        from sklearn.preprocessing import PowerTransformer  # here: a sixth of what importing forecast takes

        inner = self.transformer_
        if not isinstance(inner, PowerTransformer):
            return 0.0, None
        scaler = inner._scaler if inner.standardize else None

        def standardized(image: float, nudge: int = 0) -> float:
            image = image if scaler is None else float((image - scaler.mean_[0]) / scaler.scale_[0])
            return image + nudge * 8 * np.spacing(abs(image))

        return float(inner.lambdas_[0]), standardized

    def _column(self, out: Any) -> Floats:
        out = out.toarray() if issparse(out) else np.asarray(out)  # a frame where its own set_output says so
        if out.ndim != 2 or out.shape[1] != 1:
            raise ValueError(Refusal(f"one column becomes shape {out.shape}", where=f"{self}:", expected="one column"))
        return out.astype(np.float64)[:, 0]
