"""int8 bundles: as good as allowed, honest about it, fp32 at their ends."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from blinkd_models import card, cli, export, quantize
from blinkd_models.graphs import Graphs
from blinkd_models.network import Architecture, Decode
from blinkd_models.purpose import Purpose
from blinkd_models.simulate import Ranges
from blinkd_models.target import Scales

SHIPPED = Path(__file__).parents[2] / "decode-2d-lite"


@pytest.fixture(autouse=True)
def _few_calibration_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantize, "CALIBRATION_SEQUENCES", 4)


def _bundle(folder: Path, *, single: bool = False, **shape: Any) -> Path:
    torch.manual_seed(0)
    model = Decode(Architecture(**{"features": 8, **shape}))
    ranges = Ranges(z_nm=(-300.0, 300.0), focus_nm=(250.0, 250.0)) if model.architecture.z else Ranges()
    purpose = Purpose(description="tiny.", scales=Scales(), ranges=ranges, psf=card.psf_table(ranges), training={})
    export.write(model, bundle=folder / "fine", purpose=purpose, single=single)
    return folder / "fine"


def test_the_shipped_bundle_keeps_its_accuracy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantize, "CALIBRATION_SEQUENCES", 24)
    report = quantize.quantize(SHIPPED, bundle=tmp_path / "lite-int8", sequences=6)
    assert report.before.emitters > 1000
    assert report.before.ji > 0.7
    assert report.ji_loss < 0.02
    content, source = card.read(tmp_path / "lite-int8"), card.read(SHIPPED)
    assert content["graphs"]["precision"] == "int8"
    assert content["name"] == "lite-int8"
    assert content["training"]["quantized"]["from"] == "decode-2d-lite"
    assert content["training"]["quantized"]["ji_after"] == pytest.approx(report.after.ji, abs=1e-4)
    assert "metrics" not in content
    assert not (tmp_path / "lite-int8" / "weights.pt").exists()
    for table in ("network", "input", "output", "postprocess", "range", "psf"):
        assert content[table] == source[table]
    for name in ("frame.onnx", "context.onnx"):
        assert (tmp_path / "lite-int8" / name).stat().st_size < 0.5 * (SHIPPED / name).stat().st_size


@pytest.mark.parametrize(
    ("single", "shape"), [(True, {}), (False, {"squeeze": 2, "activation": "relu"}), (False, {"z": True})]
)
def test_every_shape_is_quantized_inside_and_fp32_at_its_ends(
    single: bool, shape: dict[str, Any], tmp_path: Path
) -> None:
    source = _bundle(tmp_path, single=single, **shape)
    quantize.quantize(source, bundle=tmp_path / "coarse", sequences=1)
    fine, coarse = (Graphs.open(path, card=card.read(path)) for path in (source, tmp_path / "coarse"))
    frames = np.random.default_rng(1).normal(size=(2, 3, 40, 24)).astype(np.float32)
    one, other = fine.windows(frames), coarse.windows(frames)
    assert other.dtype == np.float32
    assert np.abs(one - other).max() < 0.05
    assert not np.array_equal(one, other)
    last = onnx.load(tmp_path / "coarse" / ("model.onnx" if single else "context.onnx")).graph
    makers = {output: node.op_type for node in last.node for output in node.output}
    assert makers["output"] == "Concat"
    assert {"QuantizeLinear", "DequantizeLinear"} <= set(makers.values())


@pytest.mark.parametrize(
    ("jaccard", "rmse_nm", "said"),
    [
        ((0.9, 0.8), (9.0, 9.0), "int8 loses 0.100 of the Jaccard index 0.900, allowed 0.02"),
        ((0.9, 0.9), (9.0, 11.0), "int8 has 11.0 nm where fp32 has 9.0 nm, allowed 10% more"),
    ],
)
def test_too_large_a_loss_is_refused_and_nothing_is_written(
    jaccard: tuple[float, float],
    rmse_nm: tuple[float, float],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = _bundle(tmp_path)
    pairs = zip(jaccard, rmse_nm, strict=True)
    found = iter([quantize.Quality(ji=ji, rmse_lateral_nm=rmse, emitters=5) for ji, rmse in pairs])
    monkeypatch.setattr(quantize, "judge", lambda *_, **__: next(found))
    arguments = cli.parser().parse_args(
        ["--threads", "1", "quantize", "--bundle", str(source), "-o", str(tmp_path / "coarse")]
    )
    assert arguments.call(arguments) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["fine"]


def test_what_is_no_fp32_bundle_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "card.toml").write_text("graphs = {precision = 'int8'}")
    for folder, said in ((tmp_path, "is int8 already"), (tmp_path / "nowhere", "name a bundle's folder")):
        arguments = cli.parser().parse_args(["quantize", "--bundle", str(folder), "-o", str(tmp_path / "b")])
        assert arguments.call(arguments) == 2
        assert said in capsys.readouterr().err
