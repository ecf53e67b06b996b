//! Is all well? One lamp with its reasons. Pure.
//!
//! In: what the daemon says of itself and of a series. Out: the worst of all reasons first, each with a remedy. Never: a
//! colour without words; the web viewer says the same in the same words.

use wire::pb;

use super::losses;
use super::numbers::{bytes, count, duration};

/// How a reason is meant, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Light {
    Trouble,
    Attention,
    Good,
    Idle,
}

impl Light {
    pub fn name(self) -> &'static str {
        match self {
            Self::Trouble => "trouble",
            Self::Attention => "attention",
            Self::Good => "good",
            Self::Idle => "idle",
        }
    }

    /// Told apart without colours.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Trouble => "✖",
            Self::Attention => "▲",
            Self::Good => "●",
            Self::Idle => "○",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    pub light: Light,
    pub what: String,
    pub remedy: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub light: Light,
    pub headline: String,
    /// The worst first; none when all is well.
    pub reasons: Vec<Reason>,
}

/// Less than this is soon full.
pub const DISK_LOW_BYTES: u64 = 10 << 30;
/// Fewer waiting frames are the network's normal stride.
const WAITING_FEW: u64 = 16;
/// Less work than this is no falling behind.
const BEHIND_S: f64 = 1.0;

pub fn total<'a>(numbers: impl IntoIterator<Item = &'a u64>) -> u64 {
    numbers.into_iter().fold(0, |sum, frames| sum.saturating_add(*frames))
}

/// Frames that are gone: lost here, missing, dropped by the publisher.
pub fn gone(series: &pb::Acquisition) -> u64 {
    let account = series.account.clone().unwrap_or_default();
    total(account.lost.values()) + total(account.missing.values()) + series.dropped_by_publisher
}

pub fn verdict(status: &pb::DaemonStatus, series: Option<&pb::Acquisition>) -> Verdict {
    let mut reasons = of_daemon(status);
    if let Some(series) = series {
        reasons.extend(of_series(series, status));
    }
    reasons.sort_by_key(|reason| reason.light);
    let (light, headline) = match reasons.first() {
        Some(worst) => (worst.light, worst.what.clone()),
        None => calm(status, series),
    };
    Verdict { light, headline, reasons }
}

fn calm(status: &pb::DaemonStatus, series: Option<&pb::Acquisition>) -> (Light, String) {
    let Some(series) = series else {
        return (Light::Idle, format!("Waiting for frames on {}", status.frame_endpoint));
    };
    let account = series.account.clone().unwrap_or_default();
    let text = match series.state() {
        pb::SeriesState::Receiving => "Recording: every frame kept".into(),
        pb::SeriesState::Draining => {
            format!("Series ended; {} frames still to process", count(account.waiting))
        }
        _ => format!("Series complete: all {} frames processed", count(account.processed)),
    };
    (Light::Good, text)
}

fn of_daemon(status: &pb::DaemonStatus) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let store = if status.store_dir.is_empty() { "the store's folder" } else { &status.store_dir };
    if status.disk_full {
        reasons.push(Reason {
            light: Light::Trouble,
            what: "Disk full".into(),
            remedy: format!("Nothing more can be kept: free space in {store}."),
        });
    } else if status.disk_free_bytes > 0 && status.disk_free_bytes < DISK_LOW_BYTES {
        reasons.push(Reason {
            light: Light::Attention,
            what: format!("Only {} of disk left", bytes(status.disk_free_bytes)),
            remedy: format!("Free space in {store} before a long recording."),
        });
    }
    for alarm in &status.alarms {
        let (what, remedy) = alarm.split_once(": ").unwrap_or((alarm, ""));
        reasons.push(Reason { light: Light::Trouble, what: what.into(), remedy: remedy.into() });
    }
    let bad = total(status.bad_messages.values());
    if bad > 0 {
        reasons.push(Reason {
            light: Light::Attention,
            what: format!("{} bad messages refused on the frame socket", count(bad)),
            remedy: format!(
                "{}. Something sends what is no frame: check the publisher's version.",
                listed(&status.bad_messages)
            ),
        });
    }
    reasons
}

/// "ring full 10, shape changed 2": by name, so that it stays where it is.
pub fn listed(numbers: &std::collections::HashMap<String, u64>) -> String {
    let mut names: Vec<_> = numbers.iter().filter(|(_, frames)| **frames > 0).collect();
    names.sort_unstable();
    let texts = names.into_iter().map(|(name, frames)| format!("{} {}", losses::name(name), count(*frames)));
    texts.collect::<Vec<_>>().join(", ")
}

fn of_series(series: &pb::Acquisition, status: &pb::DaemonStatus) -> Vec<Reason> {
    let account = series.account.clone().unwrap_or_default();
    let mut reasons = of_account(&account);
    reasons.extend(behind(series, &account, status));
    if series.dropped_by_publisher > 0 {
        reasons.push(Reason {
            light: Light::Trouble,
            what: format!("{} frames dropped by the publisher", count(series.dropped_by_publisher)),
            remedy: "Its queue was full: the daemon was away or too slow. Keep it running, and give the \
                     publisher more room."
                .into(),
        });
    }
    if series.paused {
        reasons.push(Reason {
            light: Light::Attention,
            what: "Processing is paused".into(),
            remedy: "Frames wait in the ring and are lost once it is full. Resume it in the web viewer, \
                     under Controls."
                .into(),
        });
    }
    let own = series.warnings.iter().filter(|warning| !status.alarms.contains(warning));
    reasons.extend(own.map(|warning| Reason {
        light: Light::Attention,
        what: first_clause(warning),
        remedy: warning.clone(),
    }));
    reasons
}

/// A warning is a whole sentence; its beginning will do for a headline.
fn first_clause(text: &str) -> String {
    let end = [": ", "; ", ". "].iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len());
    text[..end].to_owned()
}

fn of_account(account: &pb::FrameAccount) -> Vec<Reason> {
    let reason = |frames: u64, how: &str, words: losses::Words| Reason {
        light: Light::Trouble,
        what: format!("{} frames {how}: {}", count(frames), words.what),
        remedy: words.remedy.into(),
    };
    let lost = account.lost.iter().map(|(name, frames)| (*frames, name, "lost", losses::lost(name)));
    let missing =
        account.missing.iter().map(|(name, frames)| (*frames, name, "missing", losses::missing(name)));
    let mut gone: Vec<_> = lost.chain(missing).filter(|(frames, ..)| *frames > 0).collect();
    gone.sort_by_key(|(frames, name, ..)| (std::cmp::Reverse(*frames), *name));
    gone.into_iter().map(|(frames, _, how, words)| reason(frames, how, words)).collect()
}

fn behind(series: &pb::Acquisition, account: &pb::FrameAccount, status: &pb::DaemonStatus) -> Option<Reason> {
    let seconds = account.waiting as f64 / series.processed_fps.max(0.1);
    if series.state() != pb::SeriesState::Receiving || series.paused {
        return None;
    }
    if account.waiting <= WAITING_FEW || seconds <= BEHIND_S {
        return None;
    }
    let full = ring_frames(series, status).and_then(|room| {
        let growing = series.received_fps - series.processed_fps;
        (growing > 0.5).then(|| room.saturating_sub(account.waiting) as f64 / growing)
    });
    let until = full.map_or(String::new(), |s| format!("; ring full in about {}", duration(s)));
    Some(Reason {
        light: Light::Attention,
        what: format!(
            "Behind the camera: {} frames wait, {} of work{until}",
            count(account.waiting),
            duration(seconds)
        ),
        remedy: format!("They are processed after the burst, until the ring is full. {}", losses::WHEN_SLOW),
    })
}

/// How many frames the ring of a series has room for, about: of 16 bits, the widest that are taken.
pub fn ring_frames(series: &pb::Acquisition, status: &pb::DaemonStatus) -> Option<u64> {
    let config: toml::Table = status.effective_config_toml.parse().ok()?;
    let mib = config.get("ring")?.get("mib")?.as_integer()?;
    let frame = 2 * u64::from(series.width_px) * u64::from(series.height_px);
    (u64::try_from(mib).ok()? << 20).checked_div(frame)
}

#[cfg(test)]
#[path = "verdict/tests.rs"]
mod tests;
