"""Sends what the MDA engine of pymmcore-plus acquires, as it acquires it.

In: the engine's signals, which come on its own thread. Out: a series for each camera; each of several channels, and a
channel that is said to be widefield, is a series of its own. Full queue: the publisher drops and counts. Never: a wait,
or an exception, in the engine's thread; what went wrong first is kept in `error`, logged once, and counted.
"""

from __future__ import annotations

import functools
import logging
import threading
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

from blinkd.counts import Counts
from blinkd.micromanager.acquired import channel_of, describe, name_of, number, stage_of
from blinkd.micromanager.core import Core, Setup, camera_of, describe_frame, read_setup
from blinkd.micromanager.layout import Layout, read_layout
from blinkd.publisher import DEFAULT_ENDPOINT, FramePublisher
from blinkd.series import Camera, EndReason, Series, Tile

log = logging.getLogger(__name__)

ENDINGS = {"errored": EndReason.ERROR, "canceled": EndReason.ABORTED}
"""The engine's words for how it finished."""


class Signal(Protocol):
    """As psygnal's and Qt's."""

    def connect(self, slot: Callable[..., Any], /) -> Any: ...  # noqa: D102, ANN401
    def disconnect(self, slot: Callable[..., Any], /) -> Any: ...  # noqa: D102, ANN401


@dataclass(slots=True)
class _Stream:
    """One series and its publisher."""

    label: str
    publisher: FramePublisher
    series_id: bytes = field(default_factory=lambda: uuid.uuid4().bytes)
    tile: Tile | None = None
    taken: dict[int, int] = field(default_factory=dict)
    """Frames of each tile so far: a tile that comes again goes on counting."""


_Key = tuple[str, str, bool]
"""Camera, channel, whether it is widefield."""


class Publisher:
    """Attached to a core, it follows every MDA until it is detached; the core keeps it alive."""

    def __init__(
        self,
        core: Any,  # noqa: ANN401 - a Core with `mda`, whose signals are not typed alike in all versions
        *,
        endpoint: str = DEFAULT_ENDPOINT,
        calibration: Camera | None = None,
        widefield: Collection[str] = (),
        name: str = "",
    ) -> None:
        """Nothing is connected yet.

        `calibration`: how counts become photons; MMCore has no metadata for it. `widefield`: channels (presets) that
        are overviews and not localized. `name`: of the series; else that in the sequence's metadata.
        """
        self._core: Core = core
        self._mda = core.mda
        self._endpoint, self._calibration, self._name = endpoint, calibration, name
        self._widefield = frozenset(widefield)
        self._slots: list[tuple[Signal, Callable[..., None]]] = []
        self._sequence: object = None
        self._summary: object = None
        self._setup: Setup | None = None
        self._several_cameras = False
        self._layout = Layout()
        self._streams: dict[_Key, _Stream] = {}
        self._spare: FramePublisher | None = None
        self._canceled = False
        self._endings: list[threading.Thread] = []
        self._ended: dict[str, _Stream] = {}
        self._lock = threading.Lock()
        """Of the streams: one may detach while the engine acquires. Held for no longer than a frame is copied."""
        self.errors = 0
        self.error: Exception | None = None

    def attach(self) -> Publisher:
        """Begins to listen. Returns itself, for `with Publisher(core).attach():`.

        Raises ValueError for an endpoint that is none.
        """
        if self._slots:
            return self
        self._spare = FramePublisher(self._endpoint)  # connects before the first frame
        events = self._mda.events
        # Functions, not methods: psygnal holds methods weakly, and a publisher that nobody keeps would hear nothing.
        self._slots = [
            (events.sequenceStarted, lambda *said: self._guarded(self._begin, *said)),
            (events.frameReady, lambda *said: self._guarded(self._send, *said)),
            (events.sequenceCanceled, lambda *_: self._cancel()),
            (events.sequenceFinished, lambda *_: self._guarded(self._finish)),
        ]
        for signal, slot in self._slots:
            signal.connect(slot)
        return self

    def detach(self, *, wait_s: float = 5.0) -> None:
        """Listens no longer; waits at most so long for each series until its last frames are handed over."""
        slots, self._slots = self._slots, []
        for signal, slot in slots:
            signal.disconnect(slot)
        with self._lock:
            self._end_all(EndReason.ABORTED)
            spare, self._spare = self._spare, None
            endings, self._endings = self._endings, []
        if spare is not None:
            spare.close(wait_s=0)
        for ending in endings:
            ending.join(wait_s)

    def __enter__(self) -> Publisher:
        """Attaches, if it was not."""
        return self.attach()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Detaches."""
        self.detach()

    @property
    def counts(self) -> dict[str, Counts]:
        """The account of each series of the last sequence, by camera: "Camera", "Camera, Cy5", "Camera, widefield"."""
        with self._lock:
            streams = self._ended | {stream.label: stream for stream in self._streams.values()}
        return {label: stream.publisher.counts for label, stream in streams.items()}

    def _guarded(self, work: Callable[..., None], *said: object) -> None:
        """Nothing that goes wrong here may reach the engine."""
        try:
            with self._lock:
                work(*said)
        except Exception as error:  # whatever it is, the acquisition goes on
            self.errors += 1
            if self.error is None:
                self.error = error
                log.exception("frames of this acquisition may not reach blinkd; the acquisition goes on")

    def _cancel(self) -> None:
        self._canceled = True

    def _begin(self, sequence: object, summary: object = None) -> None:
        self._end_all(EndReason.ABORTED)
        self._ended.clear()
        self._canceled, self.error, self.errors = False, None, 0
        self._sequence, self._summary, self._setup, self._layout = sequence, summary, None, Layout()
        self._spare = self._spare or FramePublisher(self._endpoint)  # connects while the stage moves to the first tile
        self._setup = setup = read_setup(self._core)
        self._several_cameras = int(self._core.getNumberOfCameraChannels()) > 1
        pixel_um = setup.pixel_size_nm[0] / 1e3 if setup.pixel_size_nm else 1.0
        self._layout = read_layout(sequence, field_um=(setup.field_px[0] * pixel_um, setup.field_px[1] * pixel_um))

    def _send(self, image: object, event: Any, meta: Mapping[str, Any]) -> None:  # noqa: ANN401
        if not self._slots:
            return  # detached while this frame was on its way
        own = meta.get("camera_metadata") or {}
        camera = camera_of(own, otherwise=str(meta.get("camera_device") or self._core.getCameraDevice()))
        channel = channel_of(event)
        key = (camera, channel, channel in self._widefield)
        stream = self._streams.get(key) or self._open(key, meta)
        tile = self._layout.tile(dict(getattr(event, "index", None) or {}), channel=channel)
        if stream.tile is None or tile.index != stream.tile.index:
            stream.publisher.begin_tile(tile, first_frame=stream.taken.get(tile.index, 0))
            stream.tile = tile
        stage_um, measured = stage_of(event, meta)
        frame = describe_frame(
            own,
            exposure_ms=number(meta.get("exposure_ms")),
            stage_um=stage_um,
            stage_measured=measured,
            queue_depth=int(meta.get("images_remaining_in_buffer") or 0),
        )
        stream.publisher.send_frame(image, frame)
        stream.taken[tile.index] = stream.taken.get(tile.index, 0) + 1

    def _open(self, key: _Key, meta: Mapping[str, Any]) -> _Stream:
        """The series begins with its first frame, whose metadata it quotes."""
        if self._setup is None:
            self._setup = read_setup(self._core)
        setup, layout, (camera, channel, widefield) = self._setup, self._layout, key
        named = self._name_of(key)
        publisher, self._spare = self._spare or FramePublisher(self._endpoint), None
        stream = _Stream(", ".join((camera, *named)), publisher)
        bursts = [other.series_id for each, other in self._streams.items() if each[0] == camera and not each[2]]
        self._streams[key] = stream
        publisher.start(
            Series(
                series_id=stream.series_id,
                name=", ".join((self._name or name_of(self._sequence), *[camera] * self._several_cameras, *named)),
                source=setup.source,
                camera=camera,
                calibration=self._calibration,
                pixel_size_nm=setup.pixel_size_nm,
                affine_um=setup.affine_um,
                exposure_ms=number(meta.get("exposure_ms")) or setup.exposure_ms,
                bit_depth=setup.bit_depth if camera == setup.camera else 0,
                grid_rows=layout.rows,
                grid_columns=layout.columns,
                overlap_percent=layout.overlap_percent,
                snake=layout.snake,
                expected_tiles=layout.tiles,
                expected_frames=layout.tiles * layout.frames_of(channel),
                live_sampled=layout.sampled,
                widefield=widefield,
                # Not begun yet: the daemon takes the next one of this grid.
                widefield_of=bursts[0] if widefield and bursts else b"",
                metadata_json=describe(self._sequence, self._summary, meta),
            )
        )
        return stream

    def _name_of(self, key: _Key) -> list[str]:
        """What distinguishes the series from the camera's others."""
        camera, channel, widefield = key
        alike = {each for each in self._layout.channels if (each in self._widefield) == widefield}
        others = {other[1] for other in self._streams if (other[0], other[2]) == (camera, widefield)}
        several = len(alike | others | {channel}) > 1
        return [channel] * (several and channel != "") + ["widefield"] * widefield

    def _finish(self) -> None:
        said = str(getattr(getattr(self._mda, "status", None), "finish_reason", None) or "")
        reason = EndReason.ABORTED if self._canceled else ENDINGS.get(said, EndReason.COMPLETED)
        self._end_all(EndReason.OVERFLOW if self._core.isBufferOverflowed() else reason)

    def _end_all(self, reason: EndReason) -> None:
        """Ends every series on a thread of its own, which the process waits for: the engine does not."""
        streams, self._streams = self._streams, {}
        self._endings = [ending for ending in self._endings if ending.is_alive()]
        for stream in streams.values():
            self._ended[stream.label] = stream
            work = functools.partial(_close, stream.publisher, reason)
            ending = threading.Thread(target=work, name="blinkd-ending", daemon=False)
            ending.start()
            self._endings.append(ending)


def _close(publisher: FramePublisher, reason: EndReason) -> None:
    publisher.end(reason=reason)
    publisher.close()
