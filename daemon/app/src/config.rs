//! The configuration: one TOML file, one table per stage, every problem reported at once.
//!
//! In: a file's text and `key=value` settings from the command line. Out: a checked [`Config`] or all that is
//! wrong with it, each with its line. Never: reading of files other than the one named, guessing.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use smlm::units::{Adu, Camera, Nm, PixelSize};

mod gaussian;
mod load;
mod preview;
mod scan;
pub use gaussian::{Astigmatism, CurveTable, GaussianTable};
pub use load::{ConfigError, Problem};
pub use preview::PreviewTable;
pub use scan::{EarlyStop, ScanTable};

/// Everything that can be set. `reference.toml` lists each key with its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub frames: Frames,
    pub ring: Ring,
    pub camera: CameraTable,
    pub model: Model,
    pub gaussian: GaussianTable,
    pub filter: FilterTable,
    pub widefield: Widefield,
    pub picture: Picture,
    pub preview: PreviewTable,
    pub scan: ScanTable,
    pub store: Store,
    pub serve: Serve,
}

/// The frame socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Frames {
    /// ZeroMQ endpoint to bind a PULL socket on: `tcp://ADDRESS:PORT` or `ipc://PATH`.
    pub endpoint: String,
    /// Peers that may send when the endpoint is not loopback: the network is then trusted by your word.
    pub allow_peers: Vec<IpAddr>,
    pub receiver: Receiver,
    /// Series received at the same time; a further one is refused and counted.
    pub max_series: usize,
    /// After so long without a frame the last frame stands for its own next neighbour.
    pub idle_flush_ms: u64,
    /// After so long without a frame a series is closed.
    pub idle_close_s: u64,
}

/// Which code receives frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Receiver {
    /// Our own ZMTP receiver: bounded, no copy.
    Zmtp,
    /// The `zeromq` crate: no limit on a message's length; on a trusted machine only.
    Zeromq,
}

/// The memory-mapped frame ring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ring {
    /// Empty: shared memory where there is some, else `<store.dir>/spool`.
    pub dir: PathBuf,
    /// Per series.
    pub mib: u64,
    pub policy: Policy,
}

/// What a full ring does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Refuses the newest frame.
    Lossless,
    /// Skips the oldest frame that waits.
    Live,
}

/// Calibration used where the publisher does not send one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CameraTable {
    pub pixel_size_nm: f64,
    pub offset_adu: f64,
    pub e_per_adu: f64,
    /// 1 for a camera without electron multiplication.
    pub em_gain: f64,
    pub spurious_e: f64,
    pub qe: f64,
}

/// Which network runs, and on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    /// A bundle's name in `dir`, a bundle's folder, `gaussian`, `gaussian-astigmatic`, `fake` or `null`.
    pub bundle: String,
    /// Where bundles are. Empty: `models` beside the program, or `onnx-models` of the source tree.
    pub dir: PathBuf,
    /// `auto` (TensorRT, CUDA, CPU in this order), `tensorrt`, `cuda` or `cpu`.
    pub provider: String,
    /// Refuse to start when `provider` cannot be had, instead of falling back.
    pub require_provider: bool,
    /// Sessions on the CPU, each of one thread. 0: one per core, at most 8.
    pub lanes: usize,
    pub max_batch: usize,
    /// Larger fields are cut into tiles with cores of this side.
    pub core_px: u32,
    /// For the network's feature maps, inputs and outputs. ONNX Runtime's own memory comes on top.
    pub memory_mib: u64,
    /// Path of libonnxruntime. Empty: found by itself.
    pub onnxruntime: PathBuf,
    /// Folder with NVIDIA's libraries from pip, for CUDA.
    pub nvidia_libraries: PathBuf,
    /// `paper` or `raw`.
    pub rule: String,
    /// Thresholds; `None` takes the card's.
    pub candidate: Option<f32>,
    pub second: Option<f32>,
    pub accept: Option<f32>,
    /// For the rule `raw`.
    pub raw_th: f32,
    /// Run although the card does not fit the camera.
    pub overrule: bool,
    /// Look at the beginning of each series: what it shows, whether the network fits.
    pub estimate: bool,
    /// Of the fake engine, per frame.
    pub fake_delay_ms: f64,
    /// Of the fake engine: 1, or 3 as a network sees them; then a frame waits for the next one.
    pub fake_window_frames: u32,
}

/// Limits a localization must keep; absent: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FilterTable {
    pub sigma_lateral_max_nm: Option<f64>,
    pub sigma_z_max_nm: Option<f32>,
    pub photons_min: Option<f32>,
    pub photons_max: Option<f32>,
    pub probability_min: Option<f32>,
}

/// Widefield passes, which are averaged by tile and not localized.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Widefield {
    /// First frames of each tile, left out of its mean where the publisher does not say how many: the stage still
    /// shakes.
    pub skip_frames: u32,
}

/// The live map.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Picture {
    pub base_pixel_nm: f64,
    /// Per series; at the limit the map's pixel doubles.
    pub max_mib: u64,
    pub tick_ms: u64,
    /// Previews served at the same time.
    pub max_previews: usize,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// Journals and files, a folder per series.
    pub dir: PathBuf,
    /// Written when a series closes: any of `parquet`, `csv`, `picasso`, `png`, `summary`.
    pub files: Vec<String>,
}

/// gRPC, gRPC-Web and the live page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Serve {
    pub listen: SocketAddr,
    pub max_clients: usize,
    /// Batches a client may be behind before it is told `lagged`.
    pub client_queue: usize,
    /// How long stopping may take.
    pub drain_s: u64,
    /// PEM files and a token: all three are needed to listen elsewhere than on loopback.
    pub tls_certificate: PathBuf,
    pub tls_key: PathBuf,
    pub token_file: PathBuf,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            endpoint: "tcp://127.0.0.1:5766".into(),
            allow_peers: Vec::new(),
            receiver: Receiver::Zmtp,
            max_series: 4,
            idle_flush_ms: 1000,
            idle_close_s: 60,
        }
    }
}

impl Default for Ring {
    fn default() -> Self {
        Self { dir: PathBuf::new(), mib: 512, policy: Policy::Lossless }
    }
}

impl Default for CameraTable {
    fn default() -> Self {
        Self {
            pixel_size_nm: 100.0,
            offset_adu: 100.0,
            e_per_adu: 1.0,
            em_gain: 1.0,
            spurious_e: 0.0,
            qe: 1.0,
        }
    }
}

impl Default for Model {
    fn default() -> Self {
        Self {
            bundle: "decode-2d-lite".into(),
            dir: PathBuf::new(),
            provider: "auto".into(),
            require_provider: false,
            lanes: 0,
            max_batch: 8,
            core_px: 512,
            memory_mib: 1024,
            onnxruntime: PathBuf::new(),
            nvidia_libraries: PathBuf::new(),
            rule: "paper".into(),
            candidate: None,
            second: None,
            accept: None,
            raw_th: 0.5,
            overrule: false,
            estimate: true,
            fake_delay_ms: 0.0,
            fake_window_frames: 1,
        }
    }
}

impl Default for Widefield {
    fn default() -> Self {
        Self { skip_frames: 2 }
    }
}

impl Default for Picture {
    fn default() -> Self {
        Self { base_pixel_nm: 10.0, max_mib: 1024, tick_ms: 250, max_previews: 16 }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("blinkd-data"),
            files: ["parquet", "png", "summary"].map(String::from).to_vec(),
        }
    }
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 5767)),
            max_clients: 64,
            client_queue: 256,
            drain_s: 30,
            tls_certificate: PathBuf::new(),
            tls_key: PathBuf::new(),
            token_file: PathBuf::new(),
        }
    }
}

impl CameraTable {
    pub fn camera(&self) -> Camera {
        Camera {
            offset: Adu(self.offset_adu),
            e_per_adu: self.e_per_adu,
            em_gain: (self.em_gain != 1.0).then_some(self.em_gain),
            spurious_e: self.spurious_e,
            qe: self.qe,
        }
    }

    pub fn pixel_size(&self) -> PixelSize {
        PixelSize::square(Nm(self.pixel_size_nm))
    }
}

impl Ring {
    /// The folder for rings: the one set, or shared memory, or `<store>/spool`.
    pub fn folder(&self, store: &Path) -> PathBuf {
        if !self.dir.as_os_str().is_empty() {
            return self.dir.clone();
        }
        let shared = Path::new("/dev/shm");
        if shared.is_dir() {
            // Two daemons with different stores must not meet in one folder.
            let full = std::fs::canonicalize(store).unwrap_or_else(|_| store.to_path_buf());
            let mark = crc32c::crc32c(full.as_os_str().as_encoded_bytes());
            return shared.join(format!("blinkd-{mark:08x}"));
        }
        store.join("spool")
    }
}
