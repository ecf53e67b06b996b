//! One picture of a region, put together from tiles.
//!
//! In: a region, a pixel size, a look. Out: a PNG, or the values as OME-TIFF. Never: two at once (a large one takes
//! hundreds of MiB); a picture that is drawn in one go: the picture stage has other work.

use smlm::map::{PixelBox, TILE_PX, TileIndex, Viewport};
use smlm::render::{MAX_SIDE_PX, RgbImage, Tone};
use smlm::units::Nm;
use tonic::Status;
use wire::files::{ome_tiff, png};
use wire::pb;

use super::tiles::{self, Wish};
use super::{Shared, convert};
use crate::desk::{DrawnTiles, Pixels};

/// Tiles that are asked for at once.
const AT_ONCE: usize = 64;
/// A picture without a wished pixel has at most so many pixels a side.
const AUTO_SIDE_PX: f64 = 2048.0;
/// So often a picture is begun anew because the map under it was made anew.
const ATTEMPTS: usize = 3;

/// The picture that was asked for.
pub async fn render(shared: &Shared, asked: &pb::RenderPictureRequest) -> Result<pb::Picture, Status> {
    let _one = shared.snapshots.acquire().await.map_err(|_| Status::unavailable("the daemon is stopping"))?;
    let values = asked.format() == pb::PictureFormat::OmeTiff;
    let wish = Wish {
        series: convert::series_id(&asked.series_id)?,
        look: convert::look(asked.look.as_ref())?,
        layer: convert::layer(asked.look.as_ref()),
        level: 0,
        generation: 0,
        tone: None,
        values,
    };
    let region = convert::viewport(asked.viewport.as_ref())?;
    let pixel = convert::pixel_size(asked.pixel_size_nm)?;
    for _ in 0..ATTEMPTS {
        let about = tiles::ask(shared, &wish, Vec::new()).await?;
        let plan = Plan::new(&about, region, pixel)?;
        let at_level = Wish { series: Some(about.series), level: plan.level, ..wish };
        if let Some(canvas) = fill(shared, &at_level, &plan).await? {
            return encode(canvas, plan, &about, (asked.scale_bar, wish.layer.channel()), values).await;
        }
    }
    Err(Status::unavailable("the picture is being made anew: ask again"))
}

/// Which pixels of which level.
#[derive(Clone, Copy)]
struct Plan {
    level: u32,
    pixel: Nm,
    pixels: PixelBox,
}

impl Plan {
    fn new(about: &DrawnTiles, region: Option<Viewport>, pixel: Option<Nm>) -> Result<Self, Status> {
        let nothing = || Status::failed_precondition("nothing has been localized yet");
        let region = match region {
            Some(region) => region,
            None => about.bounds.filter(|_| about.localizations > 0).ok_or_else(nothing)?,
        };
        let side = (region.x_max.0 - region.x_min.0).max(region.y_max.0 - region.y_min.0);
        let pixel = pixel.unwrap_or(Nm(side / AUTO_SIDE_PX));
        let level = smlm::map::level_for(about.base_pixel, about.finest, pixel);
        let pixel = smlm::map::pixel_size(about.base_pixel, level);
        let pixels = smlm::map::pixels(about.base_pixel, level, &region);
        if pixels.width.max(pixels.height) > MAX_SIDE_PX {
            return Err(Status::failed_precondition(format!(
                "the picture would be {} x {} pixels of {} nm; at most {MAX_SIDE_PX} x {MAX_SIDE_PX} are drawn: ask \
                 for a larger pixel_size_nm or a smaller viewport",
                pixels.width, pixels.height, pixel.0
            )));
        }
        if pixels.width == 0 || pixels.height == 0 {
            return Err(Status::invalid_argument("the viewport is empty"));
        }
        Ok(Self { level, pixel, pixels })
    }

    fn tiles(&self) -> Vec<(TileIndex, u64)> {
        let PixelBox { x, y, width, height } = self.pixels;
        let first = TileIndex::of_pixel(x, y);
        let last = TileIndex::of_pixel(x + width as i32 - 1, y + height as i32 - 1);
        let row = |y| (first.x..=last.x).map(move |x| (TileIndex { x, y }, 0));
        (first.y..=last.y).flat_map(row).collect()
    }
}

/// Pixels row by row.
enum Canvas {
    Rgb(Vec<u8>, Tone),
    Values(Vec<f32>),
}

/// `None`: the map was made anew meanwhile.
async fn fill(shared: &Shared, wish: &Wish, plan: &Plan) -> Result<Option<Canvas>, Status> {
    let pixels = plan.pixels.width as usize * plan.pixels.height as usize;
    let (mut rgb, mut values) = (Vec::new(), Vec::new());
    if wish.values {
        values.resize(pixels, 0.0);
    } else {
        rgb.resize(3 * pixels, 0);
    }
    let about = tiles::ask(shared, wish, Vec::new()).await?;
    // One tone for all of it, whatever comes meanwhile.
    let mut wish = Wish { generation: about.generation, tone: Some(about.tone), ..*wish };
    let tone = about.tone;
    if !wish.values {
        wish.look.range = Some(tone.range);
    }
    let mut wanted = plan.tiles();
    while !wanted.is_empty() {
        let later = wanted.split_off(wanted.len().min(AT_ONCE));
        let drawn = tiles::ask(shared, &wish, wanted).await?;
        if drawn.generation != about.generation || drawn.level != plan.level {
            return Ok(None);
        }
        for (index, tile) in &drawn.tiles {
            let to = (index.x * TILE_PX - plan.pixels.x, index.y * TILE_PX - plan.pixels.y);
            match tile {
                Pixels::Rgb(tile) => paste(tile, 3, &mut rgb, plan.pixels, to),
                Pixels::Values(tile) => paste(tile, 1, &mut values, plan.pixels, to),
            }
        }
        wanted = drawn.left;
        if !wanted.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(40)).await;
        }
        wanted.extend(later);
    }
    Ok(Some(if wish.values { Canvas::Values(values) } else { Canvas::Rgb(rgb, tone) }))
}

/// Copies what of a tile lies inside, its first pixel at `to`.
fn paste<T: Copy>(tile: &[T], per_pixel: usize, canvas: &mut [T], size: PixelBox, to: (i32, i32)) {
    let (left, right) = (to.0.max(0), (to.0 + TILE_PX).min(size.width as i32));
    if left >= right {
        return;
    }
    let length = per_pixel * (right - left) as usize;
    for row in to.1.max(0)..(to.1 + TILE_PX).min(size.height as i32) {
        let from = per_pixel * ((row - to.1) * TILE_PX + left - to.0) as usize;
        let at = per_pixel * (row as usize * size.width as usize + left as usize);
        canvas[at..at + length].copy_from_slice(&tile[from..from + length]);
    }
}

async fn encode(
    canvas: Canvas,
    plan: Plan,
    about: &DrawnTiles,
    (scale_bar, channel): (bool, &'static str),
    values: bool,
) -> Result<pb::Picture, Status> {
    let PixelBox { x, y, width, height } = plan.pixels;
    let pixel = plan.pixel;
    let (true_for_seq, localizations) = (about.true_for_seq, about.localizations);
    let corner = (f64::from(x) * pixel.0, f64::from(y) * pixel.0);
    let work = move || -> Result<(Vec<u8>, Option<Tone>), String> {
        let mut bytes = Vec::new();
        match canvas {
            Canvas::Values(values) => {
                let about = ome_tiff::About { pixel_nm: (pixel.0, pixel.0), corner_nm: corner, channel };
                ome_tiff::encode(width, height, &values, &about, &mut bytes).map_err(|e| e.to_string())?;
                Ok((bytes, None))
            }
            Canvas::Rgb(rgb, tone) => {
                let mut image =
                    RgbImage { width, height, rgb, pixel, x_min: Nm(corner.0), y_min: Nm(corner.1), tone };
                if scale_bar {
                    image.scale_bar();
                }
                let notes = png::PngNotes { pixel_nm: Some(pixel.0), text: Vec::new() };
                png::encode_rgb_with(width, height, &image.rgb, &notes, &mut bytes)
                    .map_err(|e| e.to_string())?;
                Ok((bytes, Some(tone)))
            }
        }
    };
    let done = tokio::task::spawn_blocking(work).await.map_err(|e| Status::internal(e.to_string()))?;
    let (bytes, tone) = done.map_err(Status::internal)?;
    debug_assert_eq!(tone.is_none(), values, "values have no tone");
    Ok(pb::Picture {
        png: bytes.into(),
        width_px: width,
        height_px: height,
        pixel_size_nm: pixel.0,
        true_for_seq,
        localizations,
        tone: tone.map(convert::tone_message),
    })
}
