//! The second ring of tests: the whole pipeline in this process, over real sockets of loopback.
//!
//! In: frames from real publishers. Out: what the account, the journal, the files and clients say. Never: a sleep
//! that stands for a fact; whoever waits, waits for a condition with a limit.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so by panicking

mod account;
mod api;
mod borders;
mod clients;
mod depth;
mod door;
mod ends;
mod estimates;
mod failing;
mod finishing;
mod gaussian;
mod looking;
mod losses;
mod pages;
mod painting;
mod rig;
mod sessions;
mod shown;
mod watching;
mod widefield;

#[path = "../../../wire/tests/stream/zmtp_bytes.rs"]
mod zmtp_bytes;
