#![no_main]

use plainsight_fuzz::{saved, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::plant("saved"), |data: &[u8]| saved::saved(data));
