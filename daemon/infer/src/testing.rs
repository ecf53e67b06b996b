//! For this crate's tests: ONNX Runtime, or a loud word that there is none.

use crate::runtime::{Runtime, forbid_telemetry, load};

/// The runtime, or `None` after saying what is skipped and why.
pub(crate) fn runtime() -> Option<&'static Runtime> {
    forbid_telemetry();
    load(None).inspect_err(|error| eprintln!("SKIPPED: {error}")).ok()
}
