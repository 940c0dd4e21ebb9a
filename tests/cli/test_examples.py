"""The examples below each command's help are words that the command takes."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from archc.cli import main

COMMANDS = main.list_commands(click.Context(main))


def examples(name: str) -> list[list[str]]:
    command = main.get_command(click.Context(main), name)
    assert command is not None and command.epilog is not None
    shown = re.findall(r"^ *archc .*(?:\n {3,}.*)*", command.epilog, re.MULTILINE)
    found: list[list[str]] = []
    for text in shown:
        words = shlex.split(text.replace("\\\n", " "), comments=True)
        # what a shell does with the output is none of the command's
        ends = [words.index(sign) for sign in (">", "|") if sign in words]
        found.append(words[: min(ends, default=None)])
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_examples(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    found = examples(name)
    assert found, f"archc {name} shows no example"
    for words in found:
        if words[1] == name:
            # options, their types and how many arguments there are
            command.make_context(name, words[2:], parent=click.Context(main))
