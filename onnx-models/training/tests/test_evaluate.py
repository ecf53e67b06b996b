"""Matching, and metrics on simulations: of oracles that know the answer, and of the bundle beside this package."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from blinkd_models import card, export
from blinkd_models.evaluate import Condition, Matches, evaluate, isolated, match
from blinkd_models.evaluate.condition import promised, promised_condition
from blinkd_models.evaluate.groups import by_neighbours
from blinkd_models.evaluate.optics_range import OpticsRange
from blinkd_models.evaluate.repeated import repeat
from blinkd_models.evaluate.runner import Runner, of_bundle, of_model
from blinkd_models.evaluate.scores import score_counts
from blinkd_models.evaluate.simulated import Trial, judge, pooled, record
from blinkd_models.evaluate.table import Table
from blinkd_models.infer import PostProcess
from blinkd_models.network import Architecture, Decode
from blinkd_models.target import Scales

BUNDLE = Path(__file__).parents[2] / "decode-2d-lite"
"""A trained bundle that is part of the repository; what is asked of it here any trained 2D network can do."""


@pytest.fixture(scope="module")
def runner() -> Runner:
    return of_bundle(BUNDLE)


def _match(truth: list[tuple[int, float, float]], found: list[tuple[int, float, float]], **options: float) -> Matches:
    t, f = (np.array(side, dtype=float).reshape(-1, 3) for side in (truth, found))
    frames = t[:, 0].astype(np.int64), f[:, 0].astype(np.int64)
    return match(truth_frame=frames[0], truth_nm=t[:, 1:], found_frame=frames[1], found_nm=f[:, 1:], **options)


def test_counts_and_errors_of_a_small_example() -> None:
    matches = _match([(0, 0, 0), (0, 1000, 0), (1, 0, 0)], [(0, 3, 4), (1, 0, 300), (1, 0, -12)])
    assert len(matches.truth) == 2
    assert matches.jaccard == pytest.approx(2 / 4)
    assert matches.precision == pytest.approx(2 / 3)
    assert matches.recall == pytest.approx(2 / 3)
    assert matches.rmse_nm == pytest.approx(math.sqrt((25 + 144) / 2))
    assert matches.efficiency == pytest.approx(1 - math.hypot(0.5, 1e-2 * matches.rmse_nm))


def test_matching_is_one_to_one_and_finds_the_most_pairs() -> None:
    matches = _match([(0, 0, 0), (0, 200, 0)], [(0, 190, 0), (0, 420, 0)])
    assert len(matches.truth) == 2
    assert len(_match([(0, 0, 0)], [(0, 1, 0), (0, 2, 0)]).truth) == 1


def test_other_frames_and_distant_pairs_do_not_match() -> None:
    assert len(_match([(0, 0, 0)], [(1, 0, 0)]).truth) == 0
    assert len(_match([(0, 0, 0)], [(0, 251, 0)]).truth) == 0
    assert len(_match([(0, 0, 0)], [(0, 249, 0)]).truth) == 1


def test_an_untrained_network_scores_nothing_but_does_not_fail() -> None:
    torch.manual_seed(0)
    model = Decode(Architecture(features=4)).eval()
    condition = Condition(size_px=32, frames=4)
    metrics = evaluate(model, condition=condition, scales=Scales(), post=PostProcess(), grid_px=8, appearances=50)
    assert metrics.ji == 0.0
    assert math.isnan(metrics.rmse_lateral_nm)


def test_the_graphs_of_a_bundle_and_its_weights_give_the_same_output(runner: Runner) -> None:
    model = export.load_weights(BUNDLE)
    other = of_model(model, scales=runner.scales, post=runner.post, grid_px=runner.grid_px)
    photons = record(Condition(size_px=29, frames=4), appearances=1, seed=2).photons
    for alone in (False, True):
        outputs = [each.outputs(photons, alone=alone) for each in (runner, other)]
        assert outputs[0].shape[-2:] == (29, 29)
        assert float((outputs[0] - outputs[1]).abs().max()) < 1e-4


def test_without_context_a_frame_does_not_know_of_its_neighbours(runner: Runner) -> None:
    photons = record(Condition(size_px=32, frames=3), appearances=1, seed=2).photons[:1]
    changed = photons.clone()
    changed[:, 0] += 200.0
    for alone in (True, False):
        before, after = (runner.outputs(frames, alone=alone)[1] for frames in (photons, changed))
        assert bool((before == after).all()) == alone


def test_isolated_emitters_are_far_apart_and_shine_for_the_whole_frame(runner: Runner) -> None:
    condition = Condition(photons=2000.0, z_nm=(-300.0, 300.0))
    truth = isolated.trials(runner, condition=condition, emitters=64, seed=3)["dark"].truth
    assert len(truth) == 64
    assert truth.photons is not None
    assert set(truth.photons) == {2000.0}
    assert truth.z_nm.std() > 100.0
    apart = np.hypot(*(axis[:, None] - axis for axis in (truth.x_nm, truth.y_nm)))
    apart[(truth.frame[:, None] != truth.frame) | np.eye(64, dtype=bool)] = np.inf
    assert apart.min() >= 16.0 * condition.pixel_size_nm


def test_a_trained_network_comes_near_the_bound_when_alone_and_gains_from_three_frames(
    runner: Runner,
) -> None:
    condition = Condition(photons=1000.0)
    trials = isolated.trials(runner, condition=condition, emitters=160, seed=4)
    rows = {mode: isolated.summarize(trial, mode=mode) for mode, trial in trials.items()}
    assert all(row.found > 0.9 for row in rows.values())
    assert 0.85 < rows["dark"].lateral_over_crlb < 1.3
    assert 0.45 < rows["three"].lateral_over_crlb < 0.8
    assert rows["three"].crlb_nm[0] == pytest.approx(rows["dark"].crlb_nm[0], rel=1e-3)
    assert math.isnan(rows["dark"].axial_over_crlb)


def test_optics_in_doubt_are_drawn_and_held_against_a_bound_of_their_own(runner: Runner) -> None:
    span = OpticsRange(sigma_nm=(110.0, 160.0))
    row = isolated.varied(runner, condition=Condition(photons=1000.0, optics_range=span), emitters=160, seed=4)
    assert row.found > 0.9
    assert row.doubt_nm[0] == pytest.approx(row.crlb_nm[0], rel=0.01)
    assert row.over_bound[0] == row.lateral_over_doubt
    assert 0.85 < row.lateral_over_doubt < 1.3


def test_more_frames_of_the_same_emitters_tell_each_ones_own_error(runner: Runner) -> None:
    condition = Condition(density_per_um2=1.5, photons=1000.0, size_px=40)
    repeated = repeat(runner, condition=condition, repeats=12, seed=2)
    assert len(repeated.error_nm) > 30
    assert repeated.sigma_correlation is not None
    assert repeated.crlb_correlation is not None
    assert repeated.sigma_correlation > 0.3


def test_pooled_trials_keep_every_count(runner: Runner) -> None:
    trials: list[Trial] = []
    for density in (0.5, 2.0):
        condition = Condition(density_per_um2=density, size_px=32, frames=4)
        trials.append(judge(runner, record(condition, appearances=40, seed=1), condition=condition))
    together = pooled(trials)
    for name in ("true_positives", "false_positives", "false_negatives"):
        assert getattr(together.scores, name) == sum(getattr(trial.scores, name) for trial in trials)
    assert together.scores.true_positives > 20
    metrics = together.metrics().as_dict()
    assert "rmse_axial_nm" not in metrics
    assert metrics["efficiency"] == pytest.approx(together.scores.efficiency, rel=1e-3)


def test_in_3d_the_efficiency_is_the_mean_of_lateral_and_axial() -> None:
    scores = score_counts(error_nm=np.array([[30.0, 40.0, 60.0]]), false_positives=1, false_negatives=0, volume=True)
    assert scores.rmse_lateral_nm == pytest.approx(50.0)
    assert scores.rmse_volume_nm == pytest.approx(math.sqrt(6100.0))
    assert scores.efficiency_lateral == pytest.approx(1 - math.hypot(0.5, 0.5))
    assert scores.efficiency_axial == pytest.approx(1 - math.hypot(0.5, 0.3))
    assert scores.efficiency == pytest.approx(1 - (math.hypot(0.5, 0.5) + math.hypot(0.5, 0.3)) / 2)


def test_neighbours_are_counted_in_the_same_frame_and_a_false_positive_counts_all_emitters() -> None:
    def table(rows: list[tuple[int, float]]) -> Table:
        frame, x = np.array(rows, dtype=float).reshape(-1, 2).T
        return Table(frame=frame.astype(np.int64), x_nm=x, y_nm=0.0 * x, z_nm=0.0 * x)

    truth, found = table([(0, 0), (0, 500), (0, 2000), (1, 0)]), table([(0, 0), (0, 260), (1, 5000)])
    matches = match(
        truth_frame=truth.frame, truth_nm=truth.positions_nm, found_frame=found.frame, found_nm=found.positions_nm
    )
    rows = by_neighbours(matches, truth=truth, found=found, volume=False)
    counts = [tuple(row[f"{n}_{s}s"] for n, s in (("true", "positive"), ("false", "positive"))) for row in rows]
    assert counts == [(0, 1), (2, 0), (0, 0), (0, 0), (0, 0)]
    assert [row["false_negatives"] for row in rows] == [2, 0, 0, 0, 0]


def test_a_card_promises_its_middle_and_refuses_a_psf_that_is_not_there() -> None:
    content = card.read(BUNDLE)
    condition = promised_condition(content)
    assert condition.pixel_size_nm == pytest.approx(sum(content["range"]["pixel_size_nm"]) / 2)
    assert not condition.volume
    with pytest.raises(ValueError, match="spline"):
        promised_condition({**content, "psf": {"kind": "spline"}})
    assert promised([100.0, 500.0, 900.0], span=[500.0, 800.0]) == [500.0]
