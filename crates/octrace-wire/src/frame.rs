//! One frame: a fixed header of 32 bytes, then the payload.
//!
//! ```text
//! offset  size  field
//!      0     4  length     payload bytes, at most 4 MiB (MAX_PAYLOAD)
//!      4     4  checksum   CRC-32 (IEEE) over bytes 8 … 32+length
//!      8     1  kind       see [`Kind`]
//!      9     1  flags      bit 0: the payload was cut to fit a bound; bit 1: the request body's last frame
//!     10     2  reserved   zero
//!     12     4  exchange   number of the exchange in its process, from 1; 0: none
//!     16     8  wall       µs since the Unix epoch (for people)
//!     24     8  mono       µs on a clock that never jumps (for durations)
//!     32     …  payload
//! ```
//!
//! All integers are little-endian. Bodies longer than [`MAX_PAYLOAD`] are a row of frames of the
//! same kind and exchange. An unknown kind is kept by its number: it is a newer plugin's, not an
//! error.

use std::fmt;

/// Bytes before each payload.
pub const HEADER: usize = 32;

/// The largest payload; longer bodies are written as several frames. A length above this is
/// corruption, and bounds what a reader must hold.
pub const MAX_PAYLOAD: usize = 4 << 20;

/// Set in [`Head::flags`] when the plugin cut the payload to keep within the spool's bound.
pub const FLAG_CUT: u8 = 1;

/// Set in [`Head::flags`] of a request body's last frame. Its length cannot tell: credentials in it were
/// replaced before it was written.
pub const FLAG_LAST: u8 = 2;

/// What a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// JSON [`crate::payload::Hello`]: the first frame of every segment, so that any segment can be
    /// read without those before it.
    Hello,
    /// JSON [`crate::payload::Instance`]: the plugin was initialised for a directory.
    Instance,
    /// JSON [`crate::payload::Secrets`]: credentials that became known later.
    Secrets,
    /// JSON [`crate::payload::Request`]: an exchange begins.
    Request,
    /// Bytes of the request's body, in order.
    RequestBody,
    /// JSON [`crate::payload::Response`]: status and headers have arrived.
    Response,
    /// Bytes of the response's body: one frame for each chunk as it arrived.
    ResponseBody,
    /// JSON [`crate::payload::End`]: an exchange is over, well or badly.
    End,
    /// JSON [`crate::payload::Event`]: an event of OpenCode, as sent.
    Event,
    /// JSON [`crate::payload::Hook`]: a hook was called.
    Hook,
    /// JSON [`crate::payload::Gap`]: what the plugin had to drop since the frame before.
    Gap,
    /// JSON `{}`: OpenCode disposed of its last instance; a clean end.
    Bye,
    /// JSON [`crate::payload::Diagnostic`]: what the plugin decided about itself or about a request.
    Diagnostic,
    /// JSON [`crate::payload::Intercept`]: `/intercept` was typed.
    Intercept,
    /// JSON [`crate::payload::File`], a line feed, and the file's bytes where it says so: a file that a tool call
    /// is about to change, or has changed.
    File,
    /// A kind that this version does not know.
    Other(u8),
}

impl Kind {
    /// The number on the wire.
    pub fn to_byte(self) -> u8 {
        match self {
            Self::Hello => 1,
            Self::Instance => 2,
            Self::Secrets => 3,
            Self::Request => 4,
            Self::RequestBody => 5,
            Self::Response => 6,
            Self::ResponseBody => 7,
            Self::End => 8,
            Self::Event => 9,
            Self::Hook => 10,
            Self::Gap => 11,
            Self::Bye => 12,
            Self::Diagnostic => 13,
            Self::Intercept => 14,
            Self::File => 15,
            Self::Other(byte) => byte,
        }
    }

    /// The kind with this number; never fails.
    pub fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Self::Hello,
            2 => Self::Instance,
            3 => Self::Secrets,
            4 => Self::Request,
            5 => Self::RequestBody,
            6 => Self::Response,
            7 => Self::ResponseBody,
            8 => Self::End,
            9 => Self::Event,
            10 => Self::Hook,
            11 => Self::Gap,
            12 => Self::Bye,
            13 => Self::Diagnostic,
            14 => Self::Intercept,
            15 => Self::File,
            other => Self::Other(other),
        }
    }
}

/// A frame's header, without length and checksum, which follow from the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What the payload is.
    pub kind: Kind,
    /// See [`FLAG_CUT`] and [`FLAG_LAST`].
    pub flags: u8,
    /// The exchange that the frame belongs to, 0 for none.
    pub exchange: u32,
    /// Microseconds since the Unix epoch.
    pub wall_us: u64,
    /// Microseconds on the writer's monotonic clock.
    pub mono_us: u64,
}

/// One frame as read. `Debug` shows no payload: it is not redacted yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is and when it was written.
    pub head: Head,
    /// The bytes as the plugin saw them. Secret: nothing may persist them before redaction.
    pub payload: &'a [u8],
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("head", &self.head)
            .field("payload_bytes", &self.payload.len())
            .finish()
    }
}

/// Why the bytes at a position are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The bytes end before the frame does: more may come, or the write was torn.
    #[error("the frame is not complete")]
    Incomplete,
    /// The length cannot be: the bytes are not a frame.
    #[error("a frame of {0} bytes is longer than any that is written")]
    TooLong(u32),
    /// The checksum does not match the bytes.
    #[error("the frame's checksum does not match")]
    Checksum,
}

impl<'a> Frame<'a> {
    /// Reads the frame at the start of `bytes`; also how many bytes it takes.
    pub fn decode(bytes: &'a [u8]) -> Result<(Self, usize), FrameError> {
        let (header, rest) = bytes.split_at_checked(HEADER).ok_or(FrameError::Incomplete)?;
        let length = u32_at(header, 0);
        let length_usize = length as usize;
        if length_usize > MAX_PAYLOAD {
            return Err(FrameError::TooLong(length));
        }
        let payload = rest.get(..length_usize).ok_or(FrameError::Incomplete)?;
        if u32_at(header, 4) != checksum(header, payload) {
            return Err(FrameError::Checksum);
        }
        let head = Head {
            kind: Kind::from_byte(header[8]),
            flags: header[9],
            exchange: u32_at(header, 12),
            wall_us: u64_at(header, 16),
            mono_us: u64_at(header, 24),
        };
        Ok((Self { head, payload }, HEADER + length_usize))
    }

    /// Appends the frame to `out`. The plugin has its own encoder; this one serves tests, vectors
    /// and tools that write spools.
    ///
    /// # Panics
    /// If the payload is longer than [`MAX_PAYLOAD`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        assert!(self.payload.len() <= MAX_PAYLOAD, "a frame's payload is at most 4 MiB");
        let mut header = [0u8; HEADER];
        header[0..4].copy_from_slice(&(self.payload.len() as u32).to_le_bytes());
        header[8] = self.head.kind.to_byte();
        header[9] = self.head.flags;
        header[12..16].copy_from_slice(&self.head.exchange.to_le_bytes());
        header[16..24].copy_from_slice(&self.head.wall_us.to_le_bytes());
        header[24..32].copy_from_slice(&self.head.mono_us.to_le_bytes());
        let sum = checksum(&header, self.payload);
        header[4..8].copy_from_slice(&sum.to_le_bytes());
        out.extend_from_slice(&header);
        out.extend_from_slice(self.payload);
    }
}

fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[8..HEADER]);
    hasher.update(payload);
    hasher.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut le = [0; 4];
    le.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(le)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut le = [0; 8];
    le.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(le)
}
