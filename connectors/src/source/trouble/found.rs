//! What we find wrong with the answer of a service, or on the way to one, for people.

use super::Sign::Found;
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
    /// The path to a column that decides something leads nowhere in a record.
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
            "核对 url 和 request（XML 服务是 soap）的 path；也可能是登录页或网关的错误页",
            "check url, and path of request (soap, for a service of XML); it may also be a login page, or an error page of a gateway",
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
        ("核对 url 和 [dataset.soap] 的 path、action", "check url, and path and action of [dataset.soap]"),
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
        ("有一条记录没有 {name}", "a record has no {name}"),
        (
            "核对 columns 和映射的列名；本来就可以没有的，在映射里写 optional = true",
            "check columns, and the names of columns in the mapping; where records may be without it, write optional = true in the mapping",
        ),
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
