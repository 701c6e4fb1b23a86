//! Draws are fair, the same for everybody, and never one's own.

use super::*;

fn plan(rate_percent: u64, minimum: u64, reviewers: &[&str]) -> Plan {
    Plan {
        from: "2026-11-01T00:00:00Z".parse().unwrap(),
        minimum,
        rate_percent,
        reviewers: reviewers.iter().map(|id| Reviewer { id: (*id).to_owned(), recused_from: Vec::new() }).collect(),
        to: "2026-11-08T00:00:00Z".parse().unwrap(),
        tree_size: 100_000,
    }
}

fn dice(first: &str) -> [Dice; 2] {
    let dice = |by: &str, digits: &str| Dice { by: by.to_owned(), digits: digits.to_owned() };
    [dice("officer-1", first), dice("officer-2", "0987654321")]
}

fn candidate(index: u64, unit: &str, actor: &str) -> Candidate {
    Candidate {
        index,
        id: format!("ev_{index:x}"),
        leaf: format!("{index:064x}"),
        unit: unit.to_owned(),
        rule: None,
        actor: Some(actor.to_owned()),
        operator: None,
        organisation: Some(format!("{actor} organisation")),
    }
}

fn frame(count: u64) -> Frame {
    Frame { candidates: (0..count).map(|index| candidate(index, "152201", "c1")).collect() }
}

#[test]
fn the_seed_is_sha_256_of_six_lines() {
    // printf 'hedui/sample/1\nAAAA\n2026-11-01T00:00:00Z\n2026-11-08T00:00:00Z\n1234567890\n0987654321\n' | sha256sum
    let made = seed(&plan(1, 30, &[]), "AAAA", ["1234567890", "0987654321"]);
    assert_eq!(made, "49be20f0a62446a7a7de1198cc64f8f6d5745a43cdf21e12a211a2d7ad994fb4");
}

/// Drawn 10,000 times, every entry comes up about as often as any other: chi-square with p > 0.001.
#[test]
fn no_entry_is_drawn_more_often_than_another() {
    let (frame, plan) = (frame(100), plan(10, 1, &["a", "b", "c"]));
    let (mut entries, mut pairs) = (vec![0_u64; 100], BTreeMap::<Vec<String>, u64>::new());
    for number in 0..10_000 {
        let manifest = draw("sa_1", &plan, "AAAA", dice(&format!("{number:010}")), &frame).unwrap();
        assert_eq!(manifest.entries.len(), 10);
        for drawn in &manifest.entries {
            entries[usize::try_from(drawn.index).unwrap()] += 1;
            let mut pair = drawn.reviewers.clone();
            pair.sort();
            *pairs.entry(pair).or_default() += 1;
        }
    }
    // 99 degrees of freedom: 148.2 at p = 0.001. Draws without replacement spread less than independent ones.
    assert!(chi_square(&entries) < 148.2, "{}", chi_square(&entries));
    // 2 degrees of freedom: 13.8.
    assert!(chi_square(&pairs.into_values().collect::<Vec<_>>()) < 13.8);
}

#[expect(clippy::cast_precision_loss, reason = "a test statistic")]
fn chi_square(counts: &[u64]) -> f64 {
    let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    counts.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum()
}

#[test]
fn nobody_reviews_their_own_access_in_10_000_draws() {
    let reviewers = ["a", "b", "c", "d"];
    let candidates = (0..40).map(|index| candidate(index, "152201", reviewers[usize::try_from(index % 4).unwrap()]));
    let frame = Frame { candidates: candidates.collect() };
    let mut plan = plan(10, 4, &reviewers);
    plan.reviewers[3].recused_from = vec!["a organisation".to_owned()];
    for number in 0..10_000 {
        let manifest = draw("sa_1", &plan, "AAAA", dice(&format!("{number:010}")), &frame).unwrap();
        for drawn in &manifest.entries {
            let actor = reviewers[usize::try_from(drawn.index % 4).unwrap()];
            assert_eq!(drawn.reviewers.len(), REVIEWERS);
            assert_ne!(drawn.reviewers[0], drawn.reviewers[1]);
            assert!(!drawn.reviewers.iter().any(|reviewer| reviewer == actor), "{drawn:?}");
            assert!(actor != "a" || !drawn.reviewers.contains(&"d".to_owned()), "recused: {drawn:?}");
        }
    }
}

#[test]
fn the_same_frame_gives_the_same_sample_and_every_difference_is_named() {
    let (frame, plan) = (frame(5_000), plan(1, 30, &["a", "b", "c"]));
    let one = draw("sa_1", &plan, "AAAA", dice("1234567890"), &frame).unwrap();
    let again = draw("sa_1", &plan, "AAAA", dice("1234567890"), &frame).unwrap();
    assert_eq!((one.digest(), one.first_difference(&again)), (again.digest(), None));
    assert_eq!(one.entries.len(), 50);
    let value: serde_json::Value = serde_json::from_str(&one.to_json()).unwrap();
    assert_eq!(serde_json_canonicalizer::to_string(&value).unwrap(), one.to_json());
    let mut forged = one.clone();
    forged.entries[7].index += 1;
    let (line, here, there) = one.first_difference(&forged).unwrap();
    assert!(line > 10 && here.starts_with("\"index\"") && there.starts_with("\"index\""), "{line} {here} {there}");
    for other in [
        draw("sa_1", &plan, "AAAB", dice("1234567890"), &frame).unwrap(),
        draw("sa_1", &plan, "AAAA", dice("1234567891"), &frame).unwrap(),
    ] {
        assert_ne!(one.seed, other.seed);
        assert_ne!(one.entries, other.entries);
    }
}

#[test]
fn strata_are_drawn_in_proportion_and_none_is_left_out() {
    let mut candidates: Vec<Candidate> = (0..1_000).map(|index| candidate(index, "152201", "c1")).collect();
    candidates.extend((1_000..1_100).map(|index| candidate(index, "152202", "c1")));
    candidates
        .extend((1_100..1_105).map(|index| Candidate { rule: Some(RuleId::R5), ..candidate(index, "152202", "c1") }));
    let manifest = draw("sa_1", &plan(5, 30, &["a", "b"]), "AAAA", dice("1234567890"), &Frame { candidates }).unwrap();
    let told: Vec<_> = manifest.strata.iter().map(|of| (of.unit.as_str(), of.rule, of.frame, of.drawn)).collect();
    assert_eq!(told, [("152201", None, 1_000, 50), ("152202", None, 100, 5), ("152202", Some(RuleId::R5), 5, 1)]);
    assert_eq!(manifest.entries.len(), 56);
    assert_eq!(shares(&[3, 3, 3], 2).iter().sum::<u64>(), 2);
    assert_eq!(shares(&[1, 1], 2), [1, 1]);
    assert_eq!(shares(&[1_000, 1, 1, 1], 4), [1, 1, 1, 1]);
}

#[test]
fn nothing_is_drawn_without_reviewers_or_accesses() {
    let short = plan(1, 30, &["c1", "b"]);
    let drawn = draw("sa_1", &short, "AAAA", dice("1234567890"), &frame(3));
    assert!(matches!(drawn, Err(DrawError::Reviewers { .. })), "{drawn:?}");
    assert_eq!(draw("sa_1", &short, "AAAA", dice("1234567890"), &Frame::default()), Err(DrawError::Empty));
}
