//! The process around the pure middle: one path from a frame source to files, pictures and clients.
//!
//! `pipeline` is the only module that makes threads and queues; read it first.

pub mod archive;
pub mod clock;
pub mod commands;
pub mod config;
pub mod desk;
pub mod drifting;
pub mod engines;
pub mod estimating;
pub mod export;
pub mod files;
pub mod finish;
pub mod ingest;
pub mod live;
pub mod localizer;
pub mod painting;
pub mod picture;
pub mod pipeline;
pub mod recover;
pub mod replay;
pub mod resolving;
pub mod serve;
pub mod store;
pub mod summary;
pub mod turns;
pub mod widefield;
