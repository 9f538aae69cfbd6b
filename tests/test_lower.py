"""The plan: what no example needs is gone, it stands in JSON, and its fingerprint knows what matters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cxrspec.compiler import plan as p
from cxrspec.compiler.pipeline import compile
from cxrspec.compiler.serial import fingerprint, from_json, to_json

from . import made_up
from .case_files import case

TOLD = """
import sys
from pathlib import Path
from cxrspec.compiler.catalog import overlay, shipped
from cxrspec.compiler.pipeline import compile
from cxrspec.compiler.serial import to_json
from cxrspec.runtime.project import local_files

made = compile(overlay(shipped(), local_files(Path(sys.argv[1]))))
print("\\n".join(to_json(s.plan) for s in made.specs.values() if s.plan is not None))
"""
"""Prints every plan as JSON."""
ROOT = Path(__file__).parents[1]
ALL = made_up.load(made_up.EXTRA)

SOURCE = """\
kind: source
name: made
title: Made up
use: {access: open}
license: none
identity: {space: made, patient: none, study: n}
constants: {many: 3, few: [a, b]}
tables:
  rows:
    read: csv
    files: rows.csv
    key: n
    columns: {n: int, said: text, g: text, never: text}
  more:
    read: csv
    files: more.csv
    key: n
    columns: {n: int, word: text, other: text}
  joined:
    from: rows
    steps:
      - join: {table: more, on: n, take: [word, other], kind: left}
      - derive: {loud: 'f"{word ?? said}!"', unused: lower(said)}
splits:
  all: {constant: test}
"""
SPEC = """\
kind: spec
name: Plain
source: made
from: joined
where: g != "x"
key: n
bind: {said: said}
inputs: {said: text}
turns:
  - form: ask
    count: 1
    prompt: |
      (What|Which)?
    answer: {format: text, text: said}
"""


def plan(spec: str = SPEC, source: str = SOURCE) -> p.Plan:
    """The plan of the one local spec."""
    made = compile([made_up.file("source.yaml", source), made_up.file("spec.yaml", spec), made_up.licenses()])
    assert not made.errors, made.diagnostics
    found = made.specs["plain/made"].plan
    assert found is not None
    return found


def read_columns(found: p.Plan) -> dict[str, set[str]]:
    return {read.table: {c.name for c in read.columns} for read in found.reads}


def joins(found: p.Plan) -> list[str]:
    return [n.relation for r in found.relations for n in r.nodes if isinstance(n, p.Join)]


def test_a_left_join_that_nobody_reads_goes_with_its_file() -> None:
    found = plan()
    assert joins(found) == []
    assert read_columns(found) == {"made.rows": {"n", "said", "g"}}


def test_a_left_join_that_is_read_stays_with_what_is_read_of_it() -> None:
    found = plan(SPEC.replace("{said: said}", "{said: loud}"))
    assert joins(found) == ["made.more"]
    assert read_columns(found) == {"made.rows": {"n", "said", "g"}, "made.more": {"n", "word"}}


def test_a_join_that_drops_rows_stays() -> None:
    for kind in ("inner", "semi", "anti"):
        take = "" if kind != "inner" else "take: [word], "
        found = plan(
            source=SOURCE.replace("take: [word, other], kind: left", f"{take}kind: {kind}").replace(
                "word ?? said", "said"
            )
        )
        assert joins(found) == ["made.more"]
        assert read_columns(found)["made.more"] == {"n"}


def test_a_left_join_of_many_rows_stays() -> None:
    """It multiplies rows, so that it changes the examples even where nobody reads its columns."""
    source = SOURCE.replace("take: [word, other], kind: left", "take: [word, other], kind: left, many: yes")
    assert joins(plan(SPEC.replace("key: n", "key: [n, g]"), source)) == ["made.more"]


def test_a_column_that_nobody_reads_is_not_derived() -> None:
    names = {n.name for r in plan().relations for n in r.nodes if isinstance(n, p.Derive)}
    assert not names & {"loud", "unused"}


def test_the_specs_of_a_source_need_their_own_files_only() -> None:
    needed = {name: {read.table for read in s.plan.reads} for name, s in ALL.specs.items() if s.plan is not None}
    assert needed["note_repair/notes"] == {"notes.visits", "notes.patients"}
    assert needed["visit_summary/notes"] == needed["note_repair/notes"] | {"views.files", "views.remarks"}
    assert needed["round_recall/recalls"] == {"recalls.loose", "rounds.entries"}
    assert needed["findings_generation/openi"] == {"openi.reports", "rad_restruct.entries"}  # whose split the space has


def test_every_relation_of_a_plan_is_used_and_stands_after_those_it_needs() -> None:
    for spec in ALL.specs.values():
        assert spec.plan is not None
        known: set[str] = set()
        used = {spec.name}
        for relation in spec.plan.relations:
            needs = {
                n.relation for n in relation.nodes if isinstance(n, p.Scan | p.Holdout | p.Join | p.Union | p.Contrast)
            }
            assert needs <= known
            known.add(relation.name)
            used |= needs
        assert known == used
        assert spec.plan.relations[-1].name == spec.name


@pytest.mark.parametrize("name", sorted(ALL.specs))
def test_a_plan_stands_in_json(name: str) -> None:
    found = ALL.specs[name].plan
    assert found is not None
    again = from_json(to_json(found))
    assert again == found
    assert fingerprint(again) == fingerprint(found)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests" / "cases" / "spec" / "ok").glob("*.yaml")), ids=lambda p: p.stem
)
def test_the_plans_of_the_cases_stand_in_json(path: Path) -> None:
    """The cases have every node and every answer there is."""
    plans = [spec.plan for spec in case(path.read_text("utf-8")).compile().specs.values() if spec.plan is not None]
    assert plans
    assert [from_json(to_json(plan)) for plan in plans] == plans


def test_a_plan_is_the_same_in_every_process() -> None:
    """Python's sets come in another order with another hash seed; each process compiles for itself."""
    told = {
        subprocess.run(
            [sys.executable, "-c", TOLD, str(made_up.EXTRA)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    plans = [to_json(s.plan) for s in ALL.specs.values() if s.plan is not None]
    assert told == {"\n".join(plans) + "\n"}


# ---- the fingerprint


def turned(text: str) -> str:
    """The blocks of the file, each a key with what is indented below it, in reverse order."""
    blocks: list[str] = []
    for line in text.splitlines(keepends=True):
        if line[0].isspace():
            blocks[-1] += line
        else:
            blocks.append(line)
    return "".join(reversed(blocks))


def test_comments_blanks_and_the_order_of_keys_change_no_fingerprint() -> None:
    known = fingerprint(plan())
    assert turned(SPEC) != SPEC
    assert fingerprint(plan(turned(SPEC), turned(SOURCE))) == known
    assert fingerprint(plan("# a comment\n" + SPEC.replace("key: n\n", "key:   n   # why\n\n"))) == known
    flow = "join: {kind: left, take: [word, other], on: n, table: more}"
    assert (
        fingerprint(plan(source=SOURCE.replace("join: {table: more, on: n, take: [word, other], kind: left}", flow)))
        == known
    )
    assert fingerprint(plan(SPEC.replace("{format: text, text: said}", "{text: said, format: text}"))) == known
    assert (
        fingerprint(
            plan(
                source=SOURCE.replace("columns: {n: int, said: text, g: text", "columns: {g: text, said: text, n: int")
            )
        )
        == known
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('g != "x"', 'g != "y"'),
        ('where: g != "x"\n', ""),
        ("where: g", "where: said"),
        ("(What|Which)", "(Which|What)"),
        ("(What|Which)?", "(What|Which)!"),
        ("count: 1", "count: 2"),
        ("form: ask", "form: tell"),
        ("{said: said}", "{said: lower(said)}"),
        ("key: n", "key: [n, g]"),
        ("kind: spec", "kind: spec\nexpect: {test: 3}"),
    ],
)
def test_what_changes_examples_changes_the_fingerprint(old: str, new: str) -> None:
    assert old in SPEC
    assert fingerprint(plan(SPEC.replace(old, new))) != fingerprint(plan())


def test_what_no_example_needs_is_not_in_the_fingerprint() -> None:
    """Another spec's column of the same table, or another file of the source, makes no spec new."""
    known = fingerprint(plan())
    assert fingerprint(plan(source=SOURCE.replace("never: text", "never: int"))) == known
    assert fingerprint(plan(source=SOURCE.replace("more.csv", "others.csv"))) == known
    assert fingerprint(plan(source=SOURCE.replace("said: text, g", "said: {type: text, clean: squeeze}, g"))) != known
