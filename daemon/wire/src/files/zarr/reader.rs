//! Views of a mosaic. In: a level, a region. Out: its values. Never: more of a shard than the chunks that the region
//! touches; anything a view left behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use smlm::units::Nm;
use zarrs::array::{Array, ArrayMetadata, ArraySubset};

use super::levels::{axes, check_type, open, options, sides};
use super::storage::Folder;
use super::{About, Level, Region, VIEW_MAX, Value, ZarrError, metadata};

/// A mosaic that is there, whether it is still written or not. What its writer has not flushed is not seen.
pub struct MosaicReader {
    path: PathBuf,
    about: About,
    complete: bool,
    levels: Vec<Level>,
    arrays: Vec<ArrayMetadata>,
}

impl MosaicReader {
    /// # Errors
    /// [`ZarrError::Foreign`] for what no [`super::MosaicWriter`] made; what the disk says.
    pub fn open(path: &Path) -> Result<Self, ZarrError> {
        let (about, complete) = metadata::read(path)?;
        let arrays = open(path, &about)?;
        for array in &arrays {
            sides(path, array)?;
        }
        let arrays = arrays.iter().map(|array| array.metadata().clone()).collect();
        Ok(Self { path: path.to_owned(), levels: about.levels(), about, complete, arrays })
    }

    pub fn about(&self) -> &About {
        &self.about
    }

    /// From the full picture on.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// When it was opened its writer had finished. Of one that had not, coarse levels may be behind the full picture.
    pub fn complete(&self) -> bool {
        self.complete
    }

    /// The coarsest level whose pixels are not larger than this; the full picture where all are.
    pub fn level_for(&self, pixel: Nm) -> usize {
        // A pixel size that came through a file or a division may be off in its last digits.
        let fine = |level: &Level| level.pixel.0 <= pixel.0 * (1.0 + 1e-9);
        self.levels.iter().rposition(fine).unwrap_or(0)
    }

    /// Values of a region of a level, row by row; 0 where nothing was put yet.
    ///
    /// # Errors
    /// A region that is not within, or larger than [`VIEW_MAX`]; another type than the mosaic's; what the disk says.
    pub fn view<T: Value>(&self, channel: usize, level: usize, region: Region) -> Result<Vec<T>, ZarrError> {
        let levels = self.levels.len();
        let at = self.levels.get(level).ok_or(ZarrError::NoLevel { level, levels })?;
        let channels = self.about.channel_count();
        let values = region.within(at.width, at.height).filter(|_| channel < channels);
        let (width, height) = (at.width, at.height);
        let values = values.ok_or(ZarrError::Outside { region, width, height, channel, channels })?;
        if values > VIEW_MAX {
            return Err(ZarrError::TooLarge(values));
        }
        if values == 0 {
            return Ok(Vec::new());
        }
        let failed = |e| ZarrError::zarr(&self.path, e);
        let folder = Arc::new(Folder::snapshot(&self.path));
        let metadata = self.arrays[level].clone();
        let array = Array::new_with_metadata(folder, &format!("/{level}"), metadata)
            .map_err(|e| ZarrError::zarr(&self.path, e))?;
        check_type::<T>(&array)?;
        let start = axes(channels, channel as u64, region.y, region.x);
        let shape = axes(channels, 1, region.height, region.width);
        let subset = ArraySubset::new_with_start_shape(start, shape)
            .expect("both were made with the same number of axes");
        array.retrieve_array_subset_opt::<Vec<T>>(&subset, &options()).map_err(failed)
    }
}
