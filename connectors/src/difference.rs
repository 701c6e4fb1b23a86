//! `diff`: what a new version of a connector file changes for those who ask, and whether it breaks them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::connector::{Connector, Dataset};
use crate::error::Text;
use crate::mapping::{From, Template};
use crate::value::{Format, Value};

/// A change between two connector files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// True when somebody who relies on the old file gets less, or something else, from the new one.
    pub breaking: bool,
    /// Where: `adapter`, `quota`, or a dataset.
    pub place: String,
    /// What changed.
    pub what: Text,
}

/// Every change from `old` to `new`, those that break first.
pub fn changes(old: &Connector, new: &Connector) -> Vec<Change> {
    let mut found = Found(Vec::new());
    found.adapter(old, new);
    for before in &old.datasets {
        match new.dataset(&before.id) {
            Some(after) => found.dataset(before, after),
            None => found.add(true, &before.id, "数据集没有了", "the dataset is gone"),
        }
    }
    for after in new.datasets.iter().filter(|after| old.dataset(&after.id).is_none()) {
        found.add(false, &after.id, "新的数据集", "a new dataset");
    }
    found.0.sort_by_key(|change| !change.breaking);
    found.0
}

struct Found(Vec<Change>);

impl Found {
    fn add(&mut self, breaking: bool, place: &str, zh: impl Into<String>, en: impl Into<String>) {
        self.0.push(Change { breaking, place: place.to_owned(), what: Text::new(zh, en) });
    }

    fn adapter(&mut self, old: &Connector, new: &Connector) {
        let (before, after) = (&old.adapter, &new.adapter);
        if before.id != after.id {
            let (from, to) = (&before.id, &after.id);
            self.add(true, "adapter", format!("标识由 {from} 变为 {to}"), format!("its id was {from} and is {to}"));
        }
        let elsewhere = Connector { file: old.file.clone(), ..new.clone() };
        if before.version == after.version && *old != elsewhere {
            self.add(
                false,
                "adapter",
                "版本号没有变：每个数字旁边都写着它，请改",
                "the version is the same: it stands beside every figure, so change it",
            );
        }
        if before.name != after.name || before.contact != after.contact {
            self.add(false, "adapter", "名称或联系方式变了", "its name or contact changed");
        }
        if before.notice != after.notice {
            self.add(false, "adapter", "公告变了", "the notice changed");
        }
        if old.source != new.source {
            self.add(
                false,
                "source",
                "数据源或其限额变了：用 hedui-adapter check 核对",
                "the source or its bounds changed: run hedui-adapter check",
            );
        }
        for (name, before, after) in
            [("per_second", old.quota.per_second, new.quota.per_second), ("burst", old.quota.burst, new.quota.burst)]
        {
            if before != after {
                let (zh, en) =
                    (format!("{name} 由 {before} 变为 {after}"), format!("{name} was {before} and is {after}"));
                self.add(after < before, "quota", zh, en);
            }
        }
    }

    fn dataset(&mut self, old: &Dataset, new: &Dataset) {
        let place = &new.id;
        if old.fact != new.fact {
            let (from, to) = (&old.fact, &new.fact);
            self.add(
                true,
                place,
                format!("事实类型由 {from} 变为 {to}"),
                format!("its facts were {from} and are {to}"),
            );
        }
        if old.ask != new.ask {
            self.add(
                false,
                place,
                "语句或参数变了：用 hedui-adapter test 核对",
                "the statement or its parameters changed: run hedui-adapter test",
            );
        }
        let (before, after) = (targets(old), targets(new));
        for (target, was) in &before {
            let Some(is) = after.get(target) else {
                self.add(true, place, format!("字段 {target} 没有了"), format!("the target {target} is gone"));
                continue;
            };
            if !was.optional && is.optional {
                let (zh, en) = (format!("字段 {target} 变为可以没有"), format!("the target {target} became optional"));
                self.add(true, place, zh, en);
            }
            self.target(place, target, was, is);
        }
        for target in after.keys().filter(|target| !before.contains_key(*target)) {
            self.add(false, place, format!("新的字段 {target}"), format!("a new target {target}"));
        }
        if old.mapping.name != new.mapping.name {
            let gone = new.mapping.name.is_none();
            let (zh, en) = if gone {
                ("不再比对姓名", "names are no longer compared")
            } else {
                ("姓名比对变了", "how names are compared changed")
            };
            self.add(gone, place, zh, en);
        }
        if old.mapping.as_of.is_some() && new.mapping.as_of.is_none() {
            self.add(true, place, "不再说明数据日期", "it no longer says of which day its records are");
        }
        if old.mapping.within != new.mapping.within || old.mapping.add != new.mapping.add {
            self.add(
                true,
                place,
                "哪些记录算在期间内、金额怎样合计变了",
                "which rows lie within the period, or what is added up, changed",
            );
        }
        if old.mapping.skip != new.mapping.skip {
            self.add(true, place, "略去的记录变了", "which rows are left out changed");
        }
    }

    fn target(&mut self, place: &str, target: &str, was: &Filled<'_>, is: &Filled<'_>) {
        let (
            Some(Format::Codes { codes: old, other: old_other }),
            Some(Format::Codes { codes: new, other: new_other }),
        ) = (was.format, is.format)
        else {
            if was.constant != is.constant {
                let (zh, en) = (format!("字段 {target} 的固定值变了"), format!("the constant of {target} changed"));
                self.add(true, place, zh, en);
            } else if was.format != is.format || was.column != is.column || was.template != is.template {
                let (zh, en) = (format!("字段 {target} 的来源变了"), format!("where {target} comes from changed"));
                self.add(false, place, zh, en);
            }
            return;
        };
        for (code, meaning) in old {
            match new.get(code) {
                None => {
                    let (zh, en) =
                        (format!("{target}：代码 {code} 没有了"), format!("{target}: the code {code} is gone"));
                    self.add(new_other.is_none(), place, zh, en);
                }
                Some(other) if other != meaning => {
                    let zh = format!("{target}：代码 {code} 由 {meaning} 变为 {other}");
                    let en = format!("{target}: the code {code} meant {meaning} and means {other}");
                    self.add(true, place, zh, en);
                }
                Some(_) => {}
            }
        }
        let known: BTreeSet<&String> = old.values().collect();
        for (code, meaning) in new.iter().filter(|(code, _)| !old.contains_key(*code)) {
            let unseen = if known.contains(meaning) { "" } else { ", which callers have not seen before" };
            let zh = format!(
                "{target}：新的代码 {code} = {meaning}{}",
                if unseen.is_empty() { "" } else { "，这个值调用方没见过" }
            );
            self.add(false, place, zh, format!("{target}: a new code {code} = {meaning}{unseen}"));
        }
        if old_other != new_other {
            let (zh, en) =
                (format!("{target}：未列代码的含义变了"), format!("{target}: what other codes mean changed"));
            self.add(true, place, zh, en);
        }
    }
}

/// What fills a target.
struct Filled<'a> {
    optional: bool,
    constant: Option<&'a Value>,
    column: Option<&'a str>,
    format: Option<&'a Format>,
    template: Option<&'a Template>,
}

fn targets(dataset: &Dataset) -> BTreeMap<&str, Filled<'_>> {
    let fields = dataset.mapping.fields.iter().map(|field| {
        let (constant, column, format) = match &field.from {
            From::Constant(value) => (Some(value), None, None),
            From::Column { column, format } => (None, Some(column.as_str()), Some(format)),
        };
        (field.target.as_str(), Filled { optional: field.optional, constant, column, format, template: None })
    });
    let templates = dataset.mapping.templates.iter().map(|template| {
        let optional = template.optional;
        (
            template.target.as_str(),
            Filled { optional, constant: None, column: None, format: None, template: Some(template) },
        )
    });
    fields.chain(templates).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const FILE: &str = include_str!("../../tests/fixtures/seventh_source/connector.toml");

    fn parse(text: &str) -> Connector {
        Connector::parse(text, Path::new("connector.toml")).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// The changes of a file with one replacement: breaking ones, and others besides that of the version.
    fn of(from: &str, to: &str) -> (usize, usize) {
        assert!(FILE.contains(from), "{from}");
        let found = changes(&parse(FILE), &parse(&FILE.replacen(from, to, 1)));
        let breaking = found.iter().filter(|change| change.breaking).count();
        (breaking, found.len() - breaking - 1)
    }

    #[test]
    fn a_file_does_not_differ_from_itself() {
        assert!(changes(&parse(FILE), &parse(FILE)).is_empty());
    }

    #[test]
    fn what_takes_something_away_breaks_and_what_adds_does_not() {
        assert_eq!(of("per_second = ", "per_second = 9"), (0, 1), "more is granted");
        assert_eq!(of("contact = \"", "contact = \"新"), (0, 1));
        assert_eq!(of("name = \"姓名\"\n", ""), (1, 0), "names are not compared any more");
        assert_eq!(of("FROM   持证残疾人", "FROM   持证残疾人 "), (0, 1), "a statement may change as it likes");
    }

    #[test]
    fn a_dataset_that_is_gone_breaks() {
        let mut new = parse(FILE);
        let gone = new.datasets.remove(0);
        new.adapter.version = "2".to_owned();
        let found = changes(&parse(FILE), &new);
        assert!(found.iter().any(|change| change.breaking && change.place == gone.id), "{found:?}");
        let found = changes(&new, &parse(FILE));
        assert!(found.iter().all(|change| !change.breaking), "{found:?}");
    }
}
