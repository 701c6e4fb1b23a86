//! Which of the words that are known was probably meant by one that is not.

/// The one of `known` that `word` differs least from, when it differs by a slip of the hand: a letter more, a letter
/// less, another one, or two that changed places; in long words two of these.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = if word.chars().count() > 5 { 2 } else { 1 };
    let distances = known.into_iter().map(|other| (distance(word, other), other));
    distances.filter(|(distance, _)| (1..=most).contains(distance)).min().map(|(_, other)| other)
}

/// How many slips of the hand lie between two words (optimal string alignment), row by row of the table.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX - 1);
    let mut second_above: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, its) in other.iter().enumerate() {
            let replaced = at(&above, column) + usize::from(letter != its);
            let mut fewest = replaced.min(at(&above, column + 1) + 1).min(at(&current, column) + 1);
            let changed_places =
                row > 0 && column > 0 && one.get(row - 1) == Some(its) && other.get(column - 1) == Some(letter);
            if changed_places {
                fewest = fewest.min(at(&second_above, column - 1) + 1);
            }
            current.push(fewest);
        }
        second_above = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_known_and_another_word_is_not() {
        let known = ["subject", "source", "dataset", "value", "kind", "DEPOSIT", "DWELLING"];
        for (word, meant) in [
            ("subjct", Some("subject")),
            ("sorce", Some("source")),
            ("valeu", Some("value")),
            ("datsaet", Some("dataset")),
            ("DEPOSITS", Some("DEPOSIT")),
            ("kind", None),
            ("kin", Some("kind")),
            ("BOND", None),
            ("", None),
            ("户主", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}
