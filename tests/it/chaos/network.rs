//! What networks do: a proxy between hub and department that spoils the bytes that pass.
//!
//! It knows nothing of TLS or HTTP; what a department itself may do wrong is in `answers.rs`. The toxics are those of
//! Toxiproxy, and garbage and half-open connections besides. The proxy can be told of another toxic at any time:
//! whatever waits because of the old one waits no longer.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What is done to the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toxic {
    /// Nothing.
    None,
    /// Each chunk is held back for `delay`, and up to `jitter` more.
    Latency { delay: Duration, jitter: Duration },
    /// So many bytes a second.
    Bandwidth(u64),
    /// Whatever is sent disappears; connections stay open.
    Swallow,
    /// Connections are reset, those that are there and new ones.
    Reset,
    /// Each chunk arrives in pieces of so many bytes with a pause between them.
    Slice { bytes: usize, pause: Duration },
    /// Connections are closed after so many bytes of what the department sends.
    Limit(usize),
    /// A department's closing of a connection is told only after this time.
    SlowClose(Duration),
    /// Connections that are there when it begins lead nowhere from then on and nobody is told; new ones are sound.
    HalfOpen,
    /// What the department sends arrives as something else.
    Garbage,
}

/// A running proxy.
pub(crate) struct Network {
    pub(crate) address: SocketAddr,
    toxic: watch::Sender<Toxic>,
    department: Arc<Mutex<SocketAddr>>,
    seen: Arc<Seen>,
    accepting: JoinHandle<()>,
}

/// What the proxy saw.
#[derive(Default)]
struct Seen {
    open: AtomicUsize,
    most_open: AtomicUsize,
    accepted: AtomicUsize,
}

/// A connection that counts itself.
struct Counted(Arc<Seen>);

impl Counted {
    fn new(seen: &Arc<Seen>) -> Self {
        seen.accepted.fetch_add(1, Ordering::SeqCst);
        let open = seen.open.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most_open.fetch_max(open, Ordering::SeqCst);
        Self(Arc::clone(seen))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Network {
    /// A proxy before `department`.
    pub(crate) async fn before(department: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (toxic, told) = watch::channel(Toxic::None);
        let seen = Arc::new(Seen::default());
        let department = Arc::new(Mutex::new(department));
        let (counting, led) = (Arc::clone(&seen), Arc::clone(&department));
        let accepting = tokio::task::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                let (told, counted, department) = (told.clone(), Counted::new(&counting), *led.lock().unwrap());
                tokio::task::spawn(async move {
                    let ended = carry(caller, department, told).await;
                    drop((ended, counted));
                });
            }
        });
        Self { address, toxic, department, seen, accepting }
    }

    /// Does this from now on.
    pub(crate) fn spoil(&self, toxic: Toxic) {
        self.toxic.send_replace(toxic);
    }

    /// Leads new connections there.
    pub(crate) fn lead_to(&self, department: SocketAddr) {
        *self.department.lock().unwrap() = department;
    }

    /// Most connections that were open at once.
    pub(crate) fn most_open(&self) -> usize {
        self.seen.most_open.load(Ordering::SeqCst)
    }

    /// Connections that were made so far.
    pub(crate) fn accepted(&self) -> usize {
        self.seen.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One connection, from its first byte to its end.
async fn carry(mut caller: TcpStream, department: SocketAddr, mut toxic: watch::Receiver<Toxic>) -> io::Result<()> {
    let born_under = *toxic.borrow_and_update();
    let lost = AtomicBool::new(false);
    let ending = if born_under == Toxic::Reset {
        Toxic::Reset
    } else {
        let mut department = TcpStream::connect(department).await?;
        department.set_nodelay(true)?;
        caller.set_nodelay(true)?;
        let ((from_caller, to_caller), (from_department, to_department)) = (caller.split(), department.split());
        let asked = pump(from_caller, to_department, false, toxic.clone(), &lost);
        let answered = pump(from_department, to_caller, true, toxic.clone(), &lost);
        tokio::select! {
            ended = async { tokio::try_join!(asked, answered) } => return ended.map(drop),
            ending = cut(&mut toxic, &lost) => ending,
        }
    };
    match ending {
        // With nothing left to linger for, closing sends RST.
        Toxic::Reset => caller.set_zero_linger(),
        // The caller is not told that the other side is gone, for as long as it does not close itself.
        Toxic::HalfOpen => {
            let mut nowhere = [0; 1024];
            while caller.read(&mut nowhere).await? > 0 {}
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Waits for a toxic that ends connections at the moment it begins or ends, and says which.
async fn cut(toxic: &mut watch::Receiver<Toxic>, lost: &AtomicBool) -> Toxic {
    loop {
        if toxic.changed().await.is_err() {
            return Toxic::None;
        }
        let now = *toxic.borrow_and_update();
        if matches!(now, Toxic::Reset | Toxic::HalfOpen) {
            return now;
        }
        // A connection that bytes are missing from cannot be mended.
        if lost.load(Ordering::SeqCst) {
            return Toxic::Swallow;
        }
    }
}

/// Moves bytes one way.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    is_answer: bool,
    mut toxic: watch::Receiver<Toxic>,
    lost: &AtomicBool,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    let mut passed = 0;
    let mut dice = Dice::default();
    loop {
        let read = from.read(&mut buffer).await?;
        let now = *toxic.borrow_and_update();
        let chunk = &mut buffer[..read];
        if chunk.is_empty() {
            if let (Toxic::SlowClose(pause), true) = (now, is_answer) {
                rest(pause, &mut toxic).await;
            }
            return to.shutdown().await;
        }
        match now {
            Toxic::Latency { delay, jitter } => {
                rest(delay + jitter * dice.percent() / 100, &mut toxic).await;
                to.write_all(chunk).await?;
            }
            Toxic::Bandwidth(bytes_a_second) => {
                for piece in chunk.chunks(64) {
                    rest(Duration::from_micros(piece.len() as u64 * 1_000_000 / bytes_a_second), &mut toxic).await;
                    to.write_all(piece).await?;
                }
            }
            Toxic::Slice { bytes, pause } => {
                for piece in chunk.chunks(bytes) {
                    to.write_all(piece).await?;
                    to.flush().await?;
                    rest(pause, &mut toxic).await;
                }
            }
            Toxic::Swallow => lost.store(true, Ordering::SeqCst),
            Toxic::Limit(most) if is_answer => {
                let left = most.saturating_sub(passed).min(chunk.len());
                to.write_all(&chunk[..left]).await?;
                passed += left;
                if passed >= most {
                    to.shutdown().await?;
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
            }
            Toxic::Garbage if is_answer => {
                lost.store(true, Ordering::SeqCst);
                for byte in chunk.iter_mut() {
                    *byte ^= dice.byte() | 1;
                }
                to.write_all(chunk).await?;
            }
            _ => to.write_all(chunk).await?,
        }
    }
}

/// Waits, unless the toxic changes. Even the shortest sleep takes a millisecond.
async fn rest(pause: Duration, toxic: &mut watch::Receiver<Toxic>) {
    if pause.is_zero() {
        return tokio::task::yield_now().await;
    }
    tokio::select! {
        () = sleep(pause) => {}
        _ = toxic.changed() => {}
    }
}

/// Numbers that look random and are the same in every run (`SplitMix64`).
#[derive(Default)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        static SEED: AtomicU64 = AtomicU64::new(0);
        if self.0 == 0 {
            self.0 = SEED.fetch_add(0x632B_E59B_D9B4_E019, Ordering::Relaxed);
        }
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn percent(&mut self) -> u32 {
        u32::from(self.byte()) * 100 / 255
    }
}
