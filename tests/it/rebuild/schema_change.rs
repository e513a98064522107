//! A worked example: to be written.
