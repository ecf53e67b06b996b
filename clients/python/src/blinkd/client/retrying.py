"""When a broken stream is begun again.

In: failures. Out: how long to wait, and what to tell. Never: a wait without a limit.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from blinkd.client.errors import DaemonError, is_passing

FIRST_S = 0.1
MOST_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stream broke and is being begun again."""

    error: DaemonError
    attempt: int
    """From 1; rises until something comes again."""


@dataclass(slots=True)
class Retrying:
    """The waits of one stream."""

    attempt: int = 0
    _dice: random.Random = field(default_factory=lambda: random.Random(0))

    def after(self, error: DaemonError, *, reconnect: bool) -> tuple[Gap, float]:
        """What to tell and how long to wait; raises the error where that would not help."""
        if not (reconnect and is_passing(error)):
            raise error
        self.attempt += 1
        wait_s = min(MOST_S, FIRST_S * 2 ** min(self.attempt - 1, 10)) * self._dice.uniform(0.75, 1.25)
        return Gap(error=error, attempt=self.attempt), wait_s

    def came(self) -> bool:
        """Something came; true after a gap."""
        was, self.attempt = self.attempt > 0, 0
        return was
