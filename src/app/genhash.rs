//! `ldirector genhash`: asks a server as HTTP_GET does and prints what `digest` has to be.
use super::exit;
use crate::{
    checkers::io::{
        ProbeContext,
        http::{Fetched, fetch},
    },
    config::model::{Connection, HttpCheck, HttpProtocol, HttpUrl, TlsIdentity},
    scripts::Policy,
};
use clap::{Args, ValueEnum};
use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

#[derive(Clone, Debug, Args)]
pub(super) struct GenhashArgs {
    /// Address of the server
    #[arg(short = 's', long, value_name = "ADDRESS")]
    server: IpAddr,
    /// Port of the server
    #[arg(short = 'p', long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Path to ask for
    #[arg(short = 'u', long, value_name = "PATH")]
    url: String,
    /// TLS
    #[arg(short = 'S', long)]
    use_ssl: bool,
    /// Send the name of -V in the TLS handshake
    #[arg(short = 'I', long)]
    use_sni: bool,
    /// Host header
    #[arg(short = 'V', long, value_name = "HOST")]
    use_virtualhost: Option<String>,
    /// Version of HTTP; 1.0c asks to close the connection
    #[arg(short = 'P', long, value_enum, default_value = "1.0")]
    protocol: Protocol,
    /// Firewall mark of the socket
    #[arg(short = 'm', long, value_name = "MARK", default_value_t = 0)]
    fwmark: u32,
    /// Seconds for the connection, and for each part of the answer
    #[arg(short = 't', long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=4294))]
    timeout: u64,
    /// Show the answer, byte by byte
    #[arg(short = 'v', long)]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Protocol {
    #[value(name = "1.0")]
    V1_0,
    #[value(name = "1.0c", alias = "1.0C")]
    V1_0Close,
    #[value(name = "1.1")]
    V1_1,
}

#[derive(Debug, thiserror::Error)]
enum GenhashError {
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
    #[error("TLS: {0}")]
    Tls(String),
    #[error("{to}: {why}")]
    NoAnswer { to: SocketAddr, why: String },
}

/// The exit code is 0 only where a hash was printed.
pub(super) fn run(arguments: &GenhashArgs) -> u8 {
    match answer(arguments) {
        Ok(text) => super::print(&text),
        Err(error) => {
            eprintln!("ldirector genhash: {error}");
            exit::FAILED
        }
    }
}

fn answer(arguments: &GenhashArgs) -> Result<String, GenhashError> {
    let check = check(arguments);
    let to = check.connection.to;
    let context =
        ProbeContext::new(&TlsIdentity::default(), Policy::default()).map_err(GenhashError::Tls)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(GenhashError::Runtime)?;
    let begun = Instant::now();
    let fetched = runtime
        .block_on(fetch(&check, &context))
        .map_err(|why| GenhashError::NoAnswer { to, why })?;
    let hash: String = fetched.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    if !arguments.verbose {
        return Ok(format!("{hash}\n"));
    }
    Ok(verbose(&fetched, &hash, &arguments.url, begun.elapsed()))
}

/// The very check whose `digest` is asked for.
fn check(arguments: &GenhashArgs) -> HttpCheck {
    let name: Option<Arc<str>> = arguments.use_virtualhost.as_deref().map(Arc::from);
    HttpCheck {
        connection: Connection {
            to: SocketAddr::new(arguments.server, arguments.port),
            from: None,
            from_port: 0,
            interface: None,
            mark: arguments.fwmark,
            timeout: Duration::from_secs(arguments.timeout),
        },
        tls: arguments.use_ssl,
        protocol: match arguments.protocol {
            Protocol::V1_0 => HttpProtocol::V1_0,
            Protocol::V1_0Close => HttpProtocol::V1_0Close,
            Protocol::V1_1 => HttpProtocol::V1_1,
        },
        fast_recovery: false,
        enable_sni: arguments.use_sni,
        tls_compliant: false,
        urls: Box::new([HttpUrl {
            path: Arc::from(arguments.url.as_str()),
            virtualhost: name.clone(),
            sni: name,
            // Any: it has the body hashed.
            digest: Some([0; 16]),
            status_codes: Arc::from([(100, 599)]),
            regex: None,
        }]),
    }
}

fn verbose(fetched: &Fetched, hash: &str, path: &str, took: Duration) -> String {
    let mut text = String::new();
    heading(&mut text, "HTTP Header Buffer");
    dump(&mut text, &fetched.head);
    heading(&mut text, "HTTP Header Ascii Buffer");
    text.push_str(&String::from_utf8_lossy(&fetched.head).replace('\r', ""));
    heading(&mut text, "HTML Buffer");
    dump(&mut text, &fetched.body);
    heading(&mut text, "HTML hash resulting");
    dump(&mut text, &fetched.digest);
    heading(&mut text, "HTML hash final resulting");
    text.push_str(hash);
    text.push_str("\n\n");
    text.push_str(&format!("Global response time for [{path}] = {} usecs\n", took.as_micros()));
    text
}

fn heading(text: &mut String, title: &str) {
    text.push_str(&format!("-----------------------[{title:^26}]-----------------------\n"));
}

/// Sixteen bytes a line: offset, hexadecimal, characters.
fn dump(text: &mut String, bytes: &[u8]) {
    for (line, chunk) in bytes.chunks(16).enumerate() {
        let mut hex = String::new();
        for (at, byte) in chunk.iter().enumerate() {
            let gap = if at == 8 {
                " - "
            } else if at == 0 {
                ""
            } else {
                " "
            };
            // Writing to a String cannot fail.
            if write!(hex, "{gap}{byte:02x}").is_err() {
                return;
            }
        }
        let shown: String = chunk
            .iter()
            .map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' })
            .collect();
        text.push_str(&format!("{:04}  {hex:<49}   {shown}\n", line * 16));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_has_sixteen_bytes_a_line() {
        let mut text = String::new();
        dump(&mut text, b"HTTP/1.0 200 OK\r\nS");
        assert_eq!(
            text,
            "0000  48 54 54 50 2f 31 2e 30 - 20 32 30 30 20 4f 4b 0d   HTTP/1.0 200 OK.\n\
             0016  0a 53                                               .S\n"
        );
    }
}
