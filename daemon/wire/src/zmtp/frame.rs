//! The framing of ZMTP 3: a flag byte, a length, a body.
//!
//! In: the first bytes of a frame. Out: what they announce. Never: the body.

use crate::bad_message::BadMessage;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// What a frame announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub more: bool,
    pub command: bool,
    pub length: u64,
    /// Bytes of the head itself: 2 or 9.
    pub bytes: usize,
}

/// `None`: more bytes are needed.
pub(crate) fn parse_head(bytes: &[u8]) -> Result<Option<Head>, BadMessage> {
    let Some((&flags, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let (more, command) = (flags & MORE != 0, flags & COMMAND != 0);
    if flags & !(MORE | LONG | COMMAND) != 0 || (more && command) {
        return Err(BadMessage::BadFraming);
    }
    if flags & LONG == 0 {
        return Ok(rest.first().map(|&length| Head { more, command, length: length.into(), bytes: 2 }));
    }
    let length = rest.first_chunk().map(|length| u64::from_be_bytes(*length));
    Ok(length.map(|length| Head { more, command, length, bytes: 9 }))
}

/// The head of a frame of `length` bytes, appended to `out`.
pub(crate) fn put_head(out: &mut Vec<u8>, length: usize, more: bool, command: bool) {
    let flags = (u8::from(more) * MORE) | (u8::from(command) * COMMAND);
    match u8::try_from(length) {
        Ok(short) => out.extend_from_slice(&[flags, short]),
        Err(_) => {
            out.push(flags | LONG);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_parsed_again() {
        for length in [0, 1, 255, 256, 1 << 20] {
            for (more, command) in [(false, false), (true, false), (false, true)] {
                let mut bytes = Vec::new();
                put_head(&mut bytes, length, more, command);
                let head = parse_head(&bytes).unwrap().unwrap();
                assert_eq!((head.more, head.command, head.length), (more, command, length as u64));
                assert_eq!(head.bytes, bytes.len());
                assert_eq!(parse_head(&bytes[..bytes.len() - 1]).unwrap(), None);
            }
        }
    }

    #[test]
    fn reserved_flags_break_the_framing() {
        assert_eq!(parse_head(&[0x08, 0]), Err(BadMessage::BadFraming));
        assert_eq!(parse_head(&[0x05, 0]), Err(BadMessage::BadFraming));
    }
}
