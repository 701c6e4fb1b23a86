//! A pack file with a mistake is told where, which key, what and how; all mistakes at once.

use std::sync::Arc;

use super::*;
use crate::policy::shipped::SHIPPED;

const GOOD: &str = r#"[pack]
division = "152202"
effective_from = "2025-01-01"
place_zh = "内蒙古兴安盟阿尔山市"

[[parameter]]
field = "dibao_standard"
urban_rural = "URBAN"
value = { amount = "829.00", period = "MONTH" }
status = "verified"
source = "a notice"

[[reference]]
kind = "tekun_care_full"
urban_rural = "ALL"
amounts = ["1500.00"]
unit = "MONTH"
from = "2025"
status = "verified"
source = "a notice"
"#;

fn read(text: &str) -> (Option<Pack>, Vec<Fault>) {
    read_as("152202/2025-01-01.toml", text.as_bytes())
}

fn read_as(file: &str, bytes: &[u8]) -> (Option<Pack>, Vec<Fault>) {
    let mut faults = Vec::new();
    let pack = Pack::read(&Arc::from(file), bytes, &mut faults);
    (pack, faults)
}

/// The only fault of a text that was good before `from` became `to`: code, line, key.
fn only(from: &str, to: &str) -> (&'static str, usize, String) {
    assert!(GOOD.contains(from), "{from}");
    let (_, faults) = read(&GOOD.replacen(from, to, 1));
    let [fault] = faults.as_slice() else { panic!("{from} → {to}: {faults:#?}") };
    assert_eq!(&*fault.file, "152202/2025-01-01.toml");
    assert!(!fault.detail.zh.is_empty() && !fault.fix.zh.is_empty() && !fault.fix.en.is_empty());
    (fault.code.as_str(), fault.line.unwrap_or_default(), fault.key.clone())
}

#[test]
fn a_sound_file_is_read_whole() {
    let (pack, faults) = read(GOOD);
    assert!(faults.is_empty(), "{faults:?}");
    let pack = pack.unwrap();
    assert_eq!((pack.figures.len(), pack.references.len()), (1, 1));
    assert_eq!(pack.figures[0].provenance.line, Some(9));
    assert_eq!(pack.figures[0].provenance.file.as_deref(), Some("152202/2025-01-01.toml"));
    assert_eq!(pack.references[0].from, Date::constant(2025, 1, 1));
}

#[test]
fn each_mistake_has_its_code_line_and_key() {
    let value = r#"{ amount = "829.00", period = "MONTH" }"#;
    for (from, to, code, line, key) in [
        ("place_zh", "colour = 1\nplace_zh", "key_unknown", 4, "pack.colour"),
        ("place_zh = \"内蒙古兴安盟阿尔山市\"\n", "", "key_missing", 1, "pack.place_zh"),
        ("\"152202\"", "152202", "value_type", 2, "pack.division"),
        ("\"152202\"", "\"15220\"", "division_unknown", 2, "pack.division"),
        ("\"152202\"", "\"152201\"", "division_mismatch", 2, "pack.division"),
        ("\"2025-01-01\"", "2025-01-01", "date_invalid", 3, "pack.effective_from"),
        ("\"2025-01-01\"", "\"2025-02-30\"", "date_invalid", 3, "pack.effective_from"),
        ("\"2025-01-01\"", "\"2025-01-02\"", "date_mismatch", 3, "pack.effective_from"),
        ("place_zh", "variant = \"IM_2024\"\nplace_zh", "variant_name", 4, "pack.variant"),
        ("place_zh", "effective_to = \"2024-12-31\"\nplace_zh", "period_reversed", 4, "pack.effective_to"),
        ("dibao_standard", "dibao_standart", "parameter_unknown", 7, "parameter[1].field"),
        ("URBAN", "CITY", "choice_unknown", 8, "parameter[1].urban_rural"),
        ("\"829.00\"", "829.00", "amount_invalid", 9, "parameter[1].value.amount"),
        ("\"829.00\"", "\"1,829.00\"", "amount_invalid", 9, "parameter[1].value.amount"),
        ("\"829.00\"", "\"829元\"", "amount_invalid", 9, "parameter[1].value.amount"),
        ("\"829.00\"", "\"-829\"", "amount_invalid", 9, "parameter[1].value.amount"),
        ("\"829.00\"", "\"0.00\"", "out_of_range", 9, "parameter[1].value.amount"),
        ("\"829.00\"", "\"9948.00\"", "value_unusual", 9, "parameter[1].value.amount"),
        (", period = \"MONTH\"", "", "key_missing", 9, "parameter[1].value.period"),
        (value, "[]", "value_type", 9, "parameter[1].value"),
        ("status = \"verified\"", "status = \"sure\"", "status_unknown", 10, "parameter[1].status"),
        ("source = \"a notice\"\n", "", "source_missing", 6, "parameter[1].source"),
        ("\"a notice\"", "\" \"", "source_missing", 11, "parameter[1].source"),
        ("status", "from = \"2024-12-31\"\nstatus", "period_outside", 10, "parameter[1].from"),
        ("status", "to = \"2024-12-31\"\nstatus", "period_reversed", 10, "parameter[1].to"),
        ("status", "divisions = []\nstatus", "list_invalid", 10, "parameter[1].divisions"),
        ("status", "divisions = [\"152201\"]\nstatus", "division_outside", 10, "parameter[1].divisions[1]"),
        ("status", "year = \"2025\"\nstatus", "value_type", 10, "parameter[1].year"),
        ("tekun_care_full", "tekun_care_fool", "choice_unknown", 14, "reference[1].kind"),
        ("unit = \"MONTH\"\nfrom", "from", "key_missing", 13, "reference[1]"),
        ("from = \"2025\"", "from = \"spring\"", "date_invalid", 18, "reference[1].from"),
        ("[[reference]]", "[[references]]", "key_unknown", 13, "references"),
        ("[[reference]]", "[reference]", "value_type", 13, "reference"),
    ] {
        assert_eq!(only(from, to), (code, line, key.to_owned()), "{from} → {to}");
    }
}

#[test]
fn mistakes_are_told_all_at_once_and_the_sound_rows_are_kept() {
    let second =
        "[[parameter]]\nfield = \"dwelling_max\"\nvalue = 1\nstatus = \"borrowed: elsewhere\"\nsource = \"x\"\n";
    let text = GOOD.replace("\"829.00\"", "829").replace("\"URBAN\"", "\"TOWN\"") + second;
    let (pack, faults) = read(&text);
    let codes: Vec<_> = faults.iter().map(|fault| (fault.line.unwrap(), fault.code.as_str())).collect();
    assert_eq!(codes, [(8, "choice_unknown"), (9, "amount_invalid")]);
    assert_eq!(pack.unwrap().figures.iter().map(|figure| figure.field).collect::<Vec<_>>(), ["dwelling_max"]);
    let (none, faults) = read(&text.replace("place_zh", "place"));
    assert!(none.is_none());
    let codes: Vec<_> = faults.iter().map(|fault| fault.code.as_str()).collect();
    assert_eq!(
        codes,
        ["key_missing", "key_unknown", "choice_unknown", "amount_invalid"],
        "rows are looked at although the header is wrong"
    );
}

#[test]
fn a_remedy_says_what_to_write() {
    let fix = |from: &str, to: &str| read(&GOOD.replacen(from, to, 1)).1[0].fix.en.clone();
    assert_eq!(fix("\"829.00\"", "\"１，８２９.00元\""), "Write digits and the decimal point only: \"1829.00\"");
    assert_eq!(fix("\"829.00\"", "829"), "Write \"829\"");
    assert_eq!(fix("\"829.00\"", "\"9948.00\""), "If the document gives it by the year, write period = \"YEAR\"");
    assert_eq!(fix("dibao_standard", "dibao_standart"), "Did you mean dibao_standard?");
    assert_eq!(fix("\"2025-01-01\"", "2025-01-01"), "Put it in double quotes: \"2025-01-01\"");
}

#[test]
fn a_code_must_be_in_the_list_unless_its_announcement_is_named() {
    let unlisted = GOOD.replace("152202", "152299");
    let (_, faults) = read_as("152299/2025-01-01.toml", unlisted.as_bytes());
    assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), [Code::DivisionUnknown]);
    let named = unlisted.replace("place_zh", "division_source = \"民政部公告\"\nplace_zh");
    assert!(read_as("152299/2025-01-01.toml", named.as_bytes()).1.is_empty());
    let withdrawn = GOOD.replace("152202", "450127");
    let (pack, faults) = read_as("450127/2025-01-01.toml", withdrawn.as_bytes());
    assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), [Code::DivisionWithdrawn]);
    assert!(pack.is_some(), "a warning does not keep a pack from loading");
}

#[test]
fn a_tolerance_that_says_nothing_is_refused() {
    let row = |value: &str| {
        let text =
            format!("field = \"declaration_tolerance\"\nvalue = {value}\nstatus = \"assumed: x\"\nsource = \"x\"\n");
        read(&format!("{}[[parameter]]\n{text}", GOOD.split_once("[[parameter]]").unwrap().0)).1
    };
    assert_eq!(row("{}").iter().map(|fault| fault.code).collect::<Vec<_>>(), [Code::KeyMissing]);
    assert!(row("{ percent = \"5\" }").is_empty() && row("{ amount = \"500.00\" }").is_empty());
}

#[test]
fn what_the_checks_let_through_the_types_take_for_every_parameter() {
    for parameter in crate::policy::dictionary::PARAMETERS {
        if parameter.field == "declaration_tolerance" {
            // Each of its members may be left out, so the shortest example says nothing.
            continue;
        }
        let row = format!(
            "\n[[parameter]]\nfield = \"{}\"\nvalue = {}\nstatus = \"verified\"\nsource = \"x\"\n",
            parameter.field,
            parameter.form.example()
        );
        let (head, _) = GOOD.split_once("[[parameter]]").unwrap();
        let (pack, faults) = read(&format!("{head}{row}"));
        let errors: Vec<_> = faults.iter().filter(|fault| fault.is_error()).collect();
        assert!(errors.is_empty(), "{row}: {errors:#?}");
        assert_eq!(pack.unwrap().figures[0].field, parameter.field);
    }
}

#[test]
fn hostile_files_are_refused_and_never_stop_the_reader() {
    let deep = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let wide = format!("{GOOD}{}", "[[parameter]]\n".repeat(20_000));
    let keys = (0..20_000).map(|index| format!("k{index} = 1")).collect::<Vec<_>>().join("\n");
    for text in [
        "",
        "=",
        "[pack",
        "pack = 1",
        "[[pack]]",
        "parameter = 3",
        "[pack]\n[pack]",
        "\0\u{1}\u{7f}",
        "\"\"\"",
        "a = '''",
        "[pack]\ndivision = {}",
        &deep,
        &wide,
        &keys,
        "\u{feff}",
        "\r\r\r",
    ] {
        let (pack, faults) = read(text);
        assert!(faults.len() <= MAX_FAULTS + 1);
        assert!(pack.is_none() || text == wide, "{}", text.chars().take(20).collect::<String>());
        assert!(faults.iter().any(Fault::is_error));
        assert!(
            faults.iter().all(|fault| fault.text().en.lines().count() == 1 && fault.text().zh.lines().count() == 1)
        );
    }
    let windows = GOOD.replace('\n', "\r\n");
    assert!(read(&windows).1.is_empty(), "line ends of Windows are no mistake");
    assert!(read(&format!("\u{feff}{GOOD}")).1.is_empty(), "nor is its byte order mark");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_stop(cut in 0_usize..GOOD.len(), junk in ".{0,12}", keep in 0_usize..40) {
        let mut at = cut;
        while !GOOD.is_char_boundary(at) { at -= 1; }
        let rest: String = GOOD[at..].chars().skip(keep).collect();
        let (_, faults) = read(&format!("{}{junk}{rest}", &GOOD[..at]));
        for fault in faults {
            proptest::prop_assert!(!fault.text().zh.is_empty());
        }
    }
}

#[test]
fn every_shipped_pack_is_sound_and_every_figure_has_a_source() {
    for (file, text) in SHIPPED {
        let (pack, faults) = read_as(file, text.as_bytes());
        let errors: Vec<_> = faults.iter().filter(|fault| fault.is_error()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        for figure in pack.unwrap().figures {
            assert!(figure.provenance.source.is_some_and(|source| !source.trim().is_empty()), "{file} {}", figure.key);
        }
    }
}

#[test]
fn every_shipped_pack_fits_the_published_schema() {
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../../schemas/policy.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let fits =
        |text: &str| validator.is_valid(&serde_json::to_value(toml::from_str::<toml::Value>(text).unwrap()).unwrap());
    for (path, text) in SHIPPED {
        assert!(fits(text), "{path}");
    }
    for (from, to) in [
        ("\"829.00\"", "829"),
        ("source = \"a notice\"\n", ""),
        ("dibao_standard", "dibao"),
        ("\"MONTH\" }", "\"WEEK\" }"),
        ("\"verified\"", "\"sure\""),
        ("place_zh", "colour"),
    ] {
        assert!(!fits(&GOOD.replacen(from, to, 1)), "{from} → {to}");
    }
}
