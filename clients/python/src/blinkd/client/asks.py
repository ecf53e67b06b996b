"""Every question to the daemon as a value: which method, which message, what becomes of the answer.

In: what a caller of the client says. Out: an `Ask`, which `wire` and `aio_wire` carry. Never: a socket.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from google.protobuf.message import Message

from blinkd.client import acquisitions as a
from blinkd.client import localizations as loc
from blinkd.client import models, pictures, scans
from blinkd.client.convert import convert
from blinkd.series import Camera
from blinkd.v1 import acquisitions_pb2 as pb_a
from blinkd.v1 import frames_pb2 as pb_f
from blinkd.v1 import localizations_pb2 as pb_l
from blinkd.v1 import models_pb2 as pb_m
from blinkd.v1 import preview_pb2 as pb_p
from blinkd.v1 import scans_pb2 as pb_s

T = TypeVar("T")


class HasSeriesId(Protocol):
    """An acquisition, a scan, a batch."""

    @property
    def series_id(self) -> bytes:
        """16 bytes."""


SeriesRef: TypeAlias = "bytes | str | uuid.UUID | HasSeriesId | None"
"""A series: its id as 16 bytes or 32 hexadecimal digits, or something that has one; None: the newest."""


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """One question, one answer (or a stream of them, each made a `T`)."""

    service: str
    method: str
    request: Message
    answer: type[Message]
    make: Callable[[Any], T]

    @property
    def path(self) -> str:
        """Of the method, as HTTP/2 knows it."""
        return f"/blinkd.v1.{self.service}/{self.method}"


def series_id(series: SeriesRef) -> bytes:
    """16 bytes, or none for the newest."""
    if series is None:
        return b""
    if isinstance(series, uuid.UUID):
        return series.bytes
    if isinstance(series, str):
        return _from_digits(series)
    found = series if isinstance(series, bytes) else series.series_id
    if len(found) not in (0, 16):
        raise ValueError(f"series: an id has 16 bytes, not {len(found)}")
    return found


def _from_digits(digits: str) -> bytes:
    try:
        return uuid.UUID(hex=digits).bytes
    except ValueError:
        raise ValueError(f"series: '{digits}' is no id: 32 hexadecimal digits, as its folder is named") from None


def _milliseconds(interval_s: float) -> int:
    if not 0.0 < interval_s < 3600.0:
        raise ValueError(f"interval_s must be above 0 and below 3600 s, not {interval_s}")
    return max(1, round(interval_s * 1000))


def _filter(wanted: a.LocalizationFilter | None) -> pb_a.LocalizationFilter | None:
    if wanted is None:
        return None
    return pb_a.LocalizationFilter(
        sigma_lateral_max_px=wanted.sigma_lateral_max_px,
        sigma_z_max_nm=wanted.sigma_z_max_nm,
        photons_min=wanted.photons_min,
        photons_max=wanted.photons_max,
        probability_min=wanted.probability_min,
    )


def _camera(camera: Camera | a.CameraCalibration | None) -> pb_f.CameraCalibration | None:
    if camera is None:
        return None
    return pb_f.CameraCalibration(
        offset_adu=camera.offset_adu,
        e_per_adu=camera.e_per_adu,
        em_gain=camera.em_gain,
        spurious_e=camera.spurious_e,
        qe=camera.qe,
        read_noise_e=camera.read_noise_e,
    )


def _acquisition(method: str, request: Message) -> Ask[a.Acquisition]:
    return Ask("Acquisitions", method, request, pb_a.Acquisition, partial(convert, a.Acquisition))


def status() -> Ask[a.DaemonStatus]:
    """The daemon as a whole."""
    return Ask(
        "Acquisitions", "GetStatus", pb_a.GetStatusRequest(), pb_a.DaemonStatus, partial(convert, a.DaemonStatus)
    )


def list_acquisitions(most: int) -> Ask[list[a.Acquisition]]:
    """The newest series, the oldest first, without tiles."""

    def make(m: pb_a.ListAcquisitionsResponse) -> list[a.Acquisition]:
        return [convert(a.Acquisition, one) for one in m.acquisitions]

    request = pb_a.ListAcquisitionsRequest(most=most)
    return Ask("Acquisitions", "ListAcquisitions", request, pb_a.ListAcquisitionsResponse, make)


def acquisition(series: SeriesRef) -> Ask[a.Acquisition]:
    """One series with its tiles."""
    return _acquisition("GetAcquisition", pb_a.GetAcquisitionRequest(series_id=series_id(series)))


def watch(series: SeriesRef, interval_s: float) -> Ask[a.Acquisition]:
    """One series again and again, with the tiles that changed."""
    request = pb_a.WatchAcquisitionRequest(series_id=series_id(series), interval_ms=_milliseconds(interval_s))
    return _acquisition("WatchAcquisition", request)


def configure(
    series: SeriesRef,
    *,
    filter: a.LocalizationFilter | None,
    thresholds: a.Thresholds | None,
    camera: Camera | a.CameraCalibration | None,
    paused: bool | None,
) -> Ask[a.Acquisition]:
    """How a series goes on; None leaves things as they are."""
    request = pb_a.ConfigureAcquisitionRequest(
        series_id=series_id(series), filter=_filter(filter), camera=_camera(camera)
    )
    if thresholds is not None:
        said = request.thresholds
        said.candidate, said.second, said.accept = thresholds.candidate, thresholds.second, thresholds.accept
    if paused is not None:
        request.paused = paused
    return _acquisition("ConfigureAcquisition", request)


def stop(series: SeriesRef) -> Ask[a.Acquisition]:
    """Closes a series."""
    return _acquisition("StopAcquisition", pb_a.StopAcquisitionRequest(series_id=series_id(series)))


def statistics(series: SeriesRef) -> Ask[a.SeriesStatistics]:
    """What was counted of a series."""
    request = pb_a.GetStatisticsRequest(series_id=series_id(series))
    return Ask("Acquisitions", "GetStatistics", request, pb_a.SeriesStatistics, partial(convert, a.SeriesStatistics))


def _viewport(viewport: pictures.Viewport | None) -> pb_p.Viewport | None:
    if viewport is None:
        return None
    return pb_p.Viewport(
        x_min_nm=viewport.x_min_nm,
        y_min_nm=viewport.y_min_nm,
        x_max_nm=viewport.x_max_nm,
        y_max_nm=viewport.y_max_nm,
    )


def follow_picture(
    series: SeriesRef,
    *,
    viewport: pictures.Viewport | None,
    pixel_size_nm: float | None,
    look: pictures.Look,
    interval_s: float,
) -> Ask[pictures.Picture]:
    """A growing picture."""
    request = pb_p.SubscribePreviewRequest(
        series_id=series_id(series),
        viewport=_viewport(viewport),
        pixel_size_nm=pixel_size_nm or 0.0,
        look=look.message(),
        interval_ms=_milliseconds(interval_s),
    )
    return Ask("Preview", "SubscribePreview", request, pb_p.PreviewUpdate, pictures.Canvas().take)


def picture(
    series: SeriesRef,
    *,
    viewport: pictures.Viewport | None,
    pixel_size_nm: float | None,
    look: pictures.Look,
    scale_bar: bool,
    ome_tiff: bool,
) -> Ask[pb_p.Picture]:
    """One picture; the bytes of its file."""
    kind = pb_p.PICTURE_FORMAT_OME_TIFF if ome_tiff else pb_p.PICTURE_FORMAT_PNG
    request = pb_p.RenderPictureRequest(
        series_id=series_id(series),
        viewport=_viewport(viewport),
        pixel_size_nm=pixel_size_nm or 0.0,
        look=look.message(),
        format=kind,
        scale_bar=scale_bar,
    )
    return Ask("Preview", "RenderPicture", request, pb_p.Picture, lambda m: m)


def tiles(request: pb_p.GetTilesRequest) -> Ask[pb_p.GetTilesResponse]:
    """Tiles of the picture."""
    return Ask("Preview", "GetTiles", request, pb_p.GetTilesResponse, lambda m: m)


class NextFrame:
    """Asks for one camera frame after another, of one series: where none is named, of the first that answers."""

    def __init__(self, series: SeriesRef, *, max_side_px: int) -> None:
        if not 1 <= max_side_px <= 65_535:
            raise ValueError(f"max_side_px must be 1 to 65535, not {max_side_px}")
        self.series_id, self._max_side_px = series_id(series), max_side_px
        self._seen: int | None = None

    def ask(self) -> Ask[pictures.CameraFrame | None]:
        """The next one that there is; None: not within a second."""
        request = pb_p.GetFrameRequest(
            series_id=self.series_id, newer_than_seq=self._seen, max_side_px=self._max_side_px
        )
        return Ask("Preview", "GetFrame", request, pb_p.CameraFrame, self._take)

    def _take(self, m: pb_p.CameraFrame) -> pictures.CameraFrame | None:
        self.series_id = m.series_id or self.series_id
        if not m.png:
            return None
        self._seen = m.seq
        return convert(pictures.CameraFrame, m)


def _batch(
    method: str, request: Message, make: Callable[[loc.LocalizationBatch], loc.LocalizationBatch] | None = None
) -> Ask[loc.LocalizationBatch]:
    def converted(m: pb_l.LocalizationBatch) -> loc.LocalizationBatch:
        batch = convert(loc.LocalizationBatch, m)
        return make(batch) if make else batch

    return Ask("Localizations", method, request, pb_l.LocalizationBatch, converted)


def follow_localizations(series: SeriesRef, wanted: a.LocalizationFilter | None) -> Ask[loc.LocalizationBatch]:
    """Localizations from now on; without a series, of every one."""
    request = pb_l.StreamLocalizationsRequest(series_id=series_id(series), filter=_filter(wanted))
    return _batch("StreamLocalizations", request)


def query(
    series: SeriesRef,
    *,
    tile: int | None,
    frames: tuple[int, int] | None,
    wanted: a.LocalizationFilter | None,
    as_shown: bool,
) -> Ask[loc.LocalizationBatch]:
    """Localizations of the journal."""
    first, last = frames or (0, 0)
    if first < 0 or last < first:
        raise ValueError(f"frames: first and last, from 0, not {first} to {last}")
    only_first = frames is not None and last == 0
    if only_first:
        last = 1  # to the daemon a last frame of 0 is the end
    request = pb_l.QueryLocalizationsRequest(
        series_id=series_id(series),
        tile_index=tile,
        first_frame=first,
        last_frame=last,
        filter=_filter(wanted),
        as_shown=as_shown,
    )
    return _batch("QueryLocalizations", request, loc.of_frame_0 if only_first else None)


_FORMATS = {
    loc.TableFormat.PARQUET: pb_l.TABLE_FORMAT_PARQUET,
    loc.TableFormat.CSV: pb_l.TABLE_FORMAT_THUNDERSTORM_CSV,
    loc.TableFormat.PICASSO: pb_l.TABLE_FORMAT_PICASSO_HDF5,
}


def export(
    series: SeriesRef,
    *,
    format: loc.TableFormat | str,
    file_name: str | None,
    wanted: a.LocalizationFilter | None,
) -> Ask[loc.Export]:
    """A table in the series' folder."""
    request = pb_l.ExportLocalizationsRequest(
        series_id=series_id(series),
        format=_FORMATS[loc.TableFormat(format)],
        file_name=file_name or "",
        filter=_filter(wanted),
    )
    answer = pb_l.ExportLocalizationsResponse
    return Ask("Localizations", "ExportLocalizations", request, answer, partial(convert, loc.Export))


def _scan(method: str, request: Message) -> Ask[scans.Scan]:
    return Ask("Scans", method, request, pb_s.Scan, partial(convert, scans.Scan))


def list_scans() -> Ask[list[scans.Scan]]:
    """Every scan, without tiles."""

    def make(m: pb_s.ListScansResponse) -> list[scans.Scan]:
        return [convert(scans.Scan, one) for one in m.scans]

    return Ask("Scans", "ListScans", pb_s.ListScansRequest(), pb_s.ListScansResponse, make)


def scan(series: SeriesRef) -> Ask[scans.Scan]:
    """One scan with all its tiles."""
    return _scan("GetScan", pb_s.GetScanRequest(series_id=series_id(series)))


def watch_scan(series: SeriesRef, interval_s: float) -> Ask[scans.Scan]:
    """One scan again and again: all tiles first, then those that changed."""
    request = pb_s.WatchScanRequest(series_id=series_id(series), interval_ms=_milliseconds(interval_s))
    return _scan("WatchScan", request)


def retake(series: SeriesRef, tiles: Iterable[int], *, withdraw: bool) -> Ask[scans.Scan]:
    """Tiles that are wanted again, or not after all."""
    request = pb_s.RequestRetakesRequest(series_id=series_id(series), tiles=list(tiles), withdraw=withdraw)
    return _scan("RequestRetakes", request)


def list_models() -> Ask[list[models.Model]]:
    """Every bundle."""

    def make(m: pb_m.ListModelsResponse) -> list[models.Model]:
        return [convert(models.Model, one) for one in m.models]

    return Ask("Models", "ListModels", pb_m.ListModelsRequest(), pb_m.ListModelsResponse, make)


def _model(method: str, request: Message) -> Ask[models.Model]:
    return Ask("Models", method, request, pb_m.Model, partial(convert, models.Model))


def describe_model(name: str) -> Ask[models.Model]:
    """A bundle with its card."""
    return _model("DescribeModel", pb_m.DescribeModelRequest(name=name))


def load_model(name: str) -> Ask[models.Model]:
    """Another network, between two series."""
    return _model("LoadModel", pb_m.LoadModelRequest(name=name))


def unload_model(name: str) -> Ask[models.Model]:
    """No network."""
    return _model("UnloadModel", pb_m.UnloadModelRequest(name=name))


def check_model(name: str) -> Ask[models.ModelCheck]:
    """The golden set again."""
    request = pb_m.CheckModelRequest(name=name)
    return Ask("Models", "CheckModel", request, pb_m.CheckModelResponse, partial(convert, models.ModelCheck))
