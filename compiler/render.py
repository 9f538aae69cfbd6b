"""temporary"""
from __future__ import annotations
import json
from collections.abc import Mapping, Sequence
from typing import Literal
from cxrspec.compiler.diagnostics import DataPlace, Diagnostic, Label
def render(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], format: Literal["text", "concise", "json"], color: bool = False) -> str:
    if format == "json":
        return json.dumps([{"code": d.code, "severity": d.severity, "message": d.message} for d in diagnostics])
    out = []
    for d in diagnostics:
        out.append(f"{d.severity}[{d.code}]: {d.message}")
        if isinstance(d.label, Label):
            t = sources.get(d.label.span.file, "")
            line = t.count("\n", 0, d.label.span.start) + 1
            col = d.label.span.start - (t.rfind("\n", 0, d.label.span.start) + 1)
            out.append(f" --> {d.label.span.file}:{line}:{col + 1}")
            src = t.split("\n")[line - 1]
            out.append(f"{line} | {src}")
            out.append(" " * (len(str(line)) + 3 + col) + "^" * max(1, d.label.span.end - d.label.span.start) + " " + d.label.text)
        elif isinstance(d.label, DataPlace):
            out.append(f" --> {d.label.file} {d.label.column} {d.label.line}")
        out += [f"  = help: {h}" for h in d.help]
    return "\n".join(out)
