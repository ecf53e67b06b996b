//! `blinkd doctor`: what this machine can do, and what to do about what it cannot.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};

use super::{Common, Failure};
use crate::config::Config;
use crate::engines;

/// Example: blinkd doctor
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    common: Common,
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    good: bool,
    text: String,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let config = options.common.load()?;
    let findings = [
        cores(),
        runtime(&config),
        bundle(&config),
        provider(&config, "tensorrt"),
        provider(&config, "cuda"),
        provider(&config, "cpu"),
        port(
            "frame socket",
            config.frames.endpoint.strip_prefix("tcp://").unwrap_or_default(),
            "frames.endpoint",
        ),
        port("clients", &config.serve.listen.to_string(), "serve.listen"),
        folder("store", &config.store.dir),
        folder("frame ring", &config.ring.folder(&config.store.dir)),
    ];
    if options.json {
        let rows: Vec<Value> =
            findings.iter().map(|f| json!({"what": f.what, "good": f.good, "text": f.text})).collect();
        println!("{}", json!(rows));
    } else {
        for finding in &findings {
            let mark = if finding.good { "ok" } else { "--" };
            println!("{mark}  {:12} {}", finding.what, finding.text);
        }
    }
    // A GPU may be missing; without these nothing runs.
    let needed = ["onnxruntime", "model", "cpu", "store", "frame ring"];
    let missing: Vec<_> = findings.iter().filter(|f| !f.good && needed.contains(&f.what)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|finding| finding.what).collect();
    Err(anyhow::anyhow!("blinkd cannot run yet: {}", names.join(", ")).into())
}

fn cores() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Finding { what: "processor", good: true, text: format!("{cores} cores") }
}

fn runtime(config: &Config) -> Finding {
    let named = Some(&*config.model.onnxruntime).filter(|path| !path.as_os_str().is_empty());
    match infer::runtime::load(named) {
        Ok(found) => {
            let text = format!("1.{} at {}", found.minor, found.library.display());
            Finding { what: "onnxruntime", good: true, text }
        }
        Err(error) => {
            let good = engines::built_in::is(&config.model.bundle);
            Finding { what: "onnxruntime", good, text: error.to_string() }
        }
    }
}

fn bundle(config: &Config) -> Finding {
    let alone = std::sync::Arc::new(infer::Alone);
    if let Some(engine) = engines::built_in::open(config, alone) {
        return match engine {
            Ok(_) => {
                Finding { what: "model", good: true, text: format!("{}: built in", config.model.bundle) }
            }
            Err(error) => Finding { what: "model", good: false, text: format!("{error:#}") },
        };
    }
    let opened = engines::find(&config.model).and_then(|folder| Ok(infer::bundle::Bundle::open(&folder)?));
    match opened {
        Ok(bundle) => Finding {
            what: "model",
            good: true,
            text: format!("{}: {}", bundle.card.name, bundle.card.description),
        },
        Err(error) => Finding { what: "model", good: false, text: format!("{error:#}") },
    }
}

/// Whether the bundle's graphs really open on a provider.
fn provider(config: &Config, name: &'static str) -> Finding {
    if engines::built_in::is(&config.model.bundle) {
        return Finding { what: name, good: true, text: format!("not used by {}", config.model.bundle) };
    }
    let mut model = config.model.clone();
    model.provider = name.into();
    model.require_provider = true;
    let tried = engines::find(&model).and_then(|folder| {
        let bundle = infer::bundle::Bundle::open(&folder)?;
        let mut engine = engines::decode(bundle, &model, std::sync::Arc::new(infer::Alone))?;
        infer::Engine::warm_up(&mut engine, smlm::frame::Shape { width: 64, height: 64 })?;
        Ok(infer::Engine::about(&engine).provider.clone())
    });
    match tried {
        Ok(used) => Finding { what: name, good: true, text: format!("runs ({used})") },
        Err(error) => Finding { what: name, good: false, text: format!("{error:#}") },
    }
}

fn port(what: &'static str, address: &str, key: &str) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding { what, good: true, text: format!("{address} is free") },
        Err(error) => {
            let text = format!("{address}: {error}; a daemon that runs has it, or set {key}");
            Finding { what, good: false, text }
        }
    }
}

/// Writes 64 MiB and says how fast.
fn folder(what: &'static str, path: &Path) -> Finding {
    const MIB: usize = 64;
    let measured = std::fs::create_dir_all(path).and_then(|()| {
        let probe = path.join(format!(".doctor-{}", std::process::id()));
        let piece = vec![0u8; 1 << 20];
        let started = Instant::now();
        let wrote = std::fs::File::create(&probe).and_then(|mut file| {
            (0..MIB).try_for_each(|_| file.write_all(&piece))?;
            file.sync_data()
        });
        let rate = MIB as f64 / started.elapsed().as_secs_f64();
        std::fs::remove_file(&probe)?;
        wrote.map(|()| rate)
    });
    let free = rustix::fs::statvfs(path).map_or(0, |fs| fs.f_bavail * fs.f_frsize);
    match measured {
        Ok(rate) => {
            let text = format!("{}: {rate:.0} MiB/s, {} GiB free", path.display(), free >> 30);
            Finding { what, good: true, text }
        }
        Err(error) => Finding { what, good: false, text: format!("{}: {error}", path.display()) },
    }
}
