"""The naive forecasts of the accuracy benchmark come out as published, on the series that `FORECAST_DATA` points to."""

import os

import pytest
from accuracy.models import make
from accuracy.once import measured
from accuracy.run import departures
from accuracy.tasks import TASKS

__test__ = "FORECAST_DATA" in os.environ
pytestmark = pytest.mark.data


@pytest.mark.parametrize("task", [task for task in TASKS.values() if task.published], ids=lambda task: task.name)
def test_a_baseline_has_its_published_value(task):
    found = measured(task.load(), make(task.baseline))
    assert found["every"] == 1
    assert departures(task, found["metrics"]) == []


def test_a_split_that_is_off_by_one_row_would_show():
    task = TASKS["ett1/H short"]
    problem = task.load()
    problem.row = problem.row - 1
    assert departures(task, measured(problem, make(task.baseline))["metrics"])
