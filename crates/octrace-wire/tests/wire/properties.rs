//! What holds for any frames and for any bytes.

use octrace_wire::{
    frame::{Frame, FrameError, HEADER, Head, Kind, MAX_PAYLOAD},
    segment::{self, Scan, Tail},
};
use proptest::prelude::*;

prop_compose! {
    fn any_frame()(
        kind in any::<u8>(),
        flags in any::<u8>(),
        exchange in any::<u32>(),
        wall_us in any::<u64>(),
        mono_us in any::<u64>(),
        payload in prop::collection::vec(any::<u8>(), 0..200),
    ) -> (Head, Vec<u8>) {
        (Head { kind: Kind::from_byte(kind), flags, exchange, wall_us, mono_us }, payload)
    }
}

fn encoded(frames: &[(Head, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (head, payload) in frames {
        Frame { head: *head, payload }.encode(&mut bytes);
    }
    bytes
}

fn decoded(bytes: &[u8]) -> Vec<(Head, Vec<u8>)> {
    Scan::new(bytes).map(|frame| (frame.head, frame.payload.to_vec())).collect()
}

proptest! {
    #[test]
    fn what_was_written_is_read(frames in prop::collection::vec(any_frame(), 0..8)) {
        let bytes = encoded(&frames);
        let mut scan = Scan::new(&bytes);
        prop_assert_eq!(scan.by_ref().count(), frames.len());
        prop_assert_eq!(scan.tail(), Tail::Clean);
        prop_assert_eq!(decoded(&bytes), frames);
    }

    /// However far a write got, the frames before the tear are there, and the tear is seen for what it
    /// is: never as corruption, never as a frame.
    #[test]
    fn a_torn_end_loses_only_the_torn_frame(
        frames in prop::collection::vec(any_frame(), 1..6),
        keep in any::<prop::sample::Index>(),
    ) {
        let bytes = encoded(&frames);
        let kept = &bytes[..keep.index(bytes.len())];
        let mut scan = Scan::new(kept);
        let whole = scan.by_ref().count();
        let begin = encoded(&frames[..whole]).len();
        prop_assert_eq!(scan.consumed(), begin);
        let rest = kept.len() - begin;
        prop_assert_eq!(scan.tail(), if rest == 0 { Tail::Clean } else { Tail::Partial(rest) });
        prop_assert!(encoded(&frames[..=whole]).len() > kept.len());
    }

    /// A frame with one wrong bit, wherever it is, is never taken for a frame.
    #[test]
    fn a_wrong_bit_is_seen(frame in any_frame(), bit in any::<prop::sample::Index>()) {
        let mut bytes = encoded(&[frame]);
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(Frame::decode(&bytes).is_err());
    }

    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut scan = Scan::new(&bytes);
        let whole: usize = scan.by_ref().map(|frame| HEADER + frame.payload.len()).sum();
        prop_assert_eq!(scan.consumed(), whole);
        match scan.tail() {
            Tail::Clean => prop_assert_eq!(whole, bytes.len()),
            Tail::Partial(rest) | Tail::Broken(rest, _) => prop_assert_eq!(whole + rest, bytes.len()),
        }
        let ours = bytes.starts_with(&segment::MAGIC);
        prop_assert!(ours || segment::check_header(&bytes).is_err());
    }

    #[test]
    fn a_length_that_cannot_be_is_refused_before_anything_is_held(
        length in (MAX_PAYLOAD as u32 + 1)..,
        rest in prop::collection::vec(any::<u8>(), HEADER - 4..HEADER + 50),
    ) {
        let bytes = [&length.to_le_bytes()[..], &rest].concat();
        prop_assert_eq!(Frame::decode(&bytes), Err(FrameError::TooLong(length)));
    }

    #[test]
    fn file_names_give_their_numbers(number in 1u64..) {
        prop_assert_eq!(segment::number_of(&segment::file_name(number)), Some(number));
    }

    #[test]
    fn other_file_names_give_none(name in "[0-9a-z.+ -]{0,14}") {
        if let Some(number) = segment::number_of(&name) {
            prop_assert!(name.ends_with(".seg") && number > 0);
        }
    }
}

#[test]
fn kinds_keep_their_numbers() {
    for byte in 0..=u8::MAX {
        assert_eq!(Kind::from_byte(byte).to_byte(), byte);
    }
}
