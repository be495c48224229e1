"""Sales of products that have not been launched yet: the mean absolute error over their first weeks, by forecaster.

Made-up launches: each season a cohort of products begins in the same week. Features of a product, three numbers and a
category, shape its curve (how much, how fast, what is left of it), and promotions, known ahead, raise it. The next
cohort is forecast before its first week. Compared with the noise, which cannot be forecast:

- the mean curve of all earlier products, and that of the five with the nearest features,
- a recurrent network with a past (`missing="mask"`), where the mean of the five most similar products stands in for
  it; half the weeks at once, because a window with a past and all weeks is longer than the life of a product,
- vector to sequence: `RNNForecaster(encoder="dense")` with `lookback=0`, with both decoders,
- scikit-learn on the same features, also with `lookback=0`.

    python benchmarks/cold_start.py [--seeds 2] [--products 60]
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, ShortHistoryWarning

WEEKS, COHORTS = 26, 6
NUMBERS, KINDS = ["size", "fashion", "price"], ["basic", "classic", "trend"]
STATIC = [*NUMBERS, "kind"]


def cohort(number, products, rng):
    """Rows of a cohort, and what each would be without noise."""
    size, fashion, price = rng.uniform(0, 2, products), rng.uniform(size=products), rng.uniform(5, 30, products)
    kind = rng.integers(3, size=products)
    promo = (rng.random((products, WEEKS)) < 0.15).astype(float)
    week = np.arange(1, WEEKS + 1)
    peak = (2 + 8 * (1 - fashion) + 2 * (kind == 2))[:, None]
    level = 10 * np.exp(size + (kind == 1) - 0.03 * price)[:, None]
    curve = week / peak * np.exp(1 - week / peak) + 0.15 * (kind == 0)[:, None] * (1 - np.exp(-week / 10))
    mean = level * curve * (1 + 0.6 * promo * (1 - fashion[:, None]))
    stamps = pd.date_range("2020-01-06", periods=COHORTS * WEEKS, freq="7D")[number * WEEKS :][:WEEKS]
    columns = {
        "product": np.repeat([f"{number}-{one}" for one in range(products)], WEEKS),
        "week": np.tile(stamps, products),
        "sold": (mean * np.exp(0.15 * rng.normal(size=mean.shape))).ravel(),
        "age": np.tile(week - 1.0, products),
        "promo": promo.ravel(),
        **{name: np.repeat(values, WEEKS) for name, values in zip(NUMBERS, (size, fashion, price), strict=True)},
        "kind": np.repeat(np.array(KINDS)[kind], WEEKS),
    }
    return pd.DataFrame(columns), mean


def mean_curves(known, new):
    """Of all known products, and of the five whose features are the nearest, for each new one."""
    curves = known["sold"].to_numpy().reshape(-1, WEEKS)
    both = pd.get_dummies(pd.concat([known, new])[STATIC], dtype=float).iloc[::WEEKS]
    features = (both / both.std()).to_numpy()
    old, asked = features[: len(curves)], features[len(curves) :]
    nearest = np.argsort(((asked[:, None] - old) ** 2).sum(axis=2), axis=1)[:, :5]
    return np.broadcast_to(curves.mean(axis=0), (len(asked), WEEKS)), curves[nearest].mean(axis=1)


def models(seed):
    common = dict(target="sold", series="product", time="week", static_covariates=STATIC, horizon=WEEKS)
    network = dict(cell="gru", hidden_size=32, max_iter=150, early_stopping=False, random_state=seed)
    ahead = common | dict(future_covariates=["age", "promo"], validation_fraction=None)
    vector, blind = dict(encoder="dense", decoder="recurrent"), dict(lookback=0, step=WEEKS)
    for name, norm in (("", None), (", window_norm", "mean")):
        yield f"network with a stand-in for its past{name}", SeriesForecaster(
            RNNForecaster(**network | dict(max_iter=30), decoder="recurrent"), lookback=8, window_norm=norm,
            missing="mask", **ahead | dict(horizon=WEEKS // 2),
        )  # fmt: skip
    yield "ridge, lookback=0", SeriesForecaster(Ridge(), **blind, **ahead)
    boosting = HistGradientBoostingRegressor(random_state=seed, max_iter=100)
    yield "gradient boosting, lookback=0", SeriesForecaster(boosting, **blind, **ahead)
    yield (
        "vector to sequence, segments",
        SeriesForecaster(RNNForecaster(**network | vector | dict(decoder="segments")), **blind, **ahead),
    )
    yield "vector to sequence", SeriesForecaster(RNNForecaster(**network | vector), **blind, **ahead)


def errors(seed, products):
    """Errors, and seconds of fit, by forecaster."""
    rng = np.random.default_rng(seed)
    cohorts = [cohort(number, products, rng) for number in range(COHORTS)]
    known, (new, mean) = pd.concat([rows for rows, _ in cohorts[:-1]], ignore_index=True), cohorts[-1]
    truth = new["sold"].to_numpy().reshape(-1, WEEKS)
    found = dict(zip(("mean curve", "mean curve of the 5 nearest"), mean_curves(known, new), strict=True))
    found, seconds = {"noise": mean} | found, {}
    for name, model in models(seed):
        begin = time.perf_counter()
        model.fit(known)
        seconds[name] = time.perf_counter() - begin
        found[name] = model.predict(new.drop(columns="sold"), recursive=True)["sold"].to_numpy().reshape(-1, WEEKS)
    return {name: np.abs(one - truth).mean() for name, one in found.items()}, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--products", type=int, default=60, help="of a cohort")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ShortHistoryWarning)
    tables = [errors(seed, arguments.products) for seed in range(arguments.seeds)]
    table = pd.DataFrame([one for one, _ in tables]).T
    seconds = pd.DataFrame([one for _, one in tables]).mean()
    print(f"{COHORTS - 1} cohorts of {arguments.products} products known, {WEEKS} weeks ahead of the next one")
    for name, row in table.iterrows():
        each = " ".join(f"{value:6.2f}" for value in row)
        spent = f"  fit {seconds[name]:.1f} s" if name in seconds else ""
        print(f"{name:51} MAE {row.mean():6.2f}   by seed {each}{spent}")


if __name__ == "__main__":
    main()
