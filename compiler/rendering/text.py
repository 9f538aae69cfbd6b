"""Findings drawn for a terminal.

error[CXR203]: unknown name `veiw`
 --> specs/tasks/view_position.yaml:6:12
  |
6 | where: age >= 18 and veiw == 'PA'
  |                      ^^^^ not a column of `nih.images`
  = help: a near name exists: `view`
  = fix: write `view`
6 + where: age >= 18 and view == 'PA'
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from unicodedata import combining, east_asian_width

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic, Edit, Fix, Label, Span, applied
from cxrspec.compiler.rendering.places import Texts, counts, data_name, place_name, printable

TAB = 4
"""Columns of a screen between tab stops."""

MAX_MENDED = 6
"""Lines that are shown of one fix."""

_RED, _GREEN, _YELLOW, _BLUE = "\x1b[1;31m", "\x1b[1;32m", "\x1b[1;33m", "\x1b[1;34m"
_BOLD, _END = "\x1b[1m", "\x1b[0m"


def render(found: Sequence[Diagnostic], texts: Texts, color: bool = False) -> str:
    """A drawing of each, and what they come to; "" where there is nothing to say."""
    drawing = _Drawing(texts, color)
    return "".join(f"{drawing.draw(one)}\n\n" for one in found) + (f"{counts(found)}\n" if found else "")


@dataclass(frozen=True, slots=True)
class _Mark:
    """A label as it is drawn: its line, the columns of the screen it covers, and the words beside it."""

    line: int
    start: int
    width: int
    text: str
    primary: bool


class _Drawing:
    """Draws findings into text, with or without colours."""

    def __init__(self, texts: Texts, color: bool) -> None:
        self.texts, self.color = texts, color

    def draw(self, one: Diagnostic) -> str:
        style = _RED if one.severity == "error" else _YELLOW
        sections, mended = _sections(one, self.texts), _mended(one.fix, self.texts)
        numbers = [mark.line for *_, marks in sections for mark in marks] + [line for line, *_ in mended]
        gutter = " " * len(str(max(numbers, default=1)))
        lines = [self.paint(style, f"{one.severity}[{one.code}]") + self.paint(_BOLD, f": {printable(one.message)}")]
        for index, (name, file, marks) in enumerate(sections):
            lines += [self.bar(gutter)] if index else []
            lines.append(f"{gutter}{self.paint(_BLUE, ':::' if index else '-->')} {printable(name)}")
            lines += self.snippet(file, marks, gutter, style)
        notes = [("spec", one.spec)] if one.spec else []
        notes += [("help", help) for help in one.help]
        notes += [("fix", one.fix.title)] if one.fix else []
        lines += [f"{gutter} {self.paint(_BLUE, '=')} {self.paint(_BOLD, what)}: {printable(t)}" for what, t in notes]
        here = sections[0][1] if sections else ""
        for line, sign, file, text in mended[:MAX_MENDED]:
            lines += [f"{gutter}{self.paint(_BLUE, ':::')} {printable(file)}"] if file != here else []
            written = f"{line:>{len(gutter)}} {sign} {_screen(text)}".rstrip()
            lines.append(self.paint(_GREEN if sign == "+" else _RED, written))
            here = file
        lines += [self.paint(_BLUE, "...")] if len(mended) > MAX_MENDED else []
        return "\n".join(lines)

    def snippet(self, file: str, marks: Sequence[_Mark], gutter: str, style: str) -> Iterator[str]:
        """The lines that are marked, each with its marks below; lines between are left out."""
        bar, drawn = self.bar(gutter), 0
        for mark in marks:
            if drawn == 0:
                yield bar
            elif mark.line > drawn + 1:
                yield self.paint(_BLUE, "...")
            if mark.line != drawn:
                number = self.paint(_BLUE, f"{mark.line:>{len(gutter)}} |")
                yield f"{number} {_screen(self.texts[file].line(mark.line))}".rstrip()
            drawn = mark.line
            below = ("^" if mark.primary else "-") * mark.width
            words = f"{below} {printable(mark.text)}".rstrip()
            yield f"{bar} {' ' * mark.start}{self.paint(style if mark.primary else _BLUE, words)}"

    def bar(self, gutter: str) -> str:
        return f"{gutter} {self.paint(_BLUE, '|')}"

    def paint(self, style: str, text: str) -> str:
        return f"{style}{text}{_END}" if self.color else text


def _sections(one: Diagnostic, texts: Texts) -> list[tuple[str, str, list[_Mark]]]:
    """The files that a finding speaks of, the primary place's first: name of the place, file, marks by line."""
    data = [(data_name(one.label), "", list[_Mark]())] if isinstance(one.label, DataPlace) else []
    primary = [one.label] if isinstance(one.label, Label) else []
    labels: dict[str, list[Label]] = {}
    for label in (*primary, *one.others):
        labels.setdefault(label.span.file, []).append(label)
    return data + [
        (
            place_name(group[0].span, texts),
            file,
            sorted(_marks(group, one, texts), key=lambda mark: (mark.line, mark.start)),
        )
        for file, group in labels.items()
    ]


def _marks(labels: Iterable[Label], one: Diagnostic, texts: Texts) -> Iterator[_Mark]:
    """A place of several lines is marked in its first one."""
    for label in labels:
        text = texts.get(label.span.file)
        if text is None:
            continue
        line, column = text.position(label.span.start)
        content = text.line(line)
        start = len(_cells(content[: column - 1]))
        end = len(_cells(content[: column - 1 + label.span.end - label.span.start]))
        yield _Mark(line, start, max(1, end - start), label.text, label is one.label)


def _mended(fix: Fix | None, texts: Texts) -> list[tuple[int, str, str, str]]:
    """The lines that a fix changes: number, `+` (`-` for a line that goes), file, and how the line reads after it."""
    stretches: dict[tuple[str, int, int], list[Edit]] = {}
    for edit in fix.edits if fix else ():
        text = texts[edit.span.file]
        start, last = edit.span.start, max(edit.span.start, edit.span.end - 1)
        stretches.setdefault((edit.span.file, text.position(start)[0], text.position(last)[0]), []).append(edit)
    mended: list[tuple[int, str, str, str]] = []
    for (file, first, last), edits in stretches.items():
        text, span = texts[file], texts[file].lines(first, last)
        moved = [Edit(Span("", e.span.start - span.start, e.span.end - span.start), e.text) for e in edits]
        before = text.text[span.start : span.end]
        after = applied(before, moved)
        sign, shown = ("+", after) if after else ("-", before)
        mended += [(first + at, sign, file, line) for at, line in enumerate(shown.splitlines())]
    return mended


def _screen(line: str) -> str:
    """A line as a terminal shows it: tabs as blanks, nothing that moves the cursor."""
    return "".join(_cells(line))


def _cells(line: str) -> list[str]:
    """What stands in each column of the screen; a wide character takes two, the second is empty.

    >>> _cells("a\\tb"), _cells("漢")
    (['a', ' ', ' ', ' ', 'b'], ['漢', ''])
    """
    cells: list[str] = []
    for character in line:
        if character == "\t":
            cells += " " * (TAB - len(cells) % TAB)
        elif combining(character) and cells:
            cells[-1] += character
        else:
            cells += [printable(character)] + [""] * (east_asian_width(character) in ("W", "F"))
    return cells
