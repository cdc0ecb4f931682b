"""One emulator over one folder: open the state, run the batches, serve the port."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from . import upstream_options
from .app import build
from .clock import Clock
from .drop import OpenProtocol
from .runner import Runner
from .simulated import Simulated
from .site import Site
from .state import Settings, State, open_state


@dataclass(slots=True)
class Emulator:
    """The parts of a running emulator."""

    site: Site
    server: uvicorn.Server
    port: socket.socket
    url: str

    def run(self) -> None:
        """Serve until told to stop, then close everything."""
        try:
            self.site.runner.start()
            self.server.run(sockets=[self.port])
        finally:
            self.site.runner.stop()
            self.site.state.close()
            self.port.close()


def _site(state: State, key: str | None) -> Site:
    if state.settings.upstream is None:
        return Site(state, Runner(state, Simulated(state)))
    from .upstream_work import UpstreamWork

    work = UpstreamWork(state, key)
    return Site(state, Runner(state, work), work)


class _Server(uvicorn.Server):
    """A server that tells when it accepts."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()


def prepare(
    root: Path,
    settings: Settings,
    *,
    port: int = 0,
    ready: Callable[[str], None] = lambda _url: None,
    clock: Clock | None = None,
) -> Emulator:
    """Open the folder and the port; OSError or BusyError when one of them cannot be had, UpstreamError for settings."""
    listener = _listen(port)
    try:
        key = upstream_options.check(settings, os.environ, listener.getsockname()[1])
        state = open_state(root, settings, real_now=time.time(), clock=clock)
        try:
            upstream_options.check_batches(state)
        except BaseException:
            state.close()
            raise
    except BaseException:
        listener.close()
        raise
    site = _site(state, key)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    config = uvicorn.Config(
        build(site),
        http=OpenProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
    )
    return Emulator(site, _Server(config, lambda: ready(url)), listener, url)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener
