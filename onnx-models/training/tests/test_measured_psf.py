"""A network for a measured PSF, from training to its report."""

import hashlib
from pathlib import Path

import pytest

from blinkd_models import card, cli
from blinkd_models.network import Architecture
from blinkd_models.psf import read_3dcal, write_3dcal
from blinkd_models.simulate import Ranges
from blinkd_models.target import Scales
from blinkd_models.train import Settings, Trainer

FILE = "beads_3dcal.mat"
FEW = ["--densities", "0.5", "--photons", "2000", "--appearances", "40"]


@pytest.fixture
def bundle(spline_run: Path) -> Path:
    """Two updates, and a network that then takes every peak for an emitter, exported."""
    ranges = Ranges(psf="spline", psf_file=f"../{FILE}", z_nm=(-200.0, 200.0))
    shape = Architecture(features=4, z=True)
    settings = Settings(
        steps=2, sequences=1, frames=3, crop_px=16, ranges=ranges, architecture=shape, scales=Scales(z_nm=240.0)
    )
    trainer = Trainer(settings, run=spline_run / "run")
    trainer.run(report=lambda _line: None)
    trainer.average.context.heads.outs[0].bias.data.fill_(0.5)
    trainer.save()
    assert _said(["export", "--run", str(spline_run / "run"), "--bundle", str(spline_run / "b")]) == 0
    return spline_run / "b"


def _said(words: list[str]) -> int:
    arguments = cli.parser().parse_args(["--threads", "1", *words])
    return int(arguments.call(arguments))


def test_the_card_names_the_calibration_and_its_hash_and_no_folder(bundle: Path, spline_run: Path) -> None:
    psf = card.read(bundle)["psf"]
    assert psf == {
        "kind": "spline", "file": FILE, "sha256": hashlib.sha256((spline_run / FILE).read_bytes()).hexdigest(),
    }  # fmt: skip
    assert str(spline_run) not in (bundle / card.NAME).read_text(encoding="utf-8")


def test_evaluate_and_report_simulate_with_the_measured_psf(
    bundle: Path, spline_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    psf = ["--bundle", str(bundle), "--psf", str(spline_run / FILE), *FEW]
    assert _said(["evaluate", *psf]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    page = spline_run / "page.html"
    few = ["--isolated-photons", "2000", "--emitters", "32", "--repeats", "0"]
    assert _said(["report", "--out", str(page), *psf, *few]) == 0
    assert "Cramér" in page.read_text(encoding="utf-8")


def test_a_missing_a_wrong_and_a_needless_calibration_are_refused(
    bundle: Path, spline_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _said(["evaluate", "--bundle", str(bundle), *FEW]) == 2
    assert f"give {FILE} with --psf" in capsys.readouterr().err
    other = spline_run / "other_3dcal.mat"
    spline = read_3dcal(spline_run / FILE)
    spline.coefficients.mul_(0.5)
    write_3dcal(spline, other)
    assert _said(["evaluate", "--bundle", str(bundle), "--psf", str(other), *FEW]) == 2
    assert "the card's psf.sha256 is" in capsys.readouterr().err
    lite = Path(__file__).parents[2] / "decode-2d-lite"
    assert _said(["evaluate", "--bundle", str(lite), "--psf", str(other), *FEW]) == 2
    assert "leave --psf out" in capsys.readouterr().err
