//! Handing a delivery over, as a department's export does it: the files first, and the control file last, so that
//! its coming says that the rest is there. For rehearsals and tests; a department may do it in any language.

use std::io;
use std::path::Path;

use jiff::civil::Date;

use crate::text::TextEncoding;

/// A file to hand over.
#[derive(Debug, Clone, Copy)]
pub struct HandedOver<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its columns.
    pub columns: &'a [&'a str],
    /// Its records, a value a column.
    pub rows: &'a [Vec<String>],
}

/// Writes files of CSV and their control file into `folder`, which is there. Each is written beside its place and
/// then put into it, so that whoever reads sees a whole file.
pub fn hand_over(folder: &Path, encoding: TextEncoding, as_of: Date, files: &[HandedOver<'_>]) -> io::Result<()> {
    let put = |name: &str, bytes: &[u8]| {
        let beside = folder.join(format!(".{name}.part"));
        std::fs::write(&beside, bytes)?;
        std::fs::rename(&beside, folder.join(name))
    };
    let mut control = vec![["file", "rows", "sha256", "as_of"].map(str::to_owned).to_vec()];
    for file in files {
        let header = file.columns.iter().map(|column| (*column).to_owned()).collect();
        let bytes = encoding.encode(&written(std::iter::once(&header).chain(file.rows))?);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        let digest = digest.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        control.push(vec![file.name.to_owned(), file.rows.len().to_string(), digest, as_of.to_string()]);
        put(file.name, &bytes)?;
    }
    put("control.csv", &encoding.encode(&written(control.iter())?))
}

fn written<'a>(rows: impl Iterator<Item = &'a Vec<String>>) -> io::Result<String> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row)?;
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}
