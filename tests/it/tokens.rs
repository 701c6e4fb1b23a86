//! Access tokens end to end: registered, proven, given, bound, refused, revoked, and every step in the log.

mod attacks;
mod dpop;
mod endpoint;
mod issuers;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hedui::app::App;
use hedui::config::Config;
use hedui::simulate::keys::TRIAL_AUDIENCE;
use hedui::simulate::trial::TrialFiles;
use jsonwebtoken::{Algorithm, EncodingKey};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::hub::{hub_alone, metrics};

/// A hub without departments.
struct Hub {
    folder: TempDir,
    files: TrialFiles,
    app: App,
    http: reqwest::Client,
}

/// A client's key pair.
struct Pair {
    private: EncodingKey,
    algorithm: Algorithm,
    public: String,
}

impl Pair {
    fn es256() -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let private = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        Self { private, algorithm: Algorithm::ES256, public: pair.public_key_pem() }
    }

    fn eddsa() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let private = EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes()).unwrap();
        Self { private, algorithm: Algorithm::EdDSA, public: pair.public_key_pem() }
    }

    /// A compact JWS of this header and payload, whatever they say.
    fn sign(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &self.private, self.algorithm).unwrap();
        format!("{signed}.{signature}")
    }

    /// A good assertion of a client, with changes.
    fn assertion(&self, client: &str, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let alg = if self.algorithm == Algorithm::ES256 { "ES256" } else { "EdDSA" };
        let mut header = json!({ "alg": alg, "typ": "client-authentication+jwt" });
        let now = now();
        let mut claims = json!({
            "iss": client, "sub": client, "aud": TRIAL_AUDIENCE, "iat": now, "exp": now + 60, "jti": fresh()
        });
        change(&mut header, &mut claims);
        self.sign(&header.to_string(), &claims.to_string())
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn fresh() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// What the endpoint says.
struct Told {
    status: StatusCode,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Told {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, body: response.json().await.unwrap_or(Value::Null) }
    }

    fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    fn token(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body["access_token"].as_str().unwrap().to_owned()
    }
}

impl Hub {
    async fn start(change: impl FnOnce(&Path, String) -> String) -> Self {
        let folder = TempDir::new().unwrap();
        let files = hub_alone(folder.path());
        let text = change(folder.path(), std::fs::read_to_string(&files.config).unwrap());
        std::fs::write(&files.config, text).unwrap();
        let app = App::start(&Config::load(&files.config).unwrap(), metrics()).await.unwrap();
        let http = http(&files, None);
        Self { folder, files, app, http }
    }

    async fn restart(self) -> Self {
        let Self { folder, files, app, http } = self;
        app.stop().await;
        let app = App::start(&Config::load(&files.config).unwrap(), metrics()).await.unwrap();
        Self { folder, files, app, http }
    }

    fn url(&self, path: &str) -> String {
        url(self.app.address, path)
    }

    /// `hedui client …` as its users run it. Exit code and what it printed.
    fn client(&self, arguments: &[&str]) -> (i32, Value) {
        let config = self.files.config.display().to_string();
        let output = Command::new(env!("CARGO_BIN_EXE_hedui"))
            .args(["--json", "client"])
            .args(arguments)
            .args(["--config", &config])
            .output()
            .unwrap();
        let told = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        (
            output.status.code().unwrap(),
            if told.is_null() { String::from_utf8_lossy(&output.stderr).into() } else { told },
        )
    }

    fn key_file(&self, name: &str, pair: &Pair) -> String {
        let file = self.folder.path().join(name);
        std::fs::write(&file, &pair.public).unwrap();
        file.display().to_string()
    }

    async fn register(&self, id: &str, pair: &Pair) {
        let key = self.key_file(&format!("{id}.pem"), pair);
        let arguments = [
            "create",
            id,
            "--organisation",
            "测试民政局",
            "--division",
            "152201",
            "--purposes",
            "dibao",
            "--key",
            &key,
        ];
        let hub = (self.files.config.clone(), arguments.map(str::to_owned));
        // The command waits for the hub, which runs on this runtime.
        let code = tokio::task::spawn_blocking(move || {
            let config = hub.0.display().to_string();
            let mut command = Command::new(env!("CARGO_BIN_EXE_hedui"));
            let output = command.arg("client").args(hub.1).args(["--config", &config]).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        });
        code.await.unwrap();
    }

    async fn ask(&self, form: &[(&str, &str)]) -> Told {
        self.ask_over(&self.http, form).await
    }

    async fn ask_over(&self, http: &reqwest::Client, form: &[(&str, &str)]) -> Told {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = http.post(self.url("/oauth2/token")).header("content-type", "application/x-www-form-urlencoded");
        Told::of(request.body(body).send().await.unwrap()).await
    }

    async fn grant(&self, assertion: &str) -> Told {
        self.ask(&form(assertion)).await
    }

    /// The status of a request with this token.
    async fn status(&self, token: &str) -> StatusCode {
        self.status_over(&self.http, token).await
    }

    async fn status_over(&self, http: &reqwest::Client, token: &str) -> StatusCode {
        http.get(self.url("/v1/policies")).bearer_auth(token).send().await.unwrap().status()
    }

    async fn json(&self, path: &str) -> Value {
        self.http.get(self.url(path)).send().await.unwrap().json().await.unwrap()
    }

    /// The log's entries, newest first, as an officer sees them.
    async fn log(&self) -> Vec<Value> {
        let officer = crate::hub::officer(&self.files, "officer", "000000");
        let request = self.http.get(self.url("/v1/access-log?limit=200")).bearer_auth(officer);
        let found: Value = request.send().await.unwrap().json().await.unwrap();
        found["entries"].as_array().unwrap().iter().map(|entry| entry["event"].clone()).collect()
    }
}

fn form(assertion: &str) -> [(&str, &str); 3] {
    [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ]
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("https://{address}{path}")
}

/// A caller, with a certificate of its own when given its PEM and key.
fn http(files: &TrialFiles, identity: Option<(&Path, &Path)>) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem_bundle(&std::fs::read(&files.keys.ca).unwrap()).unwrap();
    let mut builder = reqwest::Client::builder().tls_certs_only(ca).no_proxy().http1_only();
    if let Some((certificate, key)) = identity {
        let pem = [std::fs::read(certificate).unwrap(), std::fs::read(key).unwrap()].concat();
        builder = builder.identity(reqwest::Identity::from_pem(&pem).unwrap());
    }
    builder.build().unwrap()
}
