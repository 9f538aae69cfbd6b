"""The classes of mutants. What is to be expected of each follows from what was done, never from the compiler.

must fail    a finding that touches the mutated place
may pass     a finding, or a category of `diff`
must be clean    no finding, and plans with the same fingerprint
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from itertools import islice
from typing import Any, Literal, TypeAlias, cast

import yaml
from jsonschema import Draft7Validator

from cxrspec.compiler.catalog import shipped
from cxrspec.compiler.data import is_list, is_mapping
from cxrspec.compiler.functions import FUNCTIONS

from .places import KEYWORDS, NAMES, Item, Page, Role, Word, compose, plain

RULES: frozenset[Role] = frozenset(("rule",))
_NONE: frozenset[Role] = frozenset(("word", "declared", "rule", "type"))
REFERENCES = NAMES - _NONE

Fate: TypeAlias = Literal["must fail", "may pass", "must be clean"]
Edit: TypeAlias = tuple[int, int, str]
"""Characters from, to (exclusive), and what takes their place."""


@dataclass(frozen=True)
class Mutant:
    """A file with one mistake. `home` is the mutated place, in characters of the new text; `what` the kind within the class."""

    fate: Fate
    kind: str
    what: str
    page: Page
    text: str
    home: tuple[int, int]
    published: bool

    def __str__(self) -> str:
        line = self.text.count("\n", 0, self.home[0]) + 1
        return f"{self.kind}: {self.what} in {self.page.place}:{line}"


def mutant(
    fate: Fate, kind: str, what: str, page: Page, path: Sequence[str], edit: Edit, home: tuple[int, int] | None = None
) -> Mutant:
    """`home` is a place of the old text round the edit; left out, it is the edit itself."""
    start, end, new = edit
    text = page.text[:start] + new + page.text[end:]
    grown = len(text) - len(page.text)
    if home is None:
        home = start, end
    return Mutant(fate, kind, what, page, text, (home[0], max(home[0], home[1] + grown)), "published" in path)


class Corpus:
    """All files that ship, and what can be said of their names together."""

    def __init__(self) -> None:
        self.files = shipped()
        self.pages = [Page(file, number) for number, file in enumerate(self.files)]

    @cached_property
    def sources(self) -> dict[str, Page]:
        return {page.say("name"): page for page in self.pages if page.kind == "source"}

    @cached_property
    def tasks(self) -> dict[str, Page]:
        return {
            page.say("name").lower().replace(" ", "_").replace("-", "_"): page
            for page in self.pages
            if page.kind == "task"
        }

    @cached_property
    def specs(self) -> list[Page]:
        return [page for page in self.pages if page.kind == "spec"]

    @cached_property
    def vocabulary(self) -> set[str]:
        """Every word of every file, of the functions and of the schemas: no misspelling is one of them."""
        texts = [page.text for page in self.pages] + list(FUNCTIONS) + [json.dumps(schema(k)) for k in SCHEMAS]
        return {word for text in texts for word in re.findall(r"\w+\??", text)}

    def scope(self, page: Page) -> list[Page]:
        """The files that may speak of what a file declares."""
        name = page.say("name")
        match page.kind:
            case "source":
                return [page, *(s for s in self.specs if s.say("source") == name)]
            case "task":
                return [page, *(s for s in self.specs if self.tasks[s.say("task")] is page)]
            case "words" | "spaces" | "licenses":
                return self.pages
            case _:
                return [page]

    def referred(self, word: Word, page: Page) -> bool:
        """Whether something refers to a declaration that has its name for itself."""
        roles = RULES if word.home[-2:-1] == ("rules",) else REFERENCES
        same = [w for p in self.scope(page) for w in p.words if w.text == word.text]
        if sum(w.role == "declared" for w in page.words if w.text == word.text) > 1:
            return False
        taken = any(self.takes(p, word.text) for p in self.scope(page)) if page.kind == "source" else False
        return taken or any(w.role in roles for w in same)

    def takes(self, page: Page, name: str) -> bool:
        """Whether a spec takes the column of this name for an input that it does not bind."""
        if page.kind != "spec" or name in self.bound(page):
            return False
        return name in self.inputs(self.tasks[page.say("task")])

    @staticmethod
    def bound(page: Page) -> dict[str, str]:
        return {i.path[-1]: i.value.value for i in page.items if i.path[:-1] == ("bind",)}

    @staticmethod
    def inputs(page: Page) -> dict[str, str]:
        return {i.path[-1]: i.value.value for i in page.items if i.path[:-1] == ("inputs",)}


# ---- must fail


def misspelt(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """A name anywhere: a letter is lost, doubled or swapped, so that a word comes out that stands in no file."""
    for page in corpus.pages:
        for word in page.words:
            if word.role not in NAMES or (word.role == "declared" and not corpus.referred(word, page)):
                continue
            if word.role == "label" and word.text == "else":
                continue
            new = _misspelling(word.text, corpus.vocabulary, random)
            edit = word.start, word.end, new
            what = "key" if word.role == "word" and word.home[-1] != "=" else word.role
            yield mutant("must fail", "misspell a name", what, page, word.home, edit)


def _misspelling(word: str, known: set[str], random: random.Random) -> str:
    body = word.removesuffix("?")
    ways = [body[:i] + body[i + 1 :] for i in range(1, len(body))] if len(body) > 3 else []
    ways += [body[:i] + body[i + 1] + body[i] + body[i + 2 :] for i in range(len(body) - 1)] if len(body) > 3 else []
    ways += [body[: i + 1] + body[i:] for i in range(len(body))]
    fresh = [way for way in ways if way not in known and way != body and way.lower() not in KEYWORDS]
    return random.choice(sorted(set(fresh))) + word[len(body) :]


SCHEMAS = ("source", "task", "spec", "spaces", "words", "licenses")


def schema(kind: str) -> dict[str, Any]:
    rules: dict[str, Any] = json.loads((files("cxrspec.grammars") / f"{kind}.schema.json").read_text("utf-8"))
    return rules


def _required(schema: Any, root: Any, value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The keys that the schema's own lists ask for, each with the path to its mapping."""
    if not is_mapping(schema):
        return
    rules = schema
    if "$ref" in rules:
        yield from _required(root["definitions"][rules["$ref"].rpartition("/")[2]], root, value, path)
        return
    if "if" in rules:
        condition = {**root, **_bare_rules(rules["if"]), "definitions": root["definitions"]}
        holds = cast(Any, Draft7Validator)(condition).is_valid(value)
        yield from _required(rules.get("then" if holds else "else"), root, value, path)
    for part in rules.get("allOf", ()):
        yield from _required(part, root, value, path)
    if is_mapping(value):
        yield from ((path, key) for key in rules.get("required", ()))
        for key, inner in value.items():
            known = rules.get("properties", {}).get(key, rules.get("additionalProperties"))
            yield from _required(known, root, inner, (*path, key))
    elif is_list(value):
        for index, inner in enumerate(value):
            yield from _required(rules.get("items"), root, inner, (*path, f"#{index}"))


def _bare_rules(rules: Any) -> dict[str, Any]:
    """The rules of a condition alone, without those of the root it is put into."""
    none: dict[str, Any] = {
        "required": [],
        "properties": {},
        "additionalProperties": True,
        "type": ["object", "array", "string", "number"],
    }
    return {**none, "if": True, "then": True, "else": True, **rules}


def _value(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {k.value: _value(v) for k, v in node.value}
    return [_value(v) for v in node.value] if isinstance(node, yaml.SequenceNode) else node.value


def dropped_keys(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """A key that the schema asks for."""
    for page in corpus.pages:
        rules = schema(page.kind)
        wanted = {(*path, key) for path, key in _required(rules, rules, _value(page.root), ())}
        for item in page.items:
            if item.path in wanted:
                what = "/".join(plain(item.path)[-2:])
                yield mutant(
                    "must fail", "drop a required key", what, page, item.path, without(page, item), block(page, item)
                )


def without(page: Page, item: Item) -> Edit:
    """The edit that takes an item out of its mapping or list."""
    assert item.inside is not None
    members = [i for i in page.items if i.inside is item.inside]
    at, text = item.index, page.text
    end = page.span(item.value)[1]
    start = item.start if item.key is not None else page.span(item.value)[0]
    if item.inside.flow_style:
        if at + 1 < len(members):
            return start, members[at + 1].start, ""
        return (page.span(members[at - 1].value)[1] if at else start), end, ""
    if at + 1 < len(members) and item.key is not None:
        return start, members[at + 1].start, ""
    end = text.index("\n", end) if "\n" in text[end:] else len(text)
    first = text.rfind("\n", 0, start)
    if at == 0 and item.key is not None and text[first + 1 : start].strip():  # behind the dash of a list item
        return start, end, ""
    return max(first, 0), end, ""


def block(page: Page, item: Item, up: int = 1) -> tuple[int, int]:
    """The mapping that holds an item (or one further up), with the key that leads to it."""
    path = item.path[:-up]
    if not path:
        return 0, len(page.text)
    outer = page.at[path]
    return outer.start, page.span(outer.value)[1]


SCALAR = {"int": "text", "float": "text", "text": "int", "bool": "text", "split": "int", "box": "text", "image": "text"}


def retyped(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """An input, or a column that is used where only its own type fits; and one that may be null where it must not."""
    for page in corpus.pages:
        for word in page.words:
            if word.role != "type" or word.text not in SCALAR or page.kind not in ("source", "task"):
                continue
            if page.kind == "task":
                what = "an input"
            elif uses := corpus_uses(corpus, page, word):
                what = f"a column: {uses}"
            else:
                continue
            new = SCALAR[word.text]
            yield mutant("must fail", "retype a column or input", what, page, word.home, (word.start, word.end, new))
        if page.kind != "source":
            continue
        for item in page.items:
            typed = isinstance(item.value, yaml.ScalarNode) and item.value_role == "type"
            column_of = re.fullmatch(r"tables/(\w+)/columns/(\w+)(?:/.*)?", "/".join(plain(item.path)))
            if typed and column_of is not None and "|" not in item.value.value:
                table, column = column_of.groups()
                start, end = page.span(item.value)
                keys = [i.value for i in page.items if i.path[:3] == ("tables", table, "key")]
                used = any(node.value == column for node in keys)
                if used or column_is_input(corpus, page, table, column):
                    what = "may be null: a key" if used else "may be null: an input"
                    edit = (end, end, " | null")
                    home = start, end
                    yield mutant("must fail", "retype a column or input", what, page, item.path, edit, home)


_WANTS_TEXT = ("lower|capitalize|strip|squeeze|nonempty|replace|contains|contains_any|head|tail|split|part|match"
               "|int|int\\?|numbers|literals|section|last_paragraph|rle_box")  # fmt: skip


def corpus_uses(corpus: Corpus, page: Page, word: Word) -> str:
    """Why a column cannot have another type: an expression of its own file or of a spec wants it; nothing if none does.

    Only columns are asked about whose name is declared once in the file, and only lists and scalars of one word.
    """
    names = plain(word.home)
    if names[0] != "tables" or names[2] != "columns":
        return ""
    column = names[3]
    if sum(w.text == column and w.role == "declared" for w in page.words) > 1:
        return ""
    kind = next(str(i.value.value) for i in page.items if i.path == word.home[:-1])
    if kind not in ("text", "text | null", "int", "float", "list of text", "split"):
        return ""
    specs = [p for p in corpus.scope(page) if p.kind == "spec"]
    items = [i for p in (page, *specs) for i in p.items if "published" not in i.path]
    expressions = [str(i.value.value) for i in items if i.value_role == "expression"]
    wants = [
        (rf"(?:\b(?:{_WANTS_TEXT})\({column}\b(?! ==))", "a function of text", ("text",)),
        (
            rf"(?<![.\w]){column}\b (?:==|!=|<|<=|>|>=) (?:\"|\d)",
            "a comparison with a literal",
            ("text", "int", "float"),
        ),
        (rf"(?<![.\w]){column}\b (?:not )?in \[\"", "a comparison with a literal", ("text",)),
        (rf"(?<![.\w]){column}\b \?\? \"", "a text in its place", ("text",)),
        (rf"\bbox(?:_xywh)?\([^)]*\b{column}\b", "a box", ("int", "float")),
    ]
    for pattern, why, kinds in wants:
        if kind.partition(" |")[0].split()[-1] in kinds and any(re.search(pattern, e) for e in expressions):
            return why
    if column_is_input(corpus, page, names[1], column):
        return "an input"
    splits = [i for i in page.items if i.path[0] == "splits" and i.path[-1] == "column" and i.value.value == column]
    return "a split" if splits and kind == "split" else ""


def column_is_input(corpus: Corpus, page: Page, table: str, column: str) -> bool:
    """Whether a spec takes the column of a table that is read, as it is, for an input.

    So it reads of that table, or of one made from it by filters and joins alone, and either binds just the name or
    leaves the input of that name unbound.
    """
    if sum(w.text == column and w.role == "declared" for w in page.words) > 1:
        return False
    for spec in corpus.scope(page)[1:]:
        start = spec.say("from")
        if start != table:
            steps = {
                plain(i.path)[3]
                for i in page.items
                if i.path[:3] == ("tables", start, "steps") and len(plain(i.path)) > 3
            }
            if page.say("tables", start, "from") != table or not steps <= {"where", "join", "derive"}:
                continue
        if any(plain(i.path)[:1] == ("steps",) for i in spec.items):
            continue
        inputs, bound = corpus.inputs(corpus.tasks[spec.say("task")]), corpus.bound(spec)
        if any(bound.get(name, name) == column and "null" not in type for name, type in inputs.items()):
            return True
    return False


def literals_unquoted(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """A text in an expression loses its quotes; YAML's quotes go where they keep a text a text."""
    for page in corpus.pages:
        for word in page.words:
            bare = word.text.strip('"')
            if (
                word.role == "data"
                and word.home[-1:] == ("=",)
                and word.text.startswith('"')
                and not _known(bare, page)
            ):
                style = yaml_style(page, word)
                if style in ("'", "", "|", ">"):
                    what = "a text"
                    edit = word.start, word.end, bare
                    yield mutant("must fail", "unquote or quote a literal", what, page, word.home, edit)
        for item in page.items:
            if isinstance(item.value, yaml.ScalarNode) and item.value.style == "'" and item.value_role == "expression":
                start, end = page.span(item.value)
                inner = page.text[start + 1 : end - 1]
                if inner.startswith(("[", '"', "{")) and "''" not in inner:
                    what = "YAML's quotes"
                    yield mutant("must fail", "unquote or quote a literal", what, page, item.path, (start, end, inner))


def _known(word: str, page: Page) -> bool:
    return any(w.text == word and w.role not in ("data", "free") for w in page.words)


def yaml_style(page: Page, word: Word) -> str:
    """How the scalar is written that a word of an expression stands in."""
    item = page.at[word.home[:-1]]
    assert isinstance(item.value, yaml.ScalarNode)
    return item.value.style or ""


def literals_quoted(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """A number or flag in an expression or a setting becomes a text."""
    for page in corpus.pages:
        for word in page.words:
            if word.role == "number":
                scalar = page.at[word.home[:-1]]
                inside = scalar.value_role in ("expression", "prompt")
                if not inside and scalar.path[-1] not in ("count", "seed", "share", "over", "rows", "val", "test"):
                    continue  # data: a constant, a header
                if inside and yaml_style(page, word) == '"':
                    continue
                whole = page.span(scalar.value) == (word.start, word.end)
                quoted = f"""'"{word.text}"'""" if inside and whole else f'"{word.text}"'
                what = "a number" if inside else "a number of a setting"
                edit = word.start, word.end, quoted
                yield mutant("must fail", "unquote or quote a literal", what, page, word.home, edit)


def needed_filters(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """A condition `x is not null` or `x in [...]` on what the spec binds as it is to an input that is never null."""
    for spec in corpus.specs:
        source, task = corpus.sources[spec.say("source")], corpus.tasks[spec.say("task")]
        inputs, bound = corpus.inputs(task), corpus.bound(spec)
        direct = {bound.get(name, name) for name, type in inputs.items() if "null" not in type}
        made = {i.path[-1] for i in spec.items if i.key_role == "declared" and i.path[0] == "steps"}
        start = spec.say("from")
        table = [("tables", start, "steps")]
        for page in (spec, source):
            for item in page.items:
                here = item.path[0] in ("where", "steps") if page is spec else item.path[:3] in table
                if not here or item.value_role != "expression" or "where" not in item.path:
                    continue
                condition = re.fullmatch(r"(\w+) (is not null|in \[.*\])", str(item.value.value))
                name = condition[1] if condition else ""
                if name in direct - made and may_be_null(source, name):
                    home = (0, len(page.text)) if page is spec else block(page, item, len(item.path) - 2)
                    edit = without(page, only(page, item))
                    what = "of a spec" if page is spec else "of a source"
                    yield mutant("must fail", "remove a needed `where`", what, page, item.path, edit, home)


def only(page: Page, item: Item) -> Item:
    """The item, or what holds nothing else than it: that goes with it."""
    while item.inside is not None and len(item.inside.value) == 1 and len(item.path) > 1:
        item = page.at[item.path[:-1]]
    return item


def may_be_null(source: Page, name: str) -> bool:
    """Whether the source says it of the column, or makes it by what gives nulls."""
    line = rf"^ *(- lag: .*take: {{)?{name}: "
    return bool(
        re.search(rf"{line}.*\| null", source.text, re.MULTILINE)
        or re.search(rf"{line}(section|last_paragraph|if side)", source.text, re.MULTILINE)
        or any(i.path[-1] == name and "lag" in i.path for i in source.items)
        or (name == "progression" and "value: progression" in source.text)
    )


def dropped_orders(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """The `order` of a `lag` or `merge`, or of a `group` that takes `first` or `list`."""
    for page in corpus.pages:
        for item in page.items:
            step = item.path[-2:-1]
            if item.path[-1:] != ("order",) or step not in (("lag",), ("merge",), ("group",)):
                continue
            takes = [str(i.value.value) for i in page.items if i.path[:-1] == (*item.path[:-1], "take")]
            if step == ("group",) and not any(t.startswith(("first(", "list(")) for t in takes):
                continue
            edit, home = without(page, item), block(page, item)
            yield mutant("must fail", "drop an `order`", step[0], page, item.path, edit, home)


def leaks(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """The answer stands in the prompt: in a slot of its own, or bound to an input that a slot shows."""
    for name, page in corpus.tasks.items():
        if all(spec.say("leak") for spec in corpus.specs if spec.say("task") == name):
            continue
        for item in page.items:
            if item.path[-1] != "prompt":
                continue
            form = item.path[:-1]
            answer = {i.path[-1]: str(i.value.value) for i in page.items if i.path[:-1] == (*form, "answer")}
            field = next(f for f in ("text", "correct", "boxes", "entities", "counts") if f in answer)
            last = re.search(r"\w+(?=\)*$)", answer[field])
            if last is None:  # a literal that a condition chooses
                continue
            told = last[0]
            kind = corpus.inputs(page).get(told, "text")
            slots = [f"{{{told}}}"] if kind in ("text", "list of box") else []
            slots += [f"{{lower({told})}}"] if kind == "text" else []
            slots += [f'{{join({told}, ", ")}}'] if kind == "list of text" else []
            if kind.startswith("list of record"):
                part = {"regions": "label", "entities": "text", "counts": "name"}[told]
                slots += [f'{{join(each({told}, it.{part}), ", ")}}']
            start, end = page.span(item.value)
            lines = [m for m in re.finditer(r"(?m)^ +(.+)$", page.text[start:end]) if "\\n{options}" not in m[1]]
            for number, slot in enumerate(slots):
                at = start + lines[number % len(lines)].end()
                what = "a slot"
                yield mutant(
                    "must fail", "bind the answer into the prompt", what, page, item.path, (at, at, f" {slot}")
                )
    for spec in corpus.specs:
        if spec.say("leak"):
            continue
        task, bound = corpus.tasks[spec.say("task")], corpus.bound(spec)
        inputs = corpus.inputs(task)
        # `{options}` prints the block of options, which is there to hold the answer
        shown = {w.text for w in task.words if "prompt" in w.home and w.role == "name"} - {"options"}
        answers = [i for i in task.items if i.path[-2:-1] == ("answer",) and i.path[-1] in ("text", "correct", "boxes")]
        for said in answers:
            told = str(said.value.value)
            for asked in sorted(shown & inputs.keys()):
                if told not in inputs or inputs[told] != inputs[asked] or told == asked:
                    continue
                value = bound.get(told, told)
                line = f"{asked}: {value}"
                entry = spec.at.get(("bind", asked))
                if entry is not None:
                    start, end = entry.start, page_end(spec, entry)
                    edit = start, end, line
                elif ("bind",) in spec.at:
                    inside = spec.at[("bind",)].value
                    assert isinstance(inside, yaml.MappingNode)
                    first = inside.value[0][0].start_mark.index
                    edit = first, first, f"{line}, " if inside.flow_style else f"{line}\n  "
                else:
                    at = spec.at[("key",)].start
                    edit = at, at, f"bind: {{{line}}}\n"
                what = "a binding"
                yield mutant("must fail", "bind the answer into the prompt", what, spec, ("bind", asked), edit)


def page_end(page: Page, item: Item) -> int:
    return page.span(item.value)[1]


def other_splits(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """A spec of a space with one split for all says `split:`; a space has another authority, or none to go by."""
    spaces = next(page for page in corpus.pages if page.kind == "spaces")
    shared = {i.path[1] for i in spaces.items if len(i.path) == 2}
    for spec in corpus.specs:
        source = corpus.sources[spec.say("source")]
        here = {str(i.value.value) for i in source.items if i.path[0] == "identity" and i.path[-1] == "space"}
        named = spec.say("split") or spec.say("identity")
        if here <= shared and not named:
            for item in source.items:
                if item.path[0] == "splits" and len(item.path) == 2:
                    at = spec.at[("key",)].start
                    edit = at, at, f"split: {item.path[1]}\n"
                    what = "a spec by a split of its source"
                    yield mutant("must fail", "split a shared space by another rule", what, spec, ("split",), edit)
        if spec.say("own_split"):
            item = spec.at[("own_split",)]
            edit, home = without(spec, item), (0, len(spec.text))
            what = "a spec without its reason"
            yield mutant("must fail", "split a shared space by another rule", what, spec, ("own_split",), edit, home)
    for item in spaces.items:
        if item.path[-1] == "authority":
            start, end = spaces.span(item.value)
            for name, source in corpus.sources.items():
                theirs = [str(i.value.value) for i in source.items if i.path[0] == "identity" and i.path[-1] == "space"]
                for split in source.items:
                    if split.path[0] == "splits" and len(split.path) == 2 and item.path[1] not in theirs:
                        edit = start, end, f"{name}.{split.path[1]}"
                        what = "an authority of another space"
                        yield mutant("must fail", "split a shared space by another rule", what, spaces, item.path, edit)


LOOSER = {
    "access": ["credentialed", "registration", "open"],
    "redistribute": ["no", "no derivatives", "same terms", "yes"],
    "external_services": ["no", "yes"],
    "commercial": ["no", "yes"],
}


def looser_terms(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """A term of a source is looser than its licence says."""
    for page in corpus.sources.values():
        for item in page.items:
            if item.path[:-1] == ("use",):
                said = LOOSER[item.path[-1]]
                start, end = page.span(item.value)
                for new in said[said.index(str(item.value.value)) + 1 :]:
                    yield mutant("must fail", "loosen a term", item.path[-1], page, item.path, (start, end, new))


# ---- may pass


def swapped_filters(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """Two conditions of one `where` change places."""
    for page in corpus.pages:
        for first, second in neighbours(page):
            if first.path[-2:-1] == ("where",) and first.value_role == "expression":
                edit = swap(page, first, second)
                yield mutant("may pass", "swap two filters", "in one `where`", page, first.path, edit)


def neighbours(page: Page) -> Iterator[tuple[Item, Item]]:
    """Entries of one mapping that follow one another."""
    last: dict[int, Item] = {}
    for item in page.items:
        if item.key is not None and item.inside is not None:
            before = last.get(id(item.inside))
            if before is not None:
                yield before, item
            last[id(item.inside)] = item


def swap(page: Page, first: Item, second: Item) -> Edit:
    a, b = (first.start, page_end(page, first)), (second.start, page_end(page, second))
    text = page.text
    return a[0], b[1], text[b[0] : b[1]] + text[a[1] : b[0]] + text[a[0] : a[1]]


def changed_literals(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """A text or number in an expression is another one."""
    for page in corpus.pages:
        for word in page.words:
            if word.home[-1:] != ("=",) or page.at[word.home[:-1]].value_role not in ("expression", "prompt"):
                continue
            if word.role == "number":
                new = str(int(word.text) + 1) if word.text.isdecimal() else str(float(word.text) / 2)
            elif word.role == "data" and word.text.startswith('"'):
                new = word.text[:-1] + 'x"'
            else:
                continue
            what = "a text" if word.role == "data" else "a number"
            yield mutant("may pass", "change a literal", what, page, word.home, (word.start, word.end, new))


def other_filters(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """A condition that is not among those that null-safety needs."""
    needed = {m.text for m in needed_filters(corpus, random)}
    for page in corpus.pages:
        if page.kind not in ("source", "spec"):
            continue
        for item in page.items:
            if item.value_role == "expression" and item.path[-2:-1] == ("where",):
                new = mutant(
                    "may pass", "remove a `where`", page.kind, page, item.path, without(page, only(page, item))
                )
                if new.text not in needed:
                    yield new


# ---- must be clean

_FREE_ORDER = {"tables", "columns", "constants", "splits", "bind", "rules", "functions", "use"}


def reordered(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """Two keys of a mapping change places whose order says nothing."""
    for page in corpus.pages:
        for first, second in neighbours(page):
            above = plain(first.path)[-2:-1]
            if not {first.key_role, second.key_role} <= {"word"} and above[0] not in _FREE_ORDER:
                continue
            if "kind" in (first.path[-1], second.path[-1]) or above in (("ratio",), ("values",)):
                continue
            yield mutant(
                "must be clean",
                "reorder keys",
                above[0] if above else page.kind,
                page,
                first.path,
                swap(page, first, second),
            )


def is_same(one: Mutant) -> bool:
    """Whether YAML reads the same from the mutant's text, but for the order of keys."""
    try:
        node = compose(one.text)
    except yaml.YAMLError:
        return False
    return node is not None and _value(node) == _value(one.page.root) and one.text != one.page.text


def commented(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """A comment behind a line, or on a line of its own."""
    for page in corpus.pages:
        for line in re.finditer(r"(?m)^( *).*$", page.text):
            behind = line.end(), line.end(), "  # a remark: no more"
            alone = line.start(), line.start(), f"{line[1]}# a remark: no more\n"
            yield mutant("must be clean", "add a comment", "behind a line", page, (), behind)
            yield mutant("must be clean", "add a comment", "on its own line", page, (), alone)


def requoted(corpus: Corpus, random: random.Random) -> Iterator[Mutant]:
    """A text is quoted another way: plain, in single or in double quotes."""
    for page in corpus.pages:
        for item in page.items:
            node = item.value
            if not isinstance(node, yaml.ScalarNode) or node.style in ("|", ">"):
                continue
            if node.tag != "tag:yaml.org,2002:str" and node.value not in ("yes", "no"):
                continue
            text, (start, end) = str(node.value), page.span(node)
            for new in {text, "'" + text.replace("'", "''") + "'", json.dumps(text, ensure_ascii=False)}:
                if new == page.text[start:end] or (new == text and re.fullmatch(r"[-+.\d]+|null|true|false|~|", text)):
                    continue
                style = {"'": "single", '"': "double"}.get(new[0], "plain")
                yield mutant("must be clean", "quote another way", style, page, item.path, (start, end, new))


CLASSES: tuple[Callable[[Corpus, random.Random], Iterable[Mutant]], ...] = (
    misspelt,
    dropped_keys,
    retyped,
    literals_unquoted,
    literals_quoted,
    needed_filters,
    dropped_orders,
    leaks,
    other_splits,
    looser_terms,
    swapped_filters,
    changed_literals,
    other_filters,
    reordered,
    commented,
    requoted,
)


def everything(corpus: Corpus, seed: int = 0) -> dict[str, list[Mutant]]:
    """All mutants, by kind."""
    found: dict[str, list[Mutant]] = {}
    for make in CLASSES:
        for one in make(corpus, random.Random(f"{seed} {make.__name__}")):
            found.setdefault(one.kind, []).append(one)
    return found


def sample(mutants: Sequence[Mutant], number: int, seed: int = 0) -> list[Mutant]:
    """So many of them, in turn from every way to be wrong and, within it, from every file."""
    chance = random.Random(seed)
    ways: dict[str, dict[str, list[Mutant]]] = {}
    for one in mutants:
        ways.setdefault(one.what, {}).setdefault(one.page.place, []).append(one)
    queues: list[list[Mutant]] = []
    for pages in ways.values():
        lists = [chance.sample(found, len(found)) for found in pages.values()]
        chance.shuffle(lists)
        queues.append([found[i] for i in range(max(map(len, lists))) for found in lists if i < len(found)])
    rounds = range(max(map(len, queues), default=0))
    turns = (queue[i] for i in rounds for queue in queues if i < len(queue))
    return list(islice((one for one in turns if one.fate != "must be clean" or is_same(one)), number))


__all__ = ["CLASSES", "Corpus", "Mutant", "everything", "sample"]
