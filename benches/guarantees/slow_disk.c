/* Preloaded into a program: regular files take `slow_disk_rate` bytes a second. The program may change the rate; 0 is unlimited. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

long slow_disk_rate = 0;

__attribute__((constructor)) static void read_rate(void)
{
    const char *rate = getenv("SLOW_DISK_RATE");
    slow_disk_rate = rate ? atol(rate) : 0;
}

static void take_time(int fd, ssize_t bytes)
{
    struct stat file;
    long rate = slow_disk_rate;
    if (rate <= 0 || bytes <= 0 || fstat(fd, &file) != 0 || !S_ISREG(file.st_mode))
        return;
    double seconds = (double)bytes / (double)rate;
    struct timespec pause = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&pause, NULL);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (!real)
        real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    ssize_t done = real(fd, bytes, length);
    take_time(fd, done);
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    static ssize_t (*real)(int, const struct iovec *, int);
    if (!real)
        real = (ssize_t (*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
    ssize_t done = real(fd, parts, count);
    take_time(fd, done);
    return done;
}
