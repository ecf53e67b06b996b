//! What a journal keeps, for its readers and across restarts.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::account::{Account, LossReason};
use smlm::frame::{FrameId, FrameInfo, Seq, Tile};
use smlm::localization::Localization;
use smlm::series::{Channel, Grid, Overlap, SeriesInfo};
use smlm::units::{Adu, Camera, Nm, PixelSize};

use super::*;

pub(super) const SERIES: SeriesId = SeriesId([0xAB; 16]);
pub(super) const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(110.0) };
pub(super) const SMALL: JournalSettings = JournalSettings { step_bytes: 8192, max_bytes: u64::MAX };

pub(super) fn create(store: &Path) -> JournalWriter {
    JournalWriter::create_with(SMALL, store, SERIES, PIXEL).unwrap()
}

pub(super) fn frames(first: u64, count: u64) -> Vec<FrameInfo> {
    let frame = |seq: u64| FrameInfo {
        id: FrameId { series: SERIES, seq: Seq(seq) },
        tile: Tile { index: (first / 100) as u32, row: 1, column: (first / 100) as u32 },
        ..FrameInfo::default()
    };
    (first..first + count).map(frame).collect()
}

/// What was found in these frames: some number, derived from theirs.
pub(super) fn found(frames: &[FrameInfo]) -> Vec<Localization> {
    let mut all = Vec::new();
    for frame in frames {
        let seq = frame.id.seq.0;
        let mut random = ChaCha8Rng::seed_from_u64(seq);
        for _ in 0..random.random_range(0..40) {
            all.push(Localization {
                frame: seq as u32,
                tile: frame.tile.index,
                x_px: random.random(),
                y_px: random.random(),
                photons: seq as f32,
                ..Localization::default()
            });
        }
    }
    all
}

/// Appends frames in batches of random lengths; returns the first number not appended.
pub(super) fn append_some(writer: &mut JournalWriter, from: u64, batches: usize, seed: u64) -> u64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut next = from;
    for _ in 0..batches {
        let batch = frames(next, random.random_range(1..12));
        writer.append(&batch, &found(&batch), false, &Account::default()).unwrap();
        next += batch.len() as u64;
    }
    next
}

pub(super) fn assert_holds(reader: &JournalReader, frames_expected: u64) {
    reader.check().unwrap();
    let all: Vec<Localization> = reader.blocks().flat_map(|block| block.localizations).copied().collect();
    let count: u64 = reader.blocks().map(|block| block.head.frames).sum();
    assert_eq!(count, frames_expected);
    let mut expected = Vec::new();
    for block in reader.blocks().filter(|block| block.head.frames > 0) {
        expected.extend(found(&frames_of(&block.head)));
    }
    assert_eq!(all, expected);
}

fn frames_of(head: &BlockHead) -> Vec<FrameInfo> {
    let mut all = frames(head.first_seq, head.frames);
    all.iter_mut().for_each(|frame| frame.tile.index = head.tile);
    all
}

#[test]
fn what_was_appended_is_read_in_order_across_growth_and_restarts() {
    let store = tempfile::tempdir().unwrap();
    let mut writer = create(store.path());
    let folder = folder(store.path(), SERIES);
    let mut next = 0;
    for round in 0..5 {
        next = append_some(&mut writer, next, 40, round);
        assert_holds(&JournalReader::open(&folder).unwrap(), next);
        drop(writer);
        let recovered;
        (writer, recovered) = JournalWriter::reopen_with(SMALL, &folder).unwrap();
        assert_eq!((recovered.series, recovered.pixel_size), (SERIES, PIXEL));
        assert_eq!((recovered.last_seq, recovered.processed), (Some(next - 1), next));
        assert_eq!(recovered.done, [0..=next - 1]);
        assert_eq!(recovered.set_aside, None);
        assert_eq!(recovered.kept_bytes, writer.bytes());
        assert_eq!(recovered.tiles.iter().map(|tile| tile.processed).sum::<u64>(), next);
    }
    assert!(writer.bytes() > 20 * SMALL.step_bytes, "the test is about growth");
}

#[test]
fn a_reader_follows_the_writer_and_goes_on_where_it_was() {
    let store = tempfile::tempdir().unwrap();
    let mut writer = create(store.path());
    let mut reader = JournalReader::open(&folder(store.path(), SERIES)).unwrap();
    let (mut next, mut position, mut seen) = (0, JournalReader::START, 0);
    for round in 0..20 {
        assert!(!reader.refresh().unwrap());
        next = append_some(&mut writer, next, 7, round);
        assert!(reader.refresh().unwrap());
        for (block, after) in reader.blocks_from(position) {
            assert_eq!(block.head.first_seq, seen);
            seen += block.head.frames;
            position = after;
        }
        assert_eq!(seen, next);
    }
    writer.close("done", &Account::default()).unwrap();
    reader.refresh().unwrap();
    assert_eq!(reader.blocks().last().unwrap().ended_because().as_deref(), Some("done"));
    assert_holds(&reader, next);
}

#[test]
fn a_query_gives_exactly_the_frames_and_the_tile_asked_for() {
    let store = tempfile::tempdir().unwrap();
    let mut writer = create(store.path());
    let next = append_some(&mut writer, 0, 60, 1);
    let reader = JournalReader::open(&folder(store.path(), SERIES)).unwrap();
    let all: Vec<Localization> = reader.blocks().flat_map(|block| block.localizations).copied().collect();
    for (range, tile) in [
        (0..=u32::MAX, None),
        (50..=149, None),
        (50..=149, Some(1)),
        (7..=7, Some(0)),
        (100_000..=200_000, None),
    ] {
        let wanted = |l: &&Localization| range.contains(&l.frame) && tile.is_none_or(|tile| l.tile == tile);
        let expected: Vec<_> = all.iter().filter(wanted).collect();
        let got: Vec<_> = reader.query(range.clone(), tile).collect();
        assert_eq!(got, expected, "{range:?} {tile:?}");
    }
    assert!(next > 200);
}

#[test]
fn closing_gives_back_the_space_and_says_why_the_series_ended() {
    let store = tempfile::tempdir().unwrap();
    let mut writer = create(store.path());
    let next = append_some(&mut writer, 0, 3, 9);
    let mut account = Account::default();
    (0..next + 2).for_each(|_| account.receive());
    account.process(next);
    writer.close("completed", &account).unwrap();
    let path = writer.path().to_owned();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), writer.bytes());
    drop(writer);
    let folder = folder(store.path(), SERIES);
    let (mut writer, recovered) = JournalWriter::reopen(&folder).unwrap();
    assert_eq!(recovered.ended.as_deref(), Some("completed"));
    assert_eq!((recovered.account.received, recovered.account.waiting()), (next + 2, 2));
    append_some(&mut writer, next, 1, 3);
    drop(writer);
    assert_eq!(JournalWriter::reopen(&folder).unwrap().1.ended, None, "the series went on");
}

#[test]
fn failed_frames_are_done_but_not_processed() {
    let store = tempfile::tempdir().unwrap();
    let mut writer = create(store.path());
    let mut account = Account::default();
    account.refuse(LossReason::RingFull);
    writer.append(&frames(5, 3), &[], false, &account).unwrap();
    writer.append(&frames(8, 2), &found(&frames(8, 2)), true, &account).unwrap();
    writer.append(&[], &[], false, &account).unwrap();
    writer.append(&frames(120, 1), &[], false, &account).unwrap();
    writer.end_tile(frames(120, 1)[0].tile, &account).unwrap();
    drop(writer);
    let (_, recovered) = JournalWriter::reopen(&folder(store.path(), SERIES)).unwrap();
    assert_eq!((recovered.processed, recovered.failed, recovered.localizations), (4, 2, 0));
    assert_eq!(recovered.done, [5..=9, 120..=120]);
    assert_eq!(
        [4, 5, 9, 10, 119, 120, 121].map(|seq| recovered.is_done(seq)),
        [false, true, true, false, false, true, false]
    );
    assert_eq!(recovered.account.lost[LossReason::RingFull], 1);
    let tiles: Vec<_> =
        recovered.tiles.iter().map(|t| (t.tile.index, t.tile.row, t.processed, t.failed)).collect();
    assert_eq!(tiles, [(0, 1, 3, 2), (1, 1, 1, 0)]);
}

#[test]
fn the_description_comes_back_whatever_the_publisher_knows() {
    let store = tempfile::tempdir().unwrap();
    let mut writer = create(store.path());
    let bare = SeriesInfo { id: SERIES, ..SeriesInfo::default() };
    let camera =
        Camera { offset: Adu(100.0), e_per_adu: 0.46, em_gain: Some(300.0), spurious_e: 0.002, qe: 0.9 };
    let full = SeriesInfo {
        name: "Zelle \"3\" µ".into(),
        source: "Micro-Manager 2.0.3".into(),
        grid: Some(Grid { rows: 33, columns: 32, overlap: Some(Overlap::Percent(10.0, 5.0)), snake: true }),
        expected_tiles: 1056,
        expected_frames: u64::MAX,
        pixel_size: Some(PIXEL),
        affine: Some([0.1, 0.0, 0.0, 0.0, -0.1, 0.0]),
        camera: Some(camera),
        channel: Channel::Widefield,
        widefield_of: Some(SeriesId([5; 16])),
        widefield_skip_frames: Some(0),
        exposure_ms: 30.25,
        metadata_json: r#"{"Summary":{"MDA":"yes"}}"#.into(),
        start_unix_ns: 1_700_000_000_123_456_789,
        ..bare.clone()
    };
    let folder = folder(store.path(), SERIES);
    for info in [&bare, &full] {
        writer.describe(info).unwrap();
        assert_eq!(JournalReader::open(&folder).unwrap().series_info().as_ref(), Some(info));
    }
    for overlap in [Some(Overlap::Um(1.0, 2.0)), Some(Overlap::Px(3.0, 4.0)), None] {
        let grid = Some(Grid { rows: 1, columns: 2, overlap, snake: false });
        let info = SeriesInfo { grid, ..full.clone() };
        assert_eq!(super::info::from_json(&super::info::to_json(&info)), Some(info));
    }
    drop(writer);
    assert_eq!(JournalWriter::reopen(&folder).unwrap().1.info, Some(full));
}

#[test]
fn a_description_with_impossible_numbers_keeps_the_rest() {
    let camera = Camera { qe: f64::NAN, ..Camera::IDENTITY };
    let pixel = PixelSize { x: Nm(f64::INFINITY), y: Nm(1.0) };
    let info = SeriesInfo {
        id: SERIES,
        name: "n".into(),
        pixel_size: Some(pixel),
        camera: Some(camera),
        exposure_ms: f64::NAN,
        ..SeriesInfo::default()
    };
    let back = super::info::from_json(&super::info::to_json(&info)).unwrap();
    assert_eq!(back, SeriesInfo { pixel_size: None, camera: None, exposure_ms: 0.0, ..info });
}

#[test]
fn one_writer_at_a_time_and_no_second_journal() {
    let store = tempfile::tempdir().unwrap();
    let writer = create(store.path());
    assert!(matches!(JournalWriter::create(store.path(), SERIES, PIXEL), Err(JournalError::Exists(_))));
    let folder = folder(store.path(), SERIES);
    assert!(matches!(JournalWriter::reopen(&folder), Err(JournalError::Busy(_))));
    drop(writer);
    JournalWriter::reopen(&folder).map(|_| ()).unwrap();
    assert_eq!(list(store.path()), [folder]);
}
