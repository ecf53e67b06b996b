//! What a recording says of itself, as JSON and as lines for a person.
//!
//! Comes in: an estimate. Goes out: text. Never: a number without its deviation, or a gap without its reason.

use serde_json::{Map, Value, json};
use smlm::estimate::{Estimate, Finding, Measured, Missing, Part, PsfShape, PsfWidth, Trouble};

/// One object: numbers as `{"value", "sd"}`, ranges as `[low, high]`, and under `missing` why others are not there.
pub fn json(e: &Estimate) -> Value {
    let (psf, photons, background) = (e.psf.ok(), e.photons.ok(), e.background.ok());
    json!({
        "frames": e.frames,
        "area_um2": e.area_um2,
        "spots": e.spots,
        "fitted": e.fitted,
        "psf": psf.map(|psf| json!({
            "shape": shape(&psf),
            "sigma_nm": number(psf.sigma_nm),
            "sigma_x_nm": range(psf.sigma_x_nm),
            "sigma_y_nm": range(psf.sigma_y_nm),
            "elongation": range(psf.elongation),
            "z_nm_guess": z_guess(&psf).map(range),
        })),
        "photons": photons.map(|photons| json!({
            "median": number(photons.median),
            "range": range(photons.part),
            "spread": photons.spread,
        })),
        "background_photons": background.map(|background| json!({
            "median": number(background.median),
            "unevenness": background.unevenness,
        })),
        "density_per_um2": e.density_per_um2.ok().map(number),
        "on_time_frames": e.on_time_frames.ok().map(number),
        "noise": {
            "adu_per_electron_with_excess": e.noise.transfer_adu.ok().map(number),
            "offset_adu": e.noise.offset_adu.ok().map(number),
            "read_noise_e": e.noise.read_noise_e.ok().map(number),
            "excess": e.noise.excess.ok().map(number),
            "saturated": e.noise.saturated,
        },
        "missing": missing(e).into_iter().map(|(name, why)| (name.to_owned(), why.0.into())).collect::<Map<_, _>>(),
        "doubts": e.doubts,
    })
}

/// As [`json`], or why there is nothing.
pub fn json_or_trouble(found: &Result<Estimate, Trouble>) -> Value {
    match found {
        Ok(estimate) => json(estimate),
        Err(trouble) => json!({ "trouble": trouble.to_string() }),
    }
}

fn number(m: Measured) -> Value {
    json!({ "value": m.value, "sd": m.sd })
}

fn range(part: Part) -> Value {
    json!([part.low, part.high])
}

/// A word for the shape.
pub fn shape(psf: &PsfWidth) -> &'static str {
    match psf.shape {
        PsfShape::Round => "round",
        PsfShape::Astigmatic { .. } => "astigmatic",
        PsfShape::DiagonallyAstigmatic => "astigmatic along the diagonals",
        PsfShape::Unclear => "unclear",
    }
}

fn z_guess(psf: &PsfWidth) -> Option<Part> {
    match psf.shape {
        PsfShape::Astigmatic { z_nm, .. } => z_nm,
        _ => None,
    }
}

/// What could not be had, and why.
pub fn missing(e: &Estimate) -> Vec<(&'static str, Missing)> {
    let all = [
        ("psf", e.psf.err()),
        ("photons", e.photons.err()),
        ("background_photons", e.background.err()),
        ("density_per_um2", e.density_per_um2.err()),
        ("on_time_frames", e.on_time_frames.err()),
        ("adu_per_electron_with_excess", e.noise.transfer_adu.err()),
        ("offset_adu", e.noise.offset_adu.err()),
        ("read_noise_e", e.noise.read_noise_e.err()),
        ("excess", e.noise.excess.err()),
    ];
    all.into_iter().filter_map(|(name, why)| Some((name, why?))).collect()
}

/// A line per quantity, the name in so many columns.
pub fn lines(e: &Estimate, columns: usize) -> String {
    let photons = e.photons.map(|p| {
        let (low, high, spread) = (p.part.low, p.part.high, 100.0 * p.spread);
        format!(
            "{} per emitter and frame, {low:.0} to {high:.0}; they differ by {spread:.0} %",
            plain(p.median)
        )
    });
    let background = e
        .background
        .map(|b| format!("{} photons per pixel, uneven by {:.0} %", plain(b.median), 100.0 * b.unevenness));
    let density = e.density_per_um2.map(|d| format!("{} emitters per µm² and frame", plain(d)));
    let on_time = e.on_time_frames.map(|t| format!("{} frames", plain(t)));
    let rows = [
        ("PSF", e.psf.map(|psf| psf_line(&psf))),
        ("photons", photons),
        ("background", background),
        ("density", density),
        ("on-time", on_time),
        ("camera", e.noise.transfer_adu.map(|slope| camera_line(e, slope))),
    ];
    let line = |(name, text): (&str, Result<String, Missing>)| {
        format!("{name:columns$} {}\n", text.unwrap_or_else(|why| format!("unknown: {why}")))
    };
    let doubts = e.doubts.iter().map(|doubt| format!("{:columns$} {doubt}\n", "doubt"));
    rows.into_iter().map(line).chain(doubts).collect()
}

fn psf_line(psf: &PsfWidth) -> String {
    let sigma = plain(psf.sigma_nm);
    let (x, y) = (psf.sigma_x_nm, psf.sigma_y_nm);
    match psf.shape {
        PsfShape::Round => format!("round, sigma {sigma} nm"),
        PsfShape::Unclear => format!("sigma {sigma} nm; too dim or too few to tell round from astigmatic"),
        PsfShape::DiagonallyAstigmatic => {
            format!("astigmatic along the diagonals of the camera, sigma in focus at most about {sigma} nm")
        }
        PsfShape::Astigmatic { z_nm, .. } => {
            let z = z_nm.map_or(String::new(), |z| {
                format!("; z about {:.0} to {:.0} nm, a guess from the usual depth of focus", z.low, z.high)
            });
            format!(
                "astigmatic, sigma in focus {sigma} nm; along x {:.0} to {:.0}, along y {:.0} to {:.0} nm{z}",
                x.low, x.high, y.low, y.high
            )
        }
    }
}

fn camera_line(e: &Estimate, slope: Measured) -> String {
    let noise = &e.noise;
    let part = |name: &str, found: Finding| found.map_or(String::new(), |m| format!(", {name} {}", plain(m)));
    format!(
        "{} ADU per photo-electron (variance per mean){}{}{}",
        plain(slope),
        part("offset", noise.offset_adu),
        part("read noise (electrons)", noise.read_noise_e),
        part("excess noise", noise.excess),
    )
}

/// A number with as many digits as its deviation deserves.
fn plain(m: Measured) -> String {
    let digits = if m.sd > 0.0 { (1.0 - m.sd.log10().floor()).clamp(0.0, 4.0) as usize } else { 1 };
    if m.sd > 0.0 {
        format!("{:.digits$} ± {:.digits$}", m.value, m.sd)
    } else {
        format!("{:.digits$}", m.value)
    }
}
