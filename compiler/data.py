"""YAML and JSON data as the type checkers should see it: lists and mappings of anything."""

from __future__ import annotations

from typing import Any, TypeGuard


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether `value` is a list."""
    return isinstance(value, list)


def is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether `value` is a mapping; its keys are text wherever this is asked."""
    return isinstance(value, dict)
