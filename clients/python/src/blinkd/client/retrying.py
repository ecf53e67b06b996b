"""When a broken stream is begun again.

In: failures. Out: how long to wait, and what to tell. Never: a wait without a limit.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass

from blinkd.client.errors import DaemonError, is_passing

log = logging.getLogger(__name__)

FIRST_S = 0.1
MOST_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stream broke and is being begun again."""

    error: DaemonError
    attempt: int
    """From 1; rises until something comes again."""


OnGap = Callable[[Gap], object]
"""Called before each new attempt, in the thread or task that iterates."""


def tell(gap: Gap, on_gap: OnGap | None) -> None:
    """To whoever wants to hear it, or else once per gap to the log."""
    if on_gap is not None:
        on_gap(gap)
    elif gap.attempt == 1:
        log.warning("%s; trying again", gap.error)


@dataclass(slots=True)
class Retrying:
    """The waits of one stream."""

    attempt: int = 0

    def after(self, error: DaemonError, *, reconnect: bool) -> tuple[Gap, float]:
        """What to tell and how long to wait; raises the error where that would not help."""
        if not (reconnect and is_passing(error)):
            raise error
        self.attempt += 1
        wait_s = min(MOST_S, FIRST_S * 2 ** min(self.attempt - 1, 10)) * random.uniform(0.75, 1.25)
        return Gap(error=error, attempt=self.attempt), wait_s

    def came(self) -> bool:
        """Something came; true after a gap."""
        was, self.attempt = self.attempt > 0, 0
        return was
