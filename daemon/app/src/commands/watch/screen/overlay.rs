//! What lies over the screen until a key is pressed: the keys, or all reasons with their remedies.
//!
//! In: a view. Out: a box in the middle. Never: a key that does nothing.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget as _};

use super::rows;
use crate::commands::watch::verdict::verdict;
use crate::commands::watch::view::{Overlay, View};

const KEYS: [(&str, &str); 9] = [
    ("q, Ctrl-C", "quit; the daemon goes on"),
    ("n, p", "next and previous series"),
    ("f", "the newest series, and every newer one"),
    ("v", "colour by intensity, z, time, σ"),
    ("g", "beside the numbers: what fits, the picture, tiles, nothing"),
    ("space", "hold the screen still; again: go on"),
    ("r", "all reasons of the verdict, with what to do"),
    ("?", "this"),
    ("", "● well   ▲ attention   ✖ trouble   ○ nothing to judge"),
];
const WIDEST: u16 = 76;

pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let width = area.width.min(WIDEST);
    let inside = usize::from(width).saturating_sub(4);
    let (title, lines) = match view.taste.overlay {
        Overlay::Reasons => (" What is well and what is not ", reasons(view, inside)),
        Overlay::Help | Overlay::None => (" Keys ", keys(view, inside)),
    };
    let height = (lines.len() as u16 + 2).min(area.height);
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(place, buffer);
    let palette = view.taste.palette;
    let block = Block::bordered().title(title).border_style(palette.faint()).title_style(palette.title());
    let room = block.inner(place);
    block.render(place, buffer);
    rows::put(&lines, Rect { x: room.x + 1, width: room.width.saturating_sub(2), ..room }, buffer);
}

fn keys(view: &View, width: usize) -> Vec<Line<'static>> {
    let palette = view.taste.palette;
    let lines = KEYS.iter().map(|(key, what)| {
        Line::from(vec![
            Span::styled(format!("{key:11}"), palette.number()),
            Span::raw(rows::cut(what, width.saturating_sub(11))),
        ])
    });
    lines.collect()
}

fn reasons(view: &View, width: usize) -> Vec<Line<'static>> {
    let palette = view.taste.palette;
    let Some(status) = &view.seen.status else { return vec![Line::raw("nothing is known yet")] };
    let verdict = verdict(status, view.seen.series.as_ref());
    if verdict.reasons.is_empty() {
        let text = format!("{} {}", verdict.light.symbol(), verdict.headline);
        return vec![Line::styled(text, palette.light(verdict.light))];
    }
    let mut lines = Vec::new();
    for reason in &verdict.reasons {
        let head = format!("{} {}", reason.light.symbol(), reason.what);
        let style = palette.light(reason.light);
        lines.extend(rows::wrapped(&head, width, 3).into_iter().map(|text| Line::styled(text, style)));
        let remedy = rows::wrapped(&reason.remedy, width.saturating_sub(2), 4);
        lines.extend(remedy.into_iter().map(|text| Line::raw(format!("  {text}"))));
    }
    lines
}
