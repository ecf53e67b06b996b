"""Good, usable, or not: in words, with the numbers and limits that say so.

Comes in: numbers of a calibration. Goes out: a grade and its reasons. Never: computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SPLINE_GOOD, SPLINE_USABLE = 0.04, 0.10
PUPIL_GOOD, PUPIL_USABLE = 0.06, 0.20
"""Shares of a slice's light pattern left unexplained beyond noise."""
SCALE_GOOD, SCALE_USABLE = 1.10, 1.30
"""Factor between the step that the optics ask for and the stated one."""
PHOTONS_GOOD, PHOTONS_USABLE = 10_000.0, 1_000.0
"""Per slice, all beads together."""
WALK_GOOD_NM_PER_UM = 50.0
BLUR_GOOD_NM = 60.0
FOCUS_MARGIN = 0.4
"""Of the depth of field, on either side of the focus."""
FLICKER_GOOD = 0.15


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the verdict looks at; shares are fractions."""

    spline_excess: float
    pupil_excess: float
    z_scale: float
    dz_nm: float
    fitting_na: float
    photons: float
    walk_nm_per_um: float
    blur_nm: float
    below_focus_nm: float
    above_focus_nm: float
    depth_of_field_nm: float
    flicker: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """grade and the reasons against a better one."""

    grade: Literal["good", "usable, but", "not usable"]
    reasons: tuple[str, ...]

    @property
    def text(self) -> str:
        """One sentence."""
        if self.grade == "good":
            return "good: the spline and the optics both explain the bead, and the step fits"
        return f"{self.grade}{':' if self.grade == 'not usable' else ''} {'; '.join(self.reasons)}"


def judge(figures: Figures) -> Verdict:
    """The worst finding decides; every reason of that grade is named."""
    fatal, minor = _fatal(figures), _minor(figures)
    if fatal:
        return Verdict(grade="not usable", reasons=tuple(fatal))
    if minor:
        return Verdict(grade="usable, but", reasons=tuple(minor))
    return Verdict(grade="good", reasons=())


def _factor(scale: float) -> float:
    return max(scale, 1.0 / scale)


def _fatal(f: Figures) -> list[str]:
    found = []
    optics_fit = f.pupil_excess <= PUPIL_USABLE
    if f.spline_excess > SPLINE_USABLE:
        found.append(
            f"the spline leaves {f.spline_excess:.1%} of the bead's pattern unexplained (limit {SPLINE_USABLE:.0%}): "
            "slices do not belong together; record again without drift"
        )
    if optics_fit and _factor(f.z_scale) > SCALE_USABLE:
        found.append(
            f"wrong step size: the defocus asks for {f.z_scale * f.dz_nm:.1f} nm between slices, stated are "
            f"{f.dz_nm:g} (factor {_factor(f.z_scale):.2f}, limit {SCALE_USABLE:g}); try --dz-nm "
            f"{f.z_scale * f.dz_nm:.3g}, or check --na, --wavelength-nm and --pixel-size-nm"
        )
    if f.photons < PHOTONS_USABLE:
        found.append(
            f"too few photons: {f.photons:.0f} per slice, {PHOTONS_USABLE:.0f} are the least; expose longer, or "
            "calibrate on more beads"
        )
    return found


def _minor(f: Figures) -> list[str]:
    found = []
    if f.spline_excess > SPLINE_GOOD:
        found.append(f"the spline leaves {f.spline_excess:.1%} unexplained (good: {SPLINE_GOOD:.0%})")
    if f.pupil_excess > PUPIL_USABLE:
        found.append(
            f"the optical model does not describe this PSF ({f.pupil_excess:.0%} unexplained, limit "
            f"{PUPIL_USABLE:.0%}): use the spline; a phase mask needs --mask"
        )
    elif f.pupil_excess > PUPIL_GOOD:
        found.append(
            f"the optical model leaves {f.pupil_excess:.1%} unexplained (good: {PUPIL_GOOD:.0%}): use the spline"
        )
    if f.pupil_excess <= PUPIL_USABLE and _factor(f.z_scale) > SCALE_GOOD:
        found.append(
            f"the defocus asks for steps of {f.z_scale * f.dz_nm:.1f} nm instead of {f.dz_nm:g} (good: within "
            f"{SCALE_GOOD - 1:.0%}), so z may be off by as much: check --dz-nm, and --na "
            f"({f.fitting_na:.2f} would fit)"
        )
    if f.photons < PHOTONS_GOOD:
        found.append(f"only {f.photons:.0f} photons per slice (good: {PHOTONS_GOOD:.0f}): average more beads")
    if f.walk_nm_per_um > WALK_GOOD_NM_PER_UM:
        found.append(
            f"the bead walks {f.walk_nm_per_um:.0f} nm sideways per um of z (good: {WALK_GOOD_NM_PER_UM:.0f}): stage "
            "drift or a tilted axis, which the spline keeps"
        )
    if f.blur_nm > BLUR_GOOD_NM:
        found.append(
            f"the image is blurred by sigma {f.blur_nm:.0f} nm (good: {BLUR_GOOD_NM:.0f}): large bead or vibration"
        )
    for side, room in (("below", f.below_focus_nm), ("above", f.above_focus_nm)):
        if room < FOCUS_MARGIN * f.depth_of_field_nm:
            found.append(f"only {room:.0f} nm lie {side} the focus (good: {FOCUS_MARGIN * f.depth_of_field_nm:.0f})")
    if f.flicker > FLICKER_GOOD:
        found.append(
            f"the light varies by {f.flicker:.0%} between slices (good: {FLICKER_GOOD:.0%}): bleaching or lamp"
        )
    return found
