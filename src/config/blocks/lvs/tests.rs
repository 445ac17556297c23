//! Services as written and as settled.
