//! What is wrong with the tiles that are suspect.
//!
//! In: a scan, and the rows that are left. Out: the daemon's sentences, each after its tile's row and column. Never: a
//! sentence of our own; more rows than are left.

use ratatui::text::Line;
use wire::pb;

use super::sign;
use crate::commands::watch::palette::Palette;
use crate::commands::watch::screen::rows;

/// One sentence takes at most so many rows: the next tile's is worth more than its end.
const MOST_ROWS: usize = 3;

/// "? 0/3 The sample drifted by 310 nm; …": of the tiles in order of acquisition, while there is room.
pub fn lines(scan: &pb::Scan, palette: Palette, width: usize, room: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for text in scan.tiles.iter().filter_map(sentences) {
        let left = room.saturating_sub(lines.len());
        if left == 0 {
            break;
        }
        lines.extend(rows::wrapped(&text, width, left.min(MOST_ROWS)));
    }
    lines.into_iter().map(|line| Line::styled(line, palette.faint())).collect()
}

/// Whether there is something to say.
pub fn any(scan: &pb::Scan) -> bool {
    scan.tiles.iter().any(|tile| sentences(tile).is_some())
}

fn sentences(tile: &pb::ScanTile) -> Option<String> {
    let (account, report) = (tile.tile.as_ref()?, tile.report.as_ref()?);
    if tile.state() != pb::TileState::Suspect || report.reasons.is_empty() {
        return None;
    }
    let texts: Vec<&str> = report.reasons.iter().map(|reason| reason.text.as_str()).collect();
    Some(format!("{} {}/{} {}", sign(tile.state()), account.row, account.column, texts.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::watch::samples;

    fn said(width: usize, room: usize) -> Vec<String> {
        let lines = lines(&samples::suspect_scan(12, 12, 40), Palette::default(), width, room);
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_suspect_tile_says_why_while_there_is_room() {
        let first = "? 0/3 3 of 100 frames were lost.";
        let second = "? 0/4 The sample drifted by 310 nm; more than 200 nm is too far. The resolution is 80 nm, in the \
                      tiles next to it 40 nm.";
        assert_eq!(said(200, 9), [first, second]);
        assert_eq!(said(200, 1), [first]);
        assert!(said(200, 0).is_empty());
    }

    #[test]
    fn a_long_sentence_is_wrapped_and_cut_and_stays_in_its_place() {
        let lines = said(30, 9);
        assert_eq!(lines.len(), 2 + MOST_ROWS, "{lines:?}");
        assert!(lines.iter().all(|line| line.chars().count() <= 30), "{lines:?}");
        assert!(lines[4].ends_with('…'), "{lines:?}");
        assert!(said(30, 4)[3].ends_with('…'), "also where the room ends");
    }

    #[test]
    fn tiles_that_are_done_say_nothing() {
        assert!(any(&samples::suspect_scan(3, 4, 5)) && !any(&samples::scan(3, 4, 5)));
        let mut again = samples::suspect_scan(3, 4, 5);
        for tile in &mut again.tiles[3..5] {
            tile.state = pb::TileState::Retake as i32;
        }
        assert!(!any(&again), "what is wanted again is decided already");
    }
}
