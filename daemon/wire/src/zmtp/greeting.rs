//! The greeting and the commands of ZMTP 3 with the NULL mechanism (RFC 23 and 37).
//!
//! In: bytes of a peer, checked as they come. Out: whether it may stay. Never: another mechanism or major version.

use super::frame::put_head;
use crate::bad_message::BadMessage;

pub(crate) const GREETING_BYTES: usize = 64;
/// A command of a peer: READY with some metadata.
pub(crate) const COMMAND_BYTES: u64 = 4096;

/// Our greeting: version 3.1, NULL, not a server.
pub(crate) fn greeting() -> [u8; GREETING_BYTES] {
    let mut greeting = [0u8; GREETING_BYTES];
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting[11] = 1;
    greeting[12..16].copy_from_slice(b"NULL");
    greeting
}

/// Looks at as much of a greeting as is there, so that a stranger is refused at its first byte.
pub(crate) fn check_greeting(bytes: &[u8]) -> Result<(), BadMessage> {
    if bytes.first().is_some_and(|&byte| byte != 0xff) || bytes.get(9).is_some_and(|byte| byte & 1 == 0) {
        return Err(BadMessage::ForeignBytes);
    }
    if bytes.get(10).is_some_and(|&major| major < 3) {
        return Err(BadMessage::BadHandshake);
    }
    let mut null = [0u8; 20];
    null[..4].copy_from_slice(b"NULL");
    if bytes.get(12..32).is_some_and(|mechanism| mechanism != null) {
        return Err(BadMessage::UnsupportedMechanism);
    }
    Ok(())
}

/// A command, head and all: its name and its body.
pub(crate) fn put_command(out: &mut Vec<u8>, name: &[u8], body: &[u8]) {
    put_head(out, 1 + name.len() + body.len(), false, true);
    out.push(u8::try_from(name.len()).expect("the names of our commands are short"));
    out.extend_from_slice(name);
    out.extend_from_slice(body);
}

/// READY of a socket of this type.
pub(crate) fn put_ready(out: &mut Vec<u8>, socket_type: &[u8]) {
    let mut body = vec![11];
    body.extend_from_slice(b"Socket-Type");
    body.extend_from_slice(&[0, 0, 0, u8::try_from(socket_type.len()).expect("a socket type is short")]);
    body.extend_from_slice(socket_type);
    put_command(out, b"READY", &body);
}

/// Name and body of a command.
pub(crate) fn split_command(frame: &[u8]) -> Result<(&[u8], &[u8]), BadMessage> {
    let (&length, rest) = frame.split_first().ok_or(BadMessage::BadFraming)?;
    rest.split_at_checked(length.into()).ok_or(BadMessage::BadFraming)
}

/// The `Socket-Type` of a READY body.
pub(crate) fn socket_type(mut body: &[u8]) -> Result<&[u8], BadMessage> {
    while let Some((&length, rest)) = body.split_first() {
        let (name, rest) = rest.split_at_checked(length.into()).ok_or(BadMessage::BadHandshake)?;
        let (size, rest) = rest.split_first_chunk().ok_or(BadMessage::BadHandshake)?;
        let size = usize::try_from(u32::from_be_bytes(*size)).map_err(|_| BadMessage::BadHandshake)?;
        let (value, rest) = rest.split_at_checked(size).ok_or(BadMessage::BadHandshake)?;
        if name.eq_ignore_ascii_case(b"Socket-Type") {
            return Ok(value);
        }
        body = rest;
    }
    Err(BadMessage::BadHandshake)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_greeting_passes_whole_and_in_pieces() {
        for length in 0..=GREETING_BYTES {
            assert_eq!(check_greeting(&greeting()[..length]), Ok(()));
        }
    }

    #[test]
    fn strangers_are_known_at_the_first_byte_that_differs() {
        assert_eq!(check_greeting(b"G"), Err(BadMessage::ForeignBytes));
        let mut old = greeting();
        old[10] = 1;
        assert_eq!(check_greeting(&old[..11]), Err(BadMessage::BadHandshake));
        let mut curve = greeting();
        curve[12..17].copy_from_slice(b"CURVE");
        assert_eq!(check_greeting(&curve), Err(BadMessage::UnsupportedMechanism));
    }

    #[test]
    fn ready_names_its_socket_type_and_a_cut_one_is_refused() {
        let mut frame = Vec::new();
        put_ready(&mut frame, b"PUSH");
        let (name, body) = split_command(&frame[2..]).unwrap();
        assert_eq!((name, socket_type(body)), (&b"READY"[..], Ok(&b"PUSH"[..])));
        for length in 0..body.len() {
            assert_eq!(socket_type(&body[..length]), Err(BadMessage::BadHandshake));
        }
    }
}
