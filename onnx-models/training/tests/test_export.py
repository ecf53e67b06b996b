"""Bundles: graphs agree, the card keeps its contract, golden files are reproduced."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from blinkd_models import card, export, golden
from blinkd_models.camera import Camera
from blinkd_models.infer import PostProcess, localize, predict, read_csv
from blinkd_models.network import Architecture, Decode
from blinkd_models.simulate import Ranges
from blinkd_models.target import Scales

SHIPPED = Path(__file__).parents[2] / "decode-2d-lite"


def _model(**shape: object) -> Decode:
    torch.manual_seed(0)
    return Decode(Architecture(**{"features": 8, **shape})).eval()  # type: ignore[arg-type]


@pytest.mark.parametrize("z", [False, True])
def test_split_and_single_graphs_agree_with_pytorch(z: bool, tmp_path: Path) -> None:
    model = _model(z=z)
    assert export.export_split(model, bundle=tmp_path) == ["frame.onnx", "context.onnx"]
    assert export.export_single(model, bundle=tmp_path) == ["model.onnx"]
    assert export.check_agreement(model, split=tmp_path, single=tmp_path, ranges=Ranges(), scales=Scales()) < 1e-4


def test_disagreement_is_refused(tmp_path: Path) -> None:
    export.export_split(_model(), bundle=tmp_path)
    export.export_single(_model(), bundle=tmp_path)
    torch.manual_seed(1)
    other = Decode(Architecture(features=8)).eval()
    with pytest.raises(ValueError, match="differs from PyTorch"):
        export.check_agreement(other, split=tmp_path, single=tmp_path, ranges=Ranges(), scales=Scales())


def test_halo_of_the_published_shape_is_44_pixels() -> None:
    assert export.measure_halo_px(Architecture(features=2)) == 44
    assert export.measure_halo_px(Architecture(features=2, depth_frame=1, depth_context=1)) < 44


def test_published_shape_costs_what_is_known() -> None:
    # 1.19 MFLOP with the 1x1 convolutions after up-sampling; before it they cost a quarter.
    assert export.mflop_per_px(_model(features=48)) == pytest.approx(1.17, abs=0.03)


def test_weights_survive_the_bundle(tmp_path: Path) -> None:
    model = _model()
    export.save_weights(model, bundle=tmp_path)
    frames = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(model(frames), export.load_weights(tmp_path)(frames))


def test_card_reads_back_as_written(tmp_path: Path) -> None:
    content = card.compose(
        name="a",
        description='says "so"',
        graphs={"kind": "single", "model": "model.onnx"},
        halo_px=44,
        mflop_per_px=0.13,
        architecture=Architecture(),
        scaling=Scales(),
        ranges=Ranges(),
        training={"seed": 0},
    )
    content |= {"metrics": [{"ji": 0.9}, {"ji": 0.8}], "golden": {"sha256": {"frames.npy": "ab"}}}
    card.write(content, bundle=tmp_path)
    assert card.read(tmp_path) == content
    assert card.scales(content) == Scales()
    assert card.post_process(content) == PostProcess()


def test_a_folder_that_is_no_bundle_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("x")
    with pytest.raises(ValueError, match=r"no card\.toml"):
        export.fresh_folder(tmp_path)
    assert (tmp_path / "precious.txt").exists()


@pytest.mark.parametrize("prefix", sorted(golden.CASES))
def test_shipped_bundle_reproduces_its_golden_files(prefix: str) -> None:
    content = tomllib.loads((SHIPPED / "card.toml").read_text())
    table = content["golden"]
    folder = SHIPPED / "golden"
    for name, digest in table["sha256"].items():
        assert card.sha256(folder / name) == digest
    given = dict(table["camera"])
    camera = Camera(spurious_e=given.pop("spurious"), **given)
    photons = camera.to_photons(torch.from_numpy(np.load(folder / f"{prefix}frames.npy").astype(np.float32)))
    scales, post = card.scales(content), card.post_process(content)
    output = predict(export.load_weights(SHIPPED), photons=photons, scales=scales, grid_px=card.GRID_PX)
    expected = torch.from_numpy(np.load(folder / f"{prefix}output.npy"))
    assert torch.allclose(output, expected, atol=1e-4)
    found = localize(expected, scales=scales, post=post, height=photons.shape[1], width=photons.shape[2])
    again = read_csv(folder / f"{prefix}localizations.csv")
    assert len(found) == len(again) > 50
    assert torch.allclose(found.x_px, again.x_px, rtol=1e-5)


def test_shipped_graphs_are_those_of_their_cards_and_agree_with_the_weights() -> None:
    single = SHIPPED.with_name("decode-2d-lite-single")
    for bundle in (SHIPPED, single):
        for name, digest in card.read(bundle)["sha256"].items():
            assert card.sha256(bundle / name) == digest
    scales = card.scales(card.read(SHIPPED))
    worst = export.check_agreement(
        export.load_weights(SHIPPED), split=SHIPPED, single=single, ranges=Ranges(), scales=scales
    )
    assert worst < export.AGREEMENT
