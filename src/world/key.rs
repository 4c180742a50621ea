//! A key for an App that exists for one story only.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

/// An RSA key pair: the private half for the gate, the public half for the fake.
pub struct Key {
    private_pem: SecretString,
    public_der: Vec<u8>,
}

impl Key {
    /// Makes a new one of 2,048 bits, as GitHub does. `None` if the random number generator fails.
    pub fn generate() -> Option<Self> {
        let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
        let pkcs8 = pair.as_der().ok()?;
        let base64 = STANDARD.encode(pkcs8.as_ref());
        let lines: Vec<&str> = base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        Some(Self { private_pem: pem.into(), public_der: pair.public_key().as_ref().to_vec() })
    }

    /// PKCS#8 in PEM.
    pub fn private_pem(&self) -> &SecretString {
        &self.private_pem
    }

    /// PKCS#1 in DER.
    pub fn public_der(&self) -> &[u8] {
        &self.public_der
    }
}
