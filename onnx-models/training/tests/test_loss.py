"""The loss against direct computation of the paper's equations."""

import math

import pytest
import torch

from blinkd_models.loss import count_loss, decode_loss, localization_loss
from blinkd_models.target import Target


def _target(positions: list[tuple[int, float, float]], *, frames: int, size: int) -> Target:
    frame = torch.tensor([p[0] for p in positions], dtype=torch.long)
    return Target(
        frame=frame,
        row_px=torch.tensor([p[1] for p in positions]),
        col_px=torch.tensor([p[2] for p in positions]),
        z=torch.zeros(len(positions)),
        photons=torch.full((len(positions),), 0.1),
        count=torch.bincount(frame, minlength=frames).float(),
        background=torch.full((frames, size, size), 0.2),
    )


def _output(generator: torch.Generator, *, frames: int = 2, size: int = 8) -> torch.Tensor:
    output = torch.rand((frames, 10, size, size), generator=generator) * 0.9 + 0.05
    output[:, 1:5] = output[:, 1:5] - 0.5
    return output


def test_count_loss_is_the_negative_log_of_the_gaussian(generator: torch.Generator) -> None:
    p = torch.rand((1, 6, 6), generator=generator) * 0.9 + 0.05
    normal = torch.distributions.Normal(p.sum(), (p * (1 - p)).sum().sqrt())
    assert float(count_loss(p, count=torch.tensor([4.0]))) == pytest.approx(
        -float(normal.log_prob(torch.tensor(4.0))), rel=1e-5
    )


@pytest.mark.parametrize("z", [False, True])
def test_localization_loss_is_the_mixture_over_all_pixels(z: bool, generator: torch.Generator) -> None:
    size = 8
    output = _output(generator, size=size)
    positions = [(0, 3.2, 4.4), (0, 3.9, 3.1), (1, 4.0, 3.6)]
    target = _target(positions, frames=2, size=size)
    expected = 0.0
    for frame, row, col in positions:
        total = 0.0
        for r in range(size):
            for c in range(size):
                near = abs(r - round(row)) <= 4 and abs(c - round(col)) <= 4
                at = output[frame, :, r, c].double()
                truth = torch.tensor([0.1, row - r, col - c, 0.0], dtype=torch.float64)
                axes = 4 if z else 3
                log_p = torch.distributions.Normal(at[1 : 1 + axes], at[5 : 5 + axes]).log_prob(truth[:axes]).sum()
                total += near * float(at[0] / output[frame, 0].double().sum() * log_p.exp())
        expected -= math.log(total)
    assert float(localization_loss(output, target=target, z=z)) == pytest.approx(expected, rel=1e-4)


def test_a_confident_right_answer_costs_less_than_a_wrong_one() -> None:
    output = torch.full((1, 10, 8, 8), 0.001)
    output[:, 1] = 0.1
    output[:, 2:5] = 0.0
    output[:, 5:9] = 0.1
    output[:, 9] = 0.2
    right, wrong = output.clone(), output.clone()
    right[0, 0, 3, 4] = 0.99
    wrong[0, 0, 6, 1] = 0.99
    target = _target([(0, 3.0, 4.0)], frames=1, size=8)
    assert (
        float(decode_loss(right, target=target, z=False).total)
        < float(decode_loss(wrong, target=target, z=False).total) - 3.0
    )


def test_frames_without_emitters_have_a_finite_loss(generator: torch.Generator) -> None:
    output = _output(generator).requires_grad_()
    target = _target([], frames=2, size=8)
    loss = decode_loss(output, target=target, z=False).total
    loss.backward()
    assert bool(torch.isfinite(loss))
    assert output.grad is not None
    assert bool(torch.isfinite(output.grad).all())
