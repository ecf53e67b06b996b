//! The service `Acquisitions`: lists and watches series, changes filters, stops.

use std::collections::BTreeMap;
use std::sync::Arc;

use tonic::{Request, Response, Status};
use wire::pb;

use super::grpc::acquisitions_server as grpc;
use super::watch::{Watch, watch};
use super::{REQUEST_MAX_BYTES, Shared, convert, statistics};
use crate::live::{Series, State, TileCount, Wishes};

pub struct Acquisitions(Shared);

pub fn server(shared: &Shared) -> grpc::AcquisitionsServer<Acquisitions> {
    grpc::AcquisitionsServer::new(Acquisitions(shared.clone())).max_decoding_message_size(REQUEST_MAX_BYTES)
}

impl Acquisitions {
    fn series(&self, id: &[u8]) -> Result<Arc<Series>, Status> {
        let found = match convert::series_id(id)? {
            Some(id) => self.0.live.find(id),
            None => self.0.live.newest(),
        };
        found.ok_or_else(|| Status::not_found("no such series; ListAcquisitions names those that exist"))
    }

    fn describe(&self, series: &Series, wanted: impl Fn(&TileCount) -> bool) -> pb::Acquisition {
        let mut described =
            convert::acquisition(series, &self.0.live.engine(), &self.0.config.camera, wanted);
        described.warnings.extend(self.0.live.alarms());
        described.folder = self.0.store.join(series.id.to_string()).display().to_string();
        described
    }
}

#[tonic::async_trait]
impl grpc::Acquisitions for Acquisitions {
    async fn list_acquisitions(
        &self,
        request: Request<pb::ListAcquisitionsRequest>,
    ) -> Result<Response<pb::ListAcquisitionsResponse>, Status> {
        let all = self.0.live.all();
        let most = request.get_ref().most as usize;
        let from = if most == 0 { 0 } else { all.len().saturating_sub(most) };
        let acquisitions = all[from..].iter().map(|series| self.describe(series, |_| false)).collect();
        Ok(Response::new(pb::ListAcquisitionsResponse { acquisitions }))
    }

    async fn get_acquisition(
        &self,
        request: Request<pb::GetAcquisitionRequest>,
    ) -> Result<Response<pb::Acquisition>, Status> {
        let asked = request.get_ref();
        let series = self.series(&asked.series_id)?;
        Ok(Response::new(self.describe(&series, |_| !asked.without_tiles)))
    }

    type WatchAcquisitionStream = Watch<pb::Acquisition>;

    async fn watch_acquisition(
        &self,
        request: Request<pb::WatchAcquisitionRequest>,
    ) -> Result<Response<Self::WatchAcquisitionStream>, Status> {
        let asked = request.into_inner();
        let permit = super::permit(&self.0)?;
        if !asked.series_id.is_empty() {
            self.series(&asked.series_id)?;
        }
        let service = Self(self.0.clone());
        let mut seen = BTreeMap::<u32, TileCount>::new();
        let stream = watch(&self.0, permit, asked.interval_ms, move || {
            let series = service.series(&asked.series_id).ok()?;
            let tiles = series.door().tiles.clone();
            let message = service.describe(&series, |tile| seen.get(&tile.tile.index) != Some(tile));
            seen.extend(tiles.into_iter().map(|tile| (tile.tile.index, tile)));
            Some(message)
        });
        Ok(Response::new(stream))
    }

    async fn configure_acquisition(
        &self,
        request: Request<pb::ConfigureAcquisitionRequest>,
    ) -> Result<Response<pb::Acquisition>, Status> {
        let asked = request.get_ref();
        let series = self.series(&asked.series_id)?;
        let wishes = wishes(series.door().wishes, asked)?;
        series.door().wishes = wishes;
        tracing::info!(series = %series.id, ?wishes, "a client changed how the series goes on");
        Ok(Response::new(self.describe(&series, |_| false)))
    }

    async fn get_statistics(
        &self,
        request: Request<pb::GetStatisticsRequest>,
    ) -> Result<Response<pb::SeriesStatistics>, Status> {
        let _permit = super::permit(&self.0)?;
        Ok(Response::new(statistics::get(&self.0, &request.get_ref().series_id).await?))
    }

    async fn stop_acquisition(
        &self,
        request: Request<pb::StopAcquisitionRequest>,
    ) -> Result<Response<pb::Acquisition>, Status> {
        let series = self.series(&request.get_ref().series_id)?;
        {
            let mut door = series.door();
            if door.state == State::Receiving {
                door.state = State::Draining("stopped by a client".into());
            }
        }
        Ok(Response::new(self.describe(&series, |_| false)))
    }

    async fn get_status(
        &self,
        _: Request<pb::GetStatusRequest>,
    ) -> Result<Response<pb::DaemonStatus>, Status> {
        Ok(Response::new(status(&self.0)))
    }
}

const CAMERA: &str = "camera: offset_adu a number, e_per_adu above 0, em_gain above 0 or absent, spurious_e 0 or more, \
     qe above 0 and at most 1";

/// What was wished before, but for what is asked for now.
fn wishes(mut wishes: Wishes, asked: &pb::ConfigureAcquisitionRequest) -> Result<Wishes, Status> {
    if let Some(filter) = &asked.filter {
        wishes.filter = convert::filter(Some(filter));
    }
    if let Some(thresholds) = &asked.thresholds {
        wishes.rule = Some(convert::rule(thresholds)?);
    }
    if let Some(camera) = &asked.camera {
        let sane = wire::envelope::camera(camera).map_err(|_| Status::invalid_argument(CAMERA))?;
        wishes.camera = Some(sane);
    }
    wishes.paused = asked.paused.unwrap_or(wishes.paused);
    Ok(wishes)
}

/// The daemon as a whole.
pub fn status(shared: &Shared) -> pb::DaemonStatus {
    let engine = shared.live.engine();
    let disk = rustix::fs::statvfs(&shared.store);
    let disk = disk.map_or((0, 0), |fs| (fs.f_bavail * fs.f_frsize, fs.f_blocks * fs.f_frsize));
    let alarms = shared.live.alarms();
    let places = shared.config.serve.max_clients;
    pb::DaemonStatus {
        version: env!("CARGO_PKG_VERSION").into(),
        model: engine.model,
        provider: engine.provider,
        provider_attempts: engine.attempts,
        onnxruntime: engine.onnxruntime,
        bad_messages: shared.live.bad().into_iter().map(|(kind, n)| (kind.to_owned(), n)).collect(),
        memory_budget_bytes: shared.memory_budget_bytes,
        disk_free_bytes: disk.0,
        frame_endpoint: shared.frame_endpoint.clone(),
        effective_config_toml: shared.config.to_toml(),
        uptime_s: shared.live.started.elapsed().as_secs_f64(),
        disk_full: alarms.iter().any(|alarm| alarm == crate::picture::DISK_FULL),
        alarms,
        store_dir: shared.store.display().to_string(),
        disk_bytes: disk.1,
        clients: places.saturating_sub(shared.permits.available_permits()) as u32,
        instance: shared.instance,
    }
}
