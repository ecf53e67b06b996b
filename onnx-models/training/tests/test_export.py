"""Bundles: graphs agree, the card keeps its contract, golden files are reproduced."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from blinkd_models import card, cli, export, golden, settings_file
from blinkd_models.bundle import BundleError, writing
from blinkd_models.camera import Camera
from blinkd_models.infer import PostProcess, localize, predict, read_csv
from blinkd_models.network import Architecture, Decode
from blinkd_models.purpose import Purpose
from blinkd_models.simulate import Ranges
from blinkd_models.target import Scales
from blinkd_models.train import Settings, Trainer
from blinkd_models.weights import build

SHIPPED = Path(__file__).parents[2] / "decode-2d-lite"


def _model(**shape: object) -> Decode:
    torch.manual_seed(0)
    return Decode(Architecture(**{"features": 8, **shape})).eval()  # type: ignore[arg-type]


def _purpose(ranges: Ranges | None = None, **other: object) -> Purpose:
    ranges = ranges or Ranges()
    given = {
        "description": "a test",
        "scales": Scales(),
        "ranges": ranges,
        "psf": card.psf_table(ranges),
        "training": {},
    }
    return Purpose(**{**given, **other})  # type: ignore[arg-type]


SHAPES: dict[str, dict[str, object]] = {
    "plain": {},
    "3D": {"z": True},
    "half resolution": {"squeeze": 2},
    "half resolution, shared thin heads, separable": {
        "squeeze": 2, "shared_heads": True, "head_features": 4, "separable": True, "z": True,
        "depth_frame": 1, "depth_context": 1,
    },
    "bilinear": {"upsample": "bilinear", "activation": "elu"},
    "each frame alone": {"window_frames": 1},
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("single", [False, True])
def test_graphs_of_every_shape_agree_with_pytorch_at_any_size(shape: str, single: bool, tmp_path: Path) -> None:
    model = _model(**SHAPES[shape])
    ranges = Ranges(z_nm=(-400.0, 400.0)) if model.architecture.z else Ranges()
    worst = export.write(model, bundle=tmp_path / "a", purpose=_purpose(ranges), single=single)
    assert worst < 1e-6
    content = card.read(tmp_path / "a")
    assert content["name"] == "a"
    assert content["psf"]["kind"] == ("astigmatic" if model.architecture.z else "gaussian")
    assert content["network"]["window_frames"] == model.architecture.window_frames
    split = not single and model.architecture.window_frames == 3
    assert content["network"]["features"] == (model.architecture.feature_maps if split else 0)
    assert content["network"]["grid_px"] % model.architecture.grid_px == 0
    files = {"frame.onnx", "context.onnx"} if split else {"model.onnx"}
    assert set(content["sha256"]) == files
    assert files <= {path.name for path in (tmp_path / "a").iterdir()}


def test_disagreement_is_refused_and_leaves_no_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = _model()
    torch.manual_seed(1)
    other = Decode(Architecture(features=8)).eval()
    honest = export.export_split
    monkeypatch.setattr(export, "export_split", lambda _model, *, bundle: honest(other, bundle=bundle))
    with pytest.raises(ValueError, match="differs from PyTorch"):
        export.write(model, bundle=tmp_path / "a", purpose=_purpose())
    assert list(tmp_path.iterdir()) == []


def test_halo_of_the_published_shape_is_44_pixels_whatever_its_width() -> None:
    assert export.measure_halo_px(Architecture(features=2)) == 44
    assert export.measure_halo_px(Architecture(features=48)) == 44
    assert export.measure_halo_px(Architecture(features=2, depth_frame=1, depth_context=1)) < 44


def test_half_resolution_sees_about_twice_as_far_and_is_not_cut_by_the_probe() -> None:
    assert export.measure_halo_px(Architecture(squeeze=2)) == 90


def test_halo_is_enough_for_a_crop_to_equal_the_whole() -> None:
    model = _model(squeeze=2, depth_frame=1, depth_context=1).double()
    halo, grid = export.measure_halo_px(model.architecture), model.architecture.grid_px
    halo = -(-halo // grid) * grid
    frames = torch.randn(1, 3, 4 * halo, 4 * halo, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    loud = frames.clone()
    loud[:, :, :halo] *= 1e6
    loud[:, :, :, :halo] *= 1e6
    with torch.no_grad():
        whole, part, other = (model(seen) for seen in (frames, frames[:, :, halo:, halo:], loud))
    inside, nearer = (slice(halo + margin, None) for margin in (halo, halo - grid))
    # Not bit for bit: convolutions of another size may add up in another order.
    assert torch.allclose(whole[:, :, inside, inside], part[:, :, halo:, halo:], rtol=0.0, atol=1e-12)
    assert torch.equal(whole[:, :, inside, inside], other[:, :, inside, inside])
    assert not torch.equal(whole[:, :, nearer, nearer], other[:, :, nearer, nearer])


def test_published_shape_costs_what_is_known() -> None:
    # 1.19 MFLOP with the 1x1 convolutions after up-sampling; before it they cost a quarter.
    assert export.mflop_per_px(_model(features=48)) == pytest.approx(1.17, abs=0.03)


@pytest.mark.parametrize("family", ["decode", "liteloc"])
def test_weights_survive_the_bundle(family: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build({"features": 8, "network": family}).eval()
    export.save_weights(model, bundle=tmp_path)
    frames = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(model(frames), export.load_weights(tmp_path)(frames))


def test_card_reads_back_as_written(tmp_path: Path) -> None:
    content = card.compose(
        name="a",
        graphs=export.SINGLE,
        halo_px=44,
        mflop_per_px=0.13,
        architecture=Architecture(),
        purpose=_purpose(description='says "so"\n\tin \\ two lines', training={"seed": 0, "ranges": {"a": [1.0, 2.0]}}),
    )
    content |= {"metrics": [{"ji": 0.9}, {"ji": 0.8}], "golden": {"sha256": {"frames.npy": "ab"}}}
    card.write(content, bundle=tmp_path)
    assert card.read(tmp_path) == content
    assert card.scales(content) == Scales()
    assert card.post_process(content) == PostProcess()


def test_golden_frames_of_an_astigmatic_bundle_are_astigmatic() -> None:
    ranges = Ranges(z_nm=(300.0, 301.0), focus_nm=(300.0, 300.0), density_per_um2=(0.001, 0.002), photons=(1e5, 1e6))
    scene = golden.scene(ranges, camera=Camera(), generator=torch.Generator().manual_seed(2))
    widths = scene.psf.widths(sequence=torch.zeros(1, dtype=torch.long), z_nm=torch.tensor([300.0]))  # type: ignore[attr-defined]
    assert float(widths[0] / widths[1]) > 1.5
    assert scene.z_nm == (300.0, 301.0)


def test_a_folder_that_is_no_bundle_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("x")
    with pytest.raises(BundleError, match=r"no card\.toml"), writing(tmp_path):
        pytest.fail("must not begin")
    assert (tmp_path / "precious.txt").exists()


def test_a_failure_while_writing_leaves_the_older_bundle_as_it_was(tmp_path: Path) -> None:
    bundle = tmp_path / "a"
    bundle.mkdir()
    (bundle / "card.toml").write_text("older")
    with pytest.raises(ZeroDivisionError), writing(bundle) as folder:
        (folder / "card.toml").write_text(f"newer{1 / 0}")
    assert (bundle / "card.toml").read_text() == "older"
    with writing(bundle) as folder:
        (folder / "card.toml").write_text("newer")
    assert (bundle / "card.toml").read_text() == "newer"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_or_a_forbidden_folder_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="free space or name another folder"), writing(tmp_path / "a"):
        raise OSError(28, "No space left on device")
    (tmp_path / "file").write_text("x")
    with pytest.raises(BundleError, match="folder that you may write to"), writing(tmp_path / "file" / "a"):
        pytest.fail("must not begin")
    with pytest.raises(BundleError, match="letters, digits"), writing(tmp_path / "a b"):
        pytest.fail("must not begin")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("largest_bytes", [10_000, 60_000, 100_000])
def test_a_disk_that_fills_at_any_file_leaves_no_half_bundle(largest_bytes: int, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="this system has no limits of file size")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_bytes, before[1]))
    try:
        with pytest.raises(BundleError, match="free space or name another folder"):
            export.write(_model(), bundle=tmp_path / "a", purpose=_purpose())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_that_is_cut_short_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"PK\x03\x04 cut")
    words = ["--threads", "1", "export", "--run", str(tmp_path), "--bundle", str(tmp_path / "b")]
    arguments = cli.parser().parse_args(words)
    assert arguments.call(arguments) == 2
    error = capsys.readouterr().err
    assert "not a whole checkpoint" in error
    assert error.count("\n") == 1


def test_a_bundle_holds_the_recipe_that_trains_it_again(tmp_path: Path) -> None:
    settings = Settings(steps=2, seed=3, sequences=1, frames=3, crop_px=16, architecture=Architecture(features=4))
    Trainer(settings, run=tmp_path / "run").run(report=lambda _line: None)
    words = ["--threads", "1", "export", "--run", str(tmp_path / "run"), "--bundle", str(tmp_path / "b")]
    arguments = cli.parser().parse_args(words)
    assert arguments.call(arguments) == 0
    assert settings_file.build(settings_file.read(tmp_path / "b" / "training.toml"), source="bundle") == settings
    assert card.read(tmp_path / "b")["training"]["command"].endswith("--settings training.toml")


def test_a_run_without_a_checkpoint_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = cli.parser().parse_args(
        ["--threads", "1", "export", "--run", str(tmp_path), "--bundle", str(tmp_path / "b")]
    )
    assert arguments.call(arguments) == 2
    assert "checkpoint.pt is missing" in capsys.readouterr().err


def test_a_checkpoint_becomes_a_bundle(tmp_path: Path) -> None:
    settings = Settings(steps=2, sequences=1, frames=3, crop_px=16, architecture=Architecture(features=4))
    Trainer(settings, run=tmp_path / "run").run(report=lambda _line: None)
    words = [
        "--threads",
        "1",
        "export",
        "--run",
        str(tmp_path / "run"),
        "--bundle",
        str(tmp_path / "b"),
        "--name",
        "mine",
    ]
    arguments = cli.parser().parse_args(words)
    assert arguments.call(arguments) == 0
    content = card.read(tmp_path / "b")
    assert content["name"] == "mine"
    assert content["training"]["steps"] == 2
    assert "4 features" in content["description"]
    assert content["range"]["psf_sigma_nm"] == list(settings.ranges.psf_sigma_nm)


def test_a_card_can_promise_less_depth_than_was_trained_and_not_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ranges = Ranges(z_nm=(-700.0, 700.0))
    shape = Architecture(features=4, z=True)
    settings = Settings(
        steps=2, sequences=1, frames=3, crop_px=16, ranges=ranges, architecture=shape, scales=Scales(z_nm=840.0)
    )
    Trainer(settings, run=tmp_path / "run").run(report=lambda _line: None)
    words = ["export", "--run", str(tmp_path / "run"), "--bundle", str(tmp_path / "b"), "--promise-z"]
    arguments = cli.parser().parse_args([*words, "-600", "600"])
    assert arguments.call(arguments) == 0
    content = card.read(tmp_path / "b")
    assert content["range"]["z_nm"] == [-600.0, 600.0]
    assert "-600 to 600 nm" in content["description"]
    assert settings_file.build(settings_file.read(tmp_path / "b" / "training.toml"), source="bundle") == settings
    arguments = cli.parser().parse_args([*words, "-800", "600"])
    assert arguments.call(arguments) == 2
    assert "trained from -700 to 700 nm" in capsys.readouterr().err


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
    for bundle in (SHIPPED, single):
        worst = export.check_agreement(
            export.load_weights(SHIPPED), bundle=bundle, content=card.read(bundle), ranges=Ranges(), scales=scales
        )
        assert worst < export.AGREEMENT
