//! What is kept of a tile: its localizations near each edge. In: all. Out: those of one edge, once. Never: more than
//! [`EDGE_MAX`] of an edge.

use super::{EDGE_MAX, Settings};

/// Localizations, x and y in nm.
pub(super) type Points = Vec<(f32, f32)>;

/// An edge of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

impl Side {
    pub const ALL: [Self; 4] = [Self::Left, Self::Right, Self::Top, Self::Bottom];

    /// The side of a tile that another faces, whose corner lies so far from its own.
    pub fn facing((x, y): (f64, f64)) -> Self {
        match (x.abs() >= y.abs(), x >= 0.0, y >= 0.0) {
            (true, true, _) => Self::Right,
            (true, false, _) => Self::Left,
            (false, _, true) => Self::Bottom,
            (false, _, false) => Self::Top,
        }
    }

    pub fn opposite(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
            Self::Top => Self::Bottom,
            Self::Bottom => Self::Top,
        }
    }

    /// The strip along this side, from the tile's corner.
    pub fn strip(self, settings: &Settings) -> Area {
        let ((width, height), depth) = ((settings.field.0.0, settings.field.1.0), settings.depth());
        let (mut from, mut to) = ((0.0, 0.0), (width, height));
        match self {
            Self::Left => to.0 = depth.min(width),
            Self::Right => from.0 = (width - depth).max(0.0),
            Self::Top => to.1 = depth.min(height),
            Self::Bottom => from.1 = (height - depth).max(0.0),
        }
        Area { from, to }
    }
}

/// A rectangle, in nm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub from: (f64, f64),
    pub to: (f64, f64),
}

impl Area {
    pub fn moved(self, (x, y): (f64, f64)) -> Self {
        Self { from: (self.from.0 + x, self.from.1 + y), to: (self.to.0 + x, self.to.1 + y) }
    }

    /// Wider by so much on each side; narrower where it is negative.
    pub fn widened(self, by: f64) -> Self {
        Self { from: (self.from.0 - by, self.from.1 - by), to: (self.to.0 + by, self.to.1 + by) }
    }

    /// What both have; `None` where that is nothing.
    pub fn and(self, other: Self) -> Option<Self> {
        let from = (self.from.0.max(other.from.0), self.from.1.max(other.from.1));
        let to = (self.to.0.min(other.to.0), self.to.1.min(other.to.1));
        (from.0 < to.0 && from.1 < to.1).then_some(Self { from, to })
    }

    /// The smallest that has both.
    pub fn around(self, other: Self) -> Self {
        let from = (self.from.0.min(other.from.0), self.from.1.min(other.from.1));
        Self { from, to: (self.to.0.max(other.to.0), self.to.1.max(other.to.1)) }
    }

    pub fn size(self) -> (f64, f64) {
        (self.to.0 - self.from.0, self.to.1 - self.from.1)
    }

    pub fn has(self, (x, y): (f32, f32)) -> bool {
        let (x, y) = (f64::from(x), f64::from(y));
        x >= self.from.0 && x < self.to.0 && y >= self.from.1 && y < self.to.1
    }
}

/// Localizations near the edges, in nm from the tile's corner; one near two edges is kept with both.
#[derive(Debug, Default)]
pub(super) struct Edges([Points; 4]);

impl Edges {
    pub fn of(points: &[(f32, f32)], settings: &Settings) -> Self {
        Self(Side::ALL.map(|side| {
            let strip = side.strip(settings);
            let near = || points.iter().copied().filter(|point| strip.has(*point));
            let step = near().count().div_ceil(EDGE_MAX).max(1);
            near().step_by(step).collect()
        }))
    }

    /// The localizations of an edge, which is then forgotten.
    pub fn take(&mut self, side: Side) -> Points {
        std::mem::take(&mut self.0[side as usize])
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }
}
