//! The ring against a queue as its model, at its limits, and with two threads.

use std::collections::VecDeque;
use std::path::Path;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::account::LossReason;
use smlm::frame::{Continuity, FrameId, FrameInfo, PixelType, Seq, Shape, StagePosition, Tile};

use super::*;

pub(super) const SERIES: SeriesId = SeriesId([7; 16]);
const SHAPE: Shape = Shape { width: 50, height: 41 };
pub(super) const PAYLOAD: usize = 50 * 41 * 2;

pub(super) fn settings(dir: &Path, slots: u64, policy: Policy) -> RingSettings {
    RingSettings { dir: dir.to_owned(), bytes: slots * layout::stride(PAYLOAD), policy }
}

pub(super) fn info(seq: u64) -> FrameInfo {
    FrameInfo {
        id: FrameId { series: SERIES, seq: Seq(seq) },
        shape: SHAPE,
        frame_in_tile: seq as u32,
        tile: Tile { index: (seq / 5) as u32, row: 1, column: 2 },
        ..FrameInfo::default()
    }
}

fn fill(seq: u64, pixels: &mut [u8]) {
    ChaCha8Rng::seed_from_u64(seq).fill_bytes(pixels);
}

pub(super) fn is_frame(seq: u64, pixels: &[u8]) -> bool {
    let mut expected = vec![0; PAYLOAD];
    fill(seq, &mut expected);
    expected == pixels
}

pub(super) fn push(writer: &mut RingWriter, seq: u64) -> Result<(), LossReason> {
    writer.reserve(&info(seq))?;
    fill(seq, writer.space());
    writer.commit(1000 + seq);
    Ok(())
}

pub(super) fn drain(reader: &mut RingReader) -> Vec<u64> {
    let mut seqs = Vec::new();
    while let Some((info, slot)) = reader.next() {
        assert!(
            is_frame(info.id.seq.0, reader.pixels(slot)),
            "frame {} is not what was written",
            info.id.seq.0
        );
        assert_eq!(info.arrival_unix_ns, 1000 + info.id.seq.0);
        seqs.push(info.id.seq.0);
    }
    seqs
}

pub(super) fn assert_account(counts: &Counts) {
    assert_eq!(counts.received, counts.processed + counts.waiting + counts.lost.total(), "{counts:?}");
}

#[test]
fn everything_known_of_a_frame_comes_back() {
    let full = FrameInfo {
        tile: Tile { index: 1, row: 2, column: 3 },
        frames_per_tile: 400,
        pixel_type: PixelType::U16,
        roi_x: 5,
        roi_y: 6,
        binning: 2,
        exposure_ms: 12.5,
        stage: Some(StagePosition { x_um: -1.5, y_um: 2.5, z_um: 0.25, measured: true }),
        image_number: Some(-9),
        capture_unix_ns: 10,
        send_unix_ns: 11,
        arrival_unix_ns: 12,
        core_queue_depth: 13,
        dropped_by_publisher: 14,
        continuity: Continuity::LiveSampled,
        ..info(77)
    };
    for frame in [full, FrameInfo::default(), FrameInfo { pixel_type: PixelType::U8, ..info(3) }] {
        let record = record::Record::new(&frame);
        assert!(record.is_whole());
        assert_eq!(record.info(), frame);
    }
}

#[test]
fn any_flipped_bit_in_a_record_is_noticed() {
    let bytes = *bytemuck::bytes_of(&record::Record::new(&info(5)))
        .first_chunk::<{ record::RECORD_BYTES }>()
        .unwrap();
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!bytemuck::pod_read_unaligned::<record::Record>(&flipped).is_whole(), "bit {bit}");
    }
}

/// The model: frames not read, frames held, and a count of the lost ones.
#[derive(Default)]
struct Model {
    unread: VecDeque<u64>,
    held: VecDeque<(u64, u64)>,
    processed: u64,
    skipped: u64,
    refused: u64,
    abandoned: u64,
    next_seq: u64,
    most_held: usize,
}

impl Model {
    fn offer(&mut self, slots: u64, policy: Policy, seq: u64, writer: &mut RingWriter, abandon: bool) {
        let before = writer.counts().lost[LossReason::SkippedOldest];
        let answer = writer.reserve(&info(seq));
        let skipped = writer.counts().lost[LossReason::SkippedOldest] - before;
        let inside = self.unread.len() + self.held.len();
        match policy {
            Policy::Lossless => {
                assert_eq!(answer.is_ok(), (inside as u64) < slots, "only a full ring refuses");
                assert_eq!(skipped, 0);
            }
            Policy::Live => {
                assert_eq!(answer.is_ok(), (self.held.len() as u64) < slots, "only held frames can refuse");
                assert!(skipped == 0 || (inside + self.most_held) as u64 >= slots, "skipped without need");
                assert!(skipped <= 1);
            }
        }
        for _ in 0..skipped {
            let gone = self.unread.pop_front().unwrap();
            self.skipped += 1;
            assert_eq!(writer.take_skipped(), Some(info(gone).tile), "the skipped frame's tile is told");
        }
        assert_eq!(writer.take_skipped(), None);
        if answer.is_err() || !abandon {
            self.next_seq = seq + 1;
        }
        match answer {
            Err(why) => {
                assert_eq!(why, LossReason::RingFull);
                self.refused += 1;
            }
            Ok(()) if abandon => {
                writer.space().fill(0xEE);
                writer.abandon();
                self.abandoned += 1;
            }
            Ok(()) => {
                fill(seq, writer.space());
                writer.commit(1000 + seq);
                self.unread.push_back(seq);
            }
        }
    }

    fn read(&mut self, reader: &mut RingReader) {
        let Some((info, slot)) = reader.next() else { return assert!(self.unread.is_empty()) };
        assert_eq!(Some(info.id.seq.0), self.unread.pop_front());
        assert!(self.held.back().is_none_or(|(_, last)| *last < slot), "positions only grow");
        self.held.push_back((info.id.seq.0, slot));
        self.most_held = self.most_held.max(self.held.len());
    }

    fn release(&mut self, reader: &mut RingReader, keep: usize) {
        let Some((_, slot)) = self.held.iter().rev().nth(keep.saturating_sub(1)) else { return };
        let before = if keep == 0 { *slot + 1 } else { *slot };
        reader.release_before(before);
        while self.held.pop_front_if(|(_, slot)| *slot < before).is_some() {
            self.processed += 1;
        }
    }

    fn check(&self, reader: &RingReader) {
        for (seq, slot) in &self.held {
            assert!(is_frame(*seq, reader.pixels(*slot)), "a held frame changed");
        }
        let counts = reader.counts();
        assert_account(&counts);
        assert_eq!(counts.waiting, (self.unread.len() + self.held.len()) as u64);
        assert_eq!(reader.waiting(), counts.waiting);
        assert_eq!(reader.waiting_to_read(), self.unread.len() as u64);
        assert_eq!(counts.processed, self.processed);
        assert_eq!(counts.lost[LossReason::SkippedOldest], self.skipped);
        assert_eq!(counts.lost[LossReason::RingFull], self.refused);
    }

    /// After a restart what was held is to be read again.
    fn restarted(&mut self) {
        for (seq, _) in self.held.drain(..).rev() {
            self.unread.push_front(seq);
        }
    }
}

/// Random operations; every so often both ends are dropped as a crash would and the ring is reopened.
fn ring_agrees_with_a_queue(policy: Policy, seed: u64) {
    let dir = tempfile::tempdir().unwrap();
    let slots = 8 + seed % 5;
    let (mut writer, mut reader) = create(&settings(dir.path(), slots, policy), SERIES, PAYLOAD).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut model = Model::default();
    let mut seq = 0;
    for _ in 0..3000 {
        match random.random_range(0..100) {
            0..50 => {
                model.offer(slots, policy, seq, &mut writer, random.random_bool(0.05));
                seq += 1;
            }
            50..75 => model.read(&mut reader),
            75..99 => model.release(&mut reader, random.random_range(0..4)),
            _ => {
                if policy == Policy::Live {
                    model.release(&mut reader, 0); // what is skipped after a restart with held frames: below
                }
                let path = reader.path().to_owned();
                drop((writer, reader));
                let reopened;
                (writer, reader, reopened) = reopen(&path, policy).unwrap();
                model.restarted();
                assert_eq!(reopened.waiting, model.unread.len() as u64);
                assert_eq!((reopened.series, reopened.next_seq), (SERIES, model.next_seq));
            }
        }
        model.check(&reader);
    }
    assert!(model.processed > 100 && model.abandoned > 10);
    assert!(if policy == Policy::Live { model.skipped } else { model.refused } > 20);
}

#[test]
fn lossless_ring_agrees_with_a_queue() {
    (0..10).for_each(|seed| ring_agrees_with_a_queue(Policy::Lossless, seed));
}

#[test]
fn live_ring_agrees_with_a_queue_that_drops_its_oldest() {
    (0..10).for_each(|seed| ring_agrees_with_a_queue(Policy::Live, seed));
}

#[test]
fn reader_that_holds_everything_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, mut reader) = create(&settings(dir.path(), 8, Policy::Live), SERIES, PAYLOAD).unwrap();
    (0..8).for_each(|seq| push(&mut writer, seq).unwrap());
    assert_eq!(drain(&mut reader).len(), 8);
    assert_eq!(push(&mut writer, 8), Err(LossReason::RingFull));
    assert_eq!(writer.next_seq(), 9, "a refused frame was received");
    reader.release_before(1);
    push(&mut writer, 9).unwrap();
    assert_eq!(drain(&mut reader), [9]);
}

/// Every state a dying process can leave a slot in, with the counters before and after their step.
#[test]
fn settings_that_cannot_work_are_refused_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let small = create(&settings(dir.path(), 7, Policy::Live), SERIES, PAYLOAD).map(|_| ()).unwrap_err();
    assert!(small.to_string().contains("set ring.mib to at least 1"), "{small}");
    let huge = RingSettings { bytes: 1 << 60, ..settings(dir.path(), 8, Policy::Live) };
    let full = create(&huge, SERIES, 1 << 29).map(|_| ()).unwrap_err();
    assert!(matches!(full, RingError::Space(SpaceError::DiskFull { .. })), "{full}");
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        0,
        "nothing is left of a ring that did not fit"
    );
    assert!(matches!(create(&huge, SERIES, 0), Err(RingError::BadPayload(0))));
    let ends = create(&settings(dir.path(), 8, Policy::Live), SERIES, PAYLOAD).unwrap();
    let again = create(&settings(dir.path(), 8, Policy::Live), SERIES, PAYLOAD);
    assert!(matches!(again, Err(RingError::Exists(_))));
    assert!(matches!(reopen(ends.1.path(), Policy::Live), Err(RingError::Busy(_))));
}

#[test]
fn a_frame_of_another_shape_is_refused_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = create(&settings(dir.path(), 8, Policy::Live), SERIES, PAYLOAD).unwrap();
    let other = FrameInfo { shape: Shape { width: 51, height: 41 }, ..info(0) };
    assert_eq!(writer.reserve(&other), Err(LossReason::ShapeChanged));
    assert!(writer.space().is_empty());
    writer.commit(1);
    assert_eq!(reader.counts().lost[LossReason::ShapeChanged], 1);
    assert_eq!((reader.counts().received, reader.waiting()), (1, 0));
}

#[test]
fn frames_lost_at_the_door_and_after_reading_stay_in_the_account() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, mut reader) = create(&settings(dir.path(), 8, Policy::Live), SERIES, PAYLOAD).unwrap();
    (0..3).for_each(|seq| push(&mut writer, seq).unwrap());
    writer.count_lost(&info(1), LossReason::Duplicate);
    let (_, first) = reader.next().unwrap();
    reader.count_lost(LossReason::EngineFailed);
    reader.release_before(first + 1);
    let counts = reader.counts();
    assert_account(&counts);
    assert_eq!((counts.received, counts.processed, counts.waiting, counts.lost.total()), (4, 0, 2, 2));
    let named: Vec<_> = counts.lost.named().map(|(reason, n)| (reason.as_str(), n)).collect();
    assert_eq!(named, [("duplicate", 1), ("engine_failed", 1)]);
}

/// Reader and writer race; under `live` the writer never waits, so that skipping and claiming want the same slot.
/// Frames are small, so that the threads meet often.
fn two_threads(policy: Policy) {
    let dir = tempfile::tempdir().unwrap();
    let shape = Shape { width: 8, height: 4 };
    let frame = move |seq| FrameInfo { shape, ..info(seq) };
    let small = RingSettings { dir: dir.path().to_owned(), bytes: 8 * 4096, policy };
    let (mut writer, mut reader) = create(&small, SERIES, 64).unwrap();
    let offered = 400_000u64;
    let feeder = std::thread::spawn(move || {
        for seq in 0..offered {
            if writer.reserve(&frame(seq)).is_ok() {
                writer.space().fill(seq as u8);
                writer.commit(seq);
            }
        }
    });
    let mut last = None;
    let mut read = 0;
    loop {
        let gone = reader.writer_gone();
        let Some((info, slot)) = reader.next() else {
            if gone {
                break;
            }
            std::thread::yield_now();
            continue;
        };
        let seq = info.id.seq.0;
        assert!(last.is_none_or(|last| last < seq), "frames come in order");
        for _ in 0..3 {
            assert!(reader.pixels(slot).iter().all(|pixel| *pixel == seq as u8), "a held frame is torn");
        }
        last = Some(seq);
        read += 1;
        reader.release_before(slot.saturating_sub(2)); // holds three, as a window does
    }
    feeder.join().unwrap();
    reader.release_before(u64::MAX);
    let counts = reader.counts();
    assert_account(&counts);
    assert_eq!((counts.received, counts.processed, counts.waiting), (offered, read, 0));
}

#[test]
fn racing_threads_lose_no_frame_without_a_count() {
    two_threads(Policy::Lossless);
    two_threads(Policy::Live);
}
