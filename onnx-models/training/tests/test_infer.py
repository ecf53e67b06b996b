"""Spatial integration on reference vectors; conventions; padding."""

from pathlib import Path

import pytest
import torch

from blinkd_models.infer import PostProcess, integrate, localize, pad_to_grid, predict, read_csv, write_csv
from blinkd_models.network import Architecture, Decode
from blinkd_models.target import Scales

BASE = 3.35e-4


def _map(values: dict[tuple[int, int], float]) -> torch.Tensor:
    p = torch.full((1, 9, 9), BASE)
    for (row, col), value in values.items():
        p[0, row, col] = value
    return p


def _kept(values: dict[tuple[int, int], float], post: PostProcess) -> list[tuple[int, int, float]]:
    kept, total = integrate(_map(values), post=post)
    return [(int(r), int(c), round(float(total[0, r, c]), 3)) for r, c in kept[0].nonzero()]


def test_isolated_weak_pixel_is_kept_only_by_a_low_threshold() -> None:
    weak = {(4, 4): 0.25}
    assert _kept(weak, PostProcess(raw_th=0.1)) == [(4, 4, 0.251)]
    assert _kept(weak, PostProcess(raw_th=0.3)) == []
    assert _kept(weak, PostProcess(raw_th=0.5)) == []


@pytest.mark.parametrize(("raw_th", "number"), [(0.1, 1), (0.3, 1), (0.5, 0)])
def test_two_adjacent_pixels_add_up_to_one(raw_th: float, number: int) -> None:
    kept = _kept({(4, 4): 0.35, (4, 5): 0.30}, PostProcess(raw_th=raw_th))
    assert kept == [(4, 4, 0.651)][:number]


def test_diagonal_neighbour_is_lost() -> None:
    assert _kept({(4, 4): 0.35, (5, 5): 0.30}, PostProcess(raw_th=0.1)) == [(4, 4, 0.351)]


@pytest.mark.parametrize("post", [PostProcess(), PostProcess(raw_th=0.1), PostProcess(raw_th=0.5)])
def test_two_confident_neighbours_are_two_emitters(post: PostProcess) -> None:
    assert _kept({(4, 4): 0.9, (4, 5): 0.8}, post) == [(4, 4, 1.0), (4, 5, 1.0)]


@pytest.mark.parametrize("raw_th", [0.1, 0.3])
def test_an_exact_tie_is_two_emitters(raw_th: float) -> None:
    assert len(_kept({(4, 4): 0.4, (4, 5): 0.4}, PostProcess(raw_th=raw_th))) == 2


def test_paper_rule_needs_a_sum_above_its_final_threshold() -> None:
    assert _kept({(4, 4): 0.35, (4, 5): 0.30}, PostProcess()) == []
    assert _kept({(4, 4): 0.45, (4, 5): 0.28}, PostProcess()) == [(4, 4, 0.731)]
    assert _kept({(4, 4): 0.29, (4, 5): 0.28, (3, 4): 0.28}, PostProcess()) == []


def test_localization_swaps_the_axes_and_applies_the_scales() -> None:
    output = torch.zeros(2, 10, 8, 8)
    output[1, :, 3, 5] = torch.tensor([0.9, 0.1, 0.25, -0.4, 0.0, 0.01, 0.02, 0.03, 0.1, 0.15])
    scales = Scales(photons=20000.0, z_nm=3000.0, background=200.0)
    found = localize(output, scales=scales, post=PostProcess(), height=8, width=8)
    assert len(found) == 1
    row = [float(getattr(found, name)[0]) for name in ("frame", "x_px", "y_px", "photons", "background")]
    assert row == pytest.approx([1, 4.6, 3.25, 2000.0, 30.0])
    widths = [float(getattr(found, name)[0]) for name in ("sigma_x_px", "sigma_y_px", "sigma_z_nm", "sigma_photons")]
    assert widths == pytest.approx([0.03, 0.02, 300.0, 200.0])


def test_padding_repeats_the_edge_and_is_cut_off_again() -> None:
    frames = torch.rand(2, 13, 21)
    padded = pad_to_grid(frames, grid_px=8)
    assert padded.shape == (2, 16, 24)
    assert torch.equal(padded[:, :13, :21], frames)
    assert torch.equal(padded[:, 15, :21], frames[:, 12])
    assert torch.equal(padded[:, :13, 23], frames[:, :, 20])
    output = torch.zeros(1, 10, 16, 24)
    output[0, 0, 12, 20] = 0.9
    output[0, 0, 14, 22] = 0.9
    found = localize(output, scales=Scales(), post=PostProcess(), height=13, width=21)
    assert [float(found.x_px), float(found.y_px)] == [20.0, 12.0]


def test_missing_neighbours_at_the_ends_are_the_frame_itself() -> None:
    torch.manual_seed(0)
    model, scales = Decode(Architecture(features=8)).eval(), Scales()
    photons = torch.rand(3, 16, 16) * 200.0
    output = predict(model, photons=photons, scales=scales, grid_px=8, batch=2)
    scaled = scales.to_input(photons)
    with torch.no_grad():
        first, last = model(scaled[[0, 0, 1]][None])[0], model(scaled[[1, 2, 2]][None])[0]
    assert torch.allclose(output[0], first, atol=1e-5)
    assert torch.allclose(output[2], last, atol=1e-5)


def test_csv_reads_back_what_was_written(tmp_path: Path) -> None:
    output = torch.rand(2, 10, 16, 16) * 0.99
    found = localize(output, scales=Scales(), post=PostProcess(), height=16, width=16)
    write_csv(found, path=tmp_path / "locs.csv")
    again = read_csv(tmp_path / "locs.csv")
    assert len(again) == len(found) > 0
    assert torch.equal(again.frame, found.frame)
    assert torch.allclose(again.x_px, found.x_px, rtol=1e-5)
