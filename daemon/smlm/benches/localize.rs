//! Medians of what the pure middle costs per frame beside the network: `cargo bench -p smlm --bench localize`.

use std::hint::black_box;
use std::time::Instant;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use smlm::crlb::{Spot, crlb};
use smlm::frame::{FrameInfo, Seq, Shape};
use smlm::localization::Filter;
use smlm::localize::{CHANNELS, DecodeTensor, OutputScale, Rule, localize};
use smlm::metrics::{Gate, Matcher, Point};
use smlm::tiling::Rect;
use smlm::window::{WindowFrames, Windower};

const SIDE: u32 = 512;

fn median_us(name: &str, rounds: usize, mut work: impl FnMut() -> usize) {
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name:<52} {:>10.2} us ({} found)", times[rounds / 2], work());
}

/// A probability map such as the network gives: a floor, and bumps of one to three pixels.
fn output(dice: &mut StdRng, emitters: usize) -> Vec<f32> {
    let side = SIDE as usize;
    let mut data = vec![0.0f32; CHANNELS * side * side];
    data[side * side..].iter_mut().for_each(|value| *value = dice.random_range(0.0..0.5));
    data[..side * side].fill(0.000_335);
    for _ in 0..emitters {
        let at = dice.random_range(1..side - 1) * side + dice.random_range(1..side - 1);
        let share = dice.random_range(0.5..1.0f32);
        (data[at], data[at + 1], data[at + side]) = (share, 0.95 - 0.9 * share, 0.05);
    }
    data
}

fn localize_frames(dice: &mut StdRng) {
    let shape = Shape { width: SIDE, height: SIDE };
    let scale = OutputScale { photons: 2000.0, z_nm: 800.0, background: 50.0 };
    let info = FrameInfo { shape, ..FrameInfo::default() };
    for emitters in [0, 600, 6000] {
        let data = output(dice, emitters);
        let tensor = DecodeTensor {
            data: &data,
            height: SIDE,
            width: SIDE,
            frame: shape,
            origin: (0, 0),
            core: Rect::whole(shape),
        };
        let mut out = Vec::with_capacity(2 * emitters);
        median_us(&format!("localize 512 x 512, {emitters} emitters"), 201, || {
            out.clear();
            let found = localize(&tensor, &scale, Rule::default(), &Filter::default(), &info, &mut out);
            found.map_or(0, |found| found.kept)
        });
    }
}

fn match_frames(dice: &mut StdRng) {
    // 512 x 512 pixels of 100 nm, then a field in which nearly all points hang together.
    for (emitters, field_nm) in [(600, 51_200.0), (5000, 51_200.0), (5000, 20_000.0), (5000, 10_000.0)] {
        let anywhere = |dice: &mut StdRng| -> Vec<Point> {
            let mut place = || dice.random_range(0.0..field_nm);
            (0..emitters).map(|_| Point { x_nm: place(), y_nm: place(), ..Point::default() }).collect()
        };
        let truth = anywhere(dice);
        let found: Vec<Point> = truth
            .iter()
            .map(|p| Point {
                x_nm: p.x_nm + dice.random_range(-60.0..60.0),
                y_nm: p.y_nm + dice.random_range(-60.0..60.0),
                ..*p
            })
            .collect();
        let mut matcher = Matcher::new(Gate::LATERAL);
        median_us(&format!("match {emitters} emitters in {:.0} um", field_nm / 1000.0), 11, || {
            matcher.frame(&truth, &found).map_or(0, <[_]>::len)
        });
        let unrelated = anywhere(dice);
        median_us(&format!("match {emitters} unrelated points in {:.0} um", field_nm / 1000.0), 3, || {
            matcher.frame(&truth, &unrelated).map_or(0, <[_]>::len)
        });
    }
}

fn main() {
    let mut dice = StdRng::seed_from_u64(1);
    localize_frames(&mut dice);
    match_frames(&mut dice);
    median_us("window 1000 frames", 101, || {
        let mut windower = Windower::new(WindowFrames::Three);
        let mut info = FrameInfo::default();
        (0..1000)
            .map(|n| {
                info.id.seq = Seq(n);
                windower.push(&info, n).count()
            })
            .sum()
    });
    median_us("crlb of one spot", 101, || {
        usize::from(crlb(black_box(&Spot::ideal(1.3, 1000.0, 10.0))).is_ok())
    });
}
