"""What an ONNX graph does not say: a small TOML that a person fills in.

Comes in: its fields. Goes out: ``GraphOptions``. Never: a default for something that changes numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from blinkd_models.camera import Camera
from blinkd_models.import_.fields import Fields
from blinkd_models.infer import PostProcess
from blinkd_models.purpose import Purpose
from blinkd_models.simulate import Ranges
from blinkd_models.target import Scales

TEMPLATE = """\
# What blinkd needs to know of an ONNX graph: input `frames` [n, 3, h, w] (previous, this, next) or [n, 1, h, w],
# output [n, 10, h, w]: p, photons, x (along rows), y (along columns), z, their sigmas, background.
description = "one line for people: which recordings it is for"
licence = "MIT"

[network]
grid_px = 8                      # width and height must be multiples of this
# halo_px = 44                   # an output pixel sees input this far away; measured if absent

[input]                          # the graph is fed (photons - offset) / scale
offset = 40.0
scale = 100.0

[output]                         # the graph's photons, z and background times these are photons, nm, photons
photons_scale = 20000.0
z_scale_nm = 3000.0
background_scale = 200.0

[postprocess]                    # the paper's; a published raw_th of 0.1 is 0.1, 0.6, 0.1
candidate = 0.3
second = 0.6
accept = 0.7

[range]                          # what it was trained for
pixel_size_nm = [95.0, 130.0]
psf_sigma_nm = [110.0, 160.0]
photons = [500.0, 10000.0]       # per emitter and frame
background_photons = [5.0, 150.0]  # per pixel and frame
density_per_um2 = [0.0, 6.0]     # visible emitters per um^2 and frame
z_nm = [0.0, 0.0]

[psf]
kind = "gaussian"                # gaussian, astigmatic, spline, ...

[camera]                         # of the golden frames; any camera of its kind
offset_adu = 100.0
e_per_adu = 0.5
qe = 0.9
em_gain = 1.0
spurious = 0.0
"""


@dataclass(frozen=True, kw_only=True)
class GraphOptions:
    """``halo_px`` None: to be measured."""

    purpose: Purpose
    grid_px: int
    halo_px: int | None


def read(fields: Fields) -> GraphOptions:
    """Everything, or every problem at once."""
    density = fields.span("range.density_per_um2", low=0.0)
    ranges = Ranges(
        pixel_size_nm=fields.span("range.pixel_size_nm", low=1.0),
        psf_sigma_nm=fields.span("range.psf_sigma_nm", low=1.0),
        photons=fields.span("range.photons", low=1.0),
        background_photons=fields.span("range.background_photons", low=0.1),
        density_per_um2=(max(density[0], 1e-3), max(density[1], 1e-3)),
        z_nm=fields.span("range.z_nm"),
    )
    purpose = Purpose(
        description=fields.text("description"),
        licence=fields.text("licence"),
        scales=Scales(
            offset=fields.number("input.offset"),
            scale=fields.number("input.scale", low=1e-9),
            photons=fields.number("output.photons_scale", low=1e-9),
            z_nm=fields.number("output.z_scale_nm", low=0.0),
            background=fields.number("output.background_scale", low=1e-9),
        ),
        post=PostProcess(
            candidate=fields.number("postprocess.candidate", low=0.0, high=1.0),
            second=fields.number("postprocess.second", low=0.0, high=1.0),
            accept=fields.number("postprocess.accept", low=0.0, high=1.0),
        ),
        ranges=ranges,
        psf={"kind": fields.text("psf.kind")},
        training={"package": "brought as an ONNX graph; its training is not known here"},
        camera=Camera(
            offset_adu=fields.number("camera.offset_adu"),
            e_per_adu=fields.number("camera.e_per_adu", low=1e-9),
            qe=fields.number("camera.qe", low=1e-6, high=1.0),
            em_gain=fields.number("camera.em_gain", low=1e-9),
            spurious_e=fields.number("camera.spurious", low=0.0),
        ),
    )
    halo = fields.whole("network.halo_px", low=0, high=1024) if fields.get("network.halo_px") is not None else None
    grid = fields.whole("network.grid_px", low=1, high=64)
    fields.refuse_unknown()
    fields.finish("`import onnx --describe` prints all fields with their meaning")
    return GraphOptions(purpose=purpose, grid_px=grid, halo_px=halo)
