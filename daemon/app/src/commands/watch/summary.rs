//! The state of a daemon in a few lines of plain text, for `--once`.
//!
//! In: the latest answers. Out: lines without colours. Never: more than fits a screen.

use super::numbers::{bytes, count, duration, latency, rate, short};
use super::verdict::{listed, total, verdict};
use super::view::Seen;

pub fn text(address: &str, seen: &Seen) -> String {
    let status = seen.status.clone().unwrap_or_default();
    let judged = verdict(&status, seen.series.as_ref());
    let mut lines = vec![format!(
        "blinkd {} at {address}, up {}, {} on {}, {} of disk left",
        status.version,
        duration(status.uptime_s),
        status.model,
        status.provider,
        bytes(status.disk_free_bytes)
    )];
    if judged.reasons.is_empty() {
        lines.push(format!("{} {}", judged.light.symbol(), judged.headline));
    }
    for reason in &judged.reasons {
        lines.push(format!("{} {}", reason.light.symbol(), reason.what));
        lines.push(format!("  {}", reason.remedy));
    }
    if let Some(series) = &seen.series {
        lines.extend(of_series(series));
    }
    if let Some(scan) = seen.scan() {
        let left = scan.seconds_left.map_or(String::new(), |s| format!(", {} left", duration(s)));
        let by_state: Vec<_> =
            scan.tiles_by_state.iter().map(|(state, n)| (state.clone(), u64::from(*n))).collect();
        lines.push(format!("tiles       {}{left}", listed(&by_state.into_iter().collect())));
    }
    if let Some(Err(why)) = &seen.statistics {
        lines.push(format!("statistics  none: {why}"));
    }
    lines.join("\n")
}

fn of_series(series: &wire::pb::Acquisition) -> Vec<String> {
    let account = series.account.clone().unwrap_or_default();
    let (delay, now) = (series.latency.unwrap_or_default(), series.statistics.unwrap_or_default());
    let reasons = |numbers: &std::collections::HashMap<String, u64>| {
        let text = listed(numbers);
        if text.is_empty() { text } else { format!(" ({text})") }
    };
    vec![
        format!("series      {}, {} × {} px", series.name, series.width_px, series.height_px),
        format!(
            "frames      received {} = processed {} + waiting {} + lost {}{}",
            count(account.received),
            count(account.processed),
            count(account.waiting),
            count(total(account.lost.values())),
            reasons(&account.lost)
        ),
        format!(
            "            missing {}{}, dropped by the publisher {}",
            count(total(account.missing.values())),
            reasons(&account.missing),
            count(series.dropped_by_publisher)
        ),
        format!(
            "rates       camera {}, processed {}, latency {} (99 %: {})",
            rate(series.received_fps),
            rate(series.processed_fps),
            latency(delay.p50_ms),
            latency(delay.p99_ms)
        ),
        format!(
            "found       {} localizations, {} per µm² and frame, {} photons, background {}, σ {} nm",
            count(series.localizations),
            short(now.density_per_um2),
            short(now.photons_median),
            short(now.background_median),
            short(now.sigma_lateral_median_nm)
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::watch::samples;

    #[test]
    fn the_account_is_one_line_that_adds_up() {
        let text = text("127.0.0.1:5767", &samples::seen());
        assert!(text.contains("received 12 345 = processed 12 342 + waiting 3 + lost 0\n"), "{text}");
        assert!(text.contains("● Recording: every frame kept"), "{text}");
        assert!(text.lines().count() < 20);
    }
}
