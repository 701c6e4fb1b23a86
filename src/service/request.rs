//! The request for a verification: its document, and what must be true of it before anybody is asked.
//!
//! A request that is wrong in any way is refused with every fault named by JSON pointer, in Chinese
//! and English; no department is asked.

pub mod document;
pub mod registration;
pub(super) mod shape;
mod sound;

use jiff::civil::Date;

use crate::domain::authorisation::Authorisation;
use crate::domain::context::AccessContext;
use crate::domain::dataset::Catalogue;
use crate::domain::declaration::{Declaration, Prior};
use crate::domain::disclosure::Disclosure;
use crate::domain::household::{Household, Place};
use crate::domain::problem::{Finding, Text};
use crate::domain::purpose::Purpose;
use crate::domain::unique::given_twice;
use document::RequestDocument;

/// A request for a verification that is sound.
#[derive(Debug, Clone)]
pub struct VerificationRequest {
    /// What it is for.
    pub purpose: Purpose,
    /// The day of the assessment.
    pub assessed_on: Date,
    /// Where the application is made.
    pub place: Place,
    /// The pack asked for by name, where a place has several.
    pub pack: Option<String>,
    /// Only emergency relief is asked for; authorisations may follow later.
    pub emergency_only: bool,
    /// How much is asked.
    pub disclosure: Disclosure,
    /// The household.
    pub household: Household,
    /// What it declares.
    pub declaration: Declaration,
    /// Its authorisation.
    pub authorisation: Authorisation,
    /// The id under which it was registered, when it was.
    pub authorisation_id: Option<String>,
    /// Its past.
    pub prior: Prior,
    /// Who asks, and on which case.
    pub context: Option<AccessContext>,
}

impl VerificationRequest {
    /// Parses and checks a request body. `today` is the date in China; it is the day of the assessment
    /// when the request names none.
    pub fn parse(body: &[u8], today: Date, catalogue: &Catalogue) -> Result<Self, Vec<Finding>> {
        Self::of(Self::read(body)?, None, today, catalogue)
    }

    /// Reads the document of a body, whose form is right and nothing more.
    pub(super) fn read(body: &[u8]) -> Result<RequestDocument, Vec<Finding>> {
        // Checked as UTF-8 once, not string by string; what is not UTF-8 is read again to tell where.
        let read = match std::str::from_utf8(body) {
            Ok(text) => serde_json::from_str(text),
            Err(_) => serde_json::from_slice(body),
        };
        read.map_err(|error| diagnose(body, &shape::REQUEST, &error))
    }

    /// The request of a document. `registered` is the authorisation that its `authorisation_id` names.
    pub(super) fn of(
        document: RequestDocument,
        registered: Option<Authorisation>,
        today: Date,
        catalogue: &Catalogue,
    ) -> Result<Self, Vec<Finding>> {
        sound::check(document, registered, today, catalogue)
    }
}

/// Why a body is not the document, as completely as it can be told.
fn diagnose(body: &[u8], form: &shape::Shape, error: &serde_json::Error) -> Vec<Finding> {
    let value: serde_json::Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) => return vec![not_json(&error)],
    };
    let mut findings = Vec::new();
    shape::diagnose(&value, form, "", &mut findings);
    // Of two members of one name a JSON value shows the last.
    findings.extend(given_twice(body));
    if findings.is_empty() {
        // The shape knows whatever the types refuse; a test holds that.
        findings.push(not_json(error));
    }
    findings
}

/// A body that is not JSON.
pub(super) fn not_json(error: &serde_json::Error) -> Finding {
    let (line, column) = (error.line(), error.column());
    Finding {
        pointer: String::new(),
        code: "json_syntax",
        detail: Text::new(
            format!("请求体不是合法的 JSON：第 {line} 行第 {column} 列。请按 UTF-8 编码发送 JSON 文档。"),
            format!("the body is not JSON: line {line}, column {column}. Send a JSON document in UTF-8."),
        ),
    }
}

#[cfg(test)]
mod tests;
