"""A publisher's own account of frames."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Frames of one series. `captured == sent + waiting + dropped` at every instant."""

    captured: int = 0
    """Frames offered, that is, numbers given away."""
    sent: int = 0
    """Frames handed to ZeroMQ. The last few before a broken connection may not have been received: the daemon
    counts those as missing, because their numbers do not arrive."""
    waiting: int = 0
    """Frames in the bounded queue."""
    dropped: int = 0
    """Frames that found no room, or no daemon until the end."""
