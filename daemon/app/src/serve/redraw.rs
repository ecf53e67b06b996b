//! A finished series whose map is no longer in memory is drawn again when somebody looks.
//!
//! In: a series' id. Out: its lane with the picture stage, or a word of patience. Never: two at once; a wait longer
//! than [`PATIENCE`], after which the client asks again.

use std::time::Duration;

use smlm::frame::SeriesId;
use smlm::render::Look;
use tonic::Status;

use super::Shared;
use super::layers::Layer;
use super::tiles::{self, Wish};
use crate::archive;
use crate::desk::Request;
use crate::live::State;

const PATIENCE: Duration = Duration::from_secs(3);

/// A series of an earlier run that somebody wants to follow has its picture.
pub async fn if_finished(shared: &Shared, id: Option<SeriesId>) -> Result<(), Status> {
    let series = id.and_then(|id| shared.live.find(id));
    let Some(series) = series.filter(|series| matches!(series.door().state, State::Done(_))) else {
        return Ok(());
    };
    let about = Wish {
        series: Some(series.id),
        look: Look::default(),
        layer: Layer::Localizations,
        level: 0,
        generation: 0,
        tone: None,
        values: true,
    };
    tiles::ask(shared, &about, Vec::new()).await.map(drop)
}

/// Makes the picture of a series that is complete again.
pub async fn finished(shared: &Shared, id: Option<SeriesId>) -> Result<(), Status> {
    let series = match id {
        Some(id) => shared.live.find(id),
        None => shared.live.newest(),
    };
    let series =
        series.ok_or_else(|| Status::not_found("no such series; ListAcquisitions names those that exist"))?;
    if !matches!(series.door().state, State::Done(_)) {
        return Err(Status::not_found("nothing of this series is processed yet"));
    }
    let busy = |_| {
        Status::unavailable("the picture of an earlier recording is being drawn again: ask again in a moment")
    };
    let permit = shared.redrawing.clone().try_acquire_owned().map_err(busy)?;
    let (settings, desk) = (shared.picture.clone(), shared.desk.clone());
    let work = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let lane =
            archive::redraw(series, &settings).map_err(|error| Status::not_found(error.to_string()))?;
        desk.ask(Request::Redrawn(Box::new(lane))).map_err(super::preview::refused)
    });
    let done = tokio::time::timeout(PATIENCE, work).await;
    let done = done.map_err(|_| {
        Status::unavailable("the picture is being drawn again from the journal: ask again in a moment")
    })?;
    done.map_err(|error| Status::internal(error.to_string()))?
}
