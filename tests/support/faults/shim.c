/* Makes calls on files below one directory fail, be cut short, take their time or kill the process, as a page of memory
 * says that a test writes while the program runs.
 *
 *   LD_PRELOAD=shim.so FAULTS_DIRECTORY=/where/the/logs/are FAULTS_CONTROL=/a/file/of/4096/bytes
 *
 * The control file is mapped, so looking at the rules costs no system call. Its layout is that of `struct page`, which
 * control.py writes. Counts are kept there too: a test can wait for a fault to be met, and count calls.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* LOOK is a STAT by name, MODE a change of mode. */
enum op { WRITE, SYNC, TRUNCATE, OPEN, RENAME, LOCK, STAT, MKDIR, ACCESS, LOOK, MODE, UNLINK, READ, OPS };

#define RULES 16
#define FOR_EVER 0xffffffffu

struct rule {
    uint32_t ops;       /* bits; 0: no rule. Written last. */
    int32_t error;      /* errno; 0: only delays */
    uint32_t delay_ms;
    uint32_t skip;      /* calls let through first */
    uint32_t times;     /* calls it then acts on */
    uint32_t kills;     /* whether the process dies before the call */
    int64_t budget;     /* bytes that may still be written before it acts; -1: none */
    char match[96];     /* part of the path, or a pattern of all of it */
};

struct page {
    uint64_t calls[16]; /* by op, on files below the directory */
    uint64_t hits[RULES];
    struct rule rules[RULES];
};

_Static_assert(sizeof(struct rule) == 128, "as control.py has it");

static struct page *page;
static char directory[PATH_MAX];

__attribute__((constructor)) static void begin(void) {
    const char *control = getenv("FAULTS_CONTROL"), *below = getenv("FAULTS_DIRECTORY");
    if (!control || !below || strlen(below) >= sizeof directory) return;
    int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int descriptor = real_open(control, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return;
    void *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (mapped == MAP_FAILED) return;
    strcpy(directory, below);
    page = mapped;
}

#define REAL(result, name, ...)                                  \
    static result (*real)(__VA_ARGS__);                          \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int below(const char *path) {
    size_t length = strlen(directory);
    return !strncmp(path, directory, length) && (path[length] == '/' || path[length] == '\0' || path[length] == ' ');
}

static int path_at(int at, const char *name, char *path) {
    if (name && name[0] == '/') {
        if (strlen(name) >= PATH_MAX) return 0;
        strcpy(path, name);
        return 1;
    }
    char link[64];
    if (at == AT_FDCWD) strcpy(link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = '\0';
    if (name && name[0]) {
        if (length + 1 + strlen(name) >= PATH_MAX) return 0;
        path[length] = '/';
        strcpy(path + length + 1, name);
    }
    return 1;
}

static int matches(const char *path, const char *match) {
    return strchr(match, '*') ? !fnmatch(match, path, 0) : strstr(path, match) != NULL;
}

/* What the rules say of a call: the errno to fail with, or 0. `size` is cut to what may be written. */
static int judge(enum op op, int at, const char *name, size_t *size) {
    if (!page) return 0;
    int before = errno;
    char path[PATH_MAX];
    if (!path_at(at, name, path) || !below(path)) {
        errno = before;
        return 0;
    }
    __atomic_fetch_add(&page->calls[op], 1, __ATOMIC_SEQ_CST);
    int error = 0;
    for (int number = 0; number < RULES && !error; number++) {
        struct rule *rule = &page->rules[number];
        if (!(__atomic_load_n(&rule->ops, __ATOMIC_ACQUIRE) & 1u << op) || !matches(path, rule->match)) continue;
        if (rule->skip) {
            rule->skip--;
            continue;
        }
        if (!rule->times) continue;
        if (size && rule->budget > 0) {
            if (*size > (uint64_t)rule->budget) *size = rule->budget;
            rule->budget -= *size;
            continue;
        }
        if (rule->times != FOR_EVER) rule->times--;
        __atomic_fetch_add(&page->hits[number], 1, __ATOMIC_SEQ_CST);
        if (rule->delay_ms) {
            /* In slices, so that a test can lift the delay. */
            for (uint32_t slept = 0; slept < rule->delay_ms && rule->ops; slept++) {
                struct timespec slice = {0, 1000000};
                nanosleep(&slice, NULL);
            }
        }
        if (rule->kills) {
            kill(getpid(), SIGKILL);
            for (;;) pause();
        }
        error = rule->error;
    }
    errno = before;
    return error;
}

#define FAIL_AS_JUDGED(op, at, name, size)                       \
    do {                                                         \
        int error = judge(op, at, name, size);                   \
        if (error) {                                             \
            errno = error;                                       \
            return -1;                                           \
        }                                                        \
    } while (0)

ssize_t write(int fd, const void *bytes, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    FAIL_AS_JUDGED(WRITE, fd, NULL, &size);
    return real(fd, bytes, size);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    FAIL_AS_JUDGED(WRITE, fd, NULL, &size);
    return real(fd, bytes, size, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    FAIL_AS_JUDGED(WRITE, fd, NULL, &size);
    return real(fd, bytes, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    FAIL_AS_JUDGED(WRITE, fd, NULL, NULL);
    return real(fd, parts, count);
}

int fsync(int fd) {
    REAL(int, "fsync", int);
    FAIL_AS_JUDGED(SYNC, fd, NULL, NULL);
    return real(fd);
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    FAIL_AS_JUDGED(SYNC, fd, NULL, NULL);
    return real(fd);
}

int ftruncate(int fd, off_t size) {
    REAL(int, "ftruncate", int, off_t);
    FAIL_AS_JUDGED(TRUNCATE, fd, NULL, NULL);
    return real(fd, size);
}

int ftruncate64(int fd, off64_t size) {
    REAL(int, "ftruncate64", int, off64_t);
    FAIL_AS_JUDGED(TRUNCATE, fd, NULL, NULL);
    return real(fd, size);
}

#define WITH_MODE(flags, mode)                                        \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                       \
        va_list more;                                            \
        va_start(more, flags);                                   \
        mode = va_arg(more, mode_t);                             \
        va_end(more);                                            \
    }

#define OPENING(function)                                        \
    int function(const char *path, int flags, ...) {             \
        REAL(int, #function, const char *, int, ...);            \
        mode_t mode = 0;                                         \
        WITH_MODE(flags, mode)                                        \
        FAIL_AS_JUDGED(OPEN, AT_FDCWD, path, NULL);              \
        return real(path, flags, mode);                          \
    }

#define OPENING_AT(function)                                     \
    int function(int at, const char *path, int flags, ...) {     \
        REAL(int, #function, int, const char *, int, ...);       \
        mode_t mode = 0;                                         \
        WITH_MODE(flags, mode)                                        \
        FAIL_AS_JUDGED(OPEN, at, path, NULL);                    \
        return real(at, path, flags, mode);                      \
    }

OPENING(open)
OPENING(open64)
OPENING_AT(openat)
OPENING_AT(openat64)

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    FAIL_AS_JUDGED(RENAME, AT_FDCWD, from, NULL);
    return real(from, to);
}

int renameat(int from_at, const char *from, int to_at, const char *to) {
    REAL(int, "renameat", int, const char *, int, const char *);
    FAIL_AS_JUDGED(RENAME, from_at, from, NULL);
    return real(from_at, from, to_at, to);
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    FAIL_AS_JUDGED(UNLINK, AT_FDCWD, path, NULL);
    return real(path);
}

/* A rename that replaces nothing has no function in old C libraries. */
long syscall(long number, ...) {
    REAL(long, "syscall", long, ...);
    va_list more;
    long given[6];
    va_start(more, number);
    for (int index = 0; index < 6; index++) given[index] = va_arg(more, long);
    va_end(more);
    if (number == SYS_renameat2) FAIL_AS_JUDGED(RENAME, (int)given[0], (const char *)given[1], NULL);
    return real(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

ssize_t read(int fd, void *bytes, size_t size) {
    REAL(ssize_t, "read", int, void *, size_t);
    FAIL_AS_JUDGED(READ, fd, NULL, NULL);
    return real(fd, bytes, size);
}

ssize_t pread64(int fd, void *bytes, size_t size, off64_t offset) {
    REAL(ssize_t, "pread64", int, void *, size_t, off64_t);
    FAIL_AS_JUDGED(READ, fd, NULL, NULL);
    return real(fd, bytes, size, offset);
}

int flock(int fd, int operation) {
    REAL(int, "flock", int, int);
    FAIL_AS_JUDGED(LOCK, fd, NULL, NULL);
    return real(fd, operation);
}

#define CONTROLLING(function)                                    \
    int function(int fd, int command, ...) {                     \
        REAL(int, #function, int, int, ...);                     \
        va_list more;                                            \
        va_start(more, command);                                 \
        void *argument = va_arg(more, void *);                   \
        va_end(more);                                            \
        if (command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW) \
            FAIL_AS_JUDGED(LOCK, fd, NULL, NULL);                \
        return real(fd, command, argument);                      \
    }

CONTROLLING(fcntl)
CONTROLLING(fcntl64)

/* The standard library of Rust asks with null pointers whether the call exists. The compiler takes them for impossible. */
int statx(int at, const char *restrict path, int flags, unsigned mask, struct statx *restrict result) {
    REAL(int, "statx", int, const char *, int, unsigned, struct statx *);
    void *volatile asked = result;
    if (asked) FAIL_AS_JUDGED(STAT, at, path, NULL);
    if (asked && path[0]) FAIL_AS_JUDGED(LOOK, at, path, NULL);
    return real(at, path, flags, mask, result);
}

int fstat64(int fd, struct stat64 *result) {
    REAL(int, "fstat64", int, struct stat64 *);
    FAIL_AS_JUDGED(STAT, fd, NULL, NULL);
    return real(fd, result);
}

int stat64(const char *restrict path, struct stat64 *restrict result) {
    REAL(int, "stat64", const char *, struct stat64 *);
    FAIL_AS_JUDGED(STAT, AT_FDCWD, path, NULL);
    return real(path, result);
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    FAIL_AS_JUDGED(MKDIR, AT_FDCWD, path, NULL);
    return real(path, mode);
}

int chmod(const char *path, mode_t mode) {
    REAL(int, "chmod", const char *, mode_t);
    FAIL_AS_JUDGED(MODE, AT_FDCWD, path, NULL);
    return real(path, mode);
}

int fchmod(int fd, mode_t mode) {
    REAL(int, "fchmod", int, mode_t);
    FAIL_AS_JUDGED(MODE, fd, NULL, NULL);
    return real(fd, mode);
}

int access(const char *path, int mode) {
    REAL(int, "access", const char *, int);
    FAIL_AS_JUDGED(ACCESS, AT_FDCWD, path, NULL);
    return real(path, mode);
}
