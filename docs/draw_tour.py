"""The picture of docs/tour.md, drawn by the page's own code.

    python docs/draw_tour.py

Writes docs/images/tour.png.
"""

import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

FOLDER = Path(__file__).parent

if __name__ == "__main__":
    page, names = (FOLDER / "tour.md").read_text(encoding="utf-8"), {}
    for block in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        exec(compile(block, "tour.md", "exec"), names)
        if "display" in names:
            break
    names["display"].figure_.savefig(FOLDER / "images" / "tour.png", dpi=120, bbox_inches="tight")
