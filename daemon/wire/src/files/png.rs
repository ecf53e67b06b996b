//! Pictures as PNG.
//!
//! In: RGB or gray bytes; or a picture that [`encode_rgb`] made. Out: a PNG in the caller's buffer; or RGB bytes. Never:
//! touches the disk, chooses colours, allocates what a header asks for.

use png::{BitDepth, ColorType, Compression, Decoder, Encoder, PixelDimensions, Unit};

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
    #[error("not a PNG: {0}")]
    Decoding(#[from] png::DecodingError),
    #[error("a picture of {width} x {height} pixels of 8-bit RGB was expected, this one is another")]
    Unexpected { width: u32, height: u32 },
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

/// The pixels of an 8-bit RGB picture whose size is known.
///
/// # Errors
/// [`PngError::Unexpected`] when it has another size or kind, before anything is allocated for it;
/// [`PngError::Decoding`] when it is no PNG.
pub fn decode_rgb(width: u32, height: u32, png: &[u8]) -> Result<Vec<u8>, PngError> {
    let mut reader = Decoder::new(std::io::Cursor::new(png)).read_info()?;
    let info = reader.info();
    let kind = (info.color_type, info.bit_depth);
    if (info.width, info.height) != (width, height) || kind != (ColorType::Rgb, BitDepth::Eight) {
        return Err(PngError::Unexpected { width, height });
    }
    let mut rgb = vec![0; 3 * width as usize * height as usize];
    reader.next_frame(&mut rgb)?;
    Ok(rgb)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_read_as_it_was_written_and_any_other_is_refused() {
        let rgb: Vec<u8> = (0..3 * 5 * 4).collect();
        let mut png = Vec::new();
        encode_rgb(5, 4, &rgb, &mut png).expect("its length is right");
        assert_eq!(decode_rgb(5, 4, &png).expect("just written"), rgb);
        assert!(matches!(decode_rgb(4, 5, &png), Err(PngError::Unexpected { width: 4, height: 5 })));
        assert!(matches!(decode_rgb(5, 4, &png[..png.len() / 2]), Err(PngError::Decoding(_))));
        encode_gray(5, 4, &rgb[..20], &mut png).expect("its length is right");
        assert!(matches!(decode_rgb(5, 4, &png), Err(PngError::Unexpected { .. })));
    }
}
