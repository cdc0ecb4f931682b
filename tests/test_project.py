"""The project's own files: pins, wheel, schemas, documents."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from harness.errors import ConfigError
from tests.conftest import Project

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_pip_and_uv_resolve_to_the_same_versions() -> None:
    pins = (ROOT / "constraints.txt").read_text().split("\n")
    assert [pin for pin in pins if pin] == PYPROJECT["tool"]["uv"]["constraint-dependencies"]


def test_no_pin_names_a_place() -> None:
    assert "://" not in (ROOT / "constraints.txt").read_text()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout."""
    out = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(words, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def tracked(folder: str) -> set[str]:
    """Return the files of a folder that belong to the project."""
    words = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", folder]
    return set(subprocess.run(words, check=True, capture_output=True, text=True).stdout.split())


def test_the_wheel_holds_package_conf_and_templates_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = tracked("harness") | {f"harness/_assets/{name}" for name in tracked("conf") | tracked("templates")}
    assert names == expected


@pytest.fixture(scope="session")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a folder of its own, not in this checkout."""
    folder = tmp_path_factory.mktemp("site")
    words = ["-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), str(wheel)]
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    return folder


def from_wheel(site: Path, project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command line of the installed wheel."""
    code = "import harness.cli, sys; sys.exit(harness.cli.main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=project,
        env={"PYTHONPATH": str(site), "PATH": "", "HOME": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_new_project_runs_from_the_wheel(site: Path, tmp_path: Path) -> None:
    begun = from_wheel(site, tmp_path, "init", ".")
    assert begun.returncode == 0, begun.stderr
    run = from_wheel(site, tmp_path)
    assert run.returncode == 0, run.stderr + run.stdout
    [folder] = (tmp_path / "outputs").glob("*/*-tickets-gpt-4o-mini")
    assert len((folder / "results.jsonl").read_text().splitlines()) == 10
    assert from_wheel(site, tmp_path, "init", ".").returncode == 2


def test_a_csv_of_a_strangers_runs_from_the_wheel_in_an_empty_folder(site: Path, tmp_path: Path) -> None:
    """With the user's own templates, task and scorer."""
    project = tmp_path / "project"
    for folder in ("conf/task", "templates/birds", "scorers"):
        (project / folder).mkdir(parents=True)
    rows = [f'{n},"A bird, ""seen"" at {n} o\'clock",{"owl" if n % 2 else "wren"},{n}' for n in range(20)]
    csv = "\r\n".join(["number,What I saw,bird,hour", *rows]) + "\r\n"
    (project / "templates/birds/seen.csv").write_bytes(b"\xef\xbb\xbf" + csv.encode())
    (project / "templates/birds/ask.j2").write_text('Which bird is this? {{ row["What I saw"] }} ({{ hour }} h)')
    (project / "scorers/long_enough.py").write_text(
        "def score(result, target):\n    return len(result['text']) >= len(target)\n"
    )
    (project / "conf/task/birds.yaml").write_text(BIRDS)
    run = from_wheel(site, project, "task=birds", "model=gpt-4.1-mini")
    assert run.returncode == 0, run.stderr + run.stdout
    assert run.stdout.startswith("SIMULATED")
    folder = next((project / "outputs").glob("*/*-birds-gpt-4.1-mini"))
    assert (folder / "task/scorers/long_enough.py").exists()
    assert len((folder / "results.jsonl").read_text().splitlines()) == 20
    assert sorted(path.name for path in project.iterdir()) == ["conf", "outputs", "scorers", "templates"]


BIRDS = """
defaults: [default, _self_]
name: birds
dataset: {path: seen.csv, id: number, metadata: [hour]}
target: bird
messages:
  - {role: user, template: ask.j2}
generate: {max_tokens: 50}
scorers:
  found: {kind: includes}
  long: {kind: long_enough}
"""


def blocks(mark: str) -> list[str]:
    """Return the command lines of the README's blocks with this mark."""
    found = re.findall(rf"<!-- {mark} -->\n```bash\n(.*?)```", README, re.DOTALL)
    return [line for block in found for line in block.strip().splitlines()]


@pytest.mark.parametrize("line", [line for line in blocks("run") if line.startswith("python -m harness")])
def test_a_command_of_the_readme_works(line: str, tmp_path: Path) -> None:
    words = [sys.executable, *line.split()[1:]]
    run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr + run.stdout


def test_the_readme_has_one_command_to_run_and_one_to_test() -> None:
    assert [line for line in blocks("run") if line.startswith("python3 -m venv")] != []
    assert len(blocks("test")) == 1


def test_the_readme_names_every_command_setting_scorer_and_outcome() -> None:
    from harness.cli import COMMANDS
    from harness.collect.kinds import SCORERS
    from harness.settings import Batch, Dataset, Generate, Limits, Output, Retry, Task
    from harness.types import OUTCOMES

    settings = {
        field.alias or name
        for model in (Batch, Dataset, Generate, Limits, Output, Retry, Task)
        for name, field in model.model_fields.items()
    } - {"stream"}
    names = {*COMMANDS, *SCORERS, *OUTCOMES, *settings, "endpoint.speed"} - {"help", "run"}
    assert sorted(name for name in names if not re.search(rf"\b{name}\b", README)) == []


def lanes() -> str:
    """Return the table of providers as their YAMLs state it."""
    head = "| provider | protocol | key in | windows | requests a batch | MB a batch | price | can delete | checked |"
    rows = [head, "| --- | --- | --- | --- | ---: | ---: | ---: | --- | --- |"]
    for path in sorted((ROOT / "conf" / "provider").glob("*.yaml")):
        facts = yaml.safe_load(path.read_text(encoding="utf-8"))
        limits = facts["limits"]
        cells = [
            f"`{facts['name']}`",
            f"`{facts['protocol']}`",
            f"`{facts['api_key_env'] or facts['access_token_env']}`",
            ", ".join(facts["windows"]),
            f"{limits['batch_requests']:,}",
            f"{limits['batch_bytes'] // 1_000_000:,}",
            f"{facts['price_factor']:.0%}" if facts["price_factor"] else "unknown",
            "yes" if facts["deletes_files"] else "no",
            str(min(str(fact["checked"]) for fact in facts["evidence"].values())),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def test_the_table_of_providers_is_what_their_yamls_say() -> None:
    found = re.search(r"<!-- lanes -->\n(.*?)\n\n", README, re.DOTALL)
    assert found is not None
    assert found[1] == lanes()


PROVIDER = """
defaults: [openai, _self_]
name: mine
base_url: http://127.0.0.1:1/v1
api_key_env: null
windows: [12h, 24h]
limits: {batch_requests: 7}
"""


def test_a_compatible_provider_is_one_yaml(project: Project) -> None:
    (project.folder / "conf" / "provider").mkdir()
    (project.folder / "conf" / "provider" / "mine.yaml").write_text(PROVIDER)
    words = ["provider=mine", "model=custom", "model.id=gpt-4o-mini", "batch.size=7", "batch.window=24h"]
    ended = project.run(*words)
    assert ended.code == 0
    plan = json.loads((ended.folder / "plan.json").read_text())
    assert (plan["destination"]["provider"], len(plan["batches"])) == ("mine", 5)
    with pytest.raises(ConfigError, match=r"batch\.size: mine takes at most 7 requests a batch"):
        project.run(*words, "batch.size=8")


def test_a_lane_that_is_not_used_is_not_imported(project: Project) -> None:
    words = [sys.executable, "-c", IMPORTED, *project.words()]
    ran = subprocess.run(words, cwd=project.folder, capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines()[-1] == "[]", ran.stderr


IMPORTED = """
import sys
from harness.cli import main
assert main(sys.argv[1:]) == 0
unused = ("anthropic", "groq", "google", "pyarrow", "harness.providers.anthropic", "harness.providers.vertex")
print([name for name in unused if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("package", "lane", "said"),
    [
        (
            "anthropic",
            ("model=claude-haiku-4-5",),
            "anthropic needs anthropic; pip install 'harness[anthropic]'",
        ),
        ("google", ("model=gemini-2.5-flash",), "gemini needs google-genai; pip install 'harness[google]'"),
        (
            "google.cloud",
            ("model=gemini-2.5-flash", "provider=vertex"),
            "vertex needs google-cloud-storage; pip install 'harness[google]'",
        ),
    ],
)
def test_a_missing_sdk_is_one_line_before_anything_is_claimed(
    project: Project, package: str, lane: tuple[str, ...], said: str
) -> None:
    code = f"import sys; sys.modules['{package}'] = None; from harness.cli import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "task=colours", *lane]
    ran = subprocess.run(words, cwd=project.folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr == f"provider: {said}\n"
    assert not (project.folder / "outputs").exists()
