//! Packets of the inputs, to be had once the report is known.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use super::Context;
use crate::cli::Analyze;
use crate::engine::Engine;
use crate::input::Input;
use crate::run::evidence::keeper::PacketKeeper;
use crate::run::evidence::{PacketSource, PacketSources};

/// Places that the packets of each input are had from; none where nobody asks for them.
pub(super) struct InputPackets(Vec<InputPacketPlace>);

enum InputPacketPlace {
    File(PathBuf),
    Keeper(Mutex<PacketKeeper>),
}

impl InputPackets {
    pub(super) fn of(captures: &[Input], config: &Analyze, engine: &Engine) -> Self {
        let Some(wish) = &config.evidence else {
            return Self(Vec::new());
        };
        let keeper = || Mutex::new(PacketKeeper::new(engine.decode.clone(), wish.cut));
        let place = |input: &Input| match input.path() {
            Some(path) => InputPacketPlace::File(path.to_owned()),
            None => InputPacketPlace::Keeper(keeper()),
        };
        Self(captures.iter().map(place).collect())
    }

    /// Keeper of the packets of an input, if it can be read only once. It is locked for all of
    /// that input, which one worker walks.
    pub(super) fn keeper(&self, file: u32) -> Option<MutexGuard<'_, PacketKeeper>> {
        match self.0.get(file as usize)? {
            InputPacketPlace::File(_) => None,
            InputPacketPlace::Keeper(keeper) => Some(keeper.lock().expect("no holder panics")),
        }
    }
}

impl Context<'_> {
    /// Sources of the packets that the report names.
    pub(super) fn sources(self) -> PacketSources {
        let source = |place| match place {
            InputPacketPlace::File(path) => PacketSource::File(path),
            InputPacketPlace::Keeper(keeper) => {
                let keeper = &mut *keeper.lock().expect("no holder panics");
                PacketSource::Kept(keeper.take())
            }
        };
        PacketSources {
            inputs: self.packets.0.into_iter().map(source).collect(),
            decode: self.engine.decode.clone(),
            names: self.interfaces.names(),
        }
    }
}
