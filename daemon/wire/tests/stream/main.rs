//! The frame stream over real sockets: senders that behave, senders that do not.

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
