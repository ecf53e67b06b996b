"""Sends camera frames to the blinkd daemon without ever holding up the acquisition, and reads what it makes of them."""

from blinkd.client import (
    AsyncClient,
    ColourBy,
    Colours,
    DaemonError,
    Layer,
    LocalizationFilter,
    Look,
    Rendering,
    TableFormat,
    Thresholds,
    Viewport,
)
from blinkd.client.sync import Client
from blinkd.counts import Counts
from blinkd.publisher import FramePublisher
from blinkd.series import Camera, EndReason, Frame, Series, Tile

__all__ = [
    "AsyncClient",
    "Camera",
    "Client",
    "ColourBy",
    "Colours",
    "Counts",
    "DaemonError",
    "EndReason",
    "Frame",
    "FramePublisher",
    "Layer",
    "LocalizationFilter",
    "Look",
    "Rendering",
    "Series",
    "TableFormat",
    "Thresholds",
    "Tile",
    "Viewport",
]
