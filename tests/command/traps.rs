//! Captures that once got a wrong verdict, or could: each test says the law that they
//! are held to.

mod copies;
mod cuts;
mod floods;
mod logs;
mod null_ciphers;
mod paths;
mod run;
mod sessions;
mod smuggled;
mod targets;
