//! `hedui evidence`: the signed answers behind a verdict, verified with the departments' public keys alone.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use connectors::keys::PublicKey;
use serde::Deserialize;
use serde_json::Value;

use super::caller::Said;
use super::obstacle::{self, Obstacle};
use super::reach::HubArgs;
use super::{Global, Lang, told};
use crate::config::Config;
use crate::domain::dataset::{Catalogue, DatasetId};
use crate::domain::fact::{Fact, FactKind};
use crate::service::provenance::{KeptProof, Standing, ToldProof};

/// What to do with evidence.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say of each department whether it signed what a verdict rests on: which key, when, and whether every figure
    /// stands in what was signed.
    Verify(Args),
}

/// Arguments of `hedui evidence verify`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hedui evidence verify verification.json --answer-key hrss=hrss.pem --answer-key housing=housing.pem\n  hedui evidence verify vf_0198… --config config/hedui.toml --ca ca.pem --token-file token\n\nFILE is what GET /v1/verifications/{id}?expand=evidence answered; nothing is asked of anybody then.\n\nExit codes: 0 every answer is proven, 1 some are not or are not signed, 2 the input is wrong, 3 a file or the hub cannot be reached."
)]
pub struct Args {
    /// A verification's id, or a file that holds it with its evidence.
    #[arg(value_name = "VERIFICATION-ID|FILE")]
    target: String,
    /// The public key of a department's answers; repeat for more.
    #[arg(long, value_name = "DEPARTMENT=FILE")]
    answer_key: Vec<String>,
    /// Take the keys from the `answer_key` settings of this configuration.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The hub, for an id.
    #[command(flatten)]
    hub: HubArgs,
}

/// Runs the command.
pub async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    let Command::Verify(args) = command;
    let keys = keys(&args)?;
    let document: Value = if Path::new(&args.target).exists() || !args.target.starts_with("vf_") {
        let text = obstacle::read_text(Path::new(&args.target), ("核对文件", "verification"))?;
        let target = &args.target;
        serde_json::from_str(&text)
            .with_context(|| Obstacle::new(format!("{target} 不是 JSON"), format!("{target} is not JSON")))?
    } else {
        match args.hub.client().await?.ask(&format!("{}?expand=evidence", args.target)).await? {
            Said::Verification(answer) => answer,
            Said::Problem(problem) => {
                told::problem(&mut std::io::stderr().lock(), &problem, global.lang())?;
                return Ok(ExitCode::from(1));
            }
        }
    };
    let found = verify(&document, &keys)?;
    let unsigned = unsigned(&document, &found);
    let mut out = std::io::stdout().lock();
    if global.json {
        let told = serde_json::json!({ "verification": document.get("id"), "answers": found, "unsigned": unsigned });
        writeln!(out, "{told}")?;
    } else {
        tell(&mut out, &found, &unsigned, global.lang())?;
    }
    let is_proven = !found.is_empty() && found.iter().all(Found::is_proven) && unsigned.is_empty();
    Ok(if is_proven { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The keys by department.
fn keys(args: &Args) -> anyhow::Result<BTreeMap<String, Vec<PublicKey>>> {
    let mut keys: BTreeMap<String, Vec<PublicKey>> = BTreeMap::new();
    let mut take = |department: &str, file: &Path| -> anyhow::Result<()> {
        let read = PublicKey::read_all(file).map_err(|error| {
            let (text, file) = (error.text(), file.display());
            Obstacle::new(format!("{department}：{file}：{}", text.zh), format!("{department}: {file}: {}", text.en))
        })?;
        keys.entry(department.to_owned()).or_default().extend(read);
        Ok(())
    };
    for given in &args.answer_key {
        let (department, file) = given.split_once('=').ok_or_else(|| {
            Obstacle::new(
                "--answer-key 写作 部门=文件，例如 hrss=hrss.pem",
                "--answer-key is DEPARTMENT=FILE, such as hrss=hrss.pem",
            )
        })?;
        take(department, Path::new(file))?;
    }
    if let Some(file) = &args.config {
        let config = Config::load(file)?;
        for adapter in &config.adapters {
            if let Some(key) = &adapter.answer_key {
                take(adapter.department.as_str(), key)?;
            }
        }
        for (name, provides) in config.peers.iter().filter_map(|peer| Some((&peer.name, peer.provides.as_ref()?))) {
            take(name.as_str(), &provides.answer_key)?;
        }
    }
    if keys.is_empty() {
        let obstacle = Obstacle::new(
            "请给出各部门的公钥：--answer-key 部门=文件，或 --config 配置文件（其中的 answer_key）",
            "give the departments' public keys: --answer-key DEPARTMENT=FILE, or --config FILE (its `answer_key` settings)",
        );
        return Err(obstacle.into());
    }
    Ok(keys)
}

/// What was found of one department's answer.
#[derive(serde::Serialize)]
struct Found {
    #[serde(flatten)]
    proof: ToldProof<'static>,
    /// Figures of the evidence that stand in what was signed; unknown where the answer itself is not at hand.
    figures: Option<Figures>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
struct Figures {
    signed: usize,
    foreign: usize,
}

impl Found {
    fn is_proven(&self) -> bool {
        self.proof.standing == Standing::Valid && self.figures.is_none_or(|figures| figures.foreign == 0)
    }
}

/// Verifies every signed answer of a verification.
fn verify(document: &Value, keys: &BTreeMap<String, Vec<PublicKey>>) -> anyhow::Result<Vec<Found>> {
    let unusable = || {
        Obstacle::new(
            "其中没有签名的答复（proofs），或格式不符：应为 GET /v1/verifications/{id}?expand=evidence 的结果",
            "it holds no signed answers (`proofs`), or not in their form: it must be what GET /v1/verifications/{id}?expand=evidence answered",
        )
    };
    let proofs = document.get("proofs").ok_or_else(unusable)?;
    let proofs: Vec<KeptProof<'static>> = serde_json::from_value(proofs.clone()).map_err(|_| unusable())?;
    let answers: Vec<Answer> = proofs.iter().map(Answer::of).collect();
    let found = |(place, proof): (usize, KeptProof<'static>)| {
        let keys = keys.get(proof.department.as_str()).map_or(&[][..], Vec::as_slice);
        Found { figures: figures(document, &answers, place), proof: proof.verify(keys) }
    };
    Ok(proofs.into_iter().enumerate().map(found).collect())
}

/// Departments that the evidence takes facts from without a signed answer of theirs, and how many facts.
fn unsigned(document: &Value, found: &[Found]) -> BTreeMap<String, usize> {
    let mut unsigned = BTreeMap::new();
    for item in evidence(document).filter(|item| item.get("basis").is_some_and(|basis| basis == "DEPARTMENT")) {
        let department = signer(item);
        if !found.iter().any(|found| found.proof.kept.department.as_str() == department) {
            let facts = item.get("facts").and_then(Value::as_array).map_or(1, Vec::len);
            *unsigned.entry(department.to_owned()).or_default() += facts;
        }
    }
    unsigned
}

fn evidence(document: &Value) -> impl Iterator<Item = &Value> {
    document.get("evidence").and_then(Value::as_array).into_iter().flatten()
}

/// Whose signature an item rests on: the hub's that answered for the department, or the department's own.
fn signer(item: &Value) -> &str {
    match text(item, "hub") {
        "" => text(item, "department"),
        hub => hub,
    }
}

/// A text of an item; empty where it has none, which is nobody's name.
fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A signed answer, and what it says where it is at hand.
struct Answer {
    signer: String,
    results: Option<Vec<SignedResult>>,
}

impl Answer {
    fn of(proof: &KeptProof<'static>) -> Self {
        let body = proof.whole.as_ref().and_then(|whole| whole.body.as_deref());
        // What cannot be read proves nothing: every fact is foreign to it then.
        let results =
            body.map(|body| serde_json::from_str::<Signed>(body).map(|signed| signed.results).unwrap_or_default());
        Self { signer: proof.department.to_string(), results }
    }

    /// What it says of a member in a dataset.
    fn of_item<'a>(&'a self, item: &'a Value) -> impl Iterator<Item = &'a SignedResult> {
        let (member, dataset) = (text(item, "member"), text(item, "dataset"));
        let own = self.results.iter().flatten();
        own.filter(move |result| result.reference == member && result.dataset == dataset)
    }
}

/// An answer as far as it is held against the evidence.
#[derive(Deserialize)]
struct Signed {
    results: Vec<SignedResult>,
}

#[derive(Deserialize)]
struct SignedResult {
    #[serde(rename = "ref")]
    reference: String,
    dataset: String,
    facts: Value,
}

/// How many figures that the evidence takes from whoever signed an answer stand in it; unknown where it is not at hand. Who
/// was asked more than once signed several answers: a figure is held against the one that is about its member and dataset,
/// and where there is none, against each.
fn figures(document: &Value, answers: &[Answer], place: usize) -> Option<Figures> {
    let answer = answers.get(place).filter(|answer| answer.results.is_some())?;
    let own = || answers.iter().filter(|other| other.signer == answer.signer);
    let may_be_elsewhere = |item| own().any(|other| other.results.is_none() || other.of_item(item).next().is_some());
    let catalogue = Catalogue::shipped();
    let mut figures = Figures::default();
    for item in evidence(document).filter(|item| signer(item) == answer.signer) {
        let kind = DatasetId::parse(text(item, "dataset")).ok().and_then(|id| Some(catalogue.dataset(&id)?.fact));
        let mut said = answer.of_item(item).peekable();
        if said.peek().is_none() && may_be_elsewhere(item) {
            continue;
        }
        let known: Vec<Value> = said.flat_map(|result| plain(kind, &result.facts)).collect();
        let taken = plain(kind, item.get("facts").unwrap_or(&Value::Null));
        let stands = taken.iter().filter(|fact| known.contains(fact)).count();
        figures.signed += stands;
        figures.foreign += taken.len() - stands;
    }
    Some(figures)
}

/// Facts as the hub writes them, whichever way the department did; of a dataset that is not known here, as they are.
fn plain(kind: Option<FactKind>, facts: &Value) -> Vec<Value> {
    let read = kind.and_then(|kind| Fact::decode(kind, &facts.to_string()).ok());
    match read {
        Some(facts) => facts.iter().filter_map(|fact| serde_json::to_value(fact).ok()).collect(),
        // What is no list is one fact, so that it is not passed over.
        None => facts.as_array().cloned().unwrap_or_else(|| vec![facts.clone()]),
    }
}

fn tell(out: &mut impl Write, found: &[Found], unsigned: &BTreeMap<String, usize>, lang: Lang) -> std::io::Result<()> {
    for (department, facts) in unsigned {
        match lang {
            Lang::Zh => writeln!(out, "✗ {department}  证据取用了 {facts} 项事实，但没有该部门签名的答复")?,
            Lang::En => writeln!(out, "✗ {department}  facts of the evidence without a signed answer: {facts}")?,
        }
    }
    if found.is_empty() {
        return writeln!(
            out,
            "{}",
            lang.pick(
                "✗ 没有任何签名的答复：没有部门签名，或没有查询任何部门",
                "✗ no signed answer: no department signs, or none was asked"
            )
        );
    }
    for Found { proof, figures } in found {
        let mark = if proof.standing == Standing::Valid { "✓" } else { "✗" };
        writeln!(out, "{mark} {}  {}", proof.kept.department, lang.pick(&proof.told.zh, &proof.told.en))?;
        if let (Some(key), Some(at)) = (&proof.key_id, proof.signed_at) {
            writeln!(out, "    {} {key}  {} {at}", lang.pick("密钥", "key"), lang.pick("签于", "signed at"))?;
        }
        writeln!(out, "    {} {}", lang.pick("摘要", "digest"), proof.kept.digest)?;
        let (zh, en) = told_figures(*figures, &proof.kept.asked_in);
        writeln!(out, "{}", lang.pick(&zh, &en))?;
    }
    let proven = found.iter().filter(|found| found.is_proven()).count();
    match lang {
        Lang::Zh => writeln!(out, "{proven} 份答复已证实，{} 份未证实", found.len() - proven),
        Lang::En => writeln!(out, "{proven} answers proven, {} not", found.len() - proven),
    }
}

/// What is said of the figures that the evidence takes from an answer.
fn told_figures(figures: Option<Figures>, asked_in: &str) -> (String, String) {
    match figures {
        None => (
            format!("    原始答复在核对 {asked_in} 中"),
            format!("    the answer itself stands in the verification {asked_in}"),
        ),
        Some(Figures { signed: 0, foreign: 0 }) => {
            ("    证据没有取用其中的事实".to_owned(), "    no fact of the evidence comes from it".to_owned())
        }
        Some(Figures { signed, foreign: 0 }) => (
            format!("    证据中的 {signed} 项事实都在签名的内容里"),
            format!("    all {signed} facts of the evidence stand in what was signed"),
        ),
        Some(Figures { foreign, .. }) => (
            format!("  ✗ 证据中有 {foreign} 项事实不在签名的内容里"),
            format!("  ✗ {foreign} facts of the evidence do not stand in what was signed"),
        ),
    }
}
