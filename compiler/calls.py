"""CHECK, the part about calls: arguments, what they are, and the functions with a rule of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from cxrspec.compiler import syntax as s
from cxrspec.compiler.causes import cause_of
from cxrspec.compiler.checking import NUMBERS, keep_only
from cxrspec.compiler.declarations import Function
from cxrspec.compiler.diagnostics import Report, Span, close, near, respell, respell_text, write
from cxrspec.compiler.draws import Draws
from cxrspec.compiler.foreign import elsewhere, instead
from cxrspec.compiler.functions import FUNCTIONS, solve
from cxrspec.compiler.labels import Labels
from cxrspec.compiler.lambdas import Lambdas
from cxrspec.compiler.scopes import Binding, Scope, item_type
from cxrspec.compiler.typed import Apply, Const, Typed
from cxrspec.compiler.types import TEXT, UNKNOWN, Scalar, Type, Unknown, is_nullable, nullable, present


class Calls(Draws, Lambdas, Labels):
    """Types calls, of the language's functions and of those written in YAML."""

    def call(self, e: s.Call, scope: Scope) -> Typed:
        """A function of the language or one written in YAML."""
        if e.function in scope.functions:
            return self.expand(e, scope.functions[e.function], scope)
        function = FUNCTIONS.get(e.function)
        span = e.function_span or e.span
        if function is None:
            self.unknown_function(e, span, scope)
            return Apply(e.function, (), UNKNOWN)
        least = len(function.parameters) - function.optional
        if not least <= len(e.arguments) <= len(function.parameters):
            self.report.error(
                "CXR308",
                span,
                f"`{function.name}` with {len(e.arguments)} argument{'s' * (len(e.arguments) != 1)}",
                help=f"it reads `{function.signature}`",
            )
            return Apply(e.function, (), UNKNOWN)
        if function.kind == "lambda":
            return self.map(e, scope)
        if function.kind == "labels":
            return self.labels(e, scope)
        if function.kind == "image" and len(e.arguments) == 2 and isinstance(e.arguments[1], s.Name):
            e = replace(e, arguments=(e.arguments[0], s.Text(e.arguments[1].name, span=e.arguments[1].span)))
        arguments = tuple(self.check(a, scope) for a in e.arguments)
        result, wrong = solve(function, [a.type for a in arguments])
        if result is None:
            self.report.error(
                "CXR301",
                e.arguments[wrong].span,
                f"argument {wrong + 1} of `{function.name}` is `{arguments[wrong].type}`, expected `{function.parameters[wrong]}`",
                help=f"it reads `{function.signature}`",
                cause=cause_of(arguments[wrong], scope),
            )
            return Apply(e.function, (), UNKNOWN)
        for place in function.literal:
            if (
                place < len(arguments)
                and not isinstance(arguments[place], Const)
                and not isinstance(arguments[place].type, Unknown)
            ):
                self.report.error(
                    "CXR309",
                    e.arguments[place].span,
                    f"argument {place + 1} of `{function.name}` must be written out",
                    help="a literal or the name of a constant",
                )
                return Apply(e.function, (), result)
        return self.applied(e, arguments, result, scope)

    def unknown_function(self, e: s.Call, span: Span | None, scope: Scope) -> None:
        """The finding about a function that there is not: what is near, or what another language means by it."""
        known = [*FUNCTIONS, *scope.functions]
        meant = elsewhere(e.function)
        if meant is not None:
            quiet = type(self)(Report(), self.quoted)
            types = [quiet.check(argument, scope).type for argument in e.arguments]
            count = len(meant.parameters) - meant.optional <= len(types) <= len(meant.parameters)
            is_same = count and solve(meant, types)[0] is not None
            says = "here it is" if is_same else "what comes near is"
            help = [f"{says} `{meant.signature}`: {meant.doc}", "" if is_same else instead(e.function)]
            fix = write(span, meant.name) if is_same else None
        else:
            hint = instead(e.function)
            fix = None if hint else respell(span, e.function, known)
            nearest = near(e.function, known) if close(e.function, known) else ""
            help = [hint or nearest or f"the language has no `{e.function}`; its functions are in docs/language.md"]
        self.report.error("CXR208", span, f"unknown function `{e.function}`", help=help, fix=fix)

    def applied(self, e: s.Call, arguments: tuple[Typed, ...], result: Type, scope: Scope) -> Typed:
        """The call, once its arguments fit: the functions with a rule of their own."""
        match FUNCTIONS[e.function].kind, e.function:
            case "draw", name:
                return self.draw(e, name, arguments, result, scope)
            case "must", _:
                if not is_nullable(arguments[0].type) and not isinstance(arguments[0].type, Unknown):
                    self.report.warning(
                        "CXR307",
                        e.arguments[0].span,
                        "`must` asserts what is proved already",
                        label=f"this is `{arguments[0].type}`",
                        cause=cause_of(arguments[0], scope),
                        fix=keep_only(e.arguments[0], e, "leave `must` out"),
                    )
                return Apply("must", arguments, present(result))
            case "image", _:
                return self.image(e, arguments, result, scope)
            case _, "match":
                self.regex(arguments[1], e.arguments[1].span)
            case _, "section":
                self.headings(arguments[1], e.arguments[1].span)
            case _, "text":
                self.printable(arguments[0], e.arguments[0].span, scope)
            case _, "least" | "most":
                self.items_fit(e, present(item_type(arguments[0].type)) in NUMBERS, arguments[0], "numbers", scope)
            case _, "index":
                scalars = isinstance(present(item_type(arguments[0].type)), Scalar)
                self.items_fit(e, scalars, arguments[0], "a list without lists and records in it", scope)
            case _:
                self.ranges(e, arguments)
        return Apply(e.function, arguments, result)

    def image(self, e: s.Call, arguments: tuple[Typed, ...], result: Type, scope: Scope) -> Typed:
        """`image(path)` is below the folder of the file's own source, `image(path, "openi")` below another's."""
        folder = cast(str, cast(Const, arguments[1]).value) if len(arguments) == 2 else scope.source
        if folder not in scope.sources:
            span = e.arguments[1].span if len(arguments) == 2 else e.span
            help, fix = near(folder, scope.sources, "sources"), respell_text(span, folder, scope.sources)
            self.report.error("CXR209", span, f"unknown source `{folder}`", help=help, fix=fix)
        return Apply("path", (Const(folder, TEXT), arguments[0]), result)

    def expand(self, e: s.Call, function: Function, scope: Scope) -> Typed:
        """A function written in YAML: its expression, with the arguments in place of its names."""
        if len(e.arguments) != len(function.takes):
            self.report.error(
                "CXR308",
                e.function_span or e.span,
                f"`{function.name}` with {len(e.arguments)} argument{'s' * (len(e.arguments) != 1)}",
                help=f"it takes {len(function.takes)}",
            )
            return Apply(e.function, (), UNKNOWN)
        names: dict[str, Binding] = {n: b for n, b in scope.names.items() if isinstance(b.value, Const)}
        for argument, (name, type) in zip(e.arguments, function.takes, strict=True):
            typed = self.check(argument, scope)
            expected = nullable(type) if is_nullable(typed.type) else type
            role = f"`{name}` of `{function.name}`"
            names[name] = Binding(self.fitted(typed, expected, argument, role, scope))
        rest = {n: f for n, f in scope.functions.items() if n != function.name}
        inner = replace(scope, names=names, functions=rest, what=f"name in `{function.name}`", declared=None)
        return self.check(function.gives, inner)
