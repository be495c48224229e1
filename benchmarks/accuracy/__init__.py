"""Accuracy of the default forecaster on real series, next to published values, ridge, trees and naive forecasts.

    FORECAST_DATA=FOLDER python benchmarks/accuracy/run.py --tasks "ETTh1 96" --models recipe ridge lightgbm

`tasks` is the registry: what is forecast, from which rows, by which metric, which published value a baseline must
reproduce first, and the bars. `models` is what can be run on a task. `run` measures each (task, model, seed) in a
process of its own and appends one JSON line; `run --table` makes a Markdown table of them. FOLDER holds the series as
published; they are not part of this project. Some tasks need only ordinary packages (statsmodels, pvlib).
"""
