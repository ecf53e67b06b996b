//! The connection to a daemon: one HTTP/2 connection, made again by itself.
//!
//! In: an address, a token, a certificate. Out: answers, or why there is none, with the remedy. Never: a request without
//! a time limit; a token sent unencrypted to another machine; a request that changes anything.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Response, Status};
use wire::pb;

use crate::commands::Failure;
use crate::serve::grpc::acquisitions_client::AcquisitionsClient;
use crate::serve::grpc::preview_client::PreviewClient;
use crate::serve::grpc::scans_client::ScansClient;

/// Where the daemon is.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// The daemon's address for clients (`serve.listen`).
    #[arg(long, default_value = "127.0.0.1:5767", value_name = "HOST:PORT")]
    pub address: String,
    /// File with the daemon's token (`serve.token_file`).
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// PEM certificate that vouches for the daemon's; with it the connection is encrypted.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// A connection must stand within this.
const CONNECT: Duration = Duration::from_secs(3);
/// An answer must come within this.
const ANSWER: Duration = Duration::from_secs(5);
/// An answer for which the daemon may have to draw an earlier recording again.
const REDRAWN: Duration = Duration::from_secs(60);
/// A quiet connection is tried so often, so that a machine that vanished is noticed.
const ALIVE: Duration = Duration::from_secs(5);
/// Series that can be stepped through.
const MOST_SERIES: u32 = 256;
/// A scan of 65 536 tiles is the largest.
const ANSWER_BYTES: usize = 32 << 20;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// Nobody answers, or not to us.
    Away(String),
    /// The daemon answered that it cannot.
    Refused(Code, String),
}

impl Trouble {
    pub fn text(&self) -> &str {
        match self {
            Self::Away(why) | Self::Refused(_, why) => why,
        }
    }
}

/// Shows the token with every request.
#[derive(Clone)]
pub struct Token(Option<MetadataValue<Ascii>>);

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

type Line = InterceptedService<Channel, Token>;

#[derive(Clone)]
pub struct Link {
    acquisitions: AcquisitionsClient<Line>,
    scans: ScansClient<Line>,
    preview: PreviewClient<Line>,
}

impl Link {
    /// Connects with the first request, not before. Must be called within a runtime.
    pub fn new(place: &Place) -> Result<Self, Failure> {
        let channel = endpoint(place)?.connect_lazy();
        let line = InterceptedService::new(channel, Token(token(place)?));
        Ok(Self {
            acquisitions: AcquisitionsClient::new(line.clone()).max_decoding_message_size(ANSWER_BYTES),
            scans: ScansClient::new(line.clone()).max_decoding_message_size(ANSWER_BYTES),
            preview: PreviewClient::new(line).max_decoding_message_size(ANSWER_BYTES),
        })
    }

    pub async fn status(&self) -> Result<pb::DaemonStatus, Trouble> {
        let mut client = self.acquisitions.clone();
        answer(ANSWER, client.get_status(pb::GetStatusRequest {})).await
    }

    /// Of an empty id: the newest series. `None`: there is none yet.
    pub async fn series(&self, id: &[u8]) -> Result<Option<pb::Acquisition>, Trouble> {
        let request = pb::GetAcquisitionRequest { series_id: id.to_vec(), without_tiles: true };
        let mut client = self.acquisitions.clone();
        match answer(ANSWER, client.get_acquisition(request)).await {
            Err(Trouble::Refused(Code::NotFound, _)) if id.is_empty() => Ok(None),
            other => other.map(Some),
        }
    }

    /// Ids of the newest series, the oldest of them first.
    pub async fn known(&self) -> Result<Vec<Vec<u8>>, Trouble> {
        let request = pb::ListAcquisitionsRequest { most: MOST_SERIES };
        let mut client = self.acquisitions.clone();
        let list = answer(ANSWER, client.list_acquisitions(request)).await?;
        Ok(list.acquisitions.into_iter().map(|series| series.series_id).collect())
    }

    pub async fn statistics(&self, id: &[u8]) -> Result<pb::SeriesStatistics, Trouble> {
        let mut client = self.acquisitions.clone();
        let request = pb::GetStatisticsRequest { series_id: id.to_vec() };
        answer(REDRAWN, client.get_statistics(request)).await
    }

    /// `None`: the series is no scan.
    pub async fn scan(&self, id: &[u8]) -> Result<Option<pb::Scan>, Trouble> {
        let mut client = self.scans.clone();
        match answer(ANSWER, client.get_scan(pb::GetScanRequest { series_id: id.to_vec() })).await {
            Err(Trouble::Refused(Code::NotFound, _)) => Ok(None),
            other => other.map(Some),
        }
    }

    pub async fn tiles(&self, request: pb::GetTilesRequest) -> Result<pb::GetTilesResponse, Trouble> {
        let mut client = self.preview.clone();
        answer(REDRAWN, client.get_tiles(request)).await
    }
}

fn endpoint(place: &Place) -> Result<Endpoint, Failure> {
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::Usage(format!("--address {}: {why}; write HOST:PORT, as 127.0.0.1:5767", place.address))
    };
    if place.address.contains("://") || !place.address.contains(':') {
        return Err(wrong(&"not HOST:PORT"));
    }
    let scheme = if place.ca.is_some() { "https" } else { "http" };
    let endpoint =
        Endpoint::from_shared(format!("{scheme}://{}", place.address)).map_err(|error| wrong(&error))?;
    let host = endpoint.uri().host().unwrap_or_default().to_owned();
    if place.token_file.is_some() && place.ca.is_none() && !is_loopback(&host) {
        return Err(Failure::Usage(format!(
            "--token-file: the token would travel to {host} unencrypted; name the certificate with --ca, or \
             forward the port with ssh -L"
        )));
    }
    let endpoint = endpoint
        .connect_timeout(CONNECT)
        .http2_keep_alive_interval(ALIVE)
        .keep_alive_timeout(ALIVE)
        .tcp_nodelay(true);
    let Some(path) = &place.ca else { return Ok(endpoint) };
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(path, "--ca")?));
    Ok(endpoint.tls_config(tls).with_context(|| format!("--ca {}", path.display()))?)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn read(path: &Path, option: &str) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{option}: cannot read {}", path.display()))
}

fn token(place: &Place) -> Result<Option<MetadataValue<Ascii>>, Failure> {
    let Some(path) = &place.token_file else { return Ok(None) };
    let text = String::from_utf8_lossy(&read(path, "--token-file")?).trim().to_owned();
    let header = format!("Bearer {text}").parse().map_err(|_| {
        Failure::Usage(format!("--token-file {}: a token is one line of visible ASCII", path.display()))
    })?;
    Ok(Some(header))
}

async fn answer<T>(
    within: Duration,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Trouble> {
    match tokio::time::timeout(within, call).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(trouble(&status)),
        Err(_) => Err(Trouble::Away(format!(
            "no answer within {} s; is the machine reachable and the daemon alive?",
            within.as_secs()
        ))),
    }
}

fn trouble(status: &Status) -> Trouble {
    // Only an error of the connection has a cause; what the daemon said has none.
    if let Some(cause) = std::error::Error::source(status) {
        let deepest = std::iter::successors(Some(cause), |error| error.source()).last();
        let refused = deepest
            .and_then(|error| error.downcast_ref::<std::io::Error>())
            .is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
        let text = deepest.map_or_else(|| status.message().to_owned(), ToString::to_string);
        let remedy = if refused {
            "is `blinkd serve` running there?"
        } else {
            "is it `blinkd serve`, and is its connection encrypted (--ca)?"
        };
        return Trouble::Away(format!("{}; {remedy}", text.trim_end_matches('.')));
    }
    match status.code() {
        Code::Unauthenticated => Trouble::Away(
            "the daemon wants its token: name the file with --token-file (serve.token_file of the daemon)"
                .into(),
        ),
        code => Trouble::Refused(code, status.message().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &str) -> Place {
        Place { address: address.into(), token_file: None, ca: None }
    }

    fn usage(place: &Place) -> String {
        match endpoint(place) {
            Err(Failure::Usage(text)) => text,
            _ => panic!("{place:?} is taken"),
        }
    }

    #[test]
    fn an_address_that_is_none_is_named_with_the_remedy() {
        for wrong in ["http://127.0.0.1:5767", "somewhere", "a b:1"] {
            let text = usage(&place(wrong));
            assert!(text.contains(wrong) && text.contains("HOST:PORT"), "{text}");
        }
        for right in ["127.0.0.1:5767", "[::1]:5767", "microscope.local:80"] {
            assert!(endpoint(&place(right)).is_ok(), "{right}");
        }
    }

    #[test]
    fn a_token_never_travels_unencrypted_to_another_machine() {
        let token_file = Some(PathBuf::from("token"));
        let text = usage(&Place { token_file: token_file.clone(), ..place("10.0.0.7:5767") });
        assert!(text.contains("ssh -L"), "{text}");
        for near in ["127.0.0.1:1", "[::1]:1", "localhost:1"] {
            assert!(endpoint(&Place { token_file: token_file.clone(), ..place(near) }).is_ok(), "{near}");
        }
    }
}
