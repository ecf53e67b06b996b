//! Rows of text, and what stands in them.
//!
//! In: words and numbers. Out: lines, cut at the edge of their place. Never: a line that writes into another's place.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::commands::watch::palette::Palette;

/// Width of the names of numbers.
pub const NAME: usize = 12;

/// One line per row; what finds no room is left out.
pub fn put(lines: &[Line], area: Rect, buffer: &mut Buffer) {
    for (line, row) in lines.iter().zip(area.top()..area.bottom()) {
        buffer.set_line(area.left(), row, line, area.width);
    }
}

/// `Rates ──────────`
pub fn title(text: &str, width: u16, palette: Palette) -> Line<'static> {
    let line = "─".repeat(usize::from(width).saturating_sub(text.chars().count() + 1));
    Line::from(vec![Span::styled(format!("{text} "), palette.title()), Span::styled(line, palette.faint())])
}

/// `camera      50.0 fps`, and what explains it.
pub fn number(
    name: &str,
    value: String,
    explained: impl Into<String>,
    style: Style,
    palette: Palette,
) -> Line<'static> {
    let explained = explained.into();
    let space = if explained.is_empty() { "" } else { "  " };
    Line::from(vec![
        Span::styled(format!("{name:NAME$}"), palette.faint()),
        Span::styled(value, style),
        Span::styled(format!("{space}{explained}"), palette.faint()),
    ])
}

/// Words on as few lines of `width` as hold them; at most `most`, the last of which then ends with a mark.
pub fn wrapped(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let room = width.saturating_sub(line.chars().count() + usize::from(!line.is_empty()));
        if word.chars().count() > room && lines.len() + 1 == most {
            line = cut(&format!("{line} …"), width);
            break;
        }
        if word.chars().count() > room && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// At most `width` characters; what is cut ends with a mark.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_and_what_finds_no_room_is_marked() {
        let text = "Free space in the folder before a long recording";
        assert_eq!(wrapped(text, 20, 3), ["Free space in the", "folder before a long", "recording"]);
        assert_eq!(wrapped(text, 20, 2), ["Free space in the", "folder before a lon…"]);
        assert_eq!(wrapped("", 20, 2), [""]);
        assert_eq!((cut("abcdef", 4), cut("abcd", 4)), ("abc…".into(), "abcd".into()));
    }
}
