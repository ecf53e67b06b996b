//! What was counted of a series, as messages.
//!
//! In: the picture stage's history of a series. Out: distributions, the course of time, the last frames. Never: a
//! number that is not in the history.

use smlm::frame::SeriesId;
use smlm::statistics::{Distribution, History, Span};
use tonic::Status;
use wire::pb;

use super::preview::refused;
use super::{Shared, convert, redraw};
use crate::desk::{self, Counted, Refused};

/// Everything that was counted of a series.
pub async fn get(shared: &Shared, series_id: &[u8]) -> Result<pb::SeriesStatistics, Status> {
    let series = convert::series_id(series_id)?;
    let counted = match ask(shared, series).await? {
        Some(counted) => counted,
        None => {
            redraw::finished(shared, series).await?;
            let counted = ask(shared, series).await?;
            counted.ok_or_else(|| {
                Status::unavailable("the statistics were forgotten again at once: ask again")
            })?
        }
    };
    let exit = shared.live.find(counted.series).map(|series| series.exit().clone()).unwrap_or_default();
    let history = &counted.history;
    Ok(pb::SeriesStatistics {
        series_id: counted.series.0.to_vec(),
        true_for_seq: counted.true_for_seq,
        localizations: history.localizations(),
        histograms: history.distributions().iter().map(histogram).collect(),
        course: Some(course(history)),
        recent: Some(pb::FrameCounts {
            last_seq: history.course().last_seq(),
            localizations: history.course().recent().collect(),
        }),
        drift: exit.drift.map(|drift| convert::drift(&drift)),
        resolution: exit.resolution.map(convert::resolution),
    })
}

async fn ask(shared: &Shared, series: Option<SeriesId>) -> Result<Option<Counted>, Status> {
    let (reply, answer) = tokio::sync::oneshot::channel();
    shared.desk.ask(desk::Request::Statistics(desk::Statistics { series, reply })).map_err(refused)?;
    answer.await.map_err(|_| refused(Refused::Stopping))
}

fn histogram(distribution: &Distribution) -> pb::Histogram {
    let quantity = distribution.quantity();
    pb::Histogram {
        quantity: quantity.name().to_owned(),
        unit: quantity.unit().to_owned(),
        logarithmic: distribution.is_logarithmic(),
        edges: distribution.edges().collect(),
        counts: distribution.counts().to_vec(),
        median: distribution.median(),
    }
}

fn course(history: &History) -> pb::TimeCourse {
    let course = history.course();
    let column = |of: fn(&Span) -> f64| course.spans().iter().map(|span| of(span) as f32).collect();
    pb::TimeCourse {
        first_seq: course.first_seq(),
        frames_per_bin: course.frames_per_bin(),
        frames: course.spans().iter().map(|span| span.frames).collect(),
        localizations_per_frame: column(Span::localizations_per_frame),
        density_per_um2: column(Span::density_per_um2),
        photons_mean: column(Span::photons_mean),
        background_mean: column(Span::background_mean),
        sigma_lateral_mean_nm: column(Span::sigma_lateral_mean_nm),
    }
}
