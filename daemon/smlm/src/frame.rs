//! What a frame is, before and after its pixels: identity, place in a scan, shape; and what a missing frame is.
//!
//! These are plain values. They know nothing of protobuf, sockets or files.

/// Sixteen bytes chosen by the publisher; one per recording and camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SeriesId(pub [u8; 16]);

impl std::fmt::Display for SeriesId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::str::FromStr for SeriesId {
    type Err = BadSeriesId;
    fn from_str(text: &str) -> Result<Self, BadSeriesId> {
        let mut id = [0u8; 16];
        if text.len() != 32 || !text.is_ascii() {
            return Err(BadSeriesId(text.to_owned()));
        }
        for (i, byte) in id.iter_mut().enumerate() {
            *byte =
                u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| BadSeriesId(text.to_owned()))?;
        }
        Ok(Self(id))
    }
}

/// A series id must be 32 hexadecimal digits.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is not a series id: 32 hexadecimal digits are needed")]
pub struct BadSeriesId(pub String);

/// A frame's number within its series, from 0, assigned before the attempt to send, never reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Seq(pub u64);

/// A frame's name in the whole daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct FrameId {
    pub series: SeriesId,
    pub seq: Seq,
}

/// How a pixel is stored; always little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PixelType {
    U8,
    #[default]
    U16,
}

impl PixelType {
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
        }
    }
}

/// Rows and columns of a frame in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Shape {
    pub width: u32,
    pub height: u32,
}

impl Shape {
    pub const fn pixels(self) -> usize {
        self.width as usize * self.height as usize
    }
}

/// Whether neighbours in the stream are neighbours in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Continuity {
    /// Every frame of the camera is in the stream.
    #[default]
    Burst,
    /// A display sampled the camera: neighbours are unrelated.
    LiveSampled,
}

/// Where the stage stood, in µm, as given; never derived from row and column.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct StagePosition {
    pub x_um: f64,
    pub y_um: f64,
    pub z_um: f64,
    /// Read from the stage, not merely asked for.
    pub measured: bool,
}

/// Place of a frame's field of view in a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Tile {
    /// In the order of acquisition, from 0.
    pub index: u32,
    pub row: u32,
    pub column: u32,
}

/// Everything that is known of a frame except its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct FrameInfo {
    pub id: FrameId,
    pub tile: Tile,
    /// From 0 within the tile.
    pub frame_in_tile: u32,
    /// 0 when not known.
    pub frames_per_tile: u32,
    pub shape: Shape,
    pub pixel_type: PixelType,
    /// Column and row of the ROI's first pixel on the sensor.
    pub roi_x: u32,
    pub roi_y: u32,
    pub binning: u32,
    pub exposure_ms: f64,
    pub stage: Option<StagePosition>,
    /// The camera's own number of the image; `None` when the camera does not count.
    pub image_number: Option<i64>,
    pub capture_unix_ns: u64,
    pub send_unix_ns: u64,
    /// When the last byte reached the daemon; UTC ns, set by the receiver.
    pub arrival_unix_ns: u64,
    /// Images waiting in the acquisition core's buffer when this one was taken out.
    pub core_queue_depth: u32,
    /// Frames of this series that the publisher had to drop before this one.
    pub dropped_by_publisher: u64,
    pub continuity: Continuity,
}

impl FrameInfo {
    /// Bytes of the unpadded pixels.
    pub const fn payload_bytes(&self) -> usize {
        self.shape.pixels() * self.pixel_type.bytes()
    }
}

/// Why frames are missing at a place in the stream. A gap is a value that travels the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GapCause {
    /// `seq` jumped: lost between publisher and daemon, or dropped by the publisher.
    Transport,
    /// The camera's number jumped and `seq` did not: lost in the camera or in Micro-Manager.
    Camera,
    /// The daemon refused or skipped received frames; the account of frames says why.
    Daemon,
}

/// Frames missing before `before`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub before: FrameId,
    pub tile: u32,
    pub frames: u64,
    pub cause: GapCause,
}
