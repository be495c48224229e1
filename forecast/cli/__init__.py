"""The `forecast` command. Each command is a file; pandas is imported when a command runs, not for --help."""

from .command import main

__all__ = ["main"]
