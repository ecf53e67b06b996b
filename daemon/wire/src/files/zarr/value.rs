//! What a pixel of a mosaic can be.

use zarrs::array::{DataType, Element, ElementOwned, FillValue, data_type};

use super::Reduce;

/// A pixel's value: u8, u16, u32 or f32.
pub trait Value: sealed::Zarr + Copy + PartialEq + Default + Send + Sync + 'static {
    /// Zarr's name of the type.
    const NAME: &'static str;

    /// Both; integers stay at their largest.
    #[must_use]
    fn plus(self, other: Self) -> Self;

    /// Up to four of them as one.
    fn reduced(values: &[Self], reduce: Reduce) -> Self;
}

pub(super) mod sealed {
    use super::{DataType, Element, ElementOwned, FillValue};

    pub trait Zarr: Element + ElementOwned {
        fn data_type() -> DataType;

        fn zero() -> FillValue;
    }
}

macro_rules! integer {
    ($type:ty, $name:literal, $data_type:ident) => {
        impl sealed::Zarr for $type {
            fn data_type() -> DataType {
                data_type::$data_type()
            }

            fn zero() -> FillValue {
                FillValue::from(<$type>::default())
            }
        }

        impl Value for $type {
            const NAME: &'static str = $name;

            fn plus(self, other: Self) -> Self {
                self.saturating_add(other)
            }

            fn reduced(values: &[Self], reduce: Reduce) -> Self {
                let sum: u64 = values.iter().map(|value| u64::from(*value)).sum();
                let count = values.len() as u64;
                match reduce {
                    Reduce::Sum => sum.min(u64::from(Self::MAX)) as Self,
                    Reduce::Mean => ((sum + count / 2) / count.max(1)) as Self,
                }
            }
        }
    };
}

integer!(u8, "uint8", uint8);
integer!(u16, "uint16", uint16);
integer!(u32, "uint32", uint32);

impl sealed::Zarr for f32 {
    fn data_type() -> DataType {
        data_type::float32()
    }

    fn zero() -> FillValue {
        FillValue::from(0f32)
    }
}

impl Value for f32 {
    const NAME: &'static str = "float32";

    fn plus(self, other: Self) -> Self {
        self + other
    }

    fn reduced(values: &[Self], reduce: Reduce) -> Self {
        let sum: Self = values.iter().sum();
        match reduce {
            Reduce::Sum => sum,
            Reduce::Mean => sum / values.len().max(1) as Self,
        }
    }
}
