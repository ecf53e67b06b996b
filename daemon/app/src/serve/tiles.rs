//! Tiles on demand, and pictures of any size put together from them.
//!
//! In: what a viewer shows. Out: tiles that changed, encoded; or one picture. Never: more of the picture stage's time
//! than its budget for drawing: what there was no time for is asked for again a little later.

use std::time::{Duration, Instant};

use smlm::frame::SeriesId;
use smlm::map::{LEVELS, TILE_PX, TileIndex};
use smlm::render::{Look, Tone};
use tokio::sync::oneshot;
use tonic::Status;
use wire::files::png;
use wire::pb;

use super::layers::{self, Layer};
use super::preview::refused;
use super::{Shared, convert, redraw};
use crate::desk::{self, DrawnTiles, Pixels, Refused};

/// Tiles in one request.
const WANTED_MAX: usize = 256;
/// An answer has at most so much and one tile: a client's usual limit for a message is 4 MiB.
const ANSWER_BYTES: usize = 3 << 20;
/// Between two questions for what there was no time for.
const AGAIN: Duration = Duration::from_millis(40);
/// After so long a client gets what there is, even if it is nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the picture stage is asked for, but the tiles.
#[derive(Clone, Copy)]
pub struct Wish {
    pub series: Option<SeriesId>,
    pub look: Look,
    pub layer: Layer,
    pub level: u32,
    pub generation: u64,
    pub tone: Option<Tone>,
    pub values: bool,
}

/// Asks whoever draws the layer.
pub async fn ask(shared: &Shared, wish: &Wish, wanted: Vec<(TileIndex, u64)>) -> Result<DrawnTiles, Status> {
    if wish.layer == Layer::Localizations {
        return ask_stage(shared, wish, wanted).await;
    }
    let about = ask_stage(shared, wish, Vec::new()).await?;
    layers::draw(shared, wish, wanted, about).await
}

/// Asks the picture stage; of a finished series that is not in memory any more, once it was drawn again.
async fn ask_stage(
    shared: &Shared,
    wish: &Wish,
    wanted: Vec<(TileIndex, u64)>,
) -> Result<DrawnTiles, Status> {
    let drawn = ask_once(shared, wish, wanted.clone()).await?;
    if let Some(drawn) = drawn {
        return Ok(drawn);
    }
    redraw::finished(shared, wish.series).await?;
    let drawn = ask_once(shared, wish, wanted).await?;
    drawn.ok_or_else(|| Status::unavailable("the picture was forgotten again at once: ask again"))
}

async fn ask_once(
    shared: &Shared,
    wish: &Wish,
    wanted: Vec<(TileIndex, u64)>,
) -> Result<Option<DrawnTiles>, Status> {
    let (reply, answer) = oneshot::channel();
    let Wish { series, look, level, generation, tone, values, .. } = *wish;
    let request = desk::Tiles { series, look, level, wanted, generation, tone, values, reply };
    shared.desk.ask(desk::Request::Tiles(request)).map_err(refused)?;
    answer.await.map_err(|_| refused(Refused::Stopping))
}

/// Tiles that changed; at least one of them, if time allows.
pub async fn get(shared: &Shared, asked: pb::GetTilesRequest) -> Result<pb::GetTilesResponse, Status> {
    if asked.tiles.len() > WANTED_MAX {
        let text =
            format!("tiles: at most {WANTED_MAX}, not {}: ask for those that are visible", asked.tiles.len());
        return Err(Status::invalid_argument(text));
    }
    let wish = Wish {
        series: convert::series_id(&asked.series_id)?,
        look: convert::look(asked.look.as_ref())?,
        layer: convert::layer(asked.look.as_ref()),
        level: asked.level.min(LEVELS - 1),
        generation: asked.generation,
        tone: convert::tone(asked.tone.as_ref())?,
        values: asked.values,
    };
    let wanted: Vec<_> =
        asked.tiles.iter().map(|tile| (TileIndex { x: tile.x, y: tile.y }, tile.version)).collect();
    let began = Instant::now();
    loop {
        let drawn = ask(shared, &wish, wanted.clone()).await?;
        if !drawn.tiles.is_empty() || drawn.left.is_empty() || began.elapsed() > PATIENCE {
            return message(drawn).await;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn message(drawn: DrawnTiles) -> Result<pb::GetTilesResponse, Status> {
    let encode = move || {
        let left = |(index, version): &(TileIndex, u64)| pb::WantedTile {
            x: index.x,
            y: index.y,
            version: *version,
        };
        let mut left: Vec<_> = drawn.left.iter().map(left).collect();
        let (mut tiles, mut bytes) = (Vec::with_capacity(drawn.tiles.len()), 0);
        for (index, pixels) in &drawn.tiles {
            if bytes > ANSWER_BYTES {
                left.push(pb::WantedTile { x: index.x, y: index.y, version: 0 });
                continue;
            }
            let tile = tile(drawn.level, *index, pixels)?;
            bytes += tile.png.len() + tile.values.len();
            tiles.push(tile);
        }
        Ok(pb::GetTilesResponse {
            series_id: drawn.series.0.to_vec(),
            generation: drawn.generation,
            version: drawn.version,
            level: drawn.level,
            tiles,
            left,
            tone: Some(convert::tone_message(drawn.tone)),
            reset: drawn.reset,
            legend: Some(convert::legend(&drawn.legend)),
            true_for_seq: drawn.true_for_seq,
            localizations: drawn.localizations,
            base_pixel_nm: drawn.base_pixel.0,
            finest_level: drawn.finest,
            levels: LEVELS,
            tile_px: TILE_PX as u32,
            bounds: drawn.bounds.map(convert::viewport_message),
        })
    };
    let done = tokio::task::spawn_blocking(encode).await.map_err(|e| Status::internal(e.to_string()))?;
    done.map_err(|error: png::PngError| Status::internal(error.to_string()))
}

fn tile(level: u32, index: TileIndex, pixels: &Pixels) -> Result<pb::PictureTile, png::PngError> {
    let mut tile = pb::PictureTile { level, tile_x: index.x, tile_y: index.y, ..pb::PictureTile::default() };
    match pixels {
        Pixels::Rgb(rgb) => {
            let mut bytes = Vec::new();
            png::encode_rgb(TILE_PX as u32, TILE_PX as u32, rgb, &mut bytes)?;
            tile.png = bytes.into();
        }
        Pixels::Values(values) => {
            tile.values = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into();
        }
    }
    Ok(tile)
}
