"""The time of one optimiser step with every cell, relative to the LSTM's; blocks of all cells alternate in one run.

    python benchmarks/bench_cells.py [--workloads medium stack] [--pairs 15]

Processor time of one thread, so that neighbours on a busy machine count for little.
"""

import time
from functools import partial

import numpy as np
from measuring import Report, Training, interleaved, median_ms, parser, ratio, times
from rivals import WORKLOADS

from forecast._network import CELLS, MATRIX_CELLS


def processor_seconds(training):
    """Of a step."""
    begin = time.process_time()
    training.train(1)
    return (time.process_time() - begin) / training.batches


def main():
    found = parser(__doc__)
    found.add_argument("--workloads", nargs="+", default=["medium", "stack"], choices=list(WORKLOADS))
    found.add_argument("--seconds", type=float, default=0.1, help="of a block")
    arguments = found.parse_args()
    report = Report("cells", arguments, ["workload", "cell", "ms", "relative to the LSTM (95 %)"])
    for name in arguments.workloads:
        trainings = {
            cell: Training.lasting(cell, WORKLOADS[name], arguments.seconds) for cell in (*CELLS, *MATRIX_CELLS)
        }
        sides = {cell: partial(processor_seconds, training) for cell, training in trainings.items()}
        measured = interleaved(sides, arguments.pairs)
        for cell, seconds in sorted(measured.items(), key=lambda item: np.median(item[1])):
            relative = ratio(seconds, measured["lstm"])
            report.row(
                [name, cell, f"{median_ms(seconds):.2f}", times(relative)],
                workload=name, cell=cell, ours=float(np.median(seconds)), relative=relative,
            )  # fmt: skip
    report.close()


if __name__ == "__main__":
    main()
