"""Drawing: each text below was written by hand, as a person wants to read it."""

from __future__ import annotations

import json

import pytest

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic, Label, Span
from cxrspec.compiler.render import render

SPEC = "kind: spec\ntask: view_position\nsource: nih\nfrom: images\n\nwhere: age >= 18 and veiw == 'PA'\n"
SOURCE = "kind: source\n" + "\n" * 12 + "  images:\n    from: entries\n"
TEXTS = {"tasks/view.yaml": SPEC, "sources/nih.yaml": SOURCE, "wide.yaml": "漢字: é e\u0301x\n\ta:\tb\x1b[2J\n"}


def place(file: str, word: str, text: str = "", length: int | None = None) -> Label:
    start = TEXTS[file].index(word)
    return Label(Span(file, start, start + (len(word) if length is None else length)), text)


UNKNOWN = Diagnostic(
    "CXR203",
    "error",
    "unknown column `veiw`",
    place("tasks/view.yaml", "veiw", "not a column of table `images`"),
    (place("sources/nih.yaml", "images", "the table is declared here"),),
    ("a near name exists: `view`",),
)
BAD_CELLS = Diagnostic(
    "CXR702",
    "warning",
    "3 cells are no int",
    DataPlace("raw/labels.csv", "Target", 17),
    (place("sources/nih.yaml", "images", "the table"),),
    spec="image_classification/rsna",
)


def draw(*found: Diagnostic, color: bool = False) -> str:
    return render(found, TEXTS, "text", color)


def test_nothing_is_said_when_there_is_nothing_to_say() -> None:
    assert draw() == render([], TEXTS, "concise") == ""
    assert json.loads(render([], TEXTS, "json")) == []


def test_a_finding_with_a_place_in_another_file() -> None:
    assert (
        draw(UNKNOWN)
        == """\
error[CXR203]: unknown column `veiw`
  --> tasks/view.yaml:6:22
   |
 6 | where: age >= 18 and veiw == 'PA'
   |                      ^^^^ not a column of table `images`
   |
  ::: sources/nih.yaml:14:3
   |
14 |   images:
   |   ------ the table is declared here
   = help: a near name exists: `view`

1 error in 1 file
"""
    )


def test_places_in_one_file_stand_in_the_order_of_lines() -> None:
    found = Diagnostic(
        "CXR002",
        "error",
        "many places",
        place("tasks/view.yaml", "images", "here"),
        (
            place("tasks/view.yaml", "age >", "third", 3),
            place("tasks/view.yaml", "nih", "second"),
            place("tasks/view.yaml", "kind"),
            place("tasks/view.yaml", "PA", "fourth"),
        ),
        ("one", "two"),
    )
    assert (
        draw(found)
        == """\
error[CXR002]: many places
 --> tasks/view.yaml:4:7
  |
1 | kind: spec
  | ----
...
3 | source: nih
  |         --- second
4 | from: images
  |       ^^^^^^ here
...
6 | where: age >= 18 and veiw == 'PA'
  |        --- third
  |                               -- fourth
  = help: one
  = help: two

1 error in 1 file
"""
    )


def test_a_place_in_data_is_named_never_shown() -> None:
    assert (
        draw(BAD_CELLS)
        == """\
warning[CXR702]: 3 cells are no int
  --> raw/labels.csv, column `Target`, first at line 17
   |
  ::: sources/nih.yaml:14:3
   |
14 |   images:
   |   ------ the table
   = spec: image_classification/rsna

1 warning in 1 file
"""
    )


@pytest.mark.parametrize(
    ("at", "name"),
    [
        (DataPlace("a.csv"), "a.csv"),
        (DataPlace("a.csv", "x"), "a.csv, column `x`"),
        (DataPlace("a.csv", line=3), "a.csv, first at line 3"),
        (Label(Span("elsewhere.yaml", 3, 5), "not drawn"), "elsewhere.yaml"),
    ],
)
def test_a_place_without_a_text(at: DataPlace | Label, name: str) -> None:
    drawn = draw(Diagnostic("CXR601", "error", "gone", at))
    assert drawn == f"error[CXR601]: gone\n --> {name}\n\n1 error in 1 file\n"


def test_no_place_at_all() -> None:
    found = Diagnostic("CXR805", "error", "no data root", help=("name one with --data",))
    assert (
        draw(found)
        == """\
error[CXR805]: no data root
  = help: name one with --data

1 error
"""
    )


def test_several_lines_are_marked_in_the_first() -> None:
    assert (
        draw(Diagnostic("CXR009", "error", "long", place("tasks/view.yaml", "nih", "from here", 20)))
        == """\
error[CXR009]: long
 --> tasks/view.yaml:3:9
  |
3 | source: nih
  |         ^^^ from here

1 error in 1 file
"""
    )


def test_the_end_of_a_file_and_empty_places() -> None:
    end = Label(Span("tasks/view.yaml", len(SPEC), len(SPEC)), "ends here")
    assert (
        draw(Diagnostic("CXR001", "error", "end", end, (place("tasks/view.yaml", "\n\n", "", 0),)))
        == """\
error[CXR001]: end
 --> tasks/view.yaml:7:1
  |
4 | from: images
  |             -
...
7 |
  | ^ ends here

1 error in 1 file
"""
    )


def test_wide_characters_marks_above_letters_and_tabs() -> None:
    found = Diagnostic("CXR007", "error", "width", place("wide.yaml", "x"), (place("wide.yaml", "b", "b"),))
    assert (
        draw(found)
        == """\
error[CXR007]: width
 --> wide.yaml:1:9
  |
1 | 漢字: é e\u0301x
  |          ^
2 |     a:  b\ufffd[2J
  |         - b

1 error in 1 file
"""
    )


def test_nothing_reaches_the_terminal_that_it_acts_on() -> None:
    found = Diagnostic("CXR007", "error", "a\x1b[2J\nb", None, (), ("c\rd",), "e\u202ef")
    assert draw(found).split("\n")[:3] == [
        "error[CXR007]: a\ufffd[2J\ufffdb",
        "  = spec: e\ufffdf",
        "  = help: c\ufffdd",
    ]


def test_sorted_by_file_and_place_with_a_summary() -> None:
    later = Diagnostic("CXR301", "warning", "later", place("tasks/view.yaml", "PA"))
    first = Diagnostic("CXR301", "error", "first", place("sources/nih.yaml", "entries"))
    drawn = draw(later, BAD_CELLS, UNKNOWN, first)
    heads = [line for line in drawn.split("\n") if line.startswith(("error", "warning"))]
    assert [head.split(": ")[1] for head in heads] == ["3 cells are no int", "first", "unknown column `veiw`", "later"]
    assert drawn.endswith("\n\n2 errors, 2 warnings in 3 files\n")


def test_colours_change_no_letter() -> None:
    import re

    painted = draw(UNKNOWN, BAD_CELLS, color=True)
    assert painted.startswith("\x1b[1;33mwarning[CXR702]\x1b[0m\x1b[1m: 3 cells are no int\x1b[0m\n")
    assert "\x1b[1;31m^^^^ not a column of table `images`\x1b[0m" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == draw(UNKNOWN, BAD_CELLS)


def test_one_line_for_each() -> None:
    two = Diagnostic("CXR805", "error", "no data\nroot", help=("one", "two"))
    assert render([UNKNOWN, BAD_CELLS, two], TEXTS, "concise") == (
        "error[CXR805]: no data\ufffdroot (one; two)\n"
        "raw/labels.csv, column `Target`, first at line 17: warning[CXR702]: 3 cells are no int"
        " [image_classification/rsna]\n"
        "tasks/view.yaml:6:22: error[CXR203]: unknown column `veiw` (a near name exists: `view`)\n"
    )


def test_json() -> None:
    data, spec = json.loads(render([UNKNOWN, BAD_CELLS], TEXTS, "json"))
    other = {"file": "sources/nih.yaml", "line": 14, "column": 3, "endLine": 14, "endColumn": 9}
    assert spec == {
        "code": "CXR203",
        "severity": "error",
        "message": "unknown column `veiw`",
        "file": "tasks/view.yaml",
        "line": 6,
        "column": 22,
        "endLine": 6,
        "endColumn": 26,
        "label": "not a column of table `images`",
        "others": [{**other, "label": "the table is declared here"}],
        "help": ["a near name exists: `view`"],
        "spec": None,
        "data": None,
    }
    assert data == {
        "code": "CXR702",
        "severity": "warning",
        "message": "3 cells are no int",
        **dict.fromkeys(("file", "line", "column", "endLine", "endColumn", "label")),
        "others": [{**other, "label": "the table"}],
        "help": [],
        "spec": "image_classification/rsna",
        "data": {"file": "raw/labels.csv", "column": "Target", "line": 17},
    }


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_end_as_yaml_ends_them(line_break: str) -> None:
    text = f"a{line_break}{line_break}b\u2028c: d"
    found = Diagnostic("CXR007", "error", "here", Label(Span("x", text.index("d"), len(text))))
    assert render([found], {"x": text}, "concise") == "x:3:6: error[CXR007]: here\n"
