//! The terminal: taken over, drawn to, and given back as it was.
//!
//! In: a picture of the screen. Out: only the cells that changed. Never: a terminal left in raw mode, on the other screen
//! or without a cursor, however the program ends (but by SIGKILL).

use std::io::{IsTerminal as _, Stdout, Write as _};

use anyhow::Context as _;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{cursor, execute};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal};

use super::palette::Depth;
use crate::commands::Failure;

pub struct Screen(Terminal<CrosstermBackend<Stdout>>);

impl Screen {
    pub fn open(depth: Depth) -> Result<Self, Failure> {
        if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
            return Err(Failure::Usage(
                "standard input and output are no terminal; for scripts use --once, --once --json or --json \
                 (over ssh: ssh -t)"
                    .into(),
            ));
        }
        give_back_on_panic();
        // Whether colours are shown was decided by --colour, which obeys NO_COLOR.
        crossterm::style::force_color_output(depth != Depth::None);
        // From here on dropping gives back, also when only half of it succeeded.
        let screen = Self(Terminal::new(CrosstermBackend::new(std::io::stdout())).context("the terminal")?);
        crossterm::terminal::enable_raw_mode().context("the terminal cannot be switched to single keys")?;
        execute!(std::io::stdout(), EnterAlternateScreen, cursor::Hide).context("the terminal")?;
        Ok(screen)
    }

    /// Writes what changed since the last time, in one go where the terminal knows how.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame)) -> anyhow::Result<()> {
        execute!(std::io::stdout(), BeginSynchronizedUpdate).context("the terminal is gone")?;
        self.0.draw(draw).context("the terminal is gone")?;
        execute!(std::io::stdout(), EndSynchronizedUpdate).context("the terminal is gone")?;
        Ok(())
    }

    pub fn area(&self) -> Rect {
        self.0.size().map_or(Rect::ZERO, |size| Rect::from((ratatui::layout::Position::ORIGIN, size)))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// As often as it is called; a terminal that is gone needs nothing back.
fn give_back() {
    let mut out = std::io::stdout();
    let _ = execute!(out, EndSynchronizedUpdate, LeaveAlternateScreen, cursor::Show);
    let _ = out.flush();
    let _ = crossterm::terminal::disable_raw_mode();
}

/// A panic's message belongs on the screen that stays.
fn give_back_on_panic() {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        give_back();
        say(panic);
    }));
}
