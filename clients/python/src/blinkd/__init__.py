"""Sends camera frames to the blinkd daemon without ever holding up the acquisition."""

from blinkd.counts import Counts
from blinkd.publisher import FramePublisher
from blinkd.series import Camera, EndReason, Frame, Series, Tile

__all__ = ["Camera", "Counts", "EndReason", "Frame", "FramePublisher", "Series", "Tile"]
