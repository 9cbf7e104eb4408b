/* Reading with limits, replacing whole files, making folders. */
#include "base/io.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

Test(io, write_read_limits_and_errors) {
    tg_unwind u;
    cr_assert_eq(TG_PROTECT(&u), 0);
    tg_arena *arena = tg_arena_create(NULL, &u);
    char root[] = "/tmp/tegula-io-XXXXXX";
    cr_assert(mkdtemp(root));
    const char *folder = tg_arena_printf(arena, "%s/a/b/c", root);
    const char *file = tg_arena_printf(arena, "%s/f", folder);
    char *text;
    size_t len;
    cr_assert_eq(tg_io_read_file(arena, file, 100, &text, &len), TG_ERROR_NOT_FOUND);
    cr_assert_eq(tg_io_write_file(file, "x", 1), TG_ERROR_NOT_FOUND);
    cr_assert_eq(tg_io_make_dirs(folder), TG_OK);
    cr_assert_eq(tg_io_make_dirs(folder), TG_OK);
    struct stat st;
    cr_assert_eq(stat(folder, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0700);
    cr_assert_eq(tg_io_write_file(file, "one", 3), TG_OK);
    cr_assert_eq(tg_io_write_file(file, "hello\0w", 7), TG_OK);
    cr_assert_eq(tg_io_read_file(arena, file, 7, &text, &len), TG_OK);
    cr_assert(len == 7 && memcmp(text, "hello\0w", 8) == 0);
    cr_assert_eq(tg_io_read_file(arena, file, 6, &text, &len), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_io_read_file(arena, folder, 100, &text, &len), TG_ERROR_IO);
    cr_assert_eq(tg_io_read_file(arena, "/dev/null", 100, &text, &len), TG_OK);
    cr_assert_eq(len, 0);
    cr_assert_eq(tg_io_read_file(arena, "/dev/zero", 100, &text, &len),
                 TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_io_make_dirs(file), TG_ERROR_IO);
    cr_assert_eq(tg_io_remove_file(file), TG_OK);
    cr_assert_eq(tg_io_remove_file(file), TG_ERROR_NOT_FOUND);
    char part[16];
    cr_assert_eq(tg_format(part, sizeof part, "%s", "0123456789abcdefgh"), 18);
    cr_assert_str_eq(part, "0123456789abcde");
    for (const char *const *end = (const char *const[]){"/a/b/c", "/a/b", "/a", "", NULL}; *end;
         end++) {
        cr_assert_eq(rmdir(tg_arena_printf(arena, "%s%s", root, *end)), 0, "left over below %s",
                     *end);
    }
    tg_arena_destroy(arena);
}

static mode_t mode_of(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0 ? st.st_mode & (S_IFMT | 0777) : 0;
}

Test(io, files_keep_their_mode_and_links_stay) {
    char root[] = "/tmp/tegula-io-XXXXXX", file[sizeof root + 5], link[sizeof root + 5];
    cr_assert(mkdtemp(root));
    (void)tg_format(file, sizeof file, "%s/file", root);
    (void)tg_format(link, sizeof link, "%s/link", root);
    umask(027);
    cr_expect_eq(tg_io_write_file(file, "a", 1), TG_OK);
    cr_expect_eq(mode_of(file), S_IFREG | 0640, "new: of the umask");
    cr_assert_eq(chmod(file, 0664), 0);
    cr_assert_eq(symlink("file", link), 0);
    cr_expect_eq(tg_io_write_file(link, "hello", 5), TG_OK);
    cr_expect(S_ISLNK(mode_of(link)), "replaced by a file");
    cr_expect_eq(mode_of(file), S_IFREG | 0664);
    struct stat st;
    cr_expect(stat(file, &st) == 0 && st.st_size == 5, "what the link leads to is as it was");
    cr_expect_eq(tg_io_write_private(link, "x", 1), TG_OK);
    cr_expect_eq(mode_of(link), S_IFREG | 0600);
    cr_expect_eq(mode_of(file), S_IFREG | 0664);
    cr_assert_eq(unlink(file), 0);
    cr_assert_eq(unlink(link), 0);
    cr_assert_eq(rmdir(root), 0, "a temporary file is left over");
}

Test(io, pipes_are_written_to) {
    char root[] = "/tmp/tegula-io-XXXXXX", pipe[sizeof root + 5], text[8] = "";
    cr_assert(mkdtemp(root));
    (void)tg_format(pipe, sizeof pipe, "%s/pipe", root);
    cr_assert_eq(mkfifo(pipe, 0600), 0);
    int fd = open(pipe, O_RDONLY | O_NONBLOCK);
    cr_assert(fd >= 0);
    cr_assert_eq(tg_io_write_file(pipe, "hello", 5), TG_OK);
    struct stat st;
    cr_assert_eq(lstat(pipe, &st), 0);
    cr_assert(S_ISFIFO(st.st_mode), "replaced by a file");
    cr_assert_eq(read(fd, text, sizeof text), 5);
    cr_assert_str_eq(text, "hello");
    close(fd);
    cr_assert_eq(unlink(pipe), 0);
    cr_assert_eq(rmdir(root), 0);
}

/* With the default actions of the signals, which end the process. */
Test(io, a_write_that_raises_a_signal_is_an_error) {
    char root[] = "/tmp/tegula-io-XXXXXX", file[sizeof root + 5], pipe[sizeof root + 5];
    cr_assert(mkdtemp(root));
    (void)tg_format(file, sizeof file, "%s/file", root);
    (void)tg_format(pipe, sizeof pipe, "%s/pipe", root);
    static char data[10000];
    signal(SIGXFSZ, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    struct rlimit before, limit;
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 5000;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_expect_eq(tg_io_write_file(file, data, 5000), TG_OK);
    cr_expect_eq(tg_io_write_file(file, data, 5001), TG_ERROR_IO);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);

    cr_assert_eq(mkfifo(pipe, 0600), 0);
    tg_io_shield shield;
    tg_io_shield_begin(&shield);
    int out = open(pipe, O_RDWR), in = open(pipe, O_RDONLY | O_NONBLOCK), only_out = open(pipe, O_WRONLY);
    close(out);
    close(in);
    cr_expect_eq(write(only_out, "x", 1), -1); /* nobody reads */
    close(only_out);
    tg_io_shield_end(&shield);

    sigset_t blocked, pending;
    cr_assert_eq(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
    cr_assert_eq(sigpending(&pending), 0);
    for (const int *s = (const int[]){SIGXFSZ, SIGPIPE, 0}; *s; s++) {
        cr_expect(!sigismember(&blocked, *s) && !sigismember(&pending, *s), "signal %d was left behind", *s);
    }
    struct stat st;
    cr_expect(stat(file, &st) == 0 && st.st_size == 5000, "what was there is gone");
    cr_assert_eq(unlink(file), 0);
    cr_assert_eq(unlink(pipe), 0);
    cr_assert_eq(rmdir(root), 0, "a temporary file is left over");
}
