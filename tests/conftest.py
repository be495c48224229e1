"""Fixtures that several test files use. Data and small models that are plain functions are in modules of their own."""

import pytest


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
