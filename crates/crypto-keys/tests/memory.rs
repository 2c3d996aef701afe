//! What is left of a key in the memory of this process, once it is dropped: nothing. In a process of its own, with the allocator of the
//! service.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails loudly")]
use std::{
    alloc::System,
    fs::{File, OpenOptions},
    hint::black_box,
    io::Write,
    os::unix::fs::{FileExt, OpenOptionsExt},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use keepgate_crypto_keys::{
    DataKey, InstanceKey, KeyContext, KeyFile, MemoryKeys, Place, Purpose, SigningPurpose, SigningSeed, SubjectDek,
    Wrapped, generate_recovery_key, random_secret,
};
use keepgate_kernel::{TenantId, Uuid};
use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// What to look for, kept so that the search does not find itself: the second half, because an allocator writes into the first bytes of
/// what it gets back.
struct Masked(Vec<u8>);

const MASK: u8 = 0x5a;
const HALF: usize = 16;

impl Masked {
    fn of(bytes: &[u8]) -> Self {
        Self(bytes[HALF..].iter().map(|byte| byte ^ MASK).collect())
    }

    fn is(&self, window: &[u8]) -> bool {
        window.iter().zip(&self.0).all(|(byte, masked)| byte ^ MASK == *masked)
    }

    /// How often it stands in the writable memory of this process, stacks included.
    fn found(&self) -> usize {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let memory = File::open("/proc/self/mem").unwrap();
        let mut chunk = vec![0; 1 << 16];
        let mut found = 0;
        for line in maps.lines().filter(|line| line.contains(" rw")) {
            let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
            let [from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
            for at in (from..to).step_by(chunk.len() - (HALF - 1)) {
                let length = usize::try_from(to - at).unwrap().min(chunk.len());
                let read = memory.read_at(&mut chunk[..length], at).unwrap_or(0);
                found += chunk[..read].windows(HALF).filter(|window| self.is(window)).count();
                chunk.fill(0);
            }
        }
        found
    }
}

/// The stack below the caller, overwritten.
#[inline(never)]
fn overwrite_the_stack() {
    black_box([0xee_u8; 1 << 15]);
}

fn place() -> Place {
    Place {
        tenant: TenantId::from_uuid(Uuid::nil()),
        purpose: Purpose::Payload,
        table: "channels.message",
        column: "payload",
        row: Uuid::nil(),
    }
}

/// A key wrapped by somebody else's code, so that its bytes are known here.
fn wrapped(root: &[u8; 32], id: String, key: &[u8; 32]) -> Wrapped {
    let sealer = RandomizedNonceKey::new(&AES_256_GCM, root).unwrap();
    let mut body = key.to_vec();
    let context = KeyContext::new("dek", place().tenant.uuid().as_bytes(), 1);
    let nonce = sealer
        .seal_in_place_append_tag(Aad::from(context.as_str()), &mut body)
        .unwrap();
    Wrapped {
        kek: id,
        bytes: [&nonce.as_ref()[..], &body[..]].concat(),
    }
}

/// A key file that holds `root`.
fn key_file(root: &[u8; 32]) -> KeyFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&path).unwrap();
    file.write_all(root).unwrap();
    KeyFile::open(&path).unwrap()
}

/// All that is looked for, and what was there while it was in use.
#[inline(never)]
fn busy() -> [Masked; 4] {
    let [root, key, text, seed] = [(); 4].map(|()| random_secret().unwrap());
    let masked = [&root, &key, &text, &seed].map(|bytes| Masked::of(&bytes[..]));
    let file = key_file(&root);
    let stored = wrapped(&root, file.current(), &key);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let data = runtime
        .block_on(DataKey::unwrap(&file, place().tenant, 1, &stored))
        .unwrap();
    for purpose in Purpose::ALL {
        let place = Place { purpose, ..place() };
        let sealed = data.seal(&place, &text[..]).unwrap();
        assert_eq!(data.open(&place, &sealed).unwrap()[..], text[..]);
    }
    let seed = SigningSeed::from_bytes(SigningPurpose::Token, seed);
    seed.public().unwrap();
    drop((root, key, text));
    assert!(masked[0].found() > 0 && masked[1].found() > 0 && masked[3].found() > 0);
    drop((file, data, seed, runtime));
    masked
}

#[test]
fn nothing_is_left_of_keys_and_plaintexts() {
    let masked = std::thread::spawn(|| {
        let masked = busy();
        overwrite_the_stack();
        masked
    });
    let left = masked.join().unwrap().map(|bytes| bytes.found());
    assert_eq!(left, [0; 4], "of the root key, the tenant's, a plaintext, a seed");
}

#[test]
fn no_key_prints_itself() {
    let bytes = random_secret().unwrap();
    let hex = data_encoding::HEXLOWER.encode(&bytes[..]);
    let listed = format!("{:?}", &bytes[..8]);
    let listed = listed.trim_matches(['[', ']']).to_owned();
    let seed = SigningSeed::from_bytes(SigningPurpose::Token, bytes.clone());
    let file = key_file(&bytes);
    let memory = MemoryKeys::generate().unwrap();
    let instance = file.former_instance_key().unwrap();
    let fresh = InstanceKey::generate().unwrap();
    let (_, recovery) = generate_recovery_key().unwrap();
    let data = DataKey::generate(1).unwrap();
    let subject = SubjectDek::generate().unwrap();
    for text in [
        format!("{file:?}"),
        format!("{memory:?}"),
        format!("{instance:?} {fresh:?}"),
        format!("{recovery:?}"),
        format!("{seed:?} {seed:#?}"),
        format!("{data:?} {data:#?}"),
        format!("{subject:?} {subject:#?}"),
    ] {
        assert!(!text.contains(&hex) && !text.contains(&listed), "{text}");
        assert!(text.len() < 250, "no room for a key: {text}");
    }
}
