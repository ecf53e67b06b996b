"""Shared by all tests: a seeded generator, one thread, a calibration."""

from pathlib import Path

import pytest
import torch

from blinkd_models.psf import CubicSpline, write_3dcal

torch.set_num_threads(1)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(11)


@pytest.fixture
def spline_run(tmp_path: Path) -> Path:
    """A folder with a calibration of a wide and a narrow plane."""
    line = torch.arange(-6.0, 7.0)
    sigma = 1.0 + 0.1 * torch.arange(9.0)[:, None]
    profile = torch.exp(-0.5 * (line / sigma) ** 2)
    profile = profile / profile.sum(1, keepdim=True)
    spline = CubicSpline.fit(profile[:, :, None] * profile[:, None, :], dz_nm=50.0, z0=4.0)
    write_3dcal(spline, tmp_path / "beads_3dcal.mat")
    return tmp_path
