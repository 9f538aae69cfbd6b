"""CHECK, the part about tasks: forms with typed slots, prompts laid on wheels, answers whose options are sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler import prompts
from cxrspec.compiler import syntax as s
from cxrspec.compiler.causes import origin_of
from cxrspec.compiler.diagnostics import Label, Report, Span, respell_text
from cxrspec.compiler.expressions import Checker
from cxrspec.compiler.lint import check_prompt, check_texts
from cxrspec.compiler.scopes import Binding, Scope, item_type
from cxrspec.compiler.typed import Column, Const, Typed, requirements
from cxrspec.compiler.types import BOOL, BOX, IMAGE, TEXT, UNKNOWN, ListOf, RecordOf, Unknown, present

MARKED = 3
"""Groups of a prompt that one finding marks."""


def bound(name: str) -> str:
    """The plan's column of an input."""
    return f"$in.{name}"


def local(form: str, name: str) -> str:
    """The plan's column of a `let`."""
    return f"$let.{form}.{name}"


def _laid(shapes: int, tickets: int) -> str:
    """What a group is laid out in, in words."""
    return f"{_many(shapes)} ways" + (f" on {_many(tickets)} tickets" if tickets > shapes else "")


def _many(number: int) -> str:
    return f"{number:,}" if number < prompts.MAX_TICKETS else "2**48 or more"


@dataclass(frozen=True, slots=True)
class Said:
    """An expression that is printed, and where it stands."""

    expression: Typed
    span: Span | None


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a form says, `count` times: the slots of its prompt, and the expressions whose values its answer prints."""

    form: str
    count: int
    let: tuple[p.Derive, ...]
    slots: tuple[Said, ...]
    answers: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """The turns of a task, and what each form says."""

    turns: p.Turns
    spoken: tuple[Spoken, ...]


class Forms:
    """Checks the forms of one task; the plan's columns are `bound(input)` and `local(form, let)`."""

    def __init__(self, task: d.Task, scope: Scope, rules: Mapping[str, s.Prompt], checker: Checker) -> None:
        self.task = task
        inputs = {n.name: Binding(Column(bound(n.name), type), n.span) for n, type in task.inputs}
        self.scope = replace(
            scope, names={**scope.names, **inputs}, what=f"name of the task `{task.title}`", declared=task.span
        )
        self.rules = rules
        self.checker = checker
        self.report: Report = checker.report
        self.spoken: list[Spoken] = []

    def check(self) -> Asked | None:
        """The task's turns, or None after a finding that leaves nothing to plan."""
        self.inputs()
        seen: set[str] = set()
        forms: list[p.Form] = []
        for form in self.task.forms:
            if form.name in seen:
                self.report.error(
                    "CXR503",
                    form.span,
                    f"two forms are called `{form.name}`",
                    help="`form:` names them; the name is the site of their draws",
                )
            seen.add(form.name)
            planned = self.form(form)
            if planned is not None:
                forms.append(planned)
        return (
            Asked(p.Turns(tuple(forms), self.task.dialogue), tuple(self.spoken))
            if len(forms) == len(self.task.forms)
            else None
        )

    def inputs(self) -> None:
        """`images` is the one reserved input name."""
        for name, type in self.task.inputs:
            if name.name == "images" and type not in (ListOf(IMAGE), UNKNOWN):
                self.report.error("CXR507", name.span, f"the input `images` is `{type}`, expected `list of image`")

    def form(self, form: d.Form) -> p.Form | None:
        """One form: its `let`s in order, then `when`, then prompt and answer."""
        scope = self.scope
        let: list[p.Derive] = []
        for name, expression in form.let:
            typed = self.checker.check(expression, replace(scope, site=f"{form.name}.{name.name}"))
            checks = tuple(
                p.Check(f"{assertion}() in `{name.name}`", needed) for assertion, needed in requirements(typed)
            )
            let.append(p.Derive(local(form.name, name.name), typed, checks))
            origin = origin_of(typed, scope)
            scope = scope.with_names(
                {name.name: Binding(Column(local(form.name, name.name), typed.type), name.span, origin=origin)}
            )
        when = None
        if form.when is not None:
            when = self.checker.wants(form.when, scope, BOOL, "the condition")
            scope = scope.given(when)
        block = isinstance(form.answer, d.ChoiceAnswer | d.ChoicesAnswer)
        slots = self.slots(scope, block)
        prompt = self.prompt(form.prompt, slots, form.count, form.prompt_span, form.count_span)
        check_prompt(form.prompt, self.rules, self.report)
        answer = self.answer(form, scope)
        if prompt is None:
            return None
        self.spoken.append(Spoken(form.name, form.count, tuple(let), tuple(slots.said), _answers(form.answer, answer)))
        return p.Form(form.name, tuple(let), when, form.count, prompt, answer)

    # ---- prompts

    def prompt(
        self,
        written: s.Prompt,
        slots: _Slots,
        count: int,
        span: Span | None,
        count_span: Span | None = None,
    ) -> p.Prompt | None:
        """The prompt on a wheel on which `count` turns never meet, its slots typed."""
        found = Report()
        resolved: s.Prompt | None = None
        try:
            resolved = prompts.resolve(written, self.rules, found)
            self.report.extend(found.diagnostics)
            laid_out = prompts.lay_out(resolved)
            wheel = prompts.spread(laid_out, count)
        except prompts.LanguageTooLargeError as limit:
            self.uneven(resolved, limit, span)
            return None
        if not found.errors and s.Words("") not in (written, *self.rules.values()):
            check_texts(written, resolved, laid_out, self.report)
        share = prompts.largest_share(wheel)
        if share * count > 1 and not found.errors and written != s.Words(""):
            self.report.error(
                "CXR510",
                count_span or span,
                f"{count} different prompts cannot be drawn: one of them has a share of {share}",
                help=f"the prompt's language holds {prompts.count(resolved):,}; more alternatives, or a smaller `count`",
            )
        start, shapes = 0, list[p.Shape]()
        for shape in wheel.shapes:
            tickets = int(shape.weight * wheel.tickets)
            pieces = tuple(part.texts if isinstance(part, prompts.Table) else slots.typed(part) for part in shape.parts)
            shapes.append(p.Shape(start, tickets, pieces))
            start += tickets
        return p.Prompt(wheel.tickets, tuple(shapes))

    def uneven(self, resolved: s.Prompt | None, limit: prompts.LanguageTooLargeError, span: Span | None) -> None:
        """The finding about a prompt that no wheel holds, with the groups whose ways multiply."""
        groups = () if resolved is None else prompts.uneven(resolved)
        largest = sorted(groups, key=lambda group: -group.tickets)[:MARKED]
        texts = "" if resolved is None else f"{_many(prompts.count(resolved))} texts"
        product = f"{len(groups)} groups of one alternative multiply to {_laid(*prompts.multiplied(groups))}; "
        self.report.error(
            "CXR511",
            span,
            "the prompt is too uneven to draw from exactly",
            label=texts,
            others=[Label(g.prompt.span, _laid(g.shapes, g.tickets)) for g in largest if g.prompt.span],
            help=(
                f"{product if len(groups) > 1 else ''}{limit}",
                "groups multiply that hold a slot, or alternatives of unequal number or weight; lines only add up",
            ),
        )

    def slots(self, scope: Scope, block: bool = False) -> _Slots:
        """The slots of a prompt; with a `block`, `{options}` is that."""
        return _Slots(lambda part: self.slot(part, scope, block))

    def slot(self, part: s.Slot, scope: Scope, block: bool) -> Typed | p.OptionBlock:
        """What a slot prints; `{options}` of a choice is its block."""
        if block and isinstance(part.expression, s.Name) and part.expression.name == "options":
            return p.OptionBlock()
        if isinstance(part.expression, s.Name) and part.expression.name == "options" and "options" not in scope.names:
            help = "`{options}` prints the options of a form whose answer is `choice` or `choices`"
            self.report.error("CXR203", part.expression.span, "`{options}` in a form without options", help=help)
            return Const("", UNKNOWN)
        typed = self.checker.check(part.expression, scope)
        if present(typed.type) not in (BOX, ListOf(BOX)):
            self.checker.printable(typed, part.expression.span, scope)
        return self.checker.never_null(typed, part.expression, "a slot", scope)

    # ---- answers

    def answer(self, form: d.Form, scope: Scope) -> p.Answer:
        """The answer of a form."""
        scope = replace(scope, site=f"{form.name}:answer")
        match form.answer:
            case d.TextAnswer(text):
                return p.TextAnswer(self.checker.wants(text, scope, TEXT, "the answer"))
            case d.ChoiceAnswer(options, correct, block):
                return self.choice(options, correct, block, False, None, scope)
            case d.ChoicesAnswer(options, correct, block, empty):
                return self.choice(options, correct, block, True, empty, scope)
            case d.BoxesAnswer(boxes, label, empty):
                return p.BoxesAnswer(*self.boxes(boxes, label, scope), self.empty(empty, scope))
            case d.PairsAnswer(format, pairs, empty):
                typed = self.checker.wants(pairs, scope, ListOf(p.PAIRS[format]), f"`{format}`")
                return p.PairsAnswer(format, typed, self.empty(empty, scope))

    def empty(self, empty: s.Prompt | None, scope: Scope) -> p.Prompt | None:
        """What is answered where there is nothing, a grammar of its own."""
        if empty is None:
            return None
        check_prompt(empty, self.rules, self.report, sentences=False)
        return self.prompt(empty, self.slots(scope), 1, empty.span)

    def hint(self, hint: s.Prompt | None, scope: Scope) -> p.Prompt | None:
        """What stands below the options."""
        if hint is None:
            return None
        check_prompt(hint, self.rules, self.report)
        return self.prompt(hint, self.slots(scope), 1, hint.span)

    def boxes(self, boxes: s.Expr, label: s.Expr | None, scope: Scope) -> tuple[Typed, Typed | None]:
        """Records that bring their labels, or boxes and the label of all of them."""
        shown = self.checker.check(boxes, scope)
        named = self.checker.wants(label, scope, TEXT, "`label`") if label is not None else None
        match item_type(shown.type):
            case RecordOf() if label is not None:
                help = "leave it out, or give a `list of box`"
                self.report.error("CXR508", label.span, "a `label` beside boxes that bring their own", help=help)
            case item if item == BOX and label is None:
                help = f"`label:` says what all of them show; or give a `{p.LABELLED}`"
                self.report.error("CXR508", boxes.span, "boxes without a label", help=help)
            case item:
                expected = p.LABELLED if isinstance(item, RecordOf) else ListOf(BOX)
                shown = self.checker.fitted(shown, expected, boxes, "`boxes`", scope)
        return shown, named

    def choice(
        self, options: s.Expr, correct: s.Expr, block: d.Block, several: bool, empty: s.Prompt | None, scope: Scope
    ) -> p.ChoiceAnswer:
        """One of the options, or `several`; what no row can mend is said here."""
        shown = self.checker.wants(options, scope, ListOf(TEXT), "`options`")
        right = self.checker.wants(correct, scope, ListOf(TEXT) if several else TEXT, "`correct`")
        self.literal_options(shown, right, options, correct, several)
        return p.ChoiceAnswer(
            options=shown,
            correct=right,
            markers=block.markers,
            layout=block.layout,
            reply=block.reply,
            hint=self.hint(block.hint, scope),
            several=several,
            empty=self.empty(empty, scope),
        )

    def literal_options(self, shown: Typed, right: Typed, options: s.Expr, correct: s.Expr, several: bool) -> None:
        """What can be said of options before any data: no two alike, the correct one among them, none with the separator."""
        if not isinstance(shown, Const) or not isinstance(shown.value, tuple):
            return
        texts = [str(v) for v in shown.value]
        for text in sorted({t for t in texts if texts.count(t) > 1}):
            self.report.error("CXR504", options.span, f"the option `{text}` stands twice")
        for text in texts:
            if several and p.OPTION_SEPARATOR in text:
                self.report.error(
                    "CXR505",
                    options.span,
                    f"the option `{text}` contains the separator `{p.OPTION_SEPARATOR}`",
                    help="an answer of several options could not be read back",
                )
        wanted = right.value if isinstance(right, Const) and not isinstance(right.type, Unknown) else ()
        for text in map(str, wanted if isinstance(wanted, tuple) else (wanted,)):
            if text not in texts:
                self.report.error(
                    "CXR506",
                    correct.span,
                    f"`{text}` is not among the options",
                    help="the options are " + ", ".join(f"`{t}`" for t in texts),
                    fix=respell_text(correct.span, text, texts),
                )


class _Slots:
    """What stands in the slots of a prompt, each typed once however many shapes it is in."""

    def __init__(self, typed: Callable[[s.Slot], Typed | p.OptionBlock]) -> None:
        self.type = typed
        self.known: dict[Span | None, Typed | p.OptionBlock] = {}

    def typed(self, part: s.Slot) -> Typed | p.OptionBlock:
        """What a slot prints."""
        if part.span not in self.known:
            self.known[part.span] = self.type(part)
        return self.known[part.span]

    @property
    def said(self) -> list[Said]:
        """The slots met so far that print an expression."""
        return [Said(typed, span) for span, typed in self.known.items() if not isinstance(typed, p.OptionBlock)]


def _answers(written: d.Answer, answer: p.Answer) -> tuple[Said, ...]:
    """The expressions whose values an answer prints. One label for all boxes is no answer: it says what was asked for."""
    match written, answer:
        case d.TextAnswer(text), p.TextAnswer(typed):
            return (Said(typed, text.span),)
        case ((d.ChoiceAnswer() | d.ChoicesAnswer()), p.ChoiceAnswer()):
            return (Said(answer.correct, written.correct.span),)
        case d.BoxesAnswer(boxes), p.BoxesAnswer(typed):
            return (Said(typed, boxes.span),)
        case d.PairsAnswer(_, pairs), p.PairsAnswer(_, typed):
            return (Said(typed, pairs.span),)
        case _:
            raise AssertionError("an answer is planned as it was written")
