"""What docs/ci.md says of repositories of specs holds: its hooks and its workflow call commands that exist.

The slow tests run the hooks of .pre-commit-hooks.yaml by pre-commit, in a small repository of specs. They are those of the
working tree: a copy of it, committed, is what the repository names.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from cxrspec.runtime.cli import app

HOUSE = Path(__file__).parents[1]
HOOKS: list[dict[str, Any]] = yaml.safe_load((HOUSE / ".pre-commit-hooks.yaml").read_text("utf-8"))

SPEC = """\
kind: spec
name: Opacity
source: rsna
from: images
key: patient_id
inputs: {images: list of image, pneumonia: bool}
bind: {images: '[image]'}
turns:
  - prompt: Is there an opacity in this <radiograph>?
    answer: {format: text, text: 'if pneumonia then "Yes." else "No."'}
split: gloria
"""


def page(name: str) -> Any:
    """The file of this name that docs/ci.md shows."""
    text = (HOUSE / "docs" / "ci.md").read_text("utf-8")
    _, found, rest = text.partition(f"```yaml\n# {name}\n")
    assert found
    return yaml.safe_load(rest.partition("```")[0])


def calls(script: str) -> list[list[str]]:
    """The words of each call of cxrspec in a shell script."""
    commands = re.split(r"\n|\|+|&&|;", re.sub(r"\d?>+ *\S+", "", script))
    return [words[1:] for command in commands if (words := shlex.split(command)) and words[0] == "cxrspec"]


def understood(words: list[str]) -> None:
    """Fails where a call names a command, an option or a value of one that does not exist."""
    group: Any = typer.main.get_command(app)
    name, *arguments = words
    group.commands[name].make_context(name, arguments)


def test_hooks_call_commands_that_exist() -> None:
    for hook in HOOKS:
        [words] = calls(hook["entry"])
        understood(words)


def test_the_page_names_hooks_and_arguments_that_exist() -> None:
    [repository] = page(".pre-commit-config.yaml")["repos"]
    text = (HOUSE / "docs" / "ci.md").read_text("utf-8")
    known = {hook["id"] for hook in HOOKS}
    assert {hook["id"] for hook in repository["hooks"]} <= known
    assert {*re.findall(r"\bcxrspec-\w+", text)} == known
    said = text.partition("`args: [")[2].partition("]")[0]
    [words] = calls(HOOKS[0]["entry"])
    understood([*words, *said.split(", ")])


def test_the_workflow_calls_commands_that_exist() -> None:
    """And what a step reads, an earlier one has written."""
    workflow = page(".github/workflows/specs.yml")
    assert workflow.keys() == {"name", True, "permissions", "jobs"}  # to PyYAML, which has YAML 1.1, `on` is true
    steps: list[dict[str, Any]] = workflow["jobs"]["check"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step]
    called = [words for script in scripts for words in calls(script)]
    assert [words[0] for words in called] == ["compile", "compile", "diff"]
    for words in called:
        understood(words)
    written = {name for script in scripts for name in re.findall(r"> *(\S+)", script)}
    [uploaded] = [step["with"]["sarif_file"] for step in steps if "upload-sarif" in step.get("uses", "")]
    assert written == {uploaded, "change.md"}


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ("cxrspec compile --chek", "No such option: --chek"),
        ("cxrspec compile --format xml > found.xml || true", "'xml' is not one of"),
        ("cxrspec cmopile", "cmopile"),
    ],
)
def test_a_call_that_is_wrong_is_not_understood(call: str, why: str) -> None:
    [words] = calls(call)
    with pytest.raises(Exception, match=why):
        understood(words)


@dataclass(frozen=True)
class Repository:
    """A repository with the hooks in its configuration."""

    folder: Path
    environment: dict[str, str]

    def write(self, name: str, text: str) -> None:
        """Write a file and stage it."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        git(self.folder, "add", name)

    def hook(self, name: str) -> tuple[int, str]:
        """Exit code and output of one hook on what is staged."""
        command = [sys.executable, "-m", "pre_commit", "run", name]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=tests", "-c", "user.email=tests@example.org"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def commit(folder: Path, names: Iterable[str]) -> str:
    """A new repository in `folder` with these files of it; the name of the commit."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--force", *names)
    git(folder, "commit", "--quiet", "--message", "all")
    return git(folder, "rev-parse", "HEAD").strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    project = tmp_path_factory.mktemp("cxrspec")
    names = git(HOUSE, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    there = [name for name in names if os.path.lexists(HOUSE / name)]
    for name in there:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(HOUSE / name, project / name, follow_symlinks=False)
    revision = commit(project, there)

    lab = tmp_path_factory.mktemp("lab")
    hooks = "[{id: cxrspec-check}, {id: cxrspec-fix}]"
    config = f"repos:\n  - repo: {project}\n    rev: {revision}\n    hooks: {hooks}\n"
    (lab / ".pre-commit-config.yaml").write_text(config, "utf-8")
    commit(lab, [".pre-commit-config.yaml"])
    cache = str(tmp_path_factory.mktemp("cache"))
    return Repository(lab, {**os.environ, "PRE_COMMIT_HOME": cache, "PRE_COMMIT_COLOR": "never"})


@pytest.mark.slow
def test_the_hook_finds_what_the_compiler_finds(repository: Repository) -> None:
    repository.write("README.md", "Specs of a lab.\n")
    code, output = repository.hook("cxrspec-check")
    assert (code, "(no files to check)Skipped" in output) == (0, True), output
    repository.write("specs/opacity.yaml", SPEC)
    code, output = repository.hook("cxrspec-check")
    assert (code, "Passed" in output) == (0, True), output
    repository.write("specs/opacity.yaml", SPEC.replace("gloria", "glorai"))
    code, output = repository.hook("cxrspec-check")
    assert (code, "error[CXR212]" in output, "specs/opacity.yaml:11:8" in output) == (1, True, True), output


@pytest.mark.slow
def test_the_hook_that_mends_stops_the_commit_for_somebody_to_look_at_it(repository: Repository) -> None:
    repository.write("specs/opacity.yaml", SPEC.replace("key: patient_id", "key: patientid"))
    code, output = repository.hook("cxrspec-fix")
    assert (code, "files were modified by this hook" in output) == (1, True), output
    assert (repository.folder / "specs" / "opacity.yaml").read_text("utf-8") == SPEC
    git(repository.folder, "add", "specs")
    code, output = repository.hook("cxrspec-fix")
    assert (code, "Passed" in output) == (0, True), output
