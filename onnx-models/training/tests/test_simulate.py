"""Blinking statistics and recordings against closed forms."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from blinkd_models.camera import Camera
from blinkd_models.emitters import Blinking, sample_emitters
from blinkd_models.evaluate import Condition
from blinkd_models.psf import Astigmatic, Gaussian2d, render
from blinkd_models.simulate import Ranges, draw_scene, simulate
from blinkd_models.target import Scales, make_target


def _blinking(density: float, *, sequences: int = 1, photons: float = 1000.0, on_time: float = 2.0) -> Blinking:
    def same(value: float) -> torch.Tensor:
        return torch.full((sequences,), value)

    return Blinking(density_per_px=same(density), photons=same(photons), spread=same(0.0), on_time_frames=same(on_time))


@pytest.mark.parametrize("on_time", [0.5, 2.0, 5.0])
def test_visible_density_is_the_one_asked_for(on_time: float, generator: torch.Generator) -> None:
    frames, size = 10, 100
    emitters = sample_emitters(
        blinking=_blinking(0.05, on_time=on_time),
        frames=frames,
        height=size,
        width=size,
        margin_px=4.0,
        z_range_nm=(0.0, 0.0),
        generator=generator,
    )
    number = len(emitters.within(height=size, width=size).visible())
    expected = 0.05 * size**2 * frames
    assert number == pytest.approx(expected, abs=6.0 * (expected * (1.0 + 2.0 * on_time)) ** 0.5)


def test_an_emitter_shines_in_consecutive_frames_and_fully_between_first_and_last(generator: torch.Generator) -> None:
    emitters = sample_emitters(
        blinking=_blinking(0.01, on_time=4.0),
        frames=10,
        height=50,
        width=50,
        margin_px=0.0,
        z_range_nm=(0.0, 0.0),
        generator=generator,
    )
    for one in emitters.emitter.unique():
        shown = emitters.where(emitters.emitter == one)
        assert torch.equal(shown.frame, torch.arange(int(shown.frame[0]), int(shown.frame[0]) + len(shown)))
        assert bool((shown.share[1:-1] > 0.999).all())
        assert bool((shown.photons <= 1000.5).all())


def test_recording_of_an_empty_field_is_its_background(generator: torch.Generator) -> None:
    condition = Condition(density_per_um2=0.0, background_photons=20.0)
    recording = simulate(condition.scene(4), frames=10, height=64, width=64, generator=generator)
    assert len(recording.emitters) == 0
    assert float(recording.photons.mean()) == pytest.approx(20.0, abs=0.1)
    assert float(recording.photons.var()) == pytest.approx(
        float(condition.camera.noise_variance(torch.tensor(20.0))), rel=0.03
    )


def test_light_in_a_recording_is_background_plus_emitters(generator: torch.Generator) -> None:
    scene = draw_scene(Ranges(emccd=0.0), sequences=3, generator=generator)
    recording = simulate(scene, frames=8, height=60, width=60, generator=generator)
    assert isinstance(scene.psf, Gaussian2d)
    shown = recording.emitters
    sigma = scene.psf.sigma_px[shown.sequence]
    landed = shown.photons.double()
    for place in (shown.row_px, shown.col_px):
        edges = torch.stack([-0.5 - place, 59.5 - place]).double() / (math.sqrt(2.0) * sigma)
        landed = landed * 0.5 * (torch.erf(edges[1]) - torch.erf(edges[0]))
    for sequence in range(3):
        seen, base = recording.photons[sequence].double(), recording.background[sequence].double()
        light = float((seen - base).sum())
        qe = float(torch.as_tensor(scene.camera.qe)[sequence])
        read = float(torch.as_tensor(scene.camera.read_noise_e)[sequence]) ** 2 / qe**2 + 0.1
        error = math.sqrt(float(base.sum() + landed[shown.sequence == sequence].sum()) / qe + read * seen.numel())
        assert abs(light - float(landed[shown.sequence == sequence].sum())) < 4.0 * error


MANY = Ranges(emccd=0.3, scmos_maps=0.5, uneven_background=0.4, cloudy_background=0.4)


def test_shares_of_cameras_and_backgrounds_are_those_asked_for(generator: torch.Generator) -> None:
    scene = draw_scene(MANY, sequences=4000, generator=generator)
    assert scene.clouds is not None
    assert scene.pixel_spread is not None
    em = torch.as_tensor(scene.camera.em_gain).flatten() > 1.0
    differs = torch.as_tensor(scene.pixel_spread.gain_sd) > 0.0
    cloudy, uneven = scene.clouds.amplitude > 0.0, scene.unevenness > 0.0
    for share, expected in ((em, 0.3), (differs, 0.35), (cloudy, 0.4), (uneven, 0.4)):
        assert float(share.float().mean()) == pytest.approx(expected, abs=4.0 * math.sqrt(0.25 / 4000))
    assert not bool((em & differs).any())
    assert not bool((cloudy & uneven).any())


def test_maps_are_drawn_with_the_recording_and_taken_out_again(generator: torch.Generator) -> None:
    scene = draw_scene(
        Ranges(scmos_maps=1.0, emccd=0.0, density_per_um2=(1e-6, 1e-6)), sequences=3, generator=generator
    )
    recording = simulate(scene, frames=200, height=24, width=24, generator=generator)
    camera = recording.scene.camera
    assert torch.as_tensor(camera.offset_adu).shape == (3, 1, 24, 24)
    residual = (recording.photons - recording.background).double()
    z = residual.mean(dim=1) / ((camera.noise_variance(recording.background).mean(dim=1)) / 200.0).sqrt()
    assert float(z.square().mean()) == pytest.approx(1.0, abs=4.0 * math.sqrt(2.0 / z.numel()))


@pytest.mark.parametrize(
    ("ranges", "kind"),
    [
        (Ranges(), Gaussian2d),
        (Ranges(z_nm=(-400.0, 400.0)), Astigmatic),
        (Ranges(psf="gaussian", z_nm=(-400.0, 400.0)), Gaussian2d),
        (Ranges(psf="astigmatic"), Astigmatic),
    ],
)
def test_psf_is_the_one_named_or_that_of_the_range_of_z(ranges: Ranges, kind: type, generator: torch.Generator) -> None:
    assert isinstance(draw_scene(ranges, sequences=2, generator=generator).psf, kind)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        (Ranges(psf="airy"), "choose one of gaussian, astigmatic, spline"),
        (Ranges(psf="spline"), "go together"),
        (Ranges(psf_file="a_3dcal.mat"), "go together"),
        (Ranges(psf="spline", psf_file="absent_3dcal.mat"), "absent_3dcal.mat: no such file"),
        (Ranges(uneven_background=0.6, cloudy_background=0.6), "sum to more than 1"),
    ],
)
def test_ranges_that_do_not_fit_together_are_refused(ranges: Ranges, message: str, generator: torch.Generator) -> None:
    with pytest.raises(ValueError, match=message):
        draw_scene(ranges, sequences=2, generator=generator)


def test_spline_of_a_file_is_drawn_within_its_range_of_z(spline_run: Path, generator: torch.Generator) -> None:
    ranges = Ranges(psf="spline", psf_file="beads_3dcal.mat", z_nm=(-200.0, 200.0), emccd=0.0)
    scene = draw_scene(ranges, sequences=2, generator=generator, run=spline_run)
    recording = simulate(scene, frames=6, height=40, width=40, generator=generator)
    inner = recording.emitters.within(height=40, width=40).photons.sum()
    light = (recording.photons - recording.background).sum()
    assert float(light) == pytest.approx(float(inner), rel=0.15)
    with pytest.raises(ValueError, match=r"covers z from -200 to 200 nm"):
        draw_scene(replace(ranges, z_nm=(-300.0, 0.0)), sequences=2, generator=generator, run=spline_run)


@pytest.mark.parametrize("psf", ["gaussian", "astigmatic", "spline"])
def test_every_tensor_is_made_on_the_generators_device(psf: str, spline_run: Path, generator: torch.Generator) -> None:
    # A tensor made without naming its device would be a meta tensor here, which no other tensor can be mixed with.
    ranges = replace(MANY, psf=psf, psf_file="beads_3dcal.mat" if psf == "spline" else None, z_nm=(-150.0, 150.0))
    with torch.device("meta"):
        scene = draw_scene(ranges, sequences=6, generator=generator, run=spline_run)
        recording = simulate(scene, frames=4, height=24, width=24, generator=generator)
        target = make_target(recording, scales=Scales(), first=0, last=4)
        variance = recording.scene.camera.noise_variance(recording.background)
        plain = Camera(em_gain=50.0).expose(recording.background, generator=generator)
    for tensor in (recording.adu, recording.photons, target.count, target.background, variance, plain):
        assert tensor.device == generator.device
        assert bool(tensor.isfinite().all())


def test_a_measured_psf_costs_the_same_image_emitter_by_emitter(spline_run: Path, generator: torch.Generator) -> None:
    ranges = Ranges(psf="spline", psf_file="beads_3dcal.mat", z_nm=(-200.0, 200.0))
    scene = draw_scene(ranges, sequences=2, generator=generator, run=spline_run)
    shown = simulate(scene, frames=5, height=30, width=30, generator=generator).emitters
    draw = partial(
        render, psf=scene.psf, image=shown.sequence * 5 + shown.frame, sequence=shown.sequence, row_px=shown.row_px,
        col_px=shown.col_px, z_nm=shown.z_nm, photons=shown.photons, shape=(10, 30, 30),
    )  # fmt: skip
    torch.testing.assert_close(draw(emitter=shown.emitter), draw())


def test_target_asks_only_for_visible_emitters_of_the_chosen_frames(generator: torch.Generator) -> None:
    scene = draw_scene(Ranges(), sequences=2, generator=generator)
    recording = simulate(scene, frames=8, height=40, width=40, generator=generator)
    target = make_target(recording, scales=Scales(), first=1, last=8)
    asked = recording.emitters.within(height=40, width=40).visible()
    assert float(target.count.sum()) == int((asked.frame >= 1).sum()) == len(target.frame)
    assert target.background.shape == (14, 40, 40)
    assert float(target.photons.min()) * Scales().photons >= 49.99


def test_same_seed_draws_the_same_recording() -> None:
    def draw() -> torch.Tensor:
        generator = torch.Generator().manual_seed(5)
        return simulate(
            draw_scene(Ranges(), sequences=2, generator=generator), frames=4, height=24, width=24, generator=generator
        ).adu

    assert torch.equal(draw(), draw())
