//! Room on disk: in come paths and lengths, out come files whose every byte is really there, or a clear error.
//!
//! Never a sparse file: writing into a hole of a mapped file on a full disk kills the process (SIGBUS).

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The mapped files' unit of alignment, in bytes.
pub(super) const PAGE: u64 = 4096;

/// What went wrong with a file's place on disk.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum SpaceError {
    #[error(
        "{}: the disk is full: {needed} more bytes are needed, {free} are free. \
         Free some space, name a folder on another disk in store.dir or ring.dir, or lower ring.mib", path.display()
    )]
    DiskFull { path: PathBuf, needed: u64, free: u64 },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl SpaceError {
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Makes a folder that only its owner can read; one that exists is left as it is.
pub(super) fn private_folder(dir: &Path) -> Result<(), SpaceError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(SpaceError::at(dir))
}

/// Opens for reading and writing; a new file is readable by its owner only.
pub(super) fn open(path: &Path, create_new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(create_new);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A file that only this handle may write: a second one, here or in another process, is refused.
pub(super) struct Locked(File);

impl Locked {
    /// `None` when somebody else has it.
    pub fn new(file: File) -> io::Result<Option<Self>> {
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl std::ops::Deref for Locked {
    type Target = File;
    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing alone would not do while a child process that is just being started has the handle too.
        drop(self.0.unlock());
    }
}

/// Bytes an ordinary user can still write under `dir`; `u64::MAX` where the system does not tell.
pub(super) fn free_bytes(dir: &Path) -> u64 {
    #[cfg(unix)]
    if let Ok(stat) = rustix::fs::statvfs(dir) {
        return stat.f_bavail.saturating_mul(stat.f_frsize);
    }
    u64::MAX
}

/// Reserves the bytes `from..to` of the file; they read as zeros. On an error the file's length is `from` again.
///
/// # Errors
/// [`SpaceError::DiskFull`] before anything is written, where the system can tell, or after.
pub(super) fn reserve(file: &File, path: &Path, from: u64, to: u64) -> Result<(), SpaceError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let needed = to.saturating_sub(from);
    let full = || SpaceError::DiskFull { path: path.to_owned(), needed, free: free_bytes(dir) };
    if free_bytes(dir) < needed {
        return Err(full());
    }
    allocate(file, from, needed).map_err(|source| {
        // What was got in part is given back; if that fails too, the next attempt starts from the same place.
        drop(file.set_len(from));
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => full(),
            _ => SpaceError::Io { path: path.to_owned(), source },
        }
    })
}

#[cfg(unix)]
fn allocate(file: &File, from: u64, length: u64) -> io::Result<()> {
    use rustix::io::Errno;
    loop {
        match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), from, length) {
            Ok(()) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return write_zeros(file, from, length),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(not(unix))]
fn allocate(file: &File, from: u64, length: u64) -> io::Result<()> {
    write_zeros(file, from, length)
}

/// For file systems that cannot reserve: what is written is there.
fn write_zeros(mut file: &File, from: u64, length: u64) -> io::Result<()> {
    use std::io::{Seek, Write};
    let zeros = vec![0u8; 1 << 20];
    file.seek(io::SeekFrom::Start(from))?;
    let mut left = length;
    while left > 0 {
        let step = left.min(zeros.len() as u64) as usize;
        file.write_all(&zeros[..step])?;
        left -= step as u64;
    }
    Ok(())
}

/// Renames a file that cannot be used to `<name>.damaged` (or `.damaged-2`, …) and returns the new path.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, SpaceError> {
    let aside = aside_name(path).map_err(SpaceError::at(path))?;
    std::fs::rename(path, &aside).map(|()| aside).map_err(SpaceError::at(path))
}

/// A free name for what is wrong with this file.
pub(super) fn aside_name(path: &Path) -> io::Result<PathBuf> {
    let name = |attempt: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(if attempt == 1 { ".damaged".to_owned() } else { format!(".damaged-{attempt}") });
        PathBuf::from(name)
    };
    let free = (1..1000).map(name).find(|name| !name.exists());
    free.ok_or_else(|| {
        io::Error::other("a thousand damaged files of this name lie here already: look at them")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_too_small_is_refused_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big");
        let file = open(&path, true).unwrap();
        let error = reserve(&file, &path, 0, u64::MAX / 4).unwrap_err();
        let SpaceError::DiskFull { needed, free, .. } = &error else { panic!("{error}") };
        assert!(needed > free);
        assert!(error.to_string().contains("big") && error.to_string().contains("Free some space"));
        assert_eq!(file.metadata().unwrap().len(), 0);
    }

    #[test]
    fn a_lock_ends_with_its_handle_even_if_a_child_process_shares_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let file = open(&path, true).unwrap();
        let shared = file.try_clone().unwrap(); // what a fork makes of it
        let locked = Locked::new(file).unwrap().unwrap();
        assert!(Locked::new(open(&path, false).unwrap()).unwrap().is_none());
        drop(locked);
        assert!(Locked::new(open(&path, false).unwrap()).unwrap().is_some());
        drop(shared);
    }

    #[test]
    fn reserved_bytes_are_there_and_zero_even_where_the_file_system_cannot_reserve() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("zeros");
        let file = open(&path, true).unwrap();
        write_zeros(&file, 0, 3 << 20).unwrap();
        reserve(&file, &path, 3 << 20, 4 << 20).unwrap();
        let read = std::fs::read(&path).unwrap();
        assert_eq!(read.len(), 4 << 20);
        assert!(read.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn setting_aside_never_overwrites_what_was_set_aside_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ring");
        for content in ["first", "second"] {
            std::fs::write(&path, content).unwrap();
            let aside = set_aside(&path).unwrap();
            assert_eq!(std::fs::read_to_string(aside).unwrap(), content);
            assert!(!path.exists());
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn folders_and_files_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let spool = dir.path().join("spool/rings");
        private_folder(&spool).unwrap();
        let file = open(&spool.join("f"), true).unwrap();
        assert_eq!(std::fs::metadata(&spool).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0);
    }
}
