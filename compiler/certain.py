"""CERTAIN: of two spellings of a name the commoner is the right one; where neither is, a fix is taken off again.

inputs: {questino: text}            prompt: "{question}"    ->    `questino` may as well be the misspelt one
source: RSNA                        the source `rsna`       ->    the same name, in other letters
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from cxrspec.compiler.diagnostics import Diagnostic, is_typo
from cxrspec.compiler.functions import FUNCTIONS

# Findings whose fix writes a name that some file has given, not a word of the language, nor of what data files hold.
GIVEN = ("CXR203", "CXR205", "CXR207", "CXR208", "CXR209", "CXR210", "CXR211", "CXR212", "CXR213", "CXR216", "CXR219")


def certain(found: Diagnostic, texts: Mapping[str, str]) -> Diagnostic:
    """The finding, without its fix if that spells a name as the files do not mostly spell it."""
    if found.fix is None or found.code not in GIVEN:
        return found
    pairs = {(texts[e.span.file][e.span.start : e.span.end], e.text) for e in found.fix.edits}
    doubtful = [
        written
        for written, meant in pairs
        if is_typo(written, meant)
        and written.casefold() != meant.casefold()
        and meant not in FUNCTIONS
        and _count(meant, texts) <= _count(written, texts)
    ]
    return replace(found, fix=None) if doubtful else found


def _count(name: str, texts: Mapping[str, str]) -> int:
    """How often the files say `name`."""
    whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    return sum(len(whole.findall(text)) for text in texts.values() if name in text)
