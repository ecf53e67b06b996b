"""Point spread functions: emitters in, images of expected photons out.

Pixel centres are integers; row and column in pixels, z in nm, positive away from the objective.
Never: draws emitters, adds background or noise.
"""

from blinkd_models.psf.gaussian import Astigmatic, Gaussian2d
from blinkd_models.psf.render import Psf, render

__all__ = ["Astigmatic", "Gaussian2d", "Psf", "render"]
