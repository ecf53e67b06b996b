//! Pixels that were sent compressed: one side buffer for all peers, and the unpacking into the place.
//!
//! In: part 1 as sent. Out: pixels, exactly as many as the header said. Never: two peers at once; a peer whose turn
//! it is not waits, at most the stall limit of the other.

use zstd::bulk::Decompressor;

use crate::bad_message::BadMessage;
use crate::envelope::{Announced, Compression};

/// Where compressed pixels are collected. It grows to the largest part that was announced, and stays.
#[derive(Default)]
pub(super) struct SideBuffer {
    bytes: Vec<u8>,
    owner: Option<u64>,
    unpacker: Unpacker,
}

impl SideBuffer {
    pub(super) fn is_free(&self) -> bool {
        self.owner.is_none()
    }

    /// Takes the buffer for a part of `bytes`, which the caller has checked. False: there is no memory.
    pub(super) fn claim(&mut self, peer: u64, bytes: usize) -> bool {
        let missing = bytes.saturating_sub(self.bytes.len());
        if self.bytes.try_reserve_exact(missing).is_err() {
            return false;
        }
        if missing > 0 {
            self.bytes.resize(bytes, 0);
        }
        self.owner = Some(peer);
        true
    }

    pub(super) fn space(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    pub(super) fn release(&mut self, peer: u64) {
        if self.owner == Some(peer) {
            self.owner = None;
        }
    }

    /// Unpacks the first `length` bytes.
    pub(super) fn unpack(
        &mut self,
        length: usize,
        frame: &Announced,
        pixels: &mut [u8],
    ) -> Result<(), BadMessage> {
        let packed = self.bytes.get(..length).ok_or(BadMessage::BadCompression)?;
        self.unpacker.unpack(packed, frame, pixels)
    }
}

/// Keeps zstd's tables from frame to frame.
#[derive(Default)]
pub(crate) struct Unpacker {
    zstd: Option<Decompressor<'static>>,
}

impl Unpacker {
    /// Checks part 1 as sent and fills `pixels` from it, with nothing less and nothing more.
    pub(crate) fn unpack(
        &mut self,
        part1: &[u8],
        frame: &Announced,
        pixels: &mut [u8],
    ) -> Result<(), BadMessage> {
        check_sum(part1, frame.crc32c)?;
        let unpacked = match frame.compression {
            Compression::Raw if part1.len() == pixels.len() => {
                pixels.copy_from_slice(part1);
                return Ok(());
            }
            Compression::Raw => return Err(BadMessage::WrongPixelCount),
            Compression::Lz4 => lz4_flex::block::decompress_into(part1, pixels).ok(),
            Compression::Zstd => {
                if self.zstd.is_none() {
                    self.zstd = Decompressor::new().ok();
                }
                // Into a slice of known size zstd keeps no window of its own, so a hostile window size is harmless.
                self.zstd.as_mut().and_then(|zstd| zstd.decompress_to_buffer(part1, &mut *pixels).ok())
            }
        };
        if unpacked == Some(pixels.len()) { Ok(()) } else { Err(BadMessage::BadCompression) }
    }
}

pub(super) fn check_sum(bytes: &[u8], expected: Option<u32>) -> Result<(), BadMessage> {
    match expected {
        Some(sum) if sum != crc32c::crc32c(bytes) => Err(BadMessage::BadChecksum),
        _ => Ok(()),
    }
}
