//! The signed context of a question: who asks a department, for whom and what for, in a form it can keep as proof.
//!
//! One verification asks many departments at the same moment and signs once: a JWT (`EdDSA`) that holds, of each question,
//! only a salted digest, as in RFC 9901 (SD-JWT). A department gets the JWT and the one disclosure that is its own: the
//! question's id, its own name as the audience, the digest of the body, and for which verifications of whom it is asked.
//! It learns nothing of whom else was asked but how many. No identity number is in a context.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::error::Text;
use crate::keys::{PrivateKey, PublicKey, sha256};
use crate::protocol::Query;

/// The request field that carries a context, in lower case.
pub const CONTEXT: &str = "hedui-context";
/// The `typ` of its JWT: no token made for something else passes for one.
pub const TYPE: &str = "hedui-context+jwt";
/// How long a context holds, seconds.
pub const LIFETIME: i64 = 300;
/// How far two clocks may be apart, seconds.
const LEEWAY: i64 = 60;
/// Longest context, bytes.
const MAX_BYTES: usize = 64 * 1024;
/// What is told of the cases of one question is not longer than this, as JSON in bytes, so that its context can be read.
pub const MAX_CASES_BYTES: usize = 32 * 1024;
/// The name of the disclosed claim.
const QUESTION: &str = "question";

/// What a hub says of all questions that it signs for at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The hub.
    pub iss: String,
    /// When it was signed, seconds since 1970.
    pub iat: i64,
    /// Until when it holds, seconds since 1970.
    pub exp: i64,
    /// The purpose.
    pub purpose: String,
    /// Salted digests of the questions, in an order that says nothing.
    #[serde(rename = "_sd")]
    pub questions: Vec<String>,
    /// Their algorithm.
    #[serde(rename = "_sd_alg")]
    pub algorithm: String,
}

/// What is disclosed to one department.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The adapter that is asked.
    pub aud: String,
    /// The id of the question: unique to it, and the same when it is asked a second time.
    pub jti: String,
    /// SHA-256 of the body, base64url.
    pub digest: String,
    /// The verifications it is asked for: one, unless households share a question.
    pub cases: Vec<Case>,
}

/// A verification that a question is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The verification.
    pub verification: String,
    /// SHA-256 of the number of the household's authorisation, base64url.
    pub authorisation: String,
    /// The organisation of whoever asked the hub.
    pub organisation: String,
    /// Its division, GB/T 2260.
    pub division: String,
    /// The hub of another region that the question comes from, where it does: it is answered here and sent on to no
    /// further hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// What the hub calls this household's question in its account, where several share one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
}

/// A question with the salt that hides it from others.
#[derive(Debug, Clone)]
pub struct Disclosure {
    text: String,
    digest: String,
}

impl Disclosure {
    /// Hides a question behind 16 random bytes.
    pub fn of(question: &Question, salt: [u8; 16]) -> Self {
        let array = (URL_SAFE_NO_PAD.encode(salt), QUESTION, question);
        let text = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&array).expect("texts are JSON"));
        let digest = URL_SAFE_NO_PAD.encode(sha256(text.as_bytes()));
        Self { text, digest }
    }
}

/// SHA-256 as contexts write it.
pub fn digest_of(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(sha256(bytes))
}

/// Signs contexts for a hub.
#[derive(Debug, Clone)]
pub struct ContextSigner {
    key: PrivateKey,
    header: String,
    issuer: String,
}

impl ContextSigner {
    /// A signer of this hub's contexts.
    pub fn new(key: PrivateKey, issuer: &str) -> Self {
        let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{TYPE}"}}"#, key.public().id());
        let header = URL_SAFE_NO_PAD.encode(header) + ".";
        Self { key, header, issuer: issuer.to_owned() }
    }

    /// The key that proves its contexts.
    pub const fn public(&self) -> &PublicKey {
        self.key.public()
    }

    /// The JWT over questions that are asked at the same moment for one purpose: one signature. `iat` is in seconds since
    /// 1970.
    pub fn sign<'a>(&self, purpose: &str, questions: impl Iterator<Item = &'a Disclosure>, iat: i64) -> SignedContext {
        let mut questions: Vec<String> = questions.map(|question| question.digest.clone()).collect();
        questions.sort_unstable();
        let claims = Claims {
            iss: self.issuer.clone(),
            iat,
            exp: iat + LIFETIME,
            purpose: purpose.to_owned(),
            questions,
            algorithm: "sha-256".to_owned(),
        };
        let mut jwt = String::with_capacity(1024);
        jwt.push_str(&self.header);
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(&claims).expect("texts and numbers are JSON"), &mut jwt);
        let signature = self.key.sign(jwt.as_bytes());
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
        SignedContext(jwt)
    }
}

/// A signed JWT over questions.
#[derive(Debug)]
pub struct SignedContext(String);

impl SignedContext {
    /// What is sent with one of the questions.
    pub fn with(&self, question: &Disclosure) -> String {
        [&self.0, "~", &question.text, "~"].concat()
    }
}

/// Why a context is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// There is none.
    #[error("the question carries no signed context (`Hedui-Context`); this adapter answers no other")]
    Missing,
    /// Not a JWT of the right type with one disclosure that belongs to it.
    #[error("the signed context does not have the form of one, or its disclosure does not belong to it")]
    Form,
    /// Signed with a key that is not pinned.
    #[error("the signed context was signed with a key that is not among the hub's keys here; update `[hub] keys`")]
    Key,
    /// The signature is wrong.
    #[error("the signature of the signed context is wrong")]
    Signature,
    /// Its time is over, has not come, or is longer than it may be.
    #[error("the signed context has expired or does not hold yet; check the clocks of hub and adapter")]
    Time,
    /// It is for another adapter.
    #[error("the signed context is for another adapter")]
    Audience,
    /// The body is not the one that was signed for.
    #[error("the question is not the one that the signed context is for")]
    Body,
}

impl ContextError {
    /// Its stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "context_missing",
            Self::Form => "context_malformed",
            Self::Key => "context_key_unknown",
            Self::Signature => "context_signature",
            Self::Time => "context_expired",
            Self::Audience => "context_audience",
            Self::Body => "context_body",
        }
    }

    /// The error for people.
    pub fn text(self) -> Text {
        let zh = match self {
            Self::Missing => "查询没有携带签名的查询凭据（Hedui-Context）；本适配器不回答这样的查询",
            Self::Form => "查询凭据格式不对，或所附内容不属于它",
            Self::Key => "查询凭据所用的签名密钥不在本机固定的平台公钥之中；请更新 [hub] keys",
            Self::Signature => "查询凭据的签名不对",
            Self::Time => "查询凭据已过期或尚未生效；请核对平台与适配器的时钟",
            Self::Audience => "查询凭据是给另一个适配器的",
            Self::Body => "查询内容与查询凭据不符",
        };
        Text::new(zh, self.to_string())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

/// A context that was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// What is said of all questions.
    pub claims: Claims,
    /// What is said of this question.
    pub question: Question,
    /// The context as it came.
    pub text: String,
}

impl Context {
    /// The organisations that the question is asked for, each once.
    pub fn organisations(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for case in &self.question.cases {
            if !names.contains(&case.organisation.as_str()) {
                names.push(&case.organisation);
            }
        }
        names.join("、")
    }

    /// Reads a context and proves that a hub of these keys signed it; its time, audience and body are not looked at.
    pub fn prove(text: &str, keys: &[PublicKey]) -> Result<Self, ContextError> {
        if text.len() > MAX_BYTES {
            return Err(ContextError::Form);
        }
        let mut parts = text.split('~');
        let (Some(jwt), Some(disclosure), Some(""), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ContextError::Form);
        };
        let (signed, signature) = jwt.rsplit_once('.').ok_or(ContextError::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(ContextError::Form)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| ContextError::Form);
        let header: Header = parse(&decode(header)?)?;
        if header.alg != "EdDSA" || header.typ != TYPE {
            return Err(ContextError::Form);
        }
        let key = keys.iter().find(|key| key.id() == header.kid).ok_or(ContextError::Key)?;
        if !key.verify(signed.as_bytes(), &decode(signature)?) {
            return Err(ContextError::Signature);
        }
        let claims: Claims = parse(&decode(payload)?)?;
        let (_, name, question): (String, String, Question) = parse(&decode(disclosure)?)?;
        let digest = digest_of(disclosure.as_bytes());
        let is_its_own = claims.algorithm == "sha-256"
            && name == QUESTION
            && claims.questions.contains(&digest)
            && !question.cases.is_empty();
        if is_its_own { Ok(Self { claims, question, text: text.to_owned() }) } else { Err(ContextError::Form) }
    }

    /// Whether it is of this query. A record of use tells what the query says; what was signed for must be the same.
    pub fn is_of(&self, query: &Query) -> bool {
        let is_signed_for = |verification: &str, number: &str| {
            let authorisation = digest_of(number.as_bytes());
            let is_its_own = |case: &Case| verification == case.verification && authorisation == case.authorisation;
            self.question.cases.iter().any(is_its_own)
        };
        query.purpose == self.claims.purpose
            && is_signed_for(&query.request_id, &query.authorisation.number)
            && query.cases().iter().all(|case| is_signed_for(&case.request_id, &case.authorisation.number))
    }

    /// Proves the context of a question that has just come. `now` is in seconds since 1970.
    pub fn admit(
        text: Option<&str>,
        keys: &[PublicKey],
        adapter: &str,
        body: &[u8],
        now: i64,
    ) -> Result<Self, ContextError> {
        let context = Self::prove(text.ok_or(ContextError::Missing)?, keys)?;
        let Claims { iat, exp, .. } = context.claims;
        let is_short = exp > iat && exp - iat <= LIFETIME;
        if !is_short || iat > now.saturating_add(LEEWAY) || exp < now.saturating_sub(LEEWAY) {
            return Err(ContextError::Time);
        }
        if context.question.aud != adapter {
            return Err(ContextError::Audience);
        }
        if context.question.digest != digest_of(body) {
            return Err(ContextError::Body);
        }
        Ok(context)
    }
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, ContextError> {
    serde_json::from_slice(bytes).map_err(|_| ContextError::Form)
}

/// Whose questions an adapter answers.
#[derive(Clone, Default)]
pub enum Asker {
    /// Everybody's who has a certificate of the client CA: for trials and tests.
    #[default]
    Anybody,
    /// Those that a hub of these keys signed for.
    Hub(Vec<PublicKey>),
}

impl fmt::Debug for Asker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anybody => formatter.write_str("Anybody"),
            Self::Hub(keys) => write!(formatter, "Hub({keys:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_760_000_000;
    const BODY: &[u8] = b"{\"request_id\":\"vf_1\"}";
    fn signer(seed: u8) -> ContextSigner {
        ContextSigner::new(PrivateKey::from_seed(&[seed; 32]).unwrap(), "https://hub.hedui.invalid")
    }

    fn question(adapter: &str, salt: u8) -> Disclosure {
        let case = Case {
            verification: "vf_1".to_owned(),
            authorisation: digest_of(b"SQ-1"),
            organisation: "试用民政局".to_owned(),
            division: "150102".to_owned(),
            via: None,
            question: None,
        };
        let (aud, jti) = (adapter.to_owned(), format!("vf_1.{adapter}.0"));
        let question = Question { aud, jti, digest: digest_of(BODY), cases: vec![case] };
        Disclosure::of(&question, [salt; 16])
    }

    fn context() -> (String, Vec<PublicKey>) {
        let (signer, own, other) = (signer(1), question("hrss", 1), question("housing", 2));
        (signer.sign("dibao", [&own, &other].into_iter(), NOW).with(&own), vec![signer.public().clone()])
    }

    #[test]
    fn a_context_is_proven_and_tells_one_department_nothing_of_another() {
        let (text, keys) = context();
        let proven = Context::admit(Some(&text), &keys, "hrss", BODY, NOW + 10).unwrap();
        assert_eq!(proven.question.jti, "vf_1.hrss.0");
        assert_eq!((proven.organisations().as_str(), proven.claims.questions.len()), ("试用民政局", 2));
        let told: Vec<u8> = text.split(['.', '~']).flat_map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        assert!(!String::from_utf8_lossy(&told).contains("housing"));
        assert!(!String::from_utf8_lossy(&told).contains("SQ-1"));
    }

    #[test]
    fn a_context_holds_for_its_adapter_body_and_time_only() {
        let (text, keys) = context();
        let admit = |adapter, body, now| Context::admit(Some(&text), &keys, adapter, body, now).map(|_| ());
        assert_eq!(admit("housing", BODY, NOW), Err(ContextError::Audience));
        assert_eq!(admit("hrss", b"{}", NOW), Err(ContextError::Body));
        assert_eq!(admit("hrss", BODY, NOW + LIFETIME + LEEWAY + 1), Err(ContextError::Time));
        assert_eq!(admit("hrss", BODY, NOW - LEEWAY - 1), Err(ContextError::Time));
        assert_eq!(admit("hrss", BODY, NOW + LIFETIME + LEEWAY), Ok(()));
        assert_eq!(Context::admit(None, &keys, "hrss", BODY, NOW), Err(ContextError::Missing));
        let strangers = [signer(2).public().clone()];
        assert_eq!(Context::admit(Some(&text), &strangers, "hrss", BODY, NOW), Err(ContextError::Key));
    }

    #[test]
    fn a_disclosure_of_another_context_does_not_pass() {
        let (text, keys) = context();
        let (jwt, _) = text.split_once('~').unwrap();
        for disclosure in [question("hrss", 9), question("housing", 1)] {
            let forged = format!("{jwt}~{}~", disclosure.text);
            assert_eq!(Context::prove(&forged, &keys), Err(ContextError::Form));
        }
    }

    #[test]
    fn other_tokens_of_the_same_key_do_not_pass() {
        let (key, keys) = (PrivateKey::from_seed(&[1; 32]).unwrap(), vec![signer(1).public().clone()]);
        let (text, _) = context();
        let payload = text.split('.').nth(1).unwrap();
        let disclosure = text.split_once('~').unwrap().1;
        for (header, error) in [
            (format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"at+jwt"}}"#, key.public().id()), ContextError::Form),
            (format!(r#"{{"alg":"none","kid":"{}","typ":"{TYPE}"}}"#, key.public().id()), ContextError::Form),
            (format!(r#"{{"alg":"EdDSA","kid":"x","typ":"{TYPE}"}}"#), ContextError::Key),
            (
                format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{TYPE}","jwk":{{}}}}"#, key.public().id()),
                ContextError::Form,
            ),
        ] {
            let signed = format!("{}.{payload}", URL_SAFE_NO_PAD.encode(&header));
            let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
            assert_eq!(Context::prove(&format!("{signed}.{signature}~{disclosure}"), &keys), Err(error), "{header}");
        }
    }

    #[test]
    fn a_context_with_a_changed_byte_is_refused() {
        let (text, keys) = context();
        for place in 0..text.len() {
            for byte in *b"Ax~.-9" {
                let mut changed = text.clone().into_bytes();
                if std::mem::replace(&mut changed[place], byte) == byte {
                    continue;
                }
                let changed = String::from_utf8(changed).unwrap();
                let admitted = Context::admit(Some(&changed), &keys, "hrss", BODY, NOW);
                assert!(admitted.is_err(), "{place}: {changed}");
            }
        }
    }
}
