//! Effective parameters as they are kept beside the verdicts that rest on them, so that a verdict can be
//! replayed when the pack's file is long another one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::parameters::{Parameters, Provenance, RulesError};
use super::values::{FIELDS, Values};
use crate::domain::household::Place;

/// The kept form. Members are only ever added to it.
#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    title: String,
    place: Place,
    values: Values,
    sources: BTreeMap<String, Provenance>,
}

/// Why kept parameters cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// Not of the form this program writes.
    #[error("kept parameters: {0}")]
    Syntax(#[from] serde_json::Error),
    /// Not a complete set of rules for this program.
    #[error("kept parameters: {0}")]
    Rules(#[from] RulesError),
    /// Their digest is not the one they are kept under: they were altered, or this program reads them differently.
    #[error("kept parameters do not give their digest any more")]
    Digest,
}

impl Parameters {
    /// The parameters as JSON, to be kept under their [`Parameters::digest`].
    pub fn to_kept(&self) -> String {
        let sources = self.figures().map(|figure| (figure.field.to_owned(), figure.provenance.clone())).collect();
        let kept = Kept {
            name: self.name().to_owned(),
            title: self.title().to_owned(),
            place: self.place(),
            values: self.values().clone(),
            sources,
        };
        serde_json::to_string(&kept).expect("names, amounts and dates are JSON")
    }

    /// The parameters that were kept under this digest.
    pub fn from_kept(text: &str, digest: &str) -> Result<Self, KeptError> {
        let kept: Kept = serde_json::from_str(text)?;
        let sources = kept
            .sources
            .into_iter()
            .filter_map(|(name, source)| Some((*FIELDS.iter().find(|field| **field == name)?, source)))
            .collect();
        let parameters = Self::new(kept.name, kept.title, kept.place, kept.values, sources)?;
        if parameters.digest() == digest { Ok(parameters) } else { Err(KeptError::Digest) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::division::DivisionCode;
    use crate::domain::household::UrbanRural;
    use crate::policy::Packs;

    fn ulanhot() -> std::sync::Arc<Parameters> {
        let place = Place { division_code: DivisionCode::parse("152201").unwrap(), urban_rural: UrbanRural::Urban };
        Packs::shipped().effective(place, date(2025, 3, 15), None).unwrap()
    }

    #[test]
    fn kept_parameters_are_the_same_to_source_and_date() {
        let parameters = ulanhot();
        let again = Parameters::from_kept(&parameters.to_kept(), parameters.digest()).unwrap();
        // All but the line a figure stands in, which is told to whoever edits the file and kept nowhere.
        assert_eq!((again.rules(), again.digest()), (parameters.rules(), parameters.digest()));
        assert_eq!(again.to_kept(), parameters.to_kept());
    }

    #[test]
    fn altered_parameters_do_not_give_their_digest() {
        let parameters = ulanhot();
        let altered = parameters.to_kept().replace("829.00", "929.00");
        assert!(matches!(Parameters::from_kept(&altered, parameters.digest()), Err(KeptError::Digest)));
        assert!(matches!(Parameters::from_kept("{}", parameters.digest()), Err(KeptError::Syntax(_))));
    }
}
