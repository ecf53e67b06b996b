"""The committed protobuf modules are what the .proto files say now."""

from __future__ import annotations

from importlib import metadata

import pytest


def test_the_generated_modules_are_up_to_date() -> None:
    generate = pytest.importorskip("generate")
    try:
        version = metadata.version("grpcio-tools")
    except metadata.PackageNotFoundError:
        pytest.skip("SKIPPED: grpcio-tools is not installed, nothing shows whether the generated modules are old")
    if version != generate.GRPCIO_TOOLS:
        pytest.skip(f"SKIPPED: grpcio-tools {version} is installed, the modules are made by {generate.GRPCIO_TOOLS}")
    assert generate.stale() == [], "run `python clients/python/tools/generate.py`"
