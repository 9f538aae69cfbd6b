"""What all files declare, by name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cxrspec.compiler import declarations as d
from cxrspec.compiler.catalog import File
from cxrspec.compiler.data import is_mapping
from cxrspec.compiler.diagnostics import Label, Report, Span
from cxrspec.compiler.parsed import Parsed


@dataclass(frozen=True, slots=True)
class Declared:
    """What is declared; of two declarations of one name the first holds.

    words      all shared words; `words_files` are where they stand
    spoiled    what the files that could not be read would have declared: nobody is told that it is unknown
    lost       the kinds of these files
    published  whether a published run is meant
    texts      all files, by path
    own        the files that are whoever compiles to mend: local ones; where there are none, all that ship
    """

    sources: Mapping[str, d.Source]
    tasks: Mapping[str, d.Task]
    specs: Mapping[str, d.Spec]
    spaces: Mapping[str, d.Space]
    licenses: Mapping[str, d.License]
    words: d.Words
    words_files: Collection[str]
    spoiled: Collection[str]
    lost: Collection[str]
    published: bool
    texts: Mapping[str, str]
    own: Collection[str]

    def quoted(self, span: Span) -> bool:
        """Whether the marked text stands between YAML's quotes: then YAML took them, and a name was read."""
        text = self.texts[span.file]
        before, after = text[span.start - 1 : span.start], text[span.end : span.end + 1]
        return before == after and before in ('"', "'")


@dataclass(frozen=True, slots=True)
class Either(Collection[str]):
    """Names that stand in one of two collections."""

    first: Collection[str]
    second: Collection[str]

    def __contains__(self, name: object) -> bool:
        return name in self.first or name in self.second

    def __iter__(self) -> Iterator[str]:
        return iter((*self.first, *self.second))

    def __len__(self) -> int:
        return len(self.first) + len(self.second)


def declare(
    files: Sequence[File], parsed: Mapping[str, Parsed], texts: Mapping[str, str], published: bool, report: Report
) -> Declared:
    """What `files` declare; a name that is declared twice is a finding."""
    shipped = {f.path for f in files if f.shipped}
    found = [one.declaration for one in parsed.values() if one.declaration is not None]
    spaces = [space for x in found if isinstance(x, d.Spaces) for space in x.spaces]
    licenses = [one for x in found if isinstance(x, d.Licenses) for one in x.licenses]
    words = [x for x in found if isinstance(x, d.Words)]
    lost = [f for f in files if parsed[f.path].declaration is None]
    return Declared(
        sources=_by_name([x for x in found if isinstance(x, d.Source)], shipped, "source", report),
        tasks=_by_name([x for x in found if isinstance(x, d.Task)], shipped, "task", report),
        specs=_by_name([x for x in found if isinstance(x, d.Spec)], shipped, "spec", report),
        spaces=_by_name(spaces, shipped, "space", report),
        licenses=_by_name(licenses, shipped, "licence", report),
        words=_together(words),
        words_files=frozenset(file_of(x) for x in words),
        spoiled=frozenset(name for f in lost for name in _would_declare(f, texts[f.path], parsed[f.path].value)),
        lost=frozenset(kind for f in lost if (kind := _would_be(f, parsed[f.path].value))),
        published=published,
        texts=texts,
        own=(texts.keys() - shipped) or shipped,
    )


def file_of(node: d.Spec | d.Task | d.Source | d.Space | d.License | d.Words) -> str:
    """The path of the file that a declaration stands in."""
    return node.span.file if node.span is not None else ""


Named = TypeVar("Named", d.Source, d.Space, d.License, d.Task, d.Spec)


def _by_name(items: Iterable[Named], shipped: set[str], what: str, report: Report) -> dict[str, Named]:
    """Declarations by name: a local one goes before what ships (a warning), two local ones are an error."""
    found: dict[str, Named] = {}
    for item in items:
        first = found.setdefault(item.name, item)
        if first is item:
            continue
        others = (Label(item.span, "the other one"),) if item.span else ()
        if file_of(item) in shipped:
            report.warning(
                "CXR214", first.span, f"the {what} `{item.name}` takes the place of the one that ships", others=others
            )
        else:
            report.error("CXR215", first.span, f"the {what} `{item.name}` is declared twice", others=others)
    return found


def _together(words: Sequence[d.Words]) -> d.Words:
    """All shared words; the first of one name holds, so local ones go before those that ship."""
    together = d.Words({}, {}, {})
    for one in reversed(words):
        together.constants.update(one.constants)
        together.rules.update(one.rules)
        together.functions.update(one.functions)
        together.rule_spans.update(one.rule_spans)
    return together


def _would_declare(file: File, text: str, value: object) -> set[str]:
    """The names that a file which could not be read may have declared; `value` is what was read of it."""
    *_, folder, last = ("", *file.place.split("/"))
    said = re.search(r"^name:\s*(.+?)\s*$", text, re.MULTILINE)
    name = value.get("name") if is_mapping(value) else said.group(1) if said else None
    return {last.partition(".")[0], folder} | ({name, d.snake(name)} if isinstance(name, str) else set())


_PLURAL = ("spaces", "licenses", "words")
"""Kinds of files that have no name of their own, and are mostly called as their kind is."""


def _would_be(file: File, value: object) -> str:
    """The kind of a file that could not be read: by what it says, else by its name; "" for any that has a name of its own."""
    kind = value.get("kind") if is_mapping(value) else None
    name = file.place.rpartition("/")[2].partition(".")[0]
    return kind if isinstance(kind, str) and kind in d.KINDS else name if name in _PLURAL else ""
