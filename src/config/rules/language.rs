//! Findings about the language itself: words, quotes, braces, includes, keywords out of place.
super::rules! {
    UNKNOWN_KEYWORD = error(101, "unknown keyword `{word}` in {block}", "");
    UNKNOWN_KEYWORD_NEAR = error(102, "unknown keyword `{word}` in {block}", "did you mean `{near}`?");
    KEYWORD_ELSEWHERE = error(103, "`{word}` does not belong in {block}", "it belongs in {home}");
    MISSING_ARGUMENT = error(104, "`{word}` needs {needs}", "write `{word} {needs}`");
    MISSING_BLOCK = error(106, "`{word}` needs a block", "write `{line}`");
    UNEXPECTED_BLOCK = error(107, "`{word}` takes no block", "");
    ONE_LINE_BLOCK = error(108, "`{word}` swallows the keyword `{surplus}`: there is one statement a line", "write each on a line of its own:\n{reflowed}");
    ALIAS = error(109, "unknown keyword `{word}` in {block}", "{advice}");
    NOT_YET = warning(110, "`{word}` is accepted but has no effect yet", "{why}");
    NO_EFFECT = warning(111, "`{word}` has no effect", "{why}");
    OBSOLETE = note(112, "`{word}` is obsolete", "{why}");
    SURPLUS_IGNORED = warning(113, "`{word}` takes {takes}; `{surplus}` is ignored", "remove it");
    SIGN_BEHIND_KEYWORD = error(115, "no `{sign}` stands between `{word}` and its value", "remove it");
    MISSING_BRACE = error(120, "this block is never closed", "add a `}` where it ends");
    SURPLUS_BRACE = error(121, "this `}` closes nothing", "remove it");
    EARLY_BRACE = error(122, "this `}` closes a block too early", "remove it");
    STRAY_BLOCK = error(123, "this block has no keyword before its `{`", "write the keyword before the brace");
    NESTED_TOO_DEEP = error(124, "blocks are nested too deep here", "");
    UNTERMINATED_QUOTE = error(125, "the quote that begins here does not end on this line", "add a `\"` at the end of the text");
    CURLY_QUOTE = error(126, "`{character}` ({code}) is not a quote of this language", "write `\"`");
    WIDE_BRACE = error(127, "`{character}` ({code}) is not a brace of this language", "write `{meant}`");
    STRANGE_BLANK = error(128, "here is a blank that is none ({code})", "put a plain space in its place");
    SLASH_COMMENT = error(129, "`{sign}` does not start a comment", "write `#`");
    SLASH_COMMENT_BEHIND = warning(130, "`{sign}` does not start a comment; what follows is ignored", "write `#`");
    SEMICOLON = error(131, "a statement does not end with `;`", "remove it");
    LONE_SEMICOLON = warning(132, "a statement does not end with `;`", "remove it");
    BYTE_ORDER_MARK = note(133, "the file begins with a byte order mark", "save it as UTF-8 without one: keepalived stumbles over it");
    NOT_UTF8 = warning(134, "the file is not UTF-8 from here on", "save it as UTF-8");
    UTF16 = error(190, "the file is UTF-16", "save it as UTF-8: `iconv -f UTF-16 -t UTF-8`");
    ALLOW_UNKNOWN = warning(136, "there is no finding `{code}`, so nothing is silenced", "`ldirector explain` lists all codes");
    ALLOW_ERROR = warning(137, "{code} is an error and cannot be silenced", "mend what it reports");
    MISSING_OPENING = error(138, "the block of `{word}` has no `{{`", "add `{{` here");
    UNDEFINED_PARAMETER = error(140, "the parameter `{name}` is not defined", "define it before its use: `${name}=VALUE` on a line of its own");
    UNDEFINED_PARAMETER_KEPT = warning(141, "the parameter `{name}` is not defined; the text stays as it is", "define it before its use: `${name}=VALUE` on a line of its own");
    ENDLESS_PARAMETER = error(142, "this line never stops growing: a parameter contains itself", "");
    BEHIND_MULTI_LINE = error(143, "nothing may stand behind the parameter `{name}`, which has several lines", "put it on a line of its own");
    BAD_LOOP = error(144, "this loop is not understood: {why}", "for example: ~SEQ(N, 1, 4) 192.0.2.$N");
    INVISIBLE = error(145, "here is a character that nobody sees ({code})", "remove it");
    ENTITY = error(146, "`{entity}` is how a web page writes `{meant}`", "write `{meant}`");
    WIDE_CHARACTER = error(147, "`{character}` ({code}) is not the `{meant}` of this language", "write `{meant}`");
    BLANK_IN_DEFINITION = error(148, "no blank stands between `${name}` and `=`: this defines nothing", "write `${name}=VALUE`");
    TOO_DEEP = error(150, "includes or parameters are nested too deep here", "does a file include itself?");
    INCLUDE_NOTHING = warning(151, "`{pattern}` matches no file", "{advice}");
    INCLUDE_NOTHING_STRICT = error(152, "`{pattern}` matches no file", "{advice}");
    INCLUDE_UNREADABLE = warning(153, "{path} is not included: {why}", "{remedy}");
    INCLUDE_UNREADABLE_STRICT = error(154, "{path} is not included: {why}", "{remedy}");
    INCLUDE_FROM_PARAMETER = error(155, "an include cannot come from a parameter or a loop", "write the include line itself");
}

/// Whether a rule concerns the text itself, its lines and braces, and not what keywords mean.
pub(in crate::config) fn is_of_the_text(rule: &super::Rule) -> bool {
    (120..200).contains(&rule.code)
}
