//! How texts name the members: by reference, relation and age, since a verdict knows no names.

use super::words;
use crate::domain::period::age_on;
use crate::domain::problem::Text;
use crate::verdict::facts::Facts;

/// The members' names in texts.
pub(super) struct Persons(Vec<(String, Text)>);

impl Persons {
    /// The members of these facts.
    pub(super) fn of(facts: &Facts) -> Self {
        let plain: Vec<Text> = facts
            .members
            .iter()
            .map(|member| {
                let relation = words::relation(member.relation.as_str());
                let age = age_on(member.born_on, facts.assessed_on);
                Text::new(format!("{}（{age}岁）", relation.zh), format!("{} ({age})", relation.en))
            })
            .collect();
        let named = facts.members.iter().zip(&plain).enumerate().map(|(index, (member, text))| {
            // Twins are told apart by their place in the list.
            let is_one_of_many = plain.iter().filter(|other| *other == text).count() > 1;
            let place = index + 1;
            let text = if is_one_of_many {
                Text::new(format!("{}（名单第{place}人）", text.zh), format!("{} (no. {place} of the list)", text.en))
            } else {
                text.clone()
            };
            (member.reference.to_string(), text)
        });
        Self(named.collect())
    }

    /// The member in plain words: `女儿（10岁）`. A stranger's reference stands for nobody.
    pub(super) fn plain(&self, reference: &str) -> Text {
        let known = self.0.iter().find(|(own, _)| own == reference).map(|(_, text)| text.clone());
        known.unwrap_or_else(|| Text::new("家庭成员", "a member"))
    }

    /// The member with the reference of the request: `m3 女儿（10岁）`.
    pub(super) fn named(&self, reference: &str) -> Text {
        let known = self.0.iter().find(|(own, _)| own == reference);
        known.map_or_else(
            || Text::new(reference, reference),
            |(_, text)| Text::new(format!("{reference} {}", text.zh), format!("{reference}, {}", text.en)),
        )
    }
}
