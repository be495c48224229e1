"""The families of distributions: parameters from the outputs of a network, and results computed from them.

A family has no state. `values` are parameters in the units of the target, on the last axis, float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
from scipy import special

from .._types import Floats
from .counts import smallest_counts

__all__ = ["FAMILIES"]

# As the headers of the losses have them: cpp/loss/.
_FARTHEST, _LEAST_SCALE, _LEAST_DF, _MOST_DF = 1e6, 1e-3, 2.01, 1e4
_LEAST_MEAN, _LEAST_DISPERSION, _MOST_DISPERSION, _LEAST_SHAPE, _MOST_SHAPE = 1e-6, 1e-4, 1e3, 1e-2, 1e4

_CLOSED, _SUMMED = 0.1, 1e4  # dispersion from which on a CRPS has its closed form; counts to sum over, in deviations


def _positive(raw: Floats, least: float, most: float) -> Floats:
    return np.logaddexp(0.0, np.minimum(raw, most)) + least


def _columns(values: Floats) -> list[Floats]:
    """Each parameter, with an axis for levels behind it."""
    return [values[..., number, None] for number in range(values.shape[-1])]


class Family:
    """Base of all families. `parameters` are the names, `least` is the lower end of the support."""

    parameters: tuple[str, ...] = ()
    least: float = -np.inf
    target = "real"  # as the registry of losses says of the targets


class _LocationScale(Family):
    def linked(self, raw: Floats, scale: Floats, mean: Floats) -> Any:
        """Parameters in units, of outputs (..., parameters) and the targets' scale and mean (...)."""
        location = np.clip(raw[..., 0], -_FARTHEST, _FARTHEST) * scale + mean
        return [location, _positive(raw[..., 1], _LEAST_SCALE, _FARTHEST) * scale]

    def moved(self, values: Floats, to_units: Callable[[Floats], Floats]) -> Floats:
        """The same after a linear map of the target, `to_units` of arrays (...)."""
        out = values.copy()
        out[..., 0] = to_units(values[..., 0])
        out[..., 1] = to_units(values[..., 0] + values[..., 1]) - out[..., 0]
        return out

    def mean(self, values: Floats) -> Floats:
        return values[..., 0]

    def standard(self, values: Floats, y: Floats) -> Floats:
        """(y - location) / scale; of a scale of 0, which a constant target has, 0 or infinite."""
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (y - values[..., 0]) / values[..., 1]
        return np.where(y == values[..., 0], 0.0, z)


class Normal(_LocationScale):
    parameters = ("mean", "std")

    def linked(self, raw: Floats, scale: Floats, mean: Floats) -> Floats:
        return np.stack(super().linked(raw, scale, mean), axis=-1)

    def std(self, values: Floats) -> Floats:
        return values[..., 1]

    def quantiles(self, values: Floats, levels: Floats) -> Floats:
        mean, std = _columns(values)
        return mean + std * special.ndtri(levels)

    def cdf(self, values: Floats, y: Floats) -> Floats:
        return special.ndtr(self.standard(values, y))

    def log_density(self, values: Floats, y: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return -0.5 * self.standard(values, y) ** 2 - 0.5 * np.log(2 * np.pi) - np.log(values[..., 1])

    def crps(self, values: Floats, y: Floats) -> Floats:
        z, std = self.standard(values, y), values[..., 1]
        density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
        size = np.abs(y - values[..., 0])
        with np.errstate(invalid="ignore"):  # of a constant target the score is the error
            found = std * (z * (2 * special.ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi))
        return np.where(std > 0, found, size)


class StudentT(_LocationScale):
    parameters = ("loc", "scale", "df")

    def linked(self, raw: Floats, scale: Floats, mean: Floats) -> Floats:
        df = _positive(raw[..., 2], _LEAST_DF, _MOST_DF)
        return np.stack([*super().linked(raw, scale, mean), df], axis=-1)

    def std(self, values: Floats) -> Floats:
        df = values[..., 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            return values[..., 1] * np.where(df > 2, np.sqrt(df / (df - 2)), np.inf)

    def quantiles(self, values: Floats, levels: Floats) -> Floats:
        loc, scale, df = _columns(values)
        return loc + scale * special.stdtrit(df, levels)

    def cdf(self, values: Floats, y: Floats) -> Floats:
        return special.stdtr(values[..., 2], self.standard(values, y))

    def log_density(self, values: Floats, y: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return self._log_density_of(self.standard(values, y), values[..., 2]) - np.log(values[..., 1])

    @staticmethod
    def _log_density_of(z: Floats, df: Floats) -> Floats:
        constant = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - 0.5 * np.log(df * np.pi)
        return constant - (df + 1) / 2 * np.log1p(z**2 / df)

    def crps(self, values: Floats, y: Floats) -> Floats:
        z, scale, df = self.standard(values, y), values[..., 1], values[..., 2]
        size = np.abs(y - values[..., 0])
        beta = np.exp(special.betaln(0.5, df - 0.5) - 2 * special.betaln(0.5, df / 2))
        with np.errstate(invalid="ignore"):
            found = z * (2 * special.stdtr(df, z) - 1)
            found = found + 2 * np.exp(self._log_density_of(z, df)) * (df + z**2) / (df - 1)
            found = scale * (found - 2 * np.sqrt(df) / (df - 1) * beta)
        return np.where(scale > 0, found, size)


class _NeverNegative(Family):
    least = 0.0

    def mean(self, values: Floats) -> Floats:
        return values[..., 0]

    def moved(self, values: Floats, to_units: Callable[[Floats], Floats]) -> Floats:
        out = values.copy()
        out[..., 0] = to_units(values[..., 0])
        return out


class Poisson(_NeverNegative):
    parameters = ("mean",)
    target = "counts"

    def linked(self, raw: Floats, scale: Floats, mean: Floats) -> Floats:
        return (_positive(raw[..., 0], _LEAST_MEAN, _FARTHEST) * scale)[..., None]

    def std(self, values: Floats) -> Floats:
        return np.sqrt(values[..., 0])

    def quantiles(self, values: Floats, levels: Floats) -> Floats:
        (mean,) = _columns(values)
        return smallest_counts(lambda k, own: special.pdtr(k, own[0]), mean + np.sqrt(mean), levels, [mean])

    def cdf(self, values: Floats, y: Floats) -> Floats:
        return np.where(y < 0, 0.0, special.pdtr(np.maximum(np.floor(y), 0.0), values[..., 0]))

    def log_density(self, values: Floats, y: Floats) -> Floats:
        whole = (y >= 0) & (y == np.floor(y))
        held = np.where(whole, y, 0.0)
        found = special.xlogy(held, values[..., 0]) - values[..., 0] - special.gammaln(held + 1)
        return np.where(whole, found, -np.inf)

    def crps(self, values: Floats, y: Floats) -> Floats:
        mean = values[..., 0]
        at = np.exp(self.log_density(values, np.maximum(np.floor(y), 0.0))) * (y >= 0)
        bessel = special.ive(0, 2 * mean) + special.ive(1, 2 * mean)
        return (y - mean) * (2 * self.cdf(values, y) - 1) + 2 * mean * at - mean * bessel


class NegativeBinomial(_NeverNegative):
    parameters = ("mean", "dispersion")
    target = "counts"

    def linked(self, raw: Floats, scale: Floats, mean: Floats) -> Floats:
        dispersion = _positive(raw[..., 1], _LEAST_DISPERSION, _MOST_DISPERSION)
        return np.stack([_positive(raw[..., 0], _LEAST_MEAN, _FARTHEST) * scale, dispersion], axis=-1)

    def std(self, values: Floats) -> Floats:
        return np.sqrt(values[..., 0] + values[..., 1] * values[..., 0] ** 2)

    @staticmethod
    def _reached(k: Floats, parameters: Iterable[Floats]) -> Floats:
        mean, dispersion = parameters
        return special.betainc(1 / dispersion, k + 1, 1 / (1 + dispersion * mean))

    def quantiles(self, values: Floats, levels: Floats) -> Floats:
        parameters = _columns(values)
        guess = parameters[0] + self.std(values)[..., None]
        return smallest_counts(self._reached, guess, levels, parameters)

    def cdf(self, values: Floats, y: Floats) -> Floats:
        found = self._reached(np.maximum(np.floor(y), 0.0), [values[..., 0], values[..., 1]])
        return np.where(y < 0, 0.0, found)

    def log_density(self, values: Floats, y: Floats) -> Floats:
        mean, r = values[..., 0], 1 / values[..., 1]
        whole = (y >= 0) & (y == np.floor(y))
        k = np.where(whole, y, 0.0)
        found = special.gammaln(k + r) - special.gammaln(r) - special.gammaln(k + 1)
        found = found - r * np.log1p(mean / r) + special.xlogy(k, mean / (r + mean))
        return np.where(whole, found, -np.inf)

    def crps(self, values: Floats, y: Floats) -> Floats:
        shape = np.broadcast_shapes(np.shape(y), values.shape[:-1])
        y, values = np.broadcast_to(y, shape).ravel(), np.broadcast_to(values, (*shape, 2)).reshape(-1, 2)
        out, narrow = np.empty(len(y)), values[:, 1] < _CLOSED
        wide = narrow & (self.std(values) > _SUMMED)
        out[~narrow] = self._crps_closed(values[~narrow], y[~narrow])
        for place in np.flatnonzero(narrow & ~wide):
            out[place] = self._crps_summed(values[place], y[place])
        alike = np.stack([values[:, 0], (values[:, 0] / self.std(values)) ** 2], axis=-1)
        out[wide] = FAMILIES["gamma"].crps(alike[wide], y[wide])  # off by a count in many thousands
        return out.reshape(shape)

    def _crps_closed(self, values: Floats, y: Floats) -> Floats:
        """Wei and Held (2014), whose hypergeometric function loses precision if the dispersion is small."""
        mean, dispersion = values.T
        r, p, odds = 1 / dispersion, 1 / (1 + dispersion * mean), dispersion * mean * (1 + dispersion * mean)
        before = np.floor(y) - 1
        more = np.where(before < 0, 0.0, special.betainc(r + 1, np.maximum(before, 0.0) + 1, p))
        found = p * (2 * more - 1) + special.hyp2f1(r + 1, 0.5, 2, -4 * odds)
        return y * (2 * self.cdf(values, y) - 1) - r * odds * found

    def _crps_summed(self, values: Floats, y: float) -> float:
        """The squared distance of the distribution function from the step at y, count by count."""
        low, high = self.quantiles(values, np.array([1e-14, 1 - 1e-14]))
        k = np.arange(max(min(low, np.floor(y)), 0.0), max(high, np.ceil(y)) + 1)
        reached = self._reached(k, values)
        below = np.clip(y - k, 0.0, 1.0)  # share of [k, k + 1) that is below y
        return (below * reached**2 + (1 - below) * (1 - reached) ** 2).sum() + max(-y, 0.0)


class Gamma(_NeverNegative):
    parameters = ("mean", "shape")
    target = "positive"

    def linked(self, raw: Floats, scale: Floats, mean: Floats) -> Floats:
        shape = _positive(raw[..., 1], _LEAST_SHAPE, _MOST_SHAPE)
        return np.stack([_positive(raw[..., 0], _LEAST_MEAN, _FARTHEST) * scale, shape], axis=-1)

    def std(self, values: Floats) -> Floats:
        return values[..., 0] / np.sqrt(values[..., 1])

    def quantiles(self, values: Floats, levels: Floats) -> Floats:
        mean, shape = _columns(values)
        return special.gammaincinv(shape, levels) * mean / shape

    def cdf(self, values: Floats, y: Floats) -> Floats:
        return special.gammainc(values[..., 1], self._standard(values, y))

    def log_density(self, values: Floats, y: Floats) -> Floats:
        mean, shape = values[..., 0], values[..., 1]
        with np.errstate(divide="ignore"):
            z = self._standard(values, y)
            found = special.xlogy(shape - 1, z) - z - special.gammaln(shape) + np.log(shape / mean)
        return np.where(y < 0, -np.inf, found)

    def crps(self, values: Floats, y: Floats) -> Floats:
        mean, shape = values[..., 0], values[..., 1]
        z = self._standard(values, y)
        reached, next_shape = special.gammainc(shape, z), special.gammainc(shape + 1, z)
        beta = np.exp(-special.betaln(0.5, shape)) / shape
        return y * (2 * reached - 1) - mean * (2 * next_shape - 1) - mean * beta

    @staticmethod
    def _standard(values: Floats, y: Floats) -> Floats:
        return np.maximum(y, 0.0) * values[..., 1] / values[..., 0]


AnyFamily: TypeAlias = Normal | StudentT | Poisson | NegativeBinomial | Gamma

FAMILIES: dict[str, AnyFamily] = {
    "normal": Normal(),
    "student_t": StudentT(),
    "poisson": Poisson(),
    "negative_binomial": NegativeBinomial(),
    "gamma": Gamma(),
}
