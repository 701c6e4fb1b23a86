//! What the verbs print: text for people in their language, or one JSON document for programs.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::adapter::{Adapter, LoadError};
use crate::check::Step;
use crate::difference::Change;
use crate::error::{Faults, Lang, Text};
use crate::golden::GoldenResult;
use crate::proposal::Proposal;
use crate::source::{Relation, SourceError, Trouble};
use crate::trial::{ColumnShown, Trial};

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// The language.
    pub lang: Lang,
    /// JSON instead of text.
    pub json: bool,
}

impl Style {
    pub(super) fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self.lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    fn out(self, text: &str, value: impl FnOnce() -> Value) {
        let text = if self.json { value().to_string() } else { text.to_owned() };
        // A reader that went away is not a failure of the command.
        drop(writeln!(std::io::stdout().lock(), "{text}"));
    }

    /// The faults of a file, on standard error; as JSON on standard output.
    pub(super) fn faults(self, faults: &Faults) {
        if self.json {
            self.out("", || json!(faults));
        } else {
            drop(writeln!(std::io::stderr().lock(), "{}", faults.render(self.lang)));
        }
    }

    /// A failure, on standard error; as JSON on standard output.
    pub(super) fn failed(self, code: &str, what: &Text) {
        if self.json {
            self.out("", || json!({"code": code, "what": what}));
        } else {
            drop(writeln!(std::io::stderr().lock(), "✗ [{code}] {}", what.pick(self.lang)));
        }
    }

    /// The server is up.
    pub(super) fn serving(self, adapter: &Adapter, address: SocketAddr, rehearsing: bool) {
        let connector = adapter.connector();
        let (id, version) = (&connector.adapter.id, &connector.adapter.version);
        let name = connector.adapter.name.pick(self.lang);
        let datasets: Vec<_> = connector.datasets.iter().map(|dataset| dataset.id.as_str()).collect();
        let mut text = match self.lang {
            Lang::Zh => format!("{name}（{id} {version}）在 https://{address} 应答：{}", datasets.join("、")),
            Lang::En => format!("{name} ({id} {version}) answers on https://{address}: {}", datasets.join(", ")),
        };
        if rehearsing {
            text.push('\n');
            text.push_str(self.pick(
                "演练中：文件里的合成人员会得到演练的答复",
                "rehearsing: the synthetic persons of the file get rehearsed answers",
            ));
        }
        self.out(&text, || {
            json!({"adapter": id, "version": version, "address": address.to_string(), "datasets": datasets, "rehearsing": rehearsing})
        });
    }

    /// The ladder of a check.
    pub(super) fn ladder(self, file: &Path, steps: &[Step]) {
        let mut lines = Vec::new();
        for step in steps {
            let rung = step.rung.name();
            let rung = rung.pick(self.lang);
            match &step.found {
                Ok(what) => lines.push(format!("✓ {rung}{}{}", self.pick("：", ": "), what.pick(self.lang))),
                Err(trouble) => {
                    let what = trouble.what.pick(self.lang);
                    lines.push(format!("✗ {rung}{}{what} [{}]", self.pick("：", ": "), trouble.code));
                    lines.extend(self.remedy(trouble));
                }
            }
        }
        let sound = steps.iter().all(Step::holds);
        if sound {
            lines.push(format!("{}: hedui-adapter serve {} …", self.pick("接着运行", "next"), file.display()));
        }
        self.out(&lines.join("\n"), || json!({"sound": sound, "rungs": steps}));
    }

    /// The words of the driver, what mends it, and the command that does.
    fn remedy(self, trouble: &Trouble) -> Vec<String> {
        let mut lines = Vec::new();
        if !trouble.details.is_empty() {
            lines.push(format!("    {}: {}", self.pick("原文", "details"), trouble.details));
        }
        lines.push(format!("    {}: {}", self.pick("修改", "to mend it"), trouble.mend.pick(self.lang)));
        if let Some(command) = &trouble.command {
            lines.push(format!("    {}: {command}", self.pick("命令", "command")));
        }
        lines
    }

    /// Why a source did not answer, on standard error, with what mends it; as JSON on standard output.
    pub(super) fn refused(self, error: &SourceError) {
        if self.json {
            return self.out("", || json!({"code": error.code(), "what": error.text(), "trouble": error.trouble()}));
        }
        let Some(trouble) = error.trouble() else { return self.failed(error.code(), &error.text()) };
        let head = format!("✗ {} [{}]", trouble.what.pick(self.lang), trouble.code);
        let lines = std::iter::once(head).chain(self.remedy(trouble)).collect::<Vec<_>>().join("\n");
        drop(writeln!(std::io::stderr().lock(), "{lines}"));
    }

    /// The results of golden tests, with the count alone on the last line.
    pub(super) fn golden(self, results: &[GoldenResult]) {
        let failed = results.iter().filter(|result| !result.passed()).count();
        let passed = results.len() - failed;
        let mut lines = Vec::new();
        for result in results {
            lines.push(format!("{} {}", mark(result.passed()), result.name));
            lines.extend(result.differences.iter().map(|difference| format!("    {difference}")));
        }
        lines.push(format!("{passed} passed, {failed} failed"));
        self.out(&lines.join("\n"), || json!({"passed": passed, "failed": failed, "tests": results}));
    }

    /// A trial: each native value beside what it became.
    pub(super) fn tried(self, trial: &Trial) {
        let mut lines = Vec::new();
        for result in &trial.answered.response.results {
            let as_of = result.as_of.as_deref().map(|as_of| format!(" ({as_of})")).unwrap_or_default();
            let (rows, took) = (trial.rows.len(), trial.milliseconds);
            let summary = match self.lang {
                Lang::Zh => format!("{rows} 行，用时 {took} 毫秒"),
                Lang::En => format!("{rows} row(s) in {took} ms"),
            };
            lines.push(format!("{}: {:?}{as_of} — {summary}", result.dataset, result.status));
        }
        for (index, row) in trial.rows.iter().enumerate() {
            let number = index + 1;
            lines.push(match self.lang {
                Lang::Zh => format!("  第 {number} 行：{}", row.outcome),
                Lang::En => format!("  row {number}: {}", row.outcome),
            });
            let width =
                |text: &str| text.chars().map(|character| if character.is_ascii() { 1 } else { 2 }).sum::<usize>();
            let widest = |of: fn(&ColumnShown) -> &str| {
                row.columns.iter().map(|column| width(of(column))).max().unwrap_or(0).min(40)
            };
            let (names, values) = (widest(|column| &column.column), widest(|column| &column.value));
            for ColumnShown { column, value, becomes } in &row.columns {
                let pad = |text: &str, to: usize| format!("{text}{}", " ".repeat(to.saturating_sub(width(text))));
                let arrow = if becomes.is_empty() { String::new() } else { format!("→ {}", becomes.join(", ")) };
                let line = format!("    {}  {}  {arrow}", pad(column, names), pad(value, values));
                lines.push(line.trim_end().to_owned());
            }
        }
        lines.extend(trial.answered.failures.iter().map(|failure| format!("✗ {failure}")));
        self.out(&lines.join("\n"), || {
            json!({
                "response": trial.answered.response,
                "failures": trial.answered.failures,
                "rows": trial.rows,
                "milliseconds": u64::try_from(trial.milliseconds).unwrap_or(u64::MAX),
            })
        });
    }

    /// Why a file could not be loaded; the exit code.
    pub(super) fn unloaded(self, error: &LoadError) -> u8 {
        match error {
            LoadError::File(faults) => {
                self.faults(faults);
                super::WRONG
            }
            LoadError::Source(error) => {
                self.failed("source_unavailable", &error.text());
                super::OUTSIDE
            }
        }
    }

    /// A file has been begun.
    pub(super) fn began(self, file: &Path) {
        let file = file.display().to_string();
        let text = match self.lang {
            Lang::Zh => format!("已写好 {file}\n接着运行: hedui-adapter discover {file}"),
            Lang::En => format!("wrote {file}\nnext: hedui-adapter discover {file}"),
        };
        self.out(&text, || json!({"file": file}));
    }

    /// What a database holds, and what is proposed.
    pub(super) fn discovered(self, file: &Path, found: &[(Relation, Option<Proposal>)]) {
        let mut lines = Vec::new();
        for (relation, _) in found {
            let sampled = match (relation.sampled, self.lang) {
                (Some(rows), Lang::Zh) => format!("看了 {rows} 行"),
                (Some(rows), Lang::En) => format!("{rows} row(s) looked at"),
                (None, Lang::Zh) => "没有取样".to_owned(),
                (None, Lang::En) => "not sampled".to_owned(),
            };
            lines.push(format!("{} ({}, {sampled})", relation.name, relation.kind));
            for column in &relation.columns {
                let nulls = match (column.nulls, relation.sampled) {
                    (Some(nulls), Some(rows)) if rows > 0 => {
                        format!("  {} {}%", self.pick("空", "empty"), nulls * 100 / rows)
                    }
                    _ => String::new(),
                };
                let comment = if column.comment.is_empty() { String::new() } else { format!("  # {}", column.comment) };
                lines.push(format!("    {}  {}{nulls}{comment}", column.name, column.type_name));
            }
        }
        for (relation, proposal) in found {
            if let Some(proposal) = proposal {
                let (name, fact, count) = (&relation.name, proposal.fact, proposal.found);
                lines.push(String::new());
                lines.push(match self.lang {
                    Lang::Zh => format!("# 由 {name} 提出的草稿（{fact}，对上 {count} 个字段），请核对后粘贴"),
                    Lang::En => {
                        format!("# proposed from {name} ({fact}, {count} target(s) found); check it and paste it in")
                    }
                });
                lines.push(proposal.toml.clone());
            }
        }
        if found.is_empty() {
            lines
                .push(self.pick("账号看不到任何表或视图", "the account sees no table or view of that name").to_owned());
        }
        lines.push(format!(
            "{}: hedui-adapter check {}",
            self.pick("改好后运行", "when it is complete"),
            file.display()
        ));
        self.out(&lines.join("\n"), || {
            let shown = found.iter().map(|(relation, proposal)| {
                json!({
                    "relation": relation,
                    "proposal": proposal.as_ref().map(|proposal| json!({"fact": proposal.fact, "toml": proposal.toml})),
                })
            });
            json!({"relations": shown.collect::<Vec<_>>()})
        });
    }

    /// What a new version of a file changes.
    pub(super) fn differ(self, changes: &[Change]) {
        let line = |change: &Change| {
            let mark = if change.breaking {
                self.pick("✗ 不兼容", "✗ breaks")
            } else {
                self.pick("✓ 兼容", "✓ keeps")
            };
            format!("{mark}  {}: {}", change.place, change.what.pick(self.lang))
        };
        let text = if changes.is_empty() {
            self.pick("没有差别", "no difference").to_owned()
        } else {
            changes.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        let breaking = changes.iter().any(|change| change.breaking);
        self.out(&text, || json!({"breaking": breaking, "changes": changes}));
    }
}

const fn mark(good: bool) -> char {
    if good { '✓' } else { '✗' }
}
