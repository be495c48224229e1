"""Fixtures that several test files use. Data and small models that are plain functions are in modules of their own."""

from importlib.util import find_spec

import pytest
import reliability_table

# scikit-learn has callbacks from 1.9 on; test_callbacks.py has what is true of older ones.
collect_ignore = [] if find_spec("sklearn.callback") else ["test_scikit_learn_callbacks.py"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """`pytest -m reliability` takes along the tests elsewhere that decide one of its bars."""
    reliability_table.take_along(config, items)


def pytest_terminal_summary(terminalreporter, config):
    reliability_table.write_table(terminalreporter, config)


@pytest.fixture
def closed_figures():
    """Pictures need no screen, leave no figure open and change no setting of matplotlib."""
    import matplotlib as mpl
    from matplotlib import pyplot

    mpl.use("Agg")
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before
    pyplot.close("all")


@pytest.fixture
def windows_read(monkeypatch):
    """How many windows the start of a network's line reads at each turn: a list that grows."""
    from forecast._network import line

    read, original = [], line.scaled_windows

    def counted(arguments, scaling, index, *more):
        read.append(len(index))
        return original(arguments, scaling, index, *more)

    monkeypatch.setattr(line, "scaled_windows", counted)
    return read
