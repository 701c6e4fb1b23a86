//! The rungs between the file and an answer, where the source is a folder of deliveries.

use super::Step;
use crate::error::Text;
use crate::source::{FileSource, RUNGS, Rung, SourceError, Trouble};

/// Folder, control file, whole files, encoding, columns, records, age. True when all of them hold.
pub(super) async fn climb(source: &FileSource, steps: &mut Vec<Step>) -> bool {
    let trouble = match source.ping().await {
        Ok(None) => None,
        Ok(Some(trouble)) => Some(trouble),
        Err(error) => Some(of_source(&error, source)),
    };
    let broken = trouble.as_ref().map(|trouble| trouble.rung);
    let parts = source.parts().await.unwrap_or_default();
    for rung in RUNGS.into_iter().take_while(|rung| broken.is_none_or(|broken| *rung < broken)) {
        let what = sound(rung, source, &parts);
        steps.push(Step::sound(rung, what.zh, what.en));
    }
    let Some(trouble) = trouble else { return true };
    // What a file has no column for is for the one who writes the mapping; all else is for the one who delivers.
    let outside = trouble.rung != Rung::Columns;
    steps.push(Step { outside, ..Step::broken(trouble) });
    false
}

fn of_source(error: &SourceError, source: &FileSource) -> Trouble {
    error.trouble().cloned().unwrap_or_else(|| Trouble {
        code: error.code(),
        rung: Rung::Folder,
        what: error.text(),
        mend: Text::new(
            "看磁盘或挂载是否卡住；文件很大时提高 patience",
            "look whether the disk or mount hangs; where files are large, raise patience",
        ),
        command: Some(format!("ls -la '{}'", source.folder().display())),
        details: String::new(),
    })
}

type Told = (String, String, jiff::civil::Date, usize, usize);

fn sound(rung: Rung, source: &FileSource, parts: &[Told]) -> Text {
    let each = |zh: &dyn Fn(&Told) -> String, en: &dyn Fn(&Told) -> String| {
        let joined = |say: &dyn Fn(&Told) -> String, with: &str| {
            let mut all: Vec<String> = parts.iter().map(say).collect();
            all.dedup();
            all.join(with)
        };
        Text::new(joined(zh, "；"), joined(en, "; "))
    };
    match rung {
        Rung::Folder => {
            let folder = source.folder().display();
            Text::new(format!("{folder} 可以读"), format!("{folder} can be read"))
        }
        Rung::Control => {
            let control = source.control();
            Text::new(format!("{control} 列出了要读的文件"), format!("{control} lists the files that are read"))
        }
        Rung::Whole => {
            each(&|(_, file, _, rows, _)| format!("{file} 完整，{rows} 条记录"), &|(_, file, _, rows, _)| {
                format!("{file} is whole, with {rows} record(s)")
            })
        }
        Rung::Encoding => Text::new("编码和格式与约定相符", "encoding and form are as agreed"),
        Rung::Columns => Text::new("映射要用的列都在", "every column the mapping reads is there"),
        Rung::Records if parts.iter().all(|(.., unfiled)| *unfiled == 0) => {
            Text::new("每条记录都有身份号码", "every record has an identity number")
        }
        Rung::Records => each(
            &|(_, file, .., unfiled)| format!("{file} 有 {unfiled} 条记录按身份号码查不到，这是许可的"),
            &|(_, file, .., unfiled)| format!("nobody is found by {unfiled} record(s) of {file}, which is allowed"),
        ),
        _ => each(&|(_, file, day, ..)| format!("{file} 是 {day} 的数据"), &|(_, file, day, ..)| {
            format!("{file} is of {day}")
        }),
    }
}
