//! The wiring: the only file that makes threads and queues.
//!
//! ```text
//!  FrameSource ─▶ ingest ═ring═▶ infer ─▶ picture ─▶ files        ═ on disk or in shared memory
//!                                            └─bell─▶ finish ◀═journal═
//!                                                        └─bell─▶ painting ◀═journal═
//!                          bell ▲   │ ▲      │  ▲                 ─ in memory, bounded
//!                               └───┘ └spare─┘  └─ desk ◀─ tokio: gRPC, page
//! ```
//!
//! | queue | bound | full |
//! |---|---|---|
//! | frame ring | `ring.mib` per series | `lossless` refuses the newest frame, `live` skips the oldest; counted |
//! | to the localizer | 4 per possible series | ingest waits; it cannot fill, as each series sends few messages |
//! | bell, room | 1 | the bell rings already |
//! | to the picture stage | 64 batches | the localizer waits, the ring fills |
//! | spare batches | 66, made at the start | it never overflows |
//! | engines | 1 | the client that loads a model is refused |
//! | desk | 64 requests | the client is refused |
//! | to the files stage | 16 jobs | the picture stage waits; ingest asks again, the localizer too |
//! | spare rings | 1 | there is one |
//! | bell of the finish stage | 1 | it rings already; what is to be done stands in the journals |
//! | bell of the preview's painter | 1 | it rings already; it looks at what is looked at |
//! | bell of the painting stage | 1 | it rings already; what is to be done stands in the reports of finished tiles |
//!
//! Stopping follows the data: the input closes, each stage drains and drops its output, the last one out ends
//! the process.

mod ending;
mod settings;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, bounded};
use infer::{Lanes, Painter};
use smlm::localization::Filter;
use smlm::series::SeriesInfo;
use tokio_util::sync::CancellationToken;
use wire::source::FrameSource;

use crate::archive::Archive;
use crate::clock::Clock;
use crate::config::Config;
use crate::desk::{self, Desk};
use crate::engines::{self, Opened};
use crate::files::{self, FileJob};
use crate::finish;
use crate::ingest::{self, Ingest};
use crate::live::{Live, Series};
use crate::localizer::{Batch, Localizer, ToLocalizer, ToPicture};
use crate::painting::live::{Easel, LivePainter};
use crate::painting::{self, Brush as _};
use crate::picture::{self, PictureStage};
use crate::recover::{self, Recovered};
use crate::serve::{self, Shared};
use crate::store::ring::Spare;
pub use settings::{filter, memory_budget_bytes, ring_settings};

const TO_PICTURE: usize = 64;
/// Those in the queue, one being filled, one being written: none is ever made anew.
const BATCHES: usize = TO_PICTURE + 2;
const TO_FILES: usize = 16;
/// It may take hours to paint a scan: it is never waited for beyond the limit.
const PAINTING: &str = "painting";

/// Where frames come from.
pub struct Input {
    pub source: Box<dyn FrameSource + Send>,
    /// Closes the input when dropped: held by the daemon, or by a source that ends by itself.
    pub stop: Receiver<()>,
    /// Receives a token whenever rings got room: for sources that can wait.
    pub room: Sender<()>,
}

/// The running daemon.
pub struct Daemon {
    pub live: Arc<Live>,
    pub desk: Desk,
    pub frame_endpoint: String,
    /// `None` when nothing is served.
    pub grpc: Option<SocketAddr>,
    pub store: PathBuf,
    pub memory_budget_bytes: u64,
    stages: Vec<(&'static str, JoinHandle<anyhow::Result<()>>)>,
    helpers: Vec<JoinHandle<()>>,
    crew: Arc<Lanes>,
    server: Option<Server>,
    /// Where the growing picture is painted; what is dropped so that its thread ends.
    easel: Option<(Arc<Easel>, Sender<()>)>,
    /// From clients to the localizer: another network.
    engines: (Sender<Opened>, Receiver<Opened>),
}

struct Server {
    runtime: tokio::runtime::Runtime,
    task: tokio::task::JoinHandle<Result<(), serve::ServeError>>,
    stop: CancellationToken,
}

/// Builds every stage, connects them and lets them run. `listen`: serve clients.
pub fn start(config: &Config, input: Input, listen: bool) -> anyhow::Result<Daemon> {
    let store = config.store.dir.clone();
    std::fs::create_dir_all(&store)
        .with_context(|| format!("store.dir: cannot make the folder {}", store.display()))?;
    let clock = Clock::start();
    let live = Arc::new(Live::new());
    let crew = Arc::new(Lanes::new(settings::lanes(config)));
    let helpers = lend_threads(&crew)?;
    // Making a ring's file takes as long as opening a network.
    let ring = ring_settings(config);
    let (spare, opened) = std::thread::scope(|scope| {
        let spare = scope.spawn(|| Spare::prepare(&ring));
        let opened = engines::open(config, crew.clone());
        (spare.join(), opened)
    });
    let opened = opened?;
    let painter = settings::painter(config)?;
    let spare = spare.map_err(|_| anyhow::anyhow!("making a ring's file panicked: this is a bug"))?;
    if let Err(error) = &spare {
        tracing::warn!(%error, "the first series' first frame will wait for its ring");
    }
    live.set_engine(opened.status.clone());
    let recovered = recover::recover(config, &live)?;
    let (desk, requests) = desk::open();
    let frame_endpoint = input.source.endpoint().to_owned();
    let mut daemon = Daemon {
        live: live.clone(),
        desk: desk.clone(),
        frame_endpoint,
        grpc: None,
        store: store.clone(),
        memory_budget_bytes: memory_budget_bytes(config),
        stages: Vec::new(),
        helpers,
        crew,
        server: None,
        easel: None,
        engines: bounded(1),
    };
    // Before the stages: a port in use must not cost a frame.
    if listen {
        daemon.paint_growing(config)?;
        daemon.serve(config, clock, painter.as_ref())?;
    }
    daemon.connect(config, input, (opened, spare.ok(), painter), recovered, clock, requests)?;
    Ok(daemon)
}

fn lend_threads(crew: &Arc<Lanes>) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let lend = |lane| {
        let crew = crew.clone();
        let named = std::thread::Builder::new().name(format!("lane-{lane}"));
        named.spawn(move || crew.work(lane)).context("cannot start a thread for the network")
    };
    (1..infer::Crew::width(&**crew)).map(lend).collect()
}

impl Daemon {
    /// Starts the painting stage; what is returned rings its bell.
    fn paint(&mut self, config: &Config, clock: Clock, painter: Painter) -> anyhow::Result<Sender<()>> {
        let (ring, bell) = bounded::<()>(1);
        let stage = painting::stage(settings::painting(config, clock), self.live.clone(), painter);
        self.stage(PAINTING, move || {
            settings::step_back(settings::PAINTING);
            stage.run(&bell);
            Ok(())
        })?;
        Ok(ring)
    }

    fn connect(
        &mut self,
        config: &Config,
        input: Input,
        (opened, made, painter): (Opened, Option<Spare>, Option<Painter>),
        recovered: Recovered,
        clock: Clock,
        requests: desk::Requests,
    ) -> anyhow::Result<()> {
        let (to_localizer, localizer_inbox) = bounded::<ToLocalizer>(4 * config.frames.max_series.max(4));
        let (ring_bell, bell) = bounded::<()>(1);
        let (to_picture, picture_inbox) = bounded::<ToPicture>(TO_PICTURE);
        let (give_back, spare) = spare_batches();
        let (to_files, files_inbox) = bounded::<FileJob>(TO_FILES);
        let (put_spare, spares) = spare_rings(made);

        let files = settings::files(config, put_spare, ring_bell.clone());
        let archive = Archive::new(&config.store.dir, self.live.clone());
        self.stage("files", move || {
            files::run(&files, &files_inbox, archive);
            Ok(())
        })?;

        let ring_painting = painter.map(|painter| self.paint(config, clock, painter)).transpose()?;
        let (ring_finish, finish_bell) = bounded::<()>(1);
        if config.scan.finish {
            let finisher = finish::stage(settings::finish(config, clock), self.live.clone(), ring_painting);
            self.stage("finish", move || {
                settings::step_back(settings::FINISHING);
                finisher.run(&finish_bell);
                Ok(())
            })?;
        }

        let picture = settings::picture(config);
        let (lanes, rest) = recovered.into_parts(&picture)?;
        let picture = PictureStage::new(
            picture,
            self.live.clone(),
            clock,
            (picture_inbox, requests),
            picture::Outs {
                spare: give_back,
                files: to_files.clone(),
                bell: ring_bell.clone(),
                finish: ring_finish,
            },
            lanes,
        );
        self.stage("picture", move || {
            picture.run();
            Ok(())
        })?;

        let localizer = Localizer {
            settings: settings::localizer(config, &opened),
            samples: settings::samples(config, &opened, to_files.clone()),
            means: settings::widefield(config, to_files.clone()),
            engine: opened.engine,
            live: self.live.clone(),
            inbox: localizer_inbox,
            bell,
            out: to_picture,
            spare,
            engines: self.engines.1.clone(),
            room: input.room,
            lanes: Vec::new(),
            attempts: self.live.engine().attempts.len(),
        };
        self.stage("infer", move || {
            localizer.run();
            Ok(())
        })?;
        let ingest_lanes = rest.announce(&to_localizer)?;
        let ingest = Ingest::new(
            settings::ingest(config, clock),
            self.live.clone(),
            ingest_lanes,
            ingest::Outs { to_localizer, bell: ring_bell, spares, jobs: to_files },
        );
        let (mut source, stop) = (input.source, input.stop);
        self.stage("ingest", move || ingest.run(&mut *source, &stop).context("the frame socket cannot go on"))
    }

    fn stage(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> anyhow::Result<()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let thread = std::thread::Builder::new().name(name.into());
        let handle = thread.spawn(work).with_context(|| format!("cannot start the {name} thread"))?;
        self.stages.push((name, handle));
        Ok(())
    }

    /// Starts the thread that paints the growing picture, where one is wanted.
    fn paint_growing(&mut self, config: &Config) -> anyhow::Result<()> {
        let Some(painter) = settings::live_painter(config)? else { return Ok(()) };
        let (ring, bell) = bounded::<()>(1);
        let (stop, stopped) = bounded::<()>(0);
        let easel = Arc::new(Easel::new(painter.windows(), ring).context("preview.a_net")?);
        let tick = Duration::from_millis(config.preview.a_net_tick_ms);
        let work = LivePainter { easel: easel.clone(), painter, desk: self.desk.clone(), tick };
        let named = std::thread::Builder::new().name("preview".into());
        let thread = named.spawn(move || {
            settings::step_back(settings::PAINTING);
            work.run(&bell, &stopped);
        });
        self.helpers.push(thread.context("cannot start the thread that paints the growing picture")?);
        self.easel = Some((easel, stop));
        Ok(())
    }

    fn serve(&mut self, config: &Config, clock: Clock, painter: Option<&Painter>) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(config.serve.max_clients + 8)
            .thread_name("serve")
            .enable_all()
            .build()
            .context("cannot start the threads that serve clients")?;
        let listener = runtime.block_on(serve::bind(config.serve.listen))?;
        let stop = CancellationToken::new();
        let shared = Shared {
            live: self.live.clone(),
            desk: self.desk.clone(),
            config: Arc::new(config.clone()),
            store: self.store.clone(),
            frame_endpoint: self.frame_endpoint.clone(),
            memory_budget_bytes: self.memory_budget_bytes,
            stop: stop.clone(),
            crew: self.crew.clone(),
            engines: self.engines.0.clone(),
            permits: Arc::new(tokio::sync::Semaphore::new(config.serve.max_clients)),
            previews: Arc::new(tokio::sync::Semaphore::new(config.picture.max_previews)),
            snapshots: Arc::new(tokio::sync::Semaphore::new(1)),
            redrawing: Arc::new(tokio::sync::Semaphore::new(1)),
            picture: Arc::new(settings::picture(config)),
            clock,
            painter: painter.map(|painter| (painter.card().name.clone(), painter.provider().to_owned())),
            shelf: Arc::default(),
            easel: self.easel.as_ref().map(|(easel, _)| easel.clone()),
            instance: clock.now_unix_ns(),
        };
        self.grpc = Some(listener.local_addr().context("the gRPC socket has no address")?);
        let task = runtime.spawn(serve::run(listener, shared));
        self.server = Some(Server { runtime, task, stop });
        Ok(())
    }
}

/// Every batch there will ever be, on the side where the localizer takes them.
fn spare_batches() -> (Sender<Box<Batch>>, Receiver<Box<Batch>>) {
    let (give_back, spare) = bounded(BATCHES);
    let nobody = Arc::new(Series::new(SeriesInfo::default(), Filter::default()));
    for _ in 0..BATCHES {
        let _ = give_back.try_send(Box::new(Batch::new(nobody.clone()))); // there is room for exactly these
    }
    (give_back, spare)
}

/// The file for the next ring, made before it is needed.
fn spare_rings(made: Option<Spare>) -> (Sender<Spare>, Receiver<Spare>) {
    let (put_spare, spares) = bounded(1);
    let _ = made.map(|made| put_spare.try_send(made)); // an empty channel of one place
    (put_spare, spares)
}
