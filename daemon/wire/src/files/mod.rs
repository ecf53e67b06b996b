//! Files: recorded stacks in, localization tables and pictures out and in.
//!
//! In: paths. Out: frames as little-endian bytes, core [`smlm::localization::Localization`]s, truth rows in nm;
//! or files made from them. Never: decides what to do with them, starts threads, keeps a whole stack in memory,
//! believes a size it has not checked.

mod flat;
mod folder;
mod ndtiff;
pub mod npy;
pub mod ome_tiff;
pub mod png;
mod source;
pub mod stack;
pub mod tables;
#[cfg(test)]
mod tests;
mod tiff;
pub mod zarr;

pub use stack::{Stack, StackError, StackMeta, StackOptions, open_stack, open_stack_with};
