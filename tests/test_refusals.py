"""Refusals as data: the same exception as before, its parts, one wording in Python and one on the command line."""

import ast
import copy
import pickle
import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import OPTIONS
from joblib import parallel_config
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score

from forecast import SeriesForecaster, load
from forecast._refusals import Fix, Refusal, Words, argument, extended, refusal_of, way_out
from forecast.cli.problems import described, in_one_line

PACKAGE = Path(__file__).parent.parent / "forecast"
LITERALS = (ast.Constant, ast.JoinedStr)
DAYS = pd.date_range("2024-01-01", periods=60)
FRAME = pd.DataFrame({"y": 10 + np.sin(np.arange(60.0))}, index=DAYS)


def model(**more):
    return SeriesForecaster(Ridge(), **{"target": "y", "lookback": 4, "horizon": 2} | more)


def refused(call, *given, **more):
    with pytest.raises((TypeError, ValueError)) as caught:
        call(*given, **more)
    return caught.value


# -------------------- the form


def test_a_refusal_is_the_plain_exception_that_it_was():
    gap, text = refused(model().fit, FRAME.drop(DAYS[20])), refused(model().fit, FRAME.assign(y=DAYS))
    assert type(gap) is ValueError
    assert type(text) is TypeError
    assert str(gap).startswith("the index has gaps: at frequency 'D', 1 of 60 stamps are missing: 2024-01-21 00:00:00;")


def test_a_refusal_carries_its_parts():
    parts = refusal_of(refused(model().fit, FRAME.drop(DAYS[20]))).parts
    assert parts["where"] == "the index"
    assert parts["what"] == "has gaps: at frequency 'D', 1 of 60 stamps are missing"
    assert parts["got"] == "2024-01-21 00:00:00"
    assert parts["expected"] == "a row for each, or gaps='interpolate', or another freq="
    assert parts["fix"] == "gaps='mask'"
    assert parts["fix"].command == "--gaps mask"


COPIES = {"pickle": lambda error: pickle.loads(pickle.dumps(error)), "copy": copy.deepcopy}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_refusal_of_another_process_is_whole(copied):
    error = refused(model().fit, FRAME.drop(DAYS[20]))
    other = copied(error)
    assert str(other) == str(error)
    assert described(other) == described(error)
    assert refusal_of(other).parts == refusal_of(error).parts
    assert refusal_of(other).fix.command == refusal_of(error).fix.command


def test_each_audience_reads_its_own_words():
    error = refused(model().fit, FRAME.drop(DAYS[20]))
    assert str(error).endswith("expected a row for each, or gaps='interpolate', or another freq=. Fix: gaps='mask'.")
    assert described(error).endswith(
        "expected a row for each, or --gaps interpolate, or another --freq. Fix: --gaps mask."
    )
    assert described(error, "column 'day'").startswith("column 'day' has gaps")


def test_code_without_an_option_is_a_fix_in_pandas():
    assert described(ValueError(Refusal("no", fix="df = df[::-1]"))) == "no. Fix in pandas: df = df[::-1]."
    assert described(ValueError(Refusal("no", fix=Fix("df = df[::-1]", "")))) == "no."
    assert described(ValueError(Refusal("no", fix=Fix(None, "--gaps mask")))) == "no. Fix: --gaps mask."
    assert str(Refusal("no", fix=Fix(None, "--gaps mask"))) == "no."


@pytest.mark.parametrize("fix", ["df = df.sort_index()", argument("gaps", "mask")], ids=["pandas", "option"])
def test_a_long_refusal_keeps_its_fix(fix):
    said = described(ValueError(Refusal("9" * 500, fix=fix)))
    short = in_one_line(said)
    assert len(short) == 180
    assert short.endswith(f"...{said[501:]}")


def test_a_text_without_parts_is_shown_as_it_is():
    assert described(ValueError("No.  Fix:\n gaps='mask'.")) == "No. Fix: gaps='mask'."


def test_an_extended_refusal_keeps_both_wordings():
    inner = Refusal(Words("lacks X", "lacks --future"), where="it", fix=argument("gaps", "mask"))
    outer = extended(ValueError(inner), "series 'a': ", advice="See there.")
    assert str(outer) == "series 'a': it lacks X. See there. Fix: gaps='mask'."
    assert outer.command == "series 'a': it lacks --future. See there. Fix: --gaps mask."
    assert str(extended(KeyError("plain"), "b: ")) == "b: 'plain'."


def test_what_is_noted_at_a_fit_has_words_for_the_command_and_is_saved(tmp_path):
    weekdays = pd.date_range("2024-01-01", periods=61, freq="B").delete(20)
    with pytest.warns(UserWarning, match=r"Give trading_calendar=\. gaps='mask' leaves") as told:
        fitted = model(gaps="mask").fit(FRAME.set_axis(weekdays))
    assert "Give --holidays FILE. --gaps mask leaves" in described(told[0].message)
    fitted.save(tmp_path / "m.forecast")
    pd.testing.assert_frame_equal(load(tmp_path / "m.forecast").predict(), fitted.predict())


# -------------------- every fix of the command


def texts_of(node):
    """Every text in an expression, with a word in place of what is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return ["".join("PUT_IN" if isinstance(part, ast.FormattedValue) else part.value for part in node.values)]
    return [text for child in ast.iter_child_nodes(node) for text in texts_of(child)]


@cache
def words_for_the_command():
    """[(place, text)]: what the package's sources hand to `Words` and `Fix` for users of the command."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Words", "Fix") and len(node.args) == 2:
                found += [(f"{path.relative_to(PACKAGE)}:{node.lineno}", text) for text in texts_of(node.args[1])]
    return found


def options_in(text):
    return re.findall(r"(?<![\w-])--[a-z][\w-]*", text)


def test_options_in_refusals_exist():
    found = [(place, option) for place, text in words_for_the_command() for option in options_in(text)]
    assert len(found) > 40
    assert [(place, option) for place, option in found if option not in OPTIONS] == []


@pytest.mark.parametrize("name", ["gaps", "missing", "series", "time", "freq", "target", "validation_fraction", "step"])
def test_an_argument_becomes_an_option_that_exists(name):
    assert set(options_in(argument(name, "x").command)) <= OPTIONS
    assert set(options_in(argument(name, None).command)) <= OPTIONS


def test_words_for_the_command_hold_no_python():
    python = r"\b(df|pd|np|model|new_rows)[.\[]|\w+=['\"\[{\d]|\w+=[,. ]|\w+\(\)"
    assert [(place, text) for place, text in words_for_the_command() if re.search(python, text)] == []


def test_a_fix_of_the_command_can_be_pasted():
    """Options with values, or a command of the shell; anything else is a sentence without "Fix:"."""
    for path in sorted((PACKAGE / "cli").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        nodes = [node for node in ast.walk(tree) if id(node) not in parts and isinstance(node, LITERALS)]
        for fix in [text.partition("Fix: ")[2] for node in nodes for text in texts_of(node) if "\n" not in text]:
            assert not fix or re.match("(chmod u|PUT_IN)", fix) or way_out(fix.removesuffix(".")) == f"Fix: {fix}"


@pytest.mark.parametrize("words", ["fewer --origins", "--static FILE", "--horizon 9 in forecast fit", "leave out --x"])
def test_advice_that_cannot_be_pasted_is_no_fix(words):
    assert "Fix" not in way_out(words)
    assert Refusal("no", fix=Fix("code", words)).command == f"no. {way_out(words)}"


def test_the_command_translates_no_sentences():
    source = (PACKAGE / "cli" / "problems.py").read_text(encoding="utf-8")
    code = re.sub(r'""".*?"""', "", source, flags=re.DOTALL)
    assert re.findall(r"\b(?:gaps|missing|series|predict|update|new_rows|KFold)\b", code) == []


# -------------------- the sentence about KFold

SENTENCE = "In cross-validation, split with sklearn.model_selection.TimeSeriesSplit"


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("cv", [KFold(3), KFold(3, shuffle=True, random_state=0)], ids=["whole", "shuffled"])
def test_cross_validation_names_the_splitters(cv, n_jobs):
    with parallel_config("threading", n_jobs=n_jobs):
        error = refused(cross_val_score, model(), FRAME, FRAME["y"], cv=cv, error_score="raise")
    assert SENTENCE in str(error)
    assert "KFold" not in described(error)


def test_searches_and_predictions_over_folds_name_the_splitters():
    search = GridSearchCV(model(), {"lookback": [3]}, cv=KFold(3), error_score="raise")
    assert SENTENCE in str(refused(search.fit, FRAME, FRAME["y"]))
    assert SENTENCE in str(refused(cross_val_predict, model(), FRAME, FRAME["y"], cv=KFold(3)))


GAP = FRAME.drop(DAYS[20])
OUTSIDE = {
    "gap": (lambda: model().fit(GAP)),
    "newest first": (lambda: model().fit(FRAME[::-1])),
    "rows that do not follow": (lambda: model().fit(FRAME[:40]).predict(FRAME[44:46])),
    "folds by hand": (lambda: model().fit(FRAME.iloc[next(iter(KFold(3, shuffle=True).split(FRAME)))[0]])),
    "irregular": (lambda: model().fit(FRAME.set_axis(DAYS + pd.to_timedelta(np.arange(60) ** 2, unit="min")))),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_nothing_is_said_of_kfold_outside_of_cross_validation(name):
    error = refused(OUTSIDE[name])
    assert "KFold" not in str(error)
    assert "cross-validation" not in str(error)
