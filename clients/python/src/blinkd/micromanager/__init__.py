"""Frames from Micro-Manager, with pymmcore-plus: what its MDA engine acquires, a live preview, tile scans."""

from blinkd.micromanager.errors import MicroscopeError, ScanError
from blinkd.micromanager.live import BurstLive
from blinkd.micromanager.plan import Preset, ScanPlan, Stop, WidefieldPass
from blinkd.micromanager.publisher import Publisher
from blinkd.micromanager.report import ScanReport, TileReport
from blinkd.micromanager.scan import Scan

__all__ = [
    "BurstLive",
    "MicroscopeError",
    "Preset",
    "Publisher",
    "Scan",
    "ScanError",
    "ScanPlan",
    "ScanReport",
    "Stop",
    "TileReport",
    "WidefieldPass",
]
