//! Bytes → text in the encoding that was agreed, or the line at which they are no text.
//!
//! A name with a character put in for one that could not be read is another person's name. So nothing is ever
//! put in: bytes that do not decode are an error, and so is U+FFFD, which somebody before us has put in.

use encoding_rs::{DecoderResult, GB18030, UTF_8};

/// An encoding that text may be handed over in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    /// UTF-8; a byte order mark at the beginning is no part of the text.
    Utf8,
    /// GB 18030, of which GBK and GB 2312 are parts.
    Gb18030,
}

/// Where and why bytes are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoText {
    /// The line, from 1.
    pub line: usize,
    /// Why.
    pub why: Why,
}

/// Why bytes are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// They stand for no character.
    Bytes,
    /// A character that could not be read was replaced before it was handed over.
    Replaced,
    /// A NUL, which no text has.
    Nul,
    /// It is in another encoding: the mark at its beginning, or all of it, says so.
    Other(&'static str),
}

impl TextEncoding {
    /// The encoding of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Some(Self::Utf8),
            "gb18030" | "gbk" | "gb2312" => Some(Self::Gb18030),
            _ => None,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Gb18030 => "gb18030",
        }
    }

    /// The text of `bytes`, without a byte order mark.
    pub fn decode(self, bytes: &[u8]) -> Result<String, NoText> {
        if let Some(other) = self.another(bytes) {
            return Err(NoText { line: 1, why: Why::Other(other) });
        }
        let encoding = match self {
            Self::Utf8 => UTF_8,
            Self::Gb18030 => GB18030,
        };
        let mut decoder = encoding.new_decoder_without_bom_handling();
        let no_text = |taken: usize, why| NoText { line: line_at(bytes, taken), why };
        let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len());
        let mut text = String::with_capacity(room.unwrap_or(bytes.len()));
        let (result, taken) = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
        match result {
            DecoderResult::InputEmpty => {}
            // The bytes that stand for nothing end at most a few before what was taken.
            DecoderResult::Malformed(..) | DecoderResult::OutputFull => {
                return Err(no_text(taken.saturating_sub(1), Why::Bytes));
            }
        }
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        for (character, why) in [('\u{fffd}', Why::Replaced), ('\0', Why::Nul)] {
            if let Some(place) = text.find(character) {
                return Err(NoText { line: line_at(text.as_bytes(), place), why });
            }
        }
        Ok(text)
    }

    /// The bytes of a text; every character has some in both encodings.
    pub fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Gb18030 => GB18030.encode(text).0.into_owned(),
        }
    }

    /// The encoding that the bytes are in, where that is plainly not this one.
    fn another(self, bytes: &[u8]) -> Option<&'static str> {
        match bytes {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Some("UTF-16"),
            [0xef, 0xbb, 0xbf, ..] if self == Self::Gb18030 => return Some("UTF-8"),
            _ => {}
        }
        // Chinese in UTF-8 often decodes as GB 18030, into other characters. The other way round it hardly can:
        // every character would have to be of three bytes that fit.
        let looks = || {
            let wide: Vec<char> = std::str::from_utf8(bytes).ok()?.chars().filter(|it| !it.is_ascii()).collect();
            let chinese =
                |it: &char| matches!(it, '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}');
            (wide.len() >= 2 && wide.iter().all(chinese)).then_some("UTF-8")
        };
        if self == Self::Gb18030 { looks() } else { None }
    }
}

/// The line, from 1, of the byte at `place`. No byte of a character of either encoding is a line feed.
pub(crate) fn line_at(bytes: &[u8], place: usize) -> usize {
    bytes.iter().take(place).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Names with characters outside the common ones: extension A, beyond the basic plane, the middle dot.
    const RARE: [&str; 6] = ["㐀", "𠮷", "阿拉坦·乌拉", "王䶮", "李𬱖", "库伦旗"];

    #[test]
    fn rare_characters_survive_both_encodings() {
        for name in RARE {
            for encoding in [TextEncoding::Utf8, TextEncoding::Gb18030] {
                assert_eq!(encoding.decode(&encoding.encode(name)).as_deref(), Ok(name), "{encoding:?}");
            }
        }
        assert_eq!(TextEncoding::Gb18030.encode("㐀"), [0x81, 0x39, 0xee, 0x39], "GB 18030-2022, four bytes");
        assert_eq!(TextEncoding::Gb18030.encode("·"), [0xa1, 0xa4]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(TextEncoding::Utf8.decode("\u{feff}姓名".as_bytes()).as_deref(), Ok("姓名"));
        assert_eq!(TextEncoding::Gb18030.decode(&TextEncoding::Gb18030.encode("\u{feff}姓名")).as_deref(), Ok("姓名"));
    }

    #[test]
    fn what_is_no_text_is_told_by_its_line_and_nothing_is_put_in() {
        let no = |encoding: TextEncoding, bytes: &[u8]| encoding.decode(bytes).unwrap_err();
        let cut = [b"a\nb\n".as_slice(), &[0xc0]].concat();
        assert_eq!(no(TextEncoding::Gb18030, &cut), NoText { line: 3, why: Why::Bytes }, "half a character at the end");
        let wrong = [b"a\n".as_slice(), &[0xb0, 0xff], b"\nc"].concat();
        assert_eq!(no(TextEncoding::Gb18030, &wrong), NoText { line: 2, why: Why::Bytes });
        assert_eq!(no(TextEncoding::Utf8, b"a\n\xc0\xee\nb"), NoText { line: 2, why: Why::Bytes });
        assert_eq!(no(TextEncoding::Utf8, "a\n李\u{fffd}国".as_bytes()), NoText { line: 2, why: Why::Replaced });
        assert_eq!(no(TextEncoding::Gb18030, &[0x84, 0x31, 0xa4, 0x37]), NoText { line: 1, why: Why::Replaced });
        assert_eq!(no(TextEncoding::Utf8, b"a\0"), NoText { line: 1, why: Why::Nul });
    }

    #[test]
    fn another_encoding_is_noticed_where_it_would_become_other_names() {
        let other = |name| Err(NoText { line: 1, why: Why::Other(name) });
        assert_eq!(TextEncoding::Gb18030.decode("姓名,证件号\n李建国,1\n".as_bytes()), other("UTF-8"));
        assert_eq!(TextEncoding::Gb18030.decode("\u{feff}a".as_bytes()), other("UTF-8"));
        assert_eq!(TextEncoding::Utf8.decode(&[0xff, 0xfe, b'a', 0]), other("UTF-16"));
        assert!(TextEncoding::Gb18030.decode(&TextEncoding::Gb18030.encode("姓名,证件号\n李建国,1\n")).is_ok());
    }

    proptest! {
        #[test]
        fn every_text_comes_back_from_gb18030(text in "[\u{1}-\u{d7ff}\u{f900}-\u{fffc}\u{10000}-\u{10ffff}]{0,40}") {
            let bytes = TextEncoding::Gb18030.encode(&text);
            match TextEncoding::Gb18030.decode(&bytes) {
                Ok(decoded) => prop_assert_eq!(decoded, text.strip_prefix('\u{feff}').unwrap_or(&text)),
                Err(error) => prop_assert!(matches!(error.why, Why::Other(_)), "{:?}", error),
            }
        }

        #[test]
        fn no_bytes_make_it_panic_or_put_something_in(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for encoding in [TextEncoding::Utf8, TextEncoding::Gb18030] {
                let put_in = encoding.decode(&bytes).is_ok_and(|text| text.contains('\u{fffd}'));
                prop_assert!(!put_in);
            }
        }
    }
}
