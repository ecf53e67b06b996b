//! Reports of finished tiles, for clients.

use smlm::enough::Enough;
use smlm::stitch::PlacedFrom;
use smlm::verdict::Verdict;
use wire::pb;

use crate::live::{Fate, PictureReport, Pictures, Placed, SeamFate, Seams, TileReport};

pub fn report(
    report: &TileReport,
    verdict: &Verdict,
    placed: Option<&Placed>,
    pictures: &Pictures,
) -> pb::TileReport {
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
        picture: picture(report, pictures),
    }
}

/// `None`: none is wanted. A picture of an earlier visit of the tile does not count.
fn picture(report: &TileReport, pictures: &Pictures) -> Option<pb::TilePicture> {
    let tile = report.tile.index;
    let made = pictures.made.get(&tile).filter(|picture| picture.seqs == report.seqs);
    if let Some(picture) = made {
        return Some(painted(picture));
    }
    let failed = pictures.failed.get(&tile).filter(|(first_seq, _)| *first_seq == report.seqs.0);
    let (state, reason) = match failed {
        Some((_, why)) => (pb::PictureState::Failed, why.clone()),
        None => (pb::PictureState::Waiting, String::new()),
    };
    let message = pb::TilePicture { state: state as i32, reason, ..pb::TilePicture::default() };
    (pictures.wanted || failed.is_some()).then_some(message)
}

fn painted(picture: &PictureReport) -> pb::TilePicture {
    let state = if picture.windows == 0 { pb::PictureState::Empty } else { pb::PictureState::Painted };
    pb::TilePicture {
        state: state as i32,
        model: picture.model.clone(),
        structure: picture.structure.clone(),
        widefield_series_id: picture.widefield.map(|series| series.0.to_vec()).unwrap_or_default(),
        rsp: picture.rsp,
        rse_adu: picture.rse_adu,
        error: picture.error,
        error_share: picture.share,
        not_to_be_trusted: picture.not_to_be_trusted.is_some(),
        reason: picture.word().unwrap_or_default().to_owned(),
        took_s: picture.took_s,
        painted_unix_ns: picture.painted_unix_ns,
    }
}

pub fn enough(enough: &Enough) -> pb::Enough {
    let Enough { seq, frames, localizations, frc } = *enough;
    pb::Enough { seq, frames, localizations, frc_nm: frc.map(|nm| nm.0) }
}

/// But for each seam by itself: a scan has twice as many as tiles, and all of them change with every tile.
pub fn seams(seams: &Seams) -> pb::Seams {
    let measured =
        |with: bool| seams.count(|fate| matches!(fate, Fate::Measured { rejected, .. } if *rejected == with));
    pb::Seams {
        matched: measured(false),
        rejected: measured(true),
        without: seams.count(|fate| matches!(fate, Fate::Without(_))),
        residual_nm: seams.residual.map(|nm| nm.0),
        each: Vec::new(),
    }
}

pub fn seam(SeamFate { a, b, fate }: &SeamFate) -> pb::Seam {
    let of = pb::Seam { tile_index: *a, other_index: *b, ..pb::Seam::default() };
    match fate {
        Fate::Measured { residual_nm: (x, y), sd_nm, rejected } => pb::Seam {
            residual_x_nm: Some(*x),
            residual_y_nm: Some(*y),
            sd_nm: Some(*sd_nm),
            rejected: *rejected,
            ..of
        },
        Fate::Without(why) => pb::Seam { missing: why.clone(), ..of },
    }
}
