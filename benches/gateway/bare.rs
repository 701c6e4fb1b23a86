//! The yardstick: a fan-out with the same client library that forwards the body to six departments over
//! plain HTTP and joins the answers. No TLS, no token, no checks, no rules, nothing kept.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use futures_util::future::join_all;

use super::backend::{DEPARTMENTS, loopback};

struct Bare {
    http: reqwest::Client,
    targets: Vec<String>,
}

/// Arguments: own port, first plain port of the departments.
pub async fn run(arguments: &[String]) {
    let port: u16 = arguments[0].parse().expect("a port");
    let first: u16 = arguments[1].parse().expect("a port");
    let targets = (0..DEPARTMENTS.len())
        .map(|index| {
            format!("http://{}/v1/facts:query", loopback(first + u16::try_from(index).expect("six departments")))
        })
        .collect();
    let http =
        reqwest::Client::builder().no_proxy().tcp_nodelay(true).pool_max_idle_per_host(64).build().expect("a client");
    let routes = Router::new().route("/v1/verifications", post(forward)).with_state(Arc::new(Bare { http, targets }));
    axum_server::bind(loopback(port)).serve(routes.into_make_service()).await.expect("the server serves");
}

async fn forward(State(bare): State<Arc<Bare>>, body: Bytes) -> Vec<u8> {
    let answers = join_all(bare.targets.iter().map(|target| {
        let request = bare.http.post(target).body(body.clone());
        async move { request.send().await.expect("an answer").bytes().await.expect("a body") }
    }))
    .await;
    let mut joined = Vec::with_capacity(answers.iter().map(Bytes::len).sum::<usize>() + 16);
    joined.push(b'[');
    for (index, answer) in answers.iter().enumerate() {
        if index > 0 {
            joined.push(b',');
        }
        joined.extend_from_slice(answer);
    }
    joined.push(b']');
    joined
}
