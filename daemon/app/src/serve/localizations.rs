//! The service `Localizations`: live columns, queries of the journal, exports.

use std::path::PathBuf;
use std::sync::Arc;

use smlm::localization::{Filter, Localization};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use wire::pb;

use super::grpc::localizations_server as grpc;
use super::{REQUEST_MAX_BYTES, Shared, convert, preview};
use crate::desk::{self, Piece, Subscription};
use crate::export::{self, Format};
use crate::live::Series;
use crate::picture::Shown;
use crate::store::journal::{BlockHead, JournalReader};

pub struct Localizations(Shared);

pub fn server(shared: &Shared) -> grpc::LocalizationsServer<Localizations> {
    grpc::LocalizationsServer::new(Localizations(shared.clone())).max_decoding_message_size(REQUEST_MAX_BYTES)
}

/// Rows in one message of a query: well under a client's default limit of 4 MiB.
const ROWS: usize = 32_768;

type Batches = std::pin::Pin<Box<dyn Stream<Item = Result<pb::LocalizationBatch, Status>> + Send>>;

fn message(piece: &Piece, filter: &Filter) -> pb::LocalizationBatch {
    let rows = piece.localizations.iter().filter(|l| filter.keeps(l));
    convert::batch(piece.series, piece.true_for_seq, rows, piece.lagged)
}

/// What a query asks for.
struct Query {
    folder: PathBuf,
    tile: Option<u32>,
    frames: std::ops::RangeInclusive<u32>,
    filter: Filter,
    /// Whose picture has them elsewhere; `None`: as they were seen.
    shown_in: Option<Arc<Series>>,
}

impl Query {
    fn wants(&self, l: &Localization) -> bool {
        self.frames.contains(&l.frame) && self.tile.is_none_or(|tile| l.tile == tile) && self.filter.keeps(l)
    }

    fn shown(&self, head: &BlockHead) -> Shown {
        self.shown_in.as_ref().map_or(Shown::AsTheyCame, |series| {
            Shown::by(series.book().tile(head.tile).map(|(report, ..)| report), head.first_seq)
        })
    }

    /// Reads the journal block by block; waits only for the client that asked.
    fn send(&self, series: smlm::frame::SeriesId, to: &mpsc::Sender<Result<pb::LocalizationBatch, Status>>) {
        let reader = match JournalReader::open(&self.folder) {
            Ok(reader) => reader,
            Err(error) => {
                let _ = to.blocking_send(Err(Status::not_found(error.to_string())));
                return;
            }
        };
        for block in reader.blocks() {
            let outside = block.head.last_seq < u64::from(*self.frames.start())
                || block.head.first_seq > u64::from(*self.frames.end());
            if outside || self.tile.is_some_and(|tile| tile != block.head.tile) {
                continue;
            }
            let mut found: Vec<Localization> =
                block.localizations.iter().filter(|l| self.wants(l)).copied().collect();
            if !self.shown(&block.head).place(&mut found, reader.pixel_size()) {
                continue;
            }
            for rows in found.chunks(ROWS) {
                let batch = convert::batch(series, block.head.last_seq, rows.iter(), 0);
                if to.blocking_send(Ok(batch)).is_err() {
                    return;
                }
            }
        }
    }
}

#[tonic::async_trait]
impl grpc::Localizations for Localizations {
    type StreamLocalizationsStream = Batches;

    async fn stream_localizations(
        &self,
        request: Request<pb::StreamLocalizationsRequest>,
    ) -> Result<Response<Batches>, Status> {
        let asked = request.into_inner();
        let permit = super::permit(&self.0)?;
        let filter = convert::filter(asked.filter.as_ref());
        let (queue, mut pieces) = mpsc::channel(self.0.config.serve.client_queue.max(1));
        let wish = Subscription { series: convert::series_id(&asked.series_id)?, to: queue, lagged: 0 };
        self.0.desk.ask(desk::Request::Localizations(wish)).map_err(preview::refused)?;
        let (to, from) = mpsc::channel(1);
        let stop = self.0.stop.clone();
        tokio::spawn(async move {
            let _permit = permit;
            loop {
                let piece = tokio::select! {
                    piece = pieces.recv() => piece,
                    () = stop.cancelled() => None,
                    () = to.closed() => None,
                };
                let Some(piece) = piece else { return };
                tokio::select! {
                    sent = to.send(Ok(message(&piece, &filter))) => if sent.is_err() { return },
                    () = stop.cancelled() => return,
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(from))))
    }

    type QueryLocalizationsStream = Batches;

    async fn query_localizations(
        &self,
        request: Request<pb::QueryLocalizationsRequest>,
    ) -> Result<Response<Batches>, Status> {
        let asked = request.into_inner();
        let permit = super::permit(&self.0)?;
        let series = self.series(&asked.series_id)?;
        let last = if asked.last_frame == 0 { u32::MAX } else { asked.last_frame };
        let query = Query {
            folder: self.0.store.join(series.to_string()),
            tile: asked.tile_index,
            frames: asked.first_frame..=last,
            filter: convert::filter(asked.filter.as_ref()),
            shown_in: asked.as_shown.then(|| self.0.live.find(series)).flatten(),
        };
        let (to, from) = mpsc::channel(2);
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            query.send(series, &to);
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(from))))
    }

    async fn export_localizations(
        &self,
        request: Request<pb::ExportLocalizationsRequest>,
    ) -> Result<Response<pb::ExportLocalizationsResponse>, Status> {
        let asked = request.into_inner();
        let series = self.series(&asked.series_id)?;
        let format = match asked.format() {
            pb::TableFormat::ThunderstormCsv => Format::Csv,
            pb::TableFormat::PicassoHdf5 => Format::Picasso,
            pb::TableFormat::Parquet | pb::TableFormat::Unspecified => Format::Parquet,
        };
        let folder = self.0.store.join(series.to_string());
        let name = export::file_name(&asked.file_name, format).map_err(Status::invalid_argument)?;
        let filter = convert::filter(asked.filter.as_ref());
        let to = folder.join(name);
        let work = move || export::write(&folder, &to, format, &filter);
        let done = tokio::task::spawn_blocking(work).await.map_err(|e| Status::internal(e.to_string()))?;
        let written = done.map_err(|error| Status::failed_precondition(format!("{error:#}")))?;
        Ok(Response::new(pb::ExportLocalizationsResponse {
            path: written.path.display().to_string(),
            localizations: written.localizations,
            bytes: written.bytes,
        }))
    }
}

impl Localizations {
    fn series(&self, id: &[u8]) -> Result<smlm::frame::SeriesId, Status> {
        let newest = || self.0.live.newest().map(|series| series.id);
        convert::series_id(id)?.or_else(newest).ok_or_else(|| Status::not_found("there is no series yet"))
    }
}
