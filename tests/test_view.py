"""`cxrspec view`: what its server answers, against plain Python over the same rows, and what it refuses."""

from __future__ import annotations

import io
import re
import struct
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from cxrspec.runtime import writing
from cxrspec.runtime.commands.view import view
from cxrspec.runtime.formats import EXAMPLES
from cxrspec.runtime.output import OutputError
from cxrspec.runtime.settings import Images, Settings
from cxrspec.runtime.view import charts, corpus, made_up, pages, pictures, server
from cxrspec.runtime.view.corpus import Output
from cxrspec.runtime.view.server import app

from .viewed import SPLITS, Row, box, row, write

KEY = "made-up-key"
WORDS = ("Effusion (left)", "no opacity", "ÉTAT normal", "a.c", "abc", "1+1")
STATIC = Path(server.__file__).parent / "static"


def rows() -> list[Row]:
    """Some 90 examples of four specs; one has no row of val."""
    made: list[Row] = []
    for place, (task, source) in enumerate((("vqa", "one"), ("vqa", "two"), ("boxes", "one"), ("text", "three"))):
        for number in range(23):
            split = SPLITS[number % 7 % 3] if place else ("train", "test")[number % 2]
            turns = [(f"Asked {WORDS[(number + k) % 6]}?", WORDS[(number * 5 + k) % 6]) for k in range(1 + number % 3)]
            boxes = (
                [box(WORDS[number % 2], 0.1 * k, 0.2, 0.1 * k + 0.3, 0.9) for k in range(number % 4)]
                if place == 2
                else []
            )
            made.append(row(f"{task}/{source}/{number:02}%2F{place}", split, *turns, boxes=boxes))
    return made


ROWS = rows()


def ordered(some: list[Row]) -> list[Row]:
    """As an output has them."""
    return sorted(some, key=lambda one: (f"{one['task']}/{one['source']}", SPLITS.index(one["split"]), one["id"]))


def chosen(task: str = "", source: str = "", split: str = "", text: str = "") -> list[Row]:
    """What a selection should be."""

    def holds(one: Row) -> bool:
        said = [one["id"], *(turn[part] for turn in one["turns"] for part in ("prompt", "answer"))]
        return any(text.lower() in words.lower() for words in said)

    return [
        one
        for one in ordered(ROWS)
        if task in ("", one["task"]) and source in ("", one["source"]) and split in ("", one["split"]) and holds(one)
    ]


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """Files and chunks of a few rows, so that these outputs have several of each; and all the time that is needed."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (writing, corpus):
            patch.setattr(module, "ROWS_PER_SHARD", 4)
        patch.setattr(pages, "_CHUNK", 3)
        patch.setattr(server, "SECONDS", 3600)
        yield


def client(out: Path, data: Path = Path("nowhere"), images: dict[str, Images] | None = None) -> TestClient:
    """A browser that has the key."""
    asks = TestClient(
        app(Output(out), Settings(data, out, Path("specs"), 1, images=images or {}), KEY), "http://127.0.0.1:8765"
    )
    assert asks.get("/", params={"key": KEY}).status_code == 200
    return asks


@pytest.fixture(scope="module")
def outputs(small: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs")
    for emit in EXAMPLES:
        write(folder / emit, ROWS, emit)
    return folder


@pytest.fixture
def asks(outputs: Path) -> TestClient:
    return client(outputs / "parquet")


@pytest.fixture(params=EXAMPLES)
def either(outputs: Path, request: pytest.FixtureRequest) -> TestClient:
    return client(outputs / request.param)


def walk(asks: TestClient, size: int, **selection: str) -> Iterator[Any]:
    """All pages, one after the other."""
    at: int | None = 0
    while at is not None:
        page = asks.get("/api/examples", params={**selection, "at": at, "size": size}).json()
        yield page
        assert page["next"] is None or page["next"] > at
        at = page["next"]


def walk_back(asks: TestClient, size: int, **selection: str) -> Iterator[Any]:
    """All pages from the end."""
    before = 10**6
    while before:
        page = asks.get("/api/examples", params={**selection, "before": before, "size": size}).json()
        yield page
        assert page["start"] < before
        before = page["start"]


# ---- examples


def test_what_there_is(asks: TestClient) -> None:
    said = asks.get("/api/output").json()
    found = {(s["task"], s["source"], split): n for s in said["specs"] for split, n in s["splits"].items()}
    counted = Counter((one["task"], one["source"], one["split"]) for one in ROWS)
    assert {key: number for key, number in found.items() if number} == counted
    assert said["name"] == "parquet"


@pytest.mark.parametrize(("size", "seconds"), [(7, 0), (200, 60)])
def test_pages_lose_and_repeat_nothing(
    either: TestClient, size: int, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any time left a page goes on after each chunk."""
    monkeypatch.setattr(server, "SECONDS", seconds)
    for text, split in (("", ""), ("effusion (LEFT)", "test"), ("zzz", "train")):
        wanted = [one["id"] for one in chosen(split=split, text=text)]
        found = list(walk(either, size, text=text, split=split))
        assert [one["id"] for page in found for one in page["rows"]] == wanted
        assert {page["total"] for page in found} == {len(chosen(split=split))}
        back = list(walk_back(either, size, text=text, split=split))
        assert [one["id"] for page in reversed(back) for one in page["rows"]] == wanted


def test_filters_are_those_of_plain_python(asks: TestClient) -> None:
    for task, source, split in product(("", "vqa", "none"), ("", "one"), ("", "val")):
        said = {"task": task, "source": source, "split": split}
        assert [o["id"] for page in walk(asks, 200, **said) for o in page["rows"]] == [o["id"] for o in chosen(**said)]


def test_a_text_is_looked_for_as_it_stands_whatever_its_case(asks: TestClient) -> None:
    for text in ("état", "A.C", "1+1", "(left)", "%2F3", "vqa/two/1", "normal?", "\\", "^a"):
        wanted = [one["id"] for one in chosen(text=text)]
        assert [one["id"] for page in walk(asks, 200, text=text) for one in page["rows"]] == wanted, text
        assert bool(wanted) == (text not in ("\\", "^a"))


def test_a_list_shows_the_turn_and_the_place_that_hold_the_text(tmp_path: Path) -> None:
    long = "word " * 200 + "Needle at the end"
    write(tmp_path / "out", [row("a/b/1", "train", ("first?", "no"), ("second?", long))])
    (said,) = client(tmp_path / "out").get("/api/examples", params={"text": "needle"}).json()["rows"]
    assert said["prompt"] == "second?"
    assert "Needle" in said["answer"]
    assert len(said["answer"]) < 250


def test_an_example_is_all_that_was_written(either: TestClient) -> None:
    for one in ROWS[::13]:
        said = either.get("/api/example", params={"id": one["id"]}).json()
        assert said.pop("lacks") == []
        assert said == one


@pytest.mark.parametrize("question", ["example", "picture", "options", "origin"])
def test_an_id_that_is_not_there(asks: TestClient, question: str) -> None:
    for id in ("", "vqa", "vqa/one", "vqa/one/nothing", "none/one/00", "vqa/one/../../x"):
        answer = asks.get(f"/api/{question}", params={"id": id})
        assert (answer.status_code, answer.json()) == (404, {"error": "The output has no such example."})


def test_questions_that_make_no_sense(asks: TestClient) -> None:
    for asked in (
        "at=-1",
        "at=x",
        "at=1.5",
        "size=",
        "before=²",
        f"at={'9' * 30}",
        "split=all",
        "split=../train",
        f"text={'a' * 201}",
    ):
        assert asks.get(f"/api/examples?{asked}").status_code == 400, asked


# ---- charts


def test_charts_count_what_plain_python_counts(either: TestClient) -> None:
    for asked in ({}, {"text": "effusion"}, {"task": "boxes", "split": "train"}, {"task": "none"}):
        some = chosen(**asked)
        said = either.get("/api/charts", params=asked).json()
        turns = [turn for one in some for turn in one["turns"]]
        boxes = [one for some_row in some for one in some_row["boxes"]]
        assert (said["examples"], said["turns"], said["boxes"], said["left"]) == (len(some), len(turns), len(boxes), 0)
        assert dict(said["answers"]) == Counter(turn["answer"] for turn in turns)
        assert dict(said["labels"]) == Counter(one["label"] for one in boxes)
        lengths = Counter(len(turn["prompt"]) // said["step"] for turn in turns)
        assert {place: number for place, number in enumerate(said["prompts"]) if number} == lengths
        assert said["splits"] == Counter(one["split"] for one in chosen(**{**asked, "text": ""}))
        assert said["places"] == covered(boxes)


def covered(boxes: list[Any]) -> list[list[int]]:
    """Each cell against each box: do they share any area?"""
    side = charts.SIDE
    return [
        [
            sum(
                b["x1"] * side < x + 1 and b["x2"] * side > x and b["y1"] * side < y + 1 and b["y2"] * side > y
                for b in boxes
            )
            for x in range(side)
        ]
        for y in range(side)
    ]


def test_charts_that_take_long_go_on(asks: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SECONDS", 0)
    parts = len({(one["task"], one["source"], one["split"]) for one in ROWS})
    left = [asks.get("/api/charts").json()["left"] for _ in range(parts)]
    assert left == [*range(parts - 1, 0, -1), 0]
    assert asks.get("/api/charts").json()["examples"] == len(ROWS)


# ---- pictures


def png(pixels: Any) -> bytes:
    made = io.BytesIO()
    Image.fromarray(pixels).save(made, "PNG")
    return made.getvalue()


GREY = png(np.arange(12, dtype=np.uint8).reshape(3, 4))
JPEG = b"\xff\xd8\xff\xe0 as it is"


def pictured(tmp_path: Path, *images: str, copies: dict[str, Images] | None = None) -> TestClient:
    """An output whose only example has these images; the data root is `data`."""
    write(tmp_path / "out", [row("a/lab/1", "train", ("?", "!"), images=list(images))])
    (tmp_path / "data/lab").mkdir(parents=True, exist_ok=True)
    return client(tmp_path / "out", tmp_path / "data", copies)


def shown(asks: TestClient, image: int = 0) -> Any:
    """Bytes and media type of a picture, or what is said in its place, which the example says too."""
    answer = asks.get("/api/picture", params={"id": "a/lab/1", "image": image})
    lacks = asks.get("/api/example", params={"id": "a/lab/1"}).json()["lacks"][image]
    if answer.status_code == 200:
        assert lacks is None
        return answer.content, answer.headers["content-type"]
    assert answer.status_code == 404
    assert lacks in (None, answer.json()["error"])
    return answer.json()["error"]


def test_pictures_of_eight_bits_are_handed_out_as_they_are(tmp_path: Path) -> None:
    asks = pictured(tmp_path, "lab/x/1.png", "lab/2.jpg")
    (tmp_path / "data/lab/x").mkdir()
    (tmp_path / "data/lab/x/1.png").write_bytes(GREY)
    (tmp_path / "data/lab/2.jpg").write_bytes(JPEG)
    assert shown(asks, 0) == (GREY, "image/png")
    assert shown(asks, 1) == (JPEG, "image/jpeg")
    assert asks.get("/api/picture", params={"id": "a/lab/1", "image": 2}).status_code == 404


def test_a_picture_of_sixteen_bits_is_scaled(tmp_path: Path) -> None:
    asks = pictured(tmp_path, "lab/1.png")
    (tmp_path / "data/lab/1.png").write_bytes(png(np.array([[1000, 1255], [1510, 2020]], np.uint16)))
    data, media = shown(asks)
    assert media == "image/png"
    with Image.open(io.BytesIO(data)) as image:
        assert np.asarray(image).tolist() == [[0, 64], [128, 255]]  # (x - 1000) / 1020 * 255, to the nearest


def test_without_the_packages_that_convert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = png(np.array([[1000, 2000]], np.uint16))
    asks = pictured(tmp_path, "lab/1.png", "lab/1.dcm")
    (tmp_path / "data/lab/1.png").write_bytes(deep)
    (tmp_path / "data/lab/1.dcm").write_bytes(bytes(128) + b"DICM")
    nothing: dict[str, None] = {}
    monkeypatch.setattr(pictures, "find_spec", nothing.get)
    assert shown(asks, 0) == (deep, "image/png")  # browsers show it, if not as bright as they might
    assert shown(asks, 1) == "DICOM is shown with the packages of cxrspec[images]."


def test_what_is_no_picture_or_not_there_is_said(tmp_path: Path) -> None:
    asks = pictured(tmp_path, "lab/none.png", "lab/table.csv", "lab/cut.dcm", "lab", "lab/\0.png")
    (tmp_path / "data/lab/table.csv").write_text("patient,age\n1,2\n")
    (tmp_path / "data/lab/cut.dcm").write_bytes(bytes(128) + b"DICM cut off")
    assert [shown(asks, place) for place in range(5)] == [
        "There is no picture at this path.",
        "This file is no JPEG, PNG or DICOM.",
        "This is a damaged DICOM file.",
        "There is no picture at this path.",
        "There is no picture at this path.",
    ]


def test_no_path_leads_out_of_the_folders(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(GREY)
    away = [
        "../secret.png",
        "lab/../../secret.png",
        f"{tmp_path}/secret.png",
        f"//{tmp_path}/secret.png",
        "/etc/passwd",
    ]
    asks = pictured(tmp_path, *away)
    assert {shown(asks, place) for place in range(len(away))} == {"There is no picture at this path."}


def test_copies_of_a_lab_come_first(tmp_path: Path) -> None:
    copies = {"lab": Images(tmp_path / "small", "{stem}.png")}
    asks = pictured(tmp_path, "lab/deep/1.dcm", f"{tmp_path}/small/1.png", copies=copies)
    (tmp_path / "small").mkdir()
    (tmp_path / "small/1.png").write_bytes(GREY)
    assert shown(asks, 0) == (GREY, "image/png")
    assert shown(asks, 1) == (GREY, "image/png")  # as a run with these settings names it


def test_a_demo_has_drawn_pictures_in_the_proportions_of_its_images(tmp_path: Path) -> None:
    one = row("a/lab/1", "train", ("?", "!"), images=["lab/1.dcm"], sizes=[{"width": 2000, "height": 1000}])
    write(tmp_path / "out", [one], demo=True)
    data, media = shown(client(tmp_path / "out"))
    assert media == "image/png"
    assert struct.unpack(">II", data[16:24]) == (720, 360)
    assert data == made_up.drawn("lab/1.dcm", (2000, 1000), [])


# ---- who may ask


def test_only_who_has_the_key(tmp_path: Path) -> None:
    write(tmp_path / "out", ROWS[:1])
    settings = Settings(tmp_path, tmp_path / "out", Path("specs"), 1)
    asks = TestClient(app(Output(tmp_path / "out"), settings, KEY), "http://127.0.0.1:8765")
    for path in ("/", "/static/app.js", "/api/output", "/?key=", "/?key=other", "/?key=%C3%A9"):
        assert asks.get(path).status_code == 403, path
    asks.cookies.set("cxrspec-8765", "other")
    assert asks.get("/api/output").status_code == 403
    asks.cookies.clear()
    led = asks.get(f"/?view=charts&key={KEY}&task=a", follow_redirects=False)
    assert (led.status_code, led.headers["location"]) == (303, "/?view=charts&task=a")
    assert "HttpOnly" in led.headers["set-cookie"]
    assert "SameSite=strict" in led.headers["set-cookie"]
    assert asks.get("/api/output").status_code == 200


def test_other_host_names_are_refused(asks: TestClient) -> None:
    hosts = ("evil.example", "evil.example:8765", "", "127.0.0.1.evil.example", "0.0.0.0:8765", "127.0.0.1:8;x=1")
    for host, path in product(hosts, ("/", "/api/output", f"/?key={KEY}")):
        answer = asks.get(path, headers={"host": host}, follow_redirects=False)
        assert answer.status_code == 400
        assert "set-cookie" not in answer.headers


def test_headers_forbid_everything_else(asks: TestClient) -> None:
    for path in ("/", "/static/app.js", "/api/output", "/api/example?id=x", "/nothing"):
        headers = asks.get(path).headers
        rules = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
        assert rules.pop("default-src") == "'none'"
        assert set(rules.values()) <= {"'self'", "'none'"}
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


def test_nothing_can_be_written(asks: TestClient) -> None:
    for method, path in product(("POST", "PUT", "DELETE", "PATCH"), ("/", "/api/output", "/static/app.js")):
        assert asks.request(method, path).status_code == 405


def test_no_other_file_is_served(asks: TestClient) -> None:
    for path in ("../server.py", "%2e%2e/server.py", "..%2fserver.py", "", "/etc/passwd", "..%2f..%2f..%2fsetup.py"):
        assert asks.get(f"/static/{path}").status_code == 404, path


# ---- the page itself


def test_the_page_names_only_what_it_has() -> None:
    there = {file.name for file in STATIC.iterdir()}
    for file in STATIC.iterdir():
        text = file.read_text("utf-8")
        named = re.findall(r'(?:href|src)="static/([^"]+)"|from "\./([^"]+)"', text)
        assert {one or other for one, other in named} <= there
        assert set(re.findall(r"\w+://[^\"' )]+", text)) <= {"http://www.w3.org/2000/svg"}
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\b|\bon\w+=\"| style=\"", text)


def colours(css: str) -> list[dict[str, str]]:
    """The colours by name, in light and in dark."""
    light, dark = (
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", part)) for part in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    )
    return [light, {**light, **dark}]


def luminance(colour: str) -> float:
    """WCAG 2.2: relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def test_texts_stand_out_from_what_they_stand_on() -> None:
    """4.5 to 1, as WCAG 2.2 asks of texts (1.4.3, level AA)."""
    for scheme in colours((STATIC / "style.css").read_text("utf-8")):
        on = [luminance(scheme[name]) for name in ("ground", "card")]
        for name in ("ink", "soft", "accent", "train", "val", "test", "warn"):
            text = luminance(scheme[name])
            for ground in on:
                assert (max(text, ground) + 0.05) / (min(text, ground) + 0.05) >= 4.5, name


# ---- a run meanwhile


def test_an_output_that_is_replaced_is_shown_as_it_is_now(tmp_path: Path) -> None:
    write(tmp_path / "out", [row("a/b/1", "train", ("old?", "old"))])
    asks = client(tmp_path / "out")
    before = asks.get("/api/examples").json()
    write(tmp_path / "new", [row("a/b/2", "test", ("new?", "new")), row("a/c/3", "train", ("new?", "new"))], "jsonl")
    (tmp_path / "out").rename(tmp_path / "gone")
    refused = asks.get("/api/examples")
    assert (refused.status_code, list(refused.json())) == (503, ["error"])
    (tmp_path / "new").rename(tmp_path / "out")
    after = asks.get("/api/examples").json()
    assert [one["id"] for one in after["rows"]] == ["a/b/2", "a/c/3"]
    assert after["version"] != before["version"]
    assert asks.get("/api/charts").json()["examples"] == 2
    assert asks.get("/api/example", params={"id": "a/b/1"}).status_code == 404


def test_files_that_go_between_manifest_and_reading(tmp_path: Path) -> None:
    write(tmp_path / "out", ROWS)
    asks = client(tmp_path / "out")
    for file in (tmp_path / "out").rglob("*.parquet"):
        file.unlink()
    for question in ("examples", "examples?text=a", "charts", f"example?id={ROWS[0]['id'].replace('%', '%25')}"):
        assert asks.get(f"/api/{question}").status_code == 503


@pytest.mark.parametrize("text", [None, "{}", '{"versions": {"cxrspec": "9"}}'])
def test_a_folder_that_is_no_output(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(OutputError) as raised:
        view(tmp_path, no_browser=True)
    assert raised.value.diagnostic.code == "CXR806"
