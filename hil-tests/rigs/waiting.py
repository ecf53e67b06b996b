"""Waiting for what is observable, with a deadline. Nothing here assumes that something takes some time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(
    look: Callable[[], T | None], *, what: str | Callable[[], str], within_s: float = 20.0, every_s: float = 0.02
) -> T:
    """Looks again and again until the answer is neither None nor False. AssertionError after `within_s`."""
    deadline = time.monotonic() + within_s
    while True:
        seen = look()
        if seen is not None and seen is not False:
            return seen
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within_s} s: {what if isinstance(what, str) else what()}")
        time.sleep(every_s)  # polled, against the deadline above
