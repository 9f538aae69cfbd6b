"""CHECK, the part about `each` and `where`, which run an expression on every item of a list."""

from __future__ import annotations

from dataclasses import replace

from cxrspec.compiler import syntax as s
from cxrspec.compiler.causes import cause_of
from cxrspec.compiler.checking import Checking
from cxrspec.compiler.diagnostics import Report
from cxrspec.compiler.scopes import Binding, Scope, facts
from cxrspec.compiler.typed import Const, It, Map, Typed, draws
from cxrspec.compiler.types import BOOL, UNKNOWN, ListOf, Type, Unknown, is_nullable, nullable, present


class Lambdas(Checking):
    """Types the functions whose last argument speaks of `it`."""

    def map(self, e: s.Call, scope: Scope) -> Typed:
        """`each` and `where`: only constants may stand beside `it`."""
        items = self.check(e.arguments[0], scope)
        item: Type = UNKNOWN
        match present(items.type):
            case ListOf(inner):
                item = inner
            case Unknown():
                pass
            case other:
                message = f"argument 1 of `{e.function}` is `{other}`, expected a list"
                self.report.error("CXR301", e.arguments[0].span, message, cause=cause_of(items, scope))
        constants = {n: b for n, b in scope.names.items() if isinstance(b.value, Const)}
        hidden = sorted(set(scope.names) - set(constants))
        beside = replace(
            scope,
            names={**constants, "it": Binding(It(item))},
            what="name beside `it` (only constants may stand there)",
        )
        lifted = is_nullable(items.type)
        quiet = Report()
        if e.function == "where":
            body = type(self)(quiet, self.quoted).wants(e.arguments[1], beside, BOOL, "the condition")
            kept = present(item) if It(item) in facts(body) else item
            result: Type = ListOf(kept)
        else:
            body = type(self)(quiet, self.quoted).check(e.arguments[1], beside)
            result = ListOf(body.type)
        self._columns_beside_it(quiet, hidden)
        if draws(body):
            self.report.error(
                "CXR311",
                e.arguments[1].span,
                "a draw for each item of a list",
                help=f"draw once, outside of `{e.function}`",
            )
        return Map("where" if e.function == "where" else "each", items, body, nullable(result) if lifted else result)

    def _columns_beside_it(self, quiet: Report, hidden: list[str]) -> None:
        """Pass the findings of a body on; a column that would be known outside gets the reason why not here."""
        for found in quiet.diagnostics:
            if found.code == "CXR203" and found.message.split("`")[1] in hidden:
                found = replace(
                    found,
                    code="CXR313",
                    message=f"a column beside `it`: `{found.message.split('`')[1]}`",
                    others=(),
                    help=(
                        "only constants may stand beside `it`; an `if` around the whole `each` can often say the same",
                    ),
                )
            if found not in self.report.diagnostics:
                self.report.diagnostics.append(found)
