//! Records that grow: one line of JSON each, appended.
//!
//! In: values. Out: the same after a restart, in the order of writing. Never: a value lost that was appended; a torn
//! last line believed: a line counts when it is whole.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Serialize, de::DeserializeOwned};

/// A line is some hundred bytes; 65,536 tiles taken some times.
const MAX_BYTES: u64 = 256 << 20;

/// A file of lines, open for appending.
pub struct Lines<T> {
    path: PathBuf,
    file: File,
    of: PhantomData<fn(&T)>,
}

impl<T: Serialize + DeserializeOwned> Lines<T> {
    /// Opens or makes it with its folder, and reads what is there.
    ///
    /// # Errors
    /// The folder cannot be written to or read.
    pub fn open(path: PathBuf) -> anyhow::Result<(Self, Vec<T>)> {
        let failed = || format!("{}: records are kept here", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(failed)?;
        }
        let before = read(&path)?;
        let mut file = OpenOptions::new().create(true).append(true).open(&path).with_context(failed)?;
        if !ends_with_a_line(&path).with_context(failed)? {
            file.write_all(b"\n").with_context(failed)?;
        }
        Ok((Self { path, file, of: PhantomData }, before))
    }

    /// Appends one; on the disk itself when it returns.
    ///
    /// # Errors
    /// The disk is full; what was there before stays.
    pub fn append(&mut self, value: &T) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(value).context("a record is no JSON: this is a bug")?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        written.with_context(|| {
            format!("cannot write {}: free some space; it is made again later", self.path.display())
        })
    }
}

/// Every whole line, in the order of writing; none where there is no file.
///
/// # Errors
/// The file cannot be read.
pub fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let Ok(file) = File::open(path) else { return Ok(Vec::new()) };
    let mut text = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut text).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let values = lines.filter_map(|line| {
        let value = serde_json::from_slice(line);
        value
            .inspect_err(|error| {
                tracing::warn!(file = %path.display(), %error, "a line is torn; what it told is made again");
            })
            .ok()
    });
    Ok(values.collect())
}

fn ends_with_a_line(path: &Path) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
