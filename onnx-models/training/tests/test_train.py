"""Training: learns, resumes exactly, says why it stops, warns of collapse."""

import json
import math
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from blinkd_models import checkpoint
from blinkd_models.health import CollapseWatch
from blinkd_models.network import Architecture
from blinkd_models.settings import Settings, plain
from blinkd_models.simulate import Ranges
from blinkd_models.train import Trainer, TrainingStoppedError

EASY = Ranges(photons=(3000.0, 5000.0), background_photons=(10.0, 20.0), density_per_um2=(1.0, 2.0), emccd=0.0)


def _settings(**changes: Any) -> Settings:
    values: dict[str, Any] = {
        "minutes": 1e6,
        "steps": 60,
        "warmup_steps": 5,
        "sequences": 2,
        "frames": 4,
        "crop_px": 16,
        "log_every_steps": 2,
        "validate_every_min": 0.0,
        "device": "cpu",
        "architecture": Architecture(features=4),
        "ranges": EASY,
    }
    return Settings(**{**values, **changes})


def _trainer(run: Path, **changes: Any) -> Trainer:
    ticks = count()
    return Trainer(_settings(**changes), run=run, clock=lambda: float(next(ticks)))


def _quiet(_line: str) -> None:
    pass


def _assert_same(one: Trainer, other: Trainer) -> None:
    assert one.step == other.step
    for a, b in ((one.model, other.model), (one.average, other.average)):
        assert a.state_dict().keys() == b.state_dict().keys()
        for name, value in a.state_dict().items():
            assert torch.equal(value, b.state_dict()[name]), name


def test_loss_decreases(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, steps=60, learning_rate=5e-3, log_every_steps=10, crop_px=24)
    trainer.run(report=_quiet)
    first, last = trainer.history[0], trainer.history[-1]
    assert last["count"] + last["localization"] < 0.75 * (first["count"] + first["localization"])


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_resumed_training_equals_uninterrupted_training_bit_for_bit(precision: str, tmp_path: Path) -> None:
    small = {"steps": 6, "precision": precision, "crop_px": 8}
    whole = _trainer(tmp_path / "whole", **small)
    whole.run(report=_quiet)
    _trainer(tmp_path / "parts", **small).run(stop_after_steps=3, report=_quiet)
    resumed = _trainer(tmp_path / "parts", **small)
    assert resumed.step == 3
    resumed.run(report=_quiet)
    _assert_same(whole, resumed)
    time_of_day = ("elapsed_s",)
    for a, b in zip(whole.history, resumed.history, strict=True):
        assert {k: v for k, v in a.items() if k not in time_of_day} == {
            k: v for k, v in b.items() if k not in time_of_day
        }


def test_a_seed_fixes_the_training_and_another_seed_changes_it(tmp_path: Path) -> None:
    trainers = [_trainer(tmp_path / str(i), steps=3, seed=seed) for i, seed in enumerate((7, 7, 8))]
    for trainer in trainers:
        torch.rand(3)
        trainer.run(report=_quiet)
    _assert_same(trainers[0], trainers[1])
    first, other = (next(iter(t.model.state_dict().values())) for t in (trainers[0], trainers[2]))
    assert not torch.equal(first, other)


def test_a_request_to_stop_ends_after_the_running_update_and_is_saved(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, log_every_steps=1)

    def stop_at_three(_line: str) -> None:
        trainer.stop_requested = trainer.step == 3

    trainer.run(report=stop_at_three)
    assert checkpoint.load(tmp_path / "checkpoint.pt").step == 3


def test_an_interval_of_saving_keeps_two_generations(tmp_path: Path) -> None:
    _trainer(tmp_path, steps=6, save_every_s=2.0).run(report=_quiet)
    last, before = (checkpoint.load(tmp_path / name) for name in (checkpoint.NAME, checkpoint.PREVIOUS))
    assert last.step == 6
    assert 0 < before.step <= 6


def test_a_torn_checkpoint_is_replaced_by_the_one_before(tmp_path: Path) -> None:
    _trainer(tmp_path).run(stop_after_steps=2, report=_quiet)
    _trainer(tmp_path).run(stop_after_steps=2, report=_quiet)
    whole = (tmp_path / checkpoint.NAME).read_bytes()
    (tmp_path / checkpoint.NAME).write_bytes(whole[: len(whole) // 2])
    resumed = _trainer(tmp_path)
    assert resumed.step == 2
    assert any("checkpoint.previous.pt" in note for note in resumed.notes)


def test_fp16_leaves_out_updates_with_infinite_gradients_until_its_scale_is_used_up(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, precision="fp16", steps=1, log_every_steps=1)
    trainer.scaler.load_state_dict({**trainer.scaler.state_dict(), "scale": 2.0**40})
    before = [value.clone() for value in trainer.model.parameters()]
    trainer.run(report=_quiet)
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.model.parameters(), strict=True))
    assert (trainer.history[0]["left_out"], trainer.history[0]["gradient_norm"]) == (1.0, 0.0)
    assert trainer.scaler.get_scale() == 2.0**39
    trainer.scaler.load_state_dict({**trainer.scaler.state_dict(), "scale": 2.0**-8})
    with pytest.raises(TrainingStoppedError, match="gradient norm inf"):
        trainer._check_finite(1.0, norm=math.inf)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_what_is_not_finite_stops_training_and_keeps_the_last_good_checkpoint(bad: float, tmp_path: Path) -> None:
    trainer = _trainer(tmp_path)
    trainer.run(stop_after_steps=3, report=_quiet)
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(bad)
    with pytest.raises(TrainingStoppedError, match=r"step 4; last good checkpoint: .*checkpoint\.pt; try a smaller"):
        trainer.run(report=_quiet)
    state = checkpoint.load(tmp_path / "checkpoint.pt")
    assert state.step == 3
    assert all(bool(torch.isfinite(value).all()) for value in state.model.values())


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path)
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(torch.nan)
    with pytest.raises(TrainingStoppedError, match="a weight is not finite at step 0"):
        trainer.save()
    assert not trainer.path.exists()


def test_a_network_that_detects_nothing_or_everything_is_warned_of(tmp_path: Path) -> None:
    for bias, what in ((-60.0, "nothing is detected"), (60.0, "every pixel")):
        trainer = _trainer(tmp_path / what, steps=4, log_every_steps=1, collapse_intervals=3, learning_rate=1e-9)
        with torch.no_grad():
            detection = trainer.model.context.heads.outs[0]
            detection.weight.zero_()
            detection.bias.fill_(bias)
        lines: list[str] = []
        trainer.run(report=lines.append)
        warnings = [line for line in lines if line.startswith("warning")]
        assert len(warnings) == 1
        assert what in warnings[0]


def test_a_recovered_collapse_is_forgotten() -> None:
    watch = CollapseWatch(intervals=2)
    lost, well = ({"expected": e, "asked": 10.0, "saturated": 0.0} for e in (0.01, 9.0))
    assert [watch.look(row) is None for row in (lost, well, lost, lost, lost)] == [True, True, True, False, True]


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    _trainer(tmp_path).run(stop_after_steps=1, report=_quiet)
    with pytest.raises(ValueError, match=r"checkpoint\.pt holds .*asked for .*give another --run"):
        _trainer(tmp_path, architecture=Architecture(features=8))


def test_changed_settings_are_named_when_training_goes_on(tmp_path: Path) -> None:
    _trainer(tmp_path).run(stop_after_steps=1, report=_quiet)
    assert "  changed since: learning_rate: 0.002 -> 0.001" in _trainer(tmp_path, learning_rate=1e-3).notes


def test_a_checkpoint_of_the_first_schema_still_goes_on(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path)
    trainer.run(stop_after_steps=2, report=_quiet)
    content = torch.load(trainer.path, weights_only=True)
    old = ("architecture", "model", "average", "optimizer", "rng", "step", "elapsed_s", "history")
    shape = {name: content["architecture"][name] for name in ("features", "depth_frame", "depth_context", "activation")}
    settings = {**plain(trainer.settings), "autocast": True}
    torch.save(
        {**{k: content[k] for k in old}, "architecture": {**shape, "z": False}, "settings": settings, "schema": 1},
        trainer.path,
    )
    resumed = _trainer(tmp_path)
    resumed.run(stop_after_steps=1, report=_quiet)
    assert resumed.step == 3


def test_a_network_that_is_asked_for_z_trains_on_astigmatic_spots(tmp_path: Path) -> None:
    trainer = _trainer(
        tmp_path, architecture=Architecture(features=4, z=True), ranges=Ranges(z_nm=(-600.0, 600.0)), steps=2
    )
    trainer.run(report=_quiet)
    assert trainer.step == 2


def test_the_page_and_the_rows_show_losses_and_early_estimates(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, steps=4, validate_every_min=0.05, validate_share=1.0)
    trainer.validation.EMITTERS = 50
    trainer.run(report=_quiet)
    rows = [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if row["kind"] == "step"] == [2.0, 4.0]
    estimates = [row for row in rows if row["kind"] == "estimate"]
    assert estimates[-1]["step"] == 4.0
    assert all(0.0 <= row["ji"] <= 1.0 and row["axial_nm"] is None for row in estimates)
    page = (tmp_path / "progress.html").read_text()
    assert "Jaccard index" in page
    assert "http-equiv" not in page, "an ended training needs no refresh"
    assert not list(tmp_path.glob("*.partial"))
