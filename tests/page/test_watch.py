"""`archc watch`: the page follows the spec, and talks to this machine alone."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archc.live.workspace import Workspace
from archc.page.follow import Followed
from archc.page.server import Server
from tests.page.conftest import SPECS, Opened
from tests.page.test_browser import ROW

SPEC = """\
archc = 1
name = "net"
[network]
input = [3, 32, 32]
layers = [
  { name = "conv1", op = "conv2d", out_channels = 8, kernel_size = 3, padding = 1 },
  { name = "stage", repeat = 3, layers = [
    { skip = "add", layers = [
      { name = "conv", op = "conv2d", out_channels = 8, kernel_size = 3, padding = 1 },
      { name = "act", op = "relu" },
    ] },
  ] },
  { name = "last", op = "conv2d", out_channels = 4, kernel_size = 1 },
]
"""
WAIT = 30.0
"""Seconds, on a machine that runs other tests beside it."""


def _saved(path: Path, text: str) -> None:
    """Saves as most editors do: another file takes the place of the old one."""
    beside = path.with_suffix(".swp")
    beside.write_text(text, "utf-8")
    os.replace(beside, path)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A spec that is watched, and the address of its page."""
    pytest.importorskip("watchfiles")
    path = tmp_path / "net.toml"
    path.write_text(SPEC, "utf-8")
    command = [sys.executable, "-m", "archc", "watch", str(path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield path, process.stdout.readline().strip()
        process.terminate()


def test_the_page_follows_the_spec(
    watched: tuple[Path, str], opened: Callable[..., Opened]
) -> None:
    path, address = watched
    shown = opened(address)
    page = shown.page
    page.wait_for_selector("section[aria-label=Code]", timeout=WAIT * 1000)
    # what is open, chosen, filtered and zoomed stays
    page.get_by_role("button", name="Close all").click()
    page.locator(".box", has_text="×3").dispatch_event("click")
    page.get_by_role("searchbox").fill("conv")
    page.get_by_role("button", name="Zoom in").click()
    page.locator(ROW, has_text="last").click()
    place = page.locator(".drawing > g").get_attribute("transform")
    _saved(path, SPEC.replace("repeat = 3", "repeat = 5"))
    page.wait_for_selector(".title >> text=×5", timeout=WAIT * 1000)
    assert page.locator(".drawing > g").get_attribute("transform") == place
    assert page.get_by_role("searchbox").input_value() == "conv"
    page.wait_for_selector(f"{ROW}.chosen")
    assert "last" in page.locator(f"{ROW}.chosen").inner_text()
    assert shown.count(ROW) == 7
    page.wait_for_selector("section[aria-label=Code] >> text=range(5)")


def test_a_mistake_stands_over_the_last_good_picture(
    watched: tuple[Path, str], opened: Callable[..., Opened]
) -> None:
    path, address = watched
    shown = opened(address)
    page = shown.page
    page.wait_for_selector(".box")
    boxes = shown.count(".box")
    _saved(path, SPEC.replace("kernel_size = 1", "kernel_sise = 1"))
    page.wait_for_selector("#problems >> text=kernel_sise", timeout=WAIT * 1000)
    assert f"{path}:13:" in page.locator("#problems").inner_text()
    assert shown.count(".box") == boxes
    page.reload()
    page.wait_for_selector("#problems >> text=kernel_sise")
    page.wait_for_selector(".box")
    _saved(path, SPEC)
    page.wait_for_selector("#problems", state="hidden", timeout=WAIT * 1000)


def test_a_spec_may_start_with_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(SPEC.replace("padding", "pading"), "utf-8")
    followed = Followed(path, "net", Workspace())
    assert not followed.look()
    assert followed.page is None
    assert followed.problems[0].line == 6
    path.write_text(SPEC, "utf-8")
    assert followed.look()
    assert not followed.problems
    assert followed.page is not None
    assert followed.page.networks[0].code is None
    followed.finish()
    assert followed.page.networks[0].code is not None


def test_what_it_builds_on_is_watched_too() -> None:
    path = SPECS / "torchvision/resnet152.toml"
    followed = Followed(path, "net", Workspace())
    followed.look()
    names = {file.name for file in followed.files}
    assert {"resnet152.toml", "resnet50.toml"} <= names


def test_it_is_quick_enough(tmp_path: Path) -> None:
    """From a save to what the browser is told, in time of a processor; the browser
    takes some 50 ms more, and both together at most 150."""
    for name in ("resnet152.toml", "resnet50.toml"):
        shutil.copy(SPECS / "torchvision" / name, tmp_path)
    path = tmp_path / "resnet152.toml"
    text = path.read_text("utf-8").partition("[expect]")[0]
    followed = Followed(path, "net", Workspace())
    taken: list[float] = []
    with Server(0) as server:
        for n in (36, 35, 34, 36):
            _saved(path, text.replace("[3, 8, 36, 3]", f"[3, 8, {n}, 3]"))
            start = time.process_time()
            assert followed.look()
            server.show(followed.page, followed.problems)
            taken.append(time.process_time() - start)
    assert min(taken) < 0.1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "127.0.0.1:{port}"}, 200),
        ({"Host": "localhost:{port}"}, 200),
        ({"Host": "LOCALHOST:{port}"}, 200),
        ({"Host": "127.0.0.1:{port}", "Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Host": "127.0.0.1"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:{port}"}, 403),
        ({"Host": "127.0.0.1.evil.example:{port}"}, 403),
        ({}, 403),
        ({"Host": "127.0.0.1:{port}", "Origin": "http://evil.example"}, 403),
        ({"Host": "127.0.0.1:{port}", "Origin": "null"}, 403),
        ({"Host": "127.0.0.1:{port}", "Origin": "http://localhost:{port}"}, 403),
        ({"Host": "127.0.0.1:{port}", "Origin": "https://127.0.0.1:{port}"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/", "/events"])
def test_others_are_refused(
    path: str, headers: dict[str, str], status: int, running: Server
) -> None:
    port = running.server_port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("GET", path, skip_host=True)
    for name, value in headers.items():
        connection.putheader(name, value.format(port=port))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == status
    assert answer.getheader("X-Frame-Options") == "DENY"
    connection.close()


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    from threading import Thread

    with Server(0) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_it_listens_on_this_machine_alone(running: Server) -> None:
    assert running.server_address[0] == "127.0.0.1"
    with socket.socket() as own:
        own.settimeout(5)
        # another address of this machine itself
        assert own.connect_ex(("127.0.0.2", running.server_port)) != 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(method: str, running: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.server_port)
    connection.request(method, "/")
    assert connection.getresponse().status == 501
    connection.close()
