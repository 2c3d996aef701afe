//! `X-Twilio-Signature`. Source: Twilio's page on webhook security, and what its own libraries accept.
use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::{digest, hmac};
use data_encoding::{BASE64, HEXLOWER};
use secrecy::{ExposeSecret, SecretString};

/// A request that says it comes from Twilio.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The URL Twilio called, as configured: never rebuilt from what the request claims.
    pub url: &'a str,
    /// Every field of the form.
    pub fields: &'a [(String, String)],
    /// The body, if it was not a form.
    pub body: Option<&'a [u8]>,
    /// The header `X-Twilio-Signature`.
    pub signature: &'a str,
    /// The header `X-Twilio-Webhooks-Signature-Settings`, if there is one.
    pub settings: Option<&'a str>,
}

/// Whether Twilio signed the request with the account's token. Both forms of the URL are accepted, with its port and without:
/// Twilio is not consistent there. A request signed in another way than with HMAC-SHA1 and the token is refused.
#[must_use]
pub fn verify(auth_token: &SecretString, request: &Signed<'_>) -> bool {
    if request
        .settings
        .is_some_and(|settings| !settings.split(',').any(|part| part.trim() == "algorithm=HMAC_SHA1"))
    {
        return false;
    }
    let Ok(signature) = BASE64.decode(request.signature.as_bytes()) else {
        return false;
    };
    let fields = match (request.body, digest_in(request.url)) {
        (Some(body), Some(claimed)) if same_digest(body, claimed) => String::new(),
        (Some(_), _) | (None, Some(_)) => return false,
        (None, None) => spell(request.fields),
    };
    let key = hmac::Key::new(
        hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        auth_token.expose_secret().as_bytes(),
    );
    let matches = |url: String| hmac::verify(&key, format!("{url}{fields}").as_bytes(), &signature).is_ok();
    let (without, with) = ports(request.url);
    // Both are computed, so that the time tells nothing.
    matches(without) | matches(with)
}

/// Each distinct name in order, each distinct value of it in order: name, value, name, value …
fn spell(fields: &[(String, String)]) -> String {
    let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in fields {
        sorted.entry(name).or_default().insert(value);
    }
    sorted
        .iter()
        .flat_map(|(name, values)| values.iter().flat_map(move |value| [*name, *value]))
        .collect()
}

fn digest_in(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("bodySHA256="))
}

fn same_digest(body: &[u8], claimed: &str) -> bool {
    HEXLOWER.encode(digest::digest(&digest::SHA256, body).as_ref()) == claimed
}

/// The URL without its port and with it; the port of the scheme where none is written.
fn ports(url: &str) -> (String, String) {
    let Some((scheme, rest)) = url.split_once("://") else {
        return (url.to_owned(), url.to_owned());
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let host_end = authority.rfind(']').map_or(0, |at| at + 1);
    let colon = authority
        .get(host_end..)
        .and_then(|after| after.rfind(':'))
        .map(|at| host_end + at);
    let (host, port) = match colon {
        Some(at) => authority.split_at(at),
        None => (authority, if scheme == "http" { ":80" } else { ":443" }),
    };
    (
        format!("{scheme}://{host}{tail}"),
        format!("{scheme}://{host}{port}{tail}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // Fixtures: computed with Twilio's own Python library 9.13.0 (MIT), token 12345.
    const CALL: &[(&str, &str)] = &[
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ];
    /// URL, fields, signature.
    type Vector = (&'static str, &'static [(&'static str, &'static str)], &'static str);
    const VECTORS: &[Vector] = &[
        (
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            CALL,
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        ),
        (
            "https://mycompany.com:443/myapp.php?foo=1&bar=2",
            CALL,
            "kvajT1Ptam85bY51eRf/AJRuM3w=",
        ),
        (
            "http://mycompany.com:80/myapp.php?foo=1&bar=2",
            CALL,
            "0ZXoZLH/DfblKGATFgpif+LLRf4=",
        ),
        (
            "https://mycompany.com:1234/myapp.php?foo=1&bar=2",
            CALL,
            "CYn1h0gLBdNxDGkKJg6hYohgeD8=",
        ),
        ("https://example.com/sms", &[], "U4LDD0cAOPwkAgFQgqCAAG/S9Sw="),
        (
            "https://mycompany.com/myapp.php",
            &[
                ("Digits", "5678"),
                ("Digits", "1234"),
                ("Digits", "1234"),
                ("CallSid", "CA1"),
            ],
            "cv4hIwfgn52AAfFxfG3dYLnr7Po=",
        ),
        (
            "https://gw.example/x",
            &[("A", ""), ("B", "1")],
            "LgAvjpcF++mdQN5NUf9ViRJyyv0=",
        ),
        (
            "https://gw.example/x",
            &[("Body", "Hallo 👍 ünï"), ("From", "+15005550006")],
            "/dQVeaTHx3Ci6VHMUDkQ/6r1JJg=",
        ),
    ];

    fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn check(url: &str, fields: &[(String, String)], signature: &str) -> bool {
        verify(
            &SecretString::from("12345"),
            &Signed {
                url,
                fields,
                body: None,
                signature,
                settings: None,
            },
        )
    }

    #[test]
    fn what_twilio_signs_is_accepted() {
        for (url, fields, signature) in VECTORS {
            assert!(check(url, &owned(fields), signature), "{url}");
        }
    }

    #[test]
    fn a_port_may_be_written_or_not() {
        let (_, fields, signature) = VECTORS[1];
        assert!(check(
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            &owned(fields),
            signature
        ));
        assert!(!check(
            "https://mycompany.com:444/myapp.php?foo=1&bar=2",
            &owned(fields),
            signature
        ));
    }

    #[test]
    fn any_change_is_refused() {
        let (url, fields, signature) = VECTORS[0];
        let mut more = owned(fields);
        more.push(("Extra".into(), "1".into()));
        assert!(!check(url, &more, signature));
        let mut other = owned(fields);
        other[2].1 = "1".into();
        assert!(!check(url, &other, signature));
        assert!(!check(
            "https://mycompany.com/myapp.php?foo=1&bar=3",
            &owned(fields),
            signature
        ));
        for bad in ["", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "not base64!", "AAAA"] {
            assert!(!check(url, &owned(fields), bad), "{bad}");
        }
        let wrong = Signed {
            url,
            fields: &owned(fields),
            body: None,
            signature,
            settings: None,
        };
        assert!(!verify(&SecretString::from("54321"), &wrong));
    }

    #[test]
    fn a_body_that_is_no_form_is_signed_by_its_digest() {
        let url = "https://mycompany.com/myapp.php?bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
        let body = br#"{"property": "value", "boolean": true}"#;
        let signature = "y77kIzt2vzLz71DgmJGsen2scGs=";
        let request = Signed {
            url,
            fields: &[],
            body: Some(body),
            signature,
            settings: None,
        };
        assert!(verify(&SecretString::from("12345"), &request));
        assert!(!verify(
            &SecretString::from("12345"),
            &Signed {
                body: Some(b"{}"),
                ..request
            }
        ));
        assert!(!verify(&SecretString::from("12345"), &Signed { body: None, ..request }));
    }

    #[test]
    fn another_algorithm_is_refused() {
        let (url, fields, signature) = VECTORS[0];
        let fields = owned(fields);
        let with = |settings| Signed {
            url,
            fields: &fields,
            body: None,
            signature,
            settings: Some(settings),
        };
        assert!(verify(
            &SecretString::from("12345"),
            &with("key=SK1, algorithm=HMAC_SHA1")
        ));
        assert!(!verify(
            &SecretString::from("12345"),
            &with("key=SK1,algorithm=HMAC_SHA256")
        ));
        assert!(!verify(&SecretString::from("12345"), &with("none")));
    }
}
