"""Pictures that grow, and tiles as numbers."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from blinkd import AsyncClient, Client
from blinkd.client import BusyError, RefusedError, TileKey
from blinkd.client.pictures import CANVAS_MAX_PX, Canvas
from blinkd.client.tiles import CACHED_TILES, QUESTIONS_MAX
from blinkd.v1 import preview_pb2 as pb
from fake_daemon import FakeDaemon

SIDE = 4


def png(value: int) -> bytes:
    into = io.BytesIO()
    Image.fromarray(np.full((SIDE, SIDE, 3), value, np.uint8)).save(into, "png")
    return into.getvalue()


def update(tiles: dict[tuple[int, int], int], *, reset: bool = False) -> pb.PreviewUpdate:
    drawn = [pb.PictureTile(tile_x=x, tile_y=y, png=png(value)) for (x, y), value in tiles.items()]
    return pb.PreviewUpdate(pixel_size_nm=10, tile_px=SIDE, tiles=drawn, reset=reset, localizations=5)


def test_a_picture_keeps_the_tiles_that_did_not_change() -> None:
    canvas = Canvas()
    first = canvas.take(update({(-1, 0): 50, (1, 1): 60}, reset=True))
    assert first.rgb.shape == (2 * SIDE, 3 * SIDE, 3)
    assert (first.x_min_nm, first.y_min_nm) == (-40.0, 0.0)
    second = canvas.take(update({(1, 1): 70}))
    assert (second.rgb[0, 0, 0], second.rgb[-1, -1, 0], second.rgb[0, -1, 0]) == (50, 70, 0)
    third = canvas.take(update({(0, 0): 9}, reset=True))
    assert third.rgb.shape == (SIDE, SIDE, 3)


def test_a_followed_picture_has_a_bound_and_says_what_helps() -> None:
    canvas = Canvas()
    widest = CANVAS_MAX_PX // SIDE**2
    assert canvas.take(update({(0, 0): 1, (widest - 1, 0): 2})).rgb.size == 3 * CANVAS_MAX_PX
    with pytest.raises(RefusedError, match=r"16777220 x 4 pixels of 10 nm.*viewport.*pixel_size_nm"):
        canvas.take(update({(widest, 0): 3}))
    assert canvas.take(update({(0, 0): 4}, reset=True)).rgb.shape == (SIDE, SIDE, 3)


def test_a_followed_picture_that_grows_too_large_ends_its_stream_with_the_error() -> None:
    grows = [update({(0, 0): 1}), update({(CANVAS_MAX_PX, 0): 1})]
    with FakeDaemon(SubscribePreview=lambda *_: iter(grows)) as daemon, Client(daemon.address) as client:
        followed = client.pictures()
        assert next(followed).rgb.shape == (SIDE, SIDE, 3)
        with pytest.raises(RefusedError, match="smaller viewport"):
            next(followed)
        assert len(daemon.requests) == 1, "it is not tried again"


class Map:
    """A picture as the daemon has it: a value and a version per tile."""

    def __init__(self, tiles: dict[tuple[int, int], tuple[float, int]]) -> None:
        self.tiles, self.version, self.generation, self.finest = tiles, 1, 0, 0
        self.at_once = 100

    def answer(self, request: Any, _: Any) -> pb.GetTilesResponse:
        level = max(request.level, self.finest)
        same = request.generation == self.generation and level == request.level and request.HasField("tone")
        drawn: list[pb.PictureTile] = []
        left: list[pb.WantedTile] = []
        for wanted in request.tiles if level == request.level else ():
            value, version = self.tiles.get((wanted.x, wanted.y), (0.0, 0))
            if version > (wanted.version if same else 0):
                values = np.full(SIDE * SIDE, value, "<f4").tobytes()
                tile = pb.PictureTile(level=level, tile_x=wanted.x, tile_y=wanted.y, values=values)
                if len(drawn) < self.at_once:
                    drawn.append(tile)
                else:
                    left.append(wanted)
        return pb.GetTilesResponse(
            series_id=bytes(16),
            generation=self.generation,
            version=self.version,
            level=level,
            tiles=drawn,
            left=left,
            tone=pb.Tone(white=1),
            reset=not same,
            base_pixel_nm=10,
            finest_level=self.finest,
            levels=13,
            tile_px=SIDE,
            bounds=pb.Viewport(x_max_nm=80, y_max_nm=40),
        )


def test_tiles_are_read_once_and_again_when_they_changed() -> None:
    picture = Map({(0, 0): (3.0, 1), (1, 0): (4.0, 1)})
    with FakeDaemon(GetTiles=picture.answer) as daemon, Client(daemon.address) as client:
        source = client.tiles()
        assert (source.levels, source.base_pixel_nm, source.tile_px) == (13, 10.0, SIDE)
        assert source.bounds is not None
        assert source.bounds.x_max_nm == 80
        assert source.read(0, 0, 0).tolist() == np.full((SIDE, SIDE), 3.0).tolist()
        assert source.read(0, 5, 5).sum() == 0, "a tile without localizations is empty"
        asked = len(daemon.requests)
        source.read(0, 0, 0)
        source.read(0, 5, 5)
        assert len(daemon.requests) == asked, "what was read is kept"
        assert source.refresh().tiles == ()
        picture.version, picture.tiles[0, 0] = 2, (8.0, 2)
        changes = source.refresh()
        assert (changes.reset, changes.tiles) == (False, (TileKey(0, 0, 0),))
        assert source.read(0, 0, 0)[0, 0] == 8.0


def test_tiles_are_read_with_asyncio_as_without() -> None:
    picture = Map({(0, 0): (3.0, 1), (1, 0): (4.0, 1)})

    async def read(address: str) -> None:
        async with AsyncClient(address) as client:
            source = await client.tiles()
            assert (source.series_id, source.levels, source.tile_px) == (bytes(16), 13, SIDE)
            assert (await source.read(0, 0, 0)).tolist() == np.full((SIDE, SIDE), 3.0).tolist()
            assert (await source.read(0, 5, 5)).sum() == 0, "a tile without localizations is empty"
            asked = len(daemon.requests)
            await source.read(0, 0, 0)
            assert len(daemon.requests) == asked, "what was read is kept"
            picture.version, picture.tiles[0, 0] = 2, (8.0, 2)
            changes = await source.refresh([TileKey(0, 0, 0)])
            assert (changes.reset, changes.tiles) == (False, (TileKey(0, 0, 0),))
            assert (await source.read(0, 0, 0))[0, 0] == 8.0
            picture.generation = 1
            assert (await source.refresh()).reset

    with FakeDaemon(GetTiles=picture.answer) as daemon:
        asyncio.run(read(daemon.address))


@pytest.mark.parametrize("source", ["Client", "AsyncClient"])
def test_a_tile_that_the_daemon_never_draws_is_an_error_in_the_end(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blinkd.client.tiles.PAUSE_S", 0.0)
    picture = Map({(0, 0): (3.0, 1)})
    picture.at_once = 0

    async def read(address: str) -> None:
        async with AsyncClient(address) as client:
            await (await client.tiles()).read(0, 0, 0)

    with FakeDaemon(GetTiles=picture.answer) as daemon, Client(daemon.address) as client:
        with pytest.raises(BusyError, match=r"tile \(0, 0\) of level 0"):
            asyncio.run(read(daemon.address)) if source == "AsyncClient" else client.tiles().read(0, 0, 0)
        assert len(daemon.requests) == 1 + QUESTIONS_MAX


def test_what_the_daemon_had_no_time_for_is_asked_for_again() -> None:
    picture = Map({(x, 0): (1.0, 1) for x in range(10)})
    with FakeDaemon(GetTiles=picture.answer) as daemon, Client(daemon.address) as client:
        source = client.tiles()
        for x in range(10):
            source.read(0, x, 0)
        picture.version, picture.at_once = 2, 3
        picture.tiles = dict.fromkeys(picture.tiles, (2.0, 2))
        assert len(source.refresh().tiles) == 10


def test_another_map_forgets_every_tile() -> None:
    picture = Map({(0, 0): (3.0, 1)})
    with FakeDaemon(GetTiles=picture.answer) as daemon, Client(daemon.address) as client:
        source = client.tiles()
        source.read(0, 0, 0)
        picture.generation, picture.finest, picture.tiles = 1, 1, {(0, 0): (5.0, 1)}
        assert source.refresh().reset
        assert source.finest_level == 1
        assert source.read(1, 0, 0)[0, 0] == 5.0


def test_another_map_that_a_read_meets_is_said_by_the_next_refresh() -> None:
    picture = Map({(0, 0): (3.0, 1)})
    with FakeDaemon(GetTiles=picture.answer) as daemon, Client(daemon.address) as client:
        source = client.tiles()
        source.read(0, 0, 0)
        picture.generation, picture.tiles = 1, {(0, 0): (5.0, 1), (1, 0): (6.0, 1)}
        assert source.read(0, 1, 0)[0, 0] == 6.0
        assert source.read(0, 0, 0)[0, 0] == 5.0
        assert source.refresh().reset
        assert not source.refresh().reset


def test_only_tiles_that_are_shown_are_brought_up_to_date() -> None:
    picture = Map({(x, 0): (1.0, 1) for x in range(4)})
    with FakeDaemon(GetTiles=picture.answer) as daemon, Client(daemon.address) as client:
        source = client.tiles()
        for x in range(4):
            source.read(0, x, 0)
        picture.version, picture.tiles = 2, dict.fromkeys(picture.tiles, (2.0, 2))
        assert source.refresh([TileKey(0, 1, 0)]).tiles == (TileKey(0, 1, 0),)
        assert len(daemon.requests[-1].tiles) == 1
        assert source.read(0, 3, 0)[0, 0] == 2.0, "what was forgotten is read anew"


def test_the_cache_is_bounded() -> None:
    picture = Map({})
    with FakeDaemon(GetTiles=picture.answer) as daemon, Client(daemon.address) as client:
        source = client.tiles()
        for x in range(CACHED_TILES + 50):
            source.read(0, x, 0)
        assert len(source._cache) == CACHED_TILES


def test_a_picture_is_saved_whole_and_only_under_names_that_say_what_it_is(tmp_path: Any) -> None:
    with FakeDaemon(RenderPicture=lambda *_: pb.Picture(png=png(9))) as daemon, Client(daemon.address) as client:
        saved = client.save_picture(tmp_path / "all.png")
        assert np.asarray(Image.open(saved))[0, 0, 0] == 9
        assert [path.name for path in tmp_path.iterdir()] == ["all.png"]
        client.save_picture(tmp_path / "all.ome.tif")
        kinds = [request.format for request in daemon.requests]  # type: ignore[attr-defined]
        assert kinds == [pb.PICTURE_FORMAT_PNG, pb.PICTURE_FORMAT_OME_TIFF]
        with pytest.raises(ValueError, match=r"\.png, \.tif"):
            client.save_picture(tmp_path / "all.jpg")
