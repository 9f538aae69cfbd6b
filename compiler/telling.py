"""What is written otherwise on one side than on the other, in the words of the files.

told("the filter `adult`", pair)    ->    the filter `adult`: `age >= 18`, was `age >= 21`
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxrspec.compiler.data import is_list, is_mapping
from cxrspec.compiler.written import Place

LENGTH = 72  # characters of a value that is shown
NAMED = ("tables", "splits", "constants", "inputs", "rules", "use")  # fields that hold things by their names


@dataclass(frozen=True, slots=True)
class Pair:
    """The same thing before and after; None where it is not written."""

    old: Place | None
    new: Place | None

    @property
    def same(self) -> bool:
        """Whether the same is written, in whatever order of keys and layout."""
        if self.old is None or self.new is None:
            return self.old is self.new
        return bool(_plain(self.old.value) == _plain(self.new.value))

    @property
    def place(self) -> Place | None:
        """Where it stands, else where it stood."""
        return self.new or self.old

    def below(self, key: str) -> Pair:
        """A member of both."""
        return Pair(*(place.below(key) if place is not None else None for place in (self.old, self.new)))

    def fields(self) -> list[str]:
        """The keys of both, where both are mappings."""
        values = [place.value for place in (self.old, self.new) if place is not None]
        return list(dict.fromkeys(key for value in values for key in value)) if all(map(is_mapping, values)) else []


def differing(pair: Pair) -> Iterator[tuple[str, Pair]]:
    """The fields of two declarations that are written otherwise, by name; `tables.x` where a field holds things by name."""
    for field in pair.fields():
        part = pair.below(field)
        if field in NAMED and part.old is not None and part.new is not None and part.fields():
            yield from ((f"{field}.{name}", one) for name in part.fields() if not (one := part.below(name)).same)
        elif not part.same:
            yield field, part


def blamed(pair: Pair, before: Mapping[str, Place], after: Mapping[str, Place]) -> Iterator[tuple[str, Pair]]:
    """The shared words that are mentioned in a value, straight or by way of others, and that are written otherwise.

    `before` and `after` are the words of the two sides.
    """
    seen: set[str] = set()
    todo = mentioned(pair)
    while todo:
        name = todo.pop(0)
        if name in seen or not (name in before or name in after):
            continue
        seen.add(name)
        word = Pair(before.get(name), after.get(name))
        if not word.same:
            yield name, word
        todo += mentioned(word)


def mentioned(pair: Pair) -> list[str]:
    """The names and `<rules>` in the texts of both values, in order."""
    places = [place for place in (pair.old, pair.new) if place is not None]
    return [word for place in places for text in _texts(place.value) for word in re.findall(r"<\w+>|\w+", text)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif is_mapping(value):
        for item in value.values():
            yield from _texts(item)
    elif is_list(value):
        for item in value:
            yield from _texts(item)


def told(what: str, pair: Pair) -> str:
    """What is written otherwise; `what` names the thing."""
    if pair.old is None or pair.new is None:
        value = pair.place.value if pair.place is not None else None
        return f"{what} is {'gone' if pair.new is None else 'new'}{_whole(value)}"
    return f"{what}: " + ("; ".join(_differences(pair.old, pair.new, "")) or "the same in another order")


def _whole(value: Any) -> str:
    return "" if is_mapping(value) or (is_list(value) and any(map(is_mapping, value))) else f": `{_shown(value)}`"


def _differences(old: Place, new: Place, name: str) -> Iterator[str]:
    """`name` is the way to both values from the thing that is spoken of."""
    was, now = old.value, new.value
    named = f"`{name}` is " if name else ""
    if is_mapping(was) and is_mapping(now):
        for key in dict.fromkeys((*was, *now)):
            way = f"{name}.{key}" if name else str(key)
            before, after = old.below(key), new.below(key)
            if before is None or after is None:
                there = was[key] if after is None else now[key]
                yield f"`{way}` is {'gone' if after is None else 'new'}{_whole(there)}"
            elif not Pair(before, after).same:
                yield from _differences(before, after, way)
    elif old.is_block or new.is_block:
        lines, more = _lines(str(was)), _lines(str(now))
        yield _items([x for x in more if x not in lines], [x for x in lines if x not in more])
    elif is_list(was) and is_list(now) and max(len(_shown(was, None)), len(_shown(now, None))) > LENGTH:
        items = [_shown(x) for x in now if x not in was], [_shown(x) for x in was if x not in now]
        yield (f"in `{name}` " if name else "") + _items(*items)
    else:
        texts = _apart(_shown(now, None), _shown(was, None))
        yield named + "`{}`, was `{}`".format(*texts)


def _items(new: Sequence[str], gone: Sequence[str]) -> str:
    """Lines or items that are new, and those that are gone: the first two of them."""
    if len(new) == len(gone) == 1:
        return "`{}`, was `{}`".format(*_apart(new[0], gone[0]))
    said: list[str] = []
    for items, how in ((new, "new"), (gone, "gone")):
        if items:
            more = f" and {len(items) - 2} more" if len(items) > 2 else ""
            verb = "is" if len(items) == 1 else "are"
            said.append(", ".join(f"`{_short(item)}`" for item in items[:2]) + f"{more} {verb} {how}")
    return "; ".join(said) or "the same in another order"


def _apart(new: str, old: str) -> tuple[str, str]:
    """Two long texts, cut to where they differ."""
    if max(len(new), len(old)) <= LENGTH:
        return new, old
    start = _alike(new, old)
    end = _alike(new[start:][::-1], old[start:][::-1])
    start, end = max(start - 16, 0), max(end - 16, 0)
    cut = [text[start : len(text) - end] for text in (new, old)]
    head, tail = "… " if start else "", " …" if end else ""
    return head + _short(cut[0]) + tail, head + _short(cut[1]) + tail


def _alike(a: str, b: str) -> int:
    """How many characters two texts have in common at their start."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _short(text: str) -> str:
    return text if len(text) <= LENGTH else text[: LENGTH - 2] + " …"


def _shown(value: Any, length: int | None = LENGTH) -> str:
    """A value as YAML would have it on one line."""
    if is_mapping(value):
        text = "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) + "}"
    elif is_list(value):
        text = "[" + ", ".join(map(_shown, value)) + "]"
    elif isinstance(value, bool) or value is None:
        text = {True: "true", False: "false", None: "null"}[value]
    else:
        text = " ".join(str(value).split())
    return text if length is None else _short(text)


def _plain(value: Any) -> Any:
    """A value with what counts for nothing in texts made equal: white space."""
    if is_mapping(value):
        return {key: _plain(item) for key, item in value.items()}
    if is_list(value):
        return [_plain(item) for item in value]
    return _lines(value) if isinstance(value, str) else (type(value), value)


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]
