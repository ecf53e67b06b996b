//! Localizations that are in the journal and not in the map yet.
//!
//! In: batches with where they lie, in the order of the journal. Out: the map, piece by piece. Never: more than
//! [`UNDRAWN`] for long; a piece that a frame would have to wait for.
//!
//! A field of view that is new to the map takes memory that the system has to find first, and then drawing is several times
//! slower than later. What is in the journal is safe meanwhile: the frames that come do not wait for the picture.

use std::collections::VecDeque;

use smlm::localization::Localization;
use smlm::map::LiveMap;

use super::correcting::Place;

/// Localizations that may wait (8 MiB): 2 s of 600 emitters a frame at 100 frames a second.
pub const UNDRAWN: usize = 1 << 17;
/// Localizations that are drawn at once. Where all the memory is new each takes up to 100 KiB, which the system has to clear.
const PIECE: usize = 64;

#[derive(Default)]
pub struct Undrawn {
    localizations: VecDeque<Localization>,
    /// Where stretches of them lie, and how long each is.
    places: VecDeque<(Place, usize)>,
}

impl Undrawn {
    pub fn push(&mut self, localizations: &[Localization], place: Place) {
        self.localizations.extend(localizations);
        self.places.push_back((place, localizations.len()));
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Localizations that wait.
    pub fn len(&self) -> usize {
        self.localizations.len()
    }

    /// Draws a piece of the oldest stretch; where that lies, once it is drawn to its end.
    pub fn draw(&mut self, map: &mut LiveMap) -> Option<Place> {
        let (place, left) = self.places.front_mut()?;
        let (head, _) = self.localizations.as_slices();
        let piece = &head[..head.len().min(*left).min(PIECE)];
        map.add_at(piece, place.pixel, place.corner);
        *left -= piece.len();
        let drawn = piece.len();
        self.localizations.drain(..drawn);
        self.places.pop_front_if(|(_, left)| *left == 0).map(|(place, _)| place)
    }
}

#[cfg(test)]
mod tests {
    use smlm::map::MapSettings;
    use smlm::units::{Nm, PixelSize};

    use super::*;

    const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(100.0) };

    fn place(first_seq: u64) -> Place {
        Place { tile: 0, first_seq, span: (0, 0), pixel: PIXEL, corner: (Nm(0.0), Nm(0.0)) }
    }

    #[test]
    fn everything_is_drawn_once_in_pieces_and_each_stretch_is_told_at_its_end() {
        let mut map = LiveMap::new(MapSettings::default()).unwrap();
        let mut undrawn = Undrawn::default();
        let mut told = Vec::new();
        let mut pushed = 0;
        for round in 0..40 {
            for n in [0, 1, 500, 1500] {
                undrawn.push(&vec![Localization::default(); n], place(pushed));
                pushed += 1;
            }
            for _ in 0..round {
                told.extend(undrawn.draw(&mut map).map(|place| place.first_seq));
            }
        }
        while !undrawn.is_empty() {
            let before = undrawn.len();
            told.extend(undrawn.draw(&mut map).map(|place| place.first_seq));
            assert!(before - undrawn.len() <= PIECE);
        }
        assert!(told.into_iter().eq(0..pushed));
        assert_eq!((undrawn.len(), map.localizations()), (0, 40 * 2001));
        assert!(undrawn.draw(&mut map).is_none());
    }
}
