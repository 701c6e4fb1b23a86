//! What the verbs print: text for people in their language, or one JSON document for programs.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::adapter::{Adapter, LoadError};
use crate::check::{self, Step};
use crate::difference::Change;
use crate::error::{Faults, Lang, Text};
use crate::golden::{self, GoldenResult};
use crate::proposal::{NoProposal, Proposal};
use crate::source::{Relation, SourceError, Trouble};
use crate::trial::{ColumnShown, NameCheck, Trial};

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

    pub(super) fn out(self, text: &str, value: impl FnOnce() -> Value) {
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
                "演练中：关于合成人员的询问会得到演练的答复",
                "rehearsing: questions about synthetic persons get rehearsed answers",
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
        match error.trouble() {
            Some(trouble) => self.troubled(trouble),
            None => self.failed(error.code(), &error.text()),
        }
    }

    /// A trouble with what mends it, on standard error.
    pub(super) fn troubled(self, trouble: &Trouble) {
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
            lines.extend(result.differences.iter().map(|difference| format!("    {}", difference.pick(self.lang))));
        }
        if failed > 0 {
            let mend = golden::mend();
            lines.push(format!("{}: {}", self.pick("修改", "to mend it"), mend.pick(self.lang)));
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
            let status = result.status.text();
            lines.push(format!("{}: {}{as_of} — {summary}", result.dataset, status.pick(self.lang)));
        }
        if trial.name == NameCheck::NotGiven {
            lines.push(
                self.pick(
                    "! 没有给姓名，所以没有核对姓名；要核对请加 --name 姓名",
                    "! no name was given, so that names were not compared; to compare them, add --name NAME",
                )
                .to_owned(),
            );
        }
        for (index, row) in trial.rows.iter().enumerate() {
            let number = index + 1;
            lines.push(match self.lang {
                Lang::Zh => format!("  第 {number} 行：{}", row.says.zh),
                Lang::En => format!("  row {number}: {}", row.says.en),
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
        lines.extend(trial.answered.failures.iter().map(|failure| format!("✗ {}", failure.pick(self.lang))));
        self.out(&lines.join("\n"), || {
            json!({
                "response": trial.answered.response,
                "name": trial.name,
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
            LoadError::Source(cause) => {
                let trouble = check::unopened(error);
                if self.json {
                    self.out("", || json!({"code": trouble.code, "what": cause.text(), "mend": trouble.mend}));
                } else {
                    self.troubled(&trouble);
                }
                super::OUTSIDE
            }
        }
    }

    /// A file has been begun.
    pub(super) fn began(self, file: &Path, export: Option<&str>) {
        let file = file.display().to_string();
        let mut lines = vec![format!("{} {file}", self.pick("已写好", "wrote"))];
        let next = export.map(str::to_owned).into_iter().chain([format!("hedui-adapter discover {file}")]);
        lines.extend(next.map(|command| format!("{}: {command}", self.pick("接着运行", "next"))));
        self.out(&lines.join("\n"), || json!({"file": file, "export": export}));
    }

    /// What a database holds, and what is proposed or why nothing is; `appended` says that the file has it now.
    pub(super) fn discovered(self, file: &Path, found: &[(Relation, Result<Proposal, NoProposal>)], appended: bool) {
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
            if let Ok(proposal) = proposal {
                let paste = if appended { "" } else { self.pick("后粘贴", " and paste it in") };
                let (name, fact, count) = (&relation.name, proposal.fact, proposal.found);
                lines.push(String::new());
                lines.push(match self.lang {
                    Lang::Zh => format!("# 由 {name} 提出的草稿（{fact}，对上 {count} 个字段），请核对{paste}"),
                    Lang::En => format!("# proposed from {name} ({fact}, {count} target(s) found); check it{paste}"),
                });
                lines.push(proposal.toml.clone());
            }
        }
        let refusals = found.iter().filter_map(|(relation, proposal)| Some((&relation.name, proposal.as_ref().err()?)));
        lines.extend(refusals.map(|(name, refusal)| {
            let why = refusal.text();
            let shown = match self.lang {
                Lang::Zh => format!("✗ {name} 没有草稿 [{}]：{}", refusal.code(), why.zh),
                Lang::En => format!("✗ {name} has no draft [{}]: {}", refusal.code(), why.en),
            };
            if *refusal != NoProposal::NoSubject {
                return shown;
            }
            let (command, file) = (self.pick("命令", "command"), file.display());
            format!("{shown}\n    {command}: hedui-adapter discover {file} --table '{name}' --subject … --name-column … --append")
        }));
        let drafts = found.iter().filter(|(_, proposal)| proposal.is_ok()).count();
        if appended {
            lines.push(match (drafts, self.lang) {
                (0, Lang::Zh) => format!("{} 没有改动：没有草稿可加", file.display()),
                (0, Lang::En) => format!("{} is unchanged: there was no draft to append", file.display()),
                (_, Lang::Zh) => format!("已在 {} 末尾加上 {drafts} 份草稿", file.display()),
                (_, Lang::En) => format!("appended {drafts} draft(s) to {}", file.display()),
            });
        }
        if found.is_empty() {
            lines
                .push(self.pick("账号看不到这样的表或视图：核对 --table 的写法，或请管理员授予 SELECT", "the account sees no table or view of that name: check --table, or have an administrator grant SELECT").to_owned());
        }
        if drafts > 0 {
            lines.push(format!(
                "{}: hedui-adapter check {}",
                self.pick("改好后运行", "when it is complete"),
                file.display()
            ));
        }
        self.out(&lines.join("\n"), || {
            let shown = found.iter().map(|(relation, proposal)| {
                json!({
                    "relation": relation,
                    "proposal": proposal.as_ref().ok().map(|proposal| json!({"fact": proposal.fact, "toml": proposal.toml})),
                    "no_proposal": proposal.as_ref().err().map(|why| json!({"code": why.code(), "what": why.text()})),
                })
            });
            json!({"relations": shown.collect::<Vec<_>>(), "appended": if appended { drafts } else { 0 }})
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
