"""OME-Zarr pictures: place, units, channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

zarr = pytest.importorskip("zarr", reason="SKIPPED: zarr is missing; pip install 'blinkd[napari]'")

from blinkd.napari.ome_zarr import OmeZarrError, read_ome_zarr  # noqa: E402
from blinkd.napari.readers import ome_zarr_reader, picture_layers  # noqa: E402

SPACE = [{"name": "y", "type": "space", "unit": "micrometer"}, {"name": "x", "type": "space", "unit": "micrometer"}]
CHANNEL = {"name": "c", "type": "channel"}


def dataset(level: int, *, channels: bool = False, pixel: float = 0.02, corner: float = 0.0) -> dict[str, Any]:
    scale, half = pixel * 2**level, corner + pixel * 2**level / 2
    lead = ([1.0], [0.0]) if channels else ([], [])
    return {
        "path": str(level),
        "coordinateTransformations": [
            {"type": "scale", "scale": [*lead[0], scale, scale]},
            {"type": "translation", "translation": [*lead[1], half, half]},
        ],
    }


def write(path: Path, *, channels: int = 0, axes: list[dict[str, Any]] | None = None, **ome: Any) -> np.ndarray:
    """A picture of two levels; the finest, as written."""
    group = zarr.open_group(str(path), mode="w", zarr_format=3)
    lead = (channels,) if channels else ()
    finest = np.arange(int(np.prod((*lead, 64, 96))), dtype=np.float32).reshape(*lead, 64, 96)
    for level in range(2):
        values = finest.reshape(*lead, 64 >> level, 1 << level, 96 >> level, 1 << level).mean(axis=(-1, -3))
        array = group.create_array(str(level), shape=values.shape, chunks=(*((1,) * len(lead)), 32, 32), dtype="f4")
        array[...] = values
    multiscale = {
        "name": "mosaic",
        "axes": axes or ([CHANNEL, *SPACE] if channels else SPACE),
        "datasets": [dataset(level, channels=bool(channels)) for level in range(2)],
    }
    group.attrs["ome"] = {"version": "0.5", "multiscales": [multiscale], **ome}
    return finest


def test_a_picture_is_read_lazily_in_um_with_its_first_pixels_centre_in_place(tmp_path: Path) -> None:
    finest = write(tmp_path / "scan.ome.zarr")
    ((levels, settings, kind),) = picture_layers(tmp_path / "scan.ome.zarr")
    assert kind == "image"
    assert settings["multiscale"]
    assert settings["scale"] == (0.02, 0.02)
    assert settings["translate"] == pytest.approx((0.01, 0.01))
    assert settings["units"] == ("µm", "µm")
    assert settings["name"] == "mosaic"
    assert [level.shape for level in levels] == [(64, 96), (32, 48)]
    assert not isinstance(levels[0], np.ndarray)
    assert np.array_equal(np.asarray(levels[0][3:9, 5:7]), finest[3:9, 5:7])


def test_each_channel_is_a_layer_with_its_name_colour_and_contrast(tmp_path: Path) -> None:
    omero = {
        "channels": [
            {"label": "SMLM", "color": "FF8800", "window": {"start": 0, "end": 12, "min": 0, "max": 99}},
            {"label": "widefield", "active": False},
        ]
    }
    finest = write(tmp_path / "two.zarr", channels=2, omero=omero)
    layers = picture_layers(tmp_path / "two.zarr")
    names = [settings["name"] for _, settings, _ in layers]
    assert names == ["mosaic · SMLM", "mosaic · widefield"]
    assert layers[0][1]["colormap"] == "#FF8800"
    assert layers[0][1]["contrast_limits"] == (0.0, 12.0)
    assert "contrast_limits" not in layers[1][1]
    assert [settings["visible"] for _, settings, _ in layers] == [True, False]
    assert layers[0][1]["scale"] == (0.02, 0.02)
    for number, (levels, _, _) in enumerate(layers):
        assert np.array_equal(np.asarray(levels[0]), finest[number])


def test_channels_without_names_are_numbered(tmp_path: Path) -> None:
    write(tmp_path / "a.zarr", channels=2)
    assert [channel.name for channel in read_ome_zarr(tmp_path / "a.zarr")] == [
        "mosaic · channel 0",
        "mosaic · channel 1",
    ]


def test_nanometres_become_um(tmp_path: Path) -> None:
    axes = [{**axis, "unit": "nanometer"} for axis in SPACE]
    write(tmp_path / "a.zarr", axes=axes)
    (channel,) = read_ome_zarr(tmp_path / "a.zarr")
    assert channel.scale == pytest.approx((2e-5, 2e-5))
    assert channel.units == ("µm", "µm")


def test_transformations_of_all_levels_come_after_those_of_one(tmp_path: Path) -> None:
    write(tmp_path / "a.zarr")
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="r+")
    ome = group.attrs["ome"]
    ome["multiscales"][0]["coordinateTransformations"] = [
        {"type": "scale", "scale": [2.0, 2.0]},
        {"type": "translation", "translation": [5.0, 7.0]},
    ]
    group.attrs["ome"] = ome
    (channel,) = read_ome_zarr(tmp_path / "a.zarr")
    assert channel.scale == pytest.approx((0.04, 0.04))
    assert channel.translate == pytest.approx((5.02, 7.02))


def test_the_older_version_with_its_metadata_at_the_top_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a.zarr")
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="r+")
    ome = group.attrs["ome"]
    del group.attrs["ome"]
    group.attrs["multiscales"] = ome["multiscales"]
    assert read_ome_zarr(tmp_path / "a.zarr")[0].name == "mosaic"


def test_other_folders_are_left_to_others(tmp_path: Path) -> None:
    zarr.open_group(str(tmp_path / "plain.zarr"), mode="w")
    zarr.create_array(str(tmp_path / "array.zarr"), shape=(4, 4), dtype="f4")
    (tmp_path / "empty.zarr").mkdir()
    for name in ("plain.zarr", "array.zarr", "empty.zarr", "absent.zarr"):
        assert ome_zarr_reader(str(tmp_path / name)) is None, name
    write(tmp_path / "a.zarr")
    reader = ome_zarr_reader(str(tmp_path / "a.zarr"))
    assert reader is not None
    assert len(reader(str(tmp_path / "a.zarr"))) == 1


@pytest.mark.parametrize(
    ("axes", "says"),
    [
        ([{"name": "y", "type": "space", "unit": "parsec"}, SPACE[1]], "parsec"),
        ([*SPACE, {"name": "z", "type": "space"}], "axes"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, axes: list[dict[str, Any]], says: str) -> None:
    write(tmp_path / "bad.zarr", axes=axes)
    with pytest.raises(OmeZarrError, match=says) as caught:
        read_ome_zarr(tmp_path / "bad.zarr")
    assert "bad.zarr" in str(caught.value)
