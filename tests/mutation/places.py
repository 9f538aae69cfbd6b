"""What stands where in the files that ship: keys, names, types, expressions, prompts. The compiler has no part in this.

PyYAML says where keys and values are; the tables below say what a value is by the keys that lead to it.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import yaml

from cxrspec.compiler.catalog import File

Role: TypeAlias = Literal[
    "word",  # a key or word of the language
    "table",  # these are references
    "column",
    "source",
    "task",
    "split",
    "space",
    "input",
    "constant",
    "label",
    "reader field",
    "license",
    "function",
    "rule",
    "name",  # in an expression
    "field",
    "declared",  # this is a declaration
    "title",
    "type",  # these hold what is none of the compiler's business, or more than one name
    "expression",
    "prompt",
    "number",
    "data",
    "free",
]

NAMES: frozenset[Role] = frozenset(
    (
        *("word", "table", "column", "source", "task", "split", "space", "input", "constant", "label", "reader field"),
        *("license", "function", "rule", "name", "field", "declared", "type"),
    )
)

_STEPS = {
    "where": "expression",
    "where/*": "expression",
    "derive/*": "expression",
    "select": "column",
    "join/table": "table",
    "join/on": "column",
    "join/on/*": "column",
    "join/take": "column",
    "join/take/*": "column",
    "join/kind": "word",
    "join/many": "word",
    "group/by": "column",
    "group/order": "expression",
    "group/take/*": "expression",
    "merge/by": "column",
    "merge/box": "column",
    "merge/order": "expression",
    "merge/take/*": "expression",
    "explode": "column",
    "explode/column": "column",
    "explode/as": "declared",
    "explode/position": "declared",
    "union": "table",
    "unpivot/columns": "column",
    "unpivot/name": "declared",
    "unpivot/value": "declared",
    "lag/by": "column",
    "lag/order": "expression",
    "lag/take/*": "column",
    "contrast/pool": "table",
    "contrast/lacks": "expression",
    "contrast/take": "column",
    "contrast/take/*": "column",
    "contrast/set/*": "expression",
    "contrast/mark/column": "declared",
    "contrast/mark/from": "column",
    "split/name": "split",
    "split/as": "declared",
}
_CONSTANTS = {
    "constants/*": "data",
    "constants/*/uncertain": "word",
    "constants/*/not_mentioned": "word",
    "constants/*/uncertain/*": "word",
    "constants/*/not_mentioned/*": "word",
}
_TASK = {
    "inputs/*": "type",
    "rules/*": "prompt",
    "turns/form": "free",
    "turns/let/*": "expression",
    "turns/when": "expression",
    "turns/prompt": "prompt",
    "turns/answer/format": "word",
    "turns/answer/markers": "word",
    "turns/answer/layout": "word",
    "turns/answer/reply": "word",
    "turns/answer/hint": "prompt",
    "turns/answer/empty": "prompt",
    "turns/answer/*": "expression",
}
_VALUES: dict[str, dict[str, str]] = {
    "source": {
        "kind": "word",
        "name": "declared",
        "title": "free",
        "license": "license",
        "homepage": "free",
        "use/*": "word",
        "identity/space": "space",
        "identity/patient": "column",
        "identity/study": "column",
        **_CONSTANTS,
        "tables/*/read": "word",
        "tables/*/key": "column",
        "tables/*/header": "word",
        "tables/*/optional": "word",
        "tables/*/origin": "word",
        "tables/*/columns/*": "type",
        "tables/*/columns/*/type": "type",
        "tables/*/columns/*/optional": "word",
        "tables/*/columns/*/clean": "word",
        "tables/*/columns/*/fold": "constant",
        "tables/*/columns/*/part_of": "column",
        "tables/*/from": "table",
        "splits/*/table": "table",
        "splits/*/column": "column",
        "splits/*/key": "column",
        "splits/*/lists/*": "table",
        "splits/*/out_of/*": "word",
        "splits/*/constant": "word",
        "splits/*/holdout/kept": "word",
        "splits/*/holdout/held": "word",
        "splits/*/holdout/held/kept": "word",
        "splits/*/holdout/held/held": "word",
    },
    "task": {"kind": "word", "name": "title", "about": "free", **_CONSTANTS, **_TASK},
    "spec": {
        "kind": "word",
        "task": "task",
        "source": "source",
        "from": "table",
        "key": "expression",
        "study": "expression",
        "identity": "word",
        "split": "split",
        "own_split": "free",
        "leak": "free",
        "because": "free",
        "bind/*": "expression",
        "keep/*/where": "expression",
        "keep/*/split": "word",
        "copy/*": "word",
        "rebuilds": "word",
        "row": "free",
        **_CONSTANTS,
        **_TASK,
    },
    "words": {
        "kind": "word",
        **_CONSTANTS,
        "rules/*": "prompt",
        "functions/*/takes/*": "type",
        "functions/*/gives": "expression",
    },
    "spaces": {"kind": "word", "spaces/*/authority": "split", "spaces/*/otherwise": "word"},
    "licenses": {"kind": "word", "licenses/*/*": "word"},
}
_KEYS: dict[str, str] = {  # of a mapping whose keys are no words of the language, by its own key
    "constants": "declared",
    "tables": "declared",
    "columns": "declared",
    "splits": "declared",
    "derive": "declared",
    "let": "declared",
    "inputs": "declared",
    "rules": "declared",
    "functions": "declared",
    "takes": "declared",
    "take": "declared",
    "spaces": "space",
    "licenses": "license",
    "on": "column",
    "set": "column",
    "bind": "input",
    "each": "field",
    "out_of": "split",
    "uncertain": "label",
    "not_mentioned": "label",
    "where": "free",
    "keep": "free",
    "values": "data",
}


@dataclass(frozen=True)
class Item:
    """A value, and the key that leads to it if it is one of a mapping; `inside` holds it, at `index`."""

    path: tuple[str, ...]
    value: yaml.Node
    key: yaml.ScalarNode | None
    inside: yaml.MappingNode | yaml.SequenceNode | None
    index: int
    value_role: Role
    key_role: Role

    @property
    def start(self) -> int:
        """Where key or value begin."""
        return _at((self.key or self.value).start_mark)


@dataclass(frozen=True)
class Word:
    """A name or literal, in one piece; `home` is the path to the value or key that it stands in."""

    text: str
    start: int
    end: int
    role: Role
    home: tuple[str, ...]


def _at(mark: object) -> int:
    assert isinstance(mark, yaml.Mark) or hasattr(mark, "index")
    return int(getattr(mark, "index"))  # noqa: B009  the C parser's marks are of a class of their own


@dataclass(frozen=True)
class Page:
    """A file that ships, with everything in it."""

    file: File
    number: int

    @cached_property
    def text(self) -> str:
        assert isinstance(self.file.text, bytes)
        return self.file.text.decode()

    @cached_property
    def kind(self) -> str:
        found = re.match(r"kind: (\w+)", self.text)
        assert found
        return found[1]

    @property
    def place(self) -> str:
        return self.file.place

    def say(self, *path: str) -> str:
        """The text of a scalar; nothing if it is not there."""
        return str(self.at[path].value.value) if path in self.at else ""

    @cached_property
    def root(self) -> yaml.MappingNode:
        root = compose(self.text)
        assert isinstance(root, yaml.MappingNode)
        return root

    def span(self, node: yaml.Node) -> tuple[int, int]:
        """Where a node stands, without the white space and comments behind it."""
        start, end = _at(node.start_mark), _at(node.end_mark)
        if isinstance(node, yaml.ScalarNode):
            return start, start + len(self.text[start:end].rstrip())
        if isinstance(node, yaml.CollectionNode) and node.flow_style:
            return start, end
        last = self.last(node)
        return start, self.span(last)[1] if last is not None else start

    @staticmethod
    def last(node: yaml.Node) -> yaml.Node | None:
        """The last value of a collection."""
        if isinstance(node, yaml.MappingNode):
            return node.value[-1][1] if node.value else None
        return node.value[-1] if node.value else None

    @cached_property
    def at(self) -> dict[tuple[str, ...], Item]:
        return {item.path: item for item in self.items}

    @cached_property
    def items(self) -> list[Item]:
        return list(self._items(self.root, ()))

    def _items(self, node: yaml.Node, path: tuple[str, ...]) -> Iterator[Item]:
        if isinstance(node, yaml.MappingNode):
            for index, (key, value) in enumerate(node.value):
                inner = (*path, str(key.value))
                yield Item(
                    inner, value, key, node, index, self._value_role(inner), self._key_role(path, str(key.value))
                )
                yield from self._items(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                inner = (*path, f"#{index}")
                yield Item(inner, value, None, node, index, self._value_role(inner), "free")
                yield from self._items(value, inner)

    def _value_role(self, path: tuple[str, ...]) -> Role:
        table, names = _VALUES[self.kind], plain(path)
        if "steps" in names:
            table, names = _STEPS, names[names.index("steps") + 1 :]
        elif names[0] == "where" and self.kind == "spec":
            table = _STEPS
        if names[-2:-1] == ("values",):
            column = next((i for i in self.items_of(path[:-2]) if i.path[-1] == "type"), None)
            return "word" if column is not None and column.value.value == "split" else "data"
        if names[-1:] == ("from",) and "columns" in names:
            return "reader field"
        role = next((role for pattern, role in table.items() if _matches(pattern, names)), "data")
        if names[-1:] == ("fold",) and path[-1].startswith("#"):  # a header of the file, of which no other file speaks
            return "data"
        return role  # type: ignore[return-value]

    def items_of(self, path: tuple[str, ...]) -> Iterator[Item]:
        """What stands in the mapping at `path`."""
        node: yaml.Node = self.root
        for step in path:
            pairs = node.value
            node = (
                pairs[int(step[1:])]
                if isinstance(node, yaml.SequenceNode)
                else next(v for k, v in pairs if k.value == step)
            )
        assert isinstance(node, yaml.MappingNode)
        for index, (key, value) in enumerate(node.value):
            yield Item((*path, str(key.value)), value, key, node, index, "free", "free")

    def _key_role(self, path: tuple[str, ...], key: str) -> Role:
        names = plain(path)
        above = names[-1] if names else ""
        if above in ("values", "uncertain", "not_mentioned") and key == "else":
            return "word"
        return _KEYS.get(above, "word")  # type: ignore[return-value]

    @cached_property
    def words(self) -> list[Word]:
        """Every name and literal of the file."""
        found: list[Word] = []
        for item in self.items:
            if item.key is not None:
                start, end = self.span(item.key)
                found.append(
                    Word(self.text[start:end].strip("'\""), *_bare(self.text, start, end), item.key_role, item.path)
                )
            if isinstance(item.value, yaml.ScalarNode):
                found += self._scalar(item)
        return found

    def _scalar(self, item: Item) -> Iterator[Word]:
        node = item.value
        start, end = self.span(node)
        raw, home = self.text[start:end], (*item.path, "=")
        match item.value_role:
            case "expression":
                yield from self._expression(raw, start, home)
            case "prompt":
                for slot in re.finditer(r"(?<!\\)\{([^{}]*)\}", raw):
                    yield from self._expression(slot[1], start + slot.start(1), home)
                for rule in re.finditer(r"(?<!\\)<(\w+)>", raw):
                    yield Word(rule[1], start + rule.start(1), start + rule.end(1), "rule", home)
            case "type":
                record = 0
                for word in re.finditer(r"\w+|[()]", raw):
                    record += {"(": 1, ")": -1}.get(word[0], 0)
                    field = record and raw[word.start() - 1] in "( " and re.match(r" [a-z]", raw[word.end() :])
                    of = word[0] in ("list", "of") or raw[: word.start()].endswith("of ")
                    if word[0].isidentifier():
                        role: Role = "field" if field and not of else "type"
                        yield Word(word[0], start + word.start(), start + word.end(), role, home)
            case "reader field":
                if call := re.match(r"(\w+)\(\d*\)$", raw):
                    yield Word(call[1], start, start + call.end(1), "reader field", home)
            case "table" | "split" if "." in raw:
                at = raw.index(".")
                yield Word(raw[:at], start, start + at, "source", home)
                yield Word(raw[at + 1 :], start + at + 1, end, item.value_role, home)
            case "data":
                if re.fullmatch(r"-?\d+(\.\d+)?", raw):
                    yield Word(raw, start, end, "number", home)
                else:
                    yield Word(raw, start, end, "data", home)
            case role:
                yield Word(raw.strip("'\""), *_bare(self.text, start, end), role, home)

    def _expression(self, raw: str, start: int, home: tuple[str, ...]) -> Iterator[Word]:
        for word in tokens(raw, start):
            yield Word(word.text, word.start, word.end, word.role, home)


def compose(text: str) -> yaml.Node | None:
    """PyYAML's tree of a text."""
    return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def plain(path: tuple[str, ...]) -> tuple[str, ...]:
    """A path without places of lists, and without the overlay it may stand in."""
    names = tuple(step for step in path if not step.startswith("#"))
    return tuple(name for name in names if name != "published") if names != ("published",) else names


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without the quotes."""
    return (start + 1, end - 1) if text[start] in "'\"" and end - start > 1 else (start, end)


def _matches(pattern: str, names: tuple[str, ...]) -> bool:
    steps = pattern.split("/")
    return len(steps) == len(names) and all(a in ("*", b) for a, b in zip(steps, names, strict=True))


_TOKEN = re.compile(
    r"""(?P<text>[fr]?"(?:\\.|[^"\\])*") | (?P<number>\d+(?:\.\d+)?) | (?P<word>[A-Za-z_]\w*\??) | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
KEYWORDS = {"and", "or", "not", "in", "is", "null", "if", "then", "else", "true", "false"}


def tokens(raw: str, start: int) -> Iterator[Word]:
    """The names and literals of an expression (or of the YAML scalar that holds it). Texts have the role `data`."""
    position = 0
    while found := _TOKEN.match(raw, position):
        position = found.end()
        at, end = start + found.start(), start + found.end()
        if found["text"] and found[0][0] == "f":
            position = yield from _format(raw, found.start(), start)
        elif found["text"]:
            yield Word(found[0], at, end, "data", ())
        elif found["number"]:
            yield Word(found[0], at, end, "number", ())
        elif found["word"]:
            behind, before = raw[found.end() :].lstrip(), raw[: found.start()].rstrip()
            role: Role = "name"
            if found[0] in KEYWORDS or found[0] == "record":
                role = "word"
            elif behind.startswith("("):
                role = "function"
            elif before.endswith(".") or re.match(r"=(?!=)", behind):
                role = "field"
            yield Word(found[0], at, end, role, ())


def _format(raw: str, at: int, start: int) -> Generator[Word, None, int]:
    """The names in `f"..."`, which may hold texts of their own; gives the place behind it."""
    position, opened = at + 2, 0
    inner = position
    while position < len(raw) and (opened or raw[position] != '"'):
        if raw[position] == "{":
            opened += 1
            inner = position + 1
        elif raw[position] == "}":
            opened -= 1
            yield from tokens(raw[inner:position], start + inner)
        position += 1
    return position + 1
