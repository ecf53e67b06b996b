//! The parts of a message, from the head of part 0 to the last pixel.
//!
//! In: bytes in the inbox or already at their place. Out: calls on the sink. Never: an end of the peer, except for a
//! length beyond every limit; a wrong message is counted, its bytes are passed over.

use super::{Peer, Shared, Stage};
use crate::bad_message::BadMessage;
use crate::envelope::{Announced, Compression, Message, limits, series_of};
use crate::source::Place;
use crate::zmtp::frame::Head;
use crate::zmtp::packed::check_sum;

impl Peer {
    pub(super) fn digest_part0(&mut self, head: Head, shared: &mut Shared<'_>) -> Result<bool, BadMessage> {
        let limit = if head.more { limits::FRAME_PART0_BYTES } else { limits::CONTROL_PART0_BYTES };
        if head.length > limit as u64 {
            shared.sink.bad(BadMessage::TooLong);
            self.skip(head);
            return Ok(true);
        }
        let Some(range) = self.whole(head) else {
            return Ok(false);
        };
        let message = shared.decoder.decode(&self.inbox.filled()[range.clone()], head.more);
        self.inbox.consume(range.end);
        self.stage = match message {
            Ok(Message::Frame(frame)) => Stage::Part1(frame),
            Ok(Message::Control(control)) => {
                self.remember(series_of(&control));
                shared.sink.control(control);
                Stage::Part0
            }
            Err(kind) => {
                shared.sink.bad(kind);
                if head.more { Stage::SkipHead } else { Stage::Part0 }
            }
        };
        Ok(true)
    }

    pub(super) fn digest_part1(
        &mut self,
        frame: Announced,
        shared: &mut Shared<'_>,
    ) -> Result<bool, BadMessage> {
        let Some(head) = self.head()? else {
            return Ok(false);
        };
        if head.command {
            return self.digest_command(head);
        }
        let (pixels, raw) = (frame.info.payload_bytes(), frame.compression == Compression::Raw);
        let length = usize::try_from(head.length).map_err(|_| BadMessage::TooLong)?;
        let wrong = if head.more {
            Some(BadMessage::WrongPartCount)
        } else if raw {
            (length != pixels).then_some(BadMessage::WrongPixelCount)
        } else {
            (length > limits::packed_bytes(pixels)).then_some(BadMessage::TooLong)
        };
        if let Some(kind) = wrong {
            shared.sink.bad(kind);
            self.skip(head);
            return Ok(true);
        }
        self.waits = !raw && !shared.side.is_free();
        if self.waits {
            return Ok(false);
        }
        self.remember(frame.info.id.series);
        let Some(place) = shared.sink.reserve(&frame.info) else {
            self.skip(head);
            return Ok(true);
        };
        self.inbox.consume(head.bytes);
        self.stage = if raw {
            Stage::Pixels { frame, place, got: 0 }
        } else if shared.side.claim(self.id, length) {
            Stage::Packed { frame, place, got: 0, length }
        } else {
            shared.sink.abandon(place, BadMessage::TooLong);
            Stage::Skip { left: head.length, more: false }
        };
        Ok(true)
    }

    pub(super) fn digest_pixels(
        &mut self,
        frame: Announced,
        place: Place,
        got: usize,
        shared: &mut Shared<'_>,
    ) -> bool {
        let space = shared.sink.space(place);
        let got = got + self.inbox.take(&mut space[got..]);
        if got < space.len() {
            self.stage = Stage::Pixels { frame, place, got };
            return false;
        }
        let checked = check_sum(space, frame.crc32c);
        self.finish(place, checked, shared)
    }

    pub(super) fn digest_packed(
        &mut self,
        frame: Announced,
        place: Place,
        (got, length): (usize, usize),
        shared: &mut Shared<'_>,
    ) -> bool {
        let got = got + self.inbox.take(&mut shared.side.space()[got..length]);
        if got < length {
            self.stage = Stage::Packed { frame, place, got, length };
            return false;
        }
        let pixels = shared.sink.space(place);
        let unpacked = shared.side.unpack(length, &frame, pixels);
        shared.side.release(self.id);
        self.finish(place, unpacked, shared)
    }

    fn finish(&mut self, place: Place, result: Result<(), BadMessage>, shared: &mut Shared<'_>) -> bool {
        match result {
            Ok(()) => shared.sink.commit(place, (shared.unix_ns)()),
            Err(kind) => shared.sink.abandon(place, kind),
        }
        self.stage = Stage::Part0;
        true
    }

    pub(super) fn digest_skip(&mut self, left: u64, more: bool) -> bool {
        let here = (self.inbox.filled().len() as u64).min(left);
        self.inbox.consume(usize::try_from(here).expect("not more than the inbox holds"));
        let left = left - here;
        self.stage = match (left, more) {
            (0, true) => Stage::SkipHead,
            (0, false) => Stage::Part0,
            _ => Stage::Skip { left, more },
        };
        left == 0
    }
}
