//! Everything that the screen shows, as one value: answers of the API, and how somebody wants to see them.
//!
//! In: answers as they come, keys. Out: a value that `screen::draw` and `json::object` read. Never: a request, a clock.

use std::time::Duration;

use wire::pb;

use super::link::Trouble;
use super::palette::Palette;

/// What was asked for and came; else why it did not, in words.
pub type Answer<T> = Option<Result<T, String>>;

/// The latest answers. Those about one series are kept only as long as it is the one that is shown.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub status: Option<pb::DaemonStatus>,
    /// None: the daemon has none yet.
    pub series: Option<pb::Acquisition>,
    /// Ids of all series the daemon knows, the oldest first.
    pub known: Vec<Vec<u8>>,
    pub scan: Answer<pb::Scan>,
    pub statistics: Answer<pb::SeriesStatistics>,
    pub picture: Answer<Picture>,
    /// Why the daemon does not answer; none while it does.
    pub away: Option<Away>,
}

impl Seen {
    pub fn series_id(&self) -> &[u8] {
        self.series.as_ref().map_or(&[], |series| &series.series_id)
    }

    /// A new state of a series; what was known of another one is forgotten.
    pub fn show(&mut self, series: Option<pb::Acquisition>) {
        if series.as_ref().map_or(&[][..], |series| &series.series_id) != self.series_id() {
            (self.scan, self.statistics, self.picture) = (None, None, None);
        }
        self.series = series;
    }

    pub fn scan(&self) -> Option<&pb::Scan> {
        self.scan.as_ref()?.as_ref().ok()
    }

    pub fn statistics(&self) -> Option<&pb::SeriesStatistics> {
        self.statistics.as_ref()?.as_ref().ok()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Away {
    pub since: tokio::time::Instant,
    pub trouble: Trouble,
}

/// The growing picture, coarse: RGB row by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    pub series_id: Vec<u8>,
    pub colour_by: pb::ColourBy,
    pub pixel_nm: f64,
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
    pub legend: Option<pb::Legend>,
    pub localizations: u64,
}

/// What stands beside the numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Of a scan its tiles, and the picture where there is room for both; else the picture.
    #[default]
    Auto,
    Picture,
    Tiles,
    Numbers,
}

impl Layout {
    pub fn next(self) -> Self {
        match self {
            Self::Auto => Self::Picture,
            Self::Picture => Self::Tiles,
            Self::Tiles => Self::Numbers,
            Self::Numbers => Self::Auto,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Picture => "picture",
            Self::Tiles => "tiles",
            Self::Numbers => "numbers",
        }
    }
}

/// What lies over the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlay {
    #[default]
    None,
    Help,
    Reasons,
}

pub fn colour_name(colour: pb::ColourBy) -> &'static str {
    match colour {
        pb::ColourBy::Z => "z",
        pb::ColourBy::Time => "time",
        pb::ColourBy::Sigma => "σ",
        pb::ColourBy::Intensity | pb::ColourBy::Unspecified => "intensity",
    }
}

/// How somebody wants to see it.
#[derive(Clone, Debug, Default)]
pub struct Taste {
    pub layout: Layout,
    pub overlay: Overlay,
    pub colour_by: pb::ColourBy,
    pub no_picture: bool,
    pub palette: Palette,
    /// None: the newest series, whichever it is.
    pub series: Option<Vec<u8>>,
}

/// What one drawing of the screen needs.
pub struct View<'a> {
    pub seen: &'a Seen,
    pub taste: &'a Taste,
    pub address: &'a str,
    /// How long the daemon has not answered.
    pub away_for: Option<Duration>,
    /// How long the screen has been held still.
    pub frozen_for: Option<Duration>,
}

impl View<'_> {
    /// Whether the numbers are of the past.
    pub fn stale(&self) -> bool {
        self.away_for.is_some()
    }
}
