#![no_main]

use plainsight_fuzz::{seeds, targets};

libfuzzer_sys::fuzz_target!(init: seeds::plant("flow_log"), |data: &[u8]| targets::flow_log(data));
