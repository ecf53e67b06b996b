"""ONNX graphs of others: what fits becomes a bundle, what does not is refused with the remedy."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from blinkd_models import card, cli, export
from blinkd_models.graphs import Graphs
from blinkd_models.import_ import graph
from blinkd_models.import_.fields import BadParametersError
from blinkd_models.import_.signature import BadGraphError
from blinkd_models.liteloc import LiteLocArchitecture
from blinkd_models.network import Architecture, Decode
from blinkd_models.weights import build

Shape = Sequence[int | str]


def _decode(folder: Path, **shape: Any) -> Path:
    """A graph that our own exporter makes."""
    torch.manual_seed(0)
    export.export_single(Decode(Architecture(features=4, **shape)).eval(), bundle=folder)
    return folder / "model.onnx"


def _options(folder: Path, **changes: str) -> Path:
    """The template with some lines changed, by the beginning of the line."""
    text = graph.TEMPLATE
    for key, value in changes.items():
        lines = [f"{key} = {value}" if line.lstrip("# ").startswith(f"{key} =") else line for line in text.splitlines()]
        text = "\n".join(lines)
    (folder / "card.options.toml").write_text(text)
    return folder / "card.options.toml"


def _bring(folder: Path, model: Path, **changes: str) -> str:
    return graph.bring(model, options=_options(folder, **changes), bundle=folder / "bundle")


def _graph(
    folder: Path, *, frames: Shape = ("n", 3, "h", "w"), output: Shape = ("n", 10, "h", "w"), inputs: int = 1,
    outputs: int = 1, dtype: int = TensorProto.FLOAT, operator: str = "Conv", domain: str = "", opset: int = 17,
) -> Path:  # fmt: skip
    """A small graph of one 3 x 3 convolution, or with something wrong."""
    weight = np.full((10, frames[1] if isinstance(frames[1], int) else 3, 3, 3), 1e-3, dtype=np.float32)
    attributes = {"pads": [1, 1, 1, 1]} if operator == "Conv" else {}
    nodes = [
        helper.make_node(
            operator, ["in", "weight"] if operator == "Conv" else ["in"], ["made"], domain=domain, **attributes
        ),
        helper.make_node("Sigmoid", ["made"], ["out"]),
    ]
    nodes += [helper.make_node("Identity", ["out"], [f"out{i}"]) for i in range(1, outputs)]
    given = [helper.make_tensor_value_info("in", dtype, frames)]
    given += [helper.make_tensor_value_info(f"in{i}", dtype, frames) for i in range(1, inputs)]
    taken = [helper.make_tensor_value_info("out" + (str(i) if i else ""), dtype, output) for i in range(outputs)]
    constants = [onnx.numpy_helper.from_array(weight, "weight")] if operator == "Conv" else []
    opsets = [helper.make_opsetid("", opset)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    made = helper.make_model(helper.make_graph(nodes, "g", given, taken, constants), opset_imports=opsets, ir_version=8)
    onnx.save(made, folder / "model.onnx")
    return folder / "model.onnx"


@pytest.mark.parametrize("window", [1, 3])
def test_a_graph_becomes_a_bundle_that_answers_the_same(window: int, tmp_path: Path) -> None:
    model = _decode(tmp_path, window_frames=window)
    said = _bring(tmp_path, model)
    content = card.read(tmp_path / "bundle")
    assert content["network"]["window_frames"] == window
    assert content["network"]["halo_px"] == 44
    assert content["network"]["mflop_per_px"] > 0.0
    assert content["graphs"] == {"kind": "single", "model": "model.onnx", "precision": "fp32"}
    assert "any size" in said
    frames = np.random.default_rng(1).normal(size=(2, window, 40, 56)).astype(np.float32)
    one, other = (Graphs.open(folder, card=content) for folder in (tmp_path, tmp_path / "bundle"))
    assert np.array_equal(one.windows(frames), other.windows(frames))
    output = np.load(tmp_path / "bundle" / "golden" / "odd_output.npy")
    assert output.shape == (6, 10, 64, 80)
    assert set(content["golden"]["sha256"]) == {path.name for path in (tmp_path / "bundle" / "golden").iterdir()}


def test_other_names_are_renamed(tmp_path: Path) -> None:
    _bring(tmp_path, _graph(tmp_path), halo_px="4")
    graph_in = onnx.load(tmp_path / "bundle" / "model.onnx").graph
    assert [value.name for value in graph_in.input] == ["frames"]
    assert [value.name for value in graph_in.output] == ["output"]
    assert card.read(tmp_path / "bundle")["network"]["halo_px"] == 4


@pytest.mark.parametrize(
    "architecture",
    [
        LiteLocArchitecture(features=4),
        Architecture(features=4, squeeze=2, depth_frame=1, depth_context=1, activation="relu"),
        Architecture(features=2, activation="elu", z=True),
    ],
)
def test_the_halo_of_a_graph_is_that_of_its_network(architecture: Architecture, tmp_path: Path) -> None:
    torch.manual_seed(0)
    export.export_single(build(architecture.as_dict()).eval(), bundle=tmp_path)
    _bring(tmp_path, tmp_path / "model.onnx")
    assert card.read(tmp_path / "bundle")["network"]["halo_px"] == export.measure_halo_px(architecture)


def test_the_halo_of_the_shipped_graph_is_that_of_its_card(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "decode-2d-lite-single"
    _bring(tmp_path, shipped / "model.onnx")
    assert card.read(tmp_path / "bundle")["network"]["halo_px"] == card.read(shipped)["network"]["halo_px"]


def test_the_halo_of_one_convolution_is_one_pixel(tmp_path: Path) -> None:
    _bring(tmp_path, _graph(tmp_path))
    assert card.read(tmp_path / "bundle")["network"]["halo_px"] == 1


def test_a_halo_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadParametersError, match=r"halo_px is 0, but a pixel is seen 1 px away"):
        _bring(tmp_path, _graph(tmp_path), halo_px="0")


def test_a_fixed_size_is_said_and_tested_at_that_size(tmp_path: Path) -> None:
    said = _bring(tmp_path, _graph(tmp_path, frames=(1, 3, 32, 48), output=(1, 10, 32, 48)))
    assert "only 32 x 48 px" in said
    content = card.read(tmp_path / "bundle")
    assert "Takes frames of 32 x 48 px (rows, columns) only" in content["description"]
    assert np.load(tmp_path / "bundle" / "golden" / "frames.npy").shape == (6, 32, 48)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"output": ("n", 9, "h", "w"), "operator": "Identity", "frames": ("n", 9, "h", "w")}, "9 channels; 3"),
        ({"output": ("n", 3, "h", "w"), "operator": "Identity"}, "'out' has 3 channels; 10 are needed: p, photons"),
        ({"frames": ("n", "c", "h", "w")}, "'in' has any channels"),
        ({"frames": (4, 3, "h", "w"), "output": (4, 10, "h", "w")}, "fixed batch of 4"),
        ({"frames": ("n", 3, 32, "w")}, "fixes one side"),
        ({"inputs": 2}, r"inputs \['in', 'in1'\] where one is needed"),
        ({"outputs": 3}, "concatenate them on channels"),
        (
            {"operator": "Identity", "output": ("n", 3, "h", "w"), "dtype": TensorProto.FLOAT16},
            "'in' is FLOAT16; f32 is needed",
        ),
        ({"frames": ("n", 3, "h"), "output": ("n", 3, "h"), "operator": "Identity"}, "3 dimensions; four are needed"),
        (
            {"operator": "RandomNormalLike", "output": ("n", 3, "h", "w")},
            "RandomNormalLike is not supported; export in evaluation mode",
        ),
        ({"operator": "Special", "domain": "my.own"}, "operator Special of 'my.own'"),
        ({"opset": 9}, "opset is 9 where 11 to 25"),
    ],
)
def test_a_graph_that_does_not_fit_is_refused_with_the_remedy(wrong: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BadGraphError, match=said):
        _bring(tmp_path, _graph(tmp_path, **wrong))
    assert not (tmp_path / "bundle").exists()


class _Linear(nn.Module):
    """Ten channels without non-linearities."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 10, 3, padding=1)

    def forward(self, frames: Tensor) -> Tensor:
        out: Tensor = self.layer(frames)
        return out


def test_channels_that_are_not_decodes_are_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    export._export(_Linear(), inputs={"frames": torch.zeros(1, 3, 16, 16)}, output="output", path=tmp_path / "m.onnx")
    with pytest.raises(BadGraphError, match=r"channel 'p' runs from .* non-linearities inside the graph"):
        _bring(tmp_path, tmp_path / "m.onnx")


def test_a_grid_that_the_graph_does_not_keep_is_refused(tmp_path: Path) -> None:
    model = _decode(tmp_path, depth_frame=3, depth_context=3)
    with pytest.raises(BadGraphError, match="fails on 10 x 18 px, a multiple of 2"):
        _bring(tmp_path, model, grid_px="2")
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def _broken(folder: Path, kind: str) -> Path:
    path = folder / "model.onnx"
    if kind == "text":
        path.write_text("not a graph")
    elif kind == "cut short":
        whole = _decode(folder).read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "too large":
        with path.open("wb") as file:
            file.truncate((64 << 20) + 1)
    elif kind == "external":
        made = onnx.load(_graph(folder))
        made.graph.initializer[0].data_location = TensorProto.EXTERNAL
        made.graph.initializer[0].ClearField("raw_data")
        path.write_bytes(made.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("text", "ONNX"), ("cut short", "cut short"), ("empty", "ONNX"), ("too large", "at most 64"),
        ("external", "save_as_external_data=False"), ("absent", "No such file"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_graph_is_one_line(
    kind: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = _broken(tmp_path, kind)
    words = ["import", "onnx", "--model", str(model), "--card-from", str(_options(tmp_path)), "-o", str(tmp_path / "b")]
    arguments = cli.parser().parse_args(words)
    assert arguments.call(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "b").exists()


def test_options_are_refused_with_every_problem_at_once(tmp_path: Path) -> None:
    options = _options(tmp_path, grid_px='"8"', scale="0.0", photons="[5.0, 1.0]")
    options.write_text(options.read_text().replace("qe =", "eq =").replace('kind = "gaussian"', ""))
    with pytest.raises(BadParametersError) as error:
        graph.bring(_graph(tmp_path), options=options, bundle=tmp_path / "bundle")
    for field in ("network.grid_px", "input.scale", "range.photons", "camera.qe is missing", "camera.eq", "psf.kind"):
        assert field in str(error.value), field


def test_describe_prints_a_template_that_is_complete(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = cli.parser().parse_args(["import", "onnx", "--describe"])
    assert arguments.call(arguments) == 0
    (tmp_path / "t.toml").write_text(capsys.readouterr().out)
    assert "opset 17" in graph.bring(_graph(tmp_path), options=tmp_path / "t.toml", bundle=tmp_path / "bundle")
    arguments = cli.parser().parse_args(["import", "onnx", "-o", "x"])
    assert arguments.call(arguments) == 2
    assert "--model is missing" in capsys.readouterr().err
