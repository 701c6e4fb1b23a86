//! The requirements with their numbers, words and remedies, from `requirements.toml`.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::error::Text;

/// A requirement.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its number, such as `L2-03`. A number is never used for another requirement.
    pub id: String,
    /// Its level, 0 to 4.
    pub level: u8,
    /// What it requires.
    pub title: Text,
    /// What mends it, where nothing better is known.
    pub fix: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequirementsFile {
    requirement: Vec<Requirement>,
}

/// All requirements, in the order of their numbers.
pub fn all() -> &'static [Requirement] {
    static ALL: OnceLock<Vec<Requirement>> = OnceLock::new();
    ALL.get_or_init(|| {
        let file: RequirementsFile = toml::from_str(include_str!("requirements.toml")).expect("a test reads this file");
        file.requirement
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_numbered_by_level_without_a_gap_and_say_what_mends_them() {
        let mut expected = (0, 0);
        for requirement in all() {
            expected =
                if requirement.level == expected.0 { (expected.0, expected.1 + 1) } else { (requirement.level, 1) };
            assert_eq!(requirement.id, format!("L{}-{:02}", expected.0, expected.1));
            for text in [&requirement.title, &requirement.fix] {
                assert!(!text.zh.is_empty() && !text.en.is_empty(), "{}", requirement.id);
                assert!(!text.en.chars().any(|character| ('\u{4e00}'..='\u{9fff}').contains(&character)), "{text:?}");
            }
        }
        assert_eq!(expected.0, super::super::report::HIGHEST);
        assert!(all().iter().filter(|requirement| requirement.level == 2).count() >= 12);
    }
}
