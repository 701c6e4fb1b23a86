//! From a question to one call: every value is put in as a value.

use hyper::Method;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::super::SourceError;
use super::super::trouble::{Finding, Trouble, Whereabouts};
use super::super::web::WebCall;
use super::envelope::Envelope;
use super::{Asked, Group};
use crate::connector::{Body, Paging, PagingKind, Place, Template, Tree};
use crate::protocol::QueryPeriod;

/// Which page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// Which it is, from 0.
    pub(super) place: usize,
    start: u64,
    number: u64,
    size: usize,
    token: Option<String>,
}

impl Page {
    pub(super) fn first(paging: &Paging) -> Self {
        let (start, number) = match paging.kind {
            PagingKind::Start(first) => (first, 1),
            PagingKind::Page(first) => (0, first),
            PagingKind::None | PagingKind::Token(_) => (0, 1),
        };
        Self { place: 0, start, number, size: paging.size, token: None }
    }

    /// The page after it, when `read` records have been read in all.
    pub(super) fn next(&self, paging: &Paging, read: usize, token: Option<String>) -> Self {
        let first = match paging.kind {
            PagingKind::Start(first) => first,
            _ => 0,
        };
        let start = first.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Self { place: self.place + 1, start, number: self.number.saturating_add(1), size: self.size, token }
    }
}

/// What the values of a call are taken from.
struct Values<'a> {
    asked: &'a Asked,
    group: Group<'a>,
    period: QueryPeriod,
    page: &'a Page,
}

impl Asked {
    /// The call that asks about a group.
    pub(super) fn call(
        &self,
        group: Group<'_>,
        period: QueryPeriod,
        page: &Page,
        envelope: Option<&Envelope>,
        now: Timestamp,
        place: &Whereabouts,
    ) -> Result<WebCall, SourceError> {
        let values = Values { asked: self, group, period, page };
        let mut query = Serializer::new(String::new());
        for (name, place) in &self.ask.query {
            query.append_pair(name, &values.text(place));
        }
        let mut headers = vec![(ACCEPT, HeaderValue::from_static("application/json"))];
        for (name, value) in &self.ask.headers {
            match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
                (Ok(name), Ok(value)) => headers.push((name, value)),
                _ => return Err(SourceError::Statement(Box::new(Trouble::found(Finding::Target, name, place)))),
            }
        }
        let body = match (&self.ask.body, envelope, &self.ask.infno) {
            (body, Some(envelope), Some(infno)) => {
                let input = match body {
                    Body::Json(tree) => values.json(tree),
                    Body::None | Body::Form(_) => Value::Object(serde_json::Map::new()),
                };
                headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8")));
                envelope.wrap(infno, &input, now)
            }
            (Body::Json(tree), ..) => {
                headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8")));
                values.json(tree).to_string()
            }
            (Body::Form(fields), ..) => {
                headers.push((CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")));
                let mut form = Serializer::new(String::new());
                for (name, place) in fields {
                    form.append_pair(name, &values.text(place));
                }
                form.finish()
            }
            (Body::None, ..) => String::new(),
        };
        let method = if self.ask.post { Method::POST } else { Method::GET };
        Ok(WebCall { method, path: self.ask.path.clone(), query: query.finish(), headers, body: body.into() })
    }
}

impl Values<'_> {
    /// A value as text, for a query or form.
    fn text(&self, place: &Place) -> String {
        match place {
            Place::Constant(text) => text.clone(),
            Place::Value(template) => match self.value(template, 0) {
                Value::String(text) => text,
                Value::Null => String::new(),
                other => other.to_string(),
            },
        }
    }

    fn json(&self, tree: &Tree) -> Value {
        self.tree(tree, 0)
    }

    /// A tree about the person of this place in the group.
    fn tree(&self, tree: &Tree, person: usize) -> Value {
        match tree {
            Tree::Constant(value) => value.clone(),
            Tree::Value(template) => self.value(template, person),
            Tree::List(items) => items.iter().map(|item| self.tree(item, person)).collect(),
            Tree::Object(members) => {
                members.iter().map(|(name, member)| (name.clone(), self.tree(member, person))).collect()
            }
        }
    }

    fn value(&self, template: &Template, person: usize) -> Value {
        let of = |texts: &[&str]| Value::from(texts.get(person).copied().unwrap_or_default());
        match template {
            Template::IdNumber => of(self.group.id_numbers),
            Template::Name => of(self.group.names),
            Template::IdNumbers => self.group.id_numbers.iter().copied().map(Value::from).collect(),
            Template::Persons => {
                let Some(tree) = &self.asked.ask.person else { return Value::Null };
                (0..self.group.id_numbers.len()).map(|place| self.tree(tree, place)).collect()
            }
            Template::Start => self.page.start.into(),
            Template::Limit => self.page.size.into(),
            Template::Page => self.page.number.into(),
            Template::Token => self.page.token.clone().map_or(Value::Null, Value::from),
            Template::Day(name) => match self.asked.ask.parameters.get(name) {
                None => Value::Null,
                Some(parameter) => {
                    let written = parameter.written(self.period);
                    match written.parse::<i64>() {
                        Ok(number) if parameter.integer => number.into(),
                        _ => written.into(),
                    }
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_go_on_from_what_was_read() {
        let paging = |kind| Paging { kind, size: 50, total: None, key: None };
        let start = Page::first(&paging(PagingKind::Start(1)));
        assert_eq!((start.start, start.size), (1, 50));
        assert_eq!(start.next(&paging(PagingKind::Start(1)), 50, None).start, 51);
        let page = Page::first(&paging(PagingKind::Page(0)));
        assert_eq!((page.number, page.next(&paging(PagingKind::Page(0)), 50, None).number), (0, 1));
        let token = Page::first(&paging(PagingKind::None)).next(&paging(PagingKind::None), 50, Some("t".into()));
        assert_eq!((token.token.as_deref(), token.place), (Some("t"), 1));
    }
}
