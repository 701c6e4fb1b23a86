//! The text of a dataset's statement: named parameters (`:name`) become those of a database (`?1`, `$1`, `?`).
//!
//! `:id_numbers` expands to a list. Lists are rounded up to a few lengths by repeating the last
//! number, so that a source prepares twelve texts a dataset and not fifteen hundred. Quotes, comments and
//! `::` casts are respected; nothing is ever pasted into the text, values are always bound.

use std::fmt::Write as _;

use crate::protocol::MAX_SUBJECTS;

/// The parameter that stands for the identity numbers asked about.
pub const ID_NUMBERS: &str = "id_numbers";

/// Most spellings that the identity numbers of one question have: each of [`MAX_SUBJECTS`] in up to three.
pub const MAX_LIST: usize = 3 * MAX_SUBJECTS;

/// The lengths to which lists of identity numbers are rounded up.
pub const LIST_LENGTHS: [usize; 12] = [1, 2, 4, 8, 16, 32, 64, 128, 256, MAX_SUBJECTS, 2 * MAX_SUBJECTS, MAX_LIST];

/// The length of the list that `numbers` spellings of identity numbers are asked with.
pub fn list_length(numbers: usize) -> usize {
    LIST_LENGTHS.into_iter().find(|length| *length >= numbers).unwrap_or(MAX_LIST)
}

/// Why a text is not a statement a connector may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SqlTextError {
    /// It does not begin with SELECT or WITH.
    #[error("a dataset's statement begins with SELECT or WITH")]
    NotAQuery,
    /// Something follows a semicolon.
    #[error("a dataset has one statement; text follows the semicolon")]
    ManyStatements,
    /// `?`, `?1`, `$1`, `@name`.
    #[error("parameters are named, such as :id_numbers; `?`, `$1` and `@name` are not")]
    Positional,
    /// A quote or comment without end.
    #[error("a quote or comment is not closed")]
    Unclosed,
    /// Nobody is asked about.
    #[error("the statement does not contain :id_numbers, so it would read everybody")]
    Everybody,
}

/// How a database writes the place of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// `?1`, `?2`: `SQLite`.
    QuestionNumber,
    /// `$1`, `$2`: `PostgreSQL`.
    DollarNumber,
    /// `?`, one for each use: `MariaDB` and `MySQL`.
    Question,
}

/// A value that a statement has a place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bind {
    /// The identity number of this place in the list.
    IdNumber(usize),
    /// The named parameter of this place in [`SqlText::parameters`].
    Parameter(usize),
}

/// A statement as a database takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Its text.
    pub text: String,
    /// The values it has places for, in their order.
    pub binds: Vec<Bind>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Text as it stands.
    Text(String),
    /// A named parameter, by its place in the list of names.
    Name(usize),
    /// The list of identity numbers.
    IdNumbers,
}

/// A statement taken apart at its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlText {
    pieces: Vec<Piece>,
    names: Vec<String>,
}

impl SqlText {
    /// Takes a statement apart.
    pub fn parse(sql: &str) -> Result<Self, SqlTextError> {
        let mut scanner = Scanner { rest: sql, copied: String::new(), pieces: Vec::new(), names: Vec::new(), words: 0 };
        scanner.run()?;
        let Scanner { pieces, names, .. } = scanner;
        if !pieces.contains(&Piece::IdNumbers) {
            return Err(SqlTextError::Everybody);
        }
        Ok(Self { pieces, names })
    }

    /// The named parameters other than `:id_numbers`, each once, in order of first use.
    pub fn parameters(&self) -> &[String] {
        &self.names
    }

    /// True when it asks for every column of a table (`SELECT *`, `t.*`), whatever those are by then. A `*` between
    /// two values or in `COUNT(*)` asks for none.
    pub fn selects_everything(&self) -> bool {
        let mut before = String::new();
        let mut everything = false;
        for piece in &self.pieces {
            let Piece::Text(text) = piece else {
                "?".clone_into(&mut before);
                continue;
            };
            for token in tokens(text) {
                let keyword = ["select", "distinct", "all", ",", "."];
                everything |= token == "*" && keyword.iter().any(|word| before.eq_ignore_ascii_case(word));
                token.clone_into(&mut before);
            }
        }
        everything
    }

    /// The statement for a list of `length` identity numbers. Where places have numbers, a value used twice
    /// has one place: first the list, then the named parameters in the order of [`SqlText::parameters`].
    pub fn rendered(&self, length: usize, placeholder: Placeholder) -> Rendered {
        let mut made = Rendered { text: String::new(), binds: Vec::new() };
        let numbered = placeholder != Placeholder::Question;
        if numbered {
            made.binds.extend((0..length).map(Bind::IdNumber));
            made.binds.extend((0..self.names.len()).map(Bind::Parameter));
        }
        for piece in &self.pieces {
            match piece {
                Piece::Text(part) => made.text.push_str(part),
                Piece::Name(index) => made.place(placeholder, Bind::Parameter(*index), length + index + 1),
                Piece::IdNumbers => {
                    for number in 1..=length {
                        if number > 1 {
                            made.text.push_str(", ");
                        }
                        made.place(placeholder, Bind::IdNumber(number - 1), number);
                    }
                }
            }
        }
        made
    }
}

impl Rendered {
    fn place(&mut self, placeholder: Placeholder, bind: Bind, number: usize) {
        match placeholder {
            Placeholder::QuestionNumber => write!(self.text, "?{number}"),
            Placeholder::DollarNumber => write!(self.text, "${number}"),
            Placeholder::Question => {
                self.binds.push(bind);
                self.text.write_char('?')
            }
        }
        .expect("writing to a String cannot fail");
    }
}

/// The words and signs of a part of a statement, without comments; what stands in quotes is one word.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let ends_after = |mark: &str, skip: usize| {
            rest.get(skip..).and_then(|body| body.find(mark)).map_or(rest.len(), |at| skip + at + mark.len())
        };
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        let (length, counts) = match first {
            '-' if rest.starts_with("--") => (ends_after("\n", 2), false),
            '/' if rest.starts_with("/*") => (ends_after("*/", 2), false),
            '\'' | '"' | '`' => (ends_after(first.encode_utf8(&mut [0; 4]), 1), true),
            '[' => (ends_after("]", 1), true),
            _ if is_word(first) => (rest.find(|character| !is_word(character)).unwrap_or(rest.len()), true),
            _ => (first.len_utf8(), true),
        };
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        if counts {
            tokens.push(token);
        }
        rest = after.trim_start();
    }
    tokens
}

struct Scanner<'a> {
    rest: &'a str,
    copied: String,
    pieces: Vec<Piece>,
    names: Vec<String>,
    /// Bytes of code seen so far: neither blank nor comment.
    words: usize,
}

impl<'a> Scanner<'a> {
    fn run(&mut self) -> Result<(), SqlTextError> {
        let mut ended = false;
        while let Some(first) = self.rest.chars().next() {
            if first.is_whitespace() {
                self.copy(first.len_utf8());
                continue;
            }
            if self.rest.starts_with("--") {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.copy(end);
                continue;
            }
            if self.rest.starts_with("/*") {
                let end = self.rest.get(2..).and_then(|body| body.find("*/")).ok_or(SqlTextError::Unclosed)?;
                self.copy(end + 4);
                continue;
            }
            if ended {
                return Err(SqlTextError::ManyStatements);
            }
            if self.words == 0 && !begins_a_query(self.rest) {
                return Err(SqlTextError::NotAQuery);
            }
            self.words += 1;
            match first {
                ';' => {
                    // Left out: a prepared statement has no use for it.
                    ended = true;
                    self.skip(1);
                }
                '\'' | '"' | '`' => self.quoted(first)?,
                '[' => {
                    let end = self.rest.find(']').ok_or(SqlTextError::Unclosed)?;
                    self.copy(end + 1);
                }
                ':' if self.rest.starts_with("::") => self.copy(2),
                ':' => self.parameter(),
                '?' | '@' | '$' => return Err(SqlTextError::Positional),
                _ if is_name_part(first) => {
                    let end = self.rest.find(|part| !is_name_part(part) && part != '$').unwrap_or(self.rest.len());
                    self.copy(end);
                }
                _ => self.copy(first.len_utf8()),
            }
        }
        if self.words == 0 {
            return Err(SqlTextError::NotAQuery);
        }
        self.flush();
        Ok(())
    }

    fn skip(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    fn copy(&mut self, bytes: usize) {
        let taken = self.skip(bytes);
        self.copied.push_str(taken);
    }

    fn flush(&mut self) {
        if !self.copied.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.copied)));
        }
    }

    /// A quoted text; a doubled quote is two quoted texts side by side, which comes to the same.
    fn quoted(&mut self, quote: char) -> Result<(), SqlTextError> {
        let end = self.rest.get(1..).and_then(|body| body.find(quote)).ok_or(SqlTextError::Unclosed)?;
        self.copy(end + 2);
        Ok(())
    }

    fn parameter(&mut self) {
        let name = self.rest.get(1..).unwrap_or_default();
        let end = name.find(|part| !is_name_part(part)).unwrap_or(name.len());
        let name = name.get(..end).unwrap_or_default();
        if !name.starts_with(|first: char| first.is_alphabetic() || first == '_') {
            self.copy(1);
            return;
        }
        self.flush();
        self.skip(1 + end);
        if name == ID_NUMBERS {
            self.pieces.push(Piece::IdNumbers);
            return;
        }
        let index = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        self.pieces.push(Piece::Name(index));
    }
}

fn is_name_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn begins_a_query(text: &str) -> bool {
    let word = text.split(|character: char| !is_name_part(character)).next().unwrap_or_default();
    word.eq_ignore_ascii_case("select") || word.eq_ignore_ascii_case("with")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl SqlText {
        fn numbered(&self, length: usize) -> String {
            self.rendered(length, Placeholder::QuestionNumber).text
        }
    }

    #[test]
    fn each_database_gets_its_own_places_and_a_value_for_each() {
        let text =
            SqlText::parse("SELECT 1 FROM t WHERE m >= :a AND id IN (:id_numbers) AND m <= :b OR n = :a").unwrap();
        let numbered = [Bind::IdNumber(0), Bind::IdNumber(1), Bind::Parameter(0), Bind::Parameter(1)];
        let postgres = text.rendered(2, Placeholder::DollarNumber);
        assert_eq!(postgres.text, "SELECT 1 FROM t WHERE m >= $3 AND id IN ($1, $2) AND m <= $4 OR n = $3");
        assert_eq!(postgres.binds, numbered);
        assert_eq!(text.rendered(2, Placeholder::QuestionNumber).binds, numbered);
        let mariadb = text.rendered(2, Placeholder::Question);
        assert_eq!(mariadb.text, "SELECT 1 FROM t WHERE m >= ? AND id IN (?, ?) AND m <= ? OR n = ?");
        let in_order =
            [Bind::Parameter(0), Bind::IdNumber(0), Bind::IdNumber(1), Bind::Parameter(1), Bind::Parameter(0)];
        assert_eq!(mariadb.binds, in_order);
    }

    #[test]
    fn names_become_numbers_and_repeat_theirs() {
        let text = SqlText::parse(
            "SELECT a FROM t WHERE id IN (:id_numbers) AND m BETWEEN :first AND :last OR m = :first OR id IN (:id_numbers)",
        )
        .unwrap();
        assert_eq!(text.parameters(), ["first", "last"]);
        assert_eq!(
            text.numbered(2),
            "SELECT a FROM t WHERE id IN (?1, ?2) AND m BETWEEN ?3 AND ?4 OR m = ?3 OR id IN (?1, ?2)"
        );
    }

    #[test]
    fn quotes_comments_and_casts_are_left_alone() {
        let sql = "SELECT ':a', \":b\", `:c`, [:d], x::text, 'it''s :e' -- :f\n/* :g ' */ FROM 学籍 WHERE 证件号 IN (:id_numbers)";
        let text = SqlText::parse(sql).unwrap();
        assert!(text.parameters().is_empty());
        assert_eq!(text.numbered(1), sql.replace(":id_numbers", "?1"));
    }

    #[test]
    fn what_is_not_one_query_is_refused() {
        for (sql, error) in [
            ("", SqlTextError::NotAQuery),
            ("-- nothing", SqlTextError::NotAQuery),
            ("DELETE FROM t WHERE id IN (:id_numbers)", SqlTextError::NotAQuery),
            ("selection", SqlTextError::NotAQuery),
            ("SELECT 1 WHERE 1 IN (:id_numbers); DROP TABLE t", SqlTextError::ManyStatements),
            ("SELECT ? WHERE 1 IN (:id_numbers)", SqlTextError::Positional),
            ("SELECT $1 WHERE 1 IN (:id_numbers)", SqlTextError::Positional),
            ("SELECT @x WHERE 1 IN (:id_numbers)", SqlTextError::Positional),
            ("SELECT 'x WHERE 1 IN (:id_numbers)", SqlTextError::Unclosed),
            ("SELECT 1 /* WHERE 1 IN (:id_numbers)", SqlTextError::Unclosed),
            ("SELECT * FROM t", SqlTextError::Everybody),
            ("SELECT ':id_numbers' FROM t", SqlTextError::Everybody),
        ] {
            assert_eq!(SqlText::parse(sql), Err(error), "{sql}");
        }
        let trailing =
            SqlText::parse("/* 养老 */ with x as (select 1) SELECT 1 WHERE 1 IN (:id_numbers) ; -- end\n").unwrap();
        assert!(!trailing.numbered(1).contains(';'));
    }

    #[test]
    fn few_lengths_serve_every_number_of_subjects() {
        for numbers in 1..=MAX_LIST {
            let length = list_length(numbers);
            assert!(length >= numbers && (length == MAX_SUBJECTS || length < 2 * numbers), "{numbers}");
        }
    }

    #[test]
    fn every_column_is_asked_for_by_a_star_that_stands_for_columns_only() {
        for (sql, everything) in [
            ("SELECT * FROM t WHERE a IN (:id_numbers)", true),
            ("select distinct  * from t where a in (:id_numbers)", true),
            ("SELECT t.* FROM t WHERE a IN (:id_numbers)", true),
            ("SELECT a, /* all */ * FROM t WHERE a IN (:id_numbers)", true),
            ("WITH x AS (SELECT * FROM t WHERE a IN (:id_numbers)) SELECT a FROM x", true),
            ("SELECT COUNT(*) AS n, a * 100 AS fen, '*' AS star FROM t WHERE a IN (:id_numbers)", false),
            ("SELECT a -- , *\n FROM t WHERE a IN (:id_numbers)", false),
            ("SELECT a, :x * 2 FROM t WHERE \"SELECT *\" IN (:id_numbers)", false),
        ] {
            assert_eq!(SqlText::parse(sql).unwrap().selects_everything(), everything, "{sql}");
        }
    }

    /// A part of a statement, and what should become of it when the list has three numbers.
    fn part() -> impl Strategy<Value = (String, Option<&'static str>)> {
        prop_oneof![
            "[a-z=,()<>+ ]{0,8}".prop_map(|text| (text, None)),
            "'([a-z:?;$]|'')*'".prop_map(|text| (text, None)),
            "\"[a-z:?;$']*\"".prop_map(|text| (text, None)),
            "--[a-z:?'\";]*\n".prop_map(|text| (text, None)),
            "/\\*[a-z:?'\"; ]*\\*/".prop_map(|text| (text, None)),
            Just((" x::text ".to_owned(), None)),
            Just((" :id_numbers ".to_owned(), Some(" ?1, ?2, ?3 "))),
            Just((" :first ".to_owned(), Some(" ?4 "))),
        ]
    }

    proptest! {
        #[test]
        fn only_parameters_change(parts in prop::collection::vec(part(), 0..24)) {
            let head = "SELECT 1 WHERE :first IN (:id_numbers) ";
            let sql: String = std::iter::once(head).chain(parts.iter().map(|(text, _)| text.as_str())).collect();
            let expected: String = std::iter::once("SELECT 1 WHERE ?4 IN (?1, ?2, ?3) ")
                .chain(parts.iter().map(|(text, becomes)| becomes.unwrap_or(text)))
                .collect();
            prop_assert_eq!(SqlText::parse(&sql).unwrap().numbered(3), expected);
        }

        #[test]
        fn no_text_makes_it_panic(sql in "\\PC{0,60}") {
            drop(SqlText::parse(&format!("SELECT {sql}")));
            drop(SqlText::parse(&sql));
        }
    }
}
