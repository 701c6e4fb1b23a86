//! The problems an adapter answers with (RFC 9457), each with a stable code, in Chinese and English.

use std::io::Write as _;

use crate::context::ContextError;
use crate::error::Text;
use crate::ledger::LedgerError;
use crate::protocol::{AdapterProblem, MAX_SUBJECTS};
use crate::source::SourceError;

fn problem(status: u16, code: &str, title: Text) -> AdapterProblem {
    AdapterProblem { code: code.to_owned(), status, title_zh: title.zh, title: title.en, retry_after: None }
}

/// The question is not of the right form. `what` never repeats a value that was sent.
pub(crate) fn bad_query(what: Text) -> AdapterProblem {
    problem(400, "bad_query", what)
}

/// More than [`MAX_SUBJECTS`] persons.
pub(crate) fn too_many_subjects() -> AdapterProblem {
    problem(
        422,
        "too_many_subjects",
        Text::new(
            format!("一次最多查询 {MAX_SUBJECTS} 人，请分批"),
            format!("a query has at most {MAX_SUBJECTS} subjects; split it"),
        ),
    )
}

/// A dataset this adapter does not offer.
pub(crate) fn unknown_dataset() -> AdapterProblem {
    problem(
        422,
        "unknown_dataset",
        Text::new(
            "本部门没有所查的数据集，请看 /v1/manifest",
            "this adapter does not offer a dataset asked for; see /v1/manifest",
        ),
    )
}

/// More queries are under way than the department agreed to.
pub(crate) fn too_many_at_once() -> AdapterProblem {
    problem(
        429,
        "quota_exceeded",
        Text::new(
            "同时进行的查询超过部门同意的数目，请稍后再来",
            "more queries are under way than the department agreed to; come again in a moment",
        ),
    )
}

/// The body is larger than `limit` bytes.
pub(crate) fn body_too_large(limit: usize) -> AdapterProblem {
    problem(
        413,
        "body_too_large",
        Text::new(format!("请求体超过 {limit} 字节"), format!("the body is larger than {limit} bytes")),
    )
}

/// The body did not arrive in time.
pub(crate) fn body_timeout() -> AdapterProblem {
    problem(408, "body_timeout", Text::new("请求体没有按时到达", "the body did not arrive in time"))
}

/// The question does not carry a signed context that is believed.
pub(crate) fn context(error: ContextError) -> AdapterProblem {
    let status = if matches!(error, ContextError::Audience | ContextError::Body) { 403 } else { 401 };
    problem(status, error.code(), error.text())
}

/// The body is not the one whose digest was sent with it.
pub(crate) fn digest_differs() -> AdapterProblem {
    problem(
        400,
        "digest_differs",
        Text::new("请求体与 Content-Digest 不符", "the body is not the one that Content-Digest is of"),
    )
}

/// The ledger cannot be written, so nothing may be answered.
pub(crate) fn ledger_unwritable(error: &LedgerError) -> AdapterProblem {
    // The message names the adapter's own file; the hub need not know it.
    drop(writeln!(std::io::stderr().lock(), "{error}"));
    problem(
        503,
        "ledger_unwritable",
        Text::new(
            "适配器的使用台账无法写入，暂不回答",
            "the adapter's ledger cannot be written; nothing is answered until it can",
        ),
    )
}

/// No such path.
pub(crate) fn not_found() -> AdapterProblem {
    problem(
        404,
        "not_found",
        Text::new(
            "没有这个路径；有 /v1/facts:query、/v1/manifest、/v1/health、/v1/status",
            "no such path; there are /v1/facts:query, /v1/manifest, /v1/health and /v1/status",
        ),
    )
}

/// The path is there, but not for this method.
pub(crate) fn method_not_allowed() -> AdapterProblem {
    problem(
        405,
        "method_not_allowed",
        Text::new("方法不对；查询用 POST，其余用 GET", "wrong method: POST asks, GET reads the other paths"),
    )
}

/// The adapter is being stopped.
pub(crate) fn stopping() -> AdapterProblem {
    problem(503, "unavailable", Text::new("适配器正在停止", "the adapter is stopping"))
}

/// The source answered none of the datasets.
pub(crate) fn of_source(error: &SourceError) -> AdapterProblem {
    match error {
        SourceError::QuotaExceeded { retry_after, .. } => AdapterProblem {
            retry_after: *retry_after,
            ..problem(
                429,
                error.code(),
                Text::new("部门接口的调用配额已用完", "the quota of the department's service is used up"),
            )
        },
        SourceError::TimedOut(_) | SourceError::Timeout(_) => problem(
            504,
            error.code(),
            Text::new("部门的数据源没有按时回答", "the department's source did not answer in time"),
        ),
        SourceError::Unavailable(_) | SourceError::Locked => {
            problem(503, error.code(), Text::new("部门的数据源暂不可用", "the department's source cannot be used now"))
        }
        SourceError::Writable(_) => problem(
            503,
            error.code(),
            Text::new(
                "适配器的数据库账号能改数据，在收回写权之前不使用",
                "the adapter's database account could change records, and is not used until it cannot",
            ),
        ),
        SourceError::Stale(_) => problem(
            503,
            error.code(),
            Text::new(
                "部门最近一次交来的数据已超过约定的时限",
                "what the department delivered last is older than agreed",
            ),
        ),
        SourceError::Answer(_) => problem(
            502,
            error.code(),
            Text::new("部门接口的答复不可用", "the answer of the department's service cannot be used"),
        ),
        SourceError::Statement(_) | SourceError::TooManyRows(_) | SourceError::TooCostly(_) => problem(
            500,
            error.code(),
            Text::new("部门的数据源无法执行查询", "the department's source could not be asked the question"),
        ),
    }
}

/// Rehearsed: the department failed.
pub(crate) fn rehearsed_error() -> AdapterProblem {
    problem(500, "unavailable", Text::new("演练：部门系统出错", "rehearsal: the department's system failed"))
}

/// Rehearsed: the quota is used up.
pub(crate) fn rehearsed_quota() -> AdapterProblem {
    problem(429, "quota_exceeded", Text::new("演练：配额用尽", "rehearsal: the quota is used up"))
}

/// Rehearsed: the department refuses.
pub(crate) fn rehearsed_refusal() -> AdapterProblem {
    problem(403, "not_authorised", Text::new("演练：部门不同意查询", "rehearsal: the department refuses the question"))
}
