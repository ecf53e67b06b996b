//! What a TIFF's description says of its frames: ImageJ's lines, OME-XML, tifffile's JSON, Micro-Manager's JSON.
//!
//! In: the text of a tag (its beginning). Out: numbers that passed a plausibility check. Never: an XML parser;
//! the few attributes needed are found by name.

use crate::files::stack::StackMeta;

/// Camera pixels in the sample plane lie between these; other numbers are somebody's defaults.
const PLAUSIBLE_PIXEL_NM: std::ops::RangeInclusive<f64> = 5.0..=20_000.0;

/// What the description of the first directory declares.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Declared {
    /// Frames that follow each other without gaps from the first one, whatever the directories say.
    pub contiguous: Option<u64>,
    /// Channels, and how many planes lie between two channels of the same place.
    pub channels: u64,
    pub channel_stride: u64,
    pub meta: StackMeta,
}

pub(super) fn declared(text: &str, frame_pixels: u64, x_resolution: Option<(f64, u64)>) -> Declared {
    if text.starts_with("ImageJ=") {
        return image_j(text, x_resolution);
    }
    if text.contains("<OME") {
        return ome(text);
    }
    let source = "TIFF".to_owned();
    let plain = Declared {
        channels: 1,
        channel_stride: 1,
        meta: StackMeta { source, ..StackMeta::default() },
        ..Declared::default()
    };
    let shape = serde_json::from_str::<serde_json::Value>(text).ok();
    let shape = shape.as_ref().and_then(|json| json.get("shape")?.as_array());
    let values = shape.and_then(|sides| {
        sides.iter().map(serde_json::Value::as_u64).try_fold(1u64, |product, side| product.checked_mul(side?))
    });
    let contiguous = values.filter(|n| frame_pixels > 0 && n % frame_pixels == 0).map(|n| n / frame_pixels);
    Declared { contiguous, ..plain }
}

/// `key=value` lines; hyperstacks are channel, then slice, then frame.
fn image_j(text: &str, x_resolution: Option<(f64, u64)>) -> Declared {
    let field = |key: &str| {
        text.lines().filter_map(|line| line.split_once('=')).find(|(k, _)| *k == key).map(|(_, v)| v)
    };
    let count = |key: &str| field(key).and_then(|value| value.trim().parse::<u64>().ok());
    let per_pixel = x_resolution.map(|(per_unit, _)| 1.0 / per_unit);
    let pixel_size_nm =
        per_pixel.zip(field("unit").and_then(nm_of)).map(|(units, nm)| units * nm).filter(plausible);
    Declared {
        contiguous: count("images"),
        channels: count("channels").unwrap_or(1).max(1),
        channel_stride: 1,
        meta: StackMeta { pixel_size_nm, source: "TIFF (ImageJ)".into(), ..StackMeta::default() },
    }
}

fn ome(text: &str) -> Declared {
    let pixels =
        text.split_once("<Pixels").map_or("", |(_, rest)| rest.split_once('>').map_or(rest, |(tag, _)| tag));
    let size = |axis: char| {
        attribute(pixels, &format!("Size{axis}")).and_then(|n| n.parse::<u64>().ok()).unwrap_or(1).max(1)
    };
    let order = attribute(pixels, "DimensionOrder").unwrap_or("XYCZT");
    let stride = order
        .chars()
        .skip(2)
        .take_while(|axis| *axis != 'C')
        .fold(1u64, |n, axis| n.saturating_mul(size(axis)));
    let unit = attribute(pixels, "PhysicalSizeXUnit").unwrap_or("µm");
    let side = attribute(pixels, "PhysicalSizeX").and_then(|n| n.parse::<f64>().ok());
    let plane = text.split_once("<Plane").map_or("", |(_, rest)| rest);
    let exposure = attribute(plane, "ExposureTime").and_then(|n| n.parse::<f64>().ok());
    let scale = match attribute(plane, "ExposureTimeUnit").unwrap_or("s") {
        "ms" => 1.0,
        "µs" => 1e-3,
        _ => 1e3,
    };
    Declared {
        contiguous: None,
        channels: size('C'),
        channel_stride: stride,
        meta: StackMeta {
            pixel_size_nm: side.zip(nm_of(unit)).map(|(side, nm)| side * nm).filter(plausible),
            exposure_ms: exposure.map(|time| time * scale).filter(|ms| *ms > 0.0),
            camera: None,
            source: "OME-TIFF".into(),
        },
    }
}

/// Adds what Micro-Manager wrote with an image; it knows better than what was derived from it.
pub(in crate::files) fn add_micro_manager(meta: &mut StackMeta, json: &str) {
    let pixel = number_after(json, "PixelSizeUm").map(|um| um * 1e3).filter(plausible);
    meta.pixel_size_nm = pixel.or(meta.pixel_size_nm);
    meta.exposure_ms = number_after(json, "Exposure-ms").filter(|ms| *ms > 0.0).or(meta.exposure_ms);
    let camera = text_after(json, "Camera")
        .or_else(|| text_after(json, "Core-Camera"))
        .filter(|name| !name.is_empty());
    let binning = number_after(json, "Binning");
    meta.camera = match (camera, binning) {
        (Some(name), Some(binning)) => Some(format!("{name}, binning {binning}")),
        (Some(name), None) => Some(name.to_owned()),
        (None, _) => meta.camera.take(),
    };
}

fn plausible(nm: &f64) -> bool {
    PLAUSIBLE_PIXEL_NM.contains(nm)
}

fn nm_of(unit: &str) -> Option<f64> {
    match unit.trim() {
        "nm" => Some(1.0),
        "µm" | "μm" | "um" | "micron" | "microns" | "\\u00B5m" => Some(1e3),
        "mm" => Some(1e6),
        "cm" => Some(1e7),
        _ => None,
    }
}

fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = tag;
    loop {
        let at = rest.find(name)?;
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        if before.ends_with(char::is_whitespace) && after.starts_with("=\"") {
            return after[2..].split_once('"').map(|(value, _)| value);
        }
        rest = after;
    }
}

fn value_after<'t>(json: &'t str, key: &str) -> Option<&'t str> {
    let quoted = format!("\"{key}\"");
    let at = json.find(&quoted)?;
    json[at + quoted.len()..].trim_start().strip_prefix(':').map(str::trim_start)
}

fn number_after(json: &str, key: &str) -> Option<f64> {
    let value = value_after(json, key)?.trim_start_matches('"');
    value.split([',', '}', '"', '\n', '\r', '-', 'x']).next()?.trim().parse().ok()
}

fn text_after<'t>(json: &'t str, key: &str) -> Option<&'t str> {
    value_after(json, key)?.strip_prefix('"')?.split_once('"').map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_j_units_become_nm_and_nonsense_becomes_nothing() {
        let text = "ImageJ=1.51w\nimages=20\nchannels=2\nframes=10\nunit=\\u00B5m\nloop=false\n";
        let said = declared(text, 64 * 64, Some((10.0, 1)));
        assert_eq!((said.contiguous, said.channels), (Some(20), 2));
        assert!((said.meta.pixel_size_nm.unwrap() - 100.0).abs() < 1e-9);
        assert_eq!(declared(text, 64 * 64, Some((1.0, 1))).meta.pixel_size_nm, Some(1000.0));
        assert_eq!(declared("ImageJ=1\nunit=cm\n", 1, Some((1.0, 1))).meta.pixel_size_nm, None);
    }

    #[test]
    fn ome_order_says_how_far_apart_channels_lie() {
        let xml = "<OME><Pixels BigEndian=\"false\" DimensionOrder=\"XYZCT\" PhysicalSizeX=\"0.108\" SizeC=\"2\" \
                   SizeT=\"5\" SizeX=\"9\" SizeZ=\"3\"><Plane DeltaT=\"1\" ExposureTime=\"0.03\"/></Pixels></OME>";
        let said = declared(xml, 81, None);
        assert_eq!((said.channels, said.channel_stride), (2, 3));
        assert!((said.meta.pixel_size_nm.unwrap() - 108.0).abs() < 1e-9);
        assert!((said.meta.exposure_ms.unwrap() - 30.0).abs() < 1e-9);
    }

    #[test]
    fn micro_manager_numbers_are_found_quoted_or_not() {
        let mut meta = StackMeta::default();
        add_micro_manager(
            &mut meta,
            r#"{"Camera":"DCAM","Binning":"2x2","Exposure-ms": 50.5,"PixelSizeUm":"0.13"}"#,
        );
        assert_eq!(meta.pixel_size_nm, Some(130.0));
        assert_eq!(meta.exposure_ms, Some(50.5));
        assert_eq!(meta.camera.as_deref(), Some("DCAM, binning 2"));
    }
}
