//! How urgent a question is: a person waits for it, a batch works through many, or the hub itself asks again.

/// Whose turn it is when not everybody can be served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// A caseworker waits for one household.
    #[default]
    Single,
    /// One of many households that are worked through.
    Batch,
    /// The hub asks again by itself; nobody waits.
    Background,
}

impl Class {
    /// Its name in metrics and settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Batch => "batch",
            Self::Background => "background",
        }
    }
}
