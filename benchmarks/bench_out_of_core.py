"""Training on blocks and training in memory: peak memory, and windows per second of one pass.

    python benchmarks/bench_out_of_core.py [--series 1000000] [--memory 20000] [--windows 8] [--sources made parquet]

Each case runs in a fresh process. The panel has `--series` daily series of 400 float32 values, a weekly wave and noise.
"made": `FrameBlocks` makes them as they are read. "parquet" and "array": they are in a file, which is removed later.
"memory": an ordinary fit on the first `--memory` series, read into one frame. The network is a GRU of `--hidden` units
with lookback 48, horizon 12 and batches of 256, in one pass on `--windows` windows for each series.

Seconds and CPU seconds are those of the pass that trains; reading the blocks counts. What comes before it (on blocks:
the sample, the checks and the moments, one pass over the data) has a column of its own. The peak is that of the whole
process, with the interpreter and all libraries. On a busy machine, compare the CPU seconds. Linux only.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import Report, parser

from forecast import ArrayBlocks, FrameBlocks, ParquetBlocks, RNNForecaster, SeriesForecaster

STEPS, TOGETHER = 400, 1250  # rows of a series, series of a block
DAYS = pd.date_range("2024-01-01", periods=STEPS)
BATCH = 256


# -------------------- in the fresh process


def values_of(number, n):
    """Series `number` * TOGETHER and the next ones, (n, STEPS) float32."""
    rng = np.random.default_rng([7, number])
    level, phase = rng.uniform(10, 1000, (n, 1)), rng.uniform(0, 7, (n, 1))
    wave = np.sin(2 * np.pi * (np.arange(STEPS) + phase) / 7) + rng.standard_normal((n, STEPS), np.float32)
    return (level * (1 + 0.2 * wave)).astype(np.float32)


def frame_of(number, series):
    first = number * TOGETHER
    n = min(TOGETHER, series - first)
    return pd.DataFrame({
        "item": np.repeat(np.arange(first, first + n), STEPS), "day": np.tile(DAYS, n),
        "y": values_of(number, n).ravel(),
    })  # fmt: skip


class Clock(logging.Handler):
    """When the newest training began and ended, in wall-clock and in CPU seconds of the process."""

    def __init__(self):
        super().__init__(logging.INFO)
        self.ends = []

    def emit(self, record):
        now = (time.perf_counter(), time.process_time())
        self.ends = [now] if record.getMessage().startswith("fit begins") else [*self.ends[:1], now]


def write(source, series, folder):
    """The panel as a file."""
    n_blocks = -(-series // TOGETHER)
    if source == "array":
        values = np.lib.format.open_memmap(f"{folder}/panel.npy", "w+", np.float32, (series, STEPS))
        for number in range(n_blocks):
            first = number * TOGETHER
            values[first : first + TOGETHER] = values_of(number, min(TOGETHER, series - first))
        values.flush()
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    for number in range(n_blocks):
        table = pa.Table.from_pandas(frame_of(number, series), preserve_index=False)
        writer = writer or pq.ParquetWriter(f"{folder}/panel.parquet", table.schema, use_dictionary=["item", "day"])
        writer.write_table(table)
    writer.close()


def blocks_of(case):
    series, rows = case["series"], TOGETHER * STEPS
    if case["source"] == "made":
        return FrameBlocks(lambda number: frame_of(number, series), -(-series // TOGETHER))
    if case["source"] == "parquet":
        return ParquetBlocks(f"{case['folder']}/panel.parquet", block_rows=rows)
    values = np.load(f"{case['folder']}/panel.npy", mmap_mode="r")
    return ArrayBlocks(values, start=DAYS[0], freq="D", series="item", time="day", block_rows=rows)


def work(case):
    if case["source"].startswith("write "):
        write(case["source"].removeprefix("write "), case["series"], case["folder"])
        return {}
    clock = Clock()
    log = logging.getLogger("forecast.training")
    log.setLevel(logging.INFO)
    log.addHandler(clock)
    network = RNNForecaster(
        cell="gru", hidden_size=case["hidden"], batch_size=BATCH, max_iter=1, random_state=0, early_stopping=False,
        max_steps=case["series"] * case["windows"] // BATCH,
    )  # fmt: skip
    model = SeriesForecaster(
        network, target="y", series="item", time="day", lookback=48, horizon=12, validation_fraction=None
    )
    if case["source"] == "memory":
        n_blocks = -(-case["series"] // TOGETHER)
        data = pd.concat([frame_of(number, case["series"]) for number in range(n_blocks)], ignore_index=True)
    else:
        data = blocks_of(case)
    begin = time.perf_counter()
    model.fit(data)
    (begun, cpu), (ended, cpu_ended) = clock.ends
    return {
        "before": begun - begin, "seconds": ended - begun, "cpu": cpu_ended - cpu,
        "loss": model.regressor_.loss_curve_[-1],
        "windows": model.regressor_.n_steps_ * BATCH, "peak": peak(), "threads": model.regressor_.n_threads_,
    }  # fmt: skip


def peak():
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


# -------------------- in the process that asks


def measured(**case):
    done = subprocess.run(
        [sys.executable, __file__, "--worker", json.dumps(case)], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


def main():
    found = parser(__doc__, pairs=None)
    found.add_argument("--series", type=int, default=1_000_000)
    found.add_argument("--memory", type=int, default=20_000, help="series of the fit in memory")
    found.add_argument("--windows", type=int, default=8, help="windows for each series")
    found.add_argument("--hidden", type=int, default=32)
    found.add_argument(
        "--sources", nargs="+", default=["made", "parquet", "array"], choices=["made", "parquet", "array"]
    )
    found.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    arguments = found.parse_args()
    if arguments.worker:
        print(json.dumps(work(arguments.worker)))
        return
    report = Report(
        "out of core", arguments,
        ["source", "series", "before it s", "windows", "pass s", "CPU s", "windows/s", "windows/CPU s",
         "over memory: s", "over memory: CPU", "peak MB"],
    )  # fmt: skip
    alike = dict(windows=arguments.windows, hidden=arguments.hidden)
    in_memory = None
    with tempfile.TemporaryDirectory() as folder:
        for source in ["memory", *arguments.sources]:
            case = dict(alike, source=source, folder=folder, series=arguments.series)
            if source == "memory":
                case["series"] = arguments.memory
            elif source != "made":
                measured(**case | {"source": f"write {source}"})
            result = measured(**case)
            rate, of_cpu = result["windows"] / result["seconds"], result["windows"] / result["cpu"]
            in_memory = in_memory or (rate, of_cpu)
            report.row(
                [source, f"{case['series']:,}", f"{result['before']:.1f}", f"{result['windows']:,}",
                 f"{result['seconds']:.1f}", f"{result['cpu']:.1f}", f"{rate:,.0f}", f"{of_cpu:,.0f}",
                 f"{in_memory[0] / rate:.2f}", f"{in_memory[1] / of_cpu:.2f}", f"{result['peak'] / 1e6:,.0f}"],
                case=case, **result,
            )  # fmt: skip
            for one in Path(folder).iterdir():
                one.unlink()
    report.close()


if __name__ == "__main__":
    main()
