//! How a Gaussian falls on the pixels of a line, and how that changes with its centre and its width.
//!
//! In: a pixel. Out: the part of the light in it and two derivatives. Never: cuts tails off.

/// A normalized Gaussian along one axis, in pixels; pixel centres at integers.
pub(super) struct Profile {
    pub centre: f64,
    pub sigma: f64,
}

/// The part of the light in a pixel, and its derivatives by the Gaussian's centre and σ.
pub(super) struct Share {
    pub part: f64,
    pub by_centre: f64,
    pub by_sigma: f64,
}

/// Nodes and weights of the Gauss–Legendre rule with eight points on -1 to 1; each stands for ± its node.
const NODES: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_29),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_47),
    (0.960_289_856_497_536_2, 0.101_228_536_290_376_26),
];

impl Profile {
    fn density(&self, at: f64) -> f64 {
        let t = (at - self.centre) / self.sigma;
        (-0.5 * t * t).exp() / (self.sigma * std::f64::consts::TAU.sqrt())
    }

    /// The integral is by quadrature in steps of at most σ: a difference of error functions would lose the tails to
    /// rounding.
    pub fn at(&self, pixel: u32) -> Share {
        let (from, to) = (f64::from(pixel) - 0.5, f64::from(pixel) + 0.5);
        let steps = (1.0 / self.sigma).ceil().max(1.0);
        let half = 0.5 / steps;
        let mut part = 0.0;
        for step in 0..steps as u32 {
            let middle = from + (2.0 * f64::from(step) + 1.0) * half;
            for (node, weight) in NODES {
                part +=
                    weight * half * (self.density(middle - node * half) + self.density(middle + node * half));
            }
        }
        let (at_from, at_to) = (self.density(from), self.density(to));
        // A wider Gaussian moves its light outward, the faster the further out.
        let outward = |at: f64, density: f64| (at - self.centre) / self.sigma * density;
        Share { part, by_centre: at_from - at_to, by_sigma: outward(from, at_from) - outward(to, at_to) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_hold_the_whole_gaussian_at_every_width() {
        for sigma in [0.1, 0.25, 0.7, 1.3, 6.0] {
            let profile = Profile { centre: 40.2, sigma };
            let (mut whole, mut slope, mut widening) = (0.0, 0.0, 0.0);
            for share in (0..81).map(|pixel| profile.at(pixel)) {
                whole += share.part;
                slope += share.by_centre;
                widening += share.by_sigma;
            }
            assert!((whole - 1.0).abs() < 1e-9, "{sigma}: {whole}");
            assert!(slope.abs() < 1e-9 && widening.abs() < 1e-8, "{sigma}: {slope} {widening}");
        }
    }

    #[test]
    fn derivatives_are_the_limits_of_differences() {
        let (centre, sigma, step) = (3.3, 1.2, 1e-5);
        for pixel in 0..8 {
            let part = |centre: f64, sigma: f64| Profile { centre, sigma }.at(pixel).part;
            let share = Profile { centre, sigma }.at(pixel);
            let by_centre = (part(centre + step, sigma) - part(centre - step, sigma)) / (2.0 * step);
            let by_sigma = (part(centre, sigma + step) - part(centre, sigma - step)) / (2.0 * step);
            assert!((share.by_centre - by_centre).abs() < 1e-9, "{pixel}");
            assert!((share.by_sigma - by_sigma).abs() < 1e-9, "{pixel}");
        }
    }
}
