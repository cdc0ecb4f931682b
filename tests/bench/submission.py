"""What it takes to submit a large batch: megabytes above what a lane's imports and its first calls take.

python -m tests.bench.submission [MB]     200 unless said; a lane with a lower limit gets a batch as large as that
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import orjson

from harness.configure.compose import composed
from harness.emulator import Settings, serve_in_thread
from harness.providers.protocol import load
from harness.types import Message, Request, Sample
from tests.bench.memory import peak_mb

MODELS = {  # provider → a model that it serves
    "anthropic": "claude-haiku-4-5",
    "gemini": "gemini-2.5-flash",
    "groq": "gpt-oss-20b",
    "kluster": "gemma-3-27b-it",
    "openai": "gpt-4o-mini",
    "vertex": "gemini-2.5-flash",
}
TEXT = "x" * 20_000  # characters of a prompt
KEY = "kaaaaaaaaaaaa-0001"
FEW = 3  # requests of the batch that brings in what the SDK imports late


def overrides(provider: str, url: str) -> list[str]:
    """Return a run's overrides for an emulator that stands at `url`."""
    model = [f"model={MODELS[provider]}", f"provider={provider}", "model.allow_retired=true"]
    here = [*model, "endpoint=live", "provider.api_key_env=null"]
    cloud = [f"provider.storage_url={url}", "provider.project=p", "provider.bucket=simulated"]
    path = composed([f"model={MODELS[provider]}", f"provider={provider}"]).jobs[0].settings.provider.emulator_path
    return [*here, f"provider.base_url={url}{path.rstrip('/')}", *(cloud if provider == "vertex" else ())]


def submit(words: list[str], path: Path, size: int) -> float:
    """Write a batch of so many bytes, submit it, and return by how many megabytes the peak rose above a small one's."""
    settings = composed(words).jobs[0].settings
    module = load(settings.provider.protocol)
    client = module.connect(settings.provider, "none")
    levels = []
    for number, bytes_wanted in enumerate((0, min(size, settings.provider.limits.batch_bytes))):
        file = _requests(words, path / f"{number}.jsonl", bytes_wanted)
        named = module.upload(client, file, f"{KEY}{number}.jsonl")
        module.create(client, named if module.UPLOADS else str(file), f"{KEY}{number}", settings)
        levels.append(peak_mb())
    return levels[1] - levels[0]


def _requests(words: list[str], path: Path, size: int) -> Path:
    """Write the requests of a batch line by line."""
    from harness.prepare import capabilities

    settings = composed(words).jobs[0].settings
    module, fixed = load(settings.provider.protocol), capabilities.apply(settings, None)
    encode, sample = module.encoder(fixed), Sample("s", 0, {}, None, {})
    with path.open("wb") as out:
        row = 0
        while row < FEW or out.tell() < size - len(TEXT) * 2:
            body = encode(Request(row, 0, sample, (Message("user", TEXT),)))
            out.write(module.line(f"kaaaaaaaaaaaa-{row}-1", body, fixed))
            row += 1
    return path


def measured(provider: str, url: str, folder: Path, size: int) -> dict[str, float]:
    """Submit in a process of its own."""
    folder.mkdir()
    words = [str(folder), str(size), *overrides(provider, url)]
    child = subprocess.run([sys.executable, "-m", __spec__.name, "--child", *words], stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = orjson.loads(child.stdout)
    return found


def main(megabytes: int) -> None:
    """Print a line per provider."""
    print(f"{'provider':<12} {'MB sent':>8} {'MB above':>9}")
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_in_thread(Path(folder) / "emulator", Settings(speed=0)) as emulator,
    ):
        for provider in MODELS:
            url = emulator.url.removesuffix("/v1")
            found = measured(provider, url, Path(folder) / provider, megabytes * 1_000_000)
            print(f"{provider:<12} {found['sent']:>8.0f} {found['above']:>9.1f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        place, wanted = Path(sys.argv[2]), int(sys.argv[3])
        above = submit(sys.argv[4:], place, wanted)
        sent = (place / "1.jsonl").stat().st_size / 1e6
        print(orjson.dumps({"above": above, "sent": sent}).decode())
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 200)
