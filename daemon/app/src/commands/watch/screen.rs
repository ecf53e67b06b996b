//! Draws the screen. Pure: the same view gives the same cells.
//!
//! In: a view. Out: cells, the most needed first: verdict, rates and account are there in any window that is large
//! enough to say anything. Never: a request, a clock, a write to the terminal.

mod curves;
mod frame;
mod numbers;
mod overlay;
mod picture;
mod rows;
mod tiles;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout as Split, Rect};
use ratatui::style::{Color, Modifier};
use ratatui::text::Line;

use super::view::{Layout, Overlay, View};

/// A smaller window has no room for the numbers.
const LEAST: (u16, u16) = (36, 10);
/// Columns of the numbers, where something stands beside them.
const NUMBERS: u16 = 42;
/// The least that a picture or tiles need.
const BESIDE: u16 = 24;
/// From this height on tiles and picture find room below each other, from this width on beside each other.
const TALL: u16 = 34;
const WIDE: u16 = 80;

/// Where things are in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Places {
    top: Rect,
    numbers: Rect,
    tiles: Option<Rect>,
    picture: Option<Rect>,
    keys: Rect,
}

pub fn draw(view: &View, frame: &mut Frame) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return too_small(view, area, frame.buffer_mut());
    }
    let top = frame::top(view, area);
    let places = places(view, area, top.len() as u16);
    let buffer = frame.buffer_mut();
    rows::put(&top, places.top, buffer);
    numbers::draw(view, places.numbers, buffer);
    if let Some(area) = places.tiles {
        tiles::draw(view, area, buffer);
    }
    if let Some(area) = places.picture {
        picture::draw(view, area, buffer);
    }
    rows::put(&[frame::keys(view, area.width)], places.keys, buffer);
    if view.stale() {
        for stale in [Some(places.numbers), places.tiles, places.picture].into_iter().flatten() {
            dim(stale, buffer);
        }
    }
    if view.taste.overlay != Overlay::None {
        overlay::draw(view, area, buffer);
    }
}

/// How many dots of a picture a window of this size has room for; none where none is shown.
pub fn dots(view: &View, area: Rect) -> Option<(u32, u32)> {
    let top = frame::top(view, area).len() as u16;
    let room = picture::room(places(view, area, top).picture?);
    (room.width > 0 && room.height > 0).then(|| (u32::from(room.width), 2 * u32::from(room.height)))
}

fn places(view: &View, area: Rect, top: u16) -> Places {
    let [top, body, keys] =
        Split::vertical([Constraint::Length(top), Constraint::Min(0), Constraint::Length(1)]).areas(area);
    let (tiles, picture) = wanted(view, body);
    let nothing = !tiles && !picture;
    if nothing || body.width < NUMBERS + BESIDE + 2 {
        return Places { top, numbers: body, tiles: None, picture: None, keys };
    }
    // A wide window gives a third to the numbers and their curves.
    let numbers = (body.width / 3).clamp(NUMBERS, 64);
    let [numbers, beside] =
        Split::horizontal([Constraint::Length(numbers), Constraint::Min(0)]).spacing(2).areas(body);
    let (tiles, picture) = match (tiles, picture) {
        (true, true) => {
            let (above, below) = both(view, beside);
            (Some(above), Some(below))
        }
        (true, false) => (Some(beside), None),
        (false, _) => (None, Some(beside)),
    };
    Places { top, numbers, tiles, picture, keys }
}

/// Whether tiles and whether the picture stand beside the numbers.
fn wanted(view: &View, body: Rect) -> (bool, bool) {
    let (scan, picture) = (view.seen.scan().is_some(), !view.taste.no_picture);
    let room_for_both = body.height >= TALL || body.width >= NUMBERS + 2 + WIDE;
    match view.taste.layout {
        Layout::Numbers => (false, false),
        Layout::Tiles => (true, false),
        Layout::Picture => (false, picture),
        Layout::Auto if scan => (true, picture && room_for_both),
        Layout::Auto => (false, picture),
    }
}

/// Tiles left of the picture in a wide window, else above it.
fn both(view: &View, area: Rect) -> (Rect, Rect) {
    let parts: [Rect; 2] = if area.width >= WIDE {
        let tiles = tiles::width(view, area).clamp(BESIDE, area.width / 2);
        Split::horizontal([Constraint::Length(tiles), Constraint::Min(0)]).spacing(2).areas(area)
    } else {
        let tiles = tiles::height(view, area).min(area.height / 2);
        Split::vertical([Constraint::Length(tiles), Constraint::Min(0)]).spacing(1).areas(area)
    };
    (parts[0], parts[1])
}

fn too_small(view: &View, area: Rect, buffer: &mut Buffer) {
    let account = view.seen.series.as_ref().and_then(|series| series.account.clone()).unwrap_or_default();
    let said = [
        format!("{} × {}: make the window", area.width, area.height),
        format!("{} × {} or larger", LEAST.0, LEAST.1),
        format!("received {}", super::numbers::count(account.received)),
        format!("lost {}", super::numbers::count(super::verdict::total(account.lost.values()))),
    ];
    rows::put(&said.map(Line::from), area, buffer);
}

/// What is not of now recedes.
fn dim(area: Rect, buffer: &mut Buffer) {
    let darker = |colour| match colour {
        Color::Rgb(r, g, b) => Color::Rgb(r / 2, g / 2, b / 2),
        other => other,
    };
    for position in area.positions() {
        let cell = &mut buffer[position];
        (cell.fg, cell.bg) = (darker(cell.fg), darker(cell.bg));
        cell.modifier.remove(Modifier::BOLD);
        cell.modifier.insert(Modifier::DIM);
    }
}

#[cfg(test)]
mod tests;
