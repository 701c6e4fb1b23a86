//! Planted snoops: a month of benign work in twenty regions, and ten incidents for each of the sixteen rules. What the
//! rules find is held against what was planted (recall, flagged benign accesses, ranking, reviewers' load).

mod plants;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hedui::review::evaluator::{Evaluator, Health};
use hedui::review::finding::Finding;
use hedui::review::gathering::{Alert, key};
use hedui::review::rules::{RuleId, Rules, Severity};
use jiff::ToSpan;

use world::World;

/// What the rules make of a world.
struct Review {
    alerts: Vec<Alert>,
    /// How many new alerts each day brings to reviewers.
    load: BTreeMap<String, u64>,
    not_evaluated: Vec<RuleId>,
}

fn review(world: &World, rules: &Arc<Rules>) -> Review {
    let mut evaluator = Evaluator::new(Arc::clone(rules), Arc::new(world.people()));
    let mut alerts: BTreeMap<String, Alert> = BTreeMap::new();
    let mut load = BTreeMap::new();
    let mut take = |found: Vec<Finding>| {
        for finding in found {
            match alerts.entry(key(&finding)) {
                std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().gather(finding),
                std::collections::btree_map::Entry::Vacant(place) => {
                    if finding.severity > Severity::Low {
                        *load.entry(rules.calendars.local(finding.at).date().to_string()).or_default() += 1;
                    }
                    place.insert(Alert::of(finding, 0));
                }
            }
        }
    };
    for (entry, is_altered) in &world.log {
        take(evaluator.observe(entry));
        if *is_altered {
            let altered = Health::Altered { entry: entry.reference() };
            take(evaluator.health(&altered, entry.event.at).into_iter().collect());
        }
    }
    let end = world.log.last().unwrap().0.event.at;
    take(evaluator.pass(end.checked_add((24 * 10).hours()).unwrap()));
    let not_evaluated = evaluator.not_evaluated().into_iter().map(|not| not.rule).collect();
    Review { alerts: alerts.into_values().collect(), load, not_evaluated }
}

#[test]
fn planted_snoops_are_found_and_benign_work_is_left_alone() {
    let world = World::with_plants(20_261_102);
    let rules = Arc::new(Rules::shipped());
    let review = review(&world, &rules);
    assert_eq!(world.benign.len(), 50_000);
    assert_eq!(review.not_evaluated, [], "every rule has what it needs");

    // Recall: an alert of the rule itself names an entry of the incident.
    let mut found: BTreeMap<RuleId, usize> = BTreeMap::new();
    let mut scores: BTreeMap<&str, u64> = BTreeMap::new();
    for alert in &review.alerts {
        for entry in &alert.entries {
            let score = scores.entry(&entry.id).or_default();
            *score = alert.score.max(*score);
        }
    }
    for (rule, entries) in &world.incidents {
        let is_found = review
            .alerts
            .iter()
            .any(|alert| alert.rule == *rule && alert.entries.iter().any(|entry| entries.contains(&*entry.id)));
        *found.entry(*rule).or_default() += usize::from(is_found);
    }
    let told: Vec<String> = found.iter().map(|(rule, count)| format!("{} {count}/10", rule.as_str())).collect();
    eprintln!("recall: {}", told.join(", "));
    for rule in RuleId::ALL {
        assert!(found[&rule] * 100 >= 95 * 10, "{rule:?}: {} of 10", found[&rule]);
    }

    // Benign accesses that any alert names.
    let flagged = world.benign.iter().filter(|id| scores.contains_key(id.as_str())).count();
    let benign: BTreeSet<&str> = world.benign.iter().map(String::as_str).collect();
    let mut by_rule: BTreeMap<&str, usize> = BTreeMap::new();
    for alert in &review.alerts {
        let named = alert.entries.iter().filter(|entry| benign.contains(&*entry.id)).count();
        *by_rule.entry(alert.rule.as_str()).or_default() += named;
    }
    eprintln!("flagged benign: {flagged} of {}: {by_rule:?}", world.benign.len());
    assert!(flagged * 1_000 <= world.benign.len() * 5, "{flagged}");
    assert!(flagged > 50, "benign work is not trivially different from snooping: {flagged}");

    // Ranking: with the accesses of benign work, every incident is in the top 2 %.
    let accesses: Vec<&str> =
        world.log.iter().filter(|(entry, _)| entry.is_access()).map(|(entry, _)| &*entry.event.id).collect();
    let mut ranked: Vec<u64> = accesses.iter().filter_map(|id| scores.get(id)).copied().collect();
    let accesses = accesses.len();
    ranked.sort_unstable_by(|left, right| right.cmp(left));
    let cutoff = ranked.get(accesses * 2 / 100).copied().unwrap_or(1);
    eprintln!("{} accesses named, of {accesses}; 2 % is {}", ranked.len(), accesses * 2 / 100);
    for (rule, entries) in &world.incidents {
        let best = entries.iter().filter_map(|id| scores.get(id.as_str())).max().copied().unwrap_or(0);
        assert!(best >= cutoff, "{rule:?}: {best} is not in the top 2 % ({cutoff})");
    }

    // Load: alerts a day for ten reviewers.
    let most = review.load.values().max().copied().unwrap_or(0);
    eprintln!("most alerts in a day: {most}; in all {}", review.alerts.len());
    assert!(most <= rules.budget.a_day(), "{most}");
}

/// Without plants, nothing is found of the rules that stay quiet for honest work.
#[test]
fn benign_work_alone_raises_few_alerts() {
    let world = World::benign(7);
    let review = review(&world, &Arc::new(Rules::shipped()));
    for quiet in [RuleId::R2, RuleId::R5, RuleId::R7, RuleId::R11, RuleId::R15, RuleId::R16] {
        let found: Vec<_> =
            review.alerts.iter().filter(|alert| alert.rule == quiet).map(|alert| &alert.arithmetic).collect();
        assert!(found.is_empty(), "{quiet:?}: {found:?}");
    }
    assert!(review.load.values().all(|load| *load <= 30), "one reviewer could carry it: {:?}", review.load);
}

/// A51: low and slow, three lookups a day for sixty days by one caller without cases.
#[test]
fn a51_low_and_slow_lookups_are_found() {
    let world = World::low_and_slow(60);
    let review = review(&world, &Arc::new(Rules::shipped()));
    let of = |rule| review.alerts.iter().filter(|alert| alert.rule == rule).count();
    assert_eq!(of(RuleId::R1), 60, "one a day, not one a lookup");
    assert!(of(RuleId::R10) > 0, "the same few persons again and again");
}
