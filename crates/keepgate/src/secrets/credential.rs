//! What Keepgate's own credentials look like.

/// What API keys and enrolment codes begin with.
const PREFIXES: [&str; 5] = ["kgl_", "kgt_", "kg_live_", "kg_test_", "kge_"];
/// Shorter runs are words such as `kge_file`.
const LEAST: usize = 16;

/// Whether an API key, an enrolment code, a token, or a URL with a password stands anywhere in `text`.
pub fn looks_like_a_credential(text: &str) -> bool {
    has_key(text) || has_token(text) || has_url_password(text)
}

/// An API key or enrolment code.
pub fn has_key(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| {
        text.match_indices(prefix).any(|(at, _)| {
            let rest = text.get(at + prefix.len()..).unwrap_or_default();
            rest.bytes()
                .take_while(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
                .count()
                >= LEAST
        })
    })
}

/// A JWT: three parts of base64url, the first of which is a JSON object.
pub fn has_token(text: &str) -> bool {
    let part =
        |part: &str| part.len() >= LEAST && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    text.split([' ', '=', '"', '\''])
        .any(|word| word.starts_with("eyJ") && word.split('.').count() == 3 && word.split('.').all(part))
}

/// `scheme://user:password@host`.
pub fn has_url_password(text: &str) -> bool {
    text.match_indices("://").any(|(at, mark)| {
        let rest = text.get(at + mark.len()..).unwrap_or_default();
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        let login = authority.rsplit_once('@').map(|(login, _)| login);
        login
            .and_then(|login| login.split_once(':'))
            .is_some_and(|(_, password)| !password.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tokens_and_passwords_in_urls_are_recognised() {
        for secret in [
            "kgl_0123456789ab_secretsecret",
            "x=kgt_0123456789ab_secretsecret",
            "kg_live_01jabcdefghjkmnpqrstvwxyz_secretsecret",
            "x=kg_test_01jabcdefghjkmnpqrstvwxyz",
            "kge_01jabcdefghjkmnpqrst",
            "Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLW9mLWEtdG9rZW4",
            "postgres://kg_app:hunter2@db.example/keepgate",
        ] {
            assert!(looks_like_a_credential(secret), "{secret}");
        }
    }

    #[test]
    fn ordinary_words_and_urls_are_not() {
        for harmless in [
            "kg_app",
            "kg_live_",
            "kgl_short",
            "kge_file",
            "/etc/keepgate/kek",
            "https://api.example/x:y@z",
            "postgres://kg_app@db.example/keepgate?sslmode=verify-full",
            "postgres://kg_app:@db.example/keepgate",
            "eyJ.a.b",
        ] {
            assert!(!looks_like_a_credential(harmless), "{harmless}");
        }
    }
}
