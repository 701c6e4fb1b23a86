//! Names of persons, as compared between a question and a record.
//!
//! Minority names are written with a middle dot (GB/T 18030 has several that look alike), with or
//! without blanks, in full-width letters or not. Those are spellings of one name. Everything else is a
//! difference, which is reported and never decides anything by itself.

/// The form of a name in which spellings are equal.
pub fn normalised(name: &str) -> String {
    name.chars().filter(|character| !is_blank(*character)).map(fold).flat_map(char::to_uppercase).collect()
}

fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{180e}')
}

fn fold(character: char) -> char {
    match character {
        // Full-width ASCII, then the dots: of which a full stop is one, being typed for want of the other.
        '\u{ff01}'..='\u{ff5e}' => fold(char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character)),
        '.' | '•' | '‧' | '∙' | '⋅' | '・' | '･' | '﹒' | '●' | '⸱' | '。' | '｡' | '\u{0387}' => '·',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_name_are_equal() {
        let name = normalised("阿拉坦·乌拉");
        for spelling in
            ["阿拉坦•乌拉", "阿拉坦・乌拉", "阿拉坦．乌拉", "阿拉坦.乌拉", " 阿拉坦 · 乌拉\u{3000}", "阿拉坦‧乌拉"]
        {
            assert_eq!(normalised(spelling), name, "{spelling}");
        }
        assert_eq!(normalised("ＬＩ Ming"), normalised("li ming"));
    }

    #[test]
    fn other_names_differ() {
        for other in ["阿拉坦乌拉", "阿拉坦·乌兰", "拉阿坦·乌拉", ""] {
            assert_ne!(normalised(other), normalised("阿拉坦·乌拉"), "{other}");
        }
    }

    proptest! {
        #[test]
        fn the_form_is_final(name in "\\PC{0,20}") {
            let once = normalised(&name);
            prop_assert_eq!(normalised(&once), once);
        }
    }
}
