//! Which of the words that are known was probably meant by one that is not.

/// The one of `known` that `word` differs least from, when it differs by a slip of the hand: a letter more, a letter
/// less, another one, or two that changed places; in long words two of these.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = if word.chars().count() > 5 { 2 } else { 1 };
    let distances = known.into_iter().map(|other| (distance(word, other), other));
    distances.filter(|(distance, _)| (1..=most).contains(distance)).min().map(|(_, other)| other)
}

/// How many slips of the hand lie between two words (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut now = vec![row + 1];
        for (column, its) in other.iter().enumerate() {
            let at = |list: &[usize], place: usize| list.get(place).copied().unwrap_or(usize::MAX - 1);
            let mut least = at(&last, column) + usize::from(letter != its);
            least = least.min(at(&last, column + 1) + 1).min(at(&now, column) + 1);
            let changed_places =
                row > 0 && column > 0 && one.get(row - 1) == Some(its) && other.get(column - 1) == Some(letter);
            if changed_places {
                least = least.min(at(&before, column - 1) + 1);
            }
            now.push(least);
        }
        before = std::mem::replace(&mut last, now);
    }
    last.last().copied().unwrap_or(0)
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
