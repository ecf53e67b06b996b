//! What the command line says of a point spread function.
//!
//! In: options. Out: a PSF. Never: a width for a judgement that nobody stated.

use clap::{Args, ValueEnum};
use smlm::psf::Psf;

use super::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PsfKind {
    /// Round, the same at every depth.
    Gaussian,
    /// Two widths that depend on the depth, as behind a cylindrical lens.
    Astigmatic,
}

#[derive(Args, Clone, Debug, Default)]
pub struct PsfOptions {
    /// Shape of the point spread function.
    #[arg(long)]
    pub psf: Option<PsfKind>,
    /// Its σ in nm; of an astigmatic one the smallest.
    #[arg(long, value_name = "NM")]
    pub psf_sigma_nm: Option<f64>,
    /// Astigmatic: distance of either focal line from z = 0; σ is smallest along x at z = + this.
    #[arg(long, value_name = "NM")]
    pub focus_nm: Option<f64>,
    /// Astigmatic: the distance from a focal line at which σ has grown by √2.
    #[arg(long, value_name = "NM")]
    pub depth_nm: Option<f64>,
}

impl PsfOptions {
    /// The PSF to draw with: what is left out is that of an ordinary microscope or cylindrical lens.
    pub fn to_draw(&self) -> Result<Psf, Failure> {
        let like = match self.kind()? {
            Some(PsfKind::Astigmatic) => Psf::ASTIGMATIC,
            _ => Psf::Gaussian { sigma_nm: 135.0 },
        };
        Ok(match like {
            Psf::Gaussian { sigma_nm } => Psf::Gaussian { sigma_nm: self.psf_sigma_nm.unwrap_or(sigma_nm) },
            Psf::Astigmatic { sigma_nm, focus_nm, depth_nm } => Psf::Astigmatic {
                sigma_nm: self.psf_sigma_nm.unwrap_or(sigma_nm),
                focus_nm: self.focus_nm.unwrap_or(focus_nm),
                depth_nm: self.depth_nm.unwrap_or(depth_nm),
            },
        })
    }

    /// The PSF to judge by, every number of it given; `None` where none is.
    pub fn to_judge(&self) -> Result<Option<Psf>, Failure> {
        let Some(kind) = self.kind()? else { return Ok(None) };
        let given = |value: Option<f64>, name: &str| match value {
            Some(value) if value > 0.0 && value.is_finite() => Ok(value),
            Some(value) => Err(Failure::Usage(format!("{name} is {value}; it must be above 0"))),
            None => Err(Failure::Usage(format!("--psf {}: give {name} too", kind.name()))),
        };
        let sigma_nm = given(self.psf_sigma_nm, "--psf-sigma-nm")?;
        Ok(Some(match kind {
            PsfKind::Gaussian => Psf::Gaussian { sigma_nm },
            PsfKind::Astigmatic => Psf::Astigmatic {
                sigma_nm,
                focus_nm: given(self.focus_nm, "--focus-nm")?,
                depth_nm: given(self.depth_nm, "--depth-nm")?,
            },
        }))
    }

    /// The same options for another program's command line.
    pub fn again(&self) -> Vec<String> {
        let numbers = [
            ("--psf-sigma-nm", self.psf_sigma_nm),
            ("--focus-nm", self.focus_nm),
            ("--depth-nm", self.depth_nm),
        ];
        let numbers = numbers.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        self.psf.map(|kind| format!("--psf={}", kind.name())).into_iter().chain(numbers).collect()
    }

    /// A σ alone is that of a round Gaussian.
    fn kind(&self) -> Result<Option<PsfKind>, Failure> {
        let kind = self.psf.or(self.psf_sigma_nm.map(|_| PsfKind::Gaussian));
        let deep = self.focus_nm.or(self.depth_nm).is_some();
        if deep && kind != Some(PsfKind::Astigmatic) {
            let text = "--focus-nm and --depth-nm belong to --psf astigmatic";
            return Err(Failure::Usage(text.into()));
        }
        Ok(kind)
    }
}

impl PsfKind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian",
            Self::Astigmatic => "astigmatic",
        }
    }
}
