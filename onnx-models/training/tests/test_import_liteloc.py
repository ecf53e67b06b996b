"""LiteLoc weights: every tensor lands in its place, counts become photons, its x is our column."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor
from torch.nn import functional

from blinkd_models import card, cli, export
from blinkd_models.graphs import Graphs
from blinkd_models.import_ import liteloc
from blinkd_models.import_.fields import BadParametersError
from blinkd_models.import_.tensors import BadWeightsError
from blinkd_models.liteloc import SIGMA_PER_SQUARED_SPREAD

State = dict[str, Tensor]
OPTIONS = liteloc.Options()


# The published forward pass for one window, stated again from its description, on the published names.
def _published_state(seed: int = 0) -> State:
    generator = torch.Generator().manual_seed(seed)
    state: State = {}

    def norm(name: str, channels: int) -> None:
        state[f"{name}.weight"] = 0.8 + 0.4 * torch.rand(channels, generator=generator)
        state[f"{name}.bias"] = 0.1 * torch.randn(channels, generator=generator)
        state[f"{name}.running_mean"] = 0.1 * torch.randn(channels, generator=generator)
        state[f"{name}.running_var"] = 0.5 + torch.rand(channels, generator=generator)
        state[f"{name}.num_batches_tracked"] = torch.tensor(7)

    def convolution(name: str, channels_in: int, channels_out: int, kernel: int = 3) -> None:
        shape = (channels_out, channels_in, kernel, kernel)
        state[f"{name}.weight"] = torch.randn(shape, generator=generator) * (0.5 / (channels_in * kernel**2)) ** 0.5
        state[f"{name}.bias"] = 0.1 * torch.randn(channels_out, generator=generator)

    norm("norm", 1)
    state["norm.running_mean"] += 300.0
    state["norm.running_var"] *= 1e4
    blocks = {"initial_1": (1, 64), "initial_2": (64, 64), "initial_3": (128, 64), "initial_4": (128, 64),
              "initial_5": (256, 64), "cfe_1": (128, 64), "cfe_2": (128, 64), "cfe_3": (128, 64), "cfe_4": (128, 64),
              "unet_d1": (128, 64), "unet_d2": (64, 64), "unet_d3": (64, 128), "unet_d4": (128, 128),
              "unet_u1": (128, 64), "unet_u2": (128, 64), "unet_u3": (64, 64), "out_1": (64, 64),
              "out_2": (64, 64)}  # fmt: skip
    for name, (channels_in, channels_out) in blocks.items():
        convolution(f"{name}.conv", channels_in, channels_out)
        norm(f"{name}.bn", channels_out)
    for body, out, size in (("p_out", "p_out1", 1), ("xyzi_out", "xyzi_out1", 4), ("xyzis_out1", "xyzis_out2", 4)):
        convolution(f"out_3.{body}", 64, 64)
        convolution(f"out_3.{out}", 64, size, 1)
    return state


def _published_forward(state: State, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """p [H, W], xyzi [4, H, W] and its spread for the middle one of three frames [3, H, W]."""

    def norm(x: Tensor, name: str) -> Tensor:
        parts = (state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(x, *parts)

    def block(x: Tensor, name: str, dilation: int = 1) -> Tensor:
        x = functional.conv2d(
            x, state[f"{name}.conv.weight"], state[f"{name}.conv.bias"], padding=dilation, dilation=dilation
        )
        return norm(functional.relu(x), f"{name}.bn")

    def head(x: Tensor, body: str, out: str) -> Tensor:
        x = functional.elu(functional.conv2d(x, state[f"out_3.{body}.weight"], state[f"out_3.{body}.bias"], padding=1))
        return functional.conv2d(x, state[f"out_3.{out}.weight"], state[f"out_3.{out}.bias"])

    im = functional.max_pool2d(block(norm(counts[:, None], "norm"), "initial_1"), 2)
    out = block(im, "initial_2")
    out = block(torch.cat((out, im), 1), "initial_3") + out
    out = block(torch.cat((out, im), 1), "initial_4") + out
    middle, current = out[1:2], im[1:2]
    out = block(torch.cat((out.reshape(1, -1, *out.shape[2:]), current), 1), "initial_5") + middle
    out4 = block(torch.cat((out, current), 1), "cfe_1", 2) + out
    out5 = block(torch.cat((out4, current), 1), "cfe_2", 4) + out4
    out6 = block(torch.cat((out5, current), 1), "cfe_3", 8) + out5
    out7 = block(torch.cat((out6, current), 1), "cfe_4", 16) + out4 + out6
    half = block(torch.cat((out7, current), 1), "unet_d1")
    out = functional.avg_pool2d(half, 2)
    for name in ("unet_d2", "unet_d3", "unet_d4"):
        out = block(out, name)
    out = block(functional.interpolate(out, scale_factor=2), "unet_u1")
    for name in ("unet_u2", "unet_u3"):
        out = block(torch.cat((out, half), 1) if name == "unet_u2" else out, name)
    out = functional.interpolate(out, scale_factor=2)
    out = block(block(out, "out_1"), "out_2")
    p = torch.sigmoid(torch.clamp(head(out, "p_out", "p_out1"), -16.0, 16.0))
    xyzi = head(out, "xyzi_out", "xyzi_out1")
    xyzi = torch.cat((torch.tanh(xyzi[:, :3]), torch.sigmoid(xyzi[:, 3:])), 1)
    return p[0, 0], xyzi[0], (torch.sigmoid(head(out, "xyzis_out1", "xyzis_out2")) + 0.001)[0]


def _parameters(**changes: Any) -> dict[str, Any]:
    tree: dict[str, Any] = {
        "Camera": {"camera": "EMCCD", "em_gain": 30.0, "surv_p": 0.5, "qe": 0.9, "spurious_c": 0.002,
                   "sig_read": 74.4, "e_per_adu": 45.0, "baseline": 100.0},
        "PSF_model": {"z_scale": 700, "simulate_method": "vector",
                      "vector_psf": {"pixelSizeX": 110, "pixelSizeY": 110}},
        "Training": {"photon_range": [4000, 40000], "bg": 211, "perlin_noise": True, "pn_factor": 0.4,
                     "em_per_frame": 10, "train_size": [64, 64]},
    }  # fmt: skip
    for path, value in changes.items():
        table, field = path.split("__")
        tree[table][field] = value
    return tree


def _files(folder: Path, state: Any, **changes: Any) -> tuple[Path, Path]:
    weights, param = folder / "liteloc.pt", folder / "train_params.yaml"
    torch.save(state, weights)
    param.write_text(yaml.safe_dump(_parameters(**changes)))
    return weights, param


def _in_our_channels(p: Tensor, xyzi: Tensor, spread: Tensor) -> Tensor:
    order = [3, 1, 0, 2]
    return torch.cat([p[None], xyzi[order], SIGMA_PER_SQUARED_SPREAD * spread[order] ** 2, torch.zeros_like(p)[None]])


def test_the_network_answers_as_the_published_one_in_our_axes(tmp_path: Path) -> None:
    state = _published_state()
    weights, param = _files(tmp_path, state)
    model, purpose = liteloc.load(weights, param=param, options=OPTIONS)
    counts = 250.0 + 200.0 * torch.rand(3, 24, 32, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        expected = _in_our_channels(*_published_forward(state, counts))
        assert torch.allclose(model(counts[None])[0], expected, atol=1e-5)
    export.write(model, bundle=tmp_path / "bundle", purpose=purpose)
    content = card.read(tmp_path / "bundle")
    assert content["network"]["features"] == 32
    assert content["network"]["halo_px"] == 95
    actual = Graphs.open(tmp_path / "bundle", card=content).windows(counts[None].numpy())[0]
    assert torch.allclose(torch.from_numpy(actual), expected, atol=1e-5)


def test_photons_of_any_camera_become_the_counts_of_the_training(tmp_path: Path) -> None:
    weights, param = _files(tmp_path, _published_state())
    _, purpose = liteloc.load(weights, param=param, options=OPTIONS)
    adu = torch.tensor([[100.0, 211.0, 4000.0]])
    assert torch.allclose(purpose.scales.to_input(purpose.camera.to_photons(adu)), adu, rtol=1e-5)
    assert purpose.scales.photons == 40000.0
    assert purpose.scales.z_nm == 700.0
    assert purpose.ranges.photons == (4000.0, 40000.0)
    level = 111.0 * 45.0 / 30.0 / 0.9
    assert purpose.ranges.background_photons == pytest.approx((0.6 * level, 1.4 * level))
    assert purpose.ranges.density_per_um2[1] == pytest.approx(20.0 / (64 * 0.11) ** 2)
    assert "no background" in purpose.description


def test_its_spread_becomes_a_standard_deviation() -> None:
    # The published loss for one emitter: |d| / (2 s^2) + ln(s^2) / 2, minimal where s^2 is the mean of |d|.
    sigma = 0.15
    error = sigma * torch.randn(200_000, generator=torch.Generator().manual_seed(1))
    squares = torch.linspace(0.05, 0.3, 2001)
    loss = error.abs().mean() / (2.0 * squares) + 0.5 * torch.log(squares)
    assert float(squares[loss.argmin()]) * SIGMA_PER_SQUARED_SPREAD == pytest.approx(sigma, rel=0.01)
    assert pytest.approx(math.sqrt(math.pi / 2)) == SIGMA_PER_SQUARED_SPREAD


@pytest.mark.parametrize("older", [False, True])
def test_every_published_tensor_is_used_once_under_both_names(older: bool, tmp_path: Path) -> None:
    state = _published_state()
    newer = liteloc.names()
    theirs = liteloc.names(older=older)
    assert len(set(theirs.values())) == len(theirs)
    assert set(newer.values()) == {name for name in state if not name.endswith("num_batches_tracked")}
    renamed = {theirs[ours]: state[name] for ours, name in newer.items()}
    weights, param = _files(tmp_path, renamed)
    model, _ = liteloc.load(weights, param=param, options=OPTIONS)
    assert torch.equal(model.context.get_parameter("full.1.conv.weight"), state["out_2.conv.weight"])
    assert ("pred.p_out.weight" in renamed) == older


class Model:
    """Stands for LiteLoc's pickled object."""


def test_a_pickled_model_is_refused_with_the_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights, param = _files(tmp_path, Model())
    arguments = cli.parser().parse_args(
        ["--threads", "1", "import", "liteloc", "--weights", str(weights), "--param", str(param),
         "-o", str(tmp_path / "b")]
    )  # fmt: skip
    assert arguments.call(arguments) == 2
    error = capsys.readouterr().err
    assert "would run code" in error
    assert "m.network.state_dict()" in error
    assert not (tmp_path / "b").exists()


def test_other_weights_are_said_to_be_no_liteloc(tmp_path: Path) -> None:
    weights, param = _files(tmp_path, {"unet_shared.encoder.0.0.weight": torch.zeros(1)})
    with pytest.raises(BadWeightsError, match=r"no LiteLoc: its first tensor is unet_shared"):
        liteloc.load(weights, param=param, options=OPTIONS)
    state = _published_state()
    del state["cfe_3.bn.running_var"]
    torch.save(state, weights)
    with pytest.raises(BadWeightsError, match=r"1 tensors are missing, first cfe_3\.bn\.running_var"):
        liteloc.load(weights, param=param, options=OPTIONS)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"Camera__camera": "CCD"}, r"Camera\.camera is 'CCD' where one of sCMOS, EMCCD"),
        ({"Camera__em_gain": None}, r"Camera\.em_gain is null"),
        ({"PSF_model__simulate_method": "spline"}, "give --pixel-size-nm"),
        ({"Training__bg": 90}, r"Training\.bg is not above"),
        ({"Training__photon_range": [4000]}, r"Training\.photon_range"),
    ],
)
def test_what_is_open_is_refused_by_its_field(changes: dict[str, Any], field: str, tmp_path: Path) -> None:
    weights, param = _files(tmp_path, _published_state(), **changes)
    with pytest.raises(BadParametersError, match=field):
        liteloc.load(weights, param=param, options=OPTIONS)


def test_the_pixel_size_of_a_spline_is_taken_from_the_person(tmp_path: Path) -> None:
    weights, param = _files(tmp_path, _published_state(), PSF_model__simulate_method="spline")
    _, purpose = liteloc.load(weights, param=param, options=liteloc.Options(pixel_size_nm=108.0, pixel_tolerance=0.05))
    assert purpose.ranges.pixel_size_nm == pytest.approx((108.0 * 0.95, 108.0 * 1.05))
    assert purpose.psf == {"kind": "spline"}
