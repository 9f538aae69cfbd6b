"""The plan: what is read and what is done with it, as small frozen nodes; no Polars inside.

A plan is a set of named relations. A relation is a chain of nodes that starts at a `Read` (files) or a `Scan`
(another relation); joins and unions name the relation they bring in. So a relation is a straight line, a table
that several specs use is one relation, and its rows are computed once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, cast

from cxrspec.compiler.nodes import node
from cxrspec.compiler.typed import Apply, Const, Typed
from cxrspec.compiler.types import BOOL, BOX, INT, SPLIT, TEXT, ListOf, RecordOf, Type

Own = Literal["row", "file", "text", "key", "value", "position"]


@node
class Place:
    """Where a column's cells come from in the raw file.

    `kind` is "name" (a header, a captured piece of the path, or a path inside a nested record: `path`),
    "column" (`index`, from 0) or what the reader itself knows: row() file() text() key() value() position(index).
    """

    kind: Literal["name", "column"] | Own
    path: str = ""
    index: int = 0


@node
class Part:
    """A named place of the items of a nested list or mapping (`each:`), with its own `values:`."""

    name: str
    place: Place
    values: tuple[tuple[str, str | int | float | bool], ...] = ()
    otherwise: Literal["refuse", "keep", "value"] = "refuse"
    other: str | int | float | bool | None = None


@node
class RawColumn:
    """One declared column of a read table.

    places     tried in order, the first that exists holds (headers are compared trimmed)
    type       what the cells are cast to; a nullable type lets null pass
    values     raw text -> value, for any type; `otherwise` says what an unlisted value is
    constant   a value for every row, nothing is read (places is empty)
    missing    cell texts that mean null; the empty cell always does
    optional   the column may be absent (then null)
    squeeze    runs of white space become one blank, stripped, empty becomes null
    each       for lists of records: the named places of an item
    """

    name: str
    type: Type
    places: tuple[Place, ...]
    values: tuple[tuple[str, str | int | float | bool], ...] = ()
    otherwise: Literal["refuse", "keep", "value"] = "refuse"
    other: str | int | float | bool | None = None
    constant: str | int | float | bool | None = None
    missing: tuple[str, ...] = ()
    optional: bool = False
    squeeze: bool = False
    each: tuple[Part, ...] = ()


@node
class Read:
    """Files of one source, as a checked, typed table.

    table      "<source>.<table>"
    format     the reader: csv, json, xml, files ...
    files      patterns below a root of the source. Entries without glob or capture are alternatives (the first
               that exists holds); entries with `*` or `{name}` are a union (no file twice). `{name}` is one piece
               of the path, without `/`
    packed     names of archives that may hold the files (.zip, .tgz, .tar.gz, .tar)
    rows       for nested files: which places are rows ("" = the whole file)
    key        columns that are unique together and never null; () = none declared
    optional   an absent table is an empty one
    generated  machine-written text
    """

    table: str
    format: str
    files: tuple[str, ...]
    columns: tuple[RawColumn, ...]
    packed: tuple[str, ...] = ()
    rows: str = ""
    key: tuple[str, ...] = ()
    header: bool = True
    separator: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    optional: bool = False
    generated: bool = False


Columns = tuple[tuple[str, Type], ...]


@node
class Scan:
    """The rows of another relation; only the columns that are needed."""

    relation: str
    columns: Columns


@node
class Empty:
    """No rows: of a relation whose files are absent and may be."""

    columns: Columns


@node
class Filter:
    """Rows for which the condition does not hold leave, counted under `name`."""

    name: str
    condition: Typed


@node
class Check:
    """Rows for which the condition does not hold are bad rows: they stop the spec."""

    name: str
    condition: Typed


@node
class Derive:
    """A new column, or an old one made anew; `checks` is what must hold for it to mean something."""

    name: str
    expression: Typed
    checks: tuple[Check, ...] = ()


@node
class Select:
    """Only these columns."""

    columns: tuple[str, ...]


@node
class Join:
    """Columns of another relation: `on` pairs (mine, theirs), `take` holds (new name, theirs, type as it comes in)."""

    relation: str
    on: tuple[tuple[str, str], ...]
    take: tuple[tuple[str, str, Type], ...]
    kind: Literal["inner", "left", "semi", "anti"]
    name: str
    many: bool = False


@node
class Aggregate:
    """One column of a group: `function(argument)`; `only` checks that all values are equal.

    `merge` has two of its own: `outer`, the rectangle round boxes, and `distinct`, the number of different values.
    """

    name: str
    function: str
    argument: Typed | None
    type: Type


@node
class Group:
    """One row for each value of `by`; `order` settles `first` and `list`."""

    by: tuple[str, ...]
    order: tuple[Typed, ...]
    take: tuple[Aggregate, ...]


@node
class Merge:
    """One row for each box that leads, within `by` and in `order`: the rectangle round those that it leads.

    The first box leads; a later one is led by the first leader that it overlaps by more than `over`, else it leads.
    """

    by: tuple[str, ...]
    box: str
    over: float
    order: tuple[Typed, ...]
    take: tuple[Aggregate, ...]


@node
class Explode:
    """One row for each item of a list column; `position` counts from 0."""

    column: str
    item: str
    type: Type
    position: str | None


@node
class Union:
    """The rows of another relation, below these; same columns."""

    relation: str


@node
class Unpivot:
    """One row for each of `columns`, which go: its name in the column `name`, its value in `value`, of `type`."""

    columns: tuple[str, ...]
    name: str
    value: str
    type: Type


@node
class Lag:
    """Columns of the row before, among the rows with the same values of `by`, in `order`.

    `take` holds (new name, column, type); a row without a value in `by` or `order` has no row before and is none.
    `settled`: no two rows are equal in `by` and `order`; else that is checked.
    """

    by: tuple[str, ...]
    order: tuple[Typed, ...]
    take: tuple[tuple[str, str, Type], ...]
    settled: bool


@node
class Cut:
    """One cut of a holdout, see `Holdout`."""

    seed: int
    share: float
    kept: str
    held: str | Cut


@node
class Holdout:
    """A table (key, split) of the distinct keys of another relation, cut as scikit-learn's train_test_split does.

    The distinct keys are sorted; `numpy.random.RandomState(seed).permutation(n)` is drawn; its first
    ceil(n * share) places are held, the others kept, and a second cut permutes the order the first one left.
    """

    relation: str
    key: str
    type: Type
    cut: Cut


@node
class Unique:
    """Rows whose value of `column` stands more than once are bad rows."""

    name: str
    column: str


@node
class Contrast:
    """Below each row a drawn one, with columns of a row of another relation (the pool) for which `lacks` is false.

    Rows and pool stand on a ring for each split and each value of `own`: a row at its draw at `site`, a row of the
    pool at that of its key and the values of `own`. The row that is drawn is the first of the pool at
    or behind the point, at equal points that of the smallest key. `$drawn` tells drawn rows from those given; without
    a row of the pool the drawn row leaves, counted.

    relation  the pool, with a column `split`; `name` is its table, for attrition
    own       columns that `lacks` reads
    seen      columns of the pool that it reads, as fields of `pool`
    key       of the pool
    take      (column, the pool's, type for both)
    """

    relation: str
    name: str
    site: str
    own: tuple[str, ...]
    seen: tuple[str, ...]
    lacks: Typed
    key: tuple[str, ...]
    take: tuple[tuple[str, str, Type], ...]


@node
class Keep:
    """Of the rows for which the condition holds only `rows` stay, those of the lowest draws at `keep.<name>`."""

    name: str
    condition: Typed
    rows: int


@node
class Copy:
    """For each pair (split, other), the rows of `other` stand in place of those of `split`, under ids of their own."""

    pairs: tuple[tuple[str, str], ...]


# ---- prompts and answers

OPTION_SEPARATOR = ", "  # between the answers of `choices`, and between options printed in one line
LAYOUTS: Mapping[str, tuple[str, str]] = {  # of the block: what stands before the first option, and between two
    "lines": ("Options:\n", "\n"),
    "inline": ("Options: ", OPTION_SEPARATOR),
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # the markers of up to 26 options
PAIR_SEPARATOR = ": "  # inside a line of `entities` or `counts`
LINES: Mapping[str, str] = {  # how these lines read, as Python and Rust both understand it
    "entities": r"([^\n]+?): ([^\n]+)",
    "counts": r"([^\n]+?): (-?[0-9]{1,19})",
}


@node
class OptionBlock:
    """Where the options of a choice are printed."""


Piece = tuple[str, ...] | Typed | OptionBlock


@node
class Shape:
    """One way through a prompt: tables of equally likely texts, printed expressions, the block of options.

    It holds the tickets from `start` up to `start + tickets`.
    """

    start: int
    tickets: int
    pieces: tuple[Piece, ...]


@node
class Prompt:
    """A prompt grammar laid on a wheel of `tickets`, which every number of the form's turns divides."""

    tickets: int
    shapes: tuple[Shape, ...]


@node
class TextAnswer:
    """The text itself."""

    text: Typed


@node
class ChoiceAnswer:
    """One of the options (`correct` is text), or some of them (a list; `empty` reads none)."""

    options: Typed
    correct: Typed
    markers: tuple[str, ...]
    layout: str
    reply: tuple[str, ...]
    hint: Prompt | None
    several: bool
    empty: Prompt | None


@node
class BoxesAnswer:
    """Boxes in the dialect of the run: a list of box with one `label`, or of records (label, box); `empty` reads none."""

    boxes: Typed
    label: Typed | None
    empty: Prompt | None


@node
class PairsAnswer:
    """A pair a line: `type: text` (entities) or `name: number` (counts), of a list of records; `empty` reads none."""

    format: Literal["entities", "counts"]
    pairs: Typed
    empty: Prompt | None


Answer = TextAnswer | ChoiceAnswer | BoxesAnswer | PairsAnswer


@node
class Form:
    """One way of asking, `count` times: `let` top to bottom, then `when`, then prompt and answer."""

    name: str
    let: tuple[Derive, ...]
    when: Typed | None
    count: int
    prompt: Prompt
    answer: Answer


@node
class Turns:
    """The turns of every row: columns `turns`, `target`, `boxes`. A row to which no form applies leaves, counted.

    `dialogue` says that those of a row are one conversation, else each stands for itself.
    """

    forms: tuple[Form, ...]
    dialogue: bool = False


Node = (
    Read | Scan | Holdout | Empty | Filter | Derive | Select | Join | Group | Merge | Explode | Union | Unpivot | Lag | Unique
    | Check | Contrast | Keep | Copy | Turns
)  # fmt: skip


@node
class Relation:
    """A named table: a straight line of nodes, the first of which is a leaf.

    `space` names the space whose authority it is: its files may be absent, and then it has no rows.
    """

    name: str
    nodes: tuple[Node, ...]
    space: str = ""

    @property
    def uses(self) -> tuple[str, ...]:
        """The relations that it is made from, in the order of its nodes."""
        return tuple(n.relation for n in self.nodes if isinstance(n, Scan | Holdout | Join | Union | Contrast))


def reached(relations: Mapping[str, Relation], name: str) -> list[str]:
    """The relation of this name and all it is made from, those first."""
    found: list[str] = []
    for other in relations[name].uses:
        found += [r for r in reached(relations, other) if r not in found]
    return [*found, name]


@node
class Plan:
    """All that one spec needs, in order of need; the last relation makes its examples.

    `expect` bounds the number of examples: (split, least, most).
    """

    spec: str
    relations: tuple[Relation, ...]
    expect: tuple[tuple[str, int, int], ...] = ()

    @property
    def reads(self) -> tuple[Read, ...]:
        """The files it needs."""
        return tuple(r.nodes[0] for r in self.relations if isinstance(r.nodes[0], Read))

    @property
    def sources(self) -> frozenset[str]:
        """The sources it takes anything from: the files it reads, and the folders its pictures lie in."""
        folders = [part.arguments[0] for part in parts(self) if isinstance(part, Apply) and part.operator == "path"]
        named = {str(folder.value) for folder in folders if isinstance(folder, Const)}
        return frozenset({read.table.partition(".")[0] for read in self.reads} | named)


def parts(value: object) -> Iterator[object]:
    """A plan or a syntax tree, or a piece of one, and everything in it but places, texts, numbers and flags."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        yield part
        names: tuple[str, ...] = getattr(part, "__match_args__", ())  # a node's fields without its places
        inside = cast(tuple[object, ...], part) if isinstance(part, tuple) else [getattr(part, name) for name in names]
        waiting += [item for item in reversed(inside) if not isinstance(item, _ATOMS)]


_ATOMS = (str, int, float, type(None))


def schema(relation: Relation) -> dict[str, Type]:
    """The columns of a relation and their types, computed along its nodes."""
    columns: dict[str, Type] = {}
    for one in relation.nodes:
        columns = step(columns, one)
    return columns


def step(columns: dict[str, Type], node: Node) -> dict[str, Type]:
    """The columns after `node`, given those before it."""
    match node:
        case Read():
            return {c.name: c.type for c in node.columns}
        case Scan(_, scanned) | Empty(scanned):
            return dict(scanned)
        case Holdout(_, key, type):
            return {key: type, "split": SPLIT}
        case Filter() | Union() | Unique() | Check() | Keep() | Copy():
            return columns
        case Derive(name, expression):
            return columns | {name: expression.type}
        case Select(kept):
            return {name: columns[name] for name in kept}
        case Join(_, _, take) | Lag(_, _, take):
            return columns | {new: type for new, _, type in take}
        case Group(by, _, take):
            return {name: columns[name] for name in by} | {a.name: a.type for a in take}
        case Merge(by, box, _, _, take):
            return {name: columns[name] for name in by} | {box: BOX} | {a.name: a.type for a in take}
        case Contrast(take=take):
            return columns | {new: type for new, _, type in take} | {"$drawn": BOOL}
        case Explode(column, item, type, position):
            rest = {name: t for name, t in columns.items() if name != column}
            return rest | {item: type} | ({position: INT} if position else {})
        case Unpivot(gone, name, value, type):
            return {n: t for n, t in columns.items() if n not in gone} | {name: TEXT, value: type}
        case Turns():
            return columns | {"turns": TURNS, "target": TEXT, "boxes": LABELLED}


TURNS = ListOf(RecordOf((("prompt", TEXT), ("answer", TEXT), ("form", TEXT))))
LABELLED = ListOf(RecordOf((("label", TEXT), ("box", BOX))))
PAIRS: Mapping[str, RecordOf] = {
    "entities": RecordOf((("type", TEXT), ("text", TEXT))),
    "counts": RecordOf((("name", TEXT), ("number", INT))),
}
