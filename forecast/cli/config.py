"""`forecast config`: how the core was built and what it uses here."""

from .options import add_command

__all__ = ["add", "run"]


def add(commands):
    """Add the command to the parser."""
    add_command(
        commands, "config", run, "print how the core was built and what it uses here", "forecast config [--json]"
    )


def run(arguments, terminal):
    """Print compiler, instruction sets, OpenMP and threads."""
    from .. import show_config

    if terminal.as_json:
        terminal.document(show_config(mode="dict"))
    else:
        show_config()
