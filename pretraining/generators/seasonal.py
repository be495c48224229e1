"""Trend, season and irregular part, added or multiplied, and patterns as a calendar makes them."""

import numpy as np

from .linear import arma
from .parts import chosen, cycle, log_uniform, periods, rbf, trend

__all__ = ["calendar", "multiplicative", "seasonal"]


def _parts(rng, n, length):
    both = periods(rng, n)
    season = cycle(rng, n, length, both[:, 0]) * log_uniform(rng, 0.3, 3, (n, 1))
    season += chosen(rng, 0.5, n) * cycle(rng, n, length, both[:, 1]) * log_uniform(rng, 0.1, 1, (n, 1))
    # The amplitude changes slowly in half of the series.
    season *= 1 + chosen(rng, 0.5, n) * 0.4 * np.clip(rbf(rng, n, length, length / 8, 2 * length), -2, 2)
    level = trend(rng, n, length) * chosen(rng, 0.7, n) * log_uniform(rng, 0.1, 2, (n, 1))
    irregular = arma(rng, n, length, 0.95) * log_uniform(rng, 0.02, 1, (n, 1))
    return level, season, irregular


def seasonal(rng, n, length):
    """The sum of trend, one or two seasons and ARMA."""
    return sum(_parts(rng, n, length))


def multiplicative(rng, n, length):
    """Positive series whose season and noise grow with the level."""
    level, season, irregular = _parts(rng, n, length)
    size = log_uniform(rng, 0.1, 0.6, (n, 1))
    return np.exp(np.clip(size * (level + season + irregular), -8, 8))


def calendar(rng, n, length):
    """Days with a profile, days of the week with factors of their own, holidays; as loads, traffic and sales are."""
    per_day = rng.choice([1, 1, 24, 24, 48, 96, 144], size=n)
    found = np.empty((n, length))
    for i, steps in enumerate(per_day):
        days = length // steps + 2
        profile = np.ones(steps)
        if steps > 1:
            hours = np.linspace(0, 24, steps, endpoint=False)
            profile = rng.uniform(0, 0.5) + sum(
                rng.uniform(0.2, 1) * np.exp(-(((hours - rng.uniform(0, 24) + 12) % 24 - 12) ** 2) / rng.uniform(2, 30))
                for _ in range(rng.integers(1, 4))
            )
        week = np.ones(7)
        off = rng.choice(7, size=rng.choice([0, 1, 2, 2]), replace=False)
        week[off] = rng.uniform(0.2, 0.9)
        week += rng.uniform(0, 0.15) * rng.standard_normal(7)
        of_day = week[(np.arange(days) + rng.integers(7)) % 7] * np.exp(
            rng.uniform(0.01, 0.15) * rng.standard_normal(days)
        )
        of_day[rng.random(days) < rng.choice([0.0, 0.01, 0.03])] *= rng.uniform(0.2, 0.8)
        start = rng.integers(steps)
        found[i] = (of_day[:, None] * profile[None]).ravel()[start : start + length]
    year = 1 + 0.3 * np.clip(rbf(rng, n, length, length / 3, 4 * length), -2, 2) * chosen(rng, 0.7, n)
    noise = 1 + rng.standard_normal((n, length)) * log_uniform(rng, 0.01, 0.3, (n, 1))
    return found * year * noise
