//! Why a tile is suspect. In: numbers. Out: a sentence for a person at the microscope. Never: advice without a number.

use std::fmt;

use crate::units::{Nm, Photons};

/// One thing that is wrong with a tile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// Frames that are missing, of those there should be.
    FramesLost { lost: u64, expected: u64 },
    /// Localizations per frame; three quarters of the neighbours have at least the second number.
    TooFew { found: f64, neighbours: f64 },
    /// Part of the pixels, 0 to 1.
    Saturated { share: f64 },
    /// σ of the PSF, and what is usual.
    OutOfFocus { sigma_px: f64, usual_px: f64 },
    /// How far the sample moved.
    Drifted { by: Nm, limit: Nm },
    /// Photons per pixel and frame, and the neighbours' median.
    Bright { background: Photons, neighbours: Photons },
    /// Fourier ring resolution, and the neighbours' median.
    Coarse { frc: Nm, neighbours: Nm },
}

impl Reason {
    /// The name in the API and in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FramesLost { .. } => "frames_lost",
            Self::TooFew { .. } => "too_few",
            Self::Saturated { .. } => "saturated",
            Self::OutOfFocus { .. } => "out_of_focus",
            Self::Drifted { .. } => "drifted",
            Self::Bright { .. } => "bright",
            Self::Coarse { .. } => "coarse",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FramesLost { lost, expected } => write!(f, "{lost} of {expected} frames were lost."),
            Self::TooFew { found, neighbours } => write!(
                f,
                "Only {found:.1} localizations per frame were found, where most tiles next to it have {neighbours:.1} or \
                 more."
            ),
            Self::Saturated { share } => {
                write!(f, "{:.2} % of the pixels are saturated: lower the light or the gain.", 100.0 * share)
            }
            Self::OutOfFocus { sigma_px, usual_px } => write!(
                f,
                "Emitters are {sigma_px:.2} px wide (sigma), usual are {usual_px:.2} px: the tile is out of focus."
            ),
            Self::Drifted { by, limit } => {
                write!(f, "The sample drifted by {:.0} nm; more than {:.0} nm is too far.", by.0, limit.0)
            }
            Self::Bright { background, neighbours } => write!(
                f,
                "The background is {:.1} photons per pixel, in the tiles next to it {:.1}.",
                background.0, neighbours.0
            ),
            Self::Coarse { frc, neighbours } => write!(
                f,
                "The resolution is {:.0} nm, in the tiles next to it {:.0} nm.",
                frc.0, neighbours.0
            ),
        }
    }
}
