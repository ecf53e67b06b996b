"""Messages of the frame stream: plain values in, bytes of part 0 out.

Part 0 is a protobuf `Envelope`, or the same in proto3 JSON (it begins with `{`). Part 1, the pixels, is the frame's
own memory and not touched here. Never: a socket, a clock.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from google.protobuf import json_format

from blinkd.counts import Counts
from blinkd.series import EndReason, Frame, Series, Tile
from blinkd.v1 import frames_pb2 as pb

SCHEMA_VERSION = 1
SIDE_MAX_PX = 16_384

Form = Literal["protobuf", "json"]
Image = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


def encode(envelope: pb.Envelope, *, form: Form = "protobuf") -> bytes:
    """Part 0 of a message."""
    if form == "json":
        return json_format.MessageToJson(envelope, indent=None).encode()
    return envelope.SerializeToString(deterministic=True)


def decode(part0: bytes) -> pb.Envelope:
    """Reads part 0 in either form.

    Raises `google.protobuf.message.DecodeError` or `google.protobuf.json_format.ParseError`.
    """
    if part0[:1] == b"{":
        return json_format.Parse(part0, pb.Envelope())
    return pb.Envelope.FromString(part0)


def checked_copy(pixels: object) -> Image:
    """A copy of a (height, width) u8 or u16 image that is little-endian and row-major.

    Raises ValueError for anything else.
    """
    if not isinstance(pixels, np.ndarray):
        raise ValueError(f"a frame is a numpy array of (height, width), not {type(pixels).__name__}")
    if pixels.ndim != 2 or not all(0 < side <= SIDE_MAX_PX for side in pixels.shape):
        raise ValueError(f"a frame has shape (height, width), each 1 to {SIDE_MAX_PX} px, not {pixels.shape}")
    if pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise ValueError(f"a frame has dtype uint8 or uint16, not {pixels.dtype}")
    return np.array(pixels, dtype="<u1" if pixels.dtype.itemsize == 1 else "<u2", order="C", copy=True)


def series_start(series: Series, *, start_unix_ns: int) -> pb.Envelope:
    """The description of a series, repeated at each tile."""
    x_nm, y_nm = series.pixel_size_nm or (0.0, 0.0)
    overlap_x, overlap_y = series.overlap_um or series.overlap_percent
    unit = pb.OVERLAP_UNIT_UM if series.overlap_um else pb.OVERLAP_UNIT_PERCENT
    start = pb.SeriesStart(
        series_id=series.series_id,
        name=series.name,
        source=series.source,
        grid_rows=series.grid_rows,
        grid_columns=series.grid_columns,
        overlap_x=overlap_x,
        overlap_y=overlap_y,
        overlap_unit=unit if overlap_x or overlap_y else pb.OVERLAP_UNIT_UNSPECIFIED,
        snake=series.snake,
        expected_tiles=series.expected_tiles,
        expected_frames=series.expected_frames,
        pixel_size_x_nm=x_nm,
        pixel_size_y_nm=y_nm,
        affine=series.affine_um,
        channel=pb.CHANNEL_KIND_WIDEFIELD if series.widefield else pb.CHANNEL_KIND_LOCALIZATION,
        widefield_of=series.widefield_of,
        widefield_skip_frames=series.widefield_skip_frames,
        exposure_ms=series.exposure_ms,
        bit_depth=series.bit_depth,
        metadata_json=series.metadata_json,
        start_unix_ns=start_unix_ns,
    )
    if (camera := series.calibration) is not None:
        start.camera.CopyFrom(
            pb.CameraCalibration(
                offset_adu=camera.offset_adu,
                e_per_adu=camera.e_per_adu,
                em_gain=camera.em_gain,
                spurious_e=camera.spurious_e,
                qe=camera.qe,
                read_noise_e=camera.read_noise_e,
            )
        )
    return pb.Envelope(schema_version=SCHEMA_VERSION, series_start=start)


def frame_header(
    image: Image, *, series: Series, tile: Tile, frame: Frame, seq: int, frame_in_tile: int, dropped_total: int
) -> pb.Envelope:
    """The header of a checked image; `send_unix_ns` is set by whoever sends it."""
    height, width = image.shape
    header = pb.FrameHeader(
        series_id=series.series_id,
        seq=seq,
        tile_index=tile.index,
        tile_row=tile.row,
        tile_column=tile.column,
        frame_in_tile=frame_in_tile,
        frames_per_tile=tile.frames,
        width_px=width,
        height_px=height,
        pixel_type=pb.PIXEL_TYPE_U8 if image.dtype.itemsize == 1 else pb.PIXEL_TYPE_U16,
        roi_x_px=frame.roi_px[0],
        roi_y_px=frame.roi_px[1],
        binning=frame.binning,
        camera=series.camera,
        exposure_ms=series.exposure_ms if frame.exposure_ms is None else frame.exposure_ms,
        camera_image_number=frame.camera_image_number,
        capture_unix_ns=frame.capture_unix_ns,
        core_queue_depth=frame.core_queue_depth,
        dropped_total=dropped_total,
        continuity=pb.CONTINUITY_LIVE_SAMPLED if series.live_sampled else pb.CONTINUITY_BURST,
        compression=pb.COMPRESSION_RAW,
    )
    if (stage := frame.stage_um) is not None:
        header.stage_x_um, header.stage_y_um = stage[0], stage[1]
        if len(stage) == 3:
            header.stage_z_um = stage[2]
        measured = frame.stage_measured
        header.position_source = pb.POSITION_SOURCE_MEASURED if measured else pb.POSITION_SOURCE_INTENDED
    return pb.Envelope(schema_version=SCHEMA_VERSION, frame=header)


def tile_end(*, series: Series, tile: Tile, counts: Counts) -> pb.Envelope:
    """The end of a tile with the tile's own account."""
    end = pb.TileEnd(
        series_id=series.series_id,
        tile_index=tile.index,
        frames_captured=counts.captured,
        frames_dropped=counts.dropped,
    )
    return pb.Envelope(schema_version=SCHEMA_VERSION, tile_end=end)


def series_end(*, series: Series, reason: EndReason, counts: Counts, last_seq: int) -> pb.Envelope:
    """The end of a series with its totals."""
    end = pb.SeriesEnd(
        series_id=series.series_id,
        reason=pb.EndReason.Name(reason),  # the enumeration's own name: mypy and protobuf agree on it
        frames_captured=counts.captured,
        frames_sent=counts.sent,
        frames_dropped=counts.dropped,
        last_seq=last_seq,
    )
    return pb.Envelope(schema_version=SCHEMA_VERSION, series_end=end)


def heartbeat(series: Series, *, send_unix_ns: int) -> pb.Envelope:
    """A sign of life while no frame comes."""
    beat = pb.Heartbeat(series_id=series.series_id, send_unix_ns=send_unix_ns)
    return pb.Envelope(schema_version=SCHEMA_VERSION, heartbeat=beat)
