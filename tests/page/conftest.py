"""Pages, and a browser to drive them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from archc import catalog
from archc.compare.model import Side
from archc.diagnostics.model import Sink
from archc.page.html import to_html
from archc.page.page import page_of
from archc.pipeline import analyse
from archc.spec.load import Loader

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# a browser that is root's needs the first, and none of them looks for updates
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def side(path: Path, label: str | None = None) -> Side:
    """The network of a spec, as commands that compare take it."""
    sink = Sink()
    analysis = analyse(path, Loader(sink), sink)
    assert analysis is not None, list(sink)
    return Side(analysis.network, analysis.facts, label or path.stem)


def shipped(name: str) -> Side:
    """A network that comes with archc."""
    entry = catalog.locate(Path(name))
    assert entry is not None
    return side(entry.path, name)


@dataclass
class Opened:
    """A page in the browser, and what it complained about."""

    page: Any
    told: Any
    """Where the browser tells of its work."""
    errors: list[str] = field(default_factory=list[str])

    def settled(self) -> None:
        """Waits until what was asked for is drawn."""
        self.page.wait_for_timeout(300)

    def work(self) -> float:
        """Seconds of a processor that the page's own thread has taken."""
        found = self.told.send("Performance.getMetrics")["metrics"]
        return next(m["value"] for m in found if m["name"] == "TaskDuration")

    def count(self, selector: str) -> int:
        return self.page.locator(selector).count()


# not longer: while playwright runs, no other event loop can in this process
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium here to show pages in")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        yield started
        started.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Opened]]:
    """Opens an address; the page must not have complained by the end of the test."""
    shown: list[Opened] = []

    def show(address: str, **options: Any) -> Opened:
        options.setdefault("viewport", {"width": 1440, "height": 1000})
        page = browser.new_page(**options)
        told = page.context.new_cdp_session(page)
        told.send("Performance.enable", {"timeDomain": "threadTicks"})
        found = Opened(page, told)
        shown.append(found)
        page.on("pageerror", lambda error: found.errors.append(str(error)))
        page.on(
            "console",
            lambda said: found.errors.append(said.text) if said.type == "error" else 0,
        )
        page.on("request", lambda asked: _only_here(found, address, asked.url))
        page.goto(address)
        page.wait_for_selector("html[data-ready]", timeout=20_000)
        return found

    yield show
    for found in shown:
        found.page.close()
        assert not found.errors


def _only_here(found: Opened, address: str, asked: str) -> None:
    """Notes what a page asks of anything but the address it came from."""
    if not asked.startswith((address, "blob:", "data:")):
        found.errors.append(f"it asks for {asked}")


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """The address of a page of networks, written once."""
    known: dict[tuple[str, ...], str] = {}

    def write(*names: str) -> str:
        if names not in known:
            path = tmp_path_factory.mktemp("pages") / "page.html"
            path.write_text(to_html(page_of([*map(shipped, names)])), "utf-8")
            known[names] = path.as_uri()
        return known[names]

    return write
