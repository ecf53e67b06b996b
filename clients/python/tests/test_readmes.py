"""The programs that the README files show run, also on what the daemon sends rarely."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from blinkd.client import NotFoundError
from blinkd.client.localizations import COLUMNS
from blinkd.v1 import localizations_pb2 as pb_l
from blinkd.v1 import preview_pb2 as pb_p
from fake_daemon import FakeDaemon

PYTHON = Path(__file__).resolve().parent.parent
READMES = {"of blinkd": PYTHON.parents[1] / "README.md", "of the client": PYTHON / "README.md"}


def program(readme: Path) -> str:
    """The one that reads localizations."""
    blocks = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = [block for block in blocks if "client.localizations()" in block]
    return str(found)


@pytest.mark.parametrize("readme", READMES.values(), ids=READMES.keys())
def test_the_shortest_program_lives_with_a_batch_that_only_tells_lagged(
    readme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def batches(_: Any, context: grpc.ServicerContext) -> Iterator[Message]:
        yield pb_l.LocalizationBatch(lagged=40_000)
        columns = {name: [1.5] for name in COLUMNS if name not in ("frame", "tile")}
        yield pb_l.LocalizationBatch(frame=[17], tile=[0], **columns)
        context.abort(grpc.StatusCode.NOT_FOUND, "the series is gone")

    monkeypatch.chdir(tmp_path)
    picture = pb_p.Picture(png=b"as it is")
    with FakeDaemon(StreamLocalizations=batches, RenderPicture=lambda *_: picture) as daemon:
        text = program(readme).replace("127.0.0.1:5767", daemon.address)
        assert daemon.address in text
        with pytest.raises(NotFoundError, match="gone"):
            exec(compile(text, str(readme), "exec"), {})
    assert capsys.readouterr().out.startswith("17 1 1.5")
