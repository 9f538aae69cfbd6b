"""The readers of the extra `interop`. They are imported when a test asks: the quick tests do without them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest


def library(name: str) -> Any:
    """A library of the extra; without it the test fails, and is not passed over."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        pytest.fail(f"{error}: `pip install -e '.[interop]'`", pytrace=False)
