//! `[source]` of a new file for a folder of deliveries and for a service of XML.

use super::explore::quoted;

/// What the answers of a service mean, and how it is asked, in a new file.
const ANSWER: &str = "[source.answer]                   # 以接口说明为准 · by the service's description\n\
     ok_when = [{ at = \"Envelope/Body/queryResponse/return/code\", equals = [\"0\"] }]\n\
     no_record_when = [{ at = \"Envelope/Body/queryResponse/return/code\", equals = [\"404\"] }]\n\
     error_message = \"Envelope/Body/queryResponse/return/message\"\n\n\
     # [[dataset]]\n\
     # id = \"…\"\n# fact = \"death\"\n\
     # records = \"Envelope/Body/queryResponse/return/rows/row\"\n# subject = \"sfzh\"\n\
     # [dataset.soap]\n# path = \"/services/…\"\n# action = \"urn:query\"\n# envelope = '''\n\
     # <s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header><tongtechheader>\n\
     #   <gjgxjhpt_rid>:rid</gjgxjhpt_rid><gjgxjhpt_sid>:sid</gjgxjhpt_sid>\n\
     #   <gjgxjhpt_rtime>:rtime</gjgxjhpt_rtime><gjgxjhpt_sign>:sign</gjgxjhpt_sign></tongtechheader></s:Header>\n\
     # <s:Body><query><sfzh>:id_number</sfzh></query></s:Body></s:Envelope>'''\n\
     # [dataset.map]\n# died_on = { column = \"swrq\", as = \"date\", format = \"%Y-%m-%d\" }\n\n";

/// `[source]` of a new file for a service of XML.
pub(super) fn served((url, ca): (&str, Option<&str>), encoding: &str, variable: &str) -> String {
    format!(
        "kind = \"soap\"\nurl = {}\n\
         {}# 自建 CA · a CA of its own\n\
         version = \"1.1\"                   # 或 or \"1.2\"\n\
         encoding = {}\n\
         auth = {{ kind = \"signed\", rid = \"RID\", sid = \"SID\", key = {{ env = {} }} }}   # 机密不写在本文件里 · never in this file\n\
         max_rows = 5000                   # 超出即报错，不截断 · more is an error, never a short list\n\n{ANSWER}",
        quoted(url),
        authority(ca, "# tls_ca = \"service-ca.pem\"       "),
        quoted(encoding),
        quoted(variable)
    )
}

/// The line of the authority of a certificate, up to its remark: the one that is given, or an example that says nothing.
pub(super) fn authority(ca: Option<&str>, example: &str) -> String {
    ca.map_or_else(|| example.to_owned(), |ca| format!("tls_ca = {}   ", quoted(ca)))
}

/// `[source]` of a new file for a folder of deliveries.
pub(super) fn delivered(folder: &str, encoding: &str) -> String {
    format!(
        "kind = \"file\"\nfolder = {}\n\
         control = \"control.csv\"           # 最后写：file,rows,sha256,as_of · written last\n\
         format = \"csv\"                    # 或 or \"xml\"\n\
         encoding = {}\n\
         max_age = \"40d\"                   # 更旧的数据不作答 · older records are not answered from\n\
         max_rows = 5000                   # 超出即报错，不截断 · more is an error, never a short list\n\n",
        quoted(folder),
        quoted(encoding)
    )
}
