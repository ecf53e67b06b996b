//! Painted windows of live maps, and which of them are looked at.
//!
//! In: regions that viewers ask for; windows as they are painted. Out: the blended picture of a region, or that windows
//! are missing. Never: more than [`MOST`] windows; a window that is painted for nobody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use smlm::blend::{self, Blend, BlendError};
use smlm::frame::SeriesId;
use smlm::grey::Grey;
use smlm::map::PixelBox;
use smlm::units::Nm;

use crate::painting::Windows;

/// Windows that are kept: 1 MiB each at 512 px.
const MOST: usize = 256;
/// So long after the last question a window still counts as looked at.
const LOOKS: Duration = Duration::from_secs(5);
/// A level of the map is painted where its pixel is so near to the network's.
const NEAR: f64 = 0.1;

/// A window in the grid of a map's level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub series: SeriesId,
    /// Of the map.
    pub generation: u64,
    pub level: u32,
    pub x: i64,
    pub y: i64,
}

struct Frame {
    /// `None`: nothing is there, and it is black.
    picture: Option<Arc<[f32]>>,
    /// Of the map it was painted from; 0: not painted yet.
    version: u64,
    /// Rises from one painted window to the next.
    number: u64,
    looked_at: Instant,
}

/// What there is of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Windows are missing; they are painted next.
    NotYet,
    /// Rises whenever one of its windows is painted anew.
    Version(u64),
}

/// Shared by the painter and those who answer viewers.
pub struct Easel {
    pixel: Nm,
    side: usize,
    grid: blend::Windows,
    frames: Mutex<(HashMap<Place, Frame>, u64)>,
    /// The painter's: somebody looks at what is not painted. Full: it rings already.
    bell: Sender<()>,
}

impl Easel {
    /// # Errors
    /// Windows of this geometry cannot be blended.
    pub fn new(windows: Windows, bell: Sender<()>) -> Result<Self, BlendError> {
        let grid = blend::Windows::new(windows.side_px, 0, windows.overlap_px)?;
        let side = windows.side_px as usize;
        Ok(Self { pixel: windows.pixel, side, grid, frames: Mutex::default(), bell })
    }

    /// Side of a window, px.
    pub const fn side(&self) -> usize {
        self.side
    }

    pub const fn pixel(&self) -> Nm {
        self.pixel
    }

    /// The level of a map whose pixel is the network's; `None`: it has none.
    pub fn level(&self, base: Nm, finest: u32) -> Option<u32> {
        let off = |level: &u32| (smlm::map::pixel_size(base, *level).0 / self.pixel.0 - 1.0).abs();
        (finest..smlm::map::LEVELS).find(|level| off(level) < NEAR)
    }

    /// Looks at a region in pixels of the level.
    ///
    /// # Errors
    /// It is too large.
    pub fn look(&self, at: Place, region: PixelBox) -> Result<Shown, BlendError> {
        let blend = Blend::new(&self.grid, region)?;
        let mut frames = self.open();
        let (mut complete, mut newest) = (true, 0);
        for window in blend.places() {
            let place = Place { x: window.x, y: window.y, ..at };
            make_room(&mut frames.0, place);
            let frame = frames.0.entry(place).or_insert_with(Frame::new);
            frame.looked_at = Instant::now();
            complete &= frame.version > 0;
            newest = newest.max(frame.number);
        }
        drop(frames);
        if complete {
            return Ok(Shown::Version(newest));
        }
        let _ = self.bell.try_send(());
        Ok(Shown::NotYet)
    }

    /// The picture of a region; `None`: not all of it is painted any more.
    ///
    /// # Errors
    /// It is too large, or the network gave no numbers.
    pub fn picture(&self, at: Place, region: PixelBox) -> Result<Option<Grey>, BlendError> {
        let mut blend = Blend::new(&self.grid, region)?;
        let black: Arc<[f32]> = vec![0.0; self.side * self.side].into();
        while let Some(window) = blend.next_place() {
            let place = Place { x: window.x, y: window.y, ..at };
            let found = self
                .open()
                .0
                .get(&place)
                .filter(|frame| frame.version > 0)
                .map(|frame| frame.picture.clone().unwrap_or_else(|| black.clone()));
            let Some(picture) = found else { return Ok(None) };
            blend.add(&picture)?;
        }
        blend.finish().map(Some)
    }

    /// Windows that are looked at, those that are not painted first, then those painted longest ago.
    pub fn looked_at(&self) -> Vec<Place> {
        let frames = self.open();
        let looked = frames.0.iter().filter(|(_, frame)| frame.looked_at.elapsed() < LOOKS);
        let mut places: Vec<(u64, Place)> = looked.map(|(place, frame)| (frame.number, *place)).collect();
        places.sort_by_key(|(number, place)| (*number, place.y, place.x));
        places.into_iter().map(|(_, place)| place).collect()
    }

    /// Of the map that a window was painted from; 0: it is not painted.
    pub fn version(&self, place: Place) -> u64 {
        self.open().0.get(&place).map_or(0, |frame| frame.version)
    }

    pub fn put(&self, place: Place, picture: Option<Arc<[f32]>>, version: u64) {
        let mut frames = self.open();
        frames.1 += 1;
        let number = frames.1;
        if let Some(frame) = frames.0.get_mut(&place) {
            // A map without localizations has the version 0.
            (frame.picture, frame.version, frame.number) = (picture, version.max(1), number);
        }
    }

    pub fn forget(&self, place: Place) {
        self.open().0.remove(&place);
    }

    /// The map is whole after every statement: read on.
    fn open(&self) -> MutexGuard<'_, (HashMap<Place, Frame>, u64)> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Frame {
    fn new() -> Self {
        Self { picture: None, version: 0, number: 0, looked_at: Instant::now() }
    }
}

/// Before a window that is not there: the one that nobody looked at for longest goes.
fn make_room(frames: &mut HashMap<Place, Frame>, place: Place) {
    if frames.len() < MOST || frames.contains_key(&place) {
        return;
    }
    let oldest = frames.iter().min_by_key(|(_, frame)| frame.looked_at).map(|(place, _)| *place);
    let _ = oldest.and_then(|oldest| frames.remove(&oldest));
}

#[cfg(test)]
mod tests {
    use super::*;
    use infer::painter::Widefield;

    const AT: Place = Place { series: SeriesId([1; 16]), generation: 2, level: 1, x: 0, y: 0 };

    fn easel() -> (Easel, crossbeam_channel::Receiver<()>) {
        let (ring, bell) = crossbeam_channel::bounded(1);
        let windows =
            Windows { side_px: 64, overlap_px: 16, pixel: Nm(20.0), widefield: Widefield::Fraction };
        (Easel::new(windows, ring).unwrap(), bell)
    }

    fn region(x: i32) -> PixelBox {
        PixelBox { x, y: 0, width: 100, height: 40 }
    }

    #[test]
    fn a_region_is_shown_once_its_windows_are_painted_and_again_when_one_is_painted_anew() {
        let (easel, bell) = easel();
        assert_eq!(easel.look(AT, region(0)).unwrap(), Shown::NotYet);
        assert!(bell.try_recv().is_ok());
        let places = easel.looked_at();
        assert_eq!(places.len(), 2 * 4, "from -48 to 112, two rows");
        for (at, place) in places.iter().enumerate() {
            assert_eq!(easel.look(AT, region(0)).unwrap(), Shown::NotYet);
            let half: Arc<[f32]> = vec![0.5; 64 * 64].into();
            easel.put(*place, Some(half).filter(|_| at != 0), 7);
        }
        assert_eq!(easel.look(AT, region(0)).unwrap(), Shown::Version(8));
        let shown = easel.picture(AT, region(0)).unwrap().unwrap();
        assert_eq!(shown.range().1, 0.5);
        assert_eq!(easel.version(places[3]), 7);
        easel.put(places[3], None, 9);
        assert_eq!(easel.look(AT, region(0)).unwrap(), Shown::Version(9));
        assert_eq!(easel.looked_at()[0], places[0], "painted longest ago");
    }

    #[test]
    fn what_nobody_looked_at_for_longest_makes_room() {
        let (easel, _bell) = easel();
        easel.look(AT, region(0)).unwrap();
        let first = easel.looked_at()[0];
        easel.put(first, None, 1);
        for step in 1..60 {
            easel.look(AT, region(step * 200)).unwrap();
        }
        assert_eq!(easel.looked_at().len(), MOST);
        assert_eq!(easel.version(first), 0);
        assert_eq!(easel.picture(AT, region(0)).unwrap(), None);
    }

    #[test]
    fn the_level_of_the_networks_pixel_is_found_or_there_is_none() {
        let (easel, _bell) = easel();
        assert_eq!(easel.level(Nm(10.0), 0), Some(1));
        assert_eq!(easel.level(Nm(20.0), 0), Some(0));
        assert_eq!(easel.level(Nm(10.0), 2), None, "the map was folded");
        assert_eq!(easel.level(Nm(16.0), 0), None);
    }
}
