use super::*;

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
