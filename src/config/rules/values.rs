//! Findings about single values: numbers, times, addresses, words from a list.
super::rules! {
    BAD_NUMBER = error(201, "`{value}` is not a number", "{word} takes {what}");
    OUT_OF_RANGE = error(202, "{value} is out of range", "{word} takes {range}");
    UNIT = error(203, "{word} takes seconds without a unit", "remove `{tail}`: what keepalived makes of it depends on the keyword");
    TAIL = error(204, "`{tail}` stands behind the number", "did you mean {digits}?");
    PLACEHOLDER = error(205, "`{value}` is a placeholder", "put the real value in its place");
    BAD_BOOLEAN = error(206, "`{value}` is neither on nor off", "{word} takes on, true, yes, off, false or no");
    BAD_ADDRESS = error(207, "`{value}` is not an address", "an IPv4 address has four numbers from 0 to 255");
    HOST_NAME = error(208, "`{value}` is not an address", "{word} takes an IPv4 or IPv6 address, no name");
    ADDRESS_AND_PORT = error(209, "`{value}` is not an address", "write address and port as two words");
    MASK_IGNORED = warning(210, "`{tail}` is ignored here", "{word} takes an address without a mask");
    BAD_LENGTH = error(211, "`{value}` has no usable prefix length", "write a number from 0 to {bits} behind the slash");
    NOT_IN_LIST = error(212, "{word} knows no `{value}`", "choose one of {choices}");
    NOT_IN_LIST_NEAR = error(213, "{word} knows no `{value}`", "did you mean `{near}`?");
    NOTATION = error(214, "`{value}` is the manual's notation for a choice", "choose one of {choices}");
    BAD_HEX = error(215, "`{value}` is not hexadecimal", "{word} takes digits 0-9 and a-f");
    EMPTY_COMMAND = error(216, "{word} has no command", "write the command behind it, in double quotes if it has arguments");
    BRACKETS = error(218, "`{value}` is an address in brackets", "write it without brackets: `{near}`");
    LIST_COMMA = error(219, "`{value}` has a comma", "remove it: blanks stand between words, and every address of a list on a line of its own");
    LEADING_ZEROS = error(220, "`{value}` has a number that begins with a zero", "write `{near}`: some programs take such a number as an octal one");
    ADDRESS_RANGE = error(221, "`{value}` is a range of addresses", "{word} takes one address to a line");
    BAD_ADDRESS_V6 = error(222, "`{value}` is not an address", "an IPv6 address has eight groups of up to four hexadecimal digits; `::` stands for groups of zeros, once");
    PORT_NOT_HERE = error(223, "`{value}` is an address with a port", "{word} takes an address alone: `{near}`");
    PLACEHOLDER_LIKE = warning(224, "`{value}` looks like a placeholder", "put the real name in its place; `ip link` lists them");
    OTHER_UNIT = error(217, "{word} takes seconds without a unit", "write `{seconds}`");
}
