"""States carried from row to row: those that sequences have reached, and what the network forecasts from them."""

from __future__ import annotations

from dataclasses import field, replace
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from .._files import ModelFileError, stored
from .._records import record
from .._refusals import Refusal

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from .. import _core
    from .._types import Array, Floats, Integers
    from .architecture import Architecture
    from .weights import Network

__all__ = ["Carried", "along"]


@stored("carried states")
@record
class Carried:
    """The states of some sequences after the newest row of each; never changed in place.

    Attributes
    ----------
    states : ndarray of shape (layers, states of the cell, sequences, hidden)
        States in the precision of the network.
    outputs : ndarray of shape (sequences, targets of a step * outputs of a target) or None
        The forecast from there, in units; None: no row has been read.
    """

    states: Array
    outputs: Array | None = None
    _one_row: _OneRow | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {"states": self.states, "outputs": self.outputs}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Carried.__init__(self, **state)

    @classmethod
    def anew(cls, architecture: Architecture, n_sequences: int) -> Carried:
        """Sequences that have not begun: zeros.

        Parameters
        ----------
        architecture : Architecture
        n_sequences : int

        Returns
        -------
        Carried
        """
        a = architecture
        return cls(np.zeros((a.layers, len(a.core_info["states"]), n_sequences, a.hidden), dtype=a.dtype))

    @property
    def n_sequences(self) -> int:
        return self.states.shape[2]

    def of(self, sequences: Integers) -> Carried:
        """Some of the sequences.

        Parameters
        ----------
        sequences : ndarray of int

        Returns
        -------
        Carried
        """
        outputs = None if self.outputs is None else self.outputs[sequences]
        return Carried(np.ascontiguousarray(self.states[:, :, sequences]), outputs, self._one_row)

    @staticmethod
    def joined(parts: list[Carried]) -> Carried:
        """The sequences of several, in order.

        Parameters
        ----------
        parts : list of Carried

        Returns
        -------
        Carried
        """
        outputs = np.concatenate([part.outputs for part in parts])
        return Carried(np.concatenate([part.states for part in parts], axis=2), outputs, parts[0]._one_row)

    def advanced(self, network: Network, rows: Floats) -> Carried:
        """Return the states after further rows; the work does not grow with the number of earlier rows.

        Parameters
        ----------
        network : Network
        rows : ndarray of shape (sequences, k, channels), float64, finite
            The next rows of each sequence; k is at least 1.

        Returns
        -------
        Carried
        """
        one = self._one_row
        if one is None or one.of is not network:
            one = _OneRow(network)
        states = self.states.copy()
        return Carried(states, one.read(rows, states), one)

    def along(self, network: Network, rows: Floats) -> Floats:
        """Return the forecasts after each of some further rows of one sequence.

        Parameters
        ----------
        network : Network
        rows : ndarray of shape (k, channels), float64, finite

        Returns
        -------
        ndarray of shape (k, outputs of a step)
            In units.
        """
        return _OneRow(network).read(rows[None], self.states.copy(), every=True)

    def refuse_damaged(self, network: Network) -> None:
        """Refuse states out of a file that are not those of a network.

        Parameters
        ----------
        network : Network

        Raises
        ------
        ModelFileError
        """
        expected = Carried.anew(network.architecture, 1).states
        states, outputs = self.states, self.outputs
        wanted = expected.shape[:2] + expected.shape[3:]
        width = network.architecture.step_targets * network.outputs.of_a_target
        fits = isinstance(states, np.ndarray) and states.ndim == 4 and states.dtype == expected.dtype
        if not fits or states.shape[:2] + states.shape[3:] != wanted:
            raise ModelFileError(
                Refusal(f"the carried states are not of {expected.shape[3]} units in {len(expected)} layers")
            )
        if outputs is None:
            return
        fits = isinstance(outputs, np.ndarray) and outputs.dtype == np.float64
        if not fits or outputs.shape != (states.shape[2], width):
            raise ModelFileError(
                Refusal(f"the forecasts from the carried states are not {width} numbers of each sequence")
            )


class _OneRow:
    """The network over a single row, with all that a call needs and that does not change from one to the next."""

    def __init__(self, network: Network) -> None:
        a, scaling = network.architecture, network.scaling.at_steps(network.architecture, 1)
        shape = replace(a, steps=1, targets=a.step_targets)
        self.of, self.network = network, type(network)(shape, scaling, network.theta)
        self.compiled = self.network.compiled
        self.packed: _core.Packed | None = None
        self.row, self.index = np.zeros((1, a.inputs)), np.zeros(1, dtype=np.int64)
        self.source = self.network.source({"past": self.row, "lookback": 1})
        known = a.past_levels if a.category_left_out == 0 else ()  # else there is a vector for unknown codes
        self.codes = [(column, levels) for column, levels in enumerate(known) if levels]
        levels = network.outputs.of_a_target
        self.scale, self.mean = (np.repeat(part, levels) for part in (scaling.output_scale, scaling.target_mean))

    def read(self, rows: Floats, states: Array, every: bool = False) -> Floats:
        """The forecasts after the last rows, or after every row; the states are changed in place."""
        n, k, channels = rows.shape
        for column, levels in self.codes:
            _refuse_unknown(rows[..., column], column, levels)
        # Weights may have been edited in place: comparing them costs a small part of the step.
        self.packed = self.compiled.pack(self.network.theta, self.packed)
        if n == k == 1:
            self.row[0] = rows[0, 0]
            found = self.compiled.predict(self.packed, self.source, self.index, carried=states, batch_size=1)
            found = self._in_units(found)
            # As `sound`, in a quarter of its microsecond: every new row waits for it.
            return found if isfinite(sum(found.tolist()[0])) else self.network.sound(found)
        source = self.network.source({"past": rows.reshape(n * k, channels), "lookback": 1})
        order = (np.arange(n) * k + np.arange(k)[:, None]).ravel()
        found = self.compiled.predict(
            self.packed, source, order, carried=states, batch_size=n, threads=self.network.threads(None, n)
        )
        return self.network.sound(self._in_units(found if every else found[-n:]))

    def _in_units(self, outputs: Array) -> Floats:
        """As `Point.in_units`, with less around it."""
        found = np.multiply(outputs, self.scale, dtype=np.float64)
        found += self.mean
        return found


def _refuse_unknown(codes: Floats, column: int, levels: int) -> None:
    unknown = codes[(codes < 0) | (codes > levels - 1) | (codes != np.rint(codes))]
    if len(unknown):
        raise ValueError(
            Refusal(
                f"channel {column} holds {unknown[0]:g}",
                where="rows:",
                expected=(
                    f"the codes 0 to {levels - 1} of the fit, because category_left_out=0 leaves no vector for "
                    "unknown ones"
                ),
            )
        )


def along(network: Network, source: _core.Source, sequences: list[NDArray[np.int64]]) -> tuple[list[Floats], Carried]:
    """What a network forecasts at every step of sequences that begin with zeros.

    Parameters
    ----------
    network : Network
    source : _core.Source
        As the network sees it.
    sequences : list of ndarray of int64
        Windows of each, in order.

    Returns
    -------
    list of ndarray of shape (windows, outputs)
        In units.
    Carried
        The states after the last window of each.
    """
    network._packed = network.compiled.pack(network.theta, network._packed)
    found, ends, anew = [], [], Carried.anew(network.architecture, 1)
    width = network.architecture.step_targets * network.outputs.of_a_target
    for windows in sequences:
        states = anew.states.copy()
        outputs = network.compiled.predict(network._packed, source, windows, carried=states, batch_size=1)
        found.append(network.in_units(outputs))
        ends.append(Carried(states, found[-1][-1:, -width:]))
    return found, Carried.joined(ends)
