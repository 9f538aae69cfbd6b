"""DRAW: findings become text for a terminal, or what other programs read. What a finding says is not decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from cxrspec.compiler.diagnostics import Diagnostic
from cxrspec.compiler.ignoring import Ignored
from cxrspec.compiler.rendering.places import Text, order

Format: TypeAlias = Literal["text", "concise", "json", "github", "sarif"]


def render(
    diagnostics: Sequence[Diagnostic],
    sources: Mapping[str, str],
    format: Format,
    color: bool = False,
    ignored: Sequence[Ignored] = (),
) -> str:
    """All findings, sorted by place, with a line break at the end; "" where there is nothing to say.

    `sources` are the texts of the files by path; a place in any other file is named, not drawn. `color` is for "text",
    `ignored` findings are for "sarif".
    """
    texts = {file: Text(source) for file, source in sources.items()}
    found = sorted(diagnostics, key=order)
    match format:
        case "text":
            from cxrspec.compiler.rendering import text

            return text.render(found, texts, color)
        case "concise":
            from cxrspec.compiler.rendering import concise

            return concise.render(found, texts)
        case "json":
            from cxrspec.compiler.rendering import json

            return json.render(found, texts)
        case "github":
            from cxrspec.compiler.rendering import github

            return github.render(found, texts)
        case "sarif":
            from cxrspec.compiler.rendering import sarif

            return sarif.render(found, texts, ignored)
