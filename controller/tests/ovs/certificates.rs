//! A CA and what it signs, in PEM files.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub certificate: PathBuf,
}

/// Files of one end.
pub struct Identity {
    pub key: PathBuf,
    pub certificate: PathBuf,
}

impl Authority {
    pub fn new(folder: &Path, name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let certificate = folder.join(format!("{name}.pem"));
        std::fs::write(&certificate, params.self_signed(&key).expect("signed").pem()).expect("written");
        Authority { issuer: Issuer::new(params, key), certificate }
    }

    /// Open vSwitch's certificates carry the name of a machine at best; this one has a name that nobody asked for.
    pub fn sign(&self, folder: &Path, name: &str) -> Identity {
        let params = CertificateParams::new(vec![format!("{name}.invalid")]).expect("a name");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        let identity = Identity {
            key: folder.join(format!("{name}-key.pem")),
            certificate: folder.join(format!("{name}-cert.pem")),
        };
        std::fs::write(&identity.key, key.serialize_pem()).expect("written");
        std::fs::write(&identity.certificate, certificate.pem()).expect("written");
        identity
    }
}
