"""Published DECODE weights: every tensor lands in its place, and the network answers as the published one."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor
from torch.nn import functional

from blinkd_models import card, cli, export
from blinkd_models.graphs import Graphs
from blinkd_models.import_ import decode
from blinkd_models.import_.decode_purpose import Options
from blinkd_models.import_.fields import BadParametersError, Fields
from blinkd_models.import_.tensors import BadWeightsError

State = dict[str, Tensor]
ACTIVATIONS = {"ELU": functional.elu, "nn.ReLU()": functional.relu, "SiLU": functional.silu}


# The published forward pass, stated again from its description, on the published names.
def _published_state(*, features: int, depths: tuple[int, int], frames: int, seed: int = 0) -> State:
    generator = torch.Generator().manual_seed(seed)
    state: State = {"sigma_eps": torch.tensor([0.001])}

    def convolution(name: str, channels_in: int, channels_out: int, kernel: int) -> None:
        scale = (1.0 / (channels_in * kernel**2)) ** 0.5
        shape = (channels_out, channels_in, kernel, kernel)
        state[f"{name}.weight"] = torch.randn(shape, generator=generator) * scale
        state[f"{name}.bias"] = 0.1 * torch.randn(channels_out, generator=generator)

    for name, channels, depth in (("unet_shared", 1, depths[0]), ("unet_union", frames * features, depths[1])):
        widths = [features * 2**level for level in range(depth + 1)]
        for level in range(depth):
            convolution(f"{name}.encoder.{level}.0", channels if level == 0 else widths[level - 1], widths[level], 3)
            convolution(f"{name}.encoder.{level}.2", widths[level], widths[level], 3)
            convolution(f"{name}.poolers.{level}", widths[level], widths[level], 2)
            from_below = depth - 1 - level
            convolution(f"{name}.upsamplers.{from_below}.conv", widths[level + 1], widths[level], 1)
            convolution(f"{name}.decoder.{from_below}.0", 2 * widths[level], widths[level], 3)
            convolution(f"{name}.decoder.{from_below}.2", widths[level], widths[level], 3)
        convolution(f"{name}.base.0", widths[-2], widths[-1], 3)
        convolution(f"{name}.base.2", widths[-1], widths[-1], 3)
        convolution(f"{name}.out_conv", features, features, 1)
    for head, size in enumerate((1, 4, 4, 1)):
        convolution(f"mt_heads.{head}.core.0", features, features, 3)
        convolution(f"mt_heads.{head}.out_conv", features, size, 1)
    return state


def _published_forward(
    state: State, frames: Tensor, *, activation: Any, upsample: str, disabled: tuple[int, ...]
) -> Tensor:
    def apply(x: Tensor, name: str, **options: int) -> Tensor:
        return functional.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], **options)

    def pair(x: Tensor, name: str) -> Tensor:
        return activation(apply(activation(apply(x, f"{name}.0", padding=1)), f"{name}.2", padding=1))

    def unet(x: Tensor, name: str) -> Tensor:
        skips: list[Tensor] = []
        while f"{name}.encoder.{len(skips)}.0.weight" in state:
            skips.append(pair(x, f"{name}.encoder.{len(skips)}"))
            x = apply(skips[-1], f"{name}.poolers.{len(skips) - 1}", stride=2)
        x = pair(x, f"{name}.base")
        for step, skip in enumerate(reversed(skips)):
            x = apply(functional.interpolate(x, scale_factor=2, mode=upsample), f"{name}.upsamplers.{step}.conv")
            x = pair(torch.cat((skip, x), 1), f"{name}.decoder.{step}")
        return apply(x, f"{name}.out_conv")

    shared = [unet(frames[:, [i]], "unet_shared") for i in range(frames.shape[1])]
    x = unet(torch.cat(shared, 1), "unet_union")
    heads = [apply(activation(apply(x, f"mt_heads.{i}.core.0", padding=1)), f"mt_heads.{i}.out_conv") for i in range(4)]
    x = torch.cat(heads, 1)
    x[:, 0] = torch.clamp(x[:, 0], -8.0, 8.0)
    for channel in (0, 1, 5, 6, 7, 8, 9):
        x[:, channel] = torch.sigmoid(x[:, channel])
    for channel in (2, 3, 4):
        x[:, channel] = torch.tanh(x[:, channel])
    x[:, 5:9] = x[:, 5:9] * 3 + state["sigma_eps"]
    for attribute in disabled:
        x[:, 1 + attribute] = 0.0
        x[:, 5 + attribute] = 0.1
    return x


def _parameters(**changes: Any) -> dict[str, Any]:
    """A resolved parameter file in the published layout; ``changes``: dotted paths, ``...`` takes the field out."""
    tree: dict[str, Any] = {
        "Camera": {"baseline": 398.6, "convert2photons": True, "e_per_adu": 5.0, "em_gain": 100.0, "mirror_dim": None,
                   "px_size": [127.0, 117.0], "qe": 0.9, "read_sigma": 74.4, "spur_noise": 0.0015},
        "HyperParameter": {
            "architecture": "SigmaMUNet", "channels_in": 3, "disabled_attributes": None,
            "emitter_label_photon_min": 100.0,
            "arch_param": {"activation": "ELU", "depth_shared": 2, "depth_union": 2, "initial_features": 8,
                           "inter_features": 8, "norm": None, "norm_groups": None, "norm_head": None,
                           "norm_head_groups": None, "p_dropout": None, "pool_mode": "StrideConv",
                           "skip_gn_level": None, "upsample_mode": "nearest", "init_custom": True},
        },
        "InOut": {"calibration_file": "/somewhere/spline_calibration_3dcal.mat"},
        "Meta": {"version": "0.10.0"},
        "Scaling": {"bg_max": 120.0, "input_offset": 75.0, "input_scale": 20.0, "phot_max": 1500.0, "z_max": 840.0},
        "Simulation": {"bg_uniform": [50.0, 100.0], "density": None, "emitter_av": 20,
                       "emitter_extent": [[-0.5, 39.5], [-0.5, 39.5], [-700, 700]], "intensity_mu_sig": [1000.0, 50.0],
                       "lifetime_avg": 2.0},
    }  # fmt: skip
    for path, value in changes.items():
        *tables, last = path.split("__")
        table = tree
        for name in tables:
            table = table[name]
        if value is ...:
            del table[last]
        else:
            table[last] = value
    return tree


def _files(folder: Path, state: Any, **changes: Any) -> tuple[Path, Path]:
    weights, param = folder / "model_2.pt", folder / "param_run.yaml"
    torch.save(state, weights)
    param.write_text(yaml.safe_dump(_parameters(**changes)))
    return weights, param


def _import(folder: Path, *words: str) -> int:
    arguments = cli.parser().parse_args(
        ["--threads", "1", "import", "decode", "--weights", str(folder / "model_2.pt"),
         "--param", str(folder / "param_run.yaml"), "-o", str(folder / "bundle"), *words]
    )  # fmt: skip
    return int(arguments.call(arguments))


CASES: dict[str, dict[str, Any]] = {
    "as published": {},
    "ReLU": {"activation": "nn.ReLU()"},
    "bilinear": {"upsample": "bilinear"},
    "unequal depths": {"depths": (1, 3)},
    "2D": {"disabled": (3,)},
    "one frame": {"frames": 1},
}


def _case(folder: Path, case: str, **changes: Any) -> tuple[Path, Path, Any]:
    """Files of a case, and the published forward pass with its weights."""
    given: dict[str, Any] = {
        "activation": "ELU", "upsample": "nearest", "depths": (2, 2), "disabled": (), "frames": 3, **CASES[case],
    }  # fmt: skip
    state = _published_state(features=8, depths=given["depths"], frames=given["frames"])
    weights, param = _files(
        folder,
        state,
        HyperParameter__channels_in=given["frames"],
        HyperParameter__disabled_attributes=list(given["disabled"]) or None,
        HyperParameter__arch_param__activation=given["activation"],
        HyperParameter__arch_param__upsample_mode=given["upsample"],
        HyperParameter__arch_param__depth_shared=given["depths"][0],
        HyperParameter__arch_param__depth_union=given["depths"][1],
        **changes,
    )

    def forward(frames: Tensor) -> Tensor:
        with torch.no_grad():
            return _published_forward(
                state, frames, activation=ACTIVATIONS[given["activation"]], upsample=given["upsample"],
                disabled=given["disabled"],
            )  # fmt: skip

    return weights, param, forward


@pytest.mark.parametrize("case", CASES)
def test_the_network_answers_as_the_published_one(case: str, tmp_path: Path) -> None:
    weights, param, forward = _case(tmp_path, case)
    model, purpose = decode.load(weights, param=param, options=Options())
    frames = torch.randn(2, model.architecture.window_frames, 24, 32, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        assert torch.allclose(model(frames), forward(frames), atol=1e-5)
    export.write(model, bundle=tmp_path / "bundle", purpose=purpose)
    content = card.read(tmp_path / "bundle")
    actual = Graphs.open(tmp_path / "bundle", card=content).windows(frames.numpy())
    assert torch.allclose(torch.from_numpy(actual), forward(frames), atol=1e-5)
    assert content["graphs"]["kind"] == ("single" if case == "one frame" else "split")
    reloaded = export.load_weights(tmp_path / "bundle")
    with torch.no_grad():
        assert torch.equal(reloaded(frames), model(frames))


@pytest.mark.parametrize(("dims", "signs"), [([-1], (1, -1)), (-2, (-1, 1)), ([-1, -2], (-1, -1))])
def test_a_mirrored_camera_is_undone_in_the_weights(dims: Any, signs: tuple[int, int], tmp_path: Path) -> None:
    weights, param, forward = _case(tmp_path, "as published", Camera__mirror_dim=dims)
    model, purpose = decode.load(weights, param=param, options=Options())
    axes = dims if isinstance(dims, list) else [dims]
    frames = torch.randn(1, 3, 16, 24, generator=torch.Generator().manual_seed(5))
    expected = forward(frames.flip(axes)).flip(axes)
    expected[:, 2] *= signs[0]
    expected[:, 3] *= signs[1]
    with torch.no_grad():
        assert torch.allclose(model(frames), expected, atol=1e-5)
    assert "mirrored" in purpose.description


def test_every_published_tensor_is_used_once() -> None:
    shape = decode.architecture(Fields(_parameters(), file="x"))
    state = _published_state(features=8, depths=(2, 2), frames=3)
    theirs = list(decode.names(shape).values())
    assert len(theirs) == len(set(theirs))
    assert set(theirs) == set(state) - {"sigma_eps"}


def test_the_card_says_what_the_parameter_file_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _case(tmp_path, "as published")
    assert _import(tmp_path, "--raw-th", "0.1", "--licence", "CC-BY-4.0") == 0
    content = card.read(tmp_path / "bundle")
    assert content["input"] == {"unit": "photons", "offset": 75.0, "scale": 20.0}
    output = content["output"]
    assert (output["photons_scale"], output["z_scale_nm"], output["background_scale"]) == (1500.0, 840.0, 120.0)
    assert content["range"]["pixel_size_nm"] == pytest.approx([117.0 * 0.9, 127.0 * 1.1])
    assert content["range"]["photons"] == [850.0, 1150.0]
    assert content["range"]["background_photons"] == [50.0, 100.0]
    assert content["range"]["z_nm"] == [-700.0, 700.0]
    assert content["range"]["density_per_um2"][1] == pytest.approx(2 * 20 / (1600 * 0.127 * 0.117))
    assert content["postprocess"] == {"candidate": 0.1, "second": 0.6, "accept": 0.1}
    assert content["psf"] == {"kind": "spline"}
    assert content["licence"] == "CC-BY-4.0"
    assert content["training"]["calibration"] == "spline_calibration_3dcal.mat"
    assert "raw_th = 0.1" in content["description"]
    assert "width in nm unknown" in content["description"]
    assert "somewhere" not in str(content)
    camera = content["golden"]["camera"]
    assert (camera["offset_adu"], camera["em_gain"], camera["spurious"]) == (398.6, 100.0, 0.0015)
    assert content["training"]["weights_sha1"] in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"model_2.pt", "param_run.yaml", "bundle"}


def test_a_folder_means_the_weights_written_last(tmp_path: Path) -> None:
    for number, age_s in ((0, 50), (1, 10), (2, 90)):
        path = tmp_path / f"model_{number}.pt"
        path.write_bytes(b"x")
        os.utime(path, (1e9 - age_s, 1e9 - age_s))
    assert decode.newest(tmp_path).name == "model_1.pt"
    os.utime(tmp_path / "model_2.pt", (1e9 - 10, 1e9 - 10))
    with pytest.raises(BadWeightsError, match=r"model_1\.pt and model_2\.pt have the same time"):
        decode.newest(tmp_path)
    with pytest.raises(BadWeightsError, match=r"holds none of model_0\.pt"):
        decode.newest(tmp_path / "nowhere")


def test_a_checkpoint_with_more_than_weights_gives_its_weights(tmp_path: Path) -> None:
    state = _published_state(features=8, depths=(2, 2), frames=3)
    weights, param = _files(tmp_path, {"step": 3, "model_state": state, "log": None})
    model, _ = decode.load(weights, param=param, options=Options())
    assert torch.equal(model.frame.get_parameter("unet.last.weight"), state["unet_shared.out_conv.weight"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"HyperParameter__arch_param__activation": ...}, "arch_param.activation is missing"),
        ({"HyperParameter__arch_param__activation": "eval('1')"}, "arch_param.activation is .* one of ELU"),
        ({"HyperParameter__arch_param__upsample_mode": None}, "arch_param.upsample_mode is null"),
        ({"HyperParameter__arch_param__norm": "GroupNorm"}, "arch_param.norm is 'GroupNorm'; only null"),
        ({"HyperParameter__arch_param__norm_head": "GroupNorm"}, "arch_param.norm_head"),
        ({"HyperParameter__arch_param__pool_mode": "MaxPool"}, "arch_param.pool_mode is 'MaxPool'"),
        ({"HyperParameter__arch_param__inter_features": 16}, "arch_param.inter_features is 16, initial_features 8"),
        ({"HyperParameter__disabled_attributes": [0]}, "disabled_attributes"),
        ({"HyperParameter__architecture": "DoubleMUnet"}, "HyperParameter.architecture"),
        ({"HyperParameter__channels_in": 2}, "channels_in is 2"),
        ({"Camera__mirror_dim": 3}, "Camera.mirror_dim is"),
        ({"Camera__em_gain": ...}, "Camera.em_gain is missing"),
        ({"Camera__convert2photons": False}, "Camera.convert2photons is false"),
        ({"Camera__px_size": [100.0]}, "Camera.px_size"),
        ({"Scaling__input_scale": 0.0}, "Scaling.input_scale is 0.0"),
        ({"Simulation__emitter_extent": [[0, 1]]}, "Simulation.emitter_extent"),
    ],
)
def test_what_is_open_or_not_supported_is_refused_by_its_field(
    changes: dict[str, Any], field: str, tmp_path: Path
) -> None:
    weights, param = _files(tmp_path, _published_state(features=8, depths=(2, 2), frames=3), **changes)
    with pytest.raises(BadParametersError, match=field) as error:
        decode.load(weights, param=param, options=Options())
    assert "param_run.yaml" in str(error.value)


def test_an_unresolved_parameter_file_is_refused_with_all_open_fields(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("bg_max", "input_offset", "input_scale", "phot_max", "z_max"))
    weights, param = _files(tmp_path, _published_state(features=8, depths=(2, 2), frames=3), Scaling=nothing)
    with pytest.raises(BadParametersError, match=r"Take param_run\.yaml, which DECODE writes") as error:
        decode.load(weights, param=param, options=Options())
    for name in nothing:
        assert f"Scaling.{name} is null" in str(error.value)


class _Code:
    def __reduce__(self) -> Any:
        return os.mkdir, ("ran",)


def _damage(path: Path, kind: str) -> None:
    whole = path.read_bytes()
    if kind == "cut short":
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("no weights at all\n" * 10)
    elif kind == "a pickle with code":
        torch.save({"weights": _Code()}, path)
    elif kind == "a list":
        torch.save([1, 2], path)
    elif kind == "no tensors":
        torch.save({"a": 3}, path)
    elif kind == "not finite":
        state = torch.load(path, weights_only=True)
        state["mt_heads.0.out_conv.bias"][0] = torch.nan
        torch.save(state, path)
    else:
        path.unlink()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("cut short", "cut short|damaged"),
        ("empty", "cut short|damaged"),
        ("text", "not a file of PyTorch weights"),
        ("a pickle with code", "would run code"),
        ("a list", "holds no state dict"),
        ("no tensors", "'a' is no tensor"),
        ("not finite", "mt_heads.0.out_conv.bias holds values that are not finite"),
        ("absent", "No such file"),
    ],
)
def test_bad_weights_are_one_line_and_leave_nothing(
    kind: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _files(tmp_path, _published_state(features=8, depths=(2, 2), frames=3))
    _damage(tmp_path / "model_2.pt", kind)
    before = sorted(tmp_path.iterdir())
    assert _import(tmp_path) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert any(part in error for part in said.split("|")), error
    assert sorted(tmp_path.iterdir()) == before


def test_weights_of_another_shape_name_the_first_tensors(tmp_path: Path) -> None:
    weights, param = _files(tmp_path, _published_state(features=8, depths=(3, 2), frames=3))
    with pytest.raises(BadWeightsError, match="unexpected, first unet_shared") as error:
        decode.load(weights, param=param, options=Options())
    assert "[16, 16, 3, 3] where [8, 8, 3, 3] is expected" in str(error.value)
    torch.save({"initial_1.conv.weight": torch.zeros(1)}, weights)
    with pytest.raises(BadWeightsError, match=r"missing, first unet_shared\.encoder\.0\.0\.weight"):
        decode.load(weights, param=param, options=Options())


def test_another_sigma_eps_is_refused(tmp_path: Path) -> None:
    state = _published_state(features=8, depths=(2, 2), frames=3) | {"sigma_eps": torch.tensor([0.01])}
    weights, param = _files(tmp_path, state)
    with pytest.raises(BadWeightsError, match="sigma_eps is"):
        decode.load(weights, param=param, options=Options())


@pytest.mark.parametrize("text", ["a: [1, 2", "just words", "", "- 1\n- 2", "a: &x [*x]"])
def test_a_file_that_holds_no_parameters_is_said_so(text: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(BadParametersError, match=r"p\.yaml"):
        decode.load(tmp_path / "model_0.pt", param=tmp_path / "p.yaml", options=Options())


def test_a_bundle_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _case(tmp_path, "as published")
    (tmp_path / "bundle").write_text("a file")
    assert _import(tmp_path) == 2
    assert "name a new folder" in capsys.readouterr().err
