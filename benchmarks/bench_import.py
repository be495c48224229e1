"""What `import forecast` adds to numpy, pandas and scikit-learn: milliseconds of processor time, and a share of theirs.

    python benchmarks/bench_import.py [--repeats 15]

Each import runs in a fresh fork of a process that has imported those three; the least is shown, because other work on
the machine only adds. `others` is what the three take in a new process.
"""

import json
import subprocess
import sys

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


def main():
    """Run and print."""
    options = parser(__doc__, pairs=None)
    options.add_argument("--repeats", type=int, default=15, help="imports of each name")
    given = options.parse_args()
    report = Report("bench_import", given, ("name", "others, ms", "forecast, ms", "share"))
    for name in NAMES:
        command = [sys.executable, "-c", SCRIPT, name, str(given.repeats)]
        others, own = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        report.row(
            (name, f"{1e3 * others:.0f}", f"{1e3 * own:.1f}", f"{own / others:.3f}"), name=name, others=others, own=own
        )
    report.close()


if __name__ == "__main__":
    main()
