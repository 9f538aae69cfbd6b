"""CHECK, the part about draws."""

from __future__ import annotations

from typing import cast

from cxrspec.compiler import syntax as s
from cxrspec.compiler.arguments import Arguments
from cxrspec.compiler.diagnostics import Label
from cxrspec.compiler.functions import PRINTABLE
from cxrspec.compiler.scopes import Scope, item_type
from cxrspec.compiler.typed import Apply, Const, Draw, Typed
from cxrspec.compiler.types import Scalar, Type, is_nullable


class Draws(Arguments):
    """Types draws, each keyed to the site of its scope."""

    def draw(self, e: s.Call, name: str, arguments: tuple[Typed, ...], result: Type, scope: Scope) -> Typed:
        """A draw, keyed to the scope's site."""
        if scope.site is None:
            self.report.error(
                "CXR311",
                e.function_span or e.span,
                f"`{name}` draws, and there is no example here to key the draw to",
                help="draws stand in the steps of a spec and in the forms of a task",
            )
            return Apply(name, arguments, result)
        if name == "choose":
            item = item_type(arguments[0].type)
            fit = isinstance(item, Scalar) and item.name in PRINTABLE
            help = "leave nulls out: `present(x)`" if is_nullable(item) else ""
            self.items_fit(e, fit, arguments[0], "texts or numbers, none of them null", scope, help)
        self.ranges(e, arguments)
        if name == "chance" and not 0 <= float(cast(float, cast(Const, arguments[0]).value)) <= 1:
            self.report.error("CXR312", e.arguments[0].span, "a probability lies between 0 and 1")
        if name != "choose":
            self.alone(e, scope.site)
        return Draw(name, arguments, scope.site, result)

    def alone(self, e: s.Call, site: str) -> None:
        """A second `chance` or `decoys` at one site would be the same draw again; `choose` draws for each item."""
        first = self.drawn.setdefault((e.span.file if e.span else "", site, e.function), e.span)
        if first is not None and first != e.span:
            self.report.error(
                "CXR315",
                e.function_span or e.span,
                f"a second `{e.function}` in one expression is the same draw",
                others=(Label(first, "the first one"),),
                help="give each draw a column or a `let` of its own",
            )
