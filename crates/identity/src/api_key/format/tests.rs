//! Keys of both forms.
use secrecy::ExposeSecret;

use super::*;

fn format() -> ApiKeyFormat {
    ApiKeyFormat::new(Environment::Live, &[3; 32])
}

fn id() -> KeyId {
    KeyId::new("2026-01-02T03:04:05Z".parse().unwrap())
}

fn both() -> [ApiKey; 2] {
    [format().mint(id()).unwrap(), format().mint_first_form(id()).unwrap()]
}

/// A guess with everything right that anybody can compute.
fn guess(text: &str) -> String {
    let body = &text[..text.len() - CHECKSUM];
    format!("{body}{}", base62::checksum(body))
}

#[test]
fn a_key_reads_back_with_its_handle() {
    let key = format().mint(id()).unwrap();
    let read = format().parse(key.expose()).unwrap();
    assert_eq!(read.name(), KeyName::Handle(Handle::of(key.id())));
    assert_eq!(read.secret().expose_secret(), key.secret().expose_secret());
    assert!(key.expose().starts_with("kgl_"));
    assert_eq!(key.expose().len(), 4 + 12 + 1 + 43 + 11 + 6);
}

#[test]
fn a_key_of_the_first_form_still_reads() {
    let key = format().mint_first_form(id()).unwrap();
    let read = format().parse(key.expose()).unwrap();
    assert_eq!(read.name(), KeyName::Id(key.id()));
    assert_eq!(read.secret().expose_secret(), key.secret().expose_secret());
    assert!(key.expose().starts_with("kg_live_"));
}

#[test]
fn a_key_made_before_the_second_form_is_recognised_for_ever() {
    // Made by the release before, with the mark key [3; 32].
    let old = "kg_live_01jd0000000000000000000000_0Eoh211G4c8wtVWM00my5rsNSFlKgaWqQ4mb8gdEqno8RWBkrHQauB0vWGxA";
    assert!(matches!(format().parse(old).map(|key| key.name()), Ok(KeyName::Id(_))));
}

#[test]
fn any_single_mistyped_character_is_noticed() {
    for key in both() {
        for place in 0..key.expose().len() {
            let mut text = key.expose().as_bytes().to_vec();
            text[place] = if text[place] == b'x' { b'y' } else { b'x' };
            assert!(
                matches!(
                    format().parse(&String::from_utf8(text).unwrap()),
                    Err(KeyError::Malformed | KeyError::Checksum)
                ),
                "place {place}"
            );
        }
    }
}

#[test]
fn a_guess_with_a_right_checksum_lacks_the_mark() {
    for key in both() {
        let mut text = key.expose().to_owned();
        let first = text.rfind('_').unwrap() + 1; // where the secret begins
        let other = if text[first..].starts_with('0') { "1" } else { "0" };
        text.replace_range(first..=first, other);
        assert_eq!(format().parse(&guess(&text)).unwrap_err(), KeyError::Foreign);
    }
}

#[test]
fn a_secret_is_worth_nothing_under_another_key_s_name() {
    let (mine, theirs) = (format().mint(id()).unwrap(), format().mint(id()).unwrap());
    let swapped = format!("{}{}", &theirs.expose()[..17], &mine.expose()[17..]);
    assert_eq!(format().parse(&guess(&swapped)).unwrap_err(), KeyError::Foreign);
}

#[test]
fn another_server_s_and_another_environment_s_keys_are_foreign() {
    for key in both() {
        let elsewhere = ApiKeyFormat::new(Environment::Live, &[4; 32]);
        assert_eq!(elsewhere.parse(key.expose()).unwrap_err(), KeyError::Foreign);
        let staging = ApiKeyFormat::new(Environment::Test, &[3; 32]);
        assert_eq!(staging.parse(key.expose()).unwrap_err(), KeyError::Foreign);
        let relabelled = key.expose().replace("kgl_", "kgt_").replace("kg_live_", "kg_test_");
        assert_eq!(staging.parse(&guess(&relabelled)).unwrap_err(), KeyError::Foreign);
    }
}

#[test]
fn debug_shows_no_secret() {
    let key = format().mint(id()).unwrap();
    let read = format().parse(key.expose()).unwrap();
    let shown = format!("{key:?} {read:?} {:?}", format());
    assert!(!shown.contains(key.secret().expose_secret()));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_fall(text in "(kg_(live|test)_|kg[lt]_)?[0-9a-zA-Z_é]{0,120}") {
        proptest::prop_assert!(format().parse(&text).is_err());
    }
}
