//! A folder of deliveries: what is answered from it, what is refused, and what happens while it changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use connectors::adapter::{Adapter, Overrides};
use connectors::check::{Step, climb};
use connectors::clock::Clock;
use connectors::handover::{HandedOver, hand_over};
use connectors::ledger::Ledger;
use connectors::protocol::{Response, ResultStatus};
use connectors::text::TextEncoding;
use connectors::{Rung, SourceError};
use jiff::civil::{Date, date};

use crate::harness::{ALTAN, BATU, SIQIN, question, result, run, trying};

const RELIEF: &str = "office.relief";
const HOMES: &str = "office.homes";
const TODAY: Date = Date::constant(2025, 3, 10);

const COLUMNS: [&str; 4] = ["证件号", "姓名", "金额", "发放日期"];
const HOME_COLUMNS: [&str; 3] = ["证件号", "姓名", "价值"];

/// An office with a folder, and what the adapter takes the day to be.
struct Drop {
    folder: tempfile::TempDir,
    now: Arc<AtomicI64>,
}

impl Drop {
    fn new(encoding: &str) -> Self {
        Self::with(encoding, "format = \"csv\"\n", "", "")
    }

    fn with(encoding: &str, source: &str, relief: &str, homes: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("drop")).unwrap();
        let (relief, homes) = (
            if relief.is_empty() { "file = \"台账.csv\"" } else { relief },
            if homes.is_empty() { "file = \"住房.csv\"" } else { homes },
        );
        let text = format!(
            r#"schema = "hedui.connector/1"
[adapter]
id = "office"
version = "1"
name = {{ zh = "局", en = "Office" }}
contact = "0"
[source]
kind = "file"
folder = "drop"
{source}encoding = "{encoding}"
max_age = "40d"
max_rows = 100
[quota]
per_second = 1
burst = 1
[[dataset]]
id = "office.relief"
fact = "income"
{relief}
subject = "证件号"
name = "姓名"
within = {{ column = "发放日期", format = "%Y%m%d" }}
add = "amount"
[dataset.map]
category = {{ value = "TRANSFER" }}
kind = {{ value = "SOCIAL_ASSISTANCE" }}
amount = {{ column = "金额", as = "yuan" }}
from = {{ column = "发放日期", as = "date", format = "%Y%m%d", day = "first" }}
to = {{ column = "发放日期", as = "date", format = "%Y%m%d", day = "last" }}
[[dataset]]
id = "office.homes"
fact = "asset"
{homes}
subject = "证件号"
name = "姓名"
[dataset.map]
kind = {{ value = "DWELLING" }}
value = {{ column = "价值", as = "yuan" }}
"#
        );
        std::fs::write(folder.path().join("connector.toml"), text).unwrap();
        let noon = jiff::tz::Offset::UTC.to_timestamp(TODAY.at(4, 0, 0, 0)).unwrap();
        Self { folder, now: Arc::new(AtomicI64::new(noon.as_second())) }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join("drop").join(name)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("connector.toml")
    }

    fn overrides(&self) -> Overrides {
        let now = Arc::clone(&self.now);
        let clock = Clock::new(move || jiff::Timestamp::from_second(now.load(Ordering::Relaxed)).unwrap());
        Overrides { ledger: Ledger::Silent, clock, ..Overrides::default() }
    }

    fn adapter(&self) -> Adapter {
        Adapter::load(&self.file(), self.overrides()).unwrap()
    }

    async fn climbed(&self) -> Vec<Step> {
        climb(&self.file(), self.overrides()).await
    }

    /// Delivers what an amount makes of it: every figure in both files says the same.
    fn deliver(&self, encoding: TextEncoding, as_of: Date, amount: &str) {
        deliver(&self.folder.path().join("drop"), encoding, as_of, amount);
    }
}

fn deliver(folder: &Path, encoding: TextEncoding, as_of: Date, amount: &str) {
    let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
    let relief = [
        row(&[BATU, "巴图", amount, "20240715"]),
        row(&[SIQIN, "斯琴·高娃𠮷", "7.00", "20240715"]),
        row(&[BATU, "巴图", amount, "20230715"]),
        row(&[&BATU.to_lowercase(), "巴图", "0.00", "20240731"]),
    ];
    let homes = [row(&[BATU, "巴图", amount]), row(&[SIQIN, "斯琴·高娃𠮷", "1,000.5"])];
    let files = [
        HandedOver { name: "台账.csv", columns: &COLUMNS, rows: &relief },
        HandedOver { name: "住房.csv", columns: &HOME_COLUMNS, rows: &homes },
    ];
    hand_over(folder, encoding, as_of, &files).unwrap();
}

fn facts(response: &Response, reference: &str, dataset: &str) -> String {
    result(response, reference, dataset).facts.get().to_owned()
}

async fn asked(adapter: &Adapter) -> Response {
    let persons = [(BATU, "巴图"), (SIQIN, "斯琴・高娃𠮷"), (ALTAN, "阿拉坦")];
    adapter.answer(&question(&[RELIEF, HOMES], &persons)).await.unwrap()
}

#[tokio::test]
async fn a_delivery_is_answered_from_and_what_is_not_in_it_is_of_its_day() {
    for (name, encoding) in [("gb18030", TextEncoding::Gb18030), ("utf-8", TextEncoding::Utf8)] {
        let office = Drop::new(name);
        office.deliver(encoding, date(2025, 3, 1), "12.50");
        let adapter = office.adapter();
        let response = asked(&adapter).await;
        let income = |amount: &str| {
            format!(
                r#"[{{"amount":"{amount}","category":"TRANSFER","from":"2024-07-01","kind":"SOCIAL_ASSISTANCE","to":"2024-07-31"}}]"#
            )
        };
        assert_eq!(facts(&response, "m1", RELIEF), income("12.50"));
        assert_eq!(facts(&response, "m2", RELIEF), income("7.00"), "the name was compared, rare characters and all");
        assert_eq!(facts(&response, "m2", HOMES), r#"[{"kind":"DWELLING","value":"1000.50"}]"#);
        let nothing = result(&response, "m3", HOMES);
        assert_eq!((nothing.status, nothing.as_of.as_deref()), (ResultStatus::NoRecord, Some("2025-03-01")));
        assert!(adapter.condition().await.unwrap().is_none());
        adapter.close().await;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Writes a control file for one file whose bytes are as they are.
fn control(office: &Drop, lines: &[(&str, usize, &[u8])]) {
    let mut text = "file,rows,sha256,as_of\n".to_owned();
    for (name, rows, bytes) in lines {
        std::fs::write(office.at(name), bytes).unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        text = format!("{text}{name},{rows},{},2025-03-01\n", hex(digest.as_ref()));
    }
    std::fs::write(office.at("control.csv"), text).unwrap();
}

fn relief(rows: &str) -> Vec<u8> {
    format!("证件号,姓名,金额,发放日期\n{rows}").into_bytes()
}

const HOMES_FILE: &str = "证件号,姓名,价值\n";

#[tokio::test]
async fn p2_each_flaw_stops_the_ladder_at_its_rung_and_nothing_is_answered() {
    type Make = fn(&Drop);
    let both = |office: &Drop, rows: usize, bytes: &[u8]| {
        control(office, &[("台账.csv", rows, bytes), ("住房.csv", 0, HOMES_FILE.as_bytes())]);
    };
    let cases: Vec<(&str, Rung, Make)> = vec![
        ("folder_missing", Rung::Folder, |office| std::fs::remove_dir(office.at("")).unwrap()),
        ("control_missing", Rung::Control, |_| ()),
        ("control_form", Rung::Control, |office| std::fs::write(office.at("control.csv"), "file,rows\n").unwrap()),
        ("file_not_listed", Rung::Control, |office| control(office, &[("台账.csv", 0, &relief(""))])),
        ("file_name_refused", Rung::Control, |office| {
            std::fs::write(
                office.at("control.csv"),
                format!("file,rows,sha256,as_of\n../x.csv,0,{:064},2025-03-01\n", 0),
            )
            .unwrap();
        }),
        ("file_not_plain", Rung::Control, |office| {
            office.deliver(TextEncoding::Utf8, date(2025, 3, 1), "1");
            std::fs::rename(office.at("台账.csv"), office.folder.path().join("away.csv")).unwrap();
            std::os::unix::fs::symlink("../away.csv", office.at("台账.csv")).unwrap();
        }),
        ("file_missing", Rung::Control, |office| {
            office.deliver(TextEncoding::Utf8, date(2025, 3, 1), "1");
            std::fs::remove_file(office.at("住房.csv")).unwrap();
        }),
        ("digest_differs", Rung::Whole, |office| {
            office.deliver(TextEncoding::Utf8, date(2025, 3, 1), "1");
            let bytes = std::fs::read(office.at("台账.csv")).unwrap();
            std::fs::write(office.at("台账.csv"), &bytes[..bytes.len() - 1]).unwrap();
        }),
        ("date_in_future", Rung::Fresh, |office| office.deliver(TextEncoding::Utf8, date(2025, 3, 11), "1")),
        ("delivery_stale", Rung::Fresh, |office| office.deliver(TextEncoding::Utf8, date(2025, 1, 28), "1")),
        ("encoding_wrong", Rung::Encoding, |office| office.deliver(TextEncoding::Gb18030, date(2025, 3, 1), "1")),
    ];
    for (code, rung, make) in cases {
        let office = Drop::new("utf-8");
        make(&office);
        assert_flaw(&office, code, rung).await;
    }
    let batu = format!("{BATU},巴图,1,20240715\n");
    for (code, rung, rows, bytes) in [
        ("count_differs", Rung::Whole, 2, relief(&batu)),
        ("csv_form", Rung::Encoding, 1, relief(&format!("{BATU},巴图,1\n"))),
        ("csv_form", Rung::Encoding, 1, relief(&format!("{BATU},\"巴图,1,20240715\n"))),
        ("csv_form", Rung::Encoding, 1, relief(&format!("{BATU},\"巴\"图,1,20240715\n"))),
        ("header_form", Rung::Encoding, 0, "证件号,证件号,金额,发放日期\n".into()),
        ("column_missing", Rung::Columns, 0, "证件号,姓名,数额,发放日期\n".into()),
        ("identity_number_form", Rung::Records, 2, relief(&format!("{batu}1.5E+17,巴图,1,20240715\n"))),
        ("identity_number_form", Rung::Records, 1, relief("150000********1015,巴图,1,20240715\n")),
        ("encoding_wrong", Rung::Encoding, 1, relief(&format!("{BATU},巴\u{fffd},1,20240715\n"))),
    ] {
        let office = Drop::new("utf-8");
        both(&office, rows, &bytes);
        assert_flaw(&office, code, rung).await;
    }
}

async fn assert_flaw(office: &Drop, code: &str, rung: Rung) {
    let steps = office.climbed().await;
    let trouble = steps.last().unwrap().found.as_ref().expect_err(code);
    assert_eq!((trouble.code, trouble.rung), (code, rung), "{trouble:?}");
    assert!(steps[..steps.len() - 1].iter().all(Step::holds), "{code}: one rung is broken");
    assert!(!trouble.mend.zh.is_empty() && !trouble.mend.en.is_empty() && !format!("{trouble:?}").contains(BATU));
    let adapter = office.adapter();
    let refused = adapter.answer(&question(&[RELIEF, HOMES], &[(BATU, "巴图"), (ALTAN, "阿拉坦")])).await;
    assert_eq!(refused.map(|_| ()).unwrap_err().status, 503, "{code}: nobody is told that nothing is known");
    assert!(adapter.health().await.is_err(), "{code}");
    adapter.close().await;
}

#[tokio::test]
async fn a_bad_delivery_leaves_the_one_before_in_use_and_health_tells_of_it() {
    let office = Drop::new("utf-8");
    office.deliver(TextEncoding::Utf8, date(2025, 2, 1), "10.00");
    let adapter = office.adapter();
    asked(&adapter).await;
    // Its control file came first, and the rest is still being written.
    let elsewhere = tempfile::tempdir().unwrap();
    deliver(elsewhere.path(), TextEncoding::Utf8, date(2025, 3, 1), "20.00");
    std::fs::copy(elsewhere.path().join("control.csv"), office.at("control.csv")).unwrap();
    let whole = std::fs::read(elsewhere.path().join("台账.csv")).unwrap();
    std::fs::write(office.at("台账.csv"), &whole[..whole.len() / 2]).unwrap();
    let trouble = adapter.condition().await.unwrap().expect("health tells of it");
    assert_eq!(trouble.code, "digest_differs");
    let response = asked(&adapter).await;
    assert_eq!(result(&response, "m1", HOMES).as_of.as_deref(), Some("2025-02-01"));
    assert!(facts(&response, "m1", HOMES).contains("10.00"));
    // It is completed; the control file is the same.
    std::fs::write(office.at("台账.csv"), &whole).unwrap();
    std::fs::copy(elsewhere.path().join("住房.csv"), office.at("住房.csv")).unwrap();
    assert_eq!(adapter.condition().await, Ok(None));
    let response = asked(&adapter).await;
    assert_eq!(result(&response, "m1", HOMES).as_of.as_deref(), Some("2025-03-01"));
    assert!(facts(&response, "m1", RELIEF).contains("20.00") && facts(&response, "m1", HOMES).contains("20.00"));
    // What is in use does not need its files; and what is older does not come back by itself.
    std::fs::remove_file(office.at("台账.csv")).unwrap();
    assert_eq!(adapter.condition().await, Ok(None));
    office.deliver(TextEncoding::Utf8, date(2025, 2, 1), "10.00");
    assert_eq!(adapter.condition().await.unwrap().map(|trouble| trouble.code), Some("delivery_older"));
    assert!(facts(&asked(&adapter).await, "m1", HOMES).contains("20.00"));
    adapter.close().await;
}

#[tokio::test]
async fn p2_records_older_than_agreed_are_not_answered_from() {
    let office = Drop::new("utf-8");
    office.deliver(TextEncoding::Utf8, date(2025, 3, 1), "10.00");
    let adapter = office.adapter();
    asked(&adapter).await;
    let days = |days: i64| days * 24 * 60 * 60;
    // The fortieth day is the last: 1 March and 40 days is 10 April.
    office.now.fetch_add(days(31), Ordering::Relaxed);
    asked(&adapter).await;
    office.now.fetch_add(days(1), Ordering::Relaxed);
    let refused = adapter.answer(&question(&[RELIEF], &[(BATU, "巴图")])).await;
    assert_eq!(refused.map(|_| ()).unwrap_err().code, "source_stale");
    assert!(matches!(adapter.health().await, Err(SourceError::Stale(_))));
    office.deliver(TextEncoding::Utf8, date(2025, 4, 1), "10.00");
    adapter.health().await.unwrap();
    asked(&adapter).await;
    adapter.close().await;
}

/// Every figure of an answer must be that of one delivery, whatever is happening in the folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_are_of_one_whole_delivery_while_the_folder_changes_under_them() {
    let office = Drop::new("gb18030");
    let first = date(2025, 2, 1);
    office.deliver(TextEncoding::Gb18030, first, "100.00");
    let adapter = office.adapter();
    asked(&adapter).await;
    let done = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = (0..3)
        .map(|_| {
            let (adapter, done) = (adapter.clone(), Arc::clone(&done));
            #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
            tokio::spawn(async move {
                let mut seen = std::collections::BTreeSet::new();
                while !done.load(Ordering::Relaxed) {
                    let response = asked(&adapter).await;
                    for dataset in [RELIEF, HOMES] {
                        let told = result(&response, "m1", dataset);
                        let day: Date = told.as_of.as_deref().unwrap().parse().unwrap();
                        let amount = 100 + i32::from(day.day()) - 1;
                        assert!(told.facts.get().contains(&format!("\"{amount}.00\"")), "{day} {}", told.facts);
                        seen.insert(day);
                    }
                }
                seen.len()
            })
        })
        .collect();
    for day in 2..=28 {
        let as_of = date(2025, 2, day);
        // A copy that is killed half-way leaves half a file under the real name.
        let whole = std::fs::read(office.at("台账.csv")).unwrap();
        let source = office.folder.path().join("half");
        std::fs::write(&source, &whole[..whole.len() / 2]).unwrap();
        let script = format!("cat '{}' > '{}'; exec sleep 100", source.display(), office.at("台账.csv").display());
        let mut copying = std::process::Command::new("sh").args(["-c", &script]).spawn().unwrap();
        drop(adapter.condition().await);
        copying.kill().unwrap();
        copying.wait().unwrap();
        drop(adapter.condition().await);
        office.deliver(TextEncoding::Gb18030, as_of, &format!("{}.00", 100 + i32::from(day) - 1));
        assert_eq!(adapter.condition().await, Ok(None), "{as_of}");
    }
    done.store(true, Ordering::Relaxed);
    for asked in asking {
        assert!(asked.await.unwrap() > 1, "several deliveries were answered from");
    }
    adapter.close().await;
}

const XML: &str = "<?xml version=\"1.0\" encoding=\"GB18030\"?>\n<DATA>\n <AC61>\n  <ROW><证件号>150000198605021015</证件号>\
                   <姓名>巴图</姓名><金额>5.00</金额><发放日期>20240715</发放日期></ROW>\n </AC61>\n <AC62>\n  <ROW \
                   证件号='15000019700101109x' 姓名='斯琴·高娃𠮷'><价值>9</价值></ROW>\n </AC62>\n</DATA>\n";

fn xml_office() -> Drop {
    let file = |records: &str| format!("file = \"批-{{date}}.xml\"\nrecords = \"{records}\"");
    Drop::with("gb18030", "format = \"xml\"\n", &file("DATA/AC61/ROW"), &file("DATA/AC62/ROW"))
}

fn deliver_xml(office: &Drop, text: &str) {
    let bytes = if text.contains("UTF-8") { text.as_bytes().to_vec() } else { TextEncoding::Gb18030.encode(text) };
    std::fs::write(office.at("批-20250301.xml"), &bytes).unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    let control = format!("文件名,记录数,SHA256\n批-20250301.xml,1,{}\n", hex(digest.as_ref()));
    std::fs::write(office.at("control.csv"), TextEncoding::Gb18030.encode(&control)).unwrap();
}

#[tokio::test]
async fn xml_of_the_field_standard_is_read_by_its_paths_and_its_name_says_the_day() {
    let office = xml_office();
    deliver_xml(&office, XML);
    let adapter = office.adapter();
    let response = asked(&adapter).await;
    assert!(facts(&response, "m1", RELIEF).contains("\"5.00\""));
    assert_eq!(facts(&response, "m2", HOMES), r#"[{"kind":"DWELLING","value":"9.00"}]"#);
    let nothing = result(&response, "m2", RELIEF);
    assert_eq!((nothing.status, nothing.as_of.as_deref()), (ResultStatus::NoRecord, Some("2025-03-01")));
    adapter.close().await;
    for (from, to, code) in [
        ("encoding=\"GB18030\"", "encoding=\"UTF-8\"", "encoding_wrong"),
        ("<DATA>", "<!DOCTYPE DATA [<!ENTITY x \"巴图\">]><DATA>", "xml_form"),
        ("<姓名>巴图", "<姓名>&x;", "xml_form"),
        ("</DATA>", "", "xml_form"),
        ("<金额>5.00</金额>", "<金额>5.00</金额><金额>6.00</金额>", "xml_form"),
        ("</AC61>", "<ROW/></AC61>", "count_differs"),
        ("<金额>5.00</金额>", "", "column_missing"),
    ] {
        let office = xml_office();
        assert!(XML.contains(from), "{from}");
        deliver_xml(&office, &XML.replacen(from, to, 1));
        let steps = office.climbed().await;
        let trouble = steps.last().unwrap().found.as_ref().expect_err(code);
        assert_eq!(trouble.code, code, "{trouble:?}");
        assert!(code != "encoding_wrong" || trouble.what.zh.contains("XML 声明写了别的编码"), "{trouble:?}");
    }
}

#[test]
fn a_folder_is_joined_by_the_verbs_alone() {
    let folder = tempfile::tempdir().unwrap();
    let drop = folder.path().join("drop");
    std::fs::create_dir(&drop).unwrap();
    let rows = [vec![BATU.to_owned(), "巴图".to_owned(), "20240715".to_owned()]];
    let columns = ["公民身份号码", "姓名", "死亡日期"];
    #[expect(clippy::disallowed_methods, reason = "the executable goes by the clock of the machine")]
    let now = jiff::Timestamp::now();
    let today = jiff::tz::Offset::constant(8).to_datetime(now).date();
    hand_over(&drop, TextEncoding::Gb18030, today, &[HandedOver { name: "死亡.csv", columns: &columns, rows: &rows }])
        .unwrap();
    let file = folder.path().join("connector.toml");
    let file = file.to_str().unwrap();
    let begin = ["new", file, "--non-interactive", "--from", "file", "--id", "health", "--name-zh", "卫健委"];
    let more = ["--name-en", "Health", "--contact", "0", "--folder", "drop"];
    let (code, _, errors) = run(&[&begin[..], &more].concat());
    assert_eq!(code, 0, "{errors}");
    let (code, shown, errors) = run(&["discover", file, "--append"]);
    assert_eq!(code, 0, "{errors}");
    assert!(shown.contains("公民身份号码") && shown.contains("char(8)") && !shown.contains(BATU), "{shown}");
    let (code, shown, _) = run(&["check", file]);
    assert_eq!(code, 0, "{shown}");
    let dataset = "health.death";
    let (code, shown, errors) = run(&trying(file, dataset, BATU, &["--name", "巴图"]));
    assert_eq!(code, 0, "{shown}{errors}");
    assert!(shown.contains("died_on = 2024-07-15"), "{shown}");
    let record = folder.path().join("rows.json");
    let record = ["--name", "巴图", "--record", record.to_str().unwrap(), "--golden", "dead"];
    let (code, ..) = run(&trying(file, dataset, BATU, &record));
    assert_eq!(code, 0);
    let (code, shown, errors) = run(&["test", file]);
    assert_eq!((code, shown.lines().last()), (0, Some("1 passed, 0 failed")), "its day is kept too: {shown}{errors}");
    let (code, shown, errors) = run(&["conform", file, "--level", "2", "--out", folder.path().to_str().unwrap()]);
    assert!(code == 0 && shown.contains("reaches L2"), "{shown}{errors}");
    std::fs::write(drop.join("死亡.csv"), "").unwrap();
    let (code, shown, _) = run(&["check", file]);
    assert_eq!(code, 3, "{shown}");
    assert!(shown.contains("[digest_differs]") && shown.contains("sha256sum"), "{shown}");
}

#[tokio::test]
async fn an_old_number_of_15_digits_is_its_persons_where_the_name_says_so_too() {
    let office = Drop::new("utf-8");
    let rows = relief("150000860502101,巴图,12.50,20240715\n");
    control(&office, &[("台账.csv", 1, &rows), ("住房.csv", 0, HOMES_FILE.as_bytes())]);
    let adapter = office.adapter();
    let response = asked(&adapter).await;
    assert!(facts(&response, "m1", RELIEF).contains("12.50"), "{response:?}");
    let other = adapter.answer(&question(&[RELIEF], &[(BATU, "巴特尔")])).await.unwrap();
    assert_eq!(result(&other, "m1", RELIEF).status, ResultStatus::NameMismatch);
    adapter.close().await;
    let text = std::fs::read_to_string(office.file()).unwrap();
    std::fs::write(office.file(), text.replace("name = \"姓名\"\n", "")).unwrap();
    assert_flaw(&office, "identity_number_form", Rung::Records).await;
}

#[tokio::test]
async fn p2_after_a_restart_an_older_delivery_is_still_older() {
    let office = Drop::new("utf-8");
    let in_service = || Overrides { remembers: true, ..office.overrides() };
    let memory = office.folder.path().join("office.taken-over.json");
    office.deliver(TextEncoding::Utf8, date(2025, 3, 1), "12.50");
    let adapter = Adapter::load(&office.file(), in_service()).unwrap();
    assert!(adapter.condition().await.unwrap().is_none());
    adapter.close().await;
    assert!(memory.exists());

    office.deliver(TextEncoding::Utf8, date(2025, 2, 20), "99.00");
    let adapter = Adapter::load(&office.file(), in_service()).unwrap();
    let refused = adapter.answer(&question(&[RELIEF, HOMES], &[(BATU, "巴图")])).await.unwrap_err();
    assert_eq!(refused.status, 503);
    let trouble = office.climbed().await.last().unwrap().found.as_ref().unwrap_err().clone();
    assert_eq!((trouble.code, trouble.command), ("delivery_older", Some(format!("rm '{}'", memory.display()))));
    // Whoever means it takes the memory away, and the records of that day are used at once.
    std::fs::remove_file(&memory).unwrap();
    assert!(adapter.condition().await.unwrap().is_none());
    assert!(facts(&asked(&adapter).await, "m1", RELIEF).contains("99.00"));
    adapter.close().await;

    std::fs::write(&memory, "{").unwrap();
    assert_flaw(&office, "delivery_memory_unreadable", Rung::Fresh).await;
    let text = std::fs::read_to_string(office.file()).unwrap();
    std::fs::write(office.file(), text.replace("max_age", "memory = \"/none/days.json\"\nmax_age")).unwrap();
    let adapter = Adapter::load(&office.file(), in_service()).unwrap();
    assert!(facts(&asked(&adapter).await, "m1", RELIEF).contains("99.00"), "what is delivered is answered from");
    assert_eq!(adapter.condition().await.unwrap().unwrap().code, "delivery_memory_unwritable");
    adapter.close().await;
}
