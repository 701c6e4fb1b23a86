//! `hedui verdict explain`: a verdict in words, of worked cases or of a verification of a running hub.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::{Map, Value};

use super::evaluate::{Ground, Run, Unusable};
use super::reading::parse;
use crate::cli::caller::Said;
use crate::cli::reach::HubArgs;
use crate::cli::{Global, told};
use crate::domain::period::Period;
use crate::verdict::cases::{Case, Invalid};
use crate::verdict::clauses::Clauses;
use crate::verdict::comparison::{compare, of_facts};
use crate::verdict::evaluate;
use crate::verdict::explain::{Matter, View, tell};
use crate::verdict::trace::trace;

/// What to explain.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  hedui verdict explain tests/cases/listed.json --case C13
  hedui verdict explain tests/cases/listed.json --case C13 --view resident --lang zh
  hedui verdict explain vf_0199… --view auditor --ca trial/keys/ca.pem --token-file token

A target that begins with vf_ and is no file is a verification: the hub is asked for its report, with your token,
and the look is in the hub's access log. Any other target is a file of cases.

Exit codes: 0 told, 1 the hub refused, 2 the command or its input is wrong, 3 the hub cannot be reached.")]
pub struct Args {
    /// A file of cases, or the id of a verification.
    #[arg(value_name = "FILE|ID")]
    target: PathBuf,
    /// Only this case of the file.
    #[arg(long, value_name = "ID")]
    case: Option<String>,
    /// For whom.
    #[arg(long, value_enum, default_value = "caseworker")]
    view: ViewArg,
    /// What to judge cases by.
    #[command(flatten)]
    ground: Ground,
    /// The hub of the verification.
    #[command(flatten)]
    hub: HubArgs,
}

/// For whom a verdict is told.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ViewArg {
    /// What decided, the sums, what to verify.
    Caseworker,
    /// A notice in plain words.
    Resident,
    /// Every node of the reasoning.
    Auditor,
}

impl From<ViewArg> for View {
    fn from(view: ViewArg) -> Self {
        match view {
            ViewArg::Caseworker => Self::Caseworker,
            ViewArg::Resident => Self::Resident,
            ViewArg::Auditor => Self::Auditor,
        }
    }
}

/// Runs the command.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    let lang = global.lang();
    if let Some(id) = verification(&args.target) {
        let view = View::from(args.view).as_str();
        return match args.hub.client().await?.ask(&format!("{id}/report?view={view}")).await? {
            Said::Verification(report) => {
                let mut out = BufWriter::new(std::io::stdout().lock());
                if global.json {
                    writeln!(out, "{report}")?;
                } else {
                    told::report(&mut out, &report, lang)?;
                }
                out.flush()?;
                Ok(ExitCode::SUCCESS)
            }
            Said::Problem(problem) => {
                told::problem(&mut std::io::stderr().lock(), &problem, lang)?;
                Ok(ExitCode::from(1))
            }
        };
    }
    match explain(&args) {
        Err(Unusable(text)) => {
            writeln!(std::io::stderr(), "{}", lang.pick(&text.zh, &text.en))?;
            Ok(ExitCode::from(2))
        }
        Ok(reports) => {
            let mut out = BufWriter::new(std::io::stdout().lock());
            for (index, report) in reports.iter().enumerate() {
                if global.json {
                    writeln!(out, "{report}")?;
                    continue;
                }
                if index > 0 {
                    writeln!(out, "\n{}\n", "─".repeat(72))?;
                }
                let of = |name: &str| report.get(name).and_then(Value::as_str).unwrap_or_default();
                writeln!(out, "{} {}\n", of("case"), of(lang.pick("case_title_zh", "case_title_en")))?;
                told::report(&mut out, report, lang)?;
            }
            match out.flush() {
                // A reader that has seen enough, such as `head`, is not a failure.
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
                _ => Ok(ExitCode::SUCCESS),
            }
        }
    }
}

/// The id of a verification, when the target is one.
fn verification(target: &Path) -> Option<&str> {
    let id = target.to_str()?;
    let is_id = id.starts_with("vf_") && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_id && !target.exists()).then_some(id)
}

/// The reports of the cases asked for, as JSON.
fn explain(args: &Args) -> Result<Vec<Value>, Unusable> {
    let (catalogue, packs) = (args.ground.catalogue()?, args.ground.packs()?);
    let file = parse(&args.target)?;
    let wanted = |case: &&Case| args.case.as_ref().is_none_or(|id| case.id == *id);
    let cases: Vec<(usize, &Case)> = file.cases.iter().enumerate().filter(|(_, case)| wanted(case)).collect();
    if let (Some(id), true) = (&args.case, cases.is_empty()) {
        let known = file.cases.iter().map(|case| case.id.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Unusable::in_file(
            &args.target,
            format!("没有案例 {id}；有 {known}"),
            format!("holds no case {id}; it holds {known}"),
        ));
    }
    let mut run = Run {
        path: &args.target,
        file: &file,
        catalogue: &catalogue,
        packs: &packs,
        inline: std::collections::BTreeMap::new(),
    };
    cases.into_iter().map(|(index, case)| report(args, index, case, &mut run)).collect()
}

fn report<'a>(args: &Args, index: usize, case: &'a Case, run: &mut Run<'a>) -> Result<Value, Unusable> {
    let catalogue = run.catalogue;
    let at = |pointer: &str, zh: String, en: String| Unusable::in_case(&args.target, index, case, pointer, &zh, &en);
    let facts = case.facts(catalogue).map_err(|invalid| match invalid {
        Invalid::IdNumber { pointer, fault } => at(
            &pointer,
            format!("身份号码有误，没有结论可以说明：{fault}"),
            format!("the identity number is wrong, so there is no verdict to explain: {fault}"),
        ),
        Invalid::Case { pointer, fault } => at(&pointer, fault.zh, fault.en),
    })?;
    let parameters = run.parameters(case).map_err(|error| {
        let text = error.text();
        at("/parameter_set", text.zh, text.en)
    })?;
    let too_large =
        |_| at("/household", "金额过大，无法计算".to_owned(), "an amount is too large to compute with".to_owned());
    let verdict = evaluate(&facts, &parameters).map_err(too_large)?;
    let rules = parameters.rules();
    let window = Period::months_before(facts.assessed_on, rules.income_window_months);
    let sides = of_facts(&facts, catalogue, window, &rules.income_authority);
    let comparison = compare(&sides, parameters.values().declaration_tolerance);
    let view = View::from(args.view);
    let matter = Matter {
        catalogue,
        facts: &facts,
        parameters: Some(&parameters),
        verdict: &verdict,
        comparison: Some(&comparison),
    };
    let told = tell(view, &matter).map_err(too_large)?;
    let mut report = Map::new();
    report.insert("case".to_owned(), Value::from(case.id.as_str()));
    report.insert("case_title_zh".to_owned(), Value::from(case.title_zh.as_str()));
    report.insert("case_title_en".to_owned(), Value::from(case.title_en.as_str()));
    if let Value::Object(members) = json(&told) {
        report.extend(members);
    }
    if view != View::Resident {
        report.insert("comparison".to_owned(), json(&comparison));
    }
    if view == View::Auditor {
        let trace = trace(&facts, &parameters, &verdict).map_err(too_large)?;
        report.insert("clauses".to_owned(), json(&Clauses::shipped().cited_by(trace.root())));
        report.insert("trace".to_owned(), json(&trace));
    }
    Ok(Value::Object(report))
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("texts hold only strings, numbers and lists")
}
