"""First versions of files, as text: a source from its columns, a task from its inputs; fitting.py drafts specs.

What a draft holds is in place of what its author will say, and compiles.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cxrspec.compiler.declarations import snake
from cxrspec.compiler.diagnostics import Report, Span
from cxrspec.compiler.grammar import parse_type
from cxrspec.compiler.plan import LABELLED, PAIRS
from cxrspec.compiler.types import BOOL, BOX, FLOAT, IMAGE, INT, SPLIT, TEXT, ListOf, Type, Unknown, is_nullable

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
IMAGES = ListOf(IMAGE)

# The inputs of a task by the format of its answer, where none are given.
INPUTS: Mapping[str, Sequence[tuple[str, str]]] = {
    "text": (("images", "list of image"), ("report", "text")),
    "choice": (("images", "list of image"), ("finding", "text"), ("known", "list of text")),
    "choices": (("images", "list of image"), ("findings", "list of text"), ("known", "list of text")),
    "boxes": (("images", "list of image"), ("regions", "list of record(label text, box box)")),
    "entities": (("report", "text"), ("entities", "list of record(type text, text text)")),
    "counts": (("report", "text"), ("counts", "list of record(name text, number int)")),
}


class DraftError(Exception):
    """No draft can be made; `help` says what would do."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


def read_type(text: str) -> Type:
    """The type that a text names.

    Raises DraftError if it names none.
    """
    report = Report()
    type = parse_type(text, lambda start, end: Span("", start, end), report)
    if isinstance(type, Unknown):
        raise DraftError(f"`{text}` is no type", "`text`, `int | null`, `list of text` are some")
    return type


_PLAIN = r"[\w /.=+-]*"


def quoted(text: str) -> str:
    """A text as YAML would have it: in quotes where it would mean something else without."""
    form = r"[A-Za-z_]" + _PLAIN + r"(\(" + _PLAIN + r"\)" + _PLAIN + ")*"
    plain = re.fullmatch(form, text) is not None and text == text.strip() and text.lower() not in _WORDS
    return text if plain else "'" + text.replace("'", "''") + "'"


def listed(names: Sequence[str]) -> str:
    """One name, or a list of names."""
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def column_name(header: str) -> str:
    """A name for a column that a file calls otherwise: `PatientID` and `Patient ID` are `patient_id`."""
    name = snake(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", header))
    return f"{name}_" if name in _WORDS else re.sub(r"^(?=[0-9])", "_", name)


# Words of YAML or of the language; and what a spec's rows have already.
_WORDS = ("true", "false", "null", "none", "and", "or", "not", "in", "is", "if", "then", "else", "it", "pool", "split")


# ---- sources


@dataclass(frozen=True, slots=True)
class NewColumn:
    """A column of a new source: its name, its type, and what the file calls it."""

    name: str
    type: str
    header: str


@dataclass(frozen=True, slots=True)
class Roles:
    """Which columns say what a row is about: None where none does. `image` holds the path of a picture."""

    key: Sequence[str]
    patient: str | None = None
    study: str | None = None
    image: str | None = None


def draft_source(name: str, file: str, columns: Sequence[NewColumn], roles: Roles, separator: str = ",") -> str:
    """A source of one table that is read from a CSV file, with a table of pictures where a column names them."""
    table = column_name(file.partition(".")[0])
    table = "entries" if table in ("", "images") else table
    key = listed(roles.key)
    said = [
        f"      {c.name}: {c.type}"
        if c.name == c.header
        else f"      {c.name}: {{from: {quoted(c.header)}, type: {c.type}}}"
        for c in columns
    ]
    pictures = [
        "  images:",
        f"    from: {table}",
        "    steps:",
        "      - derive:",
        f'          image: image({roles.image})    # the path below the source\'s folder; f"png/{{{roles.image}}}" if it lies deeper',
    ]
    lines = [
        "# Next: say in `title`, `license` and `use` what the data is and allows, and leave out columns that nobody needs.",
        f"# Then a spec, `cxrspec new spec TASK {name}`, says which columns are the inputs of a task.",
        "kind: source",
        f"name: {name}",
        f"title: {name.replace('_', ' ').capitalize()}",
        "use: {access: credentialed, redistribute: no, external_services: no, commercial: no}",
        "license: internal",
        f"identity: {{space: {name}, patient: {roles.patient or 'none'}, study: {roles.study or key}}}",
        "tables:",
        f"  {table}:",
        "    read: csv",
        f"    files: {quoted(file)}",
        *([f"    separator: {json.dumps(separator)}"] if separator != "," else ()),
        f"    key: {key}",
        "    columns:",
        *said,
        *(pictures if roles.image is not None else ()),
        "splits:",
        f"  by_{'patient' if roles.patient else 'study'}: {{ratio: {{val: 0.1, test: 0.1}}}}",
    ]
    return "\n".join(lines) + "\n"


# ---- tasks


def draft_task(title: str, format: str, inputs: Sequence[tuple[str, str]]) -> str:
    """A task with one form, whose answer has this format; an input that is not answered is asked with.

    Raises DraftError where the inputs do not make such an answer, or where nothing can be made of one.
    """
    draft = _TaskDraft(format, inputs or INPUTS[format])
    answer = draft.answer(title)
    prompts = [f"      {draft.context()}{line}" for line in draft.lines()]
    when = draft.when()
    lines = [
        "# Next: what the task is about, and its prompts, one pattern a line; `cxrspec prompts` counts them.",
        "# Then a spec, `cxrspec new spec " + f"{snake(title)} SOURCE`, says which columns of a source are its inputs.",
        "kind: task",
        f"name: {quoted(title)}",
        f"about: {quoted(f'{title} of one {draft.subject}.')}",
        "inputs:",
        *(f"  {name}: {type}" for name, type in draft.inputs),
        "turns:",
        "  - form: ask",
        *([f"    when: {when}"] if when else []),
        "    prompt: |",
        *prompts,
        "    answer:",
        f"      format: {format}",
        *answer,
    ]
    return "\n".join(lines) + "\n"


class _TaskDraft:
    """The inputs of a task on their way into its answer and its prompt."""

    def __init__(self, format: str, inputs: Sequence[tuple[str, str]]) -> None:
        self.format, self.inputs = format, inputs
        types = {name: read_type(text) for name, text in inputs}
        self.images = "images" in types
        self.subject = "radiograph" if self.images else "text"
        self.rest = {name: type for name, type in types.items() if name != "images"}

    def take(self, *types: Type) -> str | None:
        """The first input of one of these types that is not taken yet, the first type first."""
        found = next((name for type in types for name, one in self.rest.items() if one == type), None)
        if found is not None:
            del self.rest[found]
        return found

    def need(self, what: str, *types: Type) -> str:
        """The same, which must be there."""
        found = self.take(*types)
        if found is None:
            listed = " or ".join(f"`{type}`" for type in types)
            raise DraftError(f"an answer of the format `{self.format}` needs an input of type {listed}: {what}")
        return found

    def answer(self, title: str) -> list[str]:
        """The fields of the answer."""
        match self.format:
            case "text":
                text = self.take(TEXT)
                if text is not None:
                    return [f"      text: {text}"]
                return [f'      text: \'if {self.need("what is answered", TEXT, BOOL)} then "Yes." else "No."\'']
            case "choice":
                return [f"      correct: {self.need('the right one', TEXT)}", *self.options()]
            case "choices":
                return [f"      correct: {self.need('those that are right', ListOf(TEXT))}", *self.options(), *_EMPTY]
            case "boxes":
                boxes = self.need("what is boxed", LABELLED, ListOf(BOX))
                whole = dict(self.inputs)[boxes] == "list of box"
                label = [f"      label: '\"{title.lower()}\"'"] if whole else []
                return [f"      boxes: {boxes}", *label, *_EMPTY]
            case format:
                return [f"      {format}: {self.need('what is listed', ListOf(PAIRS[format]))}", *_EMPTY]

    def options(self) -> list[str]:
        """The options of a choice."""
        return [f"      options: {self.need('its options', ListOf(TEXT))}"]

    def context(self) -> str:
        """What is printed before the question: the inputs that are neither answered nor conditions."""
        return "".join(
            f"{name.replace('_', ' ').capitalize()}: {{{_printed(name, type)}}}\\n"
            for name, type in self.rest.items()
            if type != BOOL
        )

    def when(self) -> str:
        """The condition: what is left of truth values."""
        return " and ".join(name for name, type in self.rest.items() if type == BOOL)

    def lines(self) -> Sequence[str]:
        """Placeholders for prompts."""
        what = "<this> <radiograph>" if self.images else "this text"
        return [line.format(what=what) for line in _LINES[self.format]]


_EMPTY = ("      empty: |", "        (None|There are none).")
_LINES: Mapping[str, Sequence[str]] = {
    "text": ("What do you (see|find) in {what}?", "(Read|Go through) {what} and say what is in it."),
    "choice": ("(Which|What) of these fits {what}? {{options}}", "(Choose|Pick) what fits {what}. {{options}}"),
    "choices": ("(Which|What) of these fit {what}? {{options}}", "(Choose|Pick) all that fit {what}. {{options}}"),
    "boxes": (
        "(Find|Box) everything of interest in {what}.",
        "(Where|In which places) is something of interest in {what}?",
    ),
    "entities": (
        "(List|Name) the entities in {what}, each with its type.",
        "(Which|What) entities are there in {what}?",
    ),
    "counts": ("(Count|List) what is named in {what}, by kind.", "How many of each kind are there in {what}?"),
}


def _printed(name: str, type: Type) -> str:
    """An input in a slot.

    Raises DraftError if it cannot be printed.
    """
    if type == ListOf(TEXT):
        return f'join({name}, ", ")'
    if type in (TEXT, INT, FLOAT, SPLIT, BOX, ListOf(BOX)):
        return name
    why = "may be null" if is_nullable(type) else "cannot be printed"
    raise DraftError(
        f"the input `{name}` is of type `{type}`, which {why}", "leave it out, and add it where it is used"
    )
