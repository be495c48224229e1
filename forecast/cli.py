"""The `forecast` command: a first forecast of a real series, or of one's own file, beside naive ones."""

import argparse
import sys
import textwrap
from pathlib import Path

__all__ = ["main"]

_DESCRIPTION = "Forecast time series with recurrent networks (RNN, GRU, LSTM) trained on the CPU."
_DEMO = """\
Train an RNN, a GRU and an LSTM on a series, forecast from several origins in its past, compare with the last value, the
seasonal naive forecast and ridge regression, and draw the newest of these forecasts.

Without a file the series is the weekly CO2 above Mauna Loa. A CSV file needs a header and a numeric column; the time is
the first column of dates, or the one named by --time, and has to be regular.
"""
_EXAMPLES = """\
examples:
  forecast demo
  forecast demo data.csv --target temperature --horizon 24
"""


class _ProblemError(Exception):
    """What the user can mend; shown without a traceback."""


def main(argv=None):
    """Run the command.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    int
        Exit code: 0 success, 2 a file or an option that cannot be used, 130 interrupted.

    Examples
    --------
    >>> main(["demo", "no-such-file.csv"])
    2
    """
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except _ProblemError as problem:
        sys.stdout.flush()
        text = textwrap.fill(str(problem), 100, break_long_words=False, break_on_hyphens=False)
        print(f"forecast: error: {text}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nforecast: interrupted", file=sys.stderr)
        return 130


def _parser():
    parser = argparse.ArgumentParser("forecast", description=_DESCRIPTION, epilog=_EXAMPLES, formatter_class=_Help)
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo", help="forecast a real series, or a CSV file", description=_DEMO, epilog=_EXAMPLES, formatter_class=_Help
    )
    demo.set_defaults(run=_demo)
    demo.add_argument("csv", nargs="?", help="file to forecast (default: weekly CO2 above Mauna Loa)")
    demo.add_argument("--target", help="column to forecast (default: the first numeric one)")
    demo.add_argument("--time", metavar="COLUMN", help="column of dates (default: the first that holds dates)")
    demo.add_argument("--horizon", type=_count, metavar="N", help="steps to forecast (default: by the season)")
    demo.add_argument("--lookback", type=_count, metavar="N", help="steps that a forecast sees (default: two seasons)")
    demo.add_argument("--origins", type=_count, default=8, metavar="N", help="forecasts to average over (default: 8)")
    demo.add_argument("--output", default="forecast-demo.png", metavar="PNG", help="picture (default: %(default)s)")
    demo.add_argument("--seed", type=int, default=0, metavar="N", help="of the networks' weights (default: 0)")
    demo.add_argument("--threads", type=_count, metavar="N", help="to train with (default: all cores)")
    config = commands.add_parser("config", help="print how the core was built and what it uses here")
    config.set_defaults(run=_config)
    return parser


class _Help(argparse.RawDescriptionHelpFormatter):
    """Keep the paragraphs of descriptions and the lines of examples."""


def _count(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of 1 or more")
    return number


def _version():
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"forecast {version('rnn-forecast')}"
    except PackageNotFoundError:
        return "forecast (not installed)"


def _config(arguments):
    from forecast import show_config

    show_config()
    return 0


# ------------------------------------------------------------------------------------------------------------- the demo


def _demo(arguments):
    output = _check_output(arguments.output)
    frame, title = _co2(arguments) if arguments.csv is None else _own_series(arguments)
    target = frame.columns[0]
    frame, filled = _fill(frame)
    plan = _plan(frame, arguments)
    _print_plan(frame, filled, plan)
    report = _compare(frame, plan, arguments)
    print(_table(report))
    network = _best(report, ("RNN", "GRU", "LSTM"))
    naive = _best(report, ("last value", "seasonal naive", "drift", "mean"))
    _draw(report, frame, [network, naive, "ridge"], f"{title}: {target}, {plan['horizon']} steps ahead", output)
    print(f"\nPicture: {output}")
    print(_verdict(report, network, naive))
    return 0


def _check_output(name):
    """Everything about the picture that can fail, before any training."""
    path = Path(name)
    if path.suffix.lower() != ".png":
        raise _ProblemError(f"--output is {name!r}; expected a file name that ends in .png.")
    if not path.absolute().parent.is_dir():
        raise _ProblemError(f"--output is {name!r}, but the directory {path.absolute().parent} does not exist.")
    try:
        import matplotlib
    except ImportError:
        raise _ProblemError(
            "the picture needs matplotlib, which is not installed. Fix: pip install 'rnn-forecast[demo]'."
        ) from None
    matplotlib.use("Agg")
    return path.absolute()


def _co2(arguments):
    from .datasets import load_co2

    if arguments.target not in (None, "co2") or arguments.time is not None:
        raise _ProblemError("--target and --time choose columns of a CSV file; the CO2 series has one column, 'co2'.")
    try:
        return load_co2(), "CO2 above Mauna Loa, weekly"
    except ImportError as error:
        raise _ProblemError(str(error)) from None


def _own_series(arguments):
    from ._csv import CsvError, read_series

    try:
        frame, notes = read_series(arguments.csv, target=arguments.target, time=arguments.time)
    except CsvError as error:
        raise _ProblemError(str(error)) from None
    for note in notes:
        print(note)
    return frame, Path(arguments.csv).name


def _fill(frame):
    """Fill the gaps of the target by interpolation; too many are refused."""
    missing = frame.iloc[:, 0].isna()
    share = missing.mean()
    if share > 0.2:
        raise _ProblemError(
            f"column {frame.columns[0]!r} has {int(missing.sum())} missing values in {len(frame)} rows ({share:.0%}), "
            f"the first at {frame.index[missing.argmax()]}; expected at most 20 %, which are filled by interpolation. "
            "Fix: choose another column with --target, or a part of the file with fewer gaps."
        )
    return frame.interpolate(limit_direction="both"), missing


def _plan(frame, arguments):
    """Lookback, horizon and origins that fit the series."""
    from ._frames import frequency_of, read_values, season_length

    try:
        season = season_length(frequency_of(frame.index))
        read_values(frame, list(frame.columns))
    except (TypeError, ValueError) as error:
        # The advice on splitters has no place here, and the fix is one of pandas.
        raise _ProblemError(str(error).split(" In cross-validation")[0].replace("Fix:", "Fix in pandas:")) from None
    horizon = arguments.horizon or (26 if season == 52 else season if season > 1 else 12)
    first = len(frame) - arguments.origins * horizon
    # At most a third of what is there before the first origin, so that there are windows enough to learn from.
    lookback = arguments.lookback or min(max(2 * season, 24), max(first // 3, 8))
    if first < lookback + horizon + 10:
        needed = lookback + horizon + 10 + arguments.origins * horizon
        raise _ProblemError(
            f"the series has {len(frame)} rows; for {arguments.origins} origins with horizon {horizon} and lookback "
            f"{lookback} at least {needed} are needed. Fix: fewer --origins, a shorter --horizon or a shorter "
            "--lookback."
        )
    return {"season": season, "horizon": horizon, "lookback": lookback, "first": first, "origins": arguments.origins}


def _print_plan(frame, filled, plan):
    from ._frames import frequency_of

    freq = frequency_of(frame.index)
    step = f"frequency {freq.freqstr}" if hasattr(freq, "freqstr") else f"steps of {freq}"
    start, end = (_day(label) for label in (frame.index[0], frame.index[-1]))
    print(f"Series     {frame.columns[0]}: {len(frame)} rows from {start} to {end}, {step}")
    if filled.any():
        late = int(filled.iloc[plan["first"] :].sum())
        where = "none of them after the first origin" if late == 0 else f"{late} of them after the first origin"
        print(f"Gaps       {int(filled.sum())} missing values filled by linear interpolation, {where}")
    origin = _day(frame.index[plan["first"] - 1])
    print(
        f"Forecasts  {plan['horizon']} steps ahead from {plan['origins']} origins, the first {origin}; lookback "
        f"{plan['lookback']}, season {plan['season']}"
    )
    print(f"Training   each model once, on the {plan['first']} rows up to the first origin\n", flush=True)


def _day(label):
    midnight = getattr(label, "normalize", lambda: None)()
    return str(label.date()) if midnight is not None and midnight == label else str(label)


def _networks(arguments):
    """The three networks by name, small enough for a demo on two cores."""
    from ._rnn import RNNForecaster

    common = {"hidden_size": 32, "n_jobs": arguments.threads, "random_state": arguments.seed}
    return {cell.upper(): RNNForecaster(cell=cell, **common) for cell in ("rnn", "gru", "lstm")}


def _compare(frame, plan, arguments):
    import warnings

    from sklearn.linear_model import Ridge

    from ._series import SeriesForecaster
    from .model_selection import RollingOrigin, SkillWarning, backtest

    regressors = {**_networks(arguments), "ridge": Ridge()}
    models = {
        name: SeriesForecaster(regressor, lookback=plan["lookback"], horizon=plan["horizon"])
        for name, regressor in regressors.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkillWarning)  # the last line says it of the best network
        return backtest(models, frame, RollingOrigin(plan["origins"], plan["horizon"]), refit=False)


def _table(report):
    """The summary as text; the errors in the units of the series, but for MASE."""
    summary = report.summary()
    digits = 4 if summary["MAE"].min() < 1 else 2
    lines = [f"{'model':<16}{'MAE':>12}{'RMSE':>12}{'MASE':>9}{'seconds':>10}"]
    for name, row in summary.iterrows():
        errors = f"{row['MAE']:>12.{digits}f}{row['RMSE']:>12.{digits}f}{row['MASE']:>9.3f}"
        lines.append(f"{name:<16}{errors}{row['seconds']:>10.2f}")
    return "\n".join(lines)


def _best(report, names):
    return min(names, key=report.summary()["MAE"].get)


def _draw(report, frame, models, title, output):
    from .plotting import ForecastDisplay

    display = ForecastDisplay.from_report(report, frame, models=models, title=title)
    try:
        display.figure_.savefig(output, dpi=130)
    except OSError as error:
        raise _ProblemError(f"the picture could not be written: {error}") from None
    finally:
        from matplotlib import pyplot

        pyplot.close(display.figure_)


def _verdict(report, network, naive):
    """Whether the networks are worth it, in one or two honest sentences."""
    error = report.summary()["MAE"]
    change = 1 - error[network] / error[naive] if error[naive] > 0 else -1.0
    against = f"MAE {error[network]:.4g} against {error[naive]:.4g}"
    if change > 0:
        text = f"The best network ({network}) beats the best naive forecast ({naive}) by {change:.0%}: {against}."
    else:
        text = f"No network beats the best naive forecast ({naive}); the nearest is {network}: {against}."
    if error["ridge"] < error[network]:
        text += f" Ridge regression is better still (MAE {error['ridge']:.4g})."
    return text
