"""How much worse a forecast gets with a short history: the 90 % quantile of errors, over that with a whole lookback.

A masked GRU is trained on whole series; then each series is forecast as one never seen, from its newest n rows. The
factor by which `predict_interval` widens the bounds of such a series, 1 + 1.4 (1 - n / L)^2, is an envelope of these.

    FORECAST_DATA=folder python benchmarks/short_history.py
"""

import argparse
import os
import warnings
from pathlib import Path

import daily
import numpy as np
import pandas as pd

from forecast import RNNForecaster, SeriesForecaster, ShortHistoryWarning

ORIGINS = 3


def m4(name, n):
    """The first series of the M4 competition's training part, their newest 400 rows."""
    table = pd.read_csv(Path(os.environ["FORECAST_DATA"]) / "m4" / f"{name}-train.csv.gz").iloc[:n]
    parts = []
    for _, row in table.iterrows():
        values = row.iloc[1:].dropna().to_numpy(float)[-400:]
        parts.append(pd.DataFrame({"store": row.iloc[0], "day": range(1000 - len(values), 1000), "sold": values}))
    return pd.concat(parts)


def ratios(frame, lookback, horizon):
    """By n, the newest rows known: the quantile of scaled absolute errors, over that of a whole lookback."""
    series = {key: rows for key, rows in frame.groupby("store") if len(rows) > (ORIGINS + 1) * horizon + lookback}
    network = RNNForecaster(cell="gru", hidden_size=16, max_iter=15, random_state=0)
    model = SeriesForecaster(
        network, target="sold", series="store", time="day", lookback=lookback, horizon=horizon, missing="mask",
        transform="standard",
    ).fit(pd.concat([rows.iloc[: -ORIGINS * horizon] for rows in series.values()]))  # fmt: skip
    found = {}
    for n in (lookback, lookback // 2, lookback // 4, 7, 3, 2, 1):
        errors = []
        for back in range(ORIGINS * horizon, 0, -horizon):
            parts = [
                rows.iloc[len(rows) - back - n : len(rows) - back].assign(store=f"new {key}")
                for key, rows in series.items()
            ]
            answer = dict(list(model.predict(history=pd.concat(parts)).groupby("store")["sold"]))
            for key, rows in series.items():
                known, ahead = rows["sold"].iloc[: len(rows) - back], rows["sold"].iloc[len(rows) - back :][:horizon]
                scale = known.diff().abs().mean()
                errors.append(np.abs(ahead.to_numpy() - answer[f"new {key}"].to_numpy()) / scale)
        found[n] = np.quantile(np.concatenate(errors), 0.9)
    return {n: value / found[lookback] for n, value in found.items()}


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    warnings.simplefilter("ignore", ShortHistoryWarning)
    parts = {"daily stores": (daily.stores(days=200), 28, 7)}
    if "FORECAST_DATA" in os.environ:
        parts |= {"M4 hourly": (m4("Hourly", 100), 96, 24), "M4 weekly": (m4("Weekly", 200), 26, 13)}
    for name, given in parts.items():
        shown = ", ".join(f"{n}: {ratio:.2f}" for n, ratio in ratios(*given).items())
        print(f"{name}, lookback {given[1]}, by rows known: {shown}")


if __name__ == "__main__":
    main()
