//! The service `Preview`: growing pictures.

use std::sync::Arc;
use std::time::Duration;

use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use wire::files::png;
use wire::pb;

use super::grpc::preview_server as grpc;
use super::layers::Layer;
use super::{REQUEST_MAX_BYTES, Shared, convert, frame, redraw, snapshot, tiles};
use crate::desk::{self, PictureUpdate, Refused, Slot};

pub struct Preview(Shared);

pub fn server(shared: &Shared) -> grpc::PreviewServer<Preview> {
    grpc::PreviewServer::new(Preview(shared.clone())).max_decoding_message_size(REQUEST_MAX_BYTES)
}

pub fn refused(refused: Refused) -> Status {
    Status::unavailable(refused.to_string())
}

async fn encode(width: u32, height: u32, rgb: Vec<u8>) -> Result<bytes::Bytes, Status> {
    let work = move || {
        let mut png = Vec::new();
        png::encode_rgb(width, height, &rgb, &mut png).map(|()| png)
    };
    let done = tokio::task::spawn_blocking(work).await.map_err(|e| Status::internal(e.to_string()))?;
    done.map(bytes::Bytes::from).map_err(|e| Status::internal(e.to_string()))
}

async fn message(update: PictureUpdate) -> Result<pb::PreviewUpdate, Status> {
    const SIDE: u32 = smlm::map::TILE_PX as u32;
    let mut tiles = Vec::with_capacity(update.tiles.len());
    for (index, rgb) in update.tiles {
        let png = encode(SIDE, SIDE, rgb).await?;
        tiles.push(pb::PictureTile {
            level: update.level,
            tile_x: index.x,
            tile_y: index.y,
            png,
            ..pb::PictureTile::default()
        });
    }
    Ok(pb::PreviewUpdate {
        series_id: update.series.0.to_vec(),
        true_for_seq: update.true_for_seq,
        pixel_size_nm: update.pixel.0,
        tile_px: SIDE,
        tiles,
        localizations: update.localizations,
        white: f64::from(update.white),
        reset: update.reset,
    })
}

#[tonic::async_trait]
impl grpc::Preview for Preview {
    type SubscribePreviewStream =
        std::pin::Pin<Box<dyn Stream<Item = Result<pb::PreviewUpdate, Status>> + Send>>;

    async fn subscribe_preview(
        &self,
        request: Request<pb::SubscribePreviewRequest>,
    ) -> Result<Response<Self::SubscribePreviewStream>, Status> {
        let asked = request.into_inner();
        if convert::layer(asked.look.as_ref()) != Layer::Localizations {
            let text =
                "look.layer: only localizations can be followed; GetTiles and RenderPicture know every layer";
            return Err(Status::invalid_argument(text));
        }
        let permits = (super::permit(&self.0)?, super::preview_permit(&self.0)?);
        let slot = Arc::new(Slot::default());
        let interval =
            Duration::from_millis(u64::from(if asked.interval_ms == 0 { 250 } else { asked.interval_ms }));
        let wish = desk::Preview {
            series: convert::series_id(&asked.series_id)?,
            viewport: convert::viewport(asked.viewport.as_ref())?,
            pixel: convert::pixel_size(asked.pixel_size_nm)?,
            look: convert::look(asked.look.as_ref())?,
            interval,
            slot: slot.clone(),
        };
        redraw::if_finished(&self.0, wish.series).await?;
        self.0.desk.ask(desk::Request::Preview(wish)).map_err(refused)?;
        let (to, from) = tokio::sync::mpsc::channel(1);
        let stop = self.0.stop.clone();
        tokio::spawn(async move {
            let _permits = permits;
            loop {
                // A client that does not read leaves the slot full, and the picture stage draws nothing for it.
                let update = tokio::select! {
                    update = slot.take() => update,
                    () = stop.cancelled() => None,
                    () = to.closed() => None,
                };
                let Some(update) = update else { return };
                let message = message(update).await;
                tokio::select! {
                    sent = to.send(message) => if sent.is_err() { return },
                    () = stop.cancelled() => return,
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(from))))
    }

    async fn render_picture(
        &self,
        request: Request<pb::RenderPictureRequest>,
    ) -> Result<Response<pb::Picture>, Status> {
        let _permit = super::permit(&self.0)?;
        Ok(Response::new(snapshot::render(&self.0, request.get_ref()).await?))
    }

    async fn get_tiles(
        &self,
        request: Request<pb::GetTilesRequest>,
    ) -> Result<Response<pb::GetTilesResponse>, Status> {
        let _permit = super::permit(&self.0)?;
        Ok(Response::new(tiles::get(&self.0, request.into_inner()).await?))
    }

    async fn get_frame(
        &self,
        request: Request<pb::GetFrameRequest>,
    ) -> Result<Response<pb::CameraFrame>, Status> {
        let _permit = super::permit(&self.0)?;
        Ok(Response::new(frame::get(&self.0, request.get_ref()).await?))
    }
}
