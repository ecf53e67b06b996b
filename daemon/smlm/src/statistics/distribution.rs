//! How often a quantity took which value, over a whole series. In: values. Out: counts between fixed edges. Memory is
//! fixed. Never: a value left out, but NaN; what lies beyond the ends is counted in the end bins.

/// A quantity of localizations that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    Photons,
    /// Photons per pixel.
    Background,
    /// Mean of σx and σy.
    SigmaLateral,
    SigmaZ,
    Z,
    Probability,
    /// Frames through which an emitter was found again.
    OnTime,
}

/// Equal steps, or equal ratios.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    Linear {
        low: f32,
        step: f32,
    },
    /// `log2` of the lowest edge, and per step.
    Logarithmic {
        low: f32,
        step: f32,
    },
}

impl Quantity {
    pub const ALL: [Self; 7] = [
        Self::Photons,
        Self::Background,
        Self::SigmaLateral,
        Self::SigmaZ,
        Self::Z,
        Self::Probability,
        Self::OnTime,
    ];

    /// Name, as it is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Photons => "photons",
            Self::Background => "background_photons",
            Self::SigmaLateral => "sigma_lateral_nm",
            Self::SigmaZ => "sigma_z_nm",
            Self::Z => "z_nm",
            Self::Probability => "probability",
            Self::OnTime => "on_time_frames",
        }
    }

    pub fn unit(self) -> &'static str {
        match self {
            Self::Photons => "photons",
            Self::Background => "photons per pixel",
            Self::SigmaLateral | Self::SigmaZ | Self::Z => "nm",
            Self::Probability => "",
            Self::OnTime => "frames",
        }
    }

    /// The scale, and how many bins.
    fn bins(self) -> (Scale, usize) {
        let log = |low: f32, per_octave: f32| Scale::Logarithmic { low: low.log2(), step: 1.0 / per_octave };
        match self {
            Self::Photons => (log(8.0, 6.0), 96),      // 8 to 524,288
            Self::Background => (log(0.125, 6.0), 96), // 1/8 to 8,192
            Self::SigmaLateral => (log(0.5, 9.0), 90), // 0.5 to 512
            Self::SigmaZ => (log(2.0, 9.0), 90),       // 2 to 2,048
            Self::Z => (Scale::Linear { low: -1500.0, step: 25.0 }, 120),
            Self::Probability => (Scale::Linear { low: 0.0, step: 0.02 }, 50),
            Self::OnTime => (Scale::Linear { low: 0.5, step: 1.0 }, 50),
        }
    }
}

impl Scale {
    fn bin(self, value: f32) -> f32 {
        match self {
            Self::Linear { low, step } => (value - low) / step,
            Self::Logarithmic { low, step } => (value.max(f32::MIN_POSITIVE).log2() - low) / step,
        }
    }

    fn edge(self, at: f32) -> f64 {
        match self {
            Self::Linear { low, step } => f64::from(low + at * step),
            Self::Logarithmic { low, step } => f64::from(low + at * step).exp2(),
        }
    }
}

/// The distribution of one quantity.
#[derive(Clone, Debug)]
pub struct Distribution {
    quantity: Quantity,
    scale: Scale,
    counts: Box<[u64]>,
}

impl Distribution {
    pub fn new(quantity: Quantity) -> Self {
        let (scale, bins) = quantity.bins();
        Self { quantity, scale, counts: vec![0; bins].into() }
    }

    pub fn add(&mut self, value: f32) {
        if !value.is_nan() {
            let last = self.counts.len() - 1;
            // A cast of a float saturates: below the lowest edge is bin 0.
            self.counts[(self.scale.bin(value) as usize).min(last)] += 1;
        }
    }

    pub fn quantity(&self) -> Quantity {
        self.quantity
    }

    pub fn is_logarithmic(&self) -> bool {
        matches!(self.scale, Scale::Logarithmic { .. })
    }

    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// One more than bins.
    pub fn edges(&self) -> impl Iterator<Item = f64> + '_ {
        (0..=self.counts.len()).map(|at| self.scale.edge(at as f32))
    }

    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Evenly spread within its bin; 0 of nothing.
    pub fn median(&self) -> f64 {
        let half = self.total() as f64 / 2.0;
        let mut below = 0.0;
        for (at, count) in self.counts.iter().enumerate() {
            let here = *count as f64;
            if here > 0.0 && below + here >= half {
                return self.scale.edge(at as f32 + ((half - below) / here) as f32);
            }
            below += here;
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_between_its_edges() {
        for quantity in Quantity::ALL {
            let mut all = Distribution::new(quantity);
            let edges: Vec<f64> = all.edges().collect();
            assert!(edges.windows(2).all(|pair| pair[1] > pair[0]), "{quantity:?}");
            for pair in edges.windows(2) {
                all.add(((pair[0] + pair[1]) / 2.0) as f32);
            }
            assert!(all.counts().iter().all(|count| *count == 1), "{quantity:?} {:?}", all.counts());
        }
    }

    #[test]
    fn what_lies_beyond_the_ends_is_counted_there() {
        let mut photons = Distribution::new(Quantity::Photons);
        for value in [f32::NEG_INFINITY, -5.0, 0.0, 1e30, f32::INFINITY, f32::NAN] {
            photons.add(value);
        }
        assert_eq!((photons.counts()[0], photons.counts()[95], photons.total()), (3, 2, 5));
    }

    #[test]
    fn the_median_is_true_to_a_bin() {
        let mut photons = Distribution::new(Quantity::Photons);
        assert_eq!(photons.median(), 0.0);
        (1..=1001u16).for_each(|i| photons.add(f32::from(i) * 10.0));
        assert!((photons.median() / 5010.0).log2().abs() < 1.0 / 6.0, "{}", photons.median());
    }
}
