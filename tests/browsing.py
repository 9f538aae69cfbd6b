"""Headless Chromium, for tests that look at a page; it asks nobody but the page's own server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeAlias, TypeVar

Browser: TypeAlias = Any
"""A driver of selenium, which drives the browser."""

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
CSS = "css selector"
T = TypeVar("T")

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
)  # fmt: skip
_SECONDS = 20


@contextmanager
def chromium(profile: Path) -> Generator[Browser]:
    """A browser with an empty profile, which keeps what it asks and says."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(str(DRIVER), env={**os.environ, "NO_PROXY": "*"}))
    try:
        yield browser
    finally:
        browser.quit()


def sized(browser: Browser, size: tuple[int, int], dark: bool = False) -> None:
    """The page is so wide and high, in pixels, and light or dark."""
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def until(holds: Callable[[], T]) -> T:
    """What comes of it, as soon as it is true; what it looks at may be replaced meanwhile."""
    ends = monotonic() + _SECONDS
    while not (found := holds()):
        assert monotonic() < ends, "it did not come true"
        sleep(0.05)
    return found


def seen(browser: Browser, css: str) -> Any:
    """The first such element, when it is there."""
    return until(lambda: browser.find_elements(CSS, css))[0]
