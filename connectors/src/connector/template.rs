//! Templates of a request: `":name"` is a value of the question, everything else stands for itself.
//!
//! A value is put in as a value, never as text: a name with a quote in it is a name with a quote in it.

use std::collections::BTreeMap;

use super::Parameter;
use crate::error::Text;

/// What a place of a request is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// This text.
    Constant(String),
    /// A value of the question.
    Value(Template),
}

/// A value of the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// `:id_number`.
    IdNumber,
    /// `:name`.
    Name,
    /// `:id_numbers`, a list of them.
    IdNumbers,
    /// `:persons`, a list of what `person` is made into.
    Persons,
    /// `:start`, the place of the first record of the page.
    Start,
    /// `:limit`, how many records the page may have.
    Limit,
    /// `:page`, its number.
    Page,
    /// `:token`, the token of the page; blank or null for the first.
    Token,
    /// A parameter of `[dataset.parameters]`.
    Day(String),
}

/// A body with places for values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// None.
    None,
    /// JSON.
    Json(Tree),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, Place)>),
}

/// JSON with places for values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// A value that is always the same.
    Constant(serde_json::Value),
    /// A value of the question.
    Value(Template),
    /// A list.
    List(Vec<Tree>),
    /// An object.
    Object(Vec<(String, Tree)>),
}

/// What a template may use besides what every question has.
pub(super) struct Given<'a> {
    pub(super) parameters: &'a BTreeMap<String, Parameter>,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TemplateError {
    /// There is no such value.
    Unknown(String),
    /// A value stands inside a text.
    Inside(String),
    /// A list where there is room for one value only.
    List,
    /// A number with a point.
    Float,
}

impl Place {
    /// The value it is filled with, where it is one.
    pub(super) fn template(&self) -> Option<Template> {
        match self {
            Self::Constant(_) => None,
            Self::Value(template) => Some(template.clone()),
        }
    }
}

impl Tree {
    /// Collects the values it has places for.
    pub(super) fn templates(&self, found: &mut Vec<Option<Template>>) {
        match self {
            Self::Constant(_) => {}
            Self::Value(template) => found.push(Some(template.clone())),
            Self::List(items) => items.iter().for_each(|item| item.templates(found)),
            Self::Object(members) => members.iter().for_each(|(_, member)| member.templates(found)),
        }
    }
}

impl Given<'_> {
    /// A place in a query or form.
    pub(super) fn place(&self, text: &str) -> Result<Place, TemplateError> {
        match self.template(text)? {
            None => Ok(Place::Constant(plain(text))),
            Some(Template::IdNumbers | Template::Persons) => Err(TemplateError::List),
            Some(template) => Ok(Place::Value(template)),
        }
    }

    /// JSON.
    pub(super) fn tree(&self, value: &toml::Value) -> Result<Tree, TemplateError> {
        Ok(match value {
            toml::Value::String(text) => match self.template(text)? {
                Some(template) => Tree::Value(template),
                None => Tree::Constant(plain(text).into()),
            },
            toml::Value::Integer(number) => Tree::Constant((*number).into()),
            toml::Value::Boolean(yes) => Tree::Constant((*yes).into()),
            toml::Value::Datetime(date) => Tree::Constant(date.to_string().into()),
            toml::Value::Float(_) => return Err(TemplateError::Float),
            toml::Value::Array(items) => {
                Tree::List(items.iter().map(|item| self.tree(item)).collect::<Result<_, _>>()?)
            }
            toml::Value::Table(table) => {
                let members = table.iter().map(|(name, value)| Ok((name.clone(), self.tree(value)?)));
                Tree::Object(members.collect::<Result<_, _>>()?)
            }
        })
    }

    /// The value that a text stands for; `None` when it stands for itself.
    fn template(&self, text: &str) -> Result<Option<Template>, TemplateError> {
        let Some(name) = text.strip_prefix(':') else {
            // A value inside a text would be pasted, and then a value with a quote or ampersand could say more.
            let inside = text.split(':').skip(1).find_map(|rest| {
                let name: String = rest.chars().take_while(|one| one.is_ascii_alphanumeric() || *one == '_').collect();
                self.named(&name).map(|_| name)
            });
            return inside.map_or(Ok(None), |name| Err(TemplateError::Inside(name)));
        };
        if name.starts_with(':') {
            return Ok(None);
        }
        self.named(name).map(Some).ok_or_else(|| TemplateError::Unknown(name.to_owned()))
    }

    fn named(&self, name: &str) -> Option<Template> {
        Some(match name {
            "id_number" => Template::IdNumber,
            "name" => Template::Name,
            "id_numbers" => Template::IdNumbers,
            "persons" => Template::Persons,
            "start" => Template::Start,
            "limit" => Template::Limit,
            "page" => Template::Page,
            "token" => Template::Token,
            name if self.parameters.contains_key(name) => Template::Day(name.to_owned()),
            _ => return None,
        })
    }
}

/// A text that stands for itself; `::` at its beginning is a colon.
fn plain(text: &str) -> String {
    text.strip_prefix(':').unwrap_or(text).to_owned()
}

impl TemplateError {
    /// What is wrong.
    pub(super) fn text(&self) -> Text {
        match self {
            Self::Unknown(name) => Text::new(format!("没有 :{name} 这个值"), format!("there is no value :{name}")),
            Self::Inside(name) => Text::new(
                format!(":{name} 夹在文字里：值只作为值放进去，不拼接"),
                format!(":{name} stands inside a text: a value is put in as a value and never pasted"),
            ),
            Self::List => Text::new(
                "query 和 form 里放不下列表（:id_numbers、:persons）",
                "query and form have no room for a list (:id_numbers, :persons)",
            ),
            Self::Float => Text::new("不能写带小数点的数", "a number with a point cannot be written"),
        }
    }

    /// What mends it.
    pub(super) fn mend(&self) -> Text {
        match self {
            Self::Unknown(_) => Text::new(
                "可用 :id_number、:name、:id_numbers、:persons、:start、:limit、:page、:token 和 [dataset.parameters] 里定义的；字面的冒号写成 ::",
                "there are :id_number, :name, :id_numbers, :persons, :start, :limit, :page, :token and those of [dataset.parameters]; a colon itself is written ::",
            ),
            Self::Inside(_) => Text::new("让它单独成一个值", "let it be a value of its own"),
            Self::List => Text::new("用 json", "use json"),
            Self::Float => Text::new("写成文本", "write it as a text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_a_whole_text_and_never_a_part_of_one() {
        let none = BTreeMap::new();
        let given = Given { parameters: &none };
        assert_eq!(given.place(":id_number"), Ok(Place::Value(Template::IdNumber)));
        for (text, plain) in [("2024-01-01 10:00:00", "2024-01-01 10:00:00"), ("::id_number", ":id_number"), ("", "")] {
            assert_eq!(given.place(text), Ok(Place::Constant(plain.to_owned())), "{text}");
        }
        assert_eq!(given.place("sfzh=:id_number&x=1"), Err(TemplateError::Inside("id_number".into())));
        assert_eq!(given.place(":idnumber"), Err(TemplateError::Unknown("idnumber".into())));
        assert_eq!(given.place(":id_numbers"), Err(TemplateError::List));
        let table: toml::Value = toml::from_str("a = { b = [\":name\", 1, true] }").unwrap();
        let tree = given.tree(&table).unwrap();
        let mut found = Vec::new();
        tree.templates(&mut found);
        assert_eq!(found, [Some(Template::Name)]);
        let float: toml::Value = toml::from_str("a = 1.5").unwrap();
        assert_eq!(given.tree(&float), Err(TemplateError::Float));
    }
}
