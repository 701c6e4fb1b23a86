//! What an answer of a service of XML means: records, no record, or why it is no use.

use hyper::header::CONTENT_TYPE;
use jiff::Timestamp;

use super::super::SourceError;
use super::super::group::of_refusal;
use super::super::trouble::{Finding, Rung, Trouble, Whereabouts};
use super::super::web::WebAnswer;
use crate::connector::{ASKED, AnswerPath, SoapInfo, SoapMeaning};
use crate::error::Text;
use crate::mapping::Mapping;
use crate::native::{Native, find_column};
use crate::synthetic::is_number_of;
use crate::text::TextEncoding;
use crate::xml::{self, Element};

/// How many characters of what a service says are kept.
const MAX_WORDS: usize = 200;

/// Reads the answers to one dataset.
#[derive(Debug)]
pub(super) struct Reader {
    columns: Vec<String>,
    /// Of these a record has to have an element, each.
    needed: Vec<String>,
    subject: String,
    /// Old numbers of 15 digits are read, because names are compared as well.
    old_numbers: bool,
    records: AnswerPath,
    meaning: SoapMeaning,
    encoding: TextEncoding,
    place: Whereabouts,
}

/// What an answer says: the whole of it, or the fault in it.
struct Said {
    root: Element,
    fault: Option<(String, String)>,
}

impl Reader {
    pub(super) fn new(mapping: &Mapping, records: &AnswerPath, info: &SoapInfo, place: &Whereabouts) -> Self {
        let optional = mapping.optional_columns();
        let columns: Vec<String> = mapping.columns().into_keys().map(str::to_owned).collect();
        let asked_of = |column: &&String| *column != ASKED && !optional.contains(column.as_str());
        let needed = columns.iter().filter(asked_of).cloned().collect();
        Self {
            columns,
            needed,
            subject: mapping.subject.clone(),
            old_numbers: mapping.name.is_some(),
            records: records.clone(),
            meaning: info.meaning.clone(),
            encoding: info.encoding,
            place: place.clone(),
        }
    }

    /// The columns of its rows.
    pub(super) fn columns(&self) -> Vec<String> {
        self.columns.clone()
    }

    /// The records of an answer about these persons. `now` is our clock, where the answer came just now.
    pub(super) fn rows(
        &self,
        answer: &WebAnswer,
        asked: &[&str],
        now: Option<Timestamp>,
    ) -> Result<Vec<Vec<Native>>, SourceError> {
        let refusal = |trouble: Trouble| {
            let trouble = match now {
                Some(now) => trouble.skewed(&answer.headers, now, &self.place),
                None => trouble,
            };
            of_refusal(trouble, answer.retry_after())
        };
        // A fault comes with a status of its own: 500 (SOAP 1.1, 6.2), also 400 (SOAP 1.2 part 2, 7.4.2).
        if !matches!(answer.status, 200 | 400 | 500) {
            return Err(refusal(Trouble::of_status(answer.status, "", Rung::Answer, &self.place)));
        }
        let said = match self.said(answer) {
            Ok(said) => said,
            Err(_) if answer.status != 200 => {
                return Err(refusal(Trouble::of_status(answer.status, "", Rung::Answer, &self.place)));
            }
            Err(error) => return Err(error),
        };
        if self.meaning.no_record_when.iter().any(|condition| said.holds(&condition.at, &condition.equals)) {
            return Ok(Vec::new());
        }
        if let Some((code, words)) = &said.fault {
            return Err(refusal(self.faulty(code, words)));
        }
        if answer.status != 200
            || !self.meaning.ok_when.iter().all(|condition| said.holds(&condition.at, &condition.equals))
        {
            let words = self.meaning.error_message.as_ref().and_then(|path| said.first(path)).unwrap_or_default();
            return Err(refusal(Trouble::of_service(&short(&words), &self.place)));
        }
        self.records(&said, asked)
    }

    /// Whether an answer says that the key it was asked with has run out.
    pub(super) fn says_run_out(&self, answer: &WebAnswer) -> bool {
        self.said(answer).is_ok_and(|said| {
            let words = said.fault.as_ref().map(|(_, words)| words.clone());
            let words = words.or_else(|| self.meaning.error_message.as_ref().and_then(|path| said.first(path)));
            words.is_some_and(|words| Trouble::of_service(&short(&words), &self.place).code == "service_secret_expired")
        })
    }

    /// An answer that is no use.
    pub(super) fn wrong(&self, finding: Finding, words: &str) -> SourceError {
        SourceError::Answer(Box::new(Trouble::found(finding, words, &self.place)))
    }

    fn said(&self, answer: &WebAnswer) -> Result<Said, SourceError> {
        if answer.body.iter().all(u8::is_ascii_whitespace) {
            return Err(self.wrong(Finding::Blank, ""));
        }
        let encoding = self.encoding_of(answer)?;
        let text = encoding
            .decode(&answer.body)
            .map_err(|fault| self.wrong(Finding::Encoding, &format!("{}, line {}", encoding.name(), fault.line)))?;
        let start: String = text.trim_start().chars().take(20).collect::<String>().to_ascii_lowercase();
        if start.starts_with("<!doctype html") || start.starts_with("<html") {
            return Err(self.wrong(Finding::Html, ""));
        }
        let root = xml::document(&text)
            .map_err(|fault| self.wrong(Finding::NotXml, &format!("line {}: {:?}", fault.line, fault.why)))?;
        let fault = body_of(&root).and_then(|body| body.children.iter().find(|child| child.name == "Fault")).map(fault);
        Ok(Said { root, fault })
    }

    /// The encoding that the prolog says, else the header, else the file.
    fn encoding_of(&self, answer: &WebAnswer) -> Result<TextEncoding, SourceError> {
        let header = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).and_then(|value| {
            let (_, charset) = value.split_once("charset=")?;
            Some(charset.split(';').next()?.trim_matches([' ', '"', '\'']).to_owned())
        });
        match xml::declared_encoding(&answer.body).or(header) {
            None => Ok(self.encoding),
            Some(name) => TextEncoding::named(&name).ok_or_else(|| self.wrong(Finding::Encoding, &short(&name))),
        }
    }

    fn records(&self, said: &Said, asked: &[&str]) -> Result<Vec<Vec<Native>>, SourceError> {
        let nowhere = || self.wrong(Finding::NoRecords, &self.records.outer.written());
        let inner;
        let (root, path) = match &self.records.inner {
            None => (&said.root, &self.records.outer),
            Some(path) => {
                let holder = said.root.at(self.records.outer.names());
                let text =
                    holder.first().map(|it| it.text.trim()).filter(|text| !text.is_empty()).ok_or_else(nowhere)?;
                inner = xml::document(text).map_err(|fault| {
                    self.wrong(Finding::NotXml, &format!("{}: line {}", self.records.outer.written(), fault.line))
                })?;
                (&inner, path)
            }
        };
        // A list without items is there; what is not there is another answer than the one that was agreed.
        let (_, above) = path.names().split_last().ok_or_else(nowhere)?;
        if !above.is_empty() && root.at(above).is_empty() {
            return Err(nowhere());
        }
        let mut rows = Vec::new();
        for record in root.at(path.names()) {
            let fields = record.fields().map_err(|_| self.wrong(Finding::ColumnForm, &path.written()))?;
            let names: Vec<String> = fields.iter().map(|(name, _)| name.clone()).collect();
            let value = |column: &String| find_column(&names, column).and_then(|place| fields.get(place));
            if let Some(missing) = self.needed.iter().find(|column| value(column).is_none()) {
                return Err(self.wrong(Finding::NoColumn, missing));
            }
            let native = |column: &String| match value(column) {
                // The call was about this person alone: the file says that nothing else tells whose the record is.
                _ if column == ASKED => asked.first().map_or(Native::Null, |person| Native::Text((*person).to_owned())),
                Some((_, text)) if !text.is_empty() => Native::Text((*text).to_owned()),
                _ => Native::Null,
            };
            let subject = native(&self.subject);
            let number = subject.text().unwrap_or_default();
            // What is about another person is not for this question, whoever else was asked about.
            if !asked.iter().any(|person| is_number_of(&number, person, self.old_numbers)) {
                return Err(SourceError::Answer(Box::new(Self::stranger())));
            }
            rows.push(self.columns.iter().map(native).collect());
        }
        Ok(rows)
    }

    fn stranger() -> Trouble {
        Trouble {
            code: "answers_about_others",
            rung: Rung::Answer,
            what: Text::new(
                "服务给出了没有问到的人的记录",
                "the service answers with a record about a person who was not asked about",
            ),
            mend: Text::new(
                "核对 envelope 和 subject：答复里要有所问的身份号码",
                "check the envelope, and `subject`: the answer has to hold the identity number that was asked",
            ),
            command: None,
            details: String::new(),
        }
    }

    /// The trouble behind a fault: what it says where that is known, else the fault itself.
    fn faulty(&self, code: &str, words: &str) -> Trouble {
        let said = format!("{} {}", short(code), short(words));
        let trouble = Trouble::of_service(said.trim(), &self.place);
        if trouble.code != "service_says_failed" {
            return trouble;
        }
        let (code, details) = (short(code), trouble.details);
        let sender = ["Client", "Sender"].iter().any(|name| code.contains(name));
        let mend = if sender {
            Text::new(
                "服务认为问题写得不对：按其说明改 envelope 和 action",
                "the service takes the question for wrong: correct envelope and action by its description",
            )
        } else {
            Text::new("把原文交给服务的管理员", "give the words below to whoever runs the service")
        };
        Trouble {
            code: "soap_fault",
            rung: Rung::Answer,
            what: Text::new(format!("服务报错（{code}）"), format!("the service answers with a fault ({code})")),
            mend,
            command: None,
            details,
        }
    }
}

impl Said {
    /// The texts at a path, of the message or of the document inside.
    fn texts(&self, path: &AnswerPath) -> Vec<String> {
        let outer = self.root.at(path.outer.names());
        match &path.inner {
            None => outer.into_iter().map(|element| element.text.trim().to_owned()).collect(),
            Some(inner) => {
                let document = outer.first().and_then(|element| xml::document(element.text.trim()).ok());
                let at =
                    |root: &Element| root.at(inner.names()).into_iter().map(|it| it.text.trim().to_owned()).collect();
                document.as_ref().map(at).unwrap_or_default()
            }
        }
    }

    fn first(&self, path: &AnswerPath) -> Option<String> {
        self.texts(path).into_iter().next()
    }

    fn holds(&self, path: &AnswerPath, equals: &[String]) -> bool {
        self.texts(path).iter().any(|text| equals.contains(text))
    }
}

fn body_of(root: &Element) -> Option<&Element> {
    root.children.iter().find(|child| child.name == "Body").filter(|_| root.name == "Envelope")
}

/// Code and words of a fault: `faultcode` and `faultstring` of SOAP 1.1, `Code` and `Reason` of SOAP 1.2.
fn fault(fault: &Element) -> (String, String) {
    let text = |path: &[&str]| {
        let names: Vec<String> = std::iter::once("Fault").chain(path.iter().copied()).map(str::to_owned).collect();
        fault.at(&names).first().map(|element| element.text.trim().to_owned())
    };
    let code = text(&["faultcode"]).or_else(|| text(&["Code", "Value"])).unwrap_or_default();
    let words = text(&["faultstring"]).or_else(|| text(&["Reason", "Text"])).unwrap_or_default();
    (code, words)
}

fn short(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).take(MAX_WORDS).collect()
}
