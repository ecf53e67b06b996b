"""Checkpoints: whole or not at all, also when the disk is full."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import torch

from blinkd_models import checkpoint
from blinkd_models.checkpoint import DiskFullError, State
from blinkd_models.network import Architecture, Decode

FULL_DEVICE = Path("/dev/full")
Usage = namedtuple("Usage", "total used free")


def _state(step: int) -> State:
    weights = {"w": torch.full((3,), float(step))}
    return State(
        architecture=Architecture(features=4).as_dict(), model=weights, average=weights, optimizer={},
        rng=torch.Generator().get_state(), step=step, elapsed_s=0.0,
    )  # fmt: skip


def test_the_file_before_is_kept_and_nothing_else_is_left(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        checkpoint.save(_state(step), path=tmp_path / checkpoint.NAME)
    assert sorted(path.name for path in tmp_path.iterdir()) == [checkpoint.PREVIOUS, checkpoint.NAME]
    assert checkpoint.load(tmp_path / checkpoint.NAME).step == 3
    assert checkpoint.load(tmp_path / checkpoint.PREVIOUS).step == 2


def test_a_disk_that_is_full_leaves_the_old_file_and_says_how_much_is_missing(tmp_path: Path) -> None:
    if not FULL_DEVICE.exists():
        pytest.skip("this system has no /dev/full")
    path = tmp_path / checkpoint.NAME
    checkpoint.save(_state(1), path=path)
    path.with_suffix(".partial").symlink_to(FULL_DEVICE)
    with pytest.raises(DiskFullError, match=r"checkpoints need .* MB more, .* MB are free; make room.*is whole"):
        checkpoint.save(_state(2), path=path)
    assert checkpoint.load(path).step == 1
    assert [entry.name for entry in tmp_path.iterdir()] == [checkpoint.NAME]


def test_training_does_not_start_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Decode(Architecture(features=4))
    checkpoint.check_room(tmp_path, model=model)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1 << 40, 1 << 40, 5 << 20))
    with pytest.raises(DiskFullError, match="nothing was started"):
        checkpoint.check_room(tmp_path, model=model)


def test_the_estimate_covers_what_is_written(tmp_path: Path) -> None:
    model = Decode(Architecture(features=16))
    optimizer = torch.optim.AdamW(model.parameters())
    sum(p.sum() for p in model.parameters()).backward()  # type: ignore[union-attr]
    optimizer.step()
    state = _state(1)
    state.model = state.average = model.state_dict()
    state.optimizer = optimizer.state_dict()
    checkpoint.save(state, path=tmp_path / checkpoint.NAME)
    size = (tmp_path / checkpoint.NAME).stat().st_size
    assert size < checkpoint.needed_bytes(model) < size + 2 * checkpoint.SLACK_BYTES


def test_another_schema_and_a_file_that_is_none_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / checkpoint.NAME
    torch.save({"schema": 99}, path)
    with pytest.raises(ValueError, match=r"checkpoint\.pt: checkpoint schema 99"):
        checkpoint.load(path)
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match="give another --run, or delete the file"):
        checkpoint.load_last_good(tmp_path)
    path.unlink()
    assert checkpoint.load_last_good(tmp_path) is None
