//! Whether a picture is to be trusted, by the widefield of the same tile.
//!
//! In: the picture that the network paints from localizations alone, the widefield that was taken. Out: the error map of
//! the paper, RSP and RSE, and a sentence where the picture contradicts the widefield. Never: a judgement without a
//! widefield, or by a widefield that the network was shown: it then paints what is in it, whatever was localized.

use infer::painter::ESTIMATE_STEP;
use smlm::error_map::{self, ErrorMap, Limits};
use smlm::grey::{Border, Grey, blur, halve, quarter};
use smlm::squirrel::{SquirrelError, explain};

use super::Taken;

/// When a picture is not to be trusted: where more than half of the light is in doubt in more than 6 % of what is lit.
///
/// `benches/painting.rs` measures the share on simulated filaments (`a-net-filaments-lite` 1, three fields of 14 µm, 100 to
/// 1,000 photons at the brightest of the widefield), with 10 and 50 localizations per µm of filament:
///
/// | the picture | share in doubt |
/// |---|---|
/// | is right (18 pictures) | 0 to 0.050 |
/// | lacks a quarter of the field | 0.145 to 0.206 |
/// | lacks 3 µm of one filament | 0.036 to 0.095: three of six are told |
/// | has one filament too many | 0 to 0.172: three of six are told |
/// | lies 0.3 µm beside the widefield | 0.349 to 0.996 |
/// | lies 1 µm beside it | 0.790 to 0.851 |
/// | is of another tile, or of background alone | 0.827 to 1 |
///
/// With 2 localizations per µm every picture is in doubt (0.26 and more), right ones too: so few confirm nothing.
///
/// Two other ways were measured with it and are not used. A picture painted *with* the widefield agrees with that whatever
/// was localized: of another tile, or of background alone, its share was 0 and its RSP 0.97. And the widefield that the
/// network itself expects of a picture (the paper's F) fits only where the network was shown the widefield: painted from
/// localizations alone, right pictures had shares of 0.53 to 0.96. F is fitted to the widefield instead
/// ([`error_map::expected`]).
pub const LIMITS: Limits = Limits { region_sigma_px: 8.0, light_min: 0.05, doubt_max: 0.5, share_max: 0.06 };

/// Both widefields are blurred by this, in camera pixels, before they are compared: the narrowest windows of the error
/// map are narrower than a camera's pixel and see its noise alone.
const CAMERA_PX: f64 = 1.0;
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

/// Judges `picture`, painted without the widefield, by the widefield. F is what the picture lets expect once it is blurred,
/// scaled and shifted to come as near to the widefield as it can.
///
/// A widefield that shows nothing is taken as even: its error is 0 everywhere, by the paper's formula, and there is
/// neither RSP nor RSE.
pub fn judge(picture: &Grey, taken: &Taken) -> Judged {
    let light = quarter(&taken.fraction());
    if taken.even {
        let error = Some(Grey::even(light.shape(), 0.0));
        return Judged { even: true, ..Judged::nothing(error) };
    }
    let (rsp, rse_adu) = match explain(&halve(&halve(picture)), &quarter(&taken.adu), SIGMAS_PX) {
        Ok(explained) => (Some(explained.fit.rsp), Some(explained.fit.rse)),
        Err(SquirrelError::Even(_) | SquirrelError::Shapes { .. } | SquirrelError::Sigmas(..)) => {
            (None, None)
        }
    };
    let Ok(map) = compare(picture, &light, taken) else {
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

/// # Errors
/// The tile is too small, or so dark that nothing can be compared.
fn compare(picture: &Grey, light: &Grey, taken: &Taken) -> anyhow::Result<ErrorMap> {
    let expected = error_map::expected(picture, light)?;
    let sigma_px = CAMERA_PX * taken.camera_px / ESTIMATE_STEP as f64;
    let calm = |grey: &Grey| blur(grey, sigma_px, Border::Repeat);
    Ok(error_map::error_map(&calm(&expected), &calm(light), &LIMITS)?)
}
