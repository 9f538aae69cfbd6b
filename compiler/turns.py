"""Turns -> Polars: for every form and each of its turns a struct (prompt, answer, form), gathered into one list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from typing import Literal, Protocol

import polars as pl

from cxrspec.compiler import plan as p
from cxrspec.compiler.bodies import Context, draw, expression, list_of, numbered, there, without
from cxrspec.compiler.boxes import corners, labelled, one_size, printed, unlabelled
from cxrspec.compiler.dtypes import dtype_of
from cxrspec.compiler.fast import choosing, options, places, prompts, varied
from cxrspec.compiler.fast.known import SHORT, Known, at_most, items_of, most_of, texts_of
from cxrspec.compiler.fast.spread import Lists, Spread
from cxrspec.compiler.fast.varied import Varied
from cxrspec.compiler.options import Choice, Listed, Shown, listed
from cxrspec.compiler.printing import as_json
from cxrspec.compiler.typed import Column, Draw, Typed, columns, draws, requirements, walk
from cxrspec.compiler.types import BOX, TEXT, ListOf

MARKER = r"^\((?:[A-Z]|[0-9]+)\)$"  # a reply by marker: "(B)", "(12)"
NO_LINE = r"^$|\n"
WHEN = "`when`"

Masks = dict[tuple[str, Typed, tuple[str, ...]], pl.Expr]


class Rows(Protocol):
    """The query of a stage on its way: columns are added, rows leave by gates."""

    rows: pl.LazyFrame

    def gate(self, kind: Literal["filter", "check"], name: str, holds: pl.Expr) -> None:
        """Rows for which `holds` is not true leave."""
        ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """One turn of one form, all of it in columns that are there already.

    `again` says that it applies where the first turn of its form does.
    """

    again: bool
    applies: pl.Expr
    turn: pl.Expr
    target: pl.Expr
    boxes: pl.Expr


def add_turns(building: Rows, forms: tuple[p.Form, ...], context: Context, known: Known) -> None:
    """Add the columns `turns`, and `target` and `boxes` of the first turn. No turn at all is a filter.

    `known` is what the lists that forms speak of can hold.
    """
    masks: Masks = {}
    building.rows = building.rows.with_columns(numbered(context).alias("$number"))
    context = replace(context, row=pl.col("$number"))
    asked = [_Turn(building, form, k, context, known, masks).ask() for form in forms for k in range(form.count)]
    turns = there(list_of([pl.when(a.applies).then(a.turn) for a in asked]))
    firsts = [a for a in asked if not a.again]
    target = pl.coalesce([pl.when(a.applies).then(a.target) for a in firsts])
    boxes = pl.coalesce([pl.when(a.applies).then(a.boxes) for a in firsts])
    building.rows = building.rows.with_columns(turns.alias("turns"), target.alias("target"), boxes.alias("boxes"))
    building.gate("filter", "a form applies", pl.col("turns").list.len() > 0)


class _Turn:
    """The k-th turn of a form. What it makes is kept in columns `$turn.<form>.<k>.<name>`.

    What hangs on no draw is the same in all turns of the form: it is made for the first, and checked there.
    """

    def __init__(self, building: Rows, form: p.Form, k: int, context: Context, known: Known, masks: Masks) -> None:
        self.building = building
        self.form = form
        self.k = k
        self.known = known
        self.masks = masks
        self.sites: dict[str, pl.Expr] = {}
        self.made: dict[Typed, pl.Expr] = {}
        self.held: dict[Typed, Spread] = {}
        self.prefix = f"$turn.{form.name}.{k}."
        self.drawn_lets = _drawn(form.let)
        names = {let.name: f"{let.name}.{k if let.name in self.drawn_lets else 0}" for let in form.let}
        self.context = replace(context, names=names, turn=f"#{k}" if k else "")
        self.first = replace(self.context, turn="")

    def lower(self, e: Typed) -> pl.Expr:
        return self.lists(e).lower(e) if self.context.fast else expression(e, self.context)

    def lists(self, e: Typed) -> Lists:
        """What columns there are of the parts of an expression; its draws are made, the inner ones first."""
        lists = Lists(replace(self.context, made=self.made), self.held)
        for one in reversed([*walk(e)]):
            if isinstance(one, Draw) and one not in self.made and one not in self.held:
                name = f"draw{len(self.made) + len(self.held)}"
                drawn = choosing.drawn(one, name, self)
                if isinstance(drawn, Spread):
                    self.held[one] = drawn
                else:
                    self.made[one] = self.keep(name, lists.lower(one)) if drawn is None else drawn
        return lists

    def spread(self, e: Typed) -> Spread | None:
        """A list of few items as columns; None for all others."""
        return self.lists(e).spread(e) if self.context.fast else None

    def draw_at(self, site: str) -> pl.Expr:
        """The turn's draw at a site."""
        if site not in self.sites:
            self.sites[site] = self.keep(f"draw {site}", draw(self.context, site))
        return self.sites[site]

    def mask(self, items: Typed, texts: tuple[str, ...]) -> pl.Expr:
        """Which of these texts a list holds: a column for all forms, unless a draw stands in it."""
        drawn = draws(items) or columns(items) & self.drawn_lets
        key = (self.prefix if drawn else "", items, texts)
        if key not in self.masks:
            name = f"$mask.{len(self.masks)}"
            self.building.rows = self.building.rows.with_columns(places.mask_of(self.lower(items), texts).alias(name))
            self.masks[key] = pl.col(name)
        return self.masks[key]

    def longest(self, items: Typed) -> int | None:
        """How many items a list holds at most where the form applies, as far as its rows or `when` by itself say so."""
        found = most_of(items, self.known)
        if self.form.when is None or columns(self.form.when) & {let.name for let in self.form.let}:
            return found
        return min((n for n in (found, at_most(items, self.form.when)) if n is not None), default=None)

    def again(self, *made_of: Typed | None) -> bool:
        """Whether an earlier turn has made what is made of these."""
        return self.k > 0 and not any(e is not None and (draws(e) or columns(e) & self.drawn_lets) for e in made_of)

    def keep(self, name: str, value: pl.Expr, again: bool = False) -> pl.Expr:
        """Keep a value in a column of its own, so that it is computed once; `again` it is that of the first turn."""
        if again:
            return pl.col(f"$turn.{self.form.name}.0.{name}")
        self.building.rows = self.building.rows.with_columns(value.alias(self.prefix + name))
        return pl.col(self.prefix + name)

    def keep_all(self, name: str, *values: pl.Expr, again: bool = False) -> list[pl.Expr]:
        """The same for values that need no other of them."""
        names = [f"{name}.{i}" for i in range(len(values))]
        if again:
            return [pl.col(f"$turn.{self.form.name}.0.{one}") for one in names]
        named = [value.alias(self.prefix + one) for one, value in zip(names, values, strict=True)]
        self.building.rows = self.building.rows.with_columns(named)
        return [pl.col(self.prefix + one) for one in names]

    def check(self, name: str, holds: pl.Expr, applies: pl.Expr, again: bool = False) -> None:
        """Bad rows are those of this form that break a rule; `again` if it speaks of what the first turn has made."""
        if again and self.again(self.form.when):
            return
        self.building.gate("check", f"{name} in form `{self.form.name}`", ~applies | holds.fill_null(value=False))

    def ask(self) -> _Asked:
        when = self.form.when
        for let in self.form.let:
            if not self.k or let.name in self.drawn_lets:
                self.let(let)
        always = pl.lit(value=True)
        applies = self.keep("applies", self.lower(when) if when is not None else always, self.again(when))
        for let in self.form.let:
            for rule in let.checks:
                self.check(rule.name, self.lower(rule.condition), applies, self.again(rule.condition))
        for place, e in self.spoken():
            for what, needed in requirements(e):
                where = always if place == WHEN else applies
                self.check(f"{what}() in {place}", self.lower(needed), where, self.again(needed))
        match self.form.answer:
            case p.TextAnswer(text):
                answer = self.lower(text)
                return self.asked(applies, self.prompt(pl.lit("")), answer, as_json(answer))
            case p.ChoiceAnswer() as choice:
                return self.choice(choice, applies)
            case p.BoxesAnswer() as boxes:
                return self.boxes(boxes, applies)
            case p.PairsAnswer() as pairs:
                return self.pairs(pairs, applies)

    def let(self, let: p.Derive) -> None:
        """Keep the value of a let; a list of columns is none itself."""
        items = self.spread(let.expression) if let.name in self.drawn_lets else None
        if items is None:
            value = self.lower(let.expression).alias(self.context.names[let.name])
            self.building.rows = self.building.rows.with_columns(value)
        else:
            kept = (self.keep(f"{let.name}.{i}", x) if isinstance(x, pl.Expr) else x for i, x in enumerate(items.items))
            self.held[Column(let.name, let.expression.type)] = Spread(tuple(kept))

    def spoken(self) -> Iterator[tuple[str, Typed]]:
        """The expressions beside the lets, with the place they stand in."""
        if self.form.when is not None:
            yield WHEN, self.form.when
        prompts: list[p.Prompt | None] = [self.form.prompt]
        match self.form.answer:
            case p.TextAnswer(text):
                yield "the answer", text
            case p.ChoiceAnswer() as choice:
                yield from (("`options`", choice.options), ("`correct`", choice.correct))
                prompts += [choice.hint, choice.empty]
            case p.BoxesAnswer(boxes, label, empty):
                yield "`boxes`", boxes
                yield from () if label is None else (("`label`", label),)
                prompts += [empty]
            case p.PairsAnswer(format, pairs, empty):
                yield f"`{format}`", pairs
                prompts += [empty]
        for prompt in prompts:
            yield from (("a slot", slot) for slot in (slots(prompt) if prompt is not None else ()))

    def asked(
        self, applies: pl.Expr, prompt: pl.Expr, answer: pl.Expr, target: pl.Expr, boxes: pl.Expr | None = None
    ) -> _Asked:
        """The turn; `boxes` are those of its answer, else those that its prompt shows are taken."""
        turn = pl.struct(prompt.alias("prompt"), answer.alias("answer"), pl.lit(self.form.name).alias("form"))
        boxes = self.shown_boxes() if boxes is None else boxes
        again = self.again(self.form.when)
        if boxes is None:
            return _Asked(again, applies, turn, target, pl.lit([], dtype_of(p.LABELLED)))
        self.check("boxes of images of different size", one_size(boxes), applies)
        return _Asked(again, applies, turn, target, boxes)

    # ---- prompts

    def ticket(self) -> pl.Expr:
        """The ticket of the k-th turn: turns stand evenly round the wheel, so their prompts differ."""
        wheel = self.form.prompt
        drawn = self.keep("wheel", draw(self.first, f"{self.form.name}:prompt") % wheel.tickets, self.k > 0)
        return ((drawn + self.k * (wheel.tickets // self.form.count)) % wheel.tickets).cast(pl.Int64)

    def prompt(self, block: pl.Expr) -> pl.Expr:
        return self.keep("prompt", self.printed(self.form.prompt, self.keep("ticket", self.ticket()), block))

    def printed(self, wheel: p.Prompt, ticket: pl.Expr, block: pl.Expr) -> pl.Expr:
        """The text that a ticket names."""
        if self.context.fast:
            fast = prompts.prompt(wheel, ticket, lambda piece: self.insert(piece, block))
            if fast is not None:
                return fast
        texts = [self.shape(shape, ticket, block) for shape in wheel.shapes]
        return by_range(ticket, wheel.shapes, texts)

    def shape(self, shape: p.Shape, ticket: pl.Expr, block: pl.Expr) -> pl.Expr:
        """The text of one shape: its leaves in mixed radix order, the leftmost table slowest."""
        sizes = [len(piece) for piece in shape.pieces if isinstance(piece, tuple)]
        leaves = prod(sizes)
        leaf = (ticket - shape.start).clip(0, shape.tickets - 1) // (shape.tickets // leaves)
        stride = leaves
        pieces: list[pl.Expr] = []
        for piece in shape.pieces:
            if isinstance(piece, tuple):
                stride //= len(piece)
                pieces.append(_pick(piece, leaf // stride % len(piece)))
            else:
                pieces.append(self.insert(piece, block))
        return pl.concat_str(pieces) if pieces else pl.lit("")

    def insert(self, piece: Typed | p.OptionBlock, block: pl.Expr) -> pl.Expr:
        """What a slot prints: the block of options, boxes in the dialect of the run, or a text."""
        if isinstance(piece, p.OptionBlock):
            return block
        boxes = self.slot_boxes(piece)
        return (
            printed(boxes, self.context.boxes, labels=False) if boxes is not None else self.lower(piece).cast(pl.String)
        )

    def slot_boxes(self, piece: p.Piece) -> pl.Expr | None:
        """The boxes that a slot prints, as records."""
        if isinstance(piece, tuple | p.OptionBlock) or piece.type not in (BOX, ListOf(BOX)):
            return None
        boxes = self.lower(piece)
        return unlabelled(pl.concat_list(boxes) if piece.type == BOX else boxes)

    def shown_boxes(self) -> pl.Expr | None:
        """The boxes in the prompt, each once; None for a form whose prompt never shows any."""
        shapes = self.form.prompt.shapes
        shown = [[b for piece in dict.fromkeys(s.pieces) if (b := self.slot_boxes(piece)) is not None] for s in shapes]
        if not any(shown):
            return None
        none = pl.lit([], dtype_of(p.LABELLED))
        together = [reduce(lambda a, b: a.list.concat(b), boxes, none) for boxes in shown]
        return self.keep("boxes", by_range(pl.col(self.prefix + "ticket"), shapes, together))

    def drawn_text(self, wheel: p.Prompt, role: str) -> pl.Expr:
        """A text of a small grammar of its own: a hint, or what no answer reads."""
        ticket = (draw(self.context, f"{self.form.name}:{role}") % wheel.tickets).cast(pl.Int64)
        return self.printed(wheel, self.keep(f"{role}.ticket", ticket), pl.lit(""))

    # ---- choices

    def choice(self, choice: p.ChoiceAnswer, applies: pl.Expr) -> _Asked:
        correct = self.keep("correct", self.lower(choice.correct), self.again(choice.correct))
        given = self.options(choice, applies)
        self.rules(choice, given, correct, applies)
        shown = self.shown(choice, given, correct)
        prompt = self.prompt(self.block(choice, shown.entries))
        shapes = self.form.prompt.shapes
        with_block = by_range(pl.col(self.prefix + "ticket"), shapes, [pl.lit(has_block(s)) for s in shapes])
        said = pl.when(with_block).then(shown.texts).otherwise(shown.given) if choice.several else shown.texts
        if "marker" in choice.reply:
            said = pl.when(with_block & self.drawn("reply", choice.reply, "marker")).then(shown.marks).otherwise(said)
        if choice.several and isinstance(given, Listed):
            said = self.or_nothing(said, correct, choice.empty, "options", self.like_options(given.items), applies)
        return self.asked(applies, prompt, self.keep("answer", said), shown.target)

    def options(self, choice: p.ChoiceAnswer, applies: pl.Expr) -> Listed | Varied:
        """The options: columns where they are few and one is right, else a list, which rows of other forms lack."""
        again = self.again(choice.options, self.form.when)
        few = None if choice.several else self.few(choice.options)
        if few is not None:
            return Varied(self.keep_all("option", *few, again=again))
        return Listed(self.keep("options", pl.when(applies).then(self.lower(choice.options)), again))

    def few(self, options: Typed) -> list[pl.Expr] | None:
        """The options by place, null where there is none: as their type says, none of a list is null itself.

        None if they may be many, if there are none in any row, and if they are known texts, which are lighter.
        """
        found = self.spread(options)
        if found is not None:
            items = [one for one in found.items if isinstance(one, pl.Expr)]
        elif self.context.fast and options.type == ListOf(TEXT) and items_of(options, self.known) is None:
            listed = self.lower(options)
            items = [listed.list.get(place, null_on_oob=True) for place in range(self.longest(options) or 0)]
        else:
            return None
        return items if 0 < len(items) <= SHORT else None

    def shown(self, choice: p.ChoiceAnswer, given: Listed | Varied, correct: pl.Expr) -> Shown:
        """What this turn says of its options: a column a place if they are few or the same for every row, else lists."""
        drawn = draw(self.context, f"{self.form.name}:options")
        numbered = self.drawn("marker", choice.markers, "numbers") | given.many()
        again = self.again(choice.options, choice.correct, self.form.when)
        _, between = p.LAYOUTS[choice.layout]
        asked = Choice(correct, choice.several, drawn, numbered, between, again)
        if isinstance(given, Varied):
            return varied.shown(asked, given.items, self.keep_all)
        items = items_of(choice.options, self.known) if self.context.fast else None
        if items is not None and items.all and 0 < len(items.texts) <= places.MOST:
            mask = self.mask(choice.correct, items.texts) if choice.several else None
            return options.shown(asked, items.texts, mask, self.keep_all)
        if items is not None and not choice.several and 0 < len(items.texts) <= SHORT:
            some = self.mask(choice.options, items.texts)
            return options.shown(asked, items.texts, None, self.keep_all, some)
        return listed(asked, given.items, self.keep)

    def drawn(self, role: str, ways: Sequence[str], way: str) -> pl.Expr:
        """Whether the draw among `ways` says `way`."""
        if len(ways) == 1:
            return pl.lit(ways[0] == way)
        return self.keep(role, draw(self.context, f"{self.form.name}:{role}") % len(ways) == ways.index(way))

    def block(self, choice: p.ChoiceAnswer, entries: list[pl.Expr]) -> pl.Expr:
        """`Options: (A) one, (B) two`, or one a line, with the hint below."""
        head, _ = p.LAYOUTS[choice.layout]
        parts = [pl.lit(head), *entries]
        if choice.hint is not None:
            parts += [pl.lit("\n"), self.drawn_text(choice.hint, "hint")]
        return pl.concat_str(parts, ignore_nulls=True)

    def rules(self, choice: p.ChoiceAnswer, given: Listed | Varied, correct: pl.Expr, applies: pl.Expr) -> None:
        """What makes a row bad: no or equal options, an answer that is no option, one that could not be read back.

        A fast form does not ask what is known of options and answers, whatever the row.
        """
        held, said = (items_of(e, self.known) if self.context.fast else None for e in (choice.options, choice.correct))
        texts = held.texts if held is not None else ()
        options, answer = self.again(choice.options), self.again(choice.correct)
        if held is None or not (held.all and texts):
            self.check("no options", given.some(), applies, options)
        if held is None:
            self.check("equal options", given.differ(), applies, options)
        answers = said.texts if said is not None else texts_of(choice.correct)
        if held is None or not held.all or answers is None or not {*answers} <= {*texts}:
            if isinstance(given, Listed) and choice.several:
                holds = correct.list.set_difference(given.items).list.len() == 0
            else:
                holds = given.hold(correct)
            self.check("an answer that is no option", holds, applies, options and answer)
        if choice.several and said is None:
            self.check("equal answers", correct.list.n_unique() == correct.list.len(), applies, answer)
        if choice.several and (held is None or any(p.OPTION_SEPARATOR in text for text in texts)):
            comma = given.any(lambda one: one.str.contains(p.OPTION_SEPARATOR, literal=True))
            self.check("an option with a comma", ~comma, applies, options)
        if choice.reply != ("text",) and (held is None or any(re.search(MARKER, text) for text in texts)):
            marker = given.any(lambda one: one.str.contains(MARKER))
            self.check("an option that reads like a marker", ~marker, applies, options)

    def like_options(self, given: pl.Expr) -> Callable[[pl.Expr], pl.Expr]:
        """Whether a text reads like some of the options, or their markers."""

        def like(text: pl.Expr) -> pl.Expr:
            other = without(text.str.split(p.OPTION_SEPARATOR), given)
            return other.list.filter(~pl.element().str.contains(MARKER)).list.len() == 0

        return like

    # ---- boxes and pairs

    def boxes(self, answer: p.BoxesAnswer, applies: pl.Expr) -> _Asked:
        given = self.lower(answer.boxes)
        items = given if answer.label is None else labelled(given, self.lower(answer.label))
        again = self.again(answer.boxes, answer.label)
        boxes = self.keep("boxes", items.cast(dtype_of(p.LABELLED)), again)
        dialect = self.context.boxes

        def reserved(text: pl.Expr) -> pl.Expr:
            return text.str.contains_any(pl.lit(list(dialect.reserved), dtype=pl.List(pl.String)))

        label = pl.element().struct.field("label")
        self.check("a label with a token of the box dialect", ~_any(boxes, reserved(label)), applies, again)
        said = self.keep("said", printed(boxes, dialect, labels=True), again)
        said = self.or_nothing(said, boxes, answer.empty, "boxes", reserved, applies)
        return self.asked(
            applies, self.prompt(pl.lit("")), said, as_json(boxes.list.eval(pl.struct(corners(pl.element())))), boxes
        )

    def pairs(self, answer: p.PairsAnswer, applies: pl.Expr) -> _Asked:
        record = p.PAIRS[answer.format]
        again = self.again(answer.pairs)
        items = self.keep("pairs", self.lower(answer.pairs).cast(pl.List(dtype_of(record))), again)
        first, second = (pl.element().struct.field(name).cast(pl.String) for name, _ in record.fields)
        unreadable = first.str.contains(NO_LINE) | second.str.contains(NO_LINE)
        if answer.format == "entities":
            unreadable |= first.str.contains(p.PAIR_SEPARATOR, literal=True)
        self.check(f"`{answer.format}` that could not be read back", ~_any(items, unreadable), applies, again)
        lines = items.list.eval(pl.concat_str([first, second], separator=p.PAIR_SEPARATOR))
        line = p.LINES[answer.format]

        def like(text: pl.Expr) -> pl.Expr:
            return text.str.contains(rf"^{line}(?:\n{line})*$")

        said = self.keep("said", lines.list.join("\n"), again)
        said = self.or_nothing(said, items, answer.empty, answer.format, like, applies)
        return self.asked(applies, self.prompt(pl.lit("")), said, as_json(items))

    def or_nothing(
        self,
        said: pl.Expr,
        items: pl.Expr,
        empty: p.Prompt | None,
        what: str,
        like: Callable[[pl.Expr], pl.Expr],
        applies: pl.Expr,
    ) -> pl.Expr:
        """The answer `said` of some items, or a text of `empty`, which must not read like such an answer."""
        none = items.list.len() == 0
        if empty is None:
            self.check("no answer, and no `empty:`", ~none, applies)
            return self.keep("answer", said)
        nothing = self.keep("empty", self.drawn_text(empty, "empty"))
        self.check(f"`empty:` that reads like {what}", ~like(nothing), applies & none)
        return self.keep("answer", pl.when(none).then(nothing).otherwise(said))


def _drawn(lets: Sequence[p.Derive]) -> frozenset[str]:
    """Those of the lets that a draw stands in, or another of them."""
    drawn: frozenset[str] = frozenset()
    for let in lets:
        if draws(let.expression) or columns(let.expression) & drawn:
            drawn |= {let.name}
    return drawn


def slots(prompt: p.Prompt) -> Iterable[Typed]:
    """The expressions a prompt prints, each once."""
    pieces = (piece for shape in prompt.shapes for piece in shape.pieces)
    return dict.fromkeys(piece for piece in pieces if not isinstance(piece, tuple | p.OptionBlock))


def has_block(shape: p.Shape) -> bool:
    """Whether the options are printed in this shape."""
    return any(isinstance(piece, p.OptionBlock) for piece in shape.pieces)


def by_range(ticket: pl.Expr, shapes: Sequence[p.Shape], values: Sequence[pl.Expr]) -> pl.Expr:
    """The value of the shape that holds the ticket."""
    pairs = list(zip(shapes, values, strict=True))
    last = pairs[-1][1]
    return reduce(
        lambda rest, pair: pl.when(ticket < pair[0].start + pair[0].tickets).then(pair[1]).otherwise(rest),
        reversed(pairs[:-1]),
        last,
    )


def _pick(texts: tuple[str, ...], place: pl.Expr) -> pl.Expr:
    return pl.lit(texts[0]) if len(texts) == 1 else pl.lit(pl.Series(texts)).gather(place)


def _any(items: pl.Expr, test: pl.Expr) -> pl.Expr:
    return items.list.eval(test).list.any()
