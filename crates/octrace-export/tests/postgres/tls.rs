//! TLS to a real server: which certificates are believed, and what is encrypted.

use octrace_export::postgres::{BadUrl, Client, Database, Unavailable, Verdict};
use octrace_testkit::{Identity, Postgres, Sql};

use crate::{all_accepted, client, counts, items};

/// A server `localhost` with a certificate from an authority.
struct Encrypted {
    server: Postgres,
    files: tempfile::TempDir,
}

impl Encrypted {
    fn start(identity: &Identity, authority: &Identity) -> anyhow::Result<Self> {
        let settings =
            ["ssl=on", "ssl_cert_file={folder}/server.crt", "ssl_key_file={folder}/server.key"];
        let (certificate, key) = (identity.certificate(), identity.key()?);
        let server =
            Postgres::with_files(&settings, &[("server.crt", &certificate), ("server.key", &key)])?;
        let files = tempfile::tempdir()?;
        std::fs::write(files.path().join("server.crt"), certificate)?;
        std::fs::write(files.path().join("ca.crt"), authority.certificate())?;
        let other = Identity::authority("another authority")?;
        std::fs::write(files.path().join("other.crt"), other.certificate())?;
        Ok(Self { server, files })
    }

    /// With these parameters; `{files}` in them is the folder of certificates.
    fn url(&self, host: &str, parameters: &str) -> String {
        let files = self.files.path().display().to_string();
        let url = self.server.url("postgres").replace("127.0.0.1", host);
        format!("{url}?{}", parameters.replace("{files}", &files))
    }

    /// What comes of a connection with these parameters.
    fn connect(&self, host: &str, parameters: &str) -> Result<i32, Unavailable> {
        client(&self.url(host, parameters)).version()
    }
}

#[test]
fn certificates_are_believed_as_libpq_believes_them() {
    let authority = Identity::authority("an authority").unwrap();
    let identity = authority.server("localhost").unwrap();
    let encrypted = Encrypted::start(&identity, &authority).unwrap();
    for (host, parameters) in [
        ("127.0.0.1", ""),
        ("127.0.0.1", "sslmode=disable"),
        ("127.0.0.1", "sslmode=require"),
        ("127.0.0.1", "sslmode=require&channel_binding=require"),
        ("127.0.0.1", "sslmode=require&sslrootcert={files}/ca.crt"),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert={files}/ca.crt"),
        ("localhost", "sslmode=verify-full&sslrootcert={files}/ca.crt&channel_binding=require"),
        ("localhost", "sslmode=verify-full&sslrootcert={files}/server.crt"),
        ("127.0.0.1", "sslmode=require&sslnegotiation=direct"),
    ] {
        assert_eq!(encrypted.connect(host, parameters), Ok(0), "{host} {parameters}");
    }
    for (host, parameters, why) in [
        ("127.0.0.1", "sslmode=verify-full&sslrootcert={files}/ca.crt", "not valid for name"),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert={files}/server.crt", "not valid for name"),
        ("127.0.0.1", "sslmode=require&sslrootcert={files}/other.crt", "UnknownIssuer"),
        ("localhost", "sslmode=verify-ca&sslrootcert={files}/other.crt", "UnknownIssuer"),
        ("127.0.0.1", "sslmode=disable&channel_binding=require", "channel binding"),
    ] {
        let told = encrypted.connect(host, parameters).unwrap_err().to_string();
        assert!(told.contains(why), "{parameters}: {told}");
        assert!(!told.contains(encrypted.server.password()), "{told}");
    }
    let mut client =
        client(&encrypted.url("localhost", "sslmode=verify-full&sslrootcert={files}/ca.crt"));
    all_accepted(&client.send(&items(30)));
    let sql = Sql::connect(&encrypted.server.url("postgres")).unwrap();
    let seen = "SELECT version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'octrace'";
    assert_eq!(sql.run(seen).unwrap(), ["TLSv1.3"]);
    assert_eq!(counts(&encrypted.server.url("postgres")), [20, 10, 30, 30]);
}

#[test]
fn a_server_signed_by_itself_is_believed_where_it_is_named() {
    let itself = Identity::authority("localhost").unwrap();
    let encrypted = Encrypted::start(&itself, &itself).unwrap();
    assert_eq!(encrypted.connect("127.0.0.1", "sslmode=require"), Ok(0));
    let named = "sslmode=verify-ca&sslrootcert={files}/server.crt";
    assert_eq!(encrypted.connect("127.0.0.1", named), Ok(0));
    let other = "sslmode=verify-ca&sslrootcert={files}/other.crt";
    assert!(encrypted.connect("127.0.0.1", other).is_err());
}

#[test]
fn a_server_without_tls_is_used_unless_tls_is_required() {
    let url = Postgres::shared().unwrap().database().unwrap();
    all_accepted(&client(&url).send(&items(1)));
    let required = Database::parse(&format!("{url}?sslmode=require")).unwrap();
    let outcome = Client::new(required, None).send(&items(1));
    assert_eq!(outcome.verdicts, [Verdict::Waiting]);
    let why = outcome.unavailable.unwrap().to_string();
    assert!(why.contains("server does not support TLS"), "{why}");
}

#[test]
fn certificates_that_cannot_be_read_are_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    for (parameters, why) in [
        ("sslmode=verify-full", "sslmode=verify-full needs a file, or `system`"),
        ("sslmode=require&sslrootcert=/nowhere/ca.pem", "/nowhere/ca.pem: "),
        ("sslmode=verify-ca&sslrootcert={files}/empty", "empty has no certificate in PEM"),
    ] {
        let parameters = parameters.replace("{files}", &folder.path().display().to_string());
        let bad = Database::parse(&format!("postgres://me@db/trace?{parameters}")).unwrap_err();
        assert!(matches!(&bad, BadUrl::Roots(told) if told.contains(why)), "{bad}");
    }
}
