//! A file that is this library's for as long as its number leads to it.
//!
//! Numbers of open files belong to the process: a program that becomes a daemon closes all of them, and the next file that it opens gets
//! one of the library's. So a number is looked at before anything is done with it, and one that leads elsewhere is forgotten.

use std::fs::{File, Metadata};
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;

use super::{Identity, Number};

/// A file that is not touched any more, nor closed, once its number leads elsewhere.
#[derive(Debug)]
pub struct OwnFile {
    file: ManuallyDrop<File>,
    number: Number,
}

impl OwnFile {
    /// Takes a file that was just opened.
    ///
    /// # Errors
    /// When the system does not tell what it is.
    pub fn new(file: File) -> io::Result<Self> {
        Ok(Self { number: Number::of(&file)?, file: ManuallyDrop::new(file) })
    }

    #[must_use]
    pub fn identity(&self) -> Identity {
        self.number.identity
    }

    #[must_use]
    pub fn number(&self) -> Number {
        self.number
    }

    /// What the file is now; `None` once its number leads elsewhere.
    ///
    /// # Errors
    /// When the probe fails, which tells nothing of the number.
    pub fn probe(&self) -> io::Result<Option<Metadata>> {
        self.number.probe(&self.file)
    }

    /// Writes all of `bytes` at an offset of the file.
    ///
    /// # Errors
    /// When the system refuses, or the number leads elsewhere.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if !self.is_held() {
            return Err(io::Error::other("the program has closed its descriptor"));
        }
        super::write_at(self, bytes, offset)
    }

    /// Whether its number still leads to it. A probe that fails for another reason leaves it at that.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.number.is_held()
    }
}

impl Deref for OwnFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if self.is_held() {
            // SAFETY: dropped only here.
            unsafe { ManuallyDrop::drop(&mut self.file) };
        }
    }
}
