#![no_main]

use plainsight_fuzz::{seeds, targets};

libfuzzer_sys::fuzz_target!(init: seeds::plant("export"), |data: &[u8]| targets::export(data));
