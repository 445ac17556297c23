//! Findings about single values: numbers, times, addresses, words from a list.
super::rules! {
    BAD_NUMBER = error(201, "`{value}` is not a number", "{word} takes a whole number{range}");
    OUT_OF_RANGE = error(202, "{value} is out of range", "{word} takes {range}");
}
