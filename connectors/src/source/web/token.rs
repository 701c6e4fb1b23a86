//! Access tokens by client credentials (RFC 6749, section 4.4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use url::form_urlencoded::{Serializer, byte_serialize};

use super::super::SourceError;
use super::super::trouble::{Finding, Rung, Trouble, Whereabouts};
use super::access::words_of;
use super::keys::Fetched;
use super::{WebAnswer, WebCall};
use crate::connector::Oauth2Info;
use crate::json::Json;
use crate::secret::Secret;

/// How long a token is used that does not say for how long it is good.
const UNSAID: i64 = 60;
/// The longest time a token is used, whatever it says.
const LONGEST: i64 = 24 * 3600;

/// The call that asks for a token.
pub(super) fn call(info: &Oauth2Info, secret: &Secret, path: String) -> WebCall {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if let Some(scope) = &info.scope {
        form.append_pair("scope", scope);
    }
    let mut headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))];
    if info.in_body {
        form.append_pair("client_id", &info.client_id).append_pair("client_secret", secret.reveal());
    } else {
        // Both are form-encoded before they are joined (RFC 6749, 2.3.1).
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let joined = format!("{}:{}", encoded(&info.client_id), encoded(secret.reveal()));
        let mut value =
            HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(joined))).expect("Base64 is visible ASCII");
        value.set_sensitive(true);
        headers.push((AUTHORIZATION, value));
    }
    WebCall { method: hyper::Method::POST, path, query: String::new(), headers, body: form.finish().into() }
}

/// The token of an answer.
pub(super) fn read(answer: &WebAnswer, now: Timestamp, place: &Whereabouts) -> Result<Fetched, SourceError> {
    let json = std::str::from_utf8(&answer.body).ok().and_then(|text| Json::parse(text).ok());
    if answer.status != 200 {
        let words = words_of(json.as_ref());
        return Err(SourceError::Unavailable(Box::new(Trouble::of_status(answer.status, &words, Rung::Login, place))));
    }
    let said = |name| json.as_ref().and_then(|json| json.member(name)).and_then(Json::text);
    let bearer = said("token_type").is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    let token =
        said("access_token").filter(|token| bearer && HeaderValue::from_str(token).is_ok() && !token.is_empty());
    let Some(token) = token else {
        return Err(SourceError::Unavailable(Box::new(Trouble::found(Finding::NoToken, "", place))));
    };
    let life = said("expires_in").and_then(|text| text.parse().ok()).unwrap_or(UNSAID).clamp(1, LONGEST);
    let until = now.saturating_add(SignedDuration::from_secs(life)).unwrap_or(now);
    Ok(Fetched { secret: Secret::new(token), until })
}
