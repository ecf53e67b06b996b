//! Who may ask. On loopback everybody; elsewhere whoever shows the token.
//!
//! In: the token file. Out: yes or no per request. Never: a comparison that tells by its duration how much fits.

use tonic::service::Interceptor;
use tonic::{Request, Status};

use super::ServeError;
use crate::config::Serve;

/// The check of one request.
#[derive(Clone, Default)]
pub struct Guard {
    token: Option<std::sync::Arc<str>>,
}

const SHORTEST_TOKEN: usize = 16;

impl Guard {
    pub fn load(serve: &Serve) -> Result<Self, ServeError> {
        if serve.token_file.as_os_str().is_empty() {
            return Ok(Self::default());
        }
        let path = serve.token_file.clone();
        let text = std::fs::read_to_string(&path).map_err(|error| ServeError::Secret {
            key: "token_file",
            path: path.clone(),
            error,
        })?;
        let token = text.trim();
        if token.len() < SHORTEST_TOKEN {
            return Err(ServeError::ShortToken(path));
        }
        Ok(Self { token: Some(token.into()) })
    }

    /// Is this the name of a daemon without a token? Where anybody on the machine may ask, a page of another site must
    /// not: it could have its own name resolved to this machine, and its scripts would be let through by the browser.
    pub fn knows_host(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        let literal = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        self.token.is_some() || name.eq_ignore_ascii_case("localhost") || literal.is_ok()
    }

    /// Does this `authorization` header open the door?
    pub fn admits(&self, authorization: Option<&str>) -> bool {
        let Some(token) = &self.token else { return true };
        let shown = authorization.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or("");
        let differs = shown.bytes().zip(token.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b));
        shown.len() == token.len() && differs == 0
    }
}

impl Interceptor for Guard {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let shown = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        if self.admits(shown) {
            return Ok(request);
        }
        Err(Status::unauthenticated("send the daemon's token as 'authorization: Bearer TOKEN'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_token_everybody_may_ask() {
        assert!(Guard::default().admits(None));
    }

    #[test]
    fn without_a_token_only_names_that_nobody_else_can_own_are_known() {
        let guard = Guard::default();
        for ours in ["localhost:5767", "LOCALHOST", "127.0.0.1:5767", "[::1]:5767", "10.0.0.7:80"] {
            assert!(guard.knows_host(ours), "{ours}");
        }
        for foreign in ["evil.example:5767", "localhost.evil.example", "", "127.0.0.1.evil.example:5767"] {
            assert!(!guard.knows_host(foreign), "{foreign}");
        }
        assert!(Guard { token: Some("0123456789abcdef".into()) }.knows_host("microscope.example"));
    }

    #[test]
    fn only_the_whole_token_opens() {
        let guard = Guard { token: Some("0123456789abcdef".into()) };
        assert!(guard.admits(Some("Bearer 0123456789abcdef")));
        for wrong in ["Bearer 0123456789abcde", "Bearer 0123456789abcdeg", "0123456789abcdef", ""] {
            assert!(!guard.admits(Some(wrong)), "{wrong}");
        }
        assert!(!guard.admits(None));
    }
}
