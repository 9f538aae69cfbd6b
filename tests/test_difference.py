"""What a change of specs does, told from the specs alone: each kind of change is told apart, and layout is no change."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest

from cxrspec.compiler.catalog import File, as_text, shipped
from cxrspec.compiler.data import is_list, is_mapping
from cxrspec.compiler.diagnostics import Report
from cxrspec.compiler.difference import Difference, difference
from cxrspec.compiler.document import load
from cxrspec.compiler.pipeline import Compilation
from cxrspec.compiler.serial import fingerprint
from cxrspec.compiler.workspace import Workspace

from . import made_up
from .case_files import REMEMBERED

# Mappings that are read from top to bottom, so that the order of their keys says something (docs/language.md).
IN_ORDER = ("where", "derive", "let", "keep", "ratio")


WORKSPACES = {published: Workspace(published, REMEMBERED) for published in (False, True)}
PROJECTS = Workspace(memo=REMEMBERED)


@cache
def what_ships(published: bool = False) -> Compilation:
    return WORKSPACES[published].compile(shipped())


def rewritten(place: str, old: str, new: str, published: bool = False) -> Compilation:
    """What ships, with a text of one file replaced."""
    files = {file.place: file for file in shipped()}
    text = as_text(files[place].text)
    assert old in text
    files[place] = replace(files[place], text=text.replace(old, new, 1))
    return WORKSPACES[published].compile(list(files.values()))


# ---- what is no change


def with_keys_turned_round(value: Any, key: str = "") -> Any:
    if is_list(value):
        return [with_keys_turned_round(item) for item in value]
    if not is_mapping(value):
        return value
    members = [(name, with_keys_turned_round(item, name)) for name, item in value.items()]
    return dict(members if key in IN_ORDER and not isinstance(value.get("where"), str) else reversed(members))


def turned_round(file: File) -> str:
    """Every key in the opposite order, and JSON's layout and quotes for YAML's: JSON is YAML."""
    document = load(file.text, file.path, Report())
    assert document is not None
    return json.dumps(with_keys_turned_round(document.value), ensure_ascii=False, indent=1)


def commented(file: File) -> str:
    """A comment before every key at the left margin, behind a blank line, and one at the end."""
    return re.sub(r"^(?=\w)", "\n# a comment: it is: said\n", as_text(file.text), flags=re.MULTILINE) + "# the end\n"


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("rewrite", [turned_round, commented])
def test_layout_is_no_change(rewrite: Callable[[File], str], published: bool) -> None:
    before = what_ships(published)
    after = WORKSPACES[published].compile([replace(file, text=rewrite(file)) for file in shipped()])
    assert after.errors == 0  # a comment may ask for warnings to be ignored, and JSON has none
    assert difference(before, after, published) == Difference((), ())
    plans = [(one.plan, after.specs[name].plan) for name, one in before.specs.items()]
    assert all(old and new and fingerprint(old) == fingerprint(new) for old, new in plans)


# ---- each kind of change is told apart, on a small project

WARD = """\
kind: source
name: ward
title: A made-up ward
use: {access: open, redistribute: yes}
license: CC0 1.0
homepage: https://example.org/ward
identity: {space: ward, patient: patient, study: file}
constants:
  views: [PA, AP]
tables:
  films:
    read: csv
    files: films.csv
    key: file
    columns:
      file: text
      patient: text
      age: int | null
      view: text | null
      tube: {type: bool, values: {"Y": true, "N": false}}
      part: {type: split, values: {a: train, b: test}}
      notes: text | null
  scores:
    read: csv
    files: scores.csv
    key: file
    columns:
      file: text
      score: int
  stays:
    from: films
    steps:
      - where: {has_view: view is not null}
      - group: {by: patient, order: [file], take: {first_view: first(view)}}
  seen:
    from: films
    steps:
      - where: {has_view: view in views}
      - join: {table: scores, on: file, kind: left}
      - join: {table: stays, on: patient, kind: left}
      - derive:
          image: image(f"png/{file}")
          good: (score ?? 0) >= 3
splits:
  ours: {ratio: {val: 0.1, test: 0.2}}
  theirs: {column: part}
"""
SPACES = "kind: spaces\nspaces:\n  ward: {otherwise: {ratio: {val: 0.1, test: 0.1}}}\n"
WORDS = "kind: words\nconstants: {young: 18}\nrules:\n  film: (film|picture)\nfunctions:\n  told: {takes: {x: text}, gives: lower(x)}\n"
TASK = """\
kind: task
name: Tube
about: See tubes.
inputs: {images: list of image, tube: bool, view: text, known: list of text}
turns:
  - form: ask
    let:
      side: if chance(0.5) then "a" else "b"
    when: contains(view, "A")
    prompt: |
      Is there a tube in this <film>, {told(view)}?
      Does this <film>, {side}, show a tube?
    answer: {format: text, text: 'if tube then "Yes." else "No."'}
  - form: choose
    prompt: |
      Which view is this <film>?[ {options}]
    answer: {format: choice, options: known, correct: view, hint: There is one.}
"""
SPEC = """\
kind: spec
task: tube
source: ward
from: seen
where:
  adult: age is not null and age >= young
  named: contains(file, "_")
key: file
bind:
  images: '[image]'
  view: view
  known: '["PA", "AP"]'
"""
PROJECT = {"ward.yaml": WARD, "spaces.yaml": SPACES, "words.yaml": WORDS, "task.yaml": TASK, "spec.yaml": SPEC}


def project(file: str = "", old: str = "", new: str = "", **more: str) -> Compilation:
    """The small project with a text of one file replaced, and more files."""
    texts = PROJECT | {f"{name}.yaml": text for name, text in more.items()}
    if file:
        assert texts[file].count(old) >= 1, old
        texts[file] = texts[file].replace(old, new, 1)
    return PROJECTS.compile([*(File(path, path, text) for path, text in texts.items() if text), made_up.licenses()])


def changes(before: Compilation, after: Compilation) -> list[str]:
    """Changes in short, for the one spec that there is or for none."""
    assert [found.message for one in (before, after) for found in one.diagnostics if found.severity == "error"] == []
    found = difference(before, after)
    assert {name for change in found.changes for name in change.specs} <= {"tube/ward"}
    texts = [f"{one.heading}: {one.what}" + ("" if one.specs else " (no spec)") for one in found.changes]
    for one in found.changes:
        assert one.place is not None
        text = (before if one.old else after).texts[one.place.file]
        assert 0 <= one.place.start <= one.place.end <= len(text)
    return texts


EDITS: dict[str, tuple[str, str, str, list[str]]] = {
    # rows
    "a filter more takes rows away": (
        "spec.yaml",
        "  named:",
        "  tall: score is not null\n  named:",
        ["removes rows: the filter `tall` of `tube/ward` is new: `score is not null`"],
    ),
    "a filter less lets rows in": (
        "spec.yaml",
        '  named: contains(file, "_")\n',
        "",
        ['adds rows: the filter `named` of `tube/ward` is gone: `contains(file, "_")`'],
    ),
    "a bound that is raised takes rows away": (
        "spec.yaml",
        "age >= young",
        "age >= 21",
        [
            "removes rows: the filter `adult` of `tube/ward`: "
            "`age is not null and age >= 21`, was `age is not null and age >= young`"
        ],
    ),
    "a value more among those asked for lets rows in, and a constant that nobody else reads is told once": (
        "ward.yaml",
        "  views: [PA, AP]",
        "  views: [PA, AP, LL]",
        ["adds rows: the constant `views`: `[PA, AP, LL]`, was `[PA, AP]`"],
    ),
    "a constant of the shared words": (
        "words.yaml",
        "young: 18",
        "young: 16",
        ["adds rows: the constant `young`: `16`, was `18`"],
    ),
    "another condition may do both": (
        "spec.yaml",
        'contains(file, "_")',
        'contains(file, "-")',
        ['may add or remove rows: the filter `named` of `tube/ward`: `contains(file, "-")`, was `contains(file, "_")`'],
    ),
    "a filter before a group changes what is gathered, too": (
        "ward.yaml",
        "      - where: {has_view: view is not null}\n",
        "      - where: {has_view: 'view is not null and view != \"LL\"'}\n",
        [
            "changes no example: `tables.stays` of the source `ward`: in `steps` "
            '`{where: {has_view: view is not null and view != "LL"}}`, was `{where: {has_view: view is not null}}`'
            " (no spec)"
        ],
    ),
    "when a form asks": (
        "task.yaml",
        'when: contains(view, "A")',
        'when: contains(view, "A") and tube',
        [
            "removes rows: `when` of the form `ask` of the task `tube`: "
            '`contains(view, "A") and tube`, was `contains(view, "A")`'
        ],
    ),
    "how often a form asks": (
        "task.yaml",
        "  - form: choose\n",
        "  - form: choose\n    count: 2\n",
        ["adds rows: `count` of the form `choose` of the task `tube` is new: `2`"],
    ),
    "other files": (
        "ward.yaml",
        "files: films.csv",
        "files: [films.csv, pictures.csv]",
        ["may add or remove rows: `ward.films`: `files` is `[films.csv, pictures.csv]`, was `films.csv`"],
    ),
    "a join that takes rows away": (
        "ward.yaml",
        "{table: stays, on: patient, kind: left}",
        "{table: stays, on: patient}",
        ["removes rows: the step `join` of `ward.seen`: `kind` is gone: `left`"],
    ),
    "a join that is gone": (
        "ward.yaml",
        "      - join: {table: stays, on: patient, kind: left}\n",
        "",
        [
            "changes no example: `tables.seen` of the source `ward`: in `steps` "
            "`{join: {table: stays, on: patient, kind: left}}` is gone (no spec)"
        ],
    ),
    # splits
    "the split of a space": (
        "spaces.yaml",
        "val: 0.1",
        "val: 0.2",
        ["moves rows between splits: the space `ward`: `otherwise.ratio.val` is `0.2`, was `0.1`"],
    ),
    "a split that no space uses": (
        "ward.yaml",
        "val: 0.1, test: 0.2",
        "val: 0.1, test: 0.1",
        ["changes no example: `splits.ours` of the source `ward`: `ratio.test` is `0.1`, was `0.2` (no spec)"],
    ),
    "a split of its own": (
        "spec.yaml",
        "key: file",
        "split: theirs\nown_split: it is a benchmark\nkey: file",
        [
            "moves rows between splits: `split` of `tube/ward` is new: `theirs`",
            "moves rows between splits: `own_split` of `tube/ward` is new: `it is a benchmark`",
        ],
    ),
    # schema
    "the key": (
        "spec.yaml",
        "key: file",
        "key: [patient, file]",
        ["changes the schema or ids: `key` of `tube/ward`: `[patient, file]`, was `file`"],
    ),
    "the type of a column": (
        "ward.yaml",
        "age: int | null",
        "age: float | null",
        ["changes the schema or ids: the column `age` of `ward.films`: `float | null`, was `int | null`"],
    ),
    "the name of a form": (
        "task.yaml",
        "form: choose",
        "form: select",
        [
            "changes the schema or ids: the form `choose` of the task `tube` is gone",
            "changes the schema or ids: the form `select` of the task `tube` is new",
        ],
    ),
    "the format of an answer": (
        "task.yaml",
        '{format: text, text: \'if tube then "Yes." else "No."\'}',
        '{format: choice, options: \'["Yes.", "No."]\', correct: \'if tube then "Yes." else "No."\'}',
        [
            "changes the schema or ids: `answer` of the form `ask` of the task `tube`: `format` is `choice`, was `text`; "
            '`text` is gone: `if tube then "Yes." else "No."`; `options` is new: `["Yes.", "No."]`; '
            '`correct` is new: `if tube then "Yes." else "No."`'
        ],
    ),
    # values
    "a column that is printed": (
        "spec.yaml",
        "  view: view",
        "  view: head(view, 1)",
        [
            "may add or remove rows: the input `view` of `tube/ward`: `head(view, 1)`, was `view`",  # `when` asks for it
            "changes values: the input `view` of `tube/ward`: `head(view, 1)`, was `view`",
        ],
    ),
    "a function of the shared words": (
        "words.yaml",
        "gives: lower(x)",
        "gives: capitalize(x)",
        ["changes values: the function `told`: `gives` is `capitalize(x)`, was `lower(x)`"],
    ),
    "what is drawn": (
        "task.yaml",
        "chance(0.5)",
        "chance(0.25)",
        [
            "changes values: `let.side` of the form `ask` of the task `tube`: "
            '`if chance(0.25) then "a" else "b"`, was `if chance(0.5) then "a" else "b"`'
        ],
    ),
    "another picture": (
        "ward.yaml",
        'image(f"png/{file}")',
        'image(f"jpg/{file}")',
        ['changes values: the column `image` of `ward.seen`: `image(f"jpg/{file}")`, was `image(f"png/{file}")`'],
    ),
    "a prompt that prints something else": (
        "task.yaml",
        "Does this <film>, {side}, show a tube?",
        "Does this <film>, {side}, show a tube in {view}?",
        [
            "changes values: `prompt` of the form `ask` of the task `tube`: "
            "`Does this <film>, {side}, show a tube in {view}?`, was `Does this <film>, {side}, show a tube?`"
        ],
    ),
    # text
    "a prompt": (
        "task.yaml",
        "Which view is this",
        "(Which|What) view is this",
        [
            "changes the wording of turns: `prompt` of the form `choose` of the task `tube`: "
            "`(Which|What) view is this <film>?[ {options}]`, was `Which view is this <film>?[ {options}]`; "
            "8 prompts, were 4"
        ],
    ),
    "a rule of the shared words": (
        "words.yaml",
        "(film|picture)",
        "(film|picture|image)",
        ["changes the wording of turns: the rule `<film>`: `(film|picture|image)`, was `(film|picture)`"],
    ),
    "an answer's words": (
        "task.yaml",
        '"Yes." else',
        '"Yes, there is." else',
        [
            "changes the wording of turns: `answer.text` of the form `ask` of the task `tube`: "
            '`if tube then "Yes, there is." else "No."`, was `if tube then "Yes." else "No."`'
        ],
    ),
    "words that are drawn": (
        "task.yaml",
        'then "a" else',
        'then "an" else',
        [
            "changes the wording of turns: `let.side` of the form `ask` of the task `tube`: "
            '`if chance(0.5) then "an" else "b"`, was `if chance(0.5) then "a" else "b"`'
        ],
    ),
    "a hint": (
        "task.yaml",
        "hint: There is one.",
        "hint: One is right.",
        [
            "changes the wording of turns: `answer.hint` of the form `choose` of the task `tube`: "
            "`One is right.`, was `There is one.`"
        ],
    ),
    "how options stand": (
        "task.yaml",
        "hint: There is one.",
        "layout: inline, hint: There is one.",
        ["changes the wording of turns: `answer.layout` of the form `choose` of the task `tube` is new: `inline`"],
    ),
    # terms
    "a term that is loosened": (
        "ward.yaml",
        "redistribute: yes}",
        "redistribute: yes, commercial: yes}",
        ["loosens terms: `commercial` of `ward` is new: `yes`"],
    ),
    "a term that is tightened": (
        "ward.yaml",
        "redistribute: yes}",
        "redistribute: no derivatives}",
        ["tightens terms: `redistribute` of `ward`: `no derivatives`, was `yes`"],
    ),
    # what stops a run
    "bounds": (
        "spec.yaml",
        "key: file",
        "expect: {train: [1, 9]}\nkey: file",
        ["changes what stops a run: `expect` of `tube/ward` is new"],
    ),
    "a key that is checked": (
        "ward.yaml",
        "    files: films.csv\n    key: file\n",
        "    files: films.csv\n    key: [patient, file]\n",
        [
            "changes what stops a run: `key` of `ward.films`: `[patient, file]`, was `file`",
        ],
    ),
    # nothing that an example shows
    "a title": (
        "ward.yaml",
        "A made-up ward",
        "The ward",
        ["changes no example: `title` of the source `ward`: `The ward`, was `A made-up ward` (no spec)"],
    ),
    "the name of a filter": (
        "spec.yaml",
        "  named:",
        "  underscored:",
        [
            'changes no example: `where` of `tube/ward`: `named` is gone: `contains(file, "_")`; '
            '`underscored` is new: `contains(file, "_")`'
        ],
    ),
    "a column that nobody reads": (
        "ward.yaml",
        "      notes: text | null\n",
        "",
        ["changes no example: `tables.films` of the source `ward`: `columns.notes` is gone: `text | null` (no spec)"],
    ),
    "a rule that nobody names": (
        "words.yaml",
        "rules:\n",
        "rules:\n  scan: (scan|picture)\n",
        ["changes no example: `<scan>` of the shared words is new: `(scan|picture)` (no spec)"],
    ),
    # nothing at all
    "a comment": ("spec.yaml", "key: file", "key: file  # that of the table", []),
    "quotes": ("spec.yaml", "key: file", 'key: "file"', []),
    "parentheses": ("spec.yaml", "age is not null and age >= young", "(age is not null) and (age >= young)", []),
    "blank lines of a prompt": ("task.yaml", "    prompt: |\n", "    prompt: |\n\n", []),
}


@pytest.mark.parametrize(("file", "old", "new", "expected"), EDITS.values(), ids=EDITS)
def test_what_an_edit_does(file: str, old: str, new: str, expected: list[str]) -> None:
    assert changes(project(), project(file, old, new)) == expected


def test_rows_that_are_gathered_change_what_is_made_of_them() -> None:
    spec = SPEC.replace("  view: view", '  view: first_view ?? "none"')
    before = project("spec.yaml", SPEC, spec)
    after = compiled(before, {"ward.yaml": WARD.replace("view is not null}", "view in views}")})
    told = "the filter `has_view` of `ward.stays`: `view in views`, was `view is not null`"
    # No row hangs on it but by `when`, which asks for the view that is shown.
    assert changes(before, after) == [f"may add or remove rows: {told}", f"changes values: {told}"]


def compiled(compilation: Compilation, texts: Mapping[str, str], below: str = "") -> Compilation:
    """The files of a compilation, some of them with other texts, in another folder."""
    files = [File(below + path, below + path, text) for path, text in ({**compilation.texts, **texts}).items()]
    return PROJECTS.compile(files)


def test_a_filter_of_the_right_side_of_an_anti_join_lets_rows_in() -> None:
    more = "steps:\n  - join: {table: scores, on: file, kind: anti}\nwhere:\n"
    before = project("spec.yaml", "where:\n", more)
    bad = WARD.replace(
        "  stays:\n", "  bad:\n    from: scores\n    steps:\n      - where: {low: score < 3}\n  stays:\n"
    )
    texts = {"spec.yaml": SPEC.replace("where:\n", more.replace("scores", "bad")), "ward.yaml": bad}
    first = compiled(before, texts)
    texts["ward.yaml"] = bad.replace("score < 3", "score < 2")
    second = compiled(before, texts)
    assert changes(first, second) == ["adds rows: the filter `low` of `ward.bad`: `score < 2`, was `score < 3`"]
    assert changes(second, first) == ["removes rows: the filter `low` of `ward.bad`: `score < 3`, was `score < 2`"]


def test_filters_in_another_order_make_the_same_examples() -> None:
    swapped = 'where:\n  named: contains(file, "_")\n  adult: age is not null and age >= young\n'
    kept = "where:\n  adult: age is not null and age >= young\n" + '  named: contains(file, "_")\n'
    told = "`tube/ward` counts its rows in another order"
    assert changes(project(), project("spec.yaml", kept, swapped)) == [f"changes no example: {told}"]


def test_a_constant_of_another_name_is_no_change() -> None:
    before, words, spec = project(), WORDS.replace("young", "grown"), SPEC.replace("young", "grown")
    texts = {"words.yaml": words, "spec.yaml": spec}
    after = compiled(before, texts)
    found = difference(before, after)
    assert found.specs == {}
    assert {change.category for change in found.changes} == {"description"}


def test_moved_files_are_no_change() -> None:
    before = project()
    assert difference(before, compiled(before, {}, "elsewhere/")) == Difference((), ())


def test_what_is_new_or_gone_is_named() -> None:
    task = "kind: task\nname: Empty\ninputs: {view: text}\nturns:\n  - prompt: Say it.\n    answer: {format: text, text: view}\n"
    spec = (
        SPEC.replace("task: tube", "task: empty")
        .replace("  images: '[image]'\n", "")
        .replace('  known: \'["PA", "AP"]\'\n', "")
    )
    before, after = project(), project(more=task, spec2=spec)
    assert [(c.heading, c.what, c.specs) for c in difference(before, after).changes] == [
        ("changes the schema or ids", "the spec `empty/ward` is new", ("empty/ward",)),
        ("changes no example", "the task `empty` is new", ()),
    ]
    assert [(c.heading, c.what, c.old) for c in difference(after, before).changes] == [
        ("changes the schema or ids", "the spec `empty/ward` is gone", True),
        ("changes no example", "the task `empty` is gone", True),
    ]


def test_of_a_spec_with_errors_nothing_is_said_and_the_rest_is_compared() -> None:
    broken = project("spec.yaml", "key: file", "key: fiel")
    for before, after in ((project(), broken), (broken, project())):
        assert difference(before, after) == Difference((), ("tube/ward",))


# ---- what ships

PROGRESS = ("progression_*/*", "difference_vqa/*", "temporal_image_classification/*")
SHIPPED: dict[str, tuple[str, str, str, list[tuple[str, str]], tuple[str, ...]]] = {
    "a view less": (
        "tasks/view_classification/chexpert.yaml",
        'seen in ["AP", "PA", "Lateral"]',
        'seen in ["AP", "PA"]',
        [("rows", "removes")],
        ("view_classification/chexpert",),
    ),
    "a rule of prompts": (
        "words.yaml",
        "    The first image is the earlier one, the second is the current one.\n",
        "",
        [("text", "")],
        PROGRESS,
    ),
    "a prompt": (
        "tasks/view_classification/task.yaml",
        "(View|Projection) of",
        "Projection of",
        [("text", "")],
        ("view_classification/*",),
    ),
    "the words of an answer": (
        "tasks/foreign_object_detection/task.yaml",
        "empty: |\n",
        "empty: |\n        Nothing at all.\n",
        [("text", "")],
        ("foreign_object_detection/*",),
    ),
    "the split of a space": (
        "spaces.yaml",
        "bimcv: {otherwise: {ratio: {val: 0.1",
        "bimcv: {otherwise: {ratio: {val: 0.2",
        [("splits", "")],
        ("image_classification/padchest",),
    ),
    "a holdout": (
        "sources/rsna.yaml",
        "share: 0.3",
        "share: 0.2",
        [("splits", "")],
        ("image_classification/rsna",),
    ),
    "a key": (
        "tasks/view_classification/mimic_cxr.yaml",
        "key: dicom_id",
        "key: [study_id, dicom_id]",
        [("schema", "")],
        ("view_classification/mimic_cxr",),
    ),
    "the type of a key": ("sources/openi.yaml", "n: int", "n: text", [("schema", "")], ("*/openi",)),
    "a heading less": (
        "sources/mimic_cxr.yaml",
        "findings_headings: [FINDINGS, FINDING]",
        "findings_headings: [FINDINGS]",
        [("rows", ""), ("values", "")],
        ("findings_*/mimic_cxr", "progression_findings_generation/mimic_cxr", "grounded_phrase_extraction/ms_cxr"),
    ),
    "the order of a lag": (
        "sources/mimic_cxr.yaml",
        "order: [taken_on, taken_at, study_id]",
        "order: [taken_on, study_id]",
        [("rows", ""), ("values", "")],
        ("progression_*/mimic_cxr",),
    ),
    "how many of a kind are kept": (
        "tasks/image_classification/mimic_cxr.yaml",
        "rows: 50000",
        "rows: 40000",
        [("rows", "")],
        ("image_classification/mimic_cxr",),
    ),
    "how much boxes overlap that are one": (
        "sources/vindr_cxr.yaml",
        "over: 0.1\n",
        "over: 0.2\n",
        [("schema", ""), ("rows", ""), ("values", "")],  # the number of a box is part of an id
        ("*/vindr_cxr",),
    ),
    "what a drawn row is marked with": (
        "tasks/abnormality_grounding/vindr_cxr.yaml",
        "mark: {column: drawn_for, from: image_id}",
        "mark: {column: drawn_for, from: finding}",
        [("schema", "")],
        ("abnormality_grounding/vindr_cxr",),
    ),
    "a draw": (
        "tasks/view_classification/mimic_cxr.yaml",
        "chance(0.5)",
        "chance(0.4)",
        [("values", "")],
        ("view_classification/mimic_cxr",),
    ),
    "access": (
        "sources/openi.yaml",
        "access: open",
        "access: registration",
        [("terms", "tightens")],
        ("*/openi", "*/rad_restruct"),
    ),
    "a reason": (
        "tasks/view_classification/mimic_cxr.yaml",
        "because: same rule",
        "because: the same rule",
        [("description", "")],
        (),
    ),
    "a title": ("sources/openi.yaml", "title: Indiana", "title: The Indiana", [("description", "")], ()),
}


@pytest.mark.parametrize(("place", "old", "new", "done", "globs"), SHIPPED.values(), ids=SHIPPED)
def test_what_an_edit_of_what_ships_does(
    place: str, old: str, new: str, done: list[tuple[str, str]], globs: tuple[str, ...]
) -> None:
    before, after = what_ships(), rewritten(place, old, new)
    assert after.errors == 0
    found = difference(before, after)
    assert list(dict.fromkeys((change.category, change.way) for change in found.changes)) == done
    touched = {name for name in before.specs if any(fnmatchcase(name, glob) for glob in globs)}
    assert set(found.specs) == touched
    assert {name for name, one in before.specs.items() if one.plan != after.specs[name].plan} <= touched


def test_an_overlay_counts_where_it_is_published() -> None:
    edit = (
        "tasks/abnormality_detection/vindr_cxr.yaml",
        "at_most_five: size(regions) <= 5",
        "at_most_five: size(regions) <= 4",
    )
    assert [change.category for change in difference(what_ships(), rewritten(*edit)).changes] == ["description"]
    found = difference(what_ships(True), rewritten(*edit, published=True), True)
    assert [(change.category, change.way, change.specs) for change in found.changes] == [
        ("rows", "removes", ("abnormality_detection/vindr_cxr",))
    ]
