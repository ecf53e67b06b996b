//! Core values to API messages and back, by hand: the API may change without the core and vice versa.

use smlm::account::{Account, LossReason};
use smlm::frame::{GapCause, SeriesId};
use smlm::localization::{Filter, Localization};
use smlm::map::Viewport;
use smlm::render::{ColourBy, Look, Rendering};
use smlm::series::Channel;
use smlm::units::Nm;
use tonic::Status;
use wire::pb;

mod estimate;

use crate::live::{EngineStatus, Exit, Series, State, TileCount};

/// A series id of a request; empty: `None`, the newest.
pub fn series_id(bytes: &[u8]) -> Result<Option<SeriesId>, Status> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let id =
        bytes.try_into().map_err(|_| Status::invalid_argument("series_id must be 16 bytes, or empty"))?;
    Ok(Some(SeriesId(id)))
}

pub fn account(account: &Account) -> pb::FrameAccount {
    let lost = LossReason::ALL.into_iter().map(|reason| (reason.as_str().to_owned(), account.lost(reason)));
    let causes = [GapCause::Transport, GapCause::Camera];
    let missing = causes.into_iter().map(|cause| (cause.as_str().to_owned(), account.missing(cause)));
    pb::FrameAccount {
        received: account.received(),
        processed: account.processed(),
        waiting: account.waiting(),
        lost: lost.filter(|(_, frames)| *frames > 0).collect(),
        missing: missing.filter(|(_, frames)| *frames > 0).collect(),
    }
}

fn tile(tile: &TileCount) -> pb::TileAccount {
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
    }
}

/// Everything about a series, as of now. Only tiles for which `wanted` holds are listed.
pub fn acquisition(
    series: &Series,
    engine: &EngineStatus,
    wanted: impl Fn(&TileCount) -> bool,
) -> pb::Acquisition {
    let door = series.door().clone();
    let exit = series.exit().clone();
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
        pixel_size_x_nm: door.info.pixel_size.map_or(0.0, |size| size.x.0),
        pixel_size_y_nm: door.info.pixel_size.map_or(0.0, |size| size.y.0),
        width_px: door.shape.width,
        height_px: door.shape.height,
        camera: door.info.camera.map(pb::CameraCalibration::from),
        live_sampled: door.live_sampled,
        model: engine.model.clone(),
        provider: engine.provider.clone(),
        filter: Some(filter_message(&door.filter)),
        start_unix_ns: door.info.start_unix_ns,
        tiles: door.tiles.iter().filter(|t| wanted(t)).map(tile).collect(),
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
        statistics: Some(pb::LiveStatistics {
            localizations_per_frame: exit.statistics.localizations_per_frame,
            density_per_um2: exit.statistics.density_per_um2,
            photons_median: exit.statistics.photons_median,
            background_median: exit.statistics.background_median,
            sigma_lateral_median_nm: exit.statistics.sigma_lateral_median_nm,
        }),
        estimate: exit.estimate.as_deref().map(estimate::message),
        ..pb::Acquisition::default()
    }
}

pub fn filter(message: Option<&pb::LocalizationFilter>) -> Filter {
    let Some(m) = message else { return Filter::default() };
    Filter {
        sigma_lateral_max_px: m.sigma_lateral_max_px,
        sigma_z_max_nm: m.sigma_z_max_nm,
        photons_min: m.photons_min,
        photons_max: m.photons_max,
        probability_min: m.probability_min,
    }
}

fn filter_message(filter: &Filter) -> pb::LocalizationFilter {
    pb::LocalizationFilter {
        sigma_lateral_max_px: filter.sigma_lateral_max_px,
        sigma_z_max_nm: filter.sigma_z_max_nm,
        photons_min: filter.photons_min,
        photons_max: filter.photons_max,
        probability_min: filter.probability_min,
    }
}

/// All 0, or absent: `None`, everything.
pub fn viewport(message: Option<&pb::Viewport>) -> Result<Option<Viewport>, Status> {
    let Some(v) = message.filter(|v| **v != pb::Viewport::default()) else { return Ok(None) };
    let sane = [v.x_min_nm, v.y_min_nm, v.x_max_nm, v.y_max_nm].iter().all(|side| side.is_finite());
    if !sane || v.x_max_nm <= v.x_min_nm || v.y_max_nm <= v.y_min_nm {
        return Err(Status::invalid_argument(
            "viewport: x_min_nm < x_max_nm and y_min_nm < y_max_nm, finite",
        ));
    }
    let [x_min, y_min, x_max, y_max] = [v.x_min_nm, v.y_min_nm, v.x_max_nm, v.y_max_nm].map(Nm);
    Ok(Some(Viewport { x_min, y_min, x_max, y_max }))
}

/// 0: `None`, chosen by the daemon.
pub fn pixel_size(nm: f64) -> Result<Option<Nm>, Status> {
    match nm {
        0.0 => Ok(None),
        nm if nm.is_finite() && nm > 0.0 => Ok(Some(Nm(nm))),
        _ => Err(Status::invalid_argument("pixel_size_nm must be a positive number, or 0")),
    }
}

pub fn look(message: Option<&pb::Look>) -> Result<Look, Status> {
    let Some(m) = message else { return Ok(Look::default()) };
    let or = |value: f64, otherwise: f64| if value == 0.0 { otherwise } else { value };
    let (gamma, percentile) = (or(m.gamma, 1.0), or(m.percentile, 99.7));
    if !(0.05..=20.0).contains(&gamma) || !(1.0..=100.0).contains(&percentile) {
        return Err(Status::invalid_argument("look: gamma must be 0.05 to 20, percentile 1 to 100"));
    }
    let rendering = match m.rendering() {
        pb::Rendering::Gaussian => Rendering::Gaussian,
        pb::Rendering::Histogram | pb::Rendering::Unspecified => Rendering::Histogram,
    };
    let colour_by = match m.colour_by() {
        pb::ColourBy::Z => ColourBy::Z,
        pb::ColourBy::Time => ColourBy::Time,
        pb::ColourBy::Sigma => ColourBy::Sigma,
        pb::ColourBy::Intensity | pb::ColourBy::Unspecified => ColourBy::Intensity,
    };
    let range = (m.range_min < m.range_max).then_some((m.range_min as f32, m.range_max as f32));
    Ok(Look { rendering, colour_by, gamma: gamma as f32, percentile: percentile as f32, range })
}

/// Rows to columns.
pub fn batch<'a>(
    series: SeriesId,
    true_for_seq: u64,
    rows: impl Iterator<Item = &'a Localization>,
    lagged: u64,
) -> pb::LocalizationBatch {
    let mut to = pb::LocalizationBatch {
        series_id: series.0.to_vec(),
        true_for_seq,
        lagged,
        ..pb::LocalizationBatch::default()
    };
    for l in rows {
        to.frame.push(l.frame);
        to.tile.push(l.tile);
        to.x_px.push(l.x_px);
        to.y_px.push(l.y_px);
        to.z_nm.push(l.z_nm);
        to.photons.push(l.photons);
        to.background.push(l.background);
        to.sigma_x_px.push(l.sigma_x_px);
        to.sigma_y_px.push(l.sigma_y_px);
        to.sigma_z_nm.push(l.sigma_z_nm);
        to.sigma_photons.push(l.sigma_photons);
        to.probability.push(l.probability);
    }
    to
}
