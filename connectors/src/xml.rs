//! XML as departments hand it over: elements, attributes and text, and nothing that a document could be made to
//! do with the one who reads it. A document type is refused, so there are no entities but the five of XML itself.

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::text::line_at;

/// Elements may stand this deep in each other.
const MAX_DEPTH: usize = 64;

/// A record may have this many fields.
const MAX_FIELDS: usize = 500;

/// An element.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name without the prefix of a namespace.
    pub name: String,
    /// Its attributes, without those that declare namespaces.
    pub attributes: Vec<(String, String)>,
    /// The elements in it.
    pub children: Vec<Element>,
    /// The text in it, outside of its children.
    pub text: String,
}

/// Names of elements from the outermost to one in it: `DATA/ROWS/ROW`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XmlPath(Vec<String>);

/// Why a document cannot be read, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XmlFault {
    /// The line, from 1.
    pub line: usize,
    /// Why.
    pub why: XmlWhy,
}

/// Why a document cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XmlWhy {
    /// It is not well formed.
    Form,
    /// It has a document type, or a reference to an entity that XML itself does not have.
    Entity,
    /// Its elements stand too deep in each other, or a record has too many fields.
    Large,
    /// A record has a field twice, or text beside its fields.
    Record,
}

impl XmlPath {
    /// Reads a path; `None` when a name in it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let names: Vec<String> = text.trim_matches('/').split('/').map(str::to_owned).collect();
        let is_name = |name: &String| {
            !name.is_empty() && name.chars().all(|it| it.is_alphanumeric() || matches!(it, '_' | '-' | '.'))
        };
        (names.len() <= MAX_DEPTH && names.iter().all(is_name)).then_some(Self(names))
    }

    /// The names, outermost first.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }

    /// The path as it is written.
    pub(crate) fn written(&self) -> String {
        self.0.join("/")
    }
}

impl std::fmt::Debug for Element {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Element({}, hidden)", self.name)
    }
}

impl Element {
    /// The elements at a path, of which this one is the first name.
    pub(crate) fn at<'a>(&'a self, path: &[String]) -> Vec<&'a Self> {
        match path.split_first() {
            Some((first, rest)) if *first == self.name => rest.iter().fold(vec![self], |found, name| {
                found.into_iter().flat_map(|it| &it.children).filter(|child| child.name == *name).collect()
            }),
            _ => Vec::new(),
        }
    }

    /// The fields of a record: its attributes and the elements in it, those within others by their path.
    pub(crate) fn fields(&self) -> Result<Vec<(String, &str)>, XmlWhy> {
        let mut fields: Vec<(String, &str)> =
            self.attributes.iter().map(|(name, value)| (name.clone(), value.as_str())).collect();
        let mut open: Vec<(String, &Self)> = self.children.iter().rev().map(|it| (it.name.clone(), it)).collect();
        if !open.is_empty() && !self.text.trim().is_empty() {
            return Err(XmlWhy::Record);
        }
        while let Some((path, element)) = open.pop() {
            if element.children.is_empty() {
                let nil = element.attributes.iter().any(|(name, value)| name == "nil" && value == "true");
                fields.push((path, if nil { "" } else { &element.text }));
            } else if element.text.trim().is_empty() {
                open.extend(element.children.iter().rev().map(|it| (format!("{path}/{}", it.name), it)));
            } else {
                return Err(XmlWhy::Record);
            }
            if fields.len() > MAX_FIELDS {
                return Err(XmlWhy::Large);
            }
        }
        let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err(XmlWhy::Record);
        }
        Ok(fields)
    }
}

/// The whole of a document, for answers of a service, which are small.
pub fn document(text: &str) -> Result<Element, XmlFault> {
    let mut parser = Parser::new(text);
    let mut root = None;
    while let Some((start, empty)) = parser.open()? {
        if root.is_some() {
            return Err(parser.fault(XmlWhy::Form));
        }
        root = Some(parser.element(&start, empty)?);
    }
    root.ok_or_else(|| parser.fault(XmlWhy::Form))
}

/// Hands each record at `path` to `take`, with its line, until it says that this was enough.
pub(crate) fn records(
    text: &str,
    path: &XmlPath,
    mut take: impl FnMut(usize, Element) -> Result<(), XmlWhy>,
) -> Result<(), XmlFault> {
    let mut parser = Parser::new(text);
    let mut seen = false;
    let mut open: Vec<String> = Vec::new();
    while let Some(event) = parser.step()? {
        match event {
            Step::Open(start, empty) => {
                if open.is_empty() && std::mem::replace(&mut seen, true) {
                    return Err(parser.fault(XmlWhy::Form));
                }
                open.push(start.local_name().into_inner().to_owned());
                if open == path.names() {
                    let line = parser.line();
                    let element = parser.element(&start, empty)?;
                    open.pop();
                    take(line, element).map_err(|why| XmlFault { line, why })?;
                } else if empty {
                    open.pop();
                }
                if open.len() > MAX_DEPTH {
                    return Err(parser.fault(XmlWhy::Large));
                }
            }
            Step::Close => drop(open.pop()),
            Step::Text(text) if open.is_empty() && !text.trim().is_empty() => {
                return Err(parser.fault(XmlWhy::Form));
            }
            Step::Text(_) => {}
        }
    }
    if seen && open.is_empty() { Ok(()) } else { Err(parser.fault(XmlWhy::Form)) }
}

/// What is met on the way through a document.
enum Step<'a> {
    Open(BytesStart<'a>, bool),
    Close,
    Text(String),
}

struct Parser<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().enable_all_checks(true);
        Self { text, reader }
    }

    fn line(&self) -> usize {
        line_at(self.text.as_bytes(), usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX))
    }

    fn fault(&self, why: XmlWhy) -> XmlFault {
        let place = self.reader.error_position().max(self.reader.buffer_position());
        XmlFault { line: line_at(self.text.as_bytes(), usize::try_from(place).unwrap_or(usize::MAX)), why }
    }

    /// The next step; `None` at the end.
    fn step(&mut self) -> Result<Option<Step<'a>>, XmlFault> {
        loop {
            let event = self.reader.read_event().map_err(|_| self.fault(XmlWhy::Form))?;
            return Ok(Some(match event {
                Event::Start(start) => Step::Open(start, false),
                Event::Empty(start) => Step::Open(start, true),
                Event::End(_) => Step::Close,
                Event::Text(text) => Step::Text(text.xml10_content().into_owned()),
                Event::CData(text) => Step::Text(text.xml10_content().into_owned()),
                Event::GeneralRef(reference) => Step::Text(if reference.is_char_ref() {
                    let character = reference.resolve_char_ref().ok().flatten();
                    character.filter(|it| is_allowed(*it)).ok_or_else(|| self.fault(XmlWhy::Form))?.to_string()
                } else {
                    let known = resolve_xml_entity(&reference).map(str::to_owned);
                    known.ok_or_else(|| self.fault(XmlWhy::Entity))?
                }),
                Event::DocType(_) => return Err(self.fault(XmlWhy::Entity)),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => continue,
                Event::Eof => return Ok(None),
            }));
        }
    }

    /// The next element at the outermost level; `None` at the end.
    fn open(&mut self) -> Result<Option<(BytesStart<'a>, bool)>, XmlFault> {
        loop {
            match self.step()? {
                None => return Ok(None),
                Some(Step::Open(start, empty)) => return Ok(Some((start, empty))),
                Some(Step::Text(text)) if text.trim().is_empty() => {}
                Some(Step::Text(_) | Step::Close) => return Err(self.fault(XmlWhy::Form)),
            }
        }
    }

    /// The element that begins with `start`, to its end.
    fn element(&mut self, start: &BytesStart<'a>, empty: bool) -> Result<Element, XmlFault> {
        let mut current = self.begun(start)?;
        if empty {
            return Ok(current);
        }
        let mut above: Vec<Element> = Vec::new();
        loop {
            match self.step()? {
                None => return Err(self.fault(XmlWhy::Form)),
                Some(Step::Text(text)) => current.text.push_str(&text),
                Some(Step::Open(start, true)) => current.children.push(self.begun(&start)?),
                Some(Step::Open(start, false)) => {
                    if above.len() >= MAX_DEPTH {
                        return Err(self.fault(XmlWhy::Large));
                    }
                    above.push(std::mem::replace(&mut current, self.begun(&start)?));
                }
                Some(Step::Close) => match above.pop() {
                    Some(mut parent) => {
                        parent.children.push(current);
                        current = parent;
                    }
                    None => return Ok(current),
                },
            }
        }
    }

    fn begun(&self, start: &BytesStart<'_>) -> Result<Element, XmlFault> {
        let mut element = Element { name: start.local_name().into_inner().to_owned(), ..Element::default() };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| self.fault(XmlWhy::Form))?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| self.fault(XmlWhy::Entity))?;
            let name = attribute.key.into_inner();
            if name != "xmlns" && !name.starts_with("xmlns:") {
                element.attributes.push((attribute.key.local_name().into_inner().to_owned(), value.into_owned()));
            }
        }
        Ok(element)
    }
}

/// A character that a document may have (XML 1.0, 2.2).
pub(crate) fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// The encoding that the prolog of a document names, which is written in ASCII in every encoding we read.
pub(crate) fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let prolog = bytes.strip_prefix(b"<?xml")?;
    let end = prolog.windows(2).take(200).position(|pair| pair == b"?>")?;
    let prolog = String::from_utf8_lossy(prolog.get(..end)?).into_owned();
    let (_, rest) = prolog.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|it| matches!(it, '"' | '\''))?;
    rest.get(1..)?.split(quote).next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str, path: &str) -> Result<Vec<Vec<(String, String)>>, XmlFault> {
        let mut found = Vec::new();
        records(text, &XmlPath::parse(path).unwrap(), |_, element| {
            found.push(element.fields()?.into_iter().map(|(name, value)| (name, value.to_owned())).collect());
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn records_are_read_by_their_path_with_elements_and_attributes() {
        let text = "<?xml version=\"1.0\"?>\n<g:DATA xmlns:g=\"urn:x\">\n<HEAD><ROW><A>no</A></ROW></HEAD>\n\
                    <ROWS><ROW id='7'><AAC002> 1 </AAC002><AAC003>阿&#x00B7;<![CDATA[乌<拉]]>&amp;</AAC003><K><B/></K></ROW>\n<ROW/></ROWS></g:DATA>";
        let found = all(text, "DATA/ROWS/ROW").unwrap();
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let first = vec![field("id", "7"), field("AAC002", " 1 "), field("AAC003", "阿·乌<拉&"), field("K/B", "")];
        assert_eq!(found, [first, Vec::new()]);
        assert_eq!(all(text, "DATA/ROWS/OTHER").unwrap().len(), 0);
        let root = document(text).unwrap();
        let path = XmlPath::parse("DATA/HEAD/ROW/A").unwrap();
        assert_eq!(root.at(path.names()).first().map(|it| it.text.as_str()), Some("no"));
    }

    #[test]
    fn nothing_is_expanded_and_nothing_is_fetched() {
        for text in [
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a><r>&x;</r></a>",
            "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
            "<a><r><f>&x;</f></r></a>",
            "<a><r f=\"&x;\"/></a>",
        ] {
            let fault = all(text, "a/r").unwrap_err();
            assert_eq!(fault, XmlFault { line: 1, why: XmlWhy::Entity }, "{text}");
            assert_eq!(document(text).unwrap_err().why, XmlWhy::Entity, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_whole_document_is_told_by_its_line() {
        for (text, line, why) in [
            ("<a>\n<r>", 2, XmlWhy::Form),
            ("<a>\n<r></a>", 2, XmlWhy::Form),
            ("<a/>\n<a/>", 2, XmlWhy::Form),
            ("", 1, XmlWhy::Form),
            ("<a>\n<r><f>1</f><f>2</f></r></a>", 2, XmlWhy::Record),
            ("<a>\n<r>x<f>1</f></r></a>", 2, XmlWhy::Record),
            ("<a>&#0;</a>", 1, XmlWhy::Form),
        ] {
            assert_eq!(all(text, "a/r").unwrap_err(), XmlFault { line, why }, "{text}");
        }
        let deep = "<a>".repeat(100_000);
        assert_eq!(all(&deep, "a/r").unwrap_err().why, XmlWhy::Large);
        assert_eq!(document(&deep).unwrap_err().why, XmlWhy::Large);
    }

    #[test]
    fn the_prolog_says_the_encoding() {
        let of = |text: &str| declared_encoding(text.as_bytes());
        assert_eq!(of("<?xml version='1.0' encoding = \"GB18030\" ?><a/>").as_deref(), Some("GB18030"));
        assert_eq!(of("\u{feff}<?xml version=\"1.0\" encoding='utf-8'?><a/>").as_deref(), Some("utf-8"));
        assert_eq!(of("<?xml version=\"1.0\"?><a encoding=\"x\"/>"), None);
        assert_eq!(of("<a/>"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(<[a/r!?f]{0,3}>?|&|;|x|\"|\\PC){0,40}") {
            drop(all(&text, "a/r"));
            drop(document(&text));
            drop(declared_encoding(text.as_bytes()));
        }

        #[test]
        fn a_text_comes_back_as_it_was(text in "[\\t -\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]{0,30}") {
            let escaped = quick_xml::escape::escape(text.as_str());
            let found = all(&format!("<a><r><f>{escaped}</f></r></a>"), "a/r").unwrap();
            let told: String = found.concat().into_iter().map(|(_, value)| value).collect();
            prop_assert_eq!(told, text);
        }
    }
}
