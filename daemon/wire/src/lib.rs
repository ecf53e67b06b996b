//! The edge of blinkd: the only crate that knows foreign bytes.
//!
//! In: sockets, protobuf, files. Out: core types of `smlm`. Never: a wire type that travels inward, a thread.

pub mod bad_message;
pub mod endpoint;
pub mod envelope;
pub mod files;
pub mod pb;
pub mod publisher;
pub mod source;
pub mod zeromq_source;
pub mod zmtp;
