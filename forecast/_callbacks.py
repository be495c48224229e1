"""Callbacks of scikit-learn 1.9 and newer: `set_callbacks`, and the tasks of a fit that they follow.

A fit is a task. Its subtasks are the epochs of a network, or the fits of a forecaster's regressors. scikit-learn joins
the tasks of a regressor to those of what fits it. Without callbacks nothing of this is imported.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from importlib.util import find_spec
from typing import Any

from sklearn.utils.metaestimators import available_if

__all__ = ["CALLBACKS", "FitTask", "SupportsCallbacks", "begun", "fit_task", "regressor_task", "teardown"]

CALLBACKS = "_skl_callbacks"  # where scikit-learn keeps them; never saved to a model file
_PARENT = "_parent_callback_ctx"  # and the one for the task of what fits an estimator


def _exist(model: object) -> bool:
    """Whether this version of scikit-learn has callbacks."""
    return find_spec("sklearn.callback") is not None


class SupportsCallbacks:
    """The part of an estimator that takes scikit-learn's callbacks."""

    @available_if(_exist)  # type: ignore[untyped-decorator]
    def set_callbacks(self, *callbacks: Any) -> "SupportsCallbacks":
        """Set callbacks of scikit-learn, such as `sklearn.callback.ProgressBar`; needs scikit-learn 1.9 or newer.

        Each `fit` is a task for them: of a network with a subtask for each epoch, of a `SeriesForecaster` with one for
        each regressor that it fits. They do not change the result, unless one asks to stop. They are not
        parameters: `clone` passes them on, and model files leave them out. The argument `callbacks` of networks is
        independent of them; both may be used.

        Parameters
        ----------
        *callbacks : callbacks
            Objects with the methods of `sklearn.callback.FitCallback`. They replace those set before; without any, all
            are removed.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            An object does not have these methods.
        """
        from sklearn.callback import CallbackSupportMixin

        CallbackSupportMixin.set_callbacks(self, *callbacks)
        return self


class FitTask:
    """The task of a fit, whose subtasks follow each other.

    Parameters
    ----------
    model : estimator
    max_subtasks : int or None
        None: not known in advance.
    data : dict
        What callbacks may ask for: `X`, `y` and `metadata`, or functions that make them.
    """

    def __init__(self, model: Any, max_subtasks: int | None, **data: Any) -> None:
        from sklearn.callback import CallbackSupportMixin

        self.model, self.data, self.open = model, data, None
        self.context = CallbackSupportMixin._init_callback_context(model, max_subtasks=max_subtasks)
        self.context.call_on_fit_task_begin(estimator=model, **data)

    def begins(self, name: str, of: Any = None) -> ExitStack:
        """Begin a subtask; for that of fitting another estimator, `of`, it is entered while that is fitted."""
        self.open = context = self.context.subcontext(task_name=name)
        # scikit-learn would warn of each estimator that takes no callbacks.
        passed_on = context.propagate_callback_context(of) if hasattr(of, "set_callbacks") else nullcontext()
        with ExitStack() as stack:
            stack.enter_context(passed_on)  # first: that estimator calls the callbacks passed on
            context.call_on_fit_task_begin(estimator=self.model, **self.data)
            return stack.pop_all()

    def ends(self, so_far: Callable[[], dict[str, Any]] | None = None) -> bool:
        """End the subtask that is open; returns whether a callback asks to stop.

        `so_far` gives the attributes of a fitted model that has stopped here.
        """
        context, self.open = self.open, None
        if context is None:
            return False
        return bool(context.call_on_fit_task_end(estimator=self.model, reconstruction_attributes=so_far, **self.data))

    def finish(self, fitted: bool) -> None:
        """End the task; `fitted`: the model can answer for the data that the callbacks are given."""
        self.ends()
        attributes: dict[str, Any] | None = {} if fitted else None
        self.context.call_on_fit_task_end(estimator=self.model, reconstruction_attributes=attributes, **self.data)


def begun(model: Any, max_subtasks: int | None, X: Any, y: Any, sample_weight: Any) -> FitTask | None:
    """The task of a fit that begins; None where no callback listens and nothing that has tasks fits the model.

    Parameters
    ----------
    model : estimator
    max_subtasks : int or None
    X, y, sample_weight : of `fit`

    Returns
    -------
    FitTask or None
    """
    if not _listened_to(model):
        return None
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    # Of Windows y may be left out.
    return FitTask(model, max_subtasks, X=X, y=getattr(X, "y", None) if y is None else y, metadata=metadata)


def _listened_to(model: Any) -> bool:
    return hasattr(model, CALLBACKS) or hasattr(model, _PARENT)


def teardown(model: Any) -> AbstractContextManager[None]:
    """Within it a fit may begin a task: whatever is raised, its callbacks are torn down while the model knows them.

    `_fit_context` does so as well, but later than `Alone` has put back what the model was before.
    """
    if not _listened_to(model):
        return nullcontext()
    from sklearn.callback._callback_support import callback_management_context

    managed: AbstractContextManager[None] = callback_management_context(model)
    return managed


# -------------------- what fits other regressors

_FIT: ContextVar[FitTask | None] = ContextVar("fit", default=None)


@contextmanager
def fit_task(model: Any, X: Any, y: Any, sample_weight: Any) -> Iterator[None]:
    """The fit of a forecaster: `regressor_task` within it is one of its subtasks."""
    task = begun(model, None, X, y, sample_weight)
    token = _FIT.set(task)
    try:
        yield
    finally:
        _FIT.reset(token)
    if task is not None:
        task.finish(fitted=False)  # a forecaster does not forecast the rows that it was trained on


def regressor_task(regressor: Any) -> AbstractContextManager[None]:
    """The fit of one regressor, within that of a forecaster; outside of one it is nothing."""
    task = _FIT.get()
    return nullcontext() if task is None else _subtask(task, regressor)


@contextmanager
def _subtask(task: FitTask, regressor: Any) -> Iterator[None]:
    token = _FIT.set(None)
    try:
        with task.begins(f"fit {type(regressor).__name__}", regressor):
            yield
    finally:
        _FIT.reset(token)
    task.ends()
