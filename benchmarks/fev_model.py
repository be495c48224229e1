"""Our recipe as a model of fev-bench. It needs fev 0.10 and reads no file of its own: the task says where the data are.

    python benchmarks/fev_model.py data.parquet --horizon 24 --season 24 --windows 20 [--rows 1000] [--seconds 120]

runs it on a local task, a Parquet file with the columns id, timestamp and one for each variable, and prints the scores
of the recipe and of the seasonal naive forecast. For a submission, hand `RecipeModel` to fev's own runner.
"""

import argparse
import json
import warnings
from typing import Any, ClassVar

import fev
import numpy as np
import pandas as pd

from forecast import SeriesForecaster
from forecast.baselines import seasonal_naive

Predictions = dict[str, list[dict[str, Any]]]


class RecipeModel(fev.ForecastingModel):
    """`SeriesForecaster` without a regressor: one fit on the first window, forecasts after the history of each.

    Parameters
    ----------
    settings : dict, default=None
        Arguments of SeriesForecaster in place of the defaults, such as max_seconds.
    """

    model_name: ClassVar[str] = "rnn-forecast"

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.settings = settings or {}

    def _fit_predict(self, task: fev.Task) -> list[Predictions]:
        model, found = None, []
        for window in task.iter_windows():
            past, future, static = fev.convert_input_data(window, adapter="pandas")
            if model is None:
                with self._record_training_time():
                    model = self._fitted(task, past, static)
            with self._record_inference_time():
                found.append(_predictions(model, task, past, future, static))
        return found

    def _fitted(self, task: fev.Task, past: pd.DataFrame, static: pd.DataFrame | None) -> SeriesForecaster:
        given = {
            "target": list(task.target_columns),
            "series": task.id_column,
            "time": task.timestamp_column,
            "horizon": task.horizon,
            "past_covariates": list(task.past_dynamic_columns) or None,
            "future_covariates": list(task.known_dynamic_columns) or None,
            "static_covariates": list(task.static_columns) or None,
            "missing": "mask",
            "gaps": "mask",
            "loss": "quantile" if task.quantile_levels else "absolute_error",
            "random_state": 0,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as calendars of business days
            return SeriesForecaster(**(given | self.settings)).fit(past, static=static)


def _predictions(
    model: SeriesForecaster, task: fev.Task, past: pd.DataFrame, future: pd.DataFrame, static: pd.DataFrame | None
) -> Predictions:
    """Medians and quantiles as fev wants them: for each target an item for each series, in the order of the data."""
    levels = sorted({*task.quantile_levels, 0.5})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = model.predict_quantiles(future, levels, history=past, static=static, errors="raise")
    rows = future.groupby(task.id_column, sort=False).indices
    order = [rows[key] for key in past[task.id_column].unique()]
    return {
        target: [
            _item({level: found[f"{target}_{level:g}"].to_numpy()[one] for level in levels}, task.quantile_levels)
            for one in order
        ]
        for target in task.target_columns
    }


def _item(quantiles: dict[float, np.ndarray], levels: list[float]) -> dict[str, list[float]]:
    return {"predictions": quantiles[0.5].tolist()} | {str(level): quantiles[level].tolist() for level in levels}


class SeasonalNaiveModel(fev.ForecastingModel):
    """The values of a season before, at every level."""

    model_name: ClassVar[str] = "seasonal-naive-of-forecast"

    def _fit_predict(self, task: fev.Task) -> list[Predictions]:
        found = []
        for window in task.iter_windows():
            past, _, _ = fev.convert_input_data(window, adapter="pandas")
            values = past.groupby(task.id_column, sort=False)[list(task.target_columns)]
            found.append({target: [_naive(one[target], task) for _, one in values] for target in task.target_columns})
        return found


def _naive(values: pd.Series, task: fev.Task) -> dict[str, list[float]]:
    forecast = seasonal_naive(values.ffill().to_numpy()[:, None], task.horizon, task.seasonality)[:, 0]
    return _item(dict.fromkeys([*task.quantile_levels, 0.5], forecast), task.quantile_levels)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--horizon", type=int, required=True)
    parser.add_argument("--season", type=int, required=True)
    parser.add_argument("--windows", type=int, default=20)
    parser.add_argument("--rows", type=int, help="newest rows that a window may read")
    parser.add_argument("--seconds", type=float, help="max_seconds of the fit")
    parser.add_argument("--target", nargs="+", required=True)
    asked = parser.parse_args()
    task = fev.Task(
        dataset_path=asked.data, horizon=asked.horizon, num_windows=asked.windows, seasonality=asked.season,
        target=asked.target, max_context_length=asked.rows, eval_metric="SQL", extra_metrics=["MASE"],
        quantile_levels=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
    )  # fmt: skip
    for model in (SeasonalNaiveModel(), RecipeModel({"max_seconds": asked.seconds})):
        predictions = model.fit_predict(task)
        summary = task.evaluation_summary(
            predictions, model_name=model.model_name, training_time_s=model.training_time,
            inference_time_s=model.inference_time,
        )  # fmt: skip
        kept = ("model_name", "SQL", "MASE", "training_time_s", "inference_time_s")
        print(json.dumps({name: summary[name] for name in kept}))


if __name__ == "__main__":
    main()
