//! What windows of several sizes show, read off a terminal that is none.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tokio::time::Instant;
use wire::pb;

use super::*;
use crate::commands::watch::link::Trouble;
use crate::commands::watch::palette::{Depth, Palette};
use crate::commands::watch::samples;
use crate::commands::watch::view::{Away, Seen, Taste};

const SIZES: [(u16, u16); 9] =
    [(80, 24), (200, 60), (40, 15), (120, 40), (36, 10), (300, 12), (37, 90), (20, 5), (1, 1)];

fn drawn(view: &View, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(view, frame)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let row = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>() + "\n";
    (0..area.height).map(row).collect()
}

fn view<'a>(seen: &'a Seen, taste: &'a Taste) -> View<'a> {
    View { seen, taste, address: "127.0.0.1:5767", away_for: None, frozen_for: None }
}

fn shown(seen: &Seen, taste: &Taste, size: (u16, u16)) -> String {
    text(&drawn(&view(seen, taste), size))
}

fn scanning(rows: u32, columns: u32) -> Seen {
    Seen { scan: Some(Ok(samples::scan(rows, columns, rows * columns / 2))), ..samples::seen() }
}

fn suspicious(rows: u32, columns: u32) -> Seen {
    Seen { scan: Some(Ok(samples::suspect_scan(rows, columns, rows * columns / 2))), ..samples::seen() }
}

#[test]
fn no_window_is_too_small_or_too_large_for_any_state() {
    let seen = [
        Seen::default(),
        Seen { status: Some(samples::status()), ..Seen::default() },
        samples::seen(),
        scanning(33, 33),
        suspicious(6, 6),
    ];
    let layouts = [Layout::Auto, Layout::Picture, Layout::Tiles, Layout::Numbers];
    for seen in &seen {
        for (layout, depth) in layouts.iter().flat_map(|l| [Depth::True, Depth::None].map(|d| (*l, d))) {
            for overlay in [Overlay::None, Overlay::Help, Overlay::Reasons] {
                let palette = Palette { depth };
                let taste = Taste { layout, overlay, palette, ..Taste::default() };
                SIZES.iter().for_each(|size| drop(drawn(&view(seen, &taste), *size)));
            }
        }
    }
}

#[test]
fn verdict_rates_and_account_are_there_in_every_usual_window() {
    for size in [(80, 24), (200, 60), (40, 15)] {
        let text = shown(&samples::seen(), &Taste::default(), size);
        for needed in
            ["● Recording: every frame kept", "50.0 fps", "49.8 fps", "12 345", "12 342", "21 ms", "q quit"]
        {
            assert!(text.contains(needed), "{needed} at {size:?}:\n{text}");
        }
    }
}

#[test]
fn a_usual_window_also_has_data_a_curve_and_the_picture() {
    let text = shown(&samples::seen(), &Taste::default(), (80, 24));
    for needed in ["1.02", "1 987", "12.3 nm", "x +12 nm", "▀▀▀▀", "┤ 5 µm", "per µm²", "█"] {
        assert!(text.contains(needed), "{needed}:\n{text}");
    }
}

#[test]
fn a_window_below_the_least_says_so_and_still_counts() {
    let text = shown(&samples::seen(), &Taste::default(), (30, 8));
    assert!(text.contains("36 × 10 or larger") && text.contains("received 12 345"), "{text}");
}

#[test]
fn lost_frames_are_told_by_words_symbol_and_remedy_in_every_window() {
    let mut seen = samples::seen();
    if let Some(account) = seen.series.as_mut().and_then(|series| series.account.as_mut()) {
        account.lost = [("ring_full".to_owned(), 12)].into();
    }
    for size in [(80, 24), (200, 60), (40, 15)] {
        let text = shown(&seen, &Taste::default(), size);
        assert!(text.contains("✖ 12 frames lost"), "{size:?}:\n{text}");
        assert!(text.contains("Take a smaller region"), "{size:?}:\n{text}");
    }
}

#[test]
fn a_lost_connection_is_said_with_how_long_and_the_last_numbers_stay_dimmed() {
    let away =
        Away { since: Instant::now(), trouble: Trouble::Away("connection refused; is it there?".into()) };
    let seen = Seen { away: Some(away), ..samples::seen() };
    let taste = Taste::default();
    let view = View { away_for: Some(Duration::from_secs(12)), ..view(&seen, &taste) };
    let buffer = drawn(&view, (80, 24));
    let text = text(&buffer);
    assert!(text.contains("✖ No connection to 127.0.0.1:5767 for 12 s"), "{text}");
    assert!(text.contains("connection refused") && text.contains("12 345"), "{text}");
    let row = text.lines().position(|line| line.starts_with("received")).unwrap() as u16;
    assert!(buffer[(0, row)].modifier.contains(Modifier::DIM));
    assert!(!buffer[(0, 1)].modifier.contains(Modifier::DIM), "what is true now is not dimmed");
}

#[test]
fn a_scan_of_33_by_33_is_whole_in_a_window_of_80_by_24() {
    let taste = Taste::default();
    let buffer = drawn(&view(&scanning(33, 33), &taste), (80, 24));
    let text = text(&buffer);
    let halves = text.matches('▀').count();
    assert_eq!(halves, 33 * 17, "\n{text}");
    for needed in ["33 × 33 tiles ─", "2 h 5 min left", "1 to take again", "● 1  "] {
        assert!(text.contains(needed), "{needed}:\n{text}");
    }
    let none = Taste { palette: Palette { depth: Depth::None }, ..Taste::default() };
    let text = shown(&scanning(33, 33), &none, (80, 24));
    assert!(
        text.contains("33 × 33 tiles, from 8/0") && text.contains('●'),
        "the latest tile is in sight:\n{text}"
    );
}

#[test]
fn a_small_scan_shows_its_states_as_signs() {
    let text = shown(&scanning(6, 6), &Taste::default(), (80, 24));
    for sign in ["● ", "✕ ", "↻ ", "… ", "· "] {
        assert!(text.contains(sign), "{sign}:\n{text}");
    }
}

#[test]
fn suspect_tiles_say_why_in_usual_windows() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let text = shown(&suspicious(6, 6), &Taste::default(), size);
        assert!(text.contains("? 0/3 3 of 100 frames were lost."), "{size:?}:\n{text}");
    }
}

#[test]
fn only_what_is_shown_is_asked_for() {
    let seen = samples::seen();
    let area = Rect::new(0, 0, 80, 24);
    let with = |taste: &Taste| dots(&view(&seen, taste), area);
    let (across, down) = with(&Taste::default()).unwrap();
    assert!(across >= 24 && down >= 24 && down % 2 == 0, "{across} × {down}");
    assert_eq!(with(&Taste { no_picture: true, ..Taste::default() }), None);
    assert_eq!(with(&Taste { layout: Layout::Numbers, ..Taste::default() }), None);
    assert_eq!(
        dots(&view(&seen, &Taste::default()), Rect::new(0, 0, 50, 24)),
        None,
        "there is no room for it"
    );
}

#[test]
fn without_colours_nothing_is_coloured_and_the_picture_is_characters() {
    let taste = Taste { palette: Palette { depth: Depth::None }, ..Taste::default() };
    let buffer = drawn(&view(&samples::seen(), &taste), (120, 40));
    let coloured = buffer.content.iter().filter(|cell| (cell.fg, cell.bg) != (Color::Reset, Color::Reset));
    assert_eq!(coloured.count(), 0);
    assert!(text(&buffer).contains("+++"), "{}", text(&buffer));
}

#[test]
fn a_screen_that_is_held_still_says_so() {
    let (seen, taste) = (samples::seen(), Taste::default());
    let held = View { frozen_for: Some(Duration::from_secs(5)), ..view(&seen, &taste) };
    let text = text(&drawn(&held, (80, 24)));
    assert!(text.contains("‖ held for 5 s") && text.contains("space go on"), "{text}");
}

#[test]
fn every_reason_is_listed_with_its_remedy_on_demand() {
    let mut seen = samples::seen();
    if let Some(series) = &mut seen.series {
        (series.paused, series.dropped_by_publisher) = (true, 3);
    }
    let taste = Taste { overlay: Overlay::Reasons, ..Taste::default() };
    let text = shown(&seen, &taste, (80, 24));
    for needed in ["✖ 3 frames dropped", "▲ Processing is paused", "give the", "Controls"] {
        assert!(text.contains(needed), "{needed}:\n{text}");
    }
}

#[test]
fn before_the_first_frame_it_says_where_to_send_them() {
    let seen = Seen { status: Some(samples::status()), ..Seen::default() };
    let text = shown(&seen, &Taste::default(), (80, 24));
    assert!(text.contains("○ Waiting for frames on tcp://127.0.0.1:5766"), "{text}");
    assert!(shown(&Seen::default(), &Taste::default(), (80, 24)).contains("Connecting to 127.0.0.1:5767"));
    let answer = pb::DaemonStatus { disk_free_bytes: 1 << 30, ..samples::status() };
    let low = Seen { status: Some(answer), ..samples::seen() };
    assert!(shown(&low, &Taste::default(), (80, 24)).contains("▲ Only 1.00 GiB of disk left"));
}
