//! Double-random samples (双随机): which accesses are reviewed by whom, so that nobody can choose and anybody can draw
//! again.
//!
//! 1. **Freeze.** An officer fixes period, rate, reviewers and a tree size the log has not reached yet, and types dice.
//! 2. **Dice.** Another officer types dice, before the log reaches that size: the root over it holds both, so neither
//!    could know it when they typed.
//! 3. **Seed.** SHA-256 over the root, the period and both dice ([`seed`]).
//! 4. **Draw.** Each access of the period gets the ticket SHA-256(`seed,index`); in each stratum of unit and rule the
//!    smallest tickets are drawn. Reviewers of an entry are drawn alike, without its actor and the recused ([`draw`]).
//! 5. **Manifest.** What was drawn, as canonical JSON; its digest is in the log before it is shown to anybody.

mod frame;

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rules::RuleId;
use crate::domain::hex::hex;
pub use frame::{Candidate, Found, Frame, Framing};

/// The version of the manifest's form.
pub const VERSION: u8 = 1;
/// How many review one entry.
pub const REVIEWERS: usize = 2;

/// What one officer typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dice {
    /// Who.
    pub by: String,
    /// 10 to 40 decimal digits, thrown with ten-sided dice.
    pub digits: String,
}

/// Somebody who may be drawn as a reviewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reviewer {
    /// The officer's id.
    pub id: String,
    /// Organisations whose accesses they do not review (回避).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recused_from: Vec<String>,
}

/// What is frozen before anybody can know what will be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Not before this instant.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// At least so many are drawn, where there are so many.
    pub minimum: u64,
    /// So many of a hundred are drawn.
    pub rate_percent: u64,
    /// Who may be drawn as a reviewer.
    pub reviewers: Vec<Reviewer>,
    /// Before this instant.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// The tree size whose root goes into the seed.
    pub tree_size: u64,
}

/// What the log keeps of a step: the plan when it is frozen, dice when they are typed, the digest when it is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The dice that were typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dice: Option<String>,
    /// SHA-256 of the manifest, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// The plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
}

/// A stratum: accesses of one unit that one rule found, or none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Stratum {
    /// How many were drawn.
    pub drawn: u64,
    /// How many there are.
    pub frame: u64,
    /// The rule of the first alert that names them as evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    /// The division; empty where an entry has none.
    pub unit: String,
}

/// An entry that was drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Drawn {
    /// The event's id.
    pub id: String,
    /// Its index.
    pub index: u64,
    /// Its leaf hash, hexadecimal.
    pub leaf: String,
    /// Who reviews it.
    pub reviewers: Vec<String>,
    /// The rule of its stratum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    /// The unit of its stratum.
    pub unit: String,
}

/// What was drawn, with all it was drawn from.
///
/// INVARIANT: the fields here and in what it holds stand in alphabetical order and hold no fractions, so that what serde
/// writes is canonical JSON (RFC 8785).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What the two officers typed.
    pub dice: [Dice; 2],
    /// What was drawn, in the order of the log.
    pub entries: Vec<Drawn>,
    /// How many accesses the period has.
    pub frame: u64,
    /// The plan.
    pub plan: Plan,
    /// The root over the first `plan.tree_size` entries, base64.
    pub root: String,
    /// The sample's id.
    pub sample: String,
    /// The seed, hexadecimal.
    pub seed: String,
    /// The strata.
    pub strata: Vec<Stratum>,
    /// The version of this form.
    pub version: u8,
}

/// Why nothing can be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// An entry that fewer than two reviewers may review.
    #[error("entry {index} has fewer than {REVIEWERS} reviewers who are not recused")]
    Reviewers {
        /// The entry.
        index: u64,
    },
    /// The period has no accesses.
    #[error("the period has no accesses")]
    Empty,
}

/// The seed: SHA-256 of these lines, each ended by a line feed: `hedui/sample/1`, the root in base64, the beginning and
/// the end of the period, the first and the second dice. `printf … | sha256sum` makes it too.
pub fn seed(plan: &Plan, root: &str, dice: [&str; 2]) -> String {
    let [first, second] = dice;
    let text = format!("hedui/sample/{VERSION}\n{root}\n{}\n{}\n{first}\n{second}\n", plan.from, plan.to);
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

/// The ticket of something under a seed: the smallest are drawn.
fn ticket(seed: &str, what: &str) -> [u8; 32] {
    let digest = digest(&SHA256, format!("{seed},{what}").as_bytes());
    let mut ticket = [0; 32];
    ticket.copy_from_slice(digest.as_ref());
    ticket
}

/// Draws. The same plan, root, dice and frame give the same manifest, whoever draws.
pub fn draw(sample: &str, plan: &Plan, root: &str, dice: [Dice; 2], frame: &Frame) -> Result<Manifest, DrawError> {
    let [first, second] = &dice;
    let seed = seed(plan, root, [&first.digits, &second.digits]);
    let mut strata: BTreeMap<(&str, Option<RuleId>), Vec<&Candidate>> = BTreeMap::new();
    for candidate in &frame.candidates {
        strata.entry((&candidate.unit, candidate.rule)).or_default().push(candidate);
    }
    let sizes: Vec<u64> = strata.values().map(|of| u64::try_from(of.len()).unwrap_or(u64::MAX)).collect();
    let all: u64 = sizes.iter().sum();
    if all == 0 {
        return Err(DrawError::Empty);
    }
    let wanted = (all * plan.rate_percent).div_ceil(100).max(plan.minimum).min(all);
    let shares = shares(&sizes, wanted);
    let (mut entries, mut told) = (Vec::new(), Vec::new());
    for (((unit, rule), mut of), drawn) in strata.into_iter().zip(shares) {
        let size = u64::try_from(of.len()).unwrap_or(u64::MAX);
        told.push(Stratum { drawn, frame: size, rule, unit: unit.to_owned() });
        of.sort_by_cached_key(|candidate| ticket(&seed, &candidate.index.to_string()));
        for candidate in of.into_iter().take(usize::try_from(drawn).unwrap_or(usize::MAX)) {
            entries.push(Drawn {
                id: candidate.id.clone(),
                index: candidate.index,
                leaf: candidate.leaf.clone(),
                reviewers: reviewers(&seed, plan, candidate)?,
                rule,
                unit: unit.to_owned(),
            });
        }
    }
    entries.sort_by_key(|entry| entry.index);
    Ok(Manifest {
        dice,
        entries,
        frame: all,
        plan: plan.clone(),
        root: root.to_owned(),
        sample: sample.to_owned(),
        seed,
        strata: told,
        version: VERSION,
    })
}

/// Who reviews an entry: drawn like entries, without its actor and those who stand back.
fn reviewers(seed: &str, plan: &Plan, candidate: &Candidate) -> Result<Vec<String>, DrawError> {
    let may = |reviewer: &&Reviewer| {
        let is_own = [&candidate.actor, &candidate.operator].into_iter().flatten().any(|own| *own == reviewer.id);
        let is_recused = candidate.organisation.as_ref().is_some_and(|of| reviewer.recused_from.contains(of));
        !is_own && !is_recused
    };
    let mut able: Vec<&Reviewer> = plan.reviewers.iter().filter(may).collect();
    if able.len() < REVIEWERS {
        return Err(DrawError::Reviewers { index: candidate.index });
    }
    able.sort_by_cached_key(|reviewer| ticket(seed, &format!("{},{}", candidate.index, reviewer.id)));
    Ok(able.into_iter().take(REVIEWERS).map(|reviewer| reviewer.id.clone()).collect())
}

/// How many of each stratum: in proportion, by largest remainder, and one of each as long as there are enough.
fn shares(sizes: &[u64], wanted: u64) -> Vec<u64> {
    let all: u64 = sizes.iter().sum();
    let count = u64::try_from(sizes.len()).unwrap_or(u64::MAX);
    let least = u64::from(count <= wanted);
    let mut shares: Vec<u64> = sizes.iter().map(|size| (size * wanted / all).max(least)).collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    // Ties go to the stratum that stands first.
    order.sort_by_key(|at| std::cmp::Reverse(sizes.get(*at).map_or(0, |size| size * wanted % all)));
    let mut sum: u64 = shares.iter().sum();
    for at in order.iter().cycle().take(order.len() * 2) {
        if let (Some(share), Some(size)) = (shares.get_mut(*at), sizes.get(*at))
            && sum < wanted
            && *share < *size
        {
            *share += 1;
            sum += 1;
        }
    }
    while sum > wanted {
        let Some(largest) = shares.iter_mut().rev().max_by_key(|share| **share) else { break };
        *largest -= 1;
        sum -= 1;
    }
    shares
}

impl Manifest {
    /// As canonical JSON: what its digest is of.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a manifest holds only texts, whole numbers and lists")
    }

    /// SHA-256 of its canonical JSON, hexadecimal.
    pub fn digest(&self) -> String {
        hex(digest(&SHA256, self.to_json().as_bytes()).as_ref())
    }

    /// The first line in which another manifest differs from this one, written out one member a line: its number, the
    /// line here, the line there.
    pub fn first_difference(&self, other: &Self) -> Option<(usize, String, String)> {
        let lines = |manifest: &Self| serde_json::to_string_pretty(manifest).unwrap_or_default();
        let (own, others) = (lines(self), lines(other));
        let (mut own, mut others) = (own.lines(), others.lines());
        (1..)
            .map_while(|number| match (own.next(), others.next()) {
                (None, None) => None,
                (here, there) => Some((
                    number,
                    here.unwrap_or_default().trim().to_owned(),
                    there.unwrap_or_default().trim().to_owned(),
                )),
            })
            .find(|(_, here, there)| here != there)
    }
}

#[cfg(test)]
mod tests;
