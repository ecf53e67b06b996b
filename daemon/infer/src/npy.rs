//! NumPy's `.npy` files, as far as golden files need them.
//!
//! In: the bytes of a file, already bounded. Out: its shape and values. Never: pickled objects, Fortran order,
//! a size that the bytes do not hold.

/// An array of up to four dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct Npy {
    pub shape: Vec<usize>,
    pub values: Values,
}

/// Values in C order.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    U8(Vec<u8>),
    U16(Vec<u16>),
    F32(Vec<f32>),
}

/// What is wrong with a file.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[must_use]
pub enum NpyError {
    #[error("it does not begin with NumPy's magic bytes and a version 1 or 2 header")]
    NotNpy,
    #[error("its header lacks '{0}' or has something unexpected there")]
    Header(&'static str),
    #[error("its values are of type {0}; u1, u2 and f4, little-endian, are read")]
    Type(String),
    #[error("it holds {found} bytes of values where its shape needs {needed}")]
    Length { found: usize, needed: usize },
}

const MAGIC: &[u8] = b"\x93NUMPY";
const MAX_DIMENSIONS: usize = 4;

impl Npy {
    pub fn read(bytes: &[u8]) -> Result<Self, NpyError> {
        let (header, data) = split(bytes).ok_or(NpyError::NotNpy)?;
        let kind = quoted(after(header, "descr")?).ok_or(NpyError::Header("descr"))?;
        if !after(header, "fortran_order")?.starts_with("False") {
            return Err(NpyError::Header("fortran_order"));
        }
        let shape = shape(after(header, "shape")?).ok_or(NpyError::Header("shape"))?;
        let count = shape.iter().try_fold(1usize, |product, side| product.checked_mul(*side));
        let count = count.ok_or(NpyError::Header("shape"))?;
        let size = match kind {
            "|u1" => 1,
            "<u2" => 2,
            "<f4" => 4,
            other => return Err(NpyError::Type(other.to_owned())),
        };
        if count.checked_mul(size) != Some(data.len()) {
            return Err(NpyError::Length { found: data.len(), needed: count.saturating_mul(size) });
        }
        let values = match size {
            1 => Values::U8(data.to_vec()),
            2 => Values::U16(data.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect()),
            _ => Values::F32(
                data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            ),
        };
        Ok(Self { shape, values })
    }
}

/// The header's text and what follows it.
fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (version, rest) = rest.split_at_checked(2)?;
    let (length, rest) = match version[0] {
        1 => {
            rest.split_at_checked(2).map(|(l, rest)| (usize::from(u16::from_le_bytes([l[0], l[1]])), rest))?
        }
        2 => rest
            .split_at_checked(4)
            .map(|(l, rest)| (u32::from_le_bytes([l[0], l[1], l[2], l[3]]) as usize, rest))?,
        _ => return None,
    };
    let (header, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(header).ok()?, data))
}

fn after<'a>(header: &'a str, key: &'static str) -> Result<&'a str, NpyError> {
    let at = header.find(&format!("'{key}':")).ok_or(NpyError::Header(key))?;
    Ok(header[at + key.len() + 3..].trim_start())
}

fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('\'')?.split('\'').next()
}

fn shape(text: &str) -> Option<Vec<usize>> {
    let inside = text.strip_prefix('(')?.split(')').next()?;
    let sides = inside.split(',').map(str::trim).filter(|side| !side.is_empty());
    let shape: Vec<usize> = sides.map(|side| side.parse().ok()).collect::<Option<_>>()?;
    (shape.len() <= MAX_DIMENSIONS).then_some(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16).to_le_bytes();
        [MAGIC, &[1, 0], &length, header.as_bytes(), data].concat()
    }

    #[test]
    fn arrays_are_read() {
        let bytes = file("{'descr': '<u2', 'fortran_order': False, 'shape': (2, 1, 1), }\n", &[1, 0, 2, 1]);
        let expected = Npy { shape: vec![2, 1, 1], values: Values::U16(vec![1, 258]) };
        assert_eq!(Npy::read(&bytes), Ok(expected));
        let bytes = file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", &1.5f32.to_le_bytes());
        assert_eq!(Npy::read(&bytes).unwrap().values, Values::F32(vec![1.5]));
    }

    #[test]
    fn absurd_and_cut_files_are_refused() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }";
        assert_eq!(Npy::read(&file(header, &[])), Err(NpyError::Header("shape")));
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }";
        let cut = Npy::read(&file(header, &[0; 47]));
        assert_eq!(cut, Err(NpyError::Length { found: 47, needed: 48 }));
        let header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }";
        assert_eq!(Npy::read(&file(header, &[0; 8])), Err(NpyError::Type("|O".to_owned())));
        let good = file("{'descr': '<u2', 'fortran_order': False, 'shape': (1,), }", &[0; 2]);
        for end in 0..good.len() {
            assert!(Npy::read(&good[..end]).is_err(), "{end}");
        }
    }
}
