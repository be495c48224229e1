"""The one error of model files."""

__all__ = ["NEWER", "ModelFileError"]

NEWER = "Load it with the version of forecast that saved it, or with a newer one."  # for what only such a version knows


class ModelFileError(ValueError):
    """A model cannot be saved, or a file holds no model that can be trusted to be the one that was saved.

    Examples
    --------
    >>> import forecast, os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "notes.forecast")
    ...     with open(path, "w") as file:
    ...         _ = file.write("a text of some length, which is not a model of anything")
    ...     try:
    ...         forecast.load(path)
    ...     except forecast.ModelFileError as error:
    ...         print(str(error).partition(": ")[2])
    not a forecast model file: its first bytes are not those of a safetensors file.
    """
