//! A folder that a department puts its records into: what was delivered last and is whole, held in memory.
//!
//! The folder is looked at every second, beside the questions; a question never waits for a disk. A new delivery
//! takes the place of the one before in one step, once all of it has been checked. One that is not whole or not as
//! agreed takes no place: the one before stays in use, and health tells of it. What is older than agreed is not
//! answered from.

mod control;
mod delivery;
mod explore;
mod folder;
mod memory;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::Offset;
use tokio::sync::Mutex as TurnMutex;
use tokio::task::JoinSet;

use super::trouble::{Flaw, Rung, Trouble};
use super::{OpenError, Question, Relation, SourceError};
use crate::clock::Clock;
use crate::connector::{Dataset, FileInfo};
use crate::ledger::Ledger;
use crate::native::Rows;
use crate::secret::Secret;
use delivery::{Delivery, Part, Wanted};
pub(crate) use explore::of_answer;
use folder::Stamp;
use memory::Memory;

/// How often the folder is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Deliveries in a folder.
#[derive(Debug)]
pub(crate) struct FileSource {
    inner: Arc<Inner>,
    /// Held by whoever looks at the folder, so that nobody else does meanwhile.
    turn: Arc<TurnMutex<()>>,
    /// Looks at the folder until the source is closed.
    watch: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    info: FileInfo,
    wanted: Vec<Wanted>,
    today: Today,
    /// What was taken over before, also by an adapter that ran then. A rehearsal and a golden test have none.
    memory: Option<Memory>,
    adapter: String,
    ledger: Ledger,
    state: Mutex<State>,
}

/// By which day the age of records is judged.
#[derive(Debug, Clone)]
pub(crate) enum Today {
    /// That of a clock, in China.
    Of(Clock),
    /// Always this one: a rehearsal plays on a day of its own.
    Always(Date),
    /// None: the records of a golden test do not grow old.
    Never,
}

#[derive(Debug, Default)]
struct State {
    /// What is in use.
    current: Option<Arc<Delivery>>,
    /// What was looked at last, and what came of it.
    last: Option<Attempt>,
    /// Why what is in use is not remembered over a restart, where it is not.
    forgotten: Option<Flaw>,
}

#[derive(Debug)]
struct Attempt {
    /// The bytes of the control file; `None` when it could not be read.
    control: Option<Vec<u8>>,
    /// The data files as they were; looked at again while the delivery is not good.
    stamps: Vec<(PathBuf, Option<Stamp>)>,
    flaw: Option<Flaw>,
}

impl FileSource {
    /// Sets up a folder, without looking at it. `url` stands in for the folder the file names: a path, or
    /// `file:` with one.
    pub(super) fn open(
        info: &FileInfo,
        url: Option<&Secret>,
        base: &Path,
        datasets: &[Dataset],
        today: Today,
        remembers: bool,
        (adapter, ledger): (&str, Ledger),
    ) -> Result<Self, OpenError> {
        let folder = match url.map(Secret::reveal) {
            Some(text) => match text.strip_prefix("file:") {
                Some(path) => PathBuf::from(path.strip_prefix("//").unwrap_or(path)),
                None if text.starts_with('/') || !text.contains(':') => PathBuf::from(text),
                None => return Err(OpenError::Folder),
            },
            None => base.join(&info.folder),
        };
        let wanted = datasets.iter().filter_map(Wanted::of).collect();
        let usual = || PathBuf::from(format!("{adapter}.taken-over.json"));
        let file = base.join(info.memory.clone().unwrap_or_else(usual));
        let memory = matches!(today, Today::Of(_)).then_some(Memory { file, is_kept: remembers });
        let (info, adapter, state) = (info.clone(), adapter.to_owned(), Mutex::default());
        let inner = Arc::new(Inner { folder, info, wanted, today, memory, adapter, ledger, state });
        Ok(Self { inner, turn: Arc::default(), watch: Mutex::default() })
    }

    /// The rows about the persons of a question.
    pub(super) async fn fetch(&self, dataset: &str, question: &Question<'_>) -> Result<Rows, SourceError> {
        let (wanted, part) = self.part(dataset).await?;
        self.inner.fresh(&part)?;
        let most = self.inner.info.max_rows;
        part.rows_of(wanted, &question.id_numbers, most).ok_or(SourceError::TooManyRows(most))
    }

    /// The columns of what a dataset reads.
    pub(super) async fn columns(&self, dataset: &str) -> Result<Vec<String>, SourceError> {
        let (wanted, part) = self.part(dataset).await?;
        Ok(part.columns.iter().cloned().chain(wanted.optional.iter().cloned()).collect())
    }

    /// Looks at the folder and succeeds when something in it can be answered from; then what is wrong with a newer
    /// delivery that is not used, if there is one.
    pub(crate) async fn ping(&self) -> Result<Option<Trouble>, SourceError> {
        self.watched();
        self.look().await?;
        let current = self.inner.current()?;
        for (_, part) in current.parts() {
            self.inner.fresh(part)?;
        }
        let state = self.inner.state();
        let flaw = state.last.as_ref().and_then(|last| last.flaw.as_ref()).or(state.forgotten.as_ref());
        Ok(flaw.map(|flaw| self.inner.trouble(flaw)))
    }

    /// The files in use, with their datasets, the day they are of, how many records they have, and how many of
    /// those nobody is found by.
    pub(crate) async fn parts(&self) -> Result<Vec<(String, String, Date, usize, usize)>, SourceError> {
        self.look().await?;
        let current = self.inner.current()?;
        let told = |(dataset, part): (&String, &Arc<Part>)| {
            (dataset.clone(), part.file.clone(), part.as_of, part.rows.len(), part.unfiled)
        };
        Ok(current.parts().map(told).collect())
    }

    /// What the folder holds, with the columns of each file.
    pub(super) async fn relations(&self) -> Result<Vec<Relation>, SourceError> {
        let inner = Arc::clone(&self.inner);
        self.beside(move || explore::relations(&inner.folder, &inner.info).map_err(|flaw| inner.unusable(&flaw)))
            .await?
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// The name of the control file.
    pub(crate) fn control(&self) -> &str {
        &self.inner.info.control
    }

    /// Stops looking at the folder.
    pub(super) async fn close(&self) {
        let mut watch = std::mem::take(&mut *self.watch.lock().unwrap_or_else(PoisonError::into_inner));
        watch.shutdown().await;
    }

    async fn part(&self, dataset: &str) -> Result<(&Wanted, Arc<Part>), SourceError> {
        self.watched();
        if self.inner.state().last.is_none() {
            self.look().await?;
        }
        let part = self.inner.current()?.part(dataset).cloned();
        let wanted = self.inner.wanted.iter().find(|wanted| wanted.dataset == dataset);
        wanted.zip(part).ok_or_else(|| self.inner.unusable(&Flaw::Listed(dataset.to_owned(), 0)))
    }

    /// Has the folder looked at from now on, unless it is.
    fn watched(&self) {
        if matches!(self.inner.today, Today::Never) {
            return;
        }
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.is_empty() {
            let (inner, turn) = (Arc::clone(&self.inner), Arc::clone(&self.turn));
            watch.spawn(async move {
                loop {
                    tokio::time::sleep(EVERY).await;
                    looked(&inner, &turn).await;
                }
            });
        }
    }

    /// Looks at the folder now, or waits for whoever does.
    async fn look(&self) -> Result<(), SourceError> {
        let patience = self.inner.info.patience;
        let looked = looked(&self.inner, &self.turn);
        tokio::time::timeout(patience, looked).await.map_err(|_| SourceError::Timeout(patience))
    }

    /// Does what waits for a disk where no question waits for it, within the time agreed.
    async fn beside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, SourceError> {
        let patience = self.inner.info.patience;
        match tokio::time::timeout(patience, tokio::task::spawn_blocking(work)).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) | Err(_) => Err(SourceError::Timeout(patience)),
        }
    }
}

/// Takes over what is new in the folder. A disk that hangs holds one thread, not one for each that looks.
async fn looked(inner: &Arc<Inner>, turn: &Arc<TurnMutex<()>>) {
    let turn = Arc::clone(turn).lock_owned().await;
    let inner = Arc::clone(inner);
    let looking = tokio::task::spawn_blocking(move || {
        inner.take_over();
        drop(turn);
    });
    // It ends early only when the runtime does.
    drop(looking.await);
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the delivery of the folder, unless it is the one that was looked at last, and uses it if it is good.
    fn take_over(&self) {
        let control = delivery::control_bytes(&self.folder, &self.info);
        let seen = control.as_ref().ok().cloned();
        let unchanged = self.state().last.as_ref().is_some_and(|last| {
            let same = last.control == seen;
            // A good delivery is in memory; what becomes of its files is no matter. A bad one may yet be completed.
            same && match (&last.flaw, &control) {
                (None, _) => true,
                (Some(before), Err(flaw)) => before == flaw,
                (Some(_), Ok(_)) => last.stamps.iter().all(|(path, stamp)| folder::stamp(path) == *stamp),
            }
        });
        if unchanged {
            return;
        }
        let mut stamps = Vec::new();
        let read = control.and_then(|bytes| delivery::listed(&bytes, &self.info)).and_then(|listed| {
            // Before the files are read, so that what is written meanwhile is noticed.
            stamps = folder::stamps(&self.folder, listed.iter().map(|entry| entry.file.clone()));
            // Whoever takes the memory away means that older records are to be used.
            stamps.extend(self.memory.iter().map(|memory| (memory.file.clone(), folder::stamp(&memory.file))));
            let delivery = Delivery::read(&self.folder, &self.info, &self.wanted, &listed)?;
            self.dated(&delivery)?;
            Ok(delivery)
        });
        let (status, files) = match &read {
            Ok(delivery) => {
                let told = |(_, part): (&String, &Arc<Part>)| format!("{} ({})", part.file, part.as_of);
                let mut files: Vec<String> = delivery.parts().map(told).collect();
                files.dedup();
                ("taken_over", files)
            }
            Err(flaw) => {
                let trouble = self.trouble(flaw);
                (trouble.code, vec![trouble.what.en])
            }
        };
        self.ledger.delivery(&self.adapter, status, files);
        let forgotten = read.as_ref().ok().and_then(|delivery| self.remember(delivery).err());
        let mut state = self.state();
        let flaw = match read {
            Ok(delivery) => {
                state.forgotten = forgotten;
                state.current = Some(Arc::new(delivery));
                None
            }
            Err(flaw) => Some(flaw),
        };
        state.last = Some(Attempt { control: seen, stamps, flaw });
    }

    /// Keeps the days of what is taken over.
    fn remember(&self, delivery: &Delivery) -> Result<(), Flaw> {
        let Some(memory) = &self.memory else { return Ok(()) };
        let days = delivery.parts().map(|(dataset, part)| (dataset.clone(), part.as_of)).collect();
        memory.keep(days).map_err(|cause| Flaw::Forgotten(memory.file.display().to_string(), cause))
    }

    /// Refuses records of a day to come, and those older than the ones in use or used before.
    fn dated(&self, delivery: &Delivery) -> Result<(), Flaw> {
        let today = self.today.date();
        let current = self.state().current.clone();
        let remembered = match &self.memory {
            None => memory::Days::new(),
            Some(memory) => memory.read().map_err(|cause| Flaw::Memory(memory.file.display().to_string(), cause))?,
        };
        for (dataset, part) in delivery.parts() {
            let (file, day) = (part.file.clone(), part.as_of.to_string());
            if today.is_some_and(|today| part.as_of > today) {
                return Err(Flaw::Future(file, day));
            }
            let used = current.as_ref().and_then(|current| current.part(dataset)).map(|used| used.as_of);
            if let Some(used) = used.max(remembered.get(dataset).copied())
                && used > part.as_of
            {
                let memory = self.memory.as_ref().map(|memory| memory.file.display().to_string());
                return Err(Flaw::Older(file, day, used.to_string(), memory));
            }
        }
        Ok(())
    }

    /// Refuses to answer from records that are older than agreed.
    fn fresh(&self, part: &Part) -> Result<(), SourceError> {
        let days = self.info.max_age;
        let Some(today) = self.today.date() else { return Ok(()) };
        if part.as_of.saturating_add(jiff::Span::new().days(i64::from(days))) >= today {
            return Ok(());
        }
        let flaw = Flaw::Stale(part.file.clone(), part.as_of.to_string(), days);
        Err(SourceError::Stale(Box::new(self.trouble(&flaw))))
    }

    fn current(&self) -> Result<Arc<Delivery>, SourceError> {
        let state = self.state();
        if let Some(current) = &state.current {
            return Ok(Arc::clone(current));
        }
        let flaw = state.last.as_ref().and_then(|last| last.flaw.clone()).unwrap_or(Flaw::ControlMissing);
        Err(self.unusable(&flaw))
    }

    fn trouble(&self, flaw: &Flaw) -> Trouble {
        Trouble::of_delivery(flaw, &self.folder.display().to_string(), &self.info.control)
    }

    fn unusable(&self, flaw: &Flaw) -> SourceError {
        SourceError::Unavailable(Box::new(self.trouble(flaw)))
    }
}

impl Today {
    fn date(&self) -> Option<Date> {
        match self {
            // China has one time, eight hours before Greenwich, and no summer time.
            Self::Of(clock) => Some(Offset::constant(8).to_datetime(clock.now()).date()),
            Self::Always(date) => Some(*date),
            Self::Never => None,
        }
    }
}

/// The rungs that a delivery has climbed before `rung`, in their order.
pub(crate) const RUNGS: [Rung; 7] =
    [Rung::Folder, Rung::Control, Rung::Whole, Rung::Encoding, Rung::Columns, Rung::Records, Rung::Fresh];
