//! The service `Scans`: series of tiles, seen as a whole.
//!
//! In: the accounts of a series' tiles, the grid its publisher announced, wishes for tiles again. Out: a state per tile,
//! counts, the time left. Never: a tile's frames changed; a scan driven (whoever drives it reads what is wanted again).

mod time_left;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use smlm::frame::Tile;
use smlm::placement::{Field, Lattice};
use smlm::series::Grid;
use smlm::units::PixelSize;
use tonic::{Request, Response, Status};
use wire::pb;

use super::grpc::scans_server as grpc;
use super::watch::{Watch, watch};
use super::{REQUEST_MAX_BYTES, Shared, convert};
use crate::live::{Book, Door, MAX_TILES, Seams, Series, State, TileCount};
use crate::turns::is_scan;
use time_left::Standing;

pub struct Scans(Shared);

pub fn server(shared: &Shared) -> grpc::ScansServer<Scans> {
    // A request may name every tile of a scan.
    let most = REQUEST_MAX_BYTES + 5 * MAX_TILES;
    grpc::ScansServer::new(Scans(shared.clone())).max_decoding_message_size(most)
}

impl Scans {
    fn find(&self, id: &[u8]) -> Result<Arc<Series>, Status> {
        let found = match convert::series_id(id)? {
            Some(id) => self.0.live.find(id).filter(|series| is_scan(&series.door())),
            None => self.0.live.all().into_iter().rfind(|series| is_scan(&series.door())),
        };
        found.ok_or_else(|| Status::not_found("no such scan; ListScans names those that exist"))
    }

    /// With the seams it was told from.
    fn describe(&self, series: &Series, wanted: impl Fn(&pb::ScanTile) -> bool) -> (pb::Scan, Seams) {
        let door = series.door().clone();
        let book = series.book().clone();
        let config = &self.0.config;
        let known = Known {
            pixel: config.camera.pixel_size(),
            now_unix_ns: self.0.clock.now_unix_ns(),
            processed_fps: series.exit().processed_fps,
            finishes: config.scan.finish,
            early_stop: config.scan.finish && config.scan.early_stop.targets().is_some(),
        };
        (scan(&door, &book, &known, wanted), book.seams)
    }

    /// All tiles, and each seam.
    fn whole(&self, series: &Series) -> pb::Scan {
        let (mut scan, seams) = self.describe(series, |_| true);
        scan.seams.iter_mut().for_each(|told| told.each = seams.each.iter().map(convert::seam).collect());
        scan
    }
}

/// What a scan's own accounts do not say.
struct Known {
    /// Where the publisher does not know it.
    pixel: PixelSize,
    now_unix_ns: u64,
    processed_fps: f64,
    /// Tiles that are over are finished.
    finishes: bool,
    early_stop: bool,
}

fn scan(door: &Door, book: &Book, known: &Known, wanted: impl Fn(&pb::ScanTile) -> bool) -> pb::Scan {
    let pixel = door.info.pixel_size_or(known.pixel);
    let mut tiles: Vec<pb::ScanTile> = door.tiles.iter().map(|tile| seen(door, book, tile, pixel)).collect();
    tiles.extend(planned(door, pixel));
    let mut by_state = BTreeMap::<&str, u32>::new();
    for tile in &tiles {
        *by_state.entry(name(tile.state())).or_default() += 1;
    }
    let left = by_state.get("planned").copied().unwrap_or(0) + by_state.get("retake").copied().unwrap_or(0);
    let is_doubted = |tile: &&TileCount| {
        let picture = book.pictures.made.get(&tile.tile.index);
        picture.is_some_and(|picture| picture.not_to_be_trusted.is_some())
    };
    let doubted = door.tiles.iter().filter(is_doubted);
    let suspect = door.tiles.iter().filter(|tile| !tile.retake && is_suspect(book, tile));
    let early = || book.tiles().filter_map(|(report, _)| report.early.as_ref());
    pb::Scan {
        series_id: door.info.id.0.to_vec(),
        name: door.info.name.clone(),
        grid: door.info.grid.as_ref().map(convert::grid),
        expected_tiles: door.info.expected_tiles,
        tiles_by_state: by_state.into_iter().map(|(state, tiles)| (state.to_owned(), tiles)).collect(),
        retake: door.tiles.iter().filter(|tile| tile.retake).map(|tile| tile.tile.index).collect(),
        seconds_left: time_left::seconds(&standing(door, book, known, left)),
        tile_width_nm: f64::from(door.shape.width) * pixel.x.0,
        tile_height_nm: f64::from(door.shape.height) * pixel.y.0,
        tiles_finished: book.len() as u32,
        suspect: suspect.map(|tile| tile.tile.index).collect(),
        seams: Some(convert::seams(&book.seams)),
        complete: book.complete,
        early_stop: known.early_stop,
        frames_saved: early().map(|early| early.frames_saved).sum(),
        seconds_saved: early().filter_map(|early| early.seconds_saved).sum(),
        tiles_painted: book.pictures.made.len() as u32,
        not_to_be_trusted: doubted.map(|tile| tile.tile.index).collect(),
        tiles: tiles.into_iter().filter(|tile| wanted(tile)).collect(),
    }
}

fn is_suspect(book: &Book, tile: &TileCount) -> bool {
    book.tile(tile.tile.index).is_some_and(|(_, verdict, _)| verdict.suspect())
}

fn seen(door: &Door, book: &Book, tile: &TileCount, pixel: PixelSize) -> pb::ScanTile {
    let latest = door.latest_tile().is_some_and(|latest| latest.index == tile.tile.index);
    let account = &tile.account;
    let state = if tile.retake {
        pb::TileState::Retake
    } else if latest && door.state == State::Receiving {
        pb::TileState::Acquiring
    } else if account.waiting() > 0 {
        pb::TileState::Processing
    } else if account.lost_total() + account.missing_total() > 0 {
        pb::TileState::Failed
    } else if is_suspect(book, tile) {
        pb::TileState::Suspect
    } else {
        pb::TileState::Done
    };
    let report = book.tile(tile.tile.index);
    pb::ScanTile {
        state: state as i32,
        tile: Some(convert::tile(tile, door.placement(tile, pixel))),
        visits: tile.visits,
        report: report
            .map(|(report, verdict, placed)| convert::report(report, verdict, placed, &book.pictures)),
        enough: book.enough(tile.tile.index).as_ref().map(convert::enough),
    }
}

/// Tiles of which no frame came yet, where the grid says which they are.
fn planned(door: &Door, pixel: PixelSize) -> Vec<pb::ScanTile> {
    let Some(grid) = door.info.grid.filter(|grid| grid.rows > 0 && grid.columns > 0) else {
        return Vec::new();
    };
    let all = u64::from(grid.rows) * u64::from(grid.columns);
    let begun: HashSet<u32> = door.tiles.iter().map(|tile| tile.tile.index).collect();
    let indices = (0..all.min(MAX_TILES as u64) as u32).filter(|index| !begun.contains(index));
    let placed = door.tiles.iter().filter(|tile| tile.stage.is_some());
    let known: Vec<_> = placed.map(|tile| (tile.tile, door.placement(tile, pixel).corner)).collect();
    let lattice = Lattice::through(&known, &grid, Field { shape: door.shape, pixel });
    let tile = |index| {
        let tile = in_order(&grid, index);
        let by_grid = || door.placement(&TileCount::new(tile), pixel);
        let placement = lattice.map_or_else(by_grid, |lattice| lattice.place(tile));
        let tile = convert::tile(&TileCount::new(tile), placement);
        pb::ScanTile { state: pb::TileState::Planned as i32, tile: Some(tile), ..pb::ScanTile::default() }
    };
    indices.map(tile).collect()
}

/// Row by row, every second one backwards in a snake.
fn in_order(grid: &Grid, index: u32) -> Tile {
    let (row, along) = (index / grid.columns, index % grid.columns);
    let back = grid.snake && row % 2 == 1;
    Tile { index, row, column: if back { grid.columns - 1 - along } else { along } }
}

fn standing(door: &Door, book: &Book, known: &Known, tiles_left: u32) -> Standing {
    let receiving = door.state == State::Receiving;
    let is_finished = |tile: &TileCount| {
        let report = book.tile(tile.tile.index).map(|(report, ..)| report);
        report.is_some_and(|report| report.seqs.1 >= tile.latest.seqs.0)
    };
    let unfinished = door.tiles.iter().filter(|tile| !is_finished(tile)).count() as u32;
    let finish_s = book.tiles().map(|(report, _)| report.took_s).sum::<f64>() / book.len().max(1) as f64;
    let visits = door.tiles.iter().map(|tile| u64::from(tile.visits)).sum::<u64>().max(1);
    Standing {
        now_unix_ns: known.now_unix_ns,
        begun_unix_ns: door.begun_unix_ns.iter().copied().collect(),
        receiving,
        tiles_left: if receiving { tiles_left } else { 0 },
        frames_waiting: door.account.waiting(),
        frames_per_tile: door.account.received() as f64 / visits as f64,
        processed_fps: known.processed_fps,
        unfinished: if known.finishes && !book.complete { unfinished } else { 0 },
        finish_s: if known.finishes { finish_s } else { 0.0 },
    }
}

fn name(state: pb::TileState) -> &'static str {
    match state {
        pb::TileState::Unspecified => "",
        pb::TileState::Planned => "planned",
        pb::TileState::Acquiring => "acquiring",
        pb::TileState::Processing => "processing",
        pb::TileState::Done => "done",
        pb::TileState::Failed => "failed",
        pb::TileState::Retake => "retake",
        pb::TileState::Suspect => "suspect",
    }
}

#[tonic::async_trait]
impl grpc::Scans for Scans {
    async fn list_scans(
        &self,
        _: Request<pb::ListScansRequest>,
    ) -> Result<Response<pb::ListScansResponse>, Status> {
        let all = self.0.live.all().into_iter().filter(|series| is_scan(&series.door()));
        let scans = all.map(|series| self.describe(&series, |_| false).0).collect();
        Ok(Response::new(pb::ListScansResponse { scans }))
    }

    async fn get_scan(&self, request: Request<pb::GetScanRequest>) -> Result<Response<pb::Scan>, Status> {
        let series = self.find(&request.get_ref().series_id)?;
        Ok(Response::new(self.whole(&series)))
    }

    type WatchScanStream = Watch<pb::Scan>;

    async fn watch_scan(
        &self,
        request: Request<pb::WatchScanRequest>,
    ) -> Result<Response<Self::WatchScanStream>, Status> {
        let asked = request.into_inner();
        let permit = super::permit(&self.0)?;
        self.find(&asked.series_id)?;
        let service = Self(self.0.clone());
        let mut told = BTreeMap::<u32, pb::ScanTile>::new();
        let stream = watch(&self.0, permit, asked.interval_ms, move || {
            let series = service.find(&asked.series_id).ok()?;
            let (message, _) = service.describe(&series, |tile| told.get(&index(tile)) != Some(tile));
            told.extend(message.tiles.iter().map(|tile| (index(tile), tile.clone())));
            Some(message)
        });
        Ok(Response::new(stream))
    }

    async fn request_retakes(
        &self,
        request: Request<pb::RequestRetakesRequest>,
    ) -> Result<Response<pb::Scan>, Status> {
        let asked = request.get_ref();
        let series = self.find(&asked.series_id)?;
        series.door().want_again(&asked.tiles, !asked.withdraw).map_err(|tile| {
            Status::invalid_argument(format!(
                "tiles: no frame of tile {tile} came yet; only tiles that were taken can be taken again"
            ))
        })?;
        Ok(Response::new(self.whole(&series)))
    }
}

fn index(tile: &pb::ScanTile) -> u32 {
    tile.tile.as_ref().map_or(0, |tile| tile.tile_index)
}

#[cfg(test)]
#[path = "scans/tests.rs"]
mod tests;
