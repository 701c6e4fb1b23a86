//! What stood in a command's way, told in the language of the one who typed it.

use std::path::Path;

use anyhow::Context;

use super::Lang;
use crate::app::StartError;
use crate::config::ConfigError;
use crate::domain::problem::Text;
use crate::service::sealing::SealingError;

/// Why a command cannot go on: what, where, and how to mend it.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.en)]
pub(super) struct Obstacle(Text);

impl Obstacle {
    /// An obstacle in both languages.
    pub(super) fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self(Text::new(zh, en))
    }
}

/// Reads a file that a command was given. `what` names it in both languages.
pub(super) fn read(file: &Path, what: (&str, &str)) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| unreadable(file, what))
}

fn unreadable(file: &Path, what: (&str, &str)) -> Obstacle {
    let path = file.display();
    Obstacle::new(
        format!("{} {path} 无法读取；请检查路径和权限", what.0),
        format!("the {} {path} cannot be read; check the path and its permissions", what.1),
    )
}

/// Says so where a file that a command needs is not there, before anything makes an empty one in its place.
pub(super) fn is_there(file: &Path, what: (&str, &str)) -> anyhow::Result<()> {
    std::fs::File::open(file).map(drop).with_context(|| unreadable(file, what))
}

/// The same, as text.
pub(super) fn read_text(file: &Path, what: (&str, &str)) -> anyhow::Result<String> {
    String::from_utf8(read(file, what)?).map_err(|_| {
        let path = file.display();
        Obstacle::new(format!("{} {path} 不是 UTF-8 文本", what.0), format!("the {} {path} is not UTF-8 text", what.1))
            .into()
    })
}

/// The error of a command, in a language where it is known in both; the cause behind it is told as the system says it.
pub fn told(error: &anyhow::Error, lang: Lang) -> String {
    if let Some(Obstacle(text)) = error.downcast_ref() {
        let told = lang.pick(&text.zh, &text.en);
        let cause = error.root_cause();
        return if cause.is::<Obstacle>() { told.to_owned() } else { format!("{told}: {cause}") };
    }
    let texts = [
        error.downcast_ref::<StartError>().map(StartError::text),
        error.downcast_ref::<SealingError>().map(SealingError::text),
        error.downcast_ref::<ConfigError>().map(ConfigError::text),
    ];
    let known = texts.into_iter().flatten().next();
    known.map_or_else(|| format!("{error:#}"), |text| lang.pick(&text.zh, &text.en).to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_missing_file_is_told_in_the_language_asked_for_with_its_cause() {
        let error = read_text(Path::new("/nowhere/manifest.json"), ("清单", "manifest")).unwrap_err();
        let (zh, en) = (told(&error, Lang::Zh), told(&error, Lang::En));
        assert!(zh.starts_with("清单 /nowhere/manifest.json 无法读取；请检查路径和权限: "), "{zh}");
        assert!(en.starts_with("the manifest /nowhere/manifest.json cannot be read"), "{en}");
        let alone = Obstacle::new("没有", "there is none").into();
        assert_eq!((told(&alone, Lang::Zh), told(&alone, Lang::En)), ("没有".to_owned(), "there is none".to_owned()));
    }
}
