//! One ONNX graph in a session of its own, and the buffers it reads and writes.
//!
//! In: a model's bytes, prepared buffers. Out: filled buffers. Never: an allocation on this side of ONNX
//! Runtime while running; a guess: names, ranks and channels must be those that the card promises.

use std::ffi::CStr;
use std::ptr;
use std::time::Instant;

use ort::AsPointer;
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, Session};
use ort::value::{Tensor, TensorElementType, ValueType};

use crate::providers::{Provider, ProviderSettings, configure, placement};
use crate::runtime::Runtime;

/// A file of a bundle that has been read and whose hash was right.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub name: String,
    pub bytes: std::sync::Arc<[u8]>,
}

/// What a graph takes and gives. A channel count of `None` is the graph's own choice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signature {
    pub inputs: &'static [&'static CStr],
    pub input_channels: Option<i64>,
    pub output: &'static CStr,
    pub output_channels: Option<i64>,
}

/// Most inputs that a graph has.
const MAX_INPUTS: usize = 3;

/// Why a graph does not open or run.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub(crate) enum GraphError {
    /// Another provider may do better.
    #[error("{0}")]
    Provider(String),
    /// No provider will do better.
    #[error("{0}")]
    Mismatch(String),
}

impl From<ort::Error> for GraphError {
    fn from(error: ort::Error) -> Self {
        Self::Provider(error.to_string())
    }
}

/// A tensor of f32 that stays where it is. On the host it can be seen as a slice.
pub(crate) struct Buffer {
    value: Tensor<f32>,
    data: *mut f32,
    len: usize,
}

// SAFETY: `data` points into `value`, which is `Send` and `Sync`; who may write is the engine's affair, as
// the unsafe methods say.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Zeros in ordinary memory.
    pub fn on_host(shape: [usize; 4]) -> ort::Result<Self> {
        let mut buffer = Self::within(&Allocator::default(), shape)?;
        // SAFETY: nobody else knows the buffer yet; zeros are valid f32.
        unsafe { ptr::write_bytes(buffer.data, 0, buffer.len) };
        buffer.len = shape.iter().product();
        Ok(buffer)
    }

    /// Uninitialized, in the memory of the GPU that `graph` runs on.
    pub fn on_device(graph: &Graph, device: i32, shape: [usize; 4]) -> ort::Result<Self> {
        let info =
            MemoryInfo::new(AllocationDevice::CUDA, device, AllocatorType::Device, MemoryType::Default)?;
        Self::within(&Allocator::new(&graph.session, info)?, shape)
    }

    fn within(allocator: &Allocator, shape: [usize; 4]) -> ort::Result<Self> {
        let mut value = Tensor::<f32>::new(allocator, shape)?;
        let data = value.data_ptr_mut().cast();
        Ok(Self { value, data, len: shape.iter().product() })
    }

    /// The buffer must be on the host.
    pub fn values_mut(&mut self) -> &mut [f32] {
        // SAFETY: `data` and `len` are the tensor's, and `self` is borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.data, self.len) }
    }
}

/// An open graph. One thread at a time.
pub(crate) struct Graph {
    session: Session,
    signature: Signature,
    /// Used where inputs or outputs live on a device.
    binding: Option<IoBinding>,
    /// Spent inside ONNX Runtime, ns.
    pub ran_ns: u64,
    pub placement: Vec<(String, usize)>,
}

impl Graph {
    /// Opens `model` on `provider` and checks it against `signature`.
    pub fn open(
        runtime: &Runtime,
        model: &Model,
        signature: Signature,
        provider: Provider,
        settings: &ProviderSettings,
    ) -> Result<Self, GraphError> {
        let builder = Session::builder(&runtime.environment)?;
        let session = configure(builder, provider, settings)?.commit_from_memory(&model.bytes)?;
        check(&session, &model.name, signature)?;
        let placement = placement(&session)?;
        let wanted = provider.name();
        if !placement.iter().any(|(name, nodes)| name == wanted && *nodes > 0) {
            return Err(GraphError::Provider(format!("no node of {} was given to {wanted}", model.name)));
        }
        let binding = provider.on_device().then(|| session.create_binding()).transpose()?;
        Ok(Self { session, signature, binding, ran_ns: 0, placement })
    }

    /// Runs from `inputs` (in the order of the signature) to `output`.
    ///
    /// # Safety
    /// During the call nothing else writes the inputs, and nothing else reads or writes the output.
    pub unsafe fn run(&mut self, inputs: &[&Buffer], output: &Buffer) -> ort::Result<()> {
        debug_assert_eq!(inputs.len(), self.signature.inputs.len());
        let began = Instant::now();
        // SAFETY: the caller's promise.
        let result = unsafe { self.run_now(inputs, output) };
        self.ran_ns += u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        result
    }

    unsafe fn run_now(&mut self, inputs: &[&Buffer], output: &Buffer) -> ort::Result<()> {
        if self.binding.is_some() {
            // SAFETY: the caller's promise.
            return unsafe { self.run_bound(inputs, output) };
        }
        let mut names = [ptr::null(); MAX_INPUTS];
        let mut values = [ptr::null(); MAX_INPUTS];
        for (at, (name, buffer)) in self.signature.inputs.iter().zip(inputs).enumerate() {
            names[at] = name.as_ptr();
            values[at] = buffer.value.ptr();
        }
        let mut result = output.value.ptr().cast_mut();
        // SAFETY: names and values live through the call and are as many as said. `Session::run` would do
        // the same, with several allocations. `&mut self` keeps other runs of this session out.
        let status = unsafe {
            (ort::api().Run)(
                self.session.ptr().cast_mut(),
                ptr::null(),
                names.as_ptr(),
                values.as_ptr(),
                inputs.len(),
                &self.signature.output.as_ptr(),
                1,
                &mut result,
            )
        };
        // SAFETY: the status comes from the call above and is used once.
        unsafe { ort::Error::result_from_status(status) }
    }

    /// As [`run`](Self::run), with feature maps that stay on the device.
    unsafe fn run_bound(&mut self, inputs: &[&Buffer], output: &Buffer) -> ort::Result<()> {
        let Some(binding) = &mut self.binding else { return Ok(()) };
        let (api, bound) = (ort::api(), binding.ptr_mut());
        // SAFETY: all pointers live through the calls; binding a host tensor copies it to the device, binding
        // a device tensor only refers to it, and the caller keeps both alive and unwritten meanwhile.
        unsafe {
            for (name, buffer) in self.signature.inputs.iter().zip(inputs) {
                let status = (api.BindInput)(bound, name.as_ptr(), buffer.value.ptr());
                ort::Error::result_from_status(status)?;
            }
            let status = (api.BindOutput)(bound, self.signature.output.as_ptr(), output.value.ptr());
            ort::Error::result_from_status(status)?;
            let status = (api.RunWithBinding)(self.session.ptr().cast_mut(), ptr::null(), bound);
            ort::Error::result_from_status(status)?;
            ort::Error::result_from_status((api.SynchronizeBoundOutputs)(bound))
        }
    }
}

/// Compares what the graph declares with what the card says of it.
fn check(session: &Session, model: &str, signature: Signature) -> Result<(), GraphError> {
    let wrong = |text: String| Err(GraphError::Mismatch(format!("{model}: {text}")));
    let declared: Vec<&str> = session.inputs().iter().map(|outlet| outlet.name()).collect();
    let expected: Vec<_> = signature.inputs.iter().map(|name| name.to_string_lossy()).collect();
    if declared.len() != expected.len() || !expected.iter().all(|name| declared.contains(&name.as_ref())) {
        return wrong(format!(
            "its inputs are {declared:?} where the card's kind of graphs has {expected:?}"
        ));
    }
    let output = signature.output.to_string_lossy();
    if session.outputs().len() != 1 || session.outputs()[0].name() != output {
        let declared: Vec<&str> = session.outputs().iter().map(|outlet| outlet.name()).collect();
        return wrong(format!("its outputs are {declared:?} where there must be one, '{output}'"));
    }
    let sides =
        [(session.inputs(), signature.input_channels), (session.outputs(), signature.output_channels)];
    for (outlets, channels) in sides {
        for outlet in outlets {
            let Some(shape) = dims(outlet.dtype()) else {
                return wrong(format!("'{}' is not a tensor of f32 with four dimensions", outlet.name()));
            };
            if channels.is_some_and(|channels| shape[1] >= 0 && shape[1] != channels) {
                let said = channels.unwrap_or_default();
                return wrong(format!(
                    "'{}' has {} channels where the card says {said}",
                    outlet.name(),
                    shape[1]
                ));
            }
        }
    }
    Ok(())
}

/// Dimensions of a tensor of f32 of rank 4; -1 for those that are free.
fn dims(value: &ValueType) -> Option<[i64; 4]> {
    match value {
        ValueType::Tensor { ty: TensorElementType::Float32, shape, .. } => shape.as_ref().try_into().ok(),
        _ => None,
    }
}
