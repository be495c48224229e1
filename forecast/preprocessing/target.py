"""The transforms of a target: one class per formula, each with its inverse."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np

from .._files import stored
from .._refusals import Refusal
from .._types import Floats
from .transform import ROUNDINGS, SAME, Transform

__all__ = ["Asinh", "BoxCox", "Difference", "Log", "Log1p", "LogReturn", "Scale", "period_fault"]


@stored("Log")
class Log(Transform):
    """Natural logarithm, for positive values.

    Attributes
    ----------
    n_lost_ : int
        0.

    Examples
    --------
    >>> import numpy as np
    >>> log = Log().fit([1.0, 2.0])
    >>> log.inverse_transform([[np.log(3.0)]]).round(12)
    array([[3.]])
    """

    _positive = True

    def _forward(self, x: Floats) -> Floats:
        self._report(
            x <= 0,
            x,
            "are not positive",
            "'log1p' where all are above -1, an offset added to the column, or sklearn's PowerTransformer()",
        )
        return np.log(x)

    def _inverse(self, z: Floats, past: Floats | None) -> Floats:
        with np.errstate(over="ignore", under="ignore"):
            return self._restored(np.exp(z), z)


@stored("Log1p")
class Log1p(Transform):
    """Natural logarithm of 1 + x, for values above -1: counts with zeros.

    Attributes
    ----------
    n_lost_ : int
        0.

    Examples
    --------
    >>> Log1p().fit([0.0, 5.0]).transform([0.0])
    array([0.])
    """

    def _forward(self, x: Floats) -> Floats:
        self._report(x <= -1, x, "are -1 or less", "an offset added to the column, or sklearn's PowerTransformer()")
        return np.log1p(x)

    def _inverse(self, z: Floats, past: Floats | None) -> Floats:
        with np.errstate(over="ignore", under="ignore"):
            return self._restored(np.expm1(z), z)


@stored("BoxCox")
class BoxCox(Transform):
    """Box-Cox transform of positive values: `((x / g)^lmbda - 1) / lmbda`, and `log(x / g)` where `lmbda` is 0.

    g is the geometric mean of the fitted values. Dividing by it only shifts and stretches the result, but it keeps the
    digits that a power of a large number would lose.

    With a positive `lmbda`, images are at least `-1 / lmbda`, the image of 0: a forecast below becomes the smallest
    positive value that differs from 0 there. With a negative one, images are at most `-1 / lmbda`, the image of
    infinity: a forecast above is refused here, and `SeriesForecaster` keeps forecasts below it.

    Parameters
    ----------
    lmbda : float, default=None
        The power. None: the maximum-likelihood estimate between -2 and 2, and 1 for a constant series.

    Attributes
    ----------
    lmbda_ : float
    geometric_mean_ : float
        g, in the units of the series.
    n_lost_ : int
        0.

    References
    ----------
    Box, Cox: An analysis of transformations. J. R. Stat. Soc. B 26 (1964), 211-252.

    Examples
    --------
    >>> boxcox = BoxCox(lmbda=0.5).fit([1.0, 4.0, 16.0])
    >>> boxcox.transform([4.0, 16.0])
    array([0., 2.])
    """

    _positive = True
    _n_needed = 2

    def __init__(self, lmbda: float | None = None) -> None:
        self.lmbda = lmbda

    def _fault(self) -> str | None:
        lmbda = self.lmbda
        if lmbda is None or (isinstance(lmbda, Real) and not isinstance(lmbda, bool) and np.isfinite(lmbda)):
            return None
        return Refusal(f"is {lmbda!r}", where="lmbda", expected="a finite number, or None for the most likely one")

    def _learn(self, x: Floats, known: Floats) -> None:
        lmbda = self.lmbda
        self._refuse_domain(x)
        logs = np.log(known)
        middle = float(logs.mean())
        self.geometric_mean_ = float(np.exp(middle))
        self.lmbda_ = _most_likely(logs - middle) if lmbda is None else float(lmbda)
        out = self._forward(known)
        room = 1 + self.lmbda_ * out
        with np.errstate(all="ignore"):
            back = self._undone(out)
        lossless = (room > 0) & (np.abs(back - known) <= SAME * known)
        self._report(
            ~lossless, known, f"lose their digits at lmbda = {self.lmbda_:.3g}", "'log', or a lmbda nearer to 0"
        )

    def _refuse_domain(self, x: Floats) -> None:
        self._report(
            x <= 0, x, "are not positive", "an offset added to the column, 'log1p', or sklearn's PowerTransformer()"
        )

    def _forward(self, x: Floats) -> Floats:
        self._refuse_domain(x)
        logs = np.log(x) - np.log(self.geometric_mean_)
        with np.errstate(over="ignore", under="ignore"):
            return self._finite(_power(logs, self.lmbda_), x)

    def _undone(self, z: Floats) -> Floats:
        return np.exp((np.log1p(self.lmbda_ * z) / self.lmbda_ if _is_power(self.lmbda_) else z) + self._shift)

    @property
    def _shift(self) -> float:
        return np.log(self.geometric_mean_)

    def _inverse(self, z: Floats, past: Floats | None) -> Floats:
        if self.lmbda_ > 0 and _is_power(self.lmbda_):
            z = np.maximum(z, np.nextafter(-1 / self.lmbda_, 0))
        else:
            self._report(
                (z >= self._end) & _is_power(self.lmbda_),
                z,
                f"are above every value that a Box-Cox transform with lmbda = {self.lmbda_:.3g} can have",
                "'log', which has no such bound, or a lmbda nearer to 0",
            )
        with np.errstate(over="ignore", under="ignore"):
            return self._restored(np.maximum(self._undone(z), np.finfo(np.float64).tiny), z)

    @property
    def _end(self) -> float:
        return -1 / self.lmbda_ if self.lmbda_ < 0 and _is_power(self.lmbda_) else np.inf


def _is_power(lmbda: float) -> bool:
    return abs(lmbda) > 1e-19  # below, the power is the logarithm to the last bit


def _power(logs: Floats, lmbda: float) -> Floats:
    return np.expm1(lmbda * logs) / lmbda if _is_power(lmbda) else logs


def _most_likely(logs: Floats) -> float:
    """The maximum-likelihood power; with a geometric mean of 1 it has the smallest variance."""
    from scipy.optimize import minimize_scalar  # here, because importing it takes longer than all of this package

    spread = np.abs(logs).max()
    if spread <= 8 * np.finfo(np.float64).eps:
        return 1.0
    steepest = min(2.0, 300 / spread)  # squares beyond leave float64

    def loss(lmbda: float) -> float:
        return np.log(np.var(_power(logs, lmbda)))

    return float(minimize_scalar(loss, bounds=(-steepest, steepest), method="bounded", options={"xatol": 1e-8}).x)


@stored("Asinh")
class Asinh(Transform):
    """Inverse hyperbolic sine of `(x - center) / scale`: linear near the centre, logarithmic far away, for any value.

    Like "log" it evens out swings and dampens spikes, but it also accepts zeros and negative values, such as
    electricity prices.

    Attributes
    ----------
    center_ : float
        Median, in the units of the series.
    scale_ : float
        Median distance from the centre, times 1.4826: for normal values the standard deviation. If more than half of
        the values are equal, the mean distance, times 1.2533; 1 for a constant series.
    n_lost_ : int
        0.

    References
    ----------
    Uniejewski, Weron, Ziel: Variance stabilizing transformations for electricity spot price forecasting. IEEE
    Transactions on Power Systems 33 (2018), 2219-2229.

    Examples
    --------
    >>> asinh = Asinh().fit([-1.0, 0.0, 1.0, 1000.0, 0.0])
    >>> asinh.transform([-1e6, 0.0, 1e6]).round(1)
    array([-14.1,   0. ,  14.1])
    >>> asinh.inverse_transform(asinh.transform([5.0])[None]).round(9)
    array([[5.]])
    """

    def _learn(self, x: Floats, known: Floats) -> None:
        self.center_ = float(np.median(known))
        with np.errstate(over="ignore"):
            apart = np.abs(known - self.center_)
            scale = 1.4826 * np.median(apart)
            least = ROUNDINGS * np.finfo(np.float64).eps * np.abs(known).max()
            scale = scale if scale > least else 1.2533 * apart.mean()
        if not np.isfinite(scale):
            raise ValueError(
                Refusal(
                    "the spread of the series leaves float64",
                    where=f"{self}:",
                    advice="Use other units, such as thousands.",
                )
            )
        self.scale_ = float(scale) if scale > least else 1.0

    def _forward(self, x: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return self._finite(np.arcsinh((x - self.center_) / self.scale_), x)

    def _inverse(self, z: Floats, past: Floats | None) -> Floats:
        with np.errstate(over="ignore"):
            return self._restored(np.sinh(z) * self.scale_ + self.center_, z)


@stored("Difference")
class Difference(Transform):
    """Change over `period` rows; with a season as the period, the seasonal difference.

    Parameters
    ----------
    period : int, default=1
        Number of rows.

    Attributes
    ----------
    n_lost_ : int
        `period`.

    Examples
    --------
    >>> difference = Difference(period=2).fit([1.0, 2.0, 4.0, 8.0])
    >>> difference.transform([1.0, 2.0, 4.0, 8.0])
    array([nan, nan,  3.,  6.])
    >>> difference.inverse_transform([[3.0, 6.0, 1.0]], past=[[1.0, 2.0]])
    array([[4., 8., 5.]])
    """

    def __init__(self, period: int = 1) -> None:
        self.period = period

    @property
    def n_lost(self) -> int:
        """Rows at the start without a transformed value, known before `fit`: the period."""
        return self.period

    def _fault(self) -> str | None:
        return period_fault(self.period)

    def _learn(self, x: Floats, known: Floats) -> None:
        if len(x) <= self.period:
            raise ValueError(
                Refusal(
                    f"the series has {len(x)} rows; more than period = {self.period} are needed for a difference",
                    where=f"{self}:",
                    advice="Use a shorter period or a longer history.",
                )
            )
        if np.isnan(self._forward(x)).all():
            raise ValueError(
                Refusal(
                    f"no two known values are {self.period} rows apart in {len(x)} rows",
                    where=f"{self}:",
                    advice="Fill missing values, or use no difference.",
                )
            )

    def _forward(self, x: Floats) -> Floats:
        out = np.full(x.shape, np.nan)
        with np.errstate(over="ignore"):
            np.subtract(x[..., self.period :], x[..., : -self.period], out=out[..., self.period :])
        self._report(np.isinf(out), x, "have a difference beyond float64", "other units, such as thousands")
        return out

    def _inverse(self, z: Floats, past: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return self._restored(accumulated(z, past), z)


def period_fault(period: Any) -> str | None:
    """What is wrong with a number of rows, None where nothing is."""
    whole = isinstance(period, Integral) and not isinstance(period, bool)
    if whole and period >= 1:
        return None
    return Refusal(f"is {period!r}", where="period", expected="a whole number of rows, 1 or more")


def accumulated(z: Floats, past: Floats) -> Floats:
    """Add up changes (n, steps) from the values (n, period) before them, each season from the one before."""
    out, period = np.empty_like(z), past.shape[1]
    before = past
    for start in range(0, z.shape[1], period):
        part = out[:, start : start + period]
        np.add(z[:, start : start + period], before[:, : part.shape[1]], out=part)
        before = part
    return out


@stored("LogReturn")
class LogReturn(Transform):
    """Change of the natural logarithm from one row to the next, for positive prices.

    Attributes
    ----------
    n_lost_ : int
        1.

    Examples
    --------
    >>> returns = LogReturn().fit([100.0, 110.0])
    >>> returns.transform([100.0, 110.0]).round(4)
    array([   nan, 0.0953])
    >>> returns.inverse_transform([[0.0953, 0.0]], past=[[100.0]]).round(1)
    array([[110., 110.]])
    """

    _positive = True

    @property
    def n_lost(self) -> int:
        """Rows at the start without a transformed value, known before `fit`: 1."""
        return 1

    def _learn(self, x: Floats, known: Floats) -> None:
        Difference()._learn(self._logs(x), known)

    def _logs(self, x: Floats) -> Floats:
        self._report(x <= 0, x, "are not positive", "'difference', or an offset added to the column")
        return np.log(x)

    def _forward(self, x: Floats) -> Floats:
        return Difference()._forward(self._logs(x))

    def _inverse(self, z: Floats, past: Floats) -> Floats:
        with np.errstate(over="ignore", under="ignore"):
            return self._restored(np.exp(accumulated(z, self._logs(past))), z)


@stored("Scale")
class Scale(Transform):
    """Shift and scale: `(x - center) / scale`.

    Parameters
    ----------
    method : {"standard", "robust", "minmax"}, default="standard"
        Centre and scale. "standard": mean and standard deviation. "robust": median and interquartile range. "minmax":
        minimum and range.

    Attributes
    ----------
    center_, scale_ : float
        Centre and scale in the units of the series. The scale of a constant series is 1.
    n_lost_ : int
        0.

    Examples
    --------
    >>> Scale("minmax").fit([2.0, 4.0]).transform([2.0, 3.0, 6.0])
    array([0. , 0.5, 2. ])
    """

    def __init__(self, method: Literal["standard", "robust", "minmax"] = "standard") -> None:
        self.method = method

    @property
    def is_linear(self) -> bool:
        """True."""
        return True

    def _fault(self) -> str | None:
        known = isinstance(self.method, str) and self.method in SCALES
        wanted = f"one of {sorted(SCALES)}"
        return None if known else Refusal(f"is {self.method!r}", where="method", expected=wanted)

    def _learn(self, x: Floats, known: Floats) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            center, scale = SCALES[self.method](known)
        if not np.isfinite([center, scale]).all():
            raise ValueError(
                Refusal(
                    "the spread of the series leaves float64",
                    where=f"{self}:",
                    advice="Use other units, such as thousands.",
                )
            )
        constant = scale <= ROUNDINGS * np.finfo(np.float64).eps * np.abs(known).max()
        self.center_, self.scale_ = float(center), 1.0 if constant else float(scale)

    def _forward(self, x: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return self._finite((x - self.center_) / self.scale_, x)

    def _inverse(self, z: Floats, past: Floats | None) -> Floats:
        with np.errstate(over="ignore"):
            return self._restored(z * self.scale_ + self.center_, z)


def _quartiles(known: Floats) -> tuple[float, float]:
    low, middle, high = np.percentile(known, (25, 50, 75))
    return middle, high - low


SCALES: dict[str, Callable[[Floats], tuple[Any, Any]]] = {
    "standard": lambda known: (known.mean(), known.std()),
    "robust": _quartiles,
    "minmax": lambda known: (known.min(), known.max() - known.min()),
}
