"""`cxrspec diff` as somebody uses it: in a repository of git, on what a revision of it holds."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from cxrspec.compiler.catalog import shipped
from cxrspec.runtime import project

from .test_cli import cxrspec
from .test_difference import PROJECT


@pytest.fixture(autouse=True)
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the small project in `specs`, committed and tagged `start`; only licences ship."""
    monkeypatch.setattr(project, "shipped", lambda: [one for one in shipped() if one.place == "licenses.yaml"])
    folder = tmp_path / "lab"
    for name, text in PROJECT.items():
        path = folder / "specs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    git("init", "--quiet")
    commit()
    git("tag", "start")
    return folder


def git(*arguments: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


def commit() -> None:
    git("add", "--all")
    git("commit", "--quiet", "--message", "a commit", "--allow-empty")


def edit(name: str, old: str, new: str) -> None:
    path = Path("specs") / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_changes_are_told_by_what_they_do_with_place_and_specs(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "shipped", shipped)
    edit("spec.yaml", "  named:", "  tall: score is not null\n  named:")
    edit("words.yaml", "(film|picture)", "(film|picture|image)")
    done = cxrspec("diff", "start")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        "removes rows\n"
        "  specs/spec.yaml:7: the filter `tall` of `tube/ward` is new: `score is not null`\n"
        "\n"
        "changes the wording of turns\n"
        "  specs/words.yaml:4: the rule `<film>`: `(film|picture|image)`, was `(film|picture)`\n"
        "    tube/ward\n"
        "\n"
        "1 of 56 specs is touched since start\n"
    )
    commit()
    assert cxrspec("diff", "HEAD~1").stdout == done.stdout.replace("start", "HEAD~1")
    assert cxrspec("diff", "HEAD").stdout == "no change since HEAD\n"


def test_what_is_gone_is_shown_where_it_stood(lab: Path) -> None:
    edit("spec.yaml", '  named: contains(file, "_")\n', "")
    assert '  start:specs/spec.yaml:7: the filter `named` of `tube/ward` is gone: `contains(file, "_")`\n' in (
        cxrspec("diff", "start").stdout
    )
    Path("specs/spec.yaml").unlink()
    assert "start:specs/spec.yaml:1: the spec `tube/ward` is gone" in cxrspec("diff", "start").stdout


def test_moved_files_and_comments_are_no_change(lab: Path) -> None:
    Path("specs/tasks").mkdir()
    Path("specs/task.yaml").rename("specs/tasks/tube.yaml")
    edit("spec.yaml", "key: file", "key: file  # that of the table")
    assert cxrspec("diff", "start").stdout == "no change since start\n"


def test_json_has_every_spec_and_markdown_folds_long_lists(lab: Path) -> None:
    for i in range(4):
        Path(f"specs/spec{i}.yaml").write_text(
            PROJECT["spec.yaml"].replace("task: tube", f"task: tube_{i}"), encoding="utf-8"
        )
        Path(f"specs/task{i}.yaml").write_text(
            PROJECT["task.yaml"].replace("name: Tube", f"name: Tube {i}"), encoding="utf-8"
        )
    commit()
    edit("words.yaml", "(film|picture)", "(film|picture|image)")
    edit("spec.yaml", "key: file", "key: [patient, file]")
    names = ["tube/ward", *(f"tube_{i}/ward" for i in range(4))]
    data = json.loads(cxrspec("diff", "HEAD", "--format", "json").stdout)
    assert data["specs"] == {"tube/ward": ["schema", "text"]} | {name: ["text"] for name in names[1:]}
    first, second = data["changes"]
    assert (first["category"], first["file"], first["line"], first["specs"]) == (
        "schema",
        "specs/spec.yaml",
        8,
        names[:1],
    )
    assert (second["category"], second["heading"]) == ("text", "changes the wording of turns")
    assert (data["since"], second["specs"], data["unknown"]) == ("HEAD", names, [])
    text = cxrspec("diff", "HEAD", "--format", "markdown").stdout
    assert text.startswith(
        "### cxrspec: 5 of 5 specs are touched since `HEAD`\n\n**changes the schema or ids**\n\n- `specs/"
    )
    assert "<summary>5 specs</summary>" in text
    assert all(f"`{name}`" in text for name in names)
    assert "tube/ward, tube_0/ward, tube_1/ward and 2 more\n" in cxrspec("diff", "HEAD").stdout


def test_errors_on_either_side_are_said_and_the_rest_is_compared(lab: Path) -> None:
    edit("spec.yaml", "key: file", "key: fiel")
    commit()
    edit("spec.yaml", "key: fiel", "key: file")
    Path("specs/more.yaml").write_text("kind: source\nname: [", "utf-8")
    done = cxrspec("diff", "HEAD")
    assert done.exit_code == 0
    assert "1 error at HEAD; not compared: tube/ward\n\n1 error now\n" in done.stdout
    done = cxrspec("diff", "start")
    assert (done.exit_code, done.stdout) == (0, "1 error now\n\nno change since start\n")


def test_the_folder_of_specs_may_lie_anywhere_in_the_repository(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("one/two").mkdir(parents=True)
    Path("specs").rename("one/two/rules")
    commit()
    Path("one/two/rules/spec.yaml").write_text(
        PROJECT["spec.yaml"].replace("key: file", "key: [patient, file]"), "utf-8"
    )
    said = "rules/spec.yaml:8: `key` of `tube/ward`: `[patient, file]`, was `file`"
    assert f"  one/two/{said}\n" in cxrspec("diff", "HEAD", "--specs", "one/two/rules").stdout
    monkeypatch.chdir("one/two")
    assert f"  {said}\n" in cxrspec("diff", "HEAD", "--specs", "rules").stdout
    monkeypatch.chdir("rules")
    assert f"  {said.removeprefix('rules/')}\n" in cxrspec("diff", "HEAD", "--specs", ".").stdout


def test_a_folder_may_stand_for_a_revision(lab: Path, tmp_path: Path) -> None:
    edit("spec.yaml", "key: file", "key: [patient, file]")
    git("worktree", "add", "--quiet", str(tmp_path / "old"), "start")
    assert "`[patient, file]`, was `file`" in cxrspec("diff", str(tmp_path / "old/specs")).stdout


def test_a_folder_that_git_did_not_know_then_was_empty(lab: Path) -> None:
    Path("specs").rename("rules")
    done = cxrspec("diff", "start", "--specs", "rules")
    assert "rules/spec.yaml:1: the spec `tube/ward` is new\n" in done.stdout


def test_an_overlay_counts_where_it_is_published(lab: Path) -> None:
    overlay = "\npublished: {row: [Tube, Ward], because: it was so, key: [patient, file]}\n"
    edit("spec.yaml", '"AP"]\'\n', f'"AP"]\'{overlay}')
    commit()
    edit("spec.yaml", "key: [patient, file]", "key: [file, patient]")
    assert "changes no example\n  specs/spec.yaml:13: `published` of the spec" in cxrspec("diff", "HEAD").stdout
    assert "changes the schema or ids\n" in cxrspec("diff", "HEAD", "--published").stdout


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ("diff", "revision"),
        ("diff strat", "no revision `strat`"),
        ("diff --format yaml start", "markdown"),
        ("diff -- --output=x", "no revision `--output=x`"),
    ],
)
def test_wrong_usage_exits_2(arguments: str, hint: str, lab: Path) -> None:
    done = cxrspec(*arguments.split())
    assert (done.exit_code, done.stdout) == (2, "")
    assert hint in done.stderr.lower().replace("\n", " ")
    assert sorted(path.name for path in lab.iterdir()) == [".git", "specs"]


def test_without_a_repository_or_git_it_says_so(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "alone").mkdir()
    monkeypatch.chdir(tmp_path / "alone")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    done = cxrspec("diff", "start")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: not a git repository")
    monkeypatch.setenv("PATH", "")
    done = cxrspec("diff", "start")
    assert (done.exit_code, done.stderr) == (2, "error: git is not installed\n")
