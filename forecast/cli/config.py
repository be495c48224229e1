"""`forecast config`: how the core was built and what it uses here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from .options import add_command

if TYPE_CHECKING:
    import argparse
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from .terminal import Terminal

__all__ = ["add", "run"]


def add(commands: argparse._SubParsersAction[ArgumentParser]) -> None:
    """Add the command to the parser."""
    add_command(
        commands, "config", run, "print how the core was built and what it uses here", "forecast config [--json]"
    )


def run(arguments: Namespace, terminal: Terminal) -> None:
    """Print compiler, instruction sets, OpenMP and threads."""
    from .. import show_config

    if terminal.as_json:
        terminal.document(cast("dict[str, Any]", show_config(mode="dict")))
    else:
        show_config()
