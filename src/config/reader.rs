//! Pieces to statements: which braces belong together, and where one is missing or too many.
use super::{
    diagnostic::{Diagnostics, Doubted},
    expand::{Expander, Piece},
    known::FirstLine,
    line::Line,
    rules::language as rules,
    source::{Sources, Span},
    tree::{Block, Statement, Word},
};
use std::{borrow::Cow, cell::RefCell};

/// Blocks within one another; no keyword needs more than five.
const MAX_DEPTH: usize = 64;

/// [`super::known::opens_a_block`].
type Opens = fn(Option<&str>, &[Word<'_>], Option<FirstLine<'_, '_>>) -> bool;

/// An iterator over the top-level statements, one at a time, so that a large file is never held as
/// a tree. A brace that is missing or too many is reported once, where the mistake was most likely
/// made, judging by indentation and by blocks that stand only at the top level.
pub(super) struct Reader<'s, 'd> {
    expander: Expander<'s>,
    out: &'d RefCell<Diagnostics>,
    /// Whether these words open a block that stands at the top level only.
    is_root: fn(&[Word<'_>]) -> bool,
    opens: Opens,
    /// The words that open the top-level block.
    top: Span,
    /// Indentations of the blocks that are open, outermost first.
    indents: Vec<Option<u32>>,
    /// Their keywords.
    keywords: Vec<Cow<'s, str>>,
    /// A brace that is indented like that of a block further out: if one turns out to be missing,
    /// it was before this one.
    misplaced: Option<Suspect>,
    /// A brace that closed the last top-level block, indented deeper than that block: if it turns
    /// out that something of the block follows, this one is too many.
    early: Option<Suspect>,
    /// A missing brace was reported for this top-level statement.
    reported: bool,
}

#[derive(Clone, Copy, Debug)]
struct Suspect {
    block: Span,
    close: Span,
}

impl<'s, 'd> Reader<'s, 'd> {
    pub(super) fn new(
        sources: &'s Sources,
        is_root: fn(&[Word<'_>]) -> bool,
        opens: Opens,
        out: &'d RefCell<Diagnostics>,
    ) -> Self {
        let expander = Expander::new(sources, &mut out.borrow_mut());
        Self {
            expander,
            out,
            is_root,
            opens,
            top: Span::default(),
            indents: vec![],
            keywords: vec![],
            misplaced: None,
            early: None,
            reported: false,
        }
    }

    fn piece(&mut self) -> Option<Piece<'s>> {
        self.expander.next(&mut self.out.borrow_mut())
    }

    /// The statement of these words, with its block if one follows.
    fn statement(&mut self, mut words: Vec<Word<'s>>, line: Line<'s>) -> Statement<'s> {
        let indent = line.indent;
        let around = self.keywords.last().cloned();
        let keyword = words.first().map_or(Cow::Borrowed(""), |word| word.text.clone());
        let bracket = self.bracket(around.as_deref(), &mut words);
        let span = match (words.first(), words.last()) {
            (Some(first), Some(last)) if first.span.file == last.span.file => {
                Span { end: last.span.end.max(first.span.end), ..first.span }
            }
            (Some(first), _) => first.span,
            (None, _) => Span::default(),
        };
        let open = match (bracket, self.piece()) {
            (None, Some(Piece::Open(open))) => Some(open),
            (bracket, Some(next)) => {
                let missing = match (&next, indent) {
                    (
                        Piece::Words { words: first, line: Line { indent: Some(at), .. } },
                        Some(own),
                    ) if bracket.is_none() && *at >= own => {
                        let first = FirstLine { words: first, deeper: *at > own };
                        (self.opens)(around.as_deref(), &words, Some(first))
                    }
                    _ => false,
                };
                self.expander.put_back(next);
                let end = Span { start: span.end, ..span };
                if missing {
                    self.out
                        .borrow_mut()
                        .report(rules::MISSING_OPENING, end)
                        .with("word", &keyword)
                        .mend_with(" {");
                }
                bracket.map(|(span, _)| span).or_else(|| missing.then_some(end))
            }
            (bracket, None) => bracket.map(|(span, _)| span),
        };
        let block = open.map(|open| {
            self.keywords.push(keyword);
            let block = self.block(span, open, indent, bracket.map(|(_, close)| close));
            self.keywords.pop();
            block
        });
        Statement { words, raw: line.text, block, span }
    }

    /// Where `(` or `[` stands for the brace behind the words of a block, and what closes it.
    fn bracket(
        &self,
        around: Option<&str>,
        words: &mut Vec<Word<'s>>,
    ) -> Option<(Span, &'static str)> {
        let (last, before) = words.split_last()?;
        let (open, close) = match last.as_str() {
            "(" => ('(', ")"),
            "[" => ('[', "]"),
            _ => return None,
        };
        if !(self.opens)(around, before, None) {
            return None;
        }
        let span = last.span;
        words.pop();
        self.out
            .borrow_mut()
            .report(rules::WIDE_BRACE, span)
            .with("character", open)
            .with("code", format!("U+{:04X}", u32::from(open)))
            .with("meant", "{")
            .mend_with("{");
        Some((span, close))
    }

    /// `bracket` closes it as a brace does.
    fn block(
        &mut self,
        opener: Span,
        open: Span,
        indent: Option<u32>,
        bracket: Option<&str>,
    ) -> Block<'s> {
        if self.indents.len() >= MAX_DEPTH {
            self.out.borrow_mut().report(rules::NESTED_TOO_DEEP, open);
            self.skip();
            return Block { body: vec![], open, close: open };
        }
        if self.indents.is_empty() {
            self.top = opener;
        }
        self.indents.push(indent);
        let mut body = vec![];
        let close = loop {
            match self.piece() {
                None => {
                    let end = self.expander.end();
                    self.missing(opener, open, None);
                    break end;
                }
                Some(Piece::Close { span, indent: brace }) => {
                    self.judge(opener, span, indent, brace);
                    break span;
                }
                Some(Piece::Open(span)) => {
                    self.out.borrow_mut().report(rules::STRAY_BLOCK, span);
                    self.skip();
                }
                Some(Piece::Words { words, .. })
                    if words.len() == 1 && words.first().map(Word::as_str) == bracket =>
                {
                    let span = words.first().map_or(open, |word| word.span);
                    let mut out = self.out.borrow_mut();
                    if let Some(found) = out.of(rules::WIDE_BRACE, open) {
                        found.mend_also(span, "}");
                    }
                    break span;
                }
                Some(Piece::Words { words, line }) => {
                    if self.is_outside(line.indent) && self.opens_a_root_block(&words) {
                        self.missing(opener, open, words.first().map(|word| word.span));
                        self.expander.put_back(Piece::Words { words, line });
                        break open;
                    }
                    body.push(self.statement(words, line));
                }
            }
        };
        self.indents.pop();
        Block { body, open, close }
    }

    /// Notes a closing brace that stands where another block's would.
    fn judge(&mut self, block: Span, close: Span, own: Option<u32>, brace: Option<u32>) {
        let (Some(own), Some(brace)) = (own, brace) else { return };
        let around = self.indents.split_last().map_or(&[][..], |(_, around)| around);
        if brace < own && around.contains(&Some(brace)) && self.misplaced.is_none() {
            self.misplaced = Some(Suspect { block, close });
        }
        if brace > own && around.is_empty() {
            self.early = Some(Suspect { block, close });
        }
    }

    /// A line that is indented deeper than the top-level block it stands in was meant to stand there.
    fn is_outside(&self, indent: Option<u32>) -> bool {
        match (indent, self.indents.first()) {
            (Some(line), Some(Some(block))) => line <= *block,
            (Some(_) | None, Some(_) | None) => true,
        }
    }

    /// A top-level block begins: its keyword, and then a brace.
    fn opens_a_root_block(&mut self, words: &[Word<'s>]) -> bool {
        if !(self.is_root)(words) {
            return false;
        }
        match self.piece() {
            Some(next) => {
                let opens = matches!(next, Piece::Open(_));
                self.expander.put_back(next);
                opens
            }
            None => false,
        }
    }

    /// Reports a missing brace once for all the blocks that it leaves open.
    fn missing(&mut self, opener: Span, open: Span, noticed: Option<Span>) {
        if std::mem::replace(&mut self.reported, true) {
            return;
        }
        let mut out = self.out.borrow_mut();
        let misplaced = self.misplaced.take();
        let (from, doubted) = match misplaced {
            // The block swallows what follows.
            Some(suspect) => (suspect.block, Doubted::All),
            // Any of the blocks may do so.
            None => (self.top, Doubted::Keywords),
        };
        out.doubt(self.top, from, noticed, doubted);
        let found = match misplaced {
            Some(suspect) => out
                .report(rules::MISSING_BRACE, suspect.block)
                .label(suspect.close, "this brace closes it, though it is indented like another's"),
            None => out.report(rules::MISSING_BRACE, opener).label(open, "opened here"),
        };
        if let Some(noticed) = noticed {
            found.label(noticed, "a block of the top level begins inside it");
        }
    }

    /// Skips what follows an opening brace, up to and with the closing one.
    fn skip(&mut self) {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.piece() {
                None => return,
                Some(Piece::Open(_)) => depth += 1,
                Some(Piece::Close { .. }) => depth -= 1,
                Some(Piece::Words { .. }) => {}
            }
        }
    }
}

impl<'s> Iterator for Reader<'s, '_> {
    type Item = Statement<'s>;

    fn next(&mut self) -> Option<Statement<'s>> {
        loop {
            match self.piece()? {
                Piece::Open(span) => {
                    self.out.borrow_mut().report(rules::STRAY_BLOCK, span);
                    self.skip();
                }
                Piece::Close { span, .. } => {
                    let early = self.early.take();
                    let mut out = self.out.borrow_mut();
                    let found = out.report(rules::SURPLUS_BRACE, span);
                    if let Some(early) = early {
                        found
                            .label(early.block, "this block")
                            .label(early.close, "was closed here already");
                    }
                }
                Piece::Words { words, line } => {
                    let first = words.first().map(|word| (word.span, (self.is_root)(&words)));
                    if let (Some((span, false)), Some(early)) = (first, self.early.take()) {
                        let mut out = self.out.borrow_mut();
                        out.doubt(early.block, early.close, Some(early.close), Doubted::All);
                        out.report(rules::EARLY_BRACE, early.close)
                            .label(early.block, "this block ends there")
                            .label(span, "but this still seems to belong to it")
                            .replace_with("");
                        drop(out);
                        self.skip();
                        continue;
                    }
                    self.reported = false;
                    self.misplaced = None;
                    return Some(self.statement(words, line));
                }
            }
        }
    }
}
