//! JSON written quickly: to the byte what `serde_json` writes.
//!
//! A verification is told, kept and logged as JSON, and most of it is names and short texts. `serde_json` looks at
//! each of their bytes alone; here eight are looked at together, and what needs no escape is copied at once.

use std::fmt::{self, Display, Write as _};

use serde::Serialize;
use serde::ser::{self, Error as _};
use serde_json::Error;

/// What `serde_json` calls a value that is JSON already; it is written as it is.
const RAW: &str = "$serde_json::private::RawValue";

/// The value as JSON. Fails only where `serde_json` fails: a map whose keys are no strings, or a value that says so
/// itself.
pub fn to_vec(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(2048);
    write(&mut bytes, value)?;
    Ok(bytes)
}

/// Appends the value as JSON.
pub fn write(bytes: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
    value.serialize(Writer { bytes, place: Place::Value })
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Where any may stand.
    Value,
    /// As the key of a map, where only what becomes a text may.
    Key,
    /// As JSON already.
    Raw,
}

/// Writes one value.
pub(super) struct Writer<'a> {
    bytes: &'a mut Vec<u8>,
    place: Place,
}

impl<'a> Writer<'a> {
    fn value(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes, place: Place::Value }
    }

    fn number(self, number: impl itoa::Integer) {
        self.word(itoa::Buffer::new().format(number));
    }

    /// A number, `true`, `false`: in quotation marks as a key.
    fn word(self, word: &str) {
        if self.place == Place::Key {
            text(self.bytes, word);
        } else {
            self.bytes.extend_from_slice(word.as_bytes());
        }
    }

    /// Where a value begins that cannot be a key.
    fn no_key(self) -> Result<&'a mut Vec<u8>, Error> {
        if self.place == Place::Key { Err(Error::custom("key must be a string")) } else { Ok(self.bytes) }
    }

    fn list(self) -> Result<List<'a>, Error> {
        Ok(List::new(self.no_key()?, b"]"))
    }

    fn object(self) -> Result<Object<'a>, Error> {
        Ok(Object::new(self.no_key()?, b"}"))
    }

    /// Where the value of a variant begins: inside an object, under its name.
    fn variant(self, name: &str) -> Result<&'a mut Vec<u8>, Error> {
        let bytes = self.no_key()?;
        bytes.push(b'{');
        text(bytes, name);
        bytes.push(b':');
        Ok(bytes)
    }
}

#[inline]
fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.reserve(text.len() + 3);
    bytes.push(b'"');
    escape(bytes, text);
    bytes.push(b'"');
}

/// Appends a text with what JSON wants escaped.
#[inline]
fn escape(bytes: &mut Vec<u8>, text: &str) {
    if is_plain(text.as_bytes()) {
        bytes.extend_from_slice(text.as_bytes());
    } else {
        escape_each(bytes, text);
    }
}

#[cold]
fn escape_each(bytes: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            0x09 => b't',
            0x0a => b'n',
            0x0c => b'f',
            0x0d => b'r',
            0x00..0x20 => {
                bytes.extend_from_slice(b"\\u00");
                bytes.extend([byte >> 4, byte & 15].map(|nibble| super::hex::digit(nibble) as u8));
                continue;
            }
            _ => {
                bytes.push(byte);
                continue;
            }
        };
        bytes.extend_from_slice(&[b'\\', short]);
    }
}

/// Whether no byte of a text needs an escape: no control character, quotation mark or backslash is among them.
#[inline]
pub fn is_plain(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    // What is left over is looked at together with bytes before it, or in two halves that may overlap.
    let last = match (bytes.last_chunk::<8>(), rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        _ if rest.is_empty() => 0x2020_2020_2020_2020,
        (Some(last), ..) => u64::from_le_bytes(*last),
        (None, Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
        }
        _ => rest.iter().fold(0x2020_2020_2020_2020, |word, byte| word << 8 | u64::from(*byte)),
    };
    words.iter().all(|word| is_plain_word(u64::from_le_bytes(*word))) && is_plain_word(last)
}

/// Whether none of eight bytes is a control character, a quotation mark or a backslash: a byte below `n` borrows from
/// its highest bit when `n` is taken from it, and one that equals `n` becomes zero when it is combined with `n`.
#[inline]
const fn is_plain_word(word: u64) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = EACH << 7;
    const fn below(word: u64, limit: u64) -> u64 {
        word.wrapping_sub(EACH * limit) & !word
    }
    let found = below(word, 0x20) | below(word ^ (EACH * b'"' as u64), 1) | below(word ^ (EACH * b'\\' as u64), 1);
    found & HIGHEST == 0
}

/// Escapes what is displayed, piece by piece.
struct Escaping<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text);
        Ok(())
    }
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.word(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.number(value);
        Ok(())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Error> {
        self.number(value);
        Ok(())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.number(value);
        Ok(())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.number(value);
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.number(value);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.number(value);
        Ok(())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Error> {
        self.number(value);
        Ok(())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.number(value);
        Ok(())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        self.number(value);
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.number(value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        serde_json::to_writer(self.no_key()?, &value)
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        serde_json::to_writer(self.no_key()?, &value)
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        if self.place == Place::Raw {
            self.bytes.extend_from_slice(value.as_bytes());
        } else {
            text(self.bytes, value);
        }
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.no_key()?.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let bytes = self.variant(variant)?;
        value.serialize(Writer::value(bytes))?;
        bytes.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<List<'a>, Error> {
        self.list()
    }

    fn serialize_tuple(self, _length: usize) -> Result<List<'a>, Error> {
        self.list()
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<List<'a>, Error> {
        self.list()
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<List<'a>, Error> {
        Ok(List::new(self.variant(variant)?, b"]}"))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Object<'a>, Error> {
        self.object()
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Object<'a>, Error> {
        if name == RAW {
            return Ok(Object { bytes: self.no_key()?, begun: false, end: b"" });
        }
        self.object()
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Object<'a>, Error> {
        Ok(Object::new(self.variant(variant)?, b"}}"))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.bytes.push(b'"');
        write!(Escaping(self.bytes), "{value}").map_err(|_| Error::custom("a value that cannot be displayed"))?;
        self.bytes.push(b'"');
        Ok(())
    }
}

/// A list that is being written.
pub(super) struct List<'a> {
    bytes: &'a mut Vec<u8>,
    begun: bool,
    end: &'static [u8],
}

impl<'a> List<'a> {
    fn new(bytes: &'a mut Vec<u8>, end: &'static [u8]) -> Self {
        bytes.push(b'[');
        Self { bytes, begun: false, end }
    }

    fn element(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        if std::mem::replace(&mut self.begun, true) {
            self.bytes.push(b',');
        }
        value.serialize(Writer::value(self.bytes))
    }

    #[expect(clippy::unnecessary_wraps, reason = "what serde asks of an end")]
    fn close(self) -> Result<(), Error> {
        self.bytes.extend_from_slice(self.end);
        Ok(())
    }
}

/// An object that is being written; without an end, a value that is JSON already.
pub(super) struct Object<'a> {
    bytes: &'a mut Vec<u8>,
    begun: bool,
    end: &'static [u8],
}

impl<'a> Object<'a> {
    fn new(bytes: &'a mut Vec<u8>, end: &'static [u8]) -> Self {
        bytes.push(b'{');
        Self { bytes, begun: false, end }
    }

    fn separate(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            self.bytes.push(b',');
        }
    }

    fn field(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        if self.end.is_empty() {
            return value.serialize(Writer { bytes: self.bytes, place: Place::Raw });
        }
        self.bytes.reserve(name.len() + 4);
        self.separate();
        text(self.bytes, name);
        self.bytes.push(b':');
        value.serialize(Writer::value(self.bytes))
    }

    #[expect(clippy::unnecessary_wraps, reason = "what serde asks of an end")]
    fn close(self) -> Result<(), Error> {
        self.bytes.extend_from_slice(self.end);
        Ok(())
    }
}

impl ser::SerializeSeq for List<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeTuple for List<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeTupleStruct for List<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeTupleVariant for List<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.separate();
        key.serialize(Writer { bytes: self.bytes, place: Place::Key })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.bytes.push(b':');
        value.serialize(Writer::value(self.bytes))
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.field(name, value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeStructVariant for Object<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.field(name, value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

#[cfg(test)]
mod tests;
