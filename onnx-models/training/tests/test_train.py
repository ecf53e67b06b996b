"""Training: learns, resumes exactly, stops on NaN."""

from itertools import count
from pathlib import Path

import pytest
import torch

from blinkd_models import checkpoint
from blinkd_models.network import Architecture
from blinkd_models.simulate import Ranges
from blinkd_models.train import Settings, Trainer, TrainingStoppedError


def _settings(**changes: object) -> Settings:
    easy = Ranges(photons=(3000.0, 5000.0), background_photons=(10.0, 20.0), density_per_um2=(1.0, 2.0), emccd=0.0)
    values: dict[str, object] = {
        "minutes": 1e6,
        "steps": 60,
        "learning_rate": 2e-3,
        "warmup_steps": 5,
        "sequences": 2,
        "frames": 5,
        "crop_px": 24,
        "log_every_steps": 10,
        "validate_every_min": 0.0,
        "device": "cpu",
        "architecture": Architecture(features=4),
        "ranges": easy,
    }
    return Settings(**{**values, **changes})  # type: ignore[arg-type]


def _trainer(run: Path, **changes: object) -> Trainer:
    ticks = count()
    return Trainer(_settings(**changes), run=run, clock=lambda: float(next(ticks)))


def _quiet(_line: str) -> None:
    pass


def test_loss_decreases(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, steps=100, learning_rate=5e-3)
    trainer.run(report=_quiet)
    first, last = trainer.history[0], trainer.history[-1]
    assert last["count"] + last["localization"] < 0.75 * (first["count"] + first["localization"])


def test_resumed_training_equals_uninterrupted_training(tmp_path: Path) -> None:
    whole = _trainer(tmp_path / "whole", steps=12)
    whole.run(report=_quiet)
    _trainer(tmp_path / "parts", steps=12).run(stop_after_steps=5, report=_quiet)
    resumed = _trainer(tmp_path / "parts", steps=12)
    assert resumed.step == 5
    resumed.run(report=_quiet)
    assert resumed.step == whole.step == 12
    for one, other in ((whole.model, resumed.model), (whole.average, resumed.average)):
        for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
            assert torch.equal(a, b)


def test_learning_rate_follows_the_fraction_of_the_budget(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, minutes=10.0, steps=None, warmup_steps=1)
    trainer.elapsed_s = 300.0
    assert trainer.fraction() == 0.5
    assert trainer.learning_rate() == pytest.approx((2e-3 + 3e-5) / 2)
    trainer.elapsed_s = 600.0
    assert trainer.learning_rate() == pytest.approx(3e-5)


def test_nan_stops_training_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path)
    trainer.run(stop_after_steps=3, report=_quiet)
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(torch.nan)
    with pytest.raises(TrainingStoppedError, match=r"step 4; last good checkpoint: .*checkpoint\.pt"):
        trainer.run(report=_quiet)
    state = checkpoint.load(tmp_path / "checkpoint.pt")
    assert state.step == 3
    assert all(bool(torch.isfinite(value).all()) for value in state.model.values())


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    _trainer(tmp_path).run(stop_after_steps=1, report=_quiet)
    with pytest.raises(ValueError, match="asked for"):
        _trainer(tmp_path, architecture=Architecture(features=8))


def test_a_network_that_is_asked_for_z_trains_on_astigmatic_spots(tmp_path: Path) -> None:
    trainer = _trainer(
        tmp_path, architecture=Architecture(features=4, z=True), ranges=Ranges(z_nm=(-600.0, 600.0)), steps=2
    )
    trainer.run(report=_quiet)
    assert trainer.step == 2
