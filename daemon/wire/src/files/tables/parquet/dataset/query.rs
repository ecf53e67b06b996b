//! In: the files of tiles and a region. Out: their rows, one by one. Never: a row group that cannot have one, more than
//! one row group in memory.

use std::path::PathBuf;

use super::read::Part;
use super::{DatasetError, Region, StageRow};

/// What a query took so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Tiles whose file was opened.
    pub files: u64,
    pub groups_read: u64,
    /// Row groups in opened files that their statistics ruled out.
    pub groups_skipped: u64,
    /// Rows whose place was looked at.
    pub rows_read: u64,
}

/// The rows that were asked for. Ends after the first error.
pub struct Query {
    paths: std::vec::IntoIter<PathBuf>,
    region: Option<Region>,
    /// The open file and the row group that is next.
    open: Option<(Part, usize)>,
    rows: std::vec::IntoIter<StageRow>,
    cost: Cost,
}

impl Query {
    pub(super) fn new(paths: Vec<PathBuf>, region: Option<Region>) -> Self {
        let rows = Vec::new().into_iter();
        Self { paths: paths.into_iter(), region, open: None, rows, cost: Cost::default() }
    }

    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Reads the next row group that may have rows; whether there was one.
    fn advance(&mut self) -> Result<bool, DatasetError> {
        loop {
            let Some((part, group)) = &mut self.open else {
                let Some(path) = self.paths.next() else { return Ok(false) };
                self.cost.files += 1;
                self.open = Some((Part::open(&path)?, 0));
                continue;
            };
            if *group == part.groups() {
                self.open = None;
                continue;
            }
            let now = *group;
            *group += 1;
            if let Some(region) = self.region
                && !part.may_hold(now, region)?
            {
                self.cost.groups_skipped += 1;
                continue;
            }
            let (rows, looked_at) = part.rows(now, self.region)?;
            self.cost.groups_read += 1;
            self.cost.rows_read += looked_at;
            self.rows = rows.into_iter();
            return Ok(true);
        }
    }
}

impl Iterator for Query {
    type Item = Result<StageRow, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok(row));
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    (self.paths, self.open) = (Vec::new().into_iter(), None);
                    return Some(Err(error));
                }
            }
        }
    }
}
