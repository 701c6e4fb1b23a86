//! Problems of the registry: why an adapter is not registered, not brought on, or a change is not made.

use axum::http::StatusCode;

use super::problem::Problem;
use crate::domain::problem::Text;
use crate::service::adapters::AdapterFault;
use crate::service::adapters::registering::RegistrationFault;
use crate::service::clients::ClientsError;
use crate::service::error::ServiceError;

/// Why a change of the registry is refused.
pub(super) fn refused(fault: &AdapterFault) -> Problem {
    let (status, zh, en) = match fault {
        AdapterFault::Unknown => (StatusCode::NOT_FOUND, "没有这个适配器。", "There is no such adapter."),
        AdapterFault::Beyond(_) => (
            StatusCode::FORBIDDEN,
            "部门不能单独这样做，未作任何处理。",
            "A department cannot do this by itself; nothing was done.",
        ),
        AdapterFault::Report(_)
        | AdapterFault::Notice
        | AdapterFault::Agreement(_)
        | AdapterFault::Department
        | AdapterFault::Invitation => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "请求内容有误，未作任何处理。",
            "The request is not valid; nothing was done.",
        ),
        AdapterFault::ByFile
        | AdapterFault::Illegal(_)
        | AdapterFault::Other { .. }
        | AdapterFault::NobodyToAgree
        | AdapterFault::NotSustained(_)
        | AdapterFault::ChangedSince
        | AdapterFault::Closed => {
            (StatusCode::CONFLICT, "现在不能这样做，未作任何处理。", "This cannot be done now; nothing was done.")
        }
    };
    Problem::new(status, fault.code(), Text::new(zh, en), fault.text())
}

/// Why a change that anybody asked for is refused, in the words of who knows.
pub(super) fn not_made(why: Text) -> Problem {
    let title = Text::new("变更未作出。", "The change was not made.");
    Problem::new(StatusCode::CONFLICT, "change_refused", title, why)
}

/// What is not there.
pub(super) fn no_proposal() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        Text::new("没有这项变更。", "There is no such change."),
        Text::new("全部变更见 /v1/approvals。", "The changes are listed at /v1/approvals."),
    )
}

/// Why an adapter is not registered.
pub(super) fn not_registered(fault: RegistrationFault) -> Problem {
    match fault {
        RegistrationFault::Invitation => no_invitation(),
        RegistrationFault::TooMany => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_registrations",
            Text::new("登记失败次数过多。", "Too many registrations failed."),
            Text::new("请在十分钟后重试。", "Try again in ten minutes."),
        )
        .retryable_after(600),
        RegistrationFault::Invalid(findings) => Problem::of(ServiceError::Invalid(findings)),
        RegistrationFault::Adapter(fault) => refused(&fault),
        RegistrationFault::Store(error) => Problem::of(error.into()),
    }
}

/// No invitation, or one that is not good: the same answer for all, whatever is wrong with it.
pub(super) fn no_invitation() -> Problem {
    let mut problem = Problem::new(
        StatusCode::UNAUTHORIZED,
        "invalid_invitation",
        Text::new("邀请码无效、已使用或已过期。", "The invitation is not good: unknown, used, or too old."),
        Text::new(
            "请向平台运维人员索取新的邀请码，并以 Authorization: Bearer <邀请码> 发送。",
            "Ask the hub's operator for another one, and send it as Authorization: Bearer <code>.",
        ),
    );
    problem.challenge = Some("");
    problem
}

/// What could not be made durable, or read.
pub(super) fn failed(error: ClientsError) -> Problem {
    match error {
        ClientsError::Store(error) => Problem::of(error.into()),
        error => {
            tracing::error!(%error, "a change could not be made");
            Problem::internal()
        }
    }
}
