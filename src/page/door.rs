//! The door: how JavaScript hands over a call, and gets the answer.
//!
//! It writes a call into memory that [`alloc`] gave, and hands both to [`call`]. The answer is the number of its bytes, as four
//! bytes from the lowest, and then these bytes; [`free`] takes it back.

#![expect(unsafe_code, reason = "memory is handed across by its address")]

use std::alloc::Layout;
use std::{alloc, ptr, slice};

/// The bytes that say how long an answer is.
const HEAD: usize = 4;

/// Memory of so many bytes; null if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn alloc(length: usize) -> *mut u8 {
    match Layout::array::<u8>(length) {
        // SAFETY: the size is not zero.
        Ok(layout) if length > 0 => unsafe { alloc::alloc(layout) },
        _ => ptr::null_mut(),
    }
}

/// Takes memory back.
///
/// # Safety
///
/// It must be of [`alloc`] with this length, or an answer with [`HEAD`] bytes more than it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(memory: *mut u8, length: usize) {
    if let Ok(layout) = Layout::array::<u8>(length)
        && !memory.is_null()
        && length > 0
    {
        // SAFETY: it was allocated with this layout.
        unsafe { alloc::dealloc(memory, layout) };
    }
}

/// Answers a call, whose memory it takes; null if there is no memory for the answer.
///
/// # Safety
///
/// The memory must be of [`alloc`] with this length, and written in full.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call(memory: *mut u8, length: usize) -> *mut u8 {
    if memory.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: the caller wrote all of it.
    let answer = super::answer(unsafe { slice::from_raw_parts(memory, length) });
    // SAFETY: the caller handed it over.
    unsafe { free(memory, length) };
    let Ok(count) = u32::try_from(answer.len()) else {
        return ptr::null_mut();
    };
    let whole = [&count.to_le_bytes()[..], &answer].concat();
    let target = alloc(HEAD + answer.len());
    if !target.is_null() {
        // SAFETY: both are of this length, and apart.
        unsafe { ptr::copy_nonoverlapping(whole.as_ptr(), target, whole.len()) };
    }
    target
}
