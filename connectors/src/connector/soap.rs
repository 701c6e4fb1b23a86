//! `kind = "soap"`: a service that is asked and answers in XML (SOAP 1.1 and 1.2).

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::auth::AuthInfo;
use super::checked::{At, Checker, at};
use super::web::{self, WebInfo};
use super::xml_template::{XmlTemplate, XmlTemplateError, XmlValue};
use super::{Ask, Parameter, SourceInfo};
use crate::error::Text;
use crate::protocol::MAX_SUBJECTS;
use crate::text::TextEncoding;
use crate::xml::XmlPath;

/// A service that answers in XML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoapInfo {
    /// Where it is, and how it is reached.
    pub web: WebInfo,
    /// SOAP 1.2; otherwise 1.1.
    pub is_12: bool,
    /// What questions are written in, and answers that do not say.
    pub encoding: TextEncoding,
    /// How many rows one question may give; more is an error, never a cut-off answer.
    pub max_rows: usize,
    /// What its answers mean.
    pub meaning: SoapMeaning,
}

/// What an answer means. Whatever is neither sound nor said to be no record is an error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SoapMeaning {
    /// The answer is sound when all of these hold.
    pub ok_when: Vec<XmlCondition>,
    /// It says that nothing is known of the person when one of these holds, also of a fault.
    pub no_record_when: Vec<XmlCondition>,
    /// Where it says what is wrong.
    pub error_message: Option<AnswerPath>,
}

/// A condition on an answer: one of these texts stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XmlCondition {
    /// The path.
    pub at: AnswerPath,
    /// The texts.
    pub equals: Vec<String>,
}

/// A path in an answer; what stands after `!` is in a document of its own, which is the text of the element before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerPath {
    /// The path in the message.
    pub outer: XmlPath,
    /// The path in the document inside, where there is one.
    pub inner: Option<XmlPath>,
}

/// How a service is asked for a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoapAsk {
    /// The path below the service's address.
    pub path: String,
    /// `SOAPAction` of SOAP 1.1, `action` of SOAP 1.2.
    pub action: String,
    /// The whole message.
    pub envelope: XmlTemplate,
    /// What `:persons` has of each person.
    pub person: Option<XmlTemplate>,
    /// Where the records are.
    pub records: AnswerPath,
    /// How many persons one call asks about.
    pub persons_per_call: usize,
    /// How many records a page has, where the answer comes in pages.
    pub page_size: Option<usize>,
    /// The parameters made from the period.
    pub parameters: BTreeMap<String, Parameter>,
}

impl AnswerPath {
    /// Reads a path; `None` when it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.split_once('!') {
            None => Some(Self { outer: XmlPath::parse(text)?, inner: None }),
            Some((outer, inner)) => Some(Self { outer: XmlPath::parse(outer)?, inner: Some(XmlPath::parse(inner)?) }),
        }
    }
}

/// The keys of `[source]` that are its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SoapTable {
    #[expect(dead_code, reason = "read before this table is")]
    pub(super) kind: String,
    pub(super) version: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) max_rows: Option<usize>,
    pub(super) answer: Option<SoapAnswerTable>,
}

/// `[source.answer]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SoapAnswerTable {
    #[serde(default)]
    pub(super) ok_when: Vec<XmlConditionTable>,
    #[serde(default)]
    pub(super) no_record_when: Vec<XmlConditionTable>,
    pub(super) error_message: Option<String>,
}

/// A condition as TOML.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct XmlConditionTable {
    pub(super) at: String,
    pub(super) equals: Vec<String>,
}

/// `soap` of a dataset.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SoapAskTable {
    pub(super) path: Option<String>,
    pub(super) action: Option<String>,
    pub(super) envelope: Spanned<String>,
    pub(super) person: Option<String>,
    pub(super) persons_per_call: Option<usize>,
    pub(super) page_size: Option<usize>,
}

pub(super) fn source(checker: &mut Checker<'_>, place: &At<'_>, mut table: toml::Table) -> Option<SourceInfo> {
    let web = web::web(checker, place, &mut table);
    let mend = ("按 connectors/README.md 的“SOAP”一节改正", "write it as \"SOAP\" in connectors/README.md has it");
    let table: SoapTable = checker.read(place, table, mend)?;
    let mut wrong = |what: (&str, &str), mend: (&str, &str)| {
        checker.fault("source_soap", place, Text::new(what.0, what.1), Text::new(mend.0, mend.1));
    };
    let is_12 = match table.version.as_deref() {
        None | Some("1.1") => Some(false),
        Some("1.2") => Some(true),
        Some(_) => None,
    };
    if is_12.is_none() {
        wrong(
            ("不认识这个 version", "version is none that is spoken here"),
            ("写 \"1.1\"（默认）或 \"1.2\"", "write \"1.1\", the default, or \"1.2\""),
        );
    }
    let encoding = TextEncoding::named(table.encoding.as_deref().unwrap_or("utf-8"));
    if encoding.is_none() {
        wrong(
            ("不认识这个 encoding", "encoding is none that is read here"),
            ("写 \"utf-8\" 或 \"gb18030\"（含 GBK）", "write \"utf-8\" or \"gb18030\", which GBK is part of"),
        );
    }
    let max_rows = table.max_rows.unwrap_or(5_000);
    if !(1..=1_000_000).contains(&max_rows) {
        wrong(
            ("max_rows 超出范围", "max_rows is out of range"),
            ("max_rows 取 1 至 1000000", "max_rows is 1 to 1000000"),
        );
        return None;
    }
    let meaning = table.answer.map_or_else(|| Some(SoapMeaning::default()), |table| meaning(checker, place, &table));
    let info = SoapInfo { web: web?, is_12: is_12?, encoding: encoding?, max_rows, meaning: meaning? };
    Some(SourceInfo::Soap(Box::new(info)))
}

fn meaning(checker: &mut Checker<'_>, place: &At<'_>, table: &SoapAnswerTable) -> Option<SoapMeaning> {
    let condition = |table: &XmlConditionTable| {
        let at = AnswerPath::parse(&table.at)?;
        (!table.equals.is_empty()).then(|| XmlCondition { at, equals: table.equals.clone() })
    };
    let all = |tables: &[XmlConditionTable]| tables.iter().map(condition).collect::<Option<Vec<_>>>();
    let error_message = match &table.error_message {
        None => Some(None),
        Some(path) => AnswerPath::parse(path).map(Some),
    };
    if let (Some(ok_when), Some(no_record_when), Some(error_message)) =
        (all(&table.ok_when), all(&table.no_record_when), error_message)
    {
        return Some(SoapMeaning { ok_when, no_record_when, error_message });
    }
    checker.fault(
        "condition_form",
        &At { place: "source.answer", span: place.span.clone() },
        Text::new("有不可用的条件或路径", "a condition or path cannot be used"),
        Text::new(
            "写 { at = \"Envelope/Body/…/code\", equals = [\"0\"] }，从信封起的路径",
            "write { at = \"Envelope/Body/…/code\", equals = [\"0\"] }, the path from the envelope",
        ),
    );
    None
}

/// `soap` and `records` of a dataset.
pub(super) fn ask(
    checker: &mut Checker<'_>,
    place: &At<'_>,
    info: &SoapInfo,
    table: Option<&Spanned<SoapAskTable>>,
    records: Option<&Spanned<String>>,
    parameters: BTreeMap<String, Parameter>,
) -> Option<Ask> {
    let records = records.and_then(|path| AnswerPath::parse(path.get_ref()));
    if records.is_none() {
        checker.fault(
            "dataset_records",
            place,
            Text::new("没有写 records，或它不是路径", "`records` is missing, or is no path"),
            Text::new(
                "写 records = \"Envelope/Body/…/记录\"；答复里是一段 XML 文本时写 …/return!根/…/记录",
                "write records = \"Envelope/Body/…/record\"; where the answer holds XML as text, …/return!root/…/record",
            ),
        );
    }
    let Some(table) = table else {
        checker.fault(
            "soap_missing",
            place,
            Text::new("没有写 [dataset.soap]", "[dataset.soap] is missing"),
            Text::new("写 [dataset.soap]，其中有 action 和 envelope", "write [dataset.soap] with action and envelope"),
        );
        return None;
    };
    let here = at(place.place, table.span());
    let table = table.get_ref();
    let line = table.envelope.span();
    let envelope = template(checker, &at(place.place, line), "envelope", table.envelope.get_ref(), &parameters);
    let person = match &table.person {
        None => Some(None),
        Some(text) => template(checker, &here, "person", text, &parameters).map(Some),
    };
    let persons_per_call = table.persons_per_call.unwrap_or(1);
    let path = table.path.clone().unwrap_or_default();
    let action = table.action.clone().unwrap_or_default();
    let (envelope, person) = (envelope?, person?);
    let uses = |value: XmlValue| envelope.values().any(|used| *used == value);
    let one = uses(XmlValue::IdNumber);
    let list = uses(XmlValue::Persons)
        && person.as_ref().is_some_and(|person| person.values().any(|used| *used == XmlValue::IdNumber));
    let signs = uses(XmlValue::Sign);
    let header = [XmlValue::Requester, XmlValue::Service, XmlValue::Time].into_iter().any(uses);
    let signed = matches!(info.web.auth, AuthInfo::Signed(_));
    let pages = uses(XmlValue::Start) || uses(XmlValue::Page);
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    let mut wrong = |zh: &str, en: &str| {
        checker.fault(
            "soap_form",
            &here,
            Text::new(zh, en),
            Text::new("按 connectors/README.md 改正", "see connectors/README.md"),
        );
    };
    let before = wrong_count(
        &mut wrong,
        &[
            (
                one || list,
                "envelope 里没有问谁：写 :id_number，或 :persons 和 person",
                "the envelope asks about nobody: it has :id_number, or :persons with `person`",
            ),
            (!(one && list), ":id_number 和 :persons 只能用一个", "an envelope has :id_number or :persons, not both"),
            (
                signs == signed && (signed || !header),
                ":rid、:sid、:rtime、:sign 要和 [source.auth] kind = \"signed\" 一起用",
                ":rid, :sid, :rtime and :sign belong together with [source.auth] kind = \"signed\"",
            ),
            (list || persons_per_call == 1, "一次问几个人要用 :persons", "several persons in one call need :persons"),
            (
                (1..=MAX_SUBJECTS).contains(&persons_per_call),
                "persons_per_call 超出范围",
                "persons_per_call is out of range (1 to 500)",
            ),
            (
                pages == table.page_size.is_some(),
                "page_size 要和 :start 或 :page 一起用",
                "page_size and one of :start and :page belong together",
            ),
            (
                table.page_size.is_none_or(|size| (1..=100_000).contains(&size)),
                "page_size 超出范围",
                "page_size is out of range (1 to 100000)",
            ),
            (
                path.is_empty() || path.starts_with('/') && plain(&path) && !path.contains(['?', '#']),
                "path 要以 / 开头",
                "path begins with / and has no ? or #",
            ),
            (plain(&action), "action 里有不可用的字符", "action has characters that a header cannot carry"),
        ],
    );
    let ask = SoapAsk {
        path,
        action,
        envelope,
        person,
        records: records?,
        persons_per_call,
        page_size: table.page_size,
        parameters,
    };
    (before == 0).then_some(Ask::Soap(Box::new(ask)))
}

/// Tells each statement that does not hold; how many there are.
fn wrong_count(tell: &mut impl FnMut(&str, &str), statements: &[(bool, &str, &str)]) -> usize {
    let wrong = statements.iter().filter(|(holds, ..)| !holds);
    wrong.map(|(_, zh, en)| tell(zh, en)).count()
}

fn template(
    checker: &mut Checker<'_>,
    place: &At<'_>,
    key: &str,
    text: &str,
    parameters: &BTreeMap<String, Parameter>,
) -> Option<XmlTemplate> {
    let error = match XmlTemplate::parse(text, parameters) {
        Ok(template) => return Some(template),
        Err(error) => error,
    };
    let (zh, en) = match error {
        XmlTemplateError::Form(line) => (
            format!("{key} 第 {line} 行起不是完整的 XML，或有注释、CDATA、声明"),
            format!("{key}, line {line}: not well-formed XML, or with a comment, a section or a prolog"),
        ),
        XmlTemplateError::Unknown(name) => {
            (format!("{key} 里的 :{name} 没有定义"), format!("{key}: there is no value :{name}"))
        }
        XmlTemplateError::Inside(name) => {
            (format!("{key} 里的 :{name} 夹在别的文字中间"), format!("{key}: :{name} stands inside of another text"))
        }
    };
    checker.fault(
        "soap_template",
        place,
        Text::new(zh, en),
        Text::new(
            "值要占满元素或属性：<sfzh>:id_number</sfzh>；可用 :id_number :name :persons :start :page :limit :rid :sid :rtime :sign 和 parameters 里的名称",
            "a value is the whole of an element or attribute: <id>:id_number</id>; there are :id_number, :name, :persons, :start, :page, :limit, :rid, :sid, :rtime, :sign and the names in `parameters`",
        ),
    );
    None
}
