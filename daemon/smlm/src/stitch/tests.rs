use super::*;

/// A small generator, so that the crate needs none: xorshift64*.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn even(&mut self, reach: f64) -> f64 {
        (2.0 * self.unit() - 1.0) * reach
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// Filaments that bend as they go, as places 50 nm apart.
struct Sample(Vec<(f64, f64)>);

impl Sample {
    const STEP_NM: f64 = 50.0;

    /// Filaments of 20 µm over a square of so many nm, `per_um2` µm of them on a µm².
    fn filaments(dice: &mut Dice, side: f64, per_um2: f64) -> Self {
        let count = (side * side / 1e6 * per_um2 / 20.0).ceil() as usize;
        let mut places = Vec::new();
        for _ in 0..count {
            let (mut x, mut y) = (dice.unit() * side, dice.unit() * side);
            let mut angle = dice.even(3.2);
            for _ in 0..400 {
                (x, y) = (x + Self::STEP_NM * angle.cos(), y + Self::STEP_NM * angle.sin());
                angle += 0.07 * dice.normal();
                places.push((x, y));
            }
        }
        Self(places)
    }

    /// What a tile at this corner sees: `per_um` localizations on a µm of filament, each 12 nm off, a twentieth anywhere.
    fn seen(&self, dice: &mut Dice, corner: (f64, f64), field: f64, per_um: f64) -> Vec<(f32, f32)> {
        let within = |v: f64| (0.0..field).contains(&v);
        let mut points = Vec::new();
        for (x, y) in &self.0 {
            let (x, y) = (x - corner.0, y - corner.1);
            let mut chance = per_um * Self::STEP_NM / 1e3;
            while within(x) && within(y) && dice.unit() < chance {
                let (x, y) = (x + dice.even(25.0), y + dice.even(25.0));
                let (x, y) = (x + 12.0 * dice.normal(), y + 12.0 * dice.normal());
                points.extend((within(x) && within(y)).then_some((x as f32, y as f32)));
                chance *= 0.9;
            }
        }
        for _ in 0..points.len() / 20 {
            points.push(((dice.unit() * field) as f32, (dice.unit() * field) as f32));
        }
        points
    }
}

const FIELD_NM: f64 = 20_000.0;

struct Scan {
    side: u32,
    overlap: f64,
    /// Of each tile, in x and in y.
    stage_error: f64,
    per_um: f64,
}

struct Done {
    stitcher: Stitcher,
    truth: Vec<(f64, f64)>,
}

impl Scan {
    fn run(&self, seed: u64) -> Done {
        let mut dice = Dice(seed);
        let step = FIELD_NM - self.overlap;
        let sample = Sample::filaments(&mut dice, step * f64::from(self.side) + 5_000.0, 1.5);
        let field = (Nm(FIELD_NM), Nm(FIELD_NM));
        let error_max = Nm((2.0 * self.stage_error).max(1000.0));
        let settings = Settings { overlap: Nm(self.overlap), error_max, ..Settings::of(field) };
        let mut done = Done { stitcher: Stitcher::new(settings), truth: Vec::new() };
        for index in 0..self.side * self.side {
            let tile = Tile { index, row: index / self.side, column: index % self.side };
            let planned = (f64::from(tile.column) * step, f64::from(tile.row) * step);
            let truth = (
                planned.0 + 2_000.0 + dice.even(self.stage_error),
                planned.1 + 2_000.0 + dice.even(self.stage_error),
            );
            let points = sample.seen(&mut dice, truth, FIELD_NM, self.per_um);
            done.truth.push(truth);
            done.stitcher.add_tile(tile, (Nm(planned.0), Nm(planned.1)), &points);
        }
        done
    }
}

impl Done {
    /// How far each seam is off.
    fn seams_off(&self) -> Vec<f64> {
        let off = |seam: &Seam| {
            let (a, b) = (self.truth[seam.a as usize], self.truth[seam.b as usize]);
            (seam.offset_nm.0 - (b.0 - a.0)).hypot(seam.offset_nm.1 - (b.1 - a.1))
        };
        self.stitcher.seams().iter().map(off).collect()
    }

    /// Root mean square of how far neighbours are off each other, of those that seams place both.
    fn rms(&self, solution: &Solution) -> f64 {
        let grid = f64::from(self.truth.len() as u32).sqrt() as usize;
        let mut off = Vec::new();
        for (a, b) in (0..self.truth.len()).flat_map(|a| [(a, a + 1), (a, a + grid)]) {
            if b >= self.truth.len() || b == a + 1 && b % grid == 0 {
                continue;
            }
            let (pa, pb) = (solution.places[a], solution.places[b]);
            if pa.from == PlacedFrom::Seams && pb.from == PlacedFrom::Seams {
                let step = (pb.corner.0.0 - pa.corner.0.0, pb.corner.1.0 - pa.corner.1.0);
                let truth = (self.truth[b].0 - self.truth[a].0, self.truth[b].1 - self.truth[a].1);
                off.push((step.0 - truth.0).powi(2) + (step.1 - truth.1).powi(2));
            }
        }
        (off.iter().sum::<f64>() / off.len() as f64).sqrt()
    }
}

#[test]
fn tiles_of_a_stage_that_errs_by_2_um_are_placed_to_under_20_nm() {
    for (side, seed) in [(3, 1), (5, 2)] {
        let done = Scan { side, overlap: 5000.0, stage_error: 2000.0, per_um: 20.0 }.run(seed);
        let solution = done.stitcher.solve();
        assert_eq!(solution.seams.len() as u32, 2 * side * (side - 1), "{:?}", done.stitcher.apart());
        assert_eq!(solution.rejected().count(), 0);
        let rms = done.rms(&solution);
        assert!(rms < 20.0, "{rms} nm");
        // Seams of a few nm, so closed loops leave a few nm.
        assert!(solution.residual_rms().is_some_and(|rms| rms.0 < 10.0), "{:?}", solution.residual_rms());
    }
}

#[test]
fn an_overlap_of_1_um_gives_true_seams_where_there_is_one_and_none_where_there_is_not() {
    let done = Scan { side: 5, overlap: 1000.0, stage_error: 2000.0, per_um: 20.0 }.run(3);
    let off = done.seams_off();
    assert!(off.iter().all(|off| *off < 20.0), "{off:?}");
    for apart in done.stitcher.apart() {
        let (a, b) = (done.truth[apart.a as usize], done.truth[apart.b as usize]);
        let overlap = FIELD_NM - (b.0 - a.0).abs().max((b.1 - a.1).abs());
        assert!(overlap < 300.0, "{overlap} nm of overlap and {apart:?}");
    }
    assert!(off.len() >= 20, "{} seams", off.len());
}

#[test]
fn tiles_of_an_empty_sample_lie_where_the_stage_had_them() {
    let done = Scan { side: 3, overlap: 1000.0, stage_error: 300.0, per_um: 0.0 }.run(4);
    let solution = done.stitcher.solve();
    assert_eq!((solution.seams.len(), done.stitcher.apart().len()), (0, 12));
    assert!(done.stitcher.apart().iter().all(|apart| matches!(apart.why, NoSeam::Empty(0))));
    for (index, place) in solution.places.iter().enumerate() {
        let planned = ((index % 3) as f64 * 19_000.0, (index / 3) as f64 * 19_000.0);
        assert_eq!(place.from, PlacedFrom::Stage);
        assert_eq!((place.corner.0.0, place.corner.1.0), planned);
    }
    assert_eq!(solution.residual_rms(), None);
}

#[test]
fn strips_that_show_nothing_in_common_have_no_seam() {
    let mut dice = Dice(17);
    let settings = Settings::of((Nm(FIELD_NM), Nm(FIELD_NM)));
    for index in 0..20 {
        let mut stitcher = Stitcher::new(settings);
        for column in 0..2 {
            // Another sample under each tile.
            let sample = Sample::filaments(&mut dice, FIELD_NM, 1.5);
            let points = sample.seen(&mut dice, (0.0, 0.0), FIELD_NM, 20.0);
            let tile = Tile { index: column, row: 0, column };
            stitcher.add_tile(tile, (Nm(19_000.0 * f64::from(column)), Nm(0.0)), &points);
        }
        assert!(stitcher.seams().is_empty(), "{index}: {:?}", stitcher.seams());
    }
}

/// Indices and places of tiles by the stage, where they really are, and seams.
type Made = (Vec<(u32, (f64, f64))>, Vec<(f64, f64)>, Vec<Seam>);

/// A grid of tiles and its seams, each 5 nm off; corrections of up to 2 µm.
fn made(side: u32, dice: &mut Dice) -> Made {
    let planned = |n: u32| (f64::from(n % side) * 54_000.0, f64::from(n / side) * 54_000.0);
    let tiles: Vec<_> = (0..side * side).map(|n| (n, planned(n))).collect();
    let truth: Vec<_> =
        tiles.iter().map(|(_, at)| (at.0 + dice.even(2000.0), at.1 + dice.even(2000.0))).collect();
    let mut seams = Vec::new();
    for a in 0..side * side {
        for b in [(a % side + 1 < side).then_some(a + 1), (a + side < side * side).then_some(a + side)] {
            let Some(b) = b else { continue };
            let (from, to) = (truth[a as usize], truth[b as usize]);
            let offset_nm = (to.0 - from.0 + 5.0 * dice.normal(), to.1 - from.1 + 5.0 * dice.normal());
            seams.push(Seam {
                a,
                b,
                offset_nm,
                sd_nm: 5.0,
                confidence: 20.0,
                shared: 1.0,
                localizations: 1000,
            });
        }
    }
    (tiles, truth, seams)
}

#[test]
fn a_wrong_seam_is_named_and_does_not_count() {
    let mut dice = Dice(23);
    let (tiles, truth, mut seams) = made(5, &mut dice);
    let settings = Settings::of((Nm(55_296.0), Nm(55_296.0)));
    let right = solve::solve(&tiles, &seams, &[], &settings);
    assert_eq!(right.rejected().count(), 0);
    let wrong = seams.iter().position(|seam| (seam.a, seam.b) == (11, 12)).expect("a seam in the middle");
    seams[wrong].offset_nm.0 += 700.0;
    let solution = solve::solve(&tiles, &seams, &[], &settings);
    let rejected: Vec<(u32, u32)> = solution.rejected().map(|one| (one.seam.a, one.seam.b)).collect();
    assert_eq!(rejected, [(11, 12)]);
    let off = solution.seams[wrong].off_nm;
    assert!((off.0 - 700.0).abs() < 30.0 && off.1.abs() < 30.0, "{off:?}");
    for (a, b) in (0..24).map(|a| (a, a + 1)).filter(|(a, _)| a % 5 < 4) {
        let (from, to) = (solution.places[a].corner, solution.places[b].corner);
        let off = (to.0.0 - from.0.0 - truth[b].0 + truth[a].0, to.1.0 - from.1.0 - truth[b].1 + truth[a].1);
        assert!(off.0.hypot(off.1) < 25.0, "{off:?} between {a} and {b}");
    }
}

#[test]
fn a_tile_without_seams_moves_with_its_neighbours() {
    let mut dice = Dice(29);
    let (tiles, _, mut seams) = made(3, &mut dice);
    // The stage was wrong by a constant between the middle and the tiles around it.
    seams.retain(|seam| seam.a != 4 && seam.b != 4);
    for seam in &mut seams {
        let step = |of: fn(&(f64, f64)) -> f64| of(&tiles[seam.b as usize].1) - of(&tiles[seam.a as usize].1);
        seam.offset_nm = (step(|at| at.0), step(|at| at.1));
    }
    let apart: Vec<Apart> =
        [(1, 4), (3, 4), (4, 5), (4, 7)].map(|(a, b)| Apart { a, b, why: NoSeam::Empty(0) }).into();
    // All tiles but the first row's and the middle one lie 900 nm further down.
    for seam in seams.iter_mut().filter(|seam| seam.a < 3 && seam.b >= 3) {
        seam.offset_nm.1 += 900.0;
    }
    let settings = Settings::of((Nm(55_296.0), Nm(55_296.0)));
    let solution = solve::solve(&tiles, &seams, &apart, &settings);
    let moved = |n: usize| solution.places[n].corner.1.0 - tiles[n].1.1;
    assert_eq!(solution.places[4].from, PlacedFrom::Stage);
    assert!((moved(3) - moved(1) - 900.0).abs() < 1.0);
    let mean = (moved(1) + moved(3) + moved(5) + moved(7)) / 4.0;
    // Its own anchor holds it back by 1 in 400.
    assert!((moved(4) - mean).abs() < 0.01 * mean.abs() + 1.0, "{} and {mean}", moved(4));
}

#[test]
fn a_scan_of_33_by_33_tiles_with_wrong_seams_is_solved_within_a_second() {
    let mut dice = Dice(31);
    let (tiles, truth, mut seams) = made(33, &mut dice);
    let mut wrong = Vec::new();
    for seam in (0..seams.len()).step_by(101) {
        let inside = |n: u32| (1..32).contains(&(n % 33)) && (1..32).contains(&(n / 33));
        if inside(seams[seam].a) && inside(seams[seam].b) {
            seams[seam].offset_nm.1 -= 1500.0;
            wrong.push((seams[seam].a, seams[seam].b));
        }
    }
    let settings = Settings::of((Nm(55_296.0), Nm(55_296.0)));
    let begun = std::time::Instant::now();
    let solution = solve::solve(&tiles, &seams, &[], &settings);
    let took = begun.elapsed();
    let rejected: Vec<(u32, u32)> = solution.rejected().map(|one| (one.seam.a, one.seam.b)).collect();
    assert_eq!(rejected, wrong);
    // A seam of a loop of four is 5 nm off in each coordinate, and what is fitted is nearer.
    for seam in &seams {
        let (a, b) = (seam.a as usize, seam.b as usize);
        let step = (
            solution.places[b].corner.0.0 - solution.places[a].corner.0.0,
            solution.places[b].corner.1.0 - solution.places[a].corner.1.0,
        );
        let off = (step.0 - truth[b].0 + truth[a].0).hypot(step.1 - truth[b].1 + truth[a].1);
        assert!(off < 30.0, "{off} nm between {a} and {b}");
    }
    println!("{took:?} with {} rejected", rejected.len());
    assert!(took.as_secs_f64() < 1.0 || cfg!(debug_assertions), "{took:?}");
}

#[test]
fn only_edges_that_wait_for_a_neighbour_are_kept() {
    let mut stitcher = Stitcher::new(Settings::of((Nm(FIELD_NM), Nm(FIELD_NM))));
    let mut dice = Dice(37);
    let points: Vec<(f32, f32)> =
        (0..200_000).map(|_| ((dice.unit() * FIELD_NM) as f32, (dice.unit() * FIELD_NM) as f32)).collect();
    stitcher.add_tile(Tile { index: 0, row: 0, column: 0 }, (Nm(0.0), Nm(0.0)), &points);
    assert!(stitcher.kept() <= 4 * EDGE_MAX);
    let alone = stitcher.kept() as f64;
    let found = stitcher.add_tile(Tile { index: 1, row: 0, column: 1 }, (Nm(19_000.0), Nm(0.0)), &points);
    assert_eq!(found.len(), 1);
    // One edge of each was used; the four have about as many.
    let kept = stitcher.kept() as f64;
    assert!((kept - alone * 1.5).abs() < 0.01 * alone, "{kept} of {alone}");
    assert!(stitcher.add_tile(Tile { index: 2, row: 0, column: 1 }, (Nm(0.0), Nm(0.0)), &points).is_empty());
}
