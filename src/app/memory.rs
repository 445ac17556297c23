//! Gives memory back to the system after a big file was read.

/// Reading a file takes several times what its model takes; glibc would keep all of it for us.
pub(super) fn give_back() {
    #[cfg(target_env = "gnu")]
    #[allow(unsafe_code, reason = "malloc_trim(3) has no safe wrapper")]
    // SAFETY: it only returns free pages; it may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
