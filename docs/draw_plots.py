"""The pictures of docs/plots.md, drawn by the page's own code.

    python docs/draw_plots.py

Runs the Python blocks of the page one after the other; where a picture follows a block, the block's `display` is
written to it.
"""

import re
from io import BytesIO
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from PIL import Image

PAGE = Path(__file__).parent / "plots.md"
MOST_BYTES = 60_000
BLOCK = re.compile(r"^```python\n(.*?)^```|^!\[[^\]]*\]\((images/[^)]+)\)", re.DOTALL | re.MULTILINE)


def write(figure, path):
    """A PNG without transparency, packed as tightly as it goes."""
    buffer = BytesIO()
    figure.savefig(buffer, dpi=100)
    Image.open(buffer).convert("RGB").save(path, optimize=True)
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{path.name} has {size} bytes; expected at most {MOST_BYTES}.")
    print(f"{path.name}: {size / 1000:.0f} kB")


def main():
    names = {}
    for number, match in enumerate(BLOCK.finditer(PAGE.read_text(encoding="utf-8"))):
        code, picture = match.groups()
        if code is not None:
            exec(compile(code, f"{PAGE.name}, block {number}", "exec"), names)
        else:
            write(names["display"].figure_, PAGE.parent / picture)
            plt.close("all")


if __name__ == "__main__":
    main()
