//! Statistics that other programs believe.
//!
//! In: a file that `parquet` has written, unencrypted, without NaN where it has statistics. Out: the same, its floating
//! point columns said to be in the order of their type. Never: a byte that is not the one expected.
//!
//! `parquet` 60 says of f32 and f64 that they are in the total order of IEEE 754, which is new in the format.
//! Arrow C++ (26 and before) then takes their minima and maxima for unknown, and a region would be sought in every row
//! group; Polars 1.9 gives up. The two orders differ for NaN and the sign of 0; columns with statistics hold no NaN.
//!
//! The orders are the last field of the footer (`FileMetaData.column_orders`, parquet.thrift; thrift's compact protocol),
//! so they stand at a known distance from the end: three bytes a column, the first the number of the order.

use std::io::{self, Read, Seek, SeekFrom, Write};

/// Field 7, one after `created_by`; a list.
const FIELD: u8 = 0x19;
/// A struct in field 1, or 2, of a union; it is empty, and ends, as does the union.
const BY_TYPE: [u8; 3] = [0x1C, 0, 0];
const TOTAL: [u8; 3] = [0x2C, 0, 0];

/// Sets the order of `columns` (fewer than 15) to that of their types, where they stand as expected; whether they did.
pub(super) fn order_by_type(file: &mut (impl Read + Write + Seek), columns: usize) -> io::Result<bool> {
    // The field, the list of structs, the orders, the end of the footer; its length and the magic.
    let mut tail = vec![0; 2 + 3 * columns + 1 + 8];
    let Ok(back) = i64::try_from(tail.len()) else { return Ok(false) };
    file.seek(SeekFrom::End(-back))?;
    file.read_exact(&mut tail)?;
    let list = u8::try_from(columns).ok().filter(|columns| *columns < 15).map(|columns| columns << 4 | 0xC);
    let (head, rest) = tail.split_at_mut(2);
    let (orders, end) = rest.split_at_mut(3 * columns);
    let (orders, _) = orders.as_chunks_mut::<3>();
    let known = orders.iter().all(|order| [BY_TYPE, TOTAL].contains(order));
    if Some(head[1]) != list || head[0] != FIELD || !known || end[0] != 0 || !end.ends_with(b"PAR1") {
        return Ok(false);
    }
    orders.fill(BY_TYPE);
    file.seek(SeekFrom::End(-back))?;
    file.write_all(&tail)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn only_a_tail_that_is_known_is_changed() {
        let with = |orders: &[u8]| {
            let bytes = [b"before", &[FIELD, 0x2C][..], orders, &[0], &[9, 0, 0, 0], b"PAR1"].concat();
            let mut file = Cursor::new(bytes.clone());
            let changed = order_by_type(&mut file, 2).unwrap();
            assert_eq!(changed, file.get_ref() != &bytes);
            file.into_inner()
        };
        let changed = with(&[0x1C, 0, 0, 0x2C, 0, 0]);
        assert_eq!(changed[8..14], [0x1C, 0, 0, 0x1C, 0, 0]);
        with(&[0x1C, 0, 0, 0x3C, 0, 0]);
        with(&[0x2C, 0, 0]);
        assert!(order_by_type(&mut Cursor::new(vec![0; 5]), 2).is_err());
    }
}
