//! What the verbs print: text for people in their language, or one JSON document for programs.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::adapter::Adapter;
use crate::answer::Answered;
use crate::check::Rung;
use crate::error::{Faults, Lang, Text};
use crate::golden::GoldenResult;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// The language.
    pub lang: Lang,
    /// JSON instead of text.
    pub json: bool,
}

impl Style {
    fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
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
    pub(super) fn rungs(self, file: &Path, rungs: &[Rung]) {
        let mut lines = Vec::new();
        for rung in rungs {
            lines.push(format!("{} {}", mark(rung.holds()), rung.what.pick(self.lang)));
            if let Some(mend) = &rung.mend {
                lines.push(format!("    {}: {}", self.pick("修改", "to mend it"), mend.pick(self.lang)));
            }
        }
        let sound = rungs.iter().all(Rung::holds);
        if sound {
            lines.push(format!("{}: hedui-adapter test {}", self.pick("接着运行", "next"), file.display()));
        }
        self.out(&lines.join("\n"), || json!({"sound": sound, "rungs": rungs}));
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

    /// The answer to a trial.
    pub(super) fn tried(self, answered: &Answered) {
        let mut lines = Vec::new();
        for result in &answered.response.results {
            let as_of = result.as_of.as_deref().map(|as_of| format!(" ({as_of})")).unwrap_or_default();
            lines.push(format!("{}: {:?}{as_of}", result.dataset, result.status));
            lines.push(result.facts.get().to_owned());
        }
        lines.extend(answered.failures.iter().map(|failure| format!("✗ {failure}")));
        self.out(&lines.join("\n"), || json!({"response": answered.response, "failures": answered.failures}));
    }
}

const fn mark(good: bool) -> char {
    if good { '✓' } else { '✗' }
}
