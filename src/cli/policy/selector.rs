//! Which pack is meant: `PLACE@DATE`, or a file, laid over the packs there are.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::civil::Date;

use crate::cli::Global;
use crate::domain::division::DivisionCode;
use crate::domain::household::{Place, UrbanRural};
use crate::policy::{Effective, Packs};

/// How a pack is named on the command line.
pub const HELP: &str = "\
A pack is PLACE@DATE, such as 152201@2025-03-15, PLACE@DATE#NAME for a variant, or a FILE of a pack, which is laid
over the packs there are (the shipped ones, or --packs) and taken on its first day; FILE@DATE takes another day.";

/// A pack as named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// What holds at a place on a day.
    At {
        /// The place.
        division: DivisionCode,
        /// The day.
        on: Date,
        /// The variant.
        variant: Option<String>,
    },
    /// What holds at the place of a file.
    File {
        /// The file.
        path: PathBuf,
        /// The day; the file's first one when absent.
        on: Option<Date>,
    },
}

impl FromStr for Selector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (text, variant) = match text.rsplit_once('#') {
            Some((text, variant)) if !variant.is_empty() => (text, Some(variant.to_owned())),
            _ => (text, None),
        };
        let (before, on) = match text.rsplit_once('@').map(|(before, day)| (before, day.parse::<Date>())) {
            Some((before, Ok(on))) => (before, Some(on)),
            Some((before, Err(_))) if DivisionCode::parse(before).is_ok() => {
                return Err(format!("`{text}`: what follows @ is a day, such as {before}@2025-03-15"));
            }
            _ => (text, None),
        };
        match (DivisionCode::parse(before), on) {
            (Ok(division), Some(on)) => Ok(Self::At { division, on, variant }),
            (Ok(_), None) => Err(format!("`{text}` names no day: write {text}@2025-03-15")),
            (Err(_), _) if variant.is_some() => {
                Err("#NAME goes with PLACE@DATE; a file says its variant itself".to_owned())
            }
            (Err(_), on) => Ok(Self::File { path: before.into(), on }),
        }
    }
}

/// A selected pack, ready to be looked at side by side.
#[derive(Debug)]
pub struct Selected {
    /// The packs it is one of.
    pub packs: Arc<Packs>,
    /// The place.
    pub division: DivisionCode,
    /// The day.
    pub on: Date,
    /// The variant.
    pub variant: Option<String>,
    /// As it was named.
    pub label: String,
}

impl Selected {
    /// Finds what a selector means, in the packs of `base` or the shipped ones.
    pub fn find(selector: &Selector, base: Option<&Path>, global: &Global) -> anyhow::Result<Self> {
        match selector {
            Selector::At { division, on, variant } => {
                let packs = match base {
                    Some(dir) => super::usable(Packs::load(dir), global)?,
                    None => Packs::shipped(),
                };
                let label = match variant {
                    Some(variant) => format!("{division}@{on}#{variant}"),
                    None => format!("{division}@{on}"),
                };
                Ok(Self { packs: Arc::new(packs), division: *division, on: *on, variant: variant.clone(), label })
            }
            Selector::File { path, on } => {
                std::fs::metadata(path).with_context(|| path.display().to_string())?;
                let (packs, overlay) = super::usable(Packs::load_over(base, path), global)?;
                let on = on.unwrap_or(overlay.effective_from);
                Ok(Self {
                    packs: Arc::new(packs),
                    division: overlay.division,
                    on,
                    variant: overlay.variant,
                    label: format!("{}@{on}", path.display()),
                })
            }
        }
    }

    /// The place on one side.
    pub const fn place(&self, urban_rural: UrbanRural) -> Place {
        Place { division_code: self.division, urban_rural }
    }

    /// What holds on one side, complete or not.
    pub fn effective(&self, side: UrbanRural, global: &Global) -> anyhow::Result<Effective> {
        self.packs.effective_figures(self.place(side), self.on, self.variant.as_deref()).map_err(|unavailable| {
            let text = unavailable.text();
            anyhow::anyhow!("{}: {}", self.label, global.lang().pick(&text.zh, &text.en))
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_selector_is_a_place_on_a_day_or_a_file() {
        let at = |text: &str| text.parse::<Selector>();
        let division = DivisionCode::parse("152201").unwrap();
        let on = date(2025, 3, 15);
        assert_eq!(at("152201@2025-03-15"), Ok(Selector::At { division, on, variant: None }));
        let variant = Some("IM_2024".to_owned());
        assert_eq!(at("152201@2025-03-15#IM_2024"), Ok(Selector::At { division, on, variant }));
        assert_eq!(at("a/b.toml"), Ok(Selector::File { path: "a/b.toml".into(), on: None }));
        assert_eq!(at("a@b.toml@2025-03-15"), Ok(Selector::File { path: "a@b.toml".into(), on: Some(on) }));
        for (wrong, says) in
            [("152201", "152201@2025-03-15"), ("152201@yesterday", "is a day"), ("a.toml#X", "a file says")]
        {
            assert!(at(wrong).unwrap_err().contains(says), "{wrong}");
        }
    }
}
