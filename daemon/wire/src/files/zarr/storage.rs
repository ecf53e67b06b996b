//! Files of a mosaic, as zarrs wants to see them.
//!
//! In: keys, bytes. Out: bytes, or a file that is whole. Never: a file that others see half written: it grows under
//! another name, reaches the disk, and is then renamed.
//!
//! A reader reads a shard's index and then chunks by it. A shard that is replaced in between would make nonsense of the
//! index, so a file that was opened once is read on, whatever its name leads to now.

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use zarrs::storage::byte_range::{ByteRange, ByteRangeIterator};
use zarrs::storage::{
    MaybeBytesIterator, OffsetBytesIterator, ReadableStorageTraits, StorageError, StoreKey, StorePrefix,
    WritableStorageTraits,
};

/// End of the name of a file that is being written.
pub(super) const PARTIAL: &str = ".partial";

/// A folder.
pub(super) struct Folder {
    root: PathBuf,
    /// Files that stay open as long as this lives, also those that are not there; `None`: none does.
    held: Option<Mutex<HashMap<StoreKey, Option<Arc<File>>>>>,
}

impl Folder {
    /// To write, and to read what is there now.
    pub fn live(root: &Path) -> Self {
        Self { root: root.to_owned(), held: None }
    }

    /// To read once: every file as it was when it was first looked at.
    pub fn snapshot(root: &Path) -> Self {
        Self { root: root.to_owned(), held: Some(Mutex::default()) }
    }

    fn path(&self, key: &StoreKey) -> PathBuf {
        self.root.join(key.as_str())
    }

    fn open(&self, key: &StoreKey) -> Result<Option<Arc<File>>, StorageError> {
        let opened = || match File::open(self.path(key)) {
            Ok(file) => Ok(Some(Arc::new(file))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        };
        let Some(held) = &self.held else { return opened() };
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = held.get(key) {
            return Ok(file.clone());
        }
        let file = opened()?;
        held.insert(key.clone(), file.clone());
        Ok(file)
    }
}

fn failed(error: std::io::Error) -> StorageError {
    StorageError::IOError(Arc::new(error))
}

/// Writes a file under another name, and renames it.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(PARTIAL);
    let partial = PathBuf::from(name);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    drop(file);
    std::fs::rename(&partial, path)
}

fn read(file: &File, range: ByteRange) -> Result<Bytes, StorageError> {
    let size = file.metadata().map_err(failed)?.len();
    let (start, end) = (range.start(size), range.end(size));
    // What a shard's index says is a stranger's word until the file is known to hold it.
    let Some(length) = end.checked_sub(start).filter(|_| end <= size) else {
        return Err(StorageError::Other(format!("bytes {start} to {end} of a file of {size}")));
    };
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, start).map_err(failed)?;
    Ok(bytes.into())
}

impl ReadableStorageTraits for Folder {
    fn get_partial_many<'a>(
        &'a self,
        key: &StoreKey,
        ranges: ByteRangeIterator<'a>,
    ) -> Result<MaybeBytesIterator<'a>, StorageError> {
        let Some(file) = self.open(key)? else { return Ok(None) };
        Ok(Some(Box::new(ranges.map(move |range| read(&file, range)))))
    }

    fn size_key(&self, key: &StoreKey) -> Result<Option<u64>, StorageError> {
        let Some(file) = self.open(key)? else { return Ok(None) };
        Ok(Some(file.metadata().map_err(failed)?.len()))
    }

    fn supports_get_partial(&self) -> bool {
        true
    }
}

impl WritableStorageTraits for Folder {
    fn set(&self, key: &StoreKey, value: Bytes) -> Result<(), StorageError> {
        write_whole(&self.path(key), &value).map_err(failed)
    }

    fn set_partial_many(&self, key: &StoreKey, _: OffsetBytesIterator<'_>) -> Result<(), StorageError> {
        Err(StorageError::Unsupported(format!("{key} is only written whole")))
    }

    fn erase(&self, key: &StoreKey) -> Result<(), StorageError> {
        match std::fs::remove_file(self.path(key)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        }
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<(), StorageError> {
        Err(StorageError::Unsupported(format!("{prefix} is not removed")))
    }

    fn supports_set_partial(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_replaced_is_read_on_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let (live, key) = (Folder::live(folder.path()), StoreKey::new("c/0/0").expect("a key"));
        let reader = Folder::snapshot(folder.path());
        let absent = StoreKey::new("c/0/1").expect("a key");
        live.set(&key, Bytes::from_static(b"old")).expect("it is written");
        let part = |from| ByteRange::FromStart(from, Some(1));
        assert_eq!(reader.get_partial(&key, part(0)).expect("it is read").as_deref(), Some(&b"o"[..]));
        assert_eq!(reader.get(&absent).expect("it is looked for"), None);
        for key in [&key, &absent] {
            live.set(key, Bytes::from_static(b"new")).expect("it is written");
        }
        assert_eq!(reader.get_partial(&key, part(2)).expect("it is read").as_deref(), Some(&b"d"[..]));
        assert_eq!(reader.get(&absent).expect("it is looked for"), None);
        assert_eq!(live.get(&key).expect("it is read").as_deref(), Some(&b"new"[..]));
    }

    #[test]
    fn a_range_that_a_file_does_not_hold_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let (live, key) = (Folder::live(folder.path()), StoreKey::new("a").expect("a key"));
        live.set(&key, Bytes::from_static(b"abc")).expect("it is written");
        assert!(live.get_partial(&key, ByteRange::FromStart(1, Some(u64::MAX / 2))).is_err());
        assert!(live.get_partial(&key, ByteRange::FromStart(9, None)).is_err());
    }
}
