"""Series in words, for people.

Comes in: an acquisition. Goes out: one line. Never: a number without its unit.
"""

from __future__ import annotations

from datetime import datetime

from blinkd.client.acquisitions import Acquisition


def series_in_words(acquisition: Acquisition) -> str:
    """For the list: its name and when it began."""
    began = datetime.fromtimestamp(acquisition.start_unix_ns / 1e9).astimezone()
    return f"{acquisition.name or 'unnamed'} ({began:%d %b %H:%M:%S})"


def counts_in_words(followed: Acquisition | None, any_series: bool) -> str:
    """What the followed series has so far."""
    if followed is None:
        return "The chosen series is gone." if any_series else "No series yet: waiting for frames."
    account = followed.account
    lost = sum(account.lost.values()) + sum(account.missing.values()) + followed.dropped_by_publisher
    parts = [
        f"{followed.localizations:,} localizations",
        f"{account.processed:,} of {account.received:,} frames",
        f"{lost:,} frames lost" if lost else "",
        f"{followed.processed_fps:.1f} frames per second" if followed.processed_fps else "",
    ]
    return ", ".join(part for part in parts if part) + "."


def sentence(error: Exception) -> str:
    """What an error says, with a full stop; an error that says nothing is named."""
    text = str(error) or type(error).__name__
    return text if text[-1] in ".?!" else f"{text}."
