//! Health, reflection, gRPC-Web, the models and the viewer, on the one port.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use blinkd::serve::grpc::models_client::ModelsClient;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use wire::pb;

use crate::rig::{LIMIT, Rig, Sender};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// One HTTP/1.1 exchange: status line and heads, body.
pub fn http(rig: &Rig, head: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(rig.address()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let head = format!("{head}\r\nhost: {}\r\nconnection: close\r\n\r\n", rig.address());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    (String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase(), answer[end + 4..].to_vec())
}

fn with_frames(rig: &Rig) -> Sender {
    let mut sender = rig.publisher(1);
    sender.send(50);
    rig.settled(1, 50);
    sender
}

#[test]
fn health_says_serving_and_reflection_lists_every_service() {
    let rig = Rig::start(|_| ());
    runtime().block_on(async {
        let channel = tonic::transport::Channel::from_shared(rig.url()).unwrap().connect().await.unwrap();
        let mut health = HealthClient::new(channel.clone());
        for service in ["", "blinkd.v1.Acquisitions"] {
            let request = HealthCheckRequest { service: service.into() };
            let status = health.check(request).await.unwrap().into_inner().status();
            assert_eq!(status, ServingStatus::Serving, "'{service}'");
        }
        let ask = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let mut answers = ServerReflectionClient::new(channel)
            .server_reflection_info(tokio_stream::once(ask))
            .await
            .unwrap()
            .into_inner();
        let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
        let MessageResponse::ListServicesResponse(list) = answer else { panic!("{answer:?}") };
        let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
        for service in ["Acquisitions", "Preview", "Localizations", "Models"] {
            assert!(names.contains(&format!("blinkd.v1.{service}")), "{names:?}");
        }
    });
    rig.stop();
}

#[test]
fn grpc_web_works_over_http_1_on_the_same_port() {
    let rig = Rig::start(|_| ());
    with_frames(&rig);
    // An empty message: one byte of flags, four of length.
    let head = "POST /blinkd.v1.Acquisitions/ListAcquisitions HTTP/1.1\r\n\
                content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\ncontent-length: 5\r\n\
                origin: http://viewer.example";
    let (head, body) = http(&rig, head, &[0; 5]);
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-type: application/grpc-web"), "{head}");
    let text = String::from_utf8_lossy(&body);
    assert!(text.contains("grpc-status:0"), "the trailers come in the body: {text:?}");
    let name_and_id = body.windows(16).any(|bytes| bytes == [1; 16]);
    assert!(name_and_id, "the series is in the answer");
    rig.stop();
}

#[test]
fn the_viewer_comes_whole_from_the_program_and_may_load_nothing_from_elsewhere() {
    let rig = Rig::start(|_| ());
    let (head, page) = http(&rig, "GET / HTTP/1.1", &[]);
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: text/html"), "{head}");
    let page = String::from_utf8_lossy(&page);
    let files = [
        ("/assets/viewer.js", "text/javascript"),
        ("/assets/viewer.css", "text/css"),
        ("/assets/icon.svg", "image/svg+xml"),
    ];
    for (path, kind) in files {
        assert!(page.contains(path), "{path} in {page}");
        let (head, body) = http(&rig, &format!("GET {path} HTTP/1.1"), &[]);
        assert!(
            head.starts_with("http/1.1 200") && head.contains(&format!("content-type: {kind}")),
            "{head}"
        );
        assert!(head.contains("x-content-type-options: nosniff"), "{head}");
        assert!(head.contains("content-security-policy: default-src 'none'; script-src 'self';"), "{head}");
        assert!(body.len() > 100, "{path}");
    }
    assert!(!page.contains("://"), "nothing from another address: {page}");
    rig.stop();
}

#[test]
fn a_browser_that_has_the_viewer_of_this_daemon_is_told_so() {
    let rig = Rig::start(|_| ());
    let (head, _) = http(&rig, "GET /assets/viewer.js HTTP/1.1", &[]);
    assert!(head.contains("cache-control: no-cache"), "{head}");
    let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag").to_owned();
    let (head, body) = http(&rig, &format!("GET /assets/viewer.js HTTP/1.1\r\nif-none-match: {etag}"), &[]);
    assert!(head.starts_with("http/1.1 304") && body.is_empty(), "{head}");
    let (head, _) = http(&rig, "GET /assets/viewer.js HTTP/1.1\r\nif-none-match: \"another\"", &[]);
    assert!(head.starts_with("http/1.1 200"), "{head}");
    rig.stop();
}

#[test]
fn status_and_picture_are_served_to_scripts() {
    let rig = Rig::start(|_| ());
    let (head, _) = http(&rig, "GET /picture.png HTTP/1.1", &[]);
    assert!(head.starts_with("http/1.1 404"), "no picture yet: {head}");
    with_frames(&rig);
    let (head, status) = http(&rig, "GET /status.json HTTP/1.1", &[]);
    assert!(head.starts_with("http/1.1 200") && head.contains("application/json"), "{head}");
    let text = String::from_utf8_lossy(&status);
    for wanted in ["\"model\":\"fake\"", "\"received\":50", "\"processed\":50"] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    let (head, png) = http(&rig, "GET /picture.png?rendering=gaussian HTTP/1.1", &[]);
    assert!(head.starts_with("http/1.1 200") && head.contains("image/png"), "{head}");
    assert!(head.contains("x-localizations: 50"), "{head}");
    assert!(png.windows(8).any(|bytes| bytes == b"\x89PNG\r\n\x1a\n"));
    let (head, _) = http(&rig, "GET /nothing-here HTTP/1.1", &[]);
    assert!(head.starts_with("http/1.1 4"), "{head}");
    rig.stop();
}

#[test]
fn models_are_listed_described_and_checked_by_name_only() {
    let rig = Rig::start(|_| ());
    runtime().block_on(async {
        let mut client = ModelsClient::connect(rig.url()).await.unwrap();
        let list = client.list_models(pb::ListModelsRequest {}).await.unwrap().into_inner().models;
        let Some(first) = list.iter().find(|model| model.engine == "decode") else {
            eprintln!("SKIPPED: no bundle in the source tree");
            return;
        };
        assert!(!first.loaded && first.provider.is_empty(), "the fake engine runs");
        let request = pb::DescribeModelRequest { name: first.name.clone() };
        let model = client.describe_model(request).await.unwrap().into_inner();
        assert!(model.card_toml.contains(&first.name) && model.window_frames > 0);
        for name in ["../../etc", "/etc", "no such model"] {
            let described = client.describe_model(pb::DescribeModelRequest { name: name.into() }).await;
            assert_eq!(described.unwrap_err().code(), Code::NotFound, "{name}");
            let checked = client.check_model(pb::CheckModelRequest { name: name.into() }).await;
            assert_eq!(checked.unwrap_err().code(), Code::NotFound, "{name}");
        }
        if let Err(error) = infer::runtime::load(None) {
            eprintln!("SKIPPED: {error}");
            return;
        }
        let request = pb::CheckModelRequest { name: first.name.clone() };
        let checked = client.check_model(request).await.unwrap().into_inner();
        assert!(checked.passed, "{}", checked.report);
    });
    rig.stop();
}

#[test]
fn a_page_of_another_site_that_resolves_to_this_machine_is_refused() {
    let rig = Rig::start(|_| ());
    let ask = |host: &str| {
        let mut stream = TcpStream::connect(rig.address()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let request = format!("GET /status.json HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let refused = ask("evil.example:5767");
    assert!(refused.starts_with("HTTP/1.1 403") && refused.contains("serve.token_file"), "{refused}");
    assert!(ask("localhost:5767").starts_with("HTTP/1.1 200"));
    rig.stop();
}
