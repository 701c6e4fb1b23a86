//! placeholder
use super::Verdict;
use super::facts::Facts;
use crate::domain::exact::Overflow;
use crate::policy::Parameters;
use serde::Serialize;
/// t
#[derive(Serialize)]
pub struct Trace {}
/// t
pub fn trace(_f: &Facts, _p: &Parameters, _v: &Verdict) -> Result<Trace, Overflow> {
    Ok(Trace {})
}
