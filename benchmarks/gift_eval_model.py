"""Our recipe as a predictor of GluonTS, as GIFT-Eval evaluates them. It needs gluonts 0.16 or newer.

    python benchmarks/gift_eval_model.py data.csv --freq h --horizon 48 --windows 20 --season 24 [--seconds 120]

runs it on a CSV file with the time in its first column, as GIFT-Eval does with `to_univariate=True`, and prints MASE
and weighted quantile loss next to those of the seasonal naive forecast. For a submission, in GIFT-Eval's loop:

    model = RecipeEstimator(dataset.prediction_length, dataset.freq).train(dataset.training_dataset)
    evaluate_model(model, test_data=dataset.test_data, metrics=metrics, ...)
"""

import argparse
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from gluonts.dataset.common import ListDataset
from gluonts.dataset.split import split
from gluonts.ev.metrics import MASE, MeanWeightedSumQuantileLoss
from gluonts.model import evaluate_model
from gluonts.model.forecast import QuantileForecast
from gluonts.model.predictor import Predictor
from gluonts.model.seasonal_naive import SeasonalNaivePredictor

from forecast import SeriesForecaster

Entry = dict[str, Any]
LEVELS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


def _frame(entries: Iterable[Entry]) -> pd.DataFrame:
    """Entries of univariate series, one below the other."""
    parts = []
    for entry in entries:
        target = np.asarray(entry["target"], dtype=np.float64)
        times = pd.period_range(entry["start"], periods=len(target)).to_timestamp()
        parts.append(pd.DataFrame({"item": str(entry["item_id"]), "time": times, "target": target}))
    return pd.concat(parts, ignore_index=True)


class RecipeEstimator:
    """`SeriesForecaster` without a regressor, trained on all series together.

    Parameters
    ----------
    prediction_length : int
    freq : str
    settings : dict, default=None
        Arguments of SeriesForecaster in place of the defaults, such as max_seconds.
    """

    def __init__(self, prediction_length: int, freq: str, settings: dict[str, Any] | None = None) -> None:
        self.prediction_length, self.freq, self.settings = prediction_length, freq, settings or {}

    def train(self, dataset: Iterable[Entry]) -> "RecipePredictor":
        given = {
            "target": "target", "series": "item", "time": "time", "horizon": self.prediction_length, "loss": "quantile",
            "missing": "mask", "random_state": 0,
        }  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as calendars of business days
            return RecipePredictor(SeriesForecaster(**(given | self.settings)).fit(_frame(dataset)))


class RecipePredictor(Predictor):
    """A fitted forecaster. Entries may be of any series, and of one series several times."""

    def __init__(self, model: SeriesForecaster) -> None:
        super().__init__(prediction_length=model.horizon)
        self.model = model

    def predict(self, dataset: Iterable[Entry], **kwargs: Any) -> Iterator[QuantileForecast]:
        waiting: dict[str, Entry] = {}
        for entry in dataset:
            if str(entry["item_id"]) in waiting:  # the next window of the same series
                yield from self._forecasts(waiting)
                waiting = {}
            waiting[str(entry["item_id"])] = entry
        yield from self._forecasts(waiting)

    def _forecasts(self, entries: dict[str, Entry]) -> Iterator[QuantileForecast]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self.model.predict_quantiles(levels=LEVELS, history=_frame(entries.values()), errors="raise")
        values = {key: rows.filter(like="target_").to_numpy().T for key, rows in found.groupby("item")}
        for key, entry in entries.items():
            yield QuantileForecast(
                forecast_arrays=values[key],
                forecast_keys=[str(level) for level in LEVELS],
                start_date=entry["start"] + len(entry["target"]),
                item_id=entry["item_id"],
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--freq", required=True)
    parser.add_argument("--horizon", type=int, required=True)
    parser.add_argument("--windows", type=int, required=True)
    parser.add_argument("--season", type=int, required=True)
    parser.add_argument("--seconds", type=float, help="max_seconds of the fit")
    asked = parser.parse_args()
    table = pd.read_csv(asked.data, index_col=0, parse_dates=True).resample(asked.freq).mean()
    entries = [{"start": table.index[0], "target": table[name], "item_id": name} for name in table.columns]
    training, template = split(ListDataset(entries, freq=asked.freq), offset=-asked.horizon * asked.windows)
    test = template.generate_instances(asked.horizon, windows=asked.windows, distance=asked.horizon)
    metrics = [MASE(), MeanWeightedSumQuantileLoss(quantile_levels=LEVELS)]
    recipe = RecipeEstimator(asked.horizon, asked.freq, {"max_seconds": asked.seconds}).train(training)
    for name, model in {
        "seasonal naive": SeasonalNaivePredictor(asked.horizon, asked.season),
        "recipe": recipe,
    }.items():
        found = evaluate_model(model, test_data=test, metrics=metrics, seasonality=asked.season)
        print(name, found.round(4).to_dict("records")[0])


if __name__ == "__main__":
    main()
