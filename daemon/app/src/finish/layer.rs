//! One more picture of a scan beside that of its localizations: its widefield image, say.
//!
//! In: tiles that were drawn and where; each tile's own picture, once there is one. Out: an OME-Zarr that grows, and one
//! of all tiles at their final places. Never: a tile waited for that will not come; more than one tile in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use smlm::frame::Tile;
use smlm::grey::Grey;
use smlm::units::Nm;
use wire::files::zarr::{Channel, Value};

use super::canvas::{Canvas, Content, Extent, Picture, Spot, in_bands};

/// Where the pictures of tiles come from.
pub trait TilePictures: Send {
    /// The picture of a tile's field, with pixels of any size; `None`: there is none so far.
    fn of(&self, tile: Tile) -> Option<Grey>;

    /// Whether one is being made.
    fn is_coming(&self, tile: Tile) -> bool;
}

/// What a layer is.
pub struct Kind<T> {
    /// Of its files.
    pub stem: &'static str,
    pub channel: Channel,
    pub value: fn(f32) -> T,
}

/// A layer, whatever its values are.
pub trait Layer: Send {
    /// Draws what has come since, of the tiles that lie here so far; and lets readers see it.
    ///
    /// # Errors
    /// What the disk says.
    fn grow(&mut self, spots: &BTreeMap<u32, Spot>) -> anyhow::Result<()>;

    /// Whether every one of these tiles has been drawn, or never will be.
    fn has_all(&self, spots: &[Spot]) -> bool;

    /// Draws all tiles where they lie at last.
    ///
    /// # Errors
    /// What the disk says.
    fn finish(&mut self, spots: &[Spot]) -> anyhow::Result<()>;
}

/// A layer of one kind of values.
pub struct Pictures<T: Value> {
    kind: Kind<T>,
    source: Box<dyn TilePictures>,
    folder: PathBuf,
    name: String,
    /// As large as the growing picture of the localizations.
    extent: Extent,
    growing: Option<Canvas<T>>,
    drawn: BTreeMap<u32, Spot>,
}

/// For shards that wait to be written.
const CACHE_BYTES: usize = 128 << 20;

impl<T: Value> Pictures<T> {
    /// Begins anew: what an earlier run drew is drawn again from the tiles' own pictures.
    ///
    /// # Errors
    /// What the disk says.
    pub fn new(
        folder: &Path,
        name: &str,
        extent: Extent,
        kind: Kind<T>,
        source: Box<dyn TilePictures>,
    ) -> anyhow::Result<Self> {
        let new = Self {
            kind,
            source,
            folder: folder.to_owned(),
            name: name.to_owned(),
            extent,
            growing: None,
            drawn: BTreeMap::new(),
        };
        remove(&new.path("growing."))?;
        Ok(new)
    }

    fn path(&self, kind: &str) -> PathBuf {
        self.folder.join(format!("{}.{kind}ome.zarr", self.kind.stem))
    }

    fn canvas(&self, path: &Path, extent: Extent, pixel: Nm) -> anyhow::Result<Canvas<T>> {
        let content = Content { name: self.name.clone(), pixel, channel: Some(self.kind.channel.clone()) };
        Ok(Canvas::open(path, &content, extent, CACHE_BYTES)?)
    }

    fn values(&self, picture: &Grey, spot: &Spot) -> (Vec<T>, (Nm, Nm)) {
        let (width, height) = spot.size();
        let shape = picture.shape();
        let pixel = (Nm(width / f64::from(shape.width)), Nm(height / f64::from(shape.height)));
        (picture.values().iter().map(|value| (self.kind.value)(*value)).collect(), pixel)
    }
}

impl<T: Value> Layer for Pictures<T> {
    fn grow(&mut self, spots: &BTreeMap<u32, Spot>) -> anyhow::Result<()> {
        let mut changed = false;
        for (index, spot) in spots {
            if self.drawn.get(index) == Some(spot) {
                continue;
            }
            // One without a picture is asked again: a widefield pass may begin after the scan.
            let Some(picture) = self.source.of(spot.tile) else { continue };
            let (values, pixel) = self.values(&picture, spot);
            if self.growing.is_none() {
                self.growing = Some(self.canvas(&self.path("growing."), self.extent, pixel.0)?);
            }
            let width = picture.shape().width as usize;
            let Some(canvas) = &mut self.growing else { continue };
            canvas.copy(*spot, &Picture { values: &values, width, pixel })?;
            changed = true;
            self.drawn.insert(*index, *spot);
        }
        if let Some(canvas) = self.growing.as_mut().filter(|_| changed) {
            canvas.flush()?;
        }
        Ok(())
    }

    fn has_all(&self, spots: &[Spot]) -> bool {
        let drawn = |spot: &&Spot| self.drawn.contains_key(&spot.tile.index);
        spots.iter().filter(|spot| !drawn(spot)).all(|spot| !self.source.is_coming(spot.tile))
    }

    fn finish(&mut self, spots: &[Spot]) -> anyhow::Result<()> {
        let Some(extent) = Extent::around(spots.iter()) else { return Ok(()) };
        let (whole, partial) = (self.path(""), self.path("partial."));
        remove(&partial)?;
        let mut canvas = None;
        for spot in &in_bands(spots) {
            let Some(picture) = self.source.of(spot.tile) else { continue };
            let (values, pixel) = self.values(&picture, spot);
            let canvas = match &mut canvas {
                Some(canvas) => canvas,
                None => canvas.insert(self.canvas(&partial, extent, pixel.0)?),
            };
            let width = picture.shape().width as usize;
            canvas.copy(*spot, &Picture { values: &values, width, pixel })?;
        }
        if let Some(canvas) = canvas {
            canvas.finish()?;
            remove(&whole)?;
            std::fs::rename(&partial, &whole).with_context(|| format!("cannot write {}", whole.display()))?;
        }
        self.growing = None;
        remove(&self.path("growing."))
    }
}

/// A folder with all that is in it, where it is there.
///
/// # Errors
/// What the disk says.
pub fn remove(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        std::fs::remove_dir_all(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use smlm::frame::Shape;
    use smlm::units::PixelSize;
    use std::sync::{Arc, Mutex};
    use wire::files::zarr::{MosaicReader, Region};

    type Known = Arc<Mutex<BTreeMap<u32, f32>>>;

    /// Even pictures of 2 x 2 pixels.
    struct Even(Known);

    impl TilePictures for Even {
        fn of(&self, tile: Tile) -> Option<Grey> {
            let value = self.0.lock().unwrap().get(&tile.index).copied()?;
            Some(Grey::even(Shape { width: 2, height: 2 }, value))
        }

        fn is_coming(&self, tile: Tile) -> bool {
            tile.index != 9
        }
    }

    fn spot(index: u32) -> Spot {
        let tile = Tile { index, row: 0, column: index };
        let shape = Shape { width: 10, height: 10 };
        let pixel = PixelSize { x: Nm(100.0), y: Nm(100.0) };
        Spot { tile, corner: (Nm(1000.0 * f64::from(index)), Nm(0.0)), shape, pixel }
    }

    fn layer(folder: &Path, known: &Known) -> Pictures<u8> {
        let channel = Channel { label: "test".into(), colour: [255; 3], window: (0.0, 255.0) };
        let kind = Kind { stem: "test", channel, value: |value| (255.0 * value) as u8 };
        let extent = Extent { from: (0.0, 0.0), to: (3000.0, 1000.0) };
        Pictures::new(folder, "scan", extent, kind, Box::new(Even(known.clone()))).unwrap()
    }

    fn row(path: &Path) -> Vec<u8> {
        let reader = MosaicReader::open(path).unwrap();
        let region = Region { x: 0, y: 0, width: reader.about().width, height: 1 };
        reader.view(0, 0, region).unwrap()
    }

    #[test]
    fn a_picture_is_drawn_once_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let known = Known::default();
        let mut layer = layer(folder.path(), &known);
        let spots: BTreeMap<u32, Spot> = [0, 1].map(|index| (index, spot(index))).into();
        known.lock().unwrap().insert(1, 1.0);
        layer.grow(&spots).unwrap();
        assert_eq!(row(&folder.path().join("test.growing.ome.zarr")), [0, 0, 255, 255, 0, 0]);
        assert!(!layer.has_all(&[spot(0), spot(1)]) && layer.has_all(&[spot(1), spot(9)]));
        known.lock().unwrap().insert(0, 0.2);
        layer.grow(&spots).unwrap();
        assert_eq!(row(&folder.path().join("test.growing.ome.zarr")), [51, 51, 255, 255, 0, 0]);
        layer.finish(&[spot(0), spot(1)]).unwrap();
        assert_eq!(row(&folder.path().join("test.ome.zarr")), [51, 51, 255, 255]);
        assert!(!folder.path().join("test.growing.ome.zarr").exists());
    }

    #[test]
    fn a_layer_of_which_no_tile_has_a_picture_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut layer = layer(folder.path(), &Known::default());
        layer.grow(&[(9, spot(9))].into()).unwrap();
        layer.finish(&[spot(9)]).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
