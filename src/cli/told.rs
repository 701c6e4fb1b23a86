//! Verifications and problems as text for a terminal, from the hub's own documents.

use std::io::{self, Write};

use serde_json::Value;

use super::Lang;

fn text(value: &Value, lang: Lang) -> &str {
    value.get(lang.pick("zh", "en")).and_then(Value::as_str).unwrap_or_default()
}

fn string<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// One department in one word: `✓住建` answered, `○住建` holds nothing, `－住建` need not be asked, `✗住建` did not
/// answer.
pub(super) fn department_mark(row: &Value, lang: Lang) -> String {
    let mark = match string(row, "status") {
        "answered" => "✓",
        "no_record" => "○",
        "not_asked" => "－",
        _ => "✗",
    };
    let name = match lang {
        Lang::Zh => row.get("name").map_or("", |name| text(name, lang)),
        Lang::En => string(row, "department"),
    };
    format!("{mark}{name}")
}

/// The verdict in one line.
pub(super) fn headline(answer: &Value, lang: Lang) -> String {
    let headline = answer.pointer("/report/headline").map_or("", |headline| text(headline, lang));
    headline.to_owned()
}

/// A whole verification.
pub(super) fn verification(out: &mut impl Write, answer: &Value, lang: Lang) -> io::Result<()> {
    let rule = "─".repeat(72);
    writeln!(out, "\n{rule}")?;
    writeln!(
        out,
        "{} {}    {} {}",
        lang.pick("核对报告", "Verification"),
        string(answer, "id"),
        lang.pick("评估日期", "assessed on"),
        string(answer, "assessment_date")
    )?;
    writeln!(out, "{rule}\n")?;
    writeln!(out, "  {}", headline(answer, lang))?;
    let sentence = answer.pointer("/report/sentence").map_or("", |sentence| text(sentence, lang));
    if !sentence.is_empty() {
        writeln!(out, "  {sentence}")?;
    }
    writeln!(out)?;
    let departments = answer.get("departments").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for row in departments {
        writeln!(out, "  {:<22}{}", department_mark(row, lang), department_says(row, lang))?;
    }
    if let Some(disclosure) = answer.get("disclosure") {
        writeln!(out, "\n  {}", asked_how_little(disclosure, lang))?;
    }
    for section in answer.pointer("/report/sections").and_then(Value::as_array).into_iter().flatten() {
        writeln!(out, "\n  {}", section.get("title").map_or("", |title| text(title, lang)))?;
        for line in section.get("lines").and_then(Value::as_array).into_iter().flatten() {
            let line = text(line, lang);
            // A line that begins with spaces belongs under the one before it.
            let mark = if line.starts_with(' ') { "  " } else { "· " };
            writeln!(out, "    {mark}{line}")?;
        }
    }
    let closing = answer.pointer("/report/closing").or_else(|| answer.get("notice"));
    writeln!(out, "\n  {}", closing.map_or("", |closing| text(closing, lang)))?;
    if let Some(receipt) = answer.get("receipt").and_then(Value::as_str) {
        writeln!(out, "  {} {receipt}", lang.pick("存证编号", "Receipt"))?;
    }
    writeln!(out, "{rule}")
}

/// In minimal disclosure: what was asked of what there would have been to ask.
fn asked_how_little(disclosure: &Value, lang: Lang) -> String {
    let count = |name| disclosure.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (rounds, queries, queries_in_full) = (count("rounds"), count("queries"), count("queries_in_full"));
    let (questions, questions_in_full) = (count("questions"), count("questions_in_full"));
    match lang {
        Lang::Zh => format!(
            "最小披露：分 {rounds} 轮向部门查询 {queries} 次（全部查询为 {queries_in_full} 次），{questions} 项（全部为 {questions_in_full} 项）"
        ),
        Lang::En => format!(
            "Minimal disclosure: {queries} of {queries_in_full} requests to departments in {rounds} rounds, {questions} of {questions_in_full} questions"
        ),
    }
}

fn department_says(row: &Value, lang: Lang) -> String {
    let milliseconds = row.get("elapsed_ms").and_then(Value::as_u64).unwrap_or_default();
    let said = match string(row, "status") {
        "answered" => {
            let records = row.get("records").and_then(Value::as_u64).unwrap_or_default();
            match lang {
                Lang::Zh => format!("{records} 条记录"),
                Lang::En => format!("{records} records"),
            }
        }
        "no_record" => lang.pick("无记录", "no record").to_owned(),
        "not_asked" => {
            let reasons = row.get("not_asked").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let told = reasons.iter().find(|reason| string(reason, "settled_by") != "NO_RULE").or(reasons.first());
            let why = told.and_then(|reason| reason.get("why")).map_or("", |why| text(why, lang));
            return format!("{} {why}", lang.pick("无需查询：", "not asked:"));
        }
        reason => gap(reason, lang).to_owned(),
    };
    let fresh = match string(row, "freshness") {
        "cached" => lang.pick("，缓存", ", cached"),
        "stale" => lang.pick("，过期缓存", ", stale"),
        _ => "",
    };
    format!("{said}{fresh}  {milliseconds} ms")
}

/// Why a department brought nothing.
pub(super) fn gap(reason: &str, lang: Lang) -> &str {
    match reason {
        "timeout" => lang.pick("未在时限内答复", "did not answer in time"),
        "unavailable" => lang.pick("无法连接或系统故障", "not reachable, or failed"),
        "quota_exceeded" => lang.pick("查询额度已用完", "quota used up"),
        "not_authorised" => lang.pick("未获授权", "not authorised"),
        "malformed" => lang.pick("答复不合规范，未采用", "answer did not fit the schema, not used"),
        "mismatch" => lang.pick("答复的人员或姓名不符，未采用", "answer about another person or name, not used"),
        "not_connected" => lang.pick("尚未接入", "not connected"),
        other => other,
    }
}

/// A report in one of its views.
pub(super) fn report(out: &mut impl Write, report: &Value, lang: Lang) -> io::Result<()> {
    let told = |name: &str| report.get(name).map_or("", |value| text(value, lang));
    writeln!(out, "{}\n", told("title"))?;
    writeln!(out, "{}", told("headline"))?;
    if report.get("sentence").is_some() {
        writeln!(out, "{}", told("sentence"))?;
    }
    for section in report.get("sections").and_then(Value::as_array).into_iter().flatten() {
        writeln!(out, "\n{}", section.get("title").map_or("", |title| text(title, lang)))?;
        for line in section.get("lines").and_then(Value::as_array).into_iter().flatten() {
            writeln!(out, "  {}", text(line, lang))?;
        }
    }
    writeln!(out, "\n{}", told("closing"))
}

/// Each change of a list, in words.
pub(super) fn changes(out: &mut impl Write, list: Option<&Value>, lang: Lang) -> io::Result<()> {
    for change in list.and_then(Value::as_array).into_iter().flatten() {
        writeln!(out, "  · {}", change.get("text").map_or("", |words| text(words, lang)))?;
    }
    Ok(())
}

/// A problem in one line.
pub(super) fn problem_line(problem: &Value, lang: Lang) -> String {
    format!("{} ({})", string(problem, lang.pick("title_zh", "title")), string(problem, "code"))
}

/// A whole problem: what, where, how to mend it.
pub(super) fn problem(out: &mut impl Write, problem: &Value, lang: Lang) -> io::Result<()> {
    writeln!(out, "✗ {}", problem_line(problem, lang))?;
    for error in problem.get("errors").and_then(Value::as_array).into_iter().flatten() {
        writeln!(
            out,
            "    {}  {}",
            string(error, "pointer"),
            error.get("detail").map_or("", |detail| text(detail, lang))
        )?;
    }
    writeln!(out, "  → {}", problem.get("fix").map_or("", |fix| text(fix, lang)))?;
    writeln!(out, "  request_id {}", string(problem, "request_id"))
}
