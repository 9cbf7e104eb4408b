/* See io.h. POSIX calls throughout; memory is taken from the arena before a descriptor is open,
 * so that an exhausted arena, which unwinds, cannot leak one. */
#define _GNU_SOURCE /* strtod_l */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_LIMIT = 4096, PIPE_LIMIT = 1024 * 1024 };

/* The host may have set a locale whose decimal sign is a comma. The C locale is static in the C library: this allocates nothing. */
static locale_t plain_locale(void) {
    return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

double tg_text_to_double(const char *text, char **end) {
    return strtod_l(text, end, plain_locale());
}

size_t tg_vformat(char *out, size_t size, const char *fmt, va_list args) {
    locale_t outer = uselocale(plain_locale());
    int n = vsnprintf(out, size, fmt, args);
    (void)uselocale(outer);
    if (n < 0) {
        /* Only an encoding error of %ls could do this; the result is then an empty text. */
        if (size) {
            out[0] = '\0';
        }
        return 0;
    }
    return (size_t)n;
}

size_t tg_format(char *out, size_t size, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    size_t n = tg_vformat(out, size, fmt, args);
    va_end(args);
    return n;
}

static tg_status status_of_errno(int error) {
    return error == ENOENT || error == ENOTDIR ? TG_ERROR_NOT_FOUND : TG_ERROR_IO;
}

/* Reads until the end or until `room` bytes are there. */
static tg_status read_all(int fd, char *data, size_t room, size_t *len) {
    *len = 0;
    while (*len < room) {
        ssize_t n = read(fd, data + *len, room - *len);
        if (n == 0) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            return TG_ERROR_IO;
        }
        *len += n > 0 ? (size_t)n : 0;
    }
    return TG_OK;
}

tg_status tg_io_read_file(tg_arena *arena, const char *path, size_t max_bytes, char **text,
                          size_t *len) {
    struct stat st;
    if (stat(path, &st) != 0) {
        return status_of_errno(errno);
    }
    if (S_ISDIR(st.st_mode)) {
        return TG_ERROR_IO;
    }
    size_t room = max_bytes < PIPE_LIMIT ? max_bytes : PIPE_LIMIT;
    if (S_ISREG(st.st_mode)) {
        if ((uintmax_t)st.st_size > max_bytes) {
            return TG_ERROR_INVALID_ARGUMENT;
        }
        room = (size_t)st.st_size;
    }
    /* One byte more than allowed tells "exactly full" from "too long"; one more for the NUL. */
    char *data = tg_arena_alloc(arena, room + 2, 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return status_of_errno(errno);
    }
    tg_status status = read_all(fd, data, room + 1, len);
    close(fd);
    if (status == TG_OK && *len > room) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    data[*len] = '\0';
    *text = data;
    return status;
}

static const int write_signals[TG_IO_SIGNALS] = {SIGXFSZ, SIGPIPE};

/* The kernel sends both to the thread that wrote, so that blocking them in this thread keeps them here. */
void tg_io_shield_begin(tg_io_shield *s) {
    sigset_t set, before, pending;
    sigemptyset(&set);
    sigemptyset(&pending);
    for (int i = 0; i < TG_IO_SIGNALS; i++) {
        sigaddset(&set, write_signals[i]);
    }
    (void)pthread_sigmask(SIG_BLOCK, &set, &before);
    (void)sigpending(&pending);
    for (int i = 0; i < TG_IO_SIGNALS; i++) {
        s->was_blocked[i] = sigismember(&before, write_signals[i]) == 1;
        s->was_pending[i] = sigismember(&pending, write_signals[i]) == 1;
    }
}

/* Takes away what our writes left pending before it lets signals through again. */
void tg_io_shield_end(const tg_io_shield *s) {
    const struct timespec at_once = {0, 0};
    sigset_t ours, open;
    sigemptyset(&ours);
    sigemptyset(&open);
    for (int i = 0; i < TG_IO_SIGNALS; i++) {
        if (!s->was_pending[i]) {
            sigaddset(&ours, write_signals[i]);
        }
        if (!s->was_blocked[i]) {
            sigaddset(&open, write_signals[i]);
        }
    }
    while (sigtimedwait(&ours, NULL, &at_once) > 0 || errno == EINTR) {
    }
    (void)pthread_sigmask(SIG_UNBLOCK, &open, NULL);
}

static tg_status write_all(int fd, const char *data, size_t n) {
    while (n) {
        ssize_t done = write(fd, data, n);
        if (done < 0 && errno != EINTR) {
            return TG_ERROR_IO;
        }
        if (done > 0) {
            data += done;
            n -= (size_t)done;
        }
    }
    return TG_OK;
}

/* Devices and pipes cannot be replaced: a rename would put a file in their place (with /dev/null, as root, for everyone). */
static bool is_special(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static tg_status write_special(const char *path, const char *data, size_t n) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return status_of_errno(errno);
    }
    tg_status status = write_all(fd, data, n);
    return close(fd) == 0 ? status : TG_ERROR_IO;
}

/* A new file beside `path`, with the permissions that the umask leaves of `mode`. */
static int open_temporary(const char *path, mode_t mode, char *temp, size_t size) {
    enum { TRIES = 100 };
    static atomic_uint serial;
    int fd = -1;
    for (int i = 0; i < TRIES && fd < 0; i++) {
        (void)tg_format(temp, size, "%s.%lx-%x", path, (unsigned long)getpid(), atomic_fetch_add(&serial, 1));
        fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd < 0 && errno != EEXIST) {
            break;
        }
    }
    return fd;
}

static tg_status replace_file(const char *path, const char *data, size_t n, bool is_private) {
    enum { SUFFIX = 32 };
    char temp[PATH_LIMIT];
    struct stat st;
    if (strlen(path) + SUFFIX >= sizeof temp) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    bool keeps_mode = !is_private && stat(path, &st) == 0;
    int fd = open_temporary(path, is_private ? 0600 : 0666, temp, sizeof temp);
    if (fd < 0) {
        return status_of_errno(errno);
    }
    tg_status status = keeps_mode && fchmod(fd, st.st_mode & 0777) != 0 ? TG_ERROR_IO : write_all(fd, data, n);
    if (status == TG_OK && fsync(fd) != 0) {
        status = TG_ERROR_IO;
    }
    if (close(fd) != 0 && status == TG_OK) {
        status = TG_ERROR_IO;
    }
    if (status == TG_OK && rename(temp, path) != 0) {
        status = TG_ERROR_IO;
    }
    if (status != TG_OK) {
        unlink(temp);
    }
    return status;
}

static tg_status write_file(const char *path, const void *data, size_t n, bool is_private) {
    tg_io_shield shield;
    tg_io_shield_begin(&shield);
    tg_status status = is_special(path) ? write_special(path, data, n) : replace_file(path, data, n, is_private);
    tg_io_shield_end(&shield);
    return status;
}

tg_status tg_io_write_file(const char *path, const void *data, size_t n) {
    char target[PATH_LIMIT];
    return write_file(realpath(path, target) ? target : path, data, n, false);
}

tg_status tg_io_write_private(const char *path, const void *data, size_t n) {
    return write_file(path, data, n, true);
}

static bool is_directory(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

tg_status tg_io_make_dirs(const char *path) {
    char part[PATH_LIMIT];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && !is_directory(part)) {
            return TG_ERROR_IO;
        }
    }
    return TG_OK;
}

bool tg_io_is_private_dir(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    bool ok =
        fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 022) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

tg_status tg_io_remove_file(const char *path) {
    return unlink(path) == 0 ? TG_OK : status_of_errno(errno);
}
