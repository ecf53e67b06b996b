//! One object for scripts.
//!
//! In: the latest answers. Out: JSON whose names carry their units; `blinkd watch --help` lists them. Names are only ever
//! added. Never: a name that means two things; a number that is not the daemon's.

use serde_json::{Map, Value, json};
use wire::pb;

use super::verdict::{gone, verdict};
use super::view::Seen;

/// Raised when a name changes its meaning or goes.
pub const SCHEMA: u32 = 1;

/// What `--help` says of the object.
pub const ABOUT: &str = "\
JSON, one object per line:
  schema               1; names are only added while it stays
  connected, why       whether the daemon answered, and why not
  verdict              light (good, attention, trouble, idle), headline, reasons with what and remedy
  daemon               version, model, provider, frame_endpoint, uptime_s, disk_free_bytes, clients, alarms, …
  series               null before the first frame; id, name, state, received_fps, processed_fps,
                       latency_ms (p50, p99, max), account (received = processed + waiting + lost, by reason;
                       missing by cause), dropped_by_publisher, localizations, density_per_um2, photons_median,
                       background_median, sigma_lateral_median_nm, width_px, pixel_size_nm, exposure_ms, files, …
  scan                 null unless a scan; rows, columns, tiles by state, retake, seconds_left, tiles_finished,
                       suspect (tiles worth taking again), seams (matched, rejected, without, residual_nm), complete
  statistics           of the whole series: localizations, medians, drift_nm (x, y, sd), resolution_frc_nm";

/// What there is, as an object.
pub fn object(address: &str, seen: &Seen) -> Value {
    let status = seen.status.clone().unwrap_or_default();
    let judged = verdict(&status, seen.series.as_ref());
    let reasons: Vec<_> = judged
        .reasons
        .iter()
        .map(|reason| json!({"light": reason.light.name(), "what": reason.what, "remedy": reason.remedy}))
        .collect();
    json!({
        "schema": SCHEMA,
        "address": address,
        "connected": true,
        "verdict": {"light": judged.light.name(), "headline": judged.headline, "reasons": reasons},
        "daemon": daemon(&status),
        "series": seen.series.as_ref().map(series),
        "scan": seen.scan().map(scan),
        "statistics": seen.statistics().map(statistics),
    })
}

/// Of a daemon that does not answer.
pub fn away(address: &str, why: &str) -> Value {
    json!({"schema": SCHEMA, "address": address, "connected": false, "why": why})
}

fn daemon(status: &pb::DaemonStatus) -> Value {
    json!({
        "version": status.version,
        "model": status.model,
        "provider": status.provider,
        "provider_attempts": status.provider_attempts,
        "frame_endpoint": status.frame_endpoint,
        "uptime_s": status.uptime_s,
        "disk_free_bytes": status.disk_free_bytes,
        "disk_bytes": status.disk_bytes,
        "disk_full": status.disk_full,
        "store_dir": status.store_dir,
        "clients": status.clients,
        "alarms": status.alarms,
        "bad_messages": status.bad_messages,
    })
}

fn series(series: &pb::Acquisition) -> Value {
    let (delay, now) = (series.latency.unwrap_or_default(), series.statistics.unwrap_or_default());
    let about = json!({
        "id": hex(&series.series_id),
        "name": series.name,
        "source": series.source,
        "state": state(series.state()),
        "closed_because": series.closed_because,
        "paused": series.paused,
        "account": account(&series.account.clone().unwrap_or_default()),
        "dropped_by_publisher": series.dropped_by_publisher,
        "gone": gone(series),
        "expected_frames": (series.expected_frames > 0).then_some(series.expected_frames),
        "localizations": series.localizations,
        "received_fps": series.received_fps,
        "processed_fps": series.processed_fps,
        "latency_ms": {"p50": delay.p50_ms, "p99": delay.p99_ms, "max": delay.max_ms, "frames": delay.frames},
        "warnings": series.warnings,
    });
    let data = json!({
        "localizations_per_frame": now.localizations_per_frame,
        "density_per_um2": now.density_per_um2,
        "photons_median": now.photons_median,
        "background_median": now.background_median,
        "sigma_lateral_median_nm": now.sigma_lateral_median_nm,
        "width_px": series.width_px,
        "height_px": series.height_px,
        "pixel_size_nm": (series.pixel_size_x_nm > 0.0).then_some(series.pixel_size_x_nm),
        "exposure_ms": (series.exposure_ms > 0.0).then_some(series.exposure_ms),
        "model": series.model,
        "provider": series.provider,
        "folder": series.folder,
        "files": series.files,
    });
    joined(about, data)
}

fn joined(first: Value, second: Value) -> Value {
    let parts = [first, second].into_iter().filter_map(|part| match part {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    Value::Object(parts.flatten().collect::<Map<_, _>>())
}

fn account(account: &pb::FrameAccount) -> Value {
    json!({
        "received": account.received,
        "processed": account.processed,
        "waiting": account.waiting,
        "lost": account.lost,
        "missing": account.missing,
    })
}

fn state(state: pb::SeriesState) -> &'static str {
    match state {
        pb::SeriesState::Receiving => "receiving",
        pb::SeriesState::Draining => "draining",
        pb::SeriesState::Done => "done",
        pb::SeriesState::Unspecified => "unknown",
    }
}

fn scan(scan: &pb::Scan) -> Value {
    let grid = scan.grid.unwrap_or_default();
    json!({
        "rows": grid.rows,
        "columns": grid.columns,
        "expected_tiles": (scan.expected_tiles > 0).then_some(scan.expected_tiles),
        "tiles": scan.tiles_by_state,
        "retake": scan.retake,
        "seconds_left": scan.seconds_left,
        "tiles_finished": scan.tiles_finished,
        "suspect": scan.suspect,
        "seams": scan.seams.as_ref().map(seams),
        "complete": scan.complete,
    })
}

fn seams(seams: &pb::Seams) -> Value {
    json!({
        "matched": seams.matched,
        "rejected": seams.rejected,
        "without": seams.without,
        "residual_nm": seams.residual_nm,
    })
}

fn statistics(statistics: &pb::SeriesStatistics) -> Value {
    let medians: Map<String, Value> = statistics
        .histograms
        .iter()
        .map(|histogram| (histogram.quantity.clone(), json!(histogram.median)))
        .collect();
    let drift = statistics.drift.as_ref().and_then(|drift| {
        let (x, y, sd) = (drift.x_nm.last()?, drift.y_nm.last()?, drift.sd_nm.last()?);
        Some(json!({"x": x, "y": y, "sd": sd}))
    });
    let resolution = statistics.resolution.as_ref().map(|found| found.frc_nm).filter(|nm| *nm > 0.0);
    json!({
        "true_for_seq": statistics.true_for_seq,
        "localizations": statistics.localizations,
        "medians": medians,
        "drift_nm": drift,
        "resolution_frc_nm": resolution,
    })
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::watch::samples;

    #[test]
    fn the_object_has_the_documented_names() {
        let seen = Seen { scan: Some(Ok(samples::scan(3, 4, 5))), ..samples::seen() };
        let said = object("127.0.0.1:5767", &seen);
        assert_eq!(said["series"]["account"]["received"], 12_345);
        assert_eq!(said["series"]["id"], "07".repeat(16));
        assert_eq!((&said["scan"]["rows"], &said["scan"]["retake"]), (&json!(3), &json!([2])));
        assert_eq!(said["statistics"]["medians"]["photons"], 1987.0);
        assert_eq!(said["statistics"]["drift_nm"]["x"], 12.2);
        for table in ["verdict", "daemon", "series", "scan", "statistics"] {
            assert!(ABOUT.contains(&format!("\n  {table} ")), "{table} is not documented");
            assert!(said[table].is_object(), "{table}");
        }
    }

    #[test]
    fn a_scan_tells_what_its_finished_tiles_and_their_seams_are_like() {
        let scan_of = |scan| object("a:1", &Seen { scan: Some(Ok(scan)), ..samples::seen() })["scan"].clone();
        let said = scan_of(pb::Scan { complete: true, ..samples::suspect_scan(3, 4, 5) });
        assert_eq!((&said["suspect"], &said["tiles_finished"]), (&json!([3, 4]), &json!(5)));
        let seams = json!({"matched": 7, "rejected": 1, "without": 2, "residual_nm": 8.4});
        assert_eq!((&said["seams"], &said["complete"]), (&seams, &json!(true)));
        for name in ["suspect", "tiles_finished", "seams", "complete"] {
            assert!(ABOUT.contains(name), "{name} is not documented");
        }
        let bare = scan_of(samples::scan(3, 4, 5));
        assert_eq!(
            (&bare["seams"], &bare["suspect"]),
            (&Value::Null, &json!([])),
            "an older daemon says none"
        );
    }

    #[test]
    fn before_the_first_frame_there_is_a_daemon_and_no_series() {
        let said = object("a:1", &Seen { status: Some(samples::status()), ..Seen::default() });
        assert_eq!(
            (&said["connected"], &said["series"], &said["scan"]),
            (&json!(true), &Value::Null, &Value::Null)
        );
        assert_eq!(said["verdict"]["light"], "idle");
        let said = away("a:1", "connection refused");
        assert_eq!((&said["connected"], &said["why"]), (&json!(false), &json!("connection refused")));
    }
}
