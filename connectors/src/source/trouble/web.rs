//! What services over HTTP say, and what is found wrong with their answers, for people.
//!
//! Services have no error codes in common. What they say is known by words, in Chinese and English; what they do
//! not say, by the status.

use super::Sign::{Found, Says, Status};
use super::{Entry, Rung, entry};

/// What is found wrong with an answer, or on the way to one, by ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// No answer in time.
    Late,
    /// The source is being closed.
    Stopped,
    /// A path, query or header that HTTP cannot carry.
    Target,
    /// The connection ended before the answer did.
    Ended,
    /// What came is not HTTP.
    NotHttp,
    /// Longer than allowed.
    TooLong,
    /// Compressed, although that was not asked for.
    Compressed,
    /// The token endpoint gave no token.
    NoToken,
    /// The key service gave no key.
    NoKey,
    /// This machine's clock and the service's differ.
    Skew,
    /// A page for people instead of data.
    Html,
    /// Nothing at all.
    Blank,
    /// Not in the encoding that was said.
    Encoding,
    /// Not JSON.
    NotJson,
    /// JSON with a name twice in one object.
    NameTwice,
    /// Not XML.
    NotXml,
    /// The path to the records leads nowhere.
    NoRecords,
    /// The path to a column leads nowhere in every record.
    NoColumn,
    /// A column is a list or an object.
    ColumnForm,
    /// The service says that it failed.
    NotOk,
    /// There is no total, or it is no number.
    NoTotal,
    /// Fewer records than the service counts.
    PageShort,
    /// More records than the service counts, or a page that was there before.
    PageTwice,
    /// The total changed between two pages.
    TotalChanged,
    /// More calls than one question may make.
    TooManyCalls,
    /// An identity number with asterisks.
    Masked,
    /// A record about somebody who was not asked about.
    Stranger,
    /// An answer without a list of records.
    NoList,
    /// A fixture without the answer that is wanted.
    NotRecorded,
}

pub(super) const ENTRIES: &[Entry] = &[
    // What they say, from the most particular on.
    entry(
        Says(&[
            "秘钥过期",
            "密钥过期",
            "秘钥已过期",
            "密钥已过期",
            "秘钥失效",
            "密钥失效",
            "密钥已失效",
            "秘钥已失效",
            "令牌过期",
            "令牌已过期",
            "token已过期",
            "token过期",
            "secret expired",
            "secret has expired",
            "token expired",
            "token has expired",
            "key expired",
            "expired secret",
            "expired token",
        ]),
        "service_secret_expired",
        Rung::Login,
        (
            "服务说密钥或令牌已过期，换了新的也不行",
            "the service says that the secret or token has expired, and a fresh one did not help",
        ),
        (
            "先校准本机时钟；再核对 [source.auth] 里 day_key、secret 的 valid_for，以及是否有别的程序用同一对 rid、sid 取密钥，使前一个失效",
            "set this machine's clock first; then check valid_for of day_key and secret in [source.auth], and whether another program fetches secrets for the same rid and sid, which ends the one before",
        ),
        "date -u",
    ),
    entry(
        Says(&[
            "时间戳",
            "请求时间",
            "时间偏差",
            "时钟",
            "rtime",
            "timestamp",
            "clock skew",
            "clock",
            "time is not within",
            "request time",
        ]),
        "service_clock_skew",
        Rung::Login,
        (
            "服务不认请求的时间：本机时钟与它相差太多",
            "the service does not take the time of the call: this machine's clock and its own differ too much",
        ),
        ("校准本机时钟（chrony 或 ntpd）", "set this machine's clock (chrony or ntpd)"),
        "date -u; timedatectl status",
    ),
    entry(
        Says(&[
            "白名单",
            "whitelist",
            "white list",
            "allowlist",
            "ip不允许",
            "ip 不允许",
            "非法ip",
            "非法 ip",
            "ip地址未",
            "ip地址不",
            "ip not allowed",
            "ip is not allowed",
            "ip address is not",
            "source address",
        ]),
        "service_address_not_listed",
        Rung::Permission,
        ("本机的出口地址不在服务的白名单里", "the address this machine calls from is not in the service's white list"),
        (
            "请平台管理员把本机的出口地址（不是内网地址）加进白名单",
            "have the platform's administrator add the address this machine leaves the network with to the white list",
        ),
        "ip route get {host}",
    ),
    entry(
        Says(&[
            "配额",
            "次数已",
            "次数超",
            "调用次数",
            "调用上限",
            "限流",
            "流量控制",
            "超出流量",
            "过于频繁",
            "请求频繁",
            "quota",
            "rate limit",
            "too many requests",
            "limit exceeded",
        ]),
        "service_quota_used_up",
        Rung::Answer,
        ("服务的调用配额用完了", "the service's quota is used up"),
        (
            "等到服务给的时刻再问；把 [quota] 设得比服务给的少，或向平台申请提高",
            "wait until the service takes calls again; set [quota] below what the service grants, or apply for more",
        ),
        "",
    ),
    entry(
        Says(&[
            "gjgxjhpt_rid",
            "rid不",
            "rid 不",
            "rid无效",
            "rid is",
            "unknown rid",
            "invalid rid",
            "rid not",
            "请求方不存在",
            "请求者不存在",
            "未注册的请求",
        ]),
        "service_requester_unknown",
        Rung::Login,
        ("服务不认识 rid", "the service does not know the rid"),
        (
            "核对 [source.auth] 的 rid 是不是平台发给本单位的那一个",
            "check that rid in [source.auth] is the one the platform gave this unit",
        ),
        "",
    ),
    entry(
        Says(&[
            "gjgxjhpt_sid",
            "sid不",
            "sid 不",
            "sid无效",
            "sid is",
            "unknown sid",
            "invalid sid",
            "sid not",
            "服务不存在",
            "服务未授权",
            "接口未授权",
            "接口不存在",
            "无权访问",
            "未订阅",
            "未授权该服务",
            "service not found",
            "not subscribed",
        ]),
        "service_interface_unknown",
        Rung::Permission,
        (
            "服务不认识 sid，或没有把这个接口授权给本单位",
            "the service does not know the sid, or has not granted this interface to the unit",
        ),
        (
            "每个接口有自己的 sid 和密钥：核对 [source.auth] 或 [dataset.service]，并在平台上看授权是否到期",
            "every interface has its own sid and key: check [source.auth] or [dataset.service], and on the platform whether the grant has ended",
        ),
        "",
    ),
    entry(
        Says(&["签名", "验签", "signature", "invalid sign", "sign error", "bad sign", "sign不"]),
        "service_signature_wrong",
        Rung::Login,
        ("服务说签名不对", "the service says that the signature is wrong"),
        (
            "核对密钥是不是这个接口的；再按该省的文档核对 message 的顺序、algorithm、encoding 和 time",
            "check that the key is that of this interface; then message (its order), algorithm, encoding and time against the province's documents",
        ),
        "",
    ),
    entry(
        Says(&["维护", "停机", "暂停服务", "maintenance", "out of service"]),
        "service_in_maintenance",
        Rung::Answer,
        ("服务在维护", "the service is being maintained"),
        (
            "等维护结束；维护时段写进 [adapter] notice，调用方看得到",
            "wait until it is over; write its hours into notice of [adapter], where callers see them",
        ),
        "",
    ),
    entry(
        Says(&["系统繁忙", "服务繁忙", "稍后再试", "稍后重试", "server busy", "service busy", "try again later"]),
        "service_busy",
        Rung::Answer,
        ("服务说它太忙", "the service says that it is too busy"),
        (
            "稍后再试；经常如此就把 max_connections 调小",
            "try again later; where it happens often, make max_connections smaller",
        ),
        "",
    ),
    entry(
        Says(&["invalid_client", "unauthorized_client", "client authentication failed", "bad client credentials"]),
        "service_client_unknown",
        Rung::Login,
        ("令牌服务不认 client_id 或 client_secret", "the token service does not take client_id or client_secret"),
        (
            "核对 [source.auth] 的 client_id 和机密；有的服务要 client_auth = \"body\"",
            "check client_id and its secret in [source.auth]; some services want client_auth = \"body\"",
        ),
        "",
    ),
    entry(
        Says(&["invalid_scope"]),
        "service_scope_unknown",
        Rung::Permission,
        ("令牌服务不给所要的 scope", "the token service does not grant the scope that is asked for"),
        ("核对 [source.auth] 的 scope", "check scope in [source.auth]"),
        "",
    ),
    // What the status says.
    entry(
        Status(401),
        "service_unauthorised",
        Rung::Login,
        ("服务不认调用者（HTTP 401）", "the service does not take who asks (HTTP 401)"),
        ("核对 [source.auth] 的各项和密钥", "check [source.auth] and its key"),
        "",
    ),
    entry(
        Status(403),
        "service_forbidden",
        Rung::Permission,
        ("服务不许本单位调用这个接口（HTTP 403）", "the service does not let this unit call the interface (HTTP 403)"),
        (
            "请平台核对授权、出口地址的白名单，以及客户端证书",
            "have the platform look at the grant, at the white list of addresses and at the client certificate",
        ),
        "",
    ),
    entry(
        Status(404),
        "service_path_unknown",
        Rung::Prepare,
        ("服务没有这个路径（HTTP 404）", "the service has no such path (HTTP 404)"),
        (
            "核对 url 和 request.path；url 里的路径会接在前面",
            "check url and request.path; the path of url comes before it",
        ),
        "",
    ),
    entry(
        Status(405),
        "service_method_wrong",
        Rung::Prepare,
        ("服务不接受这种方法（HTTP 405）", "the service does not take this method (HTTP 405)"),
        ("核对 request.method", "check request.method"),
        "",
    ),
    entry(
        Status(400),
        "service_request_refused",
        Rung::Prepare,
        ("服务说请求的写法不对（HTTP 400）", "the service says that the call is not of its form (HTTP 400)"),
        (
            "按服务的文档核对 request 的 query 和 json",
            "check query and json of request against the service's documents",
        ),
        "",
    ),
    entry(
        Status(415),
        "service_media_type",
        Rung::Prepare,
        ("服务不接受这种内容（HTTP 415）", "the service does not take this kind of content (HTTP 415)"),
        ("核对 request 用 json 还是 form", "check whether request is to have json or form"),
        "",
    ),
    entry(
        Status(422),
        "service_request_unusable",
        Rung::Prepare,
        ("服务说请求里的值不可用（HTTP 422）", "the service says that a value of the call cannot be used (HTTP 422)"),
        ("核对参数的格式，如日期", "check how parameters are written, such as dates"),
        "",
    ),
    entry(
        Status(429),
        "service_calls_used_up",
        Rung::Answer,
        ("服务的调用配额用完了（HTTP 429）", "the service's quota is used up (HTTP 429)"),
        (
            "等到服务给的时刻再问；把 [quota] 设得比服务给的少，或向平台申请提高",
            "wait until the service takes calls again; set [quota] below what the service grants, or apply for more",
        ),
        "",
    ),
    entry(
        Status(500),
        "service_failed",
        Rung::Answer,
        ("服务内部出错（HTTP 500）", "the service failed inside (HTTP 500)"),
        (
            "把时间和请求交给服务的管理员查日志",
            "tell the service's administrator when it was, so that they look at its log",
        ),
        "",
    ),
    entry(
        Status(502),
        "service_gateway_failed",
        Rung::Answer,
        ("网关后面的服务没有答复（HTTP 502）", "what stands behind the gateway does not answer (HTTP 502)"),
        ("请平台看后端是否运行", "have the platform look whether it is up"),
        "",
    ),
    entry(
        Status(503),
        "service_unavailable",
        Rung::Answer,
        ("服务暂停（HTTP 503）", "the service takes no calls now (HTTP 503)"),
        ("稍后再试；看服务的公告", "try again later; see the service's notices"),
        "",
    ),
    entry(
        Status(504),
        "service_gateway_late",
        Rung::Answer,
        ("网关没有等到后端的答复（HTTP 504）", "the gateway got no answer in time (HTTP 504)"),
        ("稍后再试；一次问的人多就把 persons_per_call 调小", "try again later; ask about fewer persons in one call"),
        "",
    ),
    entry(
        Status(301),
        "service_moved",
        Rung::Prepare,
        (
            "服务叫人去别的地址，本程序不跟着去",
            "the service sends the caller elsewhere, and this program does not follow",
        ),
        ("把新的地址经审批写进 url", "have the new address approved, and write it as url"),
        "curl -sI https://{host}:{port}{database}",
    ),
    // What is found.
    entry(
        Found(Finding::Late),
        "service_late",
        Rung::Answer,
        ("服务没有按时答复", "the service did not answer in time"),
        (
            "放宽 timeout，或请服务的管理员看它为什么慢",
            "raise timeout, or have the service's administrator see why it is slow",
        ),
        "",
    ),
    entry(
        Found(Finding::Stopped),
        "adapter_stopping",
        Rung::Answer,
        ("适配器正在停止", "the adapter is stopping"),
        ("稍后再试", "try again later"),
        "",
    ),
    entry(
        Found(Finding::Target),
        "request_cannot_be_sent",
        Rung::Prepare,
        ("请求的路径、查询串或标头发不出去", "a path, query or header of the call cannot be sent"),
        (
            "核对 request.path 和 [source.auth] 的值：只能用可见的 ASCII 字符",
            "check request.path and the values of [source.auth]: visible ASCII only",
        ),
        "",
    ),
    entry(
        Found(Finding::Ended),
        "service_hung_up",
        Rung::Answer,
        ("服务没有答完就断开", "the service hung up before it had answered"),
        ("看服务的日志；可能是它的网关超时", "look at the service's log; its gateway may have lost patience"),
        "",
    ),
    entry(
        Found(Finding::NotHttp),
        "service_not_http",
        Rung::Tls,
        ("{host}:{port} 答的不是 HTTP/1.1", "{host}:{port} does not answer in HTTP/1.1"),
        ("核对 url 的端口和 https", "check the port of url, and https"),
        "",
    ),
    entry(
        Found(Finding::TooLong),
        "answer_too_long",
        Rung::Answer,
        ("答复超过 max_answer", "the answer is longer than max_answer"),
        ("用分页，或提高 max_answer", "use paging, or raise max_answer"),
        "",
    ),
    entry(
        Found(Finding::Compressed),
        "answer_compressed",
        Rung::Answer,
        ("答复是压缩的，而请求说了不要", "the answer is compressed, although the call said not to"),
        (
            "请服务或中间的网关按 Accept-Encoding: identity 办",
            "have the service, or a gateway in between, heed Accept-Encoding: identity",
        ),
        "",
    ),
    entry(
        Found(Finding::NoToken),
        "service_gave_no_token",
        Rung::Login,
        ("令牌服务的答复里没有 Bearer 令牌", "the token service's answer has no bearer token"),
        ("核对 token_url", "check token_url"),
        "",
    ),
    entry(
        Found(Finding::NoKey),
        "service_gave_no_key",
        Rung::Login,
        ("取密钥的答复里没有 {name}", "the answer of the key service has no {name}"),
        (
            "按原文处理；再核对 [source.auth] 里它的 path 和 at",
            "go by the words below; then check its path and at in [source.auth]",
        ),
        "",
    ),
    entry(
        Found(Finding::Skew),
        "clocks_differ",
        Rung::Login,
        (
            "本机时钟与服务的相差太多，签名里的时间因此不被接受",
            "this machine's clock and the service's differ, so that the time in the signature is not taken",
        ),
        ("校准本机时钟（chrony 或 ntpd）", "set this machine's clock (chrony or ntpd)"),
        "date -u; timedatectl status",
    ),
    entry(
        Found(Finding::Html),
        "answer_is_html",
        Rung::Prepare,
        ("服务答的是网页，不是数据", "the service answers with a page for people, not with data"),
        (
            "核对 url 和 request.path；也可能是登录页或网关的错误页",
            "check url and request.path; it may also be a login page, or an error page of a gateway",
        ),
        "",
    ),
    entry(
        Found(Finding::Blank),
        "answer_blank",
        Rung::Answer,
        ("服务答了空的内容", "the service's answer is empty"),
        (
            "请服务的管理员看日志；查无记录也要有答复",
            "have the service's administrator look at its log; no record is an answer as well",
        ),
        "",
    ),
    entry(
        Found(Finding::Encoding),
        "answer_encoding",
        Rung::Prepare,
        (
            "答复不是所说的编码（默认 UTF-8），可能是 GBK",
            "the answer is not in the encoding that is said (by default UTF-8); it may be GBK",
        ),
        ("在 [source] 写 encoding = \"gb18030\"", "write encoding = \"gb18030\" into [source]"),
        "",
    ),
    entry(
        Found(Finding::NotJson),
        "answer_not_json",
        Rung::Prepare,
        ("服务答的不是 JSON", "the service does not answer in JSON"),
        (
            "核对 url 和 request；看服务是否要 Accept 标头",
            "check url and request, and whether the service wants a header Accept",
        ),
        "",
    ),
    entry(
        Found(Finding::NameTwice),
        "answer_name_twice",
        Rung::Answer,
        (
            "答复的一个对象里同一个名字出现两次，含义不定",
            "an object of the answer has one name twice, so that it can mean two things",
        ),
        ("请服务改正", "have the service mended"),
        "",
    ),
    entry(
        Found(Finding::NotXml),
        "answer_not_xml",
        Rung::Prepare,
        ("服务答的不是 XML", "the service does not answer in XML"),
        ("核对 url 和 request", "check url and request"),
        "",
    ),
    entry(
        Found(Finding::NoRecords),
        "records_path_finds_nothing",
        Rung::Columns,
        ("答复里没有 records 所指的 {name}", "the answer has nothing at {name}, where records are to be"),
        (
            "核对 records；若这样就是查无记录，写进 no_record_when",
            "check records; where this means no record, say so in no_record_when",
        ),
        "",
    ),
    entry(
        Found(Finding::NoColumn),
        "column_path_finds_nothing",
        Rung::Columns,
        ("没有一条记录有 {name}", "no record has {name}"),
        ("核对 columns 和映射的列名", "check columns, and the names of columns in the mapping"),
        "",
    ),
    entry(
        Found(Finding::ColumnForm),
        "column_not_a_value",
        Rung::Columns,
        ("{name} 是列表或对象，不是一个值", "{name} is a list or an object, not one value"),
        ("在 columns 里把路径写到底", "write its path to the end, in columns"),
        "",
    ),
    entry(
        Found(Finding::NotOk),
        "service_says_failed",
        Rung::Answer,
        ("服务说没有办成", "the service says that it failed"),
        (
            "按原文处理；若这句话就是查无记录，写进 no_record_when",
            "go by the words below; where they mean no record, say so in no_record_when",
        ),
        "",
    ),
    entry(
        Found(Finding::NoTotal),
        "total_missing",
        Rung::Columns,
        ("答复里没有总数，无从核对是否取全", "the answer has no total, so that nobody can tell whether it is whole"),
        ("核对 total 的路径", "check the path of total"),
        "",
    ),
    entry(
        Found(Finding::PageShort),
        "pages_incomplete",
        Rung::Answer,
        ("取到的记录比服务所说的总数少：缺页", "there are fewer records than the service counts: a page is missing"),
        (
            "再试；总是如此就核对 paging 的 size 和 first",
            "try again; where it is always so, check size and first of paging",
        ),
        "",
    ),
    entry(
        Found(Finding::PageTwice),
        "pages_repeated",
        Rung::Answer,
        (
            "取到的记录比服务所说的总数多，或同一页来了两次",
            "there are more records than the service counts, or one page came twice",
        ),
        (
            "核对 paging 的 kind 和参数名；可能服务没有理会页码",
            "check kind of paging and the names of its parameters: the service may not heed the page",
        ),
        "",
    ),
    entry(
        Found(Finding::TotalChanged),
        "pages_changed",
        Rung::Answer,
        ("翻页之间总数变了", "the total changed between two pages"),
        ("再试", "try again"),
        "",
    ),
    entry(
        Found(Finding::TooManyCalls),
        "too_many_calls",
        Rung::Answer,
        ("一次查询要的调用超过 max_calls", "one question needs more calls than max_calls"),
        (
            "提高 max_calls，或用一次问多人的接口（persons_per_call）",
            "raise max_calls, or use an interface that takes several persons (persons_per_call)",
        ),
        "",
    ),
    entry(
        Found(Finding::Masked),
        "identity_number_masked",
        Rung::Columns,
        (
            "答复里的身份号码打了星号，无法确认是谁的记录",
            "the identity numbers of the answer are masked, so that nobody can tell whose record it is",
        ),
        ("请平台对本接口关闭脱敏", "have the platform turn masking off for this interface"),
        "",
    ),
    entry(
        Found(Finding::Stranger),
        "answer_about_another",
        Rung::Answer,
        ("答复里有没有问到的人的记录", "the answer has a record about a person who was not asked about"),
        (
            "核对 subject 和 request；若服务答错了人，立即告知平台",
            "check subject and request; where the service mixes persons up, tell the platform at once",
        ),
        "",
    ),
    entry(
        Found(Finding::NoList),
        "answer_has_no_list",
        Rung::Columns,
        ("答复里没有记录的列表", "the answer has no list of records"),
        (
            "换一个查得到记录的测试人员；再核对 --request",
            "ask about a test person of whom there are records; then check --request",
        ),
        "",
    ),
    entry(
        Found(Finding::NotRecorded),
        "answer_not_recorded",
        Rung::Golden,
        ("测试数据里没有对这些人的答复", "the fixture has no answer about these persons"),
        (
            "补进 answers：about 写号码，body 写服务的答复",
            "add it to `answers`: the numbers as `about`, what the service answers as `body`",
        ),
        "",
    ),
];
