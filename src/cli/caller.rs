//! The command line as a caller of a hub: ask, follow the departments, read the end.

#![expect(
    clippy::disallowed_methods,
    reason = "this is a caller of a hub, on the caller's machine; the hub itself connects through egress"
)]

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Certificate, StatusCode};
use serde_json::Value;

use super::obstacle::{self, Obstacle};

/// A hub to ask.
pub(super) struct HubClient {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// What a hub says to a request.
pub(super) enum Said {
    /// The verification, completed, what was asked about it, or what was made of a document.
    Verification(Value),
    /// A problem document.
    Problem(Value),
}

/// What happened while following.
pub(super) enum Step<'a> {
    /// A department answered, or did not.
    Department(&'a Value),
}

impl HubClient {
    /// A client of the hub at `base` (`https://host:port`) whose certificate is of the authority in `ca`.
    pub(super) fn new(base: &str, ca: Option<&Path>, token: String) -> anyhow::Result<Self> {
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5));
        if let Some(file) = ca {
            let pem = obstacle::read(file, ("签发机构证书", "authority's certificate"))?;
            let certificates = Certificate::from_pem_bundle(&pem).with_context(|| {
                let file = file.display();
                Obstacle::new(format!("{file} 中没有 PEM 格式的证书"), format!("{file} holds no certificate in PEM"))
            })?;
            builder = builder.tls_certs_only(certificates);
        }
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { http: builder.build().context("the HTTP client cannot be built")?, base, token })
    }

    /// The same, of a registered client that proves itself: with what `assert` signs for the hub's issuer.
    pub(super) async fn proven(
        base: &str,
        ca: Option<&Path>,
        assert: impl FnOnce(&str) -> anyhow::Result<String>,
    ) -> anyhow::Result<Self> {
        let mut client = Self::new(base, ca, String::new())?;
        let url = format!("{}/.well-known/oauth-authorization-server", client.base);
        let response = client.http.get(url).send().await.with_context(|| client.unreachable())?;
        let is_issuer = response.status().is_success();
        let metadata: Value = response.json().await.with_context(not_a_hub)?;
        let issuer = metadata.get("issuer").and_then(Value::as_str).filter(|_| is_issuer).ok_or_else(|| {
            Obstacle::new(
                "该平台不签发令牌：请平台运维人员配置 [token_endpoint]",
                "this hub gives no tokens itself: let its operator add [token_endpoint]",
            )
        })?;
        // An assertion is base64url and dots: it needs no escapes.
        let form = format!(
            "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={}",
            assert(issuer)?
        );
        let request = client.http.post(format!("{}/oauth2/token", client.base)).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer: Value =
            request.send().await.with_context(|| client.unreachable())?.json().await.with_context(not_a_hub)?;
        let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
        let token = text("/access_token").filter(|_| text("/token_type") == Some("Bearer"));
        let token = token.ok_or_else(|| {
            let why = |pointer| text(pointer).or_else(|| text("/error")).unwrap_or("?");
            Obstacle::new(
                format!("平台未签发令牌：{}", why("/detail/zh")),
                format!("the hub gives no token: {}", why("/detail/en")),
            )
        })?;
        token.clone_into(&mut client.token);
        Ok(client)
    }

    /// Asks for a verification and follows it to its end. `each` sees every step.
    pub(super) async fn verify(&self, body: Vec<u8>, mut each: impl FnMut(Step<'_>)) -> anyhow::Result<Said> {
        let request = self
            .http
            .post(format!("{}/v1/verifications", self.base))
            .bearer_auth(&self.token)
            .header("content-type", "application/json")
            .header("prefer", "respond-async")
            .body(body);
        let response = request.send().await.with_context(|| self.unreachable())?;
        let status = response.status();
        let answer: Value = response.json().await.with_context(not_a_hub)?;
        match status {
            StatusCode::ACCEPTED => {}
            status if status.is_success() => {}
            _ => return Ok(Said::Problem(answer)),
        }
        let id = answer.get("id").and_then(Value::as_str).context("the hub's answer has no id")?;
        match self.follow(id, &mut each).await? {
            Some(problem) => Ok(Said::Problem(problem)),
            None => self.told(id).await,
        }
    }

    /// The completed verification with its text.
    async fn told(&self, id: &str) -> anyhow::Result<Said> {
        self.ask(&format!("{id}?expand=report")).await
    }

    /// Follows a verification to its end; a problem when it cannot be followed.
    async fn follow(&self, id: &str, each: &mut impl FnMut(Step<'_>)) -> anyhow::Result<Option<Value>> {
        let url = format!("{}/v1/verifications/{id}/events", self.base);
        let request = self.http.get(url).bearer_auth(&self.token).header("accept", "text/event-stream");
        let mut response = request.send().await.with_context(|| self.unreachable())?;
        if !response.status().is_success() {
            return Ok(Some(response.json().await.with_context(not_a_hub)?));
        }
        let mut pending = Vec::new();
        let mut event = String::new();
        while let Some(chunk) = response.chunk().await.with_context(broken_off)? {
            pending.extend_from_slice(&chunk);
            while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                if let Some(name) = line.strip_prefix("event:") {
                    name.trim().clone_into(&mut event);
                } else if let Some(data) = line.strip_prefix("data:") {
                    let data: Value = serde_json::from_str(data.trim()).with_context(not_a_hub)?;
                    match event.as_str() {
                        "department" => each(Step::Department(&data)),
                        "completed" => return Ok(None),
                        _ => bail!(Obstacle::new(
                            "平台未能保存这次核对；请重新提交",
                            "the hub could not make the verification durable; ask again",
                        )),
                    }
                }
            }
        }
        bail!(broken_off())
    }

    /// What the hub says to a question about a verification: `/v1/verifications/{path}`.
    pub(super) async fn ask(&self, path: &str) -> anyhow::Result<Said> {
        self.get(&format!("/v1/verifications/{path}")).await
    }

    /// What the hub says to a question.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Said> {
        let url = format!("{}{path}", self.base);
        let response = self.http.get(url).bearer_auth(&self.token).send().await.with_context(|| self.unreachable())?;
        let is_good = response.status().is_success();
        let answer: Value = response.json().await.with_context(not_a_hub)?;
        Ok(if is_good { Said::Verification(answer) } else { Said::Problem(answer) })
    }

    /// What the hub says to a document that is sent to a path of it.
    pub(super) async fn send(&self, path: &str, document: &Value) -> anyhow::Result<Said> {
        self.exchange(self.http.post(format!("{}{path}", self.base)), document).await
    }

    /// What the hub says to a document that is to stand at a path of it.
    pub(super) async fn put(&self, path: &str, document: &Value) -> anyhow::Result<Said> {
        self.exchange(self.http.put(format!("{}{path}", self.base)), document).await
    }

    async fn exchange(&self, request: reqwest::RequestBuilder, document: &Value) -> anyhow::Result<Said> {
        let request = request.bearer_auth(&self.token).header("content-type", "application/json");
        let response = request.body(document.to_string()).send().await.with_context(|| self.unreachable())?;
        let is_good = response.status().is_success();
        let answer: Value = response.json().await.with_context(not_a_hub)?;
        Ok(if is_good { Said::Verification(answer) } else { Said::Problem(answer) })
    }

    /// The status of a page, for showing only addresses that answer.
    pub(super) async fn status_of(&self, path: &str) -> anyhow::Result<StatusCode> {
        let response = self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.token).send().await?;
        Ok(response.status())
    }

    fn unreachable(&self) -> Obstacle {
        let base = &self.base;
        Obstacle::new(
            format!(
                "{base} 没有平台应答；地址应写作 https://主机:端口，请确认 hedui serve 已启动、--ca 是其证书的签发机构"
            ),
            format!(
                "no hub answers at {base}: is it written https://host:port, is `hedui serve` running, and is --ca the authority of its certificate?"
            ),
        )
    }
}

fn not_a_hub() -> Obstacle {
    Obstacle::new("应答不是 JSON；请确认该地址是核对平台", "the hub's answer is not JSON; is this address a hub?")
}

fn broken_off() -> Obstacle {
    Obstacle::new(
        "平台在给出结论之前断开了连接；请重新提交",
        "the hub broke the connection off before the verdict; ask again",
    )
}

/// True when a page on this machine answers well, over plain HTTP.
pub(super) async fn plain_get(address: std::net::SocketAddr, path: &str) -> bool {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build();
    let Ok(client) = client else { return false };
    client.get(format!("http://{address}{path}")).send().await.is_ok_and(|response| response.status().is_success())
}

/// True when an adapter on this machine says that it is healthy.
pub(super) async fn adapter_is_healthy(address: std::net::SocketAddr, keys: &crate::simulate::keys::TrialKeys) -> bool {
    let ask = async {
        let ca = Certificate::from_pem(&std::fs::read(&keys.ca)?)?;
        let identity = [std::fs::read(&keys.hub)?, std::fs::read(&keys.hub_key)?].concat();
        let client = reqwest::Client::builder()
            .tls_certs_only([ca])
            .identity(reqwest::Identity::from_pem(&identity)?)
            .no_proxy()
            .timeout(Duration::from_secs(2))
            .build()?;
        anyhow::Ok(client.get(format!("https://{address}/v1/health")).send().await?.status().is_success())
    };
    ask.await.unwrap_or(false)
}

/// True for an error of the network.
pub(super) fn is_network(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<reqwest::Error>()
}
