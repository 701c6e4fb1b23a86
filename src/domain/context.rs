//! The context of an access: what a caseworker system says of who asks and on which case, and what of it the access
//! log keeps. The hub cannot check it; it is the caller's word, and it stands in the log as such.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::household::Household;
use super::id_number::{Subject, SubjectKey};

/// Surnames of two characters; every other is one.
const COMPOUND_SURNAMES: &[&str] = &[
    "欧阳", "太史", "端木", "上官", "司马", "东方", "独孤", "南宫", "夏侯", "诸葛", "尉迟", "公羊", "皇甫", "宇文",
    "长孙", "慕容", "司徒", "令狐", "呼延", "拓跋",
];
/// Where the part of an address ends that neighbours have in common: building, group, village, community.
const CELL_ENDS: &[&str] = &["号楼", "栋", "幢", "座", "楼", "组", "社", "队", "嘎查", "村", "社区", "小区"];

/// What the caller's system says of an access.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = AccessContext)]
#[serde(deny_unknown_fields)]
pub struct AccessContext {
    /// The person who asks, as the caller's system names them: an account or staff number, never an identity number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Za-z0-9._@-]{1,64}$", example = "zhang.san")]
    pub operator: Option<String>,
    /// The workstation or session they ask from; the log keeps a keyed hash of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub workstation: Option<String>,
    /// The case (救助事项) the question belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseContext>,
    /// Where the household lives; the log keeps a keyed hash of the part that neighbours have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub address: Option<String>,
    /// Why this access, where the case does not say: stands in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub reason: Option<String>,
}

/// The case a question belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = CaseContext)]
#[serde(deny_unknown_fields)]
pub struct CaseContext {
    /// Its number in the caller's system, never an identity number.
    #[schema(pattern = "^[A-Za-z0-9._@-]{1,64}$", example = "DB-2026-000123")]
    pub number: String,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// Who opened it, as `operator` names people; the asker when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Za-z0-9._@-]{1,64}$")]
    pub opened_by: Option<String>,
    /// When it was closed; open when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Timestamp>,
}

/// What the access log keeps of a context: names of accounts and cases as they are, everything about people and places
/// as hashes under the log's own key.
///
/// INVARIANT: the fields stand in alphabetical order, as everything in an event does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedContext {
    /// The address cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Subject>,
    /// The number of the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// When the case was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_closed_at: Option<Timestamp>,
    /// When the case was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_opened_at: Option<Timestamp>,
    /// Who opened the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_opened_by: Option<String>,
    /// For each member the division of first registration and birthday together: equal for numbers that differ in
    /// their last four characters only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cohorts: Vec<Subject>,
    /// For each member surname and address cell together: equal where both are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kin: Vec<Subject>,
    /// The person who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The workstation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workstation: Option<Subject>,
}

impl LoggedContext {
    /// What is kept of a context for a household.
    pub fn of(context: Option<&AccessContext>, household: &Household, key: &SubjectKey) -> Self {
        let members = &household.members;
        let cohorts = members.iter().map(|member| member.id_number.cohort(key)).collect();
        let Some(context) = context else { return Self { cohorts, ..Self::default() } };
        let kin =
            context.address.iter().flat_map(|address| members.iter().map(|member| kin(&member.name, address, key)));
        let case = context.case.as_ref();
        Self {
            address: context.address.as_deref().map(|address| address_cell(address, key)),
            case: case.map(|case| case.number.clone()),
            case_closed_at: case.and_then(|case| case.closed_at),
            case_opened_at: case.map(|case| case.opened_at),
            case_opened_by: case.and_then(|case| case.opened_by.clone()),
            cohorts,
            kin: kin.collect(),
            operator: context.operator.clone(),
            reason: context.reason.clone(),
            workstation: context.workstation.as_deref().map(|name| key.tag("workstation", &[name])),
        }
    }
}

/// Whether a text can name an account or a case: no spaces, and not a person's number (P7).
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'@' | b'-'))
        && !super::id_number::IdNumber::is_in(text)
}

/// The keyed hash of the part of an address that neighbours have in common.
pub fn address_cell(address: &str, key: &SubjectKey) -> Subject {
    key.tag("address", &[&cell(address)])
}

/// The keyed hash of a person's surname and address cell together. The surname alone is not hashed: five surnames are
/// a third of the country, and counting equal hashes would give them away.
pub fn kin(name: &str, address: &str, key: &SubjectKey) -> Subject {
    key.tag("kin", &[surname(name), &cell(address)])
}

fn surname(name: &str) -> &str {
    let name = name.trim();
    COMPOUND_SURNAMES
        .iter()
        .copied()
        .find(|compound| name.starts_with(compound))
        .unwrap_or_else(|| name.char_indices().nth(1).map_or(name, |(end, _)| name.get(..end).unwrap_or(name)))
}

/// Without spaces, full-width characters folded, and cut behind the last word for something that has neighbours.
fn cell(address: &str) -> String {
    let folded: String = address
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| match character {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
            other => other,
        })
        .collect();
    let end = CELL_ENDS.iter().filter_map(|word| folded.rfind(word).map(|at| at + word.len())).max();
    end.and_then(|end| folded.get(..end)).map_or_else(|| folded.clone(), str::to_owned)
}

/// Whether a text says something: at least `least` characters, of at least four different ones, and not a few of them
/// over and over.
pub fn says_something(text: &str, least: usize) -> bool {
    let said: Vec<char> = text.chars().filter(|character| character.is_alphanumeric()).collect();
    let different: std::collections::BTreeSet<char> = said.iter().copied().collect();
    let runs = said.windows(2).filter(|pair| pair.first() == pair.last()).count();
    said.len() >= least && different.len() >= 4 && runs * 2 < said.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_cell_and_others_do_not() {
        let same = ["兴安盟乌兰浩特市幸福社区3栋2单元501室", "兴安盟乌兰浩特市 幸福社区３栋1单元102"];
        assert_eq!(cell(same[0]), cell(same[1]));
        assert_eq!(cell(same[0]), "兴安盟乌兰浩特市幸福社区3栋");
        assert_ne!(cell(same[0]), cell("兴安盟乌兰浩特市幸福社区4栋2单元501室"));
        assert_eq!(cell("巴彦嘎查"), "巴彦嘎查");
        assert_eq!(cell("no such word"), "nosuchword");
    }

    #[test]
    fn a_surname_is_one_character_or_a_compound_one() {
        assert_eq!((surname("王小明"), surname("欧阳小明"), surname("敖"), surname("")), ("王", "欧阳", "敖", ""));
    }

    #[test]
    fn kin_need_both_surname_and_cell() {
        let key = SubjectKey::new(crate::domain::suite::SuiteId::Intl, &[1; 32]);
        let one = kin("王一", "幸福社区3栋101", &key);
        assert_eq!(one, kin("王二", "幸福社区3栋502", &key));
        assert_ne!(one, kin("李二", "幸福社区3栋502", &key));
        assert_ne!(one, kin("王二", "幸福社区4栋502", &key));
    }

    /// A29: a reason of nothing is none.
    #[test]
    fn a_reason_of_a_few_characters_over_and_over_says_nothing() {
        for nothing in
            ["", "   ", "aaaa", "aaaaaaaaaaaaaaaa", "1111 2222 3333", "……………………", "好好好好好好好好", "ok", "ababab"]
        {
            assert!(!says_something(nothing, 6), "{nothing}");
        }
        for something in
            ["已与当事人核实，系正常业务", "火灾后家庭无处居住", "routine recheck of the case", "洪水转移安置群众"]
        {
            assert!(says_something(something, 6), "{something}");
        }
    }
}
