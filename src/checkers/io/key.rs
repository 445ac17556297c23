//! The private key of a client certificate: plain, or encrypted with the `password` of `SSL { }` in
//! either form that OpenSSL writes.
use aes::{Aes128, Aes192, Aes256};
use cbc::{
    Decryptor,
    cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7},
};
use des::TdesEde3;
use md5::{Digest, Md5};
use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
use std::path::Path;

const PKCS8_BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const PKCS8_END: &str = "-----END ENCRYPTED PRIVATE KEY-----";
/// Of the lines above the base64 in the traditional form (RFC 1421 §4.6.1).
const CIPHER_LINE: &str = "DEK-Info:";
const NO_PASSWORD: &str = "the key is encrypted: give its `password` in the SSL block";

/// The first key in the file.
///
/// # Errors
/// A sentence that names the file and what is wrong with it.
pub(super) fn read(path: &Path, password: Option<&str>) -> Result<PrivateKeyDer<'static>, String> {
    let name = path.display();
    let text = std::fs::read(path).map_err(|error| format!("{name}: {error}"))?;
    let text = String::from_utf8_lossy(&text);
    let key = if let Some(block) = between(&text, PKCS8_BEGIN, PKCS8_END) {
        password.ok_or_else(|| NO_PASSWORD.to_owned()).and_then(|password| pkcs8(block, password))
    } else if text.contains(CIPHER_LINE) {
        password
            .ok_or_else(|| NO_PASSWORD.to_owned())
            .and_then(|password| traditional(&text, password))
    } else {
        PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| error.to_string())
    };
    key.map_err(|why| format!("{name}: {why}"))
}

/// From the start of `begin` to the end of `end`.
fn between<'t>(text: &'t str, begin: &str, end: &str) -> Option<&'t str> {
    let text = text.get(text.find(begin)?..)?;
    text.get(..text.find(end)? + end.len())
}

/// RFC 5958 with the encryption of RFC 8018.
fn pkcs8(block: &str, password: &str) -> Result<PrivateKeyDer<'static>, String> {
    let (_, sealed) = SecretDocument::from_pem(block).map_err(|error| error.to_string())?;
    let sealed = EncryptedPrivateKeyInfoRef::try_from(sealed.as_bytes())
        .map_err(|error| error.to_string())?;
    let key = sealed
        .decrypt(password)
        .map_err(|error| format!("the password does not open it ({error})"))?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}

/// What OpenSSL before 3.0 wrote: `DEK-Info: AES-256-CBC,IV` above the base64.
fn traditional(text: &str, password: &str) -> Result<PrivateKeyDer<'static>, String> {
    let is_header = |line: &&str| line.starts_with(CIPHER_LINE) || line.starts_with("Proc-Type:");
    let info = text.lines().find_map(|line| line.strip_prefix(CIPHER_LINE)).unwrap_or_default();
    let (cipher, iv) = info.trim().split_once(',').ok_or("DEK-Info without a cipher")?;
    let iv = hexadecimal(iv).ok_or("DEK-Info without an initialisation vector")?;
    let bare: Vec<&str> =
        text.lines().filter(|line| !line.is_empty() && !is_header(line)).collect();
    let sealed = PrivateKeyDer::from_pem_slice(bare.join("\n").as_bytes())
        .map_err(|error| error.to_string())?;
    let bytes = sealed.secret_der();
    let open = match cipher {
        "AES-128-CBC" => open::<Decryptor<Aes128>>(bytes, &iv, password, 16),
        "AES-192-CBC" => open::<Decryptor<Aes192>>(bytes, &iv, password, 24),
        "AES-256-CBC" => open::<Decryptor<Aes256>>(bytes, &iv, password, 32),
        "DES-EDE3-CBC" => open::<Decryptor<TdesEde3>>(bytes, &iv, password, 24),
        other => {
            return Err(format!(
                "encrypted with {other}, which is not supported: \
                 `openssl pkcs8 -topk8` makes a new file of it"
            ));
        }
    };
    let key = open.ok_or("the password does not open it")?;
    Ok(match sealed {
        PrivateKeyDer::Sec1(_) => PrivateKeyDer::Sec1(key.into()),
        PrivateKeyDer::Pkcs8(_) => PrivateKeyDer::Pkcs8(key.into()),
        // PKCS #1, and whatever there will be.
        _ => PrivateKeyDer::Pkcs1(key.into()),
    })
}

fn open<D: KeyIvInit + BlockModeDecrypt>(
    sealed: &[u8],
    iv: &[u8],
    password: &str,
    length: usize,
) -> Option<Vec<u8>> {
    let key = stretch(password.as_bytes(), iv.get(..8)?, length);
    let mut bytes = sealed.to_vec();
    D::new_from_slices(&key, iv).ok()?.decrypt_padded::<Pkcs7>(&mut bytes).ok().map(<[u8]>::to_vec)
}

/// OpenSSL's EVP_BytesToKey with MD5, one round, the first half of the vector as salt.
fn stretch(password: &[u8], salt: &[u8], length: usize) -> Vec<u8> {
    let mut key: Vec<u8> = vec![];
    let mut last: Vec<u8> = vec![];
    while key.len() < length {
        let hash = Md5::new().chain_update(&last).chain_update(password).chain_update(salt);
        last = hash.finalize().to_vec();
        key.extend_from_slice(&last);
    }
    key.truncate(length);
    key
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.trim().chars().map(|c| c.to_digit(16)).collect();
    let pair = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    };
    digits?.chunks(2).map(pair).collect()
}
