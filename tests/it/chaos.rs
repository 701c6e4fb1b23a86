//! The whole system while one department's network and software do what networks and software do (P2, P9, P10).
//!
//! The shipped executable asks the shipped adapters; housing stands behind `chaos/network.rs` and `chaos/answers.rs`,
//! which are told of one toxic after another while callers go on asking.

pub(crate) mod answers;
mod callers;
pub(crate) mod network;
mod plugs;

use std::time::{Duration, Instant};

use self::answers::Spoil;
use self::callers::{Callers, World};
use self::network::Toxic;

/// How long housing may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest time from question to answer that a verification may take; the machine may be busy.
const AT_MOST: Duration = Duration::from_secs(10);
/// A department that is well again is found within the breaker's longest pause.
const FOUND_WITHIN: Duration = Duration::from_secs(15);

/// What callers see of housing while it is spoiled.
enum Seen {
    /// Its answers come through all the same.
    Answers,
    /// One of these reasons.
    Gap(&'static [&'static str]),
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Spoils housing until callers have seen what they are to see, mends it, and waits until it is found again.
async fn while_spoiled(world: &World, callers: &Callers, name: &str, spoil: impl Fn(bool), seen: &Seen) {
    spoil(true);
    let from = Instant::now();
    match seen {
        Seen::Answers => callers.until(from, 12, |told| told == "answered").await,
        Seen::Gap(reasons) => {
            callers.until(from, 1, |told| reasons.contains(&told)).await;
            callers.until(from, 12, |told| told != "answered").await;
        }
    }
    let mended = Instant::now();
    spoil(false);
    callers.until(mended, 12, |told| told == "answered").await;
    assert!(mended.elapsed() < FOUND_WITHIN, "{name}: found again after {:?}", mended.elapsed());
    for reply in callers.between(from, mended) {
        let is_expected = match seen {
            // What is merely slow may be too slow on a busy machine.
            Seen::Answers => ["answered", "timeout", "unavailable"].contains(&reply.housing.as_str()),
            // The breaker leaves a department alone that does not answer.
            Seen::Gap(reasons) => reply.housing == "unavailable" || reasons.contains(&reply.housing.as_str()),
        };
        assert!(is_expected, "{name}: housing is {}", reply.housing);
    }
    for reply in callers.since(from) {
        world.judge(&reply, name);
    }
}

/// What the hub may have come to hold besides what it held before.
fn assert_bounded(world: &World, before: (u64, usize)) {
    let (memory, files) = (world.most_memory_mib(), world.open_files());
    assert!(memory < before.0 + 64, "{} MiB before, {memory} MiB at most", before.0);
    assert!(files < before.1 + 70, "{} files and sockets before, {files} after", before.1);
    // Places of one department, and as many connections kept for later.
    assert!(world.network.most_open() <= 128, "{} connections at once", world.network.most_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a31_whatever_the_network_does_to_one_department_costs_its_own_facts_only() {
    let world = World::start(PATIENCE).await;
    let callers = world.callers(4);
    callers.until(callers.began_at, 40, |told| told == "answered").await;
    let before = (world.most_memory_mib(), world.open_files());
    let lost = Seen::Gap(&["unavailable", "timeout"]);
    for (toxic, seen) in [
        (Toxic::Latency { delay: millis(20), jitter: millis(20) }, &Seen::Answers),
        (Toxic::Latency { delay: millis(1500), jitter: millis(0) }, &lost),
        (Toxic::Slice { bytes: 7, pause: Duration::ZERO }, &Seen::Answers),
        (Toxic::Bandwidth(64 * 1024), &Seen::Answers),
        (Toxic::Bandwidth(500), &lost),
        (Toxic::Swallow, &lost),
        (Toxic::Reset, &lost),
        (Toxic::Limit(100), &lost),
        (Toxic::Garbage, &lost),
    ] {
        let spoil = |on| world.network.spoil(if on { toxic } else { Toxic::None });
        while_spoiled(&world, &callers, &format!("{toxic:?}"), spoil, seen).await;
    }
    assert_bounded(&world, before);
    callers.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a30_whatever_one_department_answers_costs_its_own_facts_only() {
    let world = World::start(PATIENCE).await;
    let callers = world.callers(4);
    callers.until(callers.began_at, 40, |told| told == "answered").await;
    let before = (world.most_memory_mib(), world.open_files());
    for (spoil, seen) in [
        (Spoil::WrongSubject, Seen::Gap(&["mismatch"])),
        (Spoil::OtherQuestion, Seen::Gap(&["mismatch", "malformed"])),
        (Spoil::Twice, Seen::Gap(&["malformed"])),
        (Spoil::Cut, Seen::Gap(&["malformed"])),
        (Spoil::GzipBomb, Seen::Gap(&["malformed"])),
        (Spoil::Huge, Seen::Gap(&["malformed"])),
        (Spoil::Status(500), Seen::Gap(&["unavailable"])),
        (Spoil::Status(502), Seen::Gap(&["unavailable"])),
        (Spoil::Status(503), Seen::Gap(&["unavailable"])),
        (Spoil::Status(429), Seen::Gap(&["quota_exceeded"])),
        (Spoil::Drip(millis(20)), Seen::Gap(&["timeout"])),
        (Spoil::Drip(Duration::ZERO), Seen::Answers),
        (Spoil::Silence, Seen::Gap(&["timeout"])),
    ] {
        let told = |on| world.housing.spoil(if on { spoil } else { Spoil::Nothing });
        while_spoiled(&world, &callers, &format!("{spoil:?}"), told, &seen).await;
    }
    assert_bounded(&world, before);
    callers.stop().await;
    world.stop().await;
}

/// A firewall that forgets connections tells nobody. The hub finds out from the first question that hangs, and does not
/// try one forgotten connection after another.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_lead_nowhere_are_given_up_together() {
    let world = World::start(PATIENCE).await;
    let callers = world.callers(6);
    callers.until(callers.began_at, 60, |told| told == "answered").await;
    let (from, connections) = (Instant::now(), world.network.accepted());
    world.network.spoil(Toxic::HalfOpen);
    callers.until(from, 60, |told| told == "answered").await;
    let replies = callers.since(from);
    let gaps = replies.iter().filter(|reply| reply.housing != "answered").count();
    assert!(gaps <= 6, "{gaps} of {}: no more than were on their way when it happened", replies.len());
    let made = world.network.accepted() - connections;
    assert!(made <= 24, "{made} new connections");
    for reply in callers.all() {
        world.judge(&reply, "half open");
    }
    callers.stop().await;
    world.stop().await;
}
