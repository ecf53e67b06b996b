"""The client against a daemon that answers as told: what becomes of answers, failures, broken streams."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import re
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.message import Message
from PIL import Image

import blinkd
from blinkd import AsyncClient, Camera, Client, LocalizationFilter, Thresholds
from blinkd.client import (
    BusyError,
    NotFoundError,
    RefusedError,
    SeriesState,
    TimedOutError,
    UnauthenticatedError,
    UnreachableError,
    models,
    pictures,
    scans,
)
from blinkd.client import acquisitions as a
from blinkd.client import localizations as loc
from blinkd.client.errors import of_status
from blinkd.v1 import acquisitions_pb2 as pb_a
from blinkd.v1 import localizations_pb2 as pb_l
from blinkd.v1 import models_pb2 as pb_m
from blinkd.v1 import preview_pb2 as pb_p
from blinkd.v1 import scans_pb2 as pb_s
from fake_daemon import FakeDaemon

ID = bytes(range(16))
ACQUISITIONS = (
    *("Acquisition", "DaemonStatus", "Drift", "Estimate", "FrameAccount", "FrameCounts", "Grid", "Histogram"),
    *("Latency", "LiveStatistics", "LocalizationFilter", "Measured", "Resolution", "SeriesStatistics"),
    *("Thresholds", "TileAccount", "TimeCourse"),
)
PAIRS: list[tuple[type[Any], type[Message]]] = [
    *((getattr(a, name), getattr(pb_a, name)) for name in ACQUISITIONS),
    (a.CameraCalibration, pb_a.Acquisition.DESCRIPTOR.fields_by_name["camera"].message_type._concrete_class),
    (loc.LocalizationBatch, pb_l.LocalizationBatch),
    (loc.Export, pb_l.ExportLocalizationsResponse),
    (models.Model, pb_m.Model),
    (models.ModelCheck, pb_m.CheckModelResponse),
    (models.Range, pb_m.Range),
    (scans.Scan, pb_s.Scan),
    (scans.ScanTile, pb_s.ScanTile),
    (scans.Seam, pb_s.Seam),
    (scans.Seams, pb_s.Seams),
    (scans.TileReason, pb_s.TileReason),
    (scans.TileReport, pb_s.TileReport),
    (pictures.CameraFrame, pb_p.CameraFrame),
    (pictures.Viewport, pb_p.Viewport),
]  # fmt: skip


def batch(frames: list[int], **more: Any) -> pb_l.LocalizationBatch:
    n = len(frames)
    columns = {name: [0.5] * n for name in loc.COLUMNS if name not in ("frame", "tile")}
    return pb_l.LocalizationBatch(series_id=ID, frame=frames, tile=[0] * n, **columns, **more)


def refuse(code: grpc.StatusCode, words: str) -> Any:
    def answer(_: Any, context: grpc.ServicerContext) -> Any:
        context.abort(code, words)

    return answer


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=[ours.__name__ for ours, _ in PAIRS])
def test_every_field_of_the_api_has_its_place_in_the_client(ours: type[Any], theirs: type[Message]) -> None:
    sources = {
        field.metadata.get("source", field.name) for field in dataclasses.fields(ours) if not field.metadata.get("own")
    }
    assert sources == {field.name for field in theirs.DESCRIPTOR.fields}


def test_what_the_daemon_leaves_out_is_none_and_columns_are_read_only() -> None:
    tile = pb_a.TileAccount(tile_index=3, stage_x_um=1.5)
    message = pb_a.Acquisition(series_id=ID, state=3, tiles=[tile], warnings=["careful"])
    message.account.lost["ring_full"] = 7
    with FakeDaemon(GetAcquisition=lambda *_: message) as daemon, Client(daemon.address) as client:
        series = client.acquisitions.get()
    assert (series.state, series.is_done, series.warnings) == (SeriesState.DONE, True, ("careful",))
    assert (series.estimate, series.grid, series.thresholds) == (None, None, None)
    assert (series.tiles[0].stage_x_um, series.tiles[0].stage_y_um) == (1.5, None)
    assert series.account.lost == {"ring_full": 7}


def test_a_value_of_a_newer_daemon_does_not_break_an_older_client() -> None:
    with FakeDaemon(GetAcquisition=lambda *_: pb_a.Acquisition(state=99)) as daemon, Client(daemon.address) as client:
        assert client.acquisitions.get().state is SeriesState.UNSPECIFIED


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (grpc.StatusCode.NOT_FOUND, "no such series", NotFoundError),
        (grpc.StatusCode.INVALID_ARGUMENT, "camera: qe above 0", RefusedError),
        (grpc.StatusCode.FAILED_PRECONDITION, "1 series are open", RefusedError),
        (grpc.StatusCode.UNAUTHENTICATED, "send the daemon's token", UnauthenticatedError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "64 streams are open already", BusyError),
        (grpc.StatusCode.UNAVAILABLE, "64 requests wait already: try again in a moment", BusyError),
        (grpc.StatusCode.UNAVAILABLE, "the daemon is stopping", UnreachableError),
    ],
)
def test_a_refusal_is_an_error_with_the_daemons_words(code: grpc.StatusCode, words: str, kind: type[Exception]) -> None:
    with FakeDaemon(GetStatus=refuse(code, words)) as daemon, Client(daemon.address) as client:
        with pytest.raises(blinkd.DaemonError, match=words) as caught:
            client.status()
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("code", "details", "kind", "remedy"),
    [
        (grpc.StatusCode.UNIMPLEMENTED, "", RefusedError, "another program, or a daemon that is older"),
        (grpc.StatusCode.PERMISSION_DENIED, "", RefusedError, "127.0.0.1.*token="),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "message larger than max (9 vs. 4)", RefusedError, "smaller region"),
        (grpc.StatusCode.UNAVAILABLE, "Failed parsing HTTP/2", UnreachableError, "no daemon's port.*serve.listen"),
        (grpc.StatusCode.INTERNAL, "", blinkd.DaemonError, "did not say why.*INTERNAL"),
    ],
)
def test_what_grpc_says_itself_becomes_words_that_help(
    code: grpc.StatusCode, details: str, kind: type[Exception], remedy: str
) -> None:
    error = of_status(code, details, "microscope:5767")
    assert type(error) is kind
    assert re.search(remedy, str(error))


def test_nobody_at_the_address_is_said_with_the_remedy() -> None:
    with FakeDaemon() as daemon:
        address = daemon.address
    with Client(address) as client, pytest.raises(UnreachableError, match=f"{address}.*blinkd serve"):
        client.status()


def test_a_daemon_that_does_not_answer_in_time_is_an_error() -> None:
    hanging = threading.Event()
    with FakeDaemon(GetStatus=lambda *_: hanging.wait(30) and pb_a.DaemonStatus()) as daemon:
        with Client(daemon.address, timeout_s=0.2) as client, pytest.raises(TimedOutError, match="timeout_s"):
            client.status()
        hanging.set()


def test_the_token_goes_with_every_call_and_never_over_the_network_in_the_clear() -> None:
    with FakeDaemon(GetStatus=lambda *_: pb_a.DaemonStatus()) as daemon, Client(daemon.address, token="s3cret") as c:
        c.status()
        assert daemon.metadata["authorization"] == "Bearer s3cret"
    with pytest.raises(ValueError, match="root_certificates"):
        Client("microscope.example:5767", token="s3cret")
    with pytest.raises(ValueError, match="host:port"):
        Client("microscope")


def test_a_series_may_be_named_in_several_ways() -> None:
    message = pb_a.Acquisition(series_id=ID)
    with FakeDaemon(GetAcquisition=lambda *_: message) as daemon, Client(daemon.address) as client:
        series = client.acquisitions.get()
        for named in (ID, ID.hex(), series, None):
            client.acquisitions.get(named)
        asked = [request.series_id for request in daemon.requests]  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="32 hexadecimal digits"):
            client.acquisitions.get("cell 1")
        with pytest.raises(ValueError, match="16 bytes"):
            client.acquisitions.get(b"short")
    assert asked == [b"", ID, ID, ID, b""]


def test_what_is_not_configured_is_left_out_of_the_question() -> None:
    with FakeDaemon(ConfigureAcquisition=lambda *_: pb_a.Acquisition()) as daemon, Client(daemon.address) as client:
        client.acquisitions.configure(paused=False)
        client.acquisitions.configure(
            filter=LocalizationFilter(photons_min=300),
            thresholds=Thresholds(candidate=0.3, second=0.6, accept=0.7),
            camera=Camera(offset_adu=100, e_per_adu=0.5),
        )
        paused, rest = daemon.requests
    assert paused == pb_a.ConfigureAcquisitionRequest(paused=False)
    assert (rest.filter.photons_min, rest.thresholds.second, rest.camera.qe) == (300, 0.6, 1)  # type: ignore[attr-defined]
    assert not rest.HasField("paused")
    assert not rest.filter.HasField("photons_max")  # type: ignore[attr-defined]


def test_a_query_joins_its_pieces_in_their_order() -> None:
    with FakeDaemon(QueryLocalizations=lambda *_: iter([batch([0, 1]), batch([5])])) as daemon:
        with Client(daemon.address) as client:
            found = client.query(ID, frames=(0, 9))
            assert (found.frame.tolist(), len(found), found.x_px.dtype) == ([0, 1, 5], 3, np.dtype(np.float32))
            daemon.answers["QueryLocalizations"] = lambda *_: iter(())
            assert len(client.query(ID)) == 0
            with pytest.raises(ValueError, match="first and last"):
                client.query(ID, frames=(5, 2))


def test_the_first_frame_alone_can_be_asked_for() -> None:
    with FakeDaemon(QueryLocalizations=lambda *_: iter([batch([0, 0, 1])])) as daemon:
        with Client(daemon.address) as client:
            found = client.query(ID, frames=(0, 0))
            assert (found.frame.tolist(), len(found.x_px)) == ([0, 0], 2)
            assert daemon.requests[-1].last_frame == 1  # type: ignore[attr-defined]


def test_camera_frames_go_on_after_a_break_and_stay_with_their_series() -> None:
    frames = iter([1, None, 2, 0])

    def next_frame(_: Any, context: grpc.ServicerContext) -> Any:
        seq = next(frames)
        if seq is None:
            context.abort(grpc.StatusCode.UNAVAILABLE, "the daemon is stopping")
        return pb_p.CameraFrame(series_id=ID, seq=seq or 0, png=grey if seq else b"")

    into = io.BytesIO()
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(into, "png")
    grey, done = into.getvalue(), pb_a.Acquisition(state=3)
    with FakeDaemon(GetFrame=next_frame, GetAcquisition=lambda *_: done) as daemon, Client(daemon.address) as client:
        gaps: list[blinkd.client.Gap] = []
        assert [frame.seq for frame in client.frames(on_gap=gaps.append)] == [1, 2]
        assert len(gaps) == 1
        first, *later = [request.series_id for request in daemon.requests]  # type: ignore[attr-defined]
        assert (first, set(later)) == (b"", {ID}), "also when a newer series has begun"
        with pytest.raises(ValueError, match="max_side_px must be 1 to 65535"):
            client.frames(max_side_px=0)


def test_columns_become_a_table_of_pyarrow() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    with FakeDaemon(QueryLocalizations=lambda *_: iter([batch([3, 4])])) as daemon, Client(daemon.address) as client:
        table = client.query(ID).to_arrow()
    assert (table.num_rows, table.schema.field("x_px").type) == (2, pyarrow.float32())


def test_a_stream_that_breaks_begins_again_and_says_that_there_was_a_gap() -> None:
    def breaks(_: Any, context: grpc.ServicerContext) -> Iterator[Message]:
        yield batch([1], lagged=4)
        context.abort(grpc.StatusCode.UNAVAILABLE, "the daemon is stopping")

    gaps: list[blinkd.client.Gap] = []
    with FakeDaemon(StreamLocalizations=breaks) as daemon, Client(daemon.address) as client:
        batches = client.localizations(on_gap=gaps.append)
        came = [next(batches) for _ in range(3)]
    assert [(one.lagged, one.after_gap) for one in came] == [(4, False), (4, True), (4, True)]
    assert [gap.attempt for gap in gaps] == [1, 1]
    assert isinstance(gaps[0].error, UnreachableError)


def test_a_stream_goes_on_after_the_daemon_was_started_again() -> None:
    endless = threading.Event()

    def one(*_: Any) -> Iterator[Message]:
        yield batch([7])
        endless.wait(30)

    daemon = FakeDaemon(StreamLocalizations=one)
    with Client(daemon.address) as client:
        batches = client.localizations()
        assert not next(batches).after_gap
        daemon.stop()
        with FakeDaemon(port=daemon.port, StreamLocalizations=one):
            assert next(batches).after_gap
            endless.set()


def test_a_stream_that_cannot_come_again_ends_with_the_error() -> None:
    with FakeDaemon(WatchAcquisition=refuse(grpc.StatusCode.NOT_FOUND, "no such series")) as daemon:
        with Client(daemon.address) as client:
            with pytest.raises(NotFoundError):
                next(client.acquisitions.watch(ID))
            daemon.answers["WatchAcquisition"] = refuse(grpc.StatusCode.UNAVAILABLE, "gone")
            with pytest.raises(UnreachableError):
                next(client.acquisitions.watch(ID, reconnect=False))


def test_closing_the_client_ends_an_iterator_that_waits_in_another_thread() -> None:
    waiting, release = threading.Event(), threading.Event()

    def nothing(*_: Any) -> Iterator[Message]:
        waiting.set()
        release.wait(30)
        yield from ()

    with FakeDaemon(StreamLocalizations=nothing) as daemon:
        client = Client(daemon.address)
        reading = threading.Thread(target=lambda: list(client.localizations()))
        reading.start()
        assert waiting.wait(10)
        client.close()
        reading.join(10)
        assert not reading.is_alive()
        release.set()
        with pytest.raises(UnreachableError, match="closed"):
            client.status()


def test_a_picture_larger_than_grpcs_usual_limit_arrives() -> None:
    noise = np.random.default_rng(1).integers(0, 255, 6 << 20, np.uint8).tobytes()
    with FakeDaemon(RenderPicture=lambda *_: pb_p.Picture(png=noise)) as daemon, Client(daemon.address) as client:
        assert client._wire.ask(blinkd.client.asks.picture(None, **LARGE)).png == noise


LARGE: dict[str, Any] = {
    "viewport": None,
    "pixel_size_nm": None,
    "look": blinkd.Look(),
    "scale_bar": False,
    "ome_tiff": False,
}


def test_the_asynchronous_client_says_the_same() -> None:
    async def ask(address: str) -> tuple[Any, ...]:
        gaps: list[object] = []
        async with AsyncClient(address) as client:
            with pytest.raises(NotFoundError, match="no such"):
                await client.scans.get()
            frames = (await client.query(ID)).frame.tolist()
            came = []
            async for one in client.localizations(on_gap=gaps.append):
                came.append(one.after_gap)
                if len(came) == 2:
                    break
            return (await client.status()).version, frames, came, len(gaps)

    answers = {
        "GetStatus": lambda *_: pb_a.DaemonStatus(version="0.1.0"),
        "QueryLocalizations": lambda *_: iter([batch([0]), batch([1])]),
        "StreamLocalizations": lambda *_: iter([batch([1])]),
        "GetScan": refuse(grpc.StatusCode.NOT_FOUND, "no such scan"),
    }
    with FakeDaemon(**answers) as daemon:
        assert asyncio.run(ask(daemon.address)) == ("0.1.0", [0, 1], [False, True], 1)
