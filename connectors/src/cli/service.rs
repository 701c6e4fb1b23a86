//! `new` and `discover` for a department that is a service: the beginning of its file, and what one answer about
//! a test person holds.

use super::beginning::authority;
use super::explore::{DiscoverArgs, Unanswered, quoted};
use super::{Style, WRONG};
use crate::connector::{Connector, HttpAsk, probe};
use crate::error::Text;
use crate::synthetic;

/// `[source]` of a service, with what is to be filled in as comments.
pub(super) fn source((url, ca): (&str, Option<&str>), auth: &str, id: &str) -> Result<String, Unanswered> {
    let address = crate::connector::service_url(url).is_some_and(|url| url.scheme() == "https");
    if !address {
        let what = Text::new(
            "--url 要写 https://主机:端口/路径，里面没有账号、口令、? 和 #",
            "--url is https://host:port/path, without account, password, ? and #",
        );
        return Err(Unanswered::Wrong { code: "source_address", what });
    }
    let secret = |what: &str| format!("{{ env = {} }}", quoted(&format!("HEDUI_{}_{what}", id.to_uppercase())));
    let auth = match auth {
        "signed" => format!(
            "kind = \"signed\"                     # 国家数据共享交换平台 · the national sharing platform\n\
             rid = \"\"                            # 请求者标识 · given to your unit\n\
             sid = \"\"                            # 服务标识 · of this interface\n\
             key = {}\n\
             day_key = {{ path = \"/\", at = \"$.data\" }}\n\
             secret = {{ path = \"/\", at = \"$.data\" }}   # 30 分钟有效 · good for thirty minutes\n\
             # expired_when = [{{ at = \"$.code\", equals = [\"…\"] }}]\n",
            secret("KEY")
        ),
        "hmac" => format!(
            "kind = \"hmac\"\nrid = \"\"\nkey = {}\nmessage = [\"rid\", \"time\", \"body\"]\n\
             headers = {{ rid = \"x-id\", time = \"x-time\", sign = \"x-sign\" }}\n# algorithm = \"hmac-sm3\"\n",
            secret("KEY")
        ),
        "oauth2" => format!(
            "kind = \"oauth2\"\ntoken_url = \"/oauth2/token\"\nclient_id = \"\"\nclient_secret = {}\n",
            secret("SECRET")
        ),
        "mtls" => "kind = \"mtls\"                       # 证书写在 [source] 的 tls_cert、tls_key · certificate: tls_cert and tls_key in [source]\n".to_owned(),
        "none" => "kind = \"none\"\n".to_owned(),
        _ => {
            let what = Text::new(
                "--auth 是 signed、hmac、oauth2、mtls 或 none",
                "--auth is signed, hmac, oauth2, mtls or none",
            );
            return Err(Unanswered::Wrong { code: "auth_form", what });
        }
    };
    Ok(format!(
        "kind = \"http\"\nurl = {}\n\
         {}# 只信这个 CA · the only CA that is believed\n\
         # tls_cert = \"client.pem\"          # 客户端证书 · shown to the service\n# tls_key = \"client.key\"\n\
         # encoding = \"gb18030\"             # 答复是 GBK 时 · for answers in GBK\n\
         timeout = \"5s\"\nmax_connections = 4\n\
         max_rows = 5000                   # 超出即报错，不截断 · more is an error, never a short list\n\n\
         [source.auth]\n{auth}\n\
         [source.answer]                   # 两处都没有说到的就是出错 · what neither says is an error\n\
         ok_when = [{{ at = \"$.code\", equals = [\"200\"] }}]\n\
         no_record_when = []\n\
         # error_message = \"$.msg\"\n\n",
        quoted(url),
        authority(ca, "# tls_ca = \"ca.pem\"                ")
    ))
}

/// What is asked about whom, to see what an answer holds.
pub(super) struct Probe {
    /// The request.
    pub(super) ask: HttpAsk,
    /// The test person.
    pub(super) id_number: String,
}

/// The request and person of `discover`; the exit code when one is missing or cannot be used.
pub(super) fn request(args: &DiscoverArgs, connector: &Connector, style: Style) -> Result<Probe, u8> {
    let missing = |flag: &str| {
        let what = Text::new(
            format!("数据源是网络服务，要写 --{flag}：字段从对一个测试人员的一次答复里看"),
            format!(
                "the source is a service, so --{flag} is needed: its fields are seen in one answer about a test person"
            ),
        );
        style.failed("answer_missing", &what);
        WRONG
    };
    let text = args.request.as_deref().ok_or_else(|| missing("request"))?;
    let number = args.id_number.as_deref().ok_or_else(|| missing("id-number"))?;
    let id_number = super::number(number);
    if !synthetic::is_canonical(&id_number) {
        let what = Text::new(
            "--id-number 须为 17 位数字加一位数字或大写 X",
            "--id-number is 17 digits and a digit or capital X",
        );
        style.failed("bad_query", &what);
        return Err(WRONG);
    }
    let ask = probe(text, connector).map_err(|faults| {
        style.faults(&faults);
        WRONG
    })?;
    Ok(Probe { ask, id_number })
}
