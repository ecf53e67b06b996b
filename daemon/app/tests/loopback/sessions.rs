//! The recorded sessions that every publisher makes: sent as bytes, they give the account that stands beside them.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;

use blinkd::live::{Door, Series, State, TileCount};
use serde_json::{Value, json};
use smlm::frame::{GapCause, SeriesId};

use crate::rig::{Rig, balanced, lost, until};
use crate::zmtp_bytes::{greeting, message, part, ready};

fn sessions() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clients/conformance/sessions.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file["sessions"].as_array().unwrap().clone()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn id(session: &Value) -> SeriesId {
    SeriesId(bytes(session["series_id"].as_str().unwrap()).try_into().unwrap())
}

/// A publisher that says what was recorded, and nothing else. It must live until all is read: it never reads the
/// daemon's greeting, so that closing it would reset the connection.
#[must_use]
fn play(endpoint: &str, session: &Value) -> TcpStream {
    let mut stream = TcpStream::connect(endpoint.strip_prefix("tcp://").unwrap()).unwrap();
    stream.write_all(&[greeting(b"NULL").to_vec(), ready(b"PUSH")].concat()).unwrap();
    for recorded in session["messages"].as_array().unwrap() {
        let part0 = bytes(recorded["part0_hex"].as_str().unwrap());
        let whole = match recorded["part1_hex"].as_str() {
            Some(part1) => message(&part0, &bytes(part1)),
            None => part(&part0, false),
        };
        stream.write_all(&whole).unwrap();
    }
    stream
}

/// Waits until the series is done; returns why.
fn ended(series: &Series) -> String {
    until("the series is done", || matches!(series.door().state, State::Done(_)));
    let State::Done(why) = series.door().state.clone() else { unreachable!() };
    why
}

/// The daemon's account in the words of the file, which leaves out what is 0.
fn account(door: &Door, ended: &str) -> Value {
    let account = door.account;
    let missing = |cause| account.missing(cause);
    let mut said = json!({ "received": account.received(), "ended": ended });
    for (name, value) in [
        ("missing_transport", missing(GapCause::Transport)),
        ("missing_camera", missing(GapCause::Camera)),
        ("dropped_by_publisher", door.dropped_by_publisher),
    ] {
        if value > 0 {
            said[name] = json!(value);
        }
    }
    let of_tile = |t: &TileCount| {
        let (transport, camera) =
            (t.account.missing(GapCause::Transport), t.account.missing(GapCause::Camera));
        json!([t.tile.index, t.account.received(), transport + camera])
    };
    said["tiles"] = door.tiles.iter().map(of_tile).collect();
    said
}

#[test]
fn every_recorded_session_gives_the_account_that_stands_beside_it() {
    let rig = Rig::start(|_| ());
    for session in sessions() {
        let _publisher = play(&rig.endpoint, &session);
        let name = session["name"].as_str().unwrap();
        until(name, || rig.live.find(id(&session)).is_some());
        let series = rig.live.find(id(&session)).unwrap();
        let ended = ended(&series);
        balanced(&series);
        let door = series.door().clone();
        assert_eq!(account(&door, &ended), session["account"], "{name}");
        assert_eq!(
            (door.account.processed(), lost(&door.account)),
            (door.account.received(), vec![]),
            "{name}"
        );
    }
    assert!(rig.live.bad().is_empty(), "{:?}", rig.live.bad());
    rig.stop();
}

#[test]
fn a_tile_says_where_it_is_and_a_scan_how_it_is_laid_out() {
    let rig = Rig::start(|_| ());
    let sessions = sessions();
    let scan = sessions.iter().find(|session| session["name"] == "a_scan_in_a_snake").unwrap();
    let _publisher = play(&rig.endpoint, scan);
    until("the scan is known", || rig.live.find(id(scan)).is_some());
    let series = rig.live.find(id(scan)).unwrap();
    ended(&series);
    let places: Vec<_> = series.door().tiles.iter().map(|t| (t.tile.row, t.tile.column)).collect();
    assert_eq!(places, [(0, 0), (0, 1), (1, 1), (1, 0)]);
    let stages: Vec<_> =
        series.door().tiles.iter().map(|t| t.stage.map(|s| (s.x_um, s.y_um, s.measured)).unwrap()).collect();
    assert_eq!(
        stages,
        [(-25.0, -25.0, false), (25.0, -25.0, true), (25.0, 25.0, false), (-25.0, 25.0, true)]
    );
    let grid = series.info().grid.unwrap();
    assert_eq!((grid.rows, grid.columns, grid.snake), (2, 2, true));
    rig.stop();
}
