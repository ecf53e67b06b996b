//! The cheapest one-to-one assignment in a sparse graph: as few rows unmatched as possible, and of those
//! assignments the one with the smallest sum of costs.
//!
//! In: edges by row. Out: each row's column. Never: approximates.
//!
//! Rows enter one after another, each along a shortest augmenting path (Jonker and Volgenant 1987, the
//! sparse form). Each row may also stay unmatched, at a cost above every sum of edges: costs are pairs,
//! compared first by rows unmatched, then by their sum, and every step of the algorithm needs only that
//! costs can be added and ordered. A search sees only what its row is connected to, so components never
//! meet and need not be found first.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::ops::{Add, Sub};

pub(super) const NONE: u32 = u32::MAX;

/// Rows unmatched first, then the sum of edges.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
struct Cost {
    unmatched: i64,
    edges: f64,
}

impl Cost {
    const ZERO: Self = Self { unmatched: 0, edges: 0.0 };
    const UNMATCHED: Self = Self { unmatched: 1, edges: 0.0 };
    const INFINITE: Self = Self { unmatched: i64::MAX, edges: 0.0 };
}

impl Add for Cost {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { unmatched: self.unmatched + other.unmatched, edges: self.edges + other.edges }
    }
}

impl Sub for Cost {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { unmatched: self.unmatched - other.unmatched, edges: self.edges - other.edges }
    }
}

impl Eq for Cost {}

impl PartialOrd for Cost {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cost {
    fn cmp(&self, other: &Self) -> Ordering {
        self.unmatched.cmp(&other.unmatched).then(self.edges.total_cmp(&other.edges))
    }
}

/// Edges of all rows, row after row.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// Where each row's edges begin in `edges`, and their end.
    pub starts: Vec<usize>,
    /// Column and cost; costs are finite and not negative.
    pub edges: Vec<(u32, f64)>,
    pub columns: usize,
}

impl Graph {
    fn rows(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    fn of_row(&self, row: usize) -> &[(u32, f64)] {
        &self.edges[self.starts[row]..self.starts[row + 1]]
    }
}

/// Where a search ends.
enum End {
    FreeColumn(u32),
    /// This row gives its column up, or finds none.
    Unmatched(u32),
}

/// Working memory, kept from graph to graph.
#[derive(Clone, Debug, Default)]
pub(super) struct Assignment {
    /// Column of each row, or [`NONE`].
    pub column_of: Vec<u32>,
    row_of: Vec<u32>,
    row_price: Vec<Cost>,
    column_price: Vec<Cost>,
    distance: Vec<Cost>,
    /// The row from which a column was reached.
    reached_from: Vec<u32>,
    settled: Vec<bool>,
    /// Columns whose `distance` is set.
    touched: Vec<u32>,
    heap: BinaryHeap<Reverse<(Cost, u32)>>,
}

impl Assignment {
    /// Fills [`Self::column_of`].
    pub fn solve(&mut self, graph: &Graph) {
        let (rows, columns) = (graph.rows(), graph.columns);
        refill(&mut self.column_of, rows, NONE);
        refill(&mut self.row_of, columns, NONE);
        refill(&mut self.row_price, rows, Cost::ZERO);
        refill(&mut self.column_price, columns, Cost::ZERO);
        refill(&mut self.distance, columns, Cost::INFINITE);
        refill(&mut self.reached_from, columns, NONE);
        refill(&mut self.settled, columns, false);
        for row in 0..rows {
            let (end, length) = self.search(graph, row);
            self.reprice(row, length);
            self.augment(end);
        }
    }

    /// The shortest way from an unmatched row to a free column, or to a row that may as well be unmatched.
    fn search(&mut self, graph: &Graph, start: usize) -> (End, Cost) {
        let (mut row, mut length) = (start, Cost::ZERO);
        let (mut give_up, mut give_up_at) = (Cost::INFINITE, NONE);
        loop {
            let unmatched = length + (Cost::UNMATCHED - self.row_price[row]).max(Cost::ZERO);
            if unmatched < give_up {
                (give_up, give_up_at) = (unmatched, row as u32);
            }
            for &(column, edges) in graph.of_row(row) {
                self.reach(column, Cost { unmatched: 0, edges }, row, length);
            }
            match self.nearest() {
                Some((distance, column)) if distance < give_up => {
                    self.settled[column as usize] = true;
                    length = distance;
                    match self.row_of[column as usize] {
                        NONE => return (End::FreeColumn(column), length),
                        next => row = next as usize,
                    }
                }
                _ => return (End::Unmatched(give_up_at), give_up),
            }
        }
    }

    fn reach(&mut self, column: u32, cost: Cost, row: usize, length: Cost) {
        let at = column as usize;
        if self.settled[at] {
            return;
        }
        // Never negative but for rounding.
        let reduced = (cost - self.row_price[row] - self.column_price[at]).max(Cost::ZERO);
        let distance = length + reduced;
        if distance < self.distance[at] {
            if self.distance[at] == Cost::INFINITE {
                self.touched.push(column);
            }
            self.distance[at] = distance;
            self.reached_from[at] = row as u32;
            self.heap.push(Reverse((distance, column)));
        }
    }

    /// The nearest column not settled; entries that a shorter way has made stale are dropped.
    fn nearest(&mut self) -> Option<(Cost, u32)> {
        while let Some(Reverse((distance, column))) = self.heap.pop() {
            if !self.settled[column as usize] && distance == self.distance[column as usize] {
                return Some((distance, column));
            }
        }
        None
    }

    /// Keeps every edge's cost at least the sum of its ends' prices, and equal where matched.
    fn reprice(&mut self, start: usize, length: Cost) {
        self.row_price[start] = self.row_price[start] + length;
        for &column in &self.touched {
            let at = column as usize;
            if self.settled[at] {
                let rebate = (length - self.distance[at]).max(Cost::ZERO);
                self.column_price[at] = self.column_price[at] - rebate;
                if self.row_of[at] != NONE {
                    let row = self.row_of[at] as usize;
                    self.row_price[row] = self.row_price[row] + rebate;
                }
            }
            self.distance[at] = Cost::INFINITE;
            self.settled[at] = false;
        }
        self.touched.clear();
        self.heap.clear();
    }

    /// Hands columns on along the way back to the row that began: the one without a column before.
    fn augment(&mut self, end: End) {
        let mut column = match end {
            End::FreeColumn(column) => column,
            End::Unmatched(row) => std::mem::replace(&mut self.column_of[row as usize], NONE),
        };
        while column != NONE {
            let row = self.reached_from[column as usize];
            self.row_of[column as usize] = row;
            column = std::mem::replace(&mut self.column_of[row as usize], column);
        }
    }
}

fn refill<T: Clone>(list: &mut Vec<T>, len: usize, value: T) {
    list.clear();
    list.resize(len, value);
}
