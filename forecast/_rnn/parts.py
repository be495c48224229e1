"""A network trained on windows that come in parts: what it starts from, and what it is afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .._arrays import read_training
from .._network import Scaling
from .._refusals import Fix, Refusal, argument
from .._tail import MANY, some_of
from .._training import PartsTraining
from .arguments import check_combinations, cycle_of, groups_of, recipe_of, refuse_freeze
from .categories import levels_of, with_rows_of_unread_codes
from .domain import refuse_beyond
from .placing import placed_for_fit
from .start import most_scaled, start

if TYPE_CHECKING:
    from typing import Any

    from .._arrays import Dataset
    from .._network import Moments
    from .._types import Integers
    from .._windows import Windows

__all__ = ["OnParts", "add_moments", "refuse_parts"]

_LEAST = 64  # windows of a part that means and scales are learned from


def refuse_parts(model: Any) -> None:
    """Refuse what a network on parts cannot have.

    Parameters
    ----------
    model : RNNForecaster

    Raises
    ------
    ValueError
    """
    if model.stateful:
        raise ValueError(
            Refusal("carries states along each series, which blocks do not", where=argument("stateful", True))
        )
    cycle, shared = cycle_of(model)
    if model.series_size > 0 or (cycle and not shared):
        given = f"series_size={model.series_size}" if model.series_size > 0 else f"cycle={model.cycle!r}"
        raise ValueError(
            Refusal(
                "learns values of each series, and blocks are for more series than fit into memory",
                where=given,
                fix=Fix("series_size=0" if model.series_size > 0 else f"cycle=({cycle}, 'shared')", ""),
            )
        )
    if model.early_stopping is True:
        raise ValueError(
            Refusal(
                "holds out windows of all series after each epoch, which blocks cannot",
                where=argument("early_stopping", True),
                advice="Set max_iter (passes over the data) or max_steps.",
                fix=argument("early_stopping", "auto"),
            )
        )
    if model.warm_start:
        raise ValueError(
            Refusal(
                "a fit on blocks starts from scratch",
                where=argument("warm_start", True),
                fix=argument("warm_start", False),
            )
        )
    refuse_freeze(model)


class OnParts:
    """A network in training on parts.

    Parameters
    ----------
    model : RNNForecaster
        An unfitted clone; it gets the fitted state.
    sample : Windows
        Some windows, which say what all look like; the skip's ridge start is learned from them.
    moments : Moments
        Moments of the windows of all parts.
    counts : ndarray of int
        Windows of each part.
    """

    def __init__(self, model: Any, sample: Windows, moments: Moments, counts: Integers) -> None:
        check_combinations(model)
        refuse_parts(model)
        self.model = model
        self.data, self._names = self._placed(sample)
        rng = np.random.default_rng(model._seed())
        every = np.arange(self.data.n_windows, dtype=np.int64)
        scaling = Scaling.of(moments.found())
        network, optimizer = start(model, self.data, None, every, rng, go_on=False, scaling=scaling)
        recipe = replace(recipe_of(model, int(model.max_iter), False), groups=groups_of(model, network))
        self.training = PartsTraining(network, optimizer, counts, recipe, int(rng.integers(2**63)), model.n_jobs)

    def _placed(self, windows: Windows) -> tuple[Dataset, Any]:
        data = read_training(self.model, windows, None)
        refuse_beyond(self.model, data)
        data, _, names = placed_for_fit(self.model, replace(data, levels=levels_of(self.model, data, None)), None, None)
        return data, names

    def source(self, windows: Windows) -> Any:
        """The windows of a part as the network reads them; may be called while it trains on another part.

        Parameters
        ----------
        windows : Windows

        Returns
        -------
        _core.Source
        """
        return self.training.network.source(self._placed(windows)[0].arguments)

    def fitted(self) -> Any:
        """The model, with the fitted state."""
        training = self.training
        theta = with_rows_of_unread_codes(training.network, training.optimizer, training.run.theta)
        learnt = training.network.with_theta(theta)
        self.model._keep(learnt, training.optimizer, self.data, self._names, training.run, False)
        self.model._carried = None
        return self.model


def add_moments(moments: Moments, model: Any, windows: Windows, n_parts: int) -> None:
    """Add an even sample of a part's windows, such that all parts together give about as many as one fit uses.

    Parameters
    ----------
    moments : Moments
    model : RNNForecaster
    windows : Windows
    n_parts : int
    """
    most = max((most_scaled(model) or MANY) // n_parts, _LEAST)
    arguments = (windows.y_sequences if model.return_sequences else windows.y).source_arguments()
    moments.add(arguments, some_of(np.arange(len(windows)), most))
