"""A small model server for tests: it counts what it is asked, and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, str], bytes]


def failure(status: int, **headers: str) -> Reply:
    body = {"error": {"message": f"planned {status}", "type": "t", "param": None, "code": "planned"}}
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode()


class ModelServer:
    """Serves chat completions on loopback; what it is asked is known by the text of the last message."""

    def __init__(self, port: int = 0) -> None:
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.order: list[str] = []  # in which answers went out
        self.requests: list[tuple[str, dict[str, str], bytes]] = []  # path, headers, body
        self.times: list[float] = []  # when it was asked
        self.flying = self.peak = 0
        self.plan: dict[str, list[Reply]] = {}  # replies by text, before the ordinary one
        self.default: list[Reply] = []  # replies to whoever comes, before the ordinary one
        self.delay: Callable[[str], float] = lambda _text: 0.0  # seconds
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def arrived(self, path: str, headers: dict[str, str], raw: bytes) -> tuple[str, Reply]:
        body = json.loads(raw)
        text = str(body["messages"][-1]["content"] if "messages" in body else body.get("input", ""))
        with self._lock:
            self.asked[text] += 1
            self.times.append(time.monotonic())
            self.requests.append((path, headers, raw))
            self.flying += 1
            self.peak = max(self.peak, self.flying)
            planned = self.plan.get(text) or self.default
            reply = planned.pop(0) if planned else (200, {}, completion(text, body))
        time.sleep(self.delay(text))
        with self._lock:
            self.flying -= 1
            self.answered[text] += 1
            self.order.append(text)
        return text, reply


def completion(text: str, body: dict[str, Any]) -> bytes:
    """Answer as no library would write it: over many lines, with a number that does not survive being parsed."""
    content = json.dumps(f"echo\t{text}")
    return (
        f'{{\n\t"id": "x", "model": "{body.get("model")}", "temperature": 1.10,\r\n "choices": [{{"index": 0, '
        f'"finish_reason": "stop", "message": {{"role": "assistant", "content": {content}}}}}],\n'
        '"usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, '
        '"prompt_tokens_details": null, "completion_tokens_details": {"reasoning_tokens": 1}}}\n'
    ).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that left."""


def _handler(server: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            _, reply = server.arrived(self.path, headers, raw)
            self._send(reply)

        def do_GET(self) -> None:
            models = {"object": "list", "data": [{"id": "tiny:1b", "object": "model", "created": 1, "owned_by": "me"}]}
            if self.path == "/v1/models":
                self._send((200, {}, json.dumps(models).encode()))
            elif self.path == "/v1/models/org/tiny%3A1b":
                self._send((200, {}, json.dumps(models["data"][0]).encode()))
            else:
                self._send(failure(404))

        def _send(self, reply: Reply) -> None:
            status, headers, content = reply
            if not status:  # hang up
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in ({"content-length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
