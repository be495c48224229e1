"""A fit on blocks: a sample of the series in memory chooses the settings, then networks are trained block by block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from .._blocks import STRETCH, Columns, FrameBlocks, read_ahead
from .._callbacks import CALLBACKS
from .._network import Moments
from .._preparation import Member, Rows, Settings, anew, goes_on_from_weights
from .._refusals import Fix, Refusal, argument, extended
from .._rnn import OnParts, add_moments, refuse_parts
from .parameters import member_settings, settings_of
from .skipping import SkippedSeriesWarning, warn_of
from .span import Span

if TYPE_CHECKING:
    from .._blocks import Blocks, Reading
    from .._types import Integers
    from .._windows import Windows
    from .forecaster import SeriesForecaster
    from .state import FittedState

__all__ = ["fitted_on_blocks", "refuse_on_blocks"]

_SPREAD = 16  # blocks that the sample is taken from


def refuse_on_blocks(model: SeriesForecaster, blocks: Blocks, others: dict[str, Any]) -> None:
    """Refuse what a fit on blocks cannot do.

    Parameters
    ----------
    model : SeriesForecaster
    blocks : Blocks
    others : dict of str to object
        The other arguments of `fit`.

    Raises
    ------
    TypeError, ValueError
    """
    for name, given in others.items():
        if given is not None:
            raise ValueError(Refusal("is given, and X is read in blocks", where=name, expected="columns of the blocks"))
    for name, what in (("target", "the columns to forecast"), ("series", "the columns that name the series")):
        if getattr(model, name) is None:
            raise ValueError(Refusal("is None, and X is read in blocks", where=name, expected=what))
    if model.time is None and not isinstance(blocks, FrameBlocks):
        raise ValueError(
            Refusal("is None, and X is read in blocks", where="time", expected="the column of time stamps")
        )
    if model.half_life is not None:
        raise ValueError(
            Refusal(
                "weighs rows by their age in all series, which blocks do not know",
                where=argument("half_life", model.half_life),
                fix=argument("half_life", None),
            )
        )
    if getattr(model, CALLBACKS, None):
        raise ValueError(
            Refusal(
                "follow fits in memory, and X is read in blocks",
                where="set_callbacks:",
                advice="RNNForecaster(callbacks=...) follows the passes.",
                fix=Fix("model.set_callbacks()", ""),
            )
        )
    if model.gaps == "irregular":
        raise ValueError(Refusal("is not for blocks", where=argument("gaps", "irregular"), expected="regular rows"))
    if model.regressor is None and model.members is None:
        return
    members = [_anew(one) for one in (model.members or {}).values()]
    given = [model.regressor] if model.members is None else [one.get("regressor") for one in members]
    networks = [regressor for regressor in given if goes_on_from_weights(regressor)]
    if not networks:
        raise TypeError(
            Refusal(
                f"{type(given[0]).__name__} needs all windows at once, and X is read in blocks",
                where="regressor:" if model.members is None else "members:",
                expected="RNNForecaster, or no regressor (a recipe)",
                advice="Fit it on a sample of the series that fits into memory, and use predict_to_parquet.",
            )
        )
    for regressor in networks:
        refuse_parts(regressor)


def _columns(model: SeriesForecaster) -> Columns:
    roles = (model.target, model.past_covariates, model.future_covariates, model.static_covariates)
    others = [name for role in roles for name in _listed(role)]
    return Columns(_listed(model.series), model.time, others)


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else [] if given is None else [given]


@dataclass
class _Network:
    """A member that is trained block by block."""

    member: Member
    settings: Settings
    moments: Moments
    counts: Integers
    training: OnParts | None = None

    def windows(self, state: FittedState, rows: Rows) -> Windows:
        """All windows of a block to train on."""
        rows = self.member.channels(rows)
        preparation = self.member.preparation.knowing(rows)
        clock = state.axis.positions(rows.index[rows.starts[:-1]]) if rows.n_series > 1 else None
        return preparation.training_windows(rows, self.settings.step, clock)


class _Panel:
    """The blocks of a panel as rows, read with what the sample says of them."""

    def __init__(self, model: SeriesForecaster, reading: Reading, state: FittedState) -> None:
        self.reading, self.state, self.rules = reading, state, model._rules()
        self.lost = max(member.preparation.n_lost for member, _ in state.parts)
        self.n_series, self.n_rows, self.unread = 0, 0, 0
        self.first: list[Any] = []
        self.last: list[Any] = []
        self.hashes: list[Any] = []

    def whole(self, number: int) -> Rows:
        """Rows of all series of a block."""
        frame = self.reading.read(number)
        with _placed(self.reading.place(number)):
            return self.state.read(frame, self.rules, "block")

    def rows(self, number: int) -> Rows:
        """Rows of the series of a block from which something can be learned."""
        return self.learnable(self.whole(number))

    def learnable(self, rows: Rows) -> Rows:
        """Without the series that are too short for their transform, or have no value."""
        if not self.state.learns_of_series:
            return rows
        keep = np.diff(rows.starts) > self.lost + 2
        keep &= np.array([not np.isnan(rows.targets[first:end]).all() for first, end in _spans(rows)])
        return rows if keep.all() else rows.only([key for key, kept in zip(rows.keys, keep, strict=True) if kept])

    def saw(self, rows: Rows) -> None:
        """Count a block, in the first pass."""
        self.n_series += rows.n_series
        self.n_rows += len(rows)
        self.first.append(min(rows.index[rows.starts[:-1]]))
        self.last.append(max(rows.index[rows.ends]))
        self.hashes.append(pd.util.hash_array(np.array([repr(key) for key in rows.keys], dtype=object)))

    def refuse_split(self) -> None:
        """Refuse a series that is in two blocks."""
        hashes = np.concatenate(self.hashes)
        order = np.argsort(hashes, kind="stable")
        same = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
        ends = np.cumsum([len(one) for one in self.hashes])
        for at in same:  # equal hashes may still be of two names
            one, other = (int(np.searchsorted(ends, order[at + k], side="right")) for k in (0, 1))
            twice = set(self.whole(one).keys) & set(self.whole(other).keys)
            if one != other and twice:
                raise ValueError(
                    Refusal(
                        f"series {next(iter(twice))!r} is in {self.reading.place(one)} and in "
                        f"{self.reading.place(other)}",
                        expected="all rows of a series in one block",
                    )
                )


def _spans(rows: Rows) -> Iterator[tuple[int, int]]:
    return zip(rows.starts[:-1].tolist(), rows.starts[1:].tolist(), strict=True)


class _placed:
    """Says in a refusal of rows where their block lies."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, ValueError | TypeError):
            refusal = TypeError if isinstance(error, TypeError) else ValueError
            raise refusal(extended(error, f"{self.place}: ")) from error


def fitted_on_blocks(model: SeriesForecaster, blocks: Blocks) -> tuple[FittedState, Any, dict[str, Any]]:
    """Train clones of a model's networks on blocks.

    Parameters
    ----------
    model : SeriesForecaster
        Its parameters are read, it is not changed.
    blocks : Blocks

    Returns
    -------
    FittedState, columns, dict
        The state, the columns of the frames, and the parameters that give the same fit, with nothing left to choose.
    """
    reading = blocks._open(_columns(model))
    seed = _seed_of(model)
    sample, whole = _sample(model, blocks, reading, np.random.default_rng([seed, 0]))
    inner = clone(model).set_params(verbose=0).fit(sample)
    state = inner._state
    networks = _networks(inner)
    panel = _Panel(model, reading, state)
    _survey(panel, networks)
    rows = state.read(sample, panel.rules, "sample")
    for network in networks.values():
        regressor = clone(network.settings.regressor)
        network.training = OnParts(regressor, network.windows(state, rows), network.moments, network.counts)
    del rows
    _train(panel, networks, seed)
    return _state(inner, panel, networks, whole), sample.columns, inner.recipe_


def _seed_of(model: SeriesForecaster) -> int:
    """The seed of the sample and of the order of the blocks: the forecaster's, or that of its network."""
    given = [model.random_state, getattr(model.regressor, "random_state", None)]
    given += [getattr(one.get("regressor"), "random_state", None) for one in (model.members or {}).values()]
    for one in given:
        if one is not None:
            return int(one.randint(2**31)) if isinstance(one, np.random.RandomState) else int(one)
    return int(np.random.default_rng().integers(2**31))


def _sample(
    model: SeriesForecaster, blocks: Blocks, reading: Reading, rng: np.random.Generator
) -> tuple[pd.DataFrame, bool]:
    """Some series of some blocks, and whether they are all."""
    n = min(reading.n_blocks, _SPREAD, blocks.sample)
    chosen = np.sort(rng.choice(reading.n_blocks, n, replace=False))
    parts, whole = [], n == reading.n_blocks
    for number, want in zip(chosen, np.diff(np.linspace(0, blocks.sample, n + 1).round()).astype(int), strict=True):
        frame = reading.read(int(number))
        names = [_level(frame, name) for name in _listed(model.series)]
        codes, keys = pd.factorize(pd.MultiIndex.from_arrays(names) if len(names) > 1 else names[0])
        if len(keys) > want:
            some = rng.choice(len(keys), want, replace=False)
            frame, whole = frame[np.isin(codes, some)], False
        parts.append(frame)
    together = pd.concat(parts, ignore_index=isinstance(parts[0].index, pd.RangeIndex))
    return together, whole


def _level(frame: pd.DataFrame, name: Any) -> Any:
    if name in frame.columns:
        return frame[name]
    if name in frame.index.names:
        return frame.index.get_level_values(name)
    raise ValueError(Refusal(f"the blocks have no column {name!r}", expected=f"some of {list(frame.columns)}"))


def _networks(inner: SeriesForecaster) -> dict[str, _Network]:
    """The members that are trained block by block, with the settings of the fit on the sample."""
    settled = type(inner)(**inner.recipe_)
    if settled.members is not None:
        settled.members = {name: _anew(one) for name, one in settled.members.items()}
    if settled.members is None:
        settings = {"regressor": settings_of(settled)}
        members = {"regressor": inner._state.parts[0][0]}
    else:
        settings = {name: one for name, (one, _) in member_settings(settled).items()}
        members = inner._state.members or {"regressor": inner._state.parts[0][0]}
        settings = dict(zip(members, settings.values(), strict=True))  # a recipe may have one
    none = np.empty(0, dtype=np.int64)
    return {
        name: _Network(member, settings[name], Moments(), none)
        for name, member in members.items()
        if goes_on_from_weights(member.regressor)
    }


def _anew(member: dict[str, Any]) -> dict[str, Any]:
    """A member whose network learns from all rows from the beginning, as on blocks, and does not continue."""
    found = {key: value for key, value in member.items() if key != "continued"}
    if "continued" in member and goes_on_from_weights(member.get("regressor")):
        found["regressor"] = anew(Settings(member["regressor"], 1)).regressor
    return found


def _survey(panel: _Panel, networks: dict[str, _Network]) -> None:
    """The first pass: every check of the rows, the number of windows of each block, and their moments."""
    n_blocks = panel.reading.n_blocks
    counts: dict[str, list[int]] = {name: [] for name in networks}

    def read(number: int) -> tuple[Rows, dict[str, Windows]]:
        whole = panel.whole(number)
        with _placed(panel.reading.place(number)):
            rows = panel.learnable(whole)
            return whole, {name: one.windows(panel.state, rows) for name, one in networks.items() if rows.n_series}

    for _, (whole, each) in read_ahead(range(n_blocks), read):
        panel.saw(whole)
        for name, network in networks.items():
            windows = each.get(name)
            counts[name].append(0 if windows is None else len(windows))
            if windows is not None and len(windows):
                add_moments(network.moments, network.settings.regressor, windows, n_blocks)
        lead = next(iter(each.values()), None)
        panel.unread += whole.n_series - (0 if lead is None or not len(lead) else _n_read(lead, networks))
    panel.refuse_split()
    for name, network in networks.items():
        network.counts = np.array(counts[name], dtype=np.int64)
        if not network.counts.sum():
            raise ValueError(Refusal("no series is long enough for a window", advice="Use a shorter lookback."))
    if panel.unread:
        text = f"{panel.unread:,} of {panel.n_series:,} series take no part in training: they are too short."
        warn_of(SkippedSeriesWarning, text, {}, 6)


def _n_read(windows: Windows, networks: dict[str, _Network]) -> int:
    """Number of series that have a window; where each target is a series, they are counted once."""
    lead = next(iter(networks.values())).member
    return len(np.unique(windows.which // (len(lead.preparation.labels) if lead.split else 1)))


def _order(n_blocks: int, seed: int, epoch: int) -> Integers:
    """The blocks of a pass: stretches of neighbours in random order, so that most reads go on where the last ended."""
    stretches = np.array_split(np.arange(n_blocks), max(1, -(-n_blocks // STRETCH)))
    order = np.random.default_rng([seed, 1, epoch]).permutation(len(stretches))
    return np.concatenate([stretches[at] for at in order])


def _train(panel: _Panel, networks: dict[str, _Network], seed: int) -> None:
    """All passes; every network reads what is read once."""
    on = {name: (network, network.training) for name, network in networks.items() if network.training is not None}

    def read(number: int) -> dict[str, tuple[Any, int]]:
        rows = panel.rows(number)
        found = {}
        for name, (network, training) in on.items():
            if training.training.wants(epoch, number):
                windows = network.windows(panel.state, rows)
                _refuse_other_count(panel, number, len(windows), int(network.counts[number]))
                with _placed(panel.reading.place(number)):
                    found[name] = training.source(windows), len(windows)
        return found

    with ExitStack() as stack:
        for _, training in on.values():
            stack.enter_context(training.training)
        for epoch in range(max((len(training.training.shares) for _, training in on.values()), default=0)):
            going = [training.training for _, training in on.values() if not training.training.over]
            order = [
                int(number)
                for number in _order(panel.reading.n_blocks, seed, epoch)
                if any(one.wants(epoch, int(number)) for one in going)
            ]
            for number, sources in read_ahead(order, read):
                for name, (source, n_windows) in sources.items():
                    if on[name][1].training.wants(epoch, number):  # it may have diverged since the block was read
                        on[name][1].training.train(epoch, number, source, n_windows)
            for one in going:
                one.ends_pass()


def _refuse_other_count(panel: _Panel, number: int, found: int, expected: int) -> None:
    if found != expected:
        raise ValueError(
            Refusal(
                f"{panel.reading.place(number)} has {found:,} windows now, and had {expected:,} in the first pass",
                expected="the same rows in every pass",
            )
        )


def _state(inner: SeriesForecaster, panel: _Panel, networks: dict[str, _Network], whole: bool) -> FittedState:
    """The state of the sample's fit with the networks that were trained on blocks; nothing is kept of one series."""
    state = inner._state
    members = {}
    for name, member in ({"regressor": state.parts[0][0]} if state.members is None else state.members).items():
        own = networks.get(name)
        regressor, n_windows = member.regressor, member.n_windows
        if own is not None and own.training is not None:
            regressor, n_windows = own.training.fitted(), int(own.counts.sum())
        members[name] = replace(member, regressor=regressor, n_windows=n_windows, preparation=_of_no_series(member))
    lead = next(iter(members.values()))
    sampled = state.tail.n_series
    of = "of the same series" if whole else f"on {sampled:,} of {panel.n_series:,} series"
    notes = [*state.report.notes, f"measured by a fit in memory {of}, before the training on blocks"]
    return replace(
        state,
        regressor=lead.regressor,
        preparation=lead.preparation,
        n_windows=max(member.n_windows for member in members.values()),
        members=None if state.members is None else members,
        report=replace(state.report, notes=notes),
        span=Span(min(panel.first), max(panel.last), panel.n_rows),
        kept=None,
        since=None,
        n_series=panel.n_series,
    )


def _of_no_series(member: Member) -> Any:
    """The preparation without what it knows of single series of the sample: all series are forecast alike."""
    own = member.preparation
    return replace(
        own,
        chains={},
        floors=None if own.floors is None else {},
        still={},
        named=None if own.named is None else [],
    )
