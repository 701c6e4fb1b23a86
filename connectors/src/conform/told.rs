//! What is told of a question and its answer: masked and cut short, because a report is passed on.

use serde_json::Value;

use super::report::Exchange;
use crate::caller::{Answer, CallError};
use crate::synthetic;

/// Longest part of a body that is told, in characters.
const MAX_TOLD: usize = 1_500;

/// A question and what came of it.
pub(super) fn exchange(method: &str, path: &str, body: &[u8], answer: &Result<Answer, CallError>) -> Exchange {
    let request =
        if body.is_empty() { format!("{method} {path}") } else { format!("{method} {path}\n{}", masked(body)) };
    let (response, milliseconds) = match answer {
        Ok(answer) => {
            let retry = answer.headers.get("retry-after").and_then(|value| value.to_str().ok());
            let retry = retry.map(|value| format!(" · Retry-After: {value}")).unwrap_or_default();
            let head = format!("{} · {}{retry}", answer.status, answer.tls);
            (format!("{head}\n{}", masked(&answer.body)), answer.took.as_millis())
        }
        Err(error) => (error.to_string(), 0),
    };
    Exchange { request, response, milliseconds: u64::try_from(milliseconds).unwrap_or(u64::MAX) }
}

/// A body as it may be told: of an identity number six and four characters, of a name the first.
pub(super) fn masked(body: &[u8]) -> String {
    let Ok(mut document) = serde_json::from_slice::<Value>(body) else {
        return match std::str::from_utf8(body) {
            Ok(text) => cut(&synthetic::without_identity_numbers(text)),
            Err(_) => format!("({} bytes)", body.len()),
        };
    };
    mask(&mut document, "");
    cut(&document.to_string())
}

fn mask(value: &mut Value, name: &str) {
    match value {
        Value::String(text) => *text = masked_text(text, name),
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, name)),
        Value::Object(members) => members.iter_mut().for_each(|(name, member)| mask(member, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn masked_text(text: &str, name: &str) -> String {
    if synthetic::is_canonical(&text.to_ascii_uppercase()) {
        let (head, tail) = (text.get(..6).unwrap_or_default(), text.get(14..).unwrap_or_default());
        return format!("{head}********{tail}");
    }
    if name == "name" {
        let mut characters = text.chars();
        let first = characters.next().map(String::from).unwrap_or_default();
        return characters.fold(first, |shown, _| shown + "*");
    }
    synthetic::without_identity_numbers(text)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_TOLD {
        return text.to_owned();
    }
    text.chars().take(MAX_TOLD).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p7_numbers_and_names_are_masked_wherever_they_stand() {
        let body = r#"{"subjects":[{"id_number":"15000019700101109X","name":"斯琴·乌拉"}],"request_id":"r-150000198605021015"}"#;
        let told = masked(body.as_bytes());
        for secret in ["15000019700101109X", "150000198605021015", "斯琴"] {
            assert!(!told.contains(secret), "{told}");
        }
        assert!(told.contains("150000********109X") && told.contains("斯****"), "{told}");
        assert_eq!(masked("证 150000198605021015".as_bytes()), "证 (hidden)");
        assert_eq!(masked(&[0xff, 0xfe]), "(2 bytes)");
        assert!(masked("字".repeat(5_000).as_bytes()).chars().count() <= MAX_TOLD + 1);
    }
}
