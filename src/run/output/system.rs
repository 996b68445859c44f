//! Parts of writing files that systems do in their own way.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(target_os = "linux")]
use nix::errno::Errno;
#[cfg(target_os = "linux")]
use nix::fcntl::posix_fallocate;

/// Sets the permissions of a file that is to be made. Where there are none of this kind, the
/// folder's hold for what is in it.
pub(super) fn set_mode(options: &mut OpenOptions, mode: u32) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, mode);
    #[cfg(not(unix))]
    let _ = (options, mode);
}

/// Permissions of a file, where the system has them as bits.
pub(super) fn mode(known: &Metadata) -> Option<u32> {
    #[cfg(unix)]
    let mode = Some(std::os::unix::fs::MetadataExt::mode(known) & 0o777);
    #[cfg(not(unix))]
    let mode = {
        let _ = known;
        None
    };
    mode
}

/// Folder that is held open where the system allows it.
#[derive(Debug)]
pub(super) struct Folder(#[cfg(unix)] File);

impl Folder {
    /// Opens a folder.
    ///
    /// # Errors
    /// It cannot be opened, or is none.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        #[cfg(unix)]
        let folder = Self(File::open(path)?);
        #[cfg(not(unix))]
        let folder = {
            std::fs::read_dir(path)?;
            Self()
        };
        Ok(folder)
    }

    /// Has the names in it reach the disk. Windows sees to that itself.
    ///
    /// # Errors
    /// Those of the disk.
    #[cfg_attr(
        not(unix),
        allow(
            clippy::unused_self,
            clippy::unnecessary_wraps,
            reason = "as elsewhere"
        )
    )]
    pub(super) fn sync(&self) -> io::Result<()> {
        #[cfg(unix)]
        self.0.sync_all()?;
        Ok(())
    }
}

/// Takes the room that a file needs, so that it is written wholly or not at all. Where there is
/// no such call, the attempt itself has to tell.
///
/// # Errors
/// There is no room.
#[cfg(target_os = "linux")]
pub(super) fn reserve(file: &File, len: u64) -> io::Result<()> {
    let before = file.metadata()?.len();
    let wanted = i64::try_from(len).map_err(io::Error::other)?;
    match posix_fallocate(file, 0, wanted) {
        Ok(()) | Err(Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EINVAL) => Ok(()),
        Err(error) => {
            file.set_len(before)?;
            Err(error.into())
        }
    }
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps, reason = "it fails where the call is")]
pub(super) fn reserve(_file: &File, _len: u64) -> io::Result<()> {
    Ok(())
}
