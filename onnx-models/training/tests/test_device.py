"""Everything follows one device: shown with fake GPU tensors, which need no GPU but refuse to meet CPU tensors."""

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from blinkd_models.device import keep_memory, place
from blinkd_models.distil import Teacher
from blinkd_models.health import detections
from blinkd_models.loss import decode_loss
from blinkd_models.network import Architecture, Decode
from blinkd_models.target import Scales, Target

FRAMES, SIZE, EMITTERS = 4, 16, 5


def _target(device: str) -> Target:
    def some(*shape: int) -> Tensor:
        return torch.rand(shape, device=device)

    return Target(
        frame=torch.zeros(EMITTERS, dtype=torch.long, device=device),
        row_px=some(EMITTERS), col_px=some(EMITTERS), z=some(EMITTERS), photons=some(EMITTERS),
        count=some(FRAMES), background=some(FRAMES, SIZE, SIZE),
    )  # fmt: skip


@pytest.mark.parametrize("squeeze", [1, 2])
@pytest.mark.parametrize("per_emitter", [False, True])
def test_network_loss_and_teacher_stay_on_the_gpu(squeeze: int, per_emitter: bool) -> None:
    with FakeTensorMode(), torch.device("cuda"):
        architecture = Architecture(features=8, squeeze=squeeze, z=True)
        model, teacher = Decode(architecture), Teacher(Decode(architecture), scales=Scales())
        photons = torch.rand(1, FRAMES, SIZE, SIZE)
        output = model.windows(photons, first=0, last=FRAMES)
        target = _target("cuda")
        shown = teacher.show(photons, scales=Scales(), first=0, last=FRAMES, alone=False)
        pull = teacher.pull(output, shown=shown, z=True)
        loss = decode_loss(output, target=target, z=True, per_emitter=per_emitter)
        numbers = [loss.total + pull, *detections(output, target=target)]
    assert {number.device.type for number in numbers} == {"cuda"}
    assert all(number.dtype == torch.float32 for number in numbers)


def test_fake_gpu_tensors_do_refuse_to_meet_cpu_tensors() -> None:
    with FakeTensorMode(), pytest.raises(RuntimeError, match="device"):
        decode_loss(torch.rand(FRAMES, 10, SIZE, SIZE, device="cuda"), target=_target("cpu"), z=True)


@pytest.mark.parametrize(("precision", "body"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_the_body_is_reduced_and_the_last_layers_are_not(precision: str, body: torch.dtype) -> None:
    placement = place("cpu", precision=precision)  # type: ignore[arg-type]
    model = Decode(Architecture(features=4))
    seen: dict[str, torch.dtype] = {}
    model.frame.register_forward_hook(lambda _m, _i, out: seen.update(body=out.dtype))
    model.context.heads.outs[0].register_forward_hook(lambda _m, _i, out: seen.update(last=out.dtype))
    with placement.autocast():
        output = model.windows(torch.rand(1, 3, 8, 8), first=0, last=3)
    assert seen == {"body": body, "last": torch.float32}
    assert output.dtype == torch.float32
    assert placement.scaler().is_enabled() == (precision == "fp16")


def test_memory_is_kept_on_glibc_and_left_alone_elsewhere() -> None:
    import platform

    assert keep_memory() == (platform.libc_ver()[0] == "glibc")
