"""Updates of carried states: one observation, then the forecast, at the windows' level and at the frame's.

    python benchmarks/bench_stateful.py [--hidden 64] [--updates 2000] [--blocks 9]

One recurrent layer on 1, 4 and 16 channels, in blocks of updates; the figures are means of a block, the best and the
median over blocks, in microseconds by the clock, and of processor time, which busy neighbours change less. Windows:
`RNNForecaster.update` of an array of one row. Frame: `SeriesForecaster.update` of a frame of one row and `predict()`
after it, checks included; and the same without the short way for a single row, which is what every other frame takes.
The forecasts must be those of `predict` over the whole history, to 1e-6.
"""

import statistics
import time
from functools import partial

import numpy as np
import pandas as pd
from measuring import Report, parser, refuse

from forecast import RNNForecaster, SeriesForecaster

FITTED, LOOKBACK, HORIZON = 2_000, 48, 24


def main():
    """Run and print."""
    options = parser(__doc__, pairs=None)
    options.add_argument("--hidden", type=int, default=64, help="units of the layer")
    options.add_argument("--updates", type=int, default=2_000, help="observations in a block")
    options.add_argument("--blocks", type=int, default=9)
    options.add_argument("--cells", nargs="+", default=["lstm", "gru"])
    given = options.parse_args()
    columns = ("cell", "channels", "level", "best, us", "median, us", "processor, best, us")
    report = Report("bench_stateful", given, columns)
    for cell in given.cells:
        for channels in (1, 4, 16):
            for level, times in _measured(cell, channels, given).items():
                wall, cpu = zip(*times, strict=True)
                best, middle, busy = (1e6 * of for of in (min(wall), statistics.median(wall), min(cpu)))
                row = (cell, channels, level, f"{best:.1f}", f"{middle:.1f}", f"{busy:.1f}")
                report.row(row, cell=cell, channels=channels, level=level, best=best, median=middle, processor=busy)
    report.close()


def _timed(steps, rows):
    """What the last of some calls gave; the mean time of one, by the clock and of the processor."""
    before = time.perf_counter(), time.process_time()
    for row in rows:
        found = steps(row)
    return found, ((time.perf_counter() - before[0]) / len(rows), (time.process_time() - before[1]) / len(rows))


def _go_on(fitted, row, general=False):
    if general:  # what the short way does not know
        return fitted.update(row, overlap="skip").predict(HORIZON)
    return fitted.update(row).predict()


def _measured(cell, channels, given):
    rng = np.random.default_rng(0)
    n = FITTED + given.updates
    values = np.sin(np.arange(n)[:, None] / (4 + np.arange(channels))) + 0.1 * rng.normal(size=(n, channels))
    index = pd.date_range("2024-01-01", periods=n, freq="h")
    frame = pd.DataFrame(values, index=index, columns=[f"c{c}" for c in range(channels)])
    network = RNNForecaster(cell=cell, stateful=True, hidden_size=given.hidden, max_iter=1, random_state=0)
    series = SeriesForecaster(
        network, target="c0", past_covariates=[*frame.columns[1:]] or None, lookback=LOOKBACK, horizon=HORIZON,
        validation_fraction=None,
    )  # fmt: skip
    arrays, rows = values[FITTED:, None], [frame[row : row + 1] for row in range(FITTED, n)]
    found = {"windows": [], "frame": [], "frame, general way": []}
    for _ in range(given.blocks):
        fitted = SeriesForecaster(**series.get_params(deep=False)).fit(frame[:FITTED])
        windows = fitted.regressor_
        windows.reset_states().update(values[:FITTED])
        forecast, took = _timed(windows.update, arrays)
        found["windows"].append(took)
        answer, took = _timed(partial(_go_on, fitted), rows)
        found["frame"].append(took)
        whole = fitted.predict(history=frame).to_numpy().ravel()
        for one in (forecast, answer.to_numpy().ravel()):
            if np.abs(one - whole).max() > 1e-6:
                refuse("an update does not forecast what the whole history does")
        fitted = SeriesForecaster(**series.get_params(deep=False)).fit(frame[:FITTED])
        few = rows[: len(rows) // 20]
        _, took = _timed(partial(_go_on, fitted, general=True), few)
        found["frame, general way"].append(took)
    return found


if __name__ == "__main__":
    main()
