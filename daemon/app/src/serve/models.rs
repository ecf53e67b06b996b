//! The service `Models`: bundles on this machine.

use tonic::{Request, Response, Status};
use wire::pb;

use super::grpc::models_server as grpc;
use super::{REQUEST_MAX_BYTES, Shared};
use crate::commands::model as command;
use crate::engines::{self, built_in, painter};
use crate::live::{Series, State};
use infer::card::{Card, Span};
use infer::painter::PictureCard;

pub struct Models(Shared);

pub fn server(shared: &Shared) -> grpc::ModelsServer<Models> {
    grpc::ModelsServer::new(Models(shared.clone())).max_decoding_message_size(REQUEST_MAX_BYTES)
}

fn range(span: Span) -> Option<pb::Range> {
    Some(pb::Range { min: span.low, max: span.high })
}

impl Models {
    fn model(&self, card: &Card, card_toml: String) -> pb::Model {
        let engine = self.0.live.engine();
        let loaded = engine.model.split(' ').next() == Some(card.name.as_str());
        pb::Model {
            name: card.name.clone(),
            version: card.version.clone(),
            engine: "decode".into(),
            description: card.description.clone(),
            licence: card.licence.clone(),
            window_frames: card.network.window_frames,
            pixel_size_nm: range(card.range.pixel_size_nm),
            psf_sigma_nm: range(card.range.psf_sigma_nm),
            photons: range(card.range.photons),
            background_photons: range(card.range.background_photons),
            z_nm: range(card.range.z_nm),
            halo_px: card.network.halo_px,
            grid_px: card.network.grid_px,
            provider: if loaded { engine.provider } else { String::new() },
            loaded,
            card_toml,
        }
    }

    /// An engine that needs no bundle; its settings take the card's place.
    fn built_in(&self, name: &str, described: bool) -> Option<pb::Model> {
        let (_, description) = built_in::LISTED.iter().find(|(listed, _)| *listed == name)?;
        let engine = self.0.live.engine();
        let loaded = engine.model == name;
        let mut config = (*self.0.config).clone();
        config.model.bundle = name.to_owned();
        Some(pb::Model {
            name: name.to_owned(),
            version: env!("CARGO_PKG_VERSION").into(),
            engine: built_in::GAUSSIAN.into(),
            description: (*description).into(),
            window_frames: 1,
            grid_px: 1,
            halo_px: config.gaussian.recipe(false).halo_px() as u32,
            provider: if loaded { engine.provider } else { String::new() },
            loaded,
            card_toml: built_in::describe(&config).filter(|_| described).unwrap_or_default(),
            ..pb::Model::default()
        })
    }

    /// A network that paints. It runs as long as the daemon does, or not at all.
    fn painter(&self, card: &PictureCard, card_toml: String) -> pb::Model {
        let provider = self.0.painter.as_ref().filter(|(name, _)| *name == card.name);
        pb::Model {
            name: card.name.clone(),
            version: card.version.clone(),
            engine: painter::ENGINE.into(),
            description: card.description.clone(),
            licence: card.licence.clone(),
            provider: provider.map(|(_, provider)| provider.clone()).unwrap_or_default(),
            loaded: provider.is_some(),
            card_toml,
            ..pb::Model::default()
        }
    }

    /// Names only: a client must not make the daemon read other folders.
    fn config_for(&self, name: &str) -> Result<crate::config::Config, Status> {
        let mut config = (*self.0.config).clone();
        let built_in = built_in::LISTED.iter().any(|(listed, _)| *listed == name);
        let known = || engines::list(&config.model).into_iter().any(|(_, card)| card.name == name);
        let paints = || painter::list(&config.model).into_iter().any(|(_, card)| card.name == name);
        if !built_in && !known() && !paints() {
            return Err(Status::not_found(format!(
                "no bundle is named '{name}'; ListModels names those that exist"
            )));
        }
        config.model.bundle = name.to_owned();
        Ok(config)
    }
}

impl Models {
    /// Opens the configured network and hands it to the localizer, which takes it between two series.
    async fn change(&self, config: crate::config::Config) -> Result<pb::Model, Status> {
        let open = |series: &std::sync::Arc<Series>| !matches!(series.door().state, State::Done(_));
        let still = self.0.live.all().iter().filter(|series| open(series)).count();
        if still > 0 {
            let text =
                format!("{still} series are open: the network is changed between series; stop them first");
            return Err(Status::failed_precondition(text));
        }
        let name = config.model.bundle.clone();
        let crew = self.0.crew.clone();
        let opened = tokio::task::spawn_blocking(move || engines::open(&config, crew)).await;
        let opened = opened.map_err(|error| Status::internal(error.to_string()))?;
        let opened = opened.map_err(|error| Status::failed_precondition(format!("{error:#}")))?;
        let status = opened.status.clone();
        let busy = |_| Status::unavailable("another network is being loaded: try again in a moment");
        self.0.engines.try_send(opened).map_err(busy)?;
        Ok(pb::Model { name, provider: status.provider, loaded: true, ..pb::Model::default() })
    }
}

#[tonic::async_trait]
impl grpc::Models for Models {
    async fn list_models(
        &self,
        _: Request<pb::ListModelsRequest>,
    ) -> Result<Response<pb::ListModelsResponse>, Status> {
        let found = engines::list(&self.0.config.model);
        let bundles = found.iter().map(|(_, card)| self.model(card, String::new()));
        let built_in = built_in::LISTED.iter().filter_map(|(name, _)| self.built_in(name, false));
        let painters = painter::list(&self.0.config.model);
        let painters = painters.iter().map(|(_, card)| self.painter(card, String::new()));
        let models = bundles.chain(painters).chain(built_in).collect();
        Ok(Response::new(pb::ListModelsResponse { models }))
    }

    async fn describe_model(
        &self,
        request: Request<pb::DescribeModelRequest>,
    ) -> Result<Response<pb::Model>, Status> {
        let name = &request.get_ref().name;
        if let Some(model) = self.built_in(name, true) {
            return Ok(Response::new(model));
        }
        let text = |folder: &std::path::Path| {
            let text = std::fs::read_to_string(folder.join(infer::bundle::CARD));
            text.map_err(|error| Status::internal(error.to_string()))
        };
        let model = &self.0.config.model;
        let paints = painter::list(model).into_iter().find(|(_, card)| card.name == *name);
        if let Some((folder, card)) = paints {
            return Ok(Response::new(self.painter(&card, text(&folder)?)));
        }
        let found = engines::list(model).into_iter().find(|(_, card)| card.name == *name);
        let (folder, card) =
            found.ok_or_else(|| Status::not_found(format!("no bundle is named '{name}'")))?;
        Ok(Response::new(self.model(&card, text(&folder)?)))
    }

    async fn check_model(
        &self,
        request: Request<pb::CheckModelRequest>,
    ) -> Result<Response<pb::CheckModelResponse>, Status> {
        let name = request.into_inner().name;
        let config = self.config_for(&name)?;
        let done = tokio::task::spawn_blocking(move || command::golden(&config)).await;
        let report = done.map_err(|error| Status::internal(error.to_string()))?;
        let report = report.map_err(|error| Status::failed_precondition(format!("{error:#}")))?;
        Ok(Response::new(pb::CheckModelResponse {
            name,
            passed: report.passes,
            max_abs_difference: report.worst,
            report: report.lines,
        }))
    }

    async fn load_model(
        &self,
        request: Request<pb::LoadModelRequest>,
    ) -> Result<Response<pb::Model>, Status> {
        let config = self.config_for(&request.get_ref().name)?;
        let card = self.change(config).await?;
        Ok(Response::new(card))
    }

    async fn unload_model(
        &self,
        request: Request<pb::UnloadModelRequest>,
    ) -> Result<Response<pb::Model>, Status> {
        let name = &request.get_ref().name;
        let mut config = self.config_for(name)?;
        if self.0.live.engine().model.split(' ').next() != Some(name.as_str()) {
            return Err(Status::failed_precondition(format!("'{name}' is not loaded")));
        }
        config.model.bundle = "null".into();
        Ok(Response::new(self.change(config).await?))
    }
}
