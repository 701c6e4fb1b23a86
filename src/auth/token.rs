//! Access tokens: RFC 9068 `at+jwt`, checked as RFC 8725 asks.
//!
//! The algorithm comes from the issuer's configured key, never from the token; `typ`, issuer, audience
//! and lifetime are checked; nothing in a token is ever fetched. A token that passed is remembered until it
//! expires or what is trusted changes, so that its signature is checked once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::clients::Clients;
use super::dpop::ProofError;
use super::jwks::IssuerKeys;
use super::jws::{Jws, MAX_BYTES};
use crate::domain::actor::{Client, Role};
use crate::domain::dataset::DepartmentId;
use crate::domain::division::DivisionCode;
use crate::domain::purpose::Purpose;

/// Longest life of an access token, seconds (`design.md` section 8).
pub const MAX_LIFETIME_SECONDS: i64 = 600;
/// How far the clocks of issuer and hub may differ, seconds.
pub const LEEWAY_SECONDS: i64 = 10;
/// Longest name of an organisation, bytes: it stands in every access event.
pub const MAX_ORGANISATION_BYTES: usize = 400;

/// Why a token is not accepted. What is told to the caller is coarser (RFC 6750 `invalid_token`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No `Authorization: Bearer …`.
    #[error("the request has no bearer token")]
    Missing,
    /// Not a JWT, or its header is not the one of an access token.
    #[error("the token is not an access token (`typ` must be `at+jwt`)")]
    Form,
    /// From nobody we believe.
    #[error("the token is from an issuer that is not configured here")]
    Issuer,
    /// Bad signature, another algorithm, another audience, or claims of the wrong form.
    #[error("the token's signature, audience or claims are wrong")]
    Invalid,
    /// Past its time, before it, or living longer than ten minutes.
    #[error("the token has expired, is not valid yet, or lives longer than 10 minutes")]
    Lifetime,
    /// Bound to a certificate that this connection did not prove (RFC 8705 section 3).
    #[error("the token is bound to another client certificate than the connection's")]
    Binding,
    /// Bound to a key and sent as a bearer token, or sent with a proof and not bound to a key (RFC 9449 section 7.1).
    #[error("a token that is bound to a key is sent as `Authorization: DPoP …` with its proof, and no other token is")]
    Scheme,
    /// The proof that belongs to it is not accepted.
    #[error("{0}")]
    Proof(ProofError),
    /// Without the scope of its role.
    #[error("the token lacks the scope of its role")]
    Scope,
}

/// The claims of an access token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Subject; equals the client id for client credentials (RFC 9068 section 2.2).
    pub sub: String,
    /// Audience.
    pub aud: serde_json::Value,
    /// Expiry, seconds since 1970.
    pub exp: i64,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Not before, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The token's own id.
    pub jti: String,
    /// The client.
    pub client_id: String,
    /// Space-separated scopes.
    pub scope: String,
    /// The organisation the client acts for.
    pub organisation: String,
    /// The division inside which it may ask.
    pub division_code: DivisionCode,
    /// The purposes for which it may ask.
    pub purposes: Vec<Purpose>,
    /// `caseworker` when absent.
    #[serde(default)]
    pub role: Role,
    /// The department it acts for, where the role is `department`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentId>,
    /// What the token is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}

/// What a token is bound to (RFC 7800): a certificate, a key, or both. A token bound to anything else, or to nothing
/// although it says so, is refused, since accepting it as a bearer token would undo the binding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// SHA-256 of the client's certificate in DER, base64url (RFC 8705 section 3.1).
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// SHA-256 thumbprint of the client's key, base64url (RFC 9449 section 6.1).
    #[serde(rename = "jkt", default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// SHA-256 of a client's certificate in DER.
pub type Thumbprint = [u8; 32];

impl Confirmation {
    /// A binding to this certificate and to the key of this thumbprint; none where there is neither.
    pub fn to(certificate: Option<&Thumbprint>, key: Option<&str>) -> Option<Self> {
        let certificate = certificate.map(|certificate| URL_SAFE_NO_PAD.encode(certificate));
        let binding = Self { certificate, key: key.map(str::to_owned) };
        (binding != Self::default()).then_some(binding)
    }

    fn read(self) -> Result<(Option<Thumbprint>, Option<Arc<str>>), TokenError> {
        if self == Self::default() {
            return Err(TokenError::Invalid);
        }
        let thumbprint = |text: &String| -> Result<Thumbprint, TokenError> {
            let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Invalid)?;
            bytes.try_into().map_err(|_| TokenError::Invalid)
        };
        self.key.as_ref().map(thumbprint).transpose()?;
        Ok((self.certificate.as_ref().map(thumbprint).transpose()?, self.key.map(Arc::from)))
    }
}

/// The hub as an issuer of its own tokens.
pub struct OwnIssuer {
    /// What its tokens carry in `iss`.
    pub name: String,
    /// Its public keys.
    pub keys: IssuerKeys,
    /// The clients it issues tokens to.
    pub clients: Arc<Clients>,
}

/// Whose tokens are believed. Replaced as a whole when anything in it changes.
#[derive(Clone, Default)]
struct Trust {
    generation: u64,
    issuers: HashMap<String, Arc<IssuerKeys>>,
    own: Option<Arc<OwnIssuer>>,
}

/// Checks access tokens of the configured issuers and of the hub itself.
pub struct TokenVerifier {
    audience: String,
    trust: RwLock<Arc<Trust>>,
    generation: AtomicU64,
    seen: moka::sync::Cache<[u8; 32], Arc<Accepted>>,
}

struct Accepted {
    client: Arc<Client>,
    not_before: i64,
    expires: i64,
    certificate: Option<Thumbprint>,
    key: Option<Arc<str>>,
    generation: u64,
}

/// A token that was accepted, as far as it can be told without the proof that it may ask for.
#[derive(Debug, Clone)]
pub struct Accredited {
    /// The client.
    pub client: Arc<Client>,
    /// Where it is bound to a key: SHA-256 of the token, and the thumbprint of the key, which a proof must now be for.
    pub bound_to: Option<([u8; 32], Arc<str>)>,
}

impl TokenVerifier {
    /// A verifier for tokens meant for `audience`; it believes nobody yet.
    pub fn new(audience: &str) -> Self {
        let lifetime = Duration::from_secs(MAX_LIFETIME_SECONDS.unsigned_abs());
        Self {
            audience: audience.to_owned(),
            trust: RwLock::default(),
            generation: AtomicU64::default(),
            seen: moka::sync::Cache::builder().max_capacity(10_000).time_to_live(lifetime).build(),
        }
    }

    /// What tokens for this hub carry in `aud`.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Believes tokens of this issuer that these keys prove, instead of those before. Remembered tokens are checked
    /// again.
    pub fn trust_issuer(&self, name: &str, keys: IssuerKeys) {
        self.change(|trust| drop(trust.issuers.insert(name.to_owned(), Arc::new(keys))));
    }

    /// Believes the hub's own tokens. Remembered tokens are checked again, so that a client that was revoked is out.
    pub fn trust_own(&self, own: OwnIssuer) {
        self.change(|trust| trust.own = Some(Arc::new(own)));
    }

    fn change(&self, change: impl FnOnce(&mut Trust)) {
        let mut trust = self.trust.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Trust::clone(&trust);
        change(&mut changed);
        changed.generation += 1;
        self.generation.store(changed.generation, Ordering::Release);
        *trust = Arc::new(changed);
    }

    /// The client that an `Authorization` header names, over a connection that proved this certificate. Where the token is
    /// bound to a key, nothing may be done for it before the proof that belongs to it was checked.
    pub fn verify(
        &self,
        authorization: Option<&[u8]>,
        certificate: Option<&Thumbprint>,
        now: Timestamp,
    ) -> Result<Accredited, TokenError> {
        let header = authorization.ok_or(TokenError::Missing)?;
        let space = header.iter().position(|byte| *byte == b' ').ok_or(TokenError::Missing)?;
        let (scheme, token) = header.split_at_checked(space + 1).ok_or(TokenError::Missing)?;
        let is_proven = match scheme {
            bearer if bearer.eq_ignore_ascii_case(b"bearer ") => false,
            dpop if dpop.eq_ignore_ascii_case(b"dpop ") => true,
            _ => return Err(TokenError::Missing),
        };
        if token.len() > MAX_BYTES {
            return Err(TokenError::Form);
        }
        let now = now.as_second();
        let digest = digest::digest(&digest::SHA256, token);
        let key: [u8; 32] = digest.as_ref().try_into().map_err(|_| TokenError::Form)?;
        let is_current = |accepted: &Arc<Accepted>| accepted.generation == self.generation.load(Ordering::Acquire);
        let accepted = if let Some(accepted) = self.seen.get(&key).filter(is_current) {
            accepted
        } else {
            let accepted = Arc::new(self.check(token, now)?);
            self.seen.insert(key, Arc::clone(&accepted));
            accepted
        };
        if now >= accepted.expires + LEEWAY_SECONDS || now + LEEWAY_SECONDS < accepted.not_before {
            return Err(TokenError::Lifetime);
        }
        if accepted.certificate.is_some() && accepted.certificate.as_ref() != certificate {
            return Err(TokenError::Binding);
        }
        if accepted.key.is_some() != is_proven {
            return Err(TokenError::Scheme);
        }
        let bound_to = accepted.key.as_ref().map(|thumbprint| (key, Arc::clone(thumbprint)));
        Ok(Accredited { client: Arc::clone(&accepted.client), bound_to })
    }

    fn check(&self, token: &[u8], now: i64) -> Result<Accepted, TokenError> {
        let jws = Jws::read(token).map_err(|_| TokenError::Form)?;
        if !jws.is_of_type("at+jwt") {
            return Err(TokenError::Form);
        }
        let trust = Arc::clone(&self.trust.read().unwrap_or_else(PoisonError::into_inner));
        let claimed: ClaimedIssuer = jws.claims().map_err(|_| TokenError::Form)?;
        let own = trust.own.as_ref().filter(|own| own.name == claimed.iss);
        let keys = match (own, trust.issuers.get(&claimed.iss)) {
            (Some(own), _) => &own.keys,
            (None, Some(keys)) => keys,
            (None, None) => return Err(TokenError::Issuer),
        };
        let known = keys.find(jws.key_id(), now).ok_or(TokenError::Invalid)?;
        jws.verify(&known.key).map_err(|_| TokenError::Invalid)?;
        let claims: Claims = jws.claims().map_err(|_| TokenError::Invalid)?;
        if !is_for(&claims.aud, &self.audience) {
            return Err(TokenError::Invalid);
        }
        let is_long = claims.client_id.len() > 200 || claims.organisation.len() > MAX_ORGANISATION_BYTES;
        let is_odd = claims.jti.is_empty() || claims.client_id.chars().any(char::is_control);
        if claims.sub != claims.client_id || claims.client_id.is_empty() || is_long || is_odd {
            return Err(TokenError::Invalid);
        }
        let lifetime = claims.exp.checked_sub(claims.iat).ok_or(TokenError::Lifetime)?;
        if !(1..=MAX_LIFETIME_SECONDS).contains(&lifetime) {
            return Err(TokenError::Lifetime);
        }
        let registered = trust.own.as_ref().and_then(|own| own.clients.get(&claims.client_id));
        match (own, registered) {
            // The hub's own token lives as long as its client does.
            (Some(_), Some(client)) if client.may_use_token_of(claims.iat) => {}
            // The id of a client that is registered here is nobody else's to give.
            (Some(_), _) | (None, Some(_)) => return Err(TokenError::Invalid),
            (None, None) => {}
        }
        let needed = claims.role.scope().ok_or(TokenError::Invalid)?;
        if !claims.scope.split(' ').any(|scope| scope == needed) {
            return Err(TokenError::Scope);
        }
        // A department is one of its own, and nobody else acts for any.
        if (claims.role == Role::Department) != claims.department.is_some() {
            return Err(TokenError::Invalid);
        }
        let (certificate, key) = claims.cnf.map_or(Ok((None, None)), Confirmation::read)?;
        Ok(Accepted {
            not_before: claims.nbf.unwrap_or(claims.iat).max(claims.iat),
            expires: known.until.map_or(claims.exp, |until| claims.exp.min(until)),
            certificate,
            key,
            generation: trust.generation,
            client: Arc::new(Client {
                id: claims.client_id,
                organisation: claims.organisation,
                division: claims.division_code,
                purposes: claims.purposes,
                role: claims.role,
                department: claims.department,
            }),
        })
    }
}

/// Whether `aud` names this one audience and no other: a token that is good elsewhere too could be used here by
/// whoever it was shown to there.
fn is_for(aud: &serde_json::Value, audience: &str) -> bool {
    match aud {
        serde_json::Value::String(one) => one == audience,
        serde_json::Value::Array(list) => matches!(list.as_slice(), [one] if one == audience),
        _ => false,
    }
}

/// The issuer a token claims to be from; only chooses the key that must prove it.
#[derive(Deserialize)]
struct ClaimedIssuer {
    iss: String,
}

#[cfg(test)]
mod tests;
