//! The picture in half blocks: two square dots in each cell, one above the other.
//!
//! In: a picture. Out: as many dots as find room, in the sample's aspect, with a scale bar and a legend. Never: a dot
//! that stands for a different part of the sample than its neighbours.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use wire::pb;

use super::rows;
use crate::commands::watch::numbers::{count, length, tidy};
use crate::commands::watch::palette::{Depth, Palette, Rgb, luminance};
use crate::commands::watch::view::{Picture, View, colour_name};

/// Darker to brighter, where there are no colours.
const GREYS: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];
/// A scale bar is at most this part of the picture.
const BAR_SHARE: f64 = 0.4;

/// The picture, shrunk (or grown) to what finds room.
#[derive(Clone, Debug, PartialEq)]
pub struct Dots {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<Rgb>,
    pub nm: f64,
}

impl Dots {
    /// Means over the area of each dot, of light and not of its code: thin lines stay as bright as they are.
    pub fn of(picture: &Picture, room: (usize, usize)) -> Option<Self> {
        let (width, height) = (picture.width, picture.height);
        if width == 0 || height == 0 || room.0 == 0 || room.1 == 0 || picture.rgb.len() < 3 * width * height {
            return None;
        }
        let scale = (width as f64 / room.0 as f64).max(height as f64 / room.1 as f64);
        let dots = |pixels: usize, most: usize| ((pixels as f64 / scale).round() as usize).clamp(1, most);
        let (across, down) = (dots(width, room.0), dots(height, room.1));
        let columns: Vec<_> = (0..across).map(|x| span(x, scale, width)).collect();
        let mut rgb = Vec::with_capacity(across * down);
        for y in 0..down {
            let rows = span(y, scale, height);
            rgb.extend(columns.iter().map(|columns| mean(picture, columns, &rows)));
        }
        Some(Self { width: across, height: down, rgb, nm: picture.pixel_nm * scale })
    }

    fn at(&self, x: usize, y: usize) -> Option<Rgb> {
        (x < self.width && y < self.height).then(|| self.rgb[y * self.width + x])
    }
}

/// Pixels under a dot, each with the part of it that is.
fn span(dot: usize, scale: f64, pixels: usize) -> Vec<(usize, f64)> {
    let last = pixels - 1;
    let (from, to) = (dot as f64 * scale, (dot + 1) as f64 * scale);
    let first = (from as usize).min(last);
    let parts = (first..=((to.ceil() as usize).saturating_sub(1)).clamp(first, last))
        .map(|pixel| (pixel, (to.min(pixel as f64 + 1.0) - from.max(pixel as f64)).max(0.0)));
    let parts: Vec<_> = parts.filter(|(_, part)| *part > 1e-9).collect();
    if parts.is_empty() { vec![(first, 1.0)] } else { parts }
}

fn mean(picture: &Picture, columns: &[(usize, f64)], rows: &[(usize, f64)]) -> Rgb {
    let (mut sum, mut area) = ([0.0; 3], 0.0);
    for (y, tall) in rows {
        for (x, wide) in columns {
            let at = 3 * (y * picture.width + x);
            let part = tall * wide;
            area += part;
            for (sum, code) in sum.iter_mut().zip(&picture.rgb[at..at + 3]) {
                *sum += part * f64::from(*code).powi(2);
            }
        }
    }
    sum.map(|sum| (sum / area).sqrt().round() as u8)
}

/// Where the dots are: a title above, scale bar and legend below.
pub fn room(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(3), ..area }
}

pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let palette = view.taste.palette;
    let picture = match &view.seen.picture {
        Some(Ok(picture)) => picture,
        Some(Err(why)) => return said(why, area, palette, buffer),
        None if view.seen.series.is_some() => return said("drawing …", area, palette, buffer),
        None => return said("no series yet", area, palette, buffer),
    };
    let room = room(area);
    let Some(dots) = Dots::of(picture, (usize::from(room.width), 2 * usize::from(room.height))) else {
        return;
    };
    rows::put(&[rows::title(&title(picture, &dots, area.width), area.width, palette)], area, buffer);
    let rows_used = dots.height.div_ceil(2) as u16;
    let left = (room.width - dots.width as u16) / 2;
    let place = Rect { x: room.x + left, width: dots.width as u16, height: rows_used, ..room };
    paint(&dots, place, palette, buffer);
    let below = Rect { x: place.x, y: place.y + rows_used, width: area.right() - place.x, height: 2 };
    let below = below.intersection(area);
    rows::put(&[scale_bar(&dots, palette, below.width), legend(picture, palette)], below, buffer);
}

fn said(text: &str, area: Rect, palette: Palette, buffer: &mut Buffer) {
    let mut lines = vec![rows::title("Picture", area.width, palette)];
    let wrapped = rows::wrapped(text, usize::from(area.width), 3);
    lines.extend(wrapped.into_iter().map(|text| Line::styled(text, palette.faint())));
    rows::put(&lines, area, buffer);
}

/// Its size, and how many localizations are in it where there is room to say so.
fn title(picture: &Picture, dots: &Dots, width: u16) -> String {
    let side = |n: usize| tidy((n as f64 * dots.nm / 100.0).round() / 10.0);
    let size = format!("Picture {} × {} µm", side(dots.width), side(dots.height));
    let whole = format!("{size} · {} localizations", count(picture.localizations));
    if whole.chars().count() < usize::from(width) { whole } else { size }
}

fn paint(dots: &Dots, place: Rect, palette: Palette, buffer: &mut Buffer) {
    for position in place.positions() {
        let (x, y) = (usize::from(position.x - place.x), 2 * usize::from(position.y - place.y));
        let (top, bottom) = (dots.at(x, y), dots.at(x, y + 1));
        let cell = &mut buffer[position];
        match (palette.depth, top) {
            (_, None) => {}
            (Depth::None, Some(top)) => {
                let bright = luminance(top).max(bottom.map_or(0, luminance));
                cell.set_char(GREYS[usize::from(bright) * (GREYS.len() - 1) / 255]);
            }
            (_, Some(top)) => {
                let style = Style::new().fg(palette.colour(top));
                let style = bottom.map_or(style, |bottom| style.bg(palette.colour(bottom)));
                cell.set_char('▀').set_style(style);
            }
        }
    }
}

/// `├────┤ 5 µm`: 1, 2 or 5 of something.
fn scale_bar(dots: &Dots, palette: Palette, width: u16) -> Line<'static> {
    let most = dots.width as f64 * dots.nm * BAR_SHARE;
    let power = 10f64.powf(most.max(1.0).log10().floor());
    let nm = [5.0, 2.0, 1.0].map(|n| n * power).into_iter().find(|nm| *nm <= most).unwrap_or(power);
    let cells = (nm / dots.nm).round().max(2.0) as usize;
    let mut line = Line::raw(format!("├{}┤ {}", "─".repeat(cells - 2), length(nm)));
    let dot = format!("   a dot is {}", length(dots.nm.round()));
    if line.width() + dot.chars().count() <= usize::from(width) {
        line.push_span(Span::styled(dot, palette.faint()));
    }
    line
}

fn legend(picture: &Picture, palette: Palette) -> Line<'static> {
    const CELLS: usize = 8;
    let name = colour_name(picture.colour_by);
    let Some(legend) = picture.legend.as_ref().filter(|legend| legend.rgb.len() >= 3) else {
        return Line::styled(name, palette.faint());
    };
    let steps = legend.rgb.len() / 3;
    let colour = |i: usize| -> Rgb {
        let at = 3 * (i * (steps - 1) / (2 * CELLS - 1));
        [legend.rgb[at], legend.rgb[at + 1], legend.rgb[at + 2]]
    };
    let mut spans = vec![Span::styled(format!("{name} {} ", tidy(legend.low)), palette.faint())];
    for cell in 0..CELLS {
        let (left, right) = (colour(2 * cell), colour(2 * cell + 1));
        spans.push(match palette.depth {
            Depth::None => {
                Span::raw(GREYS[usize::from(luminance(right)) * (GREYS.len() - 1) / 255].to_string())
            }
            _ => Span::styled("▌", Style::new().fg(palette.colour(left)).bg(palette.colour(right))),
        });
    }
    let unit = match picture.colour_by {
        pb::ColourBy::Intensity | pb::ColourBy::Unspecified => "per px",
        _ => &legend.unit,
    };
    spans.push(Span::styled(format!(" {} {unit}", tidy(legend.high)), palette.faint()));
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::watch::samples;

    fn plain(width: usize, height: usize, rgb: impl Fn(usize, usize) -> Rgb) -> Picture {
        let all = (0..width * height).flat_map(|i| rgb(i % width, i / width)).collect();
        Picture { width, height, rgb: all, pixel_nm: 100.0, ..Picture::default() }
    }

    #[test]
    fn the_aspect_of_the_sample_is_kept_and_what_finds_no_room_is_shrunk() {
        let picture = plain(200, 100, |_, _| [9; 3]);
        let shape = |room| Dots::of(&picture, room).map(|dots| (dots.width, dots.height, dots.nm)).unwrap();
        assert_eq!(shape((50, 50)), (50, 25, 400.0));
        assert_eq!(shape((300, 10)), (20, 10, 1000.0));
        assert_eq!(shape((400, 400)), (400, 200, 50.0), "a small picture grows");
        assert!(Dots::of(&picture, (0, 5)).is_none());
        assert!(Dots::of(&Picture::default(), (5, 5)).is_none());
    }

    #[test]
    fn shrinking_keeps_light_and_place() {
        let picture = plain(4, 4, |x, y| if x < 2 && y < 2 { [200; 3] } else { [0; 3] });
        let dots = Dots::of(&picture, (2, 2)).unwrap();
        assert_eq!(dots.rgb, [[200; 3], [0; 3], [0; 3], [0; 3]]);
        // Of 3 pixels 2 dots: the second is half over the middle pixel.
        let picture = plain(3, 3, |x, _| if x == 2 { [100; 3] } else { [0; 3] });
        let dots = Dots::of(&picture, (2, 2)).unwrap();
        let expected = (2.0f64 / 3.0 * 1e4).sqrt().round() as u8;
        assert_eq!((dots.rgb[0], dots.rgb[1]), ([0; 3], [expected; 3]));
    }

    #[test]
    fn the_scale_bar_is_as_long_as_it_says() {
        let dots = Dots::of(&plain(100, 100, |_, _| [0; 3]), (50, 50)).unwrap();
        let text = scale_bar(&dots, Palette::default(), 80).to_string();
        // 10 µm in 50 dots of 200 nm; 2 µm are 10 of them.
        assert_eq!(text, "├────────┤ 2 µm   a dot is 200 nm");
    }

    #[test]
    fn the_legend_says_quantity_ends_and_unit() {
        let picture = samples::picture(64);
        assert_eq!(legend(&picture, Palette::default()).to_string(), "intensity 0 ▌▌▌▌▌▌▌▌ 3.2 per px");
    }
}
