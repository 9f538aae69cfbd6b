"""CHECK, the part about arguments of functions: items that do not fit, numbers out of range, regular expressions."""

from __future__ import annotations

import re
import warnings

from cxrspec.compiler import syntax as s
from cxrspec.compiler.causes import cause_of
from cxrspec.compiler.checking import Checking
from cxrspec.compiler.diagnostics import Span, within
from cxrspec.compiler.functions import HEADING
from cxrspec.compiler.scopes import Scope, item_type
from cxrspec.compiler.typed import Const, Typed
from cxrspec.compiler.types import Never, Unknown

LEAST = {("every", 1): 1, ("every", 2): 0, ("decoys", 2): 1}
SEPARATORS = (("split", 1), ("part", 1))

# What Python's regular expressions have and Rust's do not: look-around, back-references, octal escapes, atomic groups,
# conditions, comments, possessive repetition, `\Z`, `\N{...}`.
NOT_RUST = re.compile(r"\(\?(?:[=!>(#]|<[=!]|P=)|\\[0-9ZN]|[*+?}]\+")

# What Rust's have and Python's do not: classes of characters by their Unicode property.
CLASS = r"\\[pP](?:\{\w+\}|\w)"

# Why a regular expression does not parse: how Python's words begin, the characters from where it stopped, our words,
# and what to do.
BROKEN = (
    ("missing ), unterminated subpattern", r"\(", "`{}` is never closed", r"a plain bracket is written `\(`"),
    ("unbalanced parenthesis", r"\)", "`{}` closes nothing", r"a plain bracket is written `\)`"),
    ("unterminated character set", r"\[\^?", "`{}` is never closed", r"a plain bracket is written `\[`"),
    ("nothing to repeat", r"[*+?]|\{[^}]*\}", "`{}` has nothing to repeat", "a backslash makes it a plain character"),
    ("multiple repeat", r"[*+?]|\{[^}]*\}", "`{}` repeats what is repeated", "a backslash makes it a plain character"),
    ("bad escape (end of pattern)", r"\\", "`{}` at the end", r"a plain backslash is written `\\`"),
    ("bad escape", r"\\.", "`{}` is no escape of regular expressions", r"a plain backslash is written `\\`"),
    (
        "bad character range",
        r"[^\]]-[^\]]",
        "the range `{}` runs backwards",
        r"a plain `-` stands last, or is written `\-`",
    ),
    ("min repeat greater", r"[0-9,]*", "`{}` asks for more at least than at most", ""),
    ("unknown extension", r"\?[^)]", "`({}` starts no group", "groups are `(...)`, `(?:...)` and `(?P<name>...)`"),
)


def _crossed(pattern: str, text: str) -> str:
    """The text with a letter in place of each character of what matches: all others stay where they are."""
    return re.sub(pattern, lambda found: "x" * len(found[0]), text)


class Arguments(Checking):
    """What signatures cannot say of arguments."""

    def items_fit(self, e: s.Call, fit: bool, items: Typed, asked: str, scope: Scope, help: str = "") -> None:
        """A finding unless the items of a list are known to `fit`; it names what the function asks for."""
        if not fit and not isinstance(item_type(items.type), Unknown | Never):
            message = f"`{e.function}` asks for {asked}, found `{items.type}`"
            self.report.error("CXR304", e.arguments[0].span, message, help=help, cause=cause_of(items, scope))

    def ranges(self, e: s.Call, arguments: tuple[Typed, ...]) -> None:
        """Literal arguments that the function cannot be given: a step of zero, an empty separator."""
        for place, argument in enumerate(arguments):
            least = LEAST.get((e.function, place))
            value = argument.value if isinstance(argument, Const) else None
            if isinstance(value, int) and least is not None and value < least:
                message = f"argument {place + 1} of `{e.function}` is {value}, expected {least} or more"
                self.report.error("CXR314", e.arguments[place].span, message)
            if value == "" and (e.function, place) in SEPARATORS:
                self.report.error("CXR314", e.arguments[place].span, "an empty separator")

    def headings(self, names: Typed, span: Span | None) -> None:
        """Names that a heading can have; there is at least one."""
        written = names.value if isinstance(names, Const) and isinstance(names.value, tuple) else ()
        for name in written:
            if not re.fullmatch(HEADING, " ".join(str(name).split())):
                help = "a heading is made of capitals, blanks and `()/,-`, and starts with a letter"
                self.report.error("CXR314", span, f"`{name}` can be no heading", help=help)
        if not written:
            self.report.error("CXR314", span, "no heading is named")

    def broken(self, pattern: str, wrong: re.error, span: Span | None) -> None:
        """The finding about a regular expression that does not parse, at the characters that are in the way."""
        at = wrong.pos or 0
        for said, characters, message, help in BROKEN:
            if wrong.msg.startswith(said) and (found := re.compile(characters).match(pattern, at)):
                message = message.format(found[0].replace("{", "{{").replace("}", "}}"))
                self.report.error("CXR310", within(span, pattern, *found.span()), message, help=help)
                return
        place = within(span, pattern, at, at + 1)
        self.report.error("CXR310", place, f"not a regular expression: {wrong.msg}")

    def regex(self, pattern: Typed, span: Span | None) -> None:
        """A regular expression of the Rust kind with at least one group."""
        if not isinstance(pattern, Const) or not isinstance(pattern.value, str):
            return
        try:
            with warnings.catch_warnings(action="error"):  # "possible nested set": Rust reads one
                groups = re.compile(_crossed(CLASS, pattern.value)).groups
        except re.error as wrong:
            self.broken(pattern.value, wrong, span)
            return
        except (FutureWarning, OverflowError) as wrong:
            self.report.error("CXR310", span, f"not a regular expression: {wrong}")
            return
        if found := NOT_RUST.search(_crossed(rf"{CLASS}|\\[^0-9ZN]|\[[^\]]*\]", pattern.value)):
            place = within(span, pattern.value, *found.span())
            self.report.error("CXR310", place, f"`{found[0]}` is not part of this kind of regular expression")
        elif groups == 0:
            self.report.error(
                "CXR310",
                span,
                "the regular expression has no group",
                help="put brackets around what is wanted: `(...)`",
            )
