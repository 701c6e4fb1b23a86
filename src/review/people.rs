//! Who is staff and who is watched: files of identity numbers that the officer supplies, read once and held as
//! pseudonyms under the log's key only.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::context::{address_cell, is_name, kin};
use crate::domain::id_number::{IdNumber, Subject, SubjectKey};

/// The columns of the staff list.
pub const STAFF_COLUMNS: [&str; 6] = ["client", "operator", "id_number", "name", "address", "relatives"];

/// A person at a client, as far as the rules must know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// The person.
    pub subject: Subject,
    /// The address cell they live in.
    pub address: Option<Subject>,
    /// Surname and address cell together.
    pub kin: Option<Subject>,
    /// Relatives they declared (回避).
    pub relatives: Vec<Subject>,
}

/// Staff and watched persons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    staff: BTreeMap<(String, String), Staff>,
    colleagues: BTreeSet<Subject>,
    watched: BTreeSet<Subject>,
}

/// A line that cannot be used. What stands on it is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct PeopleError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl People {
    /// Adds a staff list: CSV with the header `client,operator,id_number,name,address,relatives`; name, address and
    /// relatives may be empty, relatives are identity numbers with `;` between them. No field holds a comma or quote.
    pub fn with_staff(mut self, text: &str, key: &SubjectKey) -> Result<Self, PeopleError> {
        let mut lines = lines(text);
        let error = |line, why: &str| PeopleError { line, why: why.to_owned() };
        let header = lines.next().unwrap_or((1, ""));
        if header.1.split(',').map(str::trim).ne(STAFF_COLUMNS) {
            return Err(error(
                header.0,
                &format!("the first line must be `{}` 首行应为这些列名", STAFF_COLUMNS.join(",")),
            ));
        }
        for (line, text) in lines {
            let fields: Vec<&str> = text.split(',').map(str::trim).collect();
            let [client, operator, number, name, address, relatives] = fields.as_slice() else {
                return Err(error(line, "there must be six fields with commas between them 应有六列"));
            };
            if !is_name(operator) || client.is_empty() {
                return Err(error(line, "client and operator must be names of accounts 系统和操作员应为账号"));
            }
            let subject = |number: &str| {
                IdNumber::parse(number)
                    .map(|number| number.subject(key))
                    .map_err(|why| error(line, &format!("{why} 身份号码有误")))
            };
            let relatives = relatives.split(';').filter(|number| !number.trim().is_empty()).map(subject);
            let staff = Staff {
                subject: subject(number)?,
                address: (!address.is_empty()).then(|| address_cell(address, key)),
                kin: (!address.is_empty() && !name.is_empty()).then(|| kin(name, address, key)),
                relatives: relatives.collect::<Result<_, _>>()?,
            };
            self.colleagues.insert(staff.subject);
            if self.staff.insert(((*client).to_owned(), (*operator).to_owned()), staff).is_some() {
                return Err(error(line, "this operator stands in the list twice 该操作员重复"));
            }
        }
        Ok(self)
    }

    /// Adds a watch list: one identity number a line; what follows `#` is passed over.
    pub fn with_watch_list(mut self, text: &str, key: &SubjectKey) -> Result<Self, PeopleError> {
        for (line, text) in lines(text) {
            let number = text.split('#').next().unwrap_or_default();
            if number.trim().is_empty() {
                continue;
            }
            let number = IdNumber::parse(number)
                .map_err(|why| PeopleError { line, why: format!("{why} 身份号码有误") })?;
            self.watched.insert(number.subject(key));
        }
        Ok(self)
    }

    /// Somebody at a client.
    pub fn staff(&self, client: &str, operator: &str) -> Option<&Staff> {
        self.staff.get(&(client.to_owned(), operator.to_owned()))
    }

    /// Whether a person is staff.
    pub fn is_colleague(&self, subject: Subject) -> bool {
        self.colleagues.contains(&subject)
    }

    /// Whether a person is watched.
    pub fn is_watched(&self, subject: Subject) -> bool {
        self.watched.contains(&subject)
    }

    /// How many people are staff, how many of them have an address, and how many persons are watched.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.staff.len(), self.staff.values().filter(|staff| staff.address.is_some()).count(), self.watched.len())
    }
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())).filter(|(_, line)| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "client,operator,id_number,name,address,relatives\n";

    fn key() -> SubjectKey {
        SubjectKey::new(crate::domain::suite::SuiteId::Intl, &[7; 32])
    }

    #[test]
    fn a_staff_list_becomes_pseudonyms() {
        let text = format!(
            "\u{feff}{HEADER}c1,zhang.san,150000198605021015,张三,幸福社区3栋101,150000198808191022; \n\nc1,li.si,15000019700101109X,,,\n"
        );
        let people = People::default().with_staff(&text, &key()).unwrap();
        let staff = people.staff("c1", "zhang.san").unwrap();
        assert_eq!(staff.subject, IdNumber::parse("150000198605021015").unwrap().subject(&key()));
        assert_eq!(staff.kin, Some(kin("张五", "幸福社区3栋", &key())));
        assert_eq!(staff.relatives.len(), 1);
        assert!(people.is_colleague(staff.subject) && !people.is_colleague(staff.relatives[0]));
        assert_eq!(people.staff("c1", "li.si").unwrap().address, None);
        assert_eq!(people.counts(), (2, 1, 0));
        assert!(people.staff("c2", "zhang.san").is_none());
    }

    #[test]
    fn a_wrong_line_is_named_and_not_repeated() {
        for (line, text) in [
            (1, "operator,id\n".to_owned()),
            (2, format!("{HEADER}c1,zhang.san,150000198605021016,,,\n")),
            (3, format!("{HEADER}c1,a,150000198605021015,,,\nc1,a,150000198605021015,,,\n")),
            (2, format!("{HEADER}c1,150000198605021015,150000198605021015,,,\n")),
            (2, format!("{HEADER}c1,a,150000198605021015\n")),
        ] {
            let error = People::default().with_staff(&text, &key()).unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(!error.to_string().contains("1986"), "{error}");
        }
        let error = People::default().with_watch_list("# heads\n150000198605021015 # x\n1\n", &key()).unwrap_err();
        assert_eq!(error.line, 3);
    }
}
