//! Reports of finished tiles, for clients.

use smlm::enough::Enough;
use smlm::stitch::PlacedFrom;
use smlm::verdict::Verdict;
use wire::pb;

use crate::live::{Placed, SeamCount, TileReport};

pub fn report(report: &TileReport, verdict: &Verdict, placed: Option<&Placed>) -> pb::TileReport {
    let facts = &report.facts;
    let reason = |reason: &smlm::verdict::Reason| pb::TileReason {
        kind: reason.as_str().into(),
        text: reason.to_string(),
    };
    pb::TileReport {
        first_seq: report.seqs.0,
        last_seq: report.seqs.1,
        localizations: facts.localizations,
        merged: report.merged,
        frc_nm: facts.frc.map(|nm| nm.0),
        no_frc: report.no_frc.clone().unwrap_or_default(),
        drift_nm: facts.drift.map(|nm| nm.0),
        no_drift: report.no_drift.clone().unwrap_or_default(),
        sigma_lateral_nm: report.sigma.map(|nm| nm.0),
        photons: report.photons,
        background_photons: facts.background.map(|photons| photons.0),
        psf_sigma_px: facts.psf_sigma_px,
        psf_sigma_sd_px: report.psf_sd_px,
        saturated_share: facts.saturated_share,
        reasons: verdict.reasons.iter().map(reason).collect(),
        unknown: verdict.unknown.iter().map(|what| (*what).to_owned()).collect(),
        moved_x_nm: placed.map(|placed| placed.moved.0.0),
        moved_y_nm: placed.map(|placed| placed.moved.1.0),
        placed_by_seams: placed.is_some_and(|placed| placed.from == PlacedFrom::Seams),
        frames_saved: report.early.map(|early| early.frames_saved),
        seconds_saved: report.early.and_then(|early| early.seconds_saved),
        took_s: report.took_s,
        finished_unix_ns: report.finished_unix_ns,
    }
}

pub fn enough(enough: &Enough) -> pb::Enough {
    let Enough { seq, frames, localizations, frc } = *enough;
    pb::Enough { seq, frames, localizations, frc_nm: frc.map(|nm| nm.0) }
}

pub fn seams(seams: &SeamCount) -> pb::Seams {
    pb::Seams {
        matched: seams.matched,
        rejected: seams.rejected,
        without: seams.without,
        residual_nm: seams.residual.map(|nm| nm.0),
    }
}
