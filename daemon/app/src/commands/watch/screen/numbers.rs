//! Rates, the account of frames, what the data are like; below them, in what room there is, curves.
//!
//! In: a series' state and statistics. Out: rows, the most needed first. Never: an account whose rows do not add up.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use wire::pb;

use super::{curves, rows};
use crate::commands::watch::numbers::{bytes, count, duration, latency, rate, short, signed, tidy};
use crate::commands::watch::palette::Palette;
use crate::commands::watch::verdict::{Light, listed, ring_frames, total};
use crate::commands::watch::view::View;

/// From this height on sections have titles and the account is a sum below each other.
const ROOMY: u16 = 17;
const GAUGE: usize = 8;
const OF_RING: &str = " of the ring";

pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let Some(series) = &view.seen.series else { return nothing_yet(view, area, buffer) };
    let palette = view.taste.palette;
    let roomy = area.height >= ROOMY;
    let account = series.account.clone().unwrap_or_default();
    let sections = [
        ("Rates", rates(view, series, &account, area.width)),
        ("Frames", if roomy { sum(series, &account, palette) } else { short_sum(series, &account, palette) }),
        ("Localizations", data(view, series)),
    ];
    let mut lines = Vec::new();
    for (title, section) in sections {
        if roomy {
            lines.push(rows::title(title, area.width, palette));
        }
        lines.extend(section);
    }
    lines.truncate(usize::from(area.height));
    rows::put(&lines, area, buffer);
    let used = lines.len() as u16;
    let left = Rect { y: area.y + used, height: area.height - used, ..area };
    curves::draw(view, left, buffer);
}

fn nothing_yet(view: &View, area: Rect, buffer: &mut Buffer) {
    let palette = view.taste.palette;
    let Some(status) = &view.seen.status else { return };
    let mut lines = vec![
        rows::title("Frames", area.width, palette),
        Line::from("None came yet. Send them to"),
        Line::styled(status.frame_endpoint.clone(), palette.number()),
        Line::styled("or try: blinkd simulate --connect", palette.faint()),
        Line::styled(
            format!("{} on disk: {}", bytes(status.disk_free_bytes), status.store_dir),
            palette.faint(),
        ),
    ];
    lines.truncate(usize::from(area.height));
    rows::put(&lines, area, buffer);
}

fn rates(
    view: &View,
    series: &pb::Acquisition,
    account: &pb::FrameAccount,
    width: u16,
) -> Vec<Line<'static>> {
    let palette = view.taste.palette;
    let receiving = series.state() == pb::SeriesState::Receiving;
    // Of a series that has ended the last rate says nothing.
    let shown = |fps, running| if running { rate(fps) } else { "–".to_owned() };
    let processing = receiving || account.waiting > 0;
    let delay = series.latency.unwrap_or_default();
    let (median, tail) = match delay.frames {
        0 => ("–".to_owned(), String::new()),
        _ => (latency(delay.p50_ms), format!("99 %: {}", latency(delay.p99_ms))),
    };
    vec![
        rows::number("camera", shown(series.received_fps, receiving), "", palette.number(), palette),
        rows::number("processed", shown(series.processed_fps, processing), "", palette.number(), palette),
        waiting(view, series, account, width),
        rows::number("latency", median, tail, palette.number(), palette),
    ]
}

/// How full the ring is, and how much work that is.
fn waiting(view: &View, series: &pb::Acquisition, account: &pb::FrameAccount, width: u16) -> Line<'static> {
    let palette = view.taste.palette;
    let room =
        view.seen.status.as_ref().and_then(|status| ring_frames(series, status)).filter(|room| *room > 0);
    let share = room.map_or(0.0, |room| account.waiting as f64 / room as f64);
    let light = match share {
        share if share >= 0.8 => Light::Trouble,
        share if share >= 0.2 => Light::Attention,
        _ => Light::Good,
    };
    let work = account.waiting as f64 / series.processed_fps.max(0.1);
    let work = if work >= 1.0 { format!(", {}", duration(work)) } else { String::new() };
    let mut line = Line::from(vec![
        Span::styled(format!("{:1$}", "waiting", rows::NAME), palette.faint()),
        Span::styled(count(account.waiting), palette.number()),
        Span::styled(work, palette.faint()),
        Span::styled("  ▕", palette.faint()),
        Span::styled(gauge(share), palette.light(light)),
        Span::styled(format!("▏{:.0} %", 100.0 * share), palette.faint()),
    ]);
    if line.width() + OF_RING.len() <= usize::from(width) {
        line.push_span(Span::styled(OF_RING, palette.faint()));
    }
    line
}

/// A bar in eighths of a cell.
fn gauge(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * 8.0 * GAUGE as f64).round() as usize;
    let bar = format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8]);
    format!("{bar:GAUGE$}")
}

/// received = processed + waiting + lost, digits below each other; and what never came.
fn sum(series: &pb::Acquisition, account: &pb::FrameAccount, palette: Palette) -> Vec<Line<'static>> {
    let width = count(account.received).chars().count().max(7);
    let (lost, missing) = (total(account.lost.values()), total(account.missing.values()));
    let row = |name: &str, frames: u64, why: String, bad: bool| {
        let style = if bad && frames > 0 { palette.light(Light::Trouble) } else { palette.number() };
        rows::number(name, format!("{:>width$}", count(frames)), why, style, palette)
    };
    vec![
        row("received", account.received, String::new(), false),
        row("= processed", account.processed, String::new(), false),
        row("+ waiting", account.waiting, String::new(), false),
        row("+ lost", lost, listed(&account.lost), true),
        row("missing", missing, listed(&account.missing), true),
        row("dropped", series.dropped_by_publisher, "by the publisher".into(), true),
    ]
}

/// The same on two lines.
fn short_sum(series: &pb::Acquisition, account: &pb::FrameAccount, palette: Palette) -> Vec<Line<'static>> {
    let pair = |name: &str, frames: u64, bad: bool| {
        let style = if bad && frames > 0 { palette.light(Light::Trouble) } else { palette.number() };
        [
            Span::styled(format!("{name} "), palette.faint()),
            Span::styled(format!("{}  ", count(frames)), style),
        ]
    };
    let (lost, missing) = (total(account.lost.values()), total(account.missing.values()));
    vec![
        Line::from_iter(
            [pair("received", account.received, false), pair("processed", account.processed, false)].concat(),
        ),
        Line::from_iter(
            [
                pair("lost", lost, true),
                pair("missing", missing, true),
                pair("dropped", series.dropped_by_publisher, true),
            ]
            .concat(),
        ),
    ]
}

fn data(view: &View, series: &pb::Acquisition) -> Vec<Line<'static>> {
    let palette = view.taste.palette;
    let number = |name: &str, value: String, explained: String| {
        rows::number(name, value, explained, palette.number(), palette)
    };
    let mut lines = vec![number("found", count(series.localizations), String::new())];
    let now = series.statistics.unwrap_or_default();
    if now.localizations_per_frame > 0.0 {
        let per_frame = format!("per µm², {} per frame", short(now.localizations_per_frame));
        lines.push(number("density", short(now.density_per_um2), per_frame));
        let background = format!("background {}", short(now.background_median));
        lines.push(number("photons", short(now.photons_median), background));
        lines.push(number("σ lateral", format!("{} nm", short(now.sigma_lateral_median_nm)), String::new()));
    }
    let counted = view.seen.statistics();
    lines.extend(counted.and_then(|statistics| drift(statistics, palette)));
    let resolution = counted.and_then(|statistics| statistics.resolution.as_ref());
    lines.extend(resolution.filter(|found| found.frc_nm > 0.0).map(|found| {
        number("resolution", format!("{} nm", short(found.frc_nm)), "by Fourier ring correlation".into())
    }));
    if let Some(Err(why)) = &view.seen.statistics {
        lines.push(Line::styled(format!("no statistics: {why}"), palette.faint()));
    }
    lines
}

/// Where the sample has moved to.
fn drift(statistics: &pb::SeriesStatistics, palette: Palette) -> Option<Line<'static>> {
    let drift = statistics.drift.as_ref()?;
    let (x, y, sd) = (drift.x_nm.last()?, drift.y_nm.last()?, drift.sd_nm.last()?);
    let moved = format!("x {} nm  y {} nm", signed(*x), signed(*y));
    Some(rows::number("drift", moved, format!("± {} nm", tidy(*sd)), palette.number(), palette))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gauge_has_as_many_eighths_as_the_ring_is_full() {
        assert_eq!([0.0, 0.5, 1.0, 7.0].map(gauge), ["        ", "████    ", "████████", "████████"]);
        assert_eq!(gauge(1.0 / 64.0), "▏       ");
    }
}
