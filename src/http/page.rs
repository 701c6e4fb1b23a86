//! A report as a page that stands alone, and as plain text: no script, nothing loaded, everything escaped.

use std::fmt::Write as _;
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::problem::Text;
use crate::verdict::explain::Report;

/// Language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lang {
    Zh,
    En,
}

impl Lang {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    fn of(self, text: &Text) -> &str {
        match self {
            Self::Zh => &text.zh,
            Self::En => &text.en,
        }
    }
}

/// The only style of a page. Its digest is in the policy, so that no other one applies.
const STYLE: &str = "body{font-family:'PingFang SC','Microsoft YaHei','Noto Sans CJK SC','WenQuanYi Micro Hei',system-ui,sans-serif;\
line-height:1.7;max-width:52em;margin:2em auto;padding:0 1em;color:#111;background:#fff}\
h1{font-size:1.4em}h2{font-size:1.1em;border-bottom:1px solid #999;margin-top:1.6em}\
p.id{color:#444;font-variant-numeric:tabular-nums}p.headline{font-weight:bold}\
ul{list-style:none;padding:0;margin:0}li{white-space:pre-wrap;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}\
footer{border-top:1px solid #999;margin-top:2em;padding-top:.6em}\
@media print{body{margin:0;max-width:none;font-size:10.5pt}h2{break-after:avoid}li{break-inside:avoid}}";

/// The content security policy of a page: its own style, and nothing else from anywhere.
pub(super) fn policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()).as_ref());
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
        )
    });
    &POLICY
}

/// A report as a page.
pub(super) fn html(id: &str, report: &Report, lang: Lang) -> String {
    let mut page = String::with_capacity(8192);
    let title = escaped(lang.of(&report.title));
    let (tag, id) = (lang.tag(), escaped(id));
    let push = "writing to a string cannot fail";
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p class=\"id\">{id}</p>\n"
    )
    .expect(push);
    writeln!(page, "<p class=\"headline\">{}</p>", escaped(lang.of(&report.headline))).expect(push);
    if let Some(sentence) = &report.sentence {
        writeln!(page, "<p>{}</p>", escaped(lang.of(sentence))).expect(push);
    }
    for section in &report.sections {
        writeln!(page, "<section>\n<h2>{}</h2>\n<ul>", escaped(lang.of(&section.title))).expect(push);
        for line in &section.lines {
            writeln!(page, "<li>{}</li>", escaped(lang.of(line))).expect(push);
        }
        page.push_str("</ul>\n</section>\n");
    }
    writeln!(page, "<footer>{}</footer>\n</body>\n</html>", escaped(lang.of(&report.closing))).expect(push);
    page
}

/// A report as plain text.
pub(super) fn text(id: &str, report: &Report, lang: Lang) -> String {
    let mut text = format!("{}\n{id}\n\n{}\n", lang.of(&report.title), lang.of(&report.headline));
    if let Some(sentence) = &report.sentence {
        text.push_str(lang.of(sentence));
        text.push('\n');
    }
    for section in &report.sections {
        text.push('\n');
        text.push_str(lang.of(&section.title));
        text.push('\n');
        for line in &section.lines {
            text.push_str("  ");
            text.push_str(lang.of(line));
            text.push('\n');
        }
    }
    text.push('\n');
    text.push_str(lang.of(&report.closing));
    text.push('\n');
    text
}

/// Text between tags or inside a quoted attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // A page has no use for them, and a parser may take them for something else.
            control if control.is_control() && control != '\n' => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::explain::{Section, View};

    fn report(evil: &str) -> Report {
        let text = || Text::new(evil, evil);
        Report {
            view: View::Caseworker,
            title: text(),
            headline: text(),
            sentence: Some(text()),
            sections: vec![Section { id: "sums", title: text(), lines: vec![text()] }],
            closing: text(),
        }
    }

    #[test]
    fn nothing_in_a_report_becomes_markup() {
        let evil = "<script>alert('1')</script>&\"\u{0}<img src=x onerror=y>";
        let page = html("vf_1\"><script>", &report(evil), Lang::En);
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\u{0}'), "{page}");
        assert_eq!(page.matches("&lt;script&gt;alert(&#39;1&#39;)").count(), 7);
    }

    #[test]
    fn a_page_loads_nothing_and_its_policy_allows_its_own_style_only() {
        let page = html("vf_1", &report("甲"), Lang::Zh);
        for outside in ["http", "//", "src=", "href=", "url(", "@import", "<link", "<script", "style=\""] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(policy().starts_with("default-src 'none'; style-src 'sha256-"));
        let start = page.find("<style>").unwrap() + 7;
        let style = &page[start..page.find("</style>").unwrap()];
        let own = STANDARD.encode(digest(&SHA256, style.as_bytes()).as_ref());
        assert!(policy().contains(&own), "the style of the page is the one the policy allows");
    }

    #[test]
    fn the_language_is_that_asked_for() {
        let mut both = report("x");
        both.headline = Text::new("核对结果", "Result");
        assert!(
            html("vf_1", &both, Lang::Zh).contains("核对结果") && !html("vf_1", &both, Lang::Zh).contains("Result")
        );
        assert!(text("vf_1", &both, Lang::En).contains("Result"));
    }
}
