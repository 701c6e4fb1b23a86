//! What is wrong with an inline set of parameters: every parameter that cannot be read, each with its place and with
//! what it should be, in both languages. Looked for only once a set has been refused.

use serde_json::{Value, json};

use super::ParameterSet;
use crate::domain::division::DivisionCode;
use crate::domain::problem::Text;
use crate::policy::dictionary;
use crate::policy::form::Form;
use crate::policy::parameters::RulesError;
use crate::policy::values::Values;

/// A fault: a pointer (RFC 6901) below the set, and what is wrong there.
pub type SetFault = (String, Text);

/// The members of a set that are no parameters.
const OWN: [&str; 4] = ["place_zh", "region_code", "urban_rural", "provenance"];

/// Every fault of form of an inline set. What is missing or senseless in a set of sound form, [`ParameterSet::lacks`] says.
pub fn of_form(set: &Value) -> Vec<SetFault> {
    let Some(members) = set.as_object() else {
        return vec![(String::new(), Text::new("应为 JSON 对象。", "must be a JSON object."))];
    };
    let mut faults = Vec::new();
    let mut own = |name: &str, fits: bool, zh: &str, en: &str| {
        if !members.contains_key(name) {
            let missing = Text::new(format!("缺少必填成员 `{name}`。"), format!("the member `{name}` is missing."));
            faults.push((String::new(), missing));
        } else if !fits {
            faults.push((format!("/{name}"), Text::new(format!("应为{zh}。"), format!("must be {en}."))));
        }
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    own("place_zh", text("place_zh").is_some(), "字符串", "a string");
    let is_division = text("region_code").is_some_and(|code| DivisionCode::parse(code).is_ok());
    own("region_code", is_division, "GB/T 2260 的六位数字", "six digits of GB/T 2260");
    let is_side = matches!(text("urban_rural"), Some("URBAN" | "RURAL"));
    own("urban_rural", is_side, "URBAN 或 RURAL", "URBAN or RURAL");
    for (name, value) in members.iter().filter(|(name, _)| !OWN.contains(&name.as_str())) {
        faults.extend(of_parameter(name, value));
    }
    if faults.is_empty() {
        // What is left is where the figures come from.
        if let Err(error) = serde_json::from_value::<ParameterSet>(set.clone()) {
            let says = Text::new(
                format!("应为清单，每项有 field、status，可有 source、year（{error}）。"),
                format!("must be a list of items with field, status and, if known, source and year ({error})."),
            );
            faults.push(("/provenance".to_owned(), says));
        }
    }
    faults
}

fn of_parameter(name: &str, value: &Value) -> Option<SetFault> {
    let Some(parameter) = dictionary::find(name) else {
        let known = dictionary::PARAMETERS.iter().map(|parameter| parameter.field);
        let alike = known.into_iter().find(|field| name.starts_with(field) || field.starts_with(name));
        let (zh, en) = match alike.filter(|_| !name.is_empty()) {
            Some(field) => (format!("或许是 `{field}`"), format!("perhaps `{field}` is meant")),
            None => (
                "全部参数见 docs/policy-parameters.md".to_owned(),
                "docs/policy-parameters.md has every parameter".to_owned(),
            ),
        };
        let says = Text::new(format!("不是参数：{zh}。"), format!("is no parameter: {en}."));
        return Some((format!("/{}", name.replace('~', "~0").replace('/', "~1")), says));
    };
    let error = serde_path_to_error::deserialize::<_, Values>(json!({ name: value })).err()?;
    let (mut form, mut pointer) = (&parameter.form, String::new());
    for segment in error.path() {
        use serde_path_to_error::Segment;
        let step = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        // The first step is the parameter itself; a member that is not known ends the way.
        if !pointer.is_empty() {
            match inside(form, &step) {
                Some(inner) => form = inner,
                None if matches!(form, Form::Table(_)) => break,
                None => {}
            }
        }
        pointer = format!("{pointer}/{step}");
    }
    let (zh, en) = form.words();
    // In JSON texts stand in double quotes anyhow, and a table is an object.
    let (zh, en) = match form {
        Form::Table(members) => {
            let names: Vec<&str> = members.iter().map(|member| member.name).collect();
            (format!("只含 {} 的 JSON 对象", names.join("、")), format!("a JSON object of {}", names.join(", ")))
        }
        _ => (zh, en),
    };
    let says = Text::new(
        format!("应为{zh}，如 {}（{}）。", example(form), parameter.zh),
        format!("must be {en}, such as {} ({}).", example(form), parameter.en),
    );
    Some((pointer, says))
}

/// The form of a member or of the items.
fn inside<'f>(form: &'f Form, step: &str) -> Option<&'f Form> {
    match form {
        Form::Table(members) => members.iter().find(|member| member.name == step).map(|member| &member.form),
        Form::List(item) => Some(item),
        _ => None,
    }
}

/// A value of a form as JSON.
fn example(form: &Form) -> String {
    match form {
        Form::Table(members) => {
            let inside = members.iter().filter(|member| member.is_required);
            let inside: Vec<String> =
                inside.map(|member| format!("\"{}\": {}", member.name, example(&member.form))).collect();
            if inside.is_empty() { "{}".to_owned() } else { format!("{{{}}}", inside.join(", ")) }
        }
        Form::List(item) => format!("[{}]", example(item)),
        other => other.example(),
    }
}

impl ParameterSet {
    /// What a set of sound form lacks for a verdict, or holds that no rule can use.
    pub fn lacks(&self, name: &str) -> Vec<SetFault> {
        let mut values = self.values.clone();
        super::by_semantics(&mut values, &mut std::collections::BTreeMap::new());
        let missing = dictionary::missing(&values);
        if missing.is_empty() {
            let unusable = self.parameters(name).err();
            return unusable.into_iter().map(|error| (format!("/{}", error.field()), error.text())).collect();
        }
        missing.into_iter().map(|field| (String::new(), RulesError::Missing(field).text())).collect()
    }
}
