"""The picture of README.md: the forecast of its first example, with the interval.

    python docs/draw_readme.py

Writes docs/images/readme.png.
"""

import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from forecast.plotting import ForecastDisplay

FOLDER = Path(__file__).parent

if __name__ == "__main__":
    page, names = (FOLDER.parent / "README.md").read_text(encoding="utf-8"), {}
    exec(compile(re.search(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[1], "README.md", "exec"), names)
    display = ForecastDisplay.from_estimator(names["model"], coverage=0.9, unit="ppm")
    display.figure_.savefig(FOLDER / "images" / "readme.png", dpi=110, bbox_inches="tight")
