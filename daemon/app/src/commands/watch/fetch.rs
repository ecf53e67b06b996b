//! Asks the daemon, again and again.
//!
//! In: what somebody wants to see. Out: the latest answers. Never: two requests of one kind at once; a queue: what comes
//! late replaces what came before; a question to a daemon that does not answer more often than every few seconds.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tonic::Code;
use wire::pb;

use super::link::{Link, Trouble};
use super::mosaic::Mosaic;
use super::view::{Away, Seen};

/// What somebody wants to see now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wish {
    /// None: the newest series.
    pub series: Option<Vec<u8>>,
    pub colour_by: pb::ColourBy,
    /// Dots that the picture may have in each direction; none: it is not shown.
    pub dots: Option<(u32, u32)>,
}

/// After an error the pause doubles up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// A scan may have thousands of tiles, a list a thousand series: not asked for more often than this.
const TILES_EVERY: Duration = Duration::from_secs(1);
const LIST_EVERY: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Asker {
    link: Link,
    wish: watch::Receiver<Wish>,
    seen: watch::Sender<Seen>,
}

/// Asks until it is dropped: one question of each kind at a time.
pub async fn run(link: &Link, wish: watch::Receiver<Wish>, seen: watch::Sender<Seen>, interval: Duration) {
    let asker = Asker { link: link.clone(), wish, seen };
    tokio::join!(
        asker.clone().numbers(interval),
        asker.clone().list(interval.max(LIST_EVERY)),
        asker.clone().scan(interval.max(TILES_EVERY)),
        asker.clone().statistics(interval),
        asker.picture(interval),
    );
}

/// Everything once, but the picture.
pub async fn once(link: &Link, series: Option<&[u8]>) -> Result<Seen, Trouble> {
    let status = Some(link.status().await?);
    let series = link.series(series.unwrap_or_default()).await?;
    let mut seen = Seen { status, series, ..Seen::default() };
    if seen.series.is_some() {
        let id = seen.series_id().to_vec();
        let (scan, statistics) = tokio::join!(link.scan(&id), link.statistics(&id));
        seen.scan = said(scan)?.transpose();
        seen.statistics = said(statistics.map(Some))?.transpose();
    }
    Ok(seen)
}

/// What the daemon refuses is said in its place; a daemon that is away is an error.
fn said<T>(answer: Result<Option<T>, Trouble>) -> Result<Result<Option<T>, String>, Trouble> {
    match answer {
        Err(Trouble::Refused(_, why)) => Ok(Err(why)),
        other => other.map(Ok),
    }
}

impl Asker {
    /// Status and series: whether the daemon is there is decided here.
    async fn numbers(mut self, interval: Duration) {
        let mut pause = interval;
        loop {
            let wished = self.wish.borrow_and_update().series.clone();
            let asked = async {
                let status = self.link.status().await?;
                Ok((status, self.link.series(wished.as_deref().unwrap_or_default()).await?))
            };
            match asked.await {
                Ok((status, series)) => {
                    pause = interval;
                    self.seen.send_modify(|seen| {
                        (seen.status, seen.away) = (Some(status), None);
                        seen.show(series);
                    });
                }
                Err(trouble) => {
                    pause = (2 * pause).clamp(interval, LONGEST_PAUSE.max(interval));
                    self.seen.send_modify(|seen| {
                        let since = seen.away.as_ref().map_or_else(Instant::now, |away| away.since);
                        seen.away = Some(Away { since, trouble });
                    });
                }
            }
            if self.wait(pause, None).await.is_none() {
                return;
            }
        }
    }

    async fn list(self, interval: Duration) {
        let ask = async |asker: &Self, _: &[u8]| {
            if let Ok(known) = asker.link.known().await {
                asker.seen.send_modify(|seen| seen.known = known);
            }
        };
        self.keep(interval, ask).await;
    }

    async fn scan(self, interval: Duration) {
        let ask = async |asker: &Self, id: &[u8]| {
            let scan = asker.link.scan(id).await;
            asker.put(id, scan, |seen, scan| seen.scan = scan);
        };
        self.keep(interval, ask).await;
    }

    async fn statistics(self, interval: Duration) {
        let ask = async |asker: &Self, id: &[u8]| {
            let statistics = asker.link.statistics(id).await.map(Some);
            asker.put(id, statistics, |seen, statistics| seen.statistics = statistics);
        };
        self.keep(interval, ask).await;
    }

    async fn picture(self, interval: Duration) {
        let mut mosaic = Mosaic::default();
        let ask = async |asker: &Self, id: &[u8]| {
            let wish = asker.wish.borrow().clone();
            let Some(dots) = wish.dots else { return };
            let instance = asker.seen.borrow().status.as_ref().map_or(0, |status| status.instance);
            mosaic.aim(instance, id, wish.colour_by);
            let picture = mosaic.ask(&asker.link, dots).await;
            asker.put(id, picture.map(Some), |seen, picture| seen.picture = picture);
        };
        self.keep(interval, ask).await;
    }

    /// Asks about the series that is shown: every `interval`, and at once when another one is shown.
    async fn keep(mut self, interval: Duration, mut ask: impl AsyncFnMut(&Self, &[u8])) {
        let mut asked = Vec::new();
        while let Some(id) = self.wait(interval, Some(&asked)).await {
            self.wish.mark_unchanged();
            let answers = self.seen.borrow().away.is_none();
            if answers && !id.is_empty() {
                ask(&self, &id).await;
            }
            asked = id;
        }
    }

    /// Until `pause` is over, the wish changes or another series is shown than `asked` about. The shown series' id; `None`
    /// when nobody is there any more.
    async fn wait(&mut self, pause: Duration, asked: Option<&[u8]>) -> Option<Vec<u8>> {
        let mut seen = self.seen.subscribe();
        let other = async {
            match asked {
                Some(asked) => drop(seen.wait_for(|seen| seen.series_id() != asked).await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = other => {}
            changed = self.wish.changed() => changed.ok()?,
        }
        Some(self.seen.borrow().series_id().to_vec())
    }

    /// Keeps an answer, unless another series is shown by now.
    fn put<T>(
        &self,
        id: &[u8],
        answer: Result<Option<T>, Trouble>,
        put: impl FnOnce(&mut Seen, super::view::Answer<T>),
    ) {
        // A daemon that is away is noticed and said elsewhere, one that is busy is asked again; what was seen last stays.
        if matches!(&answer, Err(Trouble::Refused(Code::Unavailable, _))) {
            return;
        }
        let Ok(answer) = said(answer) else { return };
        self.seen.send_if_modified(|seen| {
            let shown = seen.series_id() == id;
            if shown {
                put(seen, answer.transpose());
            }
            shown
        });
    }
}
