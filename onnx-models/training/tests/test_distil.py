"""Starting from another network, and learning from one."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from blinkd_models import warm_start
from blinkd_models.distil import Teacher
from blinkd_models.network import Architecture, Decode
from blinkd_models.settings import Settings
from blinkd_models.simulate import Ranges
from blinkd_models.target import Scales
from blinkd_models.train import Trainer

TINY = {
    "steps": 2, "sequences": 2, "frames": 3, "crop_px": 16, "device": "cpu", "validate_every_min": 0.0,
    "ranges": Ranges(emccd=0.0), "architecture": Architecture(features=4),
}  # fmt: skip


def _quiet(_line: str) -> None:
    pass


def _trained(run: Path, **changes: object) -> Trainer:
    trainer = Trainer(Settings(**{**TINY, **changes}), run=run)  # type: ignore[arg-type]
    trainer.run(report=_quiet)
    return trainer


def _teacher(*, z: bool = False, scales: Scales | None = None) -> Teacher:
    torch.manual_seed(1)
    model = Decode(Architecture(features=4, z=z))
    with torch.no_grad():
        bias = model.context.heads.outs[0].bias
        assert bias is not None
        bias.fill_(0.3)
    return Teacher(model, scales=scales or Scales())


def test_a_2d_network_starts_a_3d_one_of_its_shape_whole(tmp_path: Path) -> None:
    source = _trained(tmp_path / "flat")
    model = Decode(Architecture(features=4, z=True))
    lines = warm_start.copy_into(model, source=tmp_path / "flat")
    total = len(model.state_dict())
    assert lines == [f"{tmp_path / 'flat'}: copied {total} of {total} tensors"]
    for name, value in source.average.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)


@pytest.mark.parametrize("separable", [False, True])
def test_a_wider_network_starts_as_the_same_function_with_copies_that_learn_apart(
    separable: bool, tmp_path: Path
) -> None:
    shape = Architecture(features=4, separable=separable)
    source = _trained(tmp_path / "narrow", architecture=shape)
    wide = Decode(replace(shape, features=12))
    assert warm_start.copy_into(wide, source=tmp_path / "narrow")[0].endswith("computes the same at first")
    frames = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    out = wide(frames)
    assert torch.allclose(out, source.average(frames), atol=1e-5)
    out.square().sum().backward()
    gradient = wide.context.unet.encoders[0][2]
    gradient = (gradient[0] if separable else gradient).weight.grad
    assert not torch.allclose(gradient[0], gradient[1], rtol=1e-3)


def test_what_does_not_fit_keeps_its_values_and_is_named(tmp_path: Path) -> None:
    _trained(tmp_path / "small")
    model = Decode(Architecture(features=4, depth_context=1, head_features=6))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    lines = warm_start.copy_into(model, source=tmp_path / "small" / "checkpoint.pt")
    assert "  not copied: context.heads.outs.0.weight (1, 6, 1, 1), it is (1, 4, 1, 1) there" in lines
    assert torch.equal(model.state_dict()["context.heads.outs.0.weight"], before["context.heads.outs.0.weight"])
    assert len([line for line in lines if "not copied" in line]) == len(before) - int(lines[0].split()[2])


def test_a_training_that_goes_on_is_not_started_anew(tmp_path: Path) -> None:
    _trained(tmp_path / "source", seed=5)
    first = _trained(tmp_path / "run", init=str(tmp_path / "source"), steps=1, learning_rate=1e-9)
    given = torch.load(tmp_path / "source" / "checkpoint.pt", weights_only=True)["average"]
    for name, value in first.model.state_dict().items():
        assert torch.allclose(value, given[name], atol=1e-6), name
    on = Trainer(Settings(**{**TINY, "init": str(tmp_path / "gone")}), run=tmp_path / "run")  # type: ignore[arg-type]
    assert on.step == 1


def test_a_source_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither a bundle with"):
        warm_start.load(tmp_path)


@pytest.mark.parametrize("z", [False, True])
def test_the_pull_vanishes_at_the_teachers_own_output_and_grows_away_from_it(z: bool) -> None:
    teacher = _teacher(z=z)
    photons = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(2)) * 200.0
    shown = teacher.show(photons, scales=Scales(), first=0, last=3, alone=False)
    assert not shown.requires_grad
    assert float(teacher.pull(shown, shown=shown, z=z)) == pytest.approx(0.0, abs=1e-3)
    shifted = shown.clone()
    shifted[:, 2] += 0.1
    quieter = shown.clone()
    quieter[:, 0] *= 0.5
    assert float(teacher.pull(shifted, shown=shown, z=z)) > 0.1
    assert float(teacher.pull(quieter, shown=shown, z=z)) > 1.0


def test_what_the_teacher_shows_is_in_the_students_units() -> None:
    photons = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(2)) * 200.0
    own = Scales()
    other = replace(own, photons=2.0 * own.photons, z_nm=4.0 * own.z_nm, background=0.5 * own.background)
    teacher = _teacher(z=True, scales=own)
    same, converted = (teacher.show(photons, scales=scales, first=0, last=3, alone=False) for scales in (own, other))
    factor = torch.tensor([1.0, 0.5, 1.0, 1.0, 0.25, 0.5, 1.0, 1.0, 0.25, 2.0])[:, None, None]
    assert torch.allclose(converted, same * factor)


def test_a_student_with_a_teacher_learns_its_output(tmp_path: Path) -> None:
    teacher = _trained(tmp_path / "teacher", steps=1)
    with torch.no_grad():
        teacher.average.context.heads.outs[0].bias.fill_(-1.0)
    teacher.save()
    values = {"steps": 24, "log_every_steps": 6, "warmup_steps": 2, "learning_rate": 1e-2}
    student = _trained(tmp_path / "student", teacher=str(tmp_path / "teacher"), teacher_weight=100.0, **values)
    pulls = [row["distillation"] for row in student.history]
    assert pulls[-1] < 0.5 * pulls[0]
    assert not student.teacher.model.training  # type: ignore[union-attr]
