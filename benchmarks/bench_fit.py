"""A whole `fit`, as a user calls it, and other libraries' on the same series; seconds per optimiser step.

    pip install ".[bench]"
    python benchmarks/bench_fit.py [--steps 366] [--rounds 3] [--rivals pytorch-loader neuralforecast]
        [--python PATH]   # interpreter that has the rivals, where they live in another environment

One made-up series (a sine and AR(1) noise, standardised); an LSTM of 64 units, 168 values in, 24 out; batches of 64,
Adam at a constant rate, squared error; no clipping, no early stopping, nothing held out. The series is as long as 122
full batches of windows need, so every side takes the same number of steps per epoch; `--steps` is rounded up to whole
epochs. Every run is a fresh process: it imports, fits one epoch untimed, then fits again against the clock. The sides
alternate over the rounds; PyTorch and what is built on it run with 1 thread and with all, and the better median counts.
What a fit does once is divided by the steps as well, so more steps favour those that do much of it. What is timed:

- ours: `make_windows` and `RNNForecaster.fit` with `n_jobs=None` and `n_jobs=1`; it finds means and scales again.
- pytorch-loader: the usual loop over a `DataLoader` that shuffles a `Dataset` of windows; loss read at every step.
- pytorch-batches: PyTorch's best case. Batches made before as tensors, the same in each epoch; fused Adam, flushed
  denormals; no loss is read.
- neuralforecast: `NeuralForecast.fit` of its LSTM on a frame, without logger, checkpoints and progress bar. It differs:
  its decoder is one linear layer over each of the last 24 states (no smaller one exists), not a head on the last one;
  it draws each batch at random from all windows, also from those that end in masked padding; it logs every loss.
- keras-jax, keras-torch: `Model.fit` on arrays made before; compilation falls into the untimed fit.
- skforecast-jax: `ForecasterRnn.fit` on a frame, over Keras on JAX; it makes its windows, and forecasts all of them at
  the end for its residuals. It needs matplotlib. It is not run on Keras's other backends.

The last column shows that the sides learn the same: squared error of the fitted network on all training windows. They
start from their own random weights. Keras and skforecast go on from the untimed fit, so theirs is after one epoch more;
neuralforecast's is the mean over its last 20 batches.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd

LOOKBACK, HORIZON, UNITS, BATCH, RATE = 168, 24, 64, 64, 1e-3
EPOCH = 122  # steps
VALUES = LOOKBACK + HORIZON - 1 + EPOCH * BATCH  # 7,999


def made_up_series():
    rng = np.random.default_rng(0)
    noise = 0.3 * rng.standard_normal(VALUES)
    for i in range(1, VALUES):
        noise[i] += 0.8 * noise[i - 1]
    values = np.sin(2 * np.pi * np.arange(VALUES) / 24) + noise
    return ((values - values.mean()) / values.std()).astype(np.float32)


def arrays(values):
    """All windows: past (windows, LOOKBACK, 1) and future (windows, HORIZON)."""
    view = np.lib.stride_tricks.sliding_window_view(values, LOOKBACK + HORIZON)
    return view[:, :LOOKBACK, None].copy(), view[:, LOOKBACK:].copy()


# Each side imports what it needs and returns `fit(epochs)`, which returns a call for the loss of what it fitted.


def ours(values, n_jobs):
    from forecast import RNNForecaster, make_windows

    series = pd.Series(values)

    def fit(epochs):
        windows = make_windows(series, lookback=LOOKBACK, horizon=HORIZON)
        model = RNNForecaster(
            hidden_size=UNITS, learning_rate=RATE, learning_rate_schedule="constant", clip_norm=None, batch_size=BATCH,
            max_iter=epochs, early_stopping=False, n_jobs=n_jobs, random_state=0,
        ).fit(windows)  # fmt: skip
        return lambda: float(np.mean((model.predict(windows) - np.asarray(windows.y)) ** 2))

    return fit


def torch_network(threads):
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = torch.nn.LSTM(1, UNITS, batch_first=True)
            self.head = torch.nn.Linear(UNITS, HORIZON)

        def forward(self, x):
            return self.head(self.rnn(x)[0][:, -1])

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    return Model


def torch_batches(values):
    import torch

    return list(zip(*(torch.from_numpy(a).split(BATCH) for a in arrays(values)), strict=True))


def torch_loss(model, values):
    """Mean over all windows; the batches are equally long."""
    import torch

    with torch.no_grad():
        return float(np.mean([torch.nn.functional.mse_loss(model(x), y).item() for x, y in torch_batches(values)]))


def pytorch_loader(values, threads):
    import torch
    from torch.utils.data import DataLoader, Dataset

    class WindowDataset(Dataset):
        def __init__(self, series):
            self.series = torch.from_numpy(series)

        def __len__(self):
            return len(self.series) - LOOKBACK - HORIZON + 1

        def __getitem__(self, i):
            past, future = self.series[i : i + LOOKBACK], self.series[i + LOOKBACK : i + LOOKBACK + HORIZON]
            return past[:, None], future

    network = torch_network(threads)

    def fit(epochs):
        loader = DataLoader(WindowDataset(values), batch_size=BATCH, shuffle=True)
        model, criterion = network(), torch.nn.MSELoss()
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
        for _ in range(epochs):
            total = 0.0
            for x, y in loader:
                optimizer.zero_grad()
                loss = criterion(model(x), y)
                loss.backward()
                optimizer.step()
                total += loss.item()
        return partial(torch_loss, model, values)

    return fit


def pytorch_batches(values, threads):
    import torch

    network = torch_network(threads)
    torch.set_flush_denormal(True)
    order = np.random.default_rng(0).permutation(EPOCH * BATCH).reshape(EPOCH, BATCH)
    past, future = (torch.from_numpy(a) for a in arrays(values))
    batches = [(past[rows], future[rows]) for rows in order]

    def fit(epochs):
        model = network()
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
        for _ in range(epochs):
            for x, y in batches:
                optimizer.zero_grad(set_to_none=True)
                torch.nn.functional.mse_loss(model(x), y).backward()
                optimizer.step()
        return partial(torch_loss, model, values)

    return fit


def neuralforecast(values, threads):
    import torch
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MSE
    from neuralforecast.models import LSTM

    torch.set_num_threads(threads)
    frame = pd.DataFrame({"unique_id": "series", "ds": np.arange(VALUES), "y": values})

    def fit(epochs):
        steps = epochs * EPOCH
        model = LSTM(
            h=HORIZON, input_size=LOOKBACK, encoder_n_layers=1, encoder_hidden_size=UNITS, decoder_layers=1,
            recurrent=False, loss=MSE(), learning_rate=RATE, max_steps=steps, val_check_steps=steps, batch_size=1,
            windows_batch_size=BATCH, scaler_type="identity", accelerator="cpu", logger=False,
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        forecaster = NeuralForecast(models=[model], freq=1)
        forecaster.fit(frame)  # of a copy of the model
        return lambda: float(np.mean([loss for _, loss in forecaster.models[0].train_trajectories[-20:]]))

    return fit


def keras_of(backend, threads):
    """Keras on a backend, which is chosen once per process; JAX has its own threads."""
    os.environ["KERAS_BACKEND"] = backend
    import keras

    if backend == "torch":
        import torch

        torch.set_num_threads(threads)
    keras.utils.set_random_seed(0)
    return keras


def keras_fit(values, threads, backend):
    keras = keras_of(backend, threads)
    model = keras.Sequential(
        [keras.Input((LOOKBACK, 1)), keras.layers.LSTM(UNITS), keras.layers.Dense(HORIZON)], name="forecaster"
    )
    model.compile(optimizer=keras.optimizers.Adam(RATE), loss="mse")
    x, y = arrays(values)

    def fit(epochs):
        model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0)
        return lambda: float(model.evaluate(x, y, batch_size=BATCH, verbose=0))

    return fit


def skforecast_fit(values, threads, backend):
    keras = keras_of(backend, threads)
    from skforecast.deep_learning import ForecasterRnn, create_and_compile_model

    frame = pd.DataFrame({"y": values})
    model = create_and_compile_model(
        series=frame, lags=LOOKBACK, steps=HORIZON, recurrent_layer="LSTM", recurrent_units=UNITS, dense_units=None,
        compile_kwargs={"optimizer": keras.optimizers.Adam(RATE), "loss": "mse"},
    )  # fmt: skip

    forecaster = ForecasterRnn(estimator=model, levels="y", lags=LOOKBACK, transformer_series=None)
    x, y = arrays(values)

    def fit(epochs):
        forecaster.set_fit_kwargs({"epochs": epochs, "batch_size": BATCH, "verbose": 0})
        forecaster.fit(frame)
        return lambda: float(forecaster.estimator.evaluate(x, y[:, :, None], batch_size=BATCH, verbose=0))

    return fit


BOTH = sorted({1, os.cpu_count()})
SIDES = {  # how to fit, threads to try (None: the side's own choice), packages that it needs
    "ours": (ours, [None, 1], []),
    "pytorch-loader": (pytorch_loader, BOTH, ["torch"]),
    "pytorch-batches": (pytorch_batches, BOTH, ["torch"]),
    "neuralforecast": (neuralforecast, BOTH, ["neuralforecast", "pytorch-lightning", "torch"]),
    "keras-jax": (partial(keras_fit, backend="jax"), [None], ["keras", "jax"]),
    "keras-torch": (partial(keras_fit, backend="torch"), BOTH, ["keras", "torch"]),
    "skforecast-jax": (partial(skforecast_fit, backend="jax"), [None], ["skforecast", "keras", "jax"]),
}
RIVALS = [name for name in SIDES if name != "ours"]


def work(name, threads, epochs):
    """One run of one side, in this process; prints a line of JSON."""
    side, _, packages = SIDES[name]
    try:
        versions = {package: metadata.version(package) for package in packages}
        fit = side(made_up_series(), threads)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))
        return
    fit(1)
    begin = time.perf_counter()
    loss = fit(epochs)
    seconds = (time.perf_counter() - begin) / (epochs * EPOCH)
    print(json.dumps({"seconds": seconds, "loss": loss(), "versions": versions}))


# The functions below run in the parent alone. They import `measuring` themselves, because it needs `forecast`, which
# the interpreter of a rival may not have.


def run(name, threads, arguments):
    """One run in a fresh process: what `work` printed last."""
    from measuring import refuse

    python = sys.executable if name == "ours" else arguments.python
    command = [python, str(Path(__file__).resolve()), "--worker", name, "--steps", str(arguments.steps)]
    done = subprocess.run(
        command + (["--threads", str(threads)] if threads else []), capture_output=True, text=True, check=False
    )
    if done.returncode:
        refuse(f"{name} failed:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    text = "not installed" if "missing" in found else f"{1e3 * found['seconds']:.2f} ms per step"
    print(f"{name}, threads {threads or 'by itself'}: {text}", file=sys.stderr, flush=True)
    return found


def rounds(arguments):
    """Results by side and threads, in the order of the rounds."""
    plan = [(name, threads) for name in ["ours", *arguments.rivals] for threads in SIDES[name][1]]
    results = {key: [] for key in plan}
    for number in range(arguments.rounds):
        for key in plan if number % 2 == 0 else plan[::-1]:
            results[key].append(run(*key, arguments))
    return results


def seconds(runs):
    return np.array([found["seconds"] for found in runs])


def row(report, name, threads, runs, results):
    """Median over the rounds, ratios to ours of the same round, loss of the last."""
    from measuring import times

    ratios = [seconds(runs) / seconds(results["ours", n_jobs]) for n_jobs in (None, 1)]
    ranges = [(float(np.median(r)), float(r.min()), float(r.max())) for r in ratios]
    how = f"n_jobs={threads}" if name == "ours" else threads or "its own"
    median, loss = float(np.median(seconds(runs))), runs[-1]["loss"]
    report.row(
        [name, how, f"{1e3 * median:.2f}", *(times(r) for r in ranges), f"{loss:.3f}"],
        side=name, threads=threads, median=median, seconds=seconds(runs).tolist(), loss=loss,
        ratio_all=ranges[0], ratio_one=ranges[1],
    )  # fmt: skip


def compare(arguments):
    """Runs of all sides, and the table."""
    from measuring import Report

    steps = EPOCH * math.ceil(arguments.steps / EPOCH)
    report = Report("fit", arguments)
    results = rounds(arguments)
    missing = {name: runs[0]["missing"] for (name, _), runs in results.items() if "missing" in runs[0]}
    results = {key: runs for key, runs in results.items() if key[0] not in missing}
    columns = ["side", "threads", "ms per step", "over ours, n_jobs=None (min to max)",
               "over ours, n_jobs=1 (min to max)", "training loss"]  # fmt: skip
    report.section(f"{steps} steps, median of {arguments.rounds} rounds", columns)
    for name in ["ours", *arguments.rivals]:
        found = {threads: runs for (side, threads), runs in results.items() if side == name}
        best = min(found, key=lambda threads: np.median(seconds(found[threads])), default=None)
        for threads in found if name == "ours" else found.keys() & {best}:
            row(report, name, threads, found[threads], results)
        if name in missing:
            report.row([name, "", "not installed", "", "", ""], side=name, missing=missing[name])
    for name, reason in missing.items():
        print(f"{name}: {reason}")
    versions = {k: v for runs in results.values() for k, v in runs[0]["versions"].items()}
    print("\nIn the processes of the rivals: " + ", ".join(f"{k} {v}" for k, v in versions.items()))
    everything = {f"{name}, {threads}": seconds(runs).tolist() for (name, threads), runs in results.items()}
    report.close(seconds=everything, versions=versions)


def main():
    found = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    found.add_argument("--steps", type=int, default=EPOCH, help=f"of a fit, rounded up to a multiple of {EPOCH}")
    found.add_argument("--rounds", type=int, default=3)
    found.add_argument("--rivals", nargs="*", default=RIVALS, choices=RIVALS)
    found.add_argument("--python", default=sys.executable, help="interpreter that runs the rivals")
    found.add_argument("--json", type=Path, default=Path("benchmark-results.jsonl"), help="file to append a line to")
    found.add_argument("--worker", choices=list(SIDES), help="run one side once in this process and print its JSON")
    found.add_argument("--threads", type=int, help="of a worker; without it the side's own choice")
    arguments = found.parse_args()
    if arguments.worker:
        work(arguments.worker, arguments.threads, math.ceil(arguments.steps / EPOCH))
    else:
        compare(arguments)


if __name__ == "__main__":
    main()
