//! The last stage: what clients see, over gRPC, gRPC-Web and the viewer, all on one port.
//!
//! In: snapshots of [`Live`], the desk of the picture stage, journals on disk. Out: streams, each with a bounded
//! queue of its own. Never: a lock held across an await, a wait of another stage for a client.

mod acquisitions;
mod convert;
mod frame;
mod guard;
mod layers;
mod localizations;
mod models;
mod page;
mod preview;
mod redraw;
mod scans;
mod snapshot;
mod statistics;
mod tiles;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::{Identity, Server, ServerTlsConfig};

use crate::clock::Clock;
use crate::config::Config;
use crate::desk::Desk;
use crate::live::Live;

/// The generated service traits.
pub mod grpc {
    #![allow(missing_docs, clippy::all, clippy::unwrap_used)]
    include!(concat!(env!("OUT_DIR"), "/blinkd.v1.rs"));
}

/// What every service needs.
#[derive(Clone)]
pub struct Shared {
    pub live: Arc<Live>,
    pub desk: Desk,
    pub config: Arc<Config>,
    pub store: PathBuf,
    pub frame_endpoint: String,
    pub memory_budget_bytes: u64,
    pub stop: CancellationToken,
    /// Threads for a network that a client loads.
    pub crew: Arc<infer::Lanes>,
    pub engines: crossbeam_channel::Sender<crate::engines::Opened>,
    /// One permit per stream or request that takes the daemon's time.
    pub permits: Arc<tokio::sync::Semaphore>,
    /// One permit per preview besides: drawing is the picture stage's time.
    pub previews: Arc<tokio::sync::Semaphore>,
    /// One permit: a large picture takes hundreds of MiB.
    pub snapshots: Arc<tokio::sync::Semaphore>,
    /// One permit: drawing an earlier recording again takes a core.
    pub redrawing: Arc<tokio::sync::Semaphore>,
    /// What a picture of an earlier recording is made with.
    pub picture: Arc<crate::picture::Settings>,
    pub clock: Clock,
    /// Name and provider of the network that paints finished tiles.
    pub painter: Option<(String, String)>,
    /// Pictures of tiles that were read for viewers.
    pub shelf: Arc<std::sync::Mutex<layers::Shelf>>,
    /// Where the growing picture is painted, where a network does that.
    pub easel: Option<Arc<crate::painting::live::Easel>>,
    /// Another number after each start.
    pub instance: u64,
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {0}: {1}; another blinkd may be running: stop it or set serve.listen")]
    Listen(SocketAddr, std::io::Error),
    #[error("serve.{key}: cannot read {path}: {error}")]
    Secret { key: &'static str, path: PathBuf, error: std::io::Error },
    #[error("serve.token_file: {0} holds fewer than 16 characters: write a long random token into it")]
    ShortToken(PathBuf),
    #[error("gRPC failed: {0}")]
    Transport(#[from] tonic::transport::Error),
    #[error("the reflection service cannot be built: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// The largest message a client may send.
const REQUEST_MAX_BYTES: usize = 64 << 10;
/// Windows large enough for pictures; a client's default limit for a message is 4 MiB and updates stay below.
const WINDOW_BYTES: u32 = 4 << 20;

/// Binds the port, so that a port in use is an error at start and not later.
pub async fn bind(listen: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(listen).await.map_err(|error| ServeError::Listen(listen, error))
}

/// Serves until `shared.stop`; streams end by themselves then.
pub async fn run(listener: TcpListener, shared: Shared) -> Result<(), ServeError> {
    let guard = guard::Guard::load(&shared.config.serve)?;
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<grpc::acquisitions_server::AcquisitionsServer<acquisitions::Acquisitions>>().await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(wire::pb::DESCRIPTOR_SET)
        .build_v1()?;
    let routes = Routes::new(health)
        .add_service(reflection)
        .add_service(guarded(acquisitions::server(&shared), &guard))
        .add_service(guarded(preview::server(&shared), &guard))
        .add_service(guarded(localizations::server(&shared), &guard))
        .add_service(guarded(scans::server(&shared), &guard))
        .add_service(guarded(models::server(&shared), &guard));
    // gRPC-Web answers 400 to every plain HTTP/1.1 request: around the services only, not the page.
    let services = routes.into_axum_router().layer(tonic_web::GrpcWebLayer::new());
    let known = axum::middleware::from_fn_with_state(guard.clone(), refuse_other_names);
    let routes = Routes::from(page::mount(services, &shared, &guard).layer(known));
    let mut server = Server::builder()
        .accept_http1(true)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(2 * WINDOW_BYTES)
        .concurrency_limit_per_connection(shared.config.serve.max_clients.max(1));
    if let Some(identity) = tls(&shared.config)? {
        server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
    }
    let stop = shared.stop.clone();
    server
        .add_routes(routes)
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop.cancelled_owned())
        .await?;
    Ok(())
}

/// A browser's page of another site that had its name resolved to this machine.
async fn refuse_other_names(
    State(guard): State<guard::Guard>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = request.uri().authority().map(|authority| authority.as_str()).or(host).unwrap_or_default();
    if guard.knows_host(host) {
        return next.run(request).await;
    }
    tracing::warn!("a request under another name than this machine's was refused: see serve.token_file");
    (StatusCode::FORBIDDEN, "ask for localhost or an address; other names need a token (serve.token_file)\n")
        .into_response()
}

fn guarded<S>(
    service: S,
    guard: &guard::Guard,
) -> tonic::service::interceptor::InterceptedService<S, guard::Guard> {
    tonic::service::interceptor::InterceptedService::new(service, guard.clone())
}

fn tls(config: &Config) -> Result<Option<Identity>, ServeError> {
    let serve = &config.serve;
    if serve.tls_certificate.as_os_str().is_empty() {
        return Ok(None);
    }
    let read = |key, path: &PathBuf| {
        std::fs::read(path).map_err(|error| ServeError::Secret { key, path: path.clone(), error })
    };
    let certificate = read("tls_certificate", &serve.tls_certificate)?;
    let key = read("tls_key", &serve.tls_key)?;
    Ok(Some(Identity::from_pem(certificate, key)))
}

type Permit = tokio::sync::OwnedSemaphorePermit;

/// A place among `serve.max_clients` streams; given back when the stream ends.
fn permit(shared: &Shared) -> Result<Permit, tonic::Status> {
    place(&shared.permits, "streams", "serve.max_clients", shared.config.serve.max_clients)
}

/// A place among `picture.max_previews` previews.
fn preview_permit(shared: &Shared) -> Result<Permit, tonic::Status> {
    place(&shared.previews, "previews", "picture.max_previews", shared.config.picture.max_previews)
}

fn place(
    places: &Arc<tokio::sync::Semaphore>,
    what: &str,
    key: &str,
    most: usize,
) -> Result<Permit, tonic::Status> {
    let refused =
        |_| tonic::Status::resource_exhausted(format!("{most} {what} are open already ({key}): close one"));
    places.clone().try_acquire_owned().map_err(refused)
}
