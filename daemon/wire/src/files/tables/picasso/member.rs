//! In: the bytes of a compound row. Out: its numbers as f64.

use hdf5_pure::{CompoundMember, Datatype, DatatypeByteOrder};

/// A number in a row.
#[derive(Clone, Copy)]
pub(super) struct Member {
    offset: usize,
    size: usize,
    kind: Kind,
    big_endian: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Signed,
    Unsigned,
    Float,
}

impl Member {
    pub(super) fn of(member: &CompoundMember) -> Option<Self> {
        let (size, order, kind) = match &member.datatype {
            Datatype::FixedPoint { size, byte_order, layout } if *size <= 8 => {
                (*size, byte_order, if layout.signed { Kind::Signed } else { Kind::Unsigned })
            }
            Datatype::FloatingPoint { size: size @ (4 | 8), byte_order, .. } => {
                (*size, byte_order, Kind::Float)
            }
            _ => return None,
        };
        let big_endian = match order {
            DatatypeByteOrder::LittleEndian => false,
            DatatypeByteOrder::BigEndian => true,
            _ => return None,
        };
        Some(Self {
            offset: usize::try_from(member.byte_offset).ok()?,
            size: size as usize,
            kind,
            big_endian,
        })
    }

    pub(super) fn value(self, row: &[u8]) -> f64 {
        let Some(bytes) = row.get(self.offset..self.offset + self.size) else { return f64::NAN };
        let mut word = [0; 8];
        word[..self.size].copy_from_slice(bytes);
        if self.big_endian {
            word[..self.size].reverse();
        }
        let bits = u64::from_le_bytes(word);
        let unused = 64 - 8 * self.size as u32;
        match (self.kind, self.size) {
            (Kind::Float, 4) => f32::from_bits(bits as u32).into(),
            (Kind::Float, _) => f64::from_bits(bits),
            (Kind::Unsigned, _) => bits as f64,
            (Kind::Signed, _) => ((bits.cast_signed() << unused) >> unused) as f64,
        }
    }
}
