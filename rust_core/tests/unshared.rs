//! Files that children do not keep open are closed wherever a fork comes. Alone in its program: others would wait for locks that children hold for a moment.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use unified_logger_core::unshared::{Unshared, leave_files_to_parent};

#[test]
fn a_child_closes_them_also_where_another_thread_opens_some_at_the_fork() {
    let open = || Unshared::new(File::open("/dev/null").unwrap()).unwrap();
    let is_over = AtomicBool::new(false);
    let statuses: BTreeSet<i32> = thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    drop(open());
                }
            });
        }
        let status = |_| {
            let file = open();
            // SAFETY: the child only looks at memory and closes files, then ends at once.
            unsafe {
                let child = libc::fork();
                if child == 0 {
                    leave_files_to_parent();
                    libc::_exit(i32::from(file.is_held()));
                }
                let mut status = 0;
                libc::waitpid(child, &raw mut status, 0);
                if file.is_held() { status } else { -1 }
            }
        };
        let statuses = (0..1_000).map(status).collect();
        is_over.store(true, Ordering::Relaxed);
        statuses
    });
    assert_eq!(statuses, BTreeSet::from([0]));
}
