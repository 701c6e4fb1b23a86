//! `/v1/catalogue`: what the departments provide, and how each stands now.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::access_log::json;
use super::front::{Hub, Takes};
use super::problem::Problem;
use crate::auth::access::Action;
use crate::service::adapters::CatalogueView;
use crate::service::peers::HubView;

/// The catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Catalogue)]
pub(super) struct CatalogueDocument {
    /// The departments, in the order of the catalogue.
    departments: Vec<CatalogueView>,
    /// The hubs of other regions, each with the divisions that its departments answer for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hubs: Vec<HubView>,
}

/// The catalogue of departments.
///
/// Each with its datasets, how fresh they are, whom to call, its notice, its state, and the conformance it was let on with.
#[utoipa::path(
    get, path = "/v1/catalogue", tag = "adapters",
    responses(
        (status = 200, description = "The departments", body = CatalogueDocument),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "One request too many", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn show(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::ReadCatalogue, None, async |_| {
        let hubs = HubView::all(hub.verifications.federation());
        json(&CatalogueDocument { departments: hub.adapters.catalogue(), hubs })
    })
    .await
}
