"""Reserved tokens: what models and the loaders of their data take for something else than text.

    <image>   <|im_start|>   </s>   [INST]

No prompt may hold one (CXR527), but a report may. Where it is written for a loader, a blank is put behind the bracket;
one that has blanks there gets one more, so that the text can be had back:

    <image>  ->  < image>        < image>  ->  <  image>
"""

from __future__ import annotations

import re

_OPEN = r"[<\[]"
_REST = (
    r"(?:\|[^|<>\s]*\|>|｜[^｜<>\s]*｜>|</?SYS>>|/?INST\]|IMG(?:_BREAK|_END)?\]"
    r"|/?(?:s|pad|unk|bos|eos|image|img|video|audio|box|bbox|ref|ref-object|point|quad|image_placeholder|image-placeholder"
    r"|IMG_CONTEXT|start_of_image|end_of_image|start_of_turn|end_of_turn|im_start|im_end|im_patch|start-image|cot-process)>)"
)

RESERVED = re.compile(_OPEN + _REST, re.IGNORECASE)
"""A reserved token."""

ESCAPED = (f"(?i)({_OPEN} *)({_REST})", "${1} ${2}")
"""What is to be replaced by what, as Polars writes it, so that no text holds a token."""


def escaped(text: str) -> str:
    """A text without tokens, as `ESCAPED` makes it.

    >>> escaped("<image> < image> a < b [/INST]")
    '< image> <  image> a < b [ /INST]'
    """
    return re.sub(ESCAPED[0], r"\1 \2", text)
