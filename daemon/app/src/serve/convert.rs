//! Core values to API messages and back, by hand: the API may change without the core and vice versa.

use smlm::account::{Account, LossReason};
use smlm::frame::{GapCause, SeriesId};
use smlm::localization::{Filter, Localization};
use smlm::localize::Rule;
use smlm::map::Viewport;
use smlm::render::{ColourBy, Colours, Legend, LegendEntry, Look, Rendering, Tone};
use smlm::units::Nm;
use tonic::Status;
use wire::pb;

use super::layers::Layer;

mod estimate;
mod report;
mod series;

pub use report::{enough, report, seam, seams};
pub use series::{acquisition, drift, grid, resolution, tile};

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

pub(super) fn filter_message(filter: &Filter) -> pb::LocalizationFilter {
    pb::LocalizationFilter {
        sigma_lateral_max_px: filter.sigma_lateral_max_px,
        sigma_z_max_nm: filter.sigma_z_max_nm,
        photons_min: filter.photons_min,
        photons_max: filter.photons_max,
        probability_min: filter.probability_min,
    }
}

/// Thresholds of the paper's rule.
pub fn rule(thresholds: &pb::Thresholds) -> Result<Rule, Status> {
    let pb::Thresholds { candidate, second, accept } = *thresholds;
    let sane = |value: f64| (0.0..=1.0).contains(&value);
    if !(sane(candidate) && sane(second) && sane(accept)) {
        return Err(Status::invalid_argument("thresholds: candidate, second and accept must each be 0 to 1"));
    }
    Ok(Rule::Paper { candidate: candidate as f32, second: second as f32, accept: accept as f32 })
}

pub fn tone(message: Option<&pb::Tone>) -> Result<Option<Tone>, Status> {
    let Some(m) = message else { return Ok(None) };
    let sane = m.white.is_finite() && m.white > 0.0 && m.range_min.is_finite() && m.range_max.is_finite();
    if !sane {
        return Err(Status::invalid_argument(
            "tone: white must be above 0, all numbers finite; or leave it out",
        ));
    }
    Ok(Some(Tone { white: m.white as f32, range: (m.range_min as f32, m.range_max as f32) }))
}

pub fn tone_message(tone: Tone) -> pb::Tone {
    let (low, high) = tone.range;
    pb::Tone { white: tone.white.into(), range_min: low.into(), range_max: high.into() }
}

pub fn legend(legend: &Legend) -> pb::Legend {
    let end = |entry: Option<&LegendEntry>| entry.map_or(0.0, |entry| f64::from(entry.value));
    pb::Legend {
        unit: legend.unit.to_owned(),
        low: end(legend.entries.first()),
        high: end(legend.entries.last()),
        rgb: legend.entries.iter().flat_map(|entry| entry.rgb).collect(),
    }
}

pub fn viewport_message(viewport: Viewport) -> pb::Viewport {
    let Viewport { x_min, y_min, x_max, y_max } = viewport;
    pb::Viewport { x_min_nm: x_min.0, y_min_nm: y_min.0, x_max_nm: x_max.0, y_max_nm: y_max.0 }
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
    let colours = match m.colours() {
        pb::Colours::Unspecified => Colours::Usual,
        pb::Colours::Fire => Colours::Fire,
        pb::Colours::Grey => Colours::Grey,
        pb::Colours::Cividis => Colours::Cividis,
        pb::Colours::Ramp => Colours::Ramp,
    };
    let range = (m.range_min < m.range_max).then_some((m.range_min as f32, m.range_max as f32));
    Ok(Look { rendering, colour_by, gamma: gamma as f32, percentile: percentile as f32, range, colours })
}

/// A layer that only a newer client knows is drawn as localizations.
pub fn layer(look: Option<&pb::Look>) -> Layer {
    match look.map(pb::Look::layer) {
        Some(pb::Layer::ANet) => Layer::ANet,
        Some(pb::Layer::ErrorMap) => Layer::ErrorMap,
        Some(pb::Layer::Widefield) => Layer::Widefield,
        Some(pb::Layer::Localizations | pb::Layer::Unspecified) | None => Layer::Localizations,
    }
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
