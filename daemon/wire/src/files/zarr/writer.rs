//! A mosaic that grows.
//!
//! In: regions of pixels, in any order, whose borders are nobody's. Out: shards on the disk. Never: more shards in memory
//! than [`Layout::cache_bytes`] allows; a level that is ahead of the full picture.
//!
//! A region is written into shards in memory. The one that nobody wanted for longest makes room: it is written, and what
//! changed in it is halved into the shard above, which thereby changes itself. So a shard is read back if its neighbours
//! come late, and neighbours that come together cost one write. A killed writer leaves whole shards, of different age;
//! [`MosaicWriter::open`] makes the coarse levels anew then.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use zarrs::array::Array;

use super::levels::{axes, check_type, create, open, options, sides};
use super::shard::{Part, Put, Rows, Shard};
use super::storage::{Folder, PARTIAL};
use super::{About, Layout, Level, Region, Value, ZarrError, metadata};

/// Place of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    level: usize,
    channel: u64,
    row: u64,
    column: u64,
}

/// Writes a mosaic of one type of values. What was not flushed is lost when it is dropped.
pub struct MosaicWriter<T: Value> {
    path: PathBuf,
    about: About,
    side: u64,
    levels: Vec<Level>,
    arrays: Vec<Array<Folder>>,
    shards: HashMap<Key, Shard<T>>,
    shards_max: usize,
    /// Counts wishes for shards.
    now: u64,
}

impl<T: Value> MosaicWriter<T> {
    /// Begins a mosaic in a folder that is not there yet.
    ///
    /// # Errors
    /// [`ZarrError::Exists`], [`ZarrError::Layout`] naming the problem, or what the disk says.
    pub fn create(path: &Path, about: About, layout: &Layout) -> Result<Self, ZarrError> {
        about.check()?;
        layout.check()?;
        if path.exists() {
            return Err(ZarrError::Exists(path.to_owned()));
        }
        let arrays = create::<T>(path, &about, layout)?;
        metadata::write(path, &about, false)?;
        Ok(Self::with(path, about, arrays, (layout.shard_px, layout.cache_bytes)))
    }

    /// Goes on with a mosaic that is there. One whose writer did not finish gets its coarse levels anew, which reads all
    /// of the full picture; what an earlier writer left half written is removed.
    ///
    /// # Errors
    /// [`ZarrError::Foreign`], [`ZarrError::WrongType`], or what the disk says.
    pub fn open(path: &Path, cache_bytes: usize) -> Result<Self, ZarrError> {
        let (about, complete) = metadata::read(path)?;
        let arrays = open(path, &about)?;
        let mut side = None;
        for array in &arrays {
            check_type::<T>(array)?;
            let (shard, _) = sides(path, array)?;
            if *side.get_or_insert(shard) != shard || shard % 2 == 1 {
                return Err(ZarrError::foreign(path, format!("shards of {side:?} and {shard} px")));
            }
        }
        let side = side.ok_or_else(|| ZarrError::foreign(path, "it has no levels"))?;
        metadata::write(path, &about, false)?;
        let mut writer = Self::with(path, about, arrays, (side, cache_bytes));
        if !complete {
            writer.rebuild()?;
        }
        Ok(writer)
    }

    fn with(path: &Path, about: About, arrays: Vec<Array<Folder>>, (side, bytes): (u32, usize)) -> Self {
        let shard_bytes = size_of::<T>() * side as usize * side as usize;
        Self {
            path: path.to_owned(),
            levels: about.levels(),
            about,
            side: side.into(),
            arrays,
            shards: HashMap::new(),
            shards_max: (bytes / shard_bytes).max(2),
            now: 0,
        }
    }

    pub fn about(&self) -> &About {
        &self.about
    }

    /// Replaces the values of a region of the full picture; row by row.
    ///
    /// # Errors
    /// A region that is not within, or a wrong number of values: nothing is changed then. What the disk says: the region
    /// may then be there in part, and the coarse levels behind until the mosaic is opened anew.
    pub fn put(&mut self, channel: usize, region: Region, values: &[T]) -> Result<(), ZarrError> {
        self.write(channel, region, values, Put::Replace)
    }

    /// Adds to the values of a region; else as [`Self::put`].
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn add(&mut self, channel: usize, region: Region, values: &[T]) -> Result<(), ZarrError> {
        self.write(channel, region, values, Put::Add)
    }

    /// Writes all that waits, so that readers see it on every level. It stays in memory.
    ///
    /// # Errors
    /// What the disk says; what could not be written waits on.
    pub fn flush(&mut self) -> Result<(), ZarrError> {
        for level in 0..self.levels.len() {
            let mut waiting: Vec<Key> =
                self.shards.keys().copied().filter(|key| key.level == level).collect();
            waiting.sort_unstable();
            for key in waiting {
                // Its neighbour's flushing may have made room of it.
                if let Some(shard) = self.shards.remove(&key) {
                    let above = self.store(key, shard)?;
                    self.raise(above)?;
                }
            }
        }
        Ok(())
    }

    /// Flushes, and keeps nothing in memory: what comes next is read back first.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn rest(&mut self) -> Result<(), ZarrError> {
        self.flush()?;
        self.shards = HashMap::new();
        Ok(())
    }

    /// Flushes, and says in the mosaic that it is whole.
    ///
    /// # Errors
    /// What the disk says.
    pub fn finish(mut self) -> Result<(), ZarrError> {
        self.flush()?;
        metadata::write(&self.path, &self.about, true)
    }

    fn write(&mut self, channel: usize, region: Region, values: &[T], put: Put) -> Result<(), ZarrError> {
        let (width, height, channels) = (self.about.width, self.about.height, self.about.channel_count());
        let needed = region.within(width, height).filter(|_| channel < channels);
        let needed = needed.ok_or(ZarrError::Outside { region, width, height, channel, channels })?;
        if needed != values.len() as u64 {
            return Err(ZarrError::WrongSize { needed, given: values.len() });
        }
        if needed == 0 {
            return Ok(());
        }
        let side = self.side;
        for row in region.y / side..(region.y + region.height).div_ceil(side) {
            for column in region.x / side..(region.x + region.width).div_ceil(side) {
                let key = Key { level: 0, channel: channel as u64, row, column };
                let along = |from: u64, length: u64, shard: u64| {
                    let begin = from.max(shard * side);
                    let end = (from + length).min((shard + 1) * side);
                    ((begin - from) as usize, (begin - shard * side) as usize, (end - shard * side) as usize)
                };
                let (skip_x, left, right) = along(region.x, region.width, column);
                let (skip_y, top, bottom) = along(region.y, region.height, row);
                let stride = region.width as usize;
                let rows = Rows { values: &values[skip_y * stride + skip_x..], stride };
                self.shard(key)?.put(Part { from: (left, top), to: (right, bottom) }, rows, put);
            }
        }
        Ok(())
    }

    /// A shard in memory, read if it is not there.
    fn shard(&mut self, key: Key) -> Result<&mut Shard<T>, ZarrError> {
        self.now += 1;
        // Making room may bring in this very one, changed.
        while !self.shards.contains_key(&key) {
            if self.shards.len() >= self.shards_max {
                self.make_room()?;
                continue;
            }
            let (values, side) = (self.load(key)?, self.side as usize);
            self.shards.insert(key, Shard { side, values, changed: None, used: 0 });
        }
        let shard = self.shards.get_mut(&key).expect("it was there or has just been inserted");
        shard.used = self.now;
        Ok(shard)
    }

    fn load(&self, key: Key) -> Result<Vec<T>, ZarrError> {
        let at = axes(self.about.channel_count(), key.channel, key.row, key.column);
        let values = self.arrays[key.level].retrieve_chunk_opt::<Vec<T>>(&at, &options());
        values.map_err(|e| ZarrError::zarr(&self.path, e))
    }

    /// Lets the shard go that nobody wanted for longest.
    fn make_room(&mut self) -> Result<(), ZarrError> {
        let Some(key) = self.shards.iter().min_by_key(|(_, shard)| shard.used).map(|(key, _)| *key) else {
            return Ok(());
        };
        let Some(shard) = self.shards.remove(&key) else { return Ok(()) };
        let above = self.store(key, shard)?;
        self.shards.remove(&key);
        self.raise(above)
    }

    /// Writes a shard if it changed, and keeps it; what it changes above.
    fn store(&mut self, key: Key, mut shard: Shard<T>) -> Result<Option<Above<T>>, ZarrError> {
        let Some(changed) = shard.changed else {
            self.shards.insert(key, shard);
            return Ok(None);
        };
        let at = axes(self.about.channel_count(), key.channel, key.row, key.column);
        let stored = self.arrays[key.level].store_chunk_opt(&at, &shard.values[..], &options());
        if let Err(error) = stored {
            self.shards.insert(key, shard);
            return Err(ZarrError::zarr(&self.path, error));
        }
        shard.changed = None;
        let above = self.above(key, &shard, changed);
        self.shards.insert(key, shard);
        Ok(above)
    }

    fn above(&self, key: Key, shard: &Shard<T>, changed: Part) -> Option<Above<T>> {
        if key.level + 1 == self.levels.len() {
            return None;
        }
        let Level { width, height, .. } = self.levels[key.level];
        let valid = |length: u64, number: u64| (length - number * self.side).min(self.side) as usize;
        let valid = (valid(width, key.column), valid(height, key.row));
        let (half, values) = shard.halved(changed, valid, self.about.reduce);
        // Four shards are one above.
        let quarter = |number: u64| (number % 2 * self.side / 2) as usize;
        let (x, y) = (quarter(key.column), quarter(key.row));
        let from = (half.from.0 + x, half.from.1 + y);
        let part = Part { from, to: (half.to.0 + x, half.to.1 + y) };
        let key = Key { level: key.level + 1, row: key.row / 2, column: key.column / 2, ..key };
        (!values.is_empty()).then_some(Above { key, part, values })
    }

    /// Changes a shard of a coarser level; may in turn make room by changing one that is coarser still.
    fn raise(&mut self, above: Option<Above<T>>) -> Result<(), ZarrError> {
        if let Some(Above { key, part, values }) = above {
            let rows = Rows { values: &values, stride: part.width() };
            self.shard(key)?.put(part, rows, Put::Replace);
        }
        Ok(())
    }

    /// Makes the coarse levels anew from what is there of the full picture.
    fn rebuild(&mut self) -> Result<(), ZarrError> {
        for level in 0..self.levels.len() {
            self.remove_partial(level)?;
        }
        let [rows, columns] = [self.levels[0].height, self.levels[0].width].map(|px| px.div_ceil(self.side));
        for channel in 0..self.about.channel_count() as u64 {
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                let key = Key { level: 0, channel, row, column };
                if self.file(key).exists() {
                    let side = self.side as usize;
                    let shard = Shard { side, values: self.load(key)?, changed: None, used: 0 };
                    let whole = Part { from: (0, 0), to: (side, side) };
                    let above = self.above(key, &shard, whole);
                    drop(shard);
                    self.raise(above)?;
                }
            }
        }
        Ok(())
    }

    fn file(&self, key: Key) -> PathBuf {
        let at = axes(self.about.channel_count(), key.channel, key.row, key.column);
        self.path.join(self.arrays[key.level].chunk_key(&at).as_str())
    }

    fn remove_partial(&self, level: usize) -> Result<(), ZarrError> {
        let mut folders = vec![self.path.join(level.to_string())];
        while let Some(folder) = folders.pop() {
            let io = |source| ZarrError::Io { path: folder.clone(), source };
            for entry in std::fs::read_dir(&folder).map_err(io)? {
                let entry = entry.map_err(io)?;
                if entry.file_type().map_err(io)?.is_dir() {
                    folders.push(entry.path());
                } else if entry.file_name().to_string_lossy().ends_with(PARTIAL) {
                    std::fs::remove_file(entry.path()).map_err(io)?;
                }
            }
        }
        Ok(())
    }
}

/// What a change of a shard changes in the one above.
struct Above<T> {
    key: Key,
    part: Part,
    values: Vec<T>,
}
