//! The newest day of each dataset's records that were taken over: kept in a file, so that after a restart nothing older
//! is taken for news.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::error::Text;
use crate::words;

/// A memory is at most this large, in bytes.
const MAX_SIZE: u64 = 256 * 1024;

/// Days by dataset.
pub(super) type Days = BTreeMap<String, Date>;

/// The file, and whether it is written or only read.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    pub(super) file: PathBuf,
    pub(super) is_kept: bool,
}

impl Memory {
    /// The days that are remembered: none where nothing is.
    pub(super) fn read(&self) -> Result<Days, Text> {
        let length = match fs::metadata(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Days::new()),
            metadata => metadata.map_err(|cause| told(&cause))?.len(),
        };
        if length > MAX_SIZE {
            return Err(Text::new("比适配器写的大得多", "it is larger than any that an adapter writes"));
        }
        let text = fs::read_to_string(&self.file).map_err(|cause| told(&cause))?;
        serde_json::from_str(&text).map_err(|error| {
            let line = error.line();
            Text::new(format!("第 {line} 行不是数据集和日期"), format!("line {line} is no dataset with its day"))
        })
    }

    /// Remembers these days besides those that were, in one step that a power cut does not halve.
    pub(super) fn keep(&self, days: Days) -> Result<(), Text> {
        if !self.is_kept {
            return Ok(());
        }
        let mut all = self.read()?;
        all.extend(days);
        self.write(&all).map_err(|cause| told(&cause))
    }

    fn write(&self, all: &Days) -> io::Result<()> {
        let text = serde_json::to_string_pretty(all).map_err(io::Error::other)?;
        let beside = self.file.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.file)?;
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

/// What the operating system says, in both languages.
fn told(cause: &io::Error) -> Text {
    Text::new(words::of_system(cause), cause.to_string())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_remembered_and_what_is_no_memory_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("taken-over.json");
        let memory = Memory { file: file.clone(), is_kept: true };
        assert_eq!(memory.read().unwrap(), Days::new(), "nothing yet");
        memory.keep(Days::from([("a.x".to_owned(), date(2025, 3, 1))])).unwrap();
        memory.keep(Days::from([("a.y".to_owned(), date(2025, 3, 2))])).unwrap();
        let both = Days::from([("a.x".to_owned(), date(2025, 3, 1)), ("a.y".to_owned(), date(2025, 3, 2))]);
        assert_eq!(memory.read().unwrap(), both);
        let reader = Memory { is_kept: false, ..memory.clone() };
        reader.keep(Days::from([("a.x".to_owned(), date(2026, 1, 1))])).unwrap();
        assert_eq!(memory.read().unwrap(), both, "who only reads writes nothing");
        fs::write(&file, "{\"a.x\": \"yesterday\"}").unwrap();
        let told = memory.read().unwrap_err();
        assert!(told.zh.contains("第 1 行") && told.en.contains("line 1"), "{told:?}");
        assert!(memory.keep(Days::new()).is_err(), "nor is it written over");
    }
}
