//! TLS as libpq's users expect it, on rustls: which certificates are believed.

use std::{error::Error, future::Future, pin::Pin, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore,
        SignatureScheme,
        client::{
            WebPkiServerVerifier,
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
            verify_server_name,
        },
        crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
        server::ParsedCertificate,
    },
};

use super::channel::Encrypted;

/// How PostgreSQL 17 and later name their protocol; `sslnegotiation=direct` depends on it.
const PROTOCOL: &[u8] = b"postgresql";

/// Certificates that are believed.
pub(super) struct Roots(Vec<CertificateDer<'static>>);

impl Roots {
    /// Reads certificates in PEM; what else the file has is passed over.
    ///
    /// # Errors
    /// In words, when there is none or the file cannot be read.
    pub(super) fn read(path: &str) -> Result<Self, String> {
        let certificates: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
        match certificates {
            Ok(found) if found.is_empty() => Err(format!("{path} has no certificate in PEM")),
            Ok(found) => Ok(Self(found)),
            Err(error) => Err(format!("{path}: {error}")),
        }
    }
}

/// Makes connections of TLS out of plain ones.
#[derive(Clone)]
pub(super) struct Connector(TlsConnector);

impl Connector {
    /// Believes `roots`, or without them any certificate; `check_name` demands the host's name in it, too.
    ///
    /// # Errors
    /// In words, when the certificates cannot be used.
    pub(super) fn new(roots: Option<Roots>, check_name: bool) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let trust = roots.map(|roots| Trust::new(roots, check_name, &provider)).transpose()?;
        let verifier = Arc::new(Verifier { trust, provider: Arc::clone(&provider) });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

type AnyError = Box<dyn Error + Send + Sync>;

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Connector {
    type Stream = Encrypted<S>;
    type TlsConnect = Handshake;
    type Error = AnyError;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, AnyError> {
        Ok(Handshake { connector: self.0.clone(), host: host.to_owned() })
    }
}

/// A handshake with this host, should there be one; where there is none, the host is a socket and has no name.
pub(super) struct Handshake {
    connector: TlsConnector,
    host: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Encrypted<S>;
    type Error = AnyError;
    type Future = Pin<Box<dyn Future<Output = Result<Encrypted<S>, AnyError>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let host = ServerName::try_from(self.host)?;
            Ok(Encrypted(self.connector.connect(host, stream).await?))
        })
    }
}

/// What makes a certificate believable.
#[derive(Debug)]
struct Trust {
    roots: Vec<CertificateDer<'static>>,
    chain: Arc<WebPkiServerVerifier>,
    check_name: bool,
}

impl Trust {
    fn new(roots: Roots, check_name: bool, with: &Arc<CryptoProvider>) -> Result<Self, String> {
        let Roots(roots) = roots;
        let mut store = RootCertStore::empty();
        // Systems' lists have some that are too old to be read.
        store.add_parsable_certificates(roots.iter().cloned());
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(with))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { roots, chain, check_name })
    }
}

/// Believes what [`Trust`] says, or without one any certificate: `sslmode=require` encrypts and asks no
/// more. That the server has the certificate's key is proved in any case; channel binding rests on it.
#[derive(Debug)]
struct Verifier {
    trust: Option<Trust>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(trust) = &self.trust else { return Ok(ServerCertVerified::assertion()) };
        // A server's own certificate, signed by itself and given as root, is believed as it is: as an authority it could
        // not be a server's.
        if trust.roots.iter().any(|root| root == certificate) {
            if trust.check_name {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, host)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match trust.chain.verify_server_cert(certificate, between, host, ocsp, now) {
            // The name is looked at last, when everything else is right.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !trust.check_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
