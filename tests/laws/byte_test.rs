//! Odds of the byte test, measured on what AES-256-GCM makes.

use openssl::symm::{Cipher, encrypt_aead};
use plainsight::evidence::ciphertext::{ByteSample, ByteTest, exposure};
use plainsight::evidence::dtls::{ContentType, DtlsRecord, Version};

/// Sessions tried, unless the environment says how many.
const SESSIONS: u64 = 2000;

fn sessions() -> u64 {
    let set = std::env::var("PLAINSIGHT_SESSIONS").ok();
    set.map_or(SESSIONS, |number| number.parse().expect("a number"))
}

/// A record as `TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384` makes it: nonce, ciphertext, tag.
fn sealed(key: &[u8; 32], sequence: u64, len: usize) -> Vec<u8> {
    let nonce = (1 << 48 | sequence).to_be_bytes();
    let salted: Vec<u8> = [&key[..4], &nonce].concat();
    let mut tag = [0; 16];
    let text = vec![0x20; len];
    let sealed = encrypt_aead(
        Cipher::aes_256_gcm(),
        key,
        Some(&salted),
        &nonce,
        &text,
        &mut tag,
    );
    [&nonce[..], &sealed.expect("a cipher"), &tag].concat()
}

/// Number of records that show something, and whether the session's sample fails.
fn test(fragments: &[Vec<u8>]) -> (usize, ByteTest) {
    let mut sample = ByteSample::default();
    let mut exposed = 0;
    for (sequence, fragment) in (0..).zip(fragments) {
        let record = DtlsRecord {
            content_type: ContentType::APPLICATION_DATA,
            version: Version::V1_2,
            epoch: 1,
            sequence,
            len: u16::try_from(fragment.len()).expect("a short record"),
            fragment,
            id_len: 0,
        };
        exposed += usize::from(exposure(&record).is_some());
        sample.add(&record);
    }
    (exposed, sample.test())
}

#[test]
fn ciphertext_raises_no_alarm() {
    let mut rng = fastrand::Rng::with_seed(0x988);
    for session in 0..sessions() {
        let key: [u8; 32] = std::array::from_fn(|_| rng.u8(..));
        let (records, len) = (rng.u64(1..40), rng.usize(1..1400));
        let fragments: Vec<_> = (0..records).map(|n| sealed(&key, n, len)).collect();
        let (exposed, bytes) = test(&fragments);
        assert_eq!(exposed, 0, "session {session}");
        assert_ne!(bytes, ByteTest::NoCipher, "session {session}");
    }
}

#[test]
fn a_tenth_of_text_among_ciphertext_is_found() {
    let text = "the quick brown fox jumps over the lazy dog ".repeat(2);
    let mut rng = fastrand::Rng::with_seed(0x989);
    let found = (0..200).filter(|_| {
        let key: [u8; 32] = std::array::from_fn(|_| rng.u8(..));
        let fragments = (0..400).map(|n| match n % 10 {
            0 => [&[0; 8], &text.as_bytes()[..40], &sealed(&key, n, 1)].concat(),
            _ => sealed(&key, n, 40),
        });
        test(&fragments.collect::<Vec<_>>()).1 == ByteTest::NoCipher
    });
    assert!(found.count() >= 190);
}
