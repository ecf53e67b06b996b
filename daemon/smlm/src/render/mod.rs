//! Levels of the map become pictures.
//!
//! In: a map, a look, a region or tile. Out: 8-bit RGB, row by row. Never: files, encodings, clients.

mod colour;
mod region;
#[cfg(test)]
mod tests;

pub use colour::{Colours, Legend, LegendEntry, cividis, fire, grey, ramp};
pub use region::{MAX_SIDE_PX, RenderError, RgbImage, render_region};

use crate::map::{BLOCK_PX, Block, COLOURS_FROM, ColourSum, LiveMap, TILE_PX, Tile, TileIndex};
pub use colour::Palette;

/// How a localization is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Rendering {
    /// One count in one pixel.
    #[default]
    Histogram,
    /// Spread over its own σ.
    Gaussian,
}

/// What decides the hue. With [`Self::Intensity`] the amount of localizations does; else it decides the
/// brightness only, and the mean of the quantity over the pixel's localizations decides the hue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ColourBy {
    #[default]
    Intensity,
    Z,
    Time,
    Sigma,
}

impl ColourBy {
    /// Where the map keeps the quantity's sum; none for intensity.
    fn channel(self) -> Option<usize> {
        match self {
            Self::Intensity => None,
            Self::Z => Some(1),
            Self::Time => Some(2),
            Self::Sigma => Some(3),
        }
    }

    /// Unit of the quantity, for legends.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Intensity => "localizations per pixel",
            Self::Z | Self::Sigma => "nm",
            Self::Time => "frame",
        }
    }
}

/// What a picture should look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    pub rendering: Rendering,
    pub colour_by: ColourBy,
    /// brightness = (value / white)^gamma: below 1 shows faint structures.
    pub gamma: f32,
    /// Of the non-empty pixels: the one that is drawn brightest, in percent.
    pub percentile: f32,
    /// Ends of the colours for z in nm, time in frames, σ in nm; `None`: from the data.
    pub range: Option<(f32, f32)>,
    pub colours: Colours,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            rendering: Rendering::Histogram,
            colour_by: ColourBy::Intensity,
            gamma: 1.0,
            percentile: 99.7,
            range: None,
            colours: Colours::Usual,
        }
    }
}

/// What the data make of a look: the value that is drawn brightest, and the ends of the colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tone {
    /// Localizations per pixel.
    pub white: f32,
    pub range: (f32, f32),
}

impl Tone {
    /// Keeps `shown` unless the data have moved away from it by a sixth, so that a growing picture neither
    /// flickers nor is sent anew for nothing. True when all tiles must be drawn again.
    pub fn follow(shown: Self, now: Self) -> (Self, bool) {
        let moved = |shown: f32, now: f32, scale: f32| (now - shown).abs() > scale / 6.0;
        let width = shown.range.1 - shown.range.0;
        let stale = moved(shown.white, now.white, shown.white)
            || moved(shown.range.0, now.range.0, width)
            || moved(shown.range.1, now.range.1, width);
        if stale { (now, true) } else { (shown, false) }
    }
}

/// The tone of a level with this look. Counts cost nothing; Gaussians are sampled (at most 65536 pixels).
pub fn tone(map: &LiveMap, level: u32, look: &Look) -> Tone {
    Tone { white: white_level(map, level, look), range: range(map, look) }
}

/// The value, in localizations per pixel, that `percentile` percent of the level's non-empty pixels do not
/// exceed. 1 for an empty map.
pub fn white_level(map: &LiveMap, level: u32, look: &Look) -> f32 {
    let part = (f64::from(look.percentile) / 100.0).clamp(0.0, 1.0);
    if look.rendering == Rendering::Gaussian && map.has_gaussian(level) {
        return gaussian_quantile(map, level, part);
    }
    map.level(level).histogram().quantile(part).max(1) as f32
}

fn gaussian_quantile(map: &LiveMap, level: u32, part: f64) -> f32 {
    const SAMPLES: usize = 65536;
    /// Fainter pixels are the far tails of single localizations and would only dilute the percentile.
    const FAINT: f32 = 1e-3;
    let mut tiles: Vec<_> = map.level(level).tiles().collect();
    tiles.sort_unstable_by_key(|(index, _)| *index);
    let blocks: Vec<&Block> = tiles.iter().flat_map(|(_, tile)| tile.blocks()).map(|(_, _, b)| b).collect();
    const BLOCK: usize = (BLOCK_PX * BLOCK_PX) as usize;
    // Odd, so that the samples do not stand in columns.
    let stride = (blocks.len() * BLOCK / SAMPLES + 1) | 1;
    let sample = (0..blocks.len() * BLOCK).step_by(stride).map(|i| blocks[i / BLOCK].gaussian(i % BLOCK));
    let mut values: Vec<f32> = sample.filter(|value| *value > FAINT).collect();
    if values.is_empty() {
        return 1.0;
    }
    let rank = ((values.len() as f64 * part) as usize).min(values.len() - 1);
    *values.select_nth_unstable_by(rank, f32::total_cmp).1
}

fn range(map: &LiveMap, look: &Look) -> (f32, f32) {
    let given = look.range.filter(|(low, high)| low.is_finite() && high.is_finite() && low < high);
    let (low, high) = given.unwrap_or_else(|| match look.colour_by {
        ColourBy::Intensity => (0.0, 1.0),
        ColourBy::Z => map.spread().z(),
        ColourBy::Time => map.spread().frames(),
        ColourBy::Sigma => map.spread().sigma(),
    });
    (low, if high > low { high } else { low + 1.0 })
}

/// A look with its tone, ready to draw; made once per tick.
pub struct Painter {
    look: Look,
    tone: Tone,
    palette: Palette,
}

impl Painter {
    pub fn new(look: Look, tone: Tone) -> Self {
        let palette = Palette::new(look.colour_by != ColourBy::Intensity, look.colours, look.gamma);
        Self { look, tone, palette }
    }

    pub fn tone(&self) -> Tone {
        self.tone
    }

    /// Values for a colour bar, `steps` of them, from the lowest on.
    pub fn legend(&self, steps: usize) -> Legend {
        let (low, high) = match self.look.colour_by {
            ColourBy::Intensity => (0.0, self.tone.white),
            _ => self.tone.range,
        };
        self.palette.legend(self.look.colour_by.unit(), (low, high), steps)
    }

    /// Draws a tile of a level into `rgb`, 256 × 256 pixels of 3 bytes, row by row; `rgb` is resized to that.
    pub fn tile(&self, map: &LiveMap, level: u32, index: TileIndex, rgb: &mut Vec<u8>) {
        const SIDE: usize = TILE_PX as usize;
        rgb.clear();
        rgb.resize(SIDE * SIDE * 3, 0);
        let Some(tile) = map.level(level).tile(index) else { return };
        let gaussian = self.look.rendering == Rendering::Gaussian && map.has_gaussian(level);
        let hues = Hues::of(map, level, index);
        for (x, y, block) in tile.blocks() {
            for row in 0..BLOCK_PX as usize {
                let from = row * BLOCK_PX as usize;
                let at = 3 * ((y + row) * SIDE + x);
                let out = rgb[at..at + 3 * BLOCK_PX as usize].as_chunks_mut::<3>().0;
                for (i, pixel) in out.iter_mut().enumerate() {
                    let value =
                        if gaussian { block.gaussian(from + i) } else { block.count(from + i) as f32 };
                    if value > 0.0 {
                        *pixel = self.pixel(value, || hues.at(x + i, y + row));
                    }
                }
            }
        }
    }

    /// What a tile is drawn from: localizations per pixel, 256 × 256 row by row; `values` is resized to that.
    pub fn values(&self, map: &LiveMap, level: u32, index: TileIndex, values: &mut Vec<f32>) {
        const SIDE: usize = TILE_PX as usize;
        values.clear();
        values.resize(SIDE * SIDE, 0.0);
        let Some(tile) = map.level(level).tile(index) else { return };
        let gaussian = self.look.rendering == Rendering::Gaussian && map.has_gaussian(level);
        for (x, y, block) in tile.blocks() {
            for (row, from) in (0..BLOCK_PX as usize).map(|row| (row, row * BLOCK_PX as usize)) {
                let at = (y + row) * SIDE + x;
                for (i, value) in values[at..at + BLOCK_PX as usize].iter_mut().enumerate() {
                    *value = if gaussian { block.gaussian(from + i) } else { block.count(from + i) as f32 };
                }
            }
        }
    }

    fn pixel(&self, value: f32, colour: impl Fn() -> ColourSum) -> [u8; 3] {
        let brightness = value / self.tone.white;
        let Some(channel) = self.look.colour_by.channel() else {
            return self.palette.intensity(brightness);
        };
        let (sums, (low, high)) = (colour(), self.tone.range);
        let mean = if sums[0] > 0.0 { sums[channel] / sums[0] } else { low };
        self.palette.hue((mean - low) / (high - low), brightness)
    }
}

/// The tile that knows the colours of another one: itself, or the one above with twice its pixel.
struct Hues<'a> {
    tile: Option<&'a Tile>,
    shift: u32,
    /// Where in it the other one begins.
    from: (usize, usize),
}

impl<'a> Hues<'a> {
    fn of(map: &'a LiveMap, level: u32, index: TileIndex) -> Self {
        if level >= COLOURS_FROM {
            return Self { tile: map.level(level).tile(index), shift: 0, from: (0, 0) };
        }
        let half = |odd: i32| (odd & 1) as usize * (TILE_PX / 2) as usize;
        let tile = map.level(level + 1).tile(index.parent());
        Self { tile, shift: 1, from: (half(index.x), half(index.y)) }
    }

    fn at(&self, x: usize, y: usize) -> ColourSum {
        let (x, y) = (self.from.0 + (x >> self.shift), self.from.1 + (y >> self.shift));
        self.tile.map_or([0.0; 4], |tile| tile.colour(x, y))
    }
}
