//! What is done beside a running adapter: a changed file is taken over, and the golden tests run every night.
//!
//! A file whose ladder does not hold or whose golden tests fail is not taken over: what ran goes on. What came of it
//! is an event, in both languages, and stands in `GET /v1/health` and `/v1/status`.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};

use super::serve::{ServeArgs, adapter};
use super::{Lang, Style};
use crate::adapter::{Adapter, Overrides};
use crate::check;
use crate::connector::Connector;
use crate::error::Text;
use crate::golden::{self, GoldenResult};
use crate::ledger::Event;
use crate::serve::Running;
use crate::source::Rung;
use crate::synthetic::without_identity_numbers;

/// How long a file that was refused for what is outside it waits to be tried again.
const AGAIN: Duration = Duration::from_mins(1);

/// What looks after a running adapter.
pub(super) struct Keeper {
    /// Whose adapter it is; that cannot change while it runs.
    pub(super) id: String,
    /// Digest of the file as it was last looked at, whatever came of it.
    pub(super) seen: String,
    /// When the file was refused for what is outside it, if that is how it stands.
    pub(super) waits_since: Option<Timestamp>,
    /// When the golden tests run next.
    pub(super) night: Timestamp,
    /// At what time of day that is, in China.
    pub(super) golden_at: Time,
    pub(super) args: ServeArgs,
    pub(super) overrides: Overrides,
    pub(super) style: Style,
}

impl Keeper {
    /// Takes a changed file over, and runs the golden tests when it is time.
    pub(super) async fn look(&mut self, running: &Running) {
        // A file that is away for a moment is being replaced.
        if let Ok(text) = std::fs::read_to_string(&self.args.connector.file) {
            let sha256 = crate::connector::sha256(&text);
            let now = self.overrides.clock.now();
            // However far a clock that is set goes back or forth, it is tried again.
            let due = self.waits_since.is_some_and(|since| now.duration_since(since).unsigned_abs() >= AGAIN);
            if sha256 != self.seen || due {
                self.seen = sha256;
                self.waits_since = None;
                self.take_over(running).await;
            }
        }
        let now = self.overrides.clock.now();
        if now >= self.night {
            self.night = next_night(now, self.golden_at);
            self.run_golden(running, "night").await;
        }
    }

    async fn take_over(&mut self, running: &Running) {
        let file = self.args.connector.file.clone();
        let log = |version: &str, status: &'static str, why: Vec<Text>| {
            let event = Event { event: "connector_file", adapter: &self.id, version, status, why, ..Event::default() };
            self.overrides.ledger.event(self.overrides.clock.now(), &event);
        };
        let refused = |what: Text| {
            let what = Text::new(
                format!("新的 {} 没有换上，仍用原来的：{}", file.display(), what.zh),
                format!("{} as it is now is not used, the one before still is: {}", file.display(), what.en),
            );
            self.style.failed("file_refused", &what);
            log(&running.version(), "refused", vec![what.clone()]);
            running.vitals().file(Some(what));
        };
        // A simulated department has no source to climb to.
        let steps = match &self.args.simulate {
            // What is tried may yet be refused, so nothing of it is remembered.
            None => check::climb(&file, Overrides { remembers: false, ..self.overrides.clone() }).await,
            Some(_) => Vec::new(),
        };
        // Its golden tests are run below, as far as their records are here.
        let mut rungs = steps.iter().filter(|step| step.rung != Rung::Golden);
        if let Some((step, trouble)) = rungs.find_map(|step| Some((step, step.found.as_ref().err()?))) {
            let rung = trouble.rung.name();
            refused(Text::new(
                format!("{}：{}；{}", rung.zh, trouble.what.zh, trouble.mend.zh),
                format!("{}: {}; {}", rung.en, trouble.what.en, trouble.mend.en),
            ));
            if step.outside {
                self.waits_since = Some(self.overrides.clock.now());
            }
            return;
        }
        let adapter = match adapter(&self.args, self.overrides.clone()).await {
            Ok(adapter) => adapter,
            Err(error) => return refused(Text::new(error.render(Lang::Zh), error.render(Lang::En))),
        };
        let id = &adapter.connector().adapter.id;
        if *id != self.id {
            let own = &self.id;
            return refused(Text::new(
                format!("它是 {id} 的，正在运行的是 {own} 的；换部门要另起一个适配器"),
                format!("it is of {id}, and what runs is of {own}; start another adapter for another department"),
            ));
        }
        let results = golden::run_with_records(adapter.connector()).await;
        if let Some(failed) = results.iter().find(|result| !result.passed()) {
            return refused(told(failed, adapter.connector()));
        }
        self.seen.clone_from(&adapter.connector().sha256);
        self.style.taken_over(&adapter);
        log(&adapter.connector().adapter.version, "taken_over", Vec::new());
        running.replace(adapter);
        // Those of a file that is refused say nothing of the one that runs.
        running.tested(&results);
        running.vitals().file(None);
    }

    /// Runs the golden tests of what answers now, which need not be the file as it stands there now.
    pub(super) async fn run_golden(&self, running: &Running, occasion: &'static str) {
        let connector = running.connector();
        let results = golden::run_with_records(&connector).await;
        running.tested(&results);
        let failed: Vec<Text> =
            results.iter().filter(|result| !result.passed()).map(|failed| told(failed, &connector)).collect();
        let status = match (results.len(), failed.len()) {
            (0, _) => "without_records",
            (_, 0) => "passed",
            _ => "failed",
        };
        for what in &failed {
            self.style.failed("golden_test_failed", what);
        }
        let event = Event {
            event: "golden_tests",
            adapter: &self.id,
            version: &connector.adapter.version,
            occasion: Some(occasion),
            status,
            passed: Some(results.len() - failed.len()),
            failed: Some(failed.len()),
            why: failed,
        };
        self.overrides.ledger.event(self.overrides.clock.now(), &event);
    }
}

/// That a golden test failed, and how to see where. What it read is in no log: nothing proves that records in a folder
/// are of nobody.
fn told(failed: &GoldenResult, connector: &Connector) -> Text {
    let (name, count) = (without_identity_numbers(&failed.name), failed.differences.len());
    let command = format!("hedui-adapter test {}", connector.file.display());
    Text::new(
        format!("金样测试“{name}”不通过，有 {count} 处不同；运行 {command} 看差异"),
        format!("the golden test `{name}` fails with {count} difference(s): run {command} to see them"),
    )
}

/// The next time after `now` that it is `at` in China.
pub(super) fn next_night(now: Timestamp, at: Time) -> Timestamp {
    let china = TimeZone::fixed(Offset::constant(8));
    let here = now.to_zoned_datetime(china.clone());
    let then = |day: Date| china.to_timestamp(day.to_datetime(at)).unwrap_or(Timestamp::MAX);
    let today = then(here.date());
    if today > now { today } else { here.date().tomorrow().map_or(Timestamp::MAX, then) }
}

impl Style {
    /// A changed file has been taken over.
    fn taken_over(self, adapter: &Adapter) {
        let connector = adapter.connector();
        let (file, version) = (connector.file.display(), &connector.adapter.version);
        let text = match self.lang {
            Lang::Zh => format!("已换上 {file}（版本 {version}）"),
            Lang::En => format!("now running from {file} (version {version})"),
        };
        self.out(&text, || serde_json::json!({"taken_over": connector.file, "version": version}));
    }
}

#[cfg(test)]
mod tests;
