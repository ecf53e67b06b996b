//! The golden vectors that every client shares: up to date, and read as they say, over a real socket.

use serde_json::Value;
use wire::source::{FrameSource, SourceSettings};
use wire::zmtp::ZmtpSource;

use crate::collect::Collect;
use crate::raw::{self, Raw};

#[path = "../../examples/golden/vectors.rs"]
mod vectors;

#[path = "../../examples/golden/sessions.rs"]
mod sessions;

#[test]
fn recorded_sessions_are_up_to_date() {
    let committed = std::fs::read_to_string(sessions::path()).unwrap();
    assert!(
        committed == sessions::text(),
        "the protocol changed: run `cargo run -p wire --example golden` and review"
    );
}

#[test]
fn golden_vectors_are_up_to_date() {
    let committed = std::fs::read_to_string(vectors::path()).unwrap();
    assert!(
        committed == vectors::text(),
        "the protocol changed: run `cargo run -p wire --example golden` and review"
    );
}

fn bytes(text: &Value) -> Option<Vec<u8>> {
    let text = text.as_str()?;
    Some((0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect())
}

/// Part 0 in each form the vector gives.
fn forms(vector: &Value) -> Vec<Vec<u8>> {
    let repeated = vector["part0_repeat"]
        .as_object()
        .map(|repeat| bytes(&repeat["hex"]).unwrap().repeat(repeat["bytes"].as_u64().unwrap() as usize));
    let json = vector["part0_json"].as_object().map(|json| serde_json::to_vec(json).unwrap());
    [bytes(&vector["part0_hex"]), repeated, json].into_iter().flatten().collect()
}

#[test]
fn golden_vectors_are_read_as_they_say() {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(vectors::path()).unwrap()).unwrap();
    let mut source = ZmtpSource::bind("tcp://127.0.0.1:0", SourceSettings::default()).unwrap();
    let mut peer = Raw::push(source.endpoint());
    for vector in file["vectors"].as_array().unwrap() {
        for part0 in forms(vector) {
            let mut sink = Collect::default();
            match bytes(&vector["part1_hex"]) {
                Some(part1) => peer.send(&raw::message(&part0, &part1)),
                None => peer.send(&raw::part(&part0, false)),
            }
            sink.until(&mut source, "an answer", |sink| {
                sink.frames.len() + sink.controls.len() + sink.bad.len() + sink.abandoned.len() > 0
            });
            let expect = &vector["expect"];
            if let Some((info, pixels)) = sink.frames.first() {
                assert_eq!(expect["frame"], vectors::expected_frame(info, pixels), "{}", vector["name"]);
            } else if let Some(control) = sink.controls.first() {
                assert_eq!(expect["control"], vectors::expected_control(control), "{}", vector["name"]);
            } else {
                let kind = sink.bad.iter().chain(&sink.abandoned).next().unwrap();
                assert_eq!(expect["bad"], kind.as_str(), "{}", vector["name"]);
            }
        }
    }
}
