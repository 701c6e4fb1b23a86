//! The shapes of the fact types: which targets a mapping may fill, and which it must.
//!
//! The hub's fact types and their JSON Schemas are the law, and the hub checks every fact at its
//! door. This table lets a connector be checked where it is written, without a hub; a test of the
//! hub holds the two together.

/// How a target is written in a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A decimal string in yuan with two places.
    Money,
    /// `YYYY-MM-DD`.
    Date,
    /// Any text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number from 0 to 4294967295.
    Count,
    /// A decimal string.
    Decimal,
    /// 1 to 64 characters of `A-Z`, `0-9`, `_`.
    Kind,
    /// One of these.
    OneOf(&'static [&'static str]),
}

/// One target of a fact type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub form: Form,
    /// Every fact has it.
    pub required: bool,
}

/// A fact type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactType {
    /// Its name in connector files and catalogue.
    pub name: &'static str,
    /// Its targets.
    pub targets: &'static [Target],
}

const fn must(name: &'static str, form: Form) -> Target {
    Target { name, form, required: true }
}

const fn may(name: &'static str, form: Form) -> Target {
    Target { name, form, required: false }
}

/// The kinds that the shipped rules know, by fact type. A pack may know others: that is why any other is allowed.
pub const KINDS: [(&str, &[&str]); 2] = [
    (
        "income",
        &[
            "WAGE",
            "LABOUR_SERVICE",
            "BUSINESS",
            "FARMING",
            "HERDING",
            "RENT",
            "INTEREST",
            "PENSION_EMPLOYEE",
            "PENSION_RESIDENT",
            "BASIC_PENSION_CENTRAL",
            "BASIC_PENSION_REGIONAL",
            "UNEMPLOYMENT_BENEFIT",
            "SURVIVOR_BENEFIT",
            "FUNERAL_GRANT",
            "MATERNITY_ALLOWANCE",
            "WORK_INJURY_BENEFIT",
            "WORK_INJURY_CARE",
            "COMPENSATION",
            "EMPLOYMENT_SUBSIDY",
            "TRAINING_ALLOWANCE",
            "INTERNSHIP_ALLOWANCE",
            "LONG_TERM_CARE_BENEFIT",
            "SCHOLARSHIP",
            "STUDENT_AID",
            "SOCIAL_ASSISTANCE",
            "FAMILY_PLANNING_REWARD",
            "CARE_REWARD",
            "VETERAN_PREFERENTIAL",
            "BRAVERY_REWARD",
            "AGE_ALLOWANCE",
            "DISABILITY_SUBSIDY",
            "TRANSFER_OUT",
        ],
    ),
    (
        "asset",
        &[
            "DEPOSIT",
            "SECURITIES",
            "FUND",
            "INSURANCE_CASH_VALUE",
            "INTERNET_FINANCE",
            "RECEIVABLE",
            "DWELLING",
            "NON_RESIDENTIAL",
            "VEHICLE",
            "BUSINESS_ENTITY",
            "HOUSING_PROVIDENT_FUND",
        ],
    ),
];

/// The kinds that the shipped rules know of a fact type; none where it has no kinds, or any.
pub fn kinds(fact: &str) -> &'static [&'static str] {
    KINDS.iter().find(|(of, _)| *of == fact).map_or(&[], |(_, kinds)| kinds)
}

/// Every fact type.
pub const FACT_TYPES: [FactType; 11] = [
    FactType {
        name: "income",
        targets: &[
            must("category", Form::OneOf(&["WAGE", "OPERATING", "PROPERTY", "TRANSFER", "TRANSFER_OUT", "OTHER"])),
            must("kind", Form::Kind),
            must("amount", Form::Money),
            must("from", Form::Date),
            must("to", Form::Date),
            may("basic_portion", Form::Money),
            may("payer", Form::Text),
            may("dedupe_key", Form::Text),
        ],
    },
    FactType {
        name: "asset",
        targets: &[
            must("kind", Form::Kind),
            must("value", Form::Money),
            may("count", Form::Count),
            may("area_m2", Form::Decimal),
            may("share", Form::Decimal),
            may("exempt_kind", Form::Kind),
            may("dedupe_key", Form::Text),
            may("as_of", Form::Date),
        ],
    },
    FactType {
        name: "expenditure",
        targets: &[
            must("kind", Form::OneOf(&["MEDICAL", "DISABILITY_REHAB", "EDUCATION", "ACCIDENT"])),
            must("gross", Form::Money),
            must("covered", Form::Money),
            must("paid_on", Form::Date),
            may("benchmark", Form::Money),
        ],
    },
    FactType {
        name: "enrolment",
        targets: &[
            must(
                "stage",
                Form::OneOf(&[
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
                ]),
            ),
            must("full_time", Form::Boolean),
            may("school", Form::Text),
            may("enrolled_on", Form::Date),
        ],
    },
    FactType { name: "death", targets: &[must("died_on", Form::Date)] },
    FactType {
        name: "diagnosis",
        targets: &[must("code", Form::Text), must("severe", Form::Boolean), may("diagnosed_on", Form::Date)],
    },
    FactType {
        name: "disability",
        targets: &[
            must("category", Form::OneOf(&["1", "2", "3", "4", "5", "6", "7"])),
            must("grade", Form::OneOf(&["1", "2", "3", "4"])),
        ],
    },
    FactType {
        name: "employment",
        targets: &[must("employed", Form::Boolean), may("since", Form::Date), may("employer", Form::Text)],
    },
    FactType { name: "insurance", targets: &[must("scheme", Form::Kind), must("active", Form::Boolean)] },
    FactType {
        name: "disaster",
        targets: &[must("kind", Form::Kind), must("occurred_on", Form::Date), may("rooms_collapsed", Form::Count)],
    },
    FactType {
        name: "assistance",
        targets: &[must("kind", Form::Kind), must("from", Form::Date), may("amount", Form::Money)],
    },
];

/// The fact type of this name.
pub fn fact_type(name: &str) -> Option<&'static FactType> {
    FACT_TYPES.iter().find(|fact| fact.name == name)
}

impl FactType {
    /// The target of this name.
    pub fn target(&self, name: &str) -> Option<&'static Target> {
        self.targets.iter().find(|target| target.name == name)
    }

    /// The names of its targets, for advice.
    pub fn names(&self) -> String {
        self.targets.iter().map(|target| target.name).collect::<Vec<_>>().join(", ")
    }
}

impl Form {
    /// True when a text known at load fits this form.
    pub fn takes_text(self, text: &str) -> bool {
        match self {
            Self::Text => !text.trim().is_empty(),
            Self::Kind => {
                (1..=64).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
            }
            Self::OneOf(list) => list.contains(&text),
            Self::Money => crate::amount::yuan(text).is_ok_and(|amount| amount == text),
            Self::Decimal => crate::amount::decimal(text).is_ok(),
            Self::Date => text.parse::<jiff::civil::Date>().is_ok(),
            Self::Boolean | Self::Count => false,
        }
    }

    /// What the form looks like, for advice.
    pub fn description(self) -> crate::error::Text {
        use crate::error::Text;
        match self {
            Self::Money => Text::new("金额：as = \"yuan\" 或 as = \"fen\"", "an amount: as = \"yuan\" or as = \"fen\""),
            Self::Date => Text::new("日期：as = \"date\"，并给出 format", "a date: as = \"date\" with a format"),
            Self::Text => Text::new(
                "文本：as = \"text\"、codes、template 或 value",
                "a text: as = \"text\", codes, template or value",
            ),
            Self::Boolean => Text::new(
                "是否：as = \"boolean\" 或 value = true/false",
                "yes or no: as = \"boolean\", or value = true or false",
            ),
            Self::Count => Text::new("整数：as = \"integer\" 或 value", "a whole number: as = \"integer\", or value"),
            Self::Decimal => Text::new("小数：as = \"decimal\" 或 value", "a decimal: as = \"decimal\", or value"),
            Self::Kind => Text::new(
                "类别：value 或 codes，只含 A-Z、0-9、_",
                "a kind of A-Z, 0-9 and _: value, codes or as = \"text\"",
            ),
            Self::OneOf(list) => {
                let list = list.join(", ");
                Text::new(
                    format!("value 或 codes，取值为 {list}"),
                    format!("value, codes or as = \"text\", one of {list}"),
                )
            }
        }
    }
}
