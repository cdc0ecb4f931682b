"""A server on loopback that answers calls as a script says, and remembers them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, Any, dict[str, str]]  # status, body (bytes as they are, anything else as JSON), headers


@dataclass
class Script:
    """Replies by method and path without its version, the last one for good; what is not in it is a 404."""

    replies: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # method and path, headers
    url: str = ""

    def say(self, call: str, status: int, body: Any = None, **headers: str) -> None:
        """Add a reply."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.replies.setdefault(call, []).append((status, body, named))

    def reply(self, call: str) -> Reply:
        """Return the next reply to a call."""
        found = next((replies for known, replies in self.replies.items() if call.endswith(known)), None)
        if found is None:
            return 404, {"error": {"code": 404, "message": "no such thing", "status": "NOT_FOUND"}}, {}
        return found.pop(0) if len(found) > 1 else found[0]


@contextmanager
def serving(script: Script) -> Iterator[Script]:
    """Serve a script."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            call = f"{self.command} {self.path}"
            script.asked.append((call, {name.lower(): value for name, value in self.headers.items()}))
            status, body, headers = script.reply(call)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"content-length": "0" if status == 204 else str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if status != 204:
                self.wfile.write(data)

        do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
