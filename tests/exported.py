"""ONNX models of fitted networks, run by onnxruntime and compared with `predict`."""

import numpy as np
import onnx
import onnxruntime

__all__ = ["answers", "as_given", "difference", "session_of"]


def session_of(model, path):
    """An onnxruntime session of a model that `to_onnx` writes, which ONNX's own checker finds whole."""
    model.to_onnx(path)
    onnx.checker.check_model(str(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def as_given(model, windows):
    """`Windows` as the inputs of a graph, by name."""
    a, table = model._network.architecture, np.asarray(windows).astype(np.float32)
    widths = {"X": (a.steps, a.inputs), "extra": (a.own,), "future": (a.horizon_steps, a.future), "static": (a.static,)}
    cuts = np.cumsum([int(np.prod(shape)) for shape in widths.values()])[:-1]
    found = {
        name: part.reshape(len(table), *shape)
        for (name, shape), part in zip(widths.items(), np.split(table, cuts, axis=1), strict=True)
        if np.prod(shape)
    }
    if a.series_size or a.cycle_rows > 1:
        found["series"] = np.asarray(windows.series_rows(model._series_names), dtype=np.int64)
    if a.cycle:
        found["phase"] = np.asarray(windows.phase(a.cycle), dtype=np.int64)
    return found


def answers(session, given):
    """Outputs by name."""
    return dict(zip([one.name for one in session.get_outputs()], session.run(None, given), strict=True))


def difference(model, session, windows):
    """The largest difference from `predict` over the largest forecast."""
    expected, found = model.predict(windows), answers(session, as_given(model, windows))["forecast"]
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    return float(np.abs(found - expected).max() / np.abs(expected).max())
