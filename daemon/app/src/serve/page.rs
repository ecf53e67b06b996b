//! One plain page: the growing picture and the account of frames, for a first look without any client.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;
use wire::pb;

use super::guard::Guard;
use super::{Shared, acquisitions, snapshot};
use crate::summary;

#[derive(Clone)]
struct Page {
    shared: Shared,
    guard: Guard,
}

/// Adds the page's addresses to the services'.
pub fn mount(router: Router, shared: &Shared, guard: &Guard) -> Router {
    let page = Page { shared: shared.clone(), guard: guard.clone() };
    let pages = Router::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .route("/status.json", get(status))
        .route("/picture.png", get(picture))
        .with_state(page);
    router.merge(pages)
}

impl Page {
    fn admit(&self, headers: &HeaderMap) -> Result<(), StatusCode> {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if self.guard.admits(shown) { Ok(()) } else { Err(StatusCode::UNAUTHORIZED) }
    }
}

async fn status(State(page): State<Page>, headers: HeaderMap) -> Result<Response, StatusCode> {
    page.admit(&headers)?;
    let daemon = acquisitions::status(&page.shared);
    let series = page.shared.live.newest();
    let body = json!({
        "version": daemon.version,
        "model": daemon.model,
        "provider": daemon.provider,
        "provider_attempts": daemon.provider_attempts,
        "onnxruntime": daemon.onnxruntime,
        "bad_messages": daemon.bad_messages,
        "alarms": page.shared.live.alarms(),
        "frame_endpoint": daemon.frame_endpoint,
        "disk_free_bytes": daemon.disk_free_bytes,
        "series": series.map(|series| summary::series(&series)),
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response())
}

/// What the page may choose.
#[derive(Deserialize)]
struct Wish {
    #[serde(default)]
    rendering: String,
    #[serde(default)]
    colour: String,
}

async fn picture(
    State(page): State<Page>,
    headers: HeaderMap,
    Query(wish): Query<Wish>,
) -> Result<Response, Response> {
    page.admit(&headers).map_err(IntoResponse::into_response)?;
    let rendering = match wish.rendering.as_str() {
        "gaussian" => pb::Rendering::Gaussian,
        _ => pb::Rendering::Histogram,
    };
    let colour_by = match wish.colour.as_str() {
        "z" => pb::ColourBy::Z,
        "time" => pb::ColourBy::Time,
        "sigma" => pb::ColourBy::Sigma,
        _ => pb::ColourBy::Intensity,
    };
    let look = pb::Look { rendering: rendering as i32, colour_by: colour_by as i32, ..pb::Look::default() };
    let request = pb::RenderPictureRequest { look: Some(look), ..pb::RenderPictureRequest::default() };
    let picture = snapshot::render(&page.shared, &request).await.map_err(|status| {
        let code = match status.code() {
            tonic::Code::FailedPrecondition | tonic::Code::NotFound => StatusCode::NOT_FOUND,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        (code, status.message().to_owned()).into_response()
    })?;
    let headers = [
        (header::CONTENT_TYPE, "image/png".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::HeaderName::from_static("x-localizations"), picture.localizations.to_string()),
        (header::HeaderName::from_static("x-pixel-size-nm"), picture.pixel_size_nm.to_string()),
    ];
    Ok((headers, picture.png).into_response())
}
