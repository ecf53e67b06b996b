//! Whether a picture is to be trusted, by the widefield of the same tile.
//!
//! In: the picture, the widefield that the network expects of it, the one that was taken. Out: the error map of the
//! paper, RSP and RSE, and a sentence where the picture contradicts the widefield. Never: a judgement without a
//! widefield.

use smlm::error_map::{self, Limits};
use smlm::grey::{Grey, halve, quarter};
use smlm::squirrel::{SquirrelError, explain};

use super::Taken;

/// When a picture is not to be trusted.
pub const LIMITS: Limits = Limits { region_sigma_px: 8.0, light_min: 0.05, doubt_max: 0.5, share_max: 0.02 };

/// σ among which the blur of the widefield is looked for, in quarter pixels: 24 to 480 nm where a pixel is 20 nm.
const SIGMAS_PX: (f64, f64) = (0.3, 6.0);

/// What a widefield says of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The widefield shows nothing but noise.
    pub even: bool,
    /// `(1 − M)(F + L)` at a quarter of the picture's sides, 0 to 2; `None` of a tile that is too small for it.
    pub error: Option<Grey>,
    /// Mean of 1 − M, weighed with light: 0 to 1.
    pub summary: f64,
    /// The part of what is lit whose doubt is above the limit: 0 to 1.
    pub share: f64,
    /// A sentence with the numbers, where the picture is not to be trusted.
    pub not_to_be_trusted: Option<String>,
    /// Resolution-scaled Pearson correlation, -1 to 1; `None` where picture or widefield is even.
    pub rsp: Option<f64>,
    /// Resolution-scaled error, in ADU of the widefield.
    pub rse_adu: Option<f64>,
}

impl Judged {
    fn nothing(error: Option<Grey>) -> Self {
        Self {
            even: false,
            error,
            summary: 0.0,
            share: 0.0,
            not_to_be_trusted: None,
            rsp: None,
            rse_adu: None,
        }
    }
}

/// Judges `picture` by the widefield. `estimate`: F, the widefield that it lets expect, 0 to 1 at a quarter of the sides.
///
/// A widefield that shows nothing is taken as even: its error is 0 everywhere, by the paper's formula, and there is
/// neither RSP nor RSE.
pub fn judge(picture: &Grey, estimate: &Grey, taken: &Taken) -> Judged {
    if taken.even {
        let error = Some(Grey::even(estimate.shape(), 0.0));
        return Judged { even: true, ..Judged::nothing(error) };
    }
    let light = quarter(&taken.fraction());
    let (rsp, rse_adu) = match explain(&halve(&halve(picture)), &quarter(&taken.adu), SIGMAS_PX) {
        Ok(explained) => (Some(explained.fit.rsp), Some(explained.fit.rse)),
        Err(SquirrelError::Even(_) | SquirrelError::Shapes { .. } | SquirrelError::Sigmas(..)) => {
            (None, None)
        }
    };
    let Ok(map) = error_map::error_map(estimate, &light, &LIMITS) else {
        return Judged { rsp, rse_adu, ..Judged::nothing(None) };
    };
    let reason = (!map.trusted).then(|| {
        format!(
            "{:.0} % of what is lit contradicts the widefield (more than {:.0} % of the light there is unexplained or \
             invented); {:.0} % may. Look at the error map before believing the picture.",
            100.0 * map.share,
            100.0 * LIMITS.doubt_max,
            100.0 * LIMITS.share_max
        )
    });
    Judged {
        even: false,
        error: Some(map.error),
        summary: map.summary,
        share: map.share,
        not_to_be_trusted: reason,
        rsp,
        rse_adu,
    }
}
