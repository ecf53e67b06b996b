//! One call of the engine: windows in, localizations of one batch out.
//!
//! In: windows that wait in a lane, the engine, the rule. Out: localizations in the batch, sorted by frame, y and x.
//! Never: a choice of what runs next.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use infer::{Engine, EngineError, Output};
use smlm::localization::{Filter, Localization};
use smlm::localize::{BadTensor, OutputScale, Rule, localize};

use super::{Batch, Lane, MAX_BATCH};

/// How emitters are read off the network's output.
pub struct How<'a> {
    pub scale: &'a OutputScale,
    pub rule: Rule,
    pub filter: &'a Filter,
}

/// Runs the network over the first `windows` pending windows and reads the emitters off its output.
pub fn run(
    lane: &Lane,
    windows: usize,
    engine: &mut dyn Engine,
    how: &How<'_>,
    batch: &mut Batch,
) -> Result<Duration, Failed> {
    let first = lane.window(0);
    let mut refs = [first; MAX_BATCH];
    for (at, place) in refs.iter_mut().enumerate().take(windows).skip(1) {
        *place = lane.window(at);
    }
    let found = &mut batch.localizations;
    let (mut not_finite, mut bad, mut localizing) = (0, None, Duration::ZERO);
    engine.run(&refs[..windows], &mut |at, output| {
        let info = &lane.pending[at].this;
        let began = Instant::now();
        match output {
            Output::Decode(tensor) => match localize(&tensor, how.scale, how.rule, how.filter, info, found) {
                Ok(kept) => not_finite += kept.not_finite,
                Err(error) => bad = Some(error),
            },
            Output::Found(localizations) => found.extend(
                localizations
                    .iter()
                    .map(|l| Localization { frame: info.id.seq.0 as u32, tile: info.tile.index, ..*l })
                    .filter(|l| how.filter.keeps(l)),
            ),
        }
        localizing += began.elapsed();
    })?;
    if let Some(error) = bad {
        return Err(Failed::Tensor(error));
    }
    if not_finite > 0 {
        tracing::warn!(series = %lane.series.id, not_finite, "the network gave values that are not numbers");
    }
    // Lanes and tiles finish in any order; what is journaled must not depend on it.
    let place = |l: &Localization| (l.frame, l.y_px, l.x_px);
    found.sort_unstable_by(|a, b| place(a).partial_cmp(&place(b)).unwrap_or(Ordering::Equal));
    Ok(localizing)
}

/// Why frames of a batch were not localized.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Tensor(#[from] BadTensor),
}
