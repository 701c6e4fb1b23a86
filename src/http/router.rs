//! The one list of routes, and the `OpenAPI` document made from it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue};
use axum::response::IntoResponse;
use axum::routing::get;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::front::Hub;
use super::problem::Problem;
use super::unread::TellingUnread;
use super::{
    access_log, adapters, alerts, approvals, authorisations, case_events, catalogue, events, notices, oauth, policies,
    report, samples, usage, verifications,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Hedui 居民家庭经济状况核对",
        description = "One question about one household to every department, one income-and-assets verdict with its reasons and evidence. 就一户家庭向各部门提出一个问题，得到一份附理由和证据的收入财产核对结论。",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "tokens", description = "Access tokens, and what callers must know to get one 访问令牌"),
        (name = "verifications", description = "Verifications of households 家庭核对"),
        (name = "authorisations", description = "Households' authorisations 核对授权书"),
        (name = "adapters", description = "The registry of adapters, and the catalogue 适配器登记与目录"),
        (name = "approvals", description = "Changes that need two persons 两人批准"),
        (name = "access-log", description = "The access log, for security officers 访问日志（安全审计员）"),
        (name = "alerts", description = "What the rules found in the access log 预警"),
        (name = "samples", description = "Double-random samples of the access log 双随机抽查"),
        (name = "adapters", description = "Departments' adapters 部门适配器"),
        (name = "policies", description = "Policy packs: every figure with its source 政策包"),
    ),
)]
struct Document;

fn routes() -> OpenApiRouter<Arc<Hub>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(oauth::token))
        .routes(routes!(oauth::server_metadata))
        .routes(routes!(oauth::resource_metadata))
        .routes(routes!(oauth::jwks))
        .routes(routes!(verifications::create))
        .routes(routes!(verifications::plan))
        .routes(routes!(verifications::show))
        .routes(routes!(verifications::refresh))
        .routes(routes!(events::follow))
        .routes(routes!(authorisations::register))
        .routes(routes!(authorisations::show, authorisations::revoke))
        .routes(routes!(notices::give))
        .routes(routes!(notices::owed))
        .routes(routes!(report::tell))
        .routes(routes!(report::replay))
        .routes(routes!(case_events::tell))
        .routes(routes!(access_log::search))
        .routes(routes!(access_log::search_person))
        .routes(routes!(access_log::entry))
        .routes(routes!(access_log::inclusion))
        .routes(routes!(access_log::consistency))
        .routes(routes!(access_log::checkpoint))
        .routes(routes!(access_log::tile))
        .routes(routes!(adapters::list, adapters::register))
        .routes(routes!(adapters::show, adapters::remove))
        .routes(routes!(adapters::health))
        .routes(routes!(adapters::transition))
        .routes(routes!(adapters::agree))
        .routes(routes!(adapters::invite))
        .routes(routes!(catalogue::show))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::show))
        .routes(routes!(approvals::decide))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::show))
        .routes(routes!(alerts::bring))
        .routes(routes!(samples::list, samples::freeze))
        .routes(routes!(samples::show))
        .routes(routes!(samples::dice))
        .routes(routes!(samples::draw))
        .routes(routes!(usage::report))
        .routes(routes!(usage::questions))
        .routes(routes!(policies::list))
        .routes(routes!(policies::show))
        .routes(routes!(policies::evaluate))
}

/// The `OpenAPI` 3.1 document of the hub.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = routes().into_openapi();
    // The router marks the rest of a path with a star; the document does not.
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("at+jwt").build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("access_token", SecurityScheme::Http(bearer));
    let invitation = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("hi_…").build();
    components.add_security_scheme("invitation", SecurityScheme::Http(invitation));
    document
}

/// The routes for callers.
pub fn router(hub: Arc<Hub>) -> Router {
    let document = openapi().to_json().expect("the OpenAPI document is JSON");
    let (router, _) = routes().split_for_parts();
    let header = |name: &'static str, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    router
        .route(
            "/openapi.json",
            get(move || async move { ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], document) }),
        )
        .fallback(async |State(hub): State<Arc<Hub>>, request: Request| hub.turn_away(&request, Problem::no_route()))
        .method_not_allowed_fallback(async |State(hub): State<Arc<Hub>>, request: Request| {
            hub.turn_away(&request, Problem::no_method())
        })
        .with_state(hub)
        // One stack of layers: the router boxes and clones each layer it is given for every request.
        .layer(
            ServiceBuilder::new()
                .layer(TellingUnread)
                .layer(header("strict-transport-security", "max-age=63072000"))
                .layer(header("x-content-type-options", "nosniff"))
                .layer(header("referrer-policy", "no-referrer"))
                .layer(header("content-security-policy", "default-src 'none'; frame-ancestors 'none'"))
                .layer(CatchPanicLayer::custom(|_| Problem::internal().into_response())),
        )
}
