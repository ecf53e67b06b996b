//! Publisher and receiver in two processes: frames per second, losses, latency. Run with `cargo bench -p wire --bench
//! stream` (`-- --quick` for a look, `-- own` for one receiver). The receiver is this process; the publisher is this program, started again.

use std::io::BufRead as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use smlm::frame::{FrameId, FrameInfo, Seq, SeriesId, Shape};
use smlm::series::{Control, EndReason, Totals};
use wire::bad_message::BadMessage;
use wire::publisher::{Publisher, PublisherSettings, Sending};
use wire::source::{FrameSink, FrameSource, Place, SourceSettings};
use wire::zeromq_source::ZeromqSource;
use wire::zmtp::ZmtpSource;

const SERIES: SeriesId = SeriesId([7; 16]);
/// Frames of the receiving ring.
const SLOTS: usize = 8;

struct Case {
    side_px: u32,
    /// 0: as fast as it goes, nothing dropped.
    fps: u32,
    seconds: u32,
}

const CASES: [Case; 5] = [
    Case { side_px: 512, fps: 100, seconds: 10 },
    Case { side_px: 512, fps: 500, seconds: 10 },
    Case { side_px: 2048, fps: 90, seconds: 10 },
    Case { side_px: 512, fps: 0, seconds: 5 },
    Case { side_px: 2048, fps: 0, seconds: 5 },
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, role, endpoint, side, fps, seconds] = &arguments[..]
        && role == "publish"
    {
        let number = |text: &String| text.parse::<u32>().expect("the receiver writes numbers");
        return publish(endpoint, number(side), number(fps), number(seconds));
    }
    let chosen = |name: &str| {
        let mut filters = arguments.iter().skip(1).filter(|argument| !argument.starts_with("--")).peekable();
        filters.peek().is_none() || filters.any(|filter| filter == name)
    };
    let quick = arguments.iter().any(|argument| argument == "--quick");
    println!(
        "receiver transport  side_px  asked_fps  frames  missing  dropped  fps    MB/s  p50_ms  p99_ms  max_ms"
    );
    for (name, bind) in RECEIVERS.into_iter().filter(|(name, _)| chosen(name)) {
        for transport in ["tcp", "ipc"] {
            for case in CASES {
                let seconds = if quick { 1 } else { case.seconds };
                measure(name, bind, transport, &Case { seconds, ..case });
            }
        }
    }
}

type Bind = fn(&str) -> Box<dyn FrameSource>;
const RECEIVERS: [(&str, Bind); 2] = [
    ("own", |at| Box::new(ZmtpSource::bind(at, SourceSettings::default()).expect("the endpoint is free"))),
    ("zeromq", |at| {
        Box::new(ZeromqSource::bind(at, SourceSettings::default()).expect("the endpoint is free"))
    }),
];

/// A ring of slots, as the daemon's, that looks at each frame's account and forgets it.
struct Ring {
    slots: Vec<Vec<u8>>,
    infos: [FrameInfo; SLOTS],
    next: usize,
    latencies_ns: Vec<u64>,
    next_seq: u64,
    missing: u64,
    first: Option<Instant>,
    last: Instant,
    end: Option<Totals>,
}

impl FrameSink for Ring {
    fn reserve(&mut self, info: &FrameInfo) -> Option<Place> {
        self.next = (self.next + 1) % SLOTS;
        self.infos[self.next] = *info;
        Some(Place(self.next as u64))
    }
    fn space(&mut self, place: Place) -> &mut [u8] {
        &mut self.slots[usize::try_from(place.0).expect("a slot number")]
    }
    fn commit(&mut self, place: Place, arrival_unix_ns: u64) {
        let info = &self.infos[usize::try_from(place.0).expect("a slot number")];
        self.latencies_ns.push(arrival_unix_ns.saturating_sub(info.send_unix_ns));
        self.missing += info.id.seq.0 - self.next_seq;
        self.next_seq = info.id.seq.0 + 1;
        self.last = Instant::now();
        self.first.get_or_insert(self.last);
    }
    fn abandon(&mut self, _: Place, why: BadMessage) {
        panic!("abandoned: {why}");
    }
    fn control(&mut self, message: Control) {
        if let Control::SeriesEnd { totals, .. } = message {
            self.end = Some(totals);
        }
    }
    fn bad(&mut self, kind: BadMessage) {
        panic!("bad: {kind}");
    }
    fn disconnected(&mut self, _: &[SeriesId]) {}
}

fn measure(name: &str, bind: Bind, transport: &str, case: &Case) {
    let folder = std::env::temp_dir().join(format!("blinkd-bench-{}", std::process::id()));
    let wanted = match transport {
        "tcp" => "tcp://127.0.0.1:0".to_owned(),
        _ => format!("ipc://{}/frames.sock", folder.display()),
    };
    let mut source = bind(&wanted);
    let bytes = case.side_px as usize * case.side_px as usize * 2;
    let mut ring = Ring {
        slots: vec![vec![1; bytes]; SLOTS],
        infos: [FrameInfo::default(); SLOTS],
        next: 0,
        latencies_ns: Vec::with_capacity(1 << 20),
        next_seq: 0,
        missing: 0,
        first: None,
        last: Instant::now(),
        end: None,
    };
    let program = std::env::current_exe().expect("this program has a path");
    let numbers = [case.side_px, case.fps, case.seconds].map(|number| number.to_string());
    let mut child = Command::new(program)
        .args(["publish", source.endpoint()])
        .args(numbers)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts again");
    while ring.end.is_none() {
        source.poll(&mut ring, Duration::from_secs(1)).expect("the source goes on");
    }
    let mut dropped = String::new();
    let pipe = child.stdout.take().expect("its output is piped");
    std::io::BufReader::new(pipe).read_line(&mut dropped).expect("the publisher reports");
    child.wait().expect("the publisher ends");
    let _not_there_for_tcp = std::fs::remove_dir_all(&folder);
    report(name, transport, case, &mut ring, dropped.trim());
}

fn report(name: &str, transport: &str, case: &Case, ring: &mut Ring, dropped: &str) {
    ring.latencies_ns.sort_unstable();
    let frames = ring.latencies_ns.len();
    let ms = |quantile: f64| {
        let at = ((frames - 1) as f64 * quantile) as usize;
        ring.latencies_ns[at] as f64 / 1e6
    };
    let seconds = ring.last.duration_since(ring.first.expect("frames came")).as_secs_f64();
    let fps = (frames - 1) as f64 / seconds;
    let rate = fps * ring.slots[0].len() as f64 / 1e6;
    println!(
        "{name:8} {transport:9} {:8} {:10} {frames:7} {:8} {dropped:>8} {fps:6.0} {rate:7.0} {:7.2} {:7.2} {:7.2}",
        case.side_px,
        case.fps,
        ring.missing,
        ms(0.5),
        ms(0.99),
        ms(1.0)
    );
}

fn publish(endpoint: &str, side_px: u32, fps: u32, seconds: u32) {
    let mut publisher =
        Publisher::new(endpoint, PublisherSettings::default()).expect("the receiver's endpoint");
    let shape = Shape { width: side_px, height: side_px };
    let mut info = FrameInfo { shape, binning: 1, ..FrameInfo::default() };
    let pixels = bytes::Bytes::from(vec![100u8; info.payload_bytes()]);
    while !publisher.is_connected() {
        publisher.drive(Duration::from_millis(1));
    }
    let begin = Instant::now();
    let mut seq = 0;
    while begin.elapsed() < Duration::from_secs(seconds.into()) {
        info.id = FrameId { series: SERIES, seq: Seq(seq) };
        seq += 1;
        if fps == 0 {
            publisher
                .send_lossless(&info, pixels.clone(), Duration::from_secs(10))
                .expect("the receiver runs");
            continue;
        }
        let due = begin + Duration::from_secs(seq) / fps;
        publisher.drive(due.saturating_duration_since(Instant::now()));
        if publisher.send_frame(&info, pixels.clone()) == Sending::Dropped {
            continue;
        }
    }
    publisher.flush(Duration::from_secs(10)).expect("the receiver runs");
    let totals = Totals { captured: seq, ..Totals::default() };
    publisher.send_control(&Control::SeriesEnd { series: SERIES, reason: EndReason::Completed, totals });
    publisher.flush(Duration::from_secs(10)).expect("the receiver runs");
    println!("{}", publisher.counts().dropped_frames);
    publisher.drive(Duration::from_millis(100));
}
