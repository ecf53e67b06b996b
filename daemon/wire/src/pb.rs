//! The generated messages of `proto/blinkd/v1`, behind one door.
//!
//! In: nothing. Out: the types, their descriptor set for gRPC reflection, proto3 JSON for the frame stream.
//! Never: services (the app generates them against these types), validation (see `envelope`).
#![allow(missing_docs, clippy::all, clippy::unwrap_used)]

include!(concat!(env!("OUT_DIR"), "/blinkd.v1.rs"));
include!(concat!(env!("OUT_DIR"), "/blinkd.v1.serde.rs"));

/// Every message and service of `blinkd.v1`, with comments, as an encoded `FileDescriptorSet`.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor_set.bin"));
