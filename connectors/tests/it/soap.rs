//! A service that answers in XML, over TLS: what is asked, what the answers mean, and what names cannot do.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use connectors::adapter::{Adapter, Overrides};
use connectors::check::climb;
use connectors::ledger::Ledger;
use connectors::protocol::ResultStatus;
use connectors::text::TextEncoding;
use rcgen::ExtendedKeyUsagePurpose;

use crate::harness::{ALTAN, Authority, BATU, QIQIGE, SIQIN, question, result};

const DEATH: &str = "office.death";
const KEY: &str = "appkey-of-the-office";

/// What the service does instead of answering.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Answers,
    Gbk,
    InnerXml,
    Fault(&'static str),
    Status(u16),
    Body(&'static str),
    /// Answers about this person, whoever is asked about.
    Other(&'static str),
    /// Gives the first page whatever page is asked for.
    SamePage,
    /// Takes a call for badly made when this person is in it.
    Refuses(&'static str),
    /// Answers with a fault of SOAP 1.2: code and words.
    Fault12(&'static str, &'static str),
    /// Never answers about this person.
    SilentAbout(&'static str),
}

struct Service {
    does: Mutex<Does>,
    /// The messages that came, with their headers.
    asked: Mutex<Vec<(HeaderMap, Vec<u8>)>>,
    dead: BTreeMap<&'static str, &'static str>,
}

struct Office {
    folder: tempfile::TempDir,
    service: Arc<Service>,
    handle: axum_server::Handle<SocketAddr>,
}

const ENVELOPE: &str = r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:q="urn:health"><s:Header><tongtechheader><gjgxjhpt_rid>:rid</gjgxjhpt_rid><gjgxjhpt_sid>:sid</gjgxjhpt_sid><gjgxjhpt_rtime>:rtime</gjgxjhpt_rtime><gjgxjhpt_sign>:sign</gjgxjhpt_sign></tongtechheader></s:Header><s:Body><q:queryDeath><xm>:name</xm><sfzh>:id_number</sfzh><ksrq>:first</ksrq></q:queryDeath></s:Body></s:Envelope>"#;

impl Office {
    async fn open() -> Self {
        Self::with(ENVELOPE, "Envelope/Body/queryDeathResponse/return/row", "").await
    }

    async fn with(envelope: &str, records: &str, more: &str) -> Self {
        let authority = Authority::new("the office's CA");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        std::fs::write(folder.path().join("key"), KEY).unwrap();
        let (cert, key) = authority.issue(ExtendedKeyUsagePurpose::ServerAuth);
        let dead = BTreeMap::from([(BATU, "2024-07-15"), (SIQIN, "2024-08-01")]);
        let service = Arc::new(Service { does: Mutex::new(Does::Answers), asked: Mutex::default(), dead });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let handle = axum_server::Handle::new();
        let tls = axum_server::tls_rustls::RustlsConfig::from_pem(cert, key).await.unwrap();
        let router = Router::new().route("/services/health", post(answer)).with_state(Arc::clone(&service));
        let server = axum_server::from_tcp_rustls(listener, tls).unwrap().handle(handle.clone());
        #[expect(clippy::disallowed_methods, reason = "the handle stops it")]
        tokio::spawn(async move { server.serve(router.into_make_service()).await.unwrap() });
        let text = format!(
            r#"schema = "hedui.connector/1"
[adapter]
id = "office"
version = "1"
name = {{ zh = "局", en = "Office" }}
contact = "0"
[source]
kind = "soap"
url = "https://localhost:{port}/services"
tls_ca = "ca.pem"
max_connections = 4
max_rows = 100
[source.auth]
kind = "signed"
rid = "hedui"
sid = "death"
key = {{ file = "key" }}
[source.answer]
ok_when = [{{ at = "Envelope/Body/queryDeathResponse/return/code", equals = ["0"] }}]
no_record_when = [{{ at = "Envelope/Body/queryDeathResponse/return/code", equals = ["404"] }}]
error_message = "Envelope/Body/queryDeathResponse/return/message"
[quota]
per_second = 1
burst = 1
[[dataset]]
id = "office.death"
fact = "death"
records = "{records}"
subject = "sfzh"
name = "xm"
[dataset.soap]
path = "/health"
action = "urn:queryDeath"
envelope = '''{envelope}'''
{more}
[dataset.parameters]
first = {{ of = "period.from", format = "%Y%m%d" }}
[dataset.map]
died_on = {{ column = "swrq", as = "date", format = "%Y-%m-%d" }}
[[dataset.skip]]
column = "zf"
equals = ["1"]
"#,
            port = address.port()
        );
        std::fs::write(folder.path().join("connector.toml"), text).unwrap();
        Self { folder, service, handle }
    }

    fn does(&self, does: Does) {
        *self.service.does.lock().unwrap() = does;
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("connector.toml")
    }

    fn adapter(&self) -> Adapter {
        Adapter::load(&self.file(), Overrides { ledger: Ledger::Silent, ..Overrides::default() }).unwrap()
    }

    /// The code of what is wrong with the answer about one person.
    async fn broken(&self, does: Does) -> String {
        self.does(does);
        let adapter = self.adapter();
        let answered = adapter.answer(&question(&[DEATH], &[(BATU, "巴图")])).await;
        adapter.close().await;
        let code = answered.map_or_else(|problem| problem.code, |response| format!("{:?}", response.results[0].status));
        let steps = climb(&self.file(), Overrides { ledger: Ledger::Silent, ..Overrides::default() }).await;
        let trouble = steps.last().unwrap().found.as_ref().expect_err(&code);
        assert!(!format!("{trouble:?}").contains(BATU) && !trouble.mend.zh.is_empty(), "{trouble:?}");
        format!("{code} {}", trouble.code)
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

async fn answer(State(service): State<Arc<Service>>, headers: HeaderMap, body: Bytes) -> Response {
    service.asked.lock().unwrap().push((headers, body.to_vec()));
    let text = String::from_utf8(body.to_vec()).unwrap();
    let between = |from: &str, to: &str| {
        let (_, rest) = text.split_once(from)?;
        rest.split_once(to).map(|(inside, _)| inside.to_owned())
    };
    let xml = |status: u16, text: String| {
        let header = [("content-type", "text/xml; charset=utf-8")];
        (StatusCode::from_u16(status).unwrap(), header, text).into_response()
    };
    let envelope = |inside: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>{inside}</soap:Body></soap:Envelope>"
        )
    };
    let fault = |code: &str, words: &str| {
        envelope(&format!("<soap:Fault><faultcode>{code}</faultcode><faultstring>{words}</faultstring></soap:Fault>"))
    };
    let field = |name: &str| between(&format!("<gjgxjhpt_{name}>"), "<").unwrap_or_default();
    let message = field("sid") + &field("rid") + &field("rtime");
    let wanted = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes()), message.as_bytes());
    if field("sign") != base64::engine::general_purpose::STANDARD.encode(wanted.as_ref()) || field("rtime").len() != 13
    {
        return xml(500, fault("soap:Client", "签名验证失败"));
    }
    let does = *service.does.lock().unwrap();
    let row = |number: &str, on: &str| {
        let name = if number == BATU { "巴图" } else { "斯琴・高娃𠮷" };
        format!("<row><xm>{name}</xm><sfzh>{}</sfzh><swrq>{on}</swrq><zf>0</zf></row>", number.to_lowercase())
    };
    let of = |inside: &str| {
        format!("<ns:queryDeathResponse xmlns:ns=\"urn:health\"><return>{inside}</return></ns:queryDeathResponse>")
    };
    let numbers: Vec<String> =
        text.split("<sfzh>").skip(1).filter_map(|rest| Some(rest.split_once('<')?.0.to_owned())).collect();
    let found: String =
        numbers.iter().filter_map(|number| Some(row(number, service.dead.get(number.as_str())?))).collect();
    match does {
        Does::Fault(words) => xml(500, fault("soap:Server", words)),
        Does::Status(status) => (StatusCode::from_u16(status).unwrap(), "x").into_response(),
        Does::Body(text) => xml(200, text.to_owned()),
        Does::Other(number) => xml(200, envelope(&of(&format!("<code>0</code>{}", row(number, "2024-07-15"))))),
        Does::Gbk => {
            let text = envelope(&of(&format!("<code>0</code>{found}"))).replace("UTF-8", "GBK");
            let header = [("content-type", "text/xml; charset=utf-8")];
            (header, TextEncoding::Gb18030.encode(&text)).into_response()
        }
        Does::InnerXml => {
            let inner = format!("<DATA><ROWS>{found}</ROWS></DATA>").replace('<', "&lt;");
            xml(200, envelope(&of(&format!("<code>0</code><text>{inner}</text>"))))
        }
        Does::SamePage => xml(200, envelope(&of(&format!("<code>0</code>{found}")))),
        Does::Refuses(number) if numbers.iter().any(|asked| asked == number) => {
            (StatusCode::BAD_REQUEST, "bad request").into_response()
        }
        Does::Fault12(code, words) => {
            let code = format!("<soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code>");
            let reason = format!("<soap:Reason><soap:Text xml:lang=\"zh\">{words}</soap:Text></soap:Reason>");
            // SOAP 1.2 part 2, 7.4.2: what the sender did wrong is 400.
            xml(400, envelope(&format!("<soap:Fault>{code}{reason}</soap:Fault>")))
        }
        Does::SilentAbout(number) if numbers.iter().any(|asked| asked == number) => std::future::pending().await,
        Does::Answers | Does::SilentAbout(_) | Does::Refuses(_)
            if found.is_empty() && numbers.len() == 1 && numbers[0] == ALTAN =>
        {
            xml(200, envelope(&of("<code>404</code>")))
        }
        Does::Answers | Does::SilentAbout(_) | Does::Refuses(_) => {
            let start: usize = between("<start>", "<").and_then(|start| start.parse().ok()).unwrap_or(0);
            let found = if start > 0 { String::new() } else { found };
            xml(200, envelope(&of(&format!("<code>0</code>{found}"))))
        }
    }
}

#[tokio::test]
async fn persons_are_asked_about_one_by_one_and_each_answer_is_theirs() {
    let office = Office::open().await;
    let adapter = office.adapter();
    let persons = [(BATU, "巴图"), (ALTAN, "阿拉坦"), (QIQIGE, "其其格"), (SIQIN, "斯琴·高娃𠮷")];
    let response = adapter.answer(&question(&[DEATH], &persons)).await.unwrap();
    assert_eq!(result(&response, "m1", DEATH).facts.get(), r#"[{"died_on":"2024-07-15"}]"#);
    assert_eq!(result(&response, "m2", DEATH).status, ResultStatus::NoRecord, "the service says that it knows nothing");
    assert_eq!(result(&response, "m3", DEATH).status, ResultStatus::NoRecord, "the service gives an empty list");
    assert_eq!(result(&response, "m4", DEATH).facts.get(), r#"[{"died_on":"2024-08-01"}]"#);
    let asked = office.service.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 4);
    for (headers, body) in &asked {
        assert_eq!(headers["soapaction"], "\"urn:queryDeath\"");
        assert_eq!(headers["content-type"], "text/xml; charset=utf-8");
        assert!(!headers.contains_key("gjgxjhpt_sign"), "the signature stands in the header of the message");
        assert!(String::from_utf8_lossy(body).contains("<ksrq>20240301</ksrq>"));
    }
    adapter.close().await;
    let steps = climb(&office.file(), Overrides { ledger: Ledger::Silent, ..Overrides::default() }).await;
    assert!(steps.iter().all(connectors::check::Step::holds), "{steps:?}");
}

#[tokio::test]
async fn a_name_cannot_say_more_than_a_name() {
    let office = Office::open().await;
    let adapter = office.adapter();
    let name = format!("</xm><sfzh>{BATU}</sfzh><xm>");
    let response = adapter.answer(&question(&[DEATH], &[(QIQIGE, &name)])).await.unwrap();
    assert_eq!(result(&response, "m1", DEATH).status, ResultStatus::NoRecord);
    let asked = office.service.asked.lock().unwrap().clone();
    let message = String::from_utf8(asked[0].1.clone()).unwrap();
    assert_eq!(message.matches("<sfzh>").count(), 1, "{message}");
    assert!(message.contains("&lt;/xm&gt;&lt;sfzh&gt;"), "{message}");
    // A character that no document can carry is an error of this person, and of nobody else.
    let response = adapter.answer(&question(&[DEATH], &[(QIQIGE, "a\u{1}"), (BATU, "巴图")])).await.unwrap();
    assert_eq!(result(&response, "m1", DEATH).status, ResultStatus::Error);
    assert_eq!(result(&response, "m2", DEATH).status, ResultStatus::Ok);
    adapter.close().await;
}

#[tokio::test]
async fn the_prolog_says_the_encoding_and_a_text_may_hold_a_document() {
    let office = Office::open().await;
    office.does(Does::Gbk);
    let adapter = office.adapter();
    let response = adapter.answer(&question(&[DEATH], &[(SIQIN, "斯琴·高娃𠮷")])).await.unwrap();
    assert_eq!(result(&response, "m1", DEATH).facts.get(), r#"[{"died_on":"2024-08-01"}]"#, "the name was compared");
    adapter.close().await;
    let office = Office::with(ENVELOPE, "Envelope/Body/queryDeathResponse/return/text!DATA/ROWS/row", "").await;
    office.does(Does::InnerXml);
    let adapter = office.adapter();
    let response = adapter.answer(&question(&[DEATH], &[(BATU, "巴图"), (QIQIGE, "其其格")])).await.unwrap();
    assert_eq!(result(&response, "m1", DEATH).status, ResultStatus::Ok);
    assert_eq!(result(&response, "m2", DEATH).status, ResultStatus::NoRecord);
    adapter.close().await;
}

#[tokio::test]
async fn lists_and_pages_are_asked_for_where_the_service_takes_them() {
    let envelope =
        ENVELOPE.replace("<xm>:name</xm><sfzh>:id_number</sfzh>", "<list>:persons</list><start>:start</start>");
    let more = "person = '<p><sfzh>:id_number</sfzh></p>'\npersons_per_call = 3\npage_size = 2\n";
    let office = Office::with(&envelope, "Envelope/Body/queryDeathResponse/return/row", more).await;
    let adapter = office.adapter();
    let persons = [(BATU, "巴图"), (SIQIN, "斯琴·高娃𠮷"), (QIQIGE, "其其格"), (ALTAN, "阿拉坦")];
    let response = adapter.answer(&question(&[DEATH], &persons)).await.unwrap();
    assert_eq!(result(&response, "m2", DEATH).facts.get(), r#"[{"died_on":"2024-08-01"}]"#);
    assert_eq!(result(&response, "m4", DEATH).status, ResultStatus::NoRecord);
    assert_eq!(office.service.asked.lock().unwrap().len(), 3, "three persons in two pages, and one more");
    office.does(Does::SamePage);
    let response = adapter.answer(&question(&[DEATH], &persons[..2])).await.unwrap();
    assert_eq!(result(&response, "m1", DEATH).status, ResultStatus::Error, "the first page again and again");
    adapter.close().await;
}

#[tokio::test]
async fn p2_what_is_neither_records_nor_no_record_is_an_error_with_its_code() {
    let office = Office::open().await;
    // An answer that is no use is an error of the person it was about.
    let unusable = "Error";
    let body = |inside: &str| -> &'static str {
        Box::leak(
            format!(
                "<Envelope><Body><queryDeathResponse><return>{inside}</return></queryDeathResponse></Body></Envelope>"
            )
            .into_boxed_str(),
        )
    };
    for (does, code) in [
        (Does::Fault("java.lang.NullPointerException"), format!("{unusable} soap_fault")),
        (Does::Fault("签名错误"), "source_unavailable service_signature_wrong".to_owned()),
        (Does::Status(503), "source_unavailable service_unavailable".to_owned()),
        (Does::Status(404), "source_failed service_path_unknown".to_owned()),
        (Does::Body(""), format!("{unusable} answer_blank")),
        (Does::Body("<html><body>login</body></html>"), format!("{unusable} answer_is_html")),
        (Does::Body("{\"code\":0}"), format!("{unusable} answer_not_xml")),
        (Does::Body("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"), format!("{unusable} answer_not_xml")),
        (Does::Body("<Envelope><Body/></Envelope>"), format!("{unusable} service_says_failed")),
        (Does::Body(body("<code>9</code><message>系统异常</message>")), format!("{unusable} service_says_failed")),
        (
            Does::Body(body("<code>0</code><row><xm>巴图</xm><swrq>2024-07-15</swrq><zf>0</zf></row>")),
            format!("{unusable} column_path_finds_nothing"),
        ),
        (Does::Other(SIQIN), format!("{unusable} answers_about_others")),
    ] {
        assert_eq!(office.broken(does).await, code);
    }
}

#[tokio::test]
async fn p9_a_person_about_whom_no_answer_comes_costs_the_others_nothing() {
    let office = Office::open().await;
    let text = std::fs::read_to_string(office.file()).unwrap();
    std::fs::write(office.file(), text.replace("max_rows = 100", "max_rows = 100\ntimeout = \"400ms\"")).unwrap();
    office.does(Does::SilentAbout(SIQIN));
    let adapter = office.adapter();
    let persons = [(SIQIN, "斯琴·高娃𠮷"), (BATU, "巴图"), (ALTAN, "阿拉坦")];
    let response = adapter.answer(&question(&[DEATH], &persons)).await.unwrap();
    let statuses = ["m1", "m2", "m3"].map(|reference| result(&response, reference, DEATH).status);
    assert_eq!(statuses, [ResultStatus::Error, ResultStatus::Ok, ResultStatus::NoRecord]);
    let alone = adapter.answer(&question(&[DEATH], &persons[..1])).await.unwrap_err();
    assert_eq!((alone.status, alone.code.as_str()), (504, "source_timeout"));
    adapter.close().await;
}

#[tokio::test]
async fn soap_1_2_has_its_own_media_type_and_its_own_faults() {
    let office = Office::open().await;
    let text = std::fs::read_to_string(office.file()).unwrap();
    std::fs::write(office.file(), text.replace("max_rows = 100", "max_rows = 100\nversion = \"1.2\"")).unwrap();
    let adapter = office.adapter();
    let response = adapter.answer(&question(&[DEATH], &[(BATU, "巴图")])).await.unwrap();
    assert_eq!(result(&response, "m1", DEATH).status, ResultStatus::Ok);
    let (headers, _) = office.service.asked.lock().unwrap()[0].clone();
    assert_eq!(headers["content-type"], "application/soap+xml; charset=utf-8; action=\"urn:queryDeath\"");
    assert!(!headers.contains_key("soapaction"), "the action is a part of the media type");
    adapter.close().await;
    assert_eq!(office.broken(Does::Fault12("Sender", "参数缺失")).await, "Error soap_fault");
    let steps = climb(&office.file(), Overrides { ledger: Ledger::Silent, ..Overrides::default() }).await;
    let trouble = steps.last().unwrap().found.as_ref().unwrap_err();
    assert!(trouble.what.zh.contains("Sender") && trouble.details.contains("参数缺失"), "{trouble:?}");
    assert!(trouble.mend.zh.contains("envelope"), "the question is at fault: {trouble:?}");
    assert_eq!(
        office.broken(Does::Fault12("Receiver", "系统正在维护")).await,
        "source_unavailable service_in_maintenance"
    );
}

#[tokio::test]
async fn p9_a_call_that_is_refused_for_one_person_is_made_again_about_each() {
    let envelope = ENVELOPE.replace("<xm>:name</xm><sfzh>:id_number</sfzh>", "<list>:persons</list>");
    let more = "person = '<p><sfzh>:id_number</sfzh></p>'\npersons_per_call = 3\n";
    let office = Office::with(&envelope, "Envelope/Body/queryDeathResponse/return/row", more).await;
    office.does(Does::Refuses(QIQIGE));
    let adapter = office.adapter();
    let persons = [(BATU, "巴图"), (QIQIGE, "其其格"), (SIQIN, "斯琴·高娃𠮷")];
    let response = adapter.answer(&question(&[DEATH], &persons)).await.unwrap();
    let statuses = ["m1", "m2", "m3"].map(|reference| result(&response, reference, DEATH).status);
    assert_eq!(statuses, [ResultStatus::Ok, ResultStatus::Error, ResultStatus::Ok], "and nobody has no record");
    assert_eq!(office.service.asked.lock().unwrap().len(), 4, "once about all, once about each");
    // A call that nobody is answered to is badly made, whoever is in it.
    let alone = adapter.answer(&question(&[DEATH], &persons[1..2])).await.unwrap_err();
    assert_eq!((alone.status, alone.code.as_str()), (500, "source_failed"));
    let numbers: Vec<String> = (0..60).map(|place| format!("15000019860502{place:03}X")).collect();
    let many: Vec<_> = numbers.iter().map(|number| (number.as_str(), "某")).collect();
    office.does(Does::Status(400));
    let before = office.service.asked.lock().unwrap().len();
    let all = adapter.answer(&question(&[DEATH], &many)).await.unwrap_err();
    assert_eq!(all.code, "source_failed");
    let calls = office.service.asked.lock().unwrap().len() - before;
    assert!(calls < 40, "it is not asked sixty times what it refuses: {calls}");
    adapter.close().await;
}

#[tokio::test]
async fn a_service_that_repeats_no_number_is_asked_about_one_person_and_the_file_says_so() {
    let office = Office::open().await;
    let text = std::fs::read_to_string(office.file()).unwrap();
    let asked = text.replace("subject = \"sfzh\"", "subject = \":id_number\"");
    std::fs::write(office.file(), &asked).unwrap();
    office.does(Does::Body(
        "<Envelope><Body><queryDeathResponse><return><code>0</code><row><xm>巴图</xm><swrq>2024-07-15</swrq><zf>0</zf></row></return></queryDeathResponse></Body></Envelope>",
    ));
    let adapter = office.adapter();
    let response = adapter.answer(&question(&[DEATH], &[(BATU, "巴图"), (SIQIN, "斯琴")])).await.unwrap();
    let batu = result(&response, "m1", DEATH);
    assert_eq!((batu.status, batu.id_number.as_deref()), (ResultStatus::Ok, Some(BATU)));
    assert_eq!(result(&response, "m2", DEATH).status, ResultStatus::NameMismatch, "the name is compared still");
    adapter.close().await;
    let steps = climb(&office.file(), Overrides { ledger: Ledger::Silent, ..Overrides::default() }).await;
    let told =
        steps.iter().filter_map(|step| step.found.as_ref().ok()).any(|what| what.en.contains("only the call does"));
    assert!(told, "whoever reads the ladder sees it: {steps:?}");
    let trouble = steps.last().unwrap().found.as_ref().expect_err("an answer about nobody in particular");
    assert_eq!(trouble.code, "answers_about_others");

    let many = "person = '<p><sfzh>:id_number</sfzh></p>'\npersons_per_call = 3\n[dataset.parameters]";
    let many = asked.replace("[dataset.parameters]", many).replace("<sfzh>:id_number</sfzh><ksrq>", ":persons<ksrq>");
    let faults = connectors::connector::Connector::parse(&many, &office.file()).unwrap_err();
    assert!(faults.faults.iter().any(|fault| fault.code == "subject_asked"), "{faults}");
}

#[tokio::test]
async fn an_old_number_of_15_digits_is_its_persons_where_the_name_says_so_too() {
    let office = Office::open().await;
    let old = "<Envelope><Body><queryDeathResponse><return><code>0</code><row><xm>巴图</xm><sfzh>150000860502101</sfzh><swrq>2024-07-15</swrq><zf>0</zf></row></return></queryDeathResponse></Body></Envelope>";
    office.does(Does::Body(old));
    let adapter = office.adapter();
    let response = adapter.answer(&question(&[DEATH], &[(BATU, "巴图")])).await.unwrap();
    assert_eq!(result(&response, "m1", DEATH).status, ResultStatus::Ok);
    adapter.close().await;
    let text = std::fs::read_to_string(office.file()).unwrap();
    std::fs::write(office.file(), text.replace("name = \"xm\"\n", "")).unwrap();
    assert_eq!(office.broken(Does::Body(old)).await, "Error answers_about_others", "without a name it is anybody's");
}

#[tokio::test]
async fn clocks_that_differ_are_told_when_a_signature_is_refused() {
    let office = Office::open().await;
    std::fs::write(office.folder.path().join("key"), "another").unwrap();
    let late = connectors::clock::Clock::new(|| "2020-01-01T00:00:00Z".parse().unwrap());
    let steps = climb(&office.file(), Overrides { ledger: Ledger::Silent, clock: late, ..Overrides::default() }).await;
    assert_eq!(steps.last().unwrap().found.as_ref().unwrap_err().code, "clocks_differ");
}

#[tokio::test]
async fn p2_a_path_that_leads_nowhere_is_no_empty_list() {
    let office = Office::with(ENVELOPE, "Envelope/Body/queryDeathResponse/return/rows/row", "").await;
    let steps = climb(&office.file(), Overrides { ledger: Ledger::Silent, ..Overrides::default() }).await;
    let trouble = steps.last().unwrap().found.as_ref().expect_err("the path leads nowhere");
    assert_eq!(trouble.code, "records_path_finds_nothing");
}

#[tokio::test]
async fn a_wrong_key_is_told_as_a_refused_signature() {
    let office = Office::open().await;
    std::fs::write(office.folder.path().join("key"), "another").unwrap();
    let steps = climb(&office.file(), Overrides { ledger: Ledger::Silent, ..Overrides::default() }).await;
    let trouble = steps.last().unwrap().found.as_ref().expect_err("it is refused");
    assert_eq!(trouble.code, "service_signature_wrong");
}

#[tokio::test]
async fn golden_tests_rest_on_answers_kept_in_a_folder() {
    let office = Office::open().await;
    let answers = office.folder.path().join("answers");
    std::fs::create_dir(&answers).unwrap();
    let row = |inside: &str| {
        format!("<Envelope><Body><queryDeathResponse><return>{inside}</return></queryDeathResponse></Body></Envelope>")
    };
    let dead = format!("<code>0</code><row><xm>巴图</xm><sfzh>{BATU}</sfzh><swrq>2024-07-15</swrq><zf>0</zf></row>");
    std::fs::write(answers.join(format!("{BATU}.xml")), row(&dead)).unwrap();
    std::fs::write(answers.join("nobody.xml"), row("<code>404</code>")).unwrap();
    let golden = format!(
        "\n[[test]]\nname = \"dead and not\"\nfixture = \"answers\"\ngiven = {{ dataset = \"office.death\", id_numbers = [\"{BATU}\", \"{ALTAN}\"], names = [\"巴图\", \"阿拉坦\"], from = 2024-03-01, to = 2025-02-28 }}\nexpect = [{{ id_number = \"{BATU}\", status = \"ok\", facts = [{{ died_on = \"2024-07-15\" }}] }}, {{ id_number = \"{ALTAN}\", status = \"no_record\" }}]\n"
    );
    let text = std::fs::read_to_string(office.file()).unwrap();
    std::fs::write(office.file(), text + &golden).unwrap();
    let (code, shown, errors) = crate::harness::run(&["test", office.file().to_str().unwrap()]);
    assert_eq!((code, shown.lines().last()), (0, Some("1 passed, 0 failed")), "{shown}{errors}");
}

#[test]
fn a_file_is_begun_and_a_dataset_proposed_from_one_answer() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (file, kept) = (at("connector.toml"), at("answer.xml"));
    let row = |number: &str, on: &str| format!("<row><xm>巴图</xm><sfzh>{number}</sfzh><swrq>{on}</swrq></row>");
    let rows = row(BATU, "20240715") + &row(SIQIN, "");
    let answer = format!(
        "<?xml version=\"1.0\" encoding=\"GBK\"?><Envelope><Body><r><return><code>0</code><rows>{rows}</rows></return></r></Body></Envelope>"
    );
    std::fs::write(&kept, TextEncoding::Gb18030.encode(&answer)).unwrap();
    let begin = ["new", &file, "--non-interactive", "--from", "soap", "--id", "health", "--name-zh", "卫健委"];
    let more = ["--name-en", "Health", "--contact", "0", "--url", "https://service.example"];
    let run = |arguments: &[&str]| {
        let output = crate::harness::executable(arguments).env("HEDUI_HEALTH_KEY", "x").output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (code, _, errors) = run(&[&begin[..], &more].concat());
    assert_eq!(code, 0, "{errors}");
    let (code, shown, errors) = run(&["discover", &file]);
    assert_eq!(code, 2, "{shown}{errors}");
    assert!(errors.contains("--answer"), "{errors}");
    let (code, shown, errors) = run(&["discover", &file, "--answer", &kept, "--append"]);
    assert_eq!(code, 0, "{shown}{errors}");
    assert!(!shown.contains(BATU) && !shown.contains("巴图"), "{shown}");
    for line in ["empty 50%", "records = \"Envelope/Body/r/return/rows/row\"", "subject = \"sfzh\"", "died_on"] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
    let (code, shown, _) = run(&["check", &file]);
    assert!(code == 1 && shown.contains("[soap_missing]"), "{shown}");
}
