"""The command line of the emulator: a server of its own, or the child of a run."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .server import Emulator
    from .state import Settings

_EXAMPLE = """
example:
  python -m harness emulator --port 8000 --state ./emulator-state --speed 100
  OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=any python your_batch_script.py
  ANTHROPIC_BASE_URL=http://127.0.0.1:8000 ANTHROPIC_API_KEY=any python your_message_batch_script.py
  GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8000 GEMINI_API_KEY=any python your_gemini_batch_script.py

Groq and kluster.ai, each with its own windows, words and models, below paths of their own:
  groq.Groq(base_url="http://127.0.0.1:8000", api_key="any")
  openai.OpenAI(base_url="http://127.0.0.1:8000/kluster/v1", api_key="any")

Vertex AI and Cloud Storage, both at the bare origin; a bucket exists when its name begins with `simulated`, or once it
is created by a call:
  google.genai.Client(vertexai=True, project="p", location="us-central1",
                      credentials=google.oauth2.credentials.Credentials(token="any"),
                      http_options={"base_url": "http://127.0.0.1:8000"})
  google.cloud.storage.Client(project="p", credentials=google.auth.credentials.AnonymousCredentials(),
                              client_options={"api_endpoint": "http://127.0.0.1:8000"})

a batch API for models of your own (Ollama, vLLM, llama.cpp, any OpenAI-compatible server):
  python -m harness emulator --upstream http://127.0.0.1:11434/v1 --concurrency 8 --state ./batches

control, while it runs:
  GET  /_emulator/audit      what was executed, and what twice
  GET  /_emulator/faults     the plan of faults; PUT replaces it
  POST /_emulator/advance    {"seconds": 3600} moves the simulated clock
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m harness emulator",
        description="Serve the batch APIs of OpenAI, Anthropic, Google, Groq and kluster.ai on loopback: no key.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=8000, help="port on 127.0.0.1; 0 takes a free one (default 8000)")
    add("--state", type=Path, metavar="DIR", help="folder of everything that is kept (default: a temporary one)")
    add("--speed", type=float, default=1.0, metavar="X", help="simulated seconds per real second (default 1)")
    add("--now", type=float, metavar="EPOCH", help="where the simulated clock starts (default: now)")
    add("--looks", type=int, metavar="N", help="a batch completes at its Nth look, whatever the time")
    add("--seed", type=int, metavar="N", help="of answers, lives and order (default 0)")
    add("--answers", choices=("schema", "key"), help="made from the schema (default), or looked up in books")
    add("--books", type=Path, metavar="DIR", help="folder of answer books (*.jsonl), for --answers key")
    add("--rates", metavar="R", help="e.g. right=0.8,wrong=0.2: shares of right, wrong, invalid, refused, truncated")
    add(
        "--extra-model",
        action="append",
        default=[],
        metavar="NAME",
        help="serve this model too; one that is not known here has no rules",
    )
    add("--upstream", metavar="URL", help="have this OpenAI-compatible server execute lines and direct calls")
    add(
        "--concurrency", type=int, metavar="N", help="requests in flight upstream at most, over all batches (default 8)"
    )
    add("--upstream-key-env", metavar="NAME", help="environment variable that holds the key for upstream")
    add("--upstream-attempts", type=int, metavar="N", help="calls of one line before its failure stands (default 6)")
    add("--enqueued-tokens", type=int, metavar="N", help="limit for the unfinished batches of one model")
    add("--api-key", metavar="K", help="refuse any other key, but not who brings none to Cloud Storage")
    add("--faults", type=Path, metavar="FILE", help="plan of faults, YAML or JSON")
    add("--list-faults", action="store_true", help="list the faults and end")
    add("--audit", action="store_true", help="print what was executed under --state as JSON and end")
    add("--child", action="store_true", help="say url and pid as one JSON line; end when standard input closes")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.list_faults:
        return _list_faults()
    if options.audit:
        return _audit(options)
    try:
        settings = _settings(options)
        emulator = _prepare(options, settings)
    except _RefusedError as refused:
        sys.stderr.write(f"emulator: {refused}\n")
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn stops on these and then raises them again
        signal.signal(number, lambda _number, _frame: None)
    if options.child:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    emulator.run()
    return 0


class _RefusedError(Exception):
    """A mistake of the user, in one line."""


def _list_faults() -> int:
    from .faults import KINDS

    width = 2 + max(len(", ".join(kind.surfaces)) for kind in KINDS.values())
    for name, kind in KINDS.items():
        sys.stdout.write(f"{name:26}{kind.strikes:7}{', '.join(kind.surfaces):{width}}{kind.text}\n")
    return 0


def _audit(options: argparse.Namespace) -> int:
    from .auditing import audit

    if options.state is None or not options.state.is_dir():
        sys.stderr.write("emulator: --audit needs the folder of an emulator in --state\n")
        return 2
    sys.stdout.write(json.dumps(audit(options.state), indent=1) + "\n")
    return 0


def _settings(options: argparse.Namespace) -> Settings:
    from .state import Settings

    if options.answers == "key" and options.books is None:
        raise _RefusedError("--answers key needs --books DIR")
    if not 0 <= options.port <= 65_535:
        raise _RefusedError(f"--port {options.port}: a port is 0 to 65535")
    if options.speed < 0 or (options.looks is not None and options.looks < 1):
        raise _RefusedError("--speed is at least 0 and --looks at least 1")
    return Settings(
        seed=options.seed or 0,
        speed=options.speed,
        now=options.now,
        answers=options.answers or "schema",
        books=options.books,
        faults=_plan(options.faults) if options.faults else None,
        looks=options.looks,
        api_key=options.api_key,
        extra_models=tuple(options.extra_model),
        rates=_rates(options.rates) if options.rates else None,
        enqueued_tokens=options.enqueued_tokens,
        **_upstream(options),
    )


def _upstream(options: argparse.Namespace) -> dict[str, Any]:
    """Read what is about a server upstream; what is not said is left to the defaults of the settings."""
    from .upstream_options import clash

    said = {
        "concurrency": options.concurrency,
        "upstream_key_env": options.upstream_key_env,
        "upstream_attempts": options.upstream_attempts,
    }
    said = {name: value for name, value in said.items() if value is not None}
    if options.upstream is None and said:
        raise _RefusedError(f"--{next(iter(said)).replace('_', '-')} needs --upstream URL")
    if options.upstream is not None and options.answers is not None:
        raise _RefusedError(clash("--answers"))
    return {"upstream": options.upstream, **said}


def _plan(path: Path) -> list[Any]:
    from .faults import PlanError, check
    from .models import read_yaml

    try:
        return list(check(read_yaml(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, PlanError) as error:
        raise _RefusedError(f"--faults {path}: {error}") from None


def _rates(text: str) -> dict[str, float]:
    from .models import OUTCOMES

    try:
        rates = {name: float(value) for name, _, value in (part.partition("=") for part in text.split(","))}
    except ValueError:
        raise _RefusedError(f"--rates {text}: expected e.g. right=0.8,wrong=0.2") from None
    if unknown := rates.keys() - set(OUTCOMES):
        raise _RefusedError(f"--rates: unknown outcome {sorted(unknown)[0]!r}; known are {', '.join(OUTCOMES)}")
    if min(rates.values()) < 0 or sum(rates.values()) <= 0:
        raise _RefusedError("--rates: shares are at least 0 and not all 0")
    return rates


def _prepare(options: argparse.Namespace, settings: Settings) -> Emulator:
    from .server import prepare
    from .state import BusyError
    from .upstream_options import UpstreamError

    root = options.state or Path(tempfile.mkdtemp(prefix="emulator-"))
    try:
        return prepare(root, settings, port=options.port, ready=lambda url: _announce(url, root, options))
    except (BusyError, UpstreamError) as error:
        raise _RefusedError(str(error)) from None
    except OSError as error:
        where = f"port {options.port}" if error.filename is None else f"--state {root}"
        raise _RefusedError(f"{where}: {error.strerror or error}") from None


def _announce(url: str, root: Path, options: argparse.Namespace) -> None:
    """Say where the server is, now that it accepts."""
    kind = f"simulated time runs at speed {options.speed:g}"
    if options.upstream:
        kind = f"lines are executed by {options.upstream}"
    root_url = url.removesuffix("/v1")  # the clients of the others add the version themselves
    clients = (
        f'anthropic.Anthropic(base_url="{root_url}", api_key="any")',
        f'genai.Client(vertexai=False, api_key="any", http_options={{"base_url": "{root_url}"}})',
    )
    kept = root if options.state else f"{root} (temporary; --state DIR keeps it in a place of yours)"
    lines = (
        f"The emulator on {url}, {kind}; Ctrl-C ends it",
        f"Any client:       export OPENAI_BASE_URL={url} OPENAI_API_KEY=any",
        f'Python client:    openai.OpenAI(base_url="{url}", api_key="any")',
        *([] if options.upstream else [f"                  {client}" for client in clients]),
        f"State and audit:  {kept}",
    )
    told = json.dumps({"url": url, "pid": os.getpid()}) if options.child else "\n".join(lines)
    sys.stdout.write(told + "\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    """Wait for the end of standard input, then end at once: the state survives any end."""
    while os.read(0, 4096):
        pass
    os._exit(0)
