//! The token endpoint: a registered client proves itself with an assertion and gets an access token
//! (RFC 6749 section 4.4, RFC 7523, RFC 9068). Grant and refusal are durable in the log before they are told.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use jiff::Timestamp;

use super::clients::ClientRegistry;
use super::ids::Ids;
use crate::access_log::{AccessEvent, Action};
use crate::auth::assertion::{self, AssertionError, Proven};
use crate::auth::clients::SenderConstrained;
use crate::auth::token::{Claims, Confirmation};
use crate::domain::actor::Client;
use crate::domain::clock::Clock;
use crate::domain::problem::Text;
use crate::store::{AssertionRow, Store, StoreError};

/// The grant that is offered.
pub const GRANT_TYPE: &str = "client_credentials";
/// The kind of assertion that is accepted.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long a used assertion is known, seconds: longer than any clock is likely to be set back.
const KEEP_USED: i64 = 2 * 24 * 3600;

/// The error codes of RFC 6749 section 5.2 that the endpoint answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantCode {
    /// A parameter is missing, stands twice, or contradicts another.
    InvalidRequest,
    /// The client did not prove itself.
    InvalidClient,
    /// Another grant.
    UnsupportedGrantType,
    /// A scope the client does not have.
    InvalidScope,
    /// A proof of possession that is not accepted (RFC 9449 section 5).
    InvalidDpopProof,
}

impl GrantCode {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidDpopProof => "invalid_dpop_proof",
        }
    }
}

/// Why no token is given.
pub struct Refusal {
    /// What is told.
    pub code: GrantCode,
    /// In words, and how to mend it.
    pub detail: Text,
    /// The client, where it had proved itself.
    pub client: Option<Arc<Client>>,
    /// The registered client that was named without proof.
    pub claimed: Option<String>,
}

/// Parameters of a token request (RFC 6749 section 4.4.2, RFC 7521 section 4.2).
#[derive(Debug, Default)]
pub struct TokenRequest {
    /// `grant_type`.
    pub grant_type: Option<String>,
    /// `client_id`, which the assertion names too.
    pub client_id: Option<String>,
    /// `client_assertion_type`.
    pub assertion_type: Option<String>,
    /// `client_assertion`.
    pub assertion: Option<String>,
    /// `scope`.
    pub scope: Option<String>,
}

/// A client that proved itself, with what it asks for.
pub struct Asked {
    proven: Proven,
    scope: &'static str,
}

impl Asked {
    /// The client.
    pub fn client(&self) -> &Arc<Client> {
        self.proven.client.client()
    }
}

/// A token as it is told (RFC 6749 section 5.1).
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct TokenAnswer {
    /// The access token, an `at+jwt` (RFC 9068).
    pub access_token: String,
    /// `DPoP` where the token is bound to a key (RFC 9449 section 5), else `Bearer`, also where it is bound to a
    /// certificate (RFC 8705 section 3).
    pub token_type: &'static str,
    /// Seconds until it expires.
    pub expires_in: i64,
    /// What it is good for.
    pub scope: &'static str,
    /// Id of the log entry of this grant.
    pub receipt: String,
}

/// What the endpoint is made from.
pub struct Parts {
    /// Clients and signing keys.
    pub registry: Arc<ClientRegistry>,
    /// The log, and used assertions.
    pub store: Store,
    /// What tokens carry in `aud`.
    pub audience: String,
    /// How long they live.
    pub lifetime: Duration,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids of events and tokens.
    pub ids: Ids,
}

/// The token endpoint.
pub struct TokenEndpoint(Parts);

impl TokenEndpoint {
    /// An endpoint over registered clients.
    pub const fn new(parts: Parts) -> Self {
        Self(parts)
    }

    /// Clients and keys.
    pub fn registry(&self) -> &ClientRegistry {
        &self.0.registry
    }

    /// The keys that prove the hub's tokens now, as they are published.
    pub fn jwks(&self) -> serde_json::Value {
        crate::auth::signing::jwks(&self.0.registry.signing_keys(), self.0.clock.now())
    }

    /// Who asks, proven, and for what. Nothing is used up yet.
    pub fn authenticate(&self, request: &TokenRequest) -> Result<Asked, Refusal> {
        let refused =
            |code, zh: &str, en: &str| Refusal { code, detail: Text::new(zh, en), client: None, claimed: None };
        match request.grant_type.as_deref() {
            Some(GRANT_TYPE) => {}
            None => return Err(refused(GrantCode::InvalidRequest, "缺少 grant_type。", "grant_type is missing.")),
            Some(_) => {
                return Err(refused(
                    GrantCode::UnsupportedGrantType,
                    "只支持 grant_type=client_credentials。",
                    "Only grant_type=client_credentials is supported.",
                ));
            }
        }
        let (Some(assertion), Some(ASSERTION_TYPE)) = (&request.assertion, request.assertion_type.as_deref()) else {
            return Err(refused(
                GrantCode::InvalidClient,
                "请用 private_key_jwt 证明身份：client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer 与 client_assertion。",
                "Prove the client with private_key_jwt: client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer and client_assertion.",
            ));
        };
        let clients = self.0.registry.clients();
        let proven = assertion::check(assertion.as_bytes(), &clients, self.0.registry.issuer(), self.0.clock.now())
            .map_err(|error| Refusal {
                code: GrantCode::InvalidClient,
                detail: assertion_text(error),
                client: None,
                claimed: assertion::claimed_client(assertion.as_bytes(), &clients),
            })?;
        let client = Arc::clone(proven.client.client());
        let refused = |code, zh: &str, en: &str| Refusal {
            code,
            detail: Text::new(zh, en),
            client: Some(Arc::clone(&client)),
            claimed: None,
        };
        if request.client_id.as_ref().is_some_and(|id| *id != client.id) {
            return Err(refused(
                GrantCode::InvalidClient,
                "client_id 与断言的 iss、sub 不一致。",
                "client_id is not the client that the assertion is of.",
            ));
        }
        let scope = client.role.scope().unwrap_or_default();
        if request.scope.as_ref().is_some_and(|asked| asked != scope) {
            return Err(refused(
                GrantCode::InvalidScope,
                "scope 只能是该客户端身份的权限：经办 verification，审计 access_log，运维 operations，授权管理 administration，部门 department。",
                "scope can only be that of the client's role: verification, access_log, operations, administration or department.",
            ));
        }
        Ok(Asked { proven, scope })
    }

    /// Whether a client that proved itself may have a token that is bound so. Refused where its tokens must be bound and
    /// nothing is there to bind this one to.
    pub fn check_binding(&self, asked: &Asked, binding: Option<&Confirmation>) -> Result<(), Refusal> {
        let must_be = asked.proven.client.registration().sender_constrained == SenderConstrained::Required;
        if !must_be || binding.is_some() {
            return Ok(());
        }
        Err(Refusal {
            code: GrantCode::InvalidRequest,
            detail: Text::new(
                "该客户端的令牌须绑定：请以客户端证书建立连接（RFC 8705），或在 DPoP 头中给出持钥证明（RFC 9449）。",
                "The tokens of this client must be bound: connect with a client certificate (RFC 8705), or send a proof of possession in the DPoP field (RFC 9449).",
            ),
            client: Some(Arc::clone(asked.client())),
            claimed: None,
        })
    }

    /// Uses the assertion up and gives a token, bound to what the caller proved besides.
    /// `None` where the assertion was used before; then that is in the log.
    pub async fn grant(
        &self,
        asked: Asked,
        request_id: &str,
        binding: Option<Confirmation>,
    ) -> Result<Option<TokenAnswer>, StoreError> {
        let now = self.0.clock.now();
        let client = asked.client();
        let token_id = self.0.ids.next("tk");
        let receipt = self.0.ids.next("ev");
        let object = format!("token/{token_id}");
        let mut granted = AccessEvent::new(receipt.clone(), now, Action::TokenIssued, Some(client), request_id);
        granted.object = Some(&object);
        let mut replayed = AccessEvent::new(self.0.ids.next("ev"), now, Action::Denied, Some(client), request_id);
        replayed.problem = Some("assertion_replayed");
        replayed.object = Some("oauth2/token");
        let row = AssertionRow {
            client_id: client.id.clone(),
            jti: sha256(asked.proven.jti.as_bytes()),
            used_at: now.as_second(),
            keep_until: asked.proven.expires.max(now.as_second()) + KEEP_USED,
        };
        if !self.0.store.use_assertion(row, granted.to_row()?, replayed.to_row()?).await? {
            return Ok(None);
        }
        Ok(Some(self.issue(&asked, token_id, receipt, binding, now)))
    }

    fn issue(
        &self,
        asked: &Asked,
        jti: String,
        receipt: String,
        cnf: Option<Confirmation>,
        now: Timestamp,
    ) -> TokenAnswer {
        let client = asked.client();
        let lifetime = i64::try_from(self.0.lifetime.as_secs()).unwrap_or(1);
        // A token is newer than the moment from which on the client's tokens count, also within that second.
        let dead_until = asked.proven.client.registration().tokens_from.map_or(0, Timestamp::as_second);
        let issued = now.as_second().max(dead_until + 1);
        let claims = Claims {
            iss: self.0.registry.issuer().to_owned(),
            sub: client.id.clone(),
            aud: self.0.audience.as_str().into(),
            exp: issued + lifetime,
            iat: issued,
            nbf: None,
            jti,
            client_id: client.id.clone(),
            scope: asked.scope.to_owned(),
            organisation: client.organisation.clone(),
            division_code: client.division,
            purposes: client.purposes.clone(),
            role: client.role,
            department: client.department.clone(),
            cnf,
        };
        let token_type = if claims.cnf.as_ref().is_some_and(|cnf| cnf.key.is_some()) { "DPoP" } else { "Bearer" };
        let keys = self.0.registry.signing_keys();
        // INVARIANT: where a client is registered there is a key; the last one signs.
        let access_token = keys.last().map(|key| key.sign(&claims)).unwrap_or_default();
        TokenAnswer { access_token, token_type, expires_in: lifetime, scope: asked.scope, receipt }
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn assertion_text(error: AssertionError) -> Text {
    let zh = match error {
        AssertionError::Form => {
            "client_assertion 应为紧凑 JWS，头部 typ 为 client-authentication+jwt，且不含 jku、jwk、x5u、x5c、crit、b64。"
        }
        AssertionError::Client => "客户端未登记、已注销，或断言不是用其在用密钥签名的。",
        AssertionError::Claims => "iss 与 sub 应为客户端编号，jti 为 1 到 200 字节，iat 与 exp 为整数秒。",
        AssertionError::Audience => "aud 应为本平台的 issuer，且只写这一个字符串。",
        AssertionError::Lifetime => "断言已过期、尚未生效，或有效期超过 60 秒；请检查时钟后重新生成。",
    };
    Text::new(zh, format!("The client is not proven: {error}."))
}
