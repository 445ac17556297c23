//! What the allocator does with the memory that reading a big file takes: several times that of its
//! model, for a moment.
use std::time::Duration;

/// A start or a reload is over by then.
const LATER: Duration = Duration::from_secs(2);

/// First thing in a process: buffers of any size come from one heap and are used again, instead of
/// being fetched from the system and given back one by one.
pub(super) fn prepare() {
    #[cfg(target_env = "gnu")]
    #[allow(unsafe_code, reason = "mallopt(3) has no safe wrapper")]
    // SAFETY: they only set numbers, before any other thread is there.
    unsafe {
        const BIG: libc::c_int = 1 << 28;
        libc::mallopt(libc::M_MMAP_THRESHOLD, BIG);
        libc::mallopt(libc::M_TRIM_THRESHOLD, BIG);
        libc::mallopt(libc::M_TOP_PAD, 1 << 20);
    }
}

/// Gives back what the heap does not need, soon. Within a runtime.
pub(super) fn give_back_later() {
    tokio::spawn(async {
        tokio::time::sleep(LATER).await;
        give_back();
    });
}

fn give_back() {
    #[cfg(target_env = "gnu")]
    #[allow(unsafe_code, reason = "malloc_trim(3) has no safe wrapper")]
    // SAFETY: it only returns free pages; it may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
