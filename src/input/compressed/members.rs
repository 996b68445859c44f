//! Members of a compressed stream, one behind the other.

use std::io::{self, BufRead, Read};

use super::codec::{Codec, New};

/// Compressed bytes, to be read from the start of a member on.
pub(super) struct MemberSource<R> {
    input: R,
    magic: &'static [u8],
    /// The end of the magic that was read in search of a member.
    ahead: &'static [u8],
    /// No bytes were left when some were asked for.
    pub(super) ended: bool,
}

impl<R: BufRead> MemberSource<R> {
    pub(super) fn new(input: R, magic: &'static [u8]) -> Self {
        Self {
            input,
            magic,
            ahead: &[],
            ended: false,
        }
    }

    /// Passes over the zeros that gzip and xz allow behind a member; false at the end.
    pub(super) fn begin_member(&mut self) -> io::Result<bool> {
        loop {
            let input = self.fill_buf()?;
            let zeros = input.iter().take_while(|&&byte| byte == 0).count();
            let (ended, begins) = (input.is_empty(), zeros < input.len());
            self.consume(zeros);
            if begins || ended {
                return Ok(begins);
            }
        }
    }

    /// Passes over damage up to the magic of a member; false at the end.
    pub(super) fn find_member(&mut self) -> io::Result<bool> {
        let magic = self.magic;
        let mut matched = 0;
        loop {
            let Some(&byte) = self.fill_buf()?.first() else {
                return Ok(false);
            };
            self.consume(1);
            // No magic holds its own beginning again, so a match begins anew here or never.
            matched = match byte {
                _ if byte == magic[matched] => matched + 1,
                _ => usize::from(byte == magic[0]),
            };
            if matched == magic.len() {
                self.ahead = magic;
                return Ok(true);
            }
        }
    }
}

impl<R: BufRead> Read for MemberSource<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for MemberSource<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.ahead.is_empty() {
            return Ok(self.ahead);
        }
        let input = self.input.fill_buf()?;
        self.ended |= input.is_empty();
        Ok(input)
    }

    fn consume(&mut self, used: usize) {
        match self.ahead.get(used..) {
            Some(ahead) if !self.ahead.is_empty() => self.ahead = ahead,
            _ => self.input.consume(used),
        }
    }
}

/// Decoder of all members of a stream.
///
/// Gives every byte before the first bad one, then an error, then goes on with the next
/// member that can be read.
pub(super) struct Members<R> {
    source: MemberSource<R>,
    new: New,
    member: Option<Box<dyn Codec>>,
    /// The error behind the bytes that were made last.
    failed: Option<io::Error>,
    /// A member was damaged, and no byte of another came since.
    lost: bool,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(source: MemberSource<R>, new: New) -> Self {
        Self {
            source,
            new,
            member: None,
            failed: None,
            lost: false,
        }
    }

    fn begin(&mut self) -> io::Result<bool> {
        let begins = if self.lost {
            self.source.find_member()?
        } else {
            self.source.begin_member()?
        };
        if begins {
            self.member = Some((self.new)()?);
        }
        Ok(begins)
    }

    /// Decodes some of a member. No bytes are no end of it.
    fn decode(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(member) = &mut self.member else {
            return Ok(0);
        };
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let input = self.source.fill_buf()?;
        let is_last = input.is_empty();
        let (progress, result) = member.decode(input, into);
        self.source.consume(progress.read);
        if progress.ended {
            self.member = None;
        }
        match result {
            Err(error) if progress.made == 0 => return Err(error),
            Err(error) => self.failed = Some(error),
            Ok(()) if progress.ended || progress.made > 0 => {}
            Ok(()) if is_last => return Err(early_end()),
            Ok(()) if progress.read == 0 => return Err(io::Error::other("the decoder is stuck")),
            Ok(()) => {}
        }
        Ok(progress.made)
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.member.is_none() && !self.begin()? {
                return Ok(0);
            }
            match self.decode(into) {
                Ok(0) => {}
                Ok(made) => {
                    self.lost = false;
                    return Ok(made);
                }
                Err(error) => {
                    self.member = None;
                    if !std::mem::replace(&mut self.lost, true) {
                        return Err(error);
                    }
                }
            }
        }
    }
}

pub(super) fn early_end() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the stream ends early")
}
