"""Other packages, where they are installed: neuralforecast's networks and statsforecast's AutoETS."""

import logging
import os

import numpy as np
import pandas as pd

from .naive import filled

STEPS = 1000  # optimiser steps of neuralforecast's networks, their usual number


class NeuralForecast:
    """A network of neuralforecast with its own defaults, one seed.

    It looks back three horizons or, where that is more, seven seasons of up to 24 steps or two longer ones.
    Covariates are given to networks that take them (not PatchTST). Missing values are filled forward, and are not
    trained on as targets.
    """

    def __init__(self, kind, seed=0, threads=1):
        self.kind, self.seed, self.threads = kind, seed, threads

    def fit(self, problem):
        import torch
        from neuralforecast import NeuralForecast as Forecasts
        from neuralforecast import models
        from neuralforecast.losses.pytorch import MAE, MSE

        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        torch.set_num_threads(self.threads)
        self.problem, horizon = problem, problem.horizon
        longest = max(8, min(series.train_end for series in problem.arrays if series.train_end) - 2 * horizon)
        season = problem.season * (7 if problem.season <= 24 else 2)
        self.back = min(max(3 * horizon, season), 720, longest)
        self.covariates = self.kind != "PatchTST"
        tables = [self._table(number, 0, series.known_end) for number, series in enumerate(problem.arrays)]
        tables = [table for table in tables if len(table)]
        options = {}
        if self.covariates:
            names = [name for name in tables[0].columns if name.startswith(("past", "future"))]
            options["hist_exog_list"] = [name for name in names if name.startswith("past")] or None
            options["futr_exog_list"] = [name for name in names if name.startswith("future")] or None
        network = getattr(models, self.kind)(
            h=horizon, input_size=self.back, max_steps=STEPS, random_seed=self.seed, scaler_type="standard",
            loss=MSE() if problem.mean else MAE(), enable_progress_bar=False, logger=False, accelerator="cpu",
            enable_checkpointing=False, early_stop_patience_steps=3, val_check_steps=100,
            **{name: value for name, value in options.items() if value},
        )  # fmt: skip
        validation = [s.known_end - s.train_end for s in problem.arrays if s.train_end]
        held = validation[0] or max(horizon, int(0.1 * min(map(len, tables))))
        self.model = Forecasts(models=[network], freq=1)
        self.model.fit(pd.concat(tables, ignore_index=True), val_size=held)
        return self

    def _table(self, number, first, end, name=""):
        """Rows of a series in neuralforecast's layout, each target a series of its own."""
        series = self.problem.arrays[number]
        tables = []
        targets, past, future = (filled(part)[first:end] for part in (series.targets, series.past, series.future))
        for column in range(targets.shape[1]):
            table = {"unique_id": f"{number} {column} {name}", "ds": np.arange(first, end), "y": targets[:, column]}
            table["available_mask"] = np.isfinite(series.targets[first:end, column]).astype(np.float64)
            if self.covariates:
                table |= {f"past{i}": values for i, values in enumerate(past.T)}
                table |= {f"future{i}": values for i, values in enumerate(future.T)}
            tables.append(pd.DataFrame(table))
        return pd.concat(tables, ignore_index=True)

    def forecast(self, which, row):
        problem, horizon = self.problem, self.problem.horizon
        pasts, futures = [], []
        for place, (number, newest) in enumerate(zip(which, row, strict=True)):
            name = f"{place:08d}"
            pasts.append(self._table(number, max(0, newest + 1 - self.back), newest + 1, name))
            if self.covariates and problem.future:
                ahead = self._table(number, newest + 1, newest + 1 + horizon, name)
                futures.append(ahead[[c for c in ahead if c in {"unique_id", "ds"} or c.startswith("future")]])
        ahead = {"futr_df": pd.concat(futures, ignore_index=True)} if futures else {}
        found = self.model.predict(df=pd.concat(pasts, ignore_index=True), **ahead).reset_index()
        place = found["unique_id"].str.split(" ").str[2].astype(int)
        column = found["unique_id"].str.split(" ").str[1].astype(int)
        found = found.assign(place=place, column=column).sort_values(["place", "column", "ds"])[self.kind]
        return np.moveaxis(found.to_numpy(np.float64).reshape(len(row), len(problem.target), horizon), 1, 2)


class AutoETS:
    """Exponential smoothing of statsforecast, fitted anew at each origin on at most the newest `MOST` rows."""

    MOST = 2000
    FITS = 1000  # of larger tasks every k-th origin is tested

    def __init__(self, seed=0, threads=1):
        self.threads = threads

    def fit(self, problem):
        os.environ.setdefault("NIXTLA_ID_AS_COL", "1")
        import statsforecast.models  # noqa: F401  # says that it is not installed before anything is timed

        self.problem = problem
        self.values = [filled(series.targets) for series in problem.arrays]
        return self

    def every(self):
        return -(-len(self.problem.which) * len(self.problem.target) // self.FITS)

    def forecast(self, which, row):
        from statsforecast.models import AutoETS as ETS

        season = self.problem.season if self.problem.season <= 24 else 1  # longer seasons are not taken
        out = np.empty((len(which), self.problem.horizon, len(self.problem.target)))
        for place, (number, newest) in enumerate(zip(which, row, strict=True)):
            for column in range(out.shape[2]):
                y = self.values[number][max(0, newest + 1 - self.MOST) : newest + 1, column]
                out[place, :, column] = ETS(season_length=season).forecast(y=y, h=self.problem.horizon)["mean"]
        return out
