//! One series as JSON: for `status.json`, for `--json`, for `summary.json`.

pub mod estimate;

use serde_json::{Map, Value, json};
use smlm::account::LossReason;
use smlm::frame::GapCause;

use crate::live::{Live, Series, State};

pub fn series(series: &Series) -> Value {
    let door = series.door().clone();
    let exit = series.exit().clone();
    let reasons = LossReason::ALL.into_iter().filter(|reason| door.account.lost(*reason) > 0);
    let lost: Map<String, Value> =
        reasons.map(|reason| (reason.as_str().to_owned(), door.account.lost(reason).into())).collect();
    let (state, why) = match &door.state {
        State::Receiving => ("receiving", ""),
        State::Draining(why) => ("draining", why.as_str()),
        State::Done(why) => ("done", why.as_str()),
    };
    json!({
        "id": series.id.to_string(),
        "name": door.info.name,
        "source": door.info.source,
        "state": state,
        "closed_because": why,
        "account": {
            "received": door.account.received(),
            "processed": door.account.processed(),
            "waiting": door.account.waiting(),
            "lost": lost,
            "missing": {
                "transport": door.account.missing(GapCause::Transport),
                "camera": door.account.missing(GapCause::Camera),
            },
        },
        "dropped_by_publisher": door.dropped_by_publisher,
        "next_seq": door.next_seq,
        "width_px": door.shape.width,
        "height_px": door.shape.height,
        "pixel_size_nm": door.info.pixel_size.map(|size| size.x.0),
        "live_sampled": door.live_sampled,
        "localizations": exit.localizations,
        "received_fps": exit.received_fps,
        "processed_fps": exit.processed_fps,
        "latency_ms": {
            "p50": exit.latency.p50_ms,
            "p99": exit.latency.p99_ms,
        },
        "statistics": {
            "localizations_per_frame": exit.statistics.localizations_per_frame,
            "density_per_um2": exit.statistics.density_per_um2,
            "photons_median": exit.statistics.photons_median,
            "background_median": exit.statistics.background_median,
            "sigma_lateral_median_nm": exit.statistics.sigma_lateral_median_nm,
        },
        "estimate": exit.estimate.as_deref().map(estimate::json_or_trouble),
        "tiles": door.tiles.len(),
        "warnings": series.warnings(),
        "files": exit.files,
    })
}

/// Where the infer thread's time went, in seconds.
pub fn busy(live: &Live) -> Value {
    let seconds =
        |ns: &std::sync::atomic::AtomicU64| ns.load(std::sync::atomic::Ordering::Relaxed) as f64 / 1e9;
    json!({
        "engine_s": seconds(&live.busy.engine),
        "network_s": seconds(&live.busy.network),
        "localize_s": seconds(&live.busy.localize),
        "turns_s": seconds(&live.busy.turns),
    })
}
