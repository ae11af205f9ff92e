//! Frames: what was written is read, what was damaged is noticed, and no payload is too strange.
//!
//! An input is a row of lines. Each is a frame: a byte for its kind (`A` is `hello`, `D` is `request`, …), one
//! for its flags, then the payload. Checksums keep a fuzzer out of anything behind them, so they are written
//! here. The input itself is read as a segment too.

use octrace_core::event;
use octrace_wire::{
    frame::{Frame, HEADER, Head, Kind},
    payload,
    segment::{self, Scan, Tail},
};
use serde::{Serialize, de::DeserializeOwned};

/// The input is a segment, or frames to write into one.
pub fn holds(input: &[u8]) {
    as_it_is(input);
    let mut written = Vec::new();
    let mut ends = Vec::new();
    let frames: Vec<_> = input.split(|&byte| byte == b'\n').filter_map(frame).collect();
    for frame in &frames {
        frame.encode(&mut written);
        ends.push(written.len());
        read_payload(frame);
    }
    let mut scan = Scan::new(&written);
    assert!(scan.by_ref().eq(frames.iter().copied()), "what was written is read");
    assert_eq!(scan.tail(), Tail::Clean);

    // The input says where it is torn, and what is flipped.
    let number = input.iter().fold(0_usize, |sum, &byte| sum * 31 % 1_000_003 + usize::from(byte));
    let place = number % written.len().max(1);
    let whole = ends.iter().take_while(|end| **end <= place).count();
    let torn = written.get(..place).unwrap_or_default();
    let mut scan = Scan::new(torn);
    assert!(scan.by_ref().eq(frames[..whole].iter().copied()), "the frames before the tear");
    let rest = torn.len() - scan.consumed();
    assert_eq!(scan.tail(), if rest == 0 { Tail::Clean } else { Tail::Partial(rest) });

    // Zeros are kept in two bytes of the header, and in no field of ours.
    let begin = whole.checked_sub(1).map_or(0, |last| ends[last]);
    if let Some(byte) = written.get_mut(place) {
        *byte ^= u8::try_from(number % 255 + 1).unwrap_or(1);
        let read: Vec<_> = Scan::new(&written).take(whole + 1).collect();
        assert_eq!(read[..whole], frames[..whole], "the frames before the damage");
        assert_eq!(read.len(), whole, "the damage at {} of a frame is noticed", place - begin);
    }
}

/// Any file that somebody may have put there.
fn as_it_is(bytes: &[u8]) {
    let header = segment::check_header(bytes);
    if let Some(begin) = bytes.first_chunk::<{ segment::HEADER }>() {
        assert!(header != Err(segment::SegmentError::Incomplete), "16 bytes are a header");
        if let Ok(number) = header {
            assert_eq!(segment::header(number)[..6], begin[..6]);
        }
    }
    let mut scan = Scan::new(bytes);
    let taken: usize = scan.by_ref().map(|frame| HEADER + frame.payload.len()).sum();
    assert_eq!(scan.consumed(), taken);
    match scan.tail() {
        Tail::Clean => assert_eq!(taken, bytes.len()),
        Tail::Partial(rest) | Tail::Broken(rest, _) => assert_eq!(taken + rest, bytes.len()),
    }
}

fn frame(line: &[u8]) -> Option<Frame<'_>> {
    let ([kind, flags], payload) = line.split_first_chunk::<2>()?;
    let head = Head {
        kind: Kind::from_byte(kind.wrapping_sub(b'@')),
        flags: *flags,
        exchange: u32::from(*flags) << 12,
        wall_us: u64::from(*kind) << 50,
        mono_us: payload.len() as u64,
    };
    Some(Frame { head, payload })
}

/// What cannot be read is refused; what can is the same when it is written and read again.
fn read_payload(frame: &Frame<'_>) {
    let payload = frame.payload;
    match frame.head.kind {
        Kind::Hello => stays::<payload::Hello>(payload),
        Kind::Instance => stays::<payload::Instance>(payload),
        Kind::Secrets => stays::<payload::Secrets>(payload),
        Kind::Request => stays::<payload::Request>(payload),
        Kind::Response => stays::<payload::Response>(payload),
        Kind::End => stays::<payload::End>(payload),
        Kind::Gap => stays::<payload::Gap>(payload),
        Kind::Event => drop(event::read_event(payload)),
        Kind::Hook => drop(event::read_hook(payload)),
        _ => {}
    }
}

fn stays<T: Serialize + DeserializeOwned>(payload: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(payload) else { return };
    let written = serde_json::to_string(&read).expect("a payload prints");
    let again: T = serde_json::from_str(&written).expect("and is read again");
    assert_eq!(serde_json::to_string(&again).expect("a payload prints"), written);
}
