//! Matching against exhaustive search, scores against numbers by hand.

use super::*;
use crate::crlb::{Bound, Noise, Spot, crlb};
use crate::psf::Psf;
use crate::units::{Nm, PixelSize};
use rand::{RngExt, SeedableRng, rngs::StdRng};

fn point(x_nm: f64, y_nm: f64) -> Point {
    Point { x_nm, y_nm, ..Point::default() }
}

fn pairs(truth: &[Point], found: &[Point], gate: Gate) -> Vec<(usize, usize)> {
    Matcher::new(gate).frame(truth, found).unwrap().iter().map(|p| (p.truth, p.found)).collect()
}

fn squared(gate: Gate, a: &Point, b: &Point) -> f64 {
    let axial = if gate.axial_nm.is_some() { a.z_nm - b.z_nm } else { 0.0 };
    (a.x_nm - b.x_nm).powi(2) + (a.y_nm - b.y_nm).powi(2) + axial.powi(2)
}

#[test]
fn a_pair_is_sacrificed_so_that_two_can_be_made() {
    // The found point at 100 is nearest to the truth at 120, but only it can serve the truth at -100.
    let truth = [point(120.0, 0.0), point(-100.0, 0.0)];
    let found = [point(100.0, 0.0), point(360.0, 0.0)];
    assert_eq!(pairs(&truth, &found, Gate::LATERAL), [(0, 1), (1, 0)]);
}

#[test]
fn among_equally_full_matchings_the_smaller_sum_of_squares_wins() {
    // Greedy would take the pair 0 nm apart and leave one of 200 nm: 40000 against 2 · 100².
    let truth = [point(0.0, 0.0), point(100.0, 0.0)];
    let found = [point(100.0, 0.0), point(200.0, 0.0)];
    assert_eq!(pairs(&truth, &found, Gate::LATERAL), [(0, 0), (1, 1)]);
}

#[test]
fn the_gate_is_a_circle_of_250_nm_and_less_than_500_nm_axially() {
    let zero = [point(0.0, 0.0)];
    assert_eq!(pairs(&zero, &[point(250.0, 0.0)], Gate::LATERAL).len(), 1);
    assert_eq!(pairs(&zero, &[point(250.001, 0.0)], Gate::LATERAL).len(), 0);
    assert_eq!(pairs(&zero, &[point(180.0, 180.0)], Gate::LATERAL).len(), 0);
    let deep = |z_nm| [Point { z_nm, ..point(0.0, 0.0) }];
    assert_eq!(pairs(&zero, &deep(500.0), Gate::VOLUME).len(), 0);
    assert_eq!(pairs(&zero, &deep(-499.9), Gate::VOLUME).len(), 1);
    assert_eq!(pairs(&zero, &deep(9000.0), Gate::LATERAL).len(), 1);
}

/// Every matching there is: (unmatched rows, sum of squares) of the best.
fn exhaustive(truth: &[Point], found: &[Point], gate: Gate, row: usize, used: u32) -> (usize, f64) {
    let Some(a) = truth.get(row) else { return (0, 0.0) };
    let (unmatched, sum) = exhaustive(truth, found, gate, row + 1, used);
    let mut best = (unmatched + 1, sum);
    for (j, b) in found.iter().enumerate().filter(|(j, _)| used & (1 << j) == 0) {
        let lateral = (a.x_nm - b.x_nm).hypot(a.y_nm - b.y_nm);
        let inside = gate.axial_nm.is_none_or(|limit| (a.z_nm - b.z_nm).abs() < limit);
        if lateral <= gate.lateral_nm && inside {
            let (unmatched, sum) = exhaustive(truth, found, gate, row + 1, used | (1 << j));
            let this = (unmatched, sum + squared(gate, a, b));
            if this.0 < best.0 || (this.0 == best.0 && this.1 < best.1) {
                best = this;
            }
        }
    }
    best
}

#[test]
fn random_frames_are_matched_as_well_as_any_matching_can() {
    let mut contested = 0;
    for seed in 0..1500 {
        let mut dice = StdRng::seed_from_u64(seed);
        let field = dice.random_range(200.0..900.0);
        let (truths, founds) = (dice.random_range(0..8), dice.random_range(0..7));
        // Every third frame on a coarse grid, for ties.
        let mut somewhere = |n: usize| -> Vec<Point> {
            let mut place = |side: f64| match seed % 3 {
                0 => (dice.random_range(0.0..side) / 100.0).floor() * 100.0,
                _ => dice.random_range(0.0..side),
            };
            (0..n)
                .map(|_| Point { x_nm: place(field), y_nm: place(field), z_nm: place(900.0), frame: 0 })
                .collect()
        };
        let (truth, found) = (somewhere(truths), somewhere(founds));
        let gate = if seed % 2 == 0 { Gate::LATERAL } else { Gate::VOLUME };
        let got = pairs(&truth, &found, gate);
        let sum: f64 = got.iter().map(|&(i, j)| squared(gate, &truth[i], &found[j])).sum();
        let best = exhaustive(&truth, &found, gate, 0, 0);
        assert_eq!(truth.len() - got.len(), best.0, "seed {seed}");
        assert!((sum - best.1).abs() < 1e-6, "seed {seed}: {sum} against {}", best.1);
        let mut columns: Vec<_> = got.iter().map(|pair| pair.1).collect();
        columns.sort_unstable();
        columns.dedup();
        assert_eq!(columns.len(), got.len(), "one to one");
        contested += usize::from(got.len() >= 3);
    }
    assert!(contested > 300, "only {contested} frames had three pairs or more");
}

#[test]
fn exchanging_truth_and_found_changes_neither_count_nor_sum_in_crowded_frames() {
    // Too many points to enumerate; the two directions take different ways through one large component.
    let mut dice = StdRng::seed_from_u64(4);
    let mut crowd = |n| -> Vec<Point> {
        (0..n).map(|_| point(dice.random_range(0.0..5000.0), dice.random_range(0.0..5000.0))).collect()
    };
    let (truth, found) = (crowd(420), crowd(380));
    let there = pairs(&truth, &found, Gate::LATERAL);
    let back = pairs(&found, &truth, Gate::LATERAL);
    assert_eq!(there.len(), back.len());
    let sum = |list: &[(usize, usize)], a: &[Point], b: &[Point]| -> f64 {
        list.iter().map(|&(i, j)| squared(Gate::LATERAL, &a[i], &b[j])).sum()
    };
    assert!((sum(&there, &truth, &found) - sum(&back, &found, &truth)).abs() < 1e-3);
}

#[test]
fn points_that_are_not_finite_match_nothing_and_still_count() {
    let mut truth = [point(0.0, 0.0), point(f64::NAN, 0.0)];
    let mut found = [point(f64::NAN, f64::NAN), point(1.0, f64::INFINITY), point(3.0, 4.0)];
    let scores = evaluate(&mut truth, &mut found, Gate::VOLUME).unwrap();
    assert_eq!((scores.true_positives, scores.false_positives, scores.false_negatives), (1, 2, 1));
    assert_eq!(scores.rmse_lateral_nm, Some(5.0));
}

#[test]
fn a_frame_beyond_the_limit_is_refused_not_swallowed() {
    let heap = vec![point(0.0, 0.0); 2049];
    let error = Matcher::new(Gate::LATERAL).frame(&heap, &heap).unwrap_err();
    assert!(matches!(error, MatchError::TooDense { lateral_nm: 250, .. }), "{error}");
    let many = vec![Point { frame: 9, ..Point::default() }; MAX_POINTS_PER_FRAME + 1];
    let error = Matcher::new(Gate::LATERAL).frame(&many, &[]).unwrap_err();
    assert_eq!(error, MatchError::TooManyPoints { frame: 9, points: MAX_POINTS_PER_FRAME + 1 });
}

fn close(value: Option<f64>, expected: f64) {
    assert!(value.is_some_and(|v| (v - expected).abs() < 1e-12), "{value:?} is not {expected}");
}

#[test]
fn scores_of_a_small_table_by_hand() {
    let at = |frame, x_nm, y_nm, z_nm| Point { frame, x_nm, y_nm, z_nm };
    let mut truth =
        [at(1, 0.0, 0.0, 0.0), at(0, 0.0, 0.0, 0.0), at(0, 1000.0, 0.0, 0.0), at(3, 0.0, 0.0, 0.0)];
    let mut found = [
        at(0, 1030.0, 40.0, 20.0),
        at(0, 0.0, -50.0, -20.0),
        at(1, 30.0, 40.0, 20.0),
        at(1, 5000.0, 0.0, 0.0),
        at(2, 0.0, 0.0, 0.0),
    ];
    let scores = evaluate(&mut truth, &mut found, Gate::VOLUME).unwrap();
    assert_eq!((scores.true_positives, scores.false_positives, scores.false_negatives), (3, 2, 1));
    close(scores.jaccard, 0.5);
    close(scores.precision, 0.6);
    close(scores.recall, 0.75);
    close(scores.rmse_lateral_nm, 50.0);
    close(scores.rmse_axial_nm, 20.0);
    close(scores.rmse_volume_nm, 2900f64.sqrt());
    let bias = scores.bias_nm.unwrap();
    assert!((bias[0] - 20.0).abs() < 1e-12 && (bias[1] - 10.0).abs() < 1e-12);
    let lateral = 1.0 - (0.25f64 + 0.25).sqrt();
    let axial = 1.0 - (0.25f64 + 0.01).sqrt();
    close(scores.efficiency_lateral, lateral);
    close(scores.efficiency_axial, axial);
    close(scores.efficiency, (lateral + axial) / 2.0);
    let flat = evaluate(&mut truth, &mut found, Gate::LATERAL).unwrap();
    close(flat.efficiency, lateral);
    assert_eq!((flat.rmse_axial_nm, flat.rmse_volume_nm, flat.efficiency_axial), (None, None, None));
}

#[test]
fn a_perfect_answer_scores_one_and_an_empty_one_has_no_error_to_state() {
    let mut truth = [point(10.0, 20.0), point(900.0, 20.0)];
    let perfect = evaluate(&mut truth.clone(), &mut truth, Gate::VOLUME).unwrap();
    close(perfect.efficiency, 1.0);
    close(perfect.jaccard, 1.0);
    let empty = evaluate(&mut truth, &mut [], Gate::VOLUME).unwrap();
    assert_eq!((empty.jaccard, empty.recall), (Some(0.0), Some(0.0)));
    assert_eq!((empty.precision, empty.rmse_lateral_nm, empty.efficiency), (None, None, None));
    assert_eq!(evaluate(&mut [], &mut [], Gate::LATERAL).unwrap(), Scores::default());
}

#[test]
fn tallies_of_parts_add_up_to_the_whole() {
    let (truth, found) = ([point(0.0, 0.0)], [point(3.0, 4.0), point(990.0, 0.0)]);
    let mut matcher = Matcher::new(Gate::LATERAL);
    let mut part = Tally::default();
    part.add(&truth, &found, matcher.frame(&truth, &found).unwrap());
    let mut whole = part;
    whole += part;
    assert_eq!((whole.true_positives, whole.false_positives), (2, 2));
    close(whole.scores(Gate::LATERAL).rmse_lateral_nm, 5.0);
}

fn emitter(frame: u32, x_nm: f64, photons: f64) -> Emitter {
    Emitter { at: Point { frame, x_nm, y_nm: 55.0, z_nm: 0.0 }, photons: Some(photons), ..Emitter::default() }
}

fn question(optics: Option<Optics>) -> Question {
    Question { gate: Gate::LATERAL, pixel_size: Some(PixelSize::square(Nm(110.0))), optics }
}

#[test]
fn misses_count_by_true_photons_and_inventions_by_found_ones() {
    let mut truth = [emitter(1, 0.0, 300.0), emitter(0, 0.0, 900.0), emitter(0, 900.0, 9000.0)];
    let mut found = [emitter(0, 10.0, 3000.0), emitter(1, 4000.0, 100.0)];
    let report = judge(&mut truth, &mut found, &question(None)).unwrap();
    let bins = report.by_photons.unwrap();
    let counts = |at: usize| {
        let s = bins[at].scores;
        (s.true_positives, s.false_positives, s.false_negatives)
    };
    // The pair's true photons are 900, although 3,000 were found.
    assert_eq!([counts(0), counts(1), counts(2)], [(0, 1, 0), (0, 0, 1), (1, 0, 0)]);
    assert_eq!([counts(3), counts(4), counts(5), counts(6)], [(0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 1)]);
    assert_eq!((bins[2].low, bins[2].high, bins[6].high), (500.0, Some(1000.0), None));
    assert_eq!(bins[2].crlb_lateral_nm, None);
    assert!(report.sigma.is_none() && report.background.is_none());
    assert_eq!(report.overall.false_negatives, 2);
}

#[test]
fn inventions_count_all_true_emitters_around_them_and_emitters_not_themselves() {
    let mut truth = [emitter(0, 0.0, 1e3), emitter(0, 400.0, 1e3), emitter(0, 5000.0, 1e3)];
    let mut found = [emitter(0, 0.0, 1e3), emitter(0, 5010.0, 1e3), emitter(0, 700.0, 1e3)];
    let bins = judge(&mut truth, &mut found, &question(None)).unwrap().by_neighbours;
    let counts = |at: usize| {
        let s = bins[at].scores;
        (s.true_positives, s.false_positives, s.false_negatives)
    };
    // 700 is 300 nm from 400, out of the gate, and has one true emitter within 500 nm.
    assert_eq!([counts(0), counts(1), counts(2)], [(1, 0, 0), (1, 1, 1), (0, 0, 0)]);
    assert_eq!((bins[3].low, bins[3].high, bins[4].low, bins[4].high), (3, Some(4), 5, None));
}

#[test]
fn errors_of_the_size_of_the_bound_show_as_one() {
    let optics = Optics {
        psf: Psf::Gaussian { sigma_nm: 143.0 },
        pixel_size: PixelSize::square(Nm(110.0)),
        background: Some(10.0),
        noise: Noise::IDEAL,
    };
    let mut truth =
        [Emitter { at: Point { y_nm: 55.0, x_nm: 55.0, ..Point::default() }, ..emitter(0, 0.0, 1e3) }];
    let Bound { sigma_x_px, .. } =
        crlb(&Spot { side_px: 21, x_px: 10.0, y_px: 10.0, ..Spot::ideal(1.3, 1000.0, 10.0) }).unwrap();
    let error = sigma_x_px * 110.0;
    let mut found = truth.map(|mut emitter| {
        (emitter.at.x_nm, emitter.at.y_nm) = (55.0 + error, 55.0 - error);
        emitter
    });
    let report = judge(&mut truth, &mut found, &question(Some(optics))).unwrap();
    let bins = report.by_photons.unwrap();
    close(bins[3].lateral_over_crlb(), 1.0);
    assert_eq!((bins[3].crlb_axial_nm, bins[2].crlb_lateral_nm), (None, None));
    // Of the truth without background, and with no other to use, nothing is bounded.
    let blind =
        judge(&mut truth, &mut found, &question(Some(Optics { background: None, ..optics }))).unwrap();
    assert_eq!(blind.by_photons.unwrap()[3].crlb_lateral_nm, None);
}
