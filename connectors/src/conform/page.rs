//! The report as a page: one file without script or anything from outside, that can be printed and checked.
//!
//! The page is made from the signed report, which it carries: whoever checks it makes it again and compares.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::{Offset, TimeZone};
use serde_json::Value;

use super::report::{Outcome, Report, RequirementResult, level_name};
use super::signature::{Verified, VerifyError, verify};
use crate::error::Text;

const STYLE: &str = "
:root { color-scheme: light; font: 15px/1.6 system-ui, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; background: #fff }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
.en { color: #57606a; font-size: .9em }
.summary { border-left: .3rem solid #0a5; padding: .6rem 1rem; background: #f3faf6; margin: 1.5rem 0 }
.summary.short { border-color: #b35900; background: #fff8ef }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem } dt { color: #57606a } dd { margin: 0; overflow-wrap: anywhere }
article { border-top: 1px solid #d0d7de; padding: .6rem 0; break-inside: avoid }
article h3 { font-size: 1rem; margin: 0 } article p { margin: .2rem 0 }
.mark { display: inline-block; min-width: 5.5em; font-weight: 600 }
.pass { color: #0a6b3d } .skip { color: #57606a } .fail, .error { color: #b42318 }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f6f8fa; padding: .6rem; font-size: .8rem; margin: .3rem 0 }
summary { cursor: pointer; color: #0550ae }
@media print { body { margin: 0; max-width: none } details:not([open]) { display: none } a { color: inherit } }
";

const MARK: &str = "<pre id=\"signed-report\">";

/// The page of a signed report (`signed` is the document that [`super::ReportKey::sign`] made).
pub fn page(report: &Report, signed: &Value, key_id: &str) -> String {
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let title = format!("{} · {}", report.adapter.name.zh, report.adapter.name.en);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>一致性报告 · Conformance report: {title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <header><h1>一致性报告 <span class=\"en\" lang=\"en\">Conformance report</span></h1><p>{title}</p></header>\n",
        title = escaped(&title),
    );
    let short = if report.results.iter().any(|result| result.outcome.blocks()) { " short" } else { "" };
    push(&mut html, &format!("<p class=\"summary{short}\">{}</p>\n", both(&report.summary)));
    html.push_str(&facts(report, key_id));
    for level in 0..=report.asked_level {
        let name = level_name(level);
        push(&mut html, &format!("<h2>L{level} {} <span class=\"en\" lang=\"en\">{}</span></h2>\n", name.zh, name.en));
        for result in report.results.iter().filter(|result| result.level == level) {
            html.push_str(&requirement(result));
        }
    }
    let document = escaped(&format!("{signed:#}"));
    push(
        &mut html,
        &format!(
            "<h2>签名的报告 <span class=\"en\" lang=\"en\">The signed report</span></h2>\n\
             <p>用 <code>hedui adapter conform --verify</code> 核对本页或其中的 JSON。 \
             <span class=\"en\" lang=\"en\">Check this page, or the JSON in it, with <code>hedui adapter conform --verify</code>.</span></p>\n\
             <details><summary>JSON</summary>\n{MARK}{document}</pre></details>\n</body>\n</html>\n"
        ),
    );
    html
}

/// Checks a page: the report in it is signed, and the page shows that report and nothing else.
pub fn verify_page(page_text: &str) -> Result<Verified, VerifyError> {
    let (_, rest) = page_text.split_once(MARK).ok_or(VerifyError::Form)?;
    let (document, _) = rest.split_once("</pre>").ok_or(VerifyError::Form)?;
    let document = document.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    let verified = verify(document.as_bytes())?;
    let signed: Value = serde_json::from_str(&document).map_err(|_| VerifyError::Form)?;
    if page(&verified.report, &signed, &verified.key_id) == page_text {
        Ok(verified)
    } else {
        Err(VerifyError::OtherPage)
    }
}

fn facts(report: &Report, key_id: &str) -> String {
    let made = report.made_at.to_zoned_datetime(TimeZone::fixed(Offset::constant(8)));
    let counts = report.counts;
    let level = report.level.map_or_else(|| "—".to_owned(), |level| format!("L{level}"));
    let counted = format!(
        "通过 pass {} · 不适用 skip {} · 未通过 fail {} · 没能试成 error {}",
        counts.pass, counts.skip, counts.fail, counts.error
    );
    let against = report.against.clone().unwrap_or_else(|| "本机回环地址 this machine's loopback".to_owned());
    let rows = [
        ("级别 level", format!("{level} / L{}", report.asked_level)),
        ("要求 requirements", counted),
        ("适配器 adapter", format!("{} {}", report.adapter.id, report.adapter.version)),
        ("接入文件 connector file, SHA-256", report.connector_sha256.clone()),
        ("对象 against", against),
        ("证书公钥 certificate key, SHA-256", report.certificate_key.clone().unwrap_or_else(|| "—".to_owned())),
        ("时间 made at", made.strftime("%Y-%m-%d %H:%M:%S +08:00").to_string()),
        ("程序 program", report.program.clone()),
        ("密钥指纹 key", key_id.to_owned()),
    ];
    let mut html = "<dl>".to_owned();
    for (name, value) in rows {
        push(&mut html, &format!("<dt>{name}</dt><dd>{}</dd>", escaped(&value)));
    }
    html + "</dl>\n"
}

fn requirement(result: &RequirementResult) -> String {
    let class = match result.outcome {
        Outcome::Pass => "pass",
        Outcome::Skip => "skip",
        Outcome::Fail => "fail",
        Outcome::Error => "error",
    };
    let outcome = result.outcome.text();
    let mut html = format!(
        "<article id=\"{id}\"><h3>{id} {title}</h3>\n<p><span class=\"mark {class}\">{zh} {en}</span> {what}</p>\n",
        id = escaped(&result.id),
        title = both(&result.title),
        zh = outcome.zh,
        en = outcome.en,
        what = both(&result.what),
    );
    if let Some(fix) = &result.fix {
        push(&mut html, &format!("<p>修复 <span lang=\"en\">To mend it</span>：{}</p>\n", both(fix)));
    }
    if !result.exchanges.is_empty() {
        let count = result.exchanges.len();
        push(&mut html, &format!("<details><summary>请求与答复 requests and answers ({count})</summary>\n"));
        for exchange in &result.exchanges {
            let (request, response) = (escaped(&exchange.request), escaped(&exchange.response));
            push(&mut html, &format!("<pre>→ {request}\n← {response}\n({} ms)</pre>\n", exchange.milliseconds));
        }
        html.push_str("</details>\n");
    }
    html + "</article>\n"
}

fn push(html: &mut String, text: &str) {
    html.write_str(text).expect("writing to a String cannot fail");
}

fn both(text: &Text) -> String {
    if text.zh == text.en {
        return escaped(&text.zh);
    }
    format!("{}<br><span class=\"en\" lang=\"en\">{}</span>", escaped(&text.zh), escaped(&text.en))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conform::ReportKey;
    use crate::conform::report::{Counts, Exchange, Subject};

    fn report() -> Report {
        let hostile = "<script>alert(1)</script> & \"x\" &amp;lt; </pre>";
        Report {
            schema: super::super::SCHEMA.to_owned(),
            adapter: Subject { id: "housing".into(), version: "1".into(), name: Text::new(hostile, hostile) },
            connector_sha256: "00".repeat(32),
            program: "hedui-adapter 0".into(),
            made_at: jiff::Timestamp::UNIX_EPOCH,
            against: Some(hostile.into()),
            certificate_key: Some(hostile.into()),
            asked_level: 2,
            level: Some(1),
            counts: Counts::default(),
            summary: Text::new("住建", hostile),
            results: vec![RequirementResult {
                id: "L2-01".into(),
                level: 2,
                title: Text::new("甲", hostile),
                outcome: Outcome::Fail,
                what: Text::same(hostile),
                fix: Some(Text::same(hostile)),
                exchanges: vec![Exchange { request: hostile.into(), response: hostile.into(), milliseconds: 3 }],
            }],
        }
    }

    #[test]
    fn a_page_is_checked_with_everything_it_shows() {
        let key = ReportKey::generate().unwrap();
        let html = page(&report(), &key.sign(&report()), &key.id());
        assert!(!html.contains("<script") && !html.contains("http://") && !html.contains("https://"), "{html}");
        let verified = verify_page(&html).unwrap();
        assert_eq!((verified.report, verified.key_id), (report(), key.id()));
        for (from, to, expected) in [
            ("<dd>L1 / L2</dd>", "<dd>L4 / L4</dd>", VerifyError::OtherPage),
            ("&quot;level&quot;: 1", "&quot;level&quot;: 4", VerifyError::Altered),
            ("</body>", "<p>L4</p></body>", VerifyError::OtherPage),
            (MARK, "<pre>", VerifyError::Form),
        ] {
            assert!(html.contains(from), "{from}");
            assert_eq!(verify_page(&html.replacen(from, to, 1)), Err(expected), "{from}");
        }
    }

    #[test]
    fn the_page_allows_its_own_style_and_nothing_else() {
        let key = ReportKey::generate().unwrap();
        let html = page(&report(), &key.sign(&report()), &key.id());
        let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = STANDARD.encode(digest(&SHA256, style.as_bytes()));
        assert!(html.contains(&format!("default-src 'none'; style-src 'sha256-{hash}'")), "{html}");
        assert!(!html.contains("style=\"") && !html.contains("onload"));
    }
}
