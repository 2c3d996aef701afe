//! Project Wycheproof's cases, against what seals, derives, signs and agrees here.
use aws_lc_rs::{
    agreement::{PrivateKey, UnparsedPublicKey as Theirs, X25519, agree},
    signature::{ED25519, UnparsedPublicKey},
};
use wycheproof::{TestResult, aead as gcm, eddsa, hkdf, xdh};

use crate::aead;

/// Whether it went as the case says; what it calls acceptable may go either way.
#[track_caller]
fn judge(number: usize, expected: TestResult, went: bool) {
    match expected {
        TestResult::Valid => assert!(went, "case {number} is valid"),
        TestResult::Invalid => assert!(!went, "case {number} is invalid"),
        TestResult::Acceptable => {}
    }
}

#[test]
fn aes_256_gcm() {
    let set = gcm::TestSet::load(gcm::TestName::AesGcm).unwrap();
    let sizes = |group: &&gcm::TestGroup| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128);
    let mut cases = 0;
    for case in set.test_groups.iter().filter(sizes).flat_map(|group| &group.tests) {
        let key: [u8; 32] = case.key.as_slice().try_into().unwrap();
        let sealed = [&case.nonce[..], &case.ct[..], &case.tag[..]].concat();
        let opened = aead::open(&key, &case.aad, &sealed);
        judge(
            case.tc_id,
            case.result,
            opened.is_ok_and(|text| text[..] == case.pt[..]),
        );
        let mut body = case.pt.to_vec();
        let tag = aead::seal_once(&key, &case.nonce, &case.aad, &mut body).unwrap();
        judge(case.tc_id, case.result, body == case.ct[..] && tag == case.tag[..]);
        cases += 1;
    }
    assert!(cases > 50, "{cases} cases");
}

#[test]
fn hkdf_sha256_of_both_libraries() {
    use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    let mut cases = 0;
    for case in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut ours = vec![0; case.size];
        let derived = ::hkdf::Hkdf::<sha2::Sha256>::new(Some(&case.salt), &case.ikm).expand(&case.info, &mut ours);
        judge(case.tc_id, case.result, derived.is_ok() && ours == case.okm[..]);
        let mut theirs = vec![0; case.size];
        let derived = Salt::new(HKDF_SHA256, &case.salt)
            .extract(&case.ikm)
            .expand(&[&case.info], Length(case.size))
            .and_then(|okm| okm.fill(&mut theirs));
        judge(case.tc_id, case.result, derived.is_ok() && theirs == case.okm[..]);
        cases += 1;
    }
    assert!(cases > 50, "{cases} cases");
}

#[test]
fn ed25519() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut cases = 0;
    for group in &set.test_groups {
        let key = UnparsedPublicKey::new(&ED25519, &group.key.pk[..]);
        for case in &group.tests {
            judge(case.tc_id, case.result, key.verify(&case.msg, &case.sig).is_ok());
            cases += 1;
        }
    }
    assert!(cases > 50, "{cases} cases");
}

#[test]
fn x25519() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let mut cases = 0;
    for case in set.test_groups.iter().flat_map(|group| &group.tests) {
        let own = PrivateKey::from_private_key(&X25519, &case.private_key);
        let agreed = own.is_ok_and(|own| {
            agree(&own, Theirs::new(&X25519, &case.public_key[..]), (), |shared| {
                (shared == &case.shared_secret[..]).then_some(()).ok_or(())
            })
            .is_ok()
        });
        judge(case.tc_id, case.result, agreed);
        cases += 1;
    }
    assert!(cases > 50, "{cases} cases");
}
