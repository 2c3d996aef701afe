//! Known answers. Roots and signatures below were computed by an independent implementation.

use data_encoding::{BASE64, HEXLOWER};
use keepgate_merkle::checkpoint::Checkpoint;
use keepgate_merkle::hash::{Hash, empty_root, leaf_hash};
use keepgate_merkle::note::{Note, NoteSigner};
use keepgate_merkle::tree::{Frontier, root_of};

use crate::support::{self, ORIGIN, VKEY};

/// The leaves that certificate-transparency implementations test with, in hexadecimal.
const CLASSIC: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

/// The roots over the first 0 to 8 of them.
const CLASSIC_ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// The leaves of Tessera's test log.
const WORDS: [&str; 15] = [
    "one", "two", "three", "four", "five", "six", "seven", "eit", "nain", "ten", "ileven", "twelf", "threeten",
    "fourten", "fivten",
];

/// The roots over the first 0 to 15 of them, as that log's checkpoints have them.
const WORD_ROOTS: [&str; 16] = [
    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=",
    "T1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Teci4=",
    "Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=",
    "zY1lN35vrXYAPixXSd59LsU29xUJtuW4o2dNNg5Y2Co=",
    "gy5gl3aksFyiCO95a/1vLXz88A3dRq+0l9Sxte8ZqZQ=",
    "a6sWvsc2eEzmj72vah7mZ5dwFltivehh2b11qwlp5Jg=",
    "IrSXADBqJ7EQoUODSDKROySgNveeL6CFhik2w/+fS7U=",
    "bC+VwvrJbalNVjfkdI8kUgs7mJoXrqiXCE7bgnD28pY=",
    "CvhHViE3S9E3htHLR+25mapWoGCJ3WckMq1UtC3VmEY=",
    "y8/gZsZCtitsMan09tY+k8I7Qpr7Y5fbO2tLi9GQnfU=",
    "Yok1cS5VdokGLBy73BC2I16b3atss6KBN9jnIi6Fz/A=",
    "uZo6M+IhVna+CLgWCrJs0xBPUHbozHkYTQASduHSLME=",
    "av0kLH0VkkVDrTuZzBGIx7d9z5G1l/GlKz/nAV/8woQ=",
    "SvCd38yNade7xEPY1a/aAc1M3A2AHYVF8lIiUnsH1ao=",
    "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=",
];

/// A signer from the text form in which Go's tools keep private keys (published test keys only).
fn signer_from_skey(skey: &str) -> NoteSigner {
    let parts: Vec<_> = skey.strip_prefix("PRIVATE+KEY+").unwrap().splitn(3, '+').collect();
    let [name, id, key] = parts.as_slice() else {
        panic!("malformed")
    };
    let key = BASE64.decode(key.as_bytes()).unwrap();
    let signer = NoteSigner::from_seed(name.parse().unwrap(), key[1..].try_into().unwrap()).unwrap();
    assert_eq!(signer.verifier().id().to_string(), *id);
    signer
}

#[test]
fn the_classic_leaves_give_the_published_roots() {
    let leaves = CLASSIC.map(|hex| leaf_hash(&HEXLOWER.decode(hex.as_bytes()).unwrap()));
    assert_eq!(empty_root().to_hex(), CLASSIC_ROOTS[0]);
    for (size, root) in CLASSIC_ROOTS.iter().enumerate() {
        assert_eq!(root_of(&leaves[..size]).to_hex(), *root, "size {size}");
    }
}

#[test]
fn the_sixteen_checkpoints_of_tesseras_test_log_have_our_roots() {
    let mut frontier = Frontier::default();
    for (size, root) in WORD_ROOTS.iter().enumerate() {
        assert_eq!(frontier.root().to_string(), *root, "size {size}");
        frontier.push(leaf_hash(WORDS.get(size).copied().unwrap_or_default().as_bytes()));
    }
}

#[test]
fn tesseras_last_checkpoint_is_made_again_byte_for_byte() {
    let signer =
        signer_from_skey("PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg");
    let root = root_of(&WORDS.map(|word| leaf_hash(word.as_bytes())));
    let checkpoint = Checkpoint {
        origin: "example.com/log/testdata".into(),
        size: 15,
        root,
    };
    let expected = "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n\
        — example.com/log/testdata M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/\
        dlPWF74ewI=\n";
    assert_eq!(checkpoint.sign(&signer).unwrap().to_string(), expected);
    let keys = [
        "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
            .parse()
            .unwrap(),
    ];
    assert_eq!(
        Checkpoint::open(expected.as_bytes(), "example.com/log/testdata", &keys),
        Ok(checkpoint)
    );
}

#[test]
fn the_example_of_the_signed_note_document_opens() {
    let key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
        .parse()
        .unwrap();
    let note = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1\
        ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    let note: Note = note.parse().unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.open(std::slice::from_ref(&key)), Ok(vec![&key]));
}

#[test]
fn peter_neumanns_note_is_signed_and_opened_as_in_go() {
    let signer = signer_from_skey("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz");
    assert_eq!(
        signer.verifier().to_string(),
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    );
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    let note = signer.sign(text).unwrap();
    let line = "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6Ry\
        yBwJnAM=\n";
    assert_eq!(note.to_string(), format!("{text}{line}"));
    assert!(note.open(&[signer.verifier().clone()]).is_ok());
}

#[test]
fn the_fixture_key_has_the_vkey_other_verifiers_know() {
    assert_eq!(support::signer().verifier().to_string(), VKEY);
    assert_eq!(support::vkey(), *support::signer().verifier());
}

#[test]
fn the_fixture_log_has_known_roots_and_a_known_checkpoint() {
    let roots = [
        (1, "dziFphNIniTOLPdhmdakI/BC5LvxLX7s7pEu8nbGVwE="),
        (2, "WkdmL9ijF9lgSaP59HxV3GfKZgUbqjaD27GbL+CaB7A="),
        (255, "z2Z5PmMp3/JC6zzuCm82rT46GW3MVzoex3XhAr6GPxw="),
        (256, "2mWW2VNp9f7zIquOTg2jsLUCNqqcijsdJG90Ecni4y4="),
        (257, "XB/f6DU1gCLyOS3keNvgU/wTDP4dOggoeakM9r8Uv34="),
        (700, "xw5zSZqcGcWQ2YSUvQUOs6ZGvzjJ96OX3OWj/t47JAc="),
        (70_000, "o5IPun8jmgcam9EHIfE0Gt3vuu3ttBx+JEN6nRa98Ao="),
    ];
    for (size, root) in roots {
        assert_eq!(root_of(&support::leaves(size)).to_string(), root, "size {size}");
    }
    let root: Hash = "xw5zSZqcGcWQ2YSUvQUOs6ZGvzjJ96OX3OWj/t47JAc=".parse().unwrap();
    let note = Checkpoint {
        origin: ORIGIN.into(),
        size: 700,
        root,
    }
    .sign(&support::signer())
    .unwrap()
    .to_string();
    let line = "— audit.keepgate.example/tenant/0001 GYKcxV0CHikuKwm3x3b4uefbW1J7PKYJet27DsSlGMYJto+VAtpbFLet+9TYiRIrJvRC\
        XoHo142CueWxvclnu0Z/cwU=\n";
    assert!(note.ends_with(line), "{note}");
}
