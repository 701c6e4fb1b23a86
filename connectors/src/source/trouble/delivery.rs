//! What is wrong with a folder, a control file or a delivered file, and what mends it. Never a value of a record:
//! what is told of a line is its number.

use super::{Rung, Trouble};
use crate::error::Text;
use crate::text::{NoText, Why};
use crate::xml::{XmlFault, XmlWhy};

/// Why a delivery is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// There is no such folder, or it is none.
    FolderMissing,
    /// The folder or a file in it may not be read; what the operating system says.
    Unreadable(String),
    /// There is no control file.
    ControlMissing,
    /// The control file is no such thing at this line; which part of it.
    ControlForm(u64, &'static str),
    /// The control file lists no file for a dataset, or several; the name that is looked for.
    Listed(String, usize),
    /// A name in the control file leads out of the folder.
    Name,
    /// What has this name is not a plain file.
    Kind(String),
    /// A listed file is not there.
    FileMissing(String),
    /// A file is larger, in bytes, than the bound.
    Large(String, u64, u64),
    /// The digest of a file is another one; its algorithm.
    Digest(String, &'static str),
    /// A file has another number of records than the control file says: said, found.
    Count(String, u64, u64),
    /// A file is no text in the encoding that was agreed.
    NoText(String, &'static str, NoText),
    /// The prolog of an XML file says another encoding than the one that was agreed.
    Prolog(String, &'static str),
    /// A file is no CSV of one width at this line.
    Csv(String, u64),
    /// A file is no XML of the right form.
    Xml(String, XmlFault),
    /// A column is in the header twice, or without a name.
    Header(String),
    /// A file has no column of this name, which is read by that; and the columns there are.
    Column(String, String, String, Vec<String>),
    /// More rows than agreed have no identity number; how many, and the first line.
    Unfiled(String, usize, u64),
    /// Neither the control file nor the name says of which day the records are.
    NoDay(String),
    /// The records are of a day to come.
    Future(String, String),
    /// The records are older than those in use or used before; where that is remembered.
    Older(String, String, String, Option<String>),
    /// What was taken over before cannot be read: the file, and why.
    Memory(String, Text),
    /// What was taken over cannot be kept: the file, and why.
    Forgotten(String, Text),
    /// The records are older than agreed: of which day, how many days at most.
    Stale(String, String, u32),
}

impl Trouble {
    /// The trouble with a delivery in `folder`, whose control file is `control`.
    pub(crate) fn of_delivery(flaw: &Flaw, folder: &str, control: &str) -> Self {
        let (code, rung) = flaw.code();
        let (what, mend) = flaw.words(folder, control);
        let command = match flaw {
            Flaw::FolderMissing | Flaw::Unreadable(_) | Flaw::ControlMissing | Flaw::FileMissing(_) | Flaw::Kind(_) => {
                Some(format!("ls -la '{folder}'"))
            }
            Flaw::Older(.., Some(memory)) | Flaw::Memory(memory, _) => Some(format!("rm '{memory}'")),
            Flaw::Forgotten(file, _) => Some(format!("ls -la '{file}'")),
            Flaw::Digest(file, "SHA-256") => Some(format!("sha256sum '{folder}/{file}'")),
            _ => None,
        };
        let details = if let Flaw::Unreadable(says) = flaw { says.clone() } else { String::new() };
        Self { code, rung, what, mend, command, details }
    }
}

impl Flaw {
    const fn code(&self) -> (&'static str, Rung) {
        match self {
            Self::FolderMissing => ("folder_missing", Rung::Folder),
            Self::Unreadable(_) => ("delivery_unreadable", Rung::Folder),
            Self::ControlMissing => ("control_missing", Rung::Control),
            Self::ControlForm(..) => ("control_form", Rung::Control),
            Self::Listed(..) => ("file_not_listed", Rung::Control),
            Self::Name => ("file_name_refused", Rung::Control),
            Self::Kind(_) => ("file_not_plain", Rung::Control),
            Self::FileMissing(_) => ("file_missing", Rung::Control),
            Self::Large(..) => ("file_too_large", Rung::Whole),
            Self::Digest(..) => ("digest_differs", Rung::Whole),
            Self::Count(..) => ("count_differs", Rung::Whole),
            Self::NoText(..) | Self::Prolog(..) => ("encoding_wrong", Rung::Encoding),
            Self::Csv(..) => ("csv_form", Rung::Encoding),
            Self::Xml(..) => ("xml_form", Rung::Encoding),
            Self::Header(_) => ("header_form", Rung::Encoding),
            Self::Column(..) => ("column_missing", Rung::Columns),
            Self::Unfiled(..) => ("identity_number_form", Rung::Records),
            Self::NoDay(_) => ("date_missing", Rung::Fresh),
            Self::Future(..) => ("date_in_future", Rung::Fresh),
            Self::Older(..) => ("delivery_older", Rung::Fresh),
            Self::Memory(..) => ("delivery_memory_unreadable", Rung::Fresh),
            Self::Forgotten(..) => ("delivery_memory_unwritable", Rung::Fresh),
            Self::Stale(..) => ("delivery_stale", Rung::Fresh),
        }
    }

    fn words(&self, folder: &str, control: &str) -> (Text, Text) {
        let pair =
            |zh: String, en: String, mend_zh: &str, mend_en: &str| (Text::new(zh, en), Text::new(mend_zh, mend_en));
        let whole = ("等文件写完整，再最后写控制文件", "write the file wholly, and the control file last");
        match self {
            Self::FolderMissing => pair(
                format!("没有文件夹 {folder}"),
                format!("there is no folder {folder}"),
                "建好文件夹，或改 folder；挂载的盘要先挂上",
                "make it, or correct `folder`; if it is on a mounted disk, mount that first",
            ),
            Self::Unreadable(_) => pair(
                format!("{folder} 或其中的文件不能读"),
                format!("{folder} or a file in it cannot be read"),
                "给运行本程序的用户读权限",
                "let the user that runs this program read it",
            ),
            Self::ControlMissing => pair(
                format!("{folder} 里没有控制文件 {control}"),
                format!("there is no control file {control} in {folder}"),
                "交数据时最后写控制文件；名称不同就改 control",
                "write the control file last with every delivery; if it has another name, correct `control`",
            ),
            Self::ControlForm(line, part) => pair(
                format!("控制文件 {control} 第 {line} 行的 {part} 缺失或不对"),
                format!("{control}, line {line}: {part} is missing or wrong"),
                "表头写 file,rows,sha256,as_of（或 文件名,记录数,SM3,数据日期）；每个文件一行，日期写 2025-03-01",
                "its header is file,rows,sha256,as_of (or sm3); then one line a file, with days as 2025-03-01",
            ),
            Self::Listed(name, found) => pair(
                format!("控制文件里 {name} 有 {found} 行，应当只有一行"),
                format!("the control file lists {name} {found} time(s), and should once"),
                "在控制文件里给每个数据文件写一行；名称不同就改 dataset 的 file",
                "give each data file one line; if it has another name, correct `file` of the dataset",
            ),
            Self::Name => pair(
                format!("控制文件 {control} 里有不是本文件夹文件的名称"),
                format!("{control} names something that is not a file of its folder"),
                "只写文件名：不带路径，不以点开头",
                "write names only: no path, and no dot at the beginning",
            ),
            Self::Kind(file) => pair(
                format!("{file} 不是普通文件（链接、文件夹或管道一律不读）"),
                format!("{file} is not a plain file: links, folders and pipes are not read"),
                "把文件本身放进文件夹",
                "put the file itself into the folder",
            ),
            Self::FileMissing(file) => pair(
                format!("控制文件列了 {file}，文件夹里却没有"),
                format!("the control file lists {file}, which is not in the folder"),
                whole.0,
                whole.1,
            ),
            Self::Large(file, is, most) => pair(
                format!("{file} 有 {is} 字节，超过 {most} 字节"),
                format!("{file} has {is} bytes, and at most {most} are read"),
                "分成几个数据集，或提高 max_bytes（文件整个放在内存里）",
                "split it, or raise max_bytes: a file is held in memory as a whole",
            ),
            Self::Digest(file, name) => pair(
                format!("{file} 的 {name} 与控制文件所写不同：没有写完，或被改过"),
                format!("the {name} of {file} is not the one in the control file: it is half written, or was changed"),
                whole.0,
                whole.1,
            ),
            Self::Count(file, said, found) => pair(
                format!("{file} 有 {found} 条记录，控制文件写 {said} 条"),
                format!("{file} has {found} record(s), and the control file says {said}"),
                "核对导出程序：记录数不含表头",
                "look at the export: the header is no record",
            ),
            Self::NoText(file, agreed, NoText { line, why }) => {
                let (zh, en) = match why {
                    Why::Bytes => (format!("有不是 {agreed} 的字节"), format!("there are bytes that are not {agreed}")),
                    Why::Replaced => (
                        "有被替换掉的字符（U+FFFD）".to_owned(),
                        "a character was replaced before it was delivered (U+FFFD)".to_owned(),
                    ),
                    Why::Nul => ("有 NUL 字符".to_owned(), "there is a NUL character".to_owned()),
                    Why::Other(other) => (format!("是 {other}，不是 {agreed}"), format!("it is {other}, not {agreed}")),
                };
                pair(
                    format!("{file} 第 {line} 行起：{zh}"),
                    format!("{file}, line {line}: {en}"),
                    "按约定的编码重新导出，或改 encoding",
                    "export it again in the encoding agreed, or correct `encoding`",
                )
            }
            Self::Prolog(file, agreed) => pair(
                format!("{file} 开头的 XML 声明写了别的编码，约定的是 {agreed}"),
                format!("the prolog of {file} says another encoding than {agreed}, which was agreed"),
                "按约定的编码重新导出，或改 encoding",
                "export it again in the encoding agreed, or correct `encoding`",
            ),
            Self::Csv(file, line) => pair(
                format!("{file} 第 {line} 行的列数或引号不对"),
                format!("{file}, line {line}: another number of fields than the header, or a quote that is not closed"),
                "含分隔符、引号或换行的值要加双引号，引号写两个；分隔符不同就写 delimiter",
                "quote values that have a separator, a quote or a line break, doubling the quote; if another separator is used, write `delimiter`",
            ),
            Self::Xml(file, XmlFault { line, why }) => {
                let (zh, en) = xml_words(*why);
                pair(
                    format!("{file} 第 {line} 行：{zh}"),
                    format!("{file}, line {line}: {en}"),
                    "重新导出；文档类型（DOCTYPE）和实体一律不读",
                    "export it again; document types and entities are not read",
                )
            }
            Self::Header(file) => pair(
                format!("{file} 的表头有重复的或没有名称的列"),
                format!("the header of {file} has a name twice, or a column without one"),
                "每列一个不同的名称",
                "give each column a name of its own",
            ),
            Self::Column(file, column, by, there) => {
                let there = there.join(", ");
                (
                    Text::new(
                        format!("{file} 没有列 {column}，{by} 要用它"),
                        format!("{file} has no column {column}, which {by} reads"),
                    ),
                    Text::new(
                        format!("请部门补上，或改用已有的列：{there}"),
                        format!("have it delivered, or use one of the columns there are: {there}"),
                    ),
                )
            }
            Self::Unfiled(file, count, line) => pair(
                format!("{file} 有 {count} 行的身份号码不是 18 位，先是第 {line} 行"),
                format!(
                    "{file} has {count} row(s) whose identity number is not one of 18 characters, first at line {line}"
                ),
                "核对是否被表格软件写成科学计数、被打码，或是 15 位旧号（写了 name 才认）；确认无妨时提高 max_unfiled：这些行谁也查不到",
                "look whether a spreadsheet rounded it, it was masked, or it has 15 digits, which are read where `name` is compared; where that is known and does no harm, raise max_unfiled: nobody is found by such a row",
            ),
            Self::NoDay(file) => pair(
                format!("没有写明 {file} 的数据日期"),
                format!("nothing says of which day {file} is"),
                "控制文件加 as_of 列，或文件名带日期并写 file = \"名称-{date}.csv\"",
                "give the control file a column as_of, or the file a name with a day and write file = \"name-{date}.csv\"",
            ),
            Self::Future(file, day) => pair(
                format!("{file} 的数据日期 {day} 还没到"),
                format!("{file} is of {day}, which is yet to come"),
                "核对数据日期和本机时钟",
                "look at the day that was written, and at this machine's clock",
            ),
            Self::Older(file, day, used, _) => pair(
                format!("{file} 的数据日期 {day} 早于已经用过的 {used}"),
                format!("{file} is of {day}, which is before {used}, the day of what is in use or was used before"),
                "交更新的数据；确要退回旧数据，停下适配器、运行下面的命令、再启动",
                "deliver newer records; to go back to older ones on purpose, stop the adapter, run the command below, and start it again",
            ),
            Self::Memory(file, cause) => pair(
                format!("记着用过哪天数据的 {file} 读不了：{}", cause.zh),
                format!("{file}, which remembers the days of what was used, cannot be read: {}", cause.en),
                "核对权限；坏了就先确认文件夹里是最新数据，再运行下面的命令删掉它",
                "check who may read it; where it is broken, make sure that the folder holds the newest records, then remove it with the command below",
            ),
            Self::Forgotten(file, cause) => pair(
                format!("用过哪天的数据记不进 {file}：{}；重启后旧数据会被当成新的", cause.zh),
                format!(
                    "the day of what is used cannot be kept in {file}: {}; after a restart older records would be taken for news",
                    cause.en
                ),
                "让适配器的账号能写那个文件夹，或在 [source] 写 memory = \"能写的路径\"",
                "let the adapter's account write into that folder, or write memory = \"a path it may write to\" into [source]",
            ),
            Self::Stale(file, day, days) => pair(
                format!("{file} 的数据是 {day} 的，超过约定的 {days} 天"),
                format!("{file} is of {day}, which is longer ago than the {days} day(s) agreed"),
                "请部门交新数据；约定变了就改 max_age",
                "have a new delivery made; if another term was agreed, correct max_age",
            ),
        }
    }
}

/// What is wrong with a document.
fn xml_words(why: XmlWhy) -> (&'static str, &'static str) {
    match why {
        XmlWhy::Form => ("不是完整的 XML", "not well-formed XML"),
        XmlWhy::Entity => ("有文档类型或未知实体", "it has a document type, or an entity that XML does not have"),
        XmlWhy::Large => ("层次太深或字段太多", "elements stand too deep in each other, or are too many"),
        XmlWhy::Record => {
            ("记录里有重复的字段，或字段旁有文字", "a record has a field twice, or text beside its fields")
        }
    }
}
