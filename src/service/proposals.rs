//! Changes that need two persons, as they are shown to those who may agree to them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::changes::{Change, Operations};
use crate::store::{DecisionRow, ProposalRow, StoreError};

/// A change that needs two persons.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Proposal)]
pub struct ProposalView {
    /// Its id.
    pub id: String,
    /// What it changes, in a word.
    pub change: String,
    /// What it changes, word by word; where one is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub body: Option<Value>,
    /// SHA-256 of the canonical body, hexadecimal: what is signed.
    pub digest: String,
    /// `waiting`, `made`, `refused` or `expired`.
    pub state: String,
    /// Who entered it.
    pub proposed_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub proposed_at: Timestamp,
    /// Until when it can be agreed to.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// What was said of it.
    pub decisions: Vec<DecisionView>,
}

/// What one person said of a change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decision)]
pub struct DecisionView {
    /// The person's client id.
    pub person: String,
    /// Whether they agree.
    pub agrees: bool,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl Operations {
    /// The newest 200 changes.
    pub async fn proposals(&self) -> Result<Vec<ProposalView>, StoreError> {
        let mut views = Vec::new();
        for row in self.store.proposals().await? {
            let said = self.store.decisions(&row.id).await?;
            views.push(self.view(&row, &said, false)?);
        }
        Ok(views)
    }

    /// One change, word by word.
    pub async fn proposal(&self, id: &str) -> Result<Option<ProposalView>, StoreError> {
        let Some(row) = self.store.proposal(id).await? else { return Ok(None) };
        let said = self.store.decisions(id).await?;
        self.view(&row, &said, true).map(Some)
    }

    fn view(&self, row: &ProposalRow, said: &[DecisionRow], with_body: bool) -> Result<ProposalView, StoreError> {
        let corrupt = |_| StoreError::Corrupt("change");
        let instant = |at| Timestamp::from_microsecond(at).map_err(|_| StoreError::Corrupt("change"));
        let expires_at = instant(row.expires_at)?;
        let state = match &row.ended {
            Some((how, _)) => how.clone(),
            None if expires_at <= self.approvals.now() => "expired".to_owned(),
            None => "waiting".to_owned(),
        };
        let change: Result<Change, _> = serde_json::from_str(&row.body);
        let decision = |row: &DecisionRow| {
            Ok(DecisionView { person: row.person.clone(), agrees: row.agrees, at: instant(row.decided_at)? })
        };
        Ok(ProposalView {
            id: row.id.clone(),
            change: change.map_or_else(|_| "?".to_owned(), |change| change.told()),
            body: if with_body { Some(serde_json::from_str(&row.body).map_err(corrupt)?) } else { None },
            digest: row.digest.clone(),
            state,
            proposed_by: row.proposed_by.clone(),
            proposed_at: instant(row.proposed_at)?,
            expires_at,
            decisions: said.iter().map(decision).collect::<Result<_, StoreError>>()?,
        })
    }
}
