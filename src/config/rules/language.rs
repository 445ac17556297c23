//! Findings about the language itself: words, quotes, braces, includes, keywords out of place.
super::rules! {
    UNKNOWN_KEYWORD = error(101, "unknown keyword `{word}` in {block}", "");
    UNKNOWN_KEYWORD_NEAR = error(102, "unknown keyword `{word}` in {block}", "did you mean `{near}`?");
    KEYWORD_ELSEWHERE = error(103, "`{word}` does not belong in {block}", "it belongs in {home}");
    MISSING_ARGUMENT = error(104, "`{word}` needs {needs}", "write `{word} {needs}`");
    SURPLUS_WORDS = error(105, "`{word}` takes {takes}; `{surplus}` is one word too many", "remove it, or put it on a line of its own if it is a keyword");
    MISSING_BLOCK = error(106, "`{word}` needs a block", "write `{word} {{ ... }}`");
    UNEXPECTED_BLOCK = error(107, "`{word}` takes no block", "");
    NOT_YET = warning(110, "`{word}` is accepted but has no effect yet", "{why}");
    NO_EFFECT = warning(111, "`{word}` has no effect", "{why}");
    OBSOLETE = note(112, "`{word}` is obsolete", "{why}");
}
