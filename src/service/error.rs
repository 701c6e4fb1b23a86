//! What the caller should do about it. No HTTP here.

use crate::auth::access::Denial;
use crate::domain::problem::{Finding, Text};
use crate::seal::SealError;
use crate::store::StoreError;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The request is wrong: mend it and send it again.
    #[error("the request is not valid")]
    Invalid(Vec<Finding>),
    /// The application is made outside the client's division.
    #[error("the client may not ask for this division")]
    ForeignDivision,
    /// The purpose is not one of the client's.
    #[error("the client may not ask for this purpose")]
    ForeignPurpose,
    /// No such verification, or another client's: the same answer for both (abuse case A12).
    #[error("there is no such verification")]
    NotFound,
    /// The verification has no such version; it is this client's own.
    #[error("the verification has no version {asked}; the newest is {newest}")]
    NoSuchVersion {
        /// What was asked for.
        asked: u32,
        /// The newest there is; all from 1 to this one are there.
        newest: u32,
    },
    /// No such authorisation, or another client's: the same answer for both.
    #[error("there is no such authorisation")]
    NoAuthorisation,
    /// The verification was erased: it was this client's, and nothing of it can be read any more.
    #[error("the verification was erased")]
    Erased,
    /// The authorisation was erased.
    #[error("the authorisation was erased")]
    AuthorisationErased,
    /// No notice is owed to this verification's household.
    #[error("the household of this verification is owed no notice")]
    NoNoticeOwed,
    /// The number of the authorisation stands for another one already.
    #[error("this client registered another authorisation under this number")]
    AuthorisationNumberTaken,
    /// No such entry of the access log, or one of another division: the same answer for both.
    #[error("there is no such entry of the access log")]
    NoEntry,
    /// The entry is newer than the newest signed head.
    #[error("the entry is not signed yet")]
    NotSignedYet,
    /// No such department in the catalogue.
    #[error("there is no such department")]
    NoDepartment,
    /// No such alert, one of another division, or one about the officer: the same answer for all.
    #[error("there is no such alert")]
    NoAlert,
    /// The alert is not in a state from which this is possible.
    #[error("the alert is closed, or was asked about already")]
    AlertState,
    /// A second person must agree, and this is the first one again.
    #[error("a second person must agree")]
    FourEyes,
    /// No such sample, or none for this officer: the same answer for both.
    #[error("there is no such sample")]
    NoSample,
    /// The sample is not at this step.
    #[error("the sample is not at this step")]
    SampleState,
    /// The signed log has not reached the size whose root the sample needs.
    #[error("the signed log has {signed} entries; the sample needs {needed}")]
    SampleTooEarly {
        /// How many it has.
        signed: u64,
        /// How many it needs.
        needed: u64,
    },
    /// The actor's role may not do this (`auth/rules.rs`).
    #[error("the actor's role may not do this")]
    WrongRole,
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyKeyReused,
    /// The verification has not come to its end, so there is nothing to tell or to replay yet.
    #[error("the verification is running")]
    NotEnded,
    /// The rules that a verdict was judged by are neither in force nor kept.
    #[error("the pack of this verdict is neither in force for its place and date nor kept")]
    PackChanged,
    /// The pack that the verification asked for by name is not in force on the day asked about.
    #[error("the pack asked for by name is not in force on that day")]
    NoSuchPackThen(Text),
    /// What must be durable cannot be made durable now: ask again.
    #[error("the store cannot be written")]
    Store(#[from] StoreError),
    /// A stored body does not open: the sealing key was changed.
    #[error("a stored verification cannot be opened")]
    Seal(#[from] SealError),
    /// The hub is stopping.
    #[error("the hub is stopping")]
    Stopping,
}

impl From<Denial> for ServiceError {
    fn from(denial: Denial) -> Self {
        match denial {
            // Whoever knows what was gone beyond says so (`service/adapters/own.rs`).
            Denial::Role | Denial::Beyond => Self::WrongRole,
            Denial::Division => Self::ForeignDivision,
            Denial::Purpose => Self::ForeignPurpose,
            Denial::Absent => Self::NotFound,
        }
    }
}
