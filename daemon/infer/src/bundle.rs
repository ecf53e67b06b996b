//! A model bundle on disk: a folder with `card.toml`, the ONNX files that it names, and golden files.
//!
//! In: a folder. Out: the card and the models' bytes, read once and proven by their digests. Never: a file
//! outside the folder, a file of unbounded size, a file whose bytes can change between check and use.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::card::{BadCard, Card};
use crate::graph::Model;

/// Largest file of a bundle.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// Largest card.
pub const MAX_CARD_BYTES: u64 = 1 << 20;
/// The card's file name.
pub const CARD: &str = "card.toml";

/// Why a folder is not a usable bundle.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum BundleError {
    #[error("{path}: {error}; a bundle is a folder with {CARD} and the files that it names")]
    Read { path: String, error: std::io::Error },
    #[error("{path} is larger than {max} bytes; a bundle's files may not be")]
    TooLarge { path: String, max: u64 },
    #[error("{path} leads out of the bundle's folder {folder}; replace the link by the file")]
    Outside { path: String, folder: String },
    #[error("{path} is not text in UTF-8")]
    NotText { path: String },
    #[error(transparent)]
    Card(#[from] BadCard),
    #[error("{path} has SHA-256 {found} where the card says {expected}; fetch the bundle again")]
    Digest { path: String, expected: String, found: String },
    #[error("the card in {folder} does not match its ONNX: {problem}")]
    Mismatch { folder: String, problem: String },
}

/// A bundle whose files are what its card says.
#[derive(Clone, Debug)]
pub struct Bundle {
    pub folder: PathBuf,
    pub card: Card,
    /// In the order of [`crate::card::Graphs::files`].
    pub(crate) models: Vec<Model>,
}

impl Bundle {
    /// Reads the card and the models, and checks the models' digests. Golden files are left for later.
    pub fn open(folder: &Path) -> Result<Self, BundleError> {
        let card = read_card(folder)?;
        let mut models = Vec::new();
        for name in card.graphs.files() {
            let expected = card.sha256.get(name).map(String::as_str).unwrap_or_default();
            let bytes = read_proven(folder, name, expected)?;
            models.push(Model { name: name.to_owned(), bytes: bytes.into() });
        }
        Ok(Self { folder: folder.to_owned(), card, models })
    }

    /// A file of `golden/`, proven by its digest; `None` where the card does not name it.
    pub(crate) fn golden(&self, name: &str) -> Result<Option<Vec<u8>>, BundleError> {
        let expected = self.card.golden.as_ref().and_then(|golden| golden.sha256.get(name));
        expected.map(|expected| read_proven(&self.folder.join("golden"), name, expected)).transpose()
    }
}

/// Reads only the card of a bundle.
pub fn read_card(folder: &Path) -> Result<Card, BundleError> {
    let text = read_text(folder)?;
    Ok(Card::read(&folder.join(CARD).display().to_string(), &text)?)
}

/// The text of a bundle's card, whatever its engine.
pub(crate) fn read_text(folder: &Path) -> Result<String, BundleError> {
    let text = String::from_utf8(read_bounded(folder, CARD, MAX_CARD_BYTES)?);
    text.map_err(|_| BundleError::NotText { path: folder.join(CARD).display().to_string() })
}

pub(crate) fn read_proven(folder: &Path, name: &str, expected: &str) -> Result<Vec<u8>, BundleError> {
    let bytes = read_bounded(folder, name, MAX_FILE_BYTES)?;
    let digest = Sha256::digest(&bytes);
    let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    if found != expected {
        let path = folder.join(name).display().to_string();
        return Err(BundleError::Digest { path, expected: expected.to_owned(), found });
    }
    Ok(bytes)
}

/// Reads a file that lies in `folder`, links followed, and has at most `max` bytes.
fn read_bounded(folder: &Path, name: &str, max: u64) -> Result<Vec<u8>, BundleError> {
    let path = folder.join(name);
    let shown = || path.display().to_string();
    let failed = |error| BundleError::Read { path: shown(), error };
    let real_folder = folder.canonicalize().map_err(failed)?;
    let real = path.canonicalize().map_err(failed)?;
    if real.parent() != Some(&real_folder) {
        return Err(BundleError::Outside { path: shown(), folder: real_folder.display().to_string() });
    }
    let file = File::open(&real).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    if size > max {
        return Err(BundleError::TooLarge { path: shown(), max });
    }
    let mut bytes = Vec::with_capacity(size as usize);
    // A file that grows while it is read is cut here, and its digest will not be right.
    file.take(max).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-split")
    }

    fn copied() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["card.toml", "frame.onnx", "context.onnx"] {
            std::fs::copy(fixture().join(name), folder.path().join(name)).unwrap();
        }
        folder
    }

    #[test]
    fn a_bundle_is_read_with_its_models() {
        let bundle = Bundle::open(&fixture()).unwrap();
        assert_eq!(bundle.card.name, "tiny-split");
        assert_eq!(bundle.models.len(), 2);
    }

    #[test]
    fn a_changed_model_is_refused_by_its_digest() {
        let folder = copied();
        let path = folder.path().join("context.onnx");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[100] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let error = Bundle::open(folder.path()).unwrap_err();
        assert!(matches!(error, BundleError::Digest { .. }), "{error}");
        assert!(error.to_string().contains("context.onnx"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_folder_is_refused() {
        let folder = copied();
        let path = folder.path().join("frame.onnx");
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(fixture().join("frame.onnx"), &path).unwrap();
        let error = Bundle::open(folder.path()).unwrap_err();
        assert!(matches!(error, BundleError::Outside { .. }), "{error}");
    }

    #[test]
    fn a_file_too_large_is_refused_before_it_is_read() {
        let folder = copied();
        File::create(folder.path().join("frame.onnx")).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        assert!(matches!(Bundle::open(folder.path()), Err(BundleError::TooLarge { .. })));
        File::create(folder.path().join(CARD)).unwrap().set_len(MAX_CARD_BYTES + 1).unwrap();
        assert!(matches!(Bundle::open(folder.path()), Err(BundleError::TooLarge { .. })));
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = copied();
        std::fs::remove_file(folder.path().join("frame.onnx")).unwrap();
        let error = Bundle::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("frame.onnx"), "{error}");
        let error = Bundle::open(&folder.path().join("nowhere")).unwrap_err().to_string();
        assert!(error.contains("card.toml"), "{error}");
    }
}
