//! What people call things.

/// 1 to 200 characters, none of them a control character.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}
