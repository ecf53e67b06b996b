//! The frame stream over real sockets: senders that behave, senders that do not.

mod collect;
mod sample;
mod senders;
