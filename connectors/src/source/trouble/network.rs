//! What the network and TLS say, for people. The signs are those of the standard library and of rustls.

use std::io::ErrorKind;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use super::Sign::{Io, Saying, Tls};
use super::{Entry, Rung, entry};

const LOOK: &str = "openssl s_client -connect {host}:{port} -showcerts </dev/null";

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        Tls(|error| matches!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer))),
        "tls_unknown_issuer",
        Rung::Tls,
        ("服务器的证书不是由已知的 CA 签发", "the server's certificate is not from a CA that is known here"),
        (
            "把签发它的 CA 证书（自签的就是它自己）存成文件，写 tls_ca = \"路径\"",
            "keep the certificate of its CA (itself, if self-signed) in a file, and write tls_ca = \"path\"",
        ),
        LOOK,
    ),
    entry(
        Tls(|error| {
            matches!(
                error,
                Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. })
            )
        }),
        "tls_expired",
        Rung::Tls,
        ("服务器的证书已过期", "the server's certificate has expired"),
        (
            "请管理员换证书；若本机时钟不对，先校时",
            "have an administrator renew it; if this machine's clock is wrong, set it first",
        ),
        "date; openssl s_client -connect {host}:{port} </dev/null 2>/dev/null | openssl x509 -noout -dates",
    ),
    entry(
        Tls(|error| {
            matches!(
                error,
                Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. })
            )
        }),
        "tls_not_valid_yet",
        Rung::Tls,
        ("服务器的证书还没有生效", "the server's certificate is not valid yet"),
        ("多半是本机时钟慢了，先校时", "most likely this machine's clock is slow: set it"),
        "date",
    ),
    entry(
        Tls(|error| {
            matches!(
                error,
                Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
                )
            )
        }),
        "tls_other_name",
        Rung::Tls,
        ("服务器的证书上没有 {host} 这个名字", "the server's certificate does not name {host}"),
        (
            "把 host（或 url 里的主机名）写成证书上的名字；只能用地址时写 tls = \"verify-ca\"",
            "write the name that is on the certificate as host (or into url); where only an address is at hand, write tls = \"verify-ca\"",
        ),
        "openssl s_client -connect {host}:{port} </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName",
    ),
    entry(
        Tls(|error| matches!(error, Error::InvalidCertificate(CertificateError::BadSignature))),
        "tls_bad_signature",
        Rung::Tls,
        (
            "服务器证书的签名不对：证书与 CA 对不上",
            "the signature on the server's certificate is wrong: it and the CA do not belong together",
        ),
        ("核对 tls_ca 是不是签发它的那一个", "check that tls_ca is the CA that signed it"),
        LOOK,
    ),
    entry(
        Tls(|error| matches!(error, Error::InvalidCertificate(CertificateError::Revoked))),
        "tls_revoked",
        Rung::Tls,
        ("服务器的证书已被吊销", "the server's certificate has been revoked"),
        ("请管理员换证书", "have an administrator replace it"),
        LOOK,
    ),
    entry(
        Tls(|error| {
            matches!(
                error,
                Error::InvalidCertificate(
                    CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. }
                )
            )
        }),
        "tls_wrong_purpose",
        Rung::Tls,
        ("服务器出示的证书不是服务器证书", "what the server shows is not a certificate for servers"),
        ("请管理员签发带 serverAuth 用途的证书", "have an administrator issue one with the purpose serverAuth"),
        LOOK,
    ),
    entry(
        Tls(|error| matches!(error, Error::InvalidCertificate(CertificateError::BadEncoding))),
        "tls_bad_encoding",
        Rung::Tls,
        (
            "服务器的证书读不懂，可能是版本 1 或国密证书",
            "the server's certificate cannot be read: it may be of version 1, or of the SM suite",
        ),
        (
            "请管理员换 X.509 版本 3 的 RSA 或 ECDSA 证书",
            "have an administrator use an RSA or ECDSA certificate of X.509 version 3",
        ),
        LOOK,
    ),
    entry(
        Tls(|error| matches!(error, Error::InvalidCertificate(_))),
        "tls_certificate_refused",
        Rung::Tls,
        ("服务器的证书不可信", "the server's certificate is not believed"),
        ("按原文核对证书和 tls_ca", "look at the certificate and tls_ca, going by the words below"),
        LOOK,
    ),
    entry(
        Tls(|error| {
            matches!(
                error,
                Error::AlertReceived(AlertDescription::CertificateRequired | AlertDescription::NoCertificate)
            )
        }),
        "tls_client_certificate_needed",
        Rung::Tls,
        ("服务器要求客户端证书", "the server asks for a client certificate"),
        ("在 [source] 写 tls_cert 和 tls_key", "write tls_cert and tls_key into [source]"),
        "",
    ),
    entry(
        Tls(|error| {
            matches!(
                error,
                Error::AlertReceived(
                    AlertDescription::UnknownCA
                        | AlertDescription::BadCertificate
                        | AlertDescription::CertificateUnknown
                        | AlertDescription::CertificateExpired
                )
            )
        }),
        "tls_client_certificate_refused",
        Rung::Tls,
        ("服务器不认我们的客户端证书", "the server does not believe our client certificate"),
        ("换一张服务器所信 CA 签发的证书", "use one that a CA of the server has issued"),
        "",
    ),
    entry(
        Tls(|error| {
            matches!(
                error,
                Error::AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure)
                    | Error::PeerIncompatible(_)
            )
        }),
        "tls_too_old",
        Rung::Tls,
        (
            "服务器的加密太旧：没有 TLS 1.2 或其安全套件",
            "the server's encryption is too old: it has no TLS 1.2, or none of its sound suites",
        ),
        ("请管理员启用 TLS 1.2 或 1.3", "have an administrator enable TLS 1.2 or 1.3"),
        "openssl s_client -connect {host}:{port} -tls1_2 </dev/null",
    ),
    entry(
        Tls(|error| matches!(error, Error::InvalidMessage(InvalidMessage::InvalidContentType | _))),
        "tls_not_tls",
        Rung::Tls,
        (
            "{host}:{port} 答的不是 TLS，端口可能不对",
            "{host}:{port} does not answer in TLS; the port may be another program's",
        ),
        ("核对 host 和 port", "check host and port"),
        "",
    ),
    entry(
        Tls(|_| true),
        "tls_failed",
        Rung::Tls,
        ("加密连接没有建成", "the encrypted connection could not be made"),
        ("按原文处理", "go by the words below"),
        LOOK,
    ),
    entry(
        Saying("does not support TLS"),
        "tls_not_offered",
        Rung::Tls,
        ("服务器没有开启加密", "the server does not offer encryption"),
        (
            "请管理员开启（PostgreSQL：ssl = on；MariaDB：ssl_cert、ssl_key）；实在没有且网络可信，才写 tls = \"off\"",
            "have an administrator turn it on (PostgreSQL: ssl = on; MariaDB: ssl_cert and ssl_key); only where there is none and the network is trusted, write tls = \"off\"",
        ),
        "",
    ),
    entry(
        Saying("key values mismatch"),
        "tls_key_of_another_certificate",
        Rung::Tls,
        ("tls_key 不是 tls_cert 的私钥", "tls_key is not the key of tls_cert"),
        ("换成成对的文件", "use files that belong together"),
        "",
    ),
    entry(
        Saying("failed to lookup address information: Name or service not known"),
        "dns_unknown_host",
        Rung::Dns,
        ("没有主机 {host}", "there is no host {host}"),
        (
            "核对 host；也可写 IP 地址，并写 tls = \"verify-ca\"",
            "check host; an address can stand there as well, with tls = \"verify-ca\"",
        ),
        "getent hosts {host}",
    ),
    entry(
        Saying("failed to lookup address information: No address associated"),
        "dns_no_address",
        Rung::Dns,
        ("主机名 {host} 没有地址", "the host name {host} has no address"),
        ("核对 host", "check host"),
        "getent hosts {host}",
    ),
    entry(
        Saying("failed to lookup address information: Temporary failure"),
        "dns_unreachable",
        Rung::Dns,
        ("域名服务器没有答复", "the name server does not answer"),
        (
            "核对本机 /etc/resolv.conf；也可写 IP 地址，并写 tls = \"verify-ca\"",
            "look at /etc/resolv.conf of this machine; an address can stand in host as well, with tls = \"verify-ca\"",
        ),
        "cat /etc/resolv.conf; getent hosts {host}",
    ),
    entry(
        Saying("failed to lookup address information"),
        "dns_failed",
        Rung::Dns,
        ("查不到主机 {host} 的地址", "the address of the host {host} cannot be found"),
        ("核对 host 和本机的域名设置", "check host and this machine's name servers"),
        "getent hosts {host}",
    ),
    entry(
        Io(ErrorKind::ConnectionRefused),
        "connection_refused",
        Rung::Tcp,
        ("{host}:{port} 上没有程序在听", "nothing listens on {host}:{port}"),
        (
            "核对 port，并看对方的程序（数据库或服务）是否启动、是否只听 127.0.0.1",
            "check port, and whether the database or service is up and listens on more than 127.0.0.1",
        ),
        "nc -vz {host} {port}",
    ),
    entry(
        Io(ErrorKind::TimedOut),
        "connection_timed_out",
        Rung::Tcp,
        ("{host}:{port} 没有回应，多半被防火墙丢弃", "{host}:{port} does not answer: most likely a firewall drops it"),
        (
            "请网络管理员放行本机到 {host}:{port}",
            "have the network administrator open the way from this machine to {host}:{port}",
        ),
        "nc -vz -w 3 {host} {port}",
    ),
    entry(
        Io(ErrorKind::HostUnreachable),
        "host_unreachable",
        Rung::Tcp,
        ("到不了主机 {host}", "the host {host} cannot be reached"),
        ("核对地址、路由和防火墙", "check the address, the route and the firewall"),
        "ip route get {host}",
    ),
    entry(
        Io(ErrorKind::NetworkUnreachable),
        "network_unreachable",
        Rung::Tcp,
        ("本机没有到 {host} 所在网络的路", "this machine has no route to the network of {host}"),
        ("核对网卡和路由", "check its interfaces and routes"),
        "ip route",
    ),
    entry(
        Io(ErrorKind::AddrNotAvailable),
        "address_not_available",
        Rung::Tcp,
        ("{host} 这个地址不能连接", "the address {host} cannot be connected to"),
        ("核对 host 和 port", "check host and port"),
        "",
    ),
    entry(
        Io(ErrorKind::ConnectionReset),
        "connection_reset",
        Rung::Tcp,
        ("连接被对方或中间的设备掐断", "the connection was cut by the other side, or by something in between"),
        (
            "看数据库或服务的日志；若有防火墙或入侵检测，请其放行",
            "look at the log of the database or service; if a firewall or intrusion detection is in between, have it let this through",
        ),
        "",
    ),
    entry(
        Io(ErrorKind::BrokenPipe),
        "connection_broken",
        Rung::Tcp,
        ("连接中断", "the connection broke"),
        ("看数据库或服务是否重启过", "see whether the database or service was restarted"),
        "",
    ),
    entry(
        Io(ErrorKind::UnexpectedEof),
        "connection_closed",
        Rung::Tcp,
        (
            "对方连上就断开：可能不是这种程序，或服务器拒绝本机",
            "the other side hangs up: it may be another kind of program, or refuse this machine",
        ),
        (
            "核对 port（数据库还有 driver）；看对方的日志",
            "check port, and for a database driver; look at the log of the other side",
        ),
        "",
    ),
    entry(
        Io(ErrorKind::PermissionDenied),
        "connection_not_permitted",
        Rung::Tcp,
        ("系统不许本程序连接 {host}", "the operating system does not let this program connect to {host}"),
        (
            "核对本机防火墙、SELinux 和套接字文件的权限",
            "look at this machine's firewall, SELinux and the permissions of the socket",
        ),
        "",
    ),
    entry(
        Io(ErrorKind::NotFound),
        "socket_or_file_missing",
        Rung::Tcp,
        ("没有这个套接字或文件", "there is no such socket or file"),
        (
            "核对 host 或 tls_ca、tls_cert、tls_key 的路径；数据库没有启动时套接字也不在",
            "check the path in host, or tls_ca, tls_cert and tls_key; a database that is down has no socket either",
        ),
        "ls -l {host}",
    ),
    entry(
        Saying("Too many open files"),
        "too_many_files",
        Rung::Tcp,
        ("本程序打开的文件太多", "this program has too many files open"),
        ("提高上限", "raise the limit"),
        "ulimit -n 4096",
    ),
    entry(
        Saying("unexpected response from SSLRequest: 0x00"),
        "connection_closed_at_once",
        Rung::Tcp,
        (
            "{host}:{port} 连上就断开：可能不是 PostgreSQL，或服务器拒绝本机",
            "{host}:{port} hangs up at once: it may not be PostgreSQL, or refuse this machine",
        ),
        ("核对 port 和 driver；看数据库日志", "check port and driver; look at the database's log"),
        "",
    ),
    entry(
        Saying("unexpected response from SSLRequest"),
        "not_postgres",
        Rung::Tls,
        ("{host}:{port} 不是 PostgreSQL", "{host}:{port} is not PostgreSQL"),
        ("核对 port 和 driver", "check port and driver"),
        "",
    ),
    entry(
        Saying("rsa"),
        "login_needs_tls",
        Rung::Login,
        (
            "服务器的登录方式不加密就不能传口令",
            "the server's way of logging in cannot send a password without encryption",
        ),
        ("写 tls = \"verify-full\"", "write tls = \"verify-full\""),
        "",
    ),
    entry(
        Saying("unknown authentication plugin"),
        "login_method_unknown",
        Rung::Login,
        ("服务器用了本程序不认识的登录方式", "the server uses a way of logging in that this program does not know"),
        (
            "请管理员改为口令登录（mysql_native_password 或 caching_sha2_password）",
            "have an administrator use passwords (mysql_native_password or caching_sha2_password)",
        ),
        "",
    ),
    entry(
        Saying("unexpected packet"),
        "not_this_database",
        Rung::Login,
        ("{host}:{port} 答的不是这种数据库的话", "{host}:{port} does not speak as this kind of database does"),
        ("核对 port 和 driver", "check port and driver"),
        "",
    ),
];
