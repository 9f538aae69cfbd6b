"""`cxrspec view` in headless Chromium: what is seen and done with the keyboard, and where its boxes are drawn."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.keys import Keys

from .browsing import CHROMIUM, CSS, DRIVER, Browser, chromium, seen, sized, until
from .viewed import box, row, write

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="Debian's chromium and chromium-driver"),
]

DESKTOP, PHONE = (1280, 800), (390, 844)
SIZE = (400, 320)  # of the picture, which is black but for the pixels of its box
CORNERS = (96, 64, 224, 256)  # left, top, right, bottom of them
UNIT = (0.24, 0.2, 0.56, 0.8)
SECONDS = 20


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """70 examples of one spec and 3 of another, whose image has a box."""
    folder = tmp_path_factory.mktemp("view")
    rows = [
        row(
            f"naming/lab/{number:03}",
            "val" if number % 10 == 9 else "train",
            (f"Question {number}?", f"Answer {number}"),
        )
        for number in range(70)
    ]
    for number in range(3):
        said = row(f"boxing/lab/{number}", "test", ("Where?", "There."), images=["lab/1.png", "lab/none.png"])
        rows.append(
            {**said, "boxes": [box("spot", *UNIT)], "sizes": [dict(zip(("width", "height"), SIZE, strict=True))] * 2}
        )
    write(folder / "out", rows)
    pixels = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    left, top, right, bottom = CORNERS
    pixels[top:bottom, left:right] = 255
    (folder / "data/lab").mkdir(parents=True)
    Image.fromarray(pixels).save(folder / "data/lab/1.png")
    return folder


@pytest.fixture(scope="module")
def address(place: Path) -> Iterator[str]:
    """What the command prints."""
    command = "from cxrspec.runtime.cli import main; main()"
    arguments = ["view", str(place / "out"), "--data", str(place / "data"), "--port", "0", "--no-browser"]
    with subprocess.Popen(
        [sys.executable, "-c", command, *arguments],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        yield running.stdout.readline().strip()
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=SECONDS)
        assert errors == "Ctrl+C ends it.\n"


@pytest.fixture
def browser(address: str, tmp_path: Path) -> Iterator[Browser]:
    """A browser at the page. In the end it has asked nobody else, and found nothing to complain of."""
    with chromium(tmp_path / "profile") as found:
        sized(found, DESKTOP)
        found.get(address)
        seen(found, "#overview table")
        yield found
        messages = [json.loads(entry["message"])["message"] for entry in found.get_log("performance")]
        asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        sent = [url for url in asked if not url.startswith(("data:", "chrome"))]  # those are the browser's own pages
        assert len(sent) > 10
        assert [url for url in sent if not url.startswith(address.partition("?")[0])] == []
        assert [entry["message"] for entry in found.get_log("browser")] == []


def press(browser: Browser, keys: str) -> None:
    browser.switch_to.active_element.send_keys(keys)


def texts(browser: Browser, css: str, name: str = "") -> list[str]:
    """An attribute of all such elements, or their text, read at once: elements may be replaced at any time."""
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((one) => one.getAttribute(arguments[1]) ?? one.textContent)",
        css,
        name,
    )
    return found


def listed(browser: Browser) -> list[str]:
    """The ids of the list."""
    return texts(browser, "a.row", "data-id")


def current(browser: Browser) -> str:
    """The id of the example that is shown."""
    return "".join(texts(browser, ".example h1"))


def shows(browser: Browser, id: str) -> bool:
    return current(browser) == id


def naming(first: int, last: int) -> list[str]:
    """Ids by the places that they have in the output: those of val stand after those of train."""
    numbers = [n for n in range(70) if n % 10 != 9] + [n for n in range(70) if n % 10 == 9]
    return [f"naming/lab/{number:03}" for number in numbers[first:last]]


def test_filter_page_and_select(browser: Browser) -> None:
    cells = {one.get_attribute("aria-label"): one for one in browser.find_elements(CSS, ".matrix td a")}
    assert set(cells) == {"Boxing on lab: 3 examples", "Naming on lab: 70 examples"}
    cells["Naming on lab: 70 examples"].click()
    until(lambda: listed(browser) == naming(0, 25))
    until(lambda: shows(browser, "naming/lab/000"))
    assert "task=naming&source=lab" in browser.current_url

    browser.find_element("xpath", "//nav[@aria-label='Pages']/button[text()='Next']").click()
    until(lambda: listed(browser) == naming(25, 50))
    browser.find_elements(CSS, "a.row")[3].click()
    until(lambda: shows(browser, naming(28, 29)[0]))
    kept = browser.current_url
    browser.back()
    browser.back()
    until(lambda: listed(browser) == naming(0, 25))
    browser.get(kept)
    until(lambda: listed(browser) == naming(25, 50))
    until(lambda: shows(browser, naming(28, 29)[0]))

    press(browser, "/")
    assert browser.switch_to.active_element.get_attribute("name") == "text"
    press(browser, "ANSWER 6")
    until(lambda: listed(browser) == [id for id in naming(0, 70) if id[-3:].lstrip("0").startswith("6")])
    assert set(texts(browser, ".list mark")) == {"Answer 6"}
    press(browser, Keys.ESCAPE)
    assert browser.switch_to.active_element.tag_name == "body"
    browser.find_element("id", "clear").click()
    until(lambda: listed(browser)[:4] == ["boxing/lab/0", "boxing/lab/1", "boxing/lab/2", "naming/lab/000"])


def test_keys_alone_lead_everywhere(browser: Browser) -> None:
    press(browser, Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the content"
    browser.find_element("id", "to-examples").send_keys(Keys.ENTER)
    until(lambda: shows(browser, "boxing/lab/0"))
    for key, wanted in (("j", "boxing/lab/1"), (Keys.ARROW_DOWN, "boxing/lab/2"), ("k", "boxing/lab/1")):
        press(browser, key)
        until(partial(shows, browser, wanted))
    focused = browser.switch_to.active_element
    assert focused.get_attribute("data-id") == "boxing/lab/1"
    assert focused.value_of_css_property("outline-style") == "solid"
    press(browser, "n")
    until(lambda: shows(browser, naming(22, 23)[0]))
    press(browser, "k")  # over the border of a page
    until(lambda: shows(browser, naming(21, 22)[0]))
    press(browser, "j")
    until(lambda: shows(browser, naming(22, 23)[0]))
    press(browser, "?")
    assert seen(browser, "dialog[open]").is_displayed()
    press(browser, Keys.ESCAPE)
    until(lambda: not browser.find_elements(CSS, "dialog[open]"))


@pytest.mark.parametrize("size", [DESKTOP, PHONE, (900, 500)], ids=str)
def test_a_box_covers_its_pixels_at_any_size(browser: Browser, address: str, size: tuple[int, int]) -> None:
    sized(browser, size)
    browser.get(f"{address}&view=examples&id=boxing/lab/1")
    picture = seen(browser, ".stage img")
    until(lambda: browser.execute_script("return arguments[0].naturalWidth", picture) == SIZE[0])
    assert seen(browser, ".stage .lack").text == "There is no picture at this path."
    shown: Any = browser.execute_script("return arguments[0].getBoundingClientRect().toJSON()", picture)
    assert shown["width"] / shown["height"] == pytest.approx(SIZE[0] / SIZE[1], abs=0.01)
    corners: Any = browser.execute_script(
        """const box = document.querySelector(".box .line"), place = box.getScreenCTM();
        const at = (x, y) => { const p = new DOMPoint(x, y).matrixTransform(place); return [p.x, p.y]; };
        const [x, y, w, h] = ["x", "y", "width", "height"].map((name) => box[name].baseVal.value);
        return [...at(x, y), ...at(x + w, y + h)];"""
    )
    sides = zip(CORNERS, (*SIZE, *SIZE), ("width", "height") * 2, ("left", "top") * 2, strict=True)
    wanted = [shown[start] + pixel / whole * shown[side] for pixel, whole, side, start in sides]
    assert corners == pytest.approx(wanted, abs=0.05)
    same_pixels(browser, [round(corner) for corner in corners])


def same_pixels(browser: Browser, corners: list[int]) -> None:
    """The screen is white inside the drawn lines, as the picture is there, and black outside of them."""
    for edge in corners:
        assert edge > 8, "the box is not on the screen as a whole"
    with Image.open(io.BytesIO(browser.get_screenshot_as_png())) as screen:
        pixels = np.asarray(screen.convert("RGB")).astype(int)
    left, top, right, bottom = corners
    middle, centre = (top + bottom) // 2, (left + right) // 2
    bottom = min(bottom, pixels.shape[0])
    for inside, line, outside in (
        (pixels[middle, left + 5], pixels[middle, left - 1 : left + 1], pixels[middle, left - 6]),
        (pixels[middle, right - 6], pixels[middle, right - 1 : right + 1], pixels[middle, right + 5]),
        (pixels[top + 5, centre], pixels[top - 1 : top + 1, centre], pixels[top - 6, centre + 60]),
    ):
        assert inside.min() > 240
        assert outside.max() < 15
        assert line.max(axis=0)[2] - line.min() > 100, "no line in its colour"


def test_a_phone_shows_one_thing_at_a_time(browser: Browser) -> None:
    sized(browser, PHONE)
    for view in ("overview", "examples", "charts"):
        browser.find_element("id", f"to-{view}").click()
        seen(browser, f"#{view} :is(table, li)")
        assert browser.execute_script("return document.scrollingElement.scrollWidth") <= PHONE[0]
    browser.find_element("id", "to-examples").click()
    row = seen(browser, "a.row")
    until(row.is_displayed)
    row.click()
    until(lambda: shows(browser, "boxing/lab/0"))
    assert not browser.find_element(CSS, ".list").is_displayed()
    assert browser.execute_script("return document.scrollingElement.scrollWidth") <= PHONE[0]
    press(browser, Keys.ESCAPE)
    until(browser.find_element(CSS, ".list").is_displayed)
