"""Many faults in one build of the core: each line that has one asks a number, which the environment sets, which it is.

The kernels take minutes to compile and seconds to test, so a build for each fault would take days. A line becomes

    const V dn = forecast_fault == 17 ? (dh * z) : (dh * (splat<V>(1) - z));

in a copy of the sources. A line that cannot be written so (part of a statement, a type, a constant) has no fault.
"""

import re

DECLARED = re.compile(r"(\s*(?:const )?(?:V|T|auto|double|bool) \w+ = |\s*return )(.+);")
BARE = re.compile(r"\s*(?:for \(.*\) )?[\w\[\]().*:<>+ -]+ [-+*/]?= .+;")
OTHER = re.compile(r"\s*(if|else|const|static|auto|V|T|int|int64_t|double|bool|using)\b")
DECLARATION = 'extern "C" int forecast_fault;'
DEFINITION = f"""#include <cstdlib>
{DECLARATION}
int forecast_fault = std::getenv("FORECAST_FAULT") ? std::atoi(std::getenv("FORECAST_FAULT")) : 0;
"""
OPEN, SHUT = "([{", ")]}"


def whole(text):
    """Whether all brackets of a text are closed in it, and no comma stands outside of them."""
    depth, commas = 0, 0
    for sign in text:
        depth += (sign in OPEN) - (sign in SHUT)
        commas += sign == "," and depth == 0
        if depth < 0:
            return False, commas
    return depth == 0, commas


def with_switch(lines, fault, number):
    """A line that is right, or has the fault of that number; None where it cannot be written so."""
    code = lines[fault.line - 1].split("//")[0].rstrip()
    wrong = fault.after.split("//")[0].rstrip()
    before = next((line.split("//")[0].rstrip() for line in reversed(lines[: fault.line - 1]) if line.strip()), "")
    closed, _ = whole(code)
    if "{" in code:  # two lambdas have two types
        return None
    if not closed or not (before.endswith((";", "{", "}", ")", "else")) and "constexpr" not in code + before):
        return None
    declared, other = DECLARED.fullmatch(code), DECLARED.fullmatch(wrong)
    asked = f"forecast_fault == {number}"
    if declared and other and declared[1] == other[1]:
        same = all(whole(part[2]) == (True, 0) for part in (declared, other))
        return f"{declared[1]}{asked} ? ({other[2]}) : ({declared[2]});" if same else None
    if BARE.fullmatch(code) and not OTHER.match(code):
        return f"if ({asked}) {wrong.strip()} else {code.strip()}"
    return None


def plant(root, faults):
    """Write switches into a copy of the sources; the faults by their number.

    Parameters
    ----------
    root : Path
    faults : list of Fault
        At most one of each line.

    Returns
    -------
    dict of int to Fault
    """
    planted, texts = {}, {}
    for number, fault in enumerate(faults, 1):
        lines = texts.setdefault(fault.path, (root / fault.path).read_text(encoding="utf-8").splitlines())
        switched = with_switch(lines, fault, number)
        if switched is not None:
            lines[fault.line - 1], planted[number] = switched, fault
    for path, lines in texts.items():
        at = next((number for number, line in enumerate(lines, 1) if line == "#pragma once"), 0)
        lines.insert(at, DECLARATION)
        (root / path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    shell = root / "tests/reliability/one_set.cpp"
    shell.write_text(f"{shell.read_text()}\n{DEFINITION}")
    return planted
