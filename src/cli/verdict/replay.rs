//! `hedui verdict replay`: a verification of a running hub judged again.

use std::io::Write;
use std::process::ExitCode;

use serde_json::Value;

use crate::cli::caller::Said;
use crate::cli::reach::HubArgs;
use crate::cli::{Global, Lang, told};

/// What to replay.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  hedui verdict replay vf_0199… --ca trial/keys/ca.pem --token-file token
  hedui verdict replay vf_0199… --policy-as-of 2024-01-01 --ca trial/keys/ca.pem --token-file token

The hub judges the verification again from the facts it kept, by the pack it was judged by; departments are not
asked, and the look is in the hub's access log. With --policy-as-of the same facts are judged by the pack in force
on that day as well: a counterfactual, never a verdict.

Exit codes: 0 the same to the byte, 1 not the same or the hub refused, 2 the command is wrong, 3 the hub cannot be reached.")]
pub struct Args {
    /// The verification.
    #[arg(value_name = "ID")]
    id: String,
    /// Judge the same facts by the pack in force on this day as well.
    #[arg(long, value_name = "DATE")]
    policy_as_of: Option<jiff::civil::Date>,
    /// The hub of the verification.
    #[command(flatten)]
    hub: HubArgs,
}

/// Runs the command.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    let lang = global.lang();
    let Args { id, policy_as_of, hub } = args;
    // It becomes part of an address.
    if !id.starts_with("vf_") || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let text =
            lang.pick("编号应以 vf_ 开头，如答复中的 id。", "an id begins with vf_, as the `id` of an answer does");
        writeln!(std::io::stderr(), "{text}")?;
        return Ok(ExitCode::from(2));
    }
    let query = policy_as_of.map_or_else(String::new, |day| format!("?policy_as_of={day}"));
    match hub.client().await?.ask(&format!("{id}/replay{query}")).await? {
        Said::Problem(problem) => {
            told::problem(&mut std::io::stderr().lock(), &problem, lang)?;
            Ok(ExitCode::from(1))
        }
        Said::Verification(replay) => {
            let mut out = std::io::stdout().lock();
            if global.json {
                writeln!(out, "{replay}")?;
            } else {
                print(&mut out, &replay, lang)?;
            }
            let same = replay.get("same").and_then(Value::as_bool).unwrap_or(false);
            Ok(if same { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
    }
}

fn print(out: &mut impl Write, replay: &Value, lang: Lang) -> std::io::Result<()> {
    let words = |pointer: &str| {
        let text = replay.pointer(pointer).and_then(|text| text.get(lang.pick("zh", "en")));
        text.and_then(Value::as_str).unwrap_or_default()
    };
    let string = |pointer: &str| replay.pointer(pointer).and_then(Value::as_str).unwrap_or("—");
    let same = replay.get("same").and_then(Value::as_bool).unwrap_or(false);
    writeln!(out, "{} {}", if same { "✓" } else { "✗" }, words("/statement"))?;
    for (name_zh, name_en, side) in [("留存", "kept", "/kept"), ("重算", "replayed", "/replayed")] {
        writeln!(out, "  {}", lang.pick(name_zh, name_en))?;
        writeln!(out, "    {} {}", lang.pick("结论", "verdict"), string(&format!("{side}/verdict_id")))?;
        writeln!(out, "    sha256 {}", string(&format!("{side}/sha256")))?;
        let (engine, pack) = (string(&format!("{side}/engine")), string(&format!("{side}/pack")));
        let digest = string(&format!("{side}/pack_digest"));
        writeln!(out, "    {} {engine}  {} {pack} {digest}", lang.pick("引擎", "engine"), lang.pick("政策包", "pack"))?;
    }
    told::changes(out, replay.get("changed"), lang)?;
    if replay.get("pack_since").and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
        let title = lang.pick(
            "此后该地该日的政策包有变化（不影响本结论）：",
            "Since then the pack for this place and day was changed (the verdict stands):",
        );
        writeln!(out, "\n{title}")?;
        told::changes(out, replay.get("pack_since"), lang)?;
    }
    if let Some(other) = replay.get("counterfactual").filter(|other| !other.is_null()) {
        writeln!(out, "\n{}", words("/counterfactual/notice"))?;
        writeln!(out, "  {}: {}", lang.pick("结论", "the verdict"), words("/headline"))?;
        writeln!(out, "  {}: {}", lang.pick("假设", "the counterfactual"), words("/counterfactual/headline"))?;
        told::changes(out, other.get("parameters"), lang)?;
        told::changes(out, other.get("differences"), lang)?;
    }
    Ok(())
}
