"""A client for asyncio: the same calls as `Client`, awaited; iterators are asynchronous.

In: calls with plain values. Out: dataclasses with numpy columns, iterators. Never: a thread, a type of gRPC or
protobuf.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from pathlib import Path
from types import TracebackType

from blinkd.client import asks
from blinkd.client.acquisitions import (
    Acquisition,
    CameraCalibration,
    DaemonStatus,
    LocalizationFilter,
    SeriesStatistics,
    Thresholds,
)
from blinkd.client.aio_wire import AioWire
from blinkd.client.asks import SeriesRef
from blinkd.client.channel import Reach
from blinkd.client.localizations import Export, LocalizationBatch, TableFormat, after_a_gap
from blinkd.client.models import Model, ModelCheck
from blinkd.client.pictures import CameraFrame, Look, Picture, Rendering, Viewport
from blinkd.client.retrying import OnGap
from blinkd.client.saving import SLOW_S, is_tiff, picture_of, put
from blinkd.client.scans import Scan
from blinkd.client.tiles import AsyncTileSource
from blinkd.series import Camera


class AsyncAcquisitions:
    """The daemon's series. `series`: an id or something that has one; None: the newest."""

    def __init__(self, wire: AioWire) -> None:
        self._wire = wire

    async def list(self, *, most: int = 0) -> list[Acquisition]:
        """Every series, or the newest `most`, the oldest first, without their tiles."""
        return await self._wire.ask(asks.list_acquisitions(most))

    async def get(self, series: SeriesRef = None) -> Acquisition:
        """One series with all its tiles."""
        return await self._wire.ask(asks.acquisition(series))

    def watch(
        self,
        series: SeriesRef = None,
        *,
        interval_s: float = 0.5,
        reconnect: bool = True,
        on_gap: OnGap | None = None,
    ) -> AsyncIterator[Acquisition]:
        """The state now, then again at most every `interval_s`; `tiles` holds those that changed."""
        return self._wire.follow(lambda: asks.watch(series, interval_s), reconnect=reconnect, on_gap=on_gap)

    async def configure(
        self,
        series: SeriesRef = None,
        *,
        filter: LocalizationFilter | None = None,
        thresholds: Thresholds | None = None,
        camera: Camera | CameraCalibration | None = None,
        paused: bool | None = None,
    ) -> Acquisition:
        """How a series goes on. None leaves things as they are; an empty filter takes all limits away."""
        return await self._wire.ask(
            asks.configure(series, filter=filter, thresholds=thresholds, camera=camera, paused=paused)
        )

    async def stop(self, series: SeriesRef = None) -> Acquisition:
        """Closes a series: what was received is processed, later frames are refused."""
        return await self._wire.ask(asks.stop(series))


class AsyncScans:
    """Series of tiles, seen as a whole. `series` None: the newest scan."""

    def __init__(self, wire: AioWire) -> None:
        self._wire = wire

    async def list(self) -> list[Scan]:
        """Every scan, without tiles."""
        return await self._wire.ask(asks.list_scans())

    async def get(self, series: SeriesRef = None) -> Scan:
        """One scan with all its tiles."""
        return await self._wire.ask(asks.scan(series))

    def watch(
        self,
        series: SeriesRef = None,
        *,
        interval_s: float = 0.5,
        reconnect: bool = True,
        on_gap: OnGap | None = None,
    ) -> AsyncIterator[Scan]:
        """All tiles first, then those that changed."""
        return self._wire.follow(lambda: asks.watch_scan(series, interval_s), reconnect=reconnect, on_gap=on_gap)

    async def retake(self, series: SeriesRef, tiles: Iterable[int]) -> Scan:
        """Says that tiles are wanted again; whoever drives the scan reads `Scan.retake`."""
        return await self._wire.ask(asks.retake(series, tiles, withdraw=False))

    async def withdraw(self, series: SeriesRef, tiles: Iterable[int]) -> Scan:
        """They are not wanted again after all."""
        return await self._wire.ask(asks.retake(series, tiles, withdraw=True))


class AsyncModels:
    """The networks on the daemon's machine."""

    def __init__(self, wire: AioWire) -> None:
        self._wire = wire

    async def list(self) -> list[Model]:
        """Every bundle, without its card."""
        return await self._wire.ask(asks.list_models())

    async def describe(self, name: str) -> Model:
        """A bundle with its card."""
        return await self._wire.ask(asks.describe_model(name))

    async def load(self, name: str) -> Model:
        """Another network for series that start from now on; RefusedError while one is open."""
        return await self._wire.ask(asks.load_model(name), timeout_s=SLOW_S)

    async def unload(self, name: str) -> Model:
        """No network: frames are received and nothing is found."""
        return await self._wire.ask(asks.unload_model(name), timeout_s=SLOW_S)

    async def check(self, name: str) -> ModelCheck:
        """Runs the bundle's golden set again."""
        return await self._wire.ask(asks.check_model(name), timeout_s=SLOW_S)


class AsyncClient:
    """A blinkd daemon, for one event loop.

    `token` and `root_certificates` (PEM, or a file of it) are what a daemon off loopback wants. Connects with the first
    call; every call ends after `timeout_s` with TimedOutError.
    """

    def __init__(
        self,
        address: str = "127.0.0.1:5767",
        *,
        token: str | None = None,
        root_certificates: str | Path | bytes | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self._wire = AioWire(Reach.of(address, token, root_certificates, timeout_s))
        self.acquisitions = AsyncAcquisitions(self._wire)
        self.scans = AsyncScans(self._wire)
        self.models = AsyncModels(self._wire)

    async def close(self) -> None:
        """Ends every iterator."""
        await self._wire.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def status(self) -> DaemonStatus:
        """The daemon as a whole."""
        return await self._wire.ask(asks.status())

    async def statistics(self, series: SeriesRef = None) -> SeriesStatistics:
        """Distributions, the course of time, drift and resolution of a series."""
        return await self._wire.ask(asks.statistics(series))

    def pictures(
        self,
        series: SeriesRef = None,
        *,
        viewport: Viewport | None = None,
        pixel_size_nm: float | None = None,
        look: Look | None = None,
        interval_s: float = 0.25,
        reconnect: bool = True,
        on_gap: OnGap | None = None,
    ) -> AsyncIterator[Picture]:
        """The growing picture, at most every `interval_s`; who is slow gets fewer, never old ones.

        Without a series the newest is followed, also when a newer one comes. `pixel_size_nm` is rounded up to the next
        level of the pyramid; None: the finest that keeps the picture under 2048 px. RefusedError where it grows beyond
        8192 x 8192 pixels: a smaller viewport or a larger pixel helps.
        """

        def ask() -> asks.Ask[Picture]:
            return asks.follow_picture(
                series,
                viewport=viewport,
                pixel_size_nm=pixel_size_nm,
                look=look or Look(),
                interval_s=interval_s,
            )

        return self._wire.follow(ask, reconnect=reconnect, on_gap=on_gap)

    async def picture(
        self,
        series: SeriesRef = None,
        *,
        viewport: Viewport | None = None,
        pixel_size_nm: float | None = None,
        look: Look | None = None,
    ) -> Picture:
        """A picture of a region as it is now, at most 8192 px a side; without a viewport of everything."""
        ask = asks.picture(
            series,
            viewport=viewport,
            pixel_size_nm=pixel_size_nm,
            look=look or Look(),
            scale_bar=False,
            ome_tiff=False,
        )
        acquisition = await self.acquisitions.get(series)
        return picture_of(await self._wire.ask(ask, timeout_s=SLOW_S), viewport, acquisition.series_id)

    async def save_picture(
        self,
        path: str | Path,
        series: SeriesRef = None,
        *,
        viewport: Viewport | None = None,
        pixel_size_nm: float | None = None,
        look: Look | None = None,
        scale_bar: bool = True,
    ) -> Path:
        """Writes a picture here: `.png` as it looks, `.tif` or `.tiff` (OME-TIFF) with the numbers."""
        ask = asks.picture(
            series,
            viewport=viewport,
            pixel_size_nm=pixel_size_nm,
            look=look or Look(),
            scale_bar=scale_bar,
            ome_tiff=is_tiff(path),
        )
        return put(path, (await self._wire.ask(ask, timeout_s=SLOW_S)).png)

    async def tiles(self, series: SeriesRef = None, *, look: Look | None = None) -> AsyncTileSource:
        """The picture as numbers, tile by tile; counts of localizations unless `look` says Gaussian."""
        look = look or Look(rendering=Rendering.HISTOGRAM)
        return await AsyncTileSource(self._wire.ask, asks.series_id(series), look).open()

    def frames(
        self,
        series: SeriesRef = None,
        *,
        max_side_px: int = 1024,
        reconnect: bool = True,
        on_gap: OnGap | None = None,
    ) -> AsyncIterator[CameraFrame]:
        """Camera frames with what was found in them, as many as are read; ends with the series."""
        wanted = asks.NextFrame(series, max_side_px=max_side_px)

        async def begin() -> AsyncGenerator[CameraFrame, None]:
            while True:
                frame = await self._wire.ask(wanted.ask())
                if frame is not None:
                    yield frame
                elif (await self.acquisitions.get(wanted.series_id)).is_done:
                    return

        return self._wire.insist(begin, reconnect=reconnect, on_gap=on_gap)

    def localizations(
        self,
        series: SeriesRef = None,
        *,
        filter: LocalizationFilter | None = None,
        reconnect: bool = True,
        on_gap: OnGap | None = None,
    ) -> AsyncIterator[LocalizationBatch]:
        """Localizations from now on, of every series unless one is named.

        Who reads too slowly finds in `lagged` how many were left out, also in a batch that is empty; after a broken
        connection `after_gap` is true.
        """
        ask = lambda: asks.follow_localizations(series, filter)  # noqa: E731
        return self._wire.follow(ask, reconnect=reconnect, on_gap=on_gap, after_gap=after_a_gap)

    def iter_query(
        self,
        series: SeriesRef = None,
        *,
        tile: int | None = None,
        frames: tuple[int, int] | None = None,
        filter: LocalizationFilter | None = None,
        as_shown: bool = False,
    ) -> AsyncIterator[LocalizationBatch]:
        """As `query`, in pieces of at most 32,768."""
        return self._wire.stream(asks.query(series, tile=tile, frames=frames, wanted=filter, as_shown=as_shown))

    async def query(
        self,
        series: SeriesRef = None,
        *,
        tile: int | None = None,
        frames: tuple[int, int] | None = None,
        filter: LocalizationFilter | None = None,
        as_shown: bool = False,
    ) -> LocalizationBatch:
        """What the journal holds, of one tile or all, of frames first to last (both included) or all.

        `as_shown`: where the picture has them, not where they were seen: without the drift of tiles that are over, and
        without those of tiles that were taken again.
        """
        found = self.iter_query(series, tile=tile, frames=frames, filter=filter, as_shown=as_shown)
        return LocalizationBatch.joined([piece async for piece in found], series_id=asks.series_id(series))

    async def export(
        self,
        series: SeriesRef = None,
        *,
        format: TableFormat | str = TableFormat.PARQUET,
        file_name: str | None = None,
        filter: LocalizationFilter | None = None,
    ) -> Export:
        """Writes a table into the series' folder on the daemon's machine; works during the recording."""
        ask = asks.export(series, format=format, file_name=file_name, wanted=filter)
        return await self._wire.ask(ask, timeout_s=SLOW_S)
