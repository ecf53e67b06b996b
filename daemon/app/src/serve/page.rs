//! The live viewer, built by npm and embedded (`clients/web/dist`), and beside it status and picture for scripts.
//!
//! In: plain HTTP. Out: the viewer's files; the newest series as JSON and as PNG. Never: a file from the disk, an answer
//! that may load anything from elsewhere.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
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

macro_rules! built {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../clients/web/dist/", $name)).as_slice()
    };
}

/// A file of the viewer.
struct File {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const FILES: [File; 4] = [
    File { path: "/", kind: "text/html; charset=utf-8", bytes: built!("index.html") },
    File {
        path: "/assets/viewer.js",
        kind: "text/javascript; charset=utf-8",
        bytes: built!("assets/viewer.js"),
    },
    File { path: "/assets/viewer.css", kind: "text/css; charset=utf-8", bytes: built!("assets/viewer.css") },
    File { path: "/assets/icon.svg", kind: "image/svg+xml", bytes: built!("assets/icon.svg") },
];

/// Nothing but the viewer's own files, and the style that its page holds; written by its build.
const POLICY: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../clients/web/dist/content-security-policy.txt"));

/// Adds the page's addresses to the services'.
pub fn mount(router: Router, shared: &Shared, guard: &Guard) -> Router {
    let page = Page { shared: shared.clone(), guard: guard.clone() };
    let etag = format!("\"{:x}\"", shared.instance);
    let files = FILES.iter().fold(Router::new(), |router, file| {
        let etag = etag.clone();
        router.route(file.path, get(move |headers: HeaderMap| async move { answer(file, &etag, &headers) }))
    });
    let pages =
        Router::new().route("/status.json", get(status)).route("/picture.png", get(picture)).with_state(page);
    router.merge(files).merge(pages)
}

/// Names never change, so a browser asks each time; what it has is good as long as this daemon runs.
fn answer(file: &'static File, etag: &str, asked: &HeaderMap) -> Response {
    let always = [
        (header::CONTENT_TYPE, file.kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::ETAG, etag),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let has = asked.get(header::IF_NONE_MATCH).is_some_and(|had| had.as_bytes() == etag.as_bytes());
    if has {
        return (StatusCode::NOT_MODIFIED, always).into_response();
    }
    (always, file.bytes).into_response()
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
        "busy": summary::busy(&page.shared.live),
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
        (HeaderName::from_static("x-localizations"), picture.localizations.to_string()),
        (HeaderName::from_static("x-pixel-size-nm"), picture.pixel_size_nm.to_string()),
    ];
    Ok((headers, picture.png).into_response())
}
