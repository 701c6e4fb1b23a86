//! The ledger in a file: lines chained by SHA-256, written in groups, each group on disk before it is answered for.
//!
//! A full file is put aside under the number of its first line (`hrss.jsonl` becomes `hrss.jsonl.000000000001`); the
//! chain goes on in the next. One process writes a ledger at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::chain::{self, FIRST_PREV, hash_of};
use super::{LedgerError, Line};
use crate::error::Text;
use crate::words;

/// Lines that may wait for the disk.
const QUEUE: usize = 4096;
/// Most lines of one group.
const GROUP: usize = 256;
/// How much of the end of a file is read to find its last line; many times the longest line.
const TAIL: u64 = 256 * 1024;
/// What every line begins with.
const BEGINNING: &[u8] = b"{\"number\":";
/// Size at which a file is put aside when nothing else is said, bytes.
pub const MAX_SIZE: u64 = 64 * 1024 * 1024;

/// Why a ledger cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenLedgerError {
    /// The file cannot be opened or read.
    #[error(
        "the ledger `{file}` cannot be opened ({cause}): its folder must be there, and this account must be able to write in it"
    )]
    File {
        /// The file.
        file: String,
        /// Why.
        cause: std::io::Error,
    },
    /// Another process writes it.
    #[error("the ledger `{0}` is being written by another process; stop that adapter, or name another file")]
    Locked(String),
    /// Its last line is no line of a ledger.
    #[error(
        "the last line of the ledger `{0}` was not written by an adapter; put the file aside and keep it as evidence, then start again"
    )]
    LastLine(String),
}

impl OpenLedgerError {
    /// The error for people.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::File { file, cause } => {
                let cause = words::of_system(cause);
                format!("使用台账 `{file}` 无法打开（{cause}）：所在文件夹要已经建好，运行适配器的账号要能写")
            }
            Self::Locked(file) => format!("使用台账 `{file}` 正由另一个进程写入；请停止那个适配器，或另指定文件"),
            Self::LastLine(file) => {
                format!("使用台账 `{file}` 的最后一行不是适配器写的；请把该文件移开并作为证据保存，再重新启动")
            }
        };
        Text::new(zh, self.to_string())
    }
}

/// A ledger in a file. Cheap to clone; the last clone that is dropped waits until everything is on disk.
#[derive(Debug, Clone)]
pub struct LedgerFile(Arc<Writer>);

#[derive(Debug)]
struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

struct Job {
    line: Line,
    done: Option<oneshot::Sender<Result<(), LedgerError>>>,
}

impl LedgerFile {
    /// Opens a ledger, makes it when absent, and goes on from its last line. A line that a crash cut short was never
    /// answered for and is removed. At `max_size` bytes a file is put aside.
    pub fn open(path: &Path, max_size: u64) -> Result<Self, OpenLedgerError> {
        let chain = Chain::open(path, max_size)?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        let failed = |cause| OpenLedgerError::File { file: path.display().to_string(), cause };
        let thread =
            std::thread::Builder::new().name("ledger".to_owned()).spawn(move || run(chain, queue)).map_err(failed)?;
        Ok(Self(Arc::new(Writer { jobs: Some(jobs), thread: Some(thread) })))
    }

    /// Appends a line; it is on disk when this returns.
    pub(super) async fn append(&self, line: Line) -> Result<(), LedgerError> {
        let (done, heard) = oneshot::channel();
        self.send(Job { line, done: Some(done) })?;
        heard.await.map_err(|_| LedgerError("its writer has stopped".to_owned()))?
    }

    /// Appends a line that nobody waits for.
    pub(super) fn append_unheard(&self, line: Line) {
        // Whoever asked went away already; a ledger that cannot be written refuses the next question.
        drop(self.send(Job { line, done: None }));
    }

    fn send(&self, job: Job) -> Result<(), LedgerError> {
        let jobs = self.0.jobs.as_ref().ok_or_else(|| LedgerError("its writer has stopped".to_owned()))?;
        jobs.try_send(job).map_err(|_| LedgerError(format!("more than {QUEUE} lines wait for the disk")))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has said so on standard error.
            drop(thread.join());
        }
    }
}

fn run(mut chain: Chain, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(job) = queue.try_recv()
        {
            group.push(job);
        }
        let result = chain.append(&group).map_err(|cause| LedgerError(cause.to_string()));
        for job in group {
            if let Some(done) = job.done {
                // Who asked may have gone away; the line is there all the same.
                drop(done.send(result.clone()));
            }
        }
    }
}

/// The end of the chain, and the file it is in.
struct Chain {
    path: PathBuf,
    file: File,
    max_size: u64,
    /// Bytes of whole lines.
    size: u64,
    /// The number of the first line of this file.
    first: u64,
    /// The number of the next line.
    next: u64,
    /// The hash of the last line, hexadecimal.
    last: String,
    /// What lies beyond `size` is half a group that failed.
    is_torn: bool,
}

/// A line with its place in the chain.
#[derive(Serialize)]
struct Chained<'a> {
    number: u64,
    prev: &'a str,
    #[serde(flatten)]
    line: &'a Line,
}

impl Chain {
    fn open(path: &Path, max_size: u64) -> Result<Self, OpenLedgerError> {
        let name = path.display().to_string();
        let failed = |cause| OpenLedgerError::File { file: name.clone(), cause };
        let mut file = open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenLedgerError::Locked(name)),
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        let End { size, last, is_ours } = last_line(&mut file).map_err(failed)?;
        let first = first_number(&mut file).map_err(failed)?;
        // Nothing is cut off a file that may be something else.
        if !is_ours || size > 0 && first.is_none() {
            return Err(OpenLedgerError::LastLine(name));
        }
        file.set_len(size).map_err(failed)?;
        // A file that was just put aside leaves an empty one; the chain goes on from the end of the one before.
        let end = match last {
            Some(line) => Some((name.clone(), line)),
            None => match chain::put_aside(path).map_err(failed)?.pop() {
                None => None,
                Some(before) => {
                    let mut older = File::open(&before).map_err(failed)?;
                    last_line(&mut older).map_err(failed)?.last.map(|line| (before.display().to_string(), line))
                }
            },
        };
        let (next, last) = match end {
            None => (1, FIRST_PREV.to_owned()),
            Some((name, line)) => {
                let number = chain::number_of(&line).ok_or(OpenLedgerError::LastLine(name))?;
                (number + 1, hash_of(&line))
            }
        };
        let first = first.unwrap_or(next);
        Ok(Self { path: path.to_owned(), file, max_size, size, first, next, last, is_torn: false })
    }

    /// Writes a group and flushes it to disk; all of it counts, or none.
    fn append(&mut self, group: &[Job]) -> std::io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.size)?;
            self.is_torn = false;
        }
        if self.size >= self.max_size {
            self.put_aside()?;
        }
        let (mut text, mut next, mut last) = (Vec::with_capacity(group.len() * 1500), self.next, self.last.clone());
        for job in group {
            let line = serde_json::to_vec(&Chained { number: next, prev: &last, line: &job.line })?;
            last = hash_of(&line);
            text.extend_from_slice(&line);
            text.push(b'\n');
            next += 1;
        }
        self.is_torn = true;
        self.file.write_all(&text)?;
        self.file.sync_data()?;
        self.is_torn = false;
        self.size += u64::try_from(text.len()).unwrap_or(u64::MAX);
        (self.next, self.last) = (next, last);
        Ok(())
    }

    fn put_aside(&mut self) -> std::io::Result<()> {
        std::fs::rename(&self.path, chain::aside_name(&self.path, self.first))?;
        let fresh = open(&self.path)?;
        fresh.try_lock().map_err(std::io::Error::from)?;
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        (self.file, self.size, self.first) = (fresh, 0, self.next);
        Ok(())
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The end of a file.
struct End {
    /// How long its whole lines are.
    size: u64,
    /// The last of them.
    last: Option<Vec<u8>>,
    /// What follows it is nothing, or the beginning of a line of a ledger.
    is_ours: bool,
}

fn last_line(file: &mut File) -> std::io::Result<End> {
    let length = file.seek(SeekFrom::End(0))?;
    let start = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let torn = tail.split_off(whole);
    let is_ours = (whole > 0 || start == 0) && torn.iter().zip(BEGINNING).all(|(byte, own)| byte == own);
    let last = tail.pop().map(|_| tail.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().to_vec());
    Ok(End { size: start + u64::try_from(whole).unwrap_or(u64::MAX), last, is_ours })
}

/// The number of a file's first line.
fn first_number(file: &mut File) -> std::io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    file.take(TAIL).read_to_end(&mut head)?;
    Ok(head.split(|byte| *byte == b'\n').next().and_then(chain::number_of))
}

#[cfg(test)]
mod tests {
    use super::super::Ledger;
    use super::super::chain::{LedgerFault, read};
    use super::*;

    async fn write(ledger: &Ledger, lines: usize) {
        for _ in 0..lines {
            ledger.begin("hrss", None).finish("bad_query", Vec::new(), None).await.unwrap();
        }
    }

    fn numbers(path: &Path) -> (Vec<u64>, Vec<LedgerFault>) {
        let (mut numbers, mut faults) = (Vec::new(), Vec::new());
        read(path, |line| match line {
            Ok(line) => numbers.push(line.number),
            Err(fault) => faults.push(fault),
        })
        .unwrap();
        (numbers, faults)
    }

    #[tokio::test]
    async fn the_chain_goes_on_over_restarts_and_files_that_are_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hrss.jsonl");
        for _ in 0..3 {
            let ledger = Ledger::File(LedgerFile::open(&path, 600).unwrap());
            write(&ledger, 5).await;
        }
        let (numbers, faults) = numbers(&path);
        assert_eq!((numbers, faults), ((1..=15).collect(), Vec::new()));
        assert!(chain::put_aside(&path).unwrap().len() > 2, "600 bytes hold three lines");
    }

    #[tokio::test]
    async fn a_line_that_a_crash_cut_short_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hrss.jsonl");
        write(&Ledger::File(LedgerFile::open(&path, MAX_SIZE).unwrap()), 2).await;
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], b"{\"number\":3,\"pr"].concat()).unwrap();
        write(&Ledger::File(LedgerFile::open(&path, MAX_SIZE).unwrap()), 1).await;
        assert_eq!(numbers(&path), (vec![1, 2, 3], Vec::new()));
        assert!(std::fs::read(&path).unwrap().starts_with(&whole));
    }

    #[tokio::test]
    async fn a_ledger_has_one_writer_and_begins_on_nothing_else_than_a_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hrss.jsonl");
        let first = LedgerFile::open(&path, MAX_SIZE).unwrap();
        assert!(matches!(LedgerFile::open(&path, MAX_SIZE), Err(OpenLedgerError::Locked(_))));
        drop(first);
        for text in ["something else\n", "something else", "{\"number\":1,\"prev\":\"0\"}\nelse"] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(LedgerFile::open(&path, MAX_SIZE), Err(OpenLedgerError::LastLine(_))), "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        let nowhere = folder.path().join("nowhere").join("hrss.jsonl");
        assert!(matches!(LedgerFile::open(&nowhere, MAX_SIZE), Err(OpenLedgerError::File { .. })));
    }

    /// A group that cannot be written counts for nothing, and the next one takes its place.
    #[test]
    fn what_could_not_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hrss.jsonl");
        let mut chain = Chain::open(&path, MAX_SIZE).unwrap();
        let job = || Job { line: Ledger::Silent.begin("hrss", None).line.clone(), done: None };
        chain.append(&[job()]).unwrap();
        let writable = std::mem::replace(&mut chain.file, File::open(&path).unwrap());
        assert!(chain.append(&[job(), job()]).is_err());
        chain.file = writable;
        std::io::Write::write_all(&mut chain.file, b"{\"number\":2,\"half").unwrap();
        chain.append(&[job()]).unwrap();
        assert_eq!(numbers(&path), (vec![1, 2], Vec::new()));
    }

    #[tokio::test]
    async fn an_abandoned_question_has_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hrss.jsonl");
        let ledger = Ledger::File(LedgerFile::open(&path, MAX_SIZE).unwrap());
        drop(ledger.begin("hrss", None));
        drop(ledger);
        assert!(std::fs::read_to_string(&path).unwrap().contains("\"status\":\"abandoned\""));
    }
}
