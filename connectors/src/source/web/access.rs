//! Showing a service who asks: a token, or a signature by the working secret, each renewed as it runs out.
//!
//! The platform's key has two stages: the key of the file signs the call for a key of the day, that one the call
//! for a working secret of thirty minutes, and that one every question.

use std::path::Path;
use std::sync::Arc;

use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};

use super::super::trouble::{Finding, Rung, Trouble};
use super::super::{OpenError, SourceError};
use super::keys::{Fetched, Held, Key};
use super::signature::{Signature, sign};
use super::{WebAnswer, WebCall, WebClient, token};
use crate::clock::Clock;
use crate::connector::{
    AuthInfo, Condition, Life, Oauth2Info, Part, ServiceKey, ServicePath, SignedInfo, StageInfo, WebInfo,
};
use crate::json::Json;
use crate::secret::Secret;

/// What services call the sentence that says what is wrong.
const WORDS: [&str; 13] = [
    "error_description",
    "err_msg",
    "errormsg",
    "errorMsg",
    "errmsg",
    "error_msg",
    "message",
    "msg",
    "detail",
    "title",
    "error",
    "reason",
    "desc",
];
/// How many characters of it are kept.
const MAX_WORDS: usize = 200;
/// A day, and how far the clocks of China are ahead of UTC, in seconds.
const DAY: i64 = 24 * 3600;
const CHINA: i64 = 8 * 3600;

/// How one shows a service who asks.
#[derive(Debug)]
pub(crate) struct Access {
    client: Arc<WebClient>,
    clock: Clock,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// By the address, or by the certificate of the connection.
    Silent,
    Token {
        info: Oauth2Info,
        secret: Secret,
        issuer: Arc<WebClient>,
        path: String,
        held: Held,
    },
    Signed {
        info: SignedInfo,
        key: Arc<Secret>,
        stages: Vec<(StageInfo, Held)>,
    },
}

/// What a call was made with, to be given back when the service refuses it.
pub(crate) struct Attempt(Option<Key>);

impl Access {
    /// The access to a service; `own` is the interface of one dataset, where it has its own key.
    pub(crate) fn open(
        info: &WebInfo,
        own: Option<&ServiceKey>,
        client: &Arc<WebClient>,
        folder: &Path,
        clock: &Clock,
    ) -> Result<Self, OpenError> {
        let held = || Held::new(clock.clone());
        let way = match &info.auth {
            AuthInfo::None | AuthInfo::Certificate => Way::Silent,
            AuthInfo::Oauth2(oauth2) => {
                let (issuer, path) = match &oauth2.token_url {
                    ServicePath::Path(path) => (Arc::clone(client), path.clone()),
                    ServicePath::Address(url) => {
                        let mut origin = url.clone();
                        origin.set_path("");
                        (Arc::new(client.elsewhere(origin, info, folder)?), url.path().to_owned())
                    }
                };
                Way::Token {
                    secret: oauth2.client_secret.read(folder)?,
                    info: (**oauth2).clone(),
                    issuer,
                    path,
                    held: held(),
                }
            }
            AuthInfo::Signed(signed) => {
                let mut info = (**signed).clone();
                if let Some(own) = own {
                    info.service = own.clone();
                }
                let key = Arc::new(info.service.key.read(folder)?);
                let stages = info.stages.iter().map(|stage| (stage.clone(), held())).collect();
                Way::Signed { info, key, stages }
            }
        };
        Ok(Self { client: Arc::clone(client), clock: clock.clone(), way })
    }

    /// Makes a call, showing who asks. When the service says that the key or token has run out, it is fetched
    /// anew and the call made once more.
    pub(crate) async fn call(&self, call: WebCall) -> Result<WebAnswer, SourceError> {
        let (answer, attempt) = self.attempt(call.clone()).await?;
        if !self.has_run_out(&answer) || !self.refused(&attempt) {
            return Ok(answer);
        }
        self.attempt(call).await.map(|(answer, _)| answer)
    }

    async fn attempt(&self, mut call: WebCall) -> Result<(WebAnswer, Attempt), SourceError> {
        let attempt = match &self.way {
            Way::Silent => Attempt(None),
            Way::Token { .. } => {
                let key = self.token().await?;
                let mut value = HeaderValue::from_str(&format!("Bearer {}", key.secret.reveal()))
                    .map_err(|_| self.found(Finding::NoToken))?;
                value.set_sensitive(true);
                call.headers.push((AUTHORIZATION, value));
                Attempt(Some(key))
            }
            Way::Signed { info, .. } => match self.signature(&call).await? {
                None => Attempt(None),
                Some((signature, attempt)) => {
                    self.put(info, &signature, &mut call)?;
                    attempt
                }
            },
        };
        Ok((self.client.call(call).await?, attempt))
    }

    /// Who asks, what and when, signed; also for a service that wants it elsewhere than in headers, which signs
    /// a call without a body. `None` where nothing is signed.
    pub(crate) async fn signature(&self, call: &WebCall) -> Result<Option<(Signature, Attempt)>, SourceError> {
        let Way::Signed { info, key, .. } = &self.way else { return Ok(None) };
        let secret = self.secret().await?;
        let with = secret.as_ref().map_or(key, |secret| &secret.secret);
        Ok(Some((self.sign(info, with, call), Attempt(secret))))
    }

    /// Forgets what an attempt was made with; false when there is nothing that could be fetched anew.
    pub(crate) fn refused(&self, attempt: &Attempt) -> bool {
        let held = match &self.way {
            Way::Silent => None,
            Way::Token { held, .. } => Some(held),
            Way::Signed { stages, .. } => stages.last().map(|(_, held)| held),
        };
        match (held, &attempt.0) {
            (Some(held), Some(key)) => {
                held.refused(key);
                true
            }
            _ => false,
        }
    }

    /// Whether an answer says that the key or token has run out.
    pub(crate) fn has_run_out(&self, answer: &WebAnswer) -> bool {
        let conditions: &[Condition] = match &self.way {
            Way::Silent => return false,
            Way::Token { info, .. } => &info.expired_when,
            Way::Signed { info, .. } => &info.expired_when,
        };
        answer.status == 401
            || !conditions.is_empty() && json(answer).is_some_and(|json| conditions.iter().any(|one| one.holds(&json)))
    }

    /// Fetches what is needed to ask, and asks nothing.
    pub(crate) async fn login(&self) -> Result<(), SourceError> {
        match &self.way {
            Way::Silent => Ok(()),
            Way::Token { .. } => self.token().await.map(drop),
            Way::Signed { .. } => self.secret().await.map(drop),
        }
    }

    async fn token(&self) -> Result<Key, SourceError> {
        let Way::Token { info, secret, issuer, path, held } = &self.way else {
            return Err(self.found(Finding::NoToken));
        };
        held.get(async {
            let answer = issuer.call(token::call(info, secret, path.clone())).await?;
            token::read(&answer, self.clock.now(), issuer.place())
        })
        .await
    }

    /// The working secret; `None` where the key of the file signs by itself.
    async fn secret(&self) -> Result<Option<Key>, SourceError> {
        let Way::Signed { info, key, stages } = &self.way else { return Ok(None) };
        match stages.as_slice() {
            [] => Ok(None),
            [only] => self.stage(info, key, only).await.map(Some),
            [day, work, ..] => {
                let held = work.1.get(async {
                    let day_key = self.stage(info, key, day).await?;
                    match self.fetch(info, &day_key.secret, &work.0).await? {
                        Fetching::Key(fetched) => Ok(fetched),
                        // The key of the day may have been changed before its time.
                        Fetching::RunOut(_) => {
                            day.1.refused(&day_key);
                            let day_key = self.stage(info, key, day).await?;
                            self.fetch(info, &day_key.secret, &work.0).await?.key()
                        }
                    }
                });
                held.await.map(Some)
            }
        }
    }

    async fn stage(&self, info: &SignedInfo, key: &Secret, stage: &(StageInfo, Held)) -> Result<Key, SourceError> {
        stage.1.get(async { self.fetch(info, key, &stage.0).await?.key() }).await
    }

    /// Makes the call of a stage, signed with the key before it.
    async fn fetch(&self, info: &SignedInfo, key: &Secret, stage: &StageInfo) -> Result<Fetching, SourceError> {
        let mut call = nothing(stage.path.clone());
        let signature = self.sign(info, key, &call);
        self.put(info, &signature, &mut call)?;
        let answer = self.client.call(call).await?;
        let said = json(&answer);
        let words = words_of(said.as_ref());
        let place = self.client.place();
        if answer.status != 200 {
            let refused = Trouble::of_status(answer.status, &words, Rung::Login, place);
            let refused = SourceError::Unavailable(Box::new(refused.skewed(&answer.headers, self.clock.now(), place)));
            return if self.has_run_out(&answer) { Ok(Fetching::RunOut(refused)) } else { Err(refused) };
        }
        let found = said.as_ref().and_then(|said| stage.at.one(said)).and_then(Json::text);
        let Some(found) = found.filter(|text| !text.trim().is_empty()) else {
            // What the service says, where that is known; it may be no more than that there is no key.
            let missing = match Trouble::of_service(&words, place) {
                said if said.code == "service_says_failed" => {
                    Trouble::found_saying(Finding::NoKey, stage.name, &words, place)
                }
                said => Trouble { rung: said.rung.min(Rung::Permission), ..said },
            };
            let missing = SourceError::Unavailable(Box::new(missing.skewed(&answer.headers, self.clock.now(), place)));
            return if self.has_run_out(&answer) { Ok(Fetching::RunOut(missing)) } else { Err(missing) };
        };
        Ok(Fetching::Key(Fetched { secret: Secret::new(found.trim()), until: stage.life.until(self.clock.now()) }))
    }

    fn sign(&self, info: &SignedInfo, key: &Secret, call: &WebCall) -> Signature {
        sign(info, key, self.clock.now(), call, &self.client.path_of(&call.path))
    }

    /// Puts the signature into the headers of a call.
    fn put(&self, info: &SignedInfo, signature: &Signature, call: &mut WebCall) -> Result<(), SourceError> {
        let value = |part: Part| match part {
            Part::Requester => &signature.requester,
            Part::Service => &signature.service,
            _ => &signature.time,
        };
        let headers = info.headers.iter().map(|(part, name)| (name, value(*part)));
        for (name, value) in headers.chain([(&info.sign_header, &signature.sign)]) {
            let name = HeaderName::from_bytes(name.as_bytes());
            let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) else {
                return Err(self.found(Finding::Target));
            };
            call.headers.push((name, value));
        }
        Ok(())
    }

    fn found(&self, finding: Finding) -> SourceError {
        SourceError::Unavailable(Box::new(Trouble::found(finding, "", self.client.place())))
    }
}

/// What came of fetching a key.
enum Fetching {
    Key(Fetched),
    /// The key that signed the call has run out.
    RunOut(SourceError),
}

impl Fetching {
    fn key(self) -> Result<Fetched, SourceError> {
        match self {
            Self::Key(fetched) => Ok(fetched),
            Self::RunOut(error) => Err(error),
        }
    }
}

impl Life {
    /// When a key runs out that is fetched now.
    fn until(self, now: Timestamp) -> Timestamp {
        match self {
            Self::For(life) => {
                SignedDuration::try_from(life).ok().and_then(|life| now.checked_add(life).ok()).unwrap_or(now)
            }
            Self::Day => {
                let days = (now.as_second() + CHINA).div_euclid(DAY) + 1;
                Timestamp::from_second(days * DAY - CHINA).unwrap_or(now)
            }
        }
    }
}

fn nothing(path: String) -> WebCall {
    WebCall {
        method: hyper::Method::GET,
        path,
        query: String::new(),
        headers: Vec::new(),
        body: hyper::body::Bytes::new(),
    }
}

fn json(answer: &WebAnswer) -> Option<Json> {
    Json::parse(std::str::from_utf8(&answer.body).ok()?).ok()
}

/// The sentence in which an answer says what is wrong, wherever services put it.
pub(crate) fn words_of(answer: Option<&Json>) -> String {
    let inside = |json: &Json| WORDS.iter().find_map(|name| json.member(name).and_then(Json::text).map(str::to_owned));
    let nested = |json: &Json| ["result", "data", "error", "output"].iter().find_map(|name| inside(json.member(name)?));
    let said = answer.and_then(|json| inside(json).or_else(|| nested(json))).unwrap_or_default();
    said.chars().take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_the_day_runs_out_at_midnight_in_china() {
        let until = Life::Day.until("2026-11-01T15:59:59Z".parse().unwrap());
        assert_eq!(until, "2026-11-01T16:00:00Z".parse::<Timestamp>().unwrap());
        let until = Life::Day.until("2026-11-01T16:00:00Z".parse().unwrap());
        assert_eq!(until, "2026-11-02T16:00:00Z".parse::<Timestamp>().unwrap());
    }

    #[test]
    fn the_sentence_of_an_answer_is_found_where_services_put_it() {
        let words = |text: &str| words_of(Json::parse(text).ok().as_ref());
        assert_eq!(words(r#"{"code":1,"msg":"秘钥过期"}"#), "秘钥过期");
        assert_eq!(words(r#"{"status":"error","result":{"errormsg":"IP不在白名单"}}"#), "IP不在白名单");
        assert_eq!(words(r#"{"infcode":-1,"err_msg":"x"}"#), "x");
        assert_eq!(words("[]"), "");
    }
}
