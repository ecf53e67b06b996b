"""What napari finds of this package."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

npe2 = pytest.importorskip("npe2", reason="SKIPPED: napari is missing; pip install 'blinkd[napari]' 'napari[pyqt6]'")

import blinkd.napari  # noqa: E402

MANIFEST = Path(blinkd.napari.__file__).with_name("napari.yaml")


def test_the_manifest_is_valid_and_names_what_exists() -> None:
    manifest = npe2.PluginManifest.from_file(MANIFEST)
    assert manifest.name == "blinkd"
    for command in manifest.contributions.commands:
        module, name = command.python_name.split(":")
        assert callable(getattr(importlib.import_module(module), name)), command.id


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("localizations.parquet", "blinkd.read_table"),
        ("scan.zarr", "blinkd.read_ome_zarr"),
        ("scan.ome.zarr", "blinkd.read_ome_zarr"),
    ],
)
def test_files_of_the_daemon_have_a_reader(path: str, command: str, tmp_path: Path) -> None:
    manager = npe2.PluginManager()
    manager.register(npe2.PluginManifest.from_file(MANIFEST))
    if path.endswith(".zarr"):
        (tmp_path / path).mkdir()
    assert command in [reader.command for reader in manager.iter_compatible_readers([str(tmp_path / path)])]


def test_the_widget_is_listed() -> None:
    (widget,) = npe2.PluginManifest.from_file(MANIFEST).contributions.widgets
    assert widget.display_name == "Live super-resolution"
