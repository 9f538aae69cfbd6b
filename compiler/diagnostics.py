"""What is wrong, as data: a finding knows its code, its place and its remedy; drawing it is render.py's work.

A place in a spec is a `Span` (character offsets into one file); a place in somebody's data is a `DataPlace`
(file, column, first line), and never a cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from cxrspec.compiler.nodes import node

Severity = Literal["error", "warning"]


@node
class Span:
    """Characters `start` to `end` (exclusive) of `file`, as the file's text has them."""

    file: str
    start: int
    end: int

    def __lt__(self, other: Span) -> bool:
        return (self.file, self.start, self.end) < (other.file, other.start, other.end)


@node
class Label:
    """A place in a YAML file, with what there is to say about it ("declared here")."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class DataPlace:
    """A place in a data file. `line` is the first line concerned (from 1); no cell is ever kept."""

    file: str
    column: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """What is to stand in place of the characters of `span`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A remedy that is certain, so that a program may apply it: `title` says it in words ("write `view`").

    `edits` do not overlap.
    """

    title: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: `message` is the headline (what was found), `label` the one place to look at.

    `others` are secondary places, `help` what to do next, `fix` does it where there is no doubt. `spec` names the spec
    that a finding in data stops. `causes` are declarations: findings that hang on the same one are said together.
    """

    code: str
    severity: Severity
    message: str
    label: Label | DataPlace | None = None
    others: tuple[Label, ...] = ()
    help: tuple[str, ...] = ()
    spec: str | None = None
    fix: Fix | None = None
    causes: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """Declarations that a finding hangs on: what there is to say of them, and the places where they stand."""

    others: tuple[Label, ...] = ()
    spans: tuple[Span, ...] = ()

    def __add__(self, other: Cause) -> Cause:
        return Cause(tuple(dict.fromkeys(self.others + other.others)), tuple(dict.fromkeys(self.spans + other.spans)))


NO_CAUSE = Cause()


@dataclass(slots=True)
class Report:
    """Collects findings; passes go on after a mistake, so that one run shows all of them."""

    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def error(
        self,
        code: str,
        span: Span | None,
        message: str,
        *,
        label: str = "",
        others: Iterable[Label] = (),
        help: str | Iterable[str] = (),
        fix: Fix | None = None,
        cause: Cause = NO_CAUSE,
    ) -> None:
        """Record an error at `span`; `label` is written below the marked text."""
        self.add("error", code, span, message, label, others, help, fix, cause)

    def warning(
        self,
        code: str,
        span: Span | None,
        message: str,
        *,
        label: str = "",
        others: Iterable[Label] = (),
        help: str | Iterable[str] = (),
        fix: Fix | None = None,
        cause: Cause = NO_CAUSE,
    ) -> None:
        """Record a warning: the run may go on, `--strict` turns it into a failure."""
        self.add("warning", code, span, message, label, others, help, fix, cause)

    def add(
        self,
        severity: Severity,
        code: str,
        span: Span | None,
        message: str,
        label: str = "",
        others: Iterable[Label] = (),
        help: str | Iterable[str] = (),
        fix: Fix | None = None,
        cause: Cause = NO_CAUSE,
    ) -> None:
        """Record a finding of either severity."""
        lines = (help,) if isinstance(help, str) else tuple(help)
        place = Label(span, label) if span is not None else None
        shown = tuple(line for line in lines if line)
        more = (*others, *cause.others)
        self.extend((Diagnostic(code, severity, message, place, more, shown, fix=fix, causes=cause.spans),))

    def extend(self, findings: Iterable[Diagnostic]) -> None:
        """Record findings made elsewhere; one that is known already is not repeated (specs share their task)."""
        self.diagnostics += [found for found in findings if found not in self.diagnostics]

    @property
    def errors(self) -> int:
        """Number of errors so far."""
        return sum(d.severity == "error" for d in self.diagnostics)


def close(name: str, known: Iterable[str]) -> list[str]:
    """The names that resemble `name` in any case of letters, at most three, the most alike first.

    >>> close("NIH", ["nih", "rsna"])
    ['nih']
    """
    cases: dict[str, list[str]] = {}
    for one in sorted(set(known)):
        cases.setdefault(one.casefold(), []).append(one)
    return [one for case in get_close_matches(name.casefold(), cases, n=3, cutoff=0.6) for one in cases[case]][:3]


def alike(name: str, known: Mapping[str, Span | None]) -> Cause:
    """The declaration of the one name that resembles `name`: mostly it is what is misspelt; none if there are more."""
    names = close(name, known)
    span = known[names[0]] if len(names) == 1 else None
    return NO_CAUSE if span is None else Cause((Label(span, f"`{names[0]}` is declared here"),), (span,))


def near(name: str, known: Iterable[str], what: str = "") -> str:
    """A help line with the names that resemble `name`, or with what exists; empty if nothing does.

    >>> near("veiw", ["view", "study_id"])
    'a near name exists: `view`'
    >>> near("zzz", ["view", "study_id"], "columns")
    'known columns: `study_id`, `view`'
    """
    names = sorted(set(known))
    alike = close(name, names)
    if alike:
        return ("a near name exists: " if len(alike) == 1 else "near names exist: ") + ", ".join(
            f"`{n}`" for n in alike
        )
    if not names:
        return ""
    shown = ", ".join(f"`{n}`" for n in names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return f"known {what or 'names'}: {shown}"


def write(span: Span | None, text: str) -> Fix | None:
    """The fix that writes `text` in place of what stands at `span`; None where no place is known."""
    return None if span is None else Fix(f"write `{text.strip()}`", (Edit(span, text),))


def leave_out(entries: Mapping[str, Span], name: str) -> Fix | None:
    """The fix that takes away the key `name`; `entries` are the lines of keys."""
    return Fix(f"leave `{name}` out", (Edit(entries[name], ""),)) if name in entries else None


def respell(
    span: Span | None, name: str, known: Iterable[str], synonyms: Mapping[str, str] | None = None
) -> Fix | None:
    """The fix that writes a known name in place of `name`, which stands at `span`; only if just one is a typo away.

    `synonyms` are what others call the known ones.
    """
    names = {*known}
    alike = [one for one in names if is_typo(name, one) or (synonyms or {}).get(name) == one]
    return write(span, alike[0]) if len(alike) == 1 else None


def respell_text(
    span: Span | None, text: str, known: Iterable[str], synonyms: Mapping[str, str] | None = None
) -> Fix | None:
    """As `respell`, for a text literal: `span` has its quotes, if it has any, and no character is escaped."""
    quotes, odd = (0, 1) if span is None else divmod(span.end - span.start - len(text), 2)
    if span is None or odd or quotes not in (0, 1):
        return None
    return respell(Span(span.file, span.start + quotes, span.end - quotes), text, known, synonyms)


def within(span: Span | None, text: str, start: int, end: int) -> Span | None:
    """The place of characters of a text literal at `span`; all of it where an escape, or YAML, has moved them."""
    width = 0 if span is None else span.end - span.start - len(text)
    if span is None or width not in (2, 3):  # quotes, and the `r` of `r"..."`
        return span
    first = span.start + width - 1
    return Span(span.file, first + start, first + end)


def combined(fixes: Iterable[Fix | None]) -> Fix | None:
    """One fix of several that do the same in several places; None if one of them is missing or does something else."""
    listed = list(fixes)
    known = [fix for fix in listed if fix is not None]
    if len(known) < len(listed) or len({fix.title for fix in known}) != 1:
        return None
    return Fix(known[0].title, tuple(sorted({edit for fix in known for edit in fix.edits})))


def applied(text: str, edits: Iterable[Edit]) -> str:
    """`text` with all edits made; they do not overlap.

    >>> applied("where: veiw", [Edit(Span("", 7, 11), "view")])
    'where: view'
    """
    pieces, at = list[str](), 0
    for edit in sorted(edits):
        pieces += [text[at : edit.span.start], edit.text]
        at = edit.span.end
    return "".join(pieces) + text[at:]


def first(span: Span | None, part: str) -> Span | None:
    """The place of `part`, with which the text at `span` begins."""
    return None if span is None else Span(span.file, span.start, span.start + len(part))


def last(span: Span | None, part: str) -> Span | None:
    """The place of `part`, with which the text at `span` ends."""
    return None if span is None else Span(span.file, span.end - len(part), span.end)


def is_typo(written: str, meant: str) -> bool:
    """Whether one letter was dropped, added or changed, or two neighbours were swapped, in a word of three or more.

    So is a word in other case. Digits are no typos: `film_2` is not a misspelt `film_1`.

    >>> [is_typo(written, "view") for written in ("veiw", "vew", "vieww", "viev", "weiv", "view")]
    [True, True, True, True, False, False]
    """
    if written != meant and written.lower() == meant.lower():
        return True
    short, long = sorted((written, meant), key=len)
    if len(long) < 3 or len(long) - len(short) > 1 or short == long or _digits(short) != _digits(long):
        return False
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return swapped or short[at + 1 :] == long[at + 1 :]


def _digits(name: str) -> str:
    return "".join(character for character in name if character.isdigit())
