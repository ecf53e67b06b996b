//! What the last process left behind: rings with frames in them, journals that were not closed.
//!
//! In: the rings' and the series' folders. Out: every unfinished series, ready to go on where its journal ends.
//! Never: a frame dropped silently; a file that cannot be used is named and left where it is.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crossbeam_channel::Sender;
use smlm::account::{Account, LossReason};
use smlm::frame::{GapCause, Tile};
use smlm::series::SeriesInfo;

use crate::config::Config;
use crate::finish;
use crate::ingest;
use crate::live::{Live, Series, State, TileCount};
use crate::localizer::ToLocalizer;
use crate::picture;
use crate::pipeline::{filter, ring_settings};
use crate::store::journal::{self, JournalReader, JournalWriter};
use crate::store::ring::{self, Policy, Reopened, RingReader, RingWriter};

/// Every unfinished series.
pub struct Recovered {
    found: Vec<Found>,
}

struct Found {
    series: Arc<Series>,
    writer: RingWriter,
    reader: RingReader,
    journal: Option<(JournalWriter, journal::Recovered)>,
}

/// What ingest and the localizer need, once the picture stage has its part.
pub struct Rest {
    lanes: Vec<(Arc<Series>, RingWriter, RingReader, Option<u64>)>,
}

/// Looks for rings and opens them with their journals.
pub fn recover(config: &Config, live: &Live) -> anyhow::Result<Recovered> {
    let settings = ring_settings(config);
    let mut found = Vec::new();
    for path in ring::list(&settings.dir) {
        match recover_one(config, &path, settings.policy) {
            Ok(Some(series)) => {
                live.remember(series.series.clone(), ingest::MAX_REMEMBERED);
                found.push(series);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(ring = %path.display(), error = format!("{error:#}"), "frames that an earlier run received cannot be processed");
                live.set_alarm("an earlier run's frames cannot be processed: see the log", true);
            }
        }
    }
    Ok(Recovered { found })
}

fn recover_one(config: &Config, path: &Path, policy: Policy) -> anyhow::Result<Option<Found>> {
    let (writer, reader, reopened) = ring::reopen(path, policy)?;
    let folder = journal::folder(&config.store.dir, reopened.series);
    let journal = match folder.join(journal::FILE_NAME).is_file() {
        true => Some(JournalWriter::reopen(&folder)?),
        false => None,
    };
    if let Some((_, past)) = &journal
        && let Some((bytes, to)) = &past.set_aside
    {
        tracing::error!(series = %reopened.series, bytes, to = %to.display(), "the journal's end was damaged and is set aside; its frames are processed again where the ring still has them");
    }
    if journal.as_ref().is_some_and(|(_, past)| past.ended.is_some()) {
        reader.remove()?; // the series was closed; only the ring's removal was missing
        return Ok(None);
    }
    // Counting claims the frames; a second opening finds them again.
    let waiting = waiting_by_tile(reader, journal.as_ref().map(|(_, past)| past));
    drop(writer);
    let (writer, reader, _) = ring::reopen(path, policy)?;
    let series = describe(config, &reopened, journal.as_ref().map(|(_, past)| past), &waiting);
    // Copied first: two guards of one lock in one statement would wait for each other for ever.
    let account = series.door().account;
    tracing::info!(
        series = %series.id,
        waiting = account.waiting(),
        processed = account.processed(),
        "an earlier run left this series unfinished: going on"
    );
    Ok(Some(Found { series: Arc::new(series), writer, reader, journal }))
}

fn waiting_by_tile(mut reader: RingReader, past: Option<&journal::Recovered>) -> BTreeMap<u32, (Tile, u64)> {
    let mut waiting = BTreeMap::new();
    while let Some((info, _)) = reader.next() {
        if past.is_some_and(|past| past.last_seq.is_some_and(|last| info.id.seq.0 <= last)) {
            continue;
        }
        waiting.entry(info.tile.index).or_insert((info.tile, 0)).1 += 1;
    }
    waiting
}

/// The series as its accounts stood: what the journal has is processed, what the ring has waits.
fn describe(
    config: &Config,
    ring: &Reopened,
    past: Option<&journal::Recovered>,
    waiting: &BTreeMap<u32, (Tile, u64)>,
) -> Series {
    let info = past.and_then(|past| past.info.clone());
    let info = info.unwrap_or_else(|| SeriesInfo { id: ring.series, ..SeriesInfo::default() });
    let series = Series::new(info, filter(config));
    {
        let mut door = series.door();
        let frames = waiting.values().map(|(_, frames)| frames).sum();
        door.account = Account::recovered(past.map_or(0, |past| past.processed), frames);
        for reason in LossReason::ALL {
            let journaled = past.map_or(0, |past| match reason {
                LossReason::EngineFailed => past.failed,
                _ => past.account.lost[reason],
            });
            door.account.refuse_many(reason, journaled.max(ring.counts.lost[reason]));
        }
        door.next_seq = ring.next_seq;
        let never_came = ring.next_seq.saturating_sub(door.account.received());
        door.account.miss(GapCause::Transport, never_came);
        door.account.miss(GapCause::Camera, past.map_or(0, |past| past.account.missing_camera));
        door.tiles = tiles(past, waiting);
        door.state = State::Receiving;
    }
    series.exit().localizations = past.map_or(0, |past| past.localizations);
    series
}

/// What is done and what waits of each tile.
pub fn tiles(past: Option<&journal::Recovered>, waiting: &BTreeMap<u32, (Tile, u64)>) -> Vec<TileCount> {
    let mut tiles: BTreeMap<u32, TileCount> = BTreeMap::new();
    for done in past.map_or(&[][..], |past| &past.tiles) {
        let mut account = Account::recovered(done.processed, 0);
        account.refuse_many(LossReason::EngineFailed, done.failed);
        tiles.insert(
            done.tile.index,
            TileCount {
                account,
                localizations: done.localizations,
                stage: done.stage,
                visits: 1,
                ..TileCount::new(done.tile)
            },
        );
    }
    for (index, (tile, frames)) in waiting {
        let entry = tiles.entry(*index);
        let count = entry.or_insert(TileCount::new(*tile));
        count.account += Account::recovered(0, *frames);
    }
    tiles.into_values().collect()
}

impl Recovered {
    /// The picture stage's lanes, with their maps drawn again from the journals, and the rest.
    pub fn into_parts(self, settings: &picture::Settings) -> anyhow::Result<(Vec<picture::Lane>, Rest)> {
        let (mut lanes, mut rest) = (Vec::new(), Vec::new());
        for Found { series, writer, reader, journal } in self.found {
            let mut done_through = None;
            if let Some((journal, past)) = journal {
                done_through = past.last_seq;
                let pixel = series.info().pixel_size_or(settings.pixel_size);
                let released = Arc::new(AtomicU64::new(0));
                let mut lane = picture::Lane::around(series.clone(), released, journal, pixel, settings);
                lane.true_for_seq = past.last_seq.unwrap_or(0);
                let folder = journal::folder(&settings.store, series.id);
                let reports = finish::reports(&folder).unwrap_or_default(); // the finish stage says what is wrong
                // Of two reports of one tile the last one counts.
                let reports = reports.into_iter().map(|report| (report.tile.index, report)).collect();
                lane.redraw(JournalReader::open(&folder)?, &reports);
                lanes.push(lane);
            }
            rest.push((series, writer, reader, done_through));
        }
        Ok((lanes, Rest { lanes: rest }))
    }
}

impl Rest {
    /// Gives the localizer its rings; returns ingest's lanes.
    pub fn announce(self, to_localizer: &Sender<ToLocalizer>) -> anyhow::Result<Vec<ingest::Lane>> {
        let announce =
            |(series, writer, reader, done_through): (Arc<Series>, RingWriter, RingReader, Option<u64>)| {
                let lane = ingest::Lane::new(series.clone(), Some(writer));
                to_localizer.send(ToLocalizer::Open { series, reader, done_through })?;
                anyhow::Ok(lane)
            };
        self.lanes.into_iter().map(announce).collect()
    }
}
