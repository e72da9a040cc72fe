//! How the C library's allocator keeps memory.
//!
//! glibc gives each thread that allocates an arena of its own, up to eight for each core, and keeps in
//! it what was freed there; and it raises the size from which memory is mapped (and so given back
//! when freed) whenever a larger piece was freed. A player has some fifteen threads, and a software
//! driver that compiles shaders on several of them: 57 of the 128 MB that a window with a 4K clip had on
//! the heap lay idle by that. Two arenas, and mapping from a fixed size on, cost no measurable time.

/// Arenas for all threads together.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS: i32 = 2;

/// Pieces of this many bytes and more are mapped one by one.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_BYTES: i32 = 128 << 10;

/// Freed bytes at an arena's end that are kept.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT_BYTES: i32 = 128 << 10;

/// Makes the C library keep less. For programs, once, before they start threads; libraries leave
/// the choice to their program. Does nothing where the library is not glibc.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library is set up by calling it")]
pub fn keep_heap_small() {
    use std::ffi::c_int;

    // From malloc.h, where they are part of the interface.
    const M_TRIM_THRESHOLD: c_int = -1;
    const M_MMAP_THRESHOLD: c_int = -3;
    const M_ARENA_MAX: c_int = -8;

    unsafe extern "C" {
        fn mallopt(param: c_int, value: c_int) -> c_int;
    }

    for (param, value) in [
        (M_ARENA_MAX, ARENAS),
        (M_MMAP_THRESHOLD, MAPPED_BYTES),
        (M_TRIM_THRESHOLD, KEPT_BYTES),
    ] {
        // SAFETY: it takes two numbers and its own lock; any values are allowed.
        let accepted = unsafe { mallopt(param, value) };
        if accepted == 0 {
            tracing::debug!("the allocator refuses setting {param}");
        }
    }
}

/// Nothing to set.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_heap_small() {}
