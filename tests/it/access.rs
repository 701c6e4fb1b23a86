//! Who may do what, walked: every route of the `OpenAPI` document, as every role, on what is their own and on what is not.
//!
//! What is expected stands here a second time, apart from the rules that are applied (`src/auth/rules.rs`).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use hedui::domain::actor::Role;
use hedui::domain::purpose::Purpose;
use serde_json::{Value, json};

use super::hub::{Caller, Reply, Setup, System, listed, listed_cases, mint_with, requests, root};

/// What a route is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// Open to everybody, without a token.
    Open,
    /// The same for all whose role may.
    All,
    /// An application in the body.
    Application,
    /// A verification in the path.
    Verification,
    /// A household's authorisation in the body, or in the path.
    Registration,
    Authorisation,
    /// Entries of the log: those found, or one in the path.
    Found,
    Entry,
    /// An alert in the path; the alerts that are listed are few, and their like is `Found`.
    Alert,
    Alerts,
    /// A sample, which is of the whole log.
    Sample,
    /// A registered adapter in the path, or its department.
    Adapter,
    Department,
    /// Open to who has an invitation, which is no token.
    Invited,
    /// A change that needs two persons in the path, which is not there; and a word on one that proves nothing.
    Proposal,
    Word,
}

/// A route: method, path, what it is about, and whose work it is.
type Route = (&'static str, &'static str, About, &'static [Role]);

const CASEWORKER: &[Role] = &[Role::Caseworker];
const OFFICER: &[Role] = &[Role::Officer];
const OPERATOR: &[Role] = &[Role::Operator];
const ADMINISTRATOR: &[Role] = &[Role::Administrator];
const TENDING: &[Role] = &[Role::Operator, Role::Department];
const READING: &[Role] = &[Role::Officer, Role::Operator, Role::Administrator, Role::Department];
const APPROVING: &[Role] = &[Role::Operator, Role::Administrator];
const USAGE: &[Role] = &[Role::Officer, Role::Operator, Role::Department];
const EVERYBODY: &[Role] = &[Role::Caseworker, Role::Officer, Role::Operator, Role::Administrator];

const ROUTES: &[Route] = &[
    ("get", "/.well-known/jwks.json", About::Open, &[]),
    ("get", "/.well-known/oauth-authorization-server", About::Open, &[]),
    ("get", "/.well-known/oauth-protected-resource", About::Open, &[]),
    ("post", "/oauth2/token", About::Open, &[]),
    ("post", "/v1/verifications", About::Application, CASEWORKER),
    ("post", "/v1/verifications:plan", About::Application, CASEWORKER),
    ("get", "/v1/verifications/{id}", About::Verification, CASEWORKER),
    ("post", "/v1/verifications/{id}/refresh", About::Verification, CASEWORKER),
    ("get", "/v1/verifications/{id}/events", About::Verification, CASEWORKER),
    ("get", "/v1/verifications/{id}/report", About::Verification, CASEWORKER),
    ("get", "/v1/verifications/{id}/replay", About::Verification, CASEWORKER),
    ("post", "/v1/verifications/{id}/household-notice", About::Verification, CASEWORKER),
    ("get", "/v1/household-notices", About::All, OFFICER),
    ("post", "/v1/verifications/{id}/case-events", About::Verification, CASEWORKER),
    ("post", "/v1/authorisations", About::Registration, CASEWORKER),
    ("get", "/v1/authorisations/{id}", About::Authorisation, CASEWORKER),
    ("delete", "/v1/authorisations/{id}", About::Authorisation, CASEWORKER),
    ("get", "/v1/adapters/{id}/usage", About::Department, USAGE),
    ("get", "/v1/adapters/{id}/usage/questions", About::Department, USAGE),
    ("get", "/v1/policies", About::All, EVERYBODY),
    ("get", "/v1/policies/{place}", About::All, EVERYBODY),
    ("post", "/v1/policies/{place}/evaluate", About::All, CASEWORKER),
    ("get", "/v1/access-log", About::Found, OFFICER),
    ("post", "/v1/access-log:search", About::Found, OFFICER),
    ("get", "/v1/access-log/{index}", About::Entry, OFFICER),
    ("get", "/v1/access-log/proofs/inclusion/{entry}", About::Entry, OFFICER),
    ("get", "/v1/access-log/proofs/consistency/{from}/{to}", About::All, OFFICER),
    ("get", "/v1/access-log/checkpoint", About::All, OFFICER),
    ("get", "/v1/access-log/tile/{path}", About::All, OFFICER),
    ("get", "/v1/alerts", About::Alerts, OFFICER),
    ("get", "/v1/alerts/{id}", About::Alert, OFFICER),
    ("post", "/v1/alerts/{id}/transitions", About::Alert, OFFICER),
    ("get", "/v1/samples", About::Sample, OFFICER),
    ("post", "/v1/samples", About::Sample, OFFICER),
    ("get", "/v1/samples/{id}", About::Sample, OFFICER),
    ("post", "/v1/samples/{id}/dice", About::Sample, OFFICER),
    ("post", "/v1/samples/{id}/draw", About::Sample, OFFICER),
    ("get", "/v1/adapters", About::All, READING),
    ("post", "/v1/adapters", About::Invited, &[]),
    ("get", "/v1/adapters/{id}", About::Adapter, READING),
    ("get", "/v1/adapters/{id}/health", About::Adapter, READING),
    ("post", "/v1/adapters/{id}/transitions", About::Adapter, TENDING),
    ("put", "/v1/adapters/{id}/agreement", About::Adapter, TENDING),
    ("delete", "/v1/adapters/{id}", About::Adapter, TENDING),
    ("post", "/v1/adapter-invitations", About::All, OPERATOR),
    ("get", "/v1/catalogue", About::All, EVERYBODY),
    ("get", "/v1/approvals", About::All, APPROVING),
    ("get", "/v1/approvals/{id}", About::Proposal, APPROVING),
    ("post", "/v1/approvals/{id}/decisions", About::Word, ADMINISTRATOR),
];

/// Somebody who asks: role, client id, division. The first is the one whose verification it is; a department's client id
/// begins with its department.
const ACTORS: [(Role, &str, &str); 10] = [
    (Role::Caseworker, "own", "152200"),
    (Role::Caseworker, "colleague", "152200"),
    (Role::Caseworker, "own", "110000"),
    (Role::Caseworker, "foreign", "110000"),
    (Role::Officer, "officer", "152200"),
    (Role::Officer, "foreign-officer", "110000"),
    (Role::Operator, "operator", "000000"),
    (Role::Administrator, "administrator", "000000"),
    (Role::Department, "housing", "152200"),
    (Role::Department, "hrss", "152200"),
];

struct Fixture {
    system: System,
    application: Value,
    household: Value,
    verification: String,
    registration: Value,
    authorisation: String,
    receipt: String,
    index: u64,
    alert: String,
    adapter: String,
    draft: String,
}

impl Fixture {
    async fn new() -> Self {
        let review = Some("every = \"100ms\"".to_owned());
        let settings = super::registry::registry_settings();
        let system = System::start(Setup { own_packs: true, review, settings, ..Setup::default() }, listed()).await;
        let application = requests(system.folder.path())["C01"].clone();
        let cases = listed_cases();
        let household = super::policies::document(&cases["cases"][0], &cases["parameter_sets"]);
        let own = actor(&system, ACTORS[0]);
        let urgent = super::notices::emergency(system.folder.path());
        let done = own.verify(&urgent).await;
        assert!(done.status.is_success(), "{}", done.body);
        let text = |name: &str| done.body[name].as_str().unwrap().to_owned();
        let (verification, receipt) = (text("id"), text("receipt"));
        let index = system.app.verifications().store().log().entry_of(&receipt).await.unwrap().unwrap().index;
        let registration = super::authorisations::registration(&application);
        let registered = own.post("/v1/authorisations", &registration, &[]).await;
        let authorisation = registered.body["id"].as_str().unwrap().to_owned();
        let alert = super::alerts::until_alert(&system, "R1", &client_of(ACTORS[0])).await.id;
        let adapter = super::registry::registered(&system, "hrss").await;
        let draft = super::registry::registered(&system, "hrss").await;
        let fixture = Self {
            system,
            application,
            household,
            verification,
            registration,
            authorisation,
            receipt,
            index,
            alert,
            adapter,
            draft,
        };
        fixture.until_signed().await;
        fixture
    }

    async fn until_signed(&self) {
        let begun = std::time::Instant::now();
        loop {
            let head = self.system.app.verifications().store().log().head().await.unwrap();
            if head.is_some_and(|head| head.size > self.index) {
                return;
            }
            assert!(begun.elapsed().as_secs() < 10, "the head is signed every second");
            tokio::task::yield_now().await;
        }
    }

    /// Asks a route about what is the first actor's, or about what is not there.
    async fn ask(&self, role: Option<Role>, caller: &Caller, route: &Route, is_there: bool) -> Reply {
        let (method, path, about, _) = *route;
        let (own, absent) = match about {
            About::Authorisation => (&self.authorisation, "au_00000000000000000000000000000000"),
            About::Alert => (&self.alert, "al_00000000000000000000000000000000"),
            // A department has another one than the operators, who bring theirs on.
            About::Adapter if role == Some(Role::Department) => (&self.draft, "hrss-9"),
            About::Adapter => (&self.adapter, "hrss-9"),
            _ => (&self.verification, "vf_00000000000000000000000000000000"),
        };
        let path = path
            .replace("{id}", if is_there { own } else { absent })
            .replace("{place}", "152201")
            .replace("{index}", &if is_there { self.index } else { 999_999 }.to_string())
            .replace("{entry}", if is_there { &self.receipt } else { "ev_00000000000000000000000000000000" })
            .replace("{from}/{to}", "1/1")
            .replace("{path}", "0/000.p/1");
        match (method, path.as_str()) {
            ("get", path) if path.contains("/usage") => {
                let path = path.replace(own, "hrss").replace(absent, "nobody");
                caller.get(&format!("{path}?from=2025-01-01&to=2025-12-31")).await
            }
            ("get", "/v1/policies/152201") => caller.get("/v1/policies/152201?urban_rural=URBAN&on=2025-03-15").await,
            ("get", path) => caller.get(path).await,
            ("delete", path) => caller.delete(path).await,
            ("put", path) => caller.put(path, &json!({ "per_second": 1, "burst": 1 })).await,
            (_, "/v1/adapter-invitations") => caller.post(&path, &json!({ "department": "hrss" }), &[]).await,
            (_, path) if path.ends_with("/decisions") => caller.post(path, &json!({ "statement": "x" }), &[]).await,
            (_, path) if about == About::Adapter => caller.post(path, &json!({ "move": "accept" }), &[]).await,
            (_, path) if path.ends_with("/household-notice") => caller.post(path, &notice(), &[]).await,
            (_, "/v1/authorisations") => caller.post(&path, &self.registration, &[]).await,
            (_, "/v1/policies/152201/evaluate") => caller.post(&path, &self.household, &[]).await,
            (_, path) if path.ends_with("/case-events") => caller.post(path, &json!({ "step": "decided" }), &[]).await,
            (_, path) if path.ends_with("/transitions") => caller.post(path, &transition(), &[]).await,
            (_, path) if path.ends_with("/dice") => caller.post(path, &json!({ "dice": "1234567890" }), &[]).await,
            (_, "/v1/samples") => caller.post(&path, &super::samples::plan(1_000), &[]).await,
            (_, "/v1/access-log:search") => caller.post(&path, &json!({ "limit": 200 }), &[]).await,
            (_, path) => caller.post(path, &self.application, &[("prefer", "wait=30")]).await,
        }
    }

    /// The newest entry of the log that somebody's request made.
    async fn last(&self) -> Value {
        let newest = self.system.app.verifications().store().log().newest(20).await.unwrap();
        let mut entries = newest.iter().map(|entry| serde_json::from_str::<Value>(&entry.body).unwrap());
        entries.find(|entry| entry["action"] != "alert_raised").unwrap()
    }
}

/// That the household of the verification was told just now.
fn notice() -> Value {
    json!({ "given_at": jiff::Timestamp::now(), "channel": "IN_PERSON" })
}

/// A step that leaves the alert where it is, so that each officer finds it there: a proposal is repeated by nobody.
fn transition() -> Value {
    json!({ "to": "asked", "reason": "请经办人说明查询缘由", "due_at": "2100-01-01T00:00:00Z" })
}

fn client_of((_, client, _): (Role, &str, &str)) -> String {
    client.to_owned()
}

fn actor(system: &System, (role, client, division): (Role, &str, &str)) -> Caller {
    let department = (role == Role::Department).then_some(client);
    let purposes: &[Purpose] = if department.is_some() { &[] } else { &Purpose::ALL };
    system.caller.with_token(mint_with(&system.files, role, client, division, purposes, department))
}

/// What is told, without what differs between any two requests.
fn told(reply: &Reply) -> (u16, Value, Vec<(String, String)>) {
    let mut body = reply.body.clone();
    body["request_id"] = Value::Null;
    let changing = ["x-request-id", "date", "ratelimit", "ratelimit-policy"];
    let headers = reply.headers.iter().filter(|(name, _)| !changing.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
    (reply.status.as_u16(), body, headers.collect())
}

#[test]
fn the_walk_misses_no_route() {
    let document: Value = serde_json::from_slice(&std::fs::read(root().join("schemas/openapi.json")).unwrap()).unwrap();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            documented.insert((method.clone(), path.clone()));
        }
    }
    let walked: BTreeSet<_> = ROUTES.iter().map(|route| (route.0.to_owned(), route.1.to_owned())).collect();
    assert_eq!(walked, documented, "a route has no line in tests/it/access.rs: say there whose work it is");
}

/// A12, A13, A16.
#[tokio::test(flavor = "multi_thread")]
async fn a12_a16_every_route_as_every_role_on_own_and_foreign() {
    let fixture = Fixture::new().await;
    let mut matrix = String::new();
    let mut cells = 0;
    for route in ROUTES {
        let (method, path, about, who) = *route;
        let nobody = fixture.ask(None, &fixture.system.caller.with_token(String::new()), route, true).await;
        if about == About::Open {
            assert_ne!(nobody.status, 401, "{method} {path} is open");
            continue;
        }
        assert_eq!(nobody.status, 401, "{method} {path} without a token");
        for somebody in ACTORS {
            let (role, client, division) = somebody;
            let caller = actor(&fixture.system, somebody);
            let reply = fixture.ask(Some(role), &caller, route, true).await;
            let status = reply.status.as_u16();
            let what = format!("{method} {path} as {role:?} {client} of {division}: {status} {}", reply.body);
            writeln!(matrix, "{status} {method} {path} {role:?} {client} {division}").unwrap();
            cells += 1;
            let is_home = division == "152200";
            if about == About::Invited {
                assert_eq!((status, &reply.body["code"]), (401, &json!("invalid_invitation")), "{what}");
                continue;
            }
            if about == About::Word && who.contains(&role) {
                assert_eq!((status, &reply.body["code"]), (409, &json!("change_refused")), "{what}");
                continue;
            }
            if !who.contains(&role) {
                assert_eq!((status, &reply.body["code"]), (403, &json!("wrong_role")), "{what}");
            } else if about == About::Application && !is_home {
                assert_eq!((status, &reply.body["code"]), (403, &json!("foreign_division")), "{what}");
            } else if matches!(about, About::Verification | About::Authorisation) && somebody != ACTORS[0]
                || matches!(about, About::Entry | About::Alert) && !is_home
                || matches!(about, About::Sample | About::Proposal)
                || matches!(about, About::Adapter | About::Department) && client == "housing"
            {
                assert_eq!((status, &reply.body["code"]), (404, &json!("not_found")), "{what}");
                let absent = fixture.ask(Some(role), &caller, route, false).await;
                assert_eq!(told(&reply), told(&absent), "foreign and absent are the same: {what}");
            } else if path.ends_with("adapters/{id}/transitions") && role == Role::Department {
                // Its own, and yet it is not a department that accepts it.
                assert_eq!((status, &reply.body["code"]), (403, &json!("operator_needed")), "{what}");
            } else {
                assert!(reply.status.is_success(), "{what}");
                if role == Role::Department && path == "/v1/adapters" {
                    let found = reply.body["adapters"].as_array().unwrap();
                    assert!(!found.is_empty() && found.iter().all(|adapter| adapter["department"] == client), "{what}");
                }
                if about == About::Alerts {
                    let found = reply.body["alerts"].as_array().unwrap();
                    assert_eq!(found.iter().any(|alert| alert["id"] == fixture.alert), is_home, "{what}");
                }
                if about == About::Found {
                    let found = reply.body["entries"].as_array().unwrap();
                    assert_eq!(found.is_empty(), !is_home && !found_own(found, division), "{what}");
                    assert!(found.iter().all(|entry| is_inside(entry, division)), "{what}");
                }
                continue;
            }
            let logged = fixture.last().await;
            assert_eq!((&logged["action"], &logged["actor"]), (&json!("denied"), &json!(client)), "{what}");
            if status == 403 {
                assert_eq!(logged["request_id"], reply.body["request_id"], "{what}");
            }
        }
    }
    assert_eq!(cells, (ROUTES.len() - 4) * ACTORS.len(), "{matrix}");
    // In bulk the log is for officers of the whole country.
    for (division, status) in [("152200", 404), ("110000", 404), ("000000", 200)] {
        let officer = actor(&fixture.system, (Role::Officer, "officer", division));
        assert_eq!(officer.get("/v1/access-log/tile/entries/000.p/1").await.status, status, "{division}");
    }
    fixture.system.stop().await;
}

fn is_inside(entry: &Value, division: &str) -> bool {
    entry["event"]["division"].as_str().is_some_and(|of| of.starts_with(division.trim_end_matches("00")))
}

/// An officer's own looks are entries of their own division.
fn found_own(found: &[Value], division: &str) -> bool {
    found.iter().any(|entry| entry["event"]["division"] == division)
}

/// A15: nothing a caller sends sets what is the hub's to say.
#[tokio::test(flavor = "multi_thread")]
async fn a15_what_is_the_hubs_to_say_cannot_be_sent() {
    let fixture = Fixture::new().await;
    let own = actor(&fixture.system, ACTORS[0]);
    let officer = actor(&fixture.system, ACTORS[4]);
    let national = actor(&fixture.system, (Role::Officer, "national", "000000"));
    let (operator, administrator) = (actor(&fixture.system, ACTORS[6]), actor(&fixture.system, ACTORS[7]));
    let invited = operator.with_token("hi_0".to_owned());
    let size = async || fixture.system.app.verifications().store().log().size().await.unwrap();
    let document: Value = serde_json::from_slice(&std::fs::read(root().join("schemas/openapi.json")).unwrap()).unwrap();
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let takes_json = item["post"]["requestBody"]["content"].get("application/json").is_some();
        if !takes_json {
            continue;
        }
        let path = path
            .replace("{place}", "152201")
            .replace("/v1/verifications/{id}", &format!("/v1/verifications/{}", fixture.verification))
            .replace("/v1/alerts/{id}", &format!("/v1/alerts/{}", fixture.alert))
            .replace("/v1/adapters/{id}", &format!("/v1/adapters/{}", fixture.adapter))
            .replace("{id}", "sa_00000000000000000000000000000000");
        let (caller, good) = match path.as_str() {
            path if path.ends_with("/case-events") => (&own, json!({ "step": "decided" })),
            path if path.starts_with("/v1/adapters/") => (&operator, json!({ "move": "accept" })),
            "/v1/adapters" => (&invited, json!({ "endpoint": "https://127.0.0.1:9101", "version": "1" })),
            "/v1/adapter-invitations" => (&operator, json!({ "department": "hrss" })),
            path if path.ends_with("/decisions") => (&administrator, json!({ "statement": "x" })),
            path if path.ends_with("/transitions") => (&officer, transition()),
            path if path.ends_with("/dice") => (&national, json!({ "dice": "1234567890" })),
            "/v1/samples" => (&national, super::samples::plan(1_000)),
            "/v1/access-log:search" => (&officer, json!({})),
            path if path.ends_with("/household-notice") => (&own, notice()),
            "/v1/policies/152201/evaluate" => (&own, fixture.household.clone()),
            "/v1/authorisations" => (&own, fixture.registration.clone()),
            "/v1/verifications" | "/v1/verifications:plan" => (&own, fixture.application.clone()),
            other => panic!("{other} takes a body: say here what a good one is"),
        };
        for (name, value) in [
            ("verdict", json!({ "status": "DETERMINED", "household_circle": "DIBAO" })),
            ("region", json!("110000")),
            ("division", json!({ "code": "110000" })),
            ("status", json!("completed")),
            ("role", json!("officer")),
            ("id", json!("vf_1")),
            ("client_id", json!("foreign")),
            ("organisation", json!({ "name": "别人" })),
            ("receipt", json!(["ev_1"])),
            ("__proto__", json!({ "role": "officer" })),
        ] {
            let mut places = vec![""];
            if good.get("household").is_some() {
                places.extend(["/household", "/household/members/0"]);
            }
            for place in places {
                let mut wrong = good.clone();
                let object = wrong.pointer_mut(place).unwrap().as_object_mut().unwrap();
                if object.contains_key(name) {
                    continue;
                }
                object.insert(name.to_owned(), value.clone());
                let before = size().await;
                let reply = caller.post(&path, &wrong, &[]).await;
                assert_eq!(reply.status, 422, "{path} {place}/{name}: {}", reply.body);
                assert_eq!(fixture.last().await["action"], "denied", "{path} {place}/{name}");
                assert_eq!(size().await, before + 1, "{path} {place}/{name}: the refusal, and nothing else");
                tried += 1;
            }
        }
    }
    assert!(tried > 80, "{tried}");
    fixture.system.stop().await;
}

/// A58: what no route documents leads nowhere, whoever asks.
#[tokio::test(flavor = "multi_thread")]
async fn a58_methods_that_no_route_documents_are_turned_away() {
    let people = hedui::simulate::Simulation::population(3, 1, hedui::simulate::DEFAULT_DATE).unwrap();
    let system = System::start(Setup::default(), people).await;
    let officer = actor(&system, (Role::Officer, "officer", "000000")).token;
    let ask = async |method: &str, path: &str, token: Option<&str>| {
        let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let head = "host: hub\r\nconnection: close\r\ncontent-length: 0\r\n";
        let request = format!("{method} {path} HTTP/1.1\r\n{head}{authorization}\r\n");
        super::front_door::statuses(&system, request.as_bytes()).await
    };
    assert_eq!(ask("GET", "/v1/access-log", Some(&officer)).await, [200]);
    let document: Value = serde_json::from_slice(&std::fs::read(root().join("schemas/openapi.json")).unwrap()).unwrap();
    let mut turned_away = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace(['{', '}'], "");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X"] {
            if item.get(method.to_lowercase()).is_some() && method != "get" {
                continue;
            }
            for token in [None, Some(officer.as_str())] {
                let statuses = ask(method, &path, token).await;
                assert!(matches!(statuses[..], [400 | 404 | 405]), "{method} {path}: {statuses:?}");
                turned_away += 1;
            }
        }
        // HEAD is GET without the body, and passes the same door.
        if path.starts_with("/v1/") {
            let statuses = ask("HEAD", &path, None).await;
            assert!(matches!(statuses[..], [401 | 405]), "HEAD {path}: {statuses:?}");
        }
    }
    assert!(turned_away > 300, "{turned_away}");
    let away = system.caller.get("/v1/nothing").await;
    assert_eq!((away.status.as_u16(), away.body["code"].as_str()), (404, Some("no_such_route")));
    assert_eq!(away.body["request_id"], away.headers["x-request-id"].to_str().unwrap());
    system.stop().await;
}
