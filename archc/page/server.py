"""The server of `archc watch`: the page, and what changes of it, on this machine alone.

It listens on 127.0.0.1. A browser on this machine may be made to ask by any page that
it shows; so what is asked for under another name (`Host`), or by another page
(`Origin`), is refused, and nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from threading import Lock
from time import time
from typing import Any

from archc.page.html import to_html, to_json
from archc.page.model import Page, Problem

ADDRESS = "127.0.0.1"
_ALIVE = 15.0
"""After how many seconds of silence a browser is asked whether it still listens."""


class Server(ThreadingHTTPServer):
    """Serves one page and tells the browsers that show it of its changes.

    Raises:
        OSError: if the port is taken; 0 is any that is free.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        super().__init__((ADDRESS, port), _Handler)
        self._lock = Lock()
        self._listening: list[SimpleQueue[str]] = []
        self._page: Page | None = None
        self._shown = "", ""
        """The page as JSON, and what is wrong with the spec."""
        # a later server on this port has later ones
        self.revision = int(time())

    @property
    def names(self) -> tuple[str, ...]:
        """What a browser on this machine may call it."""
        return tuple(f"{name}:{self.server_port}" for name in (ADDRESS, "localhost"))

    def show(self, page: Page | None, problems: Iterable[Problem]) -> None:
        """Tells all browsers what is to be shown from now on."""
        wrong = to_json([*problems])
        with self._lock:
            data, before = self._shown
            new = page is not None and page is not self._page
            if new:
                data, self._page = to_json(page), page
                self.revision += 1
            self._shown = data, wrong
            events = [_event("page", data, self.revision)] if new else []
            if new or wrong != before:
                events.append(_event("problems", wrong, self.revision))
            for listening in self._listening:
                for event in events:
                    listening.put(event)

    def listen(self, revision: int) -> SimpleQueue[str]:
        """What a browser that shows a revision is told from now on."""
        queue: SimpleQueue[str] = SimpleQueue()
        with self._lock:
            data, wrong = self._shown
            if data and revision != self.revision:
                queue.put(_event("page", data, self.revision))
            queue.put(_event("problems", wrong or "[]", self.revision))
            self._listening.append(queue)
        return queue

    def leave(self, queue: SimpleQueue[str]) -> None:
        with self._lock:
            self._listening.remove(queue)

    def html(self, empty: Page) -> str:
        """The page as it is now; `empty` as long as there is none."""
        with self._lock:
            page, revision = self._page, self.revision
        return to_html(page or empty, revision=revision)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle is no news."""


def _event(name: str, data: str, revision: int) -> str:
    return f"id: {revision}\nevent: {name}\ndata: {data}\n\n"


class _Handler(BaseHTTPRequestHandler):
    timeout = 60

    @property
    def _own(self) -> Server:
        assert isinstance(self.server, Server)
        return self.server

    def do_GET(self) -> None:
        if not self._is_ours():
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"only for this machine\n")
        elif self.path == "/":
            empty = Page("archc watch", "", (), (), live=True)
            text = self._own.html(empty).encode()
            self._answer(HTTPStatus.OK, "text/html; charset=utf-8", text)
        elif self.path.partition("?")[0] == "/events":
            self._events()
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"there is only /\n")

    def _is_ours(self) -> bool:
        """Whether the request is made under the server's own name, by its own page."""
        names = self._own.names
        origin = self.headers.get("Origin")
        hosts = self.headers.get_all("Host") or []
        own = len(hosts) == 1 and hosts[0].lower() in names
        return own and (origin is None or origin == f"http://{hosts[0].lower()}")

    def _answer(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self._head(status, kind, len(content))
        self.wfile.write(content)

    def _head(self, status: HTTPStatus, kind: str, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in (
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Referrer-Policy", "no-referrer"),
        ):
            self.send_header(name, value)
        self.end_headers()

    def _events(self) -> None:
        asked = self.headers.get("Last-Event-ID") or self.path.rpartition("=")[2]
        self._head(HTTPStatus.OK, "text/event-stream")
        queue = self._own.listen(
            int(asked) if asked.isascii() and asked.isdigit() else 0
        )
        try:
            while True:
                try:
                    event = queue.get(timeout=_ALIVE)
                except Empty:
                    event = ": still here\n\n"
                self.wfile.write(event.encode())
                self.wfile.flush()
        finally:
            self._own.leave(queue)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not told: the terminal is for what is wrong with the spec."""
