//! The kinds of bad input of the frame stream, each with the name under which it is counted.
//!
//! In: nothing. Out: one flat enum. Never: text of a peer (a hostile peer must not write into logs).

/// Why a message or a peer was not accepted. Each kind is one counter.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BadMessage {
    /// Part 0 is empty, or carries no known kind of message.
    EmptyMessage,
    /// Part 0 is not the protobuf `Envelope`, or is cut short.
    BrokenProtobuf,
    /// Part 0 begins with `{` and is not the proto3 JSON of an `Envelope`.
    BadJson,
    /// `schema_version` is not 1.
    UnknownVersion,
    /// `pixel_type` is neither U8 nor U16.
    UnknownPixelType,
    /// `compression` is none of RAW, LZ4, ZSTD.
    UnknownCompression,
    /// Another enumeration holds a value of a later version that changes how frames are read.
    UnknownValue,
    /// Width, height, ROI origin, grid or tile number outside the limits of `envelope::limits`.
    AbsurdShape,
    /// Part 1 does not hold width x height pixels.
    WrongPixelCount,
    /// A series id is 16 bytes.
    BadSeriesId,
    /// A number is not finite, or outside what it can mean (`seq` is below 2^63).
    BadNumber,
    /// A part, text or peer's buffer beyond its limit.
    TooLong,
    /// A frame header without pixels, or a message of three parts or more.
    WrongPartCount,
    /// A control message with a second part.
    ControlWithPixels,
    /// `pixels_crc32c` does not belong to part 1.
    BadChecksum,
    /// Part 1 does not unpack to width x height pixels.
    BadCompression,
    /// The peer does not speak ZMTP.
    ForeignBytes,
    /// The peer spoke ZMTP and then broke its framing.
    BadFraming,
    /// Another ZMTP version than 3, not a PUSH socket, or no READY in time.
    BadHandshake,
    /// The peer wants PLAIN, CURVE or another mechanism than NULL.
    UnsupportedMechanism,
    /// The peer stopped in the middle of a message for longer than allowed.
    PeerStalled,
    /// The peer left in the middle of a message.
    PeerLeftMidMessage,
    /// The peer's address is not among the allowed ones.
    PeerRefused,
    /// One peer more than the limit.
    TooManyPeers,
    /// The socket of one peer failed.
    ReceiveError,
    /// A frame whose number was received before: a publisher that rewound sends some twice.
    Duplicate,
}

impl BadMessage {
    /// Every kind, in the order of their counters.
    pub const ALL: [Self; 26] = [
        Self::EmptyMessage,
        Self::BrokenProtobuf,
        Self::BadJson,
        Self::UnknownVersion,
        Self::UnknownPixelType,
        Self::UnknownCompression,
        Self::UnknownValue,
        Self::AbsurdShape,
        Self::WrongPixelCount,
        Self::BadSeriesId,
        Self::BadNumber,
        Self::TooLong,
        Self::WrongPartCount,
        Self::ControlWithPixels,
        Self::BadChecksum,
        Self::BadCompression,
        Self::ForeignBytes,
        Self::BadFraming,
        Self::BadHandshake,
        Self::UnsupportedMechanism,
        Self::PeerStalled,
        Self::PeerLeftMidMessage,
        Self::PeerRefused,
        Self::TooManyPeers,
        Self::ReceiveError,
        Self::Duplicate,
    ];

    /// The name of its counter, `snake_case`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmptyMessage => "empty_message",
            Self::BrokenProtobuf => "broken_protobuf",
            Self::BadJson => "bad_json",
            Self::UnknownVersion => "unknown_version",
            Self::UnknownPixelType => "unknown_pixel_type",
            Self::UnknownCompression => "unknown_compression",
            Self::UnknownValue => "unknown_value",
            Self::AbsurdShape => "absurd_shape",
            Self::WrongPixelCount => "wrong_pixel_count",
            Self::BadSeriesId => "bad_series_id",
            Self::BadNumber => "bad_number",
            Self::TooLong => "too_long",
            Self::WrongPartCount => "wrong_part_count",
            Self::ControlWithPixels => "control_with_pixels",
            Self::BadChecksum => "bad_checksum",
            Self::BadCompression => "bad_compression",
            Self::ForeignBytes => "foreign_bytes",
            Self::BadFraming => "bad_framing",
            Self::BadHandshake => "bad_handshake",
            Self::UnsupportedMechanism => "unsupported_mechanism",
            Self::PeerStalled => "peer_stalled",
            Self::PeerLeftMidMessage => "peer_left_mid_message",
            Self::PeerRefused => "peer_refused",
            Self::TooManyPeers => "too_many_peers",
            Self::ReceiveError => "receive_error",
            Self::Duplicate => "duplicate",
        }
    }

    /// Its place in [`Self::ALL`], for an array of counters.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl std::fmt::Display for BadMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::BadMessage;

    #[test]
    fn every_kind_has_its_own_counter() {
        for (place, kind) in BadMessage::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), place, "{kind}");
        }
        let names: std::collections::BTreeSet<_> = BadMessage::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), BadMessage::ALL.len());
    }
}
