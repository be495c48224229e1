"""Compare the recipe with ridge, LightGBM and naive forecasts on one series of a CSV file of yours.

    python benchmarks/accuracy/own.py opsd.csv --time Date --target Consumption --freq D --horizon 7 --season 7 \\
        --windows 366 --step 1 [--calendar auto holidays:DE]

Everything before the first tested origin is learnt from. Of stamps that occur twice the first row counts, and rows that
are missing are masked.
"""

import argparse
import sys
from pathlib import Path

if not __package__:  # as a script: under the name that the package has from its folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    __package__ = "accuracy"

import pandas as pd

from .models import MODELS, make
from .once import measured
from .problem import ends
from .stations import one

USUAL = ["seasonal naive", "last value", "ridge", "lightgbm", "recipe"]


def problem_of(given):
    """The rows from the first to the last value of the target, and the newest windows to test."""
    frame = pd.read_csv(given.file)
    frame.index = pd.to_datetime(frame.pop(given.time))
    frame = frame.loc[~frame.index.duplicated(), [given.target, *given.past, *given.future]].sort_index()
    frame = frame.asfreq(given.freq).astype({given.target: float})
    known = frame[given.target]
    frame = frame.loc[known.first_valid_index() : known.last_valid_index()]
    origins = ends(len(frame), given.horizon, given.windows, given.step)
    return one(
        frame, given.target, given.horizon, origins, season=given.season, missing="mask", intervals=True,
        past=given.past, future=given.future,
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--time", required=True, metavar="COLUMN")
    parser.add_argument("--target", required=True, metavar="COLUMN")
    parser.add_argument("--freq", required=True, help="of pandas, such as h or D")
    parser.add_argument("--horizon", type=int, required=True)
    parser.add_argument("--season", type=int, default=1, help="of the seasonal naive forecast, in steps")
    parser.add_argument("--windows", type=int, default=100, help="to test, the newest (default 100)")
    parser.add_argument("--step", type=int, help="between their origins (default: they do not overlap)")
    parser.add_argument("--past", nargs="+", default=[], metavar="COLUMN", help="covariates known up to the origin")
    parser.add_argument("--future", nargs="+", default=[], metavar="COLUMN", help="covariates known ahead")
    parser.add_argument("--calendar", nargs="+", help="of the recipe, such as auto holidays:DE (default: auto)")
    parser.add_argument("--models", nargs="+", default=USUAL, choices=list(MODELS), metavar="MODEL")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    problem = problem_of(given)
    for name in given.models:
        model = make(name, seed=given.seed)
        if name == "recipe" and given.calendar:
            model.settings["calendar"] = given.calendar
        found = measured(problem, model)
        scores = "  ".join(f"{key} {value:.5g}" for key, value in found["metrics"].items())
        print(f"{name:15s} {scores}  {found['origins']} windows, fit {found['fit_cpu']:.1f} CPU s", flush=True)


if __name__ == "__main__":
    main()
