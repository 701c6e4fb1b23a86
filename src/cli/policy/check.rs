//! `hedui policy check`: every mistake of a folder of packs in one run, and the cases inside the packs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::civil::Date;
use serde::Serialize;

use super::cases;
use crate::cli::{Global, Lang};
use crate::domain::dataset::Catalogue;
use crate::policy::Fault;
use crate::policy::check::{Checked, check};
use crate::policy::packs::Packs;

/// What to check.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  hedui policy check config/policies
  hedui policy check config/policies/152202/2025-01-01.toml --on 2025-03-15

A folder holds <division code>/<effective date>[.<variant>].toml; a file is checked within the folder it stands in,
and only what it brings about is told. Without PATH the shipped packs are checked. Exit code 0: no error (there may be
warnings); 1: errors, failed cases, or warnings with --deny-warnings; 3: PATH cannot be read. The codes are listed in
docs/policy-parameters.md, the way to write a pack in docs/guides/policy-packs.md.")]
pub struct Args {
    /// Folder of packs, or one file of it; the shipped packs when absent.
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// The day on which rules may be ending and places lack standards. When absent: today in China, or the first
    /// day of a file that begins later.
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
    /// Fail on warnings too.
    #[arg(long)]
    deny_warnings: bool,
    /// Tell of errors only.
    #[arg(long, conflicts_with = "deny_warnings")]
    errors_only: bool,
    /// Catalogue of departments for the cases inside packs; the shipped one when absent.
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report<'a> {
    on: Date,
    files: usize,
    figures: &'a std::collections::BTreeMap<&'static str, usize>,
    references: usize,
    cases: usize,
    errors: usize,
    warnings: usize,
    faults: &'a [Fault],
}

/// Checks, and writes what there is to say.
pub fn run(args: &Args, global: &Global, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let (folder, file) = folder_and_file(args.path.as_deref())?;
    let on = args.on.unwrap_or_else(|| first_look(file.as_deref(), super::today()));
    let catalogue = match &args.catalogue {
        None => Catalogue::shipped(),
        Some(path) => Catalogue::parse(&std::fs::read_to_string(path)?)?,
    };
    let mut checked = check(Packs::read(folder.as_deref(), None), on);
    let cases = cases::run(&checked.packs, &catalogue, &mut checked.faults);
    checked.faults.sort_by(|left, right| (&left.file, left.line).cmp(&(&right.file, right.line)));
    if let (Some(folder), Some(file)) = (&folder, &file) {
        // What concerns a file stands in it, or is told of another only because the file is there.
        let mut without = check(Packs::read_without(folder, file), on);
        cases::run(&without.packs, &catalogue, &mut without.faults);
        let was_there = |fault: &Fault| {
            let place = |fault: &Fault| (fault.code, fault.file.clone(), fault.line, fault.key.clone());
            without.faults.iter().any(|other| place(other) == place(fault))
        };
        checked.faults.retain(|fault| *fault.file == **file || !was_there(fault));
    }
    let errors = checked.faults.iter().filter(|fault| fault.is_error()).count();
    let warnings = checked.faults.len() - errors;
    if args.errors_only {
        checked.faults.retain(Fault::is_error);
    }
    if global.json {
        let Checked { faults, files, figures, references, .. } = &checked;
        let (files, references) = (*files, *references);
        let report = Report { on, files, figures, references, cases, errors, warnings, faults };
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        tell(out, &checked, cases, (errors, warnings), on, global.lang())?;
    }
    let is_refused = errors > 0 || args.deny_warnings && warnings > 0;
    Ok(ExitCode::from(u8::from(is_refused)))
}

/// The day to look at a file: a standard to come is looked at from its first day, when there is something to lack.
fn first_look(file: Option<&str>, today: Date) -> Date {
    let first = file.and_then(|file| file.rsplit('/').next()?.get(..10)?.parse().ok());
    first.map_or(today, |first: Date| first.max(today))
}

/// The folder to read, and the one file of it that is meant.
fn folder_and_file(path: Option<&Path>) -> anyhow::Result<(Option<PathBuf>, Option<String>)> {
    let Some(path) = path else { return Ok((None, None)) };
    // What is not there is no mistake in a pack: say so as every command does.
    let metadata =
        std::fs::metadata(path).map_err(|error| anyhow::Error::new(error).context(path.display().to_string()))?;
    if metadata.is_dir() {
        return Ok((Some(path.to_owned()), None));
    }
    let absolute = std::path::absolute(path)?;
    let folder = absolute.parent().and_then(Path::parent).unwrap_or(Path::new("/")).to_owned();
    let parts: Vec<_> = absolute.iter().rev().take(2).map(|part| part.to_string_lossy()).collect();
    Ok((Some(folder), Some(parts.into_iter().rev().collect::<Vec<_>>().join("/"))))
}

fn tell(
    out: &mut impl Write,
    checked: &Checked,
    cases: usize,
    (errors, warnings): (usize, usize),
    on: Date,
    lang: Lang,
) -> std::io::Result<()> {
    for fault in &checked.faults {
        let text = fault.text();
        writeln!(out, "{}", lang.pick(&text.zh, &text.en))?;
    }
    if !checked.faults.is_empty() {
        writeln!(out)?;
    }
    let by_status: Vec<String> = checked.figures.iter().map(|(status, count)| format!("{count} {status}")).collect();
    let (files, references, by_status) = (checked.files, checked.references, by_status.join(", "));
    match lang {
        Lang::Zh => {
            writeln!(out, "{files} 个文件；参数数字：{by_status}；参考数字 {references} 个；自带案例 {cases} 个")?;
            writeln!(out, "截至 {on}：{errors} 个错误，{warnings} 个警告")
        }
        Lang::En => {
            let (files, cases) = (counted(files, "file"), counted(cases, "case"));
            let references = counted(references, "reference figure");
            writeln!(out, "{files}; figures: {by_status}; {references}; {cases}")?;
            let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
            writeln!(out, "as of {on}: {errors}, {warnings}")
        }
    }
}

/// `1 error`, `2 errors`.
fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_on(path: Option<PathBuf>, on: &str, json: bool) -> (String, ExitCode) {
        let args =
            Args { path, on: Some(on.parse().unwrap()), deny_warnings: false, errors_only: false, catalogue: None };
        let mut out = Vec::new();
        let code = run(&args, &Global { json, lang: Some(Lang::En) }, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), code)
    }

    fn changed(from: &str, to: &str) -> (tempfile::TempDir, PathBuf) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/policies");
        let dir = tempfile::tempdir().unwrap();
        for folder in std::fs::read_dir(root).unwrap().flatten() {
            let target = dir.path().join(folder.file_name());
            std::fs::create_dir(&target).unwrap();
            for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
                std::fs::copy(file.path(), target.join(file.file_name())).unwrap();
            }
        }
        let path = dir.path().join("152201/2024-01-01.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        (dir, path)
    }

    #[test]
    fn the_shipped_packs_pass_with_their_cases() {
        let (out, code) = run_on(None, "2025-03-15", true);
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&report["errors"], code), (&0.into(), ExitCode::SUCCESS), "{report:#}");
        assert!(report["cases"].as_u64().unwrap() >= 4, "{}", report["cases"]);
        assert_eq!(report["figures"]["unstated"], serde_json::Value::Null);
    }

    #[test]
    fn a_case_that_fails_under_a_changed_figure_is_told_with_field_and_line() {
        let (dir, path) = changed("\"829.00\"", "\"830.00\"");
        let (out, code) = run_on(Some(dir.path().to_owned()), "2025-03-15", false);
        assert_eq!(code, ExitCode::from(1));
        let told = out.lines().find(|line| line.contains("error[case_failed]")).unwrap_or_default();
        assert!(told.starts_with("152201/2024-01-01.toml:"), "{out}");
        assert!(told.contains("household_circle"), "{told}");
        let (out, _) = run_on(Some(path), "2025-03-15", false);
        assert!(
            out.lines().filter(|line| line.contains('[')).all(|line| line.starts_with("152201/2024-01-01.toml")),
            "{out}"
        );
    }

    #[test]
    fn what_a_file_brings_about_in_others_is_told_with_it() {
        let (dir, _) = changed("year = 2024\n", "year = 2024\nto = \"2025-12-31\"\n");
        let path = dir.path().join("152201/2025-01-01.toml");
        let text = "[pack]\ndivision = \"152201\"\neffective_from = \"2025-01-01\"\nplace_zh = \"乌兰浩特市\"\n[[parameter]]\n\
                    field = \"dibao_standard\"\nurban_rural = \"URBAN\"\nvalue = { amount = \"860.00\", period = \"MONTH\" }\n\
                    status = \"verified\"\nsource = \"a notice\"\n";
        std::fs::write(&path, text).unwrap();
        let (out, _) = run_on(Some(path), "2025-03-15", false);
        let told: Vec<&str> = out.lines().filter(|line| line.contains("152201/2024-01-01.toml:")).collect();
        assert!(told.iter().any(|line| line.contains("warning[period_overlap]")), "{out}");
        // The cases of the older file are of the older standard: the new one breaks them.
        assert!(told.iter().any(|line| line.contains("error[case_failed]")), "{out}");
        assert!(!out.contains("152900"), "what was so before is not told: {out}");
    }

    #[test]
    fn a_file_to_come_is_looked_at_on_its_first_day() {
        let today = "2026-11-26".parse().unwrap();
        let day = |file| first_look(file, today).to_string();
        assert_eq!(day(Some("152221/2026-12-01.toml")), "2026-12-01");
        assert_eq!(day(Some("152221/2026-12-01.trial.toml")), "2026-12-01");
        assert_eq!(day(Some("152221/2025-01-01.toml")), "2026-11-26");
        assert_eq!(day(Some("152221/十二月起的标准.toml")), "2026-11-26");
        assert_eq!(day(None), "2026-11-26");
    }

    #[test]
    fn a_case_that_cannot_be_read_is_told_where() {
        let (dir, _) = changed("income_stability = \"STABLE\"", "income_stability = \"STEADY\"");
        let (out, code) = run_on(Some(dir.path().to_owned()), "2025-03-15", false);
        let told = out.lines().find(|line| line.contains("error[case_invalid]")).unwrap_or_default();
        assert!(told.contains("household.income_stability"), "{out}");
        assert_eq!(code, ExitCode::from(1));
    }

    #[test]
    fn what_is_not_there_is_told_as_a_file_and_not_as_a_pack() {
        let args =
            Args { path: Some("/nowhere".into()), on: None, deny_warnings: false, errors_only: false, catalogue: None };
        let error = run(&args, &Global { json: false, lang: None }, &mut Vec::new()).unwrap_err();
        assert_eq!(crate::cli::exit_code_of(&error), ExitCode::from(3));
    }
}
