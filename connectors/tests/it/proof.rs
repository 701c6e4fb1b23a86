//! Who asked, and what was answered, through real mutual TLS: signed contexts, signed answers, the ledger.

use connectors::adapter::{Adapter, Overrides};
use connectors::clock::Clock;
use connectors::connector::Connector;
use connectors::context::{CONTEXT, Case, ContextSigner, Disclosure, LIFETIME, Question, digest_of};
use connectors::keys::PrivateKey;
use connectors::ledger::chain::{LedgerLine, read};
use connectors::ledger::{Ledger, LedgerFile};
use connectors::protocol::{AdapterProblem, Manifest, Query};
use connectors::serve::Running;
use connectors::signature::{
    AnswerSignature, CONTENT_DIGEST, Covered, SIGNATURE, SIGNATURE_INPUT, content_digest, is_digest_of,
};

use crate::harness::{Authority, BATU, CERTIFICATE, Store, caller, question};

const ADAPTER: &str = "disabled_persons";

/// An adapter that answers whom one hub signed for.
struct Office {
    running: Running,
    client: reqwest::Client,
    signer: ContextSigner,
    answers: PrivateKey,
    store: Store,
}

/// What is different from a sound context.
struct Said<'a> {
    adapter: &'a str,
    iat: i64,
    verification: &'a str,
    signer: Option<&'a ContextSigner>,
}

impl Office {
    async fn open() -> Self {
        Self::with_ledger(1 << 20).await
    }

    /// With a ledger whose files are put aside at this size, bytes.
    async fn with_ledger(size: u64) -> Self {
        let store = Store::seventh().await;
        let signer = ContextSigner::new(PrivateKey::from_seed(&[1; 32]).unwrap(), "https://hub.hedui.invalid");
        let answers = PrivateKey::from_seed(&[2; 32]).unwrap();
        let overrides = Overrides {
            asker: connectors::context::Asker::Hub(vec![signer.public().clone()]),
            answer_key: Some(answers.clone()),
            ledger: Ledger::File(LedgerFile::open(&store.folder.path().join("use.jsonl"), size).unwrap()),
            clock: Clock::new(|| jiff::Timestamp::from_second(NOW).unwrap()),
            ..store.overrides()
        };
        let connector = Connector::read(&crate::harness::seventh().join("connector.toml")).unwrap();
        let adapter = Adapter::new(connector, overrides).unwrap();
        let (server_ca, client_ca) = (Authority::new("server CA"), Authority::new("client CA"));
        let running = adapter.listen("127.0.0.1:0".parse().unwrap(), server_ca.server(&client_ca)).await.unwrap();
        let client = caller(&server_ca, Some(&client_ca)).build().unwrap();
        Self { running, client, signer, answers, store }
    }

    fn context(&self, query: &Query, body: &[u8], said: &Said<'_>) -> String {
        let case = Case {
            verification: said.verification.to_owned(),
            authorisation: digest_of(query.authorisation.number.as_bytes()),
            organisation: "试用民政局".to_owned(),
            division: "150102".to_owned(),
            via: None,
            question: None,
        };
        let (aud, jti) = (said.adapter.to_owned(), format!("{}.{}.0", said.verification, said.adapter));
        let disclosure = Disclosure::of(&Question { aud, jti, digest: digest_of(body), cases: vec![case] }, [7; 16]);
        said.signer.unwrap_or(&self.signer).sign("dibao", [&disclosure].into_iter(), said.iat).with(&disclosure)
    }

    async fn ask(&self, body: Vec<u8>, fields: &[(&'static str, String)]) -> reqwest::Response {
        let url = format!("https://localhost:{}/v1/facts:query", self.running.addr().port());
        let request = self.client.post(url).header("content-type", "application/json").body(body);
        fields.iter().fold(request, |request, (name, value)| request.header(*name, value)).send().await.unwrap()
    }

    fn ledger(&self) -> Vec<LedgerLine> {
        let mut lines = Vec::new();
        read(&self.store.folder.path().join("use.jsonl"), |line| lines.push(line.unwrap())).unwrap();
        lines
    }
}

/// What time it is, seconds since 1970.
const NOW: i64 = 1_760_000_000;

const fn sound(iat: i64) -> Said<'static> {
    Said { adapter: ADAPTER, iat, verification: "r-1", signer: None }
}

#[tokio::test]
async fn a_signed_question_gets_a_signed_answer_and_a_line_before_it() {
    let office = Office::open().await;
    let query = question(&[CERTIFICATE], &[(BATU, "巴图")]);
    let body = serde_json::to_vec(&query).unwrap();
    let context = office.context(&query, &body, &sound(NOW));
    let asked = content_digest(&body);
    let answer = office.ask(body, &[(CONTEXT, context), (CONTENT_DIGEST, asked.clone())]).await;
    assert_eq!(answer.status(), 200);
    let field = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let (digest, input, signature) = (field(CONTENT_DIGEST), field(SIGNATURE_INPUT), field(SIGNATURE));
    let signature = AnswerSignature::read(&input, &signature).unwrap();
    let lines = office.ledger();
    let body = answer.bytes().await.unwrap();
    assert!(is_digest_of(&digest, &body));
    assert_eq!(signature.question_id, format!("r-1.{ADAPTER}.0"));
    let covered = Covered { status: 200, digest: &digest, question: &asked };
    assert!(signature.is_by(office.answers.public(), covered));
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    assert_eq!((line.status.as_str(), line.subjects), ("answered", Some(1)));
    assert_eq!(
        (line.question.as_deref(), line.organisation.as_deref()),
        (Some("r-1.disabled_persons.0"), Some("试用民政局"))
    );
    let text = std::fs::read_to_string(office.store.folder.path().join("use.jsonl")).unwrap();
    assert!(!text.contains(BATU) && !text.contains("巴图"));
    let manifest = format!("https://localhost:{}/v1/manifest", office.running.addr().port());
    let manifest: Manifest = office.client.get(manifest).send().await.unwrap().json().await.unwrap();
    assert_eq!(manifest.answer_key.unwrap(), office.answers.public().to_jwk());
    office.running.stop().await;
}

#[tokio::test]
async fn a_context_that_does_not_hold_is_refused_with_its_code_and_has_its_line() {
    let office = Office::open().await;
    let query = question(&[CERTIFICATE], &[(BATU, "巴图")]);
    let body = serde_json::to_vec(&query).unwrap();
    let stranger = ContextSigner::new(PrivateKey::from_seed(&[9; 32]).unwrap(), "https://hub.hedui.invalid");
    let context = |said: Said<'_>| office.context(&query, &body, &said);
    let other_body = office.context(&query, b"{}", &sound(NOW));
    for (context, status, code) in [
        (None, 401, "context_missing"),
        (Some("nonsense".to_owned()), 401, "context_malformed"),
        (Some(context(Said { signer: Some(&stranger), ..sound(NOW) })), 401, "context_key_unknown"),
        (Some(context(sound(NOW - LIFETIME - 120))), 401, "context_expired"),
        (Some(context(sound(NOW + 120))), 401, "context_expired"),
        (Some(context(Said { adapter: "housing", ..sound(NOW) })), 403, "context_audience"),
        (Some(other_body), 403, "context_body"),
        // What is signed for and what is asked must be one: the ledger tells both.
        (Some(context(Said { verification: "r-2", ..sound(NOW) })), 403, "context_body"),
    ] {
        let fields: Vec<_> = context.into_iter().map(|context| (CONTEXT, context)).collect();
        let answer = office.ask(body.clone(), &fields).await;
        assert_eq!(answer.status(), status, "{code}");
        let problem: AdapterProblem = answer.json().await.unwrap();
        assert_eq!(problem.code, code);
        assert!(!problem.title_zh.is_empty() && !problem.title.contains(BATU));
        let line = office.ledger().pop().unwrap();
        assert_eq!((line.status.as_str(), line.subjects), (code, None));
    }
    let context = office.context(&query, &body, &sound(NOW));
    let answer = office.ask(body, &[(CONTEXT, context), (CONTENT_DIGEST, content_digest(b"else"))]).await;
    let problem: AdapterProblem = answer.json().await.unwrap();
    assert_eq!((problem.status, problem.code.as_str()), (400, "digest_differs"));
    office.running.stop().await;
}

#[tokio::test]
async fn p1_what_the_ledger_cannot_tell_of_is_not_answered() {
    // Each line has a file of its own; one that is gone cannot be put aside, so that the next line cannot be written.
    let office = Office::with_ledger(1).await;
    let query = question(&[CERTIFICATE], &[(BATU, "巴图")]);
    let body = serde_json::to_vec(&query).unwrap();
    let context = office.context(&query, &body, &sound(NOW));
    assert_eq!(office.ask(body.clone(), &[(CONTEXT, context.clone())]).await.status(), 200);
    std::fs::remove_file(office.store.folder.path().join("use.jsonl")).unwrap();
    let answer = office.ask(body, &[(CONTEXT, context)]).await;
    assert_eq!(answer.status(), 503);
    let problem: AdapterProblem = answer.json().await.unwrap();
    assert_eq!(problem.code, "ledger_unwritable");
    assert!(!problem.title.contains("use.jsonl") && !problem.title_zh.contains("use.jsonl"), "{problem:?}");
    office.running.stop().await;
}
