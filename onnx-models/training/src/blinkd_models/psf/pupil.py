"""The PSF of a microscope from the wave in the pupil of its objective.

Comes in: optics, Zernike coefficients, a phase mask, emitter positions. Goes out: shares of the light per pixel.
Never: fits anything, adds background or noise.

The emitter's wave in the pupil is A(k) exp(i [aberrations + mask + 2 pi (kz z - k r)]), k in cycles per nm; the image
is the squared Fourier transform of it, taken by matrix products on any window (no FFT grid to fit). z is positive away
from the objective; so a positive vertical astigmatism (Noll 6) makes the spot narrow along columns (x) at z > 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from blinkd_models.psf.masks import pupil_points, resampled
from blinkd_models.psf.polarization import cosine, dipole_fields, scalar_field
from blinkd_models.psf.spline import CubicSpline
from blinkd_models.psf.zernike import zernike

MARGIN_PX = 3
"""Camera pixels computed around the window, for light that integration and blur carry in."""
EMITTERS_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True)
class Optics:
    """What the microscope's label says. The sample is taken as optically the immersion where its index is None.

    moves: what z stands for when the indices differ. ``focus``: the objective moves and the emitter stays ``depth_nm``
    above the cover slip (a bead stack). ``emitter``: the objective stays, its focus ``focus_nm`` of immersion above
    the cover slip, and the emitter sits at ``depth_nm + z`` (molecules in a cell).
    """

    na: float
    wavelength_nm: float
    pixel_size_nm: float
    index_immersion: float = 1.518
    index_sample: float | None = None
    vectorial: bool = True
    moves: Literal["focus", "emitter"] = "focus"
    depth_nm: float = 0.0
    focus_nm: float = 0.0

    def __post_init__(self) -> None:
        for name in ("na", "wavelength_nm", "pixel_size_nm", "index_immersion"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} is {value}: must be a positive number")
        if self.na >= self.index_immersion:
            raise ValueError(
                f"NA {self.na} is not below the immersion's refractive index {self.index_immersion}: "
                "check both (oil 1.518, silicone 1.40, glycerol 1.47, water 1.33)"
            )

    @property
    def sample(self) -> float:
        """Refractive index around the emitter."""
        return self.index_immersion if self.index_sample is None else self.index_sample

    @property
    def depth_of_field_nm(self) -> float:
        """wavelength * index / NA^2, the full depth of focus of a clear pupil."""
        return self.wavelength_nm * self.index_immersion / self.na**2

    @property
    def oversampling(self) -> int:
        """Samples per pixel and axis below which the image would alias: it holds no detail finer than half
        wavelength / NA."""
        return max(1, math.ceil(4.0 * self.na * self.pixel_size_nm / self.wavelength_nm))


@dataclass(frozen=True, kw_only=True)
class Pupil:
    """Optics with aberrations; a ``Psf``. Everything that is a tensor can be differentiated.

    noll, zernike_rad [J]: coefficients in radians RMS. mask_rad [n, n]: a phase mask over the pupil's square, any n.
    blur_px: sigma of a Gaussian that widens the image beyond the optics (bead size, vibration).
    count: cells across the pupil; the image repeats after count * wavelength / (2 NA).
    """

    optics: Optics
    noll: tuple[int, ...] = ()
    zernike_rad: Tensor | None = None
    mask_rad: Tensor | None = None
    blur_px: Tensor | None = None
    count: int = 64
    oversampling: int | None = None
    radius_px: int = 10

    def __post_init__(self) -> None:
        given = 0 if self.zernike_rad is None else len(self.zernike_rad)
        if given != len(self.noll):
            raise ValueError(f"{len(self.noll)} Noll indices for {given} Zernike coefficients: must be as many")

    def stack(
        self, *, z_nm: Tensor, size_px: int, row_px: Tensor | float = 0.0, col_px: Tensor | float = 0.0
    ) -> Tensor:
        """Shares of the collected light [Z, size, size] for emitters at z_nm [Z]; a window's sum is below 1.

        ``row_px``, ``col_px`` (a number or [Z]): distance from the centre of pixel (size // 2, size // 2).
        """
        row, col = (torch.as_tensor(p, dtype=z_nm.dtype).expand(z_nm.shape) for p in (row_px, col_px))
        per_pixel = self.oversampling or self.optics.oversampling
        fine = (size_px + 2 * MARGIN_PX) * per_pixel
        step = 1.0 / per_pixel
        place = (torch.arange(fine, dtype=z_nm.dtype) - (fine - 1) / 2) * step + (size_px - 1) / 2 - size_px // 2
        wave, total = self._waves(z_nm)
        pitch = 2.0 * self.optics.na / self.optics.wavelength_nm / self.count * self.optics.pixel_size_nm
        cycles = (torch.arange(self.count, dtype=z_nm.dtype) - (self.count - 1) / 2) * pitch
        rows, cols = (_fourier(place[None, :] - p[:, None], cycles=cycles) for p in (row, col))
        field = rows[:, None] @ wave @ cols[:, None].transpose(-1, -2)
        parts = torch.view_as_real(field)
        image = (parts * parts).sum((1, 4))
        collect = self._pixels(place, size_px=size_px, step=step)
        return collect @ image @ collect.T * (pitch**2 / total)[:, None, None]

    def patches(self, *, sequence: Tensor, row_px: Tensor, col_px: Tensor, z_nm: Tensor) -> Tensor:
        """As ``Psf`` asks; exact and slow: for bounds and checks. Simulations draw from a spline of it."""
        del sequence
        size = 2 * self.radius_px + 1
        chunks = [torch.split(part, EMITTERS_AT_ONCE) for part in (z_nm, row_px, col_px)]
        drawn = [self.stack(z_nm=z, size_px=size, row_px=row, col_px=col) for z, row, col in zip(*chunks, strict=True)]
        return torch.cat(drawn)

    def spline(self, *, z_nm: Tensor, size_px: int) -> CubicSpline:
        """A spline through the images at ``z_nm`` (evenly spaced), which simulations draw thousands of times faster."""
        step = float(z_nm[1] - z_nm[0])
        if not (step > 0.0 and torch.allclose(z_nm.diff(), z_nm.new_tensor(step), rtol=1e-6)):
            raise ValueError("z_nm: must rise in even steps")
        images = torch.cat([self.stack(z_nm=z, size_px=size_px) for z in torch.split(z_nm.double(), EMITTERS_AT_ONCE)])
        middle = float(size_px // 2)
        return CubicSpline.fit(images.detach().float(), dz_nm=step, z0=-float(z_nm[0]) / step, row0=middle, col0=middle)

    def _waves(self, z_nm: Tensor) -> tuple[Tensor, Tensor]:
        """Waves [Z, C, n, n] (aberrated, defocused), and the light collected, [Z] (or [1], where z does not matter)."""
        rim = _rim(self.optics, count=self.count, dtype=z_nm.dtype)
        way = _travel(self.optics, radius=rim.radius, z_nm=z_nm)
        wave = (rim.fields * torch.polar(rim.area, self._phase(rim))) * way[:, None]
        if self.optics.index_sample is None:
            return wave, rim.power.sum()[None]
        return wave, (rim.power * way.abs() ** 2).sum((1, 2))

    def _phase(self, rim: _Rim) -> Tensor:
        phase = torch.zeros_like(rim.radius)
        if self.zernike_rad is not None:
            shapes = zernike(self.noll, radius=rim.radius, angle=rim.angle)
            phase = phase + torch.einsum("j,jvu->vu", self.zernike_rad.to(phase.dtype), shapes)
        if self.mask_rad is not None:
            phase = phase + resampled(self.mask_rad.to(phase.dtype), count=self.count)
        return phase

    def _pixels(self, place: Tensor, *, size_px: int, step: float) -> Tensor:
        """Matrix [size, fine]: mean over a pixel, blurred, of what the samples at ``place`` determine.

        Built in Fourier space, sinc(f) exp(-2 pi^2 sigma^2 f^2), where both are exact for a band-limited image.
        """
        cycles = torch.fft.fftfreq(len(place), step, dtype=place.dtype)
        pixel = torch.arange(size_px, dtype=place.dtype) - size_px // 2
        passed = torch.sinc(cycles)
        if self.blur_px is not None:
            passed = passed * torch.exp(-2.0 * (math.pi * self.blur_px.to(place.dtype) * cycles) ** 2)
        distance = pixel[:, None, None] - place[None, :, None]
        return (torch.cos(2.0 * math.pi * cycles * distance) * passed).mean(dim=2)


@dataclass(frozen=True, kw_only=True)
class _Rim:
    """What the optics alone say about every cell [n, n]: polar place, share within the pupil, fields, light.

    fields [C, n, n] carry the root of their weight. A cell that the rim cuts gives its share of the light (power), not
    the share squared that its wave has.
    """

    radius: Tensor
    angle: Tensor
    area: Tensor
    fields: Tensor
    power: Tensor


@lru_cache(maxsize=8)
def _rim(optics: Optics, *, count: int, dtype: torch.dtype) -> _Rim:
    radius, angle = pupil_points(count, dtype=dtype)
    radius = radius.clamp(max=1.0)
    if optics.vectorial:
        fields, weight = dipole_fields(
            radius, angle=angle, na=optics.na, index_immersion=optics.index_immersion, index_sample=optics.sample
        )
    else:
        fields, weight = scalar_field(radius), radius.new_ones(1)
    area, fields = covered(count).to(dtype), fields * weight.sqrt()[:, None, None]
    return _Rim(radius=radius, angle=angle, area=area, fields=fields, power=(fields.abs() ** 2).sum(0) * area)


def covered(count: int, *, per_side: int = 16) -> Tensor:
    """Share [n, n] of each cell that lies within the pupil."""
    line = (torch.arange(count * per_side, dtype=torch.float64) + 0.5) * (2.0 / (count * per_side)) - 1.0
    inside = (line[:, None] ** 2 + line**2 <= 1.0).to(torch.float64)
    return inside.view(count, per_side, count, per_side).mean(dim=(1, 3))


def _fourier(distance_px: Tensor, *, cycles: Tensor) -> Tensor:
    """Kernel exp(2 pi i k x), [Z, samples, n]."""
    turn = 2.0 * math.pi * distance_px[:, :, None] * cycles
    return torch.polar(torch.ones_like(turn), turn)


def _travel(optics: Optics, *, radius: Tensor, z_nm: Tensor) -> Tensor:
    """Complex factor [Z, n, n] of the way from emitter to focal plane: phase, and decay beyond the critical angle."""
    wave = 2.0 * math.pi / optics.wavelength_nm
    glass = wave * optics.index_immersion * cosine(radius, na=optics.na, index=optics.index_immersion).real
    if optics.index_sample is None:
        turn = glass * z_nm[:, None, None]
        return torch.polar(torch.ones_like(turn), turn)
    water = wave * optics.sample * cosine(radius, na=optics.na, index=optics.sample)
    if optics.moves == "focus":
        height, focus = torch.full_like(z_nm, optics.depth_nm), optics.focus_nm - z_nm
    else:
        height, focus = (optics.depth_nm + z_nm).clamp(min=0.0), torch.full_like(z_nm, optics.focus_nm)
    turn = water.real * height[:, None, None] - glass * focus[:, None, None]
    return torch.polar(torch.exp(-water.imag * height[:, None, None]), turn)
