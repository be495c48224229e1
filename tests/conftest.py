"""Fixtures that several test files use. Data and small models that are plain functions are in modules of their own."""

import pytest


@pytest.fixture
def closed_figures():
    """Pictures leave no figure open and change no setting of matplotlib."""
    import matplotlib as mpl
    from matplotlib import pyplot

    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before
    pyplot.close("all")
