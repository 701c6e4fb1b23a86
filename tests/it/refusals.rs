//! Who is refused too often cannot make the access log grow without end, and every refusal is accounted for all the same
//! (P1, A37).

use std::path::Path;

use futures_util::StreamExt;
use hedui::store::LogReader;
use reqwest::StatusCode;
use serde_json::Value;

use super::durability::{Hub, free_port, simulated, trial};
use super::hub::{Caller, Setup, System, change_settings, listed};

const FEW: &str = "[refusals]\nsingly = 5\nall_singly = 12\nwindow = \"1h\"\n\n[egress]\n";

/// What the log of a stopped hub says was refused.
#[derive(Debug, Default, PartialEq, Eq)]
struct Refused {
    /// By entries of their own.
    singly: u64,
    /// By entries that count.
    counted: u64,
    /// By entries that made room and to which none that counts refers.
    at_most: u64,
}

async fn refused(folder: &Path) -> (Refused, Vec<Value>) {
    let log = LogReader::open(&folder.join("hedui.sqlite")).await.unwrap();
    let entries: Vec<Value> =
        log.newest(2_000).await.unwrap().iter().map(|row| serde_json::from_str(&row.body).unwrap()).collect();
    log.close().await;
    let denied: Vec<Value> = entries.into_iter().filter(|event| event["action"] == "denied").collect();
    let mut found = Refused::default();
    let is_closed = denied.iter().any(|event| event["refusals"]["count"].is_u64());
    for event in &denied {
        let tally = &event["refusals"];
        match (tally["count"].as_u64(), tally["at_most"].as_u64()) {
            (Some(count), _) => {
                found.counted += count;
                let by_problem: u64 =
                    tally["problems"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
                assert_eq!(by_problem, count, "{event}");
                assert!(tally["first_at"].as_str() <= tally["last_at"].as_str(), "{event}");
                assert!(denied.iter().any(|opened| opened["id"] == tally["opened"]), "{event}");
            }
            (None, Some(room)) if !is_closed => found.at_most += room,
            (None, Some(_)) => {}
            (None, None) => found.singly += 1,
        }
    }
    (found, denied)
}

/// Sends requests that are refused, many at once. How many were.
async fn flood(caller: &Caller, times: u64) -> u64 {
    let stranger = caller.with_token("not.a.token".to_owned());
    let refusals = futures_util::stream::iter(0..times).map(|number| {
        let stranger = stranger.clone();
        async move {
            if number % 4 == 0 {
                let form = [("content-type", "application/x-www-form-urlencoded")];
                return stranger.post_raw("/oauth2/token", b"grant_type=password".to_vec(), &form).await;
            }
            stranger.get("/v1/policies").await
        }
    });
    let replies: Vec<_> = refusals.buffer_unordered(16).collect().await;
    let told =
        replies.iter().filter(|reply| matches!(reply.status, StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST));
    told.count() as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn a37_a_flood_of_refusals_is_counted_to_the_last_one_in_a_handful_of_entries() {
    let settings = vec![("[egress]\n", FEW.to_owned())];
    let system = System::start(Setup { own_packs: true, settings, ..Setup::default() }, listed()).await;
    let told = flood(&system.caller, 1_500).await;
    assert_eq!(told, 1_500, "everybody hears what is wrong with their own request");
    let late = system.caller.with_token("x".to_owned()).get("/v1/policies").await;
    assert_eq!(late.status, 401);
    assert!(late.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 3_000);
    assert!(system.caller.get("/v1/policies").await.status.is_success(), "who proves themselves is not held up");
    let folder = system.folder;
    system.app.stop().await;
    let (found, denied) = refused(folder.path()).await;
    assert_eq!(found, Refused { singly: 5, counted: told + 1 - 5, at_most: 0 });
    assert!(denied.len() < 10, "{} entries", denied.len());
    assert!(denied.iter().all(|event| event["peer"] == "127.0.0.1"), "{denied:?}");
    let closing = denied.iter().find(|event| event["refusals"]["count"].is_u64()).unwrap();
    let problems = &closing["refusals"]["problems"];
    assert!(problems["invalid_token"].as_u64().unwrap() > 1_000 && problems["invalid_client"].is_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_kill_takes_no_more_than_the_exact_number_of_counted_refusals() {
    let folder = simulated().await;
    let address = free_port();
    let files = trial(folder.path(), address);
    change_settings(&files.config, &[("[egress]\n", FEW.to_owned())]);
    let hub = Hub::start(&files.config, address).await;
    let told = flood(&Caller::new(&files, address), 400).await;
    hub.kill();
    // Another hub opens what the killed one left, so that the file can be read cold.
    let hub = Hub::start(&files.config, address).await;
    hub.kill();
    let (found, _) = refused(folder.path()).await;
    assert_eq!((found.singly, found.counted), (5, 0));
    assert!(found.singly + found.at_most >= told, "{found:?} of {told}");
}

/// A37: a client past its rate is counted in the same way, under its own name.
#[tokio::test(flavor = "multi_thread")]
async fn a37_a_client_past_its_rate_does_not_fill_the_log() {
    let settings = vec![("[egress]\n", FEW.to_owned())];
    let setup = Setup { own_packs: true, per_second: Some(1), settings, ..Setup::default() };
    let system = System::start(setup, listed()).await;
    let mut too_many = 0;
    for _ in 0..60 {
        too_many += u64::from(system.caller.get("/v1/policies").await.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(too_many > 40, "{too_many}");
    let folder = system.folder;
    system.app.stop().await;
    let (found, denied) = refused(folder.path()).await;
    assert_eq!(found, Refused { singly: 5, counted: too_many - 5, at_most: 0 });
    assert!(denied.iter().all(|event| event["actor"] == "tester" && event["peer"].is_null()), "{denied:?}");
}
