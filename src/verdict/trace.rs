//! placeholder
use serde::Serialize;
use crate::domain::exact::Overflow;
use crate::policy::Parameters;
use super::facts::Facts; use super::Verdict;
/// t
#[derive(Serialize)] pub struct Trace {}
/// t
pub fn trace(_f:&Facts,_p:&Parameters,_v:&Verdict)->Result<Trace,Overflow>{Ok(Trace{})}
