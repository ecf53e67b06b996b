//! What goes wrong between a camera and the daemon, on purpose and by a seed.
//!
//! In: the frames and control messages of a publisher in order. Out: the same as bytes, damaged as planned, and an
//! exact count of each damage. At most one fault befalls a frame, so that counts can be compared one to one with
//! what the daemon accounts for. Never: pixels of another frame; more than one frame held back.

use std::time::Duration;

use bytes::Bytes;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use smlm::frame::{FrameInfo, Shape};
use smlm::series::Control;
use wire::envelope::{FrameOnWire, encode_frame};

use crate::outlet::{Delivery, Outlet};
use crate::seeds::{Purpose, stream};
use crate::settings::BadSettings;

/// What can befall a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Never sent: `seq` jumps.
    Drop,
    /// Sent twice.
    Duplicate,
    /// Sent after the next frame.
    Reorder,
    /// A header that is no protobuf.
    CorruptHeader,
    /// Fewer pixels than the header says.
    TruncatedPixels,
    /// The header announces one column more than there is.
    WrongSize,
    /// One bit of the pixels flipped behind the checksum's back.
    CorruptPixels,
    /// The camera's image number jumps by 1 to 5 from here on, `seq` does not.
    CameraGap,
    /// The publisher pauses before this frame.
    Stall,
}

/// How often, as a probability per frame.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct FaultPlan {
    pub seed: u64,
    pub drop: f64,
    pub duplicate: f64,
    pub reorder: f64,
    pub corrupt_header: f64,
    pub truncated_pixels: f64,
    pub wrong_size: f64,
    pub corrupt_pixels: f64,
    pub camera_gap: f64,
    pub stall: f64,
    /// How long a stall lasts.
    pub stall_ms: u64,
}

impl FaultPlan {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        seed: 0,
        drop: 0.0,
        duplicate: 0.0,
        reorder: 0.0,
        corrupt_header: 0.0,
        truncated_pixels: 0.0,
        wrong_size: 0.0,
        corrupt_pixels: 0.0,
        camera_gap: 0.0,
        stall: 0.0,
        stall_ms: 0,
    };

    /// Every fault with the same probability; stalls of 50 ms.
    pub const fn each(seed: u64, probability: f64) -> Self {
        Self {
            seed,
            drop: probability,
            duplicate: probability,
            reorder: probability,
            corrupt_header: probability,
            truncated_pixels: probability,
            wrong_size: probability,
            corrupt_pixels: probability,
            camera_gap: probability,
            stall: probability,
            stall_ms: 50,
        }
    }

    const fn rates(&self) -> [(Fault, f64); 9] {
        [
            (Fault::Drop, self.drop),
            (Fault::Duplicate, self.duplicate),
            (Fault::Reorder, self.reorder),
            (Fault::CorruptHeader, self.corrupt_header),
            (Fault::TruncatedPixels, self.truncated_pixels),
            (Fault::WrongSize, self.wrong_size),
            (Fault::CorruptPixels, self.corrupt_pixels),
            (Fault::CameraGap, self.camera_gap),
            (Fault::Stall, self.stall),
        ]
    }

    fn check(&self) -> Result<(), BadSettings> {
        let rates = self.rates();
        let bad = rates.iter().filter(|(_, rate)| !(0.0..=1.0).contains(rate));
        let mut problems: Vec<_> =
            bad.map(|(fault, rate)| format!("faults: {fault:?} is {rate} and must be from 0 to 1")).collect();
        let sum: f64 = rates.iter().map(|(_, rate)| rate).sum();
        if sum > 1.0 + 1e-9 {
            problems.push(format!("faults: the probabilities sum to {sum:.3} and must not exceed 1"));
        }
        if self.stall_ms > 60_000 {
            problems.push(format!("faults: stall_ms is {} and must be at most 60000", self.stall_ms));
        }
        if problems.is_empty() { Ok(()) } else { Err(BadSettings(problems)) }
    }
}

/// Faults that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FaultCounts {
    pub drop: u64,
    pub duplicate: u64,
    pub reorder: u64,
    pub corrupt_header: u64,
    pub truncated_pixels: u64,
    pub wrong_size: u64,
    pub corrupt_pixels: u64,
    pub camera_gap: u64,
    /// Image numbers skipped by all camera gaps together.
    pub camera_images_missing: u64,
    pub stall: u64,
}

impl FaultCounts {
    /// Frames of which the daemon never gets a valid message.
    pub const fn never_valid(&self) -> u64 {
        self.drop + self.corrupt_header + self.truncated_pixels + self.wrong_size + self.corrupt_pixels
    }

    fn of(&mut self, fault: Fault) -> &mut u64 {
        match fault {
            Fault::Drop => &mut self.drop,
            Fault::Duplicate => &mut self.duplicate,
            Fault::Reorder => &mut self.reorder,
            Fault::CorruptHeader => &mut self.corrupt_header,
            Fault::TruncatedPixels => &mut self.truncated_pixels,
            Fault::WrongSize => &mut self.wrong_size,
            Fault::CorruptPixels => &mut self.corrupt_pixels,
            Fault::CameraGap => &mut self.camera_gap,
            Fault::Stall => &mut self.stall,
        }
    }
}

/// Frames that left and frames that found the outlet's queue full, by the publisher's own account: it takes a
/// frame that a fault lost on the way for sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Sent {
    pub frames: u64,
    pub queue_full: u64,
    /// Control messages that found the queue full.
    pub controls_queue_full: u64,
}

/// Encodes messages, damages them as planned and hands them to an outlet.
#[derive(Debug)]
pub struct FaultyLine<O> {
    outlet: O,
    plan: FaultPlan,
    rng: ChaCha8Rng,
    counts: FaultCounts,
    sent: Sent,
    camera: String,
    checksums: bool,
    held: Option<(FrameInfo, Bytes)>,
    image_numbers_ahead: i64,
}

impl<O: Outlet> FaultyLine<O> {
    /// `camera`: its label in every header. Checksums are added where asked, or where the plan corrupts pixels.
    pub fn new(outlet: O, plan: FaultPlan, camera: &str, checksums: bool) -> Result<Self, BadSettings> {
        plan.check()?;
        Ok(Self {
            outlet,
            plan,
            rng: stream(plan.seed, Purpose::Faults, 0, 0),
            counts: FaultCounts::default(),
            sent: Sent::default(),
            camera: camera.to_owned(),
            checksums: checksums || plan.corrupt_pixels > 0.0,
            held: None,
            image_numbers_ahead: 0,
        })
    }

    pub fn counts(&self) -> FaultCounts {
        self.counts
    }

    pub fn sent(&self) -> Sent {
        self.sent
    }

    pub fn outlet(&mut self) -> &mut O {
        &mut self.outlet
    }

    /// The outlet back; what was held back is sent first.
    pub fn finish(mut self) -> O {
        self.release();
        self.outlet
    }

    /// Sends a control message; these are never damaged. A frame held back goes first.
    pub fn control(&mut self, control: &Control) {
        self.release();
        if self.outlet.control(control) == Delivery::QueueFull {
            self.sent.controls_queue_full += 1;
        }
    }

    /// Sends a frame, or does to it what the plan says. Returns how long the publisher is to pause: a stall.
    pub fn frame(&mut self, info: &FrameInfo, pixels: Bytes) -> Duration {
        let fault = self.next_fault();
        if let Some(fault) = fault {
            *self.counts.of(fault) += 1;
        }
        if fault == Some(Fault::CameraGap) {
            let missing = self.rng.random_range(1..=5);
            self.image_numbers_ahead += missing;
            self.counts.camera_images_missing += missing.unsigned_abs();
        }
        let image_number = info.image_number.map(|number| number + self.image_numbers_ahead);
        let info = FrameInfo { image_number, ..*info };
        if fault == Some(Fault::Reorder) {
            self.release();
            self.held = Some((info, pixels));
        } else {
            let delivery = self.deliver(fault, &info, pixels);
            self.note(delivery);
            self.release();
        }
        Duration::from_millis(if fault == Some(Fault::Stall) { self.plan.stall_ms } else { 0 })
    }

    fn deliver(&mut self, fault: Option<Fault>, info: &FrameInfo, pixels: Bytes) -> Delivery {
        let mut part0 = self.header(info, &pixels);
        match fault {
            None | Some(Fault::CameraGap | Fault::Stall | Fault::Reorder) => {}
            Some(Fault::Drop) => return Delivery::Sent,
            Some(Fault::Duplicate) => {
                let first = self.outlet.frame(&part0, pixels.clone());
                let second = self.outlet.frame(&part0, pixels);
                return if second == Delivery::Sent { second } else { first };
            }
            // A tag of eleven bytes with the top bit set cannot be read by anybody.
            Some(Fault::CorruptHeader) => drop(part0.splice(0..0, [0xFF; 11])),
            Some(Fault::TruncatedPixels) => {
                let kept = self.rng.random_range(0..pixels.len().max(1));
                return self.outlet.frame(&part0, pixels.slice(..kept));
            }
            Some(Fault::WrongSize) => {
                let shape = Shape { width: info.shape.width + 1, ..info.shape };
                part0 = self.header(&FrameInfo { shape, ..*info }, &pixels);
            }
            Some(Fault::CorruptPixels) => {
                let mut pixels = pixels.to_vec();
                let at = self.rng.random_range(0..pixels.len().max(1));
                pixels.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
                return self.outlet.frame(&part0, pixels.into());
            }
        }
        self.outlet.frame(&part0, pixels)
    }

    fn header(&self, info: &FrameInfo, pixels: &[u8]) -> Vec<u8> {
        let crc32c = self.checksums.then(|| crc32c::crc32c(pixels));
        encode_frame(info, FrameOnWire { crc32c, camera: &self.camera, ..FrameOnWire::default() })
    }

    fn note(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Sent => self.sent.frames += 1,
            Delivery::QueueFull => self.sent.queue_full += 1,
        }
    }

    /// Sends a frame that was held back.
    pub(crate) fn release(&mut self) {
        if let Some((info, pixels)) = self.held.take() {
            let delivery = self.deliver(None, &info, pixels);
            self.note(delivery);
        }
    }

    fn next_fault(&mut self) -> Option<Fault> {
        let mut left = self.rng.random::<f64>();
        self.plan.rates().into_iter().find_map(|(fault, rate)| {
            left -= rate;
            (left < 0.0).then_some(fault)
        })
    }
}

#[cfg(test)]
mod tests;
