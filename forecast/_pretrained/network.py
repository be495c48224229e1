"""The pretrained network: its architecture, and how windows are passed to the core."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast._network import Architecture, Network, Scaling, Source

from .reading import CHANNELS, KNOWN, STATIC, Windows

__all__ = ["HORIZON", "LEVELS", "LOOKBACK", "arguments", "network_of", "network_with", "quantiles", "source"]

LOOKBACK, HORIZON = 512, 64  # steps that the network reads, and that it forecasts in one pass
LEVELS = tuple((np.arange(1, 10) / 10).tolist())


def network_of(**options: Any) -> Network:
    """Return the network with its first weights; `options` describe it, as `_described` has them."""
    return Network.initial(*_described(**options), np.random.default_rng(0))


def network_with(theta: NDArray[np.float32], **options: Any) -> Network:
    """Return the network with given weights."""
    return Network(*_described(**options), theta)


def _described(
    *, cell: str, units: int, layers: int, segment: int, decoder: int, future: int
) -> tuple[Architecture, Scaling]:
    """The architecture, and its scaling: none, as windows come standardised."""
    a = Architecture(
        cell=cell, dtype="float32", steps=LOOKBACK, inputs=CHANNELS, hidden=units, layers=layers, targets=HORIZON,
        extra=HORIZON * KNOWN + STATIC, loss="quantile", loss_parameters=LEVELS, horizon=HORIZON, future=KNOWN,
        static=STATIC, segment=segment, decoder="steps", decoder_size=decoder, future_size=future,
    )  # fmt: skip
    inputs, targets, extra = (np.ones(n) for n in (a.inputs, a.targets, a.extra))
    return a, Scaling(0 * inputs, inputs, 0 * targets, targets, 0 * extra, extra)


def source(
    windows: Windows, targets: NDArray[np.float32] | None = None, weight: NDArray[np.float64] | None = None
) -> Source:
    """Return windows, and targets (n, H) of training, as the core gathers them."""
    target = None if targets is None else targets.reshape(-1, 1)
    return Source(**arguments(windows), weight=weight, target=target)


def arguments(windows: Windows) -> dict[str, Any]:
    """Return windows as arguments of the core's `Source`."""
    n = len(windows.past)
    return dict(
        past=windows.past.reshape(-1, CHANNELS), lookback=LOOKBACK, past_stride=LOOKBACK,
        future=windows.known.reshape(-1, KNOWN), horizon=HORIZON, target_stride=HORIZON, static=windows.static,
        starts=np.arange(n + 1, dtype=np.int64) * LOOKBACK,
    )  # fmt: skip


def quantiles(network: Network, theta: NDArray[np.float32], windows: Windows, threads: int = 1) -> NDArray[np.float32]:
    """Return rising quantiles (n, H, 9) in standardised units."""
    n = len(windows.past)
    found = network.sound(network.compiled.predict(theta, source(windows), np.arange(n), threads=threads))
    return np.sort(found.reshape(n, HORIZON, len(LEVELS)), axis=2)
