//! Curves: density over time, localizations in each of the last frames, distributions.
//!
//! In: the statistics of a series. Out: bars, from 0 to the largest value, with that value. Never: a curve without its
//! scale and unit.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use wire::pb;

use super::rows;
use crate::commands::watch::numbers::{count, short, tidy};
use crate::commands::watch::palette::Palette;
use crate::commands::watch::view::View;

const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Higher ones say no more.
const HIGHEST: usize = 6;
/// A title and two rows of bars, for the curves after the first.
const LEAST_ROWS: usize = 3;

struct Curve {
    title: String,
    scale: String,
    values: Vec<f64>,
}

/// As many curves as find room.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let Some(statistics) = view.seen.statistics() else { return };
    if height == 0 || width < rows::NAME + 8 {
        return;
    }
    let palette = view.taste.palette;
    let curves = all(statistics, width);
    let shown = curves.len().min((height / LEAST_ROWS).max(1));
    let Some(rows_each) = height.checked_div(shown) else { return };
    let mut lines = Vec::new();
    for curve in &curves[..shown] {
        lines.extend(if rows_each < 2 {
            vec![in_one_row(curve, width, palette)]
        } else {
            below_its_title(curve, width, (rows_each - 1).min(HIGHEST), palette)
        });
    }
    rows::put(&lines, area, buffer);
}

fn all(statistics: &pb::SeriesStatistics, width: usize) -> Vec<Curve> {
    let mut curves = Vec::new();
    if let Some(course) = statistics.course.as_ref().filter(|course| !course.density_per_um2.is_empty()) {
        let values =
            squeezed(&course.density_per_um2.iter().map(|v| f64::from(*v)).collect::<Vec<_>>(), width);
        let scale = format!("0 to {} per µm²", tidy(largest(&values)));
        curves.push(Curve { title: "Density over time".into(), scale, values });
    }
    if let Some(recent) = statistics.recent.as_ref().filter(|recent| !recent.localizations.is_empty()) {
        let last = &recent.localizations[recent.localizations.len().saturating_sub(width)..];
        let values: Vec<f64> = last.iter().map(|n| f64::from(*n)).collect();
        let title = format!("In each of the last {} frames", count(values.len() as u64));
        curves.push(Curve { title, scale: format!("0 to {}", tidy(largest(&values))), values });
    }
    curves.extend(statistics.histograms.iter().filter_map(|histogram| distribution(histogram, width)));
    curves
}

fn distribution(histogram: &pb::Histogram, width: usize) -> Option<Curve> {
    let title = match &*histogram.quantity {
        "photons" => "Photons",
        "sigma_lateral_nm" => "σ lateral",
        "background_photons" => "Background",
        "on_time_frames" => "On-time",
        "z_nm" => "z",
        _ => return None,
    };
    // From the first to the last bin with something in it.
    let counts = &histogram.counts;
    let first = counts.iter().position(|n| *n > 0)?;
    let last = counts.iter().rposition(|n| *n > 0)?;
    let (low, high) = (histogram.edges.get(first)?, histogram.edges.get(last + 1)?);
    let values: Vec<f64> = counts[first..=last].iter().map(|n| *n as f64).collect();
    let unit = if histogram.unit == "photons per pixel" { "per px" } else { &histogram.unit };
    let scale = format!("{} to {} {unit}", tidy(*low), tidy(*high));
    let median = format!("{title}, median {}", short(histogram.median));
    Some(Curve { title: median, scale, values: squeezed(&stretched(&values, width), width) })
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// At most `width` values: means of neighbours.
fn squeezed(values: &[f64], width: usize) -> Vec<f64> {
    if values.len() <= width || width == 0 {
        return values.to_vec();
    }
    let part = |i: usize| &values[i * values.len() / width..(i + 1) * values.len() / width];
    (0..width).map(|i| part(i).iter().sum::<f64>() / part(i).len() as f64).collect()
}

/// A few bins fill the width, each as wide as the others, but for one cell.
fn stretched(values: &[f64], width: usize) -> Vec<f64> {
    if values.len() >= width || values.is_empty() {
        return values.to_vec();
    }
    (0..width).map(|i| values[i * values.len() / width]).collect()
}

/// Bars from the bottom up, `height` rows of eighths.
fn bars(values: &[f64], height: usize) -> Vec<String> {
    let top = largest(values);
    let eighths = |value: &f64| {
        let full = 8.0 * height as f64;
        let drawn = if top > 0.0 { (value / top * full).round() } else { 0.0 };
        // What is there at all is seen.
        if *value > 0.0 { drawn.max(1.0) as usize } else { 0 }
    };
    let eighths: Vec<usize> = values.iter().map(eighths).collect();
    let row = |row: usize| {
        let below = 8 * (height - 1 - row);
        eighths.iter().map(|e| BARS[e.saturating_sub(below).min(8)]).collect()
    };
    (0..height).map(row).collect()
}

fn in_one_row(curve: &Curve, width: usize, palette: Palette) -> Line<'static> {
    let room = width - rows::NAME;
    let values = squeezed(&curve.values, room.saturating_sub(curve.scale.chars().count() + 1));
    let bar = bars(&values, 1).concat();
    let name: String = curve.title.split_whitespace().next().unwrap_or_default().to_lowercase();
    Line::from(vec![
        Span::styled(format!("{name:width$}", width = rows::NAME - 1), palette.faint()),
        Span::raw(" "),
        Span::styled(bar, palette.curve()),
        Span::styled(format!(" {}", curve.scale), palette.faint()),
    ])
}

fn below_its_title(curve: &Curve, width: usize, height: usize, palette: Palette) -> Vec<Line<'static>> {
    let title = rows::cut(&curve.title, width);
    let room = width.saturating_sub(title.chars().count() + curve.scale.chars().count() + 2);
    let (line, scale) = match room {
        0 => (String::new(), String::new()),
        room => ("─".repeat(room), format!(" {}", curve.scale)),
    };
    let mut lines = vec![Line::from(vec![
        Span::styled(format!("{title} "), palette.title()),
        Span::styled(line, palette.faint()),
        Span::styled(scale, palette.faint()),
    ])];
    lines.extend(bars(&curve.values, height).into_iter().map(|bar| Line::styled(bar, palette.curve())));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_from_the_bottom_and_what_is_there_at_all_is_seen() {
        assert_eq!(bars(&[0.0, 0.001, 4.0, 8.0], 1), [" ▁▄█"]);
        assert_eq!(bars(&[4.0, 6.0, 8.0], 2), [" ▄█", "███"]);
        assert_eq!(bars(&[0.0, 0.0], 1), ["  "], "nothing is no bar");
    }

    #[test]
    fn a_long_course_keeps_its_mean_and_a_short_one_its_values() {
        let long: Vec<f64> = (0..512).map(f64::from).collect();
        let short = squeezed(&long, 37);
        assert_eq!(short.len(), 37);
        assert!((short.iter().sum::<f64>() / 37.0 - 255.5).abs() < 1.0, "{short:?}");
        assert_eq!(squeezed(&[1.0, 2.0], 37), [1.0, 2.0]);
        assert_eq!(stretched(&[1.0, 2.0], 5), [1.0, 1.0, 1.0, 2.0, 2.0]);
    }

    #[test]
    fn a_distribution_begins_and_ends_where_there_is_something() {
        let histogram = pb::Histogram {
            quantity: "photons".into(),
            unit: "photons".into(),
            edges: vec![0.0, 10.0, 20.0, 30.0, 40.0],
            counts: vec![0, 5, 9, 0],
            median: 21.0,
            ..pb::Histogram::default()
        };
        let curve = distribution(&histogram, 4).unwrap();
        assert_eq!((&*curve.scale, curve.values), ("10 to 30 photons", vec![5.0, 5.0, 9.0, 9.0]));
        assert!(distribution(&pb::Histogram { counts: vec![0; 4], ..histogram }, 4).is_none());
    }
}
