"""Mosaics as the daemon's own writer makes them: what zarr-python and the plugin read of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

zarr = pytest.importorskip("zarr", reason="SKIPPED: zarr is missing; pip install 'blinkd[napari]'")

from blinkd.napari.readers import ome_zarr_reader, picture_layers  # noqa: E402

ROOT = Path(__file__).parents[3]
WIDTH, HEIGHT, PIXEL_NM = 2500, 1301, 20.0
CORNER_NM = (-1000.0, 250.0)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both mosaics of `daemon/wire/examples/small_mosaic.rs`."""
    cargo = os.environ.get("CARGO") or shutil.which("cargo")
    if cargo is None:
        pytest.skip("SKIPPED: cargo is missing, so there is nothing that the daemon wrote")
    folder = tmp_path_factory.mktemp("written")
    example = ["run", "-q", "-p", "wire", "--release", "--example", "small_mosaic", "--", str(folder)]
    subprocess.run([cargo, *example], cwd=ROOT, check=True)
    return folder


def halved(values: np.ndarray, *, mean: bool) -> np.ndarray:
    """Four pixels in one; of what lies outside of the picture, none."""
    height, width = values.shape
    padded = np.pad(values.astype(np.float64), ((0, height % 2), (0, width % 2)), constant_values=np.nan)
    four = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2)
    return np.nanmean(four, axis=(1, 3)) if mean else np.nansum(four, axis=(1, 3))


def check_levels(group: Any, finest: np.ndarray, *, mean: bool, channel: int | None = None) -> None:
    levels = group.attrs["ome"]["multiscales"][0]["datasets"]
    for number, dataset in enumerate(levels):
        array = group[dataset["path"]]
        values = array[...] if channel is None else array[channel]
        np.testing.assert_array_equal(values, finest, err_msg=f"level {number}")
        scale, translation = dataset["coordinateTransformations"]
        pixel = PIXEL_NM * 2**number
        assert scale["scale"][-2:] == [pixel, pixel]
        assert translation["translation"][-2:] == [CORNER_NM[1] + pixel / 2, CORNER_NM[0] + pixel / 2]
        finest = halved(finest, mean=mean)
    assert max(finest.shape) * 2 <= 1024 + 1, "halved until it fits"


def test_zarr_python_reads_the_counts_of_every_level(written: Path) -> None:
    group = zarr.open_group(str(written / "counts.ome.zarr"), mode="r")
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    finest = np.where(x < WIDTH - 600, (7 * x + 13 * y) % 31, 0)
    check_levels(group, finest, mean=False)
    array = group["0"]
    assert (array.dtype, array.shards, array.chunks) == (np.dtype("u2"), (512, 512), (64, 64))
    assert array.metadata.dimension_names == ("y", "x")
    ome = group.attrs["ome"]
    assert ome["version"] == "0.5"
    assert [(axis["name"], axis["unit"]) for axis in ome["multiscales"][0]["axes"]] == [
        ("y", "nanometer"),
        ("x", "nanometer"),
    ]
    assert group.attrs["blinkd"]["complete"] is True


def test_zarr_python_reads_every_channel(written: Path) -> None:
    group = zarr.open_group(str(written / "channels.ome.zarr"), mode="r")
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    check_levels(group, x, mean=True, channel=0)
    check_levels(group, 2 * y, mean=True, channel=1)
    axes = group.attrs["ome"]["multiscales"][0]["axes"]
    assert [(axis["name"], axis["type"]) for axis in axes] == [("c", "channel"), ("y", "space"), ("x", "space")]


def test_napari_shows_them_in_place(written: Path) -> None:
    path = written / "counts.ome.zarr"
    assert ome_zarr_reader(str(path)) is not None
    ((levels, settings, kind),) = picture_layers(path)
    assert (kind, settings["multiscale"], len(levels)) == ("image", True, 3)
    assert settings["scale"] == pytest.approx((0.02, 0.02))
    # The first pixel's centre, in µm.
    assert settings["translate"] == pytest.approx((0.26, -0.99))
    assert int(levels[0][13, 7].compute()) == (7 * 7 + 13 * 13) % 31


def test_napari_shows_channels_with_their_colours(written: Path) -> None:
    layers = picture_layers(written / "channels.ome.zarr")
    assert [settings["name"] for _, settings, _ in layers] == ["channels · x", "channels · 2y"]
    assert [settings["colormap"].lower() for _, settings, _ in layers] == ["#ff0000", "#0080ff"]
    assert [settings["contrast_limits"] for _, settings, _ in layers] == [(0.0, 2500.0), (0.0, 2600.0)]
    assert float(layers[1][0][0][100, 4].compute()) == 200.0
