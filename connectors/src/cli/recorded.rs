//! A trial kept as a golden test: the rows in a file, the question and its answer as `[[test]]`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::Text;
use crate::protocol::{Query, QueryResult};
use crate::trial::Trial;

/// The golden test that holds a connector to what a trial answered, as it can be pasted into its file.
pub(super) fn golden_test(name: &str, fixture: &Path, query: &Query, trial: &Trial) -> String {
    let given = query.subjects.first();
    let (number, name_given) = given.map_or(("", ""), |subject| (subject.id_number.as_str(), subject.name.as_str()));
    let dataset = query.datasets.first().map_or("", String::as_str);
    let names = if name_given.is_empty() { String::new() } else { format!(", names = [{}]", text(name_given)) };
    let (from, to) = (query.period.from, query.period.to);
    let expect: Vec<String> = trial.answered.response.results.iter().map(|result| expected(number, result)).collect();
    format!(
        "\n[[test]]\nname = {}\nfixture = {}\n\
         given = {{ dataset = {}, id_numbers = [{}]{names}, from = {from}, to = {to} }}\n\
         expect = [{}]\n",
        text(name),
        text(&fixture.to_string_lossy()),
        text(dataset),
        text(number),
        expect.join(", ")
    )
}

fn expected(number: &str, result: &QueryResult) -> String {
    let status = serde_json::to_value(result.status).ok().and_then(|status| status.as_str().map(str::to_owned));
    let facts: Vec<Value> = serde_json::from_str(result.facts.get()).unwrap_or_default();
    let facts: Vec<String> = facts.iter().map(inline).collect();
    let as_of = result.as_of.as_ref().map(|as_of| format!(", as_of = {}", text(as_of))).unwrap_or_default();
    format!(
        "{{ id_number = {}, status = {}{as_of}, facts = [{}] }}",
        text(number),
        text(&status.unwrap_or_default()),
        facts.join(", ")
    )
}

/// A value of a fact as TOML on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{name} = {}", inline(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn text(string: &str) -> String {
    toml::Value::String(string.to_owned()).to_string()
}

/// The path of a fixture as a connector file writes it: from its own folder where it stands in it.
pub(super) fn beside(fixture: &Path, connector: &Path) -> PathBuf {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (fixture, connector) = (whole(fixture), whole(connector));
    let folder = connector.parent().unwrap_or(Path::new(""));
    fixture.strip_prefix(folder).map_or_else(|_| fixture.clone(), Path::to_owned)
}

/// Appends a golden test to a connector file.
pub(super) fn append(file: &Path, test: &str) -> std::io::Result<()> {
    std::fs::OpenOptions::new().append(true).open(file)?.write_all(test.as_bytes())
}

/// Why a trial without a name is no golden test, where names are compared.
pub(super) fn name_needed() -> Text {
    Text::new(
        "数据集核对姓名：写成金样测试要加 --name 姓名",
        "the dataset compares names: to make a golden test of it, add --name NAME",
    )
}
