"""LOAD: the text of a YAML file becomes a Document: plain values, and beside them the place of every key and value.

    where: view in ["AP", "PA"]    ->    value {"where": 'view in ["AP", "PA"]'}
                                         span(("where",)) = characters 7 to 27, style(("where",)) = "plain"

The tree is built from PyYAML's events with a stack of our own. Scalars follow YAML 1.2's core schema: `yes`, `no`
and `on` are text, and so are dates. Keys are kept as they are written: `1: x` has the key "1".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import chain, pairwise
from typing import Any, Literal, TypeAlias

import yaml

from cxrspec.compiler.catalog import as_text
from cxrspec.compiler.diagnostics import Edit, Fix, Label, Report, Span, write
from cxrspec.compiler.yaml_mistakes import explain, quoted, single, unclosed

Path: TypeAlias = tuple[str | int, ...]
Style: TypeAlias = Literal["plain", "single", "double", "literal", "folded"]

MAX_DEPTH = 64
"""Levels of a file: later passes walk values by recursion."""

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STYLES: dict[str, Style] = {"": "plain", "'": "single", '"': "double", "|": "literal", ">": "folded"}
_WHITE = " \t\r\n"

# What is no text of a file: control characters, halves of surrogate pairs, and the characters that YAML 1.1 reads
# as line breaks but no editor counts as such (NEL, LS, PS).
_STRANGE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Document:
    """A file as plain values (dict, list, str, int, float, bool, None; keys in file order), and where they stand."""

    file: str
    text: str
    value: Any
    spans: Mapping[Path, Span] = field(repr=False)
    keys: Mapping[Path, Span] = field(repr=False)
    styles: Mapping[Path, Style] = field(repr=False)

    def span(self, path: Path) -> Span:
        """The place of a value, quotes included; for a path that is not there, of the nearest one above."""
        while path not in self.spans:
            path = path[:-1]
        return self.spans[path]

    def key_span(self, path: Path) -> Span:
        """The place of the key that leads to `path`; a list item has no key and gives its own place."""
        return self.keys.get(path) or self.span(path)

    def inside(self, span: Span) -> Span:
        """The place of a scalar without the quotes around it."""
        quotes = int(self.text[span.start : span.start + 1] in ("'", '"') and span.end - span.start > 1)
        return Span(span.file, span.start + quotes, span.end - quotes)

    def entry(self, path: Path) -> Span | None:
        """What goes if the key of `path` is left out: its lines, but for a comment; None if they hold something else."""
        start, end = self.key_span(path).start, self.span(path).end
        line = max(self.text.rfind(end, 0, start) for end in "\r\n") + 1
        rest = re.compile(r"[ \t]*(#[^\r\n]*)?(?:\r\n|\r|\n|\Z)").match(self.text, end)
        if rest is None or self.text[line:start].strip():
            return None
        return Span(self.file, start, rest.start(1)) if rest[1] else Span(self.file, line, rest.end())

    def as_written(self, fix: Fix) -> Fix:
        """A fix of what scalars say, as a fix of the text: YAML's quotes are put around it, or doubled in it."""
        return replace(fix, edits=tuple(chain.from_iterable(map(self._as_written, fix.edits))))

    def _as_written(self, edit: Edit) -> tuple[Edit, ...]:
        for path, style in self.styles.items():
            span = self.spans[path]
            if style in ("single", "double") and span.start < edit.span.start and edit.span.end < span.end:
                pattern, doubled = ("'", "''") if style == "single" else (r'[\\"]', r"\\\g<0>")
                return (replace(edit, text=re.sub(pattern, doubled, edit.text)),)
            if style == "plain" and span.start == edit.span.start <= edit.span.end <= span.end:
                rest = self.text[edit.span.end : span.end]
                is_text = edit.text.startswith('"') and not re.search("['\r\n]", edit.text + rest)
                return (Edit(span, f"'{edit.text}{rest}'"),) if is_text else (edit,)
        return (edit,)

    def style(self, path: Path) -> Style:
        """How the scalar at `path` is written.

        Raises:
            KeyError: there is no scalar.
        """
        return self.styles[path]

    def raw(self, path: Path) -> str:
        """The source text of a value, as it stands in the file."""
        span = self.span(path)
        return self.text[span.start : span.end]

    def locate(self, path: Path) -> Callable[[int, int], Span]:
        """A function from offsets `start, end` in the scalar's value to the place of those characters in the file.

        An empty range gives an empty place. For scalars that are no text the offsets are those of `raw`.
        """
        span = self.span(path)
        style = self.styles.get(path, "plain")
        places: list[tuple[int, int]] = []  # found when the first one is asked for: a text that is in order has no need

        def at(start: int, end: int) -> Span:
            if not places:
                places.extend(_characters(self.text, span, style, self._value(path)))
            if start >= len(places):
                tail = places[-1][1] if places else span.start + (style in ("single", "double"))
                return Span(self.file, tail, tail)
            first = places[start][0]
            return Span(self.file, first, places[min(end, len(places)) - 1][1] if end > start else first)

        return at

    def _value(self, path: Path) -> Any:
        return reduce(lambda value, step: value[step], path, self.value)


def load(text: str | bytes, file: str, report: Report) -> Document | None:
    """The document in `text`; None where it is not what it seems to be (CXR001, 003 to 006, 009 to 011, 013).

    A key that stands twice is reported too (CXR002); its first value holds.
    """
    source = _readable(text, file, report)
    if source is None:
        return None
    builder = _Builder(source, file, report)
    try:
        for event in yaml.parse(source, Loader=_LOADER):
            if not builder.take(event):
                return None
    except yaml.MarkedYAMLError as error:
        _unreadable(error, builder)
        return None
    return builder.document()


def _unreadable(error: yaml.MarkedYAMLError, builder: _Builder) -> None:
    """Report in our own words why the parser stopped (CXR001; CXR005 where it looked ahead beyond its own limit)."""
    text, file = builder.text, builder.file
    at = _index(error.problem_mark, len(text))
    if error.problem == "exceeded maximum nesting depth":
        builder.error("CXR005", Span(file, at, at + 1), f"more than {MAX_DEPTH} levels")
        return
    found = explain(text, str(error.problem), at, _index(error.context_mark, at), builder.last)
    others = [Label(Span(file, start, end), words) for start, end, words in found.others]
    span, fix = Span(file, found.start, found.end), None
    if found.fix is not None:
        start, end, written = found.fix
        fix = write(Span(file, start, end), written)
    builder.report.error("CXR001", span, found.message, label=found.label, others=others, help=found.help, fix=fix)


def _index(mark: Any, default: int) -> int:
    """A mark's place in characters; the parser's types leave open whether there is one."""
    return default if mark is None else min(int(mark.index), default)


def _readable(text: str | bytes, file: str, report: Report) -> str | None:
    """`text` as YAML may read it, without a byte order mark (CXR013)."""
    source = as_text(text)
    if isinstance(text, bytes):
        try:
            text.decode("utf-8")
        except UnicodeDecodeError as error:
            start = len(as_text(text[: error.start]))
            message = f"byte {error.start + 1} is not UTF-8"
            report.error("CXR013", Span(file, start, start + 1), message, help="files are written in UTF-8")
            return None
    strange = _STRANGE.search(source)
    if strange is None:
        return source
    span = Span(file, strange.start(), strange.end())
    report.error("CXR013", span, f"the character U+{ord(strange[0]):04X} does not belong into a text file")
    return None


# ---- from events to values


@dataclass(frozen=True, slots=True)
class _Entry:
    """A member of a flow collection: where its key (if any) and its value stand, and whether that is plain text."""

    key: Span | None
    value: Span
    plain: bool


@dataclass(slots=True)
class _Frame:
    """A collection that is not finished; `key` is the key that waits for its value."""

    path: Path
    container: dict[str, Any] | list[Any]
    start: int
    flow: bool
    key: str | None = None
    key_span: Span | None = None
    entries: list[_Entry] = field(default_factory=list[_Entry])
    seen: dict[str, Span] = field(default_factory=dict[str, Span])


class _Builder:
    """Takes events one by one; `take` answers whether it makes sense to go on."""

    def __init__(self, text: str, file: str, report: Report) -> None:
        self.text, self.file, self.report = text, file, report
        self.spans: dict[Path, Span] = {}
        self.keys: dict[Path, Span] = {}
        self.styles: dict[Path, Style] = {}
        self.stack: list[_Frame] = []
        self.root: Any = None
        self.last = (0, 0)
        self.documents = 0
        self.sound = True

    def document(self) -> Document | None:
        if self.documents == 0:
            self.error("CXR006", Span(self.file, 0, 0), "an empty file", help="a file starts with `kind:`")
        if not self.sound:
            return None
        return Document(self.file, self.text, self.root, self.spans, self.keys, self.styles)

    def error(self, code: str, span: Span, message: str, **more: Any) -> None:
        self.report.error(code, span, message, **more)
        self.sound = False

    def take(self, event: yaml.Event) -> bool:
        match event:
            case yaml.ScalarEvent():
                self.scalar(event)
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    message, help = "a second document in one file", "a file holds one source, task or spec"
                    self.error("CXR004", self.place(event), message, help=help)
                return self.documents == 1
            case yaml.AliasEvent():
                self.decoration("an alias", self.start(event))
                self.put(None, self.place(event))
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                return self.open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self.close(event)
            case _:
                pass
        return True

    def place(self, event: yaml.Event) -> Span:
        return Span(self.file, self.start(event), _index(event.end_mark, len(self.text)))

    def start(self, event: yaml.Event) -> int:
        return _index(event.start_mark, len(self.text))

    def path(self) -> Path:
        """Where the next value goes."""
        if not self.stack:
            return ()
        frame = self.stack[-1]
        return (*frame.path, frame.key or "" if isinstance(frame.container, dict) else len(frame.container))

    def awaits_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].container, dict) and self.stack[-1].key is None

    def scalar(self, event: yaml.ScalarEvent) -> None:
        style = _STYLES[event.style or ""]
        span = self.place(event)
        if style in ("literal", "folded"):  # the event ends after the blank lines below the text
            span = Span(self.file, span.start, span.start + len(self.text[span.start : span.end].rstrip(_WHITE)))
        if event.anchor or event.tag:
            self.decoration("an anchor" if event.anchor else "a tag", self.start(event))
        if span.end > span.start:
            self.last = (span.start, span.end)
        if self.awaits_key():
            self.key(event.value, span)
            return
        if style == "plain":
            self.cut(span)
        self.styles.setdefault(self.path(), style)
        self.put(_core(event.value) if style == "plain" else event.value, span, style == "plain")

    def decoration(self, what: str, start: int) -> None:
        """An anchor, alias or tag, up to the next white space; mostly a text that begins with its character."""
        line = re.split(r"[\r\n]", self.text[start:], maxsplit=1)[0].rstrip()
        span = Span(self.file, start, start + len(line.split(maxsplit=1)[0]))
        help = f"a value that starts with `{line[0]}` needs quotes: {quoted(line)}"
        self.error("CXR003", span, f"{what} is not part of the language", help=help)

    def key(self, name: str, span: Span) -> None:
        frame = self.stack[-1]
        frame.key, frame.key_span = name, span
        if name in frame.seen:
            others = [Label(frame.seen[name], "first here")]
            self.report.error("CXR002", span, f"the key `{name}` stands here twice", label="again here", others=others)
        frame.seen.setdefault(name, span)
        self.keys.setdefault(self.path(), span)

    def put(self, value: Any, span: Span, plain: bool = False) -> None:
        """A finished value goes where it belongs; the first value of a key holds."""
        self.spans.setdefault(self.path(), span)
        if not self.stack:
            self.root = value
            return
        frame = self.stack[-1]
        if frame.flow:
            frame.entries.append(_Entry(frame.key_span, span, plain))
        if isinstance(frame.container, list):
            frame.container.append(value)
        elif frame.key is not None:
            frame.container.setdefault(frame.key, value)
            frame.key = frame.key_span = None

    def open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> bool:
        start = self.start(event)
        if event.anchor or event.tag:
            self.decoration("an anchor" if event.anchor else "a tag", self.start(event))
        if len(self.stack) >= MAX_DEPTH:
            self.error("CXR005", Span(self.file, start, start + 1), f"more than {MAX_DEPTH} levels")
            return False
        if self.awaits_key():
            self.error("CXR009", Span(self.file, start, start + 1), "a list or mapping as a key")
            return False
        container: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.stack.append(_Frame(self.path(), container, start, bool(event.flow_style)))
        return True

    def close(self, event: yaml.Event) -> None:
        frame = self.stack.pop()
        mark = self.place(event)
        end = mark.end
        if not frame.flow:  # a block collection's event ends where the next thing starts
            last = len(frame.container) - 1
            members = frame.container if isinstance(frame.container, dict) else (last,) if last >= 0 else ()
            ends = [self.spans[(*frame.path, member)].end for member in members]
            end = max([frame.start, *ends])
        elif mark.end > mark.start:  # not the bare `a: b` inside `[...]`
            self.commas(frame)
        self.last = (frame.start, end)
        self.put(frame.container, Span(self.file, frame.start, end))

    # ---- silent traps: text that YAML reads as something else than it looks like

    def cut(self, span: Span) -> None:
        """` #` starts a comment, also in the middle of what looks like one text."""
        comment = re.compile(r"[ \t]+(#[^\r\n]*)").match(self.text, span.end)
        if comment is None or not unclosed(self.text[span.start : span.end]):
            return
        # the value ends where it is whole: before another ` #`, or with the line
        ends = [comment.start(1) + match.start() for match in re.finditer(r"[ \t]+#|[ \t]*\Z", comment[1])]
        texts = [self.text[span.start : end] for end in ends]
        whole = next((text for text in texts if not unclosed(text)), "")
        place = Span(self.file, span.start, span.start + len(whole))
        self.error(
            "CXR011",
            Span(self.file, *comment.span(1)),
            "a `#` after a blank cut the value short",
            label="YAML reads a comment from here on",
            others=[Label(span, "so the value is only this")],
            help=f"quotes keep it whole: {quoted(whole or texts[-1])}",
            fix=write(place, single(whole)) if whole and not self.stack[-1].flow else None,
        )

    def commas(self, frame: _Frame) -> None:
        """A comma ends a value inside `{...}` and `[...]`, also in the middle of what looks like one expression."""
        index = 0
        while index < len(frame.entries):
            index = self.comma(frame, index)

    def comma(self, frame: _Frame, index: int) -> int:
        """Look at one member of a flow collection; the index of the next one to look at."""
        entry, rest = frame.entries[index], frame.entries[index + 1 :]
        if rest and entry.plain and unclosed(self.text[entry.value.start : entry.value.end]):
            whole = next((i for i, e in enumerate(rest) if not self.is_unclosed(entry.value, e.value)), -1)
            place = Span(self.file, entry.value.start, rest[whole].value.end)
            text = self.text[place.start : place.end] if whole >= 0 else ""
            self.error(
                "CXR010",
                rest[0].key or rest[0].value,
                "a comma ended the expression",
                label="read as a key of its own" if rest[0].key else "read as an item of its own",
                others=[Label(entry.value, "the value ends at the comma")],
                help=f"quotes keep it whole: {quoted(text)}; so does block style, one a line" if text else "",
                fix=write(place, single(text)) if text and not re.search(_BREAK, text) else None,
            )
            return index + 2 + whole
        if len(frame.entries) > 1 and entry.key and entry.value.start == entry.value.end and self.is_bare(entry.key):
            name = self.text[entry.key.start : entry.key.end]
            help = "inside `{...}` a comma ends a value and starts a key: a value with a comma needs quotes"
            self.error("CXR010", entry.key, f"the key `{name}` has no value", help=help)
        return index + 1

    def is_unclosed(self, first: Span, last: Span) -> bool:
        return unclosed(self.text[first.start : last.end])

    def is_bare(self, key: Span) -> bool:
        """Whether not even a colon follows the key."""
        return not self.text[key.end :].lstrip(_WHITE).startswith(":")


# ---- scalars


def _core(text: str) -> str | int | float | bool | None:
    """A plain scalar as YAML 1.2's core schema reads it; whole numbers of more than 18 digits are floats.

    >>> [_core(t) for t in ("no", "True", "0x1F", "1_000", "2024-01-01", ".5", "~")]
    ['no', True, 31, '1_000', '2024-01-01', 0.5, None]
    """
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if text[0] not in "-+.0123456789":
        return text
    if re.fullmatch(r"[-+]?[0-9]{1,18}", text):
        return int(text)
    if re.fullmatch(r"0o[0-7]{1,20}|0x[0-9a-fA-F]{1,15}", text):
        return int(text[2:], 8 if text[1] == "o" else 16)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", text):
        return float(text)
    if re.fullmatch(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", text):
        return float(text.replace(".", ""))
    return text


# ---- from offsets in a value to places in the file

_BREAK = r"(?:\r\n|\r|\n)"
_FOLD = rf"(?P<fold>[ \t]*(?:{_BREAK}[ \t]*)+)"  # one break is a blank, more are one less
_CHARACTERS = {
    "plain": re.compile(rf"{_FOLD}|.", re.DOTALL),
    "single": re.compile(rf"{_FOLD}|''|.", re.DOTALL),
    "double": re.compile(
        rf"(?P<joined>\\{_BREAK}[ \t]*(?:{_BREAK}[ \t]*)*)|{_FOLD}|\\x.{{2}}|\\u.{{4}}|\\U.{{8}}|\\.|.", re.DOTALL
    ),
}


def _characters(text: str, span: Span, style: Style, value: Any) -> Iterator[tuple[int, int]]:
    """The place in `text` of each character of a scalar's value."""
    match style:
        case "literal" | "folded":
            return _block(text, span, value)
        case "plain" | "single" | "double":
            quotes = int(style != "plain")
            start, end = span.start + quotes, span.end - quotes
            return _as_written(start, end) if text[start:end] == value else _flow(text, start, end, style)


def _as_written(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Characters that stand in the file as they are."""
    return pairwise(range(start, end + 1))


def _block(text: str, span: Span, value: str) -> Iterator[tuple[int, int]]:
    """Block text: the value's words stand in the file as they are, only the white space between them differs."""
    header = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?").match(text, span.start, span.end)
    at = header.end() if header else span.start
    for run in re.findall(rf"[^{_WHITE}]+|[{_WHITE}]", value):
        if run not in _WHITE:
            while text[at] in _WHITE:
                at += 1
            yield from _as_written(at, at + len(run))
            at += len(run)
        else:
            width = int(at < span.end and (run == text[at] or text[at] in _WHITE))
            yield at, at + width
            at += width


def _flow(text: str, start: int, end: int, style: Style) -> Iterator[tuple[int, int]]:
    """Plain and quoted scalars: each match is a character, an escape, or the white space around line breaks."""
    for match in _CHARACTERS[style].finditer(text, start, end):
        breaks = len(re.findall(_BREAK, match[0]))
        width = 1
        if match.lastgroup == "joined":
            width = breaks - 1
        elif match.lastgroup == "fold":
            width = max(1, breaks - 1)
        yield from [match.span()] * width
