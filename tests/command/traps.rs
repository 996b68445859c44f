//! Captures that once got a wrong verdict, or could: each test says the law that they
//! are held to.

mod coats;
mod cuts;
mod floods;
mod paths;
mod run;
mod sessions;
