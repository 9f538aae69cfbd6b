"""The form of files: one mistake gives one finding, at its place, with what is near."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from cxrspec.compiler.declarations import KINDS
from cxrspec.compiler.diagnostics import Label, Report
from cxrspec.compiler.document import load
from cxrspec.compiler.schema import schema, validate

SOURCE = """\
kind: source
name: lab
title: The lab's own films
use: {access: open, redistribute: same terms, commercial: no}
license: none
identity: {space: lab, patient: none, study: film}
constants:
  views: [PA, AP, ""]
tables:
  films:
    read: csv
    files: ["{part}.csv", films.csv]
    key: film
    missing: ["", None, 9]
    columns:
      film: text
      part: {type: split, values: {1: train, else: test}}
      view: {from: [View, 3], type: text | null, optional: yes, clean: squeeze}
      signs: {from: "a/*", type: list of record(x int), each: {x: "[0]", y: {from: b, values: {c: d}}}}
  images:
    from: films
    steps:
      - where: view is not null
      - where: {has_view: view is not null, all: true}
      - derive: {image: image(film), one: 1}
      - join: {table: other.films, on: {film: name}, take: [x], kind: left, many: no}
      - group: {by: [], order: rank, take: {n: count()}}
      - explode: signs
      - explode: {column: signs, as: sign, position: n}
      - select: [image]
      - union: films
    published:
      from: films
      steps:
        - where: view is not null
        - split: {name: own, as: side}
      because: the rows were split first
splits:
  own: {column: part}
  listed: {lists: {train: a, test: b}, key: film}
  drawn: {table: films, ratio: {val: 0.1, test: 0.1}, out_of: {listed: train}}
  all: {constant: test}
  cut: {holdout: {seed: 0, share: 0.3, kept: train, held: {share: 0.5, kept: val, held: test}}, key: film}
"""
TASK = """\
kind: task
name: View Classification
about: Name the projection.
inputs: {images: list of image, view: text}
constants: {views: [PA, AP]}
rules:
  film: (film|image)
turns:
  - form: choose
    let: {a: 1}
    when: true
    count: 2
    prompt: |
      Which view is this <film>?[ {options}]
    answer: {format: choice, options: views, correct: view, markers: [letters, numbers], layout: lines, reply: marker}
  - prompt: [Which?, What?]
    answer: {format: choices, options: views, correct: views, empty: None., hint: (Choose|Pick)}
  - prompt: What is it?
    answer: {format: text, text: view}
  - prompt: How many?
    answer: {format: text, text: number}
"""
SPEC = """\
kind: spec
task: view_classification
source: lab
from: images
steps:
  - where: true
where: {has_view: view is not null}
key: [film, digest(view)]
keep:
  few: {where: view is null, split: train, rows: 10}
  some: {where: view is null, split: val, share: 0.5}
bind:
  images: '[image]'
expect: {train: 12, val: [1, 3]}
split: own
own_split: a benchmark
identity: none
study: film
published:
  row: [View Classification, Lab]
  where: {}
  copy: {val: test}
  rebuilds: no
  because: nobody knows
"""
WORDS = """\
kind: words
constants: {words: [new, old]}
functions:
  double: {takes: {x: int}, gives: x + x}
rules: {film: (film|image)}
"""
SPACES = """\
kind: spaces
spaces:
  nih: {authority: lab.drawn, otherwise: {ratio: {val: 0.1, test: 0.1}}}
  openi: {otherwise: test}
"""
LICENSES = """\
kind: licenses
licenses:
  Terms of the lab: {access: registration, redistribute: same terms, external_services: yes, commercial: no}
  none: {}
"""
FILES = {"source": SOURCE, "task": TASK, "spec": SPEC, "spaces": SPACES, "licenses": LICENSES, "words": WORDS}


def findings(text: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Code, marked text, message and help of all findings in a text that loads."""
    report = Report()
    document = load(text, "a.yaml", report)
    assert document is not None, report.diagnostics
    assert validate(document, report) == (report.diagnostics == [])
    places = [(one, one.label) for one in report.diagnostics if isinstance(one.label, Label)]
    assert len(places) == len(report.diagnostics)
    return [(one.code, text[at.span.start : at.span.end], one.message, one.help) for one, at in places]


def changed(kind: str, old: str, new: str) -> str:
    assert FILES[kind].count(old) == 1
    return FILES[kind].replace(old, new)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_with_everything(kind: str) -> None:
    assert findings(FILES[kind]) == []


def test_a_spec_with_turns_of_its_own() -> None:
    own = "name: Own\ninputs: {x: text}\nturns:\n  - {prompt: Well?, answer: {format: text, text: x}}\n"
    assert findings("kind: spec\nsource: a\nfrom: t\nkey: k\n" + own) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: x\n", ("name", "a file without `kind`", "a file starts with `kind:`, one of ")),
        ("kind: taks\n", ("taks", "unknown kind of file `taks`", "a near name exists: `task`")),
        ("kind: 1\n", ("1", "unknown kind of file `1`", "known kinds: ")),
        ("- kind: task\n", ("- kind: task", "found a list, expected keys and values", "a file starts with")),
        ("kind\n", ("kind", "found the text `kind`, expected keys and values", "a file starts with")),
        ("---\n", ("", "found nothing, expected keys and values", "a file starts with")),
    ],
)
def test_the_kind_of_file(text: str, expected: tuple[str, str, str]) -> None:
    [(code, mark, message, help)] = findings(text)
    assert (code, mark, message) == ("CXR006", *expected[:2])
    assert help[0].startswith(expected[2])


@pytest.mark.parametrize(
    ("kind", "old", "new", "mark", "message", "help"),
    [
        ("task", "about:", "abuot:", "abuot", "unknown key `abuot`", "a near name exists: `about`"),
        ("task", "    prompt: |", "    promt: |", "promt", "unknown key `promt`", "a near name exists: `prompt`"),
        ("task", "layout:", "lay_out:", "lay_out", "unknown key `lay_out`", "a near name exists: `layout`"),
        (
            "task",
            "text, text: view",
            "text, text: view, zz: 1",
            "zz",
            "unknown key `zz`",
            "known keys: `format`, `text`",
        ),
        (
            "source",
            "    read: csv",
            "    raed: csv",
            "raed",
            "unknown key `raed`",
            "near names exist: `read`, `packed`",
        ),
        (
            "source",
            "{constant: test}",
            "{constnat: test}",
            "constnat",
            "unknown key `constnat`",
            "a near name exists: `constant`",
        ),
        ("source", "{column: part}", "{colum: part}", "colum", "unknown key `colum`", "a near name exists: `column`"),
        (
            "source",
            "optional: yes",
            "optinal: yes",
            "optinal",
            "unknown key `optinal`",
            "a near name exists: `optional`",
        ),
        ("source", "- select:", "- slect:", "slect", "unknown key `slect`", "near names exist: `select`, `split`"),
        ("spec", "bind:", "binds:", "binds", "unknown key `binds`", "near names exist: `bind`, `kind`"),
        ("spec", "from: images", "form: images", "form", "unknown key `form`", "a near name exists: `from`"),
    ],
)
def test_an_unknown_key(kind: str, old: str, new: str, mark: str, message: str, help: str | None) -> None:
    [(code, *found, helps)] = findings(changed(kind, old, new))
    assert [code, *found] == ["CXR007", mark, message]
    if help:
        assert helps == (help,)


def test_a_misspelt_key_hides_no_other_that_is_missing() -> None:
    found = findings("kind: task\nnmae: x\nturns: [{prompt: a, answer: {format: text, text: a}}]\n")
    assert [(code, message) for code, _, message, _ in found] == [
        ("CXR007", "unknown key `nmae`"),
        ("CXR008", "missing key `inputs`"),
    ]


@pytest.mark.parametrize(
    ("kind", "old", "new", "mark", "message"),
    [
        ("spec", "from: images\n", "", "kind", "missing key `from`"),
        (
            "spec",
            "task: view_classification\nsource: lab\nfrom: images\n",
            "turns: [{prompt: a, answer: {format: text, text: a}}]\n",
            "kind",
            None,
        ),
        ("task", "\ninputs: {images: list of image, view: text}", "", "kind", "missing key `inputs`"),
        ("task", "{format: text, text: number}", "{format: text}", "answer", "missing key `text`"),
        ("task", "{format: text, text: number}", "{text: number}", "answer", "missing key `format`"),
        ("task", "  - prompt: How many?\n    answer", "  - answer", "answer", "missing key `prompt`"),
        ("source", "{table: other.films, on: {film: name}, ", "{", "join", "missing keys `table`, `on`"),
    ],
)
def test_a_missing_key(kind: str, old: str, new: str, mark: str, message: str | None) -> None:
    [(code, *found, _)] = findings(changed(kind, old, new))
    assert [code, *found] == ["CXR008", mark, message or "missing keys `source`, `from`, `name`, `inputs`"]


@pytest.mark.parametrize(
    ("kind", "old", "new", "mark", "message", "help"),
    [
        ("task", "about: Name the projection.", "about: [a]", "[a]", "found a list, expected text", ""),
        ("task", "about: Name the projection.", "about:", "", "found nothing, expected text", ""),
        ("task", "about: Name the projection.", "about: 50", "50", "found the number `50`, expected text", "'50'"),
        ("task", "about: Name the projection.", "about: true", "true", "found `true`, expected text", "'true'"),
        ("task", "count: 2", "count: two", "two", "found the text `two`, expected a whole number", ""),
        ("task", "count: 2", "count: 2.0", "2.0", "found the number `2.0`, expected a whole number", ""),
        ("task", "count: 2", "count: 0", "0", "found the number `0`, expected at least 1", ""),
        (
            "task",
            "layout: lines",
            "layout: line",
            "line",
            "found the text `line`, expected `lines` or `inline`",
            "`lines`",
        ),
        ("spec", "rebuilds: no", "rebuilds: false", "false", "found `false`, expected `yes` or `no`", ""),
        (
            "task",
            "form: choose",
            "form: 2nd one",
            "2nd one",
            "found the text `2nd one`, expected a name of letters",
            "",
        ),
        ("task", "when: true", "when:", "", "found nothing, expected an expression", ""),
        ("task", "prompt: [Which?, What?]", "prompt: []", "[]", "found an empty list, expected at least 1", ""),
        ("task", "prompt: [Which?, What?]", "prompt: [1, b]", "1", "found the number `1`, expected a prompt", "'1'"),
        ("source", "read: csv", "read: cvs", "cvs", "found the text `cvs`, expected `csv`, ", "`csv`"),
        ("source", "film: text", "'film no': text", "film no", "found `film no`, expected a name of letters", ""),
        ("source", "{val: 0.1, test: 0.1}", "{vall: 0.1}", "vall", "found `vall`, expected `val` or", "`val`"),
        ("source", "{val: 0.1, test: 0.1}", "{val: 10}", "10", "found the number `10`, expected at most 1", ""),
        (
            "source",
            "union: films",
            "union: films\n        select: a",
            "select",
            "a second key, `select`, where one",
            "item",
        ),
        (
            "source",
            "{space: lab, patient: none, study: film}",
            "lab",
            "lab",
            "found the text `lab`, expected a mapping",
            "",
        ),
        ("spec", "[View Classification, Lab]", "[Lab]", "[Lab]", "found a list, expected at least 2", ""),
        ("spaces", "lab.drawn", "drawn", "drawn", "found the text `drawn`, expected a split of a source", ""),
        ("spaces", "otherwise: test", "otherwise: dev", "dev", "found the text `dev`, expected `train`, ", ""),
    ],
)
def test_a_value_of_the_wrong_form(kind: str, old: str, new: str, mark: str, message: str, help: str) -> None:
    [(code, found, words, helps)] = findings(changed(kind, old, new))
    assert (code, found) == ("CXR009", mark)
    assert words.startswith(message)
    assert help in " ".join(helps)


@pytest.mark.parametrize(
    ("kind", "old", "new", "mark", "message", "help"),
    [
        ("spec", "'[image]'", "[image]", "[image]", "a list where an expression belongs", "'[image]'"),
        ("spec", "'[image]'", '["it\'s", x]', '["it\'s", x]', "a list where an expression belongs", "'[\"it''s\", x]'"),
        ("spec", "'[image]'", "{x: y}", "{x: y}", "a mapping where an expression belongs", "'{x: y}'"),
        ("spec", "'[image]'", "\n    - image", "images", "a list where an expression belongs", ""),
        ("spec", "{has_view: view is not null}", "{x: [a]}", "[a]", "a list where an expression belongs", "'[a]'"),
        ("task", "when: true", "when: [a]", "[a]", "a list where an expression belongs", "'[a]'"),
        (
            "task",
            "prompt: What is it?",
            "prompt: {question}",
            "{question}",
            "a mapping where a prompt belongs",
            "'{question}'",
        ),
        ("task", "[Which?, What?]", "[[a] b?]", "[a]", None, None),
        ("task", "[Which?, What?]", "[[a], c]", "[a]", "a list where a prompt belongs", "'[a]'"),
    ],
)
def test_yaml_took_the_brackets(
    kind: str, old: str, new: str, mark: str, message: str | None, help: str | None
) -> None:
    text = changed(kind, old, new)
    if message is None:  # YAML itself refuses it
        assert load(text, "a.yaml", Report()) is None
        return
    [(code, *found, helps)] = findings(text)
    assert [code, *found] == ["CXR012", mark, message]
    assert helps == ((f"quotes make it text: `{help}`",) if help else ())


def test_all_findings_are_given() -> None:
    text = changed("task", "about: Name the projection.", "about: 5\nabuot: x").replace("count: 2", "count: 0")
    assert [code for code, *_ in findings(text)] == ["CXR007", "CXR009", "CXR009"]


# ---- the schemas themselves


def walk(part: Any) -> Iterator[dict[str, Any]]:
    """Every mapping inside a schema."""
    if isinstance(part, dict):
        yield cast(dict[str, Any], part)
    if isinstance(part, dict | list):
        members = cast(dict[str, Any] | list[Any], part)
        for member in members.values() if isinstance(members, dict) else members:
            yield from walk(member)


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one(kind: str) -> None:
    from jsonschema import Draft7Validator

    assert schema(kind)["$schema"] == Draft7Validator.META_SCHEMA["$schema"]
    Draft7Validator.check_schema(schema(kind))
    assert schema(kind)["properties"]["kind"]["const"] == kind


def conditional(properties: dict[str, Any]) -> bool:
    """Whether a schema asks by these which form of a thing it is, and so describes nothing."""
    return any("const" in properties.get(key, {}) for key in ("format", "type"))


@pytest.mark.parametrize("kind", KINDS)
def test_no_key_is_allowed_that_is_not_named(kind: str) -> None:
    for part in walk(schema(kind)):
        if "properties" in part and "allOf" not in part and not conditional(part["properties"]):
            assert part["additionalProperties"] is False, part


@pytest.mark.parametrize("kind", KINDS)
def test_definitions_are_used_and_there(kind: str) -> None:
    found = schema(kind)
    used = {part["$ref"].removeprefix("#/definitions/") for part in walk(found) if isinstance(part.get("$ref"), str)}
    assert used == set(found["definitions"])


def test_what_schemas_share_is_the_same() -> None:
    """But for the steps: those of a source and those of a spec differ by one each."""
    shared: dict[tuple[str, str], Any] = {}
    for kind in KINDS:
        for name, definition in schema(kind)["definitions"].items():
            assert shared.setdefault((kind if name == "step" else "", name), definition) == definition, name
