//! Small symmetric systems: Cholesky's decomposition of the information, scaled to a diagonal of 1.
//!
//! In: the lower half of a matrix. Out: solutions and the inverse. Never: an answer from a matrix that is not positive
//! definite.
#![allow(clippy::needless_range_loop)] // rows and columns: an index says more than an iterator

pub(super) const UNKNOWNS: usize = 6;
pub(super) type Matrix = [[f64; UNKNOWNS]; UNKNOWNS];
pub(super) type Vector = [f64; UNKNOWNS];

/// A decomposed matrix of the first `unknowns` rows.
pub(super) struct Factor {
    lower: Matrix,
    /// One over the root of the diagonal.
    scale: Vector,
    /// One over the diagonal of `lower`.
    over: Vector,
    unknowns: usize,
}

impl Factor {
    /// `None`: the matrix is not positive definite, to rounding.
    pub fn new(matrix: &Matrix, unknowns: usize) -> Option<Self> {
        Self::damped(matrix, unknowns, 0.0)
    }

    /// Of the matrix with a diagonal larger by the part `damping`.
    pub fn damped(matrix: &Matrix, unknowns: usize, damping: f64) -> Option<Self> {
        let mut factor = Self {
            lower: [[0.0; UNKNOWNS]; UNKNOWNS],
            scale: [0.0; UNKNOWNS],
            over: [0.0; UNKNOWNS],
            unknowns,
        };
        for i in 0..unknowns {
            factor.scale[i] = 1.0 / matrix[i][i].sqrt();
            for j in 0..=i {
                let mut rest = matrix[i][j] * factor.scale[i] * factor.scale[j];
                if i == j {
                    rest += damping;
                }
                for k in 0..j {
                    rest -= factor.lower[i][k] * factor.lower[j][k];
                }
                if i != j {
                    factor.lower[i][j] = rest * factor.over[j];
                } else if rest > 1e-9 {
                    factor.lower[i][i] = rest.sqrt();
                    factor.over[i] = 1.0 / factor.lower[i][i];
                } else {
                    return None; // Not a number ends here too.
                }
            }
        }
        Some(factor)
    }

    /// The solution of `matrix · solution = right`; 0 beyond the unknowns.
    pub fn solve(&self, right: &Vector) -> Vector {
        let mut solution = self.forward(right);
        for i in (0..self.unknowns).rev() {
            for k in i + 1..self.unknowns {
                solution[i] -= self.lower[k][i] * solution[k];
            }
            solution[i] *= self.over[i];
        }
        (0..self.unknowns).for_each(|i| solution[i] *= self.scale[i]);
        solution
    }

    fn forward(&self, right: &Vector) -> Vector {
        let mut solution = [0.0; UNKNOWNS];
        for i in 0..self.unknowns {
            let mut rest = right[i] * self.scale[i];
            for k in 0..i {
                rest -= self.lower[i][k] * solution[k];
            }
            solution[i] = rest * self.over[i];
        }
        solution
    }

    /// The inverse: variances and covariances, where the matrix is an information.
    pub fn inverse(&self) -> Matrix {
        let mut inverse = [[0.0; UNKNOWNS]; UNKNOWNS];
        for (i, row) in inverse.iter_mut().enumerate().take(self.unknowns) {
            let mut unit = [0.0; UNKNOWNS];
            unit[i] = 1.0;
            *row = self.solve(&unit);
        }
        inverse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solutions_and_inverse_undo_the_matrix() {
        // Aᵀ A + 1 of some A, scaled as unevenly as photons and positions are.
        let a = |i: usize, j: usize| ((i * 7 + j * 3) % 5) as f64 - 2.0;
        let scale = |i: usize| 10f64.powi(i as i32 - 3);
        let entry = |i: usize, j: usize| {
            let sum: f64 = (0..UNKNOWNS).map(|k| a(k, i) * a(k, j)).sum();
            (sum + f64::from(u8::from(i == j))) * scale(i) * scale(j)
        };
        let matrix: Matrix = std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)));
        for unknowns in [3, 5, 6] {
            let factor = Factor::new(&matrix, unknowns).unwrap();
            let inverse = factor.inverse();
            let right: Vector = std::array::from_fn(|i| scale(i) * (i as f64 - 2.5));
            let solution = factor.solve(&right);
            for i in 0..unknowns {
                let back: f64 = (0..unknowns).map(|j| matrix[i][j] * solution[j]).sum();
                assert!((back / right[i] - 1.0).abs() < 1e-9);
                for j in 0..unknowns {
                    let unit: f64 = (0..unknowns).map(|k| matrix[i][k] * inverse[k][j]).sum();
                    assert!((unit * scale(j) / scale(i) - f64::from(u8::from(i == j))).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn a_matrix_that_tells_nothing_apart_is_refused() {
        assert!(Factor::new(&[[1.0; UNKNOWNS]; UNKNOWNS], 2).is_none());
        assert!(Factor::new(&[[0.0; UNKNOWNS]; UNKNOWNS], 1).is_none());
        assert!(Factor::new(&[[f64::NAN; UNKNOWNS]; UNKNOWNS], 1).is_none());
    }
}
