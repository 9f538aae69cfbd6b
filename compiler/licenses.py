"""CHECK, the part about licences: no source may be used more freely than each of its licences allows."""

from __future__ import annotations

from cxrspec.compiler import declarations as d
from cxrspec.compiler.declared import Declared
from cxrspec.compiler.diagnostics import Label, Report, near, respell
from cxrspec.compiler.terms import freer, given


def check_licenses(declared: Declared, report: Report) -> None:
    """Report licences that nobody declares (CXR434), and terms of sources that are freer than theirs (CXR433)."""
    for source in declared.sources.values():
        known: list[d.License] = []
        for name in source.license:
            found = declared.licenses.get(name.name)
            if found is not None:
                known.append(found)
            elif "licenses" not in declared.lost:
                declares = "a file of `kind: licenses` says what it allows: `licenses: {<name>: {access: open}}`"
                help = (near(name.name, declared.licenses, "licences"), declares)
                fix = respell(name.span, name.name, declared.licenses)
                report.error("CXR434", name.span, f"unknown licence `{name.name}`", help=help, fix=fix)
        _check_use(source, known, report)


def _check_use(source: d.Source, licenses: list[d.License], report: Report) -> None:
    """A finding if a term is freer than one of the licences; of all that are, since the licence may be what is wrong."""
    bounds = [(term, word, one, given(dict(one.allows), term)) for term, word in source.use for one in licenses]
    broken = [(term, word, one, most) for term, word, one, most in bounds if freer(term, word, most)]
    if not broken:
        return
    terms = dict.fromkeys(term for term, *_ in broken)
    first, *more = [span for term in terms if (span := source.use_spans.get(term))]
    declared = dict.fromkeys(one.span for _, _, one, _ in broken if one.span)
    others = [*(Label(span, "and here") for span in more), *(Label(span, "declared here") for span in declared)]
    said = ", ".join(dict.fromkeys(f"`{term}: {word}`" for term, word, _, _ in broken))
    help = [f"`{one.name}` allows `{term}: {most}` at most" for term, _, one, most in broken]
    are = "is" if len(terms) == 1 else "are"
    report.error("CXR433", first, f"{said} {are} freer than the licence of `{source.name}`", others=others, help=help)
