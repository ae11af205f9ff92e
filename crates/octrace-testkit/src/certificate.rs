//! Certificates made at run time: X.509 in DER, as little of it as a server needs.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 2;
const BIT_STRING: u8 = 3;
const OCTET_STRING: u8 = 4;
const OBJECT_IDENTIFIER: u8 = 6;
const UTF8_STRING: u8 = 12;
const UTC_TIME: u8 = 23;

const ECDSA_WITH_SHA_256: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x02";
const EC_PUBLIC_KEY: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
const P_256: &[u8] = b"\x2a\x86\x48\xce\x3d\x03\x01\x07";
const COMMON_NAME: &[u8] = b"\x55\x04\x03";
const SUBJECT_ALTERNATIVE_NAME: &[u8] = b"\x55\x1d\x11";
const BASIC_CONSTRAINTS: &[u8] = b"\x55\x1d\x13";

/// Somebody who has a key and a certificate for it.
pub struct Identity {
    key: EcdsaKeyPair,
    name: &'static str,
    certificate: Vec<u8>,
}

impl Identity {
    /// An authority, signed by itself.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn authority(name: &'static str) -> anyhow::Result<Self> {
        let constraints = der(SEQUENCE, &[&der(1, &[&[0xff]])]);
        let extension = [
            &der(OBJECT_IDENTIFIER, &[BASIC_CONSTRAINTS]),
            &der(OCTET_STRING, &[&constraints])[..],
        ];
        let extension = der(SEQUENCE, &extension);
        let mut authority = Self { key: key()?, name, certificate: Vec::new() };
        authority.certificate = authority.sign(name, &authority.key, &extension)?;
        Ok(authority)
    }

    /// A server of this name, with a certificate from this authority.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn server(&self, name: &'static str) -> anyhow::Result<Self> {
        let names = der(SEQUENCE, &[&der(0x82, &[name.as_bytes()])]);
        let extension = [
            &der(OBJECT_IDENTIFIER, &[SUBJECT_ALTERNATIVE_NAME]),
            &der(OCTET_STRING, &[&names])[..],
        ];
        let extension = der(SEQUENCE, &extension);
        let key = key()?;
        let certificate = self.sign(name, &key, &extension)?;
        Ok(Self { key, name, certificate })
    }

    /// The certificate, in PEM.
    pub fn certificate(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    /// The private key, in PEM.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn key(&self) -> anyhow::Result<String> {
        let pkcs8 = self.key.to_pkcs8v1().map_err(|_| anyhow::anyhow!("no PKCS #8"))?;
        Ok(pem(&["PRIVATE", "KEY"].join(" "), pkcs8.as_ref()))
    }

    fn sign(&self, name: &str, key: &EcdsaKeyPair, extension: &[u8]) -> anyhow::Result<Vec<u8>> {
        let algorithm = der(SEQUENCE, &[&der(OBJECT_IDENTIFIER, &[ECDSA_WITH_SHA_256])]);
        let curve = [der(OBJECT_IDENTIFIER, &[EC_PUBLIC_KEY]), der(OBJECT_IDENTIFIER, &[P_256])];
        let point = der(BIT_STRING, &[&[0], key.public_key().as_ref()]);
        let validity = [der(UTC_TIME, &[b"200101000000Z"]), der(UTC_TIME, &[b"491231235959Z"])];
        let signed = der(
            SEQUENCE,
            &[
                &der(0xa0, &[&der(INTEGER, &[&[2]])]),
                &der(INTEGER, &[&[7]]),
                &algorithm,
                &distinguished(self.name),
                &der(SEQUENCE, &[&validity.concat()]),
                &distinguished(name),
                &der(SEQUENCE, &[&der(SEQUENCE, &[&curve.concat()]), &point]),
                &der(0xa3, &[&der(SEQUENCE, &[extension])]),
            ],
        );
        let signature = self.key.sign(&SystemRandom::new(), &signed)?;
        let signature = der(BIT_STRING, &[&[0], signature.as_ref()]);
        Ok(der(SEQUENCE, &[&signed, &algorithm, &signature]))
    }
}

fn key() -> anyhow::Result<EcdsaKeyPair> {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| anyhow::anyhow!("no key"))
}

fn distinguished(name: &str) -> Vec<u8> {
    let attribute = [der(OBJECT_IDENTIFIER, &[COMMON_NAME]), der(UTF8_STRING, &[name.as_bytes()])];
    der(SEQUENCE, &[&der(SET, &[&der(SEQUENCE, &[&attribute.concat()])])])
}

/// An element with these contents one after the other.
fn der(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let content = contents.concat();
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut der = match length {
        [0, short @ ..0x80] => vec![tag, short],
        [0, long] => vec![tag, 0x81, long],
        [high, low] => vec![tag, 0x82, high, low],
    };
    der.extend(content);
    der
}

fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in der.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            let there = digit <= three.len();
            text.push(if there { char::from(DIGITS[value as usize]) } else { '=' });
        }
        if text.len() % 65 == 64 {
            text.push('\n');
        }
    }
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", text.trim_end())
}
