//! A simulated department: a small HTTP server on the simulated network, and what it truly holds.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use connectors::protocol::Query;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;
use turmoil::net::{TcpListener, TcpStream};

use super::record::{Question, Record};
use super::scenario::Behaviour;
use crate::domain::dataset::{Catalogue, Dataset, DatasetId};
use crate::domain::fact::FactKind;

/// The port departments listen at.
pub(super) const PORT: u16 = 443;

/// What a department is and does.
pub(super) struct Role {
    pub(super) place: usize,
    pub(super) name: String,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) behaviours: Vec<(Duration, Behaviour)>,
    pub(super) record: Rc<RefCell<Record>>,
    /// Whom it was asked about before, and what it answered.
    pub(super) answered: RefCell<Vec<(String, Vec<u8>)>>,
}

/// What truly is known of a person in a dataset: a document of facts, or nothing. No two are alike.
pub(super) fn truth(dataset: &Dataset, id_number: &str) -> Option<Value> {
    if dataset.fact != FactKind::Income {
        return None;
    }
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in dataset.id.as_str().bytes().chain(id_number.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let fen = hash >> 20;
    (!fen.is_multiple_of(3)).then(|| {
        let amount = format!("{}.{:02}", fen % 10_000_000, hash % 100);
        json!([{"category": "TRANSFER", "kind": "PENSION_EMPLOYEE", "amount": amount, "from": "2026-01-01", "to": "2026-01-31"}])
    })
}

/// Serves until the machine dies.
pub(super) async fn serve(role: Rc<Role>) -> turmoil::Result {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let role = Rc::clone(&role);
        tokio::task::spawn_local(async move { role.converse(stream).await });
    }
}

impl Role {
    /// One connection, a question after another. `None` when it ends.
    async fn converse(&self, mut stream: TcpStream) -> Option<()> {
        loop {
            let body = question(&mut stream).await?;
            let query: Query = serde_json::from_slice(&body).unwrap();
            let behaviour = self.behaviour();
            self.heard(&query, behaviour);
            let whole = |status: u16, body: &[u8]| {
                let head = format!("HTTP/1.1 {status} OK\r\ncontent-length: {}\r\n\r\n", body.len());
                [head.as_bytes(), body].concat()
            };
            let results = self.results(&query, str::to_owned);
            let sound = Self::answer(&query, &self.name, &results);
            let told = match behaviour {
                Behaviour::Well(pause) => {
                    sleep(pause).await;
                    self.answered.borrow_mut().push((subjects(&query), sound.clone()));
                    whole(200, &sound)
                }
                Behaviour::ThirdLost if self.times_asked().is_multiple_of(3) => whole(502, b""),
                Behaviour::ThirdLost => whole(200, &sound),
                Behaviour::Drip => {
                    for byte in whole(200, &sound) {
                        stream.write_all(&[byte]).await.ok()?;
                        sleep(Duration::from_millis(5)).await;
                    }
                    continue;
                }
                Behaviour::Hang => std::future::pending().await,
                Behaviour::Close => return None,
                Behaviour::CloseMidway => {
                    let told = whole(200, &sound);
                    stream.write_all(&told[..told.len() / 2]).await.ok()?;
                    return None;
                }
                Behaviour::Status(status) => whole(status, b""),
                Behaviour::Garbage => whole(200, b"<html>maintenance</html>"),
                Behaviour::Missing => whole(200, &Self::answer(&query, &self.name, &results[1..])),
                Behaviour::Twice => {
                    whole(200, &Self::answer(&query, &self.name, &[&results[..], &results[..]].concat()))
                }
                Behaviour::WrongSubject => {
                    let other = |result: &Value| {
                        let mut result = result.clone();
                        result["id_number"] = "150000201409011041".into();
                        result
                    };
                    let others: Vec<_> = results.iter().map(other).collect();
                    whole(200, &Self::answer(&query, &self.name, &others))
                }
                Behaviour::OtherQuestion => {
                    let about = subjects(&query);
                    let before = self.answered.borrow();
                    let others = before.iter().rev().find(|(subjects, _)| *subjects != about);
                    whole(200, others.map_or(b"", |(_, answer)| answer))
                }
                Behaviour::OtherDepartment => whole(200, &Self::answer(&query, "elsewhere", &results)),
                Behaviour::NameMismatch => {
                    let unknown = |result: &Value| json!({"ref": result["ref"], "dataset": result["dataset"], "status": "name_mismatch", "facts": []});
                    whole(200, &Self::answer(&query, &self.name, &results.iter().map(unknown).collect::<Vec<_>>()))
                }
                Behaviour::Liar => {
                    let results = self.results(&query, |id_number| id_number.chars().rev().collect());
                    whole(200, &Self::answer(&query, &self.name, &results))
                }
            };
            stream.write_all(&told).await.ok()?;
        }
    }

    fn times_asked(&self) -> usize {
        self.record.borrow().questions.iter().filter(|question| question.department == self.place).count()
    }

    fn behaviour(&self) -> Behaviour {
        let now = turmoil::sim_elapsed().unwrap();
        self.behaviours.iter().rev().find(|(at, _)| *at <= now).unwrap().1
    }

    fn heard(&self, query: &Query, behaviour: Behaviour) {
        let about: Vec<_> = query.subjects.iter().map(|subject| subject.reference.as_str()).collect();
        let line = format!("{} is asked by {} about {} ({behaviour:?})", self.name, query.request_id, about.join(" "));
        let mut record = self.record.borrow_mut();
        record.tell(turmoil::sim_elapsed().unwrap(), &line);
        record.questions.push(Question { department: self.place, query: query.clone() });
    }

    /// The results that answer a question, each with the facts of whom `of` makes of the person asked about.
    fn results(&self, query: &Query, of: impl Fn(&str) -> String) -> Vec<Value> {
        let mut results = Vec::new();
        for subject in &query.subjects {
            for id in subject.datasets.as_ref().unwrap_or(&query.datasets) {
                let dataset = self.catalogue.dataset(&DatasetId::parse(id).unwrap()).unwrap();
                results.push(match truth(dataset, &of(&subject.id_number)) {
                    Some(facts) => json!({"ref": subject.reference, "id_number": subject.id_number, "dataset": id, "status": "ok", "facts": facts}),
                    None => json!({"ref": subject.reference, "dataset": id, "status": "no_record", "facts": []}),
                });
            }
        }
        results
    }

    fn answer(query: &Query, department: &str, results: &[Value]) -> Vec<u8> {
        json!({"request_id": query.request_id, "adapter": {"id": department, "version": "1"}, "results": results})
            .to_string()
            .into_bytes()
    }
}

/// Whom a question is about.
fn subjects(query: &Query) -> String {
    query.subjects.iter().map(|subject| subject.id_number.as_str()).collect()
}

/// The body of the next question. `None` when the hub has closed the connection.
async fn question(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut received = Vec::new();
    loop {
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = std::str::from_utf8(&received[..end]).unwrap().to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let length: usize = length.parse().unwrap();
            if received.len() >= end + 4 + length {
                return Some(received[end + 4..].to_vec());
            }
        }
        if stream.read_buf(&mut received).await.ok()? == 0 {
            return None;
        }
    }
}
