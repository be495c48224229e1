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


def write(display, path):
    """A small PNG: 128 colours are enough for lines and tints, not for a heat map."""
    buffer = BytesIO()
    display.figure_.savefig(buffer, dpi=100)
    picture = Image.open(buffer).convert("RGB")
    if getattr(display, "mesh_", None) is None:
        picture = picture.quantize(128, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
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
            write(names["display"], PAGE.parent / picture)
            plt.close("all")


if __name__ == "__main__":
    main()
