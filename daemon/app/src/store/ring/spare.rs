//! A ring's file made before it is needed: in comes where and how large, out comes a file whose bytes are reserved.
//!
//! Reserving half a gigabyte takes up to half a second, which the first frame of a series must not wait for.
//! Never holds a frame: a spare that a dead process left behind is used again, or removed.

use std::path::{Path, PathBuf};

use super::super::files::{self, Locked, PAGE, SpaceError};
use super::open::lock;
use super::{MAX_SLOTS, RingError, RingSettings, layout};

/// One per folder of rings.
const NAME: &str = "next.ring-spare";

/// A file for the next ring. Removed when it is dropped unused.
pub struct Spare {
    file: Option<Locked>,
    path: PathBuf,
    bytes: u64,
}

impl Spare {
    /// Reserves room for a ring of these settings, whatever the size of its frames will be.
    ///
    /// # Errors
    /// A full disk, a folder that cannot be written, another process that has made one and not used it yet.
    pub fn prepare(settings: &RingSettings) -> Result<Self, RingError> {
        files::private_folder(&settings.dir)?;
        let path = settings.dir.join(NAME);
        let bytes = most_bytes(settings.bytes);
        if path.exists() {
            let left = lock(files::open(&path, false).map_err(SpaceError::at(&path))?, &path)?;
            // Its length comes last, and nothing is written into it before it is renamed: whole, and zeros.
            if left.metadata().map_err(SpaceError::at(&path))?.len() == bytes {
                return Ok(Self { file: Some(left), path, bytes });
            }
            std::fs::remove_file(&path).map_err(SpaceError::at(&path))?;
        }
        let file = lock(files::open(&path, true).map_err(SpaceError::at(&path))?, &path)?;
        let mut spare = Self { file: Some(file), path, bytes };
        spare.reserve()?; // on an error the drop removes what there is
        Ok(spare)
    }

    fn reserve(&mut self) -> Result<(), SpaceError> {
        let Some(file) = &self.file else { return Ok(()) };
        files::reserve(file, &self.path, 0, self.bytes)
    }

    /// Its file and the path under which it still lies. `None`: shorter than `bytes`, and it is removed. It is not
    /// cut where it is longer: giving memory back takes longer than a first frame should wait.
    pub(super) fn take(mut self, bytes: u64) -> Option<(Locked, PathBuf)> {
        let file = self.file.take_if(|_| bytes <= self.bytes)?;
        Some((file, std::mem::take(&mut self.path)))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        if self.file.is_some() {
            drop(std::fs::remove_file(&self.path)); // holds no frame
        }
    }
}

/// The largest file of a ring with `bytes` for its pixels: slot records are widest for the smallest frames.
fn most_bytes(bytes: u64) -> u64 {
    let slots = (bytes / PAGE).min(MAX_SLOTS);
    PAGE + (slots * layout::ENTRY as u64).next_multiple_of(PAGE) + bytes
}
