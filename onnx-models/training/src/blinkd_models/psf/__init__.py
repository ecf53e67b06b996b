"""Point spread functions: emitters in, images of expected photons out.

Pixel centres are integers; row and column in pixels, z in nm, positive away from the objective.
Never: draws emitters, adds background or noise.
"""

from blinkd_models.psf.gaussian import Astigmatic, Gaussian2d
from blinkd_models.psf.render import Psf, render
from blinkd_models.psf.smap import read_3dcal, write_3dcal
from blinkd_models.psf.spline import CubicSpline

__all__ = ["Astigmatic", "CubicSpline", "Gaussian2d", "Psf", "read_3dcal", "render", "write_3dcal"]
