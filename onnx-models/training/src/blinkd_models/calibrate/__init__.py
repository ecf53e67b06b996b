"""Calibration: a stack of bead images in, PSFs and a verdict out.

Never: trains anything, or touches a microscope.
"""

from blinkd_models.calibrate.calibration import Calibration, calibrate
from blinkd_models.calibrate.stack import BeadStack, CalibrationError, read_stack

__all__ = ["BeadStack", "Calibration", "CalibrationError", "calibrate", "read_stack"]
