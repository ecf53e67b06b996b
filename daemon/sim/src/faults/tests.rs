//! Damage: what a receiver sees is what was planned and counted.

use super::*;
use crate::outlet::Delivery;
use smlm::frame::{FrameId, PixelType, Seq};
use wire::bad_message::BadMessage;
use wire::envelope::{Announced, Decoder, Message};

const SHAPE: Shape = Shape { width: 8, height: 4 };

#[derive(Default)]
struct List {
    frames: Vec<(Vec<u8>, Bytes)>,
    controls: Vec<usize>,
    full_from: Option<usize>,
}

impl Outlet for List {
    fn frame(&mut self, part0: &[u8], pixels: Bytes) -> Delivery {
        if self.full_from.is_some_and(|from| self.frames.len() >= from) {
            return Delivery::QueueFull;
        }
        self.frames.push((part0.to_vec(), pixels));
        Delivery::Sent
    }

    fn control(&mut self, _: &Control) -> Delivery {
        self.controls.push(self.frames.len());
        Delivery::Sent
    }

    fn wait(&mut self, _: Duration) {}

    fn make_room(&mut self) -> bool {
        true
    }
}

fn info(seq: u64) -> FrameInfo {
    FrameInfo {
        id: FrameId { seq: Seq(seq), ..FrameId::default() },
        shape: SHAPE,
        pixel_type: PixelType::U16,
        binning: 1,
        image_number: Some(seq as i64),
        ..FrameInfo::default()
    }
}

fn run(plan: FaultPlan, frames: u64) -> (List, FaultCounts, Duration) {
    let mut line = FaultyLine::new(List::default(), plan, "virtual", false).unwrap();
    let pixels = Bytes::from(vec![7u8; SHAPE.pixels() * 2]);
    let pause = (0..frames).map(|seq| line.frame(&info(seq), pixels.clone())).sum();
    let counts = line.counts();
    (line.finish(), counts, pause)
}

/// What a receiver makes of the list, by its own rules.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    valid: Vec<u64>,
    broken: u64,
    wrong_pixels: u64,
    bad_checksum: u64,
    image_numbers: Vec<i64>,
}

fn receive(list: &List) -> Seen {
    let (mut decoder, mut seen) = (Decoder::default(), Seen::default());
    for (part0, pixels) in &list.frames {
        match decoder.decode(part0, true) {
            Err(kind) => {
                assert_eq!(kind, BadMessage::BrokenProtobuf);
                seen.broken += 1;
            }
            Ok(Message::Control(control)) => panic!("a frame became {control:?}"),
            Ok(Message::Frame(Announced { info, .. })) if info.payload_bytes() != pixels.len() => {
                seen.wrong_pixels += 1;
            }
            Ok(Message::Frame(Announced { crc32c, .. }))
                if crc32c.is_some_and(|c| c != crc32c::crc32c(pixels)) =>
            {
                seen.bad_checksum += 1;
            }
            Ok(Message::Frame(Announced { info, .. })) => {
                seen.valid.push(info.id.seq.0);
                seen.image_numbers.push(info.image_number.unwrap());
            }
        }
    }
    seen
}

#[test]
fn without_faults_every_frame_arrives_once_and_in_order() {
    let (list, counts, pause) = run(FaultPlan::NONE, 100);
    assert_eq!((counts, pause), (FaultCounts::default(), Duration::ZERO));
    assert_eq!(receive(&list).valid, (0..100).collect::<Vec<_>>());
}

#[test]
fn what_a_receiver_sees_is_exactly_what_was_counted() {
    let (list, counts, pause) = run(FaultPlan::each(5, 0.05), 4000);
    let seen = receive(&list);
    assert_eq!(seen.broken, counts.corrupt_header);
    assert_eq!(seen.wrong_pixels, counts.truncated_pixels + counts.wrong_size);
    assert_eq!(seen.bad_checksum, counts.corrupt_pixels);
    assert_eq!(seen.valid.len() as u64, 4000 - counts.never_valid() + counts.duplicate);
    assert_eq!(pause, Duration::from_millis(50 * counts.stall));
    let distinct: std::collections::BTreeSet<_> = seen.valid.iter().collect();
    assert_eq!(distinct.len() as u64, 4000 - counts.never_valid());
    // 4000 frames, 5 % each: 200 ± 14; five standard deviations.
    let FaultCounts { drop, duplicate, reorder, camera_gap, stall, .. } = counts;
    for count in [drop, duplicate, reorder, camera_gap, stall, seen.broken, seen.bad_checksum] {
        assert!((130..=270).contains(&count), "{counts:?}");
    }
}

#[test]
fn the_same_seed_does_the_same_damage() {
    let frames = |seed| run(FaultPlan::each(seed, 0.1), 300).0.frames;
    assert_eq!(frames(1), frames(1));
    assert_ne!(frames(1), frames(2));
}

#[test]
fn a_reordered_frame_comes_after_the_next_one_and_none_is_left_behind() {
    let (list, counts, _) = run(FaultPlan { seed: 3, reorder: 0.3, ..FaultPlan::NONE }, 500);
    let seen = receive(&list).valid;
    assert!(counts.reorder > 100 && seen.windows(2).any(|pair| pair[1] < pair[0]));
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..500).collect::<Vec<_>>());
    assert!(seen.iter().enumerate().all(|(place, &seq)| seq.abs_diff(place as u64) <= 1));
}

#[test]
fn a_frame_held_back_goes_before_a_control_message() {
    let mut line =
        FaultyLine::new(List::default(), FaultPlan { reorder: 1.0, ..FaultPlan::NONE }, "", false).unwrap();
    let _ = line.frame(&info(0), Bytes::from(vec![0; SHAPE.pixels() * 2]));
    line.control(&Control::Heartbeat { series: Default::default(), send_unix_ns: 0 });
    assert_eq!(line.finish().controls, [1]);
}

#[test]
fn a_camera_gap_shows_in_the_image_numbers_and_not_in_seq() {
    let (list, counts, _) = run(FaultPlan { seed: 9, camera_gap: 0.1, ..FaultPlan::NONE }, 400);
    let seen = receive(&list);
    assert_eq!(seen.valid, (0..400).collect::<Vec<_>>());
    // A gap before the first frame is none that a receiver could see.
    let jumps = seen.image_numbers.windows(2).filter(|pair| pair[1] - pair[0] > 1).count() as u64;
    let missing = (seen.image_numbers[399] - 399) as u64;
    assert!(counts.camera_gap > 20);
    assert_eq!((jumps, missing), (counts.camera_gap, counts.camera_images_missing));
}

#[test]
fn a_full_queue_is_counted_and_no_fault() {
    let outlet = List { full_from: Some(10), ..List::default() };
    let mut line = FaultyLine::new(outlet, FaultPlan::NONE, "", false).unwrap();
    for seq in 0..15 {
        let _ = line.frame(&info(seq), Bytes::from(vec![0; SHAPE.pixels() * 2]));
    }
    assert_eq!(line.sent(), Sent { frames: 10, queue_full: 5, controls_queue_full: 0 });
    assert_eq!(line.counts(), FaultCounts::default());
}

#[test]
fn impossible_probabilities_are_refused_by_name() {
    let plan = FaultPlan { drop: 0.7, stall: 0.6, reorder: f64::NAN, ..FaultPlan::NONE };
    let text = plan.check().unwrap_err().to_string();
    assert!(text.contains("Reorder"), "{text}");
    let plan = FaultPlan { drop: 0.7, stall: 0.6, ..FaultPlan::NONE };
    assert!(plan.check().unwrap_err().to_string().contains("sum to 1.3"));
}
