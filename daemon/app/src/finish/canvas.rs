//! One picture of a whole scan, growing tile by tile.
//!
//! In: tiles, where they lie, what they show. Out: an OME-Zarr of counts per pixel, or of what tiles' own pictures show.
//! Never: two tiles in memory; a localization counted twice: where tiles overlap, each pixel is one tile's.

use std::collections::BTreeMap;
use std::path::Path;

use smlm::frame::{Shape, Tile};
use smlm::localization::Localization;
use smlm::units::{Nm, PixelSize, Px};
use wire::files::zarr::{About, Channel, Layout, MosaicWriter, Reduce, Region, Value, ZarrError};

/// A tile's rectangle in the plane of the scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    pub tile: Tile,
    /// Of the first pixel, x and y.
    pub corner: (Nm, Nm),
    pub shape: Shape,
    pub pixel: PixelSize,
}

impl Spot {
    /// Width and height.
    pub fn size(&self) -> (f64, f64) {
        (f64::from(self.shape.width) * self.pixel.x.0, f64::from(self.shape.height) * self.pixel.y.0)
    }
}

/// The part of a plane that a picture shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    pub from: (f64, f64),
    pub to: (f64, f64),
}

impl Extent {
    /// Around all tiles; `None` without one.
    pub fn around<'a>(spots: impl Iterator<Item = &'a Spot>) -> Option<Self> {
        spots.fold(None, |extent: Option<Self>, spot| {
            let ((x, y), (width, height)) = (spot.corner, spot.size());
            let own = Self { from: (x.0, y.0), to: (x.0 + width, y.0 + height) };
            Some(extent.map_or(own, |e| Self {
                from: (e.from.0.min(own.from.0), e.from.1.min(own.from.1)),
                to: (e.to.0.max(own.to.0), e.to.1.max(own.to.1)),
            }))
        })
    }

    /// As large again on all sides.
    pub fn grown(self, by: (f64, f64)) -> Self {
        Self { from: (self.from.0 - by.0, self.from.1 - by.1), to: (self.to.0 + by.0, self.to.1 + by.1) }
    }
}

/// What a picture is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    pub name: String,
    /// Side of a pixel.
    pub pixel: Nm,
    /// How it is shown at first; `None`: counts of localizations.
    pub channel: Option<Channel>,
}

/// A picture, open for writing.
pub struct Canvas<T: Value> {
    writer: MosaicWriter<T>,
    /// By row and column.
    drawn: BTreeMap<(u32, u32), Spot>,
}

/// What a tile shows, on its own pixels; the outer corner of the first one is the tile's.
pub struct Picture<'p, T> {
    pub values: &'p [T],
    pub width: usize,
    pub pixel: (Nm, Nm),
}

/// A rectangle of nm that one tile alone fills.
type Own = ((f64, f64), (f64, f64));

impl<T: Value> Canvas<T> {
    /// Begins a picture of an extent, or goes on with one; `cache_bytes` are for what waits to be written.
    ///
    /// # Errors
    /// What the disk says.
    pub fn open(
        path: &Path,
        content: &Content,
        extent: Extent,
        cache_bytes: usize,
    ) -> Result<Self, ZarrError> {
        let writer = if path.exists() {
            MosaicWriter::open(path, cache_bytes)?
        } else {
            let pixel = content.pixel;
            let side = |from: f64, to: f64| ((to - from) / pixel.0).ceil().max(1.0) as u64;
            let about = About {
                name: content.name.clone(),
                width: side(extent.from.0, extent.to.0),
                height: side(extent.from.1, extent.to.1),
                pixel,
                corner: (Nm(extent.from.0), Nm(extent.from.1)),
                reduce: if content.channel.is_some() { Reduce::Mean } else { Reduce::Sum },
                channels: content.channel.iter().cloned().collect(),
            };
            MosaicWriter::create(path, about, &Layout { cache_bytes, ..Layout::default() })?
        };
        Ok(Self { writer, drawn: BTreeMap::new() })
    }

    /// Remembers a tile that is in the picture already.
    pub fn remember(&mut self, spot: Spot) {
        self.drawn.insert((spot.tile.row, spot.tile.column), spot);
    }

    /// What the picture shows.
    pub fn extent(&self) -> Extent {
        let about = self.writer.about();
        let (x, y) = (about.corner.0.0, about.corner.1.0);
        let to = |from: f64, pixels: u64| from + pixels as f64 * about.pixel.0;
        Extent { from: (x, y), to: (to(x, about.width), to(y, about.height)) }
    }

    pub fn spots(&self) -> impl Iterator<Item = &Spot> {
        self.drawn.values()
    }

    /// The part of the picture that a tile takes over from whoever was there.
    fn take(&mut self, spot: Spot) -> Region {
        let own = self.own(&spot);
        self.remember(spot);
        let about = self.writer.about();
        let along = |from: f64, to: f64, corner: Nm, side: u64| {
            let at = |nm: f64| ((nm - corner.0) / about.pixel.0).round().clamp(0.0, side as f64) as u64;
            (at(from), at(to))
        };
        let (left, right) = along(own.0.0, own.1.0, about.corner.0, about.width);
        let (top, bottom) = along(own.0.1, own.1.1, about.corner.1, about.height);
        Region { x: left, y: top, width: right.saturating_sub(left), height: bottom.saturating_sub(top) }
    }

    /// Puts a tile's own picture into its part, each pixel from the one that its centre falls into.
    ///
    /// # Errors
    /// What the disk says.
    pub fn copy(&mut self, spot: Spot, picture: &Picture<'_, T>) -> Result<(), ZarrError> {
        let region = self.take(spot);
        let about = self.writer.about();
        let height = picture.values.len() / picture.width.max(1);
        let centre = |at: u64, corner: Nm| corner.0 + (at as f64 + 0.5) * about.pixel.0;
        let own =
            |nm: f64, pixel: Nm, side: usize| ((nm / pixel.0).max(0.0) as usize).min(side.saturating_sub(1));
        let columns: Vec<usize> = (region.x..region.x + region.width)
            .map(|x| own(centre(x, about.corner.0) - spot.corner.0.0, picture.pixel.0, picture.width))
            .collect();
        let mut values = Vec::with_capacity((region.width * region.height) as usize);
        for y in region.y..region.y + region.height {
            let row = own(centre(y, about.corner.1) - spot.corner.1.0, picture.pixel.1, height);
            let row = picture.values.get(row * picture.width..(row + 1) * picture.width).unwrap_or(&[]);
            values.extend(columns.iter().map(|column| row.get(*column).copied().unwrap_or_default()));
        }
        self.writer.put(0, region, &values)
    }

    /// All of the tile, without the halves of overlaps with those that are there.
    fn own(&self, spot: &Spot) -> Own {
        let ((x, y), (width, height)) = (spot.corner, spot.size());
        let (mut from, mut to) = ((x.0, y.0), (x.0 + width, y.0 + height));
        let at = (i64::from(spot.tile.row), i64::from(spot.tile.column));
        let beside = |rows: i64, columns: i64| {
            let place = (u32::try_from(at.0 + rows).ok()?, u32::try_from(at.1 + columns).ok()?);
            self.drawn.get(&place)
        };
        for there in [beside(0, -1), beside(0, 1)].into_iter().flatten() {
            meet(&mut from.0, &mut to.0, there.corner.0.0, there.size().0);
        }
        for there in [beside(-1, 0), beside(1, 0)].into_iter().flatten() {
            meet(&mut from.1, &mut to.1, there.corner.1.0, there.size().1);
        }
        (from, to)
    }

    /// Writes what waits, so that readers see it.
    ///
    /// # Errors
    /// What the disk says.
    pub fn flush(&mut self) -> Result<(), ZarrError> {
        self.writer.flush()
    }

    /// Writes what waits, and keeps nothing in memory.
    ///
    /// # Errors
    /// What the disk says.
    pub fn rest(&mut self) -> Result<(), ZarrError> {
        self.writer.rest()
    }

    /// Writes what waits and says that the picture is whole.
    ///
    /// # Errors
    /// What the disk says.
    pub fn finish(self) -> Result<(), ZarrError> {
        self.writer.finish()
    }
}

impl Canvas<u16> {
    /// Counts a tile's localizations into its part of the picture. A pixel ends at 65,535, a coarse one too.
    ///
    /// # Errors
    /// What the disk says.
    pub fn count(&mut self, spot: Spot, localizations: &[Localization]) -> Result<(), ZarrError> {
        let region = self.take(spot);
        let Region { x: left, y: top, width, height } = region;
        let about = self.writer.about();
        let mut counts = vec![0u16; (width * height) as usize];
        let place = |nm: f64, corner: Nm, from: u64| ((nm - corner.0) / about.pixel.0).floor() - from as f64;
        for l in localizations {
            let (x, y) = spot.pixel.corner_nm(Px(l.x_px.into()), Px(l.y_px.into()));
            let column = place(x.0 + spot.corner.0.0, about.corner.0, left);
            let row = place(y.0 + spot.corner.1.0, about.corner.1, top);
            if (0.0..width as f64).contains(&column) && (0.0..height as f64).contains(&row) {
                let at = row as usize * width as usize + column as usize;
                counts[at] = counts[at].saturating_add(1);
            }
        }
        self.writer.put(0, region, &counts)
    }
}

/// Width of a band: 8 shards of 20 nm pixels.
const BAND: Nm = Nm(20.0 * 16_384.0);

/// The order in which a whole picture is drawn: band by band of columns, each row by row. What two rows of tiles share of
/// shards must be in memory, and of a band that is a quarter of what it is of 33 tiles beside each other.
pub fn in_bands<'s>(spots: impl IntoIterator<Item = &'s Spot>) -> Vec<Spot> {
    let mut spots: Vec<Spot> = spots.into_iter().copied().collect();
    let band = |spot: &Spot| (spot.corner.0.0 / BAND.0).floor() as i64;
    spots.sort_by_key(|spot| (band(spot), spot.tile.row, spot.tile.column));
    spots
}

/// Shortens a stretch to the middle of its overlap with another one of about its length.
fn meet(from: &mut f64, to: &mut f64, other: f64, length: f64) {
    let (end, middle) = (other + length, f64::midpoint(*from, *to));
    if f64::midpoint(other, end) < middle {
        *from = f64::midpoint(*from, end).clamp(*from, middle);
    } else {
        *to = f64::midpoint(other, *to).clamp(middle, *to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::files::zarr::MosaicReader;

    const SHAPE: Shape = Shape { width: 10, height: 10 };
    const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(100.0) };

    fn spot(column: u32, x: f64) -> Spot {
        let tile = Tile { index: column, row: 0, column };
        Spot { tile, corner: (Nm(x), Nm(0.0)), shape: SHAPE, pixel: PIXEL }
    }

    /// One localization in the middle of each camera pixel.
    fn everywhere() -> Vec<Localization> {
        let at = |i: usize| Localization {
            x_px: (i % 10) as f32,
            y_px: (i / 10) as f32,
            ..Localization::default()
        };
        (0..100).map(at).collect()
    }

    fn begin(path: &Path, spots: &[Spot]) -> Canvas<u16> {
        let content = Content { name: "test".into(), pixel: Nm(100.0), channel: None };
        Canvas::open(path, &content, Extent::around(spots.iter()).unwrap(), 1 << 20).unwrap()
    }

    fn counts(path: &Path) -> (Vec<u16>, u64) {
        let reader = MosaicReader::open(path).unwrap();
        let (width, height) = (reader.about().width, reader.about().height);
        let region = Region { x: 0, y: 0, width, height };
        (reader.view(0, 0, region).unwrap(), width)
    }

    #[test]
    fn a_whole_picture_is_drawn_band_by_band_and_a_band_row_by_row() {
        let at = |row: u32, column: u32| {
            let spot = spot(column, 200_000.0 * f64::from(column) - 1000.0);
            Spot { tile: Tile { row, ..spot.tile }, ..spot }
        };
        let spots: Vec<Spot> = (0..2).flat_map(|row| (0..4).map(move |column| at(row, column))).collect();
        let order: Vec<_> = in_bands(&spots).iter().map(|spot| (spot.tile.row, spot.tile.column)).collect();
        assert_eq!(order, [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (0, 3), (1, 2), (1, 3)]);
    }

    #[test]
    fn where_tiles_overlap_each_pixel_is_one_tile_s() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.ome.zarr");
        let spots = [spot(0, 0.0), spot(1, 800.0)];
        let mut canvas = begin(&path, &spots);
        spots.iter().for_each(|spot| canvas.count(*spot, &everywhere()).unwrap());
        canvas.finish().unwrap();
        let (counts, width) = counts(&path);
        assert_eq!(width, 18);
        // A pixel of the camera is one of the picture: each has exactly one localization, also in the overlap.
        assert!(counts.iter().all(|count| *count == 1), "{counts:?}");
    }

    #[test]
    fn a_gap_between_tiles_stays_empty_and_nothing_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.ome.zarr");
        let spots = [spot(0, 0.0), spot(1, 1300.0)];
        let mut canvas = begin(&path, &spots);
        spots.iter().rev().for_each(|spot| canvas.count(*spot, &everywhere()).unwrap());
        canvas.finish().unwrap();
        let (counts, _) = counts(&path);
        let row: Vec<u16> = counts[..23].to_vec();
        assert_eq!(row, [vec![1; 10], vec![0; 3], vec![1; 10]].concat());
    }

    #[test]
    fn a_tile_that_is_drawn_again_replaces_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.ome.zarr");
        let mut canvas = begin(&path, &[spot(0, 0.0)]);
        canvas.count(spot(0, 0.0), &everywhere()).unwrap();
        canvas.count(spot(0, 0.0), &everywhere()[..1]).unwrap();
        canvas.finish().unwrap();
        assert_eq!(counts(&path).0.iter().map(|c| u32::from(*c)).sum::<u32>(), 1);
    }
    #[test]
    fn a_tile_s_own_picture_lies_where_the_tile_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.ome.zarr");
        let mut canvas = begin(&path, &[spot(0, 0.0), spot(1, 1000.0)]);
        // 5 x 5 pixels of 200 nm.
        let values: Vec<u16> = (0..25).collect();
        let picture = Picture { values: &values, width: 5, pixel: (Nm(200.0), Nm(200.0)) };
        canvas.copy(spot(1, 1000.0), &picture).unwrap();
        canvas.finish().unwrap();
        let (counts, width) = counts(&path);
        let at = |x: usize, y: usize| counts[y * width as usize + x];
        assert_eq!([at(9, 0), at(10, 0), at(11, 1), at(12, 0), at(10, 2), at(19, 9)], [0, 0, 0, 1, 5, 24]);
    }
}
