//! The end of the daemon: stages are waited for in the order of the data.
//!
//! In: a daemon whose input has ended, and how long it may take. Out: nothing that still runs, or what did not end. Never: a
//! wait beyond the limit for anything but the input.

use std::thread::JoinHandle;
use std::time::Duration;

use super::{Daemon, PAINTING, Server};

impl Daemon {
    /// Waits until the input has ended and everything is drained. The input ends by itself (a file), or
    /// because whoever holds its stop let go.
    pub fn join(mut self, limit: Duration) -> anyhow::Result<()> {
        let deadline = std::time::Instant::now() + limit;
        let mut failed = None;
        // In the order of the data: ingest was started last.
        while let Some((name, stage)) = self.stages.pop() {
            if !finished_by(&stage, (name != "ingest").then_some(deadline)) {
                self.live.leave_as_it_is();
                if name == PAINTING {
                    tracing::info!(
                        "tiles of a scan that are not painted yet are painted after the next start"
                    );
                    let _ = stage.join(); // it looks up after each window
                    continue;
                }
                let rest = match name {
                    "finish" => "tiles of a scan that are not finished are finished",
                    _ => "what waits is in the frame ring and is processed",
                };
                anyhow::bail!(
                    "the {name} stage did not finish within {} s; {rest} at the next start",
                    limit.as_secs()
                );
            }
            match stage.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => failed = failed.or(Some(error)),
                Err(_) => {
                    failed = failed.or(Some(anyhow::anyhow!("the {name} stage panicked: this is a bug")))
                }
            }
        }
        self.crew.close();
        self.easel = None;
        for helper in self.helpers.drain(..) {
            let _ = helper.join(); // a panic there has failed its batch and was reported
        }
        if let Some(server) = self.server.take() {
            server.end();
        }
        failed.map_or(Ok(()), Err)
    }
}

/// Polls, because a thread cannot be joined with a limit. `None`: as long as it takes.
fn finished_by(stage: &JoinHandle<anyhow::Result<()>>, deadline: Option<std::time::Instant>) -> bool {
    let Some(deadline) = deadline else { return true };
    let tick = crossbeam_channel::tick(Duration::from_millis(5));
    while !stage.is_finished() {
        if std::time::Instant::now() > deadline {
            return false;
        }
        let _ = tick.recv();
    }
    true
}

impl Server {
    fn end(self) {
        self.stop.cancel();
        let Self { runtime, task, .. } = self;
        let ended = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(5), task).await });
        match ended {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::error!(%error, "serving ended badly"),
            Ok(Err(error)) => tracing::error!(%error, "serving ended badly"),
            Err(_) => tracing::warn!("a client held its stream open for 5 s and was cut"),
        }
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
}
