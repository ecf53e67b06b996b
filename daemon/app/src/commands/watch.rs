//! `blinkd watch`: a daemon in the terminal, also over ssh, and for scripts.
//!
//! In: a daemon's answers (`proto/blinkd/v1`), keys. Out: a screen; with `--once` a text, with `--json` lines of JSON.
//! Never: a request that changes anything in the daemon.

pub mod fetch;
pub mod json;
mod keys;
pub mod link;
mod live;
mod losses;
mod mosaic;
mod numbers;
pub mod palette;
#[cfg(test)]
mod samples;
mod screen;
mod summary;
mod terminal;
pub mod verdict;
pub mod view;

use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use smlm::frame::SeriesId;

use self::link::{Link, Place, Trouble};
use self::view::{Seen, Taste};
use super::Failure;

/// Example: blinkd watch --address 127.0.0.1:5767
#[derive(Args)]
#[command(after_long_help = after_help())]
pub struct Options {
    #[command(flatten)]
    place: Place,
    /// Show this series; else the newest, whichever it is.
    #[arg(long, value_name = "32 HEX DIGITS")]
    series: Option<SeriesId>,
    /// Between two questions to the daemon, and at least between two drawings, ms.
    #[arg(long, default_value_t = 500, value_name = "MS", value_parser = clap::value_parser!(u64).range(100..=60_000))]
    interval_ms: u64,
    /// Say once how it is, and end.
    #[arg(long)]
    once: bool,
    /// One JSON object instead of the screen; without --once one per interval.
    #[arg(long)]
    json: bool,
    /// Leave the picture out: less to send over a slow line.
    #[arg(long)]
    no_picture: bool,
    /// Colours of the terminal.
    #[arg(long, value_enum, default_value_t, value_name = "DEPTH")]
    colour: palette::Choice,
}

fn after_help() -> String {
    format!(
        "Examples:
  blinkd watch                                  the daemon on this machine
  ssh -t microscope blinkd watch                that on another one
  blinkd watch --once --json | jq .series.account

Exit codes: 0 done; 1 the daemon does not answer, or refuses; 2 wrong command line, or no terminal;
3 with --once: frames of the series are lost, missing or were dropped by the publisher.

{}",
        json::ABOUT
    )
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let link = Link::new(&options.place)?;
        match (options.once, options.json) {
            (true, json) => once(options, &link, json).await,
            (false, true) => lines(options, &link).await,
            (false, false) => {
                let interval = Duration::from_millis(options.interval_ms);
                live::run(&link, &options.place.address, options.taste(), interval).await
            }
        }
    })
}

impl Options {
    fn taste(&self) -> Taste {
        Taste {
            no_picture: self.no_picture,
            palette: palette::Palette { depth: self.colour.depth(|name| std::env::var(name).ok()) },
            series: self.series_id().map(<[u8]>::to_vec),
            ..Taste::default()
        }
    }

    fn series_id(&self) -> Option<&[u8]> {
        self.series.as_ref().map(|id| &id.0[..])
    }
}

async fn once(options: &Options, link: &Link, as_json: bool) -> Result<(), Failure> {
    let address = &options.place.address;
    let seen = match fetch::once(link, options.series_id()).await {
        Ok(seen) => seen,
        Err(trouble) => {
            if as_json {
                println!("{}", json::away(address, trouble.text()));
            }
            return Err(failure(address, &trouble));
        }
    };
    if as_json {
        println!("{}", json::object(address, &seen));
    } else {
        println!("{}", summary::text(address, &seen));
    }
    lossless(&seen)
}

fn failure(address: &str, trouble: &Trouble) -> Failure {
    Failure::Error(match trouble {
        Trouble::Away(why) => anyhow::anyhow!("no connection to {address}: {why}"),
        Trouble::Refused(_, why) => anyhow::anyhow!("the daemon at {address} refuses: {why}"),
    })
}

fn lossless(seen: &Seen) -> Result<(), Failure> {
    match seen.series.as_ref().map_or(0, verdict::gone) {
        0 => Ok(()),
        gone => Err(Failure::Loss(format!(
            "{} frames of the series are lost, missing or were dropped by the publisher",
            numbers::count(gone)
        ))),
    }
}

/// A line per interval, until nobody reads them any more.
async fn lines(options: &Options, link: &Link) -> Result<(), Failure> {
    let address = &options.place.address;
    let mut tick = tokio::time::interval(Duration::from_millis(options.interval_ms));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let said = match fetch::once(link, options.series_id()).await {
            Ok(seen) => json::object(address, &seen),
            Err(trouble) => json::away(address, trouble.text()),
        };
        let mut out = std::io::stdout().lock();
        match writeln!(out, "{said}").and_then(|()| out.flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.context("standard output")?,
        }
    }
}
