//! A picture's values as OME-TIFF.
//!
//! In: float32 values, their pixel size and place. Out: a TIFF (deflate, strips) with OME-XML, in the caller's buffer;
//! and the values of such a file again. Never: touches the disk; BigTIFF (a picture is under 4 GiB).

use std::io::Cursor;

use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::encoder::compression::DeflateLevel;
use tiff::encoder::{Compression, Rational, TiffEncoder, colortype};
use tiff::tags::{ResolutionUnit, Tag};

/// What stands in the file beside its pixels.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Width and height of a picture pixel in the sample.
    pub pixel_nm: (f64, f64),
    /// x and y of the first pixel's corner.
    pub corner_nm: (f64, f64),
    /// Name of the one channel, without characters that XML reserves.
    pub channel: &'a str,
}

/// Why a picture cannot be encoded.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum OmeTiffError {
    #[error("a picture of {width} x {height} pixels needs {needed} values, {given} were given")]
    WrongSize { width: u32, height: u32, needed: u64, given: usize },
    #[error("TIFF encoding failed: {0}")]
    Encoding(#[from] tiff::TiffError),
    #[error("not a picture that blinkd wrote: {0}")]
    Foreign(String),
}

/// Encodes values, row by row; `into` is emptied first.
///
/// # Errors
/// [`OmeTiffError::WrongSize`] when `values` is not `width · height` long; what the encoder says of empty pictures.
pub fn encode(
    width: u32,
    height: u32,
    values: &[f32],
    about: &About<'_>,
    into: &mut Vec<u8>,
) -> Result<(), OmeTiffError> {
    let needed = u64::from(width) * u64::from(height);
    if needed != values.len() as u64 {
        return Err(OmeTiffError::WrongSize { width, height, needed, given: values.len() });
    }
    into.clear();
    let mut encoder =
        TiffEncoder::new(Cursor::new(into))?.with_compression(Compression::Deflate(DeflateLevel::Fast));
    let mut image = encoder.new_image::<colortype::Gray32Float>(width, height)?;
    let per_cm = |nm: f64| Rational { n: (1e7 / nm).round().clamp(1.0, f64::from(u32::MAX)) as u32, d: 1 };
    image.resolution_unit(ResolutionUnit::Centimeter);
    image.x_resolution(per_cm(about.pixel_nm.0));
    image.y_resolution(per_cm(about.pixel_nm.1));
    image.encoder().write_tag(Tag::ImageDescription, &*xml(width, height, about))?;
    image.write_data(values)?;
    Ok(())
}

/// What [`encode`] wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    pub width: u32,
    pub height: u32,
    /// Row by row.
    pub values: Vec<f32>,
    /// Name of the channel.
    pub channel: String,
}

/// Reads a picture again. Memory: the pixels that the file announces, at most `pixels_max` of them.
///
/// # Errors
/// [`OmeTiffError::Foreign`] where it is damaged, another kind of TIFF, or larger.
pub fn decode(bytes: &[u8], pixels_max: usize) -> Result<Decoded, OmeTiffError> {
    let foreign = |what: &dyn std::fmt::Display| OmeTiffError::Foreign(what.to_string());
    let mut limits = Limits::default();
    limits.decoding_buffer_size = pixels_max.saturating_mul(size_of::<f32>());
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(|e| foreign(&e))?.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(|e| foreign(&e))?;
    if u64::from(width) * u64::from(height) > pixels_max as u64 {
        return Err(foreign(&format!("{width} x {height} pixels, {pixels_max} at most")));
    }
    let xml = decoder.get_tag_ascii_string(Tag::ImageDescription).map_err(|e| foreign(&e))?;
    let named =
        xml.split_once("<Channel ID=\"Channel:0:0\" Name=\"").and_then(|(_, rest)| rest.split_once('"'));
    let channel =
        named.map(|(name, _)| name.to_owned()).ok_or_else(|| foreign(&"its channel has no name"))?;
    match decoder.read_image().map_err(|e| foreign(&e))? {
        DecodingResult::F32(values) => Ok(Decoded { width, height, values, channel }),
        _ => Err(foreign(&"its pixels are no 32-bit floats")),
    }
}

/// OME's schema of June 2016; a plane's position is that of its first pixel.
fn xml(width: u32, height: u32, about: &About<'_>) -> String {
    let ((pixel_x, pixel_y), (x, y)) = (about.pixel_nm, about.corner_nm);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">\
         <Image ID=\"Image:0\" Name=\"blinkd\">\
         <Pixels ID=\"Pixels:0\" DimensionOrder=\"XYCZT\" Type=\"float\" BigEndian=\"false\" \
         SizeX=\"{width}\" SizeY=\"{height}\" SizeC=\"1\" SizeZ=\"1\" SizeT=\"1\" \
         PhysicalSizeX=\"{pixel_x}\" PhysicalSizeXUnit=\"nm\" PhysicalSizeY=\"{pixel_y}\" \
         PhysicalSizeYUnit=\"nm\">\
         <Channel ID=\"Channel:0:0\" Name=\"{channel}\" SamplesPerPixel=\"1\"/><TiffData IFD=\"0\" PlaneCount=\"1\"/>\
         <Plane TheC=\"0\" TheZ=\"0\" TheT=\"0\" PositionX=\"{x}\" PositionXUnit=\"nm\" PositionY=\"{y}\" \
         PositionYUnit=\"nm\"/></Pixels></Image></OME>",
        channel = about.channel,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About<'static> =
        About { pixel_nm: (20.0, 25.0), corner_nm: (100.0, -40.0), channel: "localizations per pixel" };

    #[test]
    fn values_and_pixel_size_come_back() {
        let values: Vec<f32> = (0..300 * 200u32).map(|i| (i % 977) as f32 / 7.0).collect();
        let mut bytes = Vec::new();
        encode(300, 200, &values, &ABOUT, &mut bytes).expect("it encodes");
        let mut decoder = Decoder::new(Cursor::new(&bytes)).expect("a TIFF");
        assert_eq!(decoder.dimensions().expect("a size"), (300, 200));
        let xml = decoder.get_tag_ascii_string(Tag::ImageDescription).expect("a description");
        for part in [
            "SizeX=\"300\"",
            "PhysicalSizeX=\"20\"",
            "PhysicalSizeY=\"25\"",
            "PositionY=\"-40\"",
            "Type=\"float\"",
        ] {
            assert!(xml.contains(part), "{part} is not in {xml}");
        }
        let back = decode(&bytes, 300 * 200).expect("our own file");
        let channel = ABOUT.channel.to_owned();
        assert_eq!(back, Decoded { width: 300, height: 200, values, channel });
    }

    #[test]
    fn what_is_too_large_cut_or_no_picture_of_ours_is_refused() {
        let mut bytes = Vec::new();
        encode(30, 20, &[1.5; 600], &ABOUT, &mut bytes).expect("it encodes");
        let refused = |bytes: &[u8], most| decode(bytes, most).expect_err("refused").to_string();
        assert!(refused(&bytes, 599).contains("30 x 20 pixels, 599 at most"), "{}", refused(&bytes, 599));
        for cut in [0, 7, bytes.len() / 2, bytes.len() - 1] {
            assert!(refused(&bytes[..cut], 600).contains("not a picture that blinkd wrote"));
        }
        let mut grey = Vec::new();
        let mut encoder = TiffEncoder::new(Cursor::new(&mut grey)).expect("a file");
        encoder.write_image::<colortype::Gray16>(2, 1, &[1, 2]).expect("two pixels");
        assert!(refused(&grey, 2).contains("not a picture that blinkd wrote"));
    }

    #[test]
    fn a_wrong_number_of_values_is_refused() {
        let error = encode(2, 2, &[0.0; 3], &ABOUT, &mut Vec::new()).expect_err("too few");
        assert!(error.to_string().contains("needs 4 values"), "{error}");
    }
}
