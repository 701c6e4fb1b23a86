//! The listeners: TLS, and what a caller may hold of the hub before it has said who it is.
//!
//! Every wait has an end (head, body, idle connection, handshake) and everything that grows has a cap
//! (connections, streams, header lines), so that a caller who says little or nothing costs little.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::Accept;
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioTimer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service;

use super::StartError;
use crate::config::{Config, TlsVersion, read_setting_file};

/// Most header lines of a request.
const MAX_HEADERS: usize = 64;
/// Largest head of a request, bytes. A token longer than 8 KiB is refused, but by the door, which records what it
/// refuses (promise P1); only what nobody could mean ends here.
const MAX_HEAD: usize = 320 * 1024;
/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;
/// Connections to the monitoring listener at once.
const MAX_MONITOR_CONNECTIONS: usize = 64;
/// How long a request to the monitoring listener may take to arrive.
const MONITOR_ARRIVAL: Duration = Duration::from_secs(10);

/// What callers may hold at once, and for how long.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) arrival: Duration,
    pub(super) connections: usize,
}

impl Limits {
    /// Those of the settings.
    pub(super) const fn of(config: &Config) -> Self {
        Self { arrival: config.listen.arrival_timeout, connections: config.listen.max_connections }
    }
}

/// Binds an address that a setting names.
pub(super) fn bind(setting: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Bind { setting, address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Serves callers over TLS until the handle ends it.
pub(super) async fn serve_callers(
    listener: TcpListener,
    tls: RustlsConfig,
    routes: Router,
    limits: Limits,
    handle: Handle<SocketAddr>,
) {
    let server = axum_server::from_tcp_rustls(listener, tls).map(|server| {
        let mut server = server.map(|tls| Capped::new(tls.handshake_timeout(limits.arrival), limits.connections));
        bound(server.http_builder(), limits.arrival);
        server
            .first_request_timeout(limits.arrival)
            .handle(handle)
            .serve(routes.into_make_service_with_connect_info::<SocketAddr>())
    });
    until_ended("callers", server).await;
}

/// Serves health and metrics in clear until the handle ends it.
pub(super) async fn serve_monitor(listener: TcpListener, routes: Router, handle: Handle<SocketAddr>) {
    let limits = Limits { arrival: MONITOR_ARRIVAL, connections: MAX_MONITOR_CONNECTIONS };
    serve_plain("monitoring", listener, routes, limits, handle).await;
}

/// Serves in clear until the handle ends it.
pub(super) async fn serve_plain(
    name: &str,
    listener: TcpListener,
    routes: Router,
    limits: Limits,
    handle: Handle<SocketAddr>,
) {
    let server = axum_server::from_tcp(listener).map(|server| {
        let mut server = server.map(|plain| Capped::new(plain, limits.connections));
        bound(server.http_builder(), limits.arrival);
        server
            .first_request_timeout(limits.arrival)
            .handle(handle)
            .serve(routes.into_make_service_with_connect_info::<SocketAddr>())
    });
    until_ended(name, server).await;
}

/// Bounds what one connection may take of memory and time.
fn bound<E>(http: &mut hyper_util::server::conn::auto::Builder<E>, arrival: Duration) {
    // The head's time also bounds how long a connection stays open without a request.
    http.http1().timer(TokioTimer::new()).header_read_timeout(arrival).max_headers(MAX_HEADERS).max_buf_size(MAX_HEAD);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(arrival)
        .keep_alive_timeout(arrival)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEAD).expect("320 KiB"));
}

async fn until_ended<F: Future<Output = io::Result<()>>>(name: &str, server: io::Result<F>) {
    let result = match server {
        Ok(server) => server.await,
        Err(error) => Err(error),
    };
    if let Err(error) = result {
        tracing::error!(%error, "the listener for {name} failed");
    }
}

/// An acceptor that takes so many connections and closes the next at once: one that waits for a place holds a
/// descriptor and learns nothing.
#[derive(Clone)]
struct Capped<A> {
    inner: A,
    places: Arc<Semaphore>,
}

impl<A> Capped<A> {
    fn new(inner: A, connections: usize) -> Self {
        Self { inner, places: Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS))) }
    }
}

type Accepting<A, I, S> = <A as Accept<I, S>>::Future;
type Accepted<T, S> = Pin<Box<dyn Future<Output = io::Result<(T, Held<S>)>> + Send>>;

impl<I, S, A> Accept<I, S> for Capped<A>
where
    A: Accept<I, S>,
    Accepting<A, I, S>: Send + 'static,
{
    type Stream = A::Stream;
    type Service = Held<A::Service>;
    type Future = Accepted<A::Stream, A::Service>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            metrics::counter!("hedui_connections_refused_total").increment(1);
            return Box::pin(async { Err(io::Error::other("too many connections")) });
        };
        let accepting = self.inner.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = accepting.await?;
            Ok((stream, Held { service, _place: Arc::new(place) }))
        })
    }
}

/// A connection's service, which holds the connection's place as long as it lives.
#[derive(Clone)]
struct Held<S> {
    service: S,
    _place: Arc<OwnedSemaphorePermit>,
}

impl<S: Service<R>, R> Service<R> for Held<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.service.call(request)
    }
}

/// A file, and the setting that names it.
pub(super) type Named<'a> = (&'static str, &'a Path);

/// The files of a listener's TLS.
#[derive(Clone, Copy)]
pub(super) struct TlsFiles<'a> {
    /// Certificate chain, PEM.
    pub(super) certificate: Named<'a>,
    /// Its private key, PEM.
    pub(super) private_key: Named<'a>,
    /// When set, callers must present a certificate of this authority.
    pub(super) client_ca: Option<Named<'a>>,
}

impl<'a> TlsFiles<'a> {
    /// Those of the callers' listener.
    pub(super) fn of(config: &'a Config) -> Self {
        let listen = &config.listen;
        Self {
            certificate: ("listen.certificate", &listen.certificate),
            private_key: ("listen.private_key", &listen.private_key),
            client_ca: listen.client_ca.as_deref().map(|file| ("listen.client_ca", file)),
        }
    }
}

/// The TLS of a listener; with `client_ca` it asks for the callers' certificates.
pub(super) fn tls(files: TlsFiles<'_>, oldest: TlsVersion) -> Result<RustlsConfig, StartError> {
    let failed = |error: &dyn std::fmt::Display| StartError::Tls(error.to_string());
    let certificates = read_certificates(files.certificate)?;
    let key = read_setting_file(files.private_key.0, files.private_key.1)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| failed(&error))?;
    let versions: &[_] = match oldest {
        TlsVersion::Tls13 => &[&rustls::version::TLS13],
        TlsVersion::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| failed(&error))?;
    let builder = match files.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = rustls::RootCertStore::empty();
            for certificate in read_certificates(file)? {
                roots.add(certificate).map_err(|error| failed(&error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| failed(&error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut server = builder.with_single_cert(certificates, key).map_err(|error| failed(&error))?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(server)))
}

fn read_certificates((setting, file): Named<'_>) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let text = read_setting_file(setting, file)?;
    CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| StartError::Tls(format!("`{setting}` {}: {error}", file.display())))
}
