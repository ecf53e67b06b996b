//! Pixels that were sent compressed: one side buffer for all peers, and the unpacking into the place.
//!
//! In: part 1 as sent. Out: pixels, exactly as many as the header said. Never: two peers at once; a peer whose turn
//! it is not waits, at most the stall limit of the other.

use zstd::bulk::Decompressor;

use crate::bad_message::BadMessage;
use crate::envelope::Compression;

#[derive(Default)]
pub(super) struct SideBuffer {
    bytes: Vec<u8>,
    owner: Option<u64>,
    zstd: Option<Decompressor<'static>>,
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

    /// Unpacks the first `length` bytes into `pixels` and nothing less or more.
    pub(super) fn unpack(
        &mut self,
        length: usize,
        how: Compression,
        crc32c: Option<u32>,
        pixels: &mut [u8],
    ) -> Result<(), BadMessage> {
        let packed = self.bytes.get(..length).ok_or(BadMessage::BadCompression)?;
        check_sum(packed, crc32c)?;
        let unpacked = match how {
            Compression::Raw => return Err(BadMessage::BadCompression),
            Compression::Lz4 => lz4_flex::block::decompress_into(packed, pixels).ok(),
            Compression::Zstd => {
                if self.zstd.is_none() {
                    self.zstd = Decompressor::new().ok();
                }
                // Into a slice of known size zstd keeps no window of its own, so a hostile window size is harmless.
                self.zstd.as_mut().and_then(|zstd| zstd.decompress_to_buffer(packed, &mut *pixels).ok())
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
