//! Libraries as senders: the `zeromq` crate, and libzmq through pyzmq where a Python with pyzmq is found.

use std::process::Command;

use bytes::Bytes;
use zeromq::{PushSocket, Socket as _, SocketSend as _, ZmqMessage};

use crate::collect::Collect;
use crate::sample;
use crate::senders::on_both;

#[test]
fn the_zeromq_crate_can_send_to_both_receivers() {
    on_both(|_, source| {
        let endpoint = source.endpoint().to_owned();
        let (received, all_received) = std::sync::mpsc::sync_channel::<()>(1);
        let sender = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut socket = PushSocket::new();
                socket.connect(&endpoint).await.unwrap();
                for seq in 0..20 {
                    let info = sample::info(seq, 512, 64);
                    let mut message = ZmqMessage::from(sample::part0(&info));
                    message.push_back(Bytes::from(sample::pixels(&info)));
                    socket.send(message).await.unwrap();
                }
                // The crate has no linger: stay until the receiver has everything.
                tokio::task::spawn_blocking(move || all_received.recv()).await.unwrap().unwrap();
            });
        });
        let mut sink = Collect::default();
        sink.until(source, "all frames", |sink| sink.frames.len() == 20);
        assert!(sink.frames.iter().all(|(info, pixels)| *pixels == sample::pixels(info)));
        assert_eq!((sink.seqs(), sink.bad.len()), ((0..20).collect(), 0));
        received.send(()).unwrap();
        sender.join().unwrap();
    });
}

/// Reads `hex(part0) length(part1)` lines, sends them with heartbeats as fast as they come.
const PYTHON_SENDER: &str = "
import sys, zmq
context = zmq.Context()
socket = context.socket(zmq.PUSH)
socket.setsockopt(zmq.HEARTBEAT_IVL, int(sys.argv[2]))
socket.setsockopt(zmq.LINGER, 20000)
socket.connect(sys.argv[1])
for line in sys.stdin:
    part0, part1 = line.split()
    socket.send_multipart([bytes.fromhex(part0), bytes.fromhex(part1)])
socket.close()
context.term()
";

fn python_with_pyzmq() -> Option<String> {
    let named = std::env::var("BLINKD_TEST_PYTHON").ok();
    let candidates = named.into_iter().chain(["python3".to_owned()]);
    let has_pyzmq = |python: &String| {
        Command::new(python).args(["-c", "import zmq"]).output().is_ok_and(|output| output.status.success())
    };
    candidates.into_iter().find(has_pyzmq)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn libzmq_can_send_to_both_receivers() {
    let Some(python) = python_with_pyzmq() else {
        eprintln!("SKIPPED: no python3 with pyzmq; name one in BLINKD_TEST_PYTHON");
        return;
    };
    // The zeromq crate drops peers that send heartbeats, so only ours is tried with them.
    on_both(|receiver, source| {
        let heartbeat_ms = if receiver == "own" { "1" } else { "0" };
        let mut child = Command::new(&python)
            .args(["-c", PYTHON_SENDER, source.endpoint(), heartbeat_ms])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = String::new();
        for seq in 0..20 {
            let info = sample::info(seq, 64, 64);
            lines += &format!("{} {}\n", hex(&sample::part0(&info)), hex(&sample::pixels(&info)));
        }
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes()).unwrap();
        let mut sink = Collect::default();
        sink.until(source, "all frames of libzmq", |sink| sink.frames.len() == 20);
        assert!(sink.frames.iter().all(|(info, pixels)| *pixels == sample::pixels(info)));
        assert_eq!((sink.seqs(), sink.bad.len()), ((0..20).collect(), 0));
        sink.until(source, "libzmq has left", |sink| sink.disconnected == [sample::SERIES]);
        assert!(child.wait().unwrap().success());
    });
}
