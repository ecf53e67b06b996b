//! The tiles of a scan, each where it lies on the grid.
//!
//! In: a scan. Out: one, two or half a cell per tile by the room there is, else a part of the grid around the latest
//! tile; counts by state, time left, tiles to take again, why tiles are suspect. Never: a state that only its colour tells: where no sign finds
//! room, the tiles in trouble are listed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use wire::pb;
use wire::pb::TileState;

use super::rows;
use crate::commands::watch::numbers::{count, duration};
use crate::commands::watch::palette::{Depth, Palette, luminance};
use crate::commands::watch::view::View;

mod reasons;

const STATES: [TileState; 7] = [
    TileState::Planned,
    TileState::Acquiring,
    TileState::Processing,
    TileState::Done,
    TileState::Failed,
    TileState::Retake,
    TileState::Suspect,
];
/// Title, counts, time left: the least around the tiles.
const AROUND: u16 = 3;
/// The same with names beside the counts, and tiles in trouble.
const AROUND_ROOMY: u16 = 5;
/// Rows for what is wrong with suspect tiles.
const REASONS: u16 = 4;
/// Columns in which counts with their names look well.
const LEGEND: u16 = 38;

fn sign(state: TileState) -> char {
    match state {
        TileState::Planned | TileState::Unspecified => '·',
        TileState::Acquiring => '●',
        TileState::Processing => '…',
        TileState::Done => '■',
        TileState::Failed => '✕',
        TileState::Retake => '↻',
        TileState::Suspect => '?',
    }
}

fn name(state: TileState) -> &'static str {
    match state {
        TileState::Planned | TileState::Unspecified => "planned",
        TileState::Acquiring => "acquiring",
        TileState::Processing => "processing",
        TileState::Done => "done",
        TileState::Failed => "failed",
        TileState::Retake => "retake",
        TileState::Suspect => "suspect",
    }
}

/// States by row and column.
struct Grid {
    columns: usize,
    rows: usize,
    states: Vec<TileState>,
    latest: (usize, usize),
}

/// A grid of more tiles than the daemon counts is none.
const MOST_TILES: usize = 1 << 16;

impl Grid {
    fn of(scan: &pb::Scan) -> Option<Self> {
        let tiles = || scan.tiles.iter().filter_map(|tile| Some((tile.state(), tile.tile.as_ref()?)));
        let largest = |of: fn(&pb::TileAccount) -> u32| tiles().map(|(_, tile)| of(tile)).max().unwrap_or(0);
        let told = scan.grid.unwrap_or_default();
        let rows = told.rows.max(largest(|tile| tile.row).saturating_add(1)) as usize;
        let columns = told.columns.max(largest(|tile| tile.column).saturating_add(1)) as usize;
        if rows.saturating_mul(columns) > MOST_TILES {
            return None;
        }
        let mut grid =
            Self { columns, rows, states: vec![TileState::Unspecified; rows * columns], latest: (0, 0) };
        let mut latest = 0;
        for (state, tile) in tiles() {
            let (row, column) = (tile.row as usize, tile.column as usize);
            grid.states[row * columns + column] = state;
            let newer = state == TileState::Acquiring || tile.first_arrival_unix_ns > latest;
            if newer {
                grid.latest = (row, column);
                latest = if state == TileState::Acquiring { u64::MAX } else { tile.first_arrival_unix_ns };
            }
        }
        Some(grid)
    }

    fn at(&self, row: usize, column: usize) -> Option<TileState> {
        (row < self.rows && column < self.columns).then(|| self.states[row * self.columns + column])
    }
}

/// How a tile is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// So many rows and twice as many columns; from two rows on with a gap to the next tile.
    Square(usize),
    OneCell,
    HalfACell,
}

/// Larger tiles say no more.
const LARGEST: usize = 4;

impl Size {
    /// The largest that shows all tiles; else the smallest.
    fn for_room(grid: &Grid, width: usize, height: usize, depth: Depth) -> Self {
        let fits = |size: &Self| {
            let (columns, rows) = size.tiles(width, height);
            grid.columns <= columns && grid.rows <= rows
        };
        let smallest = if depth == Depth::None { Self::OneCell } else { Self::HalfACell };
        let squares = (1..=LARGEST).rev().map(Self::Square);
        squares.chain([Self::OneCell]).find(fits).unwrap_or(smallest)
    }

    /// Columns and rows of tiles that find room.
    fn tiles(self, width: usize, height: usize) -> (usize, usize) {
        match self {
            Self::Square(side) => (width / (2 * side), height / side),
            Self::OneCell => (width, height),
            Self::HalfACell => (width, 2 * height),
        }
    }

    /// Columns and rows of cells that so many tiles take.
    fn cells(self, columns: usize, rows: usize) -> (usize, usize) {
        match self {
            Self::Square(side) => (2 * side * columns, side * rows),
            Self::OneCell => (columns, rows),
            Self::HalfACell => (columns, rows.div_ceil(2)),
        }
    }

    /// Row and column of the tile that a cell belongs to.
    fn tile_at(self, x: usize, y: usize) -> (usize, usize) {
        match self {
            Self::Square(side) => (y / side, x / (2 * side)),
            Self::OneCell => (y, x),
            Self::HalfACell => (2 * y, x),
        }
    }

    /// Whether a cell lies between tiles, and whether it bears the sign of its tile.
    fn gap_and_sign(self, x: usize, y: usize) -> (bool, bool) {
        match self {
            Self::Square(1) => (false, x.is_multiple_of(2)),
            Self::Square(side) => {
                let (x, y) = (x % (2 * side), y % side);
                let (wide, tall) = (2 * side - 2, side - 1);
                (x >= wide || y >= tall, x == (wide - 1) / 2 && y == (tall - 1) / 2)
            }
            Self::OneCell | Self::HalfACell => (false, true),
        }
    }
}

/// Rows that the tiles of the scan would like to have, with what stands around them.
pub fn height(view: &View, area: Rect) -> u16 {
    let Some(grid) = view.seen.scan().and_then(Grid::of) else { return AROUND_ROOMY };
    let room = (area.height / 2).saturating_sub(AROUND_ROOMY);
    let size = Size::for_room(&grid, area.width.into(), room.into(), view.taste.palette.depth);
    let (_, rows) = size.cells(grid.columns, grid.rows);
    let reasons = if view.seen.scan().is_some_and(reasons::any) { REASONS } else { 0 };
    (AROUND_ROOMY + reasons).saturating_add(rows.min(usize::from(area.height)) as u16)
}

/// Columns that they would like to have.
pub fn width(view: &View, area: Rect) -> u16 {
    let Some(grid) = view.seen.scan().and_then(Grid::of) else { return 0 };
    let (width, height) = (area.width / 2, area.height.saturating_sub(AROUND_ROOMY));
    let size = Size::for_room(&grid, width.into(), height.into(), view.taste.palette.depth);
    let (columns, _) = size.cells(grid.columns, grid.rows);
    (columns.min(usize::from(width)) as u16).max(LEGEND)
}

pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let palette = view.taste.palette;
    let Some(scan) = view.seen.scan() else {
        let none = [
            rows::title("Tiles", area.width, palette),
            Line::styled("this series is no scan", palette.faint()),
        ];
        return rows::put(&none, area, buffer);
    };
    let Some(grid) = Grid::of(scan) else { return };
    let room = Rect { y: area.y + 1, height: area.height.saturating_sub(AROUND), ..area };
    let size = size_beside_reasons(scan, &grid, room, palette.depth);
    let (columns, rows_shown) = size.tiles(usize::from(room.width), usize::from(room.height));
    let first = (window(grid.latest.0, grid.rows, rows_shown), window(grid.latest.1, grid.columns, columns));
    let (_, height) = size.cells(columns, rows_shown.min(grid.rows - first.0));
    let cells = Rect { height: (height as u16).min(room.height), ..room };
    paint(&grid, first, size, cells, palette, buffer);
    let whole = rows_shown >= grid.rows && columns >= grid.columns;
    let size = format!("{} × {} tiles", grid.rows, grid.columns);
    let title = if whole { size } else { format!("{size}, from {}/{} on", first.0, first.1) };
    rows::put(&[rows::title(&title, area.width, palette)], area, buffer);
    let below = Rect { y: cells.bottom(), height: area.bottom().saturating_sub(cells.bottom()), ..area };
    let about = about(scan, palette, usize::from(area.width), usize::from(below.height));
    rows::put(&about, below, buffer);
}

/// Large tiles give way to the sentences below them; where a sign has just room, tiles come first.
fn size_beside_reasons(scan: &pb::Scan, grid: &Grid, room: Rect, depth: Depth) -> Size {
    let size_in = |height: u16| Size::for_room(grid, room.width.into(), height.into(), depth);
    match size_in(room.height.saturating_sub(REASONS)) {
        smaller @ Size::Square(_) if reasons::any(scan) => smaller,
        _ => size_in(room.height),
    }
}

/// First of `shown` of `all`, so that the latest is among them, in the middle where possible.
fn window(latest: usize, all: usize, shown: usize) -> usize {
    latest.saturating_sub(shown / 2).min(all.saturating_sub(shown))
}

fn paint(grid: &Grid, first: (usize, usize), size: Size, cells: Rect, palette: Palette, buffer: &mut Buffer) {
    for position in cells.positions() {
        let (x, y) = (usize::from(position.x - cells.x), usize::from(position.y - cells.y));
        let (row, column) = size.tile_at(x, y);
        let (row, column) = (first.0 + row, first.1 + column);
        let Some(state) = grid.at(row, column) else { continue };
        let cell = &mut buffer[position];
        if size == Size::HalfACell {
            let style = Style::new().fg(palette.colour(palette.tile(state)));
            let below = grid.at(row + 1, column);
            let style = below.map_or(style, |below| style.bg(palette.colour(palette.tile(below))));
            cell.set_char('▀').set_style(style);
        } else {
            let (gap, signed) = size.gap_and_sign(x, y);
            if !gap {
                cell.set_char(if signed { sign(state) } else { ' ' }).set_style(tile_style(state, palette));
            }
        }
    }
}

/// Filled with the state's colour; its sign in black or white on it, or none where the colour is the usual one.
fn tile_style(state: TileState, palette: Palette) -> Style {
    let rgb = palette.tile(state);
    match palette.depth {
        Depth::None if state == TileState::Acquiring => Style::new().add_modifier(Modifier::REVERSED),
        Depth::None => Style::new(),
        _ => {
            let on = if luminance(rgb) > 100 { [0; 3] } else { [0xd0; 3] };
            let fg = if state == TileState::Done { rgb } else { on };
            Style::new().fg(palette.colour(fg)).bg(palette.colour(rgb))
        }
    }
}

/// Counts by state, time left, tiles in trouble and what is wrong with them: with names where there is room, else only signs.
fn about(scan: &pb::Scan, palette: Palette, width: usize, rows: usize) -> Vec<Line<'static>> {
    let left = scan.seconds_left.map(|s| format!("{} left", duration(s)));
    let again = (!scan.retake.is_empty()).then(|| format!("{} to take again", scan.retake.len()));
    let rest: Vec<String> = left.into_iter().chain(saved(scan)).chain(again).collect();
    let rest = (!rest.is_empty()).then(|| Line::styled(rest.join(" · "), palette.number()));
    let rest: Vec<Line> = rest.into_iter().chain(trouble(scan, palette, width)).collect();
    let named = counts(scan, palette, width, true);
    let counts = if named.len() + rest.len() <= rows { named } else { counts(scan, palette, width, false) };
    let mut lines: Vec<Line> = counts.into_iter().chain(rest).collect();
    lines.extend(reasons::lines(scan, palette, width, rows.saturating_sub(lines.len())));
    lines
}

/// By early stops.
fn saved(scan: &pb::Scan) -> Option<String> {
    (scan.frames_saved > 0).then(|| match scan.seconds_saved {
        seconds if seconds > 0.0 => format!("{} saved", duration(seconds)),
        _ => format!("{} frames saved", count(scan.frames_saved)), // nobody knows how fast they come
    })
}

/// `● 1 acquiring  ■ 40 done`, on as many rows as it takes.
fn counts(scan: &pb::Scan, palette: Palette, width: usize, named: bool) -> Vec<Line<'static>> {
    let counted = |state: TileState| scan.tiles_by_state.get(name(state)).copied().unwrap_or(0);
    let (mut lines, mut row, mut used) = (Vec::new(), Vec::new(), 0);
    for state in STATES.into_iter().filter(|state| counted(*state) > 0) {
        let name = if named { format!(" {}", name(state)) } else { String::new() };
        let text = format!(" {}{name}  ", count(counted(state).into()));
        let needed = text.chars().count() + 1;
        if used + needed > width + 2 && !row.is_empty() {
            lines.push(Line::from(std::mem::take(&mut row)));
            used = 0;
        }
        used += needed;
        row.push(Span::styled(sign(state).to_string(), tile_style(state, palette)));
        row.push(Span::styled(text, palette.faint()));
    }
    lines.push(Line::from(row));
    lines
}

/// "✕ row 3, column 4": the first tiles that are not as they should be.
fn trouble(scan: &pb::Scan, palette: Palette, width: usize) -> Option<Line<'static>> {
    let bad = |tile: &&pb::ScanTile| {
        matches!(tile.state(), TileState::Failed | TileState::Retake | TileState::Suspect)
    };
    let texts: Vec<String> = scan
        .tiles
        .iter()
        .filter(bad)
        .filter_map(|each| each.tile.as_ref().map(|tile| (each.state(), tile)))
        .map(|(state, tile)| format!("{} {}/{}", sign(state), tile.row, tile.column))
        .take(64)
        .collect();
    if texts.is_empty() {
        return None;
    }
    let text = format!("row/column: {}", texts.join("  "));
    Some(Line::styled(rows::cut(&text, width), palette.faint()))
}

#[cfg(test)]
#[path = "tiles/tests.rs"]
mod tests;
