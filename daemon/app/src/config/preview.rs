//! `[preview]`: what a network paints of the growing picture.

use serde::{Deserialize, Serialize};

/// The growing picture, painted while somebody looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PreviewTable {
    /// A bundle of the engine `a-net`, by name or folder. Empty: none.
    pub a_net: String,
    /// What is recorded: one of the structures that the bundle's card lists.
    pub structure: String,
    /// Between two looks for what has changed.
    pub a_net_tick_ms: u64,
}

impl Default for PreviewTable {
    fn default() -> Self {
        Self { a_net: String::new(), structure: "filaments".into(), a_net_tick_ms: 1000 }
    }
}
