//! A message of XML with places for values: `<sfzh>:id_number</sfzh>`, `id=":id_number"`.
//!
//! A place is the whole of an element's text or of an attribute, never a part of it, and a value is put in as
//! text: whatever is in a name, it is the text of that element and nothing else.

use std::collections::BTreeMap;

use quick_xml::escape::escape;

use crate::xml::{self, Element};

/// A message with places for values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XmlTemplate(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// XML as it stands.
    Literal(String),
    /// A value.
    Value(XmlValue),
}

/// A value of a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum XmlValue {
    /// `:id_number`.
    IdNumber,
    /// `:name`.
    Name,
    /// `:persons`, what the dataset's `person` is made into for each of them.
    Persons,
    /// `:start`, how many records came before.
    Start,
    /// `:page`, the number of the page from 1.
    Page,
    /// `:limit`, how many records a page has at most.
    Limit,
    /// `:rid`, who asks, of the signature.
    Requester,
    /// `:sid`, which service is asked.
    Service,
    /// `:rtime`, when.
    Time,
    /// `:sign`, the signature.
    Sign,
    /// A parameter of `[dataset.parameters]`.
    Day(String),
}

/// Why a text is no message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum XmlTemplateError {
    /// It is no XML, at this line of it; or has a prolog, a comment, a section or a document type.
    Form(usize),
    /// There is no value of this name.
    Unknown(String),
    /// A value stands inside of a text.
    Inside(String),
}

const NAMED: [(&str, XmlValue); 10] = [
    ("id_number", XmlValue::IdNumber),
    ("name", XmlValue::Name),
    ("persons", XmlValue::Persons),
    ("start", XmlValue::Start),
    ("page", XmlValue::Page),
    ("limit", XmlValue::Limit),
    ("rid", XmlValue::Requester),
    ("sid", XmlValue::Service),
    ("rtime", XmlValue::Time),
    ("sign", XmlValue::Sign),
];

impl XmlTemplate {
    /// Takes a message apart. It may use the parameters of these names besides what every message has.
    pub(super) fn parse<T>(text: &str, parameters: &BTreeMap<String, T>) -> Result<Self, XmlTemplateError> {
        let text = text.trim();
        if text.contains("<!") || text.contains("<?") {
            return Err(XmlTemplateError::Form(1));
        }
        let root = xml::document(text).map_err(|fault| XmlTemplateError::Form(fault.line))?;
        let named = |name: &str| {
            let known = NAMED.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
            known.or_else(|| parameters.contains_key(name).then(|| XmlValue::Day(name.to_owned())))
        };
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        // A text of an element begins after `>`, the value of an attribute after a quote.
        while let Some(place) = rest.find(['>', '"', '\'']) {
            let (before, after) = rest.split_at(place + 1);
            let opened = before.chars().next_back();
            literal.push_str(before);
            rest = after;
            let closing = match opened {
                Some('>') => "<",
                Some('"') => "\"",
                _ => "'",
            };
            let Some((inside, tail)) = after.split_once(closing) else { continue };
            let Some(name) = inside.trim().strip_prefix(':') else { continue };
            if name.is_empty() || !name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_') {
                continue;
            }
            let value = named(name).ok_or_else(|| XmlTemplateError::Unknown(name.to_owned()))?;
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            pieces.push(Piece::Value(value));
            rest = after.get(after.len() - tail.len() - closing.len()..).unwrap_or_default();
        }
        literal.push_str(rest);
        pieces.push(Piece::Literal(literal));
        match inside(&root, &named) {
            Some(name) => Err(XmlTemplateError::Inside(name)),
            None => Ok(Self(pieces)),
        }
    }

    /// The values it has places for.
    pub(crate) fn values(&self) -> impl Iterator<Item = &XmlValue> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Value(value) => Some(value),
            Piece::Literal(_) => None,
        })
    }

    /// The message with its values. `None` when one of them has a character that XML cannot carry.
    pub(crate) fn filled(&self, value: impl Fn(&XmlValue) -> Filling) -> Option<String> {
        let mut message = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => message.push_str(text),
                Piece::Value(of) => match value(of) {
                    Filling::Text(text) if text.chars().all(xml::is_allowed) => {
                        message.push_str(&escape(text.as_str()));
                    }
                    Filling::Text(_) => return None,
                    Filling::Xml(xml) => message.push_str(&xml),
                },
            }
        }
        Some(message)
    }
}

/// The value that stands inside of a text, where one does: there it would be no value.
fn inside(element: &Element, named: &impl Fn(&str) -> Option<XmlValue>) -> Option<String> {
    let within = |text: &String| {
        let text = text.trim();
        text.split(':').skip(1).find_map(|rest| {
            let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(rest.len());
            let name = rest.get(..end).filter(|name| text.strip_prefix(':') != Some(name))?;
            named(name).map(|_| name.to_owned())
        })
    };
    let mut texts = std::iter::once(&element.text).chain(element.attributes.iter().map(|(_, value)| value));
    texts.find_map(within).or_else(|| element.children.iter().find_map(|child| inside(child, named)))
}

/// What a place is filled with.
pub(crate) enum Filling {
    /// Text, whatever is in it.
    Text(String),
    /// XML that a template has made.
    Xml(String),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MESSAGE: &str = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header><tongtechheader>\
                           <gjgxjhpt_rid>:rid</gjgxjhpt_rid></tongtechheader></s:Header><s:Body><q:ask xmlns:q=\"urn:q\" from=':first'>\
                           <xm> :name </xm><sfzh>:id_number</sfzh></q:ask></s:Body></s:Envelope>";

    fn parameters() -> BTreeMap<String, u8> {
        BTreeMap::from([("first".to_owned(), 0)])
    }

    fn filled(name: &str) -> Option<String> {
        XmlTemplate::parse(MESSAGE, &parameters()).unwrap().filled(|value| {
            Filling::Text(match value {
                XmlValue::Name => name.to_owned(),
                other => format!("{other:?}"),
            })
        })
    }

    #[test]
    fn a_place_is_a_whole_text_and_nothing_else() {
        let template = XmlTemplate::parse(MESSAGE, &parameters()).unwrap();
        let values: Vec<_> = template.values().cloned().collect();
        let day = XmlValue::Day("first".to_owned());
        assert_eq!(values, [XmlValue::Requester, day, XmlValue::Name, XmlValue::IdNumber]);
        let parse = |text: &str| XmlTemplate::parse(text, &parameters());
        let inside = |name: &str| Err(XmlTemplateError::Inside(name.to_owned()));
        assert_eq!(parse("<a>no :id_number</a>"), inside("id_number"));
        assert_eq!(parse("<a>x :name </a>"), inside("name"));
        assert_eq!(parse("<a b='x:name;'/>"), inside("name"));
        assert_eq!(parse("<a>:nobody</a>"), Err(XmlTemplateError::Unknown("nobody".to_owned())));
        assert_eq!(parse("<a>\n<b></a>"), Err(XmlTemplateError::Form(2)));
        for text in [
            "<a><!-- :name --></a>",
            "<a><![CDATA[:name]]></a>",
            "<?xml version=\"1.0\"?><a/>",
            "<!DOCTYPE a><a/>",
            "a",
            "",
        ] {
            assert!(matches!(parse(text), Err(XmlTemplateError::Form(_))), "{text}");
        }
        assert!(parse("<name:sign xmlns:name='urn:x'>12:30</name:sign>").is_ok(), "a prefix is no place");
    }

    #[test]
    fn what_stands_in_a_name_is_the_name() {
        for name in
            ["</xm><sfzh>150000198605021015</sfzh><xm>", "a&b", "]]>", "<!--", "\"'", ":id_number", "阿拉坦·乌拉𠮷"]
        {
            let message = filled(name).unwrap();
            let root = xml::document(&message).unwrap();
            let told = root.at(&["Envelope", "Body", "ask"].map(str::to_owned));
            let texts: Vec<_> = told[0].children.iter().map(|child| (child.name.as_str(), child.text.trim())).collect();
            assert_eq!(texts, [("xm", name), ("sfzh", "IdNumber")]);
        }
        assert_eq!(filled("\u{1}"), None, "no document can carry it");
    }

    proptest! {
        #[test]
        fn no_name_breaks_out_of_its_element(name in "\\PC{0,30}") {
            if let Some(message) = filled(&name) {
                let root = xml::document(&message).unwrap();
                let told = root.at(&["Envelope", "Body", "ask"].map(str::to_owned));
                prop_assert_eq!(told[0].children.len(), 2);
                prop_assert_eq!(told[0].children[0].text.trim(), name.trim());
            }
        }

        #[test]
        fn no_template_makes_it_panic(text in "(<[a:/]{0,3}>?|:name|:|'|\"|>|\\PC){0,30}") {
            drop(XmlTemplate::parse(&text, &parameters()));
        }
    }
}
