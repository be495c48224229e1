"""What a training says: lines, a notebook's bar, Python's logging, a backtest's fits."""

import io
import json
import logging
import re
import sys
import warnings
from types import ModuleType, SimpleNamespace

import children
import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from small_networks import small, table

from forecast import SeriesForecaster
from forecast._progress import _number, _time, in_notebook
from forecast.model_selection import RollingOrigin, SkillWarning, backtest

NUMBER = r" *\d+(?:\.\d+)?(?:e-?\d+)?"
LINE = re.compile(
    rf"epoch +(?P<epoch>\d+)/(?P<of>\d+)  loss (?P<loss>{NUMBER})(?:  validation (?P<validation>{NUMBER}))?"
    rf"  rate (?P<rate>{NUMBER})  \|g\| (?P<norm>{NUMBER})  {NUMBER} s(?P<best> \*)?"
)
EARLY = dict(early_stopping=True, tol=1.0, n_iter_no_change=2, max_iter=100)
DIVERGING = dict(learning_rate=1e8, optimizer="sgd", clip_norm=None)


def lines_of(capfd, **changes):
    """The model, and its epochs' and other lines on stderr."""
    model = small(verbose=1, **changes).fit(*table())
    out, err = capfd.readouterr()
    assert out == ""
    matches = [LINE.fullmatch(line) for line in err.splitlines()]
    return model, [m for m in matches if m], [x for x, m in zip(err.splitlines(), matches, strict=True) if not m]


# -------------------- lines


@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_epoch_has_a_line_with_its_numbers(capfd, early_stopping):
    model, epochs, rest = lines_of(capfd, early_stopping=early_stopping)
    assert [(int(m["epoch"]), int(m["of"])) for m in epochs] == [(k, 6) for k in range(1, 7)]
    assert [m["loss"] for m in epochs] == [_number(loss) for loss in model.loss_curve_]
    wanted = [_number(loss) for loss in model.validation_loss_curve_] if early_stopping else [None] * 6
    assert [m["validation"] for m in epochs] == wanted
    assert len(rest) == 1
    assert rest[0].startswith("finished 6 epochs after ")


def test_the_best_epochs_so_far_have_a_star_where_windows_are_held_out(capfd):
    model, epochs, rest = lines_of(capfd, early_stopping=True)
    curve = model.validation_loss_curve_
    assert [m["best"] is not None for m in epochs] == [
        loss < min(curve[:k], default=9e9) for k, loss in enumerate(curve)
    ]
    assert f"best epoch {np.argmin(curve) + 1}, validation {_number(min(curve)).strip()}, is kept" in rest[0]
    _, epochs, rest = lines_of(capfd, early_stopping=False)
    assert not any(m["best"] for m in epochs)
    assert "last epoch 6, loss" in rest[0]


def test_columns_stay_where_they_are(capfd):
    small(verbose=1, max_iter=12, early_stopping=True, n_iter_no_change=50).fit(*table())
    lines = capfd.readouterr().err.splitlines()[:-1]
    assert len(lines) == 12
    for word in ("/12", "loss", "validation", "rate", "|g|"):
        assert len({line.index(word) for line in lines}) == 1, word


def test_a_line_fits_into_a_terminal_of_80_columns(capfd):
    small(verbose=1, early_stopping=True, max_iter=999, n_iter_no_change=1, tol=9.0).fit(*table())
    lines = capfd.readouterr().err.splitlines()
    assert max(len(line) for line in lines if LINE.fullmatch(line)) <= 80


@pytest.mark.parametrize("size", [0.0, 1.23456e-9, 0.000999, 0.001, 0.5, 9.99995, 12.345, 999.994, 12345.6, 1e9])
def test_a_number_has_six_characters_and_its_size(size):
    assert len(_number(size)) == 6
    assert float(_number(size)) == pytest.approx(size, rel=0.06)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0.00 s"), (9.999, "10.0 s"), (99.97, " 100 s"), (1234.5, "1234 s")]
)
def test_a_time_keeps_its_width(seconds, text):
    assert _time(seconds) == text


def test_the_line_about_the_end_says_why(capfd):
    model, epochs, rest = lines_of(capfd, **EARLY)
    assert len(epochs) == model.n_iter_ < 100
    assert rest[0].startswith(f"stopped early at epoch {model.n_iter_} of 100 after ")
    _, epochs, rest = lines_of(capfd, callbacks=lambda info: info["epoch"] == 2)
    assert len(epochs) == 2
    assert rest[0].startswith("stopped by a callback at epoch 2 of 6 after ")


def test_a_diverging_fit_shows_the_epochs_that_it_finished_and_says_so(capfd):
    seen = []
    with pytest.warns(ConvergenceWarning, match=r"in epoch 2, step \d+.*those of epoch 1"):
        model, epochs, rest = lines_of(capfd, callbacks=seen.append, **DIVERGING)
    assert len(epochs) == len(seen) == model.n_iter_ == 1
    assert rest[0].startswith("diverged in epoch 2 of 6 after ")
    assert rest[0].endswith(f"best epoch 1, loss {_number(model.best_loss_).strip()}, is kept")
    with pytest.warns(ConvergenceWarning, match=r"in epoch 1, step \d+.*the initial ones"):
        _, epochs, rest = lines_of(capfd, batch_size=8, **DIVERGING)
    assert epochs == []
    assert rest[0].endswith("the weights before training are kept")


def test_a_terminal_gets_what_a_pipe_gets(monkeypatch):
    """But for the times."""
    found = []
    for terminal in (False, True):
        stream = io.StringIO()
        stream.isatty = lambda terminal=terminal: terminal
        monkeypatch.setattr(sys, "stderr", stream)
        small(verbose=2, early_stopping=True).fit(*table())
        found.append(re.sub(r"[\d.]+ s\b", "", stream.getvalue()))
    assert found[0] == found[1]
    assert len(found[0].splitlines()) == 8
    assert "\r" not in found[0]


def test_verbose_2_says_first_what_is_trained(capfd):
    model = small(verbose=2, num_layers=2, cell="rnn", early_stopping=True, n_jobs=1).fit(*table())
    first = capfd.readouterr().err.splitlines()[0]
    assert first == (
        f"fit: rnn, 2 layers of 4 units, {model.n_parameters_} parameters; "
        "108 windows of 6 steps, 12 held out; 1 thread"
    )


def test_partial_fit_has_one_line_a_call(capfd):
    model = small(verbose=1)
    for _ in range(3):
        model.partial_fit(*table())
    lines = capfd.readouterr().err.splitlines()
    assert [LINE.fullmatch(line)["epoch"] for line in lines] == ["1", "1", "1"]
    assert model.n_iter_ == 3


def test_no_stderr_is_no_obstacle(monkeypatch, capfd):
    monkeypatch.setattr(sys, "stderr", None)
    small(verbose=1).fit(*table())
    assert capfd.readouterr() == ("", "")


def test_the_report_of_a_series_goes_to_stdout_and_its_networks_lines_to_stderr(capfd):
    series = pd.DataFrame({"wave": np.sin(np.arange(160) / 4)})
    SeriesForecaster(small(), target="wave", lookback=8, horizon=2, verbose=1).fit(series)
    out, err = capfd.readouterr()
    assert (out != "", err) == (True, "")
    SeriesForecaster(small(verbose=1), target="wave", lookback=8, horizon=2).fit(series)
    out, err = capfd.readouterr()
    assert (out, err != "") == ("", True)


# -------------------- an interrupt

INTERRUPT = """
import json, os, signal, sys
import numpy as np
from forecast import RNNForecaster

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins with the signal ignored
X = np.random.default_rng(0).normal(size=(200, 6))
model = RNNForecaster(hidden_size=4, max_iter=3, random_state=0).fit(X, X[:, 0])
before = model.predict(X).tobytes()
model.set_params(max_iter=100, verbose=1, callbacks=lambda info: os.kill(os.getpid(), signal.SIGINT))
try:
    model.fit(X, X[:, -1])
except KeyboardInterrupt:
    print(json.dumps(model.predict(X).tobytes() == before))
"""


def test_an_interrupt_ends_with_a_line_of_its_own_and_the_model_as_it_was():
    done = children.start(INTERRUPT)
    assert json.loads(done.stdout) is True
    lines = done.stderr.splitlines()
    assert LINE.fullmatch(lines[0])
    assert re.fullmatch(r"interrupted in epoch 2 after [\d.]+ s; the model is as it was before", lines[-1])
    assert done.stderr.endswith("\n")


# -------------------- the notebook's bar


class FakeBar:
    made = []

    def __init__(self, total, desc, unit):
        self.total, self.n, self.texts, self.closed = total, 0, [], False
        FakeBar.made.append(self)

    def set_postfix_str(self, text, refresh=True):
        self.texts.append(text)

    def update(self):
        self.n += 1

    def close(self):
        self.closed = True


@pytest.fixture
def notebook(monkeypatch):
    """As in a kernel; returns what puts modules there."""
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object())))
    FakeBar.made = []

    def put(**modules):
        for name, content in modules.items():
            module = ModuleType(name)
            module.__dict__.update(content or {})
            monkeypatch.setitem(sys.modules, name.replace("_dot_", "."), None if content is None else module)

    return put


def test_a_notebook_is_told_from_a_terminal_with_ipython(monkeypatch):
    assert not in_notebook()
    for shell, answer in ((None, False), (SimpleNamespace(), False), (SimpleNamespace(kernel=object()), True)):
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda shell=shell: shell))
        assert in_notebook() is answer


@pytest.mark.parametrize("widgets", [True, False])
def test_a_notebook_has_a_bar(notebook, capfd, widgets):
    other = {"tqdm": None}
    notebook(ipywidgets={} if widgets else None, tqdm_dot_notebook={"tqdm": FakeBar} if widgets else None)
    notebook(tqdm=other if widgets else {"tqdm": FakeBar})
    model = small(verbose=1, **EARLY).fit(*table())
    assert capfd.readouterr() == ("", "")
    (bar,) = FakeBar.made
    assert bar.closed
    assert bar.n == bar.total == model.n_iter_ < 100, "a training that stopped early is complete"
    assert bar.texts[0] == f"loss {model.loss_curve_[0]:.4g}, validation {model.validation_loss_curve_[0]:.4g}"
    assert bar.texts[-1].startswith("stopped early at epoch")


def test_a_notebook_without_tqdm_has_lines(notebook, capfd):
    notebook(ipywidgets={}, tqdm=None, tqdm_dot_notebook=None)
    small(verbose=1).fit(*table())
    assert LINE.fullmatch(capfd.readouterr().err.splitlines()[0])


def test_a_terminal_has_no_bar_though_tqdm_is_installed(capfd):
    assert lines_of(capfd)[1]


def test_a_bar_is_closed_when_a_fit_breaks_off(notebook):
    notebook(ipywidgets=None, tqdm={"tqdm": FakeBar})
    with pytest.raises(ZeroDivisionError):
        small(verbose=1, callbacks=lambda info: 1 / 0).fit(*table())
    assert FakeBar.made[0].closed
    assert FakeBar.made[0].total == 6


@pytest.mark.slow
def test_a_real_kernel_shows_a_bar_that_grows(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    cell = nbformat.v4.new_code_cell(
        "import numpy as np\nfrom forecast import RNNForecaster\nX = np.random.default_rng(0).normal(size=(120, 6))\n"
        "RNNForecaster(hidden_size=4, max_iter=6, random_state=0, verbose=1).fit(X, X[:, -1]);"
    )
    book = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(book, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    text = "".join(output.get("text", "") for output in book.cells[0].outputs)
    widgets = [output for output in book.cells[0].outputs if "data" in output]
    assert "epoch 1/6" not in text
    assert "6/6" in text or widgets


# -------------------- Python's logging

SILENT = """
import json, logging
import numpy as np
from forecast import RNNForecaster
X = np.random.default_rng(0).normal(size=(60, 4))
RNNForecaster(max_iter=2, hidden_size=2).fit(X, X[:, 0])
logging.getLogger("forecast").warning("not asked for")
print(json.dumps([type(h).__name__ for h in logging.getLogger("forecast").handlers]))
"""


def test_the_log_is_silent_by_default():
    done = children.start(SILENT)
    assert done.stderr == ""
    assert json.loads(done.stdout) == ["NullHandler"]


def logged(caplog, level, **changes):
    caplog.set_level(level, logger="forecast")
    model = small(**changes).fit(*table())
    assert {record.name for record in caplog.records} <= {"forecast.training"}
    return model, [(record.levelname, record.getMessage()) for record in caplog.records]


def test_info_has_begin_and_end_of_a_fit(caplog):
    _, records = logged(caplog, logging.INFO)
    assert [level for level, _ in records] == ["INFO", "INFO"]
    assert records[0][1].startswith("fit begins: lstm, 1 layer of 4 units, ")
    assert records[1][1].startswith("fit ends: finished 6 epochs after ")


def test_debug_has_every_epoch_as_a_line_shows_it(caplog, capfd):
    _, records = logged(caplog, logging.DEBUG, verbose=1)
    assert [level for level, _ in records] == ["INFO", *["DEBUG"] * 6, "INFO"]
    assert [text for _, text in records[1:-1]] == capfd.readouterr().err.splitlines()[:-1]


def test_a_divergence_and_an_exception_are_logged(caplog):
    with pytest.warns(ConvergenceWarning):
        _, records = logged(caplog, logging.INFO, **DIVERGING)
    assert records[-1][1].startswith("fit ends: diverged in epoch 2 of 6 after ")
    caplog.clear()
    with pytest.raises(ZeroDivisionError):
        logged(caplog, logging.INFO, callbacks=lambda info: 1 / 0)
    assert re.search(r"broken off by ZeroDivisionError in epoch \d after", caplog.records[-1].getMessage())


def test_nobody_listening_costs_no_record(monkeypatch, caplog):
    caplog.set_level(logging.WARNING, logger="forecast")  # whatever is asked of other tests
    monkeypatch.setattr("forecast._progress.Epoch", None)
    small().fit(*table())
    with pytest.raises(TypeError):
        small(verbose=1).fit(*table())


# -------------------- a backtest

FIT = re.compile(r"(?P<model>[^:]+): fit (?P<fit>\d+)/(?P<of>\d+)  origin (?P<origin>.+?)  *[\d.]+ s")


def backtested(**changes):
    frame = pd.DataFrame({"wave": np.sin(np.arange(160) / 4) + np.arange(160) * 0.01})
    models = {name: SeriesForecaster(Ridge(), target="wave", lookback=8, horizon=4) for name in ("one", "two")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkillWarning)
        return backtest(models, frame, RollingOrigin(n_splits=3, horizon=4), **changes)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_backtest_has_a_line_a_fit_and_the_same_forecasts(capfd, caplog, n_jobs):
    caplog.set_level(logging.INFO, logger="forecast.backtest")
    report = backtested(verbose=1, n_jobs=n_jobs)
    out, err = capfd.readouterr()
    fits = [FIT.fullmatch(line) for line in err.splitlines()]
    assert out == ""
    assert [(m["model"], m["fit"], m["of"]) for m in fits] == [(n, k, "3") for n in ("one", "two") for k in "123"]
    origins = report.frame.loc[report.frame["model"] == "one", "origin"].unique()
    assert [m["origin"] for m in fits[:3]] == [str(origin) for origin in origins]
    records = [(record.name, record.getMessage()) for record in caplog.records]
    assert records == [("forecast.backtest", line) for line in err.splitlines()]
    caplog.set_level(logging.WARNING, logger="forecast.backtest")
    pd.testing.assert_frame_equal(backtested().frame, report.frame)
    assert capfd.readouterr() == ("", "")


def test_a_fit_for_several_origins_names_the_first_and_the_last(capfd):
    report = backtested(verbose=1, refit=False)
    first, last = report.frame["origin"].min(), report.frame["origin"].max()
    assert [FIT.fullmatch(line)["origin"] for line in capfd.readouterr().err.splitlines()] == [f"{first} to {last}"] * 2


@pytest.mark.parametrize("verbose", [-1, "yes", 0.5])
def test_a_backtest_refuses_another_verbose(verbose):
    with pytest.raises(ValueError, match=r"verbose is .*; expected 0 or 1"):
        backtested(verbose=verbose)
