//! One viewer's connection: TCP, and TLS 1.3 with AES-128-GCM where a certificate is given. Nothing blocks.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};

use crate::sys;

/// Whom all viewers of this process connect to.
pub struct Target {
    pub address: SocketAddrV4,
    pub name: String,
    pub tls: Option<Arc<ClientConfig>>,
}

/// `certificate`: a PEM file; the server must show this one.
pub fn tls(certificate: &str) -> std::result::Result<Arc<ClientConfig>, String> {
    let shown = CertificateDer::from_pem_file(certificate).map_err(|error| error.to_string())?;
    let provider = Arc::new(CryptoProvider {
        cipher_suites: vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256],
        kx_groups: vec![aws_lc_rs::kx_group::X25519],
        ..aws_lc_rs::default_provider()
    });
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned { shown: shown.into_owned(), provider }))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Exactly one certificate will do; signatures are checked as everywhere.
#[derive(Debug)]
struct Pinned {
    shown: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.shown {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

pub struct Connection {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    out: Vec<u8>, // not yet taken by the kernel, without TLS
}

impl Connection {
    /// On its way.
    pub fn open(to: &Target) -> Result<Self> {
        let socket = sys::connect(to.address)?;
        socket.set_nodelay(true)?;
        let tls = match &to.tls {
            Some(config) => {
                let name = ServerName::try_from(to.name.clone()).map_err(Error::other)?;
                let made = ClientConnection::new(Arc::clone(config), name).map_err(Error::other)?;
                Some(Box::new(made))
            }
            None => None,
        };
        Ok(Self { socket, tls, out: Vec::new() })
    }

    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub fn say(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.tls {
            Some(tls) => tls.writer().write_all(bytes)?,
            None => self.out.extend_from_slice(bytes),
        }
        self.flush()
    }

    /// As much as the kernel takes.
    pub fn flush(&mut self) -> Result<()> {
        let done = match &mut self.tls {
            Some(tls) => loop {
                if !tls.wants_write() {
                    break Ok(());
                }
                if let Err(error) = tls.write_tls(&mut self.socket) {
                    break Err(error);
                }
            },
            None if self.out.is_empty() => Ok(()),
            None => self.socket.write(&self.out).map(|count| drop(self.out.drain(..count))),
        };
        match done {
            // On its way still: what is to be said waits until the next event.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => Ok(()),
            done => done,
        }
    }

    /// Appends to `plain` what came; whether there may be more. An end of the connection is an error.
    pub fn take(&mut self, buffer: &mut [u8], plain: &mut Vec<u8>) -> Result<bool> {
        let count = match self.socket.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let mut data = &buffer[..count];
        match &mut self.tls {
            None => plain.extend_from_slice(data),
            Some(tls) => {
                while !data.is_empty() {
                    tls.read_tls(&mut data)?;
                    let ready = tls.process_new_packets().map_err(Error::other)?.plaintext_bytes_to_read();
                    let begin = plain.len();
                    plain.resize(begin + ready, 0);
                    tls.reader().read_exact(&mut plain[begin..])?;
                }
            }
        }
        self.flush()?;
        Ok(count == buffer.len())
    }
}
