//! The App's key, wrapped so that only KMS can unwrap it: `RSA_AES_KEY_WRAP_SHA_256`
//! (<https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-encrypt-key-material.html>).

use anyhow::anyhow;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded as _};
use aws_lc_rs::rsa::{KeyPair, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use environment_gate::github::rsa_key_of;
use secrecy::{ExposeSecret as _, ExposeSecretMut as _, SecretBox, SecretString};

/// Bytes of an AES-256 key.
const AES_KEY_BYTES: usize = 32;
/// Bytes that AES key wrap with padding adds at most (RFC 5649): a block of 8 for the length, and up to 7 to fill the last block.
const PADDING_BYTES_MAX: usize = 15;
/// Bits of the keys that GitHub generates, and that setup makes room for in KMS.
const KEY_BITS: usize = 2048;

/// Wraps the key of a PEM text: the key, in PKCS#8, under an AES key that is used once; and that one, before it, under KMS's public key (X.509, DER).
///
/// # Errors
/// The text is not an RSA key of 2,048 bits, or `wrapping_key` is not an RSA key.
pub(super) fn wrap(pem: &SecretString, wrapping_key: &[u8]) -> anyhow::Result<Vec<u8>> {
    let der = pkcs8(pem)?;
    let mut aes_key = SecretBox::new(Box::new([0; AES_KEY_BYTES]));
    let failed = |_| anyhow!("the key could not be wrapped for KMS");
    aws_lc_rs::rand::fill(aes_key.expose_secret_mut()).map_err(failed)?;
    let wrapping_key = PublicEncryptingKey::from_der(wrapping_key)
        .map_err(|error| anyhow!("got a wrapping key from KMS that is not an RSA public key ({error})"))?;
    let wrapping_key = OaepPublicEncryptingKey::new(wrapping_key).map_err(failed)?;
    let mut wrapped = vec![0; wrapping_key.ciphertext_size()];
    let aes_key = aes_key.expose_secret();
    let wrapped_aes_key =
        wrapping_key.encrypt(&OAEP_SHA256_MGF1SHA256, aes_key, &mut wrapped, None).map_err(failed)?.to_vec();
    let mut wrapped = vec![0; der.as_ref().len().saturating_add(PADDING_BYTES_MAX)];
    let kek = AesKek::new(&AES_256, aes_key).map_err(failed)?;
    let wrapped_key = kek.wrap_with_padding(der.as_ref(), &mut wrapped).map_err(failed)?;
    Ok([wrapped_aes_key.as_slice(), &*wrapped_key].concat())
}

/// The key in PKCS#8, which is what KMS takes; GitHub writes PKCS#1. It is wiped when it is dropped.
fn pkcs8(pem: &SecretString) -> anyhow::Result<Pkcs8V1Der<'static>> {
    let der = rsa_key_of(pem)?;
    let pair = KeyPair::from_der(der.expose_secret())
        .map_err(|error| anyhow!("got an RSA key that cannot be used ({error})"))?;
    let bits = pair.public_modulus_len().saturating_mul(8);
    if bits != KEY_BITS {
        return Err(anyhow!("got an RSA key of {bits} bits, expected {KEY_BITS}, as GitHub generates it"));
    }
    pair.as_der().map_err(|_| anyhow!("the key could not be written as PKCS#8"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use aws_lc_rs::encoding::PublicKeyX509Der;
    use aws_lc_rs::rsa::{KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey};
    use aws_lc_rs::signature::KeyPair as _;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use environment_gate::world::Key;

    use super::*;

    /// What KMS does with it.
    fn unwrap(wrapped: &[u8], wrapping_key: PrivateDecryptingKey) -> Vec<u8> {
        let (aes_key, key) = wrapped.split_at(wrapping_key.key_size_bytes());
        let oaep = OaepPrivateDecryptingKey::new(wrapping_key).unwrap();
        let mut plain = vec![0; oaep.min_output_size()];
        let aes_key = oaep.decrypt(&OAEP_SHA256_MGF1SHA256, aes_key, &mut plain, None).unwrap();
        let mut plain = vec![0; key.len()];
        AesKek::new(&AES_256, aes_key).unwrap().unwrap_with_padding(key, &mut plain).unwrap().to_vec()
    }

    fn wrapping_key() -> (PrivateDecryptingKey, Vec<u8>) {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa4096).unwrap();
        let public: PublicKeyX509Der<'_> = private.public_key().as_der().unwrap();
        let public = public.as_ref().to_vec();
        (private, public)
    }

    fn pem(label: &str, der: &[u8]) -> SecretString {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der)).into()
    }

    #[test]
    fn the_holder_of_the_wrapping_key_gets_the_apps_key_in_pkcs8() {
        let key = Key::generate().unwrap();
        let (private, public) = wrapping_key();
        let wrapped = wrap(key.private_pem(), &public).unwrap();
        let got = unwrap(&wrapped, private);
        let pair = KeyPair::from_pkcs8(&got).unwrap();
        assert_eq!(pair.public_key().as_ref(), key.public_der());
    }

    #[test]
    fn what_github_writes_in_pkcs1_is_imported_as_pkcs8() {
        let key = Key::generate().unwrap();
        let pkcs1 = pem("RSA PRIVATE KEY", rsa_key_of(key.private_pem()).unwrap().expose_secret());
        let (private, public) = wrapping_key();
        let got = unwrap(&wrap(&pkcs1, &public).unwrap(), private);
        assert_eq!(KeyPair::from_pkcs8(&got).unwrap().public_key().as_ref(), key.public_der());
    }

    #[test]
    fn no_two_wrapped_keys_share_an_aes_key() {
        let key = Key::generate().unwrap();
        let (_, public) = wrapping_key();
        let [one, other] = [(); 2].map(|()| wrap(key.private_pem(), &public).unwrap());
        assert_ne!(one.get(512..), other.get(512..));
    }

    #[test]
    fn a_key_of_another_size_is_refused_with_its_size() {
        let pair = KeyPair::generate(KeySize::Rsa3072).unwrap();
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let said = wrap(&pem("PRIVATE KEY", pkcs8.as_ref()), &wrapping_key().1).unwrap_err().to_string();
        assert!(said.starts_with("got an RSA key of 3072 bits, expected 2048"), "{said}");
    }
}
