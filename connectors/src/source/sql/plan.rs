//! What a statement would cost by the database's own plan, held against what the file allows.

use super::super::SourceError;
use super::super::trouble::{Rung, Trouble};
use crate::connector::ExplainInfo;
use crate::error::Text;

/// What a database says it would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The tables it would read from end to end.
    pub(crate) scans: Vec<Scan>,
    /// Its cost in the units of `PostgreSQL`; other databases do not tell.
    pub(crate) cost: Option<u64>,
}

/// A table that is read from end to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scan {
    /// The table, as the plan names it.
    pub(crate) table: String,
    /// About how many rows it has; `None` where that is not to be seen.
    pub(crate) rows: Option<u64>,
}

impl Plan {
    /// The trouble with a plan that costs more than allowed.
    pub(crate) fn too_costly(&self, bounds: &ExplainInfo, dataset: &str, column: &str) -> Option<Trouble> {
        let trouble =
            |code, what, mend, command| Trouble { code, rung: Rung::Cost, what, mend, command, details: String::new() };
        let whole = self.scans.iter().find(|scan| scan.rows.is_some_and(|rows| rows > bounds.max_full_scan));
        if let Some(Scan { table, rows }) = whole {
            let (rows, bound) = (rows.unwrap_or_default(), bounds.max_full_scan);
            return Some(trouble(
                "full_scan",
                Text::new(
                    format!("{dataset} 的语句要从头到尾读 {table}（约 {rows} 行，上限 {bound} 行）"),
                    format!(
                        "the statement of {dataset} reads {table} from end to end (about {rows} rows; the bound is {bound})"
                    ),
                ),
                Text::new(
                    "给证件号列建索引；视图或函数包住列会用不上索引。确实可以全读时提高 [source.explain] max_full_scan",
                    "index the column of the identity number; a function around it goes past the index. Where reading it all is meant, raise max_full_scan in [source.explain]",
                ),
                Some(format!("CREATE INDEX ON {table} ({column});").replacen(
                    "INDEX ON",
                    &format!("INDEX {}_id ON", short(table)),
                    1,
                )),
            ));
        }
        let cost = self.cost.filter(|cost| bounds.max_cost.is_some_and(|bound| *cost > bound))?;
        let bound = bounds.max_cost.unwrap_or_default();
        Some(trouble(
            "statement_cost",
            Text::new(
                format!("{dataset} 的语句预计代价 {cost}，上限 {bound}"),
                format!("the statement of {dataset} is planned at a cost of {cost}; the bound is {bound}"),
            ),
            Text::new(
                "看查询计划，建索引或简化语句；确实可以时提高 [source.explain] max_cost",
                "look at the plan, add an index or make the statement simpler; where it is meant, raise max_cost in [source.explain]",
            ),
            None,
        ))
    }
}

/// A plan in which `place` is not what it should be: what the statement costs is not known, so it is not run.
pub(super) fn plan_unreadable(place: &str) -> SourceError {
    SourceError::TooCostly(Box::new(Trouble {
        code: "plan_unreadable",
        rung: Rung::Cost,
        what: Text::new(
            "数据库给出的查询计划读不懂，看不出语句的代价，所以不执行",
            "the database's plan is not understood; what the statement would cost is not known, so it is not run",
        ),
        mend: Text::new(
            "核对服务器版本；MySQL 要 explain_format = TRADITIONAL；仍不行时请把版本和原文告诉我们",
            "check the server's version; MySQL needs explain_format = TRADITIONAL; if that is not it, tell us the version and the words below",
        ),
        command: None,
        details: place.to_owned(),
    }))
}

/// A table's name as part of the name of an index.
fn short(table: &str) -> String {
    let name = table.rsplit('.').next().unwrap_or(table);
    name.chars().filter(|character| character.is_alphanumeric() || *character == '_').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(max_cost: Option<u64>) -> ExplainInfo {
        ExplainInfo { max_full_scan: 1_000, max_cost, given: true }
    }

    fn plan(rows: Option<u64>, cost: Option<u64>) -> Plan {
        Plan { scans: vec![Scan { table: "house.owner".into(), rows }], cost }
    }

    #[test]
    fn a_small_table_may_be_read_whole_and_a_large_one_may_not() {
        for (rows, code) in [(None, None), (Some(1_000), None), (Some(1_001), Some("full_scan"))] {
            let found = plan(rows, None).too_costly(&bounds(None), "housing.ownership", "id_card");
            assert_eq!(found.as_ref().map(|trouble| trouble.code), code);
            if let Some(trouble) = found {
                let command = trouble.command.as_deref();
                assert_eq!(command, Some("CREATE INDEX owner_id ON house.owner (id_card);"));
            }
        }
    }

    #[test]
    fn a_cost_is_held_to_its_bound_where_there_is_one() {
        assert_eq!(plan(None, Some(9_999)).too_costly(&bounds(None), "d", "c"), None);
        assert_eq!(plan(None, Some(500)).too_costly(&bounds(Some(500)), "d", "c"), None);
        let found = plan(None, Some(501)).too_costly(&bounds(Some(500)), "d", "c");
        assert_eq!(found.map(|trouble| trouble.code), Some("statement_cost"));
    }
}
