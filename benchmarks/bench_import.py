"""What `import forecast` adds to numpy, pandas and scikit-learn: milliseconds of processor time, and a share of theirs.

    python benchmarks/bench_import.py [--repeats 15]

Each import runs in a fresh fork of a process that has imported those three; the least is shown, because other work on
the machine only adds. `others` is what the three take in a new process. Python finds its bytecode, as pip leaves it
behind: without it (`PYTHONDONTWRITEBYTECODE` in a clone) every import compiles the sources, which takes longer than all
else.
"""

import json
import os
import subprocess
import sys
import tempfile

from measuring import Report, parser

NAMES = ("RNNForecaster", "SeriesForecaster", "RNNClassifier")

SCRIPT = """
import json, multiprocessing, sys, time
start = time.process_time()
import numpy, pandas, sklearn.base
others = time.process_time() - start

def own(name):
    before = time.process_time()
    import forecast
    getattr(forecast, name)
    return time.process_time() - before

with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:  # each begins without forecast
    print(json.dumps([others, min(pool.map(own, [sys.argv[1]] * int(sys.argv[2]), chunksize=1))]))
"""


def of_import(name, repeats):
    """Seconds of the others and of forecast, with the bytecode that a first import has written."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}

        def run(times):
            command = [sys.executable, "-c", SCRIPT, name, str(times)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            return json.loads(done.stdout)

        run(1)
        return run(repeats)


def main():
    """Run and print."""
    options = parser(__doc__, pairs=None)
    options.add_argument("--repeats", type=int, default=15, help="imports of each name")
    given = options.parse_args()
    report = Report("bench_import", given, ("name", "others, ms", "forecast, ms", "share"))
    for name in NAMES:
        others, own = of_import(name, given.repeats)
        report.row(
            (name, f"{1e3 * others:.0f}", f"{1e3 * own:.1f}", f"{own / others:.3f}"), name=name, others=others, own=own
        )
    report.close()


if __name__ == "__main__":
    main()
