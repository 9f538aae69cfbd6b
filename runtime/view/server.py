"""What the browser asks, and the answers: one function for each kind of question. Nothing is ever written.

/                        the page; /static/<name> its parts
/api/output              what there is: specs with their counts, how they were made, their terms
/api/examples?...        a page of examples: task, source, split, text; at or before a place
/api/example?id=         one example, and what its pictures lack
/api/options?id=         the options that its prompts show
/api/origin?id=          where it came from
/api/picture?id=&image=  a picture of an example, by its place in `images`: no path comes from outside
/api/charts?...          the charts of a selection
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, TypeVar

import polars as pl
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cxrspec.compiler.types import SPLITS
from cxrspec.runtime import examples
from cxrspec.runtime.examples import Example
from cxrspec.runtime.output import OutputError
from cxrspec.runtime.settings import Settings
from cxrspec.runtime.view import made_up, pages
from cxrspec.runtime.view.charts import Charts
from cxrspec.runtime.view.corpus import Corpus, Output, Selection, task
from cxrspec.runtime.view.guard import Guard
from cxrspec.runtime.view.origins import Origins
from cxrspec.runtime.view.pages import Row
from cxrspec.runtime.view.pictures import NotShownError, Pictures, content

T = TypeVar("T")

SECONDS = 1.0
"""How long one question is worked on at most, where the browser can ask on."""

MOST = 200
"""Examples of a page, at most."""

LONGEST = 200
"""Characters of a text that is looked for, at most; the page takes no more."""

_SHORT = 240  # characters of a text in a list,
_BEFORE = 30  # and of those before what was looked for
_MEDIA = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def app(output: Output, settings: Settings, key: str) -> Starlette:
    """The pages of an output, for whoever has the key."""
    viewer = _Viewer(output, settings)
    static = {file.name: file.read_bytes() for file in (files("cxrspec.runtime.view") / "static").iterdir()}

    def page(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in static:
            raise HTTPException(404)
        return Response(static[name], media_type=_MEDIA[name[name.rindex(".") :]])

    def answers(question: Callable[[Request, Corpus], Any]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            found = _unbroken(output, lambda corpus: question(request, corpus))
            return found if isinstance(found, Response) else JSONResponse(found)

        return answer

    questions = (
        viewer.output,
        viewer.examples,
        viewer.example,
        viewer.options,
        viewer.origin,
        viewer.picture,
        viewer.charts,
    )
    return Starlette(
        routes=[
            Route("/", page),
            Route("/static/{name}", page),
            *(Route(f"/api/{question.__name__}", answers(question)) for question in questions),
        ],
        middleware=[Middleware(Guard, key=key)],
        exception_handlers={HTTPException: _said},
    )


def _said(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


def _unbroken(output: Output, question: Callable[[Corpus], T]) -> T:
    """The answer; asked again if files were not as the manifest said, since a run may just have replaced them."""
    for _ in range(2):
        try:
            return question(output.now())
        except (OSError, pl.exceptions.PolarsError, OutputError):
            continue
    raise HTTPException(503, "The output cannot be read just now: a run may be replacing it.")


class _Viewer:
    """The questions by name, as their addresses have them."""

    def __init__(self, output: Output, settings: Settings) -> None:
        self._pictures, self._charts, self._origins = Pictures(settings), Charts(), Origins(settings)

    def output(self, _: Request, corpus: Corpus) -> Any:
        """What there is."""
        made = corpus.manifest
        return {
            "name": corpus.out.resolve().name,
            "version": corpus.version,
            "demo": made.demo,
            "facts": {
                "rules": made.mode,
                "seed": str(made.seed),
                "boxes": made.boxes,
                "formats": ", ".join((made.emit, *made.others)),
                "limit": "none" if made.limit is None else f"{made.limit:,} a spec",
                "cxrspec": made.versions.cxrspec,
            },
            "sources": {source.name: source.title for source in made.sources},
            "specs": [
                {
                    "task": task(spec),
                    "title": spec.task,
                    "source": spec.source,
                    "splits": {split: spec.splits[split].rows for split in SPLITS},
                    "terms": dict(spec.terms),
                }
                for spec in made.specs
            ],
            "failed": [{"name": one.name, "why": "stopped by " + ", ".join(one.codes)} for one in made.failed],
            "unavailable": [{"name": one.name, "why": one.reason} for one in made.unavailable],
        }

    def examples(self, request: Request, corpus: Corpus) -> Any:
        """A page of examples: that from `at` on, or the one that ends `before`."""
        selection, size = _selection(request), min(_number(request, "size", 25), MOST)
        if "before" in request.query_params:
            page = pages.backward(corpus, selection, _number(request, "before", 0), size, SECONDS)
        else:
            page = pages.forward(corpus, selection, _number(request, "at", 0), size, SECONDS)
        rows = [_in_short(row, selection.text or "") for row in page.rows]
        return {
            "rows": rows, "start": page.start, "next": page.next, "total": page.total, "version": corpus.version
        }  # fmt: skip

    def example(self, request: Request, corpus: Corpus) -> Any:
        """One example; `lacks` says of each picture why it is not shown, or null."""
        row = _example(request, corpus).row
        return {**row, "lacks": [self._lack(corpus, path) for path in row["images"]]}

    def options(self, request: Request, corpus: Corpus) -> Any:
        """The options of each turn of an example."""
        return self._origins.options(corpus, _example(request, corpus))

    def origin(self, request: Request, corpus: Corpus) -> Any:
        """Where an example came from."""
        return self._origins.origin(corpus, _example(request, corpus))

    def picture(self, request: Request, corpus: Corpus) -> Response:
        """One picture of an example."""
        row, image = _example(request, corpus).row, _number(request, "image", 0)
        if image >= len(row["images"]):
            raise HTTPException(404, "The example has no such image.")
        if corpus.manifest.demo:
            return Response(_made_up(row, image), media_type="image/png")
        try:
            data, media = content(self._pictures.find(row["images"][image]))
        except NotShownError as error:
            raise HTTPException(404, str(error)) from None
        return Response(data, media_type=media)

    def charts(self, request: Request, corpus: Corpus) -> Any:
        """Charts of a selection."""
        return self._charts.of(corpus, _selection(request), SECONDS)

    def _lack(self, corpus: Corpus, path: str) -> str | None:
        if corpus.manifest.demo:
            return None
        try:
            self._pictures.find(path)
        except NotShownError as error:
            return str(error)
        return None


def _selection(request: Request) -> Selection:
    asked = request.query_params
    selection = Selection(*(asked.get(name) or None for name in ("task", "source", "split", "text")))
    if selection.split not in (None, *SPLITS):
        raise HTTPException(400, "There is no such split.")
    if len(selection.text or "") > LONGEST:
        raise HTTPException(400, f"A text to look for has up to {LONGEST} characters.")
    return selection


def _number(request: Request, name: str, default: int) -> int:
    """A whole number from 0 up; numbers that no place can have are refused, too."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise HTTPException(400, f"`{name}` is no number.")
    return int(text)


def _example(request: Request, corpus: Corpus) -> Example:
    """The example of the id that is asked for, or of one of its turns."""
    try:
        return examples.find(examples.Output(corpus.out, corpus.manifest), request.query_params.get("id", ""))
    except OutputError as error:
        if error.diagnostic.code != "CXR821":
            raise
        raise HTTPException(404, "The output has no such example.") from None


def _in_short(row: Row, text: str) -> Mapping[str, Any]:
    """What a list shows of an example: of the first turn that holds the text."""
    sought = text.casefold()
    holding = (turn for turn in row["turns"] if sought in f"{turn['prompt']}\n{turn['answer']}".casefold())
    turn = next(holding, row["turns"][0])
    return {
        **{name: row[name] for name in ("at", "id", "task", "source", "split")},
        "prompt": _around(turn["prompt"], sought),
        "answer": _around(turn["answer"], sought),
        "turns": len(row["turns"]),
        "images": len(row["images"]),
        "boxes": len(row["boxes"]),
    }


def _around(text: str, sought: str) -> str:
    """The beginning of a text, or its part about what is sought, if that stands further on."""
    start = max(text.casefold().find(sought) - _BEFORE, 0)
    return ("… " if start else "") + text[start : start + _SHORT]


def _made_up(row: Row, image: int) -> bytes:
    sizes = row["sizes"]
    size = (sizes[image]["width"], sizes[image]["height"]) if image < len(sizes) else None
    boxes = [(b["x1"], b["y1"], b["x2"], b["y2"]) for b in row["boxes"] if b["image"] == image]
    return made_up.drawn(row["images"][image], size, boxes)
