//! The load: closed loop, a number of connections, each asking one household after another.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hedui::cli::token;
use hedui::domain::actor::Role;
use hedui::domain::division::DivisionCode;
use hedui::domain::purpose::Purpose;
use hedui::simulate::keys::{TRIAL_AUDIENCE, TRIAL_ISSUER};

/// Whom the load is for.
#[derive(Clone)]
pub(crate) struct Target {
    /// The address to post to.
    pub(crate) url: String,
    /// The client to post with.
    pub(crate) http: reqwest::Client,
    /// A token, where one is wanted.
    pub(crate) token: Option<String>,
}

impl Target {
    /// The hub on `port`, over TLS, with a fresh token.
    pub(crate) fn hub(keys: &Path, port: u16) -> Self {
        let ca = std::fs::read(keys.join("ca.pem")).expect("the authority");
        let certificate = reqwest::Certificate::from_pem(&ca).expect("a certificate");
        let http = reqwest::Client::builder()
            .tls_certs_only([certificate])
            .no_proxy()
            .http1_only()
            .pool_max_idle_per_host(2000)
            // The hub closes what is idle for ten seconds: sooner here, so that no request meets a closing connection.
            .pool_idle_timeout(Duration::from_secs(5))
            .build();
        Self {
            url: format!("https://127.0.0.1:{port}/v1/verifications"),
            http: http.expect("a client"),
            token: Some(fresh_token(keys)),
        }
    }

    /// The same with a fresh token: one lives ten minutes, and some measurements take longer.
    pub(crate) fn renewed(&self, keys: &Path) -> Self {
        Self { token: Some(fresh_token(keys)), ..self.clone() }
    }

    /// The bare fan-out on `port`.
    pub(crate) fn bare(port: u16) -> Self {
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(2000).build().expect("a client");
        Self { url: format!("http://127.0.0.1:{port}/v1/verifications"), http, token: None }
    }
}

fn fresh_token(keys: &Path) -> String {
    let key = std::fs::read(keys.join("issuer.key")).expect("the issuer's key");
    let subject = token::Subject {
        client: "bench",
        organisation: "bench",
        division: DivisionCode::NATION,
        purposes: Purpose::ALL.to_vec(),
        role: Role::Caseworker,
        department: None,
        lifetime: 600,
    };
    token::mint(&key, TRIAL_ISSUER, TRIAL_AUDIENCE, &subject).expect("a token")
}

/// What a run saw.
pub(crate) struct Run {
    /// Requests that were answered well.
    pub(crate) answered: u64,
    /// How long it took.
    pub(crate) elapsed: Duration,
    /// Latencies, sorted.
    pub(crate) latencies: Vec<Duration>,
}

/// Sends `bodies(0..count)` over `connections`, each a loop.
pub(crate) async fn run(
    target: &Target,
    connections: u64,
    count: u64,
    bodies: Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync>,
) -> Run {
    let next = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let loops: Vec<_> = (0..connections)
        .map(|_| {
            let (target, next, bodies) = (target.clone(), Arc::clone(&next), Arc::clone(&bodies));
            tokio::task::spawn(async move {
                let mut latencies = Vec::new();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return latencies;
                    }
                    let mut request =
                        target.http.post(&target.url).header("content-type", "application/json").body(bodies(index));
                    if let Some(token) = &target.token {
                        request = request.bearer_auth(token);
                    }
                    let sent = Instant::now();
                    let response = request.send().await.expect("an answer");
                    let status = response.status();
                    let body = response.bytes().await.expect("a body");
                    assert!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
                    latencies.push(sent.elapsed());
                }
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in loops {
        latencies.extend(task.await.expect("the loop runs"));
    }
    latencies.sort();
    Run { answered: latencies.len() as u64, elapsed: started.elapsed(), latencies }
}
