//! Access tokens: RFC 9068 `at+jwt`, checked as RFC 8725 asks.
//!
//! The algorithm comes from the issuer's configuration, never from the token; `typ`, issuer, audience
//! and lifetime are checked; nothing in a token is ever fetched. A token that passed is remembered
//! until it expires, so that its signature is checked once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};

use crate::domain::actor::{Client, Role};
use crate::domain::division::DivisionCode;
use crate::domain::purpose::Purpose;

/// Longest life of an access token (`design.md` section 8).
const MAX_LIFETIME_SECONDS: i64 = 600;
/// How far the clocks of issuer and hub may differ.
const LEEWAY_SECONDS: i64 = 10;
/// Longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// The scope that lets a client request verifications.
pub const VERIFY_SCOPE: &str = "verification";
/// The scope that lets an officer look at the access log.
pub const LOG_SCOPE: &str = "access_log";
/// Longest name of an organisation, bytes: it stands in every access event.
const MAX_ORGANISATION_BYTES: usize = 400;

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
    /// Without the scope of its role: `verification` for caseworkers, `access_log` for officers.
    #[error("the token lacks the scope of its role, `verification` or `access_log`")]
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
    /// `caseworker` when absent, or `officer`.
    #[serde(default)]
    pub role: Role,
}

struct Issuer {
    key: DecodingKey,
    validation: Validation,
}

/// Checks access tokens of the configured issuers.
pub struct TokenVerifier {
    issuers: HashMap<String, Issuer>,
    seen: moka::sync::Cache<[u8; 32], Arc<Accepted>>,
}

struct Accepted {
    client: Arc<Client>,
    not_before: i64,
    expires: i64,
}

/// An issuer of tokens and the key that proves them.
pub struct IssuerKey<'a> {
    /// What its tokens carry in `iss`.
    pub name: &'a str,
    /// Its public key, PEM.
    pub public_key: &'a str,
    /// The only algorithm its tokens may be signed with.
    pub algorithm: Algorithm,
}

impl TokenVerifier {
    /// A verifier for tokens of `issuers` meant for `audience`.
    pub fn new<'a>(
        audience: &str,
        issuers: impl Iterator<Item = IssuerKey<'a>>,
    ) -> Result<Self, jsonwebtoken::errors::Error> {
        let mut known = HashMap::new();
        for issuer in issuers {
            let pem = issuer.public_key.as_bytes();
            let key = match issuer.algorithm {
                Algorithm::EdDSA => DecodingKey::from_ed_pem(pem)?,
                _ => DecodingKey::from_ec_pem(pem)?,
            };
            let mut validation = Validation::new(issuer.algorithm);
            validation.set_audience(&[audience]);
            validation.set_issuer(&[issuer.name]);
            validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
            // Times are checked below, against the hub's clock.
            validation.validate_exp = false;
            validation.validate_nbf = false;
            known.insert(issuer.name.to_owned(), Issuer { key, validation });
        }
        let lifetime = Duration::from_secs(MAX_LIFETIME_SECONDS.unsigned_abs());
        let seen = moka::sync::Cache::builder().max_capacity(10_000).time_to_live(lifetime).build();
        Ok(Self { issuers: known, seen })
    }

    /// The client that an `Authorization` header proves.
    pub fn verify(&self, authorization: Option<&[u8]>, now: Timestamp) -> Result<Arc<Client>, TokenError> {
        let header = authorization.ok_or(TokenError::Missing)?;
        let token = match header.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token,
            _ => return Err(TokenError::Missing),
        };
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Form);
        }
        let digest = digest::digest(&digest::SHA256, token);
        let key: [u8; 32] = digest.as_ref().try_into().map_err(|_| TokenError::Form)?;
        let accepted = if let Some(accepted) = self.seen.get(&key) {
            accepted
        } else {
            let accepted = Arc::new(self.check(token)?);
            self.seen.insert(key, Arc::clone(&accepted));
            accepted
        };
        let now = now.as_second();
        if now >= accepted.expires + LEEWAY_SECONDS || now + LEEWAY_SECONDS < accepted.not_before {
            return Err(TokenError::Lifetime);
        }
        Ok(Arc::clone(&accepted.client))
    }

    fn check(&self, token: &[u8]) -> Result<Accepted, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Form)?;
        let typ = header.typ.as_deref().unwrap_or_default();
        let is_access_token = typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt");
        if !is_access_token || header.crit.is_some() {
            return Err(TokenError::Form);
        }
        let claimed: ClaimedIssuer =
            jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| TokenError::Form)?;
        let issuer = self.issuers.get(&claimed.iss).ok_or(TokenError::Issuer)?;
        let claims = jsonwebtoken::decode::<Claims>(token, &issuer.key, &issuer.validation)
            .map_err(|_| TokenError::Invalid)?
            .claims;
        let is_long = claims.client_id.len() > 200 || claims.organisation.len() > MAX_ORGANISATION_BYTES;
        if claims.sub != claims.client_id || claims.client_id.is_empty() || is_long {
            return Err(TokenError::Invalid);
        }
        let lifetime = claims.exp.checked_sub(claims.iat).ok_or(TokenError::Lifetime)?;
        if !(1..=MAX_LIFETIME_SECONDS).contains(&lifetime) {
            return Err(TokenError::Lifetime);
        }
        let needed = match claims.role {
            Role::Caseworker => VERIFY_SCOPE,
            Role::Officer => LOG_SCOPE,
            Role::System => return Err(TokenError::Invalid),
        };
        if !claims.scope.split(' ').any(|scope| scope == needed) {
            return Err(TokenError::Scope);
        }
        Ok(Accepted {
            not_before: claims.nbf.unwrap_or(claims.iat).max(claims.iat),
            expires: claims.exp,
            client: Arc::new(Client {
                id: claims.client_id,
                organisation: claims.organisation,
                division: claims.division_code,
                purposes: claims.purposes,
                role: claims.role,
            }),
        })
    }
}

/// The issuer a token claims to be from; only chooses the key that must prove it.
#[derive(Deserialize)]
struct ClaimedIssuer {
    iss: String,
}

#[cfg(test)]
mod tests;
