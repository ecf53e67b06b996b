//! What stands around the numbers: who speaks, whether all is well, which series, which keys.
//!
//! In: a view. Out: the rows at the top, whose number depends on what there is to say, and the row at the bottom. Never:
//! trouble without its remedy.

use std::time::Duration;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use wire::pb;

use super::rows;
use crate::commands::watch::link::Trouble;
use crate::commands::watch::numbers::{bytes, count, duration, short};
use crate::commands::watch::palette::Palette;
use crate::commands::watch::verdict::{DISK_LOW_BYTES, Light, verdict};
use crate::commands::watch::view::{View, colour_name};

/// From this height on there is room for an empty line.
const AIRY: u16 = 30;

pub fn top(view: &View, area: Rect) -> Vec<Line<'static>> {
    let width = usize::from(area.width);
    let mut lines = vec![daemon(view, width)];
    lines.extend(verdict_lines(view, width, if area.height < 20 { 2 } else { 3 }));
    lines.push(series(view, width));
    if area.height >= AIRY {
        lines.push(Line::default());
    }
    lines
}

/// The daemon, and what all series share.
fn daemon(view: &View, width: usize) -> Line<'static> {
    let palette = view.taste.palette;
    let Some(status) = &view.seen.status else {
        return Line::from(vec![
            Span::styled("blinkd ", palette.title()),
            Span::raw(view.address.to_owned()),
        ]);
    };
    let name = format!("blinkd {}", status.version);
    let disk = format!("disk {} left", bytes(status.disk_free_bytes));
    let parts = [
        engine(status),
        disk.clone(),
        format!("up {}", duration(status.uptime_s)),
        format!("frames {}", status.frame_endpoint),
        format!("{} clients", status.clients),
    ];
    let low = status.disk_full || status.disk_free_bytes < DISK_LOW_BYTES;
    let mut left = width.saturating_sub(name.chars().count());
    let mut spans = vec![Span::styled(name, palette.title())];
    for part in parts {
        let needed = part.chars().count() + 3;
        if needed > left {
            break;
        }
        left -= needed;
        let style = if part == disk && low { palette.light(Light::Attention) } else { palette.faint() };
        spans.push(Span::styled(" · ", palette.faint()));
        spans.push(Span::styled(part, style));
    }
    Line::from(spans)
}

fn engine(status: &pb::DaemonStatus) -> String {
    let provider = status.provider.trim_end_matches("ExecutionProvider");
    match (&*status.model, provider) {
        (model, "") => model.to_owned(),
        (model, provider) => format!("{model} on {provider}"),
    }
}

/// The headline whole where two lines hold it, then the remedy as far as `most` lines go, but for one line at least.
fn verdict_lines(view: &View, width: usize, most: usize) -> Vec<Line<'static>> {
    let palette = view.taste.palette;
    let (light, headline, remedy) = said(view);
    let room = width.saturating_sub(2);
    let marks = std::iter::once(light.symbol()).chain(std::iter::repeat(" "));
    let headline = rows::wrapped(&headline, room, 2);
    let left = most.saturating_sub(headline.len()).max(1);
    let mut lines: Vec<Line> = headline
        .into_iter()
        .zip(marks)
        .map(|(text, mark)| Line::styled(format!("{mark} {text}"), palette.light(light)))
        .collect();
    if !remedy.is_empty() {
        let wrapped = rows::wrapped(&remedy, room, left);
        lines.extend(wrapped.into_iter().map(|text| Line::styled(format!("  {text}"), palette.faint())));
    }
    lines
}

/// How it is, in words, and what to do.
fn said(view: &View) -> (Light, String, String) {
    if let (Some(away), Some(waited)) = (&view.seen.away, view.away_for) {
        return match &away.trouble {
            Trouble::Away(why) => (
                Light::Trouble,
                format!("No connection to {} for {}", view.address, seconds(waited)),
                format!("{why} Asking again by itself; the numbers are the last that came."),
            ),
            Trouble::Refused(_, why) => {
                (Light::Trouble, "The daemon refuses".into(), format!("{why}; press f for the newest series"))
            }
        };
    }
    let Some(status) = &view.seen.status else {
        return (Light::Idle, format!("Connecting to {}", view.address), String::new());
    };
    let verdict = verdict(status, view.seen.series.as_ref());
    let remedy = verdict.reasons.first().map_or(String::new(), |reason| reason.remedy.clone());
    let more = verdict.reasons.len().saturating_sub(1);
    let headline = match more {
        0 => verdict.headline,
        more => format!("{} (+{more}: r)", verdict.headline),
    };
    (verdict.light, headline, remedy)
}

fn seconds(time: Duration) -> String {
    duration(time.as_secs_f64())
}

fn series(view: &View, width: usize) -> Line<'static> {
    let palette = view.taste.palette;
    let mut spans = Vec::new();
    if let Some(held) = view.frozen_for {
        let text = format!("‖ held for {}, space goes on  ", seconds(held));
        spans.push(Span::styled(text, palette.light(Light::Attention)));
    }
    match &view.seen.series {
        None => spans.push(Span::styled("no series yet", palette.faint())),
        Some(series) => spans.extend(about(view, series)),
    }
    let line = Line::from(spans);
    if line.width() <= width { line } else { shortened(line, width) }
}

/// Whole parts only: half a number is a wrong one.
fn shortened(line: Line<'static>, width: usize) -> Line<'static> {
    let mut left = width;
    let fits = |span: &Span| {
        let needed = span.width();
        let fits = needed <= left;
        left = left.saturating_sub(needed);
        fits
    };
    Line::from(line.spans.into_iter().take_while(fits).collect::<Vec<_>>())
}

fn about(view: &View, series: &pb::Acquisition) -> Vec<Span<'static>> {
    let palette: Palette = view.taste.palette;
    let name = if series.name.is_empty() { "unnamed" } else { &series.name };
    let mut spans = vec![Span::styled(rows::cut(name, 28), palette.number())];
    let mut part = |text: String| spans.push(Span::styled(format!(" · {text}"), palette.faint()));
    part(state(series));
    if let Some(done) = progress(series) {
        part(done);
    }
    let place = view.seen.known.iter().position(|id| *id == series.series_id);
    let newest = if view.taste.series.is_none() { ", newest" } else { "" };
    if let Some(place) = place {
        part(format!("series {} of {}{newest}", place + 1, view.seen.known.len()));
    }
    part(format!("{} × {} px", series.width_px, series.height_px));
    if series.pixel_size_x_nm > 0.0 {
        part(format!("{} nm per px", short(series.pixel_size_x_nm)));
    }
    if series.exposure_ms > 0.0 {
        part(format!("exposure {} ms", short(series.exposure_ms)));
    }
    spans
}

fn state(series: &pb::Acquisition) -> String {
    let state = match series.state() {
        pb::SeriesState::Receiving if series.paused => "paused",
        pb::SeriesState::Receiving => "receiving",
        pb::SeriesState::Draining => "draining",
        pb::SeriesState::Done => "done",
        pb::SeriesState::Unspecified => "?",
    };
    match &*series.closed_because {
        "" => state.to_owned(),
        why => format!("{state}: {}", rows::cut(why, 24)),
    }
}

/// Of a series whose length was announced: how much has come, and when it ends.
fn progress(series: &pb::Acquisition) -> Option<String> {
    let account = series.account.as_ref()?;
    let expected = series.expected_frames;
    if expected == 0 || series.state() != pb::SeriesState::Receiving {
        return None;
    }
    let left = expected.saturating_sub(account.received);
    let time = (series.received_fps > 0.1).then(|| left as f64 / series.received_fps);
    let time = time.map_or(String::new(), |s| format!(", {} left", duration(s)));
    Some(format!("{} of {}{time}", count(account.received), count(expected)))
}

/// The keys, as many as there is room for.
pub fn keys(view: &View, width: u16) -> Line<'static> {
    let taste = view.taste;
    let keys = [
        ("q", "quit".to_owned()),
        ("?", "help".to_owned()),
        ("v", format!("colour: {}", colour_name(taste.colour_by))),
        ("g", format!("view: {}", taste.layout.name())),
        ("space", if view.frozen_for.is_some() { "go on".to_owned() } else { "hold".to_owned() }),
        ("n/p", "series".to_owned()),
        ("f", "newest".to_owned()),
        ("r", "reasons".to_owned()),
    ];
    let mut spans = Vec::new();
    for (key, what) in keys {
        spans.push(Span::styled(key, taste.palette.number()));
        spans.push(Span::styled(format!(" {what}   "), taste.palette.faint()));
    }
    let line = Line::from(spans);
    if line.width() <= usize::from(width) { line } else { shortened_pairs(line, usize::from(width)) }
}

/// A key without its meaning is none.
fn shortened_pairs(line: Line<'static>, width: usize) -> Line<'static> {
    let mut left = width;
    let mut kept = Vec::new();
    for pair in line.spans.chunks(2) {
        let needed: usize = pair.iter().map(Span::width).sum();
        if needed > left + 3 {
            break;
        }
        left = left.saturating_sub(needed);
        kept.extend_from_slice(pair);
    }
    Line::from(kept)
}
