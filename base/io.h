/* Files and formatting: the only part of the library that includes stdio. Failures are values;
 * the message belongs to the caller, who knows what the file was for. */
#ifndef TG_BASE_IO_H
#define TG_BASE_IO_H

#include "base/arena.h"

/* snprintf: writes at most size bytes with the NUL, returns the full length without it. Numbers look the same whatever the host's
 * locale. */
size_t tg_format(char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
size_t tg_vformat(char *out, size_t size, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

/* strtod in the C locale. */
double tg_text_to_double(const char *text, char **end);

/* Whole file into the arena, with a NUL behind it (not counted in *len).
 * NOT_FOUND: no such file. INVALID_ARGUMENT: more than max_bytes. IO: anything else, a
 * directory included. What is not a regular file (a pipe, /dev/stdin) may hold up to
 * min(max_bytes, 1 MiB). */
tg_status tg_io_read_file(tg_arena *arena, const char *path, size_t max_bytes, char **text,
                          size_t *len);

/* Two signals that a write can raise end a process that does not expect them: SIGXFSZ beyond the limit of file sizes
 * (`ulimit -f`) and SIGPIPE where nobody reads. Between begin and end this thread's writes fail with an error number instead;
 * the process's handlers and other threads stay as they are. Everything of the library that writes to files does so here or
 * behind such a shield. */
enum { TG_IO_SIGNALS = 2 };
typedef struct tg_io_shield {
    bool was_blocked[TG_IO_SIGNALS], was_pending[TG_IO_SIGNALS];
} tg_io_shield;
void tg_io_shield_begin(tg_io_shield *s);
void tg_io_shield_end(const tg_io_shield *s);

/* Replaces the file as a whole: temporary file beside it, fsync, rename. Readers see the old or
 * the new content, never a part. A file that is there keeps its mode, a new one has that of the umask; a symbolic link stays one. Devices
 * and pipes are written to, not replaced. */
tg_status tg_io_write_file(const char *path, const void *data, size_t n);
/* The same with mode 0600; a symbolic link is replaced. */
tg_status tg_io_write_private(const char *path, const void *data, size_t n);

/* Creates the directory and its parents, mode 0700; fine if it exists. */
tg_status tg_io_make_dirs(const char *path);

/* Is it a directory of this user that no other user can write to? */
bool tg_io_is_private_dir(const char *path);

/* NOT_FOUND if there is no such file. */
tg_status tg_io_remove_file(const char *path);

#endif
