"""A callback of scikit-learn that writes down its calls; a module of its own, so that other processes find it."""

from pathlib import Path

__all__ = ["Recorder", "lines"]


class Recorder:
    """Writes a line for each hook to a file, which processes share.

    Parameters
    ----------
    path : path
    stop_at : int, default=None
        Asks to stop at the end of this epoch, from 0.
    fails_at : int, default=None
        Raises at the end of this epoch.
    """

    max_propagation_depth = None

    def __init__(self, path, stop_at=None, fails_at=None):
        self.path, self.stop_at, self.fails_at = str(path), stop_at, fails_at

    def _write(self, hook, context):
        depth, parent = 0, context.parent
        while parent is not None:
            depth, parent = depth + 1, parent.parent
        parts = hook, depth, context.estimator_name, repr(context.task_name), context.task_id, context.max_subtasks
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(" ".join(map(str, parts)) + "\n")

    def setup(self, estimator, context):
        self._write("setup", context)

    def teardown(self, estimator, context):
        self._write("teardown", context)

    def on_fit_task_begin(self, estimator, context):
        self._write("begin", context)

    def on_fit_task_end(self, estimator, context):
        self._write("end", context)
        if context.task_name == "epoch" and context.task_id == self.fails_at:
            raise RuntimeError("the recorder fails")
        return context.task_name == "epoch" and context.task_id == self.stop_at


def lines(path, hook=None):
    """What was written, of one hook or of all."""
    found = Path(path).read_text(encoding="utf-8").splitlines()
    return [line for line in found if hook is None or line.startswith(f"{hook} ")]
