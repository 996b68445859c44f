#![no_main]

use plainsight_fuzz::{seeds, targets};

libfuzzer_sys::fuzz_target!(init: seeds::plant("operator"), |data: &[u8]| targets::operator(data));
