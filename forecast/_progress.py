"""What long work says while it runs: to lines on stderr, to a bar in a notebook, to callbacks and to Python's logging.

The loop over the epochs tells `Progress` three things: that it begins, what an epoch gave, that it ends. The listeners
are decided once, before the first epoch; without any, nothing is computed.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from ._records import record
from ._refusals import Refusal
from ._types import Callback, Floats

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LOGGER", "Fits", "Progress", "as_callbacks", "in_notebook"]

LOGGER = "forecast"
_LOG = logging.getLogger(f"{LOGGER}.training")
_BACKTEST_LOG = logging.getLogger(f"{LOGGER}.backtest")
Broken: TypeAlias = tuple[type[BaseException], int, float]  # class of the exception, epoch, seconds
_Listener: TypeAlias = "_Lines | _Bar | _Log | _Callbacks"

logging.getLogger(LOGGER).addHandler(logging.NullHandler())  # else Python prints warnings of an unconfigured logger


@record(frozen=True)
class Begin:
    """What is trained, and on what."""

    network: str  # "lstm, 1 layer of 64 units, 17,217 parameters"
    windows: str  # "900 windows of 24 steps, 100 held out"
    max_iter: int
    threads: int

    def __str__(self) -> str:
        threads = f"{self.threads} thread" + ("s" if self.threads > 1 else "")
        return f"{self.network}; {self.windows}; {threads}"


@record(frozen=True)
class Epoch:
    """What one epoch gave; plain Python numbers."""

    epoch: int  # from 1
    max_iter: int
    loss: float
    validation_loss: float | None
    learning_rate: float
    gradient_norm: float
    seconds: float
    epoch_seconds: float
    best: bool  # of the validation losses so far

    def as_dict(self) -> dict[str, Any]:
        """What a callback gets: a new dict each time, so that changing it changes nothing."""
        return {
            "epoch": self.epoch,
            "max_iter": self.max_iter,
            "loss": self.loss,
            "validation_loss": self.validation_loss,
            "learning_rate": self.learning_rate,
            "gradient_norm": self.gradient_norm,
            "seconds": self.seconds,
            "epoch_seconds": self.epoch_seconds,
        }

    def __str__(self) -> str:
        held_out = "" if self.validation_loss is None else f"  validation {_number(self.validation_loss)}"
        return (
            f"epoch {self.epoch:>{len(str(self.max_iter))}}/{self.max_iter}  loss {_number(self.loss)}{held_out}  "
            f"rate {_number(self.learning_rate)}  |g| {_number(self.gradient_norm)}  {_time(self.epoch_seconds)}"
            + (" *" if self.best else "")
        )


@record(frozen=True)
class End:
    """Why training ended, and which weights are kept."""

    reason: str  # "finished", "stopped early", "stopped by a callback", "diverged"
    n_iter: int  # finished epochs
    max_iter: int
    kept: int  # epoch of the weights that are kept; 0: those before the first
    loss: float | None  # of that epoch: the validation loss where windows are held out
    held_out: bool
    seconds: float

    def __str__(self) -> str:
        where = {
            "finished": f"finished {self.n_iter} epoch{'s' if self.n_iter > 1 else ''}",
            "diverged": f"diverged in epoch {self.n_iter + 1} of {self.max_iter}",
        }.get(self.reason, f"{self.reason} at epoch {self.n_iter} of {self.max_iter}")
        if self.loss is None:
            kept = "the weights before training are kept"
        else:
            best = "best epoch" if self.held_out or self.reason == "diverged" else "last epoch"
            loss = "validation" if self.held_out else "loss"
            kept = f"{best} {self.kept}, {loss} {_number(self.loss).strip()}, is kept"
        return f"{where} after {self.seconds:.1f} s; {kept}"


class Progress:
    """Tells the listeners of one training what happens; a context that ends well with every way out of the loop.

    Parameters
    ----------
    verbose : int
        0: no lines. 1: a line an epoch, or a bar in a notebook. 2: what is trained comes first.
    callbacks : sequence of callables

    Examples
    --------
    >>> seen = []
    >>> with Progress(callbacks=[seen.append]) as progress:
    ...     progress.begins("lstm", "90 windows", max_iter=1, threads=1)
    ...     stop = progress.epoch(1, loss=0.5, validation_loss=None, learning_rate=0.01, norms=[2.0, 4.0], best=False)
    >>> stop, seen[0]["gradient_norm"]
    (False, 3.0)
    """

    def __init__(self, verbose: int = 0, callbacks: Sequence[Callback] = ()) -> None:
        self._listeners: list[_Listener] = []
        if verbose:
            self._listeners.append(_shown(verbose))
        if _LOG.isEnabledFor(logging.INFO):
            self._listeners.append(_Log())
        if callbacks:
            self._listeners.append(_Callbacks(callbacks))  # the last: what they refuse has been shown
        self._max_iter, self._n_iter, self._ended = 0, 0, False
        self._began = self._before = time.perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for listener in self._listeners:
            listener.closes(None if kind is None or self._ended else (kind, self._n_iter + 1, self._seconds()))

    def _seconds(self) -> float:
        return time.perf_counter() - self._began

    def begins(self, network: str, windows: str, max_iter: int, threads: int) -> None:
        self._max_iter = max_iter
        for listener in self._listeners:
            listener.begins(Begin(network, windows, max_iter, threads))

    def epoch(
        self,
        number: int,
        *,
        loss: float,
        validation_loss: float | None,
        learning_rate: float,
        norms: Floats | Sequence[float],
        best: bool,
    ) -> bool:
        """Tell an epoch, numbered from 1; returns whether a callback asks to stop after it."""
        self._n_iter = number
        if not self._listeners:
            return False
        now = time.perf_counter()
        record = Epoch(
            number, self._max_iter, float(loss), None if validation_loss is None else float(validation_loss),
            float(learning_rate), float(np.mean(norms)), now - self._began, now - self._before, bool(best),
        )  # fmt: skip
        stop = False
        for listener in self._listeners:
            stop = bool(listener.epoch(record)) or stop
        self._before = time.perf_counter()
        return stop

    def ends(self, reason: str, *, kept: int, loss: float | None, held_out: bool) -> None:
        self._ended = True
        for listener in self._listeners:
            listener.ends(End(reason, self._n_iter, self._max_iter, kept, loss, held_out, self._seconds()))


class Fits:
    """Tells the fits of one model in a backtest: a line each on stderr and in the log, when its forecasts are there.

    Parameters
    ----------
    model : str
        Its name.
    n_fits : int
    verbose : int

    Attributes
    ----------
    heard : bool
        Whether anything is printed or logged.

    Examples
    --------
    >>> fits = Fits("ridge", n_fits=2)
    >>> fits.heard, fits.tell([3, 5], seconds=0.5)
    (False, None)
    """

    def __init__(self, model: str, n_fits: int, verbose: int = 0) -> None:
        self.model, self.n_fits, self.verbose, self.told = model, n_fits, verbose, 0
        self.heard = bool(verbose) or _BACKTEST_LOG.isEnabledFor(logging.INFO)

    def tell(self, origins: Sequence[Any] | pd.Index, seconds: float) -> None:
        """The next fit, with the labels of the origins that it forecast from."""
        self.told += 1
        if not self.heard:
            return
        ends = sorted({min(origins), max(origins)}) if len(origins) else []
        where = f"origin {' to '.join(map(str, ends))}" if ends else "no origin"
        text = f"{self.model}: fit {self.told:>{len(str(self.n_fits))}}/{self.n_fits}  {where}  {_time(seconds)}"
        if self.verbose:
            _say(text)
        _BACKTEST_LOG.info("%s", text)


# -------------------- who listens


class _Lines:
    """A line an epoch on stderr, the same on a terminal and in a pipe."""

    def __init__(self, verbose: int) -> None:
        self.verbose, self.max_iter = verbose, 0

    def begins(self, begin: Begin) -> None:
        self.max_iter = begin.max_iter
        if self.verbose > 1:
            _say(f"fit: {begin}")

    def epoch(self, record: Epoch) -> None:
        _say(str(record))

    def ends(self, end: End) -> None:
        if self.max_iter > 1:  # after the only line of a partial_fit it would say the same again
            _say(str(end))

    def closes(self, broken: Broken | None) -> None:
        if broken is not None and issubclass(broken[0], KeyboardInterrupt):
            # The terminal has echoed ^C: the sentence starts on a line of its own.
            _say(("\n" if _is_terminal(sys.stderr) else "") + _broken(broken))


class _Bar:
    """A bar in a notebook, which carries the newest losses and at last the sentence about the end."""

    def __init__(self, verbose: int, tqdm: Any) -> None:
        self.verbose, self.tqdm = verbose, tqdm
        self.bar: Any = None

    def begins(self, begin: Begin) -> None:
        if self.verbose > 1:
            _say(f"fit: {begin}")
        self.bar = self.tqdm(total=begin.max_iter, desc="fit", unit="epoch")

    def epoch(self, record: Epoch) -> None:
        held_out = "" if record.validation_loss is None else f", validation {record.validation_loss:.4g}"
        self.bar.set_postfix_str(f"loss {record.loss:.4g}{held_out}", refresh=False)
        self.bar.update()

    def ends(self, end: End) -> None:
        if end.reason != "diverged":
            self.bar.total = self.bar.n  # a training that stops early is complete, not a failure in red
        self.bar.set_postfix_str(str(end))

    def closes(self, broken: Broken | None) -> None:
        if self.bar is not None:
            self.bar.close()


class _Log:
    """Python's logging: INFO at begin and end, DEBUG for every epoch."""

    def begins(self, begin: Begin) -> None:
        _LOG.info("fit begins: %s", begin)

    def epoch(self, record: Epoch) -> None:
        _LOG.debug("%s", record)

    def ends(self, end: End) -> None:
        _LOG.info("fit ends: %s", end)

    def closes(self, broken: Broken | None) -> None:
        if broken is not None:
            _LOG.info("fit ends: %s", _broken(broken))


class _Callbacks:
    """The user's functions: every one after every epoch, each with a dict of its own."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self.callbacks = callbacks

    def begins(self, begin: Begin) -> None:
        pass

    def epoch(self, record: Epoch) -> bool:
        stop = False
        for number, callback in enumerate(self.callbacks):
            answer = callback(record.as_dict())
            if answer is not None and not isinstance(answer, bool | np.bool_):
                raise TypeError(
                    Refusal(
                        f"callbacks[{number}], {callback!r}, returned {answer!r}",
                        expected="None or False to go on, True to stop after this epoch",
                    )
                )
            stop = stop or bool(answer)
        return stop

    def ends(self, end: End) -> None:
        pass

    def closes(self, broken: Broken | None) -> None:
        pass


def as_callbacks(callbacks: Callback | Iterable[Callback] | None) -> tuple[Callback, ...]:
    """The parameter `callbacks`, a function, several or None, as a tuple.

    Raises
    ------
    TypeError
        Not a function, nor a list of them.
    """
    several = () if callbacks is None else (callbacks,) if callable(callbacks) else tuple(callbacks)
    for number, callback in enumerate(several):
        if not callable(callback):
            raise TypeError(
                Refusal(
                    f"is {callback!r}",
                    where=f"callbacks[{number}]",
                    expected=(
                        "a function that takes the dict of an epoch, such as `history.append` of a list `history = []`"
                    ),
                )
            )
    return several


# -------------------- where it is shown


def in_notebook() -> bool:
    """Whether this interpreter is the kernel of a notebook; not an IPython in a terminal, nor one merely imported."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if hasattr(ipython, "get_ipython") else None
    return getattr(shell, "kernel", None) is not None


def _shown(verbose: int) -> _Listener:
    if not in_notebook():
        return _Lines(verbose)
    try:
        import ipywidgets  # noqa: F401  (without it tqdm.notebook cannot draw)
        from tqdm.notebook import tqdm
    except ImportError:
        try:
            from tqdm import tqdm
        except ImportError:
            return _Lines(verbose)
    return _Bar(verbose, tqdm)


def _say(text: str) -> None:
    if sys.stderr is not None:  # as in a program without a console
        print(text, file=sys.stderr, flush=True)


def _is_terminal(stream: Any) -> bool:
    return hasattr(stream, "isatty") and stream.isatty()


def _broken(broken: Broken) -> str:
    kind, epoch, seconds = broken
    what = "interrupted" if issubclass(kind, KeyboardInterrupt) else f"broken off by {kind.__name__}"
    return f"{what} in epoch {epoch} after {seconds:.1f} s; the model is as it was before"


def _number(value: float) -> str:
    """Six characters for all but the extremes, so that columns stay where they are and a line has 80 of them."""
    size = abs(value)
    if size == 0 or 1e-3 <= size < 9.9999:
        return f"{value:6.4f}"
    if 9.9999 <= size < 999.99:
        return f"{value:6.2f}"
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits}e{int(power)}".rjust(6)


def _time(seconds: float) -> str:
    return f"{seconds:4.{2 if seconds < 9.995 else 1 if seconds < 99.95 else 0}f} s"
