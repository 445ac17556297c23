//! TLS as SSL_GET wants it: any certificate is taken, a client certificate is shown where there is one.
use super::key;
use crate::config::model::TlsIdentity;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use std::{path::Path, sync::Arc};

/// The configuration that all probes share.
///
/// # Errors
/// A sentence that names the file and what is wrong with it.
pub(super) fn client_config(identity: &TlsIdentity) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AcceptAny(provider)));
    let mut config = match &identity.certificate {
        None => builder.with_no_client_auth(),
        Some(certificate) => {
            let key_file = identity.key.as_ref().unwrap_or(certificate);
            let chain = certificates(certificate)?;
            let key = key::read(key_file, identity.password.as_deref())?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| format!("{}: {error}", key_file.display()))?
        }
    };
    // Each probe is to see a whole handshake.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match chain {
        Ok(chain) if chain.is_empty() => Err(format!("{}: no certificate in it", path.display())),
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Why TLS with a server failed.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::InvalidMessage(_) => format!("TLS: what the server answers is not TLS ({error})"),
        other => format!("TLS: {other}"),
    }
}

/// A health check asks whether the server answers, not who it is: keepalived verifies nothing, and
/// real servers carry certificates for the service's name, not their own address.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
