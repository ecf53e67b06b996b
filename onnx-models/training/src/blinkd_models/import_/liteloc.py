"""LiteLoc weights and their ``train_params.yaml`` into our network.

Comes in: a state dict, the parameter file of the training. Goes out: network and purpose.
Never: opens LiteLoc's own ``checkpoint.pkl``, which is a pickled program.

LiteLoc feeds camera counts to its network. Counts are a linear function of photons, so the card's input scale and
offset turn any camera's photons into the counts that the training's camera would have given.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from blinkd_models.camera import Camera
from blinkd_models.import_.fields import Fields, Span
from blinkd_models.import_.tensors import BadWeightsError, fill, read_state, sha1
from blinkd_models.liteloc import DILATIONS, LiteLoc, LiteLocArchitecture
from blinkd_models.purpose import Purpose
from blinkd_models.simulate import Ranges
from blinkd_models.target import Scales

UNKNOWN_SIGMA_NM = (60.0, 400.0)
REMEDY = "Take the train_params.yaml that LiteLoc writes into its result folder"
CODE_REMEDY = (
    "in LiteLoc's own folder and environment, for a file that you trust, run: python -c \"import torch; "
    "m = torch.load('checkpoint.pkl', map_location='cpu', weights_only=False); "
    "torch.save(m.network.state_dict(), 'liteloc.pt')\" (`m.LiteLoc` in older versions), and import liteloc.pt"
)
PSF_KINDS = {"vector": "vector", "spline": "spline", "uipsf": "spline"}
OLDER = {
    "initial_1": "layer0", "initial_2": "layer1", "initial_3": "layer2", "initial_4": "layer3",
    "initial_5": "layer30", "cfe_1": "layer4", "cfe_2": "layer5", "cfe_3": "layer6", "cfe_4": "layer7",
    "unet_d1": "deconv1", "unet_d2": "layerU1", "unet_d3": "layerU2", "unet_d4": "layerU3", "unet_u1": "layerD3",
    "unet_u2": "layerD2", "unet_u3": "layerD1", "out_1": "layerD0", "out_2": "layerD00", "out_3": "pred",
}  # fmt: skip
"""Layer names since 2025 to those before."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person may add. ``pixel_size_nm``: needed where the PSF is a spline, whose file alone knows it."""

    pixel_size_nm: float | None = None
    pixel_tolerance: float = 0.1
    licence: str = "that of the weights' owner"


def load(weights: Path, *, param: Path, options: Options) -> tuple[LiteLoc, Purpose]:
    """The network with the weights, and what it was trained for."""
    fields = Fields.read(param)
    made_for = _purpose(fields, weights=weights, options=options)
    fields.finish(REMEDY)
    state = _without_counters(read_state(weights, remedy=CODE_REMEDY))
    if not any(name.startswith(("initial_1.", "layer0.")) for name in state):
        raise BadWeightsError(f"{weights} holds no LiteLoc: its first tensor is {next(iter(state))}")
    model = LiteLoc(LiteLocArchitecture())
    fill(model, state, names=names(older="layer0.conv.weight" in state), file=weights)
    return model.eval(), made_for


def names(*, older: bool = False) -> dict[str, str]:
    """Our tensors to the published ones."""
    blocks = {
        "frame.stem": "initial_1",
        "frame.first": "initial_2",
        "frame.refine.0": "initial_3",
        "frame.refine.1": "initial_4",
        "context.join": "initial_5",
        **{f"context.coarse.{number}": f"cfe_{number + 1}" for number in range(len(DILATIONS))},
        "context.into": "unet_d1",
        **{f"context.middle.{number}": f"unet_d{number + 2}" for number in range(3)},
        "context.rise": "unet_u1",
        **{f"context.fine.{number}": f"unet_u{number + 2}" for number in range(2)},
        **{f"context.full.{number}": f"out_{number + 1}" for number in range(2)},
    }
    convolutions = {f"{ours}.conv": f"{theirs}.conv" for ours, theirs in blocks.items()}
    norms = {"frame.counts": "norm"} | {f"{ours}.norm": f"{theirs}.bn" for ours, theirs in blocks.items()}
    for number, (body, out) in enumerate(
        (("p_out", "p_out1"), ("xyzi_out", "xyzi_out1"), ("xyzis_out1", "xyzis_out2"))
    ):
        convolutions |= {f"context.bodies.{number}.0": f"out_3.{body}", f"context.outs.{number}": f"out_3.{out}"}
    parts = ("weight", "bias")
    found = {f"{ours}.{part}": f"{theirs}.{part}" for ours, theirs in convolutions.items() for part in parts}
    parts_of_norm = (*parts, "running_mean", "running_var")
    found |= {f"{ours}.{part}": f"{theirs}.{part}" for ours, theirs in norms.items() for part in parts_of_norm}
    return {ours: _older(theirs) for ours, theirs in found.items()} if older else found


def _older(name: str) -> str:
    first, rest = name.split(".", 1)
    return f"{OLDER.get(first, first)}.{rest}"


def _without_counters(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Batch norms count their updates; that is not used after training."""
    return {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}


def _purpose(fields: Fields, *, weights: Path, options: Options) -> Purpose:
    camera = _camera(fields)
    z_nm = fields.number("PSF_model.z_scale", low=1e-6)
    dimmest, brightest = fields.span("Training.photon_range", low=1.0)
    per_adu = float(camera.e_per_adu) / (float(camera.qe) * float(camera.em_gain))
    dark_adu = float(camera.offset_adu) + float(camera.spurious_e) * float(camera.em_gain) / float(camera.e_per_adu)
    pixel_nm = _pixel_size_nm(fields, options=options)
    return Purpose(
        description=f"LiteLoc, imported from {weights.name}; 3D, z within {z_nm:g} nm; its PSF's width in nm unknown; "
        "gives no background (0).",
        scales=Scales(offset=-dark_adu * per_adu, scale=per_adu, photons=brightest, z_nm=z_nm, background=1.0),
        ranges=Ranges(
            pixel_size_nm=(pixel_nm * (1.0 - options.pixel_tolerance), pixel_nm * (1.0 + options.pixel_tolerance)),
            psf_sigma_nm=UNKNOWN_SIGMA_NM,
            photons=(dimmest, brightest),
            background_photons=_background(fields, photons_per_adu=per_adu),
            density_per_um2=(1e-3, _densest_per_um2(fields, pixel_nm=pixel_nm)),
            z_nm=(-z_nm, z_nm),
            emccd=0.0 if camera.em_gain == 1.0 else 1.0,
        ),
        psf={"kind": fields.choice("PSF_model.simulate_method", PSF_KINDS)},
        training={
            "package": "LiteLoc",
            "weights": weights.name,
            "weights_sha1": sha1(weights) if weights.is_file() else "",
            "parameters": Path(fields.file).name,
            "sigma": "the published spread s is turned into a standard deviation, sqrt(pi / 2) s^2",
        },
        licence=options.licence,
        camera=camera,
    )


def _camera(fields: Fields) -> Camera:
    kind = fields.choice("Camera.camera", {"sCMOS": "sCMOS", "EMCCD": "EMCCD"})
    gain = fields.number("Camera.em_gain", low=1e-9) if kind == "EMCCD" else 1.0
    return Camera(
        offset_adu=fields.number("Camera.baseline"),
        e_per_adu=fields.number("Camera.e_per_adu", low=1e-9),
        qe=fields.number("Camera.qe", low=1e-6, high=1.0),
        em_gain=gain,
        spurious_e=fields.number("Camera.spurious_c", low=0.0),
        read_noise_e=fields.number("Camera.sig_read", low=0.0, or_absent=0.0),
    )


def _pixel_size_nm(fields: Fields, *, options: Options) -> float:
    """From the vectorial PSF's table; a spline's file knows its own, which is not read."""
    if options.pixel_size_nm is not None:
        return options.pixel_size_nm
    if fields.get("PSF_model.simulate_method") != "vector":
        fields.problem(
            "PSF_model.simulate_method", "is not 'vector', so the pixel size is not here; give --pixel-size-nm"
        )
        return 100.0
    across = fields.number("PSF_model.vector_psf.pixelSizeX", low=1.0)
    along = fields.number("PSF_model.vector_psf.pixelSizeY", low=1.0)
    if across != along:
        fields.problem("PSF_model.vector_psf.pixelSizeY", f"is {along:g}, X {across:g}; give --pixel-size-nm")
    return across


def _background(fields: Fields, *, photons_per_adu: float) -> Span:
    """The training's background and its unevenness, a quarter at least."""
    adu = fields.number("Training.bg", low=0.0) - fields.number("Camera.baseline")
    level = adu * photons_per_adu
    if level <= 0.0:
        fields.problem("Training.bg", "is not above Camera.baseline")
        level = 1.0
    uneven = fields.number("Training.pn_factor", low=0.0, high=1.0, or_absent=0.0)
    spread = max(0.25, uneven if fields.get("Training.perlin_noise") else 0.0)
    return max(level * (1.0 - spread), 0.1), level * (1.0 + spread)


def _densest_per_um2(fields: Fields, *, pixel_nm: float) -> float:
    """Twice the mean density of the training."""
    height, width = fields.pair("Training.train_size")
    count = fields.number("Training.em_per_frame", low=1e-9)
    return 2.0 * count / max(height * width * (pixel_nm / 1000.0) ** 2, 1e-9)
