//! A line of configuration text that remembers where each of its bytes came from, through
//! parameters, loops and replaced characters.
use super::source::{FileId, Span};
use std::{borrow::Cow, ops::Range};

/// Which characters that mean something a text may hold: most lines hold few, and are done sooner
/// where one look has shown that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks(u8);

impl Marks {
    /// `#` and `!`.
    pub(super) const COMMENT: Self = Self(1);
    /// `{` and `}`.
    pub(super) const BRACE: Self = Self(1 << 1);
    /// `"` and `\`.
    pub(super) const QUOTE: Self = Self(1 << 2);
    /// `$`, `@`, `~`: parameters, conditions, loops.
    pub(super) const EXPAND: Self = Self(1 << 3);
    /// What is not ASCII.
    pub(super) const WIDE: Self = Self(1 << 4);
    /// `&`.
    pub(super) const ENTITY: Self = Self(1 << 5);

    const OF_BYTE: [u8; 256] = {
        let mut marks = [0; 256];
        let mut byte = u8::MAX;
        while byte > 0 {
            marks[byte as usize] = match byte {
                b'#' | b'!' => Self::COMMENT.0,
                b'{' | b'}' => Self::BRACE.0,
                b'"' | b'\\' => Self::QUOTE.0,
                b'$' | b'@' | b'~' => Self::EXPAND.0,
                b'&' => Self::ENTITY.0,
                128.. => Self::WIDE.0,
                _ => 0,
            };
            byte -= 1;
        }
        marks
    };

    fn of(text: &str) -> Self {
        Self(text.bytes().fold(0, |marks, byte| marks | Self::OF_BYTE[usize::from(byte)]))
    }

    /// Whether one of these kinds may be there.
    pub(super) const fn any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }
}

/// Text of one line, and its origin.
#[derive(Clone, Debug)]
pub(super) struct Line<'s> {
    pub(super) text: Cow<'s, str>,
    /// What may stand in it; a part of a line has those of the whole.
    pub(super) marks: Marks,
    pub(super) origin: Origin,
    /// Column of the first character when this is the whole rest of a physical line.
    pub(super) indent: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// The text as it stands in the file from `start` on.
    Straight { file: FileId, start: u32 },
    /// Put together: from each offset of the text on, where that piece came from.
    Pieces(Vec<(u32, Piece)>),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Piece {
    Straight {
        file: FileId,
        start: u32,
    },
    /// All of it stands for this: the use of a parameter, a replaced character.
    For(Span),
}

/// Lengths in a text are limited by [`super::io`] to what a `u32` holds.
fn short(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Where a text is without blanks at both ends (space, tab, CR and the like: ASCII only).
pub(super) fn solid(text: &str) -> Range<usize> {
    let bytes = text.as_bytes();
    let solid = |byte: &u8| !byte.is_ascii_whitespace() && *byte != b'\x0b';
    let start = bytes.iter().position(solid).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(solid).map_or(start, |last| last + 1);
    start..end
}

impl<'s> Line<'s> {
    pub(super) fn straight(text: &'s str, file: FileId, start: usize) -> Self {
        let origin = Origin::Straight { file, start: short(start) };
        Self { text: Cow::Borrowed(text), marks: Marks::of(text), origin, indent: None }
    }

    fn piece_at(&self, at: usize) -> (Piece, usize) {
        match &self.origin {
            Origin::Straight { file, start } => (Piece::Straight { file: *file, start: *start }, 0),
            Origin::Pieces(pieces) => {
                let after = pieces.partition_point(|(from, _)| *from as usize <= at);
                match pieces.get(after.saturating_sub(1)) {
                    Some((from, piece)) => (*piece, *from as usize),
                    None => (Piece::For(Span::default()), 0),
                }
            }
        }
    }

    /// Where a range of the text was written. A range over several pieces spans from the first to
    /// the last of them, as long as they are of one file and in order.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let (first, from) = self.piece_at(range.start);
        let start = match first {
            Piece::Straight { file, start } => {
                let at = start + short(range.start - from);
                Span { file, start: at, end: at }
            }
            Piece::For(span) => span,
        };
        if range.is_empty() {
            return start;
        }
        let last_byte = range.end - 1;
        let (last, from) = self.piece_at(last_byte);
        let end = match last {
            Piece::Straight { file, start } => {
                let end = start + short(last_byte + 1 - from);
                Span { file, start: end, end }
            }
            Piece::For(span) => span,
        };
        if end.file == start.file && end.end >= start.start {
            Span { file: start.file, start: start.start, end: end.end }
        } else {
            start
        }
    }

    /// The part of the line in `range`; borrows where the line does.
    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        let text = match &self.text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[range.clone()]),
            Cow::Owned(text) => Cow::Owned(text[range.clone()].to_owned()),
        };
        let origin = match &self.origin {
            Origin::Straight { file, start } => {
                Origin::Straight { file: *file, start: start + short(range.start) }
            }
            Origin::Pieces(_) => Origin::Pieces(self.pieces_in(&range, 0)),
        };
        Self { text, marks: self.marks, origin, indent: None }
    }

    /// The pieces of a range, to stand from `offset` on in another text.
    fn pieces_in(&self, range: &Range<usize>, offset: usize) -> Vec<(u32, Piece)> {
        let cut = |piece: Piece, from: usize| match piece {
            Piece::Straight { file, start } => {
                let skipped = range.start.saturating_sub(from);
                Piece::Straight { file, start: start + short(skipped) }
            }
            Piece::For(span) => Piece::For(span),
        };
        match &self.origin {
            Origin::Straight { file, start } => {
                vec![(short(offset), cut(Piece::Straight { file: *file, start: *start }, 0))]
            }
            Origin::Pieces(pieces) => {
                let first = pieces.partition_point(|(from, _)| *from as usize <= range.start);
                pieces
                    .iter()
                    .skip(first.saturating_sub(1))
                    .take_while(|(from, _)| (*from as usize) < range.end.max(1))
                    .map(|(from, piece)| {
                        let from = *from as usize;
                        let at = from.saturating_sub(range.start) + offset;
                        (short(at), cut(*piece, from))
                    })
                    .collect()
            }
        }
    }

    /// The line without blanks at both ends.
    pub(super) fn trim(self) -> Self {
        let solid = solid(&self.text);
        if solid == (0..self.text.len()) {
            return self;
        }
        let indent = self.indent;
        Self { indent, ..self.slice(solid) }
    }
}

/// Puts a line together from parts of others and from text that stands for a place.
#[derive(Debug, Default)]
pub(super) struct Builder {
    text: String,
    pieces: Vec<(u32, Piece)>,
}

impl Builder {
    pub(super) fn copy(&mut self, line: &Line<'_>, range: Range<usize>) {
        if !range.is_empty() {
            self.pieces.extend(line.pieces_in(&range, self.text.len()));
            self.text.push_str(&line.text[range]);
        }
    }

    pub(super) fn insert(&mut self, text: &str, stands_for: Span) {
        if !text.is_empty() {
            self.pieces.push((short(self.text.len()), Piece::For(stands_for)));
            self.text.push_str(text);
        }
    }

    pub(super) fn finish(self, indent: Option<u32>) -> Line<'static> {
        let (marks, origin) = (Marks::of(&self.text), Origin::Pieces(self.pieces));
        Line { text: Cow::Owned(self.text), marks, origin, indent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u32, end: u32) -> Span {
        Span { file: FileId(0), start, end }
    }

    #[test]
    fn marks_say_what_may_be_there() {
        for (text, marks) in [
            ("weight 1", 0),
            ("a # b", Marks::COMMENT.0),
            ("a ! b", Marks::COMMENT.0),
            ("vs {", Marks::BRACE.0),
            ("}", Marks::BRACE.0),
            ("\"a", Marks::QUOTE.0),
            ("a\\", Marks::QUOTE.0),
            ("${X}", Marks::EXPAND.0 | Marks::BRACE.0),
            ("@a ~SEQ", Marks::EXPAND.0),
            ("“", Marks::WIDE.0),
            ("&quot;", Marks::ENTITY.0),
        ] {
            assert_eq!(Marks::of(text), Marks(marks), "{text}");
        }
        let mut builder = Builder::default();
        builder.insert("{", span(0, 1));
        assert!(builder.finish(None).marks.any(Marks::BRACE), "also in what was put together");
    }

    #[test]
    fn spans_survive_slicing_and_insertion() {
        let line = Line::straight("weight $W now", FileId(0), 100);
        assert_eq!(line.span(0..6), span(100, 106));
        assert_eq!(line.slice(7..9).span(0..2), span(107, 109));
        let mut builder = Builder::default();
        builder.copy(&line, 0..7);
        builder.insert("12345", line.span(7..9));
        builder.copy(&line, 9..13);
        let built = builder.finish(None);
        assert_eq!(built.text, "weight 12345 now");
        assert_eq!(built.span(7..12), span(107, 109), "an inserted word is its parameter");
        assert_eq!(built.span(13..16), span(110, 113), "what follows is where it was");
        assert_eq!(built.span(0..16), span(100, 113));
        let tail = built.slice(10..16);
        assert_eq!(tail.text, "45 now");
        assert_eq!(tail.span(0..2), span(107, 109));
        assert_eq!(tail.span(3..6), span(110, 113));
        assert_eq!(tail.clone().trim().span(3..6), span(110, 113));
    }
}
