//! Why another hub is not answered: each reason with its stable code, its status and what mends it, in both languages.

use connectors::context::ContextError;
use connectors::protocol::AdapterProblem;

use crate::domain::problem::Text;

/// Why another hub is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Its certificate is nobody's that is known here.
    UnknownPeer,
    /// It asks more often than was agreed.
    TooOften,
    /// It has more questions under way than was agreed.
    TooManyAtOnce,
    /// The body did not arrive whole, or is too long.
    Body,
    /// The body is not the one whose digest was sent with it.
    Digest,
    /// Its signed context is not believed.
    Context(ContextError),
    /// The same question was answered twice already.
    UsedUp,
    /// The question came to it from another hub.
    Loop,
    /// The body does not have the form of a question: line, column.
    Form(usize, usize),
    /// Something in the question is not as it must be: where, and what.
    Unsound(&'static str, &'static str, &'static str),
    /// A person is of a division that it may not ask about here.
    OutsideDivisions,
    /// The purpose is not one of those it may ask for.
    Purpose,
    /// A dataset that is not there, or that it may not ask for: the same for both.
    Dataset,
    /// The household's authorisation has run out.
    Expired,
    /// The household's authorisation was revoked, as the peer itself told.
    Revoked,
    /// The access log cannot be written.
    LogUnwritable,
}

impl From<ContextError> for Refused {
    fn from(error: ContextError) -> Self {
        Self::Context(error)
    }
}

/// Why a context is not believed, in words for two hubs: what the context says is mended elsewhere for an adapter.
fn context_text(error: ContextError) -> Text {
    let (zh, en) = match error {
        ContextError::Missing => (
            "查询没有携带签名的查询凭据（Hedui-Context）；平台之间不答复这样的查询",
            "the question carries no signed context (`Hedui-Context`); a hub answers no other hub without one",
        ),
        ContextError::Key => (
            "查询凭据所用的签名密钥不是为该平台登记的：请本平台的运维更新 [peer.may_ask] context_keys 所指的文件",
            "the signed context was signed with a key that is not known here for this peer: have this hub's operator update the file of [peer.may_ask] context_keys",
        ),
        ContextError::Time => (
            "查询凭据已过期或尚未生效：请核对两个平台的时钟",
            "the signed context has expired or does not hold yet: check the clocks of both hubs",
        ),
        ContextError::Audience => (
            "查询凭据是给另一个平台的：提问一方的 [[peer]] name 须与本平台的 [peering] name 相同",
            "the signed context is for another hub: [[peer]] name on the asking side must be this hub's [peering] name",
        ),
        ContextError::Form | ContextError::Signature | ContextError::Body => {
            let text = error.text();
            return Text::new(text.zh, text.en);
        }
    };
    Text::new(zh, en)
}

impl Refused {
    /// Its stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownPeer => "unknown_peer",
            // As for any client: this one is counted where it comes too often.
            Self::TooOften => "rate_limited",
            Self::TooManyAtOnce => "quota_exceeded",
            Self::Body => "body_incomplete",
            Self::Digest => "digest_differs",
            Self::Context(error) => error.code(),
            Self::UsedUp => "context_used_up",
            Self::Loop => "peer_loop",
            Self::Form(..) | Self::Unsound(..) => "bad_query",
            Self::OutsideDivisions => "outside_divisions",
            Self::Purpose => "purpose_not_granted",
            Self::Dataset => "unknown_dataset",
            Self::Expired => "authorisation_expired",
            Self::Revoked => "authorisation_revoked",
            Self::LogUnwritable => "log_unwritable",
        }
    }

    const fn status(&self) -> u16 {
        match self {
            Self::UnknownPeer
            | Self::UsedUp
            | Self::Loop
            | Self::OutsideDivisions
            | Self::Purpose
            | Self::Dataset
            | Self::Expired
            | Self::Revoked
            | Self::Context(ContextError::Audience | ContextError::Body) => 403,
            Self::Context(_) => 401,
            Self::TooOften | Self::TooManyAtOnce => 429,
            Self::Body | Self::Digest | Self::Form(..) => 400,
            Self::Unsound(..) => 422,
            Self::LogUnwritable => 503,
        }
    }

    fn text(&self) -> Text {
        let (zh, en) = match self {
            Self::UnknownPeer => (
                "出示的证书不属于本平台登记的任何外地平台：请本平台的运维将其公钥写入 [peer.may_ask] certificate_keys",
                "the certificate is nobody's that is known here: have this hub's operator enter its key in [peer.may_ask] certificate_keys",
            ),
            Self::TooOften | Self::TooManyAtOnce => {
                ("查询超过约定的数目，请稍后再来", "more is asked than was agreed; come again in a moment")
            }
            Self::Body => ("请求体没有按时完整到达，或过长", "the body did not arrive whole in time, or is too long"),
            Self::Digest => (
                "请求体与 Content-Digest 不符：途中被改动，请重新发送",
                "the body is not the one that Content-Digest is of: it was changed on its way, send it again",
            ),
            Self::Context(error) => return context_text(*error),
            Self::UsedUp => (
                "同一次查询已答复过两次，不再答复：须重新发起",
                "the same question was answered twice already: ask anew",
            ),
            Self::Loop => (
                "该查询本身来自另一个平台，本平台不接受转交：须由最初的平台直接查询",
                "the question comes from a further hub and is not taken from this one: the first hub asks by itself",
            ),
            Self::Form(line, column) => {
                return Text::new(
                    format!("请求不合协议：第 {line} 行第 {column} 列"),
                    format!("the question does not fit the protocol at line {line}, column {column}"),
                );
            }
            Self::Unsound(pointer, zh, en) => return Text::new(format!("{pointer}：{zh}"), format!("{pointer}: {en}")),
            Self::OutsideDivisions => (
                "所查人员的行政区划不在本平台辖区，或不在约定的范围：查询从不转交，请核对对方的 [peer.provides] divisions",
                "a person is of a division that is not this hub's, or was not agreed: questions are never sent on; check `[peer.provides] divisions` on the asking side",
            ),
            Self::Purpose => (
                "核对目的不在约定的范围：约定有变时，请本平台的运维改 [peer.may_ask] purposes",
                "the purpose is not one that was agreed: where it was since, have this hub's operator enter it in [peer.may_ask] purposes",
            ),
            Self::Dataset => (
                "没有所查的数据集，或不在约定的范围，请看 /v1/manifest",
                "there is no such dataset, or it was not agreed; see /v1/manifest",
            ),
            Self::Expired => (
                "该家庭的核对授权已过期：须重新签署授权书后再查",
                "the household's authorisation has run out: have a new one signed, then ask again",
            ),
            Self::Revoked => (
                "对方平台已告知该授权书被撤销，不再据此答复：须由家庭重新签署授权书后再查",
                "the peer told that the household's authorisation was revoked, so nothing is answered under it: have a new one signed, then ask again",
            ),
            Self::LogUnwritable => (
                "本平台的访问日志无法写入，暂不答复：请稍后再来，如仍如此请联系本平台的运维",
                "this hub's access log cannot be written; nothing is answered until it can: come again in a moment, and call its operator if that lasts",
            ),
        };
        Text::new(zh, en)
    }

    /// What is told.
    pub fn problem(&self) -> AdapterProblem {
        let text = self.text();
        AdapterProblem {
            code: self.code().to_owned(),
            status: self.status(),
            title_zh: text.zh,
            title: text.en,
            retry_after: matches!(self.status(), 429 | 503).then_some(1),
        }
    }
}
