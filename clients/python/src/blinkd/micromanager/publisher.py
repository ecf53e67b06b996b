"""Sends what the MDA engine of pymmcore-plus acquires, as it acquires it.

In: the engine's signals, which come on its own thread. Out: a series for each camera, and one more for its channels
that are said to be widefield. Full queue: the publisher drops and counts. Never: a wait, or an exception, in the
engine's thread; what went wrong is kept in `error`, counted and logged once.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
import threading
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Any, Protocol

from blinkd.counts import Counts
from blinkd.micromanager.core import Core, Setup, camera_of, describe_frame, read_setup
from blinkd.micromanager.layout import Layout, read_layout
from blinkd.publisher import DEFAULT_ENDPOINT, FramePublisher
from blinkd.series import Camera, EndReason, Series, Tile

log = logging.getLogger(__name__)

METADATA_LIMIT = 700 * 1024
"""Characters of the sequence and the summary that go into a series; longer ones are left out and that is said."""


class Signal(Protocol):
    """As psygnal's and Qt's."""

    def connect(self, slot: Callable[..., Any], /) -> Any: ...  # noqa: D102, ANN401
    def disconnect(self, slot: Callable[..., Any], /) -> Any: ...  # noqa: D102, ANN401


@dataclasses.dataclass(slots=True)
class _Stream:
    """One series and its publisher."""

    publisher: FramePublisher
    tile: Tile | None = None


class Publisher:
    """Attached to a core, it follows every MDA until it is detached."""

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
        self._events = core.mda.events
        self._endpoint, self._calibration, self._name = endpoint, calibration, name
        self._widefield = frozenset(widefield)
        self._layout, self._metadata_json, self._series_name = Layout(), "", name or "MDA"
        self._setup: Setup | None = None
        self._streams: dict[tuple[str, bool], _Stream] = {}
        self._canceled = False
        self._endings: list[threading.Thread] = []
        self._accounts: dict[str, Counts] = {}
        self._lock = threading.Lock()
        self.errors = 0
        self.error: Exception | None = None

    def attach(self) -> Publisher:
        """Begins to listen. Returns itself, for `with Publisher(core).attach():`."""
        self._events.sequenceStarted.connect(self._started)
        self._events.frameReady.connect(self._frame)
        self._events.sequenceCanceled.connect(self._cancel)
        self._events.sequenceFinished.connect(self._finished)
        return self

    def detach(self, *, wait_s: float = 5.0) -> None:
        """Listens no longer; waits at most so long until the last frames are handed over."""
        for signal, slot in (
            (self._events.sequenceStarted, self._started),
            (self._events.frameReady, self._frame),
            (self._events.sequenceCanceled, self._cancel),
            (self._events.sequenceFinished, self._finished),
        ):
            signal.disconnect(slot)
        self._end_all(EndReason.ABORTED)
        for ending in self._endings:
            ending.join(wait_s)
        self._endings.clear()

    def __enter__(self) -> Publisher:
        """Attached already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Detaches."""
        self.detach()

    @property
    def counts(self) -> dict[str, Counts]:
        """The account of each series of the last sequence, by camera; "…, widefield" for an overview."""
        with self._lock:
            done = dict(self._accounts)
        return done | {_label(*key): stream.publisher.counts for key, stream in list(self._streams.items())}

    def _guarded(self, work: Callable[..., None], *arguments: object) -> None:
        """Nothing that goes wrong here may reach the engine."""
        try:
            work(*arguments)
        except Exception as error:  # whatever it is, the acquisition goes on
            self.errors += 1
            if self.error is None or str(self.error) != str(error):
                log.exception("frames of this acquisition may not reach blinkd; the acquisition goes on")
            self.error = error

    def _started(self, sequence: object, summary: object = None) -> None:
        self._guarded(self._begin, sequence, summary)

    def _frame(self, image: object, event: object, meta: Mapping[str, Any]) -> None:
        self._guarded(self._send, image, event, meta)

    def _cancel(self, _sequence: object = None) -> None:
        self._canceled = True

    def _finished(self, _sequence: object = None) -> None:
        self._guarded(self._finish)

    def _begin(self, sequence: Any, summary: Any) -> None:  # noqa: ANN401
        self._end_all(EndReason.ABORTED)
        with self._lock:
            self._accounts.clear()
        self._canceled, self.error, self.errors = False, None, 0
        self._setup = setup = read_setup(self._core)
        pixel_um = setup.pixel_size_nm[0] / 1e3 if setup.pixel_size_nm else 1.0
        self._layout = read_layout(sequence, field_um=(setup.field_px[0] * pixel_um, setup.field_px[1] * pixel_um))
        self._metadata_json = _metadata_json(sequence, summary)
        if not self._name and isinstance(getattr(sequence, "metadata", None), Mapping):
            names = (sequence.metadata.get(key) for key in ("name", "pymmcore_widgets", "title"))
            self._series_name = next((name for name in names if isinstance(name, str)), "MDA")
        else:
            self._series_name = self._name or "MDA"
        if int(self._core.getNumberOfCameraChannels()) == 1 and not self._widefield:
            self._open(setup.camera, widefield=False)  # its thread and socket are there before the first frame

    def _open(self, camera: str, *, widefield: bool) -> _Stream:
        setup, layout = self._setup, self._layout
        if setup is None:
            setup = self._setup = read_setup(self._core)
        publisher = FramePublisher(self._endpoint)
        publisher.start(
            Series(
                name=self._series_name + (", widefield" if widefield else ""),
                source=setup.source,
                camera=camera,
                calibration=self._calibration,
                pixel_size_nm=setup.pixel_size_nm,
                affine_um=setup.affine_um,
                exposure_ms=setup.exposure_ms,
                grid_rows=layout.rows,
                grid_columns=layout.columns,
                overlap_percent=layout.overlap_percent,
                snake=layout.snake,
                expected_tiles=layout.tiles,
                expected_frames=layout.tiles * layout.frames_per_tile,
                live_sampled=layout.interval_s > 0,
                widefield=widefield,
                metadata_json=self._metadata_json,
            )
        )
        stream = self._streams[camera, widefield] = _Stream(publisher)
        return stream

    def _send(self, image: object, event: Any, meta: Mapping[str, Any]) -> None:  # noqa: ANN401
        own = meta.get("camera_metadata") or {}
        camera = camera_of(own, otherwise=str(meta.get("camera_device") or self._core.getCameraDevice()))
        channel = getattr(getattr(event, "channel", None), "config", None)
        key = (camera, channel in self._widefield)
        stream = self._streams.get(key) or self._open(camera, widefield=key[1])
        tile = self._layout.tile(dict(getattr(event, "index", None) or {}))
        if stream.tile is None or tile.index != stream.tile.index:
            stream.publisher.begin_tile(tile)
            stream.tile = tile
        stage_um, measured = _stage(event, meta)
        frame = describe_frame(
            own,
            exposure_ms=_float(meta.get("exposure_ms")),
            stage_um=stage_um,
            stage_measured=measured,
            queue_depth=int(meta.get("images_remaining_in_buffer") or 0),
        )
        stream.publisher.send_frame(image, frame)

    def _finish(self) -> None:
        overflowed = bool(self._core.isBufferOverflowed())
        reason = EndReason.COMPLETED
        if self._canceled or overflowed:
            reason = EndReason.OVERFLOW if overflowed else EndReason.ABORTED
        self._end_all(reason)

    def _end_all(self, reason: EndReason) -> None:
        """Ends every series on threads of their own: the engine does not wait for the last frames."""
        streams, self._streams = self._streams, {}
        self._endings = [ending for ending in self._endings if ending.is_alive()]
        for key, stream in streams.items():
            with self._lock:
                self._accounts[_label(*key)] = stream.publisher.counts
            close = functools.partial(self._close, _label(*key), stream.publisher, reason)
            ending = threading.Thread(target=close, name="blinkd-ending", daemon=True)
            ending.start()
            self._endings.append(ending)

    def _close(self, label: str, publisher: FramePublisher, reason: EndReason) -> None:
        counts = publisher.end(reason=reason)
        with self._lock:
            self._accounts[label] = counts
        publisher.close()


def _label(camera: str, widefield: bool) -> str:
    return f"{camera}, widefield" if widefield else camera


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _stage(
    event: Any,  # noqa: ANN401
    meta: Mapping[str, Any],
) -> tuple[tuple[float, float] | tuple[float, float, float] | None, bool]:
    """Where the stage is: as it said itself when the engine asked it, else as the event told it to be."""
    position = meta.get("position")
    if isinstance(position, Mapping) and position.get("x") is not None and position.get("y") is not None:
        return _place(position["x"], position["y"], position.get("z")), True
    x_um, y_um = getattr(event, "x_pos", None), getattr(event, "y_pos", None)
    if x_um is None or y_um is None:
        return None, False
    return _place(x_um, y_um, getattr(event, "z_pos", None)), False


def _place(x_um: float, y_um: float, z_um: float | None) -> tuple[float, float] | tuple[float, float, float]:
    return (float(x_um), float(y_um)) if z_um is None else (float(x_um), float(y_um), float(z_um))


def _metadata_json(sequence: Any, summary: Any) -> str:  # noqa: ANN401
    """The raw sequence and the engine's summary of devices and settings, as far as they fit."""
    useq = sequence.model_dump(mode="json", exclude_unset=True) if hasattr(sequence, "model_dump") else None
    plain = {key: value for key, value in dict(summary or {}).items() if key != "mda_sequence"}
    whole = json.dumps({"useq": useq, "summary": plain}, default=str)
    if len(whole) <= METADATA_LIMIT:
        return whole
    shorter = json.dumps({"useq": useq, "summary": "left out: too long"}, default=str)
    return shorter if len(shorter) <= METADATA_LIMIT else json.dumps({"useq": "left out: too long"})
