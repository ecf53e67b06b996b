//! Where localizations of a finished tile are shown: without its drift, and once.

use std::collections::BTreeMap;

use blinkd::serve::grpc::localizations_client::LocalizationsClient;
use blinkd::serve::grpc::preview_client::PreviewClient;
use smlm::frame::{FrameInfo, Tile};
use wire::pb;

use crate::finishing::{finished, grid, on_stage, scan};
use crate::rig::{Rig, id, until};

type Counts = BTreeMap<(i32, i32), u32>;

/// The live map's counts at its base pixel: where, and how many.
fn counts(rig: &Rig) -> (u64, Counts) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut counts = Counts::new();
    let mut localizations = 0;
    for row in 0..5 {
        let tiles = (0..7).map(|x| pb::WantedTile { x, y: row, version: 0 }).collect();
        let request = pb::GetTilesRequest {
            series_id: id(1).0.to_vec(),
            values: true,
            tiles,
            ..pb::GetTilesRequest::default()
        };
        let mut left = vec![request];
        while let Some(request) = left.pop() {
            let answer = runtime.block_on(async {
                let mut client = PreviewClient::connect(rig.url()).await.unwrap();
                client.get_tiles(request.clone()).await.unwrap().into_inner()
            });
            localizations = answer.localizations;
            for tile in &answer.tiles {
                let values =
                    tile.values.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()));
                for (at, value) in values.enumerate().filter(|(_, value)| *value > 0.5) {
                    let (x, y) = (tile.tile_x * 256 + at as i32 % 256, tile.tile_y * 256 + at as i32 / 256);
                    counts.insert((x, y), value.round() as u32);
                }
            }
            if !answer.left.is_empty() {
                left.push(pb::GetTilesRequest { tiles: answer.left, ..request });
            }
        }
    }
    (localizations, counts)
}

/// As [`counts`], of what a query finds. Tiles lie 5 µm apart, map pixels are 10 nm and the camera's 100 nm.
fn found(rig: &Rig, as_shown: bool) -> Counts {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let request = pb::QueryLocalizationsRequest { as_shown, ..pb::QueryLocalizationsRequest::default() };
    let mut counts = Counts::new();
    runtime.block_on(async {
        let mut client = LocalizationsClient::connect(rig.url()).await.unwrap();
        let mut batches = client.query_localizations(request).await.unwrap().into_inner();
        while let Some(batch) = batches.message().await.unwrap() {
            for ((x, y), tile) in batch.x_px.iter().zip(&batch.y_px).zip(&batch.tile) {
                let bin =
                    |px: f32, tile: u32| ((f64::from(px) + 0.5) * 10.0).floor() as i32 + 500 * tile as i32;
                *counts.entry((bin(*x, tile % 3), bin(*y, tile / 3))).or_default() += 1;
            }
        }
    });
    counts
}

/// How many localizations of one are elsewhere in the other.
fn aside(one: &Counts, other: &Counts) -> u32 {
    let missing = |(at, n): (&(i32, i32), &u32)| n.saturating_sub(other.get(at).copied().unwrap_or_default());
    one.iter().map(missing).sum()
}

/// One bright pixel in each frame, on a grid of sites; from the middle of a tile on one pixel further to the right.
fn drifting(info: &FrameInfo) -> bytes::Bytes {
    let mut counts = vec![100u16; info.shape.pixels()];
    let site = (info.id.seq.0 * 29 % 49) as usize;
    let moved = usize::from(info.frame_in_tile >= info.frames_per_tile / 2);
    counts[(5 + 8 * (site / 7)) * info.shape.width as usize + 5 + 8 * (site % 7) + moved] = 1100;
    counts.iter().flat_map(|count| count.to_le_bytes()).collect::<Vec<u8>>().into()
}

#[test]
fn the_live_map_shows_a_finished_tile_without_its_drift_and_one_taken_again_once() {
    const LONG: u32 = 1200;
    let rig = Rig::start(|config| config.ring.mib = 64);
    let mut sender = rig.publisher(1);
    sender.frames_per_tile = LONG;
    sender.start(grid);
    sender.send_pictures(u64::from(LONG), on_stage, drifting);
    sender.send_pictures(u64::from(LONG), on_stage, drifting);
    let again = |info: FrameInfo| on_stage(FrameInfo { tile: Tile { index: 0, ..info.tile }, ..info });
    sender.send_pictures(u64::from(LONG), again, drifting);
    sender.end();
    until("the scan is complete", || rig.series(1).book().complete);
    rig.done(1);
    let drift = scan(&rig).tiles[0].report.as_ref().unwrap().drift_nm.expect("it moved");
    // The two halves of the tile are a pixel apart, and the course goes on beyond their middles as between them.
    assert!((drift - 200.0).abs() < 10.0, "{drift} nm");
    let again = rig.copy().start_again();
    until("the recording is listed", || again.live.find(id(1)).is_some());
    let (localizations, shown) = counts(&again);
    assert_eq!((localizations, shown.values().sum::<u32>()), (2 * u64::from(LONG), 2 * LONG));
    // As it came, every localization would stand in the middle of a pixel of the camera.
    let moved = shown.iter().filter(|((x, _), _)| x % 10 != 5).map(|(_, n)| n).sum::<u32>();
    assert!(moved > 3 * LONG / 2, "{moved}");
    until("the live map is what the journal makes again", || counts(&rig) == (localizations, shown.clone()));
    // A float32 position on a pixel's edge may be counted on either side of it.
    let aside = aside(&found(&rig, true), &shown);
    assert!(aside < LONG / 50, "{aside} are found elsewhere than the picture has them");
    let seen = found(&rig, false);
    assert_eq!(seen.values().sum::<u32>(), 3 * LONG, "the journal forgets none");
    assert!(seen.keys().all(|(x, _)| x % 10 == 5), "and has them where they were seen");
}

#[test]
fn a_scan_that_was_killed_shows_its_finished_tiles_as_before() {
    const LONG: u32 = 1200;
    let rig = Rig::start(|config| config.ring.mib = 64);
    let mut sender = rig.publisher(1);
    sender.frames_per_tile = LONG;
    sender.start(grid);
    sender.send_pictures(u64::from(LONG) + 60, on_stage, drifting);
    rig.settled(1, u64::from(LONG) + 60);
    until("the first tile is finished", || finished(&rig) == 1);
    let killed = rig.copy().start_again();
    let (localizations, shown) = counts(&killed);
    assert_eq!((localizations, shown.values().sum::<u32>()), (u64::from(LONG) + 60, LONG + 60));
    let moved = shown.iter().filter(|((x, _), _)| x % 10 != 5).map(|(_, n)| n).sum::<u32>();
    assert!(moved > 3 * LONG / 4, "{moved}");
    until("the live map is what the journal makes again", || counts(&rig) == (localizations, shown.clone()));
}
