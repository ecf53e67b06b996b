"""Draws emitters into images, whatever their PSF.

Comes in: positions, photons, a PSF that knows the small image around an emitter. Goes out: images in photons per pixel.
Never: knows the shape of a PSF.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Psf(Protocol):
    """The image of one photon on the pixels around an emitter."""

    @property
    def radius_px(self) -> int:
        """Pixels further than this from the emitter's own pixel get nothing."""
        ...

    def patches(self, *, sequence: Tensor, row_px: Tensor, col_px: Tensor, z_nm: Tensor) -> Tensor:
        """Expected share of the light on each pixel, [E, 2 r + 1, 2 r + 1], rows first.

        ``sequence`` [E] says which sequence of the scene an emitter belongs to. ``row_px``, ``col_px`` [E] are
        distances from the centre of the middle pixel, within (-0.5, 0.5]. Works in the dtype of ``row_px`` and can
        be differentiated with respect to ``row_px``, ``col_px`` and ``z_nm``.
        """
        ...


def render(
    *, psf: Psf, image: Tensor, sequence: Tensor, row_px: Tensor, col_px: Tensor, z_nm: Tensor, photons: Tensor,
    shape: tuple[int, int, int], emitter: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Images [N, H, W] of expected photons; appearance e (all [E]) is drawn into image ``image[e]``.

    What falls outside the image is lost. ``emitter``: neighbours in the list with the same number are the same emitter
    at the same place, whose PSF is then computed once.
    """
    count, height, width = shape
    middle_row, middle_col = row_px.round(), col_px.round()
    place = {"sequence": sequence, "row_px": row_px - middle_row, "col_px": col_px - middle_col, "z_nm": z_nm}
    if emitter is None:
        patch = psf.patches(**place)
    else:
        _, same, times = torch.unique_consecutive(emitter, return_inverse=True, return_counts=True)
        first = times.cumsum(0) - times
        patch = psf.patches(**{name: value[first] for name, value in place.items()})[same]
    side = torch.arange(-psf.radius_px, psf.radius_px + 1, device=row_px.device)
    rows, cols = middle_row.long()[:, None] + side, middle_col.long()[:, None] + side
    on_row, on_col = (rows >= 0) & (rows < height), (cols >= 0) & (cols < width)
    patch = patch * (photons[:, None] * on_row)[:, :, None] * on_col[:, None, :]
    line = image[:, None] * height + rows.clamp(0, height - 1)
    flat = line[:, :, None] * width + cols.clamp(0, width - 1)[:, None, :]
    drawn = torch.zeros(count * height * width, dtype=patch.dtype, device=patch.device)
    drawn.index_add_(0, flat.flatten(), patch.flatten())
    return drawn.view(count, height, width)
