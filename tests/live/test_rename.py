"""Renaming in shipped specs: the networks stay what they are."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from archc.live.lsp.family import Family, File
from archc.live.lsp.rename import Refused, renamable, rename
from archc.live.lsp.symbols import Mention
from archc.live.workspace import Workspace

SPECS = Path(__file__).parents[2] / "specs"
_LOOKED_AT = 4
"""In how many of the files that a renaming changes the network is compared."""


def _renamed(family: Family, file: File, mention: Mention, name: str) -> Workspace:
    """A workspace in which something has another name."""
    texts: dict[Path, str] = {}
    found = rename(family, file, mention, name)
    for other, m, text in sorted(found, key=lambda one: -one[1].start):
        known = texts.get(other.path, other.text)
        texts[other.path] = known[: m.start] + text + known[m.end :]
    workspace = Workspace()
    for path, text in texts.items():
        workspace.open(path, text)
    return workspace


def _numbers(workspace: Workspace, path: Path) -> Any:
    state = workspace.look(path)
    codes = sorted(d.code for d in state.diagnostics)
    if state.analysis is None:
        return codes
    network, facts = state.analysis.network, state.analysis.facts
    return codes, facts.params, facts.macs, str(network.body.output.shape)


def test_a_network_is_the_same_under_another_name() -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    generator = random.Random(seed)
    paths = sorted(SPECS.glob("*.toml"))
    base = Workspace()
    family = Family(base)
    done = 0
    while done < 8:
        file = family.file(generator.choice(paths))
        assert file is not None
        mentions = family.mentions(file)
        mention = generator.choice(mentions) if mentions else None
        mention = mention and renamable(family, file, mention.start)
        if mention is None:
            continue
        done += 1
        workspace = _renamed(family, file, mention, "renamed")
        for path in [file.path, *workspace.opened()][:_LOOKED_AT]:
            assert _numbers(workspace, path) == _numbers(base, path), (path, mention)


def test_a_name_that_is_taken_or_cannot_be_is_refused() -> None:
    family = Family(Workspace())
    file = family.file(SPECS / "googlenet.toml")
    assert file is not None
    mention = renamable(family, file, file.text.index("basic_conv"))
    assert mention is not None and mention.symbol.kind == "block"
    for name in ("inception", "a b", "class", "a.b", ""):
        with pytest.raises(Refused):
            rename(family, file, mention, name)
