"""Fresh interpreters for what belongs to a whole process: signals, forks, the environment, peak memory.

A script runs outside the clone (so that it sees the installed package), with warnings as errors and with the modules of
this folder at hand; what it prints as JSON in its last line is the answer.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = str(Path(__file__).parent)
FORKING = (
    "ignore:This process:DeprecationWarning"  # Python 3.12 on: the fork of a process with threads is the very test
)


def start(script, environment=None, seconds=120, arguments=()):
    """The finished process; raises where it takes longer than `seconds`, which is a hang and no deadline.

    A variable of `environment` that is None is not set.
    """
    paths = [HERE, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | (environment or {})
    variables = {name: value for name, value in variables.items() if value is not None}
    command = [sys.executable, "-W", "error", "-W", FORKING, "-c", script, *map(str, arguments)]
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            command, env=variables, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
        )


def run(script, environment=None, seconds=120, arguments=()):
    """The last line that the script prints, as JSON; its process must end well."""
    done = start(script, environment, seconds, arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
