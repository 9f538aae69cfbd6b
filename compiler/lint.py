"""LINT: how prompts read. A prompt is drawn from a grammar, so a slip shows only in some of its texts:

    Name the (view|projection)of this image.[{options}]        "projectionof", "image.Options: ..."

The tree is walked once; of each part it is asked how its texts begin and end, and the ends that meet are looked at.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from cxrspec.compiler import declarations as d
from cxrspec.compiler import prompts
from cxrspec.compiler import syntax as s
from cxrspec.compiler.diagnostics import Edit, Fix, Label, Report, Span
from cxrspec.compiler.nodes import node
from cxrspec.compiler.plan import parts
from cxrspec.compiler.reserved import RESERVED
from cxrspec.compiler.show import show_expression
from cxrspec.compiler.types import Unknown

MAX_TEXTS = 50_000
"""Texts of a prompt up to which all of them are compared."""

AFFIXES = frozenset(("s", "es", "d", "ed", "r", "er", "ing", "ly", "al", "n", "un", "in", "non", "re"))
"""What may stand in a group of its own and still be a part of the word beside it: `radiograph[s]`."""

_CLOSING = "\"')]”’»"


def check_inputs(task: d.Task, report: Report) -> None:
    """A warning for each input that no form speaks of; `images` are shown, whether a prompt speaks of them or not.

    Nothing is said where a text did not parse: it may be what speaks of the input.
    """
    nodes = [part for part in parts(task.forms) if isinstance(part, s.Node)]
    if any(isinstance(node, s.Invalid) or node == s.Words("") for node in nodes):
        return
    spoken = {node.name for node in nodes if isinstance(node, s.Name)}
    for name, type in task.inputs:
        if name.name not in spoken | {"images"} and not isinstance(type, Unknown):
            message = f"the input `{name.name}` is never used"
            report.warning("CXR522", name.span, message, help="no prompt, answer, `let` or `when` speaks of it")


def check_prompt(prompt: s.Prompt, rules: Mapping[str, s.Prompt], report: Report, sentences: bool = True) -> None:
    """Findings about a prompt as it was written, its rules not replaced. `sentences`: whether its texts end like one."""
    joints = _Joints(rules, report)
    for line in prompt.alternatives if isinstance(prompt, s.Choice) else (prompt,):
        ends = joints.walk(line, ())
        for edges, what in ((ends.first, "start"), (ends.last, "end")):
            for edge in [edge for edge in edges if edge.char.isspace()][:1]:
                report.warning("CXR525", edge.span, f"white space at the {what} of a prompt", help=_BLANK_HELP)
        bare = [edge for edge in ends.last if edge.end.isalnum() or edge.end in tuple(",;-")]
        for edge in bare[:1] if sentences else ():
            help = "a prompt ends with `.`, `?`, `!` or `:`, or with a slot"
            report.warning("CXR526", edge.span, "a prompt without punctuation at its end", help=help)


def check_rules(checked: Iterable[s.Prompt], rules: Mapping[str, s.Prompt], report: Report) -> None:
    """Findings about rules by themselves, whatever prompt they stand in; `rules` are all that they may name."""
    joints = _Joints(rules, report)
    for prompt in checked:
        joints.walk(prompt, ())


_BLANK_HELP = "a blank that goes with an optional part stands inside of it: `Name it.[ {options}]`"


@node
class _Edge:
    """How a text begins or ends: its outermost character ("" where that is not known before there is data), the last
    one that closes nothing, the word or slot it belongs to, and whether that may be a part of a word.
    """

    char: str
    end: str
    shown: str
    span: Span | None
    affix: bool = False

    @property
    def is_word(self) -> bool:
        """Whether a word, or something printed, stands there."""
        return not self.char or self.char.isalnum()


@node
class _Ends:
    """How the texts of a part begin and end, and whether one of them is empty."""

    empty: bool
    first: tuple[_Edge, ...] = ()
    last: tuple[_Edge, ...] = ()


class _Joints:
    """Looks at what stands side by side. A rule is looked into once; what is wrong within it is said where it stands."""

    def __init__(self, rules: Mapping[str, s.Prompt], report: Report) -> None:
        self.rules = rules
        self.report = report
        self.ends: dict[str, _Ends] = {}

    def walk(self, prompt: s.Prompt, inside: tuple[str, ...], grouped: bool = False) -> _Ends:
        """The ends of a part; `inside` are the rules it stands in, `grouped` says that it is an alternative of a group."""
        match prompt:
            case s.Words("", span=span):  # text that did not parse
                edge = (_Edge("…", "…", "", span),)
                return _Ends(False, edge, edge)
            case s.Words(text, span=span):
                self.words(text, span)
                return _words(text, span, grouped)
            case s.Slot(expression, span=span):
                edge = (_Edge("", "", f"{{{show_expression(expression)}}}", span),)
                return _Ends(False, edge, edge)
            case s.Rule(name, span=span) if name in self.rules and name not in inside:
                if name not in self.ends:
                    self.ends[name] = _Joints(self.rules, Report()).walk(self.rules[name], (*inside, name))
                ends = self.ends[name]
                return _Ends(ends.empty, _at(ends.first, name, span), _at(ends.last, name, span))
            case s.Rule(name, span=span):
                edge = (_Edge("", "", f"<{name}>", span),)
                return _Ends(False, edge, edge)
            case s.Optional(part):
                return replace(self.walk(part, inside, grouped=True), empty=True)
            case s.Choice(alternatives):
                parts = [self.walk(part, inside, grouped=True) for part in alternatives]
                return _Ends(any(e.empty for e in parts), *(_once(e) for e in _both(parts)))
            case s.Sequence(parts):
                return self.sequence([self.walk(part, inside) for part in parts])

    def sequence(self, parts: Sequence[_Ends]) -> _Ends:
        """Parts in a row: what ends may stand before each, and what begins may stand at the start of all."""
        empty, first, last = True, list[_Edge](), list[_Edge]()
        for part in parts:
            for left, right in product(last, part.first):
                if self.meet(left, right):
                    break
            first += part.first if empty else ()
            last = [*(last if part.empty else ()), *part.last]
            empty &= part.empty
        return _Ends(empty, _once(first), _once(last))

    def meet(self, left: _Edge, right: _Edge) -> bool:
        """Whether two ends do not go together, with a finding if so."""
        if left.char.isspace() and right.char.isspace():
            self.report.warning("CXR525", right.span, "white space twice in a row", help=_BLANK_HELP)
        elif left.char.isspace() and right.char in tuple(".,;:?!"):
            self.report.warning("CXR525", right.span, f"a blank before `{right.char}`", help=_BLANK_HELP)
        elif right.is_word and (left.is_word or left.char in tuple(".?!,;")) and not (left.affix or right.affix):
            message = f"`{left.shown}` and `{right.shown}` run together"
            others = [Label(left.span, "ends here")] if left.span is not None and left.span != right.span else []
            self.report.warning("CXR524", right.span, message, others=others, help="a blank stands between words")
        else:
            return False
        return True

    def words(self, text: str, span: Span | None) -> None:
        """Findings within literal text."""
        for match in RESERVED.finditer(text):
            help = "images are added by the output format; a text that looks like a token would be read as one"
            self.report.error("CXR527", _within(span, text, match), f"the reserved token `{match[0]}`", help=help)
        for match in re.finditer(r"[ \t]{2,}|[ \t]+(?=\n)|(?<=\n)[ \t]+", text):
            fix = _replaced(span, text, match, " " if match.end() < len(text) and match[0] != "\t" else "")
            self.report.warning("CXR525", _within(span, text, match), "white space twice in a row", fix=fix)
        for match in re.finditer(r"[ \t]+(?=[.,;:?!](?:\s|$))", text):
            fix = _replaced(span, text, match, "")
            place = _within(span, text, match)
            self.report.warning("CXR525", place, f"a blank before `{text[match.end()]}`", fix=fix)
        for match in re.finditer(r"(?<=[a-z\d])[.?!](?=[A-Z][a-z])", text):
            shown = re.search(r"\w+$", text[: match.start()]), re.match(r"\w+", text[match.end() :])
            names = [word[0] for word in shown if word]
            message = f"`{names[0]}{match[0]}` and `{names[-1]}` run together"
            fix = _replaced(span, text, match, f"{match[0]} ")
            help = "two prompts stand on lines of their own, two sentences have a blank between"
            self.report.warning("CXR524", _within(span, text, match), message, help=help, fix=fix)


def _words(text: str, span: Span | None, grouped: bool) -> _Ends:
    """The ends of literal text, each with the word it belongs to."""
    affix = grouped and text in AFFIXES
    first, last = re.match(r"\s|\S+", text), re.search(r"\S+$|\s$", text)
    assert first is not None
    assert last is not None
    stripped = text.rstrip(_CLOSING)
    start = _Edge(text[0], text[0], first[0], _within(span, text, first), affix)
    end = _Edge(text[-1], stripped[-1:], last[0], _within(span, text, last), affix)
    return _Ends(False, (start,), (end,))


def _within(span: Span | None, text: str, match: re.Match[str]) -> Span | None:
    """The place of a match, where each character of the text is one of the file; else that of all the text."""
    if span is None or span.end - span.start != len(text):
        return span
    return replace(span, start=span.start + match.start(), end=span.start + match.end())


def _replaced(span: Span | None, text: str, match: re.Match[str], new: str) -> Fix | None:
    """The fix that puts other text in place of a match."""
    place = _within(span, text, match)
    if span is None or place is None or place == span:
        return None
    return Fix(
        f"write `{new}`" if new.strip() else "take it away" if not new else "leave one blank", (Edit(place, new),)
    )


def _at(edges: Iterable[_Edge], name: str, span: Span | None) -> tuple[_Edge, ...]:
    """The ends of a rule stand where it is used."""
    return _once(replace(edge, shown=f"<{name}>", span=span) for edge in edges)


def _both(ends: Sequence[_Ends]) -> tuple[list[_Edge], list[_Edge]]:
    return [edge for e in ends for edge in e.first], [edge for e in ends for edge in e.last]


def _once(edges: Iterable[_Edge]) -> tuple[_Edge, ...]:
    return tuple(dict.fromkeys(edges))


# ---- texts


def check_texts(written: s.Prompt, resolved: s.Prompt, wheel: prompts.Wheel, report: Report) -> None:
    """A warning for each text that two ways through a prompt lead to; nothing for languages of more than 50,000 texts."""
    if sum(shape.leaves for shape in wheel.shapes) > MAX_TEXTS:
        return
    counted = Counter(text for shape in wheel.shapes for text in _texts(shape.parts))
    twice = [text for text, number in counted.items() if number > 1]
    if not twice:
        return
    lines = [(line, _leaves(whole)) for line, whole in _lines(written, resolved)]
    told: set[Span | None] = set()
    for text in twice:
        first, *more = [line.span for line, texts in lines for found in texts if found == text]
        second = more[0] if more else first
        if second not in told:
            told.add(second)
            shown = text if len(text) <= 60 else f"{text[:59]}…"
            others = [Label(first, "the other way")] if first is not None and first != second else []
            help = "take one away; a weight, `/2/`, before an alternative has it drawn more often"
            message = f"two prompts read the same: `{shown}`"
            report.warning("CXR523", second, message, others=others, help=help)


def _texts(parts: Iterable[prompts.Part]) -> Iterator[str]:
    choices = [
        part.texts if isinstance(part, prompts.Table) else (f"{{{show_expression(part.expression)}}}",)
        for part in parts
    ]
    return map("".join, product(*choices))


def _lines(written: s.Prompt, resolved: s.Prompt) -> Iterable[tuple[s.Prompt, s.Prompt]]:
    """Each line of a prompt, as it was written and with its rules replaced."""
    if isinstance(written, s.Choice) and isinstance(resolved, s.Choice):
        return zip(written.alternatives, resolved.alternatives, strict=True)
    return [(written, resolved)]


def _leaves(prompt: s.Prompt) -> list[str]:
    shown = (
        [part if isinstance(part, str) else f"{{{show_expression(part.expression)}}}" for part in leaf]
        for leaf in prompts.texts(prompt)
    )
    return ["".join(parts) for parts in shown]
