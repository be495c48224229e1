"""Model files that last: safetensors with a versioned description and a checksum; `docs/files.md` has the format.

`saved` is what users see; `container` is bytes, `disk` the way onto the disk, `card` the model card. What may be in
a file: `plain` values, `arrays`, what pandas knows of `times` and `tables`, and `objects` of classes that are
`registered` or scikit-learn's; `values` puts them together.
"""

from .card import as_json
from .disk import whole_file, write_whole
from .errors import ModelFileError
from .registered import stored
from .saved import Saved, load, read_card

__all__ = ["ModelFileError", "Saved", "as_json", "load", "read_card", "stored", "whole_file", "write_whole"]
