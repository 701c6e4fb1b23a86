//! A department that misbehaves, over the same mutual TLS as a real one.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use connectors::protocol::Query;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::chaos::answers::tls;

/// What the department does with a question.
#[derive(Clone)]
pub(crate) enum Behaviour {
    /// Holds nothing about anybody: an answer. Waits this long first.
    NoRecord(Duration),
    /// Never answers.
    Hang,
    /// One byte a second.
    Drip,
    /// Ten gigabytes.
    Endless,
    /// This body, with status 200.
    Body(Vec<u8>),
    /// This status.
    Status(u16),
    /// Sends the caller elsewhere.
    Redirect(String),
    /// Answers well, but about another person.
    OtherPerson,
    /// Answers well, with the answers of two persons exchanged.
    Swapped,
    /// Has records of the first person that do not fit their type.
    Misfit,
    /// Knows everybody under another name.
    NameMismatch,
    /// Knows the person of this number under another name, and holds nothing about the others. Waits this long first.
    KnownOtherwise(String, Duration),
    /// Does not understand queries of several households; holds nothing about anybody. Waits this long first.
    OneCase(Duration),
    /// As given, once the gate is open.
    Held(watch::Receiver<bool>, Box<Behaviour>),
    /// Every so-many-th question as given, the others as somebody who holds nothing.
    Every(usize, Box<Behaviour>),
}

/// What a stub knows of itself.
#[derive(Clone)]
struct Role {
    department: &'static str,
    behaviour: Arc<Mutex<Behaviour>>,
    asked: Arc<AtomicUsize>,
    queries: Arc<Mutex<Vec<Query>>>,
}

/// A running stub.
pub(crate) struct Stub {
    pub address: SocketAddr,
    pub asked: Arc<AtomicUsize>,
    behaviour: Arc<Mutex<Behaviour>>,
    queries: Arc<Mutex<Vec<Query>>>,
    handle: axum_server::Handle<SocketAddr>,
}

impl Stub {
    /// Starts a department with the keys of a folder.
    pub(crate) fn start(department: &'static str, behaviour: Behaviour, keys: &Path) -> Self {
        Self::start_at(department, behaviour, keys, "127.0.0.1:0".parse().unwrap())
    }

    /// The same at a given address.
    pub(crate) fn start_at(department: &'static str, behaviour: Behaviour, keys: &Path, at: SocketAddr) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let behaviour = Arc::new(Mutex::new(behaviour));
        let queries: Arc<Mutex<Vec<Query>>> = Arc::default();
        let handle = axum_server::Handle::new();
        let listener = std::net::TcpListener::bind(at).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/v1/facts:query", post(answer)).with_state(Role {
            department,
            behaviour: Arc::clone(&behaviour),
            asked: Arc::clone(&asked),
            queries: Arc::clone(&queries),
        });
        let server = axum_server::from_tcp_rustls(listener, tls(keys)).unwrap().handle(handle.clone());
        tokio::task::spawn(server.serve(routes.into_make_service()));
        Self { address, asked, behaviour, queries, handle }
    }

    /// Does this from now on.
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// Holds every answer back until `true` is sent, then does what it did before.
    pub(crate) fn hold(&self) -> watch::Sender<bool> {
        let (gate, is_open) = watch::channel(false);
        let mut behaviour = self.behaviour.lock().unwrap();
        *behaviour = Behaviour::Held(is_open, Box::new(behaviour.clone()));
        gate
    }

    /// What it was asked.
    pub(crate) fn queries(&self) -> Vec<Query> {
        self.queries.lock().unwrap().clone()
    }

    /// How often it was asked.
    pub(crate) fn times_asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

async fn answer(State(Role { department, behaviour, asked, queries }): State<Role>, body: Bytes) -> Response {
    let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
    let query: Query = serde_json::from_slice(&body).unwrap();
    queries.lock().unwrap().push(query.clone());
    let behaviour = match behaviour.lock().unwrap().clone() {
        Behaviour::Every(nth, behaviour) if number.is_multiple_of(nth) => *behaviour,
        Behaviour::Every(..) => Behaviour::NoRecord(Duration::ZERO),
        behaviour => behaviour,
    };
    let behaviour = match behaviour {
        Behaviour::Held(mut is_open, behaviour) => {
            is_open.wait_for(|is_open| *is_open).await.expect("whoever holds the answers lets them go");
            *behaviour
        }
        behaviour => behaviour,
    };
    match behaviour {
        Behaviour::Every(..) | Behaviour::Held(..) => unreachable!("taken apart above"),
        Behaviour::NoRecord(wait) => {
            tokio::time::sleep(wait).await;
            json(&no_record(department, &query))
        }
        Behaviour::KnownOtherwise(number, wait) => {
            tokio::time::sleep(wait).await;
            let mut answer = no_record(department, &query);
            let results = answer["results"].as_array_mut().unwrap().iter_mut();
            results
                .filter(|result| result["id_number"] == number.as_str())
                .for_each(|result| result["status"] = "name_mismatch".into());
            json(&answer)
        }
        Behaviour::OneCase(wait) => {
            tokio::time::sleep(wait).await;
            if query.cases().is_empty() {
                json(&no_record(department, &query))
            } else {
                StatusCode::BAD_REQUEST.into_response()
            }
        }
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Drip => {
            let drops = stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
            });
            Body::from_stream(drops).into_response()
        }
        Behaviour::Endless => {
            let chunk = Bytes::from(vec![b' '; 1024 * 1024]);
            let chunks = stream::iter((0..10_240).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
            Body::from_stream(chunks).into_response()
        }
        Behaviour::Body(bytes) => bytes.into_response(),
        Behaviour::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Behaviour::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response(),
        Behaviour::OtherPerson => {
            let mut answer = no_record(department, &query);
            let result = &mut answer["results"][0];
            result["status"] = "ok".into();
            result["id_number"] = "150000201409011041".into();
            json(&answer)
        }
        Behaviour::Misfit => {
            let mut answer = no_record(department, &query);
            let result = &mut answer["results"][0];
            result["status"] = "ok".into();
            result["facts"] = json!([{"kind": "UNHEARD_OF"}]);
            json(&answer)
        }
        Behaviour::NameMismatch => {
            let mut answer = no_record(department, &query);
            answer["results"]
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .for_each(|result| result["status"] = "name_mismatch".into());
            json(&answer)
        }
        Behaviour::Swapped => {
            let mut answer = no_record(department, &query);
            let results = answer["results"].as_array_mut().unwrap();
            let numbers: Vec<Value> = results.iter().map(|result| result["id_number"].clone()).collect();
            for (result, number) in results.iter_mut().zip(numbers.into_iter().rev()) {
                result["id_number"] = number;
            }
            json(&answer)
        }
    }
}

fn json(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

fn no_record(department: &str, query: &Query) -> Value {
    let results: Vec<Value> = query
        .subjects
        .iter()
        .flat_map(|subject| {
            let datasets = subject.datasets.as_ref().unwrap_or(&query.datasets);
            datasets.iter().map(move |dataset| {
                json!({"ref": subject.reference, "id_number": subject.id_number, "dataset": dataset, "status": "no_record", "facts": []})
            })
        })
        .collect();
    json!({"request_id": query.request_id, "adapter": {"id": department, "version": "stub"}, "results": results})
}
