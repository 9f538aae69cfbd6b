"""`# cxrspec: ignore[...] why`: which findings it keeps quiet, where, and what is said of one that does nothing."""

from __future__ import annotations

import pytest

from cxrspec.compiler.catalog import File, overlay
from cxrspec.compiler.diagnostics import Label
from cxrspec.compiler.pipeline import Compilation

from .case_files import WORKSPACES, packaged

SPEC = """\
kind: spec
name: Impression
source: openi
from: studies
where: impression is not null
key: n
inputs: {impression: text}
leak: the impression is to be written again
turns:
  - prompt: |
      Write the impression {must(impression)}.
      Write the impression of a report.
    answer:
      format: text
      text: must(impression)
"""
PROMPT, BLOCK, TEXT = "  - prompt: |", "      Write the impression {", "      text: must(impression)"
LEAK = "leak: the impression is to be written again\n"
WHY = "# cxrspec: ignore[CXR307] the filter above is about to go"


def compiled(*changes: tuple[str, str], spec: str = SPEC, published: bool = False) -> Compilation:
    for before, after in changes:
        assert spec.count(before) == 1
        spec = spec.replace(before, after)
    return WORKSPACES[published].compile(overlay(packaged(), [File("x.yaml", "x.yaml", spec)]))


def said(compilation: Compilation) -> list[tuple[str, str]]:
    """Code and message of what stands."""
    return sorted((found.code, found.message) for found in compilation.diagnostics)


def codes(compilation: Compilation) -> list[str]:
    return [code for code, _ in said(compilation)]


def test_without_a_comment_both_findings_stand() -> None:
    compilation = compiled()
    assert codes(compilation) == ["CXR307", "CXR307"]
    assert not compilation.ignored


@pytest.mark.parametrize(
    "change",
    [
        (TEXT, f"{TEXT}  {WHY}"),
        (TEXT, f"      {WHY}\n{TEXT}"),
        (TEXT, f"{WHY}\n      # another comment\n{TEXT}"),
        (TEXT, f"{TEXT}  # as ever # cxrspec: ignore[CXR307] the filter above is about to go"),
        (TEXT, f'      text: "must(impression)"{WHY}'),
    ],
)
def test_a_comment_speaks_for_its_line_or_the_next(change: tuple[str, str]) -> None:
    compilation = compiled(change)
    (stands,) = compilation.diagnostics
    assert isinstance(stands.label, Label)
    assert compilation.texts["x.yaml"][stands.label.span.start :].startswith("impression)}")
    assert [(one.finding.code, one.reason) for one in compilation.ignored] == [
        ("CXR307", "the filter above is about to go")
    ]


@pytest.mark.parametrize("change", [(PROMPT, f"{PROMPT}  {WHY}"), (PROMPT, f"  {WHY}\n{PROMPT}")])
def test_on_the_first_line_of_a_block_it_speaks_for_the_text(change: tuple[str, str]) -> None:
    compilation = compiled(change, (TEXT, "      text: impression"))
    assert not compilation.diagnostics
    assert len(compilation.ignored) == 1


def test_what_is_text_is_no_comment() -> None:
    in_block = f"{BLOCK}must(impression)}}."
    compilation = compiled((in_block, f"      {WHY}\n{in_block}"), ("\n    answer", f"\n      {WHY}\n    answer"))
    assert codes(compilation).count("CXR307") == 2
    assert not compilation.ignored
    quoted = compiled((LEAK, ""), (TEXT, f"      text: '\"{WHY}\"'"))
    assert codes(quoted) == ["CXR307"]


def test_a_blank_line_parts_a_comment_from_what_it_would_speak_for() -> None:
    compilation = compiled((TEXT, f"      {WHY}\n\n{TEXT}"))
    assert codes(compilation) == ["CXR017", "CXR307", "CXR307"]


@pytest.mark.parametrize("line_end", ["", "\n", "\r\n", "\n# cxrspec: ignore[CXR307] and once more"])
def test_a_comment_at_the_end_of_a_file_speaks_for_nothing(line_end: str) -> None:
    compilation = compiled(spec=f"{SPEC}{WHY}{line_end}")
    assert codes(compilation) == ["CXR017"] * (1 + line_end.count("cxrspec")) + ["CXR307", "CXR307"]


@pytest.mark.parametrize("line_break", ["\r\n", "\r"])
def test_lines_end_as_yaml_ends_them(line_break: str) -> None:
    spec = SPEC.replace(TEXT, f"      {WHY}\n{TEXT}").replace(PROMPT, f"{PROMPT}  {WHY}")
    compilation = compiled(spec=spec.replace("\n", line_break))
    assert not compilation.diagnostics
    assert len(compilation.ignored) == 2


def test_another_code_is_not_ignored() -> None:
    compilation = compiled((TEXT, f"{TEXT}  # cxrspec: ignore[CXR214] not this one"))
    assert codes(compilation) == ["CXR017", "CXR307", "CXR307"]


def test_an_idle_code_beside_one_that_is_not() -> None:
    compilation = compiled((TEXT, f"{TEXT}  # cxrspec: ignore[CXR214,  CXR307] only one"))
    assert said(compilation)[0] == ("CXR017", "nothing is there for `ignore[CXR214]` to ignore")
    fixes = [found.fix for found in compilation.diagnostics if found.code == "CXR017"]
    assert [(fix.title, [edit.text for edit in fix.edits]) for fix in fixes if fix] == [("keep `CXR307`", ["CXR307"])]


def test_an_error_is_not_ignored_and_is_named() -> None:
    compilation = compiled((TEXT, "      text: impresion  # cxrspec: ignore[CXR203] wished away"))
    assert said(compilation) == [
        ("CXR016", "CXR203 is an error here, and errors cannot be ignored"),
        ("CXR203", "unknown name `impresion`"),
        ("CXR307", "`must` asserts what is proved already"),
    ]
    assert compilation.specs["impression/openi"].plan is None


def test_with_an_error_nothing_is_called_idle() -> None:
    compilation = compiled((TEXT, f"      text: impresion  {WHY}"))
    assert codes(compilation) == ["CXR203", "CXR307"]


@pytest.mark.parametrize(
    "comment",
    ["# cxrspec: ignore", "# cxrspec: ignore[]", "# cxrspec ignore[CXR307] why", "#cxrspec:ignored[CXR307] why"],
)
def test_a_comment_that_cannot_be_read_ignores_nothing(comment: str) -> None:
    assert codes(compiled((TEXT, f"{TEXT} {comment}"))) == ["CXR014", "CXR307", "CXR307"]


def test_a_comment_without_a_reason_is_the_finding_in_place_of_the_other() -> None:
    assert codes(compiled((TEXT, f"{TEXT} # cxrspec: ignore[CXR307]"))) == ["CXR015", "CXR307"]


def test_other_comments_are_left_alone() -> None:
    compilation = compiled((TEXT, f"# cxrspec is a compiler; ignoring it would be a pity\n{TEXT}"))
    assert codes(compilation) == ["CXR307", "CXR307"]


OVERLAID = (
    SPEC
    + """\
published:
  row: [Findings Generation, OpenI]
  because: made up
  key: must(n)  # cxrspec: ignore[CXR307] as it was
"""
)


def test_a_comment_in_an_overlay_counts_where_the_overlay_is_read() -> None:
    both = (TEXT, f"{TEXT}  {WHY}"), (PROMPT, f"{PROMPT}  {WHY}")
    default = compiled(*both, spec=OVERLAID)
    assert not default.diagnostics
    assert len(default.ignored) == 2
    published = compiled(*both, spec=OVERLAID, published=True)
    assert not published.diagnostics
    assert len(published.ignored) == 3
    mended = OVERLAID.replace("must(n)", "n")
    assert codes(compiled(*both, spec=mended)) == []
    assert codes(compiled(*both, spec=mended, published=True)) == ["CXR017"]
