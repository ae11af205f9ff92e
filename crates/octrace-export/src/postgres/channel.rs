//! An encrypted connection, and its channel binding: with `tls-server-end-point` (RFC 5929) a password is proved to
//! the server that has this certificate, and to nobody who stands in between.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};
use tokio_rustls::client;

/// A connection under TLS.
pub(super) struct Encrypted<S>(pub(super) client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let certificates = self.0.get_ref().1.peer_certificates();
        certificates
            .and_then(|certificates| end_point(certificates.first()?))
            .map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// The hash of a certificate by the algorithm that it is signed with, SHA-256 instead of the broken ones; `None` where
/// no hash belongs to that.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    /// 1.2.840.113549.1.1: RSA as in PKCS #1; its last number follows.
    const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01";
    /// 1.2.840.10045.4: ECDSA.
    const ECDSA: &[u8] = b"\x2a\x86\x48\xce\x3d\x04";

    let algorithm = signature_algorithm(certificate)?;
    let sha_256 = || Some(Sha256::digest(certificate).to_vec());
    let sha_384 = || Some(Sha384::digest(certificate).to_vec());
    let sha_512 = || Some(Sha512::digest(certificate).to_vec());
    if let Some(last) = algorithm.strip_prefix(RSA) {
        return match last {
            // With MD5, SHA-1, SHA-256.
            [4 | 5 | 11] => sha_256(),
            [12] => sha_384(),
            [13] => sha_512(),
            _ => None,
        };
    }
    match algorithm.strip_prefix(ECDSA)? {
        // With SHA-1, SHA-256.
        [1] | [3, 2] => sha_256(),
        [3, 3] => sha_384(),
        [3, 4] => sha_512(),
        _ => None,
    }
}

/// The object identifier of the algorithm that signed a certificate in DER: it stands behind what is signed.
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const OBJECT_IDENTIFIER: u8 = 0x06;
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (_signed, rest) = element(certificate, SEQUENCE)?;
    let (algorithm, _) = element(rest, SEQUENCE)?;
    Some(element(algorithm, OBJECT_IDENTIFIER)?.0)
}

/// The content of the element of this tag that DER begins with, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let digits = digits.iter().try_fold(0_usize, |length, &digit| {
            length.checked_mul(256)?.checked_add(usize::from(digit))
        });
        (digits?, rest)
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut der = vec![tag, 0x82];
        der.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        der.extend(content);
        der
    }

    /// A certificate as far as it is looked at.
    fn certificate(algorithm: &[u8]) -> Vec<u8> {
        let signed = der(0x30, &[7; 300]);
        let algorithm = der(0x30, &der(6, algorithm));
        der(0x30, &[signed, algorithm, vec![3, 1, 0]].concat())
    }

    #[test]
    fn the_hash_is_that_of_the_signature() {
        let bytes = |algorithm: &[u8]| end_point(&certificate(algorithm)).map(|hash| hash.len());
        assert_eq!(bytes(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), Some(32));
        assert_eq!(bytes(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"), Some(32), "not SHA-1");
        assert_eq!(bytes(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"), Some(64));
        assert_eq!(bytes(b"\x2a\x86\x48\xce\x3d\x04\x03\x02"), Some(32));
        assert_eq!(bytes(b"\x2a\x86\x48\xce\x3d\x04\x03\x03"), Some(48));
        assert_eq!(bytes(b"\x2b\x65\x70"), None, "Ed25519 has none");
    }

    #[test]
    fn what_is_no_certificate_has_none() {
        let whole = certificate(b"\x2a\x86\x48\xce\x3d\x04\x03\x02");
        for end in 0..whole.len() - 5 {
            assert_eq!(end_point(&whole[..end]), None);
        }
        assert_eq!(end_point(b"\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None);
    }
}
