//! Replay: a kept verdict made again from its kept facts, and what is to be said when it does not come out the same.
//!
//! A verdict is a pure function of facts, pack and the rules as programmed (promise P3), and its id carries all
//! three. The facts and the pack are kept; the rules are those of this program, so a replay by a newer program
//! may differ, and then says in what. A counterfactual judges the same facts by the pack of another day; it is
//! never a verdict and is marked so.

mod difference;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use self::difference::differences;
use super::judge;
use crate::domain::dataset::Catalogue;
use crate::domain::household::Place;
use crate::domain::problem::Text;
use crate::policy::Parameters;
use crate::policy::parameters::hex;
use crate::verdict::explain::{Matter, View};
use crate::verdict::facts::Facts;
use crate::verdict::{ENGINE_VERSION, Verdict};

/// What is kept of a verdict, and the packs to judge it by.
pub(super) struct Kept<'a> {
    pub(super) verification: &'a str,
    pub(super) catalogue: &'a Catalogue,
    pub(super) facts: &'a Facts,
    pub(super) place: Place,
    /// The verdict, to the byte.
    pub(super) verdict: &'a RawValue,
    /// Absent for verdicts that were kept before the version was.
    pub(super) engine: Option<&'a str>,
    pub(super) pack_digest: Option<&'a str>,
    /// The pack to replay by.
    pub(super) pack: Option<&'a Parameters>,
    /// The pack in force now for the place and the day of the assessment.
    pub(super) in_force: Option<&'a Parameters>,
    /// A day, and the pack in force then.
    pub(super) then: Option<(Date, Option<&'a Parameters>)>,
}

/// What a verdict was made by.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Judged {
    /// The verdict's id: a digest over facts, pack and engine version.
    pub verdict_id: String,
    /// SHA-256 of the verdict as it stands in the answer, hexadecimal.
    pub sha256: String,
    /// Version of the rules as programmed; absent where it was not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Digest of the pack; absent when there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack_digest: Option<String>,
    /// Name of the pack, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
}

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Changed {
    /// `engine`, `pack`, `parameter` or `verdict`.
    pub what: &'static str,
    /// The parameter, or the path inside the verdict: `computed.dibao_line_12m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// As it was; `null` when it was not there.
    #[schema(value_type = Option<Object>)]
    pub before: Value,
    /// As it is now; `null` when it is not there any more.
    #[schema(value_type = Option<Object>)]
    pub after: Value,
    /// In words.
    pub text: Text,
}

/// The same facts judged by the pack of another day. Never a verdict.
#[derive(Debug, Serialize, ToSchema)]
pub struct Counterfactual {
    /// The day.
    #[schema(value_type = String, format = Date)]
    pub policy_as_of: Date,
    /// That this is no verdict.
    pub notice: Text,
    /// The pack of that day; absent when there is no standard then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// Its digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack_digest: Option<String>,
    /// The parameters of that pack that differ from those of the verdict's pack.
    pub parameters: Vec<Changed>,
    /// What would be judged, in one sentence.
    pub headline: Text,
    /// What would be judged.
    #[schema(value_type = Object)]
    pub outcome: Verdict,
    /// What would be otherwise than in the verdict.
    pub differences: Vec<Changed>,
}

/// A verdict made again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replay {
    /// The verification.
    pub verification: String,
    /// The replay gave the kept verdict to the byte.
    pub same: bool,
    /// In words.
    pub statement: Text,
    /// The verdict in one sentence.
    pub headline: Text,
    /// What the kept verdict was made by.
    pub kept: Judged,
    /// What the replay was made by.
    pub replayed: Judged,
    /// The verdict as replayed.
    #[schema(value_type = Object)]
    pub verdict: Box<RawValue>,
    /// When it is not the same: what changed.
    pub changed: Vec<Changed>,
    /// What differs in the pack that is in force now for the same place and day. It does not touch the verdict.
    pub pack_since: Vec<Changed>,
    /// For `policy_as_of`: the same facts under the pack of that day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counterfactual: Option<Counterfactual>,
}

/// Makes a kept verdict again.
pub(super) fn replay(kept: &Kept<'_>) -> Replay {
    let verdict = judge::judge(kept.facts, kept.pack, kept.place);
    let again = serde_json::value::to_raw_value(&verdict).expect("a verdict holds only strings, numbers and lists");
    let same = again.get() == kept.verdict.get();
    let before: Value = serde_json::from_str(kept.verdict.get()).unwrap_or_default();
    let after: Value = serde_json::from_str(again.get()).unwrap_or_default();
    let pack_name = |verdict: &Value| verdict.pointer("/pack/name").and_then(Value::as_str).map(str::to_owned);
    let changed = if same { Vec::new() } else { what_changed(kept, &before, &after) };
    Replay {
        verification: kept.verification.to_owned(),
        same,
        statement: statement(same, &changed),
        headline: headline(kept, kept.pack, &verdict),
        kept: Judged {
            verdict_id: before.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(),
            sha256: hex(digest(&SHA256, kept.verdict.get().as_bytes()).as_ref()),
            engine: kept.engine.map(str::to_owned),
            pack_digest: kept.pack_digest.map(str::to_owned),
            pack: pack_name(&before),
        },
        replayed: Judged {
            verdict_id: verdict.id.to_string(),
            sha256: hex(digest(&SHA256, again.get().as_bytes()).as_ref()),
            engine: Some(ENGINE_VERSION.to_owned()),
            pack_digest: kept.pack.map(|pack| pack.digest().to_owned()),
            pack: pack_name(&after),
        },
        verdict: again,
        changed,
        pack_since: match (kept.pack, kept.in_force) {
            (Some(own), Some(now)) if own.digest() != now.digest() => parameters(own, now),
            _ => Vec::new(),
        },
        counterfactual: kept.then.map(|(day, pack)| counterfactual(kept, &before, day, pack)),
    }
}

fn headline(kept: &Kept<'_>, pack: Option<&Parameters>, verdict: &Verdict) -> Text {
    let matter = Matter { catalogue: kept.catalogue, facts: kept.facts, parameters: pack, verdict, comparison: None };
    judge::tell(View::Caseworker, &matter).headline
}

fn statement(same: bool, changed: &[Changed]) -> Text {
    if same {
        return Text::new(
            "按留存的事实和政策包重新计算，结论逐字节一致。",
            "Made again from the kept facts and pack, the verdict is the same to the byte.",
        );
    }
    let only_id = changed.iter().all(|change| change.what != "verdict");
    if only_id {
        return Text::new(
            "重新计算的内容一致，只有编号不同，因为编号包含引擎版本和政策包摘要。",
            "Made again, the verdict says the same; only its id differs, which carries engine version and pack.",
        );
    }
    Text::new(
        "重新计算的结论与留存的不一致；留存的结论仍然有效，差别列在下面。",
        "Made again, the verdict is not the same; the kept one stands, and the differences are listed.",
    )
}

fn what_changed(kept: &Kept<'_>, before: &Value, after: &Value) -> Vec<Changed> {
    let mut changed = Vec::new();
    if kept.engine != Some(ENGINE_VERSION) {
        let (was_zh, was_en) = match kept.engine {
            Some(version) => (format!("版本 {version}"), format!("version {version}")),
            None => ("当时没有记录的版本".to_owned(), "a version that was not recorded".to_owned()),
        };
        changed.push(Changed {
            what: "engine",
            field: None,
            before: kept.engine.map_or(Value::Null, Value::from),
            after: Value::from(ENGINE_VERSION),
            text: Text::new(
                format!("规则引擎：当时为{was_zh}，现在为版本 {ENGINE_VERSION}。"),
                format!("Engine: {was_en} then, version {ENGINE_VERSION} now."),
            ),
        });
    }
    let pack = kept.pack.map(Parameters::digest);
    if kept.pack_digest != pack {
        let tell = |digest: Option<&str>| digest.map_or("—".to_owned(), str::to_owned);
        let (was, is) = (tell(kept.pack_digest), tell(pack));
        changed.push(Changed {
            what: "pack",
            field: None,
            before: kept.pack_digest.map_or(Value::Null, Value::from),
            after: pack.map_or(Value::Null, Value::from),
            text: Text::new(
                format!("政策包：当时的（摘要 {was}）没有留存，按现行的（摘要 {is}）计算。"),
                format!("Pack: the one of that time (digest {was}) was not kept; judged by the one in force now (digest {is})."),
            ),
        });
    }
    changed.extend(differences(before, after, &["id", "pack"]));
    changed
}

/// The parameters that differ between two packs.
fn parameters(before: &Parameters, after: &Parameters) -> Vec<Changed> {
    let values = |parameters: &Parameters| {
        serde_json::to_value(parameters.values()).expect("strings, numbers and lists always serialise")
    };
    let (before, after) = (values(before), values(after));
    let keys_of =
        |value: &Value| value.as_object().map(|all| all.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let mut names = keys_of(&before);
    names.extend(keys_of(&after));
    names.sort();
    names.dedup();
    let differing = names.into_iter().filter(|name| before.get(name) != after.get(name));
    differing
        .map(|name| {
            let (was, is) =
                (before.get(&name).cloned().unwrap_or_default(), after.get(&name).cloned().unwrap_or_default());
            let words = crate::verdict::explain::parameter(&name);
            Changed {
                what: "parameter",
                text: Text::new(
                    format!("参数“{}”：{was} → {is}。", words.zh),
                    format!("Parameter \"{}\": {was} → {is}.", words.en),
                ),
                field: Some(name),
                before: was,
                after: is,
            }
        })
        .collect()
}

fn counterfactual(kept: &Kept<'_>, before: &Value, day: Date, pack: Option<&Parameters>) -> Counterfactual {
    let outcome = judge::judge(kept.facts, pack, kept.place);
    let after = serde_json::to_value(&outcome).expect("a verdict holds only strings, numbers and lists");
    let assessed_on = kept.facts.assessed_on;
    Counterfactual {
        policy_as_of: day,
        notice: Text::new(
            format!(
                "假设测算，不是核对结论：{assessed_on} 的事实，按 {day} 有效的政策包计算。不得作为救助决定的依据。"
            ),
            format!(
                "A counterfactual, not a verdict: the facts of {assessed_on} under the pack in force on {day}. No decision may rest on it."
            ),
        ),
        pack: pack.map(|pack| pack.name().to_owned()),
        pack_digest: pack.map(|pack| pack.digest().to_owned()),
        parameters: match (kept.pack, pack) {
            (Some(own), Some(then)) => parameters(own, then),
            _ => Vec::new(),
        },
        differences: differences(before, &after, &["id", "pack", "margins", "tipping_points"]),
        headline: headline(kept, pack, &outcome),
        outcome,
    }
}

#[cfg(test)]
mod tests;
