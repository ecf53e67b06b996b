"""What can be wrong with a request to a microscope, each with its remedy."""

from __future__ import annotations

from blinkd.micromanager.report import ScanReport


class MicroscopeError(Exception):
    """The microscope cannot do what was asked; the message names what is missing and what to do."""


class ScanError(MicroscopeError):
    """A scan that ended before its last tile. `report` says what was taken, `report.next_tile` where to go on."""

    def __init__(self, message: str, report: ScanReport) -> None:
        """With all that is known of the scan until then."""
        super().__init__(message)
        self.report = report
