"""The pictures of docs/viewing.md: `python -m tests.viewer_pictures` makes them anew from the demo.

They are made-up examples with drawn pictures. Needs Chromium.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

from PIL import Image

from .browsing import chromium, seen, sized

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
DESKTOP, PHONE = (1280, 800), (390, 780)

BOXES = "view=examples&task=abnormality_detection&source=vindr_pcxr&at=1"
PICTURES = {
    "viewer-overview": ("view=overview", DESKTOP, False, "#overview table"),
    "viewer-example": (BOXES, DESKTOP, False, ".stage img"),
    "viewer-example-dark": ("view=examples&source=openi&text=effusion", DESKTOP, True, ".stage img"),
    "viewer-charts-dark": ("view=charts&task=abnormality_detection", DESKTOP, True, "#charts .heat"),
    "viewer-phone": (BOXES, PHONE, False, "a.row"),
    "viewer-phone-dark": (f"{BOXES}&id=", PHONE, True, ".stage img"),
}
"""By name: what is asked for, the size, whether dark, and what has to be there. The last shows the first of the list."""


def make(folder: Path) -> None:
    """Run the demo, look at it, and write the pictures."""
    command = [sys.executable, "-c", "from cxrspec.runtime.cli import main; main()"]
    subprocess.run([*command, "run", "--demo", "--out", "corpus"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    viewing = [*command, "view", "corpus", "--port", "0", "--no-browser"]
    with (
        subprocess.Popen(viewing, cwd=folder, stdout=subprocess.PIPE, text=True) as server,
        chromium(folder / "profile") as browser,
    ):
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        first = ""
        for name, (asked, size, dark, css) in PICTURES.items():
            sized(browser, size, dark)
            browser.get(f"{address}&{asked}{first if asked.endswith('id=') else ''}")
            seen(browser, css)
            sleep(2)  # pictures are loaded, and what moves is at rest
            first = next((one.get_attribute("data-id") for one in browser.find_elements("css selector", "a.row")), "")
            save(name, browser.get_screenshot_as_png())
        server.terminate()


def save(name: str, picture: bytes) -> None:
    """As PNG of 128 colours, a third of the size."""
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        make(Path(folder))
