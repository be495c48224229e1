"""The gallery of plots shows what its code draws."""

import re
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot
from pictures import faults

from forecast import plotting

mpl.use("Agg")
ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "plots.md"
BLOCK = re.compile(r"^```python\n(.*?)^```|^!\[[^\]]*\]\((images/[^)]+)\)", re.DOTALL | re.MULTILINE)


def test_the_gallery_has_a_small_picture_of_every_display():
    page = PAGE.read_text(encoding="utf-8")
    named = (f"display = {name}." in page or f"is a `{name}`" in page for name in plotting.__all__)
    assert [name for name, found in zip(plotting.__all__, named, strict=True) if not found] == []
    shown = {path for _, path in BLOCK.findall(page) if path}
    assert shown == {f"images/plots/{path.name}" for path in (ROOT / "docs" / "images" / "plots").iterdir()}
    assert {path: size for path in shown if (size := (PAGE.parent / path).stat().st_size) > 60_000} == {}


@pytest.mark.slow
def test_the_gallerys_code_runs_and_its_pictures_are_without_faults():
    names, drawn = {}, set()
    for number, match in enumerate(BLOCK.finditer(PAGE.read_text(encoding="utf-8"))):
        code, path = match.groups()
        if code is not None:
            exec(compile(code, f"{PAGE.name}, block {number}", "exec"), names)
            continue
        assert faults(names["display"].figure_) == [], path
        drawn.add(type(names["display"]).__name__)
        pyplot.close("all")
    assert drawn == set(plotting.__all__)
