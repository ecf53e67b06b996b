//! Tiles of a scan are looked at as a whole once they are over: reports, verdicts, and what a restart makes of them.

use blinkd::serve::grpc::scans_client::ScansClient;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::frame::{FrameInfo, StagePosition, Tile};
use smlm::series::{Grid, Overlap, SeriesInfo};
use wire::files::tables::dataset::Dataset;
use wire::files::zarr::{MosaicReader, Region};
use wire::pb;

use crate::rig::{Rig, Sender, id, until};

const FRAMES: u32 = 40;

/// Two rows of three tiles, 5 µm apart.
pub fn grid(info: &mut SeriesInfo) {
    let overlap = Some(Overlap::Um(1.4, 1.4));
    info.grid = Some(Grid { rows: 2, columns: 3, overlap, snake: false });
    info.expected_tiles = 6;
    info.expected_frames = 6 * u64::from(FRAMES);
}

pub fn on_stage(info: FrameInfo) -> FrameInfo {
    let tile = Tile { row: info.tile.index / 3, column: info.tile.index % 3, ..info.tile };
    let at = |steps: u32| 5.0 * f64::from(steps);
    let stage = StagePosition { x_um: at(tile.column), y_um: at(tile.row), ..StagePosition::default() };
    FrameInfo { tile, stage: Some(stage), ..info }
}

fn begin(rig: &Rig) -> Sender {
    let mut sender = rig.publisher(1);
    sender.frames_per_tile = FRAMES;
    sender.start(grid);
    sender
}

pub fn finished(rig: &Rig) -> usize {
    rig.series(1).book().len()
}

pub fn scan(rig: &Rig) -> pb::Scan {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = ScansClient::connect(rig.url()).await.unwrap();
        let request = pb::GetScanRequest { series_id: id(1).0.to_vec() };
        client.get_scan(request).await.unwrap().into_inner()
    })
}

fn records(rig: &Rig) -> usize {
    let text = std::fs::read_to_string(rig.folder(1).join("scan/tiles.jsonl")).unwrap();
    text.lines().count()
}

#[test]
fn every_tile_gets_a_report_when_it_is_over() {
    let rig = Rig::start(|_| ());
    let mut sender = begin(&rig);
    sender.send_changed(2 * u64::from(FRAMES) + 1, on_stage);
    until("two tiles are finished", || finished(&rig) == 2);
    let said = scan(&rig);
    assert_eq!((said.tiles_finished, said.complete), (2, false));
    let report = said.tiles[0].report.as_ref().expect("the first tile is over");
    assert_eq!((report.first_seq, report.last_seq, report.localizations), (0, 39, u64::from(FRAMES)));
    assert!(report.no_drift.contains("40 localizations"), "{}", report.no_drift);
    assert!(report.reasons.is_empty() && report.frc_nm.is_none());
    assert!(said.tiles[2].report.is_none(), "more frames of the third tile may come");
    sender.send_changed(4 * u64::from(FRAMES) - 1, on_stage);
    sender.end();
    until("the scan is complete", || rig.series(1).book().complete);
    let said = scan(&rig);
    assert!(said.tiles.iter().all(|tile| tile.report.is_some()) && said.complete);
}

#[test]
fn a_tile_that_lost_frames_is_suspect_with_the_reason() {
    let rig = Rig::start(|_| ());
    let mut sender = begin(&rig);
    sender.send_changed(30, on_stage);
    sender.next += 10;
    sender.send_changed(u64::from(FRAMES) + 1, on_stage);
    until("two tiles are finished", || finished(&rig) == 2);
    let said = scan(&rig);
    assert_eq!(said.suspect, [0]);
    let reason = &said.tiles[0].report.as_ref().unwrap().reasons[0];
    assert_eq!((reason.kind.as_str(), reason.text.as_str()), ("frames_lost", "10 of 40 frames were lost."));
    assert!(said.tiles[1].report.as_ref().unwrap().reasons.is_empty());
}

#[test]
fn a_restart_goes_on_with_the_tile_it_was_at_and_finishes_none_twice() {
    let rig = Rig::start(|_| ());
    let mut sender = begin(&rig);
    sender.send_changed(3 * u64::from(FRAMES) + 7, on_stage);
    until("three tiles are finished", || finished(&rig) == 3);
    rig.settled(1, 3 * u64::from(FRAMES) + 7);
    let before: Vec<_> = rig.series(1).book().tiles().map(|(report, _)| report.clone()).collect();
    drop(sender.publisher);
    let rig = rig.stop().start_again();
    until("the three tiles are known again", || finished(&rig) == 3);
    let again: Vec<_> = rig.series(1).book().tiles().map(|(report, _)| report.clone()).collect();
    assert_eq!(before, again);
    let mut sender = Sender { next: sender.next, frames_per_tile: FRAMES, ..rig.publisher(1) };
    sender.send_changed(3 * u64::from(FRAMES) - 7, on_stage);
    sender.end();
    until("the scan is complete", || rig.series(1).book().complete);
    assert_eq!((finished(&rig), records(&rig)), (6, 6));
}

/// Emitters that each shine for three frames; tile 1 is out of focus, tile 4 is too bright.
fn blinking(info: &FrameInfo) -> bytes::Bytes {
    let (width, sigma) = (info.shape.width as usize, if info.tile.index == 1 { 2.2f32 } else { 1.3 });
    let mut counts = vec![100.0f32; info.shape.pixels()];
    for i in 0..30 {
        let mut random = ChaCha8Rng::seed_from_u64((info.id.seq.0 + i) / 3 * 30 + i);
        let (x, y) = (random.random_range(0.0..64.0f32), random.random_range(0.0..64.0f32));
        for (at, count) in counts.iter_mut().enumerate() {
            let (dx, dy) = ((at % width) as f32 - x, (at / width) as f32 - y);
            *count += 4000.0 / (sigma * sigma) * (-(dx * dx + dy * dy) / (2.0 * sigma * sigma)).exp();
        }
    }
    if info.tile.index == 4 {
        counts[..30].fill(65_535.0);
    }
    counts.iter().flat_map(|count| (*count as u16).to_le_bytes()).collect::<Vec<u8>>().into()
}

#[test]
fn tiles_out_of_focus_or_too_bright_are_suspect_and_a_kill_before_their_report_changes_nothing() {
    let rig = Rig::start(|_| ());
    let mut sender = begin(&rig);
    sender.send_pictures(6 * u64::from(FRAMES), on_stage, blinking);
    sender.end();
    until("the scan is complete", || rig.series(1).book().complete);
    rig.done(1);
    let said = scan(&rig);
    let kinds = |said: &pb::Scan, tile: usize| -> Vec<String> {
        let report = said.tiles[tile].report.as_ref().unwrap();
        report.reasons.iter().map(|reason| reason.kind.clone()).collect()
    };
    let of = |said: &pb::Scan, kind: &str| -> Vec<usize> {
        (0..6).filter(|tile| kinds(said, *tile).iter().any(|told| told == kind)).collect()
    };
    assert_eq!((of(&said, "out_of_focus"), of(&said, "saturated")), (vec![1], vec![4]));
    for (tile, sigma) in [(0, 1.3), (1, 2.2)] {
        let report = said.tiles[tile].report.as_ref().unwrap();
        let (width, sd) = (report.psf_sigma_px.unwrap(), report.psf_sigma_sd_px.unwrap());
        assert!(
            (width - sigma).abs() < (4.0 * sd).max(0.03 * sigma) && sd < 0.05 * width,
            "{sigma}: {width} +- {sd}"
        );
    }
    // Killed when the tiles were over and before a report was written.
    let killed = rig.copy();
    let folder = killed.folder(1);
    std::fs::remove_file(folder.join("scan/complete")).unwrap();
    std::fs::write(folder.join("scan/tiles.jsonl"), []).unwrap();
    let rig = killed.start_again();
    until("the recording is listed", || rig.live.find(id(1)).is_some());
    until("the scan is complete again", || rig.series(1).book().complete);
    let again = scan(&rig);
    for tile in 0..6 {
        let known = |said: &pb::Scan| {
            let report = said.tiles[tile].report.clone().unwrap();
            (report.psf_sigma_px, report.psf_sigma_sd_px, report.saturated_share, report.reasons)
        };
        assert_eq!(known(&said), known(&again));
    }
}

#[test]
fn a_finished_scan_can_be_looked_at_after_a_restart() {
    let rig = Rig::start(|_| ());
    let mut sender = begin(&rig);
    sender.send_changed(6 * u64::from(FRAMES), on_stage);
    sender.end();
    until("the scan is complete", || rig.series(1).book().complete);
    rig.done(1);
    drop(sender.publisher);
    let seams = scan(&rig).seams;
    let rig = rig.stop().start_again();
    until("the recording is listed", || rig.live.find(id(1)).is_some());
    let said = scan(&rig);
    assert!(said.complete && said.tiles.len() == 6);
    assert_eq!(said.seams, seams);
    let each = seams.unwrap().each;
    assert_eq!(
        each.len(),
        7,
        "two rows of three tiles have four edges between columns and three between rows"
    );
    let told =
        |seam: &pb::Seam| seam.sd_nm.is_none() && seam.missing.contains("localizations near this edge");
    assert!(each.iter().all(told), "{each:?}");
    assert!(said.tiles.iter().all(|tile| tile.report.as_ref().is_some_and(|r| r.localizations == 40)));
}

fn table(rig: &Rig) -> Vec<(u32, u32)> {
    let data = Dataset::open(&rig.folder(1).join("scan/localizations.parquet")).unwrap();
    let rows = data.query(None, None).unwrap().map(|row| row.unwrap().at);
    rows.map(|at| (at.tile, at.frame)).collect()
}

/// Localizations in the whole picture, and where it begins on the stage.
fn mosaic(rig: &Rig) -> (u64, (f64, f64)) {
    let mosaic = MosaicReader::open(&rig.folder(1).join("scan/mosaic.ome.zarr")).unwrap();
    assert!(mosaic.complete());
    let about = mosaic.about();
    let region = Region { x: 0, y: 0, width: about.width, height: about.height };
    let counts: Vec<u16> = mosaic.view(0, 0, region).unwrap();
    (counts.iter().map(|count| u64::from(*count)).sum(), (about.corner.0.0, about.corner.1.0))
}

#[test]
fn a_scan_leaves_one_picture_and_one_table_of_all_tiles() {
    let rig = Rig::start(|_| ());
    let mut sender = begin(&rig);
    sender.send_changed(6 * u64::from(FRAMES), on_stage);
    sender.end();
    until("the scan is complete", || rig.series(1).book().complete);
    let mut table = table(&rig);
    table.sort_unstable();
    let every: Vec<(u32, u32)> = (0..6 * FRAMES).map(|frame| (frame / FRAMES, frame)).collect();
    assert_eq!(table, every);
    let (shown, corner) = mosaic(&rig);
    // What lies in an overlap is one tile's: a part of each tile's localizations is another's.
    assert!(shown > 0 && shown <= every.len() as u64, "{shown}");
    assert_eq!(corner, (-3200.0, -3200.0), "the first field's middle is where the stage began");
    assert!(!rig.folder(1).join("scan/mosaic.growing.ome.zarr").exists());
}

#[test]
fn a_daemon_killed_in_a_scan_leaves_the_same_picture_and_table_in_the_end() {
    let whole = |killed: bool| {
        let mut rig = Rig::start(|_| ());
        let mut sender = begin(&rig);
        sender.send_changed(3 * u64::from(FRAMES) + 7, on_stage);
        until("three tiles are finished", || finished(&rig) == 3);
        rig.settled(1, 3 * u64::from(FRAMES) + 7);
        if killed {
            let copy = rig.copy();
            drop(sender.publisher);
            rig.stop();
            rig = copy.start_again();
            sender = Sender { next: sender.next, frames_per_tile: FRAMES, ..rig.publisher(1) };
        }
        sender.send_changed(3 * u64::from(FRAMES) - 7, on_stage);
        sender.end();
        until("the scan is complete", || rig.series(1).book().complete);
        let mut table = table(&rig);
        table.sort_unstable();
        (table, mosaic(&rig))
    };
    assert_eq!(whole(true), whole(false));
}

#[test]
fn where_the_picture_cannot_be_written_tiles_are_judged_all_the_same_and_a_restart_writes_it() {
    let rig = Rig::start(|_| ());
    let mut sender = begin(&rig);
    sender.send_changed(10, on_stage);
    rig.settled(1, 10);
    let in_the_way = rig.folder(1).join("scan/localizations.parquet");
    std::fs::create_dir_all(in_the_way.parent().unwrap()).unwrap();
    std::fs::write(&in_the_way, "a file where a folder belongs").unwrap();
    sender.send_changed(6 * u64::from(FRAMES) - 10, on_stage);
    sender.end();
    until("all tiles are finished", || finished(&rig) == 6);
    rig.done(1);
    let failed = rig.series(1).exit().files_failed.join("; ");
    assert!(failed.contains("mosaic: ") && failed.contains("localizations.parquet"), "{failed}");
    drop(sender.publisher);
    let stopped = rig.stop();
    std::fs::remove_file(&in_the_way).unwrap();
    let rig = stopped.start_again();
    until("the scan is complete", || rig.live.find(id(1)).is_some_and(|series| series.book().complete));
    assert_eq!(table(&rig).len(), 6 * FRAMES as usize);
    assert!(mosaic(&rig).0 > 0);
}

#[test]
fn a_tile_that_is_taken_again_is_judged_by_its_latest_frames() {
    let rig = Rig::start(|_| ());
    let mut sender = begin(&rig);
    sender.send_changed(30, on_stage);
    sender.next += 10;
    sender.send_changed(u64::from(FRAMES), on_stage);
    let again = |info: FrameInfo| on_stage(FrameInfo { tile: Tile { index: 0, ..info.tile }, ..info });
    sender.send_changed(u64::from(FRAMES), again);
    sender.end();
    until("the scan is complete", || rig.series(1).book().complete);
    let said = scan(&rig);
    let report = said.tiles[0].report.as_ref().unwrap();
    assert_eq!((report.first_seq, report.localizations), (80, u64::from(FRAMES)));
    assert!(report.reasons.is_empty(), "{:?}", report.reasons);
}

/// Whoever drives the scan: takes tiles in pieces, asks after each of them whether there is enough, and obeys.
fn drive(rig: &Rig, tiles: u32, frames_per_tile: u32, obeys: bool) -> Vec<u64> {
    let mut sender = rig.publisher(1);
    sender.start(grid);
    let mut taken = Vec::new();
    for index in 0..tiles {
        let first = sender.next;
        let in_tile = |info: FrameInfo| {
            let seq = info.id.seq.0;
            let tile = Tile { index, row: index / 3, column: index % 3 };
            let frame_in_tile = (seq - first) as u32;
            // A frame every 10 ms.
            let capture_unix_ns = 1_000_000_000 + 10_000_000 * seq;
            FrameInfo { tile, frame_in_tile, frames_per_tile, capture_unix_ns, ..info }
        };
        while sender.next < first + u64::from(frames_per_tile) {
            sender.send_changed(20, in_tile);
            let processed = sender.next;
            rig.settled(1, processed);
            let seen = |tile: &pb::ScanTile| tile.enough.as_ref().is_some_and(|enough| enough.seq >= first);
            // 60 localizations are there after 60 frames, and the daemon looks every 20.
            let due = rig.config.scan.early_stop.targets().is_some() && sender.next - first >= 60;
            if due {
                until("there is enough", || seen(&scan(rig).tiles[index as usize]));
            }
            if obeys && seen(&scan(rig).tiles[index as usize]) {
                break;
            }
        }
        taken.push(sender.next - first);
    }
    sender.end();
    until("the scan is complete", || rig.series(1).book().complete);
    taken
}

#[test]
fn a_scan_whose_driver_listens_ends_tiles_early_and_the_time_saved_is_told() {
    let early = |config: &mut blinkd::config::Config| {
        config.scan.early_stop.target_localizations = Some(60);
        config.scan.early_stop.check_every_frames = 20;
    };
    let rig = Rig::start(early);
    assert_eq!(drive(&rig, 3, 200, true), [60; 3]);
    rig.done(1);
    let said = scan(&rig);
    assert!(said.early_stop && (said.frames_saved, said.seconds_left) == (3 * 140, None));
    assert!((said.seconds_saved - 3.0 * 1.4).abs() < 1e-6, "{}", said.seconds_saved);
    for (tile, seq) in said.tiles[..3].iter().zip([59, 119, 179]) {
        let (report, enough) = (tile.report.as_ref().unwrap(), tile.enough.as_ref().unwrap());
        assert_eq!((enough.seq, enough.frames, enough.localizations), (seq, 60, 60));
        assert_eq!((report.frames_saved, report.reasons.len()), (Some(140), 0), "{:?}", report.reasons);
    }
    // It is told again after a restart.
    let rig = rig.stop().start_again();
    until("the recording is listed", || rig.live.find(id(1)).is_some());
    let again = scan(&rig);
    assert_eq!((again.frames_saved, again.tiles[1].enough), (3 * 140, said.tiles[1].enough));
}

#[test]
fn a_driver_that_does_not_listen_saves_nothing_and_without_a_target_nothing_is_enough() {
    let rig = Rig::start(|config| {
        config.scan.early_stop.target_localizations = Some(60);
        config.scan.early_stop.check_every_frames = 20;
    });
    assert_eq!(drive(&rig, 1, 80, false), [80]);
    let said = scan(&rig);
    assert_eq!((said.frames_saved, said.seconds_saved), (0, 0.0));
    assert!(said.tiles[0].enough.is_some());
    let rig = Rig::start(|_| ());
    assert_eq!(drive(&rig, 1, 80, true), [80]);
    let said = scan(&rig);
    assert!(!said.early_stop && said.tiles[0].enough.is_none());
    assert_eq!(said.tiles[0].report.as_ref().unwrap().frames_saved, None);
}
