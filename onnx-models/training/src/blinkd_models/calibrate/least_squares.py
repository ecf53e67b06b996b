"""Levenberg-Marquardt.

Comes in: a function from parameters to weighted residuals. Goes out: parameters, residuals' square sum, covariance.
Never: knows what the parameters mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

STEP = 1e-6
DAMPING_START = 1e-2
DAMPING_MAX = 1e7
GAIN_LEAST = 1e-5
"""Stops when a step lowers the square sum by less than this share."""


@dataclass(frozen=True, kw_only=True)
class Minimum:
    """Where the fit ended. parameters [P], chi2: sum of squares, covariance [P, P] for residuals of unit variance."""

    parameters: Tensor
    chi2: float
    covariance: Tensor
    steps: int


def jacobian(residuals: Callable[[Tensor], Tensor], parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Residuals [M] and their derivatives [M, P] by differences.

    In double precision they are good to seven digits, more than a step needs, at a tenth of the time of torch's forward
    differentiation, which has slow paths for complex products.
    """
    value = residuals(parameters)
    steps = STEP * parameters.abs().clamp(min=1.0)
    columns = [
        (residuals(parameters + step * unit) - value) / step
        for step, unit in zip(steps, torch.eye(len(parameters), dtype=parameters.dtype), strict=True)
    ]
    return value, torch.stack(columns, dim=1)


def minimize(residuals: Callable[[Tensor], Tensor], *, start: Tensor, steps: int) -> Minimum:
    """Lowers the sum of squares; deterministic. ``steps`` bounds the Jacobians computed."""
    parameters, damping, taken = start.clone(), DAMPING_START, 0
    value, slope = jacobian(residuals, parameters)
    chi2 = float(value @ value)
    while taken < steps:
        normal, downhill = slope.T @ slope, slope.T @ value
        best, damping = _step(residuals, parameters, normal=normal, downhill=downhill, chi2=chi2, damping=damping)
        if best is None:
            break
        taken += 1
        gain = chi2 - best[1]
        parameters, chi2 = best
        if gain < GAIN_LEAST * chi2 or taken == steps:
            break
        value, slope = jacobian(residuals, parameters)
    return Minimum(parameters=parameters, chi2=chi2, covariance=torch.linalg.pinv(slope.T @ slope), steps=taken)


def _step(
    residuals: Callable[[Tensor], Tensor], parameters: Tensor, *, normal: Tensor, downhill: Tensor, chi2: float,
    damping: float,
) -> tuple[tuple[Tensor, float] | None, float]:  # fmt: skip
    """The first damped step that lowers the square sum, and the damping to go on with."""
    scale = normal.diagonal().clamp(min=1e-12 * float(normal.diagonal().max()))
    while damping < DAMPING_MAX:
        step = torch.linalg.solve(normal + damping * torch.diag(scale), -downhill)
        trial = residuals(parameters + step)
        square = float(trial @ trial)
        if square < chi2:
            return (parameters + step, square), max(damping / 5.0, 1e-7)
        damping *= 4.0
    return None, damping
