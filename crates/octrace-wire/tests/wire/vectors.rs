//! The vectors in `fixtures/wire`, which the plugin's encoder must agree with as well. They were
//! made by neither of the two.

use std::{fs, path::Path};

use octrace_wire::{
    frame::{Frame, FrameError, Head, Kind},
    payload::File,
    segment::{self, Scan, SegmentError, Tail},
};
use serde::{Deserialize, de::DeserializeOwned};

fn fixture<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/wire").join(name);
    let text = fs::read_to_string(&path).expect("the vectors are in the repository");
    serde_json::from_str(&text).expect("the vectors are valid")
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("hex") as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[derive(Deserialize)]
struct Frames {
    frames: Vec<FrameVector>,
}

#[derive(Deserialize)]
struct FrameVector {
    name: String,
    kind: u8,
    flags: u8,
    exchange: u32,
    wall_us: u64,
    mono_us: u64,
    payload: Option<String>,
    payload_hex: Option<String>,
    bytes: String,
}

#[test]
fn frames_are_read_and_written_as_in_the_vectors() {
    let Frames { frames } = fixture("frames.json");
    for vector in frames {
        let payload = match (&vector.payload, &vector.payload_hex) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, hex) => from_hex(hex.as_deref().unwrap_or_default()),
        };
        let frame = Frame {
            head: Head {
                kind: Kind::from_byte(vector.kind),
                flags: vector.flags,
                exchange: vector.exchange,
                wall_us: vector.wall_us,
                mono_us: vector.mono_us,
            },
            payload: &payload,
        };
        let bytes = from_hex(&vector.bytes);

        assert_eq!(Frame::decode(&bytes), Ok((frame, bytes.len())), "{}", vector.name);
        let mut written = Vec::new();
        frame.encode(&mut written);
        assert_eq!(written, bytes, "{}", vector.name);
    }
}

#[derive(Deserialize)]
struct Files {
    files: Vec<FileVector>,
}

#[derive(Deserialize)]
struct FileVector {
    name: String,
    about: serde_json::Value,
    content_hex: String,
    payload_hex: String,
}

#[test]
fn payloads_about_files_are_read_as_in_the_vectors() {
    let Files { files } = fixture("files.json");
    for FileVector { name, mut about, content_hex, payload_hex } in files {
        let payload = from_hex(&payload_hex);
        let end = payload.iter().position(|&byte| byte == b'\n').expect("a line feed");
        let file: File = serde_json::from_slice(&payload[..end]).expect("JSON before it");

        assert_eq!(payload[end + 1..], from_hex(&content_hex), "{name}");
        about["blanked"] = false.into();
        assert_eq!(serde_json::to_value(file).expect("JSON"), about, "{name}");
    }
}

#[derive(Deserialize)]
struct Segments {
    headers: Vec<HeaderVector>,
    bad_headers: Vec<BadHeaderVector>,
    scans: Vec<ScanVector>,
}

#[derive(Deserialize)]
struct HeaderVector {
    number: u64,
    file_name: String,
    bytes: String,
}

#[derive(Deserialize)]
struct BadHeaderVector {
    name: String,
    bytes: String,
    error: String,
}

#[derive(Deserialize)]
struct ScanVector {
    name: String,
    bytes: String,
    frames: Vec<u8>,
    tail: TailVector,
}

#[derive(Debug, Deserialize, PartialEq)]
struct TailVector {
    state: String,
    bytes: usize,
}

#[test]
fn segment_headers_are_as_in_the_vectors() {
    let segments: Segments = fixture("segments.json");
    for HeaderVector { number, file_name, bytes } in segments.headers {
        let bytes = from_hex(&bytes);
        assert_eq!(segment::header(number), bytes.as_slice());
        assert_eq!(segment::check_header(&bytes), Ok(number));
        assert_eq!(segment::file_name(number), file_name);
        assert_eq!(segment::number_of(&file_name), Some(number));
    }
    for BadHeaderVector { name, bytes, error } in segments.bad_headers {
        let found = match segment::check_header(&from_hex(&bytes)) {
            Ok(_) => "none",
            Err(SegmentError::Incomplete) => "incomplete",
            Err(SegmentError::NotOurs) => "not_ours",
            Err(SegmentError::Version(_)) => "version",
        };
        assert_eq!(found, error, "{name}");
    }
}

#[test]
fn torn_and_corrupt_segments_are_read_as_in_the_vectors() {
    let segments: Segments = fixture("segments.json");
    for ScanVector { name, bytes, frames, tail } in segments.scans {
        let bytes = from_hex(&bytes);
        let mut scan = Scan::new(&bytes);
        let kinds: Vec<_> = scan.by_ref().map(|frame| frame.head.kind.to_byte()).collect();
        let (state, rest) = match scan.tail() {
            Tail::Clean => ("clean", 0),
            Tail::Partial(rest) => ("partial", rest),
            Tail::Broken(rest, FrameError::TooLong(_)) => ("too_long", rest),
            Tail::Broken(rest, _) => ("checksum", rest),
        };
        assert_eq!(kinds, frames, "{name}");
        assert_eq!(TailVector { state: state.to_owned(), bytes: rest }, tail, "{name}");
        assert_eq!(scan.consumed() + rest, bytes.len(), "{name}");
    }
}

#[derive(Deserialize)]
struct Secrets {
    prints: Vec<PrintVector>,
}

#[derive(Deserialize)]
struct PrintVector {
    salt: String,
    value: String,
    length: usize,
    rolling: u32,
}

/// The rolling hash as `SecretPrint` describes it; the recorder's search has its own, faster one.
#[test]
fn rolling_hashes_are_as_described() {
    let Secrets { prints } = fixture("secrets.json");
    for PrintVector { salt, value, length, rolling } in prints {
        let salt = from_hex(&salt);
        let factor = u32::from_le_bytes([salt[0], salt[1], salt[2], salt[3]]) & !3 | 1;
        let hash = value
            .bytes()
            .fold(0u32, |hash, byte| hash.wrapping_mul(factor).wrapping_add(u32::from(byte)));
        assert_eq!((value.len(), hash), (length, rolling), "{value}");
    }
}
