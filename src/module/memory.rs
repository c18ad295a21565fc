//! The module's memory.
//!
//! The C library's allocator was 9 KB of the module and a tenth of a request's instructions. Requests here need a handful of
//! blocks for a moment, of the same few sizes, so that a list of free blocks for each size serves nearly all.

#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

use std::alloc::{GlobalAlloc, Layout};
use std::arch::wasm32::{memory_grow, memory_size};
use std::cell::UnsafeCell;
use std::ptr;

#[global_allocator]
static MEMORY: Memory = Memory {
    small: UnsafeCell::new([ptr::null_mut(); SMALL / UNIT + 1]),
    large: UnsafeCell::new(ptr::null_mut()),
};

/// All blocks are of a multiple of so many bytes, and begin at one.
const UNIT: usize = 16;

/// The size of the largest blocks that stay what they are once they were made. Larger ones are cut and put together.
const SMALL: usize = 512;

const PAGE: usize = 65536;

struct Memory {
    /// The free blocks of each small size.
    small: UnsafeCell<[*mut Block; SMALL / UNIT + 1]>,
    /// All other free memory, in the order of addresses, so that neighbours become one.
    large: UnsafeCell<*mut Block>,
}

/// Free memory. What is in use has no such head: whoever frees it knows its size.
struct Block {
    next: *mut Block,
    size: usize,
}

// SAFETY: a VM has one thread.
unsafe impl Sync for Memory {}

// SAFETY: a block that is handed out is in no list, large enough and aligned.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size().next_multiple_of(UNIT);
        // Nothing here asks for more.
        if layout.align() > UNIT {
            return ptr::null_mut();
        }
        // SAFETY: lists hold valid blocks, and nobody else has them during this call.
        unsafe {
            match self.list_of(size) {
                Some(list) if !(*list).is_null() => pop(list).cast(),
                _ => self.take(size).cast(),
            }
        }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let size = layout.size().next_multiple_of(UNIT);
        // SAFETY: as above; the caller gives the block away.
        unsafe {
            match self.list_of(size) {
                Some(list) => push(list, at.cast(), size),
                None => self.give(at.cast(), size),
            }
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, new: usize) -> *mut u8 {
        let old = layout.size().next_multiple_of(UNIT);
        let size = new.next_multiple_of(UNIT);
        // SAFETY: as above; what lies behind the block is only taken if it is free.
        unsafe {
            if size == old || size > old && old > SMALL && self.take_at(at.add(old).cast(), size - old) {
                return at;
            }
            let moved = self.alloc(Layout::from_size_align_unchecked(new, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(at, moved, layout.size().min(new));
                self.dealloc(at, layout);
            }
            moved
        }
    }
}

impl Memory {
    /// The free blocks of a size; `None` for large ones.
    fn list_of(&self, size: usize) -> Option<*mut *mut Block> {
        // SAFETY: the list is one of the array's.
        (size <= SMALL).then(|| unsafe { self.small.get().cast::<*mut Block>().add(size / UNIT) })
    }

    /// Cuts a block from the first free memory that is large enough; null if the proxy has no more.
    unsafe fn take(&self, size: usize) -> *mut Block {
        // SAFETY: the list holds valid blocks.
        unsafe {
            loop {
                let (mut list, mut last) = (self.large.get(), ptr::null_mut());
                while !(*list).is_null() {
                    if (**list).size >= size {
                        return cut(list, size);
                    }
                    last = *list;
                    list = &raw mut (**list).next;
                }
                // What comes next to the last is one with it.
                let top: *mut Block = ptr::with_exposed_provenance_mut(memory_size(0) * PAGE);
                let is_at_top = !last.is_null() && last.byte_add((*last).size) == top;
                let there = if is_at_top { (*last).size } else { 0 };
                let pages = (size - there).div_ceil(PAGE);
                if memory_grow(0, pages) == usize::MAX {
                    return ptr::null_mut();
                }
                self.give(top, pages * PAGE);
            }
        }
    }

    /// Takes the memory from here on, if it is free.
    unsafe fn take_at(&self, at: *mut Block, size: usize) -> bool {
        // SAFETY: the list holds valid blocks.
        unsafe {
            let (list, _) = self.find(at);
            let is_free = *list == at && (*at).size >= size;
            if is_free {
                cut(list, size);
            }
            is_free
        }
    }

    /// Makes memory free, and one with that before and behind it.
    unsafe fn give(&self, at: *mut Block, size: usize) {
        // SAFETY: the caller gives the memory away, and the list holds valid blocks.
        unsafe {
            let (list, before) = self.find(at);
            push(list, at, size);
            join(at);
            if !before.is_null() {
                join(before);
            }
        }
    }

    /// Where an address is in the list of large blocks, or would be, and the block before it.
    unsafe fn find(&self, at: *mut Block) -> (*mut *mut Block, *mut Block) {
        let (mut list, mut before) = (self.large.get(), ptr::null_mut());
        // SAFETY: the list holds valid blocks.
        unsafe {
            while !(*list).is_null() && *list < at {
                before = *list;
                list = &raw mut (**list).next;
            }
        }
        (list, before)
    }
}

/// Takes a size off the first block of a list.
unsafe fn cut(list: *mut *mut Block, size: usize) -> *mut Block {
    // SAFETY: the caller has seen that the block is there, and as large.
    unsafe {
        let block = pop(list);
        if (*block).size > size {
            push(list, block.byte_add(size), (*block).size - size);
        }
        block
    }
}

unsafe fn pop(list: *mut *mut Block) -> *mut Block {
    // SAFETY: the caller has seen that there is a block.
    unsafe { ptr::replace(list, (**list).next) }
}

unsafe fn push(list: *mut *mut Block, at: *mut Block, size: usize) {
    // SAFETY: the memory is the caller's to give.
    unsafe {
        at.write(Block { next: *list, size });
        *list = at;
    }
}

/// Makes a block one with the next, if nothing lies between the two.
unsafe fn join(block: *mut Block) {
    // SAFETY: the block and the next are valid.
    unsafe {
        let next = (*block).next;
        if block.byte_add((*block).size) == next {
            (*block).size += (*next).size;
            (*block).next = (*next).next;
        }
    }
}

/// In the place of the C library's, which compares byte by byte. All names, hosts and origins are compared by it.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, size: usize) -> i32 {
    const WORD: usize = size_of::<u64>();
    let mut at = 0;
    // SAFETY: the caller says that there are so many bytes.
    unsafe {
        while at + WORD <= size {
            let (ours, theirs) = (left.add(at).cast::<u64>(), right.add(at).cast::<u64>());
            if ours.read_unaligned() != theirs.read_unaligned() {
                break;
            }
            at += WORD;
        }
        while at < size {
            let (ours, theirs) = (*left.add(at), *right.add(at));
            if ours != theirs {
                return i32::from(ours) - i32::from(theirs);
            }
            at += 1;
        }
    }
    0
}

/// What the standard library asks of the C library before it prints a panic: how much of the stack to print with it. The C
/// library's own function would bring its allocator along.
#[unsafe(no_mangle)]
extern "C" fn getenv(_name: *const u8) -> *const u8 {
    ptr::null()
}

/// What it would ask to print the stack.
#[unsafe(no_mangle)]
extern "C" fn getcwd(_text: *mut u8, _size: usize) -> *const u8 {
    ptr::null()
}
