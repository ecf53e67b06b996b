//! A file that appears whole or not at all.
//!
//! In: bytes. Out: a file under its final name, durable. Never: a half file under that name; dropped unfinished, its
//! temporary file is removed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::TableError;

const BUFFER_BYTES: usize = 256 << 10;

/// See the module. Lies hidden beside its target until [`PendingFile::finish`].
#[derive(Debug)]
pub(crate) struct PendingFile {
    out: BufWriter<NamedTempFile>,
    target: PathBuf,
}

impl PendingFile {
    pub(crate) fn create(target: &Path) -> Result<Self, TableError> {
        let name =
            target.file_name().ok_or_else(|| TableError::malformed(target, "path", "it names no file"))?;
        let folder = folder(target);
        let mut builder = tempfile::Builder::new();
        let prefix = format!(".{}.", name.to_string_lossy());
        builder.prefix(&prefix).suffix(".part");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder).map_err(|cause| TableError::io(target, "creating", cause))?;
        Ok(Self { out: BufWriter::with_capacity(BUFFER_BYTES, file), target: target.to_owned() })
    }

    /// Where the bytes are until then.
    pub(crate) fn path(&self) -> &Path {
        self.out.get_ref().path()
    }

    /// The file with all that was written, to go back in it.
    pub(crate) fn file(&mut self) -> io::Result<&mut File> {
        self.out.flush()?;
        Ok(self.out.get_mut().as_file_mut())
    }

    /// The name it will have.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Flushes, makes durable, renames; returns the bytes of the file.
    pub(crate) fn finish(self) -> Result<u64, TableError> {
        let target = self.target;
        let fail = |action| move |cause| (action, cause);
        let finished = (|| {
            let file = self.out.into_inner().map_err(|error| ("writing", error.into_error()))?;
            file.as_file().sync_all().map_err(fail("writing"))?;
            let bytes = file.as_file().metadata().map_err(fail("writing"))?.len();
            file.persist(&target).map_err(|error| ("naming", error.error))?;
            sync_folder(folder(&target)).map_err(fail("naming"))?;
            Ok(bytes)
        })();
        finished.map_err(|(action, cause)| TableError::io(&target, action, cause))
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn folder(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The new name lies in the folder's own data; Windows has no way to say so and needs none.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
