//! ZMTP 3.0, byte by byte: what a PUSH socket says.

pub fn greeting(mechanism: &[u8]) -> [u8; 64] {
    let mut greeting = [0u8; 64];
    greeting[0] = 0xff;
    greeting[8] = 1;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting[12..12 + mechanism.len()].copy_from_slice(mechanism);
    greeting
}

pub fn command(name: &[u8], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![4, (1 + name.len() + body.len()) as u8, name.len() as u8];
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(body);
    bytes
}

pub fn ready(socket_type: &[u8]) -> Vec<u8> {
    let mut body = b"\x0bSocket-Type\0\0\0".to_vec();
    body.push(socket_type.len() as u8);
    body.extend_from_slice(socket_type);
    command(b"READY", &body)
}

/// A part, always with the long head.
pub fn part(bytes: &[u8], more: bool) -> Vec<u8> {
    let mut out = vec![2 | u8::from(more)];
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
    out
}

pub fn message(part0: &[u8], part1: &[u8]) -> Vec<u8> {
    [part(part0, true), part(part1, false)].concat()
}
