//! What Keepgate's own credentials look like.

/// What API keys and enrolment codes begin with.
const PREFIXES: [&str; 5] = ["kgl_", "kgt_", "kg_live_", "kg_test_", "kge_"];
/// Shorter runs are words such as `kge_file`.
const LEAST: usize = 16;

/// What the tokens of OpenBao and Vault begin with: services', batches', recovery.
const BAO: [&str; 6] = ["hvs.", "hvb.", "hvr.", "s.", "b.", "r."];

/// Whether an API key, an enrolment code, a token, a private key, or a URL with a password stands anywhere in `text`.
pub fn looks_like_a_credential(text: &str) -> bool {
    has_key(text) || has_token(text) || has_url_password(text) || has_private_key(text)
}

/// A private key in PEM.
pub fn has_private_key(text: &str) -> bool {
    text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----")
}

/// A token of OpenBao or Vault.
fn is_bao(word: &str) -> bool {
    let rest = BAO.iter().find_map(|prefix| word.strip_prefix(prefix));
    rest.is_some_and(|rest| rest.len() >= 24 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)))
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

/// A JWT (three parts of base64url, the first of which is a JSON object), or a token of OpenBao.
pub fn has_token(text: &str) -> bool {
    let part =
        |part: &str| part.len() >= LEAST && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let is_jwt = |word: &str| word.starts_with("eyJ") && word.split('.').count() == 3 && word.split('.').all(part);
    text.split([' ', '=', '"', '\''])
        .any(|word| is_jwt(word) || is_bao(word))
}

/// `scheme://user:password@host`, or a database's `?password=…`.
pub fn has_url_password(text: &str) -> bool {
    let query = text.split_once("://").and_then(|(_, rest)| rest.split_once('?'));
    let named = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        name.to_ascii_lowercase().contains("pass") && !name.eq_ignore_ascii_case("passfile") && !value.is_empty()
    };
    if query.is_some_and(|(_, query)| query.split(['&', '#']).any(named)) {
        return true;
    }
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
            "postgres://kg_app@db.example/keepgate?sslmode=verify-full&password=hunter2",
            "x=hvs.CAESIJ0123456789abcdefABCDEF0123456789",
            "--token s.0123456789abcdefABCDEF01",
            "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE",
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
            "postgres://kg_app@db.example/keepgate?passfile=/etc/keepgate/pgpass",
            "s.example",
            "r.keepgate.example",
            "-----BEGIN CERTIFICATE-----",
        ] {
            assert!(!looks_like_a_credential(harmless), "{harmless}");
        }
    }
}
