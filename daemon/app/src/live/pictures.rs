//! What is known of the pictures that a network painted of a scan's tiles.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smlm::frame::SeriesId;

/// A tile that was painted, as it also stands in the scan's folder.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PictureReport {
    /// Index of the tile.
    pub tile: u32,
    /// Frames of the visit whose localizations were painted.
    pub seqs: (u64, u64),
    /// Name and version of the bundle.
    pub model: String,
    pub structure: String,
    /// Side of the picture's pixel.
    pub pixel_nm: f64,
    pub localizations: u64,
    /// Drawn by the network; 0: nothing was localized, the picture is black and no network was asked.
    pub windows: u32,
    /// The series whose widefield was taken; `None`: there was none, and nothing judges the picture.
    #[serde(with = "series_id")]
    pub widefield: Option<SeriesId>,
    /// The widefield shows nothing but noise: it judges nothing.
    pub widefield_is_even: bool,
    /// Mean of the error, weighed with light: 0 to 1.
    pub error: Option<f64>,
    /// The part of what is lit that contradicts the widefield: 0 to 1.
    pub share: Option<f64>,
    pub rsp: Option<f64>,
    /// In ADU of the widefield.
    pub rse_adu: Option<f64>,
    /// Why the picture is not to be trusted; `None`: nothing speaks against it.
    pub not_to_be_trusted: Option<String>,
    pub took_s: f64,
    pub painted_unix_ns: u64,
}

impl PictureReport {
    /// Why it is not to be trusted, or why nothing says whether it is; `None`: the widefield speaks for it.
    pub fn word(&self) -> Option<&str> {
        if let Some(why) = &self.not_to_be_trusted {
            return Some(why);
        }
        match (self.widefield, self.widefield_is_even, self.error) {
            (None, ..) => Some("not judged: there is no widefield of this tile"),
            (_, true, _) => Some("not judged: the widefield shows nothing but noise"),
            (_, _, None) => Some("no error map: the tile is too small for one"),
            _ => None,
        }
    }
}

/// The pictures of a scan, by tile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pictures {
    /// They are being made.
    pub wanted: bool,
    pub made: BTreeMap<u32, PictureReport>,
    /// Those that could not be made: the first frame of the visit, and why. They are tried again after a restart.
    pub failed: BTreeMap<u32, (u64, String)>,
}

/// As 32 hexadecimal digits; what is none is `None`.
mod series_id {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use smlm::frame::SeriesId;

    pub fn serialize<S: Serializer>(id: &Option<SeriesId>, to: S) -> Result<S::Ok, S::Error> {
        id.map(|id| id.to_string()).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SeriesId>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        Ok(text.and_then(|text| text.parse().ok()))
    }
}
