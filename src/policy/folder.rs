//! A folder of packs: which files are read, and what stands in the way of reading them.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::MAX_BYTES;
use super::fault::{Code, Fault, Spot};
use crate::domain::division::DivisionCode;
use crate::domain::problem::Text;

/// A file that was read.
pub(super) struct PackFile {
    /// Its path below the folder.
    pub(super) file: Arc<str>,
    /// Its content.
    pub(super) bytes: Vec<u8>,
}

/// Reads `<division code>/<effective date>[.<variant>].toml` below `dir`, in the order of the names. Exactly two
/// levels are looked at, so that links in a circle lead nowhere.
pub(super) fn read(dir: &Path, faults: &mut Vec<Fault>) -> Vec<PackFile> {
    let mut files = Vec::new();
    let root: Arc<str> = dir.display().to_string().into();
    let found_before = faults.len();
    for path in entries(dir, &root, faults) {
        let name = name_of(&path);
        if is_hidden(&name) {
            continue;
        }
        let is_folder = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.is_dir(),
            Err(error) => {
                faults.push(unreadable(&name.as_str().into(), &error));
                continue;
            }
        };
        if is_folder {
            read_division(&path, &name, &mut files, faults);
        } else if is_toml(&path) {
            faults.push(ignored(&name));
        }
    }
    if files.is_empty() && faults.len() == found_before {
        faults.push(Fault::new(
            Code::FolderEmpty,
            &Spot::file(&root),
            "",
            Text::new("没有政策包", "holds no pack"),
            Text::new(
                "应有 <行政区划代码>/<生效日期>.toml，如 152201/2025-01-01.toml",
                "Expected are files <division code>/<effective date>.toml, such as 152201/2025-01-01.toml",
            ),
        ));
    }
    files
}

fn read_division(folder: &Path, name: &str, files: &mut Vec<PackFile>, faults: &mut Vec<Fault>) {
    let below = |path: &Path| format!("{name}/{}", name_of(path));
    let paths: Vec<PathBuf> = entries(folder, &name.into(), faults);
    let mut packs = Vec::new();
    for path in paths.iter().filter(|path| !is_hidden(&name_of(path))) {
        if is_toml(path) {
            packs.push(path);
        } else if path.is_dir() {
            faults.push(ignored(&below(path)));
        }
    }
    if packs.is_empty() {
        return;
    }
    if DivisionCode::parse(name).is_err() {
        faults.push(Fault::new(
            Code::FolderName,
            &Spot::file(&name.into()),
            "",
            Text::new("文件夹名不是六位行政区划代码", "is not named by a division code of six digits"),
            Text::new("请改为 GB/T 2260 代码，如 152201", "Name it by the code of GB/T 2260, such as 152201"),
        ));
        return;
    }
    for path in packs {
        let file: Arc<str> = below(path).into();
        match read_file(path) {
            Ok(bytes) if bytes.len() as u64 > MAX_BYTES => faults.push(too_large(&file)),
            Ok(bytes) => files.push(PackFile { file, bytes }),
            Err(error) => faults.push(unreadable(&file, &error)),
        }
    }
}

/// Reads one file, named as it would be below a folder of packs: by the last two parts of its path.
pub(super) fn read_one(path: &Path, faults: &mut Vec<Fault>) -> Option<PackFile> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let parts: Vec<String> = absolute.iter().rev().take(2).map(|part| part.to_string_lossy().into_owned()).collect();
    let file: Arc<str> = parts.iter().rev().map(String::as_str).collect::<Vec<_>>().join("/").into();
    match read_file(path) {
        Ok(bytes) if bytes.len() as u64 > MAX_BYTES => faults.push(too_large(&file)),
        Ok(bytes) => return Some(PackFile { file, bytes }),
        Err(error) => faults.push(unreadable(&file, &error)),
    }
    None
}

/// Reads at most one byte more than a pack may have. A pipe or device could keep a reader waiting for ever.
fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn entries(dir: &Path, name: &Arc<str>, faults: &mut Vec<Fault>) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(dir)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>());
    match listed {
        Ok(mut paths) => {
            paths.sort();
            paths
        }
        Err(error) => {
            faults.push(unreadable(name, &error));
            Vec::new()
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Editors leave hidden files behind; they are nobody's packs.
fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("toml"))
}

fn unreadable(file: &Arc<str>, error: &std::io::Error) -> Fault {
    Fault::new(
        Code::FileUnreadable,
        &Spot::file(file),
        "",
        Text::new(format!("无法读取：{error}"), format!("cannot be read: {error}")),
        Text::new("请检查路径、链接和权限", "Look at the path, links and permissions"),
    )
}

fn too_large(file: &Arc<str>) -> Fault {
    Fault::new(
        Code::FileTooLarge,
        &Spot::file(file),
        "",
        Text::new(format!("超过 {MAX_BYTES} 字节"), format!("has more than {MAX_BYTES} bytes")),
        Text::new("请拆成几个文件，或检查是否放错了文件", "Split it, or see whether it is the right file"),
    )
}

fn ignored(file: &str) -> Fault {
    Fault::new(
        Code::FileIgnored,
        &Spot::file(&file.into()),
        "",
        Text::new("不会被读取", "is not read"),
        Text::new(
            "政策包应放在 <行政区划代码>/<生效日期>.toml",
            "A pack stands at <division code>/<effective date>.toml",
        ),
    )
}
