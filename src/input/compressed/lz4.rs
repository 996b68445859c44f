//! Frames of lz4, one behind the other.

use std::io::{self, BufRead, Read};

use lz4_flex::frame::FrameDecoder;

use super::members::{MemberSource, early_end};

/// Decoder of all frames of a stream, which treats damage as
/// [`Members`](super::members::Members) does.
pub(super) struct Frames<R: BufRead> {
    state: Lz4State<R>,
    /// A frame was damaged, and no byte of another came since.
    lost: bool,
}

enum Lz4State<R: BufRead> {
    Between(MemberSource<R>),
    Inside(Box<FrameDecoder<MemberSource<R>>>),
    /// Only while a frame begins.
    Neither,
}

impl<R: BufRead> Frames<R> {
    pub(super) fn new(source: MemberSource<R>) -> Self {
        Self {
            state: Lz4State::Between(source),
            lost: false,
        }
    }

    /// Begins the next frame with a decoder of its own; false at the end.
    fn begin(&mut self) -> io::Result<bool> {
        let Lz4State::Between(source) = &mut self.state else {
            return Ok(true);
        };
        let begins = if self.lost {
            source.find_member()?
        } else {
            !source.fill_buf()?.is_empty()
        };
        if begins
            && let Lz4State::Between(source) = std::mem::replace(&mut self.state, Lz4State::Neither)
        {
            self.state = Lz4State::Inside(Box::new(FrameDecoder::new(source)));
        }
        Ok(begins)
    }

    fn end_frame(&mut self) {
        if let Lz4State::Inside(frame) = std::mem::replace(&mut self.state, Lz4State::Neither) {
            self.state = Lz4State::Between(frame.into_inner());
        }
    }

    /// Decodes some of a frame; nothing where it ended.
    fn decode(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Lz4State::Inside(frame) = &mut self.state else {
            return Ok(0);
        };
        let made = frame.read(into)?;
        // The decoder takes the end of the stream between two blocks for that of the frame.
        if made == 0 && frame.get_ref().ended {
            return Err(early_end());
        }
        Ok(made)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.begin()? {
                return Ok(0);
            }
            match self.decode(into) {
                Ok(0) => self.end_frame(),
                Ok(made) => {
                    self.lost = false;
                    return Ok(made);
                }
                Err(error) => {
                    self.end_frame();
                    if !std::mem::replace(&mut self.lost, true) {
                        return Err(error);
                    }
                }
            }
        }
    }
}
