"""A-net: structures, what is seen of them, the networks, their bundle."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from blinkd_models import card
from blinkd_models.anet import export, losses
from blinkd_models.anet.convolve import both_ways, gaussian
from blinkd_models.anet.evaluate import Curve, factors, seam
from blinkd_models.anet.network import PUBLISHED, Anet, AnetArchitecture
from blinkd_models.anet.pairs import Sampling, make_pairs, poisson_only, sample, target_of, widefield
from blinkd_models.anet.recorded import LEAST_FRAMES, Recorded
from blinkd_models.anet.settings import AnetSettings
from blinkd_models.anet.similarity import ms_ssim, similarity_map
from blinkd_models.anet.source import source_of, turned
from blinkd_models.anet.structures import AXIS, SIGMA_PX, SWITCH, Structures, blur, chains, draw, splat
from blinkd_models.anet.train import AnetTrainer, take
from blinkd_models.evaluate.table import Table
from blinkd_models.settings import SettingsError

TINY = AnetArchitecture(features=4, depth=4, most=16, discriminator_features=4)


def numbers(seed: int = 5) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_chains_forget_their_direction_over_the_persistence_length() -> None:
    _, angle = chains(4000, steps=61, side_px=200, persistence_px=50.0, generator=numbers())
    bend = torch.cos(angle[:, 60] - angle[:, 30]).mean()
    # <cos> = exp(-s / 2P) in the plane; 4,000 chains know it to about 1 %.
    assert float(bend) == pytest.approx(math.exp(-30.0 / 100.0), abs=0.02)


def test_a_straight_filament_has_an_axis_of_height_1_and_its_width() -> None:
    line = torch.stack([torch.arange(0.0, 100.0), torch.full((100,), 50.0)])
    picture = blur(splat(line, weight=1.0 / AXIS, side_px=100), sigma_px=SIGMA_PX)
    profile = picture[:, 50]
    assert float(profile.max()) == pytest.approx(1.0, rel=0.01)
    variance = (profile * (torch.arange(100.0) - 50.0) ** 2).sum() / profile.sum()
    assert float(variance.sqrt()) == pytest.approx(SIGMA_PX, rel=0.01)


@pytest.mark.parametrize("kind", sorted(SWITCH))
def test_every_structure_is_the_same_for_the_same_seed_and_within_its_range(kind: str) -> None:
    one = draw(kind, side_px=200, ranges=Structures(), generator=numbers())
    other = draw(kind, side_px=200, ranges=Structures(), generator=numbers())
    assert torch.equal(one, other)
    assert one.shape == (200, 200)
    assert float(one.min()) >= 0.0
    assert 0.2 < float(one.max()) < 100.0


def test_pores_do_not_overlap() -> None:
    ranges = Structures(pores_per_um2=(60.0, 60.0))
    picture = draw("nuclear_pores", side_px=300, ranges=ranges, generator=numbers())
    # Eight spots of a peak near 1 on each ring; two rings on one another would be higher.
    assert float(picture.max()) < 2.2


def test_counts_have_the_mean_that_was_asked_for() -> None:
    perfect = draw("filaments", side_px=300, ranges=Structures(), generator=numbers())
    plain = Sampling(background=0.0, even_background=0.0, unlabelled=0.0, clustering=0.0, error_px=0.0, drift_px=0.0)
    total = sum(float(sample(perfect, sampling=plain, generator=numbers(s), axis_counts=0.5).sum()) for s in range(8))
    # The label's map fades in over a tenth: nearly all of the plane is labelled.
    assert total / 8 == pytest.approx(0.5 * float(perfect.sum()), rel=0.08)
    few = poisson_only(perfect, localizations=2000.0, generator=numbers())
    assert float(few.sum()) == pytest.approx(2000.0, abs=4 * math.sqrt(2000.0))


def test_clustered_counts_vary_more_than_poisson() -> None:
    even = torch.full((400, 400), 1.0)
    clustered = Sampling(
        background=0.0, even_background=0.0, unlabelled=0.0, clustering=4.0, error_px=0.0, drift_px=0.0
    )
    spread = [sample(even, sampling=clustered, generator=numbers(s), axis_counts=1.0) for s in range(6)]
    assert max(float(counts.var() / counts.mean()) for counts in spread) > 1.5


def test_widefield_spans_no_more_than_0_to_1_and_is_blurred() -> None:
    perfect = draw("filaments", side_px=336, ranges=Structures(), generator=numbers())
    wide = widefield(perfect, sampling=Sampling(), generator=numbers())
    assert float(wide.min()) >= 0.0
    assert float(wide.max()) <= 1.0
    assert float((wide[:, 1:] - wide[:, :-1]).abs().max()) < 0.3


def test_blocks_convolve_like_the_plain_sum() -> None:
    picture = torch.rand(2, 3, 75, 61, generator=numbers())
    kernel = gaussian(2.0, taps=17, like=picture)
    flat = picture.reshape(6, 1, 75, 61)
    plain = torch.nn.functional.conv2d(flat, kernel[None, None, :, None], padding=(8, 0))
    plain = torch.nn.functional.conv2d(plain, kernel[None, None, None, :], padding=(0, 8)).reshape(picture.shape)
    assert torch.allclose(both_ways(picture, kernel=kernel, padding=8), plain, atol=1e-6)
    assert both_ways(picture, kernel=kernel, padding=0).shape == (2, 3, 59, 45)


def test_similarity_is_1_for_equal_pictures_and_falls_with_noise() -> None:
    picture = target_of(draw("filaments", side_px=256, ranges=Structures(), generator=numbers()))[None, None]
    noise = torch.randn(picture.shape, generator=numbers())
    assert float(ms_ssim(picture, picture)) == pytest.approx(1.0, abs=1e-5)
    assert float(similarity_map(picture, picture).mean()) == pytest.approx(1.0, abs=1e-4)
    values = [float(ms_ssim(picture, (picture + s * noise).clamp(0, 1))) for s in (0.02, 0.1, 0.4)]
    assert values == sorted(values, reverse=True)
    with pytest.raises(ValueError, match="MS-SSIM needs 176 px"):
        ms_ssim(picture[..., :100, :100], picture[..., :100, :100])


def test_low_resolution_is_not_asked_where_there_is_no_widefield() -> None:
    estimate, wide = torch.rand(2, 1, 64, 64), torch.rand(2, 1, 256, 256)
    assert float(losses.low_resolution(estimate, wide, there=torch.zeros(2))) == 0.0
    assert float(losses.low_resolution(estimate, wide, there=torch.ones(2))) > 0.3


def test_the_published_network_has_its_size() -> None:
    # The paper: 25 convolutional layers in all three networks, about 42 million parameters.
    parameters = sum(weight.numel() for weight in Anet(PUBLISHED).parameters())
    assert 38e6 < parameters < 46e6


def test_a_masked_channel_says_nothing() -> None:
    torch.manual_seed(1)
    network = Anet(TINY).eval()
    counts, switch = torch.poisson(torch.rand(1, 1, 64, 64)), torch.zeros(1)
    one, other = torch.rand(1, 1, 64, 64), torch.rand(1, 1, 64, 64)
    sparse = torch.tensor([[1.0, 0.0]])
    assert torch.equal(network(counts, one, switch, sparse), network(counts, other, switch, sparse))
    both = torch.ones(1, 2)
    assert not torch.equal(network(counts, one, switch, both), network(counts, other, switch, both))


def test_the_switch_changes_the_picture() -> None:
    torch.manual_seed(1)
    network = Anet(TINY).eval()
    counts, none = torch.poisson(torch.rand(1, 1, 64, 64)), torch.zeros(1, 1, 64, 64)
    mask = torch.tensor([[1.0, 0.0]])
    filaments, pores = (network(counts, none, torch.tensor([float(at)]), mask) for at in (0, 1))
    assert not torch.equal(filaments, pores)


def test_statistics_of_the_window_make_seams_and_fixed_ones_do_not() -> None:
    torch.manual_seed(3)
    shape = {"kind": "filaments", "structures": Structures(), "window_px": 256, "overlap_px": 160}
    fixed = seam(Anet(TINY).eval(), **shape)  # type: ignore[arg-type]
    published = replace(TINY, norm="instance", input_norm="image")
    own = seam(Anet(published).eval(), **shape)  # type: ignore[arg-type]
    # Sixteen pixels of a bottom of 2^4 see no border in the middle of a strip of 160.
    assert fixed["middle"] < 1e-5
    assert own["middle"] > 10 * fixed["middle"]


def test_factors_are_read_off_curves_at_equal_similarity() -> None:
    per_um2 = (1.0, 10.0, 100.0, 1000.0)
    palm = Curve(name="map", per_um2=per_um2, mean=(0.1, 0.3, 0.7, 0.9), spread=(0.0,) * 4)
    sparse = Curve(name="network", per_um2=per_um2, mean=(0.3, 0.7, 0.9, 0.95), spread=(0.0,) * 4)
    both = Curve(name="network and widefield", per_um2=per_um2, mean=(0.6, 0.8, 0.9, 0.95), spread=(0.0,) * 4)
    rows = factors([palm, sparse, both])
    at = next(row for row in rows if row["ms_ssim"] == 0.65)
    assert at["factor"] == pytest.approx(10.0, rel=1e-3)
    assert at["factor_with_widefield"] > at["factor"]


def test_a_table_gives_pairs_of_few_and_many_frames() -> None:
    draws = np.random.default_rng(2)
    frame = np.repeat(np.arange(LEAST_FRAMES), 20)
    along = draws.uniform(0.0, 20_000.0, len(frame))
    table = Table(frame=frame, x_nm=along, y_nm=10_000 + 500 * np.sin(along / 2000.0), z_nm=np.zeros(len(frame)))
    pairs = Recorded.of(table, name="made").pairs(
        2, side_px=192, kind="filaments", sampling=Sampling(), generator=numbers()
    )
    assert pairs.counts.shape == pairs.target.shape == (2, 1, 192, 192)
    assert float(pairs.counts.sum()) > 20
    # Where there are counts there is target.
    assert float((pairs.target * pairs.counts).sum() / pairs.counts.sum()) > 5 * float(pairs.target.mean())


def test_a_table_that_is_too_short_is_refused_with_the_remedy() -> None:
    short = Table(frame=np.arange(100), x_nm=np.ones(100), y_nm=np.ones(100), z_nm=np.zeros(100))
    with pytest.raises(ValueError, match="2000: give a longer table"):
        Recorded.of(short, name="short.csv")


def test_pictures_of_other_processes_are_the_same_for_the_same_seed() -> None:
    settings = AnetSettings(batch=2, side_px=64, workers=2, reuse=2)

    def first_ones() -> list[torch.Tensor]:
        source = source_of(settings, generator=numbers(), seed=3)
        try:
            return [source.next().counts for _ in range(6)]
        finally:
            source.close()

    one, other = first_ones(), first_ones()
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    # Six are shown and every second one brings a new batch: three batches, told apart by what they count.
    assert len({float(counts.sum()) for counts in one}) <= 3


def test_a_turned_batch_is_turned_as_a_whole() -> None:
    pairs = make_pairs(
        ("filaments",), count=1, side_px=64, structures=Structures(), sampling=Sampling(), generator=numbers()
    )
    out = turned(pairs, quarters=1, mirrored=True)
    for before, after in ((pairs.counts, out.counts), (pairs.widefield, out.widefield), (pairs.target, out.target)):
        assert torch.equal(after, torch.rot90(before, 1, dims=(-2, -1)).flip(-1))


def test_impossible_settings_are_all_named() -> None:
    with pytest.raises(SettingsError) as refused:
        AnetSettings(side_px=100, kinds=("cells",), both_share=0.9, alone_share=0.3)
    for word in ("side_px", "cells", "alone_share"):
        assert word in str(refused.value)


def settings_of(steps: int) -> AnetSettings:
    return AnetSettings(
        steps=steps, batch=1, side_px=64, precision="fp32", architecture=TINY, log_every_steps=2, beginning_steps=4
    )


def test_training_that_was_stopped_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AnetTrainer, "_validate", lambda *_: None)
    straight = AnetTrainer(settings_of(6), run=tmp_path / "one", clock=lambda: 0.0)
    straight.run(report=lambda _: None)
    broken = AnetTrainer(settings_of(3), run=tmp_path / "two", clock=lambda: 0.0)
    broken.settings = settings_of(6)
    for _ in range(3):
        broken.train_step()
    broken.save()
    again = AnetTrainer(settings_of(6), run=tmp_path / "two", clock=lambda: 0.0)
    again.run(report=lambda _: None)
    for name, weight in straight.generator.state_dict().items():
        assert torch.equal(weight, again.generator.state_dict()[name]), name


def test_a_few_steps_make_the_picture_more_alike() -> None:
    trainer = AnetTrainer(replace(settings_of(400), learning_rate=3e-3, warmup_steps=1), run=Path("unused"))
    first = [trainer.train_step()["similarity"] for _ in range(5)]
    for _ in range(60):
        trainer.train_step()
    last = [trainer.train_step()["similarity"] for _ in range(5)]
    assert sum(last) < 0.95 * sum(first)


def test_a_bundle_says_what_it_is_and_runs_in_onnx_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(AnetTrainer, "_validate", lambda *_: None)
    trainer = AnetTrainer(settings_of(2), run=tmp_path / "run")
    trainer.run(report=lambda _: None)
    bundle = tmp_path / "a-net-tiny"
    worst = export.write(take(tmp_path / "run" / "checkpoint.pt"), bundle=bundle, window_px=64)
    assert worst < export.AGREEMENT
    content = card.read(bundle)
    assert content["engine"] == "a-net"
    assert content["network"]["structures"] == {"filaments": 0}
    assert content["sha256"][export.GRAPH] == card.sha256(bundle / export.GRAPH)
    again, _ = export.load(take(bundle / export.WEIGHTS))
    inputs = export.golden_inputs(settings_of(2), side_px=64)
    with torch.no_grad():
        picture, estimate = again(*inputs, torch.ones(1, 2))
    golden = np.load(bundle / "golden" / "both_picture.npy")
    assert np.abs(picture[0, 0, ::4, ::4].numpy() - golden).max() < 1e-6
    assert estimate.shape == (1, 1, 16, 16)
