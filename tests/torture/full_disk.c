/* A disk that is full at the n-th write below a folder: loaded before all else, it takes the place of what writes.

   Counted are the calls that need room: a file that is made, a write to it, its sync, a name that is changed, a folder
   that is made. What is removed needs none. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char folder[4096];
static long count, fails_at;
static int from_then_on;

/* Fail at call number `at` below the folder, and with `on` at all later ones; at 0 none fails, but all are counted */
void full_disk(const char *below, long at, int on) {
    strncpy(folder, below, sizeof folder - 1);
    count = 0;
    fails_at = at;
    from_then_on = on;
}

long calls_so_far(void) { return count; }

static int is_full(const char *path) {
    char here[4096];
    if (!*folder || !path) return 0;
    if (*path != '/') {
        if (!getcwd(here, sizeof here - 1)) return 0;
        strncat(here, "/", sizeof here - strlen(here) - 1);
        strncat(here, path, sizeof here - strlen(here) - 1);
        path = here;
    }
    if (strncmp(path, folder, strlen(folder))) return 0;
    ++count;
    if (!fails_at || (from_then_on ? count < fails_at : count != fails_at)) return 0;
    errno = ENOSPC;
    return 1;
}

static int is_full_of(int descriptor) {
    char link[64], path[4096];
    if (!*folder) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    const ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_full(path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define MODE(flags)                           \
    mode_t mode = 0;                          \
    if ((flags) & (O_CREAT | O_TMPFILE)) {    \
        va_list more;                         \
        va_start(more, flags);                \
        mode = va_arg(more, mode_t);          \
        va_end(more);                         \
    }
#define MAKES(flags, path) (((flags) & O_CREAT) && access(path, F_OK) != 0)

int open(const char *path, int flags, ...) {
    MODE(flags)
    return MAKES(flags, path) && is_full(path) ? -1 : NEXT(open)(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    MODE(flags)
    return MAKES(flags, path) && is_full(path) ? -1 : NEXT(open64)(path, flags, mode);
}
ssize_t write(int descriptor, const void *content, size_t size) {
    return is_full_of(descriptor) ? -1 : NEXT(write)(descriptor, content, size);
}
int fsync(int descriptor) { return is_full_of(descriptor) ? -1 : NEXT(fsync)(descriptor); }
int ftruncate(int descriptor, off_t size) { return is_full_of(descriptor) ? -1 : NEXT(ftruncate)(descriptor, size); }
int ftruncate64(int descriptor, off64_t size) {
    return is_full_of(descriptor) ? -1 : NEXT(ftruncate64)(descriptor, size);
}
int rename(const char *from, const char *to) { return is_full(to) ? -1 : NEXT(rename)(from, to); }
int mkdir(const char *path, mode_t mode) { return is_full(path) ? -1 : NEXT(mkdir)(path, mode); }
