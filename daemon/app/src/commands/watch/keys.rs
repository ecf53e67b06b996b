//! What keys do. Pure.
//!
//! In: a key, the series that are known. Out: another taste, or an order. Never: a change in the daemon.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use wire::pb;

use super::view::{Overlay, Seen, Taste};

/// What the loop has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Draw,
    Hold,
    Quit,
}

/// `None`: the key means nothing.
pub fn press(key: &KeyEvent, taste: &mut Taste, seen: &Seen) -> Option<Order> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c' | 'd') if control => return Some(Order::Quit),
        _ if control => return None,
        KeyCode::Esc if taste.overlay != Overlay::None => taste.overlay = Overlay::None,
        KeyCode::Char('q') => return Some(Order::Quit),
        KeyCode::Char(' ') => return Some(Order::Hold),
        KeyCode::Char('?' | 'h') => taste.overlay = toggled(taste.overlay, Overlay::Help),
        KeyCode::Char('r') => taste.overlay = toggled(taste.overlay, Overlay::Reasons),
        KeyCode::Char('v') => taste.colour_by = next_colour(taste.colour_by),
        KeyCode::Char('g') => taste.layout = taste.layout.next(),
        KeyCode::Char('f') => taste.series = None,
        KeyCode::Char('n') => taste.series = step(seen, 1),
        KeyCode::Char('p') => taste.series = step(seen, -1),
        _ => return None,
    }
    Some(Order::Draw)
}

fn toggled(now: Overlay, wanted: Overlay) -> Overlay {
    if now == wanted { Overlay::None } else { wanted }
}

fn next_colour(colour: pb::ColourBy) -> pb::ColourBy {
    match colour {
        pb::ColourBy::Intensity | pb::ColourBy::Unspecified => pb::ColourBy::Z,
        pb::ColourBy::Z => pb::ColourBy::Time,
        pb::ColourBy::Time => pb::ColourBy::Sigma,
        pb::ColourBy::Sigma => pb::ColourBy::Intensity,
    }
}

/// The series beside the one that is shown; at the end it stays.
fn step(seen: &Seen, by: isize) -> Option<Vec<u8>> {
    let here = seen.known.iter().position(|id| id == seen.series_id());
    let last = seen.known.len().checked_sub(1)?;
    let there = here.map_or(last, |here| here.saturating_add_signed(by).min(last));
    Some(seen.known[there].clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::watch::samples;

    fn seen() -> Seen {
        Seen { known: vec![vec![1; 16], vec![7; 16], vec![9; 16]], ..samples::seen() }
    }

    fn pressed(taste: &mut Taste, key: char) -> Option<Order> {
        press(&KeyEvent::from(KeyCode::Char(key)), taste, &seen())
    }

    #[test]
    fn n_and_p_step_through_the_series_and_f_follows_the_newest() {
        let mut taste = Taste::default();
        for (key, series) in [('n', Some(vec![9; 16])), ('p', Some(vec![1; 16])), ('f', None)] {
            assert_eq!(pressed(&mut taste, key), Some(Order::Draw));
            assert_eq!(taste.series, series, "{key}");
        }
        let mut last = seen();
        last.known.truncate(2);
        assert_eq!(step(&last, 1), Some(vec![7; 16]), "there is no later one");
        assert_eq!(step(&Seen::default(), 1), None, "there is none at all");
    }

    #[test]
    fn v_goes_round_all_colours_and_g_round_all_layouts() {
        let (mut taste, first) = (Taste::default(), Taste::default());
        let mut colours = Vec::new();
        for _ in 0..4 {
            pressed(&mut taste, 'v');
            pressed(&mut taste, 'g');
            colours.push(taste.colour_by);
        }
        colours.dedup();
        assert_eq!((colours.len(), taste.layout), (4, first.layout));
    }

    #[test]
    fn what_lies_over_the_screen_goes_away_by_its_key_and_by_escape() {
        let mut taste = Taste::default();
        pressed(&mut taste, '?');
        assert_eq!(taste.overlay, Overlay::Help);
        pressed(&mut taste, 'r');
        assert_eq!(taste.overlay, Overlay::Reasons);
        press(&KeyEvent::from(KeyCode::Esc), &mut taste, &seen());
        assert_eq!(taste.overlay, Overlay::None);
    }

    #[test]
    fn control_c_quits_and_an_unknown_key_does_nothing() {
        let mut taste = Taste::default();
        let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(press(&control, &mut taste, &seen()), Some(Order::Quit));
        assert_eq!(pressed(&mut taste, 'x'), None);
    }
}
