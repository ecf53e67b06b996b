"""What the daemon knows and shows, for programs: `Client`, and `AsyncClient` for asyncio."""

from blinkd.client.acquisitions import (
    Acquisition,
    CameraCalibration,
    ChannelKind,
    DaemonStatus,
    FrameAccount,
    Grid,
    Histogram,
    LocalizationFilter,
    SeriesState,
    SeriesStatistics,
    Thresholds,
    TileAccount,
)
from blinkd.client.aio import AsyncClient
from blinkd.client.errors import (
    BusyError,
    DaemonError,
    NotFoundError,
    RefusedError,
    TimedOutError,
    UnauthenticatedError,
    UnreachableError,
)
from blinkd.client.localizations import Export, LocalizationBatch, TableFormat
from blinkd.client.models import Model, ModelCheck
from blinkd.client.pictures import CameraFrame, ColourBy, Colours, Layer, Look, Picture, Rendering, Viewport
from blinkd.client.retrying import Gap
from blinkd.client.scans import (
    Enough,
    PictureState,
    Scan,
    ScanTile,
    Seams,
    TilePicture,
    TileReason,
    TileReport,
    TileState,
)
from blinkd.client.sync import Client
from blinkd.client.tiles import AsyncTileSource, TileChanges, TileKey, TileSource

__all__ = [
    "Acquisition",
    "AsyncClient",
    "AsyncTileSource",
    "BusyError",
    "CameraCalibration",
    "CameraFrame",
    "ChannelKind",
    "Client",
    "ColourBy",
    "Colours",
    "DaemonError",
    "DaemonStatus",
    "Enough",
    "Export",
    "FrameAccount",
    "Gap",
    "Grid",
    "Histogram",
    "Layer",
    "LocalizationBatch",
    "LocalizationFilter",
    "Look",
    "Model",
    "ModelCheck",
    "NotFoundError",
    "Picture",
    "PictureState",
    "RefusedError",
    "Rendering",
    "Scan",
    "ScanTile",
    "Seams",
    "SeriesState",
    "SeriesStatistics",
    "TableFormat",
    "Thresholds",
    "TileAccount",
    "TileChanges",
    "TileKey",
    "TilePicture",
    "TileReason",
    "TileReport",
    "TileSource",
    "TileState",
    "TimedOutError",
    "UnauthenticatedError",
    "UnreachableError",
    "Viewport",
]
