//! Problems (RFC 9457): what, where, why and how to mend it, with a stable code, in Chinese and English.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::dpop::ProofError;
use crate::auth::pressure::Overload;
use crate::auth::token::TokenError;
use crate::domain::class::Class;
use crate::domain::problem::{Finding, Text};
use crate::service::error::ServiceError;

/// The code of a request that is not let in because there is more to do than can be done.
pub(super) const OVERLOADED: &str = "overloaded";
/// The code of a proof of possession that is not accepted (RFC 9449 section 12.2).
pub(super) const PROOF_CODE: &str = "invalid_dpop_proof";

/// Why a proof of possession is not accepted, and how to mend it.
pub(super) fn proof_text(error: ProofError) -> Text {
    let zh = match error {
        ProofError::Missing => "令牌绑定了密钥：请在 DPoP 头中附上用该密钥签名的证明。",
        ProofError::Several => "DPoP 头只能出现一次。",
        ProofError::Form => "证明应为紧凑 JWS，头部 typ 为 dpop+jwt 并含公钥 jwk，不含 jku、x5u、x5c、crit、b64。",
        ProofError::Key => "jwk 应为 P-256（ES256）或 Ed25519（EdDSA）公钥，不含私钥成员。",
        ProofError::Signature => "证明不是用其 jwk 对应的私钥签名的，或 alg 与密钥不符。",
        ProofError::Claims => "jti 为 1 到 200 字节，htm、htu 为字符串，iat 为整数秒。",
        ProofError::Request => "htm 应为本次请求的方法，htu 应为本平台的 https 地址与路径。",
        ProofError::Lifetime => "证明生成已超过 60 秒，或时间在未来；请检查时钟。",
        ProofError::Token => "ath 应为本令牌的 SHA-256（base64url），且证明所用密钥应为令牌绑定的密钥。",
        ProofError::Replayed => "该证明已使用过；每次请求请生成新的 jti。",
    };
    Text::new(zh, format!("{error}."))
}

/// A problem document, `application/problem+json`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:hedui:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// Stable code.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// What happened, in English.
    pub title: String,
    /// What happened, in Chinese.
    pub title_zh: String,
    /// How to mend it.
    pub fix: Text,
    /// The request's id; it stands in the access log too.
    pub request_id: String,
    /// Sending the same again may succeed.
    pub retryable: bool,
    /// Seconds to wait before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// Every fault of the request, by JSON pointer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Finding>,
    /// What `WWW-Authenticate` says besides the scheme (RFC 6750 section 3), for problems of the token.
    #[serde(skip)]
    #[schema(ignore)]
    pub(super) challenge: Option<&'static str>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, title: Text, fix: Text) -> Self {
        Self {
            kind: format!("urn:hedui:problem:{code}"),
            code,
            status: status.as_u16(),
            title: title.en,
            title_zh: title.zh,
            fix,
            request_id: String::new(),
            retryable: false,
            retry_after_seconds: None,
            errors: Vec::new(),
            challenge: None,
        }
    }

    pub(super) fn retryable_after(mut self, seconds: u64) -> Self {
        self.retryable = true;
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// The request body is larger than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            Text::new("请求体过大。", "The request body is too large."),
            Text::new(format!("请求体不得超过 {limit} 字节。"), format!("Send at most {limit} bytes.")),
        )
    }

    /// The request body did not arrive, or broke off.
    pub fn incomplete() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_incomplete",
            Text::new("请求体没有完整到达。", "The request body did not arrive completely."),
            Text::new("请检查网络后重新发送。", "Check the connection and send the request again."),
        )
        .retryable_after(1)
    }

    /// The request body is not framed as HTTP says.
    pub fn malformed_body() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "body_malformed",
            Text::new("请求体的分块格式有误，或传输中断。", "The request body is framed wrongly, or broke off."),
            Text::new("请检查发送程序的 HTTP 实现。", "Check how the sending program frames its body (RFC 9112)."),
        )
    }

    /// The body is not declared to be of this media type.
    pub fn media_type(needed: &'static str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            Text::new("请求体的类型不受支持。", "The media type of the body is not supported."),
            Text::new(format!("请使用 Content-Type: {needed}。"), format!("Send Content-Type: {needed}.")),
        )
    }

    /// A header that cannot be used.
    pub fn header(name: &'static str, fix: Text) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_header",
            Text::new(format!("请求头 {name} 不合法。"), format!("The header {name} is not valid.")),
            fix,
        )
    }

    /// A query parameter that is not known or has a wrong value.
    pub fn query(fix: Text) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_query",
            Text::new("查询参数不合法。", "The query parameters are not valid."),
            fix,
        )
    }

    /// A path that names something that cannot be.
    pub fn path(fix: Text) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_path", Text::new("路径不合法。", "The path is not valid."), fix)
    }

    /// No route of this path.
    pub fn no_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_such_route",
            Text::new("没有这个接口。", "There is no such route."),
            Text::new("接口清单见 /openapi.json。", "The routes are listed in /openapi.json."),
        )
    }

    /// A route that does not take this method.
    pub fn no_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            Text::new("该接口不接受此方法。", "This route does not take this method."),
            Text::new("接口清单见 /openapi.json。", "The routes are listed in /openapi.json."),
        )
    }

    /// The hub failed in a way it does not know.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            Text::new("平台内部错误。", "The hub failed."),
            Text::new("请凭 request_id 联系运维人员。", "Tell the operator the request_id."),
        )
    }

    /// One request too many.
    pub fn rate_limited(retry_after_seconds: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            Text::new("请求过于频繁。", "Too many requests."),
            Text::new(
                format!("请在 {retry_after_seconds} 秒后重试；额度见 RateLimit 响应头。"),
                format!("Ask again in {retry_after_seconds} s; the limit stands in the RateLimit fields."),
            ),
        )
        .retryable_after(retry_after_seconds)
    }

    /// The hub has more to do than it can, and this request is not let in.
    pub fn overloaded(class: Class, overload: Overload) -> Self {
        let title = match overload {
            Overload::Pressed => {
                Text::new("平台繁忙，请求未受理。", "The hub has more to do than it can; the request was not let in.")
            }
            Overload::UnderWay => Text::new(
                "正在进行的核对已达上限，请求未受理。",
                "As many verifications are under way as may be; the request was not let in.",
            ),
        };
        let (fix, seconds) = match class {
            Class::Single => (
                Text::new(
                    "请稍后以相同的 Idempotency-Key 重试；成批的请求请标明 Priority: u=5，以便让单户先行。",
                    "Ask again with the same Idempotency-Key; mark requests that are one of many with Priority: u=5, so that single households go first.",
                ),
                2,
            ),
            Class::Batch | Class::Background => (
                Text::new(
                    "成批的请求让位于单户；请放慢，稍后以相同的 Idempotency-Key 重试。",
                    "Batches give way to single households; slow down and ask again with the same Idempotency-Key.",
                ),
                10,
            ),
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, OVERLOADED, title, fix).retryable_after(seconds)
    }

    /// The token is not accepted.
    pub fn unauthenticated(error: TokenError) -> Self {
        if error == TokenError::Scope {
            let mut problem = Self::new(
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                Text::new("令牌缺少其身份所需的权限。", "The token lacks the scope of its role."),
                Text::new(
                    "请申请含其身份权限的令牌：经办 verification，审计 access_log，运维 operations，授权管理 administration。",
                    "Ask the issuer for a token with the scope of its role: verification for caseworkers, access_log for officers, operations for operators, administration for administrators.",
                ),
            );
            problem.challenge = Some(", error=\"insufficient_scope\"");
            return problem;
        }
        if let TokenError::Proof(error) = error {
            let title = Text::new("持钥证明（DPoP）无效。", "The proof of possession (DPoP) is not valid.");
            let mut problem = Self::new(StatusCode::UNAUTHORIZED, PROOF_CODE, title, proof_text(error));
            problem.challenge = Some(", error=\"invalid_dpop_proof\"");
            return problem;
        }
        let (title, fix) = match error {
            TokenError::Missing => (
                Text::new("请求没有携带访问令牌。", "The request has no access token."),
                Text::new("请使用 Authorization: Bearer <令牌>。", "Send Authorization: Bearer <token>."),
            ),
            TokenError::Lifetime => (
                Text::new("访问令牌已过期或尚未生效。", "The access token has expired or is not valid yet."),
                Text::new("请重新获取令牌（有效期至多 10 分钟）。", "Get a fresh token; they live at most 10 minutes."),
            ),
            TokenError::Binding => (
                Text::new(
                    "访问令牌绑定在另一张客户端证书上。",
                    "The access token is bound to another client certificate.",
                ),
                Text::new(
                    "请用领取令牌时的那张证书建立连接。",
                    "Connect with the certificate that was presented when the token was given.",
                ),
            ),
            TokenError::Scheme => (
                Text::new(
                    "访问令牌的使用方式与其绑定方式不符。",
                    "The access token is not sent in the way it is bound.",
                ),
                Text::new(
                    "绑定密钥的令牌用 Authorization: DPoP <令牌> 并附 DPoP 头；其他令牌用 Authorization: Bearer <令牌>。",
                    "A token that is bound to a key is sent as Authorization: DPoP <token> with a DPoP field; any other as Authorization: Bearer <token>.",
                ),
            ),
            _ => (
                Text::new("访问令牌无效。", "The access token is not valid."),
                Text::new(
                    "请使用已配置的签发者为本平台签发的 at+jwt 令牌。",
                    "Use an at+jwt token that a configured issuer signed for this hub.",
                ),
            ),
        };
        let mut problem = Self::new(StatusCode::UNAUTHORIZED, "invalid_token", title, fix);
        // Who sent no token is told how to send one, not that it was wrong (RFC 6750 section 3.1).
        problem.challenge = Some(if error == TokenError::Missing { "" } else { ", error=\"invalid_token\"" });
        problem
    }

    /// The one function that turns a use case's error into a problem. Internal causes are logged here, once.
    pub fn of(error: ServiceError) -> Self {
        match error {
            ServiceError::Invalid(findings) => {
                let mut problem = Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "invalid_request",
                    Text::new("请求内容有误，未作任何处理。", "The request is not valid; nothing was done."),
                    Text::new("请按 errors 逐项更正后重新发送。", "Mend what errors lists and send the request again."),
                );
                if findings.iter().any(|finding| finding.code == "json_syntax") {
                    problem.status = StatusCode::BAD_REQUEST.as_u16();
                }
                problem.errors = findings;
                problem
            }
            ServiceError::ForeignDivision => {
                let mut problem = Self::new(
                    StatusCode::FORBIDDEN,
                    "foreign_division",
                    Text::new("不得为本辖区以外的地区申请核对。", "The client may not ask for this division."),
                    Text::new(
                        "请由申请地的经办系统发起，或申请异地受理权限。",
                        "Let the system of that division ask, or apply for cross-region acceptance.",
                    ),
                );
                problem.errors = vec![Finding {
                    pointer: "/place/division_code".to_owned(),
                    code: "foreign_division",
                    detail: Text::new("超出令牌的 division_code 范围。", "outside the division_code of the token."),
                }];
                problem
            }
            ServiceError::ForeignPurpose => {
                let mut problem = Self::new(
                    StatusCode::FORBIDDEN,
                    "foreign_purpose",
                    Text::new("不得以此目的申请核对。", "The client may not ask for this purpose."),
                    Text::new("请使用已登记的核对目的。", "Use a purpose the client is registered for."),
                );
                problem.errors = vec![Finding {
                    pointer: "/purpose".to_owned(),
                    code: "foreign_purpose",
                    detail: Text::new("不在令牌的 purposes 之内。", "not among the purposes of the token."),
                }];
                problem
            }
            ServiceError::NoDepartment => Self::new(
                StatusCode::NOT_FOUND,
                "not_found",
                Text::new("没有这个部门。", "There is no such department."),
                Text::new("部门标识见目录，例如 hrss。", "The catalogue has the ids of departments, such as hrss."),
            ),
            ServiceError::NotFound => Self::new(
                StatusCode::NOT_FOUND,
                "not_found",
                Text::new("没有这项核对。", "There is no such verification."),
                Text::new(
                    "请检查编号；只能查看本系统发起的核对。",
                    "Check the id; a client sees only its own verifications.",
                ),
            ),
            ServiceError::NoSuchVersion { asked, newest } => Self::new(
                StatusCode::NOT_FOUND,
                "no_such_version",
                Text::new(format!("这项核对没有第 {asked} 版。"), format!("This verification has no version {asked}.")),
                if newest == 1 {
                    Text::new(
                        "目前只有第 1 版；不写 version 即为最新一版。",
                        "Version 1 is the only one so far; without version the newest is shown.",
                    )
                } else {
                    Text::new(
                        format!("现有第 1 至 {newest} 版；不写 version 即为最新一版。"),
                        format!("There are versions 1 to {newest}; without version the newest is shown."),
                    )
                },
            ),
            ServiceError::NoAuthorisation => Self::new(
                StatusCode::NOT_FOUND,
                "not_found",
                Text::new("没有这份授权书。", "There is no such authorisation."),
                Text::new(
                    "请检查编号；只能查看本系统登记的授权书。",
                    "Check the id; a client sees only the authorisations it registered.",
                ),
            ),
            ServiceError::Erased => Self::new(
                StatusCode::GONE,
                "erased",
                Text::new(
                    "这项核对已按留存规定或依申请销毁，内容无法恢复。",
                    "This verification was erased; nothing of it can be read any more.",
                ),
                Text::new(
                    "如仍需结论，请重新发起核对；访问日志仍记有谁在何时查询、何时销毁。",
                    "Ask for a new verification where a verdict is still needed; the access log still says who asked and when it was erased.",
                ),
            ),
            ServiceError::AuthorisationErased => Self::new(
                StatusCode::GONE,
                "erased",
                Text::new(
                    "这份授权书已按留存规定或依申请销毁，内容无法恢复。",
                    "This authorisation was erased; nothing of it can be read any more.",
                ),
                Text::new(
                    "请由家庭重新签署，以新的编号登记。",
                    "Let the household sign a new one and register it under a new number.",
                ),
            ),
            ServiceError::AuthorisationNumberTaken => Self::new(
                StatusCode::CONFLICT,
                "authorisation_number_taken",
                Text::new(
                    "这个编号已登记了另一份内容不同的授权书。",
                    "Another authorisation is registered under this number.",
                ),
                Text::new(
                    "重新签署的授权书请使用新的编号；重试请发送相同的内容。",
                    "Give a form that was signed anew a new number; send the same body to repeat a registration.",
                ),
            ),
            ServiceError::NoNoticeOwed => Self::new(
                StatusCode::CONFLICT,
                "no_notice_owed",
                Text::new("这项核对无需补办告知。", "The household of this verification is owed no notice."),
                Text::new(
                    "只有紧急情况下未经全体成员授权的核对才需要事后告知。",
                    "Only households that were looked up in an emergency without every member's signature are told afterwards.",
                ),
            ),
            ServiceError::NoEntry => Self::new(
                StatusCode::NOT_FOUND,
                "not_found",
                Text::new("访问日志中没有这一条。", "There is no such entry of the access log."),
                Text::new(
                    "请检查序号或存证编号；只能查看本辖区的记录。",
                    "Check the index or receipt; an officer sees only the entries of the own division.",
                ),
            ),
            ServiceError::NoAlert => Self::new(
                StatusCode::NOT_FOUND,
                "not_found",
                Text::new("没有这条预警。", "There is no such alert."),
                Text::new(
                    "请检查编号；只能查看本辖区且与本人无关的预警。",
                    "Check the id; an officer sees the alerts of the own division that are not about themself.",
                ),
            ),
            ServiceError::AlertState => Self::new(
                StatusCode::CONFLICT,
                "alert_state",
                Text::new("该预警已办结，或已要求说明。", "The alert is closed, or was asked about already."),
                Text::new("请重新查看预警的状态。", "Look at the alert again: its state has changed."),
            ),
            ServiceError::FourEyes => Self::new(
                StatusCode::FORBIDDEN,
                "four_eyes",
                Text::new("须由另一人办理。", "A second person must do this."),
                Text::new("请由另一名审计员以其本人的令牌办理。", "Let another officer do it, with their own token."),
            ),
            ServiceError::NoSample => Self::new(
                StatusCode::NOT_FOUND,
                "not_found",
                Text::new("没有这次抽查。", "There is no such sample."),
                Text::new(
                    "请检查编号；抽查由全国范围的审计员办理。",
                    "Check the id; samples are for officers of the whole country.",
                ),
            ),
            ServiceError::SampleState => Self::new(
                StatusCode::CONFLICT,
                "sample_state",
                Text::new("该抽查不在这一步骤。", "The sample is not at this step."),
                Text::new(
                    "顺序为冻结、第二人投骰、抽取；日志先到达约定长度而未投骰的抽查作废，请重新冻结。",
                    "The steps are freeze, dice of a second officer, draw; a sample whose size was reached before the second dice is void: freeze another one.",
                ),
            ),
            ServiceError::SampleTooEarly { signed, needed } => Self::new(
                StatusCode::CONFLICT,
                "sample_too_early",
                Text::new(
                    "日志尚未到达约定的长度，种子还不存在。",
                    "The log has not reached the size the seed is made of.",
                ),
                Text::new(
                    format!("已签名 {signed} 条，需要 {needed} 条；请稍后再抽。"),
                    format!("{signed} entries are signed and {needed} are needed; draw later."),
                ),
            )
            .retryable_after(60),
            ServiceError::NotSignedYet => Self::new(
                StatusCode::CONFLICT,
                "not_signed_yet",
                Text::new("该条尚未签名。", "The entry is not signed yet."),
                Text::new("日志头每秒签署一次，请稍后重试。", "The head is signed every second; ask again."),
            )
            .retryable_after(1),
            ServiceError::WrongRole => Self::new(
                StatusCode::FORBIDDEN,
                "wrong_role",
                Text::new("该身份不得进行此操作。", "The actor's role may not do this."),
                Text::new(
                    "核对由经办人员发起和查看，访问日志由安全审计员查看，部门只管本部门的适配器；全部规则见 docs/access-rules.md。",
                    "Caseworkers ask for and look at verifications; security officers look at the access log; departments look after their own adapters. All rules: docs/access-rules.md.",
                ),
            ),
            ServiceError::IdempotencyKeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                Text::new(
                    "这个 Idempotency-Key 已用于另一项内容不同的请求。",
                    "This Idempotency-Key was used for a request with another body.",
                ),
                Text::new(
                    "新的请求请使用新的键；重试请发送相同的内容。",
                    "Use a new key for a new request, and the same body for a retry.",
                ),
            ),
            ServiceError::NotEnded => Self::new(
                StatusCode::CONFLICT,
                "not_ended",
                Text::new("核对还没有结束。", "The verification has not ended yet."),
                Text::new("请等 /events 给出 completed 后再取。", "Wait until /events says completed, then ask again."),
            )
            .retryable_after(1),
            ServiceError::NoSuchPackThen(fix) => Self::new(
                StatusCode::CONFLICT,
                "no_such_pack_then",
                Text::new(
                    "该核对指定的政策包在所问的日期没有生效。",
                    "The pack that this verification asked for by name is not in force on that day.",
                ),
                fix,
            ),
            ServiceError::PackChanged => Self::new(
                StatusCode::CONFLICT,
                "pack_changed",
                Text::new(
                    "该结论所依据的政策包已被更改，且没有留存，无法按原规则重新生成说明；结论本身不变。",
                    "The pack this verdict rests on was changed since and was not kept; its text and trace cannot be made again. The verdict stands.",
                ),
                Text::new(
                    "请运维人员恢复原政策包，或不带 expand=report、expand=trace 查看；用 /replay 可以看到现行政策包下的差别。",
                    "Let the operator restore the pack, or look without expand=report and expand=trace; /replay shows what differs under the pack in force now.",
                ),
            ),
            ServiceError::Store(error) => {
                tracing::error!(%error, "the store cannot be used; the request was refused");
                Self::unavailable()
            }
            ServiceError::Seal(error) => {
                tracing::error!(%error, "a stored verification cannot be opened");
                Self::internal()
            }
            ServiceError::Stopping => Self::unavailable(),
        }
    }

    /// What must be durable cannot be made durable: nothing leaves, nothing is refused, ask again.
    pub fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            Text::new(
                "平台暂时无法可靠记录请求，未返回任何数据。",
                "The hub cannot record requests durably now; no data was given out.",
            ),
            Text::new("请稍后以相同的 Idempotency-Key 重试。", "Ask again later with the same Idempotency-Key."),
        )
        .retryable_after(2)
    }

    /// The same problem, of this request.
    #[must_use]
    pub fn in_request(mut self, request_id: &str) -> Self {
        request_id.clone_into(&mut self.request_id);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).expect("a problem holds only strings, numbers and lists");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
