//! What is wrong with a command line, in the language that is asked for: the reader of arguments speaks English only.

use std::io::Write as _;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::error::Lang;

/// The language of a command line that could not be read: what it says itself, else what the environment does.
pub fn language(arguments: &[String], environment: Option<&str>, locale: Lang) -> Lang {
    let mut said = None;
    for (place, argument) in arguments.iter().enumerate() {
        let value = match argument.strip_prefix("--lang") {
            Some("") => arguments.get(place + 1).map(String::as_str),
            Some(value) => value.strip_prefix('='),
            None => None,
        };
        said = value.or(said);
    }
    match said.or(environment) {
        Some("zh") => Lang::Zh,
        Some("en") => Lang::En,
        _ => locale,
    }
}

/// Says what is wrong with a command line, or gives the help that was asked for.
pub fn refused(error: &clap::Error, lang: Lang) -> ExitCode {
    let told = (lang == Lang::Zh).then(|| chinese(error)).flatten();
    match told {
        // Nobody is left to tell when this cannot be written.
        Some(told) => drop(writeln!(std::io::stderr().lock(), "{told}")),
        None => drop(error.print()),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// An error in Chinese; `None` for what is no error (help, version) and for what has no words here.
fn chinese(error: &clap::Error) -> Option<String> {
    let one = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join("、")),
        Some(ContextValue::StyledStr(text)) => Some(text.to_string()),
        Some(ContextValue::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let argument = one(ContextKind::InvalidArg).unwrap_or_default();
    let value = one(ContextKind::InvalidValue).unwrap_or_default();
    let meant = |kind: ContextKind| one(kind).map_or_else(String::new, |meant| format!("；是不是 {meant}？"));
    let what = match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => format!("{argument} 后面没有值"),
        ErrorKind::InvalidValue => {
            let valid = one(ContextKind::ValidValue).map_or_else(String::new, |valid| format!("，可用的有 {valid}"));
            format!("{argument} 的值 `{value}` 不可用{valid}{}", meant(ContextKind::SuggestedValue))
        }
        ErrorKind::UnknownArgument => format!("没有选项 `{argument}`{}", meant(ContextKind::SuggestedArg)),
        ErrorKind::InvalidSubcommand => {
            let command = one(ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("没有命令 `{command}`{}", meant(ContextKind::SuggestedSubcommand))
        }
        ErrorKind::MissingRequiredArgument => format!("缺少 {argument}"),
        ErrorKind::ArgumentConflict => match one(ContextKind::PriorArg) {
            Some(other) if other != argument => format!("{argument} 不能与 {other} 同用"),
            _ => format!("{argument} 只能写一次"),
        },
        ErrorKind::ValueValidation => format!("{argument} 的值 `{value}` 不合格式{}", form_of(&argument)),
        ErrorKind::NoEquals => format!("{argument} 要写成 --选项=值"),
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("{argument} 的值个数不对")
        }
        ErrorKind::MissingSubcommand => "缺少命令".to_owned(),
        ErrorKind::InvalidUtf8 => "参数不是 UTF-8 文本".to_owned(),
        _ => return None,
    };
    let usage = one(ContextKind::Usage).unwrap_or_default();
    let usage = usage.trim().trim_start_matches("Usage:").trim();
    let usage = if usage.is_empty() { String::new() } else { format!("\n用法：{usage}") };
    Some(format!("✗ [usage] {what}{usage}\n加 --help 看全部选项"))
}

/// How the value of an option is written, by the name it has in the help.
fn form_of(argument: &str) -> &'static str {
    let has = |names: &[&str]| names.iter().any(|name| argument.contains(name));
    if has(&["<FROM>", "<TO>", "<DATE>", "<DAY>", "<ON>"]) {
        "：日期写成 2025-03-01"
    } else if has(&["<LISTEN>", "<ADDRESS>"]) {
        "：地址写成 127.0.0.1:9101"
    } else if has(&["<SECONDS>", "<BYTES>", "<N>", "<S>", "<HOUSEHOLDS>", "<SEED>", "<LEVEL>"]) {
        "：写一个在范围内的整数"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use clap::{Parser, ValueEnum};

    use super::*;

    #[derive(Debug, Clone, Copy, ValueEnum)]
    enum Kind {
        Postgres,
        Mariadb,
    }

    #[derive(Debug, Parser)]
    struct Line {
        #[arg(long)]
        kind: Option<Kind>,
        #[arg(long)]
        from: Option<jiff::civil::Date>,
        #[arg(long, conflicts_with = "kind")]
        file: Option<String>,
        #[arg(long, required = true)]
        id: Option<String>,
    }

    fn told(arguments: &[&str]) -> String {
        chinese(&Line::try_parse_from([&["x"], arguments].concat()).unwrap_err()).unwrap_or_default()
    }

    #[test]
    fn what_is_wrong_with_a_command_line_is_told_in_chinese() {
        for (arguments, words) in [
            (&["--id", "a", "--kind", "oracle"][..], "`oracle` 不可用，可用的有 postgres、mariadb"),
            (&["--id", "a", "--kin", "mariadb"], "没有选项 `--kin`；是不是 --kind？"),
            (&[], "缺少 --id <ID>"),
            (&["--id", "a", "--from", "2025-13-01"], "--from <FROM> 的值 `2025-13-01` 不合格式：日期写成 2025-03-01"),
            (&["--id", "a", "--file", "f", "--kind", "mariadb"], "不能与"),
            (&["--id"], "--id <ID> 后面没有值"),
            (&["--id", "a", "--id", "b"], "--id <ID> 只能写一次"),
        ] {
            let told = told(arguments);
            assert!(told.contains(words), "{arguments:?}: {told}");
            let plain: String = told.lines().take(1).collect();
            assert!(!plain.contains("error") && !plain.contains("value"), "{told}");
        }
        assert_eq!(told(&["--help"]), "", "help is no error");
    }

    #[test]
    fn the_language_is_the_one_that_was_asked_for_last() {
        let language = |arguments: &[&str], environment| {
            let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            language(&arguments, environment, Lang::En)
        };
        assert_eq!(language(&["try", "--lang", "zh"], None), Lang::Zh);
        assert_eq!(language(&["--lang=zh", "try", "--lang", "en"], Some("zh")), Lang::En);
        assert_eq!(language(&["try"], Some("zh")), Lang::Zh);
        assert_eq!(language(&["try", "--lang"], None), Lang::En);
    }
}
