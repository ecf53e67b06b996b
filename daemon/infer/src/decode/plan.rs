//! All that a field of one shape needs: its tiles, and every buffer, made once.
//!
//! In: the card's geometry, the settings, the open graphs. Out: a [`Plan`] within the memory allowed. Never:
//! a buffer made later.

use std::sync::Mutex;

use smlm::frame::Shape;
use smlm::tiling::{Tile, Tiling};

use super::features::Features;
use super::{DecodeSettings, Station};
use crate::card::{Card, Graphs};
use crate::engine::EngineError;
use crate::graph::Buffer;
use crate::providers::Provider;

/// Fewest feature maps with which a window can run.
const WINDOW: usize = 3;

/// A frame whose features must be computed: which of the windows' frames, which tile, and where to.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameJob {
    pub window: usize,
    /// 0 previous, 1 this, 2 next.
    pub place: usize,
    pub tile: usize,
    pub slot: usize,
}

/// A tile of a window to be computed from features (split graphs) or frames (one graph).
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowJob {
    pub window: usize,
    pub tile: usize,
    pub slots: [usize; WINDOW],
}

/// Buffers and geometry for fields of one shape.
pub(super) struct Plan {
    pub shape: Shape,
    pub tiles: Vec<Tile>,
    /// Of every tile's input.
    pub input: Shape,
    /// One per lane: [1, 1, h, w] for split graphs, [1, window, h, w] for one graph.
    pub inputs: Vec<Mutex<Buffer>>,
    pub features: Features,
    /// [1, 10, h, w] each; as many as one round may have.
    pub outputs: Vec<Buffer>,
    pub frame_jobs: Vec<FrameJob>,
    pub window_jobs: Vec<WindowJob>,
    /// All tiles of a window before the next window; otherwise all windows of a tile before the next tile,
    /// so that the few feature maps that fit serve neighbouring windows.
    pub window_by_window: bool,
    /// For choosing which plan to give up.
    pub used: u64,
}

impl Plan {
    pub fn new(
        shape: Shape,
        card: &Card,
        settings: &DecodeSettings,
        provider: Provider,
        stations: &[Mutex<Station>],
    ) -> Result<Self, EngineError> {
        let network = &card.network;
        let tiling = Tiling::new(shape, settings.core_px, network.halo_px, network.grid_px)?;
        let input = tiling.input_shape();
        let split = matches!(card.graphs, Graphs::Split { .. });
        let count = Count::new(tiling.tiles(), input, card, settings, stations.len())?;
        let (h, w) = (input.height as usize, input.width as usize);
        let channels = if split { 1 } else { network.window_frames as usize };
        let made = |error: ort::Error| EngineError::Buffers { message: error.to_string() };
        let host = |channels: usize| Buffer::on_host([1, channels, h, w]).map_err(made);
        let features = || -> Result<Buffer, EngineError> {
            let channels = network.features as usize;
            let station = stations[0].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match (&station.frame, provider.on_device()) {
                (Some(graph), true) => {
                    Buffer::on_device(graph, settings.providers.device, [1, channels, h, w]).map_err(made)
                }
                _ => host(channels),
            }
        };
        Ok(Self {
            shape,
            tiles: tiling.iter().collect(),
            input,
            inputs: stations.iter().map(|_| host(channels).map(Mutex::new)).collect::<Result<_, _>>()?,
            features: Features::new((0..count.features).map(|_| features()).collect::<Result<_, _>>()?),
            outputs: (0..count.outputs).map(|_| host(10)).collect::<Result<_, _>>()?,
            frame_jobs: Vec::with_capacity(count.features),
            window_jobs: Vec::with_capacity(count.outputs),
            window_by_window: count.window_by_window,
            used: 0,
        })
    }
}

/// How many buffers of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    features: usize,
    outputs: usize,
    window_by_window: bool,
}

impl Count {
    /// As many as a full batch can use, fewer where the memory allowed says so.
    fn new(
        tiles: usize,
        input: Shape,
        card: &Card,
        settings: &DecodeSettings,
        lanes: usize,
    ) -> Result<Self, EngineError> {
        let plane = input.pixels() * size_of::<f32>();
        let split = matches!(card.graphs, Graphs::Split { .. });
        let (per_feature, per_output) = (plane * card.network.features as usize, plane * 10);
        let fewest = if split { WINDOW } else { 0 };
        let channels = if split { 1 } else { card.network.window_frames as usize };
        let fixed = plane * channels * lanes;
        let needed = fixed + fewest * per_feature + per_output;
        let Some(spare) = settings.memory_bytes.checked_sub(needed) else {
            let (needed_mib, allowed_mib) = (needed.div_ceil(1 << 20), settings.memory_bytes >> 20);
            let Shape { width, height } = input;
            return Err(EngineError::Memory { width, height, needed_mib, allowed_mib });
        };
        // A quarter for outputs: they only live through a round, features live through batches.
        let outputs = (1 + spare / 4 / per_output).min(settings.max_batch * tiles);
        if !split {
            let outputs = (1 + spare / per_output).min(settings.max_batch * tiles);
            return Ok(Self { features: 0, outputs, window_by_window: true });
        }
        let all = (settings.max_batch + WINDOW - 1) * tiles;
        let features = (fewest + (spare - (outputs - 1) * per_output) / per_feature).min(all.max(fewest));
        Ok(Self { features, outputs, window_by_window: features >= all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(side: u32, tiles: usize, memory_mib: usize) -> Result<Count, EngineError> {
        let text = include_str!("../../tests/fixtures/tiny-split/card.toml");
        let card = Card::read("card.toml", text).unwrap();
        let settings = DecodeSettings { max_batch: 4, memory_bytes: memory_mib << 20, ..Default::default() };
        Count::new(tiles, Shape { width: side, height: side }, &card, &settings, 2)
    }

    #[test]
    fn a_small_field_gets_all_that_a_full_batch_uses() {
        let expected = Count { features: 6, outputs: 4, window_by_window: true };
        assert_eq!(count(64, 1, 64).unwrap(), expected);
    }

    #[test]
    fn memory_is_never_more_than_allowed() {
        // 512 x 512: 1 MiB a plane, 4 MiB features, 10 MiB output, 2 MiB inputs.
        for allowed in [24, 30, 60, 100, 300, 1000] {
            let count = count(512, 16, allowed).unwrap();
            assert!(2 + 4 * count.features + 10 * count.outputs <= allowed, "{allowed}: {count:?}");
            assert!(count.features >= 3 && count.outputs >= 1);
        }
        let error = count(512, 16, 23).unwrap_err().to_string();
        assert!(error.contains("24 MiB") && error.contains("model.memory_mib"), "{error}");
    }
}
