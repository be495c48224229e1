"""What SECURITY.md and the table promise: the tests that they name exist; and promises that no other test holds."""

import ast
import os
import re
import sys
from pathlib import Path

import children
import pytest
from bars import BARS, ITEMS

ROOT = Path(__file__).parents[2]


def defined(path):
    """Names of the tests in a file; of those in a class too."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def missing(tests):
    """Of `file::test`, those that are not there."""
    files = {path: defined(path) for path in {test.split("::")[0] for test in tests} if (ROOT / path).is_file()}
    return [test for test in tests if test.split("::")[-1] not in files.get(test.split("::")[0], ())]


def test_every_promise_names_tests_that_exist():
    rows = [row for row in (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines() if row.startswith("| ")][1:]
    named = [re.findall(r"`(tests/[\w/]+\.py::\w+)`", row) for row in rows]
    assert len(named) > 10
    assert all(named), "a promise without a test"
    assert missing([test for row in named for test in row]) == []


def test_every_bar_names_tests_that_exist():
    assert missing([f"tests/{test}" for bar in BARS for test in bar.tests]) == []


def test_every_item_has_a_bar():
    """Those of the issue, in their order, and no bar without a test or a word on why it is not run here."""
    assert list(dict.fromkeys(bar.item for bar in BARS)) == ITEMS
    assert [bar.item for bar in BARS if not (bar.tests or bar.elsewhere)] == []


USE = """
import json, sys, tempfile
from pathlib import Path
import warnings
import numpy as np, pandas as pd
import forecast, forecast.cli
warnings.simplefilter("ignore")  # of two epochs that beat nothing
from forecast import RNNForecaster, SeriesForecaster, load
from forecast.model_selection import RollingOrigin, backtest

refused, writes, allowed = [], [], sys.argv[1]
def watch(event, arguments):
    if event.startswith("socket."):
        refused.append(event)
        raise OSError("no network here")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        path = str(arguments[0])
        if not path.startswith((allowed, "/dev/null", "/proc/")) and not isinstance(arguments[0], int):
            writes.append(path)
sys.addaudithook(watch)

t = pd.date_range("2024-01-01", periods=300, freq="h")
df = pd.DataFrame({"y": np.sin(np.arange(300) / 4)}, t)
model = SeriesForecaster(RNNForecaster(hidden_size=4, max_iter=2, random_state=0), target="y", lookback=24, horizon=4)
model.fit(df[:280]).predict()
model.update(df[280:])
backtest(model, df, RollingOrigin(2, 4))
if len(sys.argv) > 2:
    path = Path(allowed) / "model"
    model.save(path)
    load(path).predict()
    data = Path(allowed) / "data.csv"
    df.rename_axis("time").to_csv(data)
    code = forecast.cli.main(["fit", str(data), "--target", "y", "--horizon", "4", "-o", str(Path(allowed) / "other")])
    assert not code, code
print(json.dumps([sorted(set(refused)), sorted(set(writes))]))
"""


@pytest.mark.reliability
def test_nothing_asks_for_the_network(tmp_path):
    refused, _ = children.run(USE, {"PYTHONWARNINGS": None}, 300, [tmp_path, "files"])
    assert refused == []


@pytest.mark.reliability
def test_nothing_is_written_unless_asked(tmp_path):
    """Of Python's own caches nothing is ours."""
    _, writes = children.run(USE, {"PYTHONDONTWRITEBYTECODE": "1"}, 300, [tmp_path])
    assert writes == []
    assert os.listdir(tmp_path) == [], sys.version
