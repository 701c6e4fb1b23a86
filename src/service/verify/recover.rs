//! Taking accepted verifications up again: after a crash, and after the store could not be written (promise P10).

use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::super::case::Case;
use super::super::error::ServiceError;
use super::super::kept::KeptRequest;
use super::super::request::VerificationRequest;
use super::super::running::Running;
use super::{Asker, Verifications};
use crate::domain::class::Class;
use crate::seal::Field;
use crate::store::{StoreError, VerificationRow};

impl Verifications {
    /// Takes up every verification that an earlier process accepted and did not finish (promise P10).
    /// Reads every key once, so it is for the start. Returns how many.
    pub async fn resume(self: &Arc<Self>) -> Result<usize, ServiceError> {
        let ids = self.parts.store.unfinished_verifications().await?;
        self.take_up_all(ids).await
    }

    /// Takes up again what could not be made durable in this process. Returns how many.
    pub async fn retry(self: &Arc<Self>) -> Result<usize, ServiceError> {
        let ids = std::mem::take(&mut *self.not_durable.lock().unwrap_or_else(PoisonError::into_inner));
        self.take_up_all(ids).await
    }

    async fn take_up_all(self: &Arc<Self>, ids: Vec<String>) -> Result<usize, ServiceError> {
        let mut taken = 0;
        let mut ids = ids.into_iter();
        while let Some(id) = ids.next() {
            let row = match self.parts.store.verification(&id).await {
                Ok(row) => row,
                Err(error) => {
                    let mut later = self.not_durable.lock().unwrap_or_else(PoisonError::into_inner);
                    later.extend(std::iter::once(id).chain(ids));
                    return Err(error.into());
                }
            };
            let Some(row) = row.filter(|row| row.erased_at.is_none()) else { continue };
            match self.take_up(&row) {
                Ok(_) => taken += 1,
                Err(error) => tracing::error!(verification = id, %error, "an accepted verification cannot be taken up"),
            }
        }
        Ok(taken)
    }

    /// The request of a stored verification, opened.
    pub(super) fn kept_raw(&self, row: &VerificationRow) -> Result<KeptRequest, ServiceError> {
        let key = self.parts.sealer.open_data_key(&row.id, &row.wrapped_key)?;
        let request = key.open(&row.id, Field::Request, &row.request)?;
        serde_json::from_slice(&request).map_err(|_| StoreError::Corrupt("request").into())
    }

    /// The same, parsed again.
    pub(super) fn kept(&self, row: &VerificationRow) -> Result<(KeptRequest, VerificationRequest), ServiceError> {
        let kept = self.kept_raw(row)?;
        let document = VerificationRequest::read(kept.request.get().as_bytes()).map_err(ServiceError::Invalid)?;
        let request = self.parse(document, kept.authorisation.clone()).map_err(ServiceError::Invalid)?;
        Ok((kept, request))
    }

    /// Starts an accepted verification again, unless it is running.
    pub(super) fn take_up(self: &Arc<Self>, row: &VerificationRow) -> Result<Arc<Running>, ServiceError> {
        if let Some(running) = self.running.get(&row.id) {
            return Ok(running);
        }
        let (kept, request) = self.kept(row)?;
        let key = self.parts.sealer.open_data_key(&row.id, &row.wrapped_key)?;
        let opened_at = Timestamp::from_microsecond(row.opened_at).map_err(|_| StoreError::Corrupt("time"))?;
        let pack = self.pack(&request).ok();
        let case = Case::of(request, pack, self.today(), &self.log_key);
        let asker = Asker { client: kept.client, request_id: kept.request_id };
        Ok(self.start(row.id.clone(), (asker, Class::Single), opened_at, case, key, None))
    }
}
