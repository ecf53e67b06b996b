//! What was really there: the emitters of each frame, kept as long as asked and written as a table.
//!
//! In: what [`crate::microscope`] drew. Out: CSV lines, or a bounded list in memory. Never: more memory than said.

use std::io::Write;

use smlm::units::{PixelSize, Px};

/// An emitter counts as visible in a frame in which it sends at least this many photons.
pub const VISIBLE_PHOTONS: f64 = 50.0;

/// One emitter in one frame; coordinates as inside (pixel centres at integers).
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct TrueEmitter {
    pub x_px: f64,
    pub y_px: f64,
    pub z_nm: f64,
    /// Photons expected in this frame, before shot noise and quantum efficiency.
    pub photons: f64,
}

/// All light of one frame. Reused from frame to frame, so that nothing is allocated in steady state.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FrameTruth {
    /// The frame's number in its series, from 0.
    pub seq: u64,
    pub tile: u32,
    /// Every source of light in the field, visible or not.
    pub emitters: Vec<TrueEmitter>,
}

impl FrameTruth {
    /// Those that a perfect instrument is asked to find.
    pub fn visible(&self) -> impl Iterator<Item = &TrueEmitter> {
        self.emitters.iter().filter(|emitter| emitter.photons >= VISIBLE_PHOTONS)
    }
}

/// Writes `frame,x_nm,y_nm,z_nm,photons`: frames **from 1**, nm from the field's corner, visible emitters only.
pub struct TruthCsv<W: Write> {
    out: W,
    pixel_size: PixelSize,
    rows: u64,
}

impl<W: Write> TruthCsv<W> {
    pub fn new(mut out: W, pixel_size: PixelSize) -> std::io::Result<Self> {
        writeln!(out, "frame,x_nm,y_nm,z_nm,photons")?;
        Ok(Self { out, pixel_size, rows: 0 })
    }

    pub fn write(&mut self, truth: &FrameTruth) -> std::io::Result<()> {
        for emitter in truth.visible() {
            let (x, y) = self.pixel_size.corner_nm(Px(emitter.x_px), Px(emitter.y_px));
            let (frame, z, photons) = (truth.seq + 1, emitter.z_nm, emitter.photons);
            writeln!(self.out, "{frame},{:.3},{:.3},{z:.3},{photons:.2}", x.0, y.0)?;
            self.rows += 1;
        }
        Ok(())
    }

    /// Rows written, and the sink back, flushed.
    pub fn finish(mut self) -> std::io::Result<(u64, W)> {
        self.out.flush()?;
        Ok((self.rows, self.out))
    }
}

/// Visible emitters in memory, at most as many as said; further ones are counted, not kept.
#[derive(Clone, Debug, Default)]
pub struct TruthLog {
    rows: Vec<(u64, TrueEmitter)>,
    limit: usize,
    left_out: u64,
}

impl TruthLog {
    pub fn with_limit(rows: usize) -> Self {
        Self { rows: Vec::new(), limit: rows, left_out: 0 }
    }

    /// Keeps a frame's visible emitters while there is room.
    pub fn push(&mut self, truth: &FrameTruth) {
        for emitter in truth.visible() {
            if self.rows.len() < self.limit {
                self.rows.push((truth.seq, *emitter));
            } else {
                self.left_out += 1;
            }
        }
    }

    /// `(seq, emitter)`, in the order of frames.
    pub fn rows(&self) -> &[(u64, TrueEmitter)] {
        &self.rows
    }

    /// Visible emitters for which there was no room.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smlm::units::Nm;

    fn truth() -> FrameTruth {
        let bright = TrueEmitter { x_px: 0.0, y_px: 2.0, z_nm: -10.0, photons: 50.0 };
        FrameTruth { seq: 0, tile: 0, emitters: vec![bright, TrueEmitter { photons: 49.9, ..bright }] }
    }

    #[test]
    fn the_table_counts_frames_from_one_and_nm_from_the_corner() {
        let mut csv = TruthCsv::new(Vec::new(), PixelSize::square(Nm(100.0))).unwrap();
        csv.write(&truth()).unwrap();
        let (rows, bytes) = csv.finish().unwrap();
        assert_eq!(rows, 1, "an emitter below the visible limit is not in the table");
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text, "frame,x_nm,y_nm,z_nm,photons\n1,50.000,250.000,-10.000,50.00\n");
    }

    #[test]
    fn a_full_log_counts_what_it_leaves_out() {
        let mut log = TruthLog::with_limit(2);
        (0..3).for_each(|seq| log.push(&FrameTruth { seq, ..truth() }));
        assert_eq!((log.rows().len(), log.left_out()), (2, 1));
    }
}
