"""Published DECODE weights (``model_*.pt`` and ``param_run.yaml``) into our network.

Comes in: weights and the parameter file that DECODE wrote beside them. Goes out: network and purpose.
Never: a value that the weights do not say and the parameter file leaves open.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from blinkd_models.import_.decode_purpose import Options, purpose
from blinkd_models.import_.fields import Fields
from blinkd_models.import_.tensors import BadWeightsError, fill, read_state
from blinkd_models.network import SIGMA_EPS, UPSAMPLING, Architecture, Decode
from blinkd_models.purpose import Purpose

ACTIVATIONS = {
    f"{prefix}{name}{end}": name.lower()
    for name in ("ELU", "ReLU", "SiLU")
    for prefix in ("", "nn.", "torch.nn.")
    for end in ("", "()")
}
Z_ATTRIBUTE = 3
NAMES = [f"model_{number}.pt" for number in range(3)]
REMEDY = (
    "Take param_run.yaml, which DECODE writes when a training starts: param_run_in.yaml holds only what DECODE was "
    "given, and weights do not say the rest"
)
CODE_REMEDY = "save the state dict alone (`torch.save(model.state_dict(), ...)`), as DECODE itself does"


def newest(folder: Path) -> Path:
    """The weights written last: DECODE rotates the three names, so the highest number means nothing."""
    found = [folder / name for name in NAMES if (folder / name).is_file()]
    if not found:
        raise BadWeightsError(f"{folder} holds none of {', '.join(NAMES)}; name the file of weights")
    times = {path: path.stat().st_mtime_ns for path in found}
    last = [path for path in found if times[path] == max(times.values())]
    if len(last) > 1:
        names = " and ".join(path.name for path in last)
        raise BadWeightsError(f"{folder}: {names} have the same time of writing; name the file of the newest")
    return last[0]


def load(weights: Path, *, param: Path, options: Options) -> tuple[Decode, Purpose]:
    """The network with the weights, and what it was trained for."""
    if weights.is_dir():
        weights = newest(weights)
    fields = Fields.read(param)
    shape = architecture(fields)
    mirrored = _mirror_dims(fields)
    made_for = purpose(fields, weights=weights, z=shape.z, mirrored=mirrored, options=options)
    fields.finish(REMEDY)
    state = read_state(weights, remedy=CODE_REMEDY)
    _take_epsilon(state, file=weights)
    model = Decode(shape)
    fill(model, state, names=names(shape), file=weights)
    mirror(model, dims=mirrored)
    return model.eval(), made_for


def architecture(fields: Fields) -> Architecture:
    """The shape that the parameter file describes; what is not supported becomes a problem of its field."""
    hyper, arch = "HyperParameter", "HyperParameter.arch_param"
    if fields.get(f"{hyper}.architecture", default="SigmaMUNet") != "SigmaMUNet":
        fields.problem(f"{hyper}.architecture", f"is {fields.get(f'{hyper}.architecture')!r}; SigmaMUNet is supported")
    features = fields.whole(f"{arch}.initial_features", low=1, high=512)
    inter = fields.whole(f"{arch}.inter_features", low=1, high=512)
    if features != inter:
        fields.problem(f"{arch}.inter_features", f"is {inter}, initial_features {features}; they must be equal")
    for name in ("norm", "norm_head", "p_dropout"):
        if fields.get(f"{arch}.{name}") is not None:
            fields.problem(f"{arch}.{name}", f"is {fields.get(f'{arch}.{name}')!r}; only null is supported")
    if fields.get(f"{arch}.pool_mode", default="StrideConv") != "StrideConv":
        fields.problem(f"{arch}.pool_mode", f"is {fields.get(f'{arch}.pool_mode')!r}; only StrideConv is supported")
    window = fields.whole(f"{hyper}.channels_in", low=1, high=3)
    if window == 2:
        fields.problem(f"{hyper}.channels_in", "is 2; it must be 1 or 3")
    return Architecture(
        features=max(features, 1),
        depth_frame=fields.whole(f"{arch}.depth_shared", low=1, high=5),
        depth_context=fields.whole(f"{arch}.depth_union", low=1, high=5),
        activation=fields.choice(f"{arch}.activation", ACTIVATIONS),
        upsample=fields.choice(f"{arch}.upsample_mode", {mode: mode for mode in UPSAMPLING}),
        window_frames=1 if window == 1 else 3,
        z=_is_asked_for_z(fields),
    )


def names(shape: Architecture) -> dict[str, str]:
    """Our tensors to the published ones: parts, levels counted from below, and position in a pair of convolutions."""
    layers: dict[str, str] = {}
    for ours, theirs, depth in (
        ("frame.unet", "unet_shared", shape.depth_frame),
        ("context.unet", "unet_union", shape.depth_context),
    ):
        for level in range(depth):
            below = depth - 1 - level
            for place in (0, 2):
                layers[f"{ours}.encoders.{level}.{place}"] = f"{theirs}.encoder.{level}.{place}"
                layers[f"{ours}.decoders.{level}.{place}"] = f"{theirs}.decoder.{below}.{place}"
            layers[f"{ours}.downs.{level}"] = f"{theirs}.poolers.{level}"
            layers[f"{ours}.ups.{level}"] = f"{theirs}.upsamplers.{below}.conv"
        for place in (0, 2):
            layers[f"{ours}.base.{place}"] = f"{theirs}.base.{place}"
        layers[f"{ours}.last"] = f"{theirs}.out_conv"
    for head in range(4):
        layers[f"context.heads.bodies.{head}.0"] = f"mt_heads.{head}.core.0"
        layers[f"context.heads.outs.{head}"] = f"mt_heads.{head}.out_conv"
    return {f"{ours}.{part}": f"{theirs}.{part}" for ours, theirs in layers.items() for part in ("weight", "bias")}


def mirror(model: Decode, *, dims: tuple[int, ...]) -> None:
    """Makes the network see its frames mirrored and answer for the frames as they are.

    DECODE mirrors the frames before its network and leaves the coordinates mirrored. Mirrored kernels and the
    opposite sign of the offset along that axis do the same, and the coordinates stay those of the camera.
    """
    if not dims:
        return
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.copy_(layer.weight.flip(dims))
        means = model.context.get_submodule("heads.outs.1")
        assert isinstance(means, nn.Conv2d)
        assert means.bias is not None
        for dim in dims:
            channel = 1 if dim == -2 else 2
            means.weight[channel].neg_()
            means.bias[channel].neg_()


def _take_epsilon(state: dict[str, Tensor], *, file: Path) -> None:
    """``sigma_eps`` stands among the weights but is a constant of ours."""
    epsilon = state.pop("sigma_eps", None)
    if epsilon is not None and (epsilon.numel() != 1 or abs(float(epsilon) - SIGMA_EPS) > 1e-7):
        raise BadWeightsError(f"{file}: sigma_eps is {epsilon.tolist()}; only {SIGMA_EPS} is supported")


def _is_asked_for_z(fields: Fields) -> bool:
    path = "HyperParameter.disabled_attributes"
    disabled = fields.get(path, default=[])
    disabled = [disabled] if isinstance(disabled, int) else disabled
    if not isinstance(disabled, list) or any(entry != Z_ATTRIBUTE for entry in disabled):
        fields.problem(path, f"is {disabled!r}; only null and {Z_ATTRIBUTE} (z) are supported")
        return True
    return not disabled


def _mirror_dims(fields: Fields) -> tuple[int, ...]:
    path = "Camera.mirror_dim"
    dims = fields.get(path, default=[])
    dims = [dims] if isinstance(dims, int) else dims
    if not isinstance(dims, list) or any(dim not in (-1, -2) for dim in dims):
        fields.problem(path, f"is {dims!r}; null, -1 (columns), -2 (rows) or a list of these is supported")
        return ()
    return tuple(sorted(set(dims)))
