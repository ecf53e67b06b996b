//! How crowded a recording is compared with emitters strewn at random at the same mean density.
//!
//! In: frames of truth. Out: distances to the nearest neighbour within a frame. Never: a judgement.

use rand::RngExt;

use crate::seeds::{Purpose, stream};
use crate::settings::Settings;
use crate::truth::FrameTruth;

/// Nearest-neighbour statistics of the visible emitters of a frame, over frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crowding {
    pub per_um2: f64,
    pub median_nm: f64,
    /// Part of the emitters with another one within 250 nm, 500 nm.
    pub within_250_nm: f64,
    pub within_500_nm: f64,
    /// Mean number of other emitters within 500 nm.
    pub neighbours_500_nm: f64,
}

impl Crowding {
    /// Of recorded frames; costs the square of the emitters per frame. `None` where no frame holds two emitters.
    pub fn of(settings: &Settings, frames: &[FrameTruth]) -> Option<Self> {
        let size = settings.pixel_size;
        let places = frames
            .iter()
            .map(|truth| truth.visible().map(|e| (e.x_px * size.x.0, e.y_px * size.y.0)).collect::<Vec<_>>());
        Self::from_places(places.collect(), settings.area_um2())
    }

    /// The same numbers of emitters, each at a random place: what to compare with.
    pub fn if_uniform(settings: &Settings, frames: &[FrameTruth]) -> Option<Self> {
        let mut rng = stream(settings.seed, Purpose::Crowding, 0, 0);
        let (width, height) = (settings.width_um() * 1000.0, settings.height_um() * 1000.0);
        let places = frames.iter().map(|truth| {
            (0..truth.visible().count())
                .map(|_| (rng.random::<f64>() * width, rng.random::<f64>() * height))
                .collect::<Vec<_>>()
        });
        Self::from_places(places.collect(), settings.area_um2())
    }

    fn from_places(frames: Vec<Vec<(f64, f64)>>, area_um2: f64) -> Option<Self> {
        let mut nearest = Vec::new();
        let mut close = 0u64;
        for places in &frames {
            for (i, a) in places.iter().enumerate() {
                let others = places.iter().enumerate().filter(|(j, _)| *j != i);
                let distances = others.map(|(_, b)| (a.0 - b.0).hypot(a.1 - b.1));
                let (least, within) = distances.fold((f64::INFINITY, 0), |(least, within), d| {
                    (d.min(least), within + u64::from(d < 500.0))
                });
                nearest.push(least);
                close += within;
            }
        }
        if nearest.len() < 2 {
            return None;
        }
        nearest.sort_by(f64::total_cmp);
        let n = nearest.len() as f64;
        let part = |nm: f64| nearest.partition_point(|&d| d < nm) as f64 / n;
        Some(Self {
            per_um2: n / frames.len() as f64 / area_um2,
            median_nm: nearest[nearest.len() / 2],
            within_250_nm: part(250.0),
            within_500_nm: part(500.0),
            neighbours_500_nm: close as f64 / n,
        })
    }
}
