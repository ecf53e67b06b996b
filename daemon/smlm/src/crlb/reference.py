"""Writes reference.csv, the bounds that `crlb/tests.rs` must reach: those of the training package.

    PYTHONPATH=onnx-models/training/src python daemon/smlm/src/crlb/reference.py

Comes in: nothing. Goes out: reference.csv beside this file. Never: a number that was not computed here.
"""

from __future__ import annotations

import csv
from pathlib import Path

import torch

from blinkd_models.camera import Camera
from blinkd_models.crlb import crlb_variance
from blinkd_models.psf import Astigmatic, Gaussian2d

CAMERAS = {
    "ideal": Camera(qe=1.0, read_noise_e=0.0),
    "scmos": Camera(qe=0.9, read_noise_e=1.6),
    "emccd": Camera(qe=0.9, em_gain=300.0, read_noise_e=74.4, spurious_e=0.002),
}
# sigma_px, focus_nm, depth_nm (0: a round Gaussian), column and row from a pixel's centre, z, photons, background.
SPOTS = [
    (1.3, 0.0, 0.0, 0.0, 0.0, 0.0, 1000.0, 10.0),
    (1.2272727, 0.0, 0.0, 0.31, -0.44, 0.0, 2000.0, 20.0),
    (0.9, 0.0, 0.0, -0.5, 0.25, 0.0, 500.0, 2.0),
    (1.25, 200.0, 400.0, 0.1, 0.2, 0.0, 3000.0, 30.0),
    (1.25, 200.0, 400.0, -0.3, 0.45, 350.0, 1000.0, 10.0),
    (1.25, 200.0, 400.0, 0.4, -0.15, -620.0, 5000.0, 80.0),
    (1.1, 310.0, 520.0, 0.0, 0.0, 120.0, 800.0, 5.0),
]
HEAD = ("camera,qe,em_gain,spurious_e,read_noise_e,sigma_px,focus_nm,depth_nm,x_px,y_px,z_nm,photons,background,"
        "var_x_px2,var_y_px2,var_z_nm2,var_photons,var_background").split(",")  # fmt: skip


def row(name: str, camera: Camera, spot: tuple[float, ...]) -> list[object]:
    sigma, focus, depth, *_ = spot
    column, line, z, photons, background = (torch.tensor([value], dtype=torch.float64) for value in spot[3:])
    widths = {"sigma_px": torch.tensor([sigma], dtype=torch.float64)}
    psf = (
        Astigmatic(**widths, focus_nm=torch.tensor([focus]).double(), depth_nm=torch.tensor([depth]).double())
        if depth
        else Gaussian2d(**widths)
    )
    variance = crlb_variance(
        psf=psf, sequence=torch.zeros(1, dtype=torch.long), row_px=line, col_px=column, z_nm=z, photons=photons,
        background=background, camera=camera, z=bool(depth),
    )[0].tolist()  # fmt: skip
    of_row, of_column, of_z, *others = variance
    bounds = [f"{value:.9g}" for value in (of_column, of_row, of_z, *others)]
    return [name, camera.qe, camera.em_gain, camera.spurious_e, camera.read_noise_e, *spot, *bounds]


if __name__ == "__main__":
    with Path(__file__).with_name("reference.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEAD)
        writer.writerows(row(name, camera, spot) for name, camera in CAMERAS.items() for spot in SPOTS)
