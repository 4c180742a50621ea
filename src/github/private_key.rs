//! The App's private key, in the forms in which people store it. Not here: what it signs (`app.rs`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::EncodingKey;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Text that is not the App's private key: what it is instead. The text may be a secret, so nothing of it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("got {got}, expected the RSA private key that GitHub generated for the App, in PEM (PKCS#1 or PKCS#8): {fix}")]
pub struct InvalidPrivateKey {
    got: &'static str,
    fix: &'static str,
}

const STORE_THE_FILE: &str = "store the file `….private-key.pem` as it is";
const NOTHING: InvalidPrivateKey = because("nothing", STORE_THE_FILE);
const JSON: InvalidPrivateKey = because("JSON", "store the PEM alone, as plain text and not as a key/value pair");
const PUBLIC: InvalidPrivateKey = because("a public key", STORE_THE_FILE);
const CERTIFICATE: InvalidPrivateKey = because("a certificate", STORE_THE_FILE);
const ENCRYPTED: InvalidPrivateKey =
    because("an encrypted private key", "store it without a passphrase, as GitHub generated it");
const EC: InvalidPrivateKey = because("an EC private key", STORE_THE_FILE);
const ED25519: InvalidPrivateKey = because("an Ed25519 private key", STORE_THE_FILE);
const OPENSSH: InvalidPrivateKey = because("a private key in OpenSSH's own format", STORE_THE_FILE);
const OTHER_PEM: InvalidPrivateKey = because("a PEM file of another kind", STORE_THE_FILE);
const SEVERAL: InvalidPrivateKey = because("more than one key or certificate", "store one private key alone");
const CUT_OFF: InvalidPrivateKey = because("a PEM file that is cut off", "store all of it, its last line included");
const NO_MARKERS: InvalidPrivateKey = because(
    "base64 without its first and last line",
    "store all of the PEM file, `-----BEGIN …` and `-----END …` included",
);
const NOT_PEM: InvalidPrivateKey = because("text that is not PEM", STORE_THE_FILE);
/// What begins and ends as a key, and does not sign.
pub(super) const UNUSABLE: InvalidPrivateKey =
    because("a damaged RSA private key, or one of less than 2048 bits", "generate another one on the App's page");

const fn because(got: &'static str, fix: &'static str) -> InvalidPrivateKey {
    InvalidPrivateKey { got, fix }
}

/// The RSA key of a text that [`App::new`](super::App::new) takes, as PKCS#1 in DER: for whoever hands the key on.
///
/// # Errors
/// The text is not an RSA private key.
pub fn rsa_key_of(text: &SecretString) -> Result<SecretSlice<u8>, InvalidPrivateKey> {
    read(text).map(|key| key.as_bytes().to_vec().into())
}

/// Reads PEM with whatever line ends (escaped ones too), within quotes or blanks, after a byte order mark; or the base64 of all that.
pub(super) fn read(text: &SecretString) -> Result<EncodingKey, InvalidPrivateKey> {
    let text = bare(text.expose_secret());
    let text = decoded(text.expose_secret()).unwrap_or(text);
    let text = text.expose_secret();
    if text.is_empty() {
        return Err(NOTHING);
    }
    if text.starts_with('{') || text.starts_with("[\"") {
        return Err(JSON);
    }
    let Some((_, block)) = text.split_once(BEGIN) else {
        return Err(instead_of_pem(text));
    };
    let (label, rest) = block.split_once(DASHES).ok_or(CUT_OFF)?;
    let (body, after) = rest.split_once(END).ok_or(CUT_OFF)?;
    require_rsa(label, body)?;
    let after = after.strip_prefix(label).and_then(|after| after.strip_prefix(DASHES)).ok_or(CUT_OFF)?;
    if after.contains(BEGIN) {
        return Err(SEVERAL);
    }
    let body = SecretString::from(body.split_whitespace().collect::<String>());
    let pem = format!("{BEGIN}{label}{DASHES}\n{}\n{END}{label}{DASHES}\n", body.expose_secret());
    key(&SecretString::from(pem))
}

/// The text without what surrounds it, its escaped line ends as real ones.
fn bare(text: &str) -> SecretString {
    let text = SecretString::from(text.replace("\\r", "\r"));
    let text = SecretString::from(text.expose_secret().replace("\\n", "\n"));
    let around = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{feff}');
    text.expose_secret().trim_matches(around).into()
}

/// What base64 of a PEM file holds; `None` for anything else.
fn decoded(text: &str) -> Option<SecretString> {
    let base64 = SecretString::from(text.split_whitespace().collect::<String>());
    let bytes = STANDARD.decode(base64.expose_secret()).ok()?;
    let text = SecretString::from(String::from_utf8(bytes).ok()?);
    text.expose_secret().contains(BEGIN).then(|| bare(text.expose_secret()))
}

fn instead_of_pem(text: &str) -> InvalidPrivateKey {
    if text.starts_with("ssh-") || text.starts_with("ecdsa-") {
        PUBLIC
    } else if text.starts_with("MII") {
        // The base64 of every RSA key begins so.
        NO_MARKERS
    } else {
        NOT_PEM
    }
}

fn require_rsa(label: &str, body: &str) -> Result<(), InvalidPrivateKey> {
    match label {
        // Before PKCS#8, a header inside of the block said that it is encrypted.
        "RSA PRIVATE KEY" if body.contains("Proc-Type:") => Err(ENCRYPTED),
        "RSA PRIVATE KEY" | "PRIVATE KEY" => Ok(()),
        "ENCRYPTED PRIVATE KEY" => Err(ENCRYPTED),
        "EC PRIVATE KEY" | "EC PARAMETERS" => Err(EC),
        "OPENSSH PRIVATE KEY" => Err(OPENSSH),
        label if label.ends_with("PUBLIC KEY") => Err(PUBLIC),
        label if label.contains("CERTIFICATE") => Err(CERTIFICATE),
        _ => Err(OTHER_PEM),
    }
}

/// The RSA key in PEM; PKCS#8 may hold a key of another kind.
fn key(pem: &SecretString) -> Result<EncodingKey, InvalidPrivateKey> {
    let pem = pem.expose_secret().as_bytes();
    EncodingKey::from_rsa_pem(pem).map_err(|_| {
        if EncodingKey::from_ec_pem(pem).is_ok() {
            EC
        } else if EncodingKey::from_ed_pem(pem).is_ok() {
            ED25519
        } else {
            UNUSABLE
        }
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

    use std::sync::LazyLock;

    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair};

    use super::*;
    use crate::github::App;

    /// A key of the size that GitHub makes, as PKCS#8 in DER.
    static DER: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        der.as_ref().to_vec()
    });

    fn pem(label: &str, der: &[u8]) -> String {
        let base64 = STANDARD.encode(der);
        let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("{BEGIN}{label}{DASHES}\n{}\n{END}{label}{DASHES}\n", lines.join("\n"))
    }

    fn pkcs8() -> String {
        pem("PRIVATE KEY", &DER)
    }

    /// The key inside PKCS#8, which for 2,048 bits begins after a head of 26 bytes (RFC 5208): what GitHub makes.
    fn pkcs1() -> String {
        pem("RSA PRIVATE KEY", &DER[26..])
    }

    fn refused(text: &str) -> InvalidPrivateKey {
        let error = App::new("123456", &text.into()).unwrap_err();
        let said = error.to_string();
        let shown = text.split_whitespace().find(|word| word.len() > 30 && said.contains(word));
        assert_eq!(shown, None, "the message shows a part of the text");
        error
    }

    #[test]
    fn a_key_is_taken_in_the_forms_that_people_have() {
        for pem in [pkcs1(), pkcs8()] {
            for text in [
                pem.clone(),
                pem.replace('\n', "\r\n"),
                pem.replace('\n', "\\n"),
                pem.replace('\n', "\\r\\n"),
                pem.replace('\n', " "),
                pem.replace('\n', "\n    "),
                pem.trim_end().to_owned(),
                format!(" \n\t{pem}\n\n"),
                format!("\"{pem}\""),
                format!("'{}'\n", pem.replace('\n', "\\n")),
                format!("\u{feff}{pem}"),
                format!("\u{feff}\"{}\"", pem.replace('\n', "\r\n")),
                STANDARD.encode(&pem),
                STANDARD.encode(pem.replace('\n', "\r\n")),
                STANDARD.encode(format!("\u{feff}{pem}")),
                format!("\"{}\"\n", STANDARD.encode(&pem)),
                STANDARD.encode(&pem).as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line) + "\n").collect(),
            ] {
                let app = App::new("123456", &text.as_str().into());
                assert!(app.is_ok(), "{app:?}: {} …", text.get(..40).unwrap_or_default().escape_debug());
            }
        }
    }

    #[test]
    fn what_is_not_a_private_key_is_named() {
        let nothing = STANDARD.encode([0; 90]);
        let block = |label: &str| format!("{BEGIN}{label}{DASHES}\n{nothing}\n{END}{label}{DASHES}\n");
        let encrypted =
            block("RSA PRIVATE KEY").replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1);
        let escaped = pkcs1().replace('\n', "\\n");
        for (text, expected) in [
            (String::new(), NOTHING),
            ("\u{feff} \"\" \n".to_owned(), NOTHING),
            (format!("{{\"private_key\":\"{escaped}\"}}"), JSON),
            (STANDARD.encode(format!("{{\"private_key\":\"{escaped}\"}}")), JSON),
            (format!("[\"{escaped}\"]"), JSON),
            (block("PUBLIC KEY"), PUBLIC),
            (block("RSA PUBLIC KEY"), PUBLIC),
            (format!("ssh-rsa {nothing} somebody"), PUBLIC),
            (block("CERTIFICATE"), CERTIFICATE),
            (block("CERTIFICATE REQUEST"), CERTIFICATE),
            (block("ENCRYPTED PRIVATE KEY"), ENCRYPTED),
            (STANDARD.encode(block("ENCRYPTED PRIVATE KEY")), ENCRYPTED),
            (encrypted, ENCRYPTED),
            (block("EC PRIVATE KEY"), EC),
            (block("EC PARAMETERS") + &block("EC PRIVATE KEY"), EC),
            (block("OPENSSH PRIVATE KEY"), OPENSSH),
            (block("DSA PRIVATE KEY"), OTHER_PEM),
            (pkcs1() + &pkcs1(), SEVERAL),
            (pkcs1() + &block("CERTIFICATE"), SEVERAL),
            (pkcs1().replace(END, ""), CUT_OFF),
            (pkcs1().trim_end().trim_end_matches('-').to_owned(), CUT_OFF),
            (STANDARD.encode(&DER[26..]), NO_MARKERS),
            ("SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDKzcxC1A0dH8SK1vE=".to_owned(), NOT_PEM),
            (block("RSA PRIVATE KEY"), UNUSABLE),
            (pkcs1().replacen("MII", "M!I", 1), UNUSABLE),
        ] {
            assert_eq!(refused(&text), expected, "{}", text.escape_debug());
        }
    }

    #[test]
    fn a_key_of_another_kind_in_pkcs8_is_named() {
        let curve = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        assert_eq!(refused(&pem("PRIVATE KEY", curve.to_pkcs8v1().unwrap().as_ref())), EC);
        let edwards = Ed25519KeyPair::generate().unwrap();
        assert_eq!(refused(&pem("PRIVATE KEY", edwards.to_pkcs8v1().unwrap().as_ref())), ED25519);
    }

    #[test]
    fn what_to_do_is_said() {
        let said = refused("{}").to_string();
        assert!(said.starts_with("got JSON, expected the RSA private key"), "{said}");
        assert!(said.ends_with("store the PEM alone, as plain text and not as a key/value pair"), "{said}");
    }
}
