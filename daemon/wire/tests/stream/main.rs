//! The frame stream over real sockets: senders that behave, senders that do not.
#![allow(clippy::unwrap_used, reason = "clippy exempts tests, not the functions they share")]

mod collect;
mod framing;
mod golden;
mod hostile;
mod libraries;
mod peers;
mod publisher;
mod raw;
mod sample;
mod senders;
mod zmtp_bytes;
