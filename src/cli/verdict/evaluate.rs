//! `hedui verdict evaluate`: worked cases in, verdicts out, each compared with the one expected.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::compare::{Difference, differences};
use super::faults::{Spot, at_pointer, escaped, in_order};
use super::reading::{parse, read};
use crate::cli::{Global, Lang};
use crate::domain::dataset::Catalogue;
use crate::domain::problem::Text;
use crate::policy::{Packs, Parameters};
use crate::verdict::cases::{Case, CaseFile, Invalid};
use crate::verdict::clauses::{ClauseText, Clauses};
use crate::verdict::decide;

/// What to evaluate.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hedui verdict evaluate tests/cases/listed.json --summary

Prints one JSON object a case: id, passed, differences, verdict, trace, clauses. A case whose parameter set is not
in its file takes the pack of that name. Exit code 0: every case passed; 1: some failed; 2: a file is wrong.
With --stream each case is printed, without its trace, before the next one is computed: for files of many
thousands of cases. What stands before a wrong case is then printed already.")]
pub struct Args {
    /// Files of cases.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print only what differs, and at the end how many passed and failed.
    #[arg(long)]
    summary: bool,
    /// Print each case as soon as it is computed, without its trace.
    #[arg(long, conflicts_with = "summary")]
    stream: bool,
    /// What to judge by.
    #[command(flatten)]
    ground: Ground,
}

/// Catalogue and packs to judge by.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Ground {
    /// Catalogue to use instead of the shipped one.
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Directory of policy packs to use instead of the shipped ones.
    #[arg(long, value_name = "DIR")]
    packs: Option<PathBuf>,
}

impl Ground {
    pub(super) fn catalogue(&self) -> Result<Catalogue, Unusable> {
        match &self.catalogue {
            None => Ok(Catalogue::shipped()),
            Some(path) => Catalogue::parse(&read(path)?).map_err(|error| Unusable::in_file(path, &error, &error)),
        }
    }

    pub(super) fn packs(&self) -> Result<Packs, Unusable> {
        match &self.packs {
            None => Ok(Packs::shipped()),
            Some(dir) => Packs::load(dir).map_err(|error| Unusable(error.text())),
        }
    }
}

/// The input cannot be used: which file, where in it, what to mend.
pub(super) struct Unusable(pub(super) Text);

impl Unusable {
    pub(super) fn in_file(path: &Path, zh: impl std::fmt::Display, en: impl std::fmt::Display) -> Self {
        Self(Text::new(format!("{}：{zh}", path.display()), format!("{}: {en}", path.display())))
    }

    /// One line a fault: `file:line:column`, which editors and terminals follow, and what is wrong there.
    pub(super) fn at_spots(path: &Path, faults: &[(Spot, Text)]) -> Self {
        let lines = |side: fn(&Text) -> &str| {
            let line = |(spot, text): &(Spot, Text)| {
                format!("{}:{}:{}: {}", path.display(), spot.line, spot.column, side(text))
            };
            faults.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        Self(Text::new(lines(|text| &text.zh), lines(|text| &text.en)))
    }

    /// What is wrong with a case that parsed: where in its file, and in which case.
    pub(super) fn in_case(path: &Path, index: usize, case: &Case, pointer: &str, zh: &str, en: &str) -> Self {
        Wrong::in_case(index, case, pointer, zh, en).told(path)
    }
}

/// Faults that show when the cases are computed: pointers into the file, and what is wrong there.
#[derive(Default)]
struct Wrong(Vec<(String, Text)>);

impl Wrong {
    fn in_case(index: usize, case: &Case, pointer: &str, zh: &str, en: &str) -> Self {
        let id = &case.id;
        Self(vec![(format!("/cases/{index}{pointer}"), Text::new(format!("（{id}）{zh}"), format!("({id}) {en}")))])
    }

    /// All of them once each, with line and column.
    fn told(mut self, path: &Path) -> Unusable {
        // A set that many cases take is wrong once.
        self.0.sort_by(|one, other| (&one.0, &one.1.en).cmp(&(&other.0, &other.1.en)));
        self.0.dedup_by(|one, other| one == other);
        // The file was read before; should it be gone now, the pointer still says where.
        let text = read(path).unwrap_or_default();
        let placed = self.0.iter().map(|(pointer, says)| at_pointer(&text, pointer, says)).collect();
        Unusable::at_spots(path, &in_order(placed))
    }
}

/// What came of one case.
#[derive(Serialize)]
struct Outcome<'a> {
    file: &'a Path,
    id: &'a str,
    /// Absent when the case expects nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    passed: Option<bool>,
    differences: Vec<Difference>,
    verdict: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Box<RawValue>>,
    /// What the clauses of the trace say, and where they stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    clauses: Option<Vec<&'static ClauseText>>,
}

/// Runs the command.
pub fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let done = evaluate_all(&args, global.json, &mut out);
    let flushed = out.flush();
    match done {
        Ok(code) => {
            // A reader that has seen enough, such as `head`, is not a failure.
            flushed
                .or_else(|error| if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })?;
            Ok(code)
        }
        Err(Failure::Unusable(Unusable(text))) => {
            writeln!(std::io::stderr(), "{}", global.lang().pick(&text.zh, &text.en))?;
            Ok(ExitCode::from(2))
        }
        Err(Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(Failure::Output(error)) => {
            let text = match global.lang() {
                Lang::Zh => "无法写出结果",
                Lang::En => "cannot write the result",
            };
            writeln!(std::io::stderr(), "{text}: {error}")?;
            Ok(ExitCode::from(3))
        }
    }
}

enum Failure {
    Unusable(Unusable),
    Output(std::io::Error),
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        Self::Unusable(unusable)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

fn evaluate_all(args: &Args, json: bool, out: &mut impl Write) -> Result<ExitCode, Failure> {
    let (catalogue, packs) = (args.ground.catalogue()?, args.ground.packs()?);
    // Every file is read and, unless they are to be streamed, every case computed before anything is printed, so
    // that a wrong file leaves no half answer.
    let mut files = Vec::new();
    for path in &args.files {
        files.push((path.as_path(), parse(path)?));
    }
    let mut outcomes = Vec::new();
    let mut failed = 0_usize;
    let mut passed = 0_usize;
    for (path, file) in &files {
        let mut run = Run { path, file, catalogue: &catalogue, packs: &packs, inline: BTreeMap::new() };
        let mut wrong = Wrong::default();
        for (index, case) in file.cases.iter().enumerate() {
            let outcome = match run.evaluate(index, case, !args.summary && !args.stream) {
                Ok(outcome) => outcome,
                Err(found) if args.stream => return Err(found.told(path).into()),
                Err(found) => {
                    wrong.0.extend(found.0);
                    continue;
                }
            };
            failed += usize::from(outcome.passed == Some(false));
            passed += usize::from(outcome.passed == Some(true));
            if args.stream {
                write_line(out, &outcome)?;
            } else {
                outcomes.push(outcome);
            }
        }
        if !wrong.0.is_empty() {
            return Err(wrong.told(path).into());
        }
    }
    if args.summary && json {
        let differing: Vec<_> = outcomes
            .iter()
            .filter(|outcome| !outcome.differences.is_empty())
            .map(|outcome| serde_json::json!({"id": outcome.id, "differences": outcome.differences}))
            .collect();
        writeln!(out, "{}", serde_json::json!({"passed": passed, "failed": failed, "cases": differing}))?;
    } else if args.summary {
        for outcome in &outcomes {
            for difference in &outcome.differences {
                let Difference { field, expected, got } = difference;
                writeln!(out, "{}: {field}: expected {expected}, got {got}", outcome.id)?;
            }
        }
        writeln!(out, "{passed} passed, {failed} failed")?;
    } else {
        for outcome in &outcomes {
            write_line(out, outcome)?;
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn write_line(out: &mut impl Write, outcome: &Outcome<'_>) -> std::io::Result<()> {
    let line = serde_json::to_string(outcome)?;
    writeln!(out, "{line}")
}

/// One file of cases and what its cases are evaluated with.
pub(super) struct Run<'a> {
    pub(super) path: &'a Path,
    pub(super) file: &'a CaseFile,
    pub(super) catalogue: &'a Catalogue,
    pub(super) packs: &'a Packs,
    /// Inline sets that a case asked for, made once.
    pub(super) inline: BTreeMap<&'a str, Arc<Parameters>>,
}

impl<'a> Run<'a> {
    fn evaluate(&mut self, index: usize, case: &'a Case, with_trace: bool) -> Result<Outcome<'a>, Wrong> {
        let at = |pointer: &str, zh: &str, en: &str| Wrong::in_case(index, case, pointer, zh, en);
        let (verdict, traced) = match case.facts(self.catalogue) {
            Err(Invalid::IdNumber { .. }) => (Invalid::outcome(), None),
            Err(Invalid::Case { .. }) => {
                let mut found: Vec<(String, Text)> = case.contradictions(self.catalogue);
                if let Err(NoParameters::Pack(text)) = self.parameters(case) {
                    found.push(("/parameter_set".to_owned(), text));
                }
                let in_case = |(pointer, says): (String, Text)| at(&pointer, &says.zh, &says.en).0;
                return Err(Wrong(found.into_iter().flat_map(in_case).collect()));
            }
            Ok(facts) => {
                let parameters = self.parameters(case).map_err(|error| match error {
                    NoParameters::Set(faults) => Wrong(faults),
                    NoParameters::Pack(text) => at("/parameter_set", &text.zh, &text.en),
                })?;
                let too_large = |_| at("/household", "金额过大，无法计算", "an amount is too large to compute with");
                let decision = decide(&facts, &parameters).map_err(too_large)?;
                let verdict = decision.verdict().map_err(too_large)?;
                let traced = if with_trace {
                    let trace = decision.trace(&verdict).map_err(too_large)?;
                    let json = to_raw_value(&trace).expect("a trace holds only strings, numbers and lists");
                    Some((json, Clauses::shipped().cited_by(trace.root())))
                } else {
                    None
                };
                (serde_json::to_value(&verdict).expect("a verdict holds only strings, numbers and lists"), traced)
            }
        };
        let differences = case.expected.as_ref().map(|expected| differences(expected, &verdict));
        let (trace, clauses) = traced.unzip();
        Ok(Outcome {
            file: self.path,
            id: &case.id,
            passed: differences.as_ref().map(Vec::is_empty),
            differences: differences.unwrap_or_default(),
            verdict,
            trace,
            clauses,
        })
    }

    /// The inline set of the case, else the pack of that name.
    pub(super) fn parameters(&mut self, case: &'a Case) -> Result<Arc<Parameters>, NoParameters> {
        let name = case.parameter_set.as_str();
        if let Some(made) = self.inline.get(name) {
            return Ok(Arc::clone(made));
        }
        let Some(set) = self.file.parameter_set(name) else {
            let named = self.packs.named(name, case.assessment_date);
            return named.map_err(|unavailable| NoParameters::Pack(unavailable.text()));
        };
        let made = set.parameters(name).map(Arc::new).map_err(|_| {
            let below = |(pointer, says)| (format!("/parameter_sets/{}{pointer}", escaped(name)), says);
            NoParameters::Set(set.lacks(name).into_iter().map(below).collect())
        })?;
        self.inline.insert(name, Arc::clone(&made));
        Ok(made)
    }
}

/// Why a case has no parameters.
pub(super) enum NoParameters {
    /// Its inline set lacks some, or holds what no rule can use: by pointers into the file.
    Set(Vec<(String, Text)>),
    /// There is no pack of that name.
    Pack(Text),
}

impl NoParameters {
    /// In one sentence.
    pub(super) fn text(self) -> Text {
        match self {
            Self::Pack(text) => text,
            Self::Set(faults) => {
                let all = |side: fn(&Text) -> &str, sign| {
                    faults.iter().map(|(_, says)| side(says)).collect::<Vec<_>>().join(sign)
                };
                Text::new(all(|says| &says.zh, "；"), all(|says| &says.en, "; "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/listed.json");
    const OPEN_RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/open_rules.json");
    /// Cases in which the engine and the oracle once differed.
    const FOUND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/found.json");

    fn args(files: Vec<PathBuf>, packs: Option<PathBuf>) -> Args {
        Args { files, summary: true, stream: false, ground: Ground { catalogue: None, packs } }
    }

    /// What the command prints; for wrong input the error.
    fn run_on(args: &Args) -> Result<String, String> {
        let mut out = Vec::new();
        match evaluate_all(args, false, &mut out) {
            Ok(_) => Ok(String::from_utf8(out).unwrap()),
            Err(Failure::Unusable(Unusable(text))) => Err(text.en),
            Err(Failure::Output(error)) => panic!("{error}"),
        }
    }

    /// The listed cases, changed, in a file of their own.
    fn changed(change: impl FnOnce(&mut Value)) -> (tempfile::TempDir, PathBuf) {
        let mut file: Value = serde_json::from_str(include_str!("../../../tests/cases/listed.json")).unwrap();
        change(&mut file);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cases.json");
        std::fs::write(&path, file.to_string()).unwrap();
        (dir, path)
    }

    #[test]
    fn the_listed_cases_pass() {
        assert_eq!(run_on(&args(vec![LISTED.into()], None)).unwrap(), "47 passed, 0 failed\n");
    }

    #[test]
    fn the_cases_that_the_oracle_found_pass() {
        let out = run_on(&args(vec![FOUND.into()], None)).unwrap();
        let (passed, failed) = out.lines().last().unwrap().split_once(" passed, ").unwrap();
        assert!(passed.parse::<usize>().unwrap() > 0 && failed == "0 failed", "{out}");
    }

    #[test]
    fn the_cases_of_rules_that_a_pack_may_leave_out_pass() {
        assert_eq!(run_on(&args(vec![OPEN_RULES.into()], None)).unwrap(), "14 passed, 0 failed\n");
    }

    #[test]
    fn a_stream_prints_each_case_before_the_next_and_no_trace() {
        let (_dir, path) = changed(|file| file["cases"][2]["parameter_set"] = "NOWHERE".into());
        let stream = Args { summary: false, stream: true, ..args(vec![path], None) };
        let mut out = Vec::new();
        assert!(matches!(evaluate_all(&stream, false, &mut out), Err(Failure::Unusable(_))));
        let lines: Vec<Value> = String::from_utf8(out).unwrap().lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(lines.iter().map(|line| line["id"].as_str().unwrap()).collect::<Vec<_>>(), ["C01", "C02"]);
        assert!(lines.iter().all(|line| line["passed"] == true && line.get("trace").is_none()));
    }

    #[test]
    fn the_listed_cases_pass_with_the_shipped_packs() {
        let (_dir, path) = changed(|file| file["parameter_sets"] = serde_json::json!({}));
        assert_eq!(run_on(&args(vec![path], None)).unwrap(), "47 passed, 0 failed\n");
    }

    #[test]
    fn a_failed_field_is_named_and_the_last_line_counts() {
        let (_dir, path) = changed(|file| file["cases"][0]["expected"]["computed"]["household_size"] = 4.into());
        let out = run_on(&args(vec![path], None)).unwrap();
        assert_eq!(out, "C01: computed.household_size: expected 4, got 3\n46 passed, 1 failed\n");
    }

    #[test]
    fn each_case_prints_verdict_and_trace() {
        let mut out = Vec::new();
        let whole = Args { summary: false, ..args(vec![LISTED.into()], None) };
        assert!(matches!(evaluate_all(&whole, false, &mut out), Ok(code) if code == ExitCode::SUCCESS));
        let first: Value = serde_json::from_slice(out.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
        assert_eq!((&first["id"], &first["passed"]), (&"C01".into(), &true.into()));
        assert_eq!(first["verdict"]["household_circle"], "DIBAO");
        assert_eq!(first["trace"]["root"]["rule"], "verdict");
    }

    #[test]
    fn an_invalid_identity_number_is_an_outcome_and_never_printed() {
        let (_dir, path) = changed(|file| {
            file["cases"][0]["household"]["members"][0]["birth_date"] = "1986-05-03".into();
            file["cases"][0]["expected"] = Invalid::outcome();
            file["cases"][1]["household"]["members"][0]["id_number"] = "150000198605023751".into();
            file["cases"][1]["expected"] = Invalid::outcome();
        });
        let whole = Args { summary: false, ..args(vec![path], None) };
        let out = run_on(&whole).unwrap();
        assert!(out.lines().take(2).all(|line| line.contains("\"passed\":true") && line.contains("ID_NUMBER_INVALID")));
        assert!(!out.contains("150000198605023751"));
    }

    #[test]
    fn wrong_input_is_told_where_and_how_to_mend_it() {
        type Wrong = (fn(&mut Value), &'static [&'static str]);
        let cases: [Wrong; 6] = [
            (|file| file["cases"][2]["household"]["colour"] = 1.into(), &["/cases/2/household", "colour"]),
            (
                |file| file["cases"][2]["household"]["incomes"][0]["amount_12m"] = 1.5.into(),
                &["/cases/2/household/incomes/0/amount_12m"],
            ),
            (
                |file| file["cases"][2]["household"]["incomes"][0]["member_id"] = "m9".into(),
                &["/cases/2/household/incomes/0/member_id", "use a member_id"],
            ),
            (
                |file| file["cases"][2]["department_status"]["tax"] = "OK".into(),
                &["/cases/2/department_status/tax", "--catalogue"],
            ),
            (|file| file["cases"][2]["parameter_set"] = "NOWHERE".into(), &["/cases/2/parameter_set", "NOWHERE"]),
            (
                |file| file["parameter_sets"]["IM_WLHT_URBAN"]["colour"] = 1.into(),
                &["/parameter_sets/IM_WLHT_URBAN", "colour"],
            ),
        ];
        for (change, says) in cases {
            let (_dir, path) = changed(change);
            let error = run_on(&args(vec![path], None)).unwrap_err();
            assert!(says.iter().all(|part| error.contains(part)), "{says:?}: {error}");
        }
        assert!(run_on(&args(vec!["/nowhere.json".into()], None)).unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn packs_and_catalogue_can_be_given() {
        let (_dir, path) = changed(|file| file["parameter_sets"] = serde_json::json!({}));
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let ground =
            Ground { catalogue: Some(root.join("schemas/catalogue.toml")), packs: Some(root.join("config/policies")) };
        let given = Args { ground, ..args(vec![path], None) };
        assert_eq!(run_on(&given).unwrap(), "47 passed, 0 failed\n");
    }
}
