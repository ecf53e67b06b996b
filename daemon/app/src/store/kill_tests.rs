//! `kill -9` at seeded random moments: what was committed is there, whole, and nothing else is.
//!
//! The child is this test binary again, told by an environment variable what to do. It says on its standard
//! output what it has committed, after committing it; the parent kills it and looks.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::account::{Account, LossReason};
use smlm::frame::{FrameId, FrameInfo, Seq, SeriesId, Shape, Tile};
use smlm::localization::Localization;
use smlm::units::{Nm, PixelSize};

use super::journal::{self, JournalReader, JournalSettings, JournalWriter};
use super::ring::{self, Policy, RingReader, RingSettings, RingWriter};

const WORK: &str = "BLINKD_STORE_TEST_WORK";
const DIR: &str = "BLINKD_STORE_TEST_DIR";
const SERIES: SeriesId = SeriesId([0x5E; 16]);
const SHAPE: Shape = Shape { width: 64, height: 64 };
const SLOTS: u64 = 16;
const KILLS: u64 = 20;

fn info(seq: u64) -> FrameInfo {
    let id = FrameId { series: SERIES, seq: Seq(seq) };
    let tile = Tile { index: (seq / 1000) as u32, ..Tile::default() };
    FrameInfo { id, tile, shape: SHAPE, ..FrameInfo::default() }
}

fn pixels(seq: u64, into: &mut [u8]) {
    ChaCha8Rng::seed_from_u64(seq).fill_bytes(into);
}

fn found(seq: u64) -> Vec<Localization> {
    let mut random = ChaCha8Rng::seed_from_u64(seq);
    let tile = info(seq).tile.index;
    let one = |x_px| Localization { frame: seq as u32, tile, x_px, ..Localization::default() };
    (0..random.random_range(0..30)).map(|_| one(random.random())).collect()
}

fn say(what: char, number: u64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n@{what}{number}").unwrap();
    out.flush().unwrap();
}

#[test]
#[ignore = "the child of the tests below"]
fn child() {
    let (Ok(work), Ok(dir)) = (std::env::var(WORK), std::env::var(DIR)) else { return };
    match work.as_str() {
        "lossless" => frames_forever(Path::new(&dir), Policy::Lossless),
        "live" => frames_forever(Path::new(&dir), Policy::Live),
        _ => localizations_forever(Path::new(&dir)),
    }
}

fn open_ring(dir: &Path, policy: Policy) -> (RingWriter, RingReader) {
    match ring::list(dir).first() {
        Some(path) => {
            let (writer, reader, _) = ring::reopen(path, policy).unwrap();
            (writer, reader)
        }
        None => {
            let payload = info(0).payload_bytes();
            let settings = RingSettings { dir: dir.to_owned(), bytes: SLOTS * payload as u64, policy };
            ring::create(&settings, SERIES, payload).unwrap()
        }
    }
}

fn frames_forever(dir: &Path, policy: Policy) {
    let (mut writer, mut reader) = open_ring(dir, policy);
    std::thread::spawn(move || {
        loop {
            if let Some((_, slot)) = reader.next() {
                reader.release_before(slot.saturating_sub(1)); // the newest two stay held
                say('r', reader.counts().processed);
            } else {
                std::thread::yield_now();
            }
        }
    });
    for seq in writer.next_seq().. {
        while policy == Policy::Lossless && writer.counts().waiting == SLOTS {
            std::thread::yield_now();
        }
        writer.reserve(&info(seq)).unwrap();
        pixels(seq, writer.space());
        writer.commit(seq);
        say('c', seq);
    }
}

fn localizations_forever(dir: &Path) {
    let settings = JournalSettings { step_bytes: 32_768, max_bytes: u64::MAX };
    let (mut writer, from) = match journal::list(dir).first() {
        Some(folder) => {
            let (writer, recovered) = JournalWriter::reopen_with(settings, folder).unwrap();
            (writer, recovered.last_seq.map_or(0, |last| last + 1))
        }
        None => {
            let pixel = PixelSize::square(Nm(100.0));
            (JournalWriter::create_with(settings, dir, SERIES, pixel).unwrap(), 0)
        }
    };
    for seq in from.. {
        writer.append(&[info(seq)], &found(seq), false, &Account::default()).unwrap();
        say('c', seq);
    }
}

fn start(work: &str, dir: &Path) -> Child {
    // The path of this module, without the name of the crate, is how the test binary knows `child`.
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([&format!("{module}::child"), "--exact", "--ignored", "--nocapture"]);
    command.env(WORK, work).env(DIR, dir).stdout(Stdio::piped()).spawn().unwrap()
}

/// What the child said last before it died.
#[derive(Default)]
struct Said {
    committed: Option<u64>,
    processed: u64,
}

/// Lets a child work until a seeded random moment, and kills it.
fn work_and_die(work: &str, dir: &Path, seed: u64) -> Said {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut child = start(work, dir);
    let (mut until, spin) = (random.random_range(1..150), random.random_range(0..40_000));
    let mut said = Said::default();
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        let Some((_, word)) = line.split_once('@') else { continue };
        let Some(Ok(number)) = word.get(1..).map(str::parse) else { continue };
        match word.as_bytes()[0] {
            b'c' => said.committed = Some(number),
            _ => said.processed = number,
        }
        until -= 1;
        if until == 0 {
            (0..spin).for_each(|n| assert!(std::hint::black_box(n) < spin));
            child.kill().unwrap(); // what it said until now is still read
        }
    }
    child.wait().unwrap();
    assert!(until <= 0, "the child ended by itself");
    said
}

fn assert_frames(reader: &mut RingReader, said: &Said) -> Vec<u64> {
    let mut seqs = Vec::new();
    let mut expected = vec![0; SHAPE.pixels() * 2];
    while let Some((found, slot)) = reader.next() {
        let seq = found.id.seq.0;
        pixels(seq, &mut expected);
        assert_eq!(found, FrameInfo { arrival_unix_ns: seq, ..info(seq) });
        assert!(reader.pixels(slot) == expected, "the pixels of frame {seq} are not whole");
        seqs.push(seq);
    }
    let counts = reader.counts();
    assert_eq!(counts.received, counts.processed + counts.waiting + counts.lost.total());
    assert_eq!(counts.waiting, seqs.len() as u64);
    assert!(counts.received > said.committed.unwrap_or(0));
    assert!(counts.processed >= said.processed);
    assert!(seqs.is_sorted());
    assert!(seqs.last().copied() >= said.committed, "{:?} was committed", said.committed);
    seqs
}

#[test]
fn no_frame_that_was_committed_is_lost_by_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    for seed in 0..KILLS {
        let said = work_and_die("lossless", dir.path(), seed);
        let path = &ring::list(dir.path())[0];
        let (writer, mut reader, reopened) = ring::reopen(path, Policy::Lossless).unwrap();
        let seqs = assert_frames(&mut reader, &said);
        let counts = reopened.counts;
        assert_eq!(counts.lost.total(), 0);
        assert_eq!(seqs, (counts.processed..counts.received).collect::<Vec<_>>());
        assert_eq!(writer.next_seq(), counts.received);
    }
}

#[test]
fn every_frame_is_accounted_for_after_kill_9_of_a_live_ring() {
    let dir = tempfile::tempdir().unwrap();
    for seed in 0..KILLS {
        let said = work_and_die("live", dir.path(), 100 + seed);
        let path = &ring::list(dir.path())[0];
        let (writer, mut reader, reopened) = ring::reopen(path, Policy::Live).unwrap();
        assert_frames(&mut reader, &said);
        assert_eq!(reopened.counts.received, writer.next_seq(), "no number was left out");
        assert_eq!(reopened.counts.lost.total(), reopened.counts.lost[LossReason::SkippedOldest]);
    }
}

#[test]
fn no_localization_that_was_appended_is_lost_by_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    for seed in 0..KILLS {
        let said = work_and_die("journal", dir.path(), 200 + seed);
        let folder = &journal::list(dir.path())[0];
        // Once as the dead process left it, once after a restart.
        let before = JournalReader::open(folder).unwrap().blocks().count();
        let (_writer, recovered) = JournalWriter::reopen(folder).unwrap();
        let reader = JournalReader::open(folder).unwrap();
        reader.check().unwrap();
        let mut blocks = 0;
        for (seq, block) in (0..).zip(reader.blocks()) {
            assert_eq!((block.head.first_seq, block.head.last_seq), (seq, seq));
            assert_eq!(block.localizations, found(seq));
            blocks += 1;
        }
        assert!(blocks >= before && blocks as u64 > said.committed.unwrap_or(0));
        assert_eq!(recovered.processed, blocks as u64);
        assert_eq!(recovered.set_aside, None);
    }
}
