//! Part 0 of a message of the frame stream, both ways.
//!
//! In: bytes of a stranger, or core values. Out: core values that are within the limits below, or bytes.
//! Never: pixels, sockets; and no memory is reserved from a number that was not checked first.

pub mod limits;
mod read;
#[cfg(test)]
mod tests;
mod write;

use prost::Message as _;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use smlm::frame::{FrameInfo, SeriesId};
use smlm::series::Control;

use crate::bad_message::BadMessage;
use crate::pb;

pub use read::camera;
pub use write::{
    FrameOnWire, encode_control, encode_control_json, encode_frame, encode_frame_into, encode_frame_json,
};

/// The version of the frame stream.
pub const SCHEMA_VERSION: u32 = 1;

/// How part 1 is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Compression {
    #[default]
    Raw,
    /// One LZ4 block, without a size in front.
    Lz4,
    /// Zstandard frames.
    Zstd,
}

/// A frame announced by its header; its pixels are in part 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Announced {
    pub info: FrameInfo,
    pub compression: Compression,
    /// Of part 1 as sent.
    pub crc32c: Option<u32>,
}

/// What part 0 says.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    Frame(Announced),
    Control(Control),
}

/// The series that a control message speaks of.
pub(crate) fn series_of(control: &Control) -> SeriesId {
    match control {
        Control::SeriesStart(info) => info.id,
        Control::TileEnd { series, .. }
        | Control::SeriesEnd { series, .. }
        | Control::Heartbeat { series, .. } => *series,
    }
}

/// Reads part 0. Keeps one header as scratch space, so that a frame in protobuf costs no allocation.
#[derive(Default)]
pub struct Decoder {
    frame: pb::FrameHeader,
}

impl Decoder {
    /// `has_pixels`: whether another part follows.
    pub fn decode(&mut self, part0: &[u8], has_pixels: bool) -> Result<Message, BadMessage> {
        let limit = if has_pixels { limits::FRAME_PART0_BYTES } else { limits::CONTROL_PART0_BYTES };
        if part0.len() > limit {
            return Err(BadMessage::TooLong);
        }
        match part0.first() {
            None => Err(BadMessage::EmptyMessage),
            Some(b'{') => {
                let envelope = serde_json::from_slice(part0).map_err(|_| BadMessage::BadJson)?;
                of_envelope(envelope, has_pixels)
            }
            Some(_) => match self.frame_only(part0).map_err(|Broken| BadMessage::BrokenProtobuf)? {
                Some(version) => {
                    check_version(version)?;
                    of_frame(&self.frame, has_pixels)
                }
                None => {
                    let envelope = pb::Envelope::decode(part0).map_err(|_| BadMessage::BrokenProtobuf)?;
                    of_envelope(envelope, has_pixels)
                }
            },
        }
    }

    /// Reads an envelope that holds a frame header into the scratch space and returns its schema version; `None`
    /// when it holds something else. prost alone would allocate for the series id of each frame.
    fn frame_only(&mut self, mut part0: &[u8]) -> Result<Option<u32>, Broken> {
        self.frame.clear();
        let (mut version, mut seen) = (0u32, false);
        while !part0.is_empty() {
            let (tag, wire_type) = decode_key(&mut part0)?;
            match tag {
                1 => {
                    prost::encoding::uint32::merge(
                        wire_type,
                        &mut version,
                        &mut part0,
                        DecodeContext::default(),
                    )?;
                }
                3 => {
                    merge_frame(&mut self.frame, delimited(wire_type, &mut part0)?)?;
                    seen = true;
                }
                2 | 4..=6 => return Ok(None),
                _ => skip_field(wire_type, tag, &mut part0, DecodeContext::default())?,
            }
        }
        Ok(seen.then_some(version))
    }
}

/// Not protobuf; what exactly was broken is of no use to anybody.
struct Broken;

impl From<prost::DecodeError> for Broken {
    fn from(_: prost::DecodeError) -> Self {
        Self
    }
}

/// As the generated `merge`, but the series id is copied into the space it already has.
fn merge_frame(frame: &mut pb::FrameHeader, mut body: &[u8]) -> Result<(), Broken> {
    while !body.is_empty() {
        let (tag, wire_type) = decode_key(&mut body)?;
        if tag == 1 {
            let id = delimited(wire_type, &mut body)?;
            frame.series_id.clear();
            frame.series_id.extend_from_slice(id);
        } else {
            frame.merge_field(tag, wire_type, &mut body, DecodeContext::default())?;
        }
    }
    Ok(())
}

/// Takes a length-delimited field out of `bytes`.
fn delimited<'a>(wire_type: WireType, bytes: &mut &'a [u8]) -> Result<&'a [u8], Broken> {
    prost::encoding::check_wire_type(WireType::LengthDelimited, wire_type)?;
    let length = decode_varint(bytes)?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let Some((field, rest)) = bytes.split_at_checked(length) else {
        return Err(Broken);
    };
    *bytes = rest;
    Ok(field)
}

fn check_version(version: u32) -> Result<(), BadMessage> {
    if version == SCHEMA_VERSION { Ok(()) } else { Err(BadMessage::UnknownVersion) }
}

fn of_envelope(envelope: pb::Envelope, has_pixels: bool) -> Result<Message, BadMessage> {
    use pb::envelope::Kind;
    check_version(envelope.schema_version)?;
    let control = match envelope.kind.ok_or(BadMessage::EmptyMessage)? {
        Kind::Frame(header) => return of_frame(&header, has_pixels),
        _ if has_pixels => return Err(BadMessage::ControlWithPixels),
        Kind::SeriesStart(start) => Control::SeriesStart(Box::new(read::series_start(start)?)),
        Kind::TileEnd(end) => read::tile_end(&end)?,
        Kind::SeriesEnd(end) => read::series_end(&end)?,
        Kind::Heartbeat(beat) => read::heartbeat(&beat)?,
    };
    Ok(Message::Control(control))
}

fn of_frame(header: &pb::FrameHeader, has_pixels: bool) -> Result<Message, BadMessage> {
    if !has_pixels {
        return Err(BadMessage::WrongPartCount);
    }
    read::frame(header).map(Message::Frame)
}
