use super::*;
use crate::localization::Localization;
use crate::units::{Nm, PixelSize};

/// A small generator, so that the crate needs none: xorshift64*.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / (1u64 << 24) as f32
    }

    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }
}

/// Localizations on straight filaments in a field of 8 µm, each with an error of 15 nm.
fn filaments(dice: &mut Dice, n: usize, drift: (f32, f32)) -> Vec<(f32, f32)> {
    let point = |dice: &mut Dice| {
        let filament = (dice.unit() * 12.0).floor();
        let (angle, along) = (filament * 0.53, dice.unit() * 8000.0 - 4000.0);
        let aside = (filament - 6.0) * 350.0;
        let x = 4000.0 + along * angle.cos() - aside * angle.sin();
        let y = 4000.0 + along * angle.sin() + aside * angle.cos();
        (x + drift.0 + 15.0 * dice.normal(), y + drift.1 + 15.0 * dice.normal())
    };
    (0..n).map(|_| point(dice)).collect()
}

#[test]
fn a_steady_drift_is_followed_to_a_few_nm() {
    let mut dice = Dice(7);
    let mut follower = Follower::default();
    for step in 0..20u16 {
        let truth = (3.0 * f32::from(step), -5.0 * f32::from(step));
        let segment = Segment { middle_seq: step.into(), points: filaments(&mut dice, 4000, truth) };
        let moved = follower.follow(&segment).expect("filaments are structure enough");
        let off = (moved.x_nm - f64::from(truth.0)).hypot(moved.y_nm - f64::from(truth.1));
        assert!(off < 6.0, "{off} nm off in step {step}: {moved:?}");
        assert!(step == 0 || moved.sd_nm > 0.0 && off < 6.0 * moved.sd_nm, "{off} nm, {moved:?}");
    }
}

#[test]
fn a_sample_without_structure_has_no_drift_to_see() {
    let mut dice = Dice(11);
    let mut even = || (0..4000).map(|_| (dice.unit() * 8000.0, dice.unit() * 8000.0)).collect();
    let mut follower = Follower::default();
    assert!(follower.follow(&Segment { middle_seq: 0, points: even() }).is_some());
    assert_eq!(follower.follow(&Segment { middle_seq: 1, points: even() }), None);
}

#[test]
fn a_crowd_is_thinned_and_still_followed() {
    let mut dice = Dice(3);
    let mut follower = Follower::default();
    let crowd = |dice: &mut Dice, drift| {
        let points = filaments(dice, 20_000, drift);
        points.into_iter().map(|(x, y)| (x / 8.0, y / 8.0)).collect::<Vec<_>>()
    };
    follower.follow(&Segment { middle_seq: 0, points: crowd(&mut dice, (0.0, 0.0)) });
    let points = crowd(&mut dice, (160.0, 0.0));
    let moved = follower.follow(&Segment { middle_seq: 1, points }).expect("it is structured");
    assert!((moved.x_nm - 20.0).abs() < 6.0 && moved.y_nm.abs() < 6.0, "{moved:?}");
}

#[test]
fn nothing_at_all_is_no_drift() {
    let mut follower = Follower::default();
    follower.follow(&Segment::default());
    assert_eq!(follower.follow(&Segment::default()), None);
}

const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(110.0) };

/// `per_frame` localizations in each of 1,000 frames, the sample drifting evenly by `by` nm in all.
fn tile(dice: &mut Dice, per_frame: usize, by: (f32, f32)) -> Vec<Localization> {
    let mut found = Vec::new();
    for frame in 0..1000u16 {
        let part = f32::from(frame) / 1000.0;
        for (x, y) in filaments(dice, per_frame, (by.0 * part, by.1 * part)) {
            let (x, y) = PIXEL.centre_px(Nm(x.into()), Nm(y.into()));
            let (x_px, y_px) = (x.0 as f32, y.0 as f32);
            found.push(Localization {
                frame: 5000 + u32::from(frame),
                x_px,
                y_px,
                ..Localization::default()
            });
        }
    }
    found
}

/// Root mean square of what is left, but for a shift of the whole.
fn left(drift: &Drift, by: (f32, f32)) -> f64 {
    let off: Vec<(f64, f64)> = (0..1000u64)
        .map(|frame| {
            let (x, y) = drift.at(5000 + frame);
            let part = frame as f64 / 1000.0;
            (x.0 - part * f64::from(by.0), y.0 - part * f64::from(by.1))
        })
        .collect();
    let mean = off.iter().fold((0.0, 0.0), |sum, off| (sum.0 + off.0 / 1e3, sum.1 + off.1 / 1e3));
    (off.iter().map(|off| (off.0 - mean.0).powi(2) + (off.1 - mean.1).powi(2)).sum::<f64>() / 1e3).sqrt()
}

#[test]
fn a_tile_that_drifts_by_100_nm_is_corrected_to_less_than_5_nm() {
    for (seed, per_frame) in [(7, 100), (9, 20)] {
        let by = (80.0, -60.0);
        let mut found = tile(&mut Dice(seed), per_frame, by);
        let drift = Drift::of_tile(&found, PIXEL).unwrap();
        assert!(left(&drift, by) < 5.0, "{seed}: {} nm", left(&drift, by));
        assert!((drift.farthest().0 - 100.0).abs() < 12.0, "{seed}: {:?}", drift.farthest());
        correct(&mut found, &drift, PIXEL);
        let again = Drift::of_tile(&found, PIXEL).map_or(0.0, |again| left(&again, (0.0, 0.0)));
        assert!(again < 5.0, "{seed}: {again} nm");
    }
}

/// `frames` of `per_frame` emitters that shine for five frames each and never again, in the same place each time they
/// do; a sample that stands still and has no other structure.
fn blinking(dice: &mut Dice, frames: u32, per_frame: u32) -> Vec<Localization> {
    let mut found = Vec::new();
    for first in 0..frames {
        for _ in 0..per_frame / 5 {
            let (x, y) = (80.0 * dice.unit(), 80.0 * dice.unit());
            let lasting = first..frames.min(first + 5);
            let shown = |frame| {
                let (x_px, y_px) = (x + 0.15 * dice.normal(), y + 0.15 * dice.normal());
                Localization { frame, x_px, y_px, ..Localization::default() }
            };
            found.extend(lasting.map(shown));
        }
    }
    found
}

#[test]
fn a_sample_that_stands_still_is_hardly_ever_said_to_drift() {
    let mut said = 0;
    for seed in 1..=60 {
        let found = blinking(&mut Dice(seed * 7919), 60 + 10 * (seed as u32 % 20), 60);
        match Drift::of_tile(&found, PIXEL) {
            Ok(_) => said += 1,
            Err(why) => assert!(matches!(why, NoDrift::NotSeen { .. } | NoDrift::NoStructure), "{why}"),
        }
    }
    assert!(said <= 3, "{said} of 60");
}

#[test]
fn a_course_goes_straight_between_segments_and_on_to_the_ends() {
    let found = tile(&mut Dice(7), 20, (50.0, 0.0));
    let drift = Drift::of_tile(&found, PIXEL).unwrap();
    let (first, last) = (drift.moved()[0], drift.moved()[1]);
    let half = (first.seq + last.seq) / 2;
    assert!((drift.at(half).0.0 - (first.x_nm + last.x_nm) / 2.0).abs() < 0.1);
    assert_eq!(drift.at(0), drift.at(5000));
    assert_eq!(drift.at(9000), drift.at(5999));
}

#[test]
fn a_tile_says_why_its_drift_is_not_known() {
    assert_eq!(Drift::of_tile(&[], PIXEL), Err(NoDrift::TooFew(0)));
    let mut dice = Dice(11);
    let mut anywhere = |frame| Localization {
        frame,
        x_px: 80.0 * dice.unit(),
        y_px: 80.0 * dice.unit(),
        ..Localization::default()
    };
    let even: Vec<Localization> = (0..8000).map(|i| anywhere(i / 8)).collect();
    assert_eq!(Drift::of_tile(&even, PIXEL), Err(NoDrift::NoStructure));
    let one_frame: Vec<Localization> = (0..2000).map(|_| anywhere(3)).collect();
    assert_eq!(Drift::of_tile(&one_frame, PIXEL), Err(NoDrift::NoStructure));
}
