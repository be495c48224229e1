"""Do explanations find what was planted, and do they add up?

    python benchmarks/explanations.py            # 20 series each, about twenty minutes on two cores
    python benchmarks/explanations.py --models recipe "ReLU RNN" "boosted trees"
    python benchmarks/explanations.py --seeds 3

Each series has five covariates of the same kind and one of them drives the target, two rows later; which one, and the
values, follow from the seed. Columns are ranked by `explain` (150 forecasts behind the training, integrated gradients
and gradient x input) and by `channel_importance` on the same rows; the target's own past is left out of the ranking.
The missing part is the largest share of a forecast's difference to its baseline that integrated gradients miss.
Trees have no gradient, so of them there is `channel_importance` alone.
"""

import argparse
import time

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster
from forecast.diagnostics import channel_importance, explain

NAMES = ["a", "b", "c", "d", "e"]
ROWS, TRAINED = 900, 500  # the recipe looks back on up to 96 rows, and importance needs three times as many
METHODS = ("integrated_gradients", "gradient_x_input")


def planted(seed):
    """A frame, and the name of the column that drives its target."""
    rng = np.random.default_rng(seed)
    index = pd.date_range("2024-01-01", periods=ROWS, freq="h")
    noise = rng.normal(size=(ROWS, len(NAMES)))
    for row in range(1, ROWS):  # neighbouring rows are alike, as those of weather
        noise[row] += 0.6 * noise[row - 1]
    df = pd.DataFrame(noise, index, NAMES)
    driver = NAMES[rng.integers(len(NAMES))]
    daily = np.sin(2 * np.pi * np.arange(ROWS) / 24)
    df.insert(0, "target", daily + np.tanh(df[driver].shift(2, fill_value=0.0)) + 0.3 * rng.normal(size=ROWS))
    return df, driver


def models(seed):
    """Name -> forecaster."""
    shared = {"target": "target", "past_covariates": NAMES, "lookback": 12, "horizon": 2}
    small = {"hidden_size": 16, "max_iter": 60, "random_state": seed}
    networks = {
        "LSTM": RNNForecaster(**small),
        "GRU, decoder of steps": RNNForecaster(cell="gru", decoder="steps", **small),
        "ReLU RNN": RNNForecaster(cell="rnn", activation="relu", **small),
    }
    found = {name: SeriesForecaster(network, **shared) for name, network in networks.items()}
    found["ridge"] = SeriesForecaster(Ridge(), **shared)
    found["boosted trees"] = SeriesForecaster(HistGradientBoostingRegressor(max_iter=50, random_state=seed), **shared)
    found["recipe"] = SeriesForecaster(target="target", past_covariates=NAMES, horizon=2, random_state=seed)
    return found


def first(table):
    """The first of the columns that could be the planted one."""
    return next(name for name in table.index if name in NAMES)


def looked_at(model, df):
    """What each method finds first, what integrated gradients miss, and seconds."""
    model.fit(df[:TRAINED])
    found, missing, seconds = {}, np.nan, {}
    for method in METHODS if not isinstance(model.regressor, HistGradientBoostingRegressor) else ():
        begun = time.perf_counter()
        attribution = explain(model, history=df, n_origins=150, method=method)
        seconds[method] = time.perf_counter() - begun
        found[method] = first(attribution.by_column())
        if method == METHODS[0]:
            gap = np.abs(attribution.forecast - attribution.baseline)
            missing = float((np.abs(attribution.missing) / gap).max())
    begun = time.perf_counter()
    found["channel_importance"] = first(channel_importance(model, df[TRAINED:]).to_frame())
    seconds["channel_importance"] = time.perf_counter() - begun
    return found, missing, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--models", nargs="*", default=None)
    options = parser.parse_args()
    print("| model | method | planted column first | largest missing part | seconds |\n|---|---|---|---|---|")
    for name in options.models or models(0):
        hits, worst, seconds = {}, 0.0, {}
        for seed in range(options.seeds):
            df, driver = planted(seed)
            found, missing, took = looked_at(models(seed)[name], df)
            worst = max(worst, missing)
            for method, column in found.items():
                hits[method] = hits.get(method, 0) + (column == driver)
                seconds.setdefault(method, []).append(took[method])
        for method, count in hits.items():
            part = f"{100 * worst:.2g} %" if method == METHODS[0] else ""
            row = f"| {name} | {method} | {count} of {options.seeds} | {part} | {np.median(seconds[method]):.2f} |"
            print(row, flush=True)


if __name__ == "__main__":
    main()
