"""CHECK, the part about values: what is compared with a value that it never has, and filters that no row passes."""

from __future__ import annotations

from collections.abc import Sequence

from cxrspec.compiler import syntax as s
from cxrspec.compiler.diagnostics import Label, Report, Span, close, combined, respell_text
from cxrspec.compiler.domains import Stranger
from cxrspec.compiler.follow import Followed, Never
from cxrspec.compiler.plan import parts
from cxrspec.compiler.show import show_expression
from cxrspec.compiler.typed import Value


def check_matches(followed: Followed, report: Report) -> None:
    """Report values that are never there (CXR430), filters that no row passes (CXR431), forms that ask nobody (CXR432)."""
    for never in followed.never:
        _never(never, report)
    _strangers(followed, report)
    for span in followed.values.empty:
        help = "leave the condition out, or name what it is to be in"
        report.error("CXR431", span, "nothing is in an empty list", help=help)


def _never(never: Never, report: Report) -> None:
    """A finding: the condition never holds."""
    names = {part.name for part in parts(never.condition) if isinstance(part, s.Name)} & never.known.keys()
    bounded = {name: never.known[name] for name in sorted(names) if never.known[name].values}
    help = [f"`{name}` is {_listed(domain.values or ())} here" for name, domain in bounded.items()]
    others = dict.fromkeys(place for domain in bounded.values() for place in domain.places)
    place, label = never.condition.span, "this never holds"
    if never.of == "form":
        message = f"no example is asked by the form `{never.name}`"
        report.warning("CXR432", place, message, label=label, others=others, help=help)
    else:
        message = "no row passes " + ("this filter" if never.name == "where" else f"the filter `{never.name}`")
        report.error("CXR431", place, message, label=label, others=others, help=help)


def _strangers(followed: Followed, report: Report) -> None:
    """A finding for each value that nothing can be; several of one declaration are one."""
    said = [found.label.span for found in report.diagnostics if isinstance(found.label, Label)]
    alike: dict[object, list[Stranger]] = {}
    for one in followed.values.strangers.values():
        if not any(_inside(one.span, span) for span in said):
            alike.setdefault((one.domain.places[:1] or one.span, one.value), []).append(one)
    for group in alike.values():
        first, *more = sorted(group, key=lambda one: one.span or Span("", 0, 0))
        places = [Label(one.span, "and here") for one in more if one.span]
        subject = show_expression(first.subject)
        value = _shown(first.value)
        message = f"{value} is never in `{subject}`" if first.listed else f"`{subject}` is never {value}"
        others, help = [*first.domain.places, *places], _instead(first, subject)
        texts = [str(value) for value in first.domain.values or ()]
        fix = combined(respell_text(one.span, str(one.value), texts) for one in group)
        report.error("CXR430", first.span, message, others=others, help=help, fix=fix)


def _inside(span: Span | None, other: Span) -> bool:
    return span is not None and span.file == other.file and other.start <= span.start and span.end <= other.end


def _instead(found: Stranger, subject: str) -> str:
    """What could have been meant, or all that there is."""
    values = found.domain.values or ()
    alike = close(str(found.value), map(str, values))
    if alike:
        return f"a near value exists: `{alike[0]}`"
    holds = "holds" if found.listed else "is"
    return f"`{subject}` {holds} {_listed(values)} here" if values else ""


def _listed(values: Sequence[Value]) -> str:
    """`a`, `b` or `c`; of many the first."""
    shown = [_shown(value) for value in values[:12]]
    if len(values) > 12:
        return f"{', '.join(shown)} or one of {len(values) - 12} more"
    return " or ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)


def _shown(value: Value) -> str:
    if value == "":
        return "the empty text"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
