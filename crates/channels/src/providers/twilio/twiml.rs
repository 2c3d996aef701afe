//! What a call says, in TwiML.

/// The longest document that may be sent inline, in characters.
const MAX: usize = 4_000;

/// Text for XML content or attributes; characters that XML does not know become spaces.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The longest beginning of `text` that is at most `room` characters once escaped.
fn fit(text: &str, room: usize) -> String {
    let mut used = 0;
    text.chars()
        .map(|c| escape(c.encode_utf8(&mut [0; 4])))
        .take_while(|piece| {
            used += piece.chars().count();
            used <= room
        })
        .collect()
}

/// Says `text` twice, asks for the key 1, and posts what is pressed, or that nothing was, to `action`.
pub(super) fn ask(text: &str, locale: Option<&str>, action: &str) -> String {
    let language = locale
        .map(|locale| format!(" language=\"{}\"", escape(locale)))
        .unwrap_or_default();
    let head = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Gather action=\"{}\" actionOnEmptyResult=\"true\" method=\"POST\" \
         numDigits=\"1\" timeout=\"8\"><Say loop=\"2\"{language}>",
        escape(action)
    );
    let tail = " Press 1 to acknowledge.</Say></Gather></Response>";
    let room = MAX.saturating_sub(head.chars().count() + tail.chars().count());
    format!("{head}{}{tail}", fit(text, room))
}

/// The answer to a key that was pressed: a word, and the call ends.
#[must_use]
pub fn heard(acknowledged: bool) -> String {
    let word = if acknowledged {
        "Acknowledged. Thank you."
    } else {
        "Not acknowledged."
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Say>{word}</Say><Hangup/></Response>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_t_break_out_of_its_element() {
        let twiml = ask(
            "</Say><Dial>+15005550006</Dial> \"'&\u{0}",
            Some("de\" x=\"y"),
            "https://gw.example/x?a=1&b=2",
        );
        assert!(!twiml.contains("<Dial>") && twiml.contains("&lt;/Say&gt;&lt;Dial&gt;"));
        assert!(twiml.contains("language=\"de&quot; x=&quot;y\"") && twiml.contains("a=1&amp;b=2"));
        assert!(!twiml.contains('\u{0}'));
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_the_document_stays_whole() {
        for text in ["&".repeat(1_600), "é".repeat(5_000), "👍".repeat(4_000)] {
            let twiml = ask(&text, None, "https://gw.example/x");
            assert!(twiml.chars().count() <= MAX && twiml.chars().count() > MAX - 8);
            assert!(twiml.ends_with(" Press 1 to acknowledge.</Say></Gather></Response>"));
            assert!(!twiml.contains("&am ") && !twiml.contains("&amp Press"));
        }
    }
}
