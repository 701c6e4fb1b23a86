//! Documentation made from the code: the page of parameters and the JSON Schema of a pack. Tests keep the files equal.

use std::fmt::Write as _;

use jiff::civil::Date;
use serde_json::{Value, json};

use super::dictionary::{Need, PARAMETERS};
use super::fault::{Code, Severity};
use super::form::{Form, Member};
use super::pack::{HEADER, REFERENCE, ROW, STATUSES};
use super::packs::Packs;
use crate::domain::division::DivisionCode;
use crate::domain::household::{Place, UrbanRural};
use crate::domain::money::Money;

/// `docs/policy-parameters.md`: every parameter a rule leaves open, and every code of `hedui policy check`.
pub fn parameters_page() -> String {
    let mut page = String::from(
        "# Parameters of a policy pack 政策包参数\n\n\
         What a rule leaves open is a parameter, and every parameter is here. This page is made from \
         `src/policy/dictionary.rs` by a test; how a pack is written stands in \
         [guides/policy-packs.md](guides/policy-packs.md) ([中文](guides/policy-packs.zh-CN.md)).\n\n\
         规则留给地方决定的都是参数，全部列在这里。本页由测试从代码生成。\n\n\
         **Needed**: *always* — without it verdicts at the place are `PENDING_PARAMETER`, never a default; *ratio* — \
         only under the ratio rule for rigid expenditure; *no* — without it the rule it belongs to is not applied. **Nation**: the value in the shipped pack `000000`, where there is one.\n\n\
         | parameter 参数 | meaning 含义 | value 写法 | usual 通常 | needed 必需 | who leaves it open 出处与留白 | nation 全国值 |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let nation = Place { division_code: DivisionCode::NATION, urban_rural: UrbanRural::Urban };
    let shipped = Packs::shipped().effective_figures(nation, Date::constant(2025, 1, 1), None);
    for parameter in PARAMETERS {
        let need = match parameter.need {
            Need::Always => "always",
            Need::RatioRule => "ratio",
            Need::Never => "no",
        };
        let national = shipped.as_ref().ok().and_then(|effective| {
            let status = &effective.provenance.get(parameter.field)?.status;
            let word = status.split([':', ' ']).next().unwrap_or_default();
            Some(format!("`{}` ({word})", effective.value(parameter.field)?))
        });
        let (form, usual) = (written(&parameter.form), usual(&parameter.form));
        writeln!(
            page,
            "| `{}` | {}<br>{} | {} | {} | {need} | {} | {} |",
            parameter.field,
            parameter.zh,
            parameter.en,
            form,
            usual,
            parameter.clause,
            national.as_deref().unwrap_or("—"),
        )
        .expect("writing to a string cannot fail");
    }
    page.push_str(
        "\n## Codes of `hedui policy check` 检查代码\n\nWith an error the packs do not load; a warning is for somebody \
         to look at. 有错误则政策包不能加载；警告供人核对。\n\n| code | | 含义 | meaning |\n|---|---|---|---|\n",
    );
    for code in Code::ALL {
        let (zh, en) = code.meaning();
        let severity = match code.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(page, "| `{}` | {severity} | {zh} | {en} |", code.as_str()).expect("writing to a string cannot fail");
    }
    page
}

/// How a value is written, for a cell of a table.
fn written(form: &Form) -> String {
    match form {
        Form::Table(members) => {
            let each = members.iter().map(|member| {
                let optional = if member.is_required { "" } else { "?" };
                format!("`{}`{optional}: {}", member.name, written(&member.form))
            });
            each.collect::<Vec<_>>().join("<br>")
        }
        Form::Choice(choices) => {
            choices.iter().map(|choice| format!("`\"{choice}\"`")).collect::<Vec<_>>().join(" \\| ")
        }
        Form::Kinds(_) | Form::Departments(_) | Form::Some(_) | Form::Order(_) => {
            let (_, en) = form.words();
            format!("{en}, `{}`", form.example())
        }
        Form::List(item) => format!("list of {{{}}}", written(item)),
        other => format!("{}, `{}`", other.words().1, other.example()),
    }
}

fn usual(form: &Form) -> String {
    match form {
        Form::Amount { usual: (_, i64::MAX) } => String::new(),
        Form::Amount { usual } => format!("{}–{}", Money::from_fen(usual.0).yuan(), Money::from_fen(usual.1).yuan()),
        Form::Factor { usual, .. } | Form::Whole { usual, .. } => format!("{}–{}", usual.0, usual.1),
        Form::Table(members) => {
            let each = members.iter().map(|member| usual(&member.form)).filter(|text| !text.is_empty());
            each.collect::<Vec<_>>().join("<br>")
        }
        Form::List(item) => usual(item),
        _ => String::new(),
    }
}

/// `schemas/policy.json`, JSON Schema 2020-12: for editors that complete and check while one types.
pub fn schema() -> Value {
    let fields: Vec<&str> = PARAMETERS.iter().map(|parameter| parameter.field).collect();
    let values: Vec<Value> = PARAMETERS
        .iter()
        .map(|parameter| {
            json!({
                "if": {"properties": {"field": {"const": parameter.field}}},
                "then": {"properties": {"value": form_schema(&parameter.form, parameter.en)}},
            })
        })
        .collect();
    let status = format!("^({})([^a-z-]|$)", STATUSES.join("|"));
    let row = with(
        table_schema(
            ROW,
            &[("field", json!({"enum": fields})), ("status", json!({"type": "string", "pattern": status}))],
        ),
        json!({"allOf": values}),
    );
    let one_of = json!({"anyOf": [{"required": ["amounts", "unit"]}, {"required": ["rule"]}]});
    let reference = with(table_schema(REFERENCE, &[]), one_of);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://hedui.example/schemas/policy.json",
        "title": "Policy pack",
        "description": "One file config/policies/<division code>/<effective date>[.<variant>].toml: figures of one division, each with its status and source. What holds at a place on a day is gathered along nation, region, league or city, and banner or county. Made from src/policy/dictionary.rs.",
        "type": "object",
        "properties": {
            "pack": table_schema(HEADER, &[]),
            "parameter": {"type": "array", "items": row, "description": "Figures that verdicts use."},
            "reference": {"type": "array", "items": reference, "description": "Published figures that no verdict uses, such as averages."},
            "case": {"type": "array", "items": {"type": "object", "required": ["id", "parameter_set", "assessment_date", "household", "expected"]}, "description": "Households with the verdict they must get, in the format of the worked cases; `hedui policy check` runs them."},
        },
        "required": ["pack"],
        "additionalProperties": false,
    })
}

/// The schema of a table; some members have a form that only the row as a whole knows.
fn table_schema(members: &[Member], known: &[(&str, Value)]) -> Value {
    let form = |member: &Member| match known.iter().find(|(name, _)| *name == member.name) {
        Some((_, schema)) => with(schema.clone(), json!({"description": member.en})),
        None => form_schema(&member.form, member.en),
    };
    let properties: serde_json::Map<String, Value> =
        members.iter().map(|member| (member.name.to_owned(), form(member))).collect();
    let required: Vec<&str> = members.iter().filter(|member| member.is_required).map(|member| member.name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// A schema with more members.
fn with(mut schema: Value, more: Value) -> Value {
    if let (Some(schema), Value::Object(more)) = (schema.as_object_mut(), more) {
        schema.extend(more);
    }
    schema
}

fn form_schema(form: &Form, description: &str) -> Value {
    let list = |items: Value| json!({"type": "array", "items": items, "uniqueItems": true});
    let schema = match form {
        Form::Text => json!({"type": "string", "minLength": 1}),
        Form::Date => json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
        Form::Division => json!({"type": "string", "pattern": "^[0-9]{6}$"}),
        Form::Amount { .. } => json!({"type": "string", "pattern": r"^[0-9]+(\.[0-9]{1,2})?$"}),
        Form::Factor { .. } => json!({"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,6})?$"}),
        Form::Whole { can, .. } => json!({"type": "integer", "minimum": can.0, "maximum": can.1}),
        Form::Boolean => json!({"type": "boolean"}),
        Form::Choice(choices) => json!({"enum": choices}),
        Form::Kinds(_) => list(json!({"type": "string", "pattern": "^[A-Z0-9_]{1,64}$"})),
        Form::Departments(_) => list(json!({"type": "string", "pattern": "^[a-z][a-z0-9_]{1,39}$"})),
        Form::Some(known) => with(list(json!({"enum": known})), json!({"minItems": 1})),
        Form::Order(all) => with(list(json!({"enum": all})), json!({"minItems": all.len()})),
        Form::List(item) => json!({"type": "array", "items": form_schema(item, ""), "minItems": 1}),
        Form::Table(members) => table_schema(members, &[]),
        Form::Any => json!({}),
    };
    if description.is_empty() { schema } else { with(schema, json!({"description": description})) }
}
