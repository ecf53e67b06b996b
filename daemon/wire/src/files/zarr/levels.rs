//! The arrays of a pyramid. In: what the picture is and how it is stored. Out: an array a level, made or opened. Never:
//! pixels.

use std::path::Path;
use std::sync::Arc;

use zarrs::array::codec::ZstdCodec;
use zarrs::array::{Array, ArrayBuilder, ArrayShardedExt, CodecOptions};

use super::storage::Folder;
use super::{About, Layout, Level, Value, ZarrError};

/// A chunk of a stranger's mosaic with longer sides is refused.
const CHUNK_MAX_PX: u64 = 16_384;

/// zarrs does everything on the caller's thread, and leaves out chunks of zeros.
pub(super) fn options() -> CodecOptions {
    CodecOptions::default().with_concurrent_target(1)
}

/// A position or shape with as many axes as the picture has.
pub(super) fn axes(channels: usize, channel: u64, y: u64, x: u64) -> Vec<u64> {
    if channels > 1 { vec![channel, y, x] } else { vec![y, x] }
}

/// Makes the arrays and writes what they are.
pub(super) fn create<T: Value>(
    path: &Path,
    about: &About,
    layout: &Layout,
) -> Result<Vec<Array<Folder>>, ZarrError> {
    let folder = Arc::new(Folder::live(path));
    let channels = about.channel_count();
    let square = |side: u32| axes(channels, 1, side.into(), side.into());
    let names: &[&str] = if channels > 1 { &["c", "y", "x"] } else { &["y", "x"] };
    let one = |(number, level): (usize, Level)| {
        let shape = axes(channels, channels as u64, level.height, level.width);
        let zstd = ZstdCodec::new(layout.zstd_level, false);
        let array = ArrayBuilder::new(shape, square(layout.shard_px), T::data_type(), T::zero())
            .subchunk_shape(square(layout.chunk_px))
            .bytes_to_bytes_codecs(vec![Arc::new(zstd)])
            .dimension_names(Some(names.iter().copied()))
            .build(folder.clone(), &format!("/{number}"))
            .map_err(|e| ZarrError::zarr(path, e))?;
        array.store_metadata().map_err(|e| ZarrError::zarr(path, e))?;
        Ok(array)
    };
    about.levels().into_iter().enumerate().map(one).collect()
}

/// Opens the arrays and compares them with what the picture is said to be.
pub(super) fn open(path: &Path, about: &About) -> Result<Vec<Array<Folder>>, ZarrError> {
    let folder = Arc::new(Folder::live(path));
    let channels = about.channel_count();
    let one = |(number, level): (usize, Level)| {
        let array =
            Array::open(folder.clone(), &format!("/{number}")).map_err(|e| ZarrError::zarr(path, e))?;
        let shape = axes(channels, channels as u64, level.height, level.width);
        if array.shape() != shape {
            let why = format!("level {number} has the shape {:?}, not {shape:?}", array.shape());
            return Err(ZarrError::foreign(path, why));
        }
        sides(path, &array)?;
        Ok(array)
    };
    about.levels().into_iter().enumerate().map(one).collect()
}

/// Sides of a level's shards and chunks.
pub(super) fn sides(path: &Path, array: &Array<Folder>) -> Result<(u32, u32), ZarrError> {
    let square = |shape: &[u64]| match shape {
        [1, height, width] | [height, width] if height == width && *width <= CHUNK_MAX_PX => {
            Some(*width as u32)
        }
        _ => None,
    };
    let first = vec![0; array.shape().len()];
    let shard = array.chunk_shape(&first).map_err(|e| ZarrError::zarr(path, e))?;
    let plain = |shape: &[std::num::NonZeroU64]| shape.iter().map(|side| side.get()).collect::<Vec<_>>();
    let chunk = array.subchunk_shape().ok_or_else(|| ZarrError::foreign(path, "it is not sharded"))?;
    match (square(&plain(&shard)), square(&plain(&chunk))) {
        (Some(shard), Some(chunk)) => Ok((shard, chunk)),
        _ => Err(ZarrError::foreign(path, format!("shards of {shard:?} with chunks of {chunk:?}"))),
    }
}

/// Whether an array has values of this type.
pub(super) fn check_type<T: Value>(array: &Array<Folder>) -> Result<(), ZarrError> {
    if *array.data_type() == T::data_type() {
        return Ok(());
    }
    Err(ZarrError::WrongType { is: format!("{:?}", array.data_type()), asked: T::NAME })
}
