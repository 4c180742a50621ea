//! A certificate authority of our own.

use std::sync::Arc;

/// Its certificate in PEM, and a server's configuration under it.
pub(crate) fn authority() -> (String, rustls::ServerConfig) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&key).unwrap();
    let pem = authority.pem();
    let issuer = rcgen::Issuer::new(parameters, key);
    let server_key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned()];
    let server = rcgen::CertificateParams::new(names).unwrap().signed_by(&server_key, &issuer).unwrap();
    let private = rustls::pki_types::PrivateKeyDer::try_from(server_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], private)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (pem, config)
}
