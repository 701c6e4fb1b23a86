//! `/v1/verifications/{id}/report` and `/replay`: what people read of a verdict, and the verdict made again.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;

use super::front::{Hub, Takes};
use super::page::{self, Lang};
use super::problem::Problem;
use super::verifications::{json, usable_id};
use crate::auth::access::Action;
use crate::domain::problem::Text;
use crate::service::replay::Replay;
use crate::verdict::explain::View;

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Html,
    Text,
}

/// What report is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    view: View,
    format: Format,
    lang: Lang,
    /// Of which version; of the newest where none is named.
    version: Option<u32>,
}

/// Read the report of a verification.
///
/// Three views of one verdict: the caseworker's, with what decided and what to verify; the resident's notice in
/// plain words, without codes, without evidence, without anything of persons outside the household; the auditor's,
/// with every node of the tree. Every text is made from the kept facts and the kept pack, so it stays what it was.
/// A signed form (`jws`) is not there yet.
#[utoipa::path(
    get, path = "/v1/verifications/{id}/report", tag = "verifications",
    params(
        ("id" = String, Path, description = "The verification's id"),
        ("view" = Option<String>, Query, description = "`caseworker` (default), `resident` or `auditor`"),
        ("format" = Option<String>, Query, description = "`json` (default, both languages), `html` or `text`"),
        ("lang" = Option<String>, Query, description = "`zh` (default) or `en`, for `html` and `text`"),
        ("version" = Option<u32>, Query, description = "On this version of the outcome instead of the newest"),
    ),
    responses(
        (status = 200, description = "The report: `view`, `title`, `headline`, `sentence` (caseworker), `sections` of `id`, `title`, `lines`, `closing`; for the auditor `trace`, `clauses` and `evidence` too", content((Object = "application/json"), (String = "text/html"), (String = "text/plain"))),
        (status = 400, description = "A query parameter that is not known", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such verification of this client, or no such version of it", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The verification was erased", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The verification has not ended, or its pack was neither kept nor is in force", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn tell(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::LookAtVerification, usable_id(&id), async |admitted| {
        let wanted = wanted(admitted.head.uri.query())?;
        let told =
            hub.verifications.report(admitted.caller(), &id, wanted.version, wanted.view).await.map_err(Problem::of)?;
        let (kind, body) = match wanted.format {
            Format::Json => {
                return Ok(json(StatusCode::OK, serde_json::to_vec(&told).map_err(|_| Problem::internal())?));
            }
            Format::Html => ("text/html; charset=utf-8", page::html(&id, &told.report, wanted.lang)),
            Format::Text => ("text/plain; charset=utf-8", page::text(&id, &told.report, wanted.lang)),
        };
        let mut response = (StatusCode::OK, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(wanted.lang.tag()));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(page::policy()));
        Ok(response)
    })
    .await
}

/// Judge a verification again.
///
/// From its kept facts and its kept pack; `same` says whether the verdict came out the same to the byte, and if
/// not, `changed` says what. With `policy_as_of` the same facts are judged by the pack in force on that day as
/// well: a counterfactual, marked so, never a verdict. Nobody is asked.
#[utoipa::path(
    get, path = "/v1/verifications/{id}/replay", tag = "verifications",
    params(
        ("id" = String, Path, description = "The verification's id"),
        ("policy_as_of" = Option<String>, Query, description = "A day, `YYYY-MM-DD`"),
        ("version" = Option<u32>, Query, description = "This version of the outcome instead of the newest"),
    ),
    responses(
        (status = 200, description = "The replay", body = Replay),
        (status = 400, description = "A query parameter that is not known", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such verification of this client, or no such version of it", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The verification was erased", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The verification has not ended, or the pack it asked for by name was not in force on the day", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be made durable now", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn replay(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::LookAtVerification, usable_id(&id), async |admitted| {
        let (day, version) = policy_as_of(admitted.head.uri.query())?;
        let replay = hub.verifications.replay(admitted.caller(), &id, version, day).await.map_err(Problem::of)?;
        Ok(json(StatusCode::OK, serde_json::to_vec(&replay).map_err(|_| Problem::internal())?))
    })
    .await
}

fn pairs(query: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn wanted(query: Option<&str>) -> Result<Wanted, Problem> {
    let mut wanted = Wanted { view: View::Caseworker, format: Format::Json, lang: Lang::Zh, version: None };
    for (name, value) in pairs(query) {
        let known = match name {
            "view" => View::parse(value).map(|view| wanted.view = view),
            "format" => match value {
                "json" => Some(Format::Json),
                "html" => Some(Format::Html),
                "text" => Some(Format::Text),
                "jws" => {
                    return Err(Problem::query(Text::new(
                        "还不提供签名的报告（jws）；请用 json、html 或 text。",
                        "A signed report (jws) is not there yet; use json, html or text.",
                    )));
                }
                _ => None,
            }
            .map(|format| wanted.format = format),
            "lang" => Lang::parse(value).map(|lang| wanted.lang = lang),
            "version" if wanted.version.is_none() => value.parse().ok().map(|version| wanted.version = Some(version)),
            _ => None,
        };
        if known.is_none() {
            return Err(Problem::query(Text::new(
                "只接受 view=caseworker|resident|auditor、format=json|html|text、lang=zh|en，以及一个 version=版本号。",
                "Only view=caseworker|resident|auditor, format=json|html|text, lang=zh|en and one version with a number are known.",
            )));
        }
    }
    Ok(wanted)
}

fn policy_as_of(query: Option<&str>) -> Result<(Option<Date>, Option<u32>), Problem> {
    let (mut day, mut version) = (None, None);
    for (name, value) in pairs(query) {
        let known = match name {
            "policy_as_of" => value.parse().ok().filter(|_| value.len() == 10).map(|date| day = Some(date)),
            "version" if version.is_none() => value.parse().ok().map(|number| version = Some(number)),
            _ => None,
        };
        if known.is_none() {
            return Err(Problem::query(Text::new(
                "只接受 policy_as_of=日期，如 2025-03-15，以及一个 version=版本号。",
                "Only policy_as_of with a day such as 2025-03-15 and one version with a number are known.",
            )));
        }
    }
    Ok((day, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_asked_for_is_understood_or_refused_by_name() {
        assert_eq!(
            wanted(Some("view=resident&format=html&lang=en")).unwrap(),
            Wanted { view: View::Resident, format: Format::Html, lang: Lang::En, version: None }
        );
        assert_eq!(wanted(None).unwrap().view, View::Caseworker);
        assert_eq!(wanted(Some("version=2")).unwrap().version, Some(2));
        for bad in [
            "view=all",
            "view",
            "format=pdf",
            "lang=fr",
            "as=html",
            "view=resident&view=%00",
            "version=x",
            "version=1&version=2",
        ] {
            assert!(wanted(Some(bad)).is_err(), "{bad}");
        }
        assert!(wanted(Some("format=jws")).unwrap_err().fix.en.contains("not there yet"));
    }

    #[test]
    fn a_day_is_a_whole_date() {
        assert_eq!(policy_as_of(Some("policy_as_of=2025-03-15")).unwrap().0.unwrap().to_string(), "2025-03-15");
        assert_eq!(policy_as_of(None).unwrap(), (None, None));
        assert_eq!(policy_as_of(Some("version=2")).unwrap(), (None, Some(2)));
        for bad in [
            "policy_as_of=2025-3-15",
            "policy_as_of=2025-02-30",
            "policy_as_of=",
            "version=1&version=2",
            "day=2025-03-15",
            "policy_as_of=2025-03-15T00:00",
        ] {
            assert!(policy_as_of(Some(bad)).is_err(), "{bad}");
        }
    }
}
