//! What the file itself says, beyond its form: kinds that no rule counts, and its golden tests.

use std::path::Path;

use super::Step;
use crate::connector::{ASKED, Ask, Connector, Dataset};
use crate::error::{Lang, Text};
use crate::source::{Rung, Trouble};
use crate::sql_text::Placeholder;
use crate::{facts, golden};

/// What somebody should know of a file that is sound.
pub(super) fn notes(connector: &Connector) -> Text {
    let (uncounted, unnamed) = (uncounted(connector), unnamed(connector));
    Text::new(uncounted.zh + &unnamed.zh, uncounted.en + &unnamed.en)
}

/// The datasets of which nothing but the call tells whose a record is.
fn unnamed(connector: &Connector) -> Text {
    let asked = connector.datasets.iter().filter(|dataset| dataset.mapping.subject == ASKED);
    match asked.map(|dataset| dataset.id.as_str()).collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => Text::same(""),
        ids => Text::new(
            format!("；注意：{ids} 的答复不写是谁的记录，只凭所问的人（subject = \"{ASKED}\"）"),
            format!(
                "; note: answers of {ids} do not say whose a record is, only the call does (subject = \"{ASKED}\")"
            ),
        ),
    }
}

/// The kinds of property that the shipped rules do not count, if there are any: a pack may, and a slip may be one.
fn uncounted(connector: &Connector) -> Text {
    let assets = connector.datasets.iter().filter(|dataset| dataset.fact == "asset");
    let unknown = assets.flat_map(|dataset| {
        let unknown = |kind: &&str| !facts::kinds(&dataset.fact).contains(kind);
        dataset.mapping.kinds().into_iter().filter(unknown).map(|kind| format!("{} {kind}", dataset.id))
    });
    match unknown.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => Text::same(""),
        kinds => Text::new(
            format!("；注意：自带规则不计入这些类别，除非当地政策包写明：{kinds}"),
            format!("; note: the shipped rules count no such kinds, unless a local pack does: {kinds}"),
        ),
    }
}

/// Its golden tests.
pub(super) async fn golden(connector: &Connector, file: &Path) -> Step {
    let results = golden::run(connector).await;
    let failed: Vec<_> = results.iter().filter(|result| !result.passed()).collect();
    let count = results.len();
    if count == 0 {
        return Step::sound(
            Rung::Golden,
            "文件里还没有金样测试：没有它，改了映射也看不出来",
            "the file has no golden test yet: without one, a change of the mapping is not noticed",
        );
    }
    let Some(first) = failed.first() else {
        return Step::sound(Rung::Golden, format!("{count} 个金样测试都通过"), format!("{count} golden test(s) pass"));
    };
    Step::broken(Trouble {
        code: "golden_test_failed",
        rung: Rung::Golden,
        what: Text::new(
            format!(
                "{count} 个金样测试里有 {} 个不通过，先是“{}”：{}",
                failed.len(),
                first.name,
                super::joined(&first.differences, Lang::Zh)
            ),
            format!(
                "{} of {count} golden tests fail, first `{}`: {}",
                failed.len(),
                first.name,
                super::joined(&first.differences, Lang::En)
            ),
        ),
        mend: golden::mend(),
        command: Some(format!("hedui-adapter test {}", file.display())),
        details: String::new(),
    })
}

/// The command that grants a table as the statement writes it: the server names it without schema and quotes.
pub(super) fn granting(dataset: &Dataset, trouble: &Trouble) -> Option<String> {
    let Ask::Sql { statement, .. } = &dataset.ask else { return None };
    let command = trouble.command.as_deref().filter(|_| trouble.code == "table_not_granted")?;
    let (table, to) = command.strip_prefix("GRANT SELECT ON ")?.split_once(" TO ")?;
    let text = statement.rendered(1, Placeholder::QuestionNumber).text;
    let ends = |character: char| character.is_whitespace() || matches!(character, ',' | '(' | ')' | ';');
    let named = |word: &&str| {
        let last = word.rsplit('.').next().unwrap_or_default().trim_matches('"');
        last.eq_ignore_ascii_case(table.trim_matches('"'))
    };
    let written = text.split(ends).find(named)?;
    Some(format!("GRANT SELECT ON {written} TO {to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_granted_as_the_statement_writes_it() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("hrss/connector.toml");
        let text = std::fs::read_to_string(&file).unwrap().replace("FROM   AC61", "FROM   gov.\"AC61\"");
        let connector = Connector::parse(&text, &file).unwrap();
        let refused = |code, table: &str| Trouble {
            code,
            rung: Rung::Permission,
            what: Text::same(""),
            mend: Text::same(""),
            command: Some(format!("GRANT SELECT ON {table} TO reader;")),
            details: String::new(),
        };
        let granted = |trouble: &Trouble| granting(&connector.datasets[0], trouble);
        let command = granted(&refused("table_not_granted", "AC61"));
        assert_eq!(command.as_deref(), Some("GRANT SELECT ON gov.\"AC61\" TO reader;"));
        assert_eq!(granted(&refused("table_not_granted", "other")), None, "what a view reads stands in no statement");
        assert_eq!(granted(&refused("table_unknown", "AC61")), None);
    }

    #[test]
    fn kinds_of_property_that_no_rule_counts_are_told() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("housing/connector.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let connector = Connector::parse(&text, &file).unwrap();
        assert_eq!(uncounted(&connector), Text::same(""));
        assert!(text.contains("\"DWELLING\""));
        let other = Connector::parse(&text.replace("\"DWELLING\"", "\"YURT\""), &file).unwrap();
        assert!(uncounted(&other).zh.contains("YURT"), "{:?}", uncounted(&other));
        let slip = Connector::parse(&text.replace("\"DWELLING\"", "\"DWELING\""), &file).unwrap_err();
        assert!(slip.faults.iter().any(|fault| fault.code == "kind_misspelt" && fault.mend.en.contains("DWELLING")));
    }
}
