//! A state that is told again and again, at most so often.
//!
//! In: a client's interval, a way to say the state. Out: a stream. Never: more than one message under way: a client
//! that does not read makes the watch wait, and then gets the latest.

use std::pin::Pin;
use std::time::Duration;

use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{Permit, Shared};

/// Shorter intervals are read as this.
const SHORTEST_MS: u32 = 50;
/// Where the client does not care.
const USUAL_MS: u32 = 500;

pub type Watch<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// `now` is asked at once and then at every interval; while there is nothing, nothing is sent.
pub fn watch<T: Send + 'static>(
    shared: &Shared,
    permit: Permit,
    interval_ms: u32,
    mut now: impl FnMut() -> Option<T> + Send + 'static,
) -> Watch<T> {
    let interval_ms = if interval_ms == 0 { USUAL_MS } else { interval_ms.max(SHORTEST_MS) };
    let (to, from) = tokio::sync::mpsc::channel(1);
    let stop = shared.stop.clone();
    tokio::spawn(async move {
        let _permit = permit;
        let mut ticks = tokio::time::interval(Duration::from_millis(interval_ms.into()));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
                () = to.closed() => return,
            }
            let Some(message) = now() else { continue };
            if to.send(Ok(message)).await.is_err() {
                return;
            }
        }
    });
    Box::pin(ReceiverStream::new(from))
}
