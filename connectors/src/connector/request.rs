//! `request` of a dataset: one call, with places for the values of a question.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::auth::{is_header_value, is_path};
use super::checked::{At, Checker};
use super::http::{HttpAsk, HttpInfo, Meaning, Paging, PagingKind};
use super::template::{Body, Given, Template, TemplateError};
use super::{Connector, Parameter, SourceInfo};
use crate::error::{Fault, Faults, Text};
use crate::json_path::JsonPath;
use crate::words;

/// `request` of a dataset.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestTable {
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    #[serde(default)]
    pub(super) query: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) json: Option<toml::Value>,
    pub(super) form: Option<BTreeMap<String, String>>,
    pub(super) person: Option<toml::Value>,
    pub(super) infno: Option<String>,
}

/// Checks a request by itself; what its answers are like is filled in by the dataset.
pub(super) fn request_of(
    checker: &mut Checker<'_>,
    here: &At<'_>,
    info: &HttpInfo,
    table: &RequestTable,
    parameters: &BTreeMap<String, Parameter>,
) -> Option<HttpAsk> {
    let wrong = |checker: &mut Checker<'_>, zh: &str, en: &str| {
        checker.fault(
            "request_form",
            here,
            Text::new(zh, en),
            Text::new("按 connectors/README.md 的“网络服务”一节改正", "see \"Services\" in connectors/README.md"),
        );
        None
    };
    let post = match (table.method.as_deref(), table.json.is_some() || table.form.is_some()) {
        (None | Some("POST"), _) => true,
        (Some("GET"), false) => false,
        _ => {
            return wrong(
                checker,
                "method 是 \"POST\" 或 \"GET\"；GET 没有 json 和 form",
                "method is \"POST\" or \"GET\", and GET has neither json nor form",
            );
        }
    };
    let path = table.path.clone().unwrap_or_default();
    if !(is_path(&path) || path.is_empty() && info.envelope.is_some()) {
        return wrong(
            checker,
            "path 以 / 开头，只用可见的 ASCII 字符，没有 ? 和 #",
            "path begins with / and has visible ASCII only, without ? and #",
        );
    }
    if table.headers.iter().any(|(name, value)| is_kept_for_us(name) || !is_header_value(value)) {
        return wrong(
            checker,
            "headers 的名字或值不可用；Host、Content-Length 之类由本程序写",
            "a name or value of headers cannot be used; Host, Content-Length and the like are written by this program",
        );
    }
    if table.infno.is_some() != info.envelope.is_some() {
        return wrong(
            checker,
            "infno 与 [source.envelope] 同时写或都不写",
            "infno goes with [source.envelope]: both or neither",
        );
    }
    let given = Given { parameters };
    let mut faults = Vec::new();
    let mut places = |texts: &BTreeMap<String, String>| {
        let mut made = Vec::with_capacity(texts.len());
        for (name, text) in texts {
            made.extend(kept(&mut faults, given.place(text)).map(|place| (name.clone(), place)));
        }
        made
    };
    let query = places(&table.query);
    let body = match (&table.json, &table.form) {
        (None, None) => Some(Body::None),
        (None, Some(form)) => Some(Body::Form(places(form))),
        (Some(json), None) => kept(&mut faults, given.tree(json)).map(Body::Json),
        (Some(_), Some(_)) => return wrong(checker, "json 与 form 只写一个", "write json or form, not both"),
    };
    let person = table.person.as_ref().and_then(|person| kept(&mut faults, given.tree(person)));
    for error in &faults {
        checker.fault("request_parameter", here, error.text(), error.mend());
    }
    if !faults.is_empty() {
        return None;
    }
    Some(HttpAsk {
        post,
        path,
        query,
        headers: table.headers.clone().into_iter().collect(),
        body: body?,
        person,
        infno: table.infno.clone(),
        records: JsonPath::of_record(""),
        columns: BTreeMap::new(),
        persons_per_call: 1,
        paging: Paging::default(),
        meaning: Meaning::default(),
        parameters: parameters.clone(),
        service: None,
    })
}

/// A request by itself, as `request` of a dataset has it, towards the service of a connector.
pub(crate) fn probe(text: &str, connector: &Connector) -> Result<HttpAsk, Faults> {
    #[derive(Deserialize)]
    struct Probe {
        request: RequestTable,
    }
    let wrong = |fault| Faults::one(&connector.file, fault);
    let line = format!("request = {text}");
    let unread = |what: Text| Fault {
        code: "request_form",
        place: "--request".to_owned(),
        line: None,
        what,
        mend: Text::new(
            "写 --request '{ path = \"/…\", json = { sfzh = \":id_number\" } }'",
            "write --request '{ path = \"/…\", json = { id = \":id_number\" } }'",
        ),
    };
    let other_kind =
        Text::new("只有 kind = \"http\" 的数据源能这样试问", "only a source of kind = \"http\" can be asked so");
    let SourceInfo::Http(info) = &connector.source else { return Err(wrong(unread(other_kind))) };
    let Probe { request } =
        toml::from_str(&line).map_err(|error: toml::de::Error| wrong(unread(words::of_form(&error))))?;
    let (mut checker, none) = (Checker::of(&line), BTreeMap::new());
    let here = At { place: "--request", span: None };
    let ask = request_of(&mut checker, &here, info, &request, &none);
    ask.ok_or_else(|| Faults { file: connector.file.clone(), faults: checker.faults() })
}

/// A header that HTTP itself, or access, goes by.
fn is_kept_for_us(name: &str) -> bool {
    const OURS: [&str; 10] = [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "accept-encoding",
        "authorization",
        "upgrade",
        "te",
        "trailer",
        "expect",
    ];
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    name.is_empty() || !plain || OURS.contains(&name.to_ascii_lowercase().as_str())
}

/// What was made, unless it is a fault, which is kept.
fn kept<T>(faults: &mut Vec<TemplateError>, made: Result<T, TemplateError>) -> Option<T> {
    made.map_err(|fault| faults.push(fault)).ok()
}

/// That a request names the person or persons it is about, and its page, and every parameter that is defined.
pub(super) fn uses(
    checker: &mut Checker<'_>,
    here: &At<'_>,
    ask: &HttpAsk,
    persons: usize,
    paging: &Paging,
    parameters: &BTreeMap<String, Parameter>,
) -> bool {
    let mut used = Vec::new();
    for (_, place) in &ask.query {
        used.push(place.template());
    }
    match &ask.body {
        Body::None => {}
        Body::Json(tree) => tree.templates(&mut used),
        Body::Form(fields) => used.extend(fields.iter().map(|(_, place)| place.template())),
    }
    let mut of_person = Vec::new();
    if let Some(person) = &ask.person {
        person.templates(&mut of_person);
    }
    let has = |wanted: &Template| used.iter().any(|one| one.as_ref() == Some(wanted));
    let list = has(&Template::IdNumbers) || has(&Template::Persons);
    let each = of_person.contains(&Some(Template::IdNumber));
    let mut faults = Vec::new();
    if has(&Template::Persons) != ask.person.is_some() || ask.person.is_some() && !each {
        faults.push((
            "`:persons` 要有 person = { …, \":id_number\" }，反之亦然",
            "`:persons` needs person = { … } with \":id_number\" in it, and the other way round",
        ));
    } else if persons == 1 && !has(&Template::IdNumber) && !list {
        faults.push((
            "请求里没有 :id_number，会问不出是谁",
            "the request has no :id_number, so that it asks about nobody",
        ));
    } else if persons > 1 && (!list || has(&Template::IdNumber)) {
        faults.push((
            "persons_per_call 大于 1 时，请求里用 :id_numbers 或 :persons，不用 :id_number",
            "where persons_per_call is more than 1, the request has :id_numbers or :persons, and no :id_number",
        ));
    }
    let paged = match paging.kind {
        PagingKind::None => true,
        PagingKind::Start(_) => has(&Template::Start),
        PagingKind::Page(_) => has(&Template::Page),
        PagingKind::Token(_) => has(&Template::Token),
    };
    if !paged {
        faults.push((
            "请求里没有翻页用的参数（:start、:page 或 :token）",
            "the request does not have what its paging goes by (:start, :page or :token)",
        ));
    }
    for (zh, en) in &faults {
        checker.fault(
            "request_parameter",
            here,
            Text::new(*zh, *en),
            Text::new("补进 query、json 或 form", "put it into query, json or form"),
        );
    }
    let mut sound = faults.is_empty();
    for name in parameters.keys() {
        let wanted = Template::Day(name.clone());
        if !has(&wanted) && !of_person.iter().any(|one| one.as_ref() == Some(&wanted)) {
            sound = false;
            checker.fault(
                "parameter_unused",
                here,
                Text::new(format!("请求没有用到参数 {name}"), format!("the request does not use the parameter {name}")),
                Text::new("删掉它，或在请求里使用", "remove it, or use it in the request"),
            );
        }
    }
    sound
}
