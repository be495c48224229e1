"""`docs/command-line.md` is what the command does: its blocks are run in order, and print what the page shows.

Numbers may differ from one processor to another, and with them their number of digits; everything else is the same.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.cli import main
from forecast.cli.command import _parser

PAGE = (Path(__file__).parent.parent / "docs" / "command-line.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def commands(block):
    """Pairs of a command and what it prints."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [tuple(part.partition("\n")[::2]) for part in parts]


def words(text):
    """The text with every number as #, every run of blanks as one, and folders left out."""
    text = re.sub(r"\S*/(?=[\w-]+\.\w+\b)", "", text)
    text = re.sub(r"(?<![\w])[-+]?\d[\d.,:]*(e[-+]?\d+)?%?", "#", text)
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]


@pytest.fixture
def answer(tmp_path, monkeypatch, capsys):
    """What a line of the page prints, stderr before stdout: a process where it has a pipe, else without one."""
    (tmp_path / "bin").mkdir()
    shim = tmp_path / "bin" / "forecast"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m forecast "$@"\n')
    shim.chmod(0o755)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

    def run(line):
        command, _, file = line.partition(" > ")
        if "|" in command or not command.startswith("forecast "):
            done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
            return done.stderr + done.stdout
        main(shlex.split(command)[1:])
        out, err = capsys.readouterr()
        if file:
            Path(file).write_text(out)
            out = ""
        return err + out

    return run


def test_the_page_prints_what_the_command_prints(answer):
    exec(compile("\n".join(blocks("python")), "command-line.md", "exec"), {})
    lines = [line for block in blocks("console") for line in commands(block)]
    assert len(lines) > 10
    for command, printed in lines:
        assert words(answer(command)) == words(printed), command


def test_every_command_has_a_section_and_every_option_named_there_exists():
    parts = _parser()._subparsers._group_actions[0].choices
    titles = " ".join(re.findall(r"^## (.*)$", PAGE, re.MULTILINE))
    assert all(name in titles for name in parts)
    known = {option for part in parts.values() for action in part._actions for option in action.option_strings}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE))
    assert named - known == {"--help"} - known
