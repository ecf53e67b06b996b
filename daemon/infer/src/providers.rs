//! What may compute: TensorRT, then CUDA, then the CPU; and what really does.
//!
//! In: an order, what is required, a session. Out: session options for one provider, and the providers that
//! the session's nodes were really given to. Never: a silent fallback. ONNX Runtime on its own only logs
//! when a provider is missing; here each is asked to fail, and the failure is kept as text.

use std::path::PathBuf;
use std::str::FromStr;

use ort::AsPointer;
use ort::session::Session;
use ort::session::builder::SessionBuilder;
use ort::{ep, sys};

/// Who runs a network's nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Untested: its libraries were not at hand.
    TensorRt,
    Cuda,
    Cpu,
}

impl Provider {
    /// The order in which providers are tried.
    pub const ORDER: [Self; 3] = [Self::TensorRt, Self::Cuda, Self::Cpu];

    /// ONNX Runtime's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TensorRt => "TensorrtExecutionProvider",
            Self::Cuda => "CUDAExecutionProvider",
            Self::Cpu => "CPUExecutionProvider",
        }
    }

    /// Whether feature maps live in a GPU's memory.
    pub const fn on_device(self) -> bool {
        !matches!(self, Self::Cpu)
    }
}

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        match text {
            "tensorrt" => Ok(Self::TensorRt),
            "cuda" => Ok(Self::Cuda),
            "cpu" => Ok(Self::Cpu),
            _ => Err(UnknownProvider(text.to_owned())),
        }
    }
}

/// A provider is `tensorrt`, `cuda` or `cpu`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is not an execution provider: choose tensorrt, cuda or cpu")]
pub struct UnknownProvider(pub String);

/// How providers are chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProviderSettings {
    /// Where the order begins; `None` begins with TensorRT.
    pub first: Option<Provider>,
    /// Refuse to run on anything else.
    pub require: Option<Provider>,
    /// Number of the GPU.
    pub device: i32,
    /// Where TensorRT keeps engines and timings; building one takes minutes. `None` builds at each start.
    pub engine_cache: Option<PathBuf>,
    /// The folder `nvidia` of a Python environment, which holds `cu13/lib` and `cudnn/lib`.
    pub nvidia_libraries: Option<PathBuf>,
    /// Threads inside one session on the CPU.
    pub intra_threads: usize,
}

impl ProviderSettings {
    /// Providers to try, in order.
    pub fn candidates(&self) -> &[Provider] {
        let place = |provider| Provider::ORDER.iter().position(|each| *each == provider).unwrap_or(0);
        match (self.require, self.first) {
            (Some(provider), _) => &Provider::ORDER[place(provider)..=place(provider)],
            (None, Some(provider)) => &Provider::ORDER[place(provider)..],
            (None, None) => &Provider::ORDER,
        }
    }
}

/// Options of a session that runs on `provider` and on nothing before it in the order.
pub(crate) fn configure(
    builder: SessionBuilder,
    provider: Provider,
    settings: &ProviderSettings,
) -> ort::Result<SessionBuilder> {
    let builder = builder
        .with_intra_threads(settings.intra_threads.max(1))?
        .with_inter_threads(1)?
        // Spinning halves the speed of everything else on a busy machine.
        .with_intra_op_spinning(false)?
        .with_config_entry("session.record_ep_graph_assignment_info", "1")?;
    let chain = match provider {
        Provider::Cpu => return Ok(builder),
        Provider::Cuda => vec![cuda(settings)],
        Provider::TensorRt => vec![tensorrt(settings), cuda(settings)],
    };
    Ok(builder.with_execution_providers(chain)?)
}

fn cuda(settings: &ProviderSettings) -> ep::ExecutionProviderDispatch {
    // TF32 rounds factors to ten bits. On an H200 that lost one localization in a hundred of the golden sets, and
    // engines in several threads at once crashed inside the library; in fp32 neither was seen.
    ep::CUDA::default().with_device_id(settings.device).with_tf32(false).build().error_on_failure()
}

fn tensorrt(settings: &ProviderSettings) -> ep::ExecutionProviderDispatch {
    let options = ep::TensorRT::default().with_device_id(settings.device).with_fp16(true);
    let options = match &settings.engine_cache {
        None => options,
        Some(folder) => options
            .with_engine_cache(true)
            .with_engine_cache_path(folder.display())
            .with_timing_cache(true)
            .with_timing_cache_path(folder.display()),
    };
    options.build().error_on_failure()
}

/// Loads CUDA and cuDNN from a Python environment's `nvidia` folder, where they are not on the system's path.
pub(crate) fn preload(settings: &ProviderSettings) -> Result<(), String> {
    let Some(folder) = &settings.nvidia_libraries else { return Ok(()) };
    let cuda = folder.join("cu13").join("lib");
    let cudnn = folder.join("cudnn").join("lib");
    ep::cuda::preload_dylibs(Some(&cuda), Some(&cudnn)).map_err(|error| error.to_string())
}

/// Providers and the number of nodes that each was given, as the session itself reports.
pub(crate) fn placement(session: &Session) -> ort::Result<Vec<(String, usize)>> {
    let api = ort::api();
    let mut subgraphs = std::ptr::null::<*const sys::OrtEpAssignedSubgraph>();
    let mut count = 0usize;
    let mut placement: Vec<(String, usize)> = Vec::new();
    // SAFETY: the session is alive; the array and the names belong to it, and are copied before it can go.
    unsafe {
        let status = (api.Session_GetEpGraphAssignmentInfo)(session.ptr(), &mut subgraphs, &mut count);
        ort::Error::result_from_status(status)?;
        for index in 0..count {
            let subgraph = *subgraphs.add(index);
            let (mut name, mut nodes, mut nodes_count) = (std::ptr::null(), std::ptr::null(), 0usize);
            ort::Error::result_from_status((api.EpAssignedSubgraph_GetEpName)(subgraph, &mut name))?;
            ort::Error::result_from_status((api.EpAssignedSubgraph_GetNodes)(
                subgraph,
                &mut nodes,
                &mut nodes_count,
            ))?;
            let name = std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned();
            match placement.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += nodes_count,
                None => placement.push((name, nodes_count)),
            }
        }
    }
    Ok(placement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_tensorrt_cuda_cpu_and_a_required_one_stands_alone() {
        let settings = ProviderSettings::default();
        let names: Vec<_> = settings.candidates().iter().map(|provider| provider.name()).collect();
        assert_eq!(names, ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]);
        for name in ["tensorrt", "cuda", "cpu"] {
            let required = name.parse().unwrap();
            let settings = ProviderSettings { require: Some(required), ..ProviderSettings::default() };
            assert_eq!(settings.candidates(), [required]);
            let settings = ProviderSettings { first: Some(required), ..ProviderSettings::default() };
            assert_eq!(settings.candidates()[0], required);
            assert_eq!(settings.candidates().last(), Some(&Provider::Cpu));
        }
        assert!("gpu".parse::<Provider>().unwrap_err().to_string().contains("tensorrt, cuda or cpu"));
    }
}
