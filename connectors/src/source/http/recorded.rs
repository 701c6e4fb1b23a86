//! Answers of a service that were kept, for golden tests: about whom, which page, which status, and the body.

use std::collections::BTreeSet;

use super::super::trouble::{Finding, Whereabouts};
use super::call::Page;
use crate::json::Json;

/// Kept answers.
#[derive(Debug)]
pub(super) struct Recorded {
    answers: Vec<Answer>,
    place: Whereabouts,
}

#[derive(Debug)]
struct Answer {
    dataset: Option<String>,
    about: BTreeSet<String>,
    page: usize,
    status: u16,
    body: Json,
}

impl Recorded {
    /// Reads `{"answers": [{"about": ["150000…"], "page": 0, "status": 200, "body": {…}}]}`; `dataset`, `page`
    /// and `status` may be left out.
    pub(super) fn read(text: &str) -> Option<Self> {
        let file = Json::parse(text).ok()?;
        let Json::Array(answers) = file.member("answers")? else { return None };
        let answers = answers.iter().map(Answer::read).collect::<Option<Vec<_>>>()?;
        Some(Self { answers, place: Whereabouts::nowhere() })
    }

    /// The answer to a question of a dataset about these persons.
    pub(super) fn answer(&self, dataset: &str, about: &[&str], page: &Page) -> Result<(u16, Json), Finding> {
        let about: BTreeSet<&str> = about.iter().copied().collect();
        let fits = |answer: &&Answer| {
            answer.page == page.place
                && answer.dataset.as_deref().is_none_or(|of| of == dataset)
                && answer.about.iter().map(String::as_str).eq(about.iter().copied())
        };
        let answer = self.answers.iter().find(fits).ok_or(Finding::NotRecorded)?;
        Ok((answer.status, answer.body.clone()))
    }

    pub(super) const fn place(&self) -> &Whereabouts {
        &self.place
    }
}

impl Answer {
    fn read(json: &Json) -> Option<Self> {
        let Json::Array(about) = json.member("about")? else { return None };
        let about = about.iter().map(|person| person.text().map(str::to_owned)).collect::<Option<_>>()?;
        let number = |name: &str, usual: u16| match json.member(name) {
            None => Some(usual),
            Some(value) => value.text()?.parse().ok(),
        };
        Some(Self {
            dataset: json.member("dataset").and_then(Json::text).map(str::to_owned),
            about,
            page: usize::from(number("page", 0)?),
            status: number("status", 200)?,
            body: json.member("body")?.clone(),
        })
    }
}
