//! Pictures as PNG.
//!
//! In: RGB or gray bytes. Out: a PNG in the caller's buffer. Never: touches the disk, chooses colours.

use png::{BitDepth, ColorType, Compression, Encoder, PixelDimensions, Unit};

/// What stands in the picture beside its pixels.
#[derive(Clone, Debug, Default)]
pub struct PngNotes {
    /// Side of a picture pixel in the sample plane; written as `pHYs`, rounded to whole pixels per metre.
    pub pixel_nm: Option<f64>,
    /// `iTXt` chunks: keyword (1 to 79 Latin-1 characters) and text.
    pub text: Vec<(String, String)>,
}

/// Why a picture cannot be encoded.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum PngError {
    #[error("a picture of {width} x {height} pixels needs {needed} bytes, {given} were given")]
    WrongSize { width: u32, height: u32, needed: u64, given: usize },
    #[error("PNG encoding failed: {0}")]
    Encoding(#[from] png::EncodingError),
}

/// Encodes RGB pixels (row-major, 3 bytes each) with the fast setting; `into` is emptied first and its capacity
/// is used again.
///
/// # Errors
/// [`PngError::WrongSize`] when `rgb` is not `3 · width · height` long; what the encoder says of empty pictures
/// or unfit text.
pub fn encode_rgb(width: u32, height: u32, rgb: &[u8], into: &mut Vec<u8>) -> Result<(), PngError> {
    encode(ColorType::Rgb, (width, height), rgb, &PngNotes::default(), into)
}

/// As [`encode_rgb`], with pixel size and text.
///
/// # Errors
/// As [`encode_rgb`].
pub fn encode_rgb_with(
    width: u32,
    height: u32,
    rgb: &[u8],
    notes: &PngNotes,
    into: &mut Vec<u8>,
) -> Result<(), PngError> {
    encode(ColorType::Rgb, (width, height), rgb, notes, into)
}

/// As [`encode_rgb`] for 8-bit gray, one byte per pixel.
///
/// # Errors
/// As [`encode_rgb`].
pub fn encode_gray(width: u32, height: u32, gray: &[u8], into: &mut Vec<u8>) -> Result<(), PngError> {
    encode(ColorType::Grayscale, (width, height), gray, &PngNotes::default(), into)
}

fn encode(
    color: ColorType,
    (width, height): (u32, u32),
    pixels: &[u8],
    notes: &PngNotes,
    into: &mut Vec<u8>,
) -> Result<(), PngError> {
    let needed = (u64::from(width) * u64::from(height)).saturating_mul(color.samples() as u64);
    if needed != pixels.len() as u64 {
        return Err(PngError::WrongSize { width, height, needed, given: pixels.len() });
    }
    into.clear();
    let mut encoder = Encoder::new(into, width, height);
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    if let Some(per_metre) = notes.pixel_nm.filter(|nm| *nm > 0.0).map(|nm| (1e9 / nm).round()) {
        let per_metre = per_metre as u32;
        encoder.set_pixel_dims(Some(PixelDimensions { xppu: per_metre, yppu: per_metre, unit: Unit::Meter }));
    }
    for (keyword, text) in &notes.text {
        encoder.add_itxt_chunk(keyword.clone(), text.clone())?;
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    Ok(writer.finish()?)
}
