//! The loop of the screen: keys, signals, answers, and the next drawing.
//!
//! In: a connection, what somebody wants to see. Out: a screen, until a key or a signal ends it. Never: more drawings
//! than one per interval and key; a terminal that stays as it was made.

use std::pin::pin;
use std::time::Duration;

use anyhow::Context as _;
use crossterm::event::{Event, EventStream};
use ratatui::layout::Rect;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_stream::StreamExt as _;

use super::fetch::{self, Wish};
use super::keys::{self, Order};
use super::link::Link;
use super::screen;
use super::terminal::Screen;
use super::view::{Seen, Taste, View};
use crate::commands::Failure;

/// Clocks on the screen go on, also when nothing comes.
const CLOCK: Duration = Duration::from_secs(1);

struct Held {
    since: Instant,
    seen: Seen,
}

struct Watching<'a> {
    address: &'a str,
    taste: Taste,
    held: Option<Held>,
    wish: watch::Sender<Wish>,
    seen: watch::Receiver<Seen>,
}

/// Watches until told to stop.
pub async fn run(link: &Link, address: &str, taste: Taste, interval: Duration) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let mut screen = Screen::open(taste.palette.depth)?;
    let (wish, wished) = watch::channel(Wish { series: taste.series.clone(), ..Wish::default() });
    let (answers, seen) = watch::channel(Seen::default());
    let mut asking = pin!(fetch::run(link, wished, answers, interval));
    let mut watching = Watching { address, taste, held: None, wish, seen };
    let mut keys = EventStream::new();
    let mut due = Instant::now();
    loop {
        watching.draw(&mut screen)?;
        tokio::select! {
            event = keys.next() => match event {
                Some(Ok(event)) => if watching.take(&event) == Some(Order::Quit) { return Ok(()) },
                Some(Err(error)) => return Err(anyhow::Error::new(error).context("no keys can be read").into()),
                None => return Ok(()),
            },
            () = next_answer(&mut watching.seen, due) => due = Instant::now() + interval,
            () = &mut asking => return Ok(()),
            () = signals.any() => return Ok(()),
        }
    }
}

/// When there is something new to show, not before `due`.
async fn next_answer(seen: &mut watch::Receiver<Seen>, due: Instant) {
    tokio::time::sleep_until(due).await;
    let _ = tokio::time::timeout(CLOCK, seen.changed()).await;
}

impl Watching<'_> {
    fn draw(&mut self, screen: &mut Screen) -> Result<(), Failure> {
        let seen = self.seen.borrow();
        let view = view(self.address, &self.taste, self.held.as_ref(), &seen);
        let area = screen.area();
        let wish = self.wish_for(&view, area);
        screen.draw(|frame| screen::draw(&view, frame))?;
        self.wish.send_if_modified(|now| {
            let differs = *now != wish;
            *now = wish;
            differs
        });
        Ok(())
    }

    /// Only what is shown is asked for.
    fn wish_for(&self, view: &View, area: Rect) -> Wish {
        Wish {
            series: self.taste.series.clone(),
            colour_by: self.taste.colour_by,
            dots: screen::dots(view, area),
        }
    }

    fn take(&mut self, event: &Event) -> Option<Order> {
        let Event::Key(key) = event else { return Some(Order::Draw) };
        let order = keys::press(key, &mut self.taste, &self.seen.borrow())?;
        if order == Order::Hold {
            self.held = match self.held.take() {
                Some(_) => None,
                None => Some(Held { since: Instant::now(), seen: self.seen.borrow().clone() }),
            };
        }
        Some(order)
    }
}

fn view<'a>(address: &'a str, taste: &'a Taste, held: Option<&'a Held>, seen: &'a Seen) -> View<'a> {
    let shown = held.map_or(seen, |held| &held.seen);
    View {
        seen: shown,
        taste,
        address,
        away_for: shown.away.as_ref().map(|away| away.since.elapsed()),
        frozen_for: held.map(|held| held.since.elapsed()),
    }
}

/// Whatever asks a program to end.
struct Signals([Signal; 3]);

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("signals cannot be listened to");
        Ok(Self([on(SignalKind::terminate())?, on(SignalKind::interrupt())?, on(SignalKind::hangup())?]))
    }

    async fn any(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
