//! Peers that do not speak the protocol, or break it.

use std::net::Shutdown;
use std::time::Duration;

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use wire::bad_message::BadMessage;
use wire::source::{FrameSource, SourceSettings};
use wire::zmtp::ZmtpSource;

use crate::collect::Collect;
use crate::raw::{self, Raw};
use crate::sample;

/// Sends `bytes` from a fresh connection while another peer is connected: the first is dropped and counted as `kind`,
/// the other one's frame still arrives.
fn is_dropped(bytes: &[u8], kind: BadMessage) {
    let mut source = ZmtpSource::bind("tcp://127.0.0.1:0", SourceSettings::default()).unwrap();
    let mut sink = Collect::default();
    let mut good = Raw::push(source.endpoint());
    let mut bad = Raw::silent(source.endpoint());
    bad.send(bytes);
    sink.until(&mut source, "the bad peer is dropped", |_| bad.hear().1);
    assert_eq!((sink.bad.as_slice(), source.peers()), (&[kind][..], 1), "{bytes:02x?}");
    good.send(&raw::frame(&sample::info(0, 8, 8)));
    sink.until(&mut source, "the good peer's frame", |sink| sink.frames.len() == 1);
}

fn after_handshake(bytes: &[u8]) -> Vec<u8> {
    [&raw::greeting(b"NULL")[..], &raw::ready(b"PUSH"), bytes].concat()
}

#[test]
fn absurd_lengths_end_the_peer_and_reserve_nothing() {
    let part0 = raw::part(&sample::part0(&sample::info(0, 8, 8)), true);
    for length in [1u64 << 62, 1 << 46, 1 << 40, u64::MAX, (513 << 20) + (4 << 20)] {
        let head = |flags: u8| [&[flags][..], &length.to_be_bytes()].concat();
        is_dropped(&after_handshake(&head(2)), BadMessage::TooLong);
        is_dropped(&after_handshake(&head(3)), BadMessage::TooLong);
        is_dropped(&after_handshake(&head(6)), BadMessage::TooLong);
        is_dropped(&after_handshake(&[part0.clone(), head(2)].concat()), BadMessage::TooLong);
    }
}

#[test]
fn foreign_bytes_are_known_as_such() {
    is_dropped(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", BadMessage::ForeignBytes);
    is_dropped(b"\x16\x03\x01\x02\x00\x01\x00", BadMessage::ForeignBytes);
    is_dropped(&[0; 64], BadMessage::ForeignBytes);
    is_dropped(&after_handshake(&[0x80, 0]), BadMessage::BadFraming);
}

#[test]
fn other_mechanisms_and_sockets_are_refused() {
    is_dropped(&raw::greeting(b"PLAIN"), BadMessage::UnsupportedMechanism);
    is_dropped(&raw::greeting(b"CURVE"), BadMessage::UnsupportedMechanism);
    let mut old = raw::greeting(b"NULL");
    old[10] = 1;
    is_dropped(&old, BadMessage::BadHandshake);
    for socket in [&b"PUB"[..], b"PULL", b"DEALER", b""] {
        let bytes = [&raw::greeting(b"NULL")[..], &raw::ready(socket)].concat();
        is_dropped(&bytes, BadMessage::BadHandshake);
    }
    let hasty = [&raw::greeting(b"NULL")[..], &raw::part(b"data", false)].concat();
    is_dropped(&hasty, BadMessage::BadHandshake);
}

#[test]
fn a_command_longer_than_any_is_not_collected() {
    let command = [&[6u8][..], &(1u64 << 20).to_be_bytes()].concat();
    is_dropped(&after_handshake(&command), BadMessage::BadFraming);
}

#[test]
fn random_bytes_never_reach_the_loop() {
    let mut rng = ChaCha8Rng::seed_from_u64(5766);
    let mut source = ZmtpSource::bind("tcp://127.0.0.1:0", SourceSettings::default()).unwrap();
    let mut sink = Collect::default();
    let mut good = Raw::push(source.endpoint());
    for round in 0..200u64 {
        let mut noise = vec![0; rng.random_range(1..400)];
        rng.fill_bytes(&mut noise);
        let mut bad = Raw::silent(source.endpoint());
        match round % 4 {
            0 => bad.send(&noise),
            1 => bad.send(&after_handshake(&noise)),
            2 => bad.send(&after_handshake(&raw::message(&noise, &noise))),
            _ => {
                let mut bytes = after_handshake(&raw::frame(&sample::info(1 << 40, 4, 4)));
                let at = rng.random_range(0..bytes.len());
                bytes[at] ^= 1 << rng.random_range(0..8);
                bad.send(&bytes);
            }
        }
        bad.0.shutdown(Shutdown::Write).unwrap();
        good.send(&raw::frame(&sample::info(round, 8, 8)));
        sink.until(&mut source, "the good frame", |sink| {
            sink.frames.iter().any(|(info, _)| info.id.seq.0 == round)
        });
    }
    while source.peers() > 1 {
        source.poll(&mut sink, Duration::from_millis(10)).unwrap();
    }
    assert!(sink.bad.len() > 100, "{}", sink.bad.len());
    assert!(sink.open.iter().all(Option::is_none), "each place was committed or abandoned");
}
