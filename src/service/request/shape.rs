//! The shape of the request document, for telling a caller everything that is wrong with one.
//!
//! Used only after the typed parse has refused a body. A test holds this table and the types
//! together: whatever the types refuse, the table can name.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use crate::domain::dataset::DepartmentId;
use crate::domain::division::DivisionCode;
use crate::domain::fact::Kind;
use crate::domain::household::{MemberRef, RelationCode};
use crate::domain::money::Money;
use crate::domain::problem::{Finding, Text};

/// What a value must be.
pub(in crate::service) enum Shape {
    /// An object of these members and no others.
    Object(&'static [Member]),
    /// An array.
    List(&'static Shape),
    /// A string that parses.
    Text(&'static Form),
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A whole number up to this.
    Whole(u64),
    /// An object whose members have names of one form and values of one shape.
    Each(&'static Form, &'static Shape),
}

/// A member of an object.
pub(in crate::service) struct Member {
    pub(in crate::service) name: &'static str,
    pub(in crate::service) need: Need,
    pub(in crate::service) shape: Shape,
}

/// Whether a member may be left out.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::service) enum Need {
    /// Must be there.
    Must,
    /// May be left out, but not null.
    May,
    /// May be left out or null.
    Null,
}

/// A form of string: how it is told, and whether a text has it.
pub(in crate::service) struct Form {
    zh: &'static str,
    pub(in crate::service) en: &'static str,
    fits: fn(&str) -> bool,
}

pub(in crate::service) const fn must(name: &'static str, shape: Shape) -> Member {
    Member { name, need: Need::Must, shape }
}
pub(in crate::service) const fn may(name: &'static str, shape: Shape) -> Member {
    Member { name, need: Need::May, shape }
}
pub(in crate::service) const fn null(name: &'static str, shape: Shape) -> Member {
    Member { name, need: Need::Null, shape }
}

pub(in crate::service) const ANY: Form = Form { zh: "字符串", en: "a string", fits: |_| true };
pub(in crate::service) const DATE: Form = Form {
    zh: "日期，格式 YYYY-MM-DD，如 \"2025-03-15\"",
    en: "a date, YYYY-MM-DD, such as \"2025-03-15\"",
    fits: |text| text.parse::<Date>().is_ok(),
};
const INSTANT: Form = Form {
    zh: "带时区的时刻（RFC 3339），如 \"2025-03-14T21:30:00+08:00\"",
    en: "an instant with offset (RFC 3339), such as \"2025-03-14T21:30:00+08:00\"",
    fits: |text| text.parse::<Timestamp>().is_ok(),
};
pub(in crate::service) const MONEY: Form = Form {
    zh: "金额：以元为单位的十进制字符串，不为负，至多两位小数，不超过十万亿元，如 \"1234.50\"",
    en: "an amount: a decimal string in yuan, not negative, at most two places and ten trillion, such as \"1234.50\"",
    fits: |text| Money::parse(text).is_ok(),
};
pub(in crate::service) const KIND: Form = Form {
    zh: "类别代码：1 到 64 个大写字母、数字或下划线，如 \"PENSION_RESIDENT\"",
    en: "a kind: 1 to 64 characters of A-Z, 0-9 and _, such as \"PENSION_RESIDENT\"",
    fits: |text| Kind::parse(text).is_some(),
};
pub(in crate::service) const REFERENCE: Form = Form {
    zh: "成员标识：1 到 40 个字母、数字、- 或 _，如 \"m1\"，不得使用身份号码",
    en: "a member reference: 1 to 40 letters, digits, - or _, such as \"m1\", never an identity number",
    fits: |text| MemberRef::parse(text).is_ok(),
};
pub(in crate::service) const DIVISION: Form = Form {
    zh: "行政区划代码：GB/T 2260 的六位数字，如 \"152201\"",
    en: "a division code: six digits of GB/T 2260, such as \"152201\"",
    fits: |text| DivisionCode::parse(text).is_ok(),
};
pub(in crate::service) const RELATION: Form = Form {
    zh: "家庭关系代码：GB/T 4761 的两位数字 01 到 99，如 \"02\" 户主",
    en: "a relation code: two digits of GB/T 4761, 01 to 99, such as \"02\" for the head of household",
    fits: |text| RelationCode::parse(text).is_ok(),
};
pub(in crate::service) const DEPARTMENT: Form = Form {
    zh: "部门标识，如 \"hrss\"",
    en: "a department id, such as \"hrss\"",
    fits: |text| DepartmentId::parse(text).is_ok(),
};

pub(in crate::service) const STAGES: &[&str] = &[
    "PRESCHOOL",
    "PRIMARY",
    "JUNIOR",
    "SENIOR_HIGH",
    "SECONDARY_VOCATIONAL",
    "SPECIAL",
    "JUNIOR_COLLEGE",
    "BACHELOR",
    "MASTER",
    "DOCTOR",
];

/// The request document.
pub(super) static REQUEST: Shape = Shape::Object(&[
    must("purpose", Shape::Choice(PURPOSES)),
    null("assessment_date", Shape::Text(&DATE)),
    must(
        "place",
        Shape::Object(&[
            must("division_code", Shape::Text(&DIVISION)),
            must("urban_rural", Shape::Choice(&["URBAN", "RURAL"])),
        ]),
    ),
    null("pack", Shape::Text(&ANY)),
    may("emergency_only", Shape::Boolean),
    may("disclosure", Shape::Choice(&["full", "minimal"])),
    must("household", Shape::Object(HOUSEHOLD)),
    must(
        "declaration",
        Shape::Object(&[
            must("income_stability", Shape::Choice(&["STABLE", "UNSTABLE"])),
            may("members", Shape::List(&DECLARED_MEMBER)),
            may("incomes", Shape::List(&DECLARED_INCOME)),
            may("assets", Shape::List(&DECLARED_ASSET)),
            may("expenditures", Shape::List(&DECLARED_EXPENDITURE)),
            may("obligors", Shape::List(&OBLIGOR)),
            may("events", Shape::List(&EVENT)),
        ]),
    ),
    null("authorisation", Shape::Object(AUTHORISATION)),
    null("authorisation_id", Shape::Text(&ANY)),
    Member { name: "prior", need: Need::Null, shape: Shape::Object(PRIOR) },
    null("context", Shape::Object(CONTEXT)),
]);

/// Who asks, and on which case.
const CONTEXT: &[Member] = &[
    null("operator", Shape::Text(&ANY)),
    null("workstation", Shape::Text(&ANY)),
    null(
        "case",
        Shape::Object(&[
            must("number", Shape::Text(&ANY)),
            must("opened_at", Shape::Text(&INSTANT)),
            null("opened_by", Shape::Text(&ANY)),
            null("closed_at", Shape::Text(&INSTANT)),
        ]),
    ),
    null("address", Shape::Text(&ANY)),
    null("reason", Shape::Text(&ANY)),
];

const PURPOSES: &[&str] = &["dibao", "tekun", "low_income", "expenditure", "temporary_relief", "periodic_review"];

/// A household.
const HOUSEHOLD: &[Member] = &[
    must("hukou_region", Shape::Text(&DIVISION)),
    must(
        "members",
        Shape::List(&Shape::Object(&[
            must("ref", Shape::Text(&REFERENCE)),
            must("id_number", Shape::Text(&ANY)),
            must("name", Shape::Text(&ANY)),
            null("birth_date", Shape::Text(&DATE)),
            must("relation_code", Shape::Text(&RELATION)),
            null("division", Shape::Text(&DIVISION)),
        ])),
    ),
];

/// The signature of, or for, a member.
static SIGNATURE: Shape =
    Shape::Object(&[must("ref", Shape::Text(&REFERENCE)), must("capacity", Shape::Choice(&["SELF", "GUARDIAN"]))]);

/// A household's authorisation.
const AUTHORISATION: &[Member] = &[
    must("number", Shape::Text(&ANY)),
    must("signed_on", Shape::Text(&DATE)),
    must("valid_until", Shape::Text(&DATE)),
    null("departments", Shape::List(&Shape::Text(&DEPARTMENT))),
    must("evidence_digest", Shape::Text(&ANY)),
    must("signatures", Shape::List(&SIGNATURE)),
];

/// An authorisation to be registered.
pub(in crate::service) static REGISTRATION: Shape = Shape::Object(&[
    must("number", Shape::Text(&ANY)),
    must("signed_on", Shape::Text(&DATE)),
    must("validity", Shape::Choice(&["DECISION", "ASSISTANCE_PERIOD", "DATE"])),
    must("valid_until", Shape::Text(&DATE)),
    must("purposes", Shape::List(&Shape::Choice(PURPOSES))),
    null("departments", Shape::List(&Shape::Text(&DEPARTMENT))),
    must("evidence_digest", Shape::Text(&ANY)),
    must("household", Shape::Object(HOUSEHOLD)),
    must("signatures", Shape::List(&SIGNATURE)),
]);

/// What civil affairs' own register knows of the household's past.
pub(in crate::service) const PRIOR: &[Member] = &[
    null("member_in_other_household", Shape::Text(&REFERENCE)),
    null("circle", Shape::Text(&KIND)),
    may("exceeded_by_employment", Shape::Boolean),
    null("months_since_exceeded", Shape::Whole(u32::MAX as u64)),
    null("monthly_total", Shape::Text(&MONEY)),
    null("reviewed_on", Shape::Text(&DATE)),
    null("countable_income_12m", Shape::Text(&MONEY)),
    null("household_size", Shape::Whole(u32::MAX as u64)),
];

static DECLARED_MEMBER: Shape = Shape::Object(&[
    must("ref", Shape::Text(&REFERENCE)),
    must("labour_capacity", Shape::Choice(&["FULL", "PARTIAL", "NONE"])),
    may("employed", Shape::Boolean),
    null("exclusion", Shape::Text(&KIND)),
    null("death_date", Shape::Text(&DATE)),
    null(
        "disability",
        Shape::Object(&[
            must("category", Shape::Choice(&["1", "2", "3", "4", "5", "6", "7"])),
            must("grade", Shape::Choice(&["1", "2", "3", "4"])),
        ]),
    ),
    may("severe_illness", Shape::Boolean),
    null("education_stage", Shape::Choice(STAGES)),
    may("obligor_in_household", Shape::Boolean),
    may("adl_failed_count", Shape::Whole(6)),
    may("was_tekun", Shape::Boolean),
    may("chose_orphan_benefit", Shape::Boolean),
    may("job_refusals", Shape::Whole(u8::MAX as u64)),
]);

static DECLARED_INCOME: Shape = Shape::Object(&[
    must("ref", Shape::Text(&REFERENCE)),
    must("category", Shape::Choice(&["WAGE", "OPERATING", "PROPERTY", "TRANSFER", "TRANSFER_OUT", "OTHER"])),
    must("kind", Shape::Text(&KIND)),
    must("amount_12m", Shape::Text(&MONEY)),
    null("basic_portion_12m", Shape::Text(&MONEY)),
    null("dedupe_key", Shape::Text(&ANY)),
    may("paid_after_death", Shape::Boolean),
]);

static DECLARED_ASSET: Shape = Shape::Object(&[
    must("kind", Shape::Text(&KIND)),
    must("value", Shape::Text(&MONEY)),
    null("count", Shape::Whole(u32::MAX as u64)),
    null("area_m2", Shape::Text(&ANY)),
    null("exempt_kind", Shape::Text(&KIND)),
]);

static DECLARED_EXPENDITURE: Shape = Shape::Object(&[
    must("ref", Shape::Text(&REFERENCE)),
    must("kind", Shape::Choice(&["MEDICAL", "DISABILITY_REHAB", "EDUCATION", "ACCIDENT"])),
    must("gross", Shape::Text(&MONEY)),
    must("covered", Shape::Text(&MONEY)),
    must("paid_on", Shape::Text(&DATE)),
    null("public_benchmark", Shape::Text(&MONEY)),
]);

pub(in crate::service) static OBLIGOR: Shape = Shape::Object(&[
    must("obligor_id", Shape::Text(&ANY)),
    must("relation_code", Shape::Text(&RELATION)),
    must("supports", Shape::List(&Shape::Text(&REFERENCE))),
    must("supported_total", Shape::Whole(u32::MAX as u64)),
    must("household_size", Shape::Whole(u32::MAX as u64)),
    must("household_income_12m", Shape::Text(&MONEY)),
    must("capability", Shape::Choice(&["ABLE", "UNABLE"])),
    null("judgment_12m", Shape::Text(&MONEY)),
]);

pub(in crate::service) static EVENT: Shape = Shape::Object(&[
    must("type", Shape::Text(&KIND)),
    must("route", Shape::Text(&KIND)),
    must("occurred_at", Shape::Text(&INSTANT)),
    must("reported_at", Shape::Text(&INSTANT)),
    null("first_aid_at", Shape::Text(&INSTANT)),
    must("place_region", Shape::Text(&DIVISION)),
]);

/// Adds a finding for everything in `value` that does not have the shape.
pub(in crate::service) fn diagnose(value: &Value, shape: &Shape, pointer: &str, findings: &mut Vec<Finding>) {
    let mut find = |code, zh: String, en: String| {
        findings.push(Finding { pointer: pointer.to_owned(), code, detail: Text::new(zh, en) });
    };
    match (shape, value) {
        (Shape::Object(members), Value::Object(object)) => {
            for member in *members {
                let path = format!("{pointer}/{}", member.name);
                match object.get(member.name) {
                    None if member.need == Need::Must => findings.push(Finding {
                        pointer: pointer.to_owned(),
                        code: "missing_member",
                        detail: Text::new(
                            format!("缺少必填成员 `{}`。", member.name),
                            format!("the member `{}` is missing.", member.name),
                        ),
                    }),
                    None => {}
                    Some(Value::Null) if member.need == Need::Null => {}
                    Some(value) => diagnose(value, &member.shape, &path, findings),
                }
            }
            for name in object.keys().filter(|name| !members.iter().any(|member| member.name == name.as_str())) {
                let known: Vec<_> = members.iter().map(|member| member.name).collect();
                findings.push(Finding {
                    pointer: pointer.to_owned(),
                    code: "unknown_member",
                    detail: Text::new(
                        format!("含有未定义的成员（{}）。可用成员：{}。", shown(name), known.join("、")),
                        format!("there is an unknown member ({}). Known members: {}.", shown(name), known.join(", ")),
                    ),
                });
            }
        }
        (Shape::List(item), Value::Array(items)) => {
            for (index, value) in items.iter().enumerate() {
                diagnose(value, item, &format!("{pointer}/{index}"), findings);
            }
        }
        (Shape::Text(form), Value::String(text)) if (form.fits)(text) => {}
        (Shape::Text(form), _) => {
            find("invalid_value", format!("应为{}。", form.zh), format!("must be {}.", form.en));
        }
        (Shape::Choice(choices), Value::String(text)) if choices.contains(&text.as_str()) => {}
        (Shape::Choice(choices), _) => find(
            "invalid_value",
            format!("应为下列字符串之一：{}。", choices.join("、")),
            format!("must be one of the strings: {}.", choices.join(", ")),
        ),
        (Shape::Boolean, Value::Bool(_)) => {}
        (Shape::Boolean, _) => {
            find("wrong_type", "应为 true 或 false。".to_owned(), "must be true or false.".to_owned());
        }
        (Shape::Whole(most), Value::Number(number)) if number.as_u64().is_some_and(|number| number <= *most) => {}
        (Shape::Whole(most), _) => {
            find(
                "invalid_value",
                format!("应为 0 到 {most} 的整数。"),
                format!("must be a whole number from 0 to {most}."),
            );
        }
        (Shape::Each(form, shape), Value::Object(object)) => {
            for (name, value) in object {
                if (form.fits)(name) {
                    diagnose(value, shape, &format!("{pointer}/{name}"), findings);
                } else {
                    findings.push(Finding {
                        pointer: pointer.to_owned(),
                        code: "unknown_member",
                        detail: Text::new(
                            format!("成员名（{}）应为{}。", shown(name), form.zh),
                            format!("a member's name ({}) must be {}.", shown(name), form.en),
                        ),
                    });
                }
            }
        }
        (Shape::Object(_) | Shape::Each(..), _) => {
            find("wrong_type", "应为 JSON 对象。".to_owned(), "must be a JSON object.".to_owned());
        }
        (Shape::List(_), _) => find("wrong_type", "应为 JSON 数组。".to_owned(), "must be a JSON array.".to_owned()),
    }
}

/// The name of an unknown member, unless it could carry a person's data.
fn shown(name: &str) -> &str {
    let plain = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if plain { name } else { "…" }
}
