//! What the daemon makes: one emitter found in one frame, in the inside convention of [`crate::units`].

/// An emitter in a frame. Plain old data of 48 bytes, so that journals and tables can hold it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Localization {
    /// The frame's number in its series, from 0.
    pub frame: u32,
    /// Index of the tile in order of acquisition, from 0.
    pub tile: u32,
    /// Along columns; pixel centres at integers, of the original sensor ROI.
    pub x_px: f32,
    /// Along rows.
    pub y_px: f32,
    /// Positive away from the objective; 0 for 2D models.
    pub z_nm: f32,
    pub photons: f32,
    /// Photons per pixel under the emitter.
    pub background: f32,
    pub sigma_x_px: f32,
    pub sigma_y_px: f32,
    pub sigma_z_nm: f32,
    pub sigma_photons: f32,
    /// 0 to 1.
    pub probability: f32,
}

/// Only localizations inside every limit are kept; `None` sets no limit.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Filter {
    /// On the larger of the two lateral σ.
    pub sigma_lateral_max_px: Option<f32>,
    pub sigma_z_max_nm: Option<f32>,
    pub photons_min: Option<f32>,
    pub photons_max: Option<f32>,
    pub probability_min: Option<f32>,
}

impl Filter {
    pub fn keeps(&self, l: &Localization) -> bool {
        let at_most = |limit: Option<f32>, value: f32| limit.is_none_or(|limit| value <= limit);
        let at_least = |limit: Option<f32>, value: f32| limit.is_none_or(|limit| value >= limit);
        at_most(self.sigma_lateral_max_px, l.sigma_x_px.max(l.sigma_y_px))
            && at_most(self.sigma_z_max_nm, l.sigma_z_nm)
            && at_least(self.photons_min, l.photons)
            && at_most(self.photons_max, l.photons)
            && at_least(self.probability_min, l.probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_without_limits_keeps_everything() {
        assert!(Filter::default().keeps(&Localization::default()));
    }

    #[test]
    fn the_larger_sigma_decides() {
        let filter = Filter { sigma_lateral_max_px: Some(0.2), ..Filter::default() };
        let good = Localization { sigma_x_px: 0.1, sigma_y_px: 0.2, ..Localization::default() };
        assert!(filter.keeps(&good));
        assert!(!filter.keeps(&Localization { sigma_y_px: 0.21, ..good }));
    }
}
