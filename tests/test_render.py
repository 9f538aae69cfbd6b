"""Drawing: each text below was written by hand, as a person wants to read it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic, Edit, Fix, Label, Span
from cxrspec.compiler.ignoring import Ignored
from cxrspec.compiler.render import Format, render

FILE = "tasks/view.yaml"
SPEC = "kind: spec\ntask: view_position\nsource: nih\nfrom: images\n\nwhere: age >= 18 and veiw == 'PA'\n"
SOURCE = "kind: source\n" + "\n" * 12 + "  images:\n    from: entries\n"
TEXTS = {FILE: SPEC, "sources/nih.yaml": SOURCE, "wide.yaml": "漢字: é e\u0301x\n\ta:\tb\x1b[2J\n"}


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
        "fix": None,
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
        "fix": None,
        "spec": "image_classification/rsna",
        "data": {"file": "raw/labels.csv", "column": "Target", "line": 17},
    }


def fixed(*edits: tuple[str, str], title: str = "write `view`") -> Diagnostic:
    """`UNKNOWN`, with a fix that writes other words."""
    return replace(UNKNOWN, others=(), fix=Fix(title, tuple(Edit(place(FILE, old).span, new) for old, new in edits)))


def test_a_fix_shows_what_would_stand_there() -> None:
    assert draw(fixed(("veiw", "view"))).endswith(
        """\
6 | where: age >= 18 and veiw == 'PA'
  |                      ^^^^ not a column of table `images`
  = help: a near name exists: `view`
  = fix: write `view`
6 + where: age >= 18 and view == 'PA'

1 error in 1 file
"""
    )


def test_a_fix_of_several_lines() -> None:
    assert draw(fixed(("task: view_position\n", ""), ("nih", "'nih'"), ("18", "17"), ("veiw", "view"))).endswith(
        """\
  = fix: write `view`
2 - task: view_position
3 + source: 'nih'
6 + where: age >= 17 and view == 'PA'

1 error in 1 file
"""
    )


def test_of_a_long_fix_the_first_lines_are_shown() -> None:
    text = "a\n" * 20
    edits = tuple(Edit(Span("x", at, at + 1), "b") for at in range(0, 40, 2))
    found = Diagnostic("CXR203", "error", "m", Label(Span("x", 0, 1)), fix=Fix("f", edits))
    drawn = render([found], {"x": text}, "text").splitlines()
    assert [line for line in drawn if "+" in line] == [f" {number} + b" for number in range(1, 7)]
    assert drawn[-3:] == ["...", "", "1 error in 1 file"]


def test_a_fix_in_json() -> None:
    (record,) = json.loads(render([fixed(("veiw", "view"))], TEXTS, "json"))
    edit = {"file": FILE, "line": 6, "column": 22, "endLine": 6, "endColumn": 26, "text": "view"}
    assert record["fix"] == {"title": "write `view`", "edits": [edit]}


# ---- github


def test_github() -> None:
    assert render([UNKNOWN, BAD_CELLS], TEXTS, "github") == (
        "::error file=tasks/view.yaml,line=6,endLine=6,col=22,endColumn=26,title=CXR203::"
        "unknown column `veiw`: not a column of table `images`%0A"
        "the table is declared here: sources/nih.yaml:14:3%0A"
        "help: a near name exists: `view`\n"
        "::warning title=CXR702::3 cells are no int%0A"
        "in raw/labels.csv, column `Target`, first at line 17%0Athe table: sources/nih.yaml:14:3\n"
    )


def test_github_has_its_own_escapes() -> None:
    odd = Diagnostic("CXR001", "error", "50% of a:b, c\r\n", Label(Span("a,b:c%.yaml", 0, 1)))
    assert render([odd], {}, "github") == ("::error file=a%2Cb%3Ac%25.yaml,title=CXR001::50%25 of a:b, c%0D%0A\n")


def test_github_takes_columns_of_one_line_only() -> None:
    several = Diagnostic("CXR009", "error", "long", place(FILE, "nih", length=20))
    assert render([several], TEXTS, "github") == f"::error file={FILE},line=3,endLine=6,title=CXR009::long\n"


def test_github_shows_ten_of_each_level() -> None:
    warning = Diagnostic("CXR307", "warning", "w", place(FILE, "age"))
    errors = [Diagnostic("CXR001", "error", f"{number:02}", place(FILE, "nih")) for number in range(12)]
    lines = render([warning, *errors], TEXTS, "github").splitlines()
    assert [line.rpartition("::")[2] for line in lines[:-1]] == [f"{number:02}" for number in range(10)] + ["w"]
    assert lines[-1] == (
        "::notice title=cxrspec::12 errors, 1 warning in 1 file; 11 are shown here, --format sarif has all of them"
    )
    assert len(render(errors[:10], TEXTS, "github").splitlines()) == 10


# ---- sarif


def sarif(*found: Diagnostic, texts: Mapping[str, str] = TEXTS, ignored: Sequence[Ignored] = ()) -> Any:
    """The one run of a log, which keeps the standard's schema."""
    log = json.loads(render(found, texts, "sarif", ignored=ignored))
    schema = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))
    validator: Any = Draft4Validator(schema, format_checker=Draft4Validator.FORMAT_CHECKER)
    validator.validate(log)
    return log["runs"][0]


def test_sarif_of_nothing() -> None:
    run = sarif()
    assert run["results"] == run["tool"]["driver"]["rules"] == []


def test_sarif() -> None:
    run = sarif(BAD_CELLS, fixed(("veiw", "view")), UNKNOWN)
    cells, mended, unknown = run["results"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["CXR203", "CXR702"]
    assert cells["locations"] == []
    assert cells["level"] == "warning"
    assert cells["message"]["text"] == "3 cells are no int in raw/labels.csv, column `Target`, first at line 17"
    where = {
        "artifactLocation": {"uri": "tasks/view.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 6, "startColumn": 22, "endLine": 6, "endColumn": 26},
    }
    assert mended["locations"] == unknown["locations"] == [{"physicalLocation": where}]
    assert unknown["message"]["text"] == (
        "unknown column `veiw`: not a column of table `images`\na near name exists: `view`"
    )
    other = {
        "artifactLocation": {"uri": "sources/nih.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 14, "startColumn": 3, "endLine": 14, "endColumn": 9},
    }
    assert unknown["relatedLocations"] == [
        {"id": 1, "message": {"text": "the table is declared here"}, "physicalLocation": other}
    ]
    replacement = {"deletedRegion": where["region"], "insertedContent": {"text": "view"}}
    change = {"artifactLocation": where["artifactLocation"], "replacements": [replacement]}
    assert mended["fixes"] == [{"description": {"text": "write `view`"}, "artifactChanges": [change]}]


def test_sarif_says_what_a_rule_means() -> None:
    (rule,) = sarif(UNKNOWN)["tool"]["driver"]["rules"]
    page = (Path(__file__).parent.parent / "docs" / "errors" / "CXR203.md").read_text("utf-8")
    assert rule["help"] == {"text": page, "markdown": page}
    assert rule["shortDescription"]["text"] == "an unknown name"


def test_sarif_names_files_as_uris() -> None:
    files = {"a b/ü.yaml": "x", "cxrspec/specs/sources/x.yaml": "x", "/abs/x y.yaml": "x"}
    run = sarif(*(Diagnostic("CXR001", "error", "m", Label(Span(file, 0, 1))) for file in files), texts=files)
    found = [one["locations"][0]["physicalLocation"]["artifactLocation"] for one in run["results"]]
    assert found == [
        {"uri": "file:///abs/x%20y.yaml"},
        {"uri": "a%20b/%C3%BC.yaml", "uriBaseId": "%SRCROOT%"},
        {"uri": "cxrspec/specs/sources/x.yaml", "uriBaseId": "PACKAGE"},
    ]
    assert {"%SRCROOT%", "PACKAGE"} == set(run["originalUriBaseIds"])


def test_a_fingerprint_stays_when_lines_above_move() -> None:
    twice = [Diagnostic("CXR307", "warning", "m", place(FILE, word)) for word in ("veiw", "nih", "images")]
    text = SPEC.replace("images", "nih")
    twice[2] = Diagnostic("CXR307", "warning", "m", Label(Span(FILE, text.rindex("nih"), text.rindex("nih") + 3)))
    before = [one["partialFingerprints"]["cxrspec/v1"] for one in sarif(*twice, texts={FILE: text})["results"]]
    moved = [
        replace(one, label=Label(Span(FILE, one.label.span.start + 2, one.label.span.end + 2)))
        for one in twice
        if isinstance(one.label, Label)
    ]
    assert before == [
        one["partialFingerprints"]["cxrspec/v1"] for one in sarif(*moved, texts={FILE: "#\n" + text})["results"]
    ]
    assert len(set(before)) == 3
    assert len({fingerprint.partition(":")[0] for fingerprint in before}) == 2


def test_what_is_ignored_is_in_sarif_with_its_reason_and_nowhere_else() -> None:
    warning = Diagnostic("CXR307", "warning", "m", place(FILE, "age"))
    run = sarif(UNKNOWN, ignored=[Ignored(warning, "why")])
    assert {one["ruleId"]: one["suppressions"] for one in run["results"]} == {
        "CXR203": [],
        "CXR307": [{"kind": "inSource", "justification": "why"}],
    }
    formats: tuple[Format, ...] = ("text", "concise", "json", "github")
    for format in formats:
        assert "CXR307" not in render([UNKNOWN], TEXTS, format, ignored=[Ignored(warning, "why")])


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_end_as_yaml_ends_them(line_break: str) -> None:
    text = f"a{line_break}{line_break}b\u2028c: d"
    found = Diagnostic("CXR007", "error", "here", Label(Span("x", text.index("d"), len(text))))
    assert render([found], {"x": text}, "concise") == "x:3:6: error[CXR007]: here\n"
