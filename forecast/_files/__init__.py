"""Model files that last: safetensors with a versioned description and a checksum; `docs/files.md` has the format.

`saved` is what users see; `container` is bytes, `disk` the way onto the disk, `card` the model card. What may be in
a file: `plain` values, `arrays`, what pandas knows of `times` and `tables`, and `objects` of classes that are
`registered` or scikit-learn's; `values` puts them together.
"""

from .card import as_json
from .container import FORMAT, VERSION, pack, unpacked
from .disk import whole_file, write_whole
from .errors import ModelFileError
from .registered import stored
from .saved import Saved, from_bytes, load, read_card

__all__ = [
    "FORMAT", "VERSION", "ModelFileError", "Saved", "as_json", "from_bytes", "load", "pack", "read_card", "stored",
    "unpacked", "whole_file", "write_whole",
]  # fmt: skip
