"""How long an editor waits: keystrokes in specs, from the text to its hints.

    python tests/benchmarks/keystrokes.py                   # milliseconds in ResNet-152
    python tests/benchmarks/keystrokes.py --edits 10000     # random edits of all specs

The first drives `archc lsp` over its pipe, as an editor does, and prints the median and
the longest time between a keystroke in ResNet-152 and the hints that follow from it.
The second types at random into the shipped specs, one keystroke at a time, and holds
the hints to those that a fresh workspace has for the same text: none is stale, nothing
is raised, none takes longer than a bound.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from archc.live.lsp.completion import complete
from archc.live.lsp.family import Family
from archc.live.lsp.hints import Hint, hints
from archc.live.lsp.hover import Memories, hover
from archc.live.lsp.structure import lenses, symbols
from archc.live.lsp.text import Text
from archc.live.workspace import Workspace

SPECS = Path(__file__).parents[2] / "specs"
TYPED = "abcdeflnoprstuvwx0123456789_ =\"{}[],.#\n'é\U0001f642"
LONGEST = 5.0
"""Seconds of a processor after which an edit counts as a hang."""


def typed(text: str, generator: random.Random) -> str:
    """The text after one keystroke: a character more, less, or in place of another."""
    at = generator.randrange(len(text) + 1)
    match generator.randrange(3):
        case 0:
            return text[:at] + generator.choice(TYPED) + text[at:]
        case 1:
            return text[:at] + text[at + 1 :]
        case _:
            return text[:at] + generator.choice(TYPED) + text[at + 1 :]


def fresh(path: Path, text: str) -> tuple[Hint, ...]:
    """The hints of a workspace that has seen no other text."""
    workspace = Workspace()
    workspace.open(path, text)
    return hints(workspace, path)


def random_edits(count: int, seed: int, *, compared: int = 1) -> float:
    """Types into shipped specs, and holds each text's hints to those of a fresh
    workspace, at each `compared`-th edit; the longest time of one, in seconds."""
    generator = random.Random(seed)
    paths = sorted(SPECS.rglob("*.toml"))
    workspace = Workspace()
    family, memories = Family(workspace), Memories()
    longest, done = 0.0, 0
    while done < count:
        path = generator.choice(paths)
        text = path.read_text("utf-8")
        for _ in range(min(generator.randrange(1, 12), count - done)):
            text = typed(text, generator)
            done += 1
            began = time.process_time()
            workspace.open(path, text)
            found = hints(workspace, path)
            _ask(workspace, family, memories, path, generator)
            took = time.process_time() - began
            longest = max(longest, took)
            assert took < LONGEST, f"seed {seed}, {path}: {took:.1f} s"
            if done % compared == 0:
                same = found == fresh(path, text)
                assert same, f"seed {seed}, edit {done}, {path}: stale hints"
            places = Text(text)
            for hint in found:
                assert places.offset(places.position(hint.offset)) == hint.offset
        workspace.close(path)
    return longest


def _ask(
    workspace: Workspace,
    family: Family,
    memories: Memories,
    path: Path,
    generator: random.Random,
) -> None:
    """What an editor asks beside the hints, at a random place."""
    file = family.file(path)
    assert file is not None
    offset = generator.randrange(len(file.text) + 1)
    complete(family, file, offset)
    symbols(file)
    mention = family.mention(file, offset)
    if mention is not None:
        family.definitions(file, mention.symbol)
    if generator.random() < 0.05:
        state = workspace.look(path)
        hover(family, file, state, memories, offset)
        if mention is not None:
            family.everywhere(file, mention.symbol)
        lenses(family, file, state)


async def latency(times: int) -> list[float]:
    """Milliseconds from a keystroke in ResNet-152, in one file, to its hints."""
    from lsprotocol import types
    from pygls.lsp.client import LanguageClient

    from archc.spec.standalone import standalone

    analysis = Workspace().look(SPECS / "torchvision" / "resnet152.toml").analysis
    assert analysis is not None
    path = Path(tempfile.mkdtemp()) / "resnet152.toml"
    text = standalone(analysis.network.spec, "resnet152")
    path.write_text(text, "utf-8")
    client = LanguageClient("benchmark", "1")
    await client.start_io(  # pyright: ignore[reportUnknownMemberType]
        sys.executable, "-m", "archc", "lsp"
    )
    capabilities = types.ClientCapabilities()
    await client.initialize_async(types.InitializeParams(capabilities))
    client.initialized(types.InitializedParams())
    item = types.TextDocumentItem(path.as_uri(), "toml", 1, text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    whole = types.Range(types.Position(0, 0), types.Position(9999, 0))
    asked = types.InlayHintParams(types.TextDocumentIdentifier(path.as_uri()), whole)
    await client.text_document_inlay_hint_async(asked)
    took: list[float] = []
    for number in range(times):
        # a width grows and shrinks by a digit, as it does while it is typed
        width = "64" if number % 2 else "6"
        new = text.replace("out_channels = 64", f"out_channels = {width}", 1)
        began = time.perf_counter()
        version = types.VersionedTextDocumentIdentifier(number + 2, path.as_uri())
        change = types.TextDocumentContentChangeWholeDocument(new)
        client.text_document_did_change(
            types.DidChangeTextDocumentParams(version, [change])
        )
        found = await client.text_document_inlay_hint_async(asked)
        took.append(1000 * (time.perf_counter() - began))
        first = next(str(hint.label) for hint in found or ())
        assert first == f"{width} x 112 x 112", first
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=0)
    parser.add_argument("--compared", type=int, default=1)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    if arguments.edits:
        print(f"seed {arguments.seed}")
        began = time.perf_counter()
        longest = random_edits(
            arguments.edits, arguments.seed, compared=arguments.compared
        )
        print(
            f"{arguments.edits:,} edits in {time.perf_counter() - began:.0f} s: no"
            f" crash, no stale hint; the longest took {1000 * longest:.0f} ms"
        )
        return
    took = asyncio.run(latency(arguments.times))
    nearly_all = sorted(took)[int(0.95 * len(took))]
    print(
        f"ResNet-152, {len(took)} keystrokes: median {statistics.median(took):.1f} ms,"
        f" 95 % {nearly_all:.1f} ms, longest {max(took):.1f} ms"
    )


if __name__ == "__main__":
    main()
