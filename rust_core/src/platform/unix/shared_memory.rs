//! Shared memory, and whether it outlives the container of this process.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What distinguishes a directory from every other, even from one that is made later at the same path or with the same
/// number. It is the directory's identity, and its time of birth if the system knows it.
///
/// # Errors
/// When the directory cannot be probed.
pub fn birth(directory: &Path) -> io::Result<[u64; 3]> {
    let meta = directory.metadata()?;
    let born = meta.created().ok().and_then(|born| born.duration_since(std::time::UNIX_EPOCH).ok());
    let born = born.map_or(0, |born| u64::try_from(born.as_nanos()).unwrap_or(0));
    Ok([meta.dev(), meta.ino(), born])
}

/// Shared memory of this user, where the system has it.
#[must_use]
pub fn shared_memory_directory() -> Option<PathBuf> {
    // SAFETY: always succeeds.
    let user = unsafe { libc::geteuid() };
    let parent = Path::new("/dev/shm");
    parent.is_dir().then(|| parent.join(format!("unified_logger-{user}")))
}

/// Whether shared memory disappears with this process's container. Then records in it would not outlive a crash. A
/// doubtful sign counts, because a box beside the logs is right everywhere.
#[must_use]
pub fn is_in_container() -> bool {
    const FILES: [&str; 3] = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"];
    const VARIABLES: [&str; 5] = [
        "KUBERNETES_SERVICE_HOST",
        "container",
        "ECS_CONTAINER_METADATA_URI",
        "ECS_CONTAINER_METADATA_URI_V4",
        "K_SERVICE",
    ];
    FILES.iter().any(|path| Path::new(path).exists())
        || VARIABLES.iter().any(|name| std::env::var_os(name).is_some())
        || has_namespaces_of_its_own()
        || std::fs::read_to_string("/proc/self/mountinfo").is_ok_and(|mounts| has_root_of_layers(&mounts))
}

/// Whether the namespaces of processes or shared memory are not the machine's, which have fixed numbers
/// (`include/linux/proc_ns.h`).
fn has_namespaces_of_its_own() -> bool {
    [("pid", 0xEFFF_FFFC), ("ipc", 0xEFFF_FFFF)].into_iter().any(|(kind, of_the_machine)| {
        Path::new("/proc/self/ns").join(kind).metadata().is_ok_and(|meta| meta.ino() != of_the_machine)
    })
}

/// Whether the root directory is made of layers, as in a container.
fn has_root_of_layers(mounts: &str) -> bool {
    mounts.lines().any(|mount| {
        let mut parts = mount.split(" - ");
        let at = parts.next().and_then(|front| front.split(' ').nth(4));
        let kind = parts.next().and_then(|back| back.split(' ').next());
        at == Some("/") && matches!(kind, Some("overlay" | "aufs" | "fuse-overlayfs" | "fuse.fuse-overlayfs"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_of_layers_is_told_by_its_mount() {
        let of_layers =
            "30 1 0:5 / /proc rw - proc proc rw\n31 1 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/a - b";
        let of_a_disk = "31 1 8:1 / / rw - ext4 /dev/sda1 rw\n32 31 0:50 / /mnt rw shared:1 - overlay overlay rw";
        assert!(has_root_of_layers(of_layers));
        assert!(!has_root_of_layers(of_a_disk));
    }
}
