"""The syntax tree of whole files: sources, tasks, specs and words, with every expression parsed and every name still a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from cxrspec.compiler.diagnostics import Span
from cxrspec.compiler.nodes import node
from cxrspec.compiler.plan import Place, RawColumn, Read
from cxrspec.compiler.syntax import Expr, Name, Node, Prompt
from cxrspec.compiler.types import Type

KINDS = ("source", "task", "spec", "spaces", "licenses", "words")
"""What a file can declare, as its `kind:` says."""


def snake(title: str) -> str:
    """A title as an id.

    >>> snake("Close-Ended VQA")
    'close_ended_vqa'
    """
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")


# ---- constants

Verdict: TypeAlias = Literal["positive", "negative", "skip"]


@node
class Verdicts(Node):
    """What one state counts as, for some labels by name and for all others."""

    named: tuple[tuple[Name, Verdict], ...]
    otherwise: Verdict

    def of(self, label: str) -> Verdict:
        """What it counts as for this label."""
        named: dict[str, Verdict] = {name.name: verdict for name, verdict in self.named}
        return named.get(label, self.otherwise)


@node
class Policy(Node):
    """What a label counts as that is uncertain or not mentioned."""

    uncertain: Verdicts
    not_mentioned: Verdicts


Constant: TypeAlias = str | int | float | bool | tuple[str, ...] | tuple[int, ...] | tuple[float, ...] | Policy

# ---- steps


@node
class Where(Node):
    """Keep the rows for which every condition holds; the names are what attrition speaks in."""

    conditions: tuple[tuple[str, Expr], ...]


@node
class Derive(Node):
    """New columns, or old ones made anew; top to bottom, each sees those above it."""

    columns: tuple[tuple[Name, Expr], ...]


@node
class Select(Node):
    """Only these columns."""

    columns: tuple[Name, ...]


JoinKind: TypeAlias = Literal["inner", "left", "semi", "anti"]


@node
class Join(Node):
    """Columns of another table. `on` pairs (mine, theirs); `take` pairs (new name, theirs), None = all others."""

    table: Name
    on: tuple[tuple[Name, Name], ...]
    take: tuple[tuple[Name, Name], ...] | None
    kind: JoinKind
    many: bool


@node
class Group(Node):
    """One row for each value of `by`; `take` holds (column, aggregate call)."""

    by: tuple[Name, ...]
    order: tuple[Expr, ...]
    take: tuple[tuple[Name, Expr], ...]


@node
class Merge(Node):
    """One row for the boxes of a group that overlap by more than `over`; `take` holds (column, aggregate call)."""

    by: tuple[Name, ...]
    box: Name
    over: float
    order: tuple[Expr, ...]
    take: tuple[tuple[Name, Expr], ...]


@node
class Explode(Node):
    """One row for each item of a list; an empty list or a null gives none."""

    column: Name
    item: Name
    position: Name | None


@node
class Union(Node):
    """The rows of another table below these: same names, same types."""

    table: Name


@node
class Unpivot(Node):
    """One row for each of the columns: its name in `name`, its value in `value`. One name alone is that of a constant list."""

    columns: tuple[Name, ...] | Name
    name: Name
    value: Name


@node
class Lag(Node):
    """Columns of the row before, among those with the same `by`, in `order`; `take` pairs (new column, column)."""

    by: tuple[Name, ...]
    order: tuple[Expr, ...]
    take: tuple[tuple[Name, Name], ...]


@node
class Contrast(Node):
    """Below each row one that is drawn from a pool, for which `lacks` does not hold; in the steps of a spec only.

    `take` pairs (column, the pool's) and `set` (column, expression): what a drawn row has of its own. `mark` is the
    new column that holds the `origin` of a drawn row and is empty on a given one.
    """

    pool: Name
    lacks: Expr
    take: tuple[tuple[Name, Name], ...]
    set: tuple[tuple[Name, Expr], ...]
    mark: Name
    origin: Name


@node
class SplitRows(Node):
    """A column that holds the split of each row by a split of the source; only where a published run makes a table."""

    name: Name
    column: Name


Step: TypeAlias = (
    Where | Derive | Select | Join | Group | Merge | Explode | Union | Unpivot | Lag | SplitRows | Contrast
)

# ---- sources


@node
class Identity(Node):
    """Who a row is about: the space of patients, and the columns of patient (None: no id released) and study."""

    space: str
    patient: tuple[Name, ...] | None
    study: tuple[Name, ...]
    space_span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)


@node
class LabelColumn(Node):
    """A column of type labels; `names` are listed, or the constant that lists them.

    Without `places` each name is the header of a column of its own; else they hold one list, a number for each name.
    """

    names: tuple[Name, ...] | Name
    places: tuple[Place, ...]
    missing: tuple[str, ...]


@node
class ReadTable(Node):
    """A table read from files; `count` is how many rows were published, at least and at most.

    `read` has the columns that stand in the files as they are; `labels` are made of others. `part_of` names, for a
    column whose texts were cut from those of another one, that column.
    """

    name: str
    read: Read
    key: tuple[Name, ...]
    columns: dict[str, tuple[RawColumn, Span]]
    labels: dict[str, LabelColumn]
    part_of: dict[str, Name]
    count: tuple[int, int] | None


@node
class DerivedTable(Node):
    """A table made from another by steps. `elsewhere` are the words that only the other reading has, published or not."""

    name: str
    start: Name
    steps: tuple[Step, ...]
    elsewhere: frozenset[str] = field(default=frozenset(), compare=False, repr=False, kw_only=True)


Table: TypeAlias = ReadTable | DerivedTable


@node
class ColumnSplit(Node):
    """The split stands in a column."""

    column: Name
    table: Name | None


@node
class ListSplit(Node):
    """A row's split is the list that names its key; `lists` pairs (split, table)."""

    lists: tuple[tuple[str, Name], ...]
    key: Name
    table: Name | None


@node
class RatioSplit(Node):
    """A threshold on the patient's draw. `out_of` carves the shares out of the train rows of another split."""

    shares: tuple[tuple[str, float], ...]
    out_of: Name | None
    table: Name | None


@node
class ConstantSplit(Node):
    """Every row in one split."""

    split: str
    table: Name | None


@node
class Cut:
    """One cut of a holdout: `share` of the rows is held (by numpy's legacy generator with `seed`), the others are kept."""

    seed: int
    share: float
    kept: str
    held: str | Cut


@node
class HoldoutSplit(Node):
    """scikit-learn's recipe over the sorted distinct keys; a second cut runs in the order the first one left."""

    cut: Cut
    key: Name
    table: Name | None


# `table` says whose rows a split is made of; rows of other tables get it by patient, else by study.
Split: TypeAlias = ColumnSplit | ListSplit | RatioSplit | ConstantSplit | HoldoutSplit


@node
class Function(Node):
    """A short function of the language, written in YAML and expanded where it is called."""

    name: str
    takes: tuple[tuple[str, Type], ...]
    gives: Expr


@node
class Source(Node):
    """One dataset as downloaded. Each of its licences holds; `use_spans` are where the words of its terms stand."""

    name: str
    title: str
    use: tuple[tuple[str, str], ...]
    license: tuple[Name, ...]
    homepage: str
    cite: tuple[str, ...]
    identity: tuple[Identity, ...]
    constants: dict[str, tuple[Constant, Span]]
    tables: dict[str, Table]
    splits: dict[str, Split]
    use_spans: Mapping[str, Span] = field(default_factory=dict[str, Span], compare=False, repr=False, kw_only=True)

    @property
    def licenses(self) -> str:
        """Its licences by name, as people read them."""
        return ", ".join(name.name for name in self.license)


# ---- licences


@node
class License(Node):
    """A licence, and the freest word of each term that it allows; a term without one is the strictest."""

    name: str
    allows: tuple[tuple[str, str], ...]


@node
class Licenses(Node):
    """Licences that sources name."""

    licenses: tuple[License, ...]


# ---- spaces


@node
class Space(Node):
    """A set of patients that sources share. The split of its rows is what the authority says (`source.split`, a split
    that names its table), and `otherwise` where it says nothing."""

    name: str
    authority: Name | None
    otherwise: ConstantSplit | RatioSplit


@node
class Spaces(Node):
    """Spaces with one split for all their sources."""

    spaces: tuple[Space, ...]


# ---- tasks

Marker: TypeAlias = Literal["letters", "numbers"]
Layout: TypeAlias = Literal["lines", "inline"]
Reply: TypeAlias = Literal["text", "marker"]


@node
class TextAnswer(Node):
    """The text itself."""

    text: Expr


@node
class Block:
    """How `{options}` prints: each of these is drawn per turn where there is more than one."""

    markers: tuple[Marker, ...] = ("letters",)
    layout: Layout = "lines"
    reply: tuple[Reply, ...] = ("text",)
    hint: Prompt | None = None


@node
class ChoiceAnswer(Node):
    """One of the options."""

    options: Expr
    correct: Expr
    block: Block


@node
class ChoicesAnswer(Node):
    """Some of the options; `empty` is what none of them reads."""

    options: Expr
    correct: Expr
    block: Block
    empty: Prompt | None


@node
class BoxesAnswer(Node):
    """Boxes, each with its label or all with the one `label`; `empty` is what none of them reads."""

    boxes: Expr
    label: Expr | None
    empty: Prompt | None


@node
class PairsAnswer(Node):
    """A pair a line, of a list of records; `empty` is what none of them reads."""

    format: Literal["entities", "counts"]
    pairs: Expr
    empty: Prompt | None


Answer: TypeAlias = TextAnswer | ChoiceAnswer | ChoicesAnswer | BoxesAnswer | PairsAnswer


@node
class Form(Node):
    """One way of asking: `let` top to bottom, then `when`, then `count` prompts with their answer."""

    name: str
    let: tuple[tuple[Name, Expr], ...]
    when: Expr | None
    count: int
    prompt: Prompt
    answer: Answer
    count_span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)
    prompt_span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)


@node
class Task(Node):
    """A task family: typed inputs and forms. `name` is the id (`title` in snake case).

    `dialogue` says that the turns of an example are one conversation.
    """

    name: str
    title: str
    about: str
    inputs: tuple[tuple[Name, Type], ...]
    forms: tuple[Form, ...]
    dialogue: bool
    constants: dict[str, tuple[Constant, Span]]
    rules: dict[str, Prompt]
    rule_spans: dict[str, Span] = field(default_factory=dict[str, Span], compare=False, repr=False, kw_only=True)


# ---- specs


@node
class Keep(Node):
    """Of the rows of a split for which `where` holds, only so many, or a share of them: those of the lowest draws."""

    name: str
    where: Expr
    split: str
    rows: int | None
    share: float | None


@node
class Published:
    """The row of the published table a spec belongs to, and why ours may differ from it.

    `rebuilds` says whether the download suffices to make the row; `copy` pairs a split with the one whose rows stood in
    its place; `overlaid` says whether the overlay has a rule of its own.
    """

    row: tuple[str, str]
    because: str
    rebuilds: bool
    copy: tuple[tuple[str, str], ...]
    overlaid: bool


@node
class Spec(Node):
    """One task/source combination. `task` names the task, or is the task itself where the spec carries it.

    `split` is for rows of spaces without a line in `kind: spaces`; for all rows, where `own_split` says why, and where
    the overlay of a published run names it. `overlaid` are the fields that come from that overlay, `elsewhere` the words
    that only the other reading has.
    """

    task: Name | Task
    source: Name
    start: Name
    steps: tuple[Step, ...]
    key: tuple[Expr, ...]
    keep: tuple[Keep, ...]
    bind: tuple[tuple[Name, Expr], ...]
    split: Name | None
    own_split: str
    leak: str
    overlaid: tuple[str, ...]
    identity: Literal["source", "none"]
    study: tuple[Expr, ...] | None
    expect: tuple[tuple[str, int, int], ...]
    constants: dict[str, tuple[Constant, Span]]
    published: Published | None
    own_split_span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)
    leak_span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)
    identity_span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)
    expect_spans: Mapping[str, Span] = field(default_factory=dict[str, Span], compare=False, repr=False, kw_only=True)
    elsewhere: frozenset[str] = field(default=frozenset(), compare=False, repr=False, kw_only=True)
    entries: Mapping[str, Span] = field(default_factory=dict[str, Span], compare=False, repr=False, kw_only=True)

    @property
    def name(self) -> str:
        """`<task>/<source>`, unique among the specs."""
        return f"{self.task.name}/{self.source.name}"


@node
class Words(Node):
    """What specs share: constants, prompt rules and functions."""

    constants: dict[str, tuple[Constant, Span]]
    rules: dict[str, Prompt]
    functions: dict[str, Function]
    rule_spans: dict[str, Span] = field(default_factory=dict[str, Span], compare=False, repr=False, kw_only=True)


Declaration: TypeAlias = Source | Task | Spec | Spaces | Licenses | Words
