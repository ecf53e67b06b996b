//! Stacks that are nothing but pixels: frame after frame from an offset, described elsewhere.
//!
//! In: Picasso `.raw` + `.yaml`, Insight/storm-analysis `.dax` + `.inf`, and what [`super::npy`] describes.
//! Out: a [`Stack`]. Never: guesses a byte order: Picasso's own raw is little-endian and says so (`Byte
//! Order: <`), `.dax` is big-endian unless its `.inf` says "little endian".

use std::path::Path;

use smlm::frame::{PixelType, Shape};

use super::source::{Source, side_text, to_little_endian};
use super::stack::{
    MAX_FRAMES, Stack, StackError, StackMeta, StackOptions, check_read, check_shape, check_whole,
};

/// A side file of more text than this is not one.
const MAX_SIDE_BYTES: u64 = 16 << 20;

/// Frame `i` lies at `offset + i · frame`.
#[derive(Debug)]
pub(crate) struct Flat {
    source: Source,
    layout: Layout,
    frame_bytes: usize,
    frames: u64,
    meta: StackMeta,
}

/// What a side file or a header says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub shape: Shape,
    pub pixel_type: PixelType,
    pub big_endian: bool,
    pub offset: u64,
    /// `None`: as many as the file holds.
    pub frames: Option<u64>,
}

impl Flat {
    pub(crate) fn new(
        source: Source,
        layout: Layout,
        meta: StackMeta,
        options: &StackOptions,
    ) -> Result<Self, StackError> {
        let frame_bytes = layout.shape.pixels() * layout.pixel_type.bytes();
        let there = source.len().saturating_sub(layout.offset);
        let whole = there / frame_bytes as u64;
        let loose = !there.is_multiple_of(frame_bytes as u64) && layout.frames.is_none();
        let expected = layout.frames.or((!loose).then_some(whole));
        let frames = check_whole(source.path(), whole, expected, options)?;
        if frames == 0 || frames > MAX_FRAMES {
            let why = format!("{frames} frames; 1 to {MAX_FRAMES} can be read");
            return Err(StackError::malformed(source.path(), "number of frames", why));
        }
        Ok(Self { source, layout, frame_bytes, frames, meta })
    }
}

impl Stack for Flat {
    fn shape(&self) -> Shape {
        self.layout.shape
    }

    fn pixel_type(&self) -> PixelType {
        self.layout.pixel_type
    }

    fn frames(&self) -> u64 {
        self.frames
    }

    fn read(&mut self, index: u64, into: &mut [u8]) -> Result<(), StackError> {
        check_read(self.source.path(), (self.frames, self.frame_bytes), index, into.len())?;
        self.source.read_at(self.layout.offset + index * self.frame_bytes as u64, into)?;
        to_little_endian(into, self.layout.pixel_type, self.layout.big_endian);
        Ok(())
    }

    fn meta(&self) -> &StackMeta {
        &self.meta
    }
}

/// Picasso: `X.raw`, described by `X.yaml` (`Width`, `Height`, `Frames`, `Data Type`, `Byte Order`).
pub(crate) fn open_picasso(path: &Path, options: &StackOptions) -> Result<Flat, StackError> {
    let side = path.with_extension("yaml");
    if !side.is_file() {
        let why = format!("a .raw needs its Picasso description {} beside it", side.display());
        return Err(StackError::not(path, why));
    }
    let text = side_text(&side, MAX_SIDE_BYTES)?;
    let pixel_type = match yaml(&text, "Data Type") {
        Some("uint8") => PixelType::U8,
        Some("uint16") => PixelType::U16,
        other => {
            let what = format!("Data Type {}", other.unwrap_or("(missing)"));
            let remedy = "save it as uint16";
            return Err(StackError::Unsupported { path: side, what, remedy });
        }
    };
    let number = |field: &'static str| whole_number(&side, field, yaml(&text, field));
    let shape = check_shape(&side, number("Width")?, number("Height")?, pixel_type)?;
    let positive =
        |key: &str| yaml(&text, key).and_then(|value| value.parse().ok()).filter(|n: &f64| *n > 0.0);
    let meta = StackMeta {
        pixel_size_nm: positive("Pixelsize").or_else(|| positive("Camera.Pixelsize")),
        exposure_ms: positive("Camera.Integration Time"),
        camera: yaml(&text, "Camera").map(str::to_owned),
        source: "Picasso raw".into(),
    };
    let big_endian = yaml(&text, "Byte Order") == Some(">");
    let layout = Layout { shape, pixel_type, big_endian, offset: 0, frames: Some(number("Frames")?) };
    Flat::new(Source::open(path)?, layout, meta, options)
}

/// storm-analysis and Insight3: `X.dax`, described by `X.inf` (lines `key = value`).
pub(crate) fn open_dax(path: &Path, options: &StackOptions) -> Result<Flat, StackError> {
    let (side, path) = (path.with_extension("inf"), path.with_extension("dax"));
    if !side.is_file() {
        return Err(StackError::not(
            &path,
            format!("a .dax needs its description {} beside it", side.display()),
        ));
    }
    let text = side_text(&side, MAX_SIDE_BYTES)?;
    let field = |key: &str| {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(k, _)| k.trim() == key)
            .map(|(_, v)| v.trim())
    };
    let kind = field("data type").unwrap_or_default();
    if !kind.contains("16 bit") {
        let what = format!("data type '{kind}'");
        return Err(StackError::Unsupported { path: side, what, remedy: "save it with 16 bit integers" });
    }
    let (width, height) = field("frame dimensions").and_then(|size| size.split_once('x')).unwrap_or_default();
    let width = whole_number(&side, "frame dimensions", Some(width))?;
    let height = whole_number(&side, "frame dimensions", Some(height))?;
    let shape = check_shape(&side, width, height, PixelType::U16)?;
    let frames = whole_number(&side, "number of frames", field("number of frames"))?;
    let meta = StackMeta {
        camera: field("binning").map(|binning| format!("binning {binning}")),
        source: "dax".into(),
        ..StackMeta::default()
    };
    let big_endian = !kind.contains("little endian");
    let layout = Layout { shape, pixel_type: PixelType::U16, big_endian, offset: 0, frames: Some(frames) };
    Flat::new(Source::open(&path)?, layout, meta, options)
}

/// The value of a top-level `key: value` in the first document of a YAML file.
fn yaml<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    yaml_anywhere(text.trim_start_matches("---").split("\n---").next()?, key)
}

/// The value of a top-level `key: value` in the first document of a YAML file that has it.
pub(crate) fn yaml_anywhere<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(value.trim().trim_matches(['\'', '"']))
}

fn whole_number(path: &Path, field: &'static str, text: Option<&str>) -> Result<u64, StackError> {
    let text = text.unwrap_or_default().trim();
    text.parse().map_err(|_| StackError::malformed(path, field, format!("'{text}' is not a whole number")))
}
