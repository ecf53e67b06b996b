//! What is known of a series, as messages. In: the door's and the exit's snapshots. Out: messages. Never: a lock held
//! while anything is converted.

use smlm::drift::Moved;
use smlm::localize::{Rule, SECOND_OF_CODE};
use smlm::placement::{PlacedBy, Placement};
use smlm::series::{Channel, Grid, Overlap};
use smlm::statistics::Statistics;
use wire::pb;

use super::{account, estimate, filter_message};
use crate::config;
use crate::drifting::Drift;
use crate::live::{EngineStatus, Exit, Series, State, TileCount};
use crate::resolving::Resolution;

pub fn tile(tile: &TileCount, placement: Placement) -> pb::TileAccount {
    pb::TileAccount {
        tile_index: tile.tile.index,
        row: tile.tile.row,
        column: tile.tile.column,
        account: Some(account(&tile.account)),
        localizations: tile.localizations,
        stage_x_um: tile.stage.map(|stage| stage.x_um),
        stage_y_um: tile.stage.map(|stage| stage.y_um),
        stage_z_um: tile.stage.map(|stage| stage.z_um),
        stage_measured: tile.stage.is_some_and(|stage| stage.measured),
        statistics: Some(statistics(&tile.statistics)),
        first_arrival_unix_ns: tile.first_arrival_unix_ns,
        last_done_unix_ns: tile.last_done_unix_ns,
        corner_x_nm: placement.corner.0.0,
        corner_y_nm: placement.corner.1.0,
        placed_by: placed_by(placement.by) as i32,
    }
}

fn placed_by(by: PlacedBy) -> pb::PlacedBy {
    match by {
        PlacedBy::Nothing => pb::PlacedBy::Unspecified,
        PlacedBy::Stage => pb::PlacedBy::Stage,
        PlacedBy::Grid => pb::PlacedBy::Grid,
    }
}

/// How tiles are laid out, as the publisher said.
pub fn grid(grid: &Grid) -> pb::Grid {
    let (unit, x, y) = match grid.overlap {
        None => (pb::OverlapUnit::Unspecified, 0.0, 0.0),
        Some(Overlap::Um(x, y)) => (pb::OverlapUnit::Um, x, y),
        Some(Overlap::Px(x, y)) => (pb::OverlapUnit::Px, x, y),
        Some(Overlap::Percent(x, y)) => (pb::OverlapUnit::Percent, x, y),
    };
    pb::Grid {
        rows: grid.rows,
        columns: grid.columns,
        overlap_x: x,
        overlap_y: y,
        overlap_unit: unit as i32,
        snake: grid.snake,
    }
}

pub fn drift(drift: &Drift) -> pb::Drift {
    let column = |of: fn(&Moved) -> f64| drift.moved.iter().map(of).collect();
    pb::Drift {
        seq: drift.moved.iter().map(|moved| moved.seq).collect(),
        x_nm: column(|moved| moved.x_nm),
        y_nm: column(|moved| moved.y_nm),
        sd_nm: column(|moved| moved.sd_nm),
        missing: drift.missing.unwrap_or_default().to_owned(),
    }
}

pub fn resolution(resolution: Resolution) -> pb::Resolution {
    pb::Resolution {
        frc_nm: resolution.frc.map_or(0.0, |nm| nm.0),
        localizations: resolution.localizations,
        missing: resolution.frc.err().map(|missing| missing.to_string()).unwrap_or_default(),
    }
}

/// Everything about a series, as of now. `otherwise`: what holds where the publisher does
/// not know it. Only tiles for which `wanted` holds are listed.
pub fn acquisition(
    series: &Series,
    engine: &EngineStatus,
    otherwise: &config::CameraTable,
    wanted: impl Fn(&TileCount) -> bool,
) -> pb::Acquisition {
    let door = series.door().clone();
    let exit = series.exit().clone();
    let pixel = door.info.pixel_size_or(otherwise.pixel_size());
    let (state, why) = match &door.state {
        State::Receiving => (pb::SeriesState::Receiving, ""),
        State::Draining(why) => (pb::SeriesState::Draining, why.as_str()),
        State::Done(why) => (pb::SeriesState::Done, why.as_str()),
    };
    let channel = match door.info.channel {
        Channel::Localization => pb::ChannelKind::Localization,
        Channel::Widefield => pb::ChannelKind::Widefield,
    };
    pb::Acquisition {
        series_id: series.id.0.to_vec(),
        name: door.info.name.clone(),
        source: door.info.source.clone(),
        channel: channel as i32,
        state: state as i32,
        closed_because: why.to_owned(),
        account: Some(account(&door.account)),
        next_seq: door.next_seq,
        pixel_size_x_nm: pixel.x.0,
        pixel_size_y_nm: pixel.y.0,
        width_px: door.shape.width,
        height_px: door.shape.height,
        camera: Some(door.wishes.camera.or(door.info.camera).unwrap_or(otherwise.camera()).into()),
        live_sampled: door.live_sampled,
        model: engine.model.clone(),
        provider: engine.provider.clone(),
        filter: Some(filter_message(&door.wishes.filter)),
        paused: door.wishes.paused,
        thresholds: thresholds(door.wishes.rule.or(engine.rule)),
        grid: door.info.grid.as_ref().map(grid),
        expected_tiles: door.info.expected_tiles,
        expected_frames: door.info.expected_frames,
        exposure_ms: door.info.exposure_ms,
        start_unix_ns: door.info.start_unix_ns,
        tiles: door.tiles.iter().filter(|t| wanted(t)).map(|t| tile(t, door.placement(t, pixel))).collect(),
        dropped_by_publisher: door.dropped_by_publisher,
        warnings: series.warnings(),
        ..exit_part(&exit)
    }
}

fn exit_part(exit: &Exit) -> pb::Acquisition {
    pb::Acquisition {
        localizations: exit.localizations,
        received_fps: exit.received_fps,
        processed_fps: exit.processed_fps,
        latency: Some(pb::Latency {
            p50_ms: exit.latency.p50_ms,
            p99_ms: exit.latency.p99_ms,
            max_ms: exit.latency.max_ms,
            frames: exit.latency.frames,
        }),
        statistics: Some(statistics(&exit.statistics)),
        files: exit.files.iter().map(|path| path.display().to_string()).collect(),
        estimate: exit.estimate.as_deref().map(estimate::message),
        ..pb::Acquisition::default()
    }
}

fn statistics(statistics: &Statistics) -> pb::LiveStatistics {
    pb::LiveStatistics {
        localizations_per_frame: statistics.localizations_per_frame,
        density_per_um2: statistics.density_per_um2,
        photons_median: statistics.photons_median,
        background_median: statistics.background_median,
        sigma_lateral_median_nm: statistics.sigma_lateral_median_nm,
    }
}

/// The paper's; the published code's one threshold in the same three places.
fn thresholds(rule: Option<Rule>) -> Option<pb::Thresholds> {
    let (candidate, second, accept) = match rule? {
        Rule::Paper { candidate, second, accept } => (candidate, second, accept),
        Rule::RawThreshold(threshold) => (threshold, SECOND_OF_CODE, threshold),
    };
    // Through decimal digits, so that 0.3 is 0.3 for whoever reads it.
    let exact = |value: f32| value.to_string().parse().unwrap_or(f64::from(value));
    Some(pb::Thresholds { candidate: exact(candidate), second: exact(second), accept: exact(accept) })
}
