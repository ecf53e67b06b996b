//! What stands at the top of a mosaic: OME's metadata of version 0.5, and a few words of ours.
//!
//! In: what the picture is. Out: `zarr.json`, and back. Never: believes a number before [`About`] has checked it.
//!
//! A translation is the place of the first pixel's centre, so it grows by half a pixel from level to level.

use std::path::Path;

use serde_json::{Map, Value as Json, json};
use smlm::units::Nm;

use super::storage::write_whole;
use super::{About, Channel, Reduce, ZarrError};

const FILE: &str = "zarr.json";
const SIZE_MAX: u64 = 1 << 20;

/// Writes it. `complete`: nobody is writing, and every level is that of the full picture.
pub(super) fn write(path: &Path, about: &About, complete: bool) -> Result<(), ZarrError> {
    let root = json!({
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {
            "ome": ome(about),
            "blinkd": {
                "width_px": about.width,
                "height_px": about.height,
                "pixel_nm": about.pixel.0,
                "corner_x_nm": about.corner.0.0,
                "corner_y_nm": about.corner.1.0,
                "reduce": if about.reduce == Reduce::Sum { "sum" } else { "mean" },
                "complete": complete,
            },
        },
    });
    let file = path.join(FILE);
    write_whole(&file, format!("{root:#}").as_bytes()).map_err(|source| ZarrError::Io { path: file, source })
}

fn ome(about: &About) -> Json {
    let lead = |value: Json| if about.channel_count() > 1 { vec![value] } else { Vec::new() };
    let space = |name: &str| json!({ "name": name, "type": "space", "unit": "nanometer" });
    let mut axes = lead(json!({ "name": "c", "type": "channel" }));
    axes.extend([space("y"), space("x")]);
    let dataset = |(number, pixel): (usize, f64)| {
        let (mut scale, mut translation) = (lead(json!(1.0)), lead(json!(0.0)));
        scale.extend([json!(pixel), json!(pixel)]);
        let centre = |corner: Nm| json!(corner.0 + pixel / 2.0);
        translation.extend([centre(about.corner.1), centre(about.corner.0)]);
        json!({
            "path": number.to_string(),
            "coordinateTransformations": [
                { "type": "scale", "scale": scale },
                { "type": "translation", "translation": translation },
            ],
        })
    };
    let datasets: Vec<Json> =
        about.levels().iter().map(|level| level.pixel.0).enumerate().map(dataset).collect();
    let mut ome = Map::new();
    ome.insert("version".into(), "0.5".into());
    let reduced = if about.reduce == Reduce::Sum { "sum" } else { "mean" };
    ome.insert(
        "multiscales".into(),
        json!([{ "name": about.name, "axes": axes, "datasets": datasets, "type": reduced }]),
    );
    if !about.channels.is_empty() {
        let channels: Vec<Json> = about.channels.iter().map(shown).collect();
        ome.insert("omero".into(), json!({ "channels": channels }));
    }
    ome.into()
}

fn shown(channel: &Channel) -> Json {
    let ([r, g, b], (start, end)) = (channel.colour, channel.window);
    json!({
        "label": channel.label,
        "color": format!("{r:02X}{g:02X}{b:02X}"),
        "active": true,
        "window": { "min": start.min(0.0), "max": end, "start": start, "end": end },
    })
}

/// Reads it back, and whether it is complete.
pub(super) fn read(path: &Path) -> Result<(About, bool), ZarrError> {
    let file = path.join(FILE);
    let io = |source| ZarrError::Io { path: file.clone(), source };
    if std::fs::metadata(&file).map_err(io)?.len() > SIZE_MAX {
        return Err(ZarrError::foreign(path, "its zarr.json is too long"));
    }
    let text = std::fs::read(&file).map_err(io)?;
    let root: Json = serde_json::from_slice(&text).map_err(|e| ZarrError::foreign(path, e.to_string()))?;
    let (ours, ome) = (&root["attributes"]["blinkd"], &root["attributes"]["ome"]);
    let missing = |what: &str| ZarrError::foreign(path, format!("its zarr.json has no {what}"));
    let number = |name: &str| ours[name].as_f64().ok_or_else(|| missing(name));
    let count = |name: &str| ours[name].as_u64().ok_or_else(|| missing(name));
    let channels = ome["omero"]["channels"].as_array().map_or(&[][..], Vec::as_slice);
    let about = About {
        name: ome["multiscales"][0]["name"].as_str().unwrap_or_default().to_owned(),
        width: count("width_px")?,
        height: count("height_px")?,
        pixel: Nm(number("pixel_nm")?),
        corner: (Nm(number("corner_x_nm")?), Nm(number("corner_y_nm")?)),
        channels: channels.iter().map(told).collect::<Option<_>>().ok_or_else(|| missing("whole channel"))?,
        reduce: match ours["reduce"].as_str() {
            Some("sum") => Reduce::Sum,
            Some("mean") => Reduce::Mean,
            _ => return Err(missing("reduce")),
        },
    };
    about.check()?;
    Ok((about, ours["complete"].as_bool().unwrap_or(false)))
}

fn told(channel: &Json) -> Option<Channel> {
    let colour = u32::from_str_radix(channel["color"].as_str()?, 16).ok()?.to_be_bytes();
    let edge = |name: &str| channel["window"][name].as_f64();
    Some(Channel {
        label: channel["label"].as_str()?.to_owned(),
        colour: [colour[1], colour[2], colour[3]],
        window: (edge("start")?, edge("end")?),
    })
}
