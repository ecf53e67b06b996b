"""Phase retrieval: the pupil whose PSF fits a bead stack.

Comes in: one bead's images, its optics. Goes out: Zernike coefficients, blur, position, z scale, and how well it fits.
Never: reads files, finds beads, judges the result.

The light of every slice and the background follow from the shape by linear least squares, so the search runs over the
shape only. Slice k stands at z = scale (k dz - z0), lateral position row + walk z: a drifting stage is no aberration.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from blinkd_models.calibrate.least_squares import Minimum, minimize
from blinkd_models.psf.pupil import Optics, Pupil

NOLL_LAST, NOLL_MOST = 21, 66
MODEL_ERROR = 0.01
"""Residuals below this share of a slice's brightest pixel are as good as none: no optics is known better."""
SCALE_PRIOR = 1.0
"""Width of a broad prior on the log of the z scale: a start far off must not run away."""
TRY_TERMS, TRY_SLICES, TRY_STEPS = 4, 9, 6
ROUGH_CELLS, ROUGH_SLICES, ROUGH_STEPS = 32, 11, 15
FINE_CELLS, FINE_SLICES, FINE_STEPS = 64, 21, 6
"""The search tries several astigmatisms (1 rad) and z scales with few terms, goes on from the best with all of them on
a coarse pupil and few slices, and ends on a fine one."""
BLUR_START_PX = 0.5


@dataclass(frozen=True, kw_only=True)
class Bead:
    """One bead, or the average of several. photons, variance [Z, H, W]; H = W. z of slice k is k * dz_nm."""

    photons: Tensor
    variance: Tensor
    dz_nm: float


@dataclass(frozen=True, kw_only=True)
class Retrieved:
    """What the bead says about the pupil.

    sigma_rad [J]: standard deviations of the coefficients from noise alone. z_scale: fitted step over stated step.
    model [Z, H, W], light [Z] and the background are photons, for every slice of the bead.
    """

    pupil: Pupil
    sigma_rad: Tensor
    row_px: float
    col_px: float
    row_walk_px_per_um: float
    col_walk_px_per_um: float
    z0_nm: float
    z_scale: float
    light: Tensor
    background: float
    model: Tensor


@dataclass(frozen=True)
class _Fit:
    """One stage of the search: which slices, which terms, how fine a pupil."""

    bead: Bead
    optics: Optics
    noll: tuple[int, ...]
    mask_rad: Tensor | None
    count: int
    every: int

    def pupil(self, parameters: Tensor) -> Pupil:
        return Pupil(
            optics=self.optics,
            noll=self.noll,
            zernike_rad=parameters[: len(self.noll)],
            mask_rad=self.mask_rad,
            blur_px=parameters[-1],
            count=self.count,
        )

    def shape(self, parameters: Tensor, slices: Tensor) -> Tensor:
        row, col, row_walk, col_walk, z0, log_scale, _ = parameters[len(self.noll) :]
        z = (slices * self.bead.dz_nm - z0) * torch.exp(log_scale)
        size = self.bead.photons.shape[-1]
        return self.pupil(parameters).stack(
            z_nm=z, size_px=size, row_px=row + row_walk * z / 1000.0, col_px=col + col_walk * z / 1000.0
        )

    def residuals(self, parameters: Tensor) -> Tensor:
        slices = torch.arange(0, len(self.bead.photons), self.every)
        data, weight = self.bead.photons[slices], self.weight()[slices]
        model, _, _ = illuminated(self.shape(parameters, slices.to(parameters.dtype)), data=data, weight=weight)
        left = (data - model) * weight.sqrt()
        return torch.cat([left.flatten(), parameters[-2:-1] / SCALE_PRIOR])

    def weight(self) -> Tensor:
        peak = self.bead.photons.amax(dim=(1, 2), keepdim=True)
        return 1.0 / (self.bead.variance + (MODEL_ERROR * peak) ** 2)


def illuminated(shape: Tensor, *, data: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Model [Z, H, W] = light * shape + background: light [Z], one background for all slices, by least squares.

    A background of its own for every slice would take the light of the tails, and give it back as a pedestal.
    """
    shapes, shape_sum, weights = ((weight * v).sum((1, 2)) for v in (shape * shape, shape, torch.ones_like(shape)))
    seen, data_sum = (weight * shape * data).sum((1, 2)), (weight * data).sum((1, 2))
    background = (data_sum - shape_sum * seen / shapes).sum() / (weights - shape_sum**2 / shapes).sum()
    light = (seen - background * shape_sum) / shapes
    return light[:, None, None] * shape + background, light, background


def retrieve(
    *, bead: Bead, optics: Optics, row_px: float, col_px: float, z0_nm: float, mask_rad: Tensor | None = None,
    noll_last: int = NOLL_LAST,
) -> Retrieved:  # fmt: skip
    """Fits Noll 5 to ``noll_last``. ``row_px``, ``col_px``: first guess from the middle pixel; z0: of the focus."""
    if not TRY_TERMS + 4 <= noll_last <= NOLL_MOST:
        raise ValueError(f"last Noll index {noll_last}: choose {TRY_TERMS + 4} to {NOLL_MOST}; 21 suits most")
    noll = tuple(range(5, noll_last + 1))
    few = noll[:TRY_TERMS]
    slices = len(bead.photons)

    def stage(terms: tuple[int, ...], *, cells: int, used: int) -> _Fit:
        return _Fit(bead, optics, terms, mask_rad, cells, max(1, slices // used))

    def start(*, vertical: float = 0.0, oblique: float = 0.0, scale: float = 1.0) -> Tensor:
        bent = torch.zeros(len(few), dtype=torch.float64)
        bent[0], bent[1] = oblique, vertical
        place = torch.tensor([row_px, col_px, 0.0, 0.0, z0_nm, math.log(scale), BLUR_START_PX], dtype=torch.float64)
        return torch.cat([bent, place])

    first = stage(few, cells=ROUGH_CELLS, used=TRY_SLICES)

    def tried(starts: list[Tensor]) -> Minimum:
        return min((minimize(first.residuals, start=s, steps=TRY_STEPS) for s in starts), key=lambda m: m.chi2)

    bends = [(0.0, 0.0), (1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)]
    best = tried([start(vertical=v, oblique=o) for v, o in bends])
    oblique, vertical = (float(p) for p in best.parameters[:2])
    stretched = tried([start(vertical=vertical, oblique=oblique, scale=s) for s in (0.5, 2.0)])
    found = min(best, stretched, key=lambda m: m.chi2).parameters
    found = torch.cat([found[: len(few)], found.new_zeros(len(noll) - len(few)), found[len(few) :]])
    rough = stage(noll, cells=ROUGH_CELLS, used=ROUGH_SLICES)
    found = minimize(rough.residuals, start=found, steps=ROUGH_STEPS).parameters
    fine = stage(noll, cells=FINE_CELLS, used=FINE_SLICES)
    return _finish(fine, minimize(fine.residuals, start=found, steps=FINE_STEPS))


def _finish(fit: _Fit, minimum: Minimum) -> Retrieved:
    p, count = minimum.parameters, len(fit.noll)
    slices = torch.arange(len(fit.bead.photons), dtype=p.dtype)
    model, light, base = illuminated(fit.shape(p, slices), data=fit.bead.photons, weight=fit.weight())
    row, col, row_walk, col_walk, z0, log_scale, _ = (float(v) for v in p[count:])
    return Retrieved(
        pupil=fit.pupil(p),
        sigma_rad=minimum.covariance.diagonal()[:count].clamp(min=0.0).sqrt(),
        row_px=row,
        col_px=col,
        row_walk_px_per_um=row_walk,
        col_walk_px_per_um=col_walk,
        z0_nm=z0,
        z_scale=math.exp(log_scale),
        light=light,
        background=float(base),
        model=model,
    )
