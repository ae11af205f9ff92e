//! How a part lies on the tape: addressed by its content, compressed when that makes it smaller.
//!
//! A part's address is the BLAKE3 hash of its bytes, never of its compressed form, so that another level or
//! another codec finds the same parts. Compressed data is a plain zstd frame (RFC 8878) with its content size:
//! any zstd tool can read it. What is short is compressed with a dictionary, because it consists of little else
//! than the names of its fields; `zstd -D crates/octrace-store/src/dictionary.txt` reads that. Line numbers are taken out
//! before (`octrace_store::numbers`).
//!
//! What has lain on the tape for a moment is compressed once more, together with what came before and after it
//! (`octrace_store::pack`).
//!
//! Parts are small (a few KiB), so the contexts are reused: making one costs more
//! than compressing a part. Level 3, because on a session that reads source files level 9 saves only 4 % and takes
//! five times as long.
//!
//! A stored size is not believed: nothing above [`MAX_SIZE`] is decoded, and never more than the size says.

use std::{
    borrow::Cow,
    cell::RefCell,
    io::{self, Cursor},
    rc::Rc,
};

use zstd::{
    bulk::{Compressor, Decompressor},
    zstd_safe::get_frame_content_size,
};

use crate::numbers;

/// The largest part that is stored or restored, in bytes: twice the largest body that is recorded whole.
pub const MAX_SIZE: usize = 512 << 20;

const LEVEL: i32 = 3;

/// Of packs: 1.5 % smaller than level 6, for twice the time; the next levels take five times as long for 1 %.
const PACK_LEVEL: i32 = 9;

/// What events, streams and messages have in common, the most frequent last. It is a part of the format: who
/// changes a byte of it takes a new number in [`Codec`] and keeps this one.
const DICTIONARY: &[u8] = include_bytes!("dictionary.txt");

/// Up to this many bytes the dictionary helps.
const SHORT: usize = 32 << 10;

/// What was set aside from a body is its context up to this many bytes together.
const MAX_CONTEXT: usize = 1 << 20;

/// Below this many bytes a frame's own headers eat the gain.
const WORTH_TRYING: usize = 48;

/// What a part is found by: the BLAKE3 hash of its uncompressed bytes.
pub type Address = [u8; 32];

/// The address of these bytes.
pub fn address(bytes: &[u8]) -> Address {
    *blake3::hash(bytes).as_bytes()
}

/// Why a part could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Larger than [`MAX_SIZE`], or said to be.
    #[error("a part of {0} bytes is beyond the {MAX_SIZE} that the tape holds")]
    TooBig(u64),
    /// Written by a newer octrace, or damaged.
    #[error(
        "a part is stored with codec {0}, which this octrace does not know; a newer one may have written it"
    )]
    UnknownCodec(i64),
    /// The data does not give the size that was stored with it.
    #[error("a part of {stored} bytes gave {found}; the tape is damaged there")]
    WrongSize {
        /// As stored beside it, in bytes.
        stored: u64,
        /// As found in the data, in bytes.
        found: u64,
    },
    /// The data is no zstd frame with its content size, or the frame is damaged.
    #[error("a part's compressed data is unreadable; the tape is damaged there")]
    Unreadable,
    /// zstd had no memory.
    #[error("zstd could not compress, or could not be set up")]
    Zstd(#[source] io::Error),
}

/// How a part's data is written. The numbers are the tape's and do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub enum Codec {
    /// As it is.
    Plain = 0,
    /// One zstd frame.
    Zstd = 1,
    /// One zstd frame that was compressed with our dictionary.
    Dictionary = 2,
    /// One zstd frame that was compressed with what was set aside from the same body, and our dictionary after it, as
    /// its dictionary. Only older tapes have it.
    Context = 3,
    /// As `Dictionary`, of text that was stripped of its line numbers (`octrace_store::numbers`).
    Numbered = 4,
    /// As `Context`, where what was set aside is stripped of its line numbers, too: beside a tool's output that has
    /// them stands the same text without.
    StrippedContext = 5,
    /// In a pack, as it is (`octrace_store::pack`).
    Packed = 6,
    /// In a pack, stripped of its line numbers.
    PackedNumbered = 7,
}

impl Codec {
    /// Whether what is written so needs its context to be read.
    pub(crate) fn has_context(codec: i64) -> bool {
        [Self::Context, Self::StrippedContext].map(Self::number).contains(&codec)
    }

    /// The number that the tape keeps.
    pub fn number(self) -> i64 {
        self as i64
    }
}

/// A part as the tape keeps it.
#[derive(Debug)]
pub struct Stored<'a> {
    /// How `data` is written.
    pub codec: Codec,
    /// What is kept.
    pub data: Cow<'a, [u8]>,
}

/// What is compressed with what was set aside from it: an event's metadata repeats its tool's output.
#[derive(Debug)]
pub struct Context(Vec<u8>);

impl Context {
    /// Of what was set aside, in its order, for what is compressed now.
    pub fn new<'a>(aside: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self::of(Codec::StrippedContext.number(), aside)
    }

    /// The same for what was compressed with this codec. What would make it too large is passed over.
    pub fn of<'a>(codec: i64, aside: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut context = Vec::new();
        for bytes in aside {
            let stripped = match codec == Codec::StrippedContext.number() {
                true => numbers::strip(bytes).map(Cow::Owned),
                false => None,
            };
            let bytes = stripped.unwrap_or(Cow::Borrowed(bytes));
            if context.len() + bytes.len() <= MAX_CONTEXT {
                context.extend_from_slice(&bytes);
            }
        }
        context.extend_from_slice(DICTIONARY);
        Self(context)
    }
}

/// Compresses parts, one after the other.
pub struct Encoder {
    short: Compressor<'static>,
    long: Compressor<'static>,
    context: Compressor<'static>,
}

impl Encoder {
    /// Takes about two megabytes, to be kept for many parts.
    pub fn new() -> Result<Self, Error> {
        let short = Compressor::with_dictionary(LEVEL, DICTIONARY).map_err(Error::Zstd)?;
        let long = Compressor::new(LEVEL).map_err(Error::Zstd)?;
        let context = Compressor::new(LEVEL).map_err(Error::Zstd)?;
        Ok(Self { short, long, context })
    }

    /// The same as [`Encoder::encode`] for what is read together with this context.
    pub fn encode_with<'a>(
        &mut self,
        bytes: &'a [u8],
        context: &Context,
    ) -> Result<Stored<'a>, Error> {
        if bytes.len() > MAX_SIZE {
            return Err(Error::TooBig(bytes.len() as u64));
        }
        self.context.set_dictionary(LEVEL, &context.0).map_err(Error::Zstd)?;
        let data = self.context.compress(bytes).map_err(Error::Zstd)?;
        if data.len() < bytes.len() {
            return Ok(Stored { codec: Codec::StrippedContext, data: Cow::Owned(data) });
        }
        Ok(Stored { codec: Codec::Plain, data: Cow::Borrowed(bytes) })
    }

    /// Compresses the content of a pack: once, for all who read it, so that it may take its time.
    pub(crate) fn encode_pack(content: &[u8]) -> Result<Vec<u8>, Error> {
        let mut pack = Compressor::with_dictionary(PACK_LEVEL, DICTIONARY).map_err(Error::Zstd)?;
        pack.compress(content).map_err(Error::Zstd)
    }

    /// The part as it should be kept: compressed when that makes it smaller, else as it is.
    pub fn encode<'a>(&mut self, part: &'a [u8]) -> Result<Stored<'a>, Error> {
        if part.len() > MAX_SIZE {
            return Err(Error::TooBig(part.len() as u64));
        }
        if part.len() >= WORTH_TRYING {
            if let Some(stripped) = numbers::strip(part) {
                let data = self.short.compress(&stripped).map_err(Error::Zstd)?;
                if data.len() < part.len() {
                    return Ok(Stored { codec: Codec::Numbered, data: Cow::Owned(data) });
                }
            }
            let (codec, compressor) = if part.len() <= SHORT {
                (Codec::Dictionary, &mut self.short)
            } else {
                (Codec::Zstd, &mut self.long)
            };
            let data = compressor.compress(part).map_err(Error::Zstd)?;
            if data.len() < part.len() {
                return Ok(Stored { codec, data: Cow::Owned(data) });
            }
        }
        Ok(Stored { codec: Codec::Plain, data: Cow::Borrowed(part) })
    }
}

/// Restores parts, one after the other. All of a thread are the same one.
pub struct Decoder(Rc<RefCell<Contexts>>);

/// What zstd works with: about 320 KiB, which take longer to set up than most parts to restore.
struct Contexts {
    plain: Decompressor<'static>,
    dictionary: Decompressor<'static>,
    context: Decompressor<'static>,
}

thread_local! {
    static CONTEXTS: RefCell<Option<Rc<RefCell<Contexts>>>> = const { RefCell::new(None) };
}

impl Contexts {
    fn new() -> Result<Self, Error> {
        let plain = Decompressor::new().map_err(Error::Zstd)?;
        let dictionary = Decompressor::with_dictionary(DICTIONARY).map_err(Error::Zstd)?;
        let context = Decompressor::new().map_err(Error::Zstd)?;
        Ok(Self { plain, dictionary, context })
    }
}

impl Decoder {
    /// Costs nothing but the first time in a thread.
    pub fn new() -> Result<Self, Error> {
        CONTEXTS.with_borrow_mut(|known| {
            let contexts = match known {
                Some(contexts) => contexts,
                None => known.insert(Rc::new(RefCell::new(Contexts::new()?))),
            };
            Ok(Self(Rc::clone(contexts)))
        })
    }

    /// The same as [`Decoder::decode`] for what was written with this context, or without one.
    pub fn decode_with(
        &mut self,
        codec: i64,
        size: u64,
        data: &[u8],
        context: &Context,
    ) -> Result<Vec<u8>, Error> {
        if !Codec::has_context(codec) {
            return self.decode(codec, size, data);
        }
        let capacity = capacity(size)?;
        let zstd = &mut self.0.borrow_mut().context;
        zstd.set_dictionary(&context.0).map_err(Error::Zstd)?;
        let mut part = Vec::new();
        decompress(zstd, &mut part, capacity, data)?;
        Ok(part)
    }

    /// The part's bytes. `codec` and `size` (uncompressed, in bytes) are what the tape says; neither is believed.
    pub fn decode(&mut self, codec: i64, size: u64, data: &[u8]) -> Result<Vec<u8>, Error> {
        let mut part = Vec::new();
        self.decode_onto(&mut part, codec, size, data)?;
        Ok(part)
    }

    /// Appends the part's bytes to `body`, which is as it was when they cannot be read.
    pub fn decode_onto(
        &mut self,
        body: &mut Vec<u8>,
        codec: i64,
        size: u64,
        data: &[u8],
    ) -> Result<(), Error> {
        let capacity = capacity(size)?;
        let zstd = &mut *self.0.borrow_mut();
        match codec {
            _ if codec == Codec::Zstd.number() => decompress(&mut zstd.plain, body, capacity, data),
            _ if codec == Codec::Dictionary.number() => {
                decompress(&mut zstd.dictionary, body, capacity, data)
            }
            _ if codec == Codec::Numbered.number() => {
                let mut stripped = Vec::new();
                // It has less text and its numbers, whatever the row says of the text: that is looked at below.
                let size = content_size(data)?;
                if size > (capacity + numbers::OVERHEAD) as u64 {
                    return Err(Error::Unreadable);
                }
                decompress(&mut zstd.dictionary, &mut stripped, size as usize, data)?;
                number(&stripped, capacity, body)
            }
            _ if codec == Codec::Plain.number() => {
                is_whole(capacity, data.len())?;
                body.extend_from_slice(data);
                Ok(())
            }
            _ => Err(Error::UnknownCodec(codec)),
        }
    }
}

/// Appends what lies in a pack like this: `codec` and `size` as for [`Decoder::decode`].
pub(crate) fn unpack_onto(
    body: &mut Vec<u8>,
    codec: i64,
    size: u64,
    packed: &[u8],
) -> Result<(), Error> {
    let capacity = capacity(size)?;
    match codec {
        _ if codec == Codec::Packed.number() => {
            is_whole(capacity, packed.len())?;
            body.extend_from_slice(packed);
            Ok(())
        }
        _ if codec == Codec::PackedNumbered.number() => number(packed, capacity, body),
        _ => Err(Error::UnknownCodec(codec)),
    }
}

/// Appends the text of `size` bytes that was stripped of its line numbers.
fn number(stripped: &[u8], size: usize, body: &mut Vec<u8>) -> Result<(), Error> {
    let begin = body.len();
    let done = numbers::restore(stripped, size, body).ok_or(Error::Unreadable);
    let done = done.and_then(|()| is_whole(size, body.len() - begin));
    if done.is_err() {
        body.truncate(begin);
    }
    done
}

fn capacity(size: u64) -> Result<usize, Error> {
    let capacity = usize::try_from(size).ok();
    capacity.filter(|capacity| *capacity <= MAX_SIZE).ok_or(Error::TooBig(size))
}

/// Appends what `data` stands for: `size` bytes.
fn decompress(
    zstd: &mut Decompressor<'_>,
    body: &mut Vec<u8>,
    size: usize,
    data: &[u8],
) -> Result<(), Error> {
    // Before anything is allocated: the frame has to agree with the row.
    let found = content_size(data)?;
    if found != size as u64 {
        return Err(Error::WrongSize { stored: size as u64, found });
    }
    let begin = body.len();
    body.reserve(size);
    let mut end = Cursor::new(&mut *body);
    end.set_position(begin as u64);
    let done = zstd.decompress_to_buffer(data, &mut end).map_err(|_| Error::Unreadable);
    let done = done.and_then(|_| is_whole(size, body.len() - begin));
    if done.is_err() {
        body.truncate(begin);
    }
    done
}

/// How many bytes a frame says that it gives.
fn content_size(data: &[u8]) -> Result<u64, Error> {
    get_frame_content_size(data).ok().flatten().ok_or(Error::Unreadable)
}

fn is_whole(size: usize, found: usize) -> Result<(), Error> {
    if found == size {
        return Ok(());
    }
    Err(Error::WrongSize { stored: size as u64, found: found as u64 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(part: &[u8]) -> (Codec, usize) {
        let mut encoder = Encoder::new().unwrap();
        let stored = encoder.encode(part).unwrap();
        let mut decoder = Decoder::new().unwrap();
        let size = part.len() as u64;
        assert_eq!(decoder.decode(stored.codec.number(), size, &stored.data).unwrap(), part);
        (stored.codec, stored.data.len())
    }

    #[test]
    fn compressed_only_when_that_is_smaller() {
        let text = "the same words again and again, ".repeat(100);
        let (codec, length) = round_trip(text.as_bytes());
        assert_eq!(codec, Codec::Dictionary);
        assert!(length < 100, "{length}");
        let (codec, length) = round_trip(text.repeat(20).as_bytes());
        assert_eq!(codec, Codec::Zstd);
        assert!(length < 100, "{length}");

        let noise: Vec<u8> = (0..64_u8).flat_map(|n| address(&[n])).collect();
        assert_eq!(round_trip(&noise), (Codec::Plain, noise.len()));
        assert_eq!(round_trip(b"short"), (Codec::Plain, 5));
        assert_eq!(round_trip(b""), (Codec::Plain, 0));
    }

    #[test]
    fn the_dictionary_is_a_part_of_the_format() {
        let hex: String = address(DICTIONARY).iter().map(|byte| format!("{byte:02x}")).collect();
        insta::assert_snapshot!(
            hex,
            @"42b5b5334ede13dcc19da9c2a07a4568bde859366a7145270f7ebda1ec66acad"
        );
    }

    #[test]
    fn an_event_is_little_more_than_its_ids() {
        let event = r#"{"sessionID":"ses_e07daaac5ffeuKJmqISj9vVzhw","part":{"id":"prt_1f82560fc001lM7cKVVuuOwwJ0","messageID":"msg_1f8255cc0001Uxgfu68E79OBYU","sessionID":"ses_e07daaac5ffeuKJmqISj9vVzhw","snapshot":"2983d346154128389a7a678ae819b9881293cea6","type":"step-start"},"time":1795164561660}"#;
        let (codec, length) = round_trip(event.as_bytes());
        assert_eq!(codec, Codec::Dictionary);
        assert!(length < 150, "{length} of {}", event.len());
    }

    #[test]
    fn a_dictionary_makes_no_difference_to_what_is_told_of_damage() {
        let text = "the same words again and again, ".repeat(100);
        let data = Encoder::new().unwrap().encode(text.as_bytes()).unwrap().data.into_owned();
        let mut decoder = Decoder::new().unwrap();
        for codec in [1, 2] {
            for size in [0, 1, 3_199, 3_201] {
                assert!(decoder.decode(codec, size, &data).is_err(), "{codec} {size}");
            }
            assert!(decoder.decode(codec, 3_200, &data[..data.len() - 1]).is_err());
        }
        assert_eq!(decoder.decode(2, 3_200, &data).unwrap(), text.as_bytes());
    }

    #[test]
    fn what_was_set_aside_is_not_compressed_again() {
        let noise: Vec<u8> = (0..200_u8).flat_map(|n| address(&[n])).collect();
        let huge = vec![0; MAX_CONTEXT];
        // What is too large for the context leaves room for what comes after it.
        for aside in [vec![&noise[..]], vec![&noise[..100], &huge, &noise[100..]]] {
            let body = [b"{\"metadata\":\"", &noise[50..], b"\"}"].concat();
            let mut encoder = Encoder::new().unwrap();
            let mut decoder = Decoder::new().unwrap();
            for _ in 0..2 {
                let context = Context::new(aside.iter().copied());
                let stored = encoder.encode_with(&body, &context).unwrap();
                assert!(stored.data.len() < 60, "{}", stored.data.len());
                let size = body.len() as u64;
                let mut decode = |context: &Context| {
                    decoder.decode_with(stored.codec.number(), size, &stored.data, context)
                };
                assert_eq!(decode(&context).unwrap(), body);
                assert!(decode(&Context::new([])).map_or(true, |other| other != body));
                assert!(decoder.decode(stored.codec.number(), size, &stored.data).is_err());
            }
            assert_eq!(round_trip(&noise).0, Codec::Plain);
        }
    }

    /// Lines of noise, numbered or not, in a JSON string.
    fn lines(numbered: bool) -> String {
        let line = |number: u8| {
            let noise: String =
                address(&[number]).iter().map(|byte| format!("{byte:02x}")).collect();
            if numbered { format!("{number}: {noise}\\n") } else { format!("{noise}\\n") }
        };
        (1..=200).map(line).collect()
    }

    #[test]
    fn line_numbers_take_no_room() {
        let (plain, numbered) = (lines(false), lines(true));
        let ((first, expected), (second, length)) =
            (round_trip(plain.as_bytes()), round_trip(numbered.as_bytes()));
        assert_eq!((first, second), (Codec::Dictionary, Codec::Numbered));
        assert!(length < expected + 64, "{length}, {expected} without numbers");
        // However long it is.
        let long = numbered.replace("\\n", &format!("{}\\n", "and so on, ".repeat(100)));
        assert!(long.len() > 2 * SHORT);
        assert_eq!(round_trip(long.as_bytes()).0, Codec::Numbered);
    }

    #[test]
    fn what_is_said_of_a_numbered_part_is_not_believed() {
        let part = lines(true);
        let data = Encoder::new().unwrap().encode(part.as_bytes()).unwrap().data.into_owned();
        let mut decoder = Decoder::new().unwrap();
        let size = part.len() as u64;
        let mut body = b"before".to_vec();
        for wrong in [0, 1, size - 1, size + 1, u64::MAX] {
            assert!(decoder.decode_onto(&mut body, 4, wrong, &data).is_err(), "{wrong}");
            assert_eq!(body, b"before");
        }
        assert!(decoder.decode(4, size, &data[..data.len() - 1]).is_err());
        assert!(decoder.decode(2, size, &data).is_err());
        assert_eq!(decoder.decode(4, size, &data).unwrap(), part.as_bytes());
        // No frame of ours, and none that was stripped of anything.
        assert!(decoder.decode(4, 3, b"abc").is_err());
        let short = Encoder::new().unwrap().encode(&[b'x'; 100]).unwrap().data.into_owned();
        assert!(decoder.decode(4, 100, &short).is_err());
    }

    #[test]
    fn the_same_text_without_its_line_numbers_is_not_compressed_again() {
        let (plain, numbered) = (lines(false), lines(true));
        let body = format!("{{\"metadata\":\"{plain}\"}}");
        let (mut encoder, mut decoder) = (Encoder::new().unwrap(), Decoder::new().unwrap());
        let context = Context::new([numbered.as_bytes()]);
        let stored = encoder.encode_with(body.as_bytes(), &context).unwrap();
        assert_eq!(stored.codec, Codec::StrippedContext);
        assert!(stored.data.len() < 60, "{}", stored.data.len());
        // An older tape's context has the numbers.
        let older = Context::of(Codec::Context.number(), [numbered.as_bytes()]);
        let old = encoder.encode_with(body.as_bytes(), &older).unwrap().data.into_owned();
        let size = body.len() as u64;
        for (codec, data) in [(3, old.as_slice()), (5, &stored.data)] {
            let context = Context::of(codec, [numbered.as_bytes()]);
            assert_eq!(decoder.decode_with(codec, size, data, &context).unwrap(), body.as_bytes());
        }
    }

    #[test]
    fn an_address_is_blake3_of_the_content() {
        let hex: String = address(b"").iter().map(|byte| format!("{byte:02x}")).collect();
        insta::assert_snapshot!(
            hex,
            @"af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
        );
    }

    #[test]
    fn what_the_row_says_is_not_believed() {
        let part = vec![b'x'; 10_000];
        let data = Encoder::new().unwrap().encode(&part).unwrap().data.into_owned();
        let mut decoder = Decoder::new().unwrap();
        let mut refused = |codec, size, data: &[u8]| {
            decoder.decode(codec, size, data).map(|_| ()).unwrap_err().to_string()
        };

        insta::assert_snapshot!(refused(2, 9_999, &data), @"a part of 9999 bytes gave 10000; the tape is damaged there");
        insta::assert_snapshot!(refused(0, 9_999, &part), @"a part of 9999 bytes gave 10000; the tape is damaged there");
        insta::assert_snapshot!(refused(2, u64::MAX, &data), @"a part of 18446744073709551615 bytes is beyond the 536870912 that the tape holds");
        insta::assert_snapshot!(refused(7, 10_000, &data), @"a part is stored with codec 7, which this octrace does not know; a newer one may have written it");
        insta::assert_snapshot!(refused(2, 10_000, &data[..data.len() - 1]), @"a part's compressed data is unreadable; the tape is damaged there");
        insta::assert_snapshot!(refused(1, 0, b""), @"a part's compressed data is unreadable; the tape is damaged there");
    }

    proptest! {
        #[test]
        fn whatever_goes_in_comes_out(part in prop::collection::vec(any::<u8>(), 0..2_000)) {
            round_trip(&part);
        }

        #[test]
        fn damaged_data_is_an_error_or_the_right_size(
            data in prop::collection::vec(any::<u8>(), 0..200),
            flip in 0_usize..60,
            size in 0_u64..5_000,
        ) {
            let mut decoder = Decoder::new().unwrap();
            if let Ok(part) = decoder.decode(1, size, &data) {
                prop_assert_eq!(part.len() as u64, size);
            }
            let whole = "a frame that was good once ".repeat(40);
            let mut frame = Encoder::new().unwrap().encode(whole.as_bytes()).unwrap().data.into_owned();
            let place = flip % frame.len();
            frame[place] ^= 0x55;
            if let Ok(part) = decoder.decode(2, whole.len() as u64, &frame) {
                prop_assert_eq!(part.len(), whole.len());
            }
        }
    }
}
