//! What is merged, with what weights, and what is not.

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;

const PIXEL: PixelSize = PixelSize::square(Nm(100.0));

fn at(frame: u32, x_px: f32, y_px: f32) -> Localization {
    Localization {
        frame,
        x_px,
        y_px,
        photons: 500.0,
        background: 10.0,
        sigma_x_px: 0.1,
        sigma_y_px: 0.1,
        sigma_photons: 30.0,
        probability: 1.0,
        ..Localization::default()
    }
}

fn merged(rule: Rule, localizations: &[Localization]) -> Vec<Merged> {
    let (mut merger, mut ended) = (Merger::new(rule), Vec::new());
    merger.push(localizations, &mut ended).unwrap();
    merger.finish(&mut ended);
    ended
}

#[test]
fn an_emitter_that_stays_is_one_with_the_frame_of_the_first() {
    let seen = [at(3, 5.0, 5.0), at(4, 5.1, 5.0), at(5, 5.05, 5.0)];
    let [one] = merged(Rule::usual(PIXEL), &seen)[..] else { panic!("one emitter") };
    assert_eq!((one.detections, one.localization.frame, one.last_frame), (3, 3, 5));
    assert_eq!((one.localization.photons, one.localization.background), (1500.0, 10.0));
    assert!((one.localization.x_px - 5.05).abs() < 1e-6);
    assert!((one.localization.sigma_x_px - 0.1 / 3f32.sqrt()).abs() < 1e-6);
    assert!((one.localization.sigma_photons - 30.0 * 3f32.sqrt()).abs() < 1e-3);
}

#[test]
fn the_more_precise_place_counts_more() {
    let sharp = Localization { sigma_x_px: 0.05, ..at(1, 5.1, 5.0) };
    let [one] = merged(Rule::usual(PIXEL), &[at(0, 5.0, 5.0), sharp])[..] else { panic!("one emitter") };
    assert!((one.localization.x_px - 5.08).abs() < 1e-6, "{one:?}"); // Weights 1 : 4.
    assert!((one.localization.y_px - 5.0).abs() < 1e-6);
}

#[test]
fn what_is_farther_than_the_distance_stays_apart() {
    assert_eq!(merged(Rule::usual(PIXEL), &[at(0, 5.0, 5.0), at(1, 5.19, 5.0)]).len(), 1);
    assert_eq!(merged(Rule::usual(PIXEL), &[at(0, 5.0, 5.0), at(1, 5.21, 5.0)]).len(), 2);
    assert_eq!(merged(Rule::usual(PIXEL), &[at(0, -0.05, 0.0), at(1, 0.05, -0.1)]).len(), 1);
}

#[test]
fn dark_frames_are_bridged_as_far_as_they_may() {
    let seen = [at(0, 5.0, 5.0), at(2, 5.0, 5.0)];
    assert_eq!(merged(Rule::usual(PIXEL), &seen).len(), 2);
    assert_eq!(merged(Rule { dark_frames_max: 1, ..Rule::usual(PIXEL) }, &seen).len(), 1);
}

#[test]
fn one_frame_never_gives_two_parts_of_one_emitter() {
    let seen = [at(0, 5.0, 5.0), at(0, 5.05, 5.0), at(1, 5.06, 5.0), at(1, 5.0, 5.0)];
    let all = merged(Rule::usual(PIXEL), &seen);
    assert_eq!(all.iter().map(|one| one.detections).collect::<Vec<_>>(), [2, 2]);
    // The nearest are joined: 5.00 with 5.00, 5.05 with 5.06.
    assert!((all[0].localization.x_px - 5.0).abs() < 1e-6, "{all:?}");
    // The same, when a frame comes in two calls.
    let (mut merger, mut ended) = (Merger::new(Rule::usual(PIXEL)), Vec::new());
    seen.iter().for_each(|l| merger.push(std::slice::from_ref(l), &mut ended).unwrap());
    merger.finish(&mut ended);
    assert_eq!(ended.iter().map(|one| one.detections).sum::<u32>(), 4);
    assert_eq!(ended.len(), 2);
}

#[test]
fn tiles_and_depths_keep_apart() {
    let other = Localization { tile: 1, ..at(1, 5.0, 5.0) };
    assert_eq!(merged(Rule::usual(PIXEL), &[at(0, 5.0, 5.0), other]).len(), 2);
    let deep = Localization { z_nm: 80.0, ..at(1, 5.0, 5.0) };
    let seen = [at(0, 5.0, 5.0), deep];
    assert_eq!(merged(Rule { depth: Some(Nm(50.0)), ..Rule::usual(PIXEL) }, &seen).len(), 2);
    assert_eq!(merged(Rule { depth: Some(Nm(100.0)), ..Rule::usual(PIXEL) }, &seen).len(), 1);
}

#[test]
fn emitters_end_as_soon_as_nothing_can_join_them() {
    let (mut merger, mut ended) = (Merger::new(Rule::usual(PIXEL)), Vec::new());
    merger.push(&[at(0, 5.0, 5.0), at(1, 5.0, 5.0)], &mut ended).unwrap();
    assert_eq!(ended, []);
    merger.push(&[at(3, 9.0, 9.0)], &mut ended).unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].detections, 2);
}

#[test]
fn a_stream_that_goes_back_is_refused() {
    let (mut merger, mut ended) = (Merger::new(Rule::usual(PIXEL)), Vec::new());
    let refused = merger.push(&[at(4, 5.0, 5.0), at(3, 5.0, 5.0)], &mut ended);
    assert_eq!(refused, Err(MergeError::Unsorted { tile: 0, frame: 3, after_tile: 0, after: 4 }));
}

/// The same rule with a look at every pair.
fn every_pair(rule: &Rule, seen: &[Localization]) -> Vec<Merged> {
    let (mut open, mut ended) = (Vec::<Open>::new(), Vec::new());
    for frame in seen.chunk_by(|a, b| a.frame == b.frame) {
        open.retain(|open| {
            let stays = frame[0].frame - open.merged.last_frame <= rule.dark_frames_max + 1;
            if !stays {
                ended.push(open.merged);
            }
            stays
        });
        let mut left: Vec<usize> = (0..frame.len()).collect();
        let mut free: Vec<usize> = (0..open.len()).collect();
        loop {
            let pairs = left.iter().flat_map(|&l| free.iter().map(move |&o| (l, o)));
            let near = pairs
                .filter_map(|(l, o)| Some((distance(rule, &frame[l], &open[o].merged.localization)?, l, o)));
            let Some((_, l, o)) = near.min_by(|a, b| a.partial_cmp(b).unwrap()) else { break };
            open[o].add(&frame[l]);
            left.retain(|&other| other != l);
            free.retain(|&other| other != o);
        }
        open.extend(left.into_iter().map(|l| Open::new(&frame[l])));
    }
    ended.extend(open.into_iter().map(|open| open.merged));
    ended
}

#[test]
fn nothing_is_lost_and_cells_find_what_a_look_at_every_pair_finds() {
    let mut dice = StdRng::seed_from_u64(9);
    let rule = Rule { dark_frames_max: 2, ..Rule::usual(PIXEL) };
    let mut seen = Vec::new();
    for frame in 0..60 {
        for _ in 0..dice.random_range(0..80) {
            // A field of 4 px, so that many are near each other.
            let place = |dice: &mut StdRng| dice.random_range(-2.0..2.0f32);
            seen.push(at(frame, place(&mut dice), place(&mut dice)));
        }
    }
    let all = merged(rule, &seen);
    assert_eq!(all, every_pair(&rule, &seen));
    assert_eq!(all.iter().map(|one| one.detections as usize).sum::<usize>(), seen.len());
    assert!(all.len() < seen.len() * 3 / 4, "{} of {}", all.len(), seen.len());
}

#[test]
fn places_that_are_no_numbers_are_passed_on_alone() {
    let seen = [at(0, f32::NAN, 0.0), at(1, f32::NAN, 0.0), at(2, f32::INFINITY, -f32::INFINITY)];
    assert_eq!(merged(Rule::usual(PIXEL), &seen).len(), 3);
}
