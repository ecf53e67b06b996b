//! `blinkd serve`: the daemon, until it is told to stop.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use crossbeam_channel::bounded;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Common, Failure, start_log};
use crate::config::{Config, Receiver};
use crate::pipeline::{self, Daemon, Input};

/// Example: blinkd serve --set camera.pixel_size_nm=108
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    common: Common,
    /// A bundle's name or folder, `gaussian`, `gaussian-astigmatic`, `fake` or `null`.
    #[arg(long)]
    model: Option<String>,
    /// tensorrt, cuda or cpu: tried first.
    #[arg(long)]
    provider: Option<String>,
    /// Refuse to start on any other execution provider than this.
    #[arg(long, value_name = "PROVIDER", conflicts_with = "provider")]
    require_provider: Option<String>,
    /// Folder for journals and files.
    #[arg(long, value_name = "FOLDER")]
    store: Option<std::path::PathBuf>,
    /// Print the addresses as one JSON line on standard output once frames can come.
    #[arg(long)]
    json: bool,
}

impl Options {
    fn config(&self) -> Result<Config, Failure> {
        let mut config = self.common.load()?;
        if let Some(model) = &self.model {
            config.model.bundle.clone_from(model);
        }
        if let Some(provider) = self.provider.as_ref().or(self.require_provider.as_ref()) {
            config.model.provider.clone_from(provider);
            config.model.require_provider = self.require_provider.is_some();
        }
        if let Some(store) = &self.store {
            config.store.dir.clone_from(store);
        }
        Ok(config)
    }
}

pub fn run(options: &Options) -> Result<(), Failure> {
    start_log(options.common.log_json);
    let config = options.config()?;
    let (stop, stopped) = bounded::<()>(0);
    // Before the daemon says that it is ready: whoever waits for that may stop it at once.
    let signals = Signals::listen()?;
    let daemon = start(&config, stopped)?;
    announce(&config, &daemon, options.json);
    signals.wait();
    tracing::info!("stopping: the input is closed, what was received is processed");
    drop(stop);
    daemon.join(Duration::from_secs(config.serve.drain_s))?;
    Ok(())
}

/// The daemon with its frame socket, serving clients.
pub fn start(config: &Config, stopped: crossbeam_channel::Receiver<()>) -> anyhow::Result<Daemon> {
    let (room, _) = bounded(1);
    let source = frame_source(config).context("frames.endpoint")?;
    pipeline::start(config, Input { source, stop: stopped, room }, true)
}

fn frame_source(config: &Config) -> anyhow::Result<Box<dyn wire::source::FrameSource + Send>> {
    let settings = wire::source::SourceSettings {
        allow_peers: config.frames.allow_peers.clone(),
        ..wire::source::SourceSettings::default()
    };
    let endpoint = &config.frames.endpoint;
    Ok(match config.frames.receiver {
        Receiver::Zmtp => Box::new(wire::zmtp::ZmtpSource::bind(endpoint, settings)?),
        Receiver::Zeromq => Box::new(wire::zeromq_source::ZeromqSource::bind(endpoint, settings)?),
    })
}

fn announce(config: &Config, daemon: &Daemon, json: bool) {
    let engine = daemon.live.engine();
    let grpc = daemon.grpc.map(|address| address.to_string()).unwrap_or_default();
    tracing::info!(config = config.to_toml(), "effective configuration");
    for attempt in &engine.attempts {
        tracing::warn!(attempt, "an execution provider could not be used");
    }
    tracing::info!(model = engine.model, provider = engine.provider, "engine");
    tracing::info!(
        frames = daemon.frame_endpoint,
        clients = grpc,
        live_view = format!("http://{grpc}/"),
        memory_budget_mib = daemon.memory_budget_bytes >> 20,
        "ready"
    );
    if json {
        let ready = serde_json::json!({
            "frames": daemon.frame_endpoint, "grpc": grpc, "live_view": format!("http://{grpc}/"),
            "model": engine.model, "provider": engine.provider, "provider_attempts": engine.attempts,
        });
        println!("{ready}");
    }
}

/// Ctrl-C or SIGTERM, remembered from `listen` on.
pub struct Signals {
    runtime: tokio::runtime::Runtime,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub fn listen() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (interrupt, terminate) = {
            let _inside = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        Ok(Self { runtime, interrupt, terminate })
    }

    /// Until one comes, or came since `listen`.
    pub fn wait(mut self) {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
        });
    }
}
