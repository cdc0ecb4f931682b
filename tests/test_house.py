"""The house: who may import whom, and what the pure files must not touch. Read with ast, nothing is imported."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "harness"
TOP = {"types", "errors", "settings", "pricing"}
STAGES = ("configure", "prepare", "run", "collect", "report")
# They join the stages; planning and conclude are the first and the last third of the driver, rescore is conclude again,
# doctor is a driver without a run.
JOINTS = {f"run/{name}.py" for name in ("planning", "driver", "conclude", "rescore", "doctor")} | {
    "cli.py",
    "__init__.py",
}
PURE = [
    *(
        f"prepare/{name}.py"
        for name in (
            "prompts",
            "capabilities",
            "dialects",
            "packing",
            "answers",
            "rules",
            "approval",
            "responses",
            "messages",
            "generate_content",
            "schemas",
            "openai_schema",
            "anthropic_schema",
            "google_schema",
        )
    ),
    *(
        f"providers/{name}.py"
        for name in (
            "openai_lines",
            "openai_objects",
            "anthropic_lines",
            "anthropic_objects",
            "google_lines",
            "gemini_lines",
            "vertex_lines",
            "vertex_importer",
        )
    ),
    *("run/decide.py", "run/actions.py", "run/state.py", "run/fold.py", "run/inventory.py"),
    *(f"collect/{name}.py" for name in ("extract", "verdict", "scoring", "kinds", "token_f1", "json_fields")),
    *(f"report/{name}.py" for name in ("summary", "statistics", "check", "confusion", "slices", "score")),
]
WORLD = {
    "time",
    "datetime",
    "random",
    "secrets",
    "os",
    "socket",
    "subprocess",
    "pathlib",
    "httpx2",
    "openai",
    "anthropic",
    "google",
    "requests",
    "shutil",
    "logging",
}
# They read time stamps of a provider with `datetime.fromisoformat`; of the clock itself no pure file makes a call.
STAMPS = {"providers/google_lines.py", "providers/anthropic_objects.py"}
SDKS = {"openai", "anthropic", "google", "requests", "httpx2", "logging", "os", "time", "random"}


def sources() -> list[str]:
    return sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if "_assets" not in path.parts)


def imports(name: str, *, top_level_only: bool = False) -> set[str]:
    """Return the modules that a file imports; what only the type checker sees does not count."""
    tree = ast.parse((PACKAGE / name).read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = f"harness.{name.split('/')[0]}" if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names if module.startswith("harness")}
    return found


def rooms(name: str) -> set[str]:
    """Return the rooms of ours that a file reaches into."""
    return {module.split(".")[1] for module in imports(name) if module.startswith("harness.")}


@pytest.mark.parametrize("name", [name for name in sources() if "/" in name and name not in JOINTS])
def test_a_stage_imports_only_its_own_files_and_the_nouns(name: str) -> None:
    room = name.split("/")[0]
    allowed = TOP | {room}
    if room == "run":
        allowed |= {"providers"}
    if room == "emulator":
        allowed = {"emulator"}
    assert rooms(name) <= allowed


@pytest.mark.parametrize("name", [f"{name}.py" for name in sorted(TOP)])
def test_the_nouns_import_only_each_other(name: str) -> None:
    assert rooms(name) <= TOP


@pytest.mark.parametrize("name", PURE)
def test_pure_files_touch_nothing_of_the_world(name: str) -> None:
    allowed = {"datetime"} if name in STAMPS else set()
    assert {module.split(".")[0] for module in imports(name)} & WORLD <= allowed
    assert re.search(r"\b(now|utcnow|today)\(", (PACKAGE / name).read_text(encoding="utf-8")) is None


def test_a_provider_imports_its_sdk_only_inside_its_calls() -> None:
    for name in sources():
        if name.startswith("providers/") and name != "providers/protocol.py":
            roots = {module.split(".")[0] for module in imports(name, top_level_only=True)}
            assert roots & SDKS == set(), name


def test_no_model_name_stands_in_any_code() -> None:
    pattern = re.compile(r"['\"](gpt-|o[134]-|claude-|gemini-|llama-)")
    assert [name for name in sources() if pattern.search((PACKAGE / name).read_text(encoding="utf-8"))] == []


def test_no_file_is_named_for_everything() -> None:
    vague = {"utils", "common", "core", "base", "helpers", "misc"}
    assert [name for name in sources() if set(Path(name).with_suffix("").parts) & vague] == []
