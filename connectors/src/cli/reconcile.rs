//! `reconcile`: the department's ledger against the hub's account.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::print::Style;
use super::{OUTSIDE, WRONG};
use crate::error::{Lang, Text};
use crate::keys::{KeyError, PublicKey};
use crate::reconcile::{Account, Reconciliation, reconcile};
use crate::words;

/// The exit code when ledger and account differ, or the ledger is not whole.
const DIFFERENT: u8 = 2;

/// The ledger, and what proves it.
#[derive(Debug, Args)]
pub struct LedgerArgs {
    /// The ledger; files of it that were put aside are read with it.
    #[arg(long, value_name = "FILE")]
    pub ledger: PathBuf,
    /// Public keys of the hub, that its signatures in the ledger are proven with.
    #[arg(long, value_name = "FILE")]
    pub hub_keys: PathBuf,
}

/// Arguments of `reconcile`.
#[derive(Debug, Args)]
pub struct ReconcileArgs {
    /// The ledger.
    #[command(flatten)]
    pub ledger: LedgerArgs,
    /// The hub's account, as `hedui adapter account` writes it.
    #[arg(long, value_name = "FILE")]
    pub account: PathBuf,
}

/// Runs `reconcile`.
pub fn run(args: &ReconcileArgs, style: Style) -> ExitCode {
    let text = match std::fs::read_to_string(&args.account) {
        Ok(text) => text,
        Err(cause) => return ExitCode::from(unreadable(&args.account, &cause, style)),
    };
    match serde_json::from_str::<Account>(&text) {
        Ok(account) => ExitCode::from(args.ledger.hold_against(&account, style)),
        Err(error) => {
            let (file, line) = (args.account.display(), error.line());
            style.failed(
                "account_form",
                &Text::new(
                    format!("`{file}` 第 {line} 行：不是平台的账；用 hedui adapter account 取"),
                    format!("`{file}`, line {line}: not an account of a hub; `hedui adapter account` writes one"),
                ),
            );
            ExitCode::from(WRONG)
        }
    }
}

fn unreadable(file: &std::path::Path, cause: &std::io::Error, style: Style) -> u8 {
    let file = file.display();
    style.failed(
        "file_unreadable",
        &Text::new(
            format!("`{file}` 无法读取（{}）：核对路径和读取权限", words::of_system(cause)),
            format!("`{file}` cannot be read ({cause}): check the path and the permission to read it"),
        ),
    );
    OUTSIDE
}

impl LedgerArgs {
    /// Holds the ledger against an account and prints what came of it. The exit code: 2 where they differ.
    pub fn hold_against(&self, account: &Account, style: Style) -> u8 {
        let keys = match PublicKey::read_all(&self.hub_keys) {
            Ok(keys) => keys,
            Err(error) => {
                style.failed("key_unusable", &error.text().about(&self.hub_keys.display().to_string()));
                return if matches!(error, KeyError::Unreadable(_)) { OUTSIDE } else { WRONG };
            }
        };
        match reconcile(&self.ledger, account, &keys) {
            Err(cause) => unreadable(&self.ledger, &cause, style),
            Ok(told) => {
                style.out(&lines(&told, account, style.lang).join("\n"), || {
                    serde_json::json!({
                        "adapter": account.adapter, "from": account.from, "to": account.to,
                        "agrees": told.agrees(), "reconciliation": told,
                    })
                });
                if told.agrees() { 0 } else { DIFFERENT }
            }
        }
    }
}

fn lines(told: &Reconciliation, account: &Account, lang: Lang) -> Vec<String> {
    let Account { adapter, from, to, .. } = account;
    let mut lines = vec![match lang {
        Lang::Zh => format!(
            "{adapter}，{from} 至 {to}：台账 {} 条（自第 {} 号起），平台记 {} 次查询",
            told.lines,
            told.first_line,
            account.questions.len()
        ),
        Lang::En => format!(
            "{adapter}, {from} to {to}: {} entries in the ledger (from number {} on), {} questions at the hub",
            told.lines,
            told.first_line,
            account.questions.len()
        ),
    }];
    for (count, zh, en) in [
        (told.confirmed, "两边一致的查询", "questions told alike on both sides"),
        (told.signatures, "已核验的平台签名", "signatures of the hub proven"),
        (
            told.repeated,
            "重发的查询（答复慢或丢失）",
            "entries of questions asked a second time (slow or lost answers)",
        ),
        (
            told.not_reached,
            "平台记为没有答复、也未到达台账",
            "questions that had no answer and did not reach the ledger",
        ),
        (told.refused, "被拒绝的查询", "questions that were refused"),
        (
            told.outside,
            "不在所对日期内，或太近而记入次日",
            "entries outside the days, or so late that they count for the next",
        ),
    ] {
        if count > 0 {
            lines.push(format!("  {count:>8}  {}", Text::new(zh, en).pick(lang)));
        }
    }
    for fault in &told.faults {
        lines.push(format!("✗ {} [{}] {}", fault.place, fault.code, fault.what.pick(lang)));
    }
    for difference in &told.differences {
        lines.push(format!("✗ {} [{}] {}", difference.subject, difference.code, difference.what.pick(lang)));
    }
    if told.more > 0 {
        lines.push(match lang {
            Lang::Zh => format!("✗ 另有 {} 处，未逐一列出", told.more),
            Lang::En => format!("✗ {} more that are not listed", told.more),
        });
    }
    if told.agrees() {
        lines.push(
            Text::new(
                "✓ 一致：台账完整，与平台的账相符",
                "✓ they agree: the ledger is whole and tells what the hub tells",
            )
            .pick(lang)
            .to_owned(),
        );
    }
    lines
}
