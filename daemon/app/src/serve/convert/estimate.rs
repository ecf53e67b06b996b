//! An estimate as a message.

use smlm::estimate::{Estimate, Finding, Measured, Trouble};
use wire::pb;

use crate::summary::estimate::{missing, shape};

fn measured(m: Measured) -> pb::Measured {
    pb::Measured { value: m.value, sd: m.sd }
}

pub fn message(found: &Result<Estimate, Trouble>) -> pb::Estimate {
    let e = match found {
        Ok(estimate) => estimate,
        Err(trouble) => return pb::Estimate { trouble: trouble.to_string(), ..pb::Estimate::default() },
    };
    let number = |finding: Finding| finding.ok().map(measured);
    let (psf, photons, background) = (e.psf.ok(), e.photons.ok(), e.background.ok());
    pb::Estimate {
        frames: e.frames as u32,
        psf_shape: psf.map_or(String::new(), |psf| shape(&psf).to_owned()),
        psf_sigma_nm: psf.map(|psf| measured(psf.sigma_nm)),
        psf_sigma_x_p10_nm: psf.map_or(0.0, |psf| psf.sigma_x_nm.low),
        psf_sigma_x_p90_nm: psf.map_or(0.0, |psf| psf.sigma_x_nm.high),
        psf_sigma_y_p10_nm: psf.map_or(0.0, |psf| psf.sigma_y_nm.low),
        psf_sigma_y_p90_nm: psf.map_or(0.0, |psf| psf.sigma_y_nm.high),
        photons: photons.map(|photons| measured(photons.median)),
        photons_p10: photons.map_or(0.0, |photons| photons.part.low),
        photons_p90: photons.map_or(0.0, |photons| photons.part.high),
        photons_spread: photons.map_or(0.0, |photons| photons.spread),
        background_photons: background.map(|background| measured(background.median)),
        background_unevenness: background.map_or(0.0, |background| background.unevenness),
        density_per_um2: number(e.density_per_um2),
        on_time_frames: number(e.on_time_frames),
        transfer_adu: number(e.noise.transfer_adu),
        excess_noise: number(e.noise.excess),
        read_noise_e: number(e.noise.read_noise_e),
        saturated_share: e.noise.saturated,
        missing: missing(e).into_iter().map(|(name, why)| (name.to_owned(), why.0.to_owned())).collect(),
        doubts: e.doubts.clone(),
        trouble: String::new(),
    }
}
