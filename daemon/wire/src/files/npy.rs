//! NumPy's `.npy`: arrays of f32, u16 or u8, and 3D arrays of integers as stacks.
//!
//! In: a file of format 1, 2 or 3 (numpy.lib.format). Out: shape and values, or a stack. Never: allocates for
//! a shape before the file is known to hold it; reads Fortran order, pickles or structures.

use std::path::Path;

use smlm::frame::PixelType;

use super::flat::{Flat, Layout};
use super::source::Source;
use super::stack::{StackError, StackMeta, StackOptions, check_shape};

const MAX_HEADER_BYTES: u64 = 64 << 10;
const MAX_DIMENSIONS: usize = 8;

/// An array in C order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<T> {
    pub shape: Vec<usize>,
    pub values: Vec<T>,
}

#[derive(Debug)]
struct Header {
    /// Kind and size, for instance `f4`.
    kind: String,
    big_endian: bool,
    shape: Vec<u64>,
    offset: u64,
}

/// Reads an array of `<f4` (or `<f8`, narrowed) with at most `max_values` values.
///
/// # Errors
/// [`StackError`] naming the file and the field.
pub fn read_f32(path: &Path, max_values: usize) -> Result<Array<f32>, StackError> {
    read(path, max_values, &["f4", "f8"], |bytes| match *bytes {
        [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
        [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
        _ => f32::NAN,
    })
}

/// Reads an array of `<u2` (or `u1`, widened) with at most `max_values` values.
///
/// # Errors
/// [`StackError`] naming the file and the field.
pub fn read_u16(path: &Path, max_values: usize) -> Result<Array<u16>, StackError> {
    read(path, max_values, &["u2", "u1"], |bytes| match *bytes {
        [a, b] => u16::from_le_bytes([a, b]),
        [a] => a.into(),
        _ => 0,
    })
}

/// A `(frames, height, width)` array of u16 or u8 as a stack.
pub(crate) fn open_stack(path: &Path, options: &StackOptions) -> Result<Flat, StackError> {
    let mut source = Source::open(path)?;
    let header = header(&mut source)?;
    let pixel_type = match header.kind.as_str() {
        "u1" => PixelType::U8,
        "u2" => PixelType::U16,
        other => {
            let what = format!("an array of type '{other}' as a stack");
            let remedy = "save it as uint16";
            return Err(StackError::Unsupported { path: path.to_owned(), what, remedy });
        }
    };
    let &[frames, height, width] = header.shape.as_slice() else {
        let what = format!("an array of shape {:?} as a stack", header.shape);
        let remedy = "save it with the shape (frames, height, width)";
        return Err(StackError::Unsupported { path: path.to_owned(), what, remedy });
    };
    let shape = check_shape(path, width, height, pixel_type)?;
    let (offset, big_endian) = (header.offset, header.big_endian);
    let layout = Layout { shape, pixel_type, big_endian, offset, frames: Some(frames) };
    let meta = StackMeta { source: "NumPy array".into(), ..StackMeta::default() };
    Flat::new(source, layout, meta, options)
}

fn read<T>(
    path: &Path,
    max_values: usize,
    kinds: &[&str],
    value: impl Fn(&[u8]) -> T,
) -> Result<Array<T>, StackError> {
    let mut source = Source::open(path)?;
    let header = header(&mut source)?;
    let size = header.kind.get(1..).and_then(|size| size.parse::<usize>().ok()).unwrap_or(0);
    if !kinds.contains(&header.kind.as_str()) || size == 0 {
        let what = format!("an array of type '{}'", header.kind);
        return Err(StackError::Unsupported {
            path: path.to_owned(),
            what,
            remedy: "save it as the type asked for",
        });
    }
    let count = header.shape.iter().try_fold(1u64, |n, side| n.checked_mul(*side));
    let Some(count) = count.filter(|count| *count <= max_values as u64) else {
        let why = format!("{:?} has more than the {max_values} values allowed here", header.shape);
        return Err(StackError::malformed(path, "shape", why));
    };
    let bytes = count * size as u64;
    if !source.holds(header.offset, bytes) {
        let why =
            format!("{:?} needs {bytes} bytes of data, the file is shorter; write it again", header.shape);
        return Err(StackError::malformed(path, "shape", why));
    }
    let mut data = source.up_to(header.offset, bytes)?;
    if header.big_endian {
        data.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    let shape = header.shape.iter().map(|side| *side as usize).collect();
    Ok(Array { shape, values: data.chunks_exact(size).map(value).collect() })
}

fn header(source: &mut Source) -> Result<Header, StackError> {
    let path = source.path().to_owned();
    let start = source.up_to(0, 12)?;
    if start.len() < 12 || &start[..6] != b"\x93NUMPY" {
        return Err(StackError::not(&path, "it does not begin like a .npy file"));
    }
    let (length, at) = match start[6] {
        1 => (u64::from(u16::from_le_bytes([start[8], start[9]])), 10),
        2 | 3 => (u64::from(u32::from_le_bytes([start[8], start[9], start[10], start[11]])), 12),
        version => {
            return Err(StackError::malformed(&path, "version", format!("{version} is not 1, 2 or 3")));
        }
    };
    if length > MAX_HEADER_BYTES || !source.holds(at, length) {
        let why = format!("{length} bytes are more than {MAX_HEADER_BYTES} or than the file holds");
        return Err(StackError::malformed(&path, "header length", why));
    }
    let text = String::from_utf8_lossy(&source.up_to(at, length)?).into_owned();
    let bad = |field| StackError::malformed(&path, field, format!("not understood in the header {text:?}"));
    let descr =
        after(&text, "'descr':").and_then(|rest| rest.split('\'').nth(1)).ok_or_else(|| bad("descr"))?;
    if !after(&text, "'fortran_order':").is_some_and(|rest| rest.trim_start().starts_with("False")) {
        let (what, remedy) = ("Fortran order".into(), "save it with numpy.ascontiguousarray");
        return Err(StackError::Unsupported { path: path.clone(), what, remedy });
    }
    let sides = after(&text, "'shape':")
        .and_then(|rest| rest.split_once('('))
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(sides, _)| sides.split(',').map(str::trim).filter(|side| !side.is_empty()))
        .ok_or_else(|| bad("shape"))?;
    let shape: Vec<u64> = sides.map(str::parse).collect::<Result<_, _>>().map_err(|_| bad("shape"))?;
    if shape.len() > MAX_DIMENSIONS {
        return Err(StackError::malformed(&path, "shape", format!("more than {MAX_DIMENSIONS} dimensions")));
    }
    let kind = descr.trim_start_matches(['<', '>', '|', '=']).to_owned();
    Ok(Header { kind, big_endian: descr.starts_with('>'), shape, offset: at + length })
}

fn after<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.find(key).map(|at| &text[at + key.len()..])
}
