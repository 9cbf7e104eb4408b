/* Messages, JSON texts, time, progress. */
#include "base/clock.h"
#include "base/io.h"
#include "cli/cli.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool cli_use_colour(FILE *out) {
    const char *no = getenv("NO_COLOR");
    return !(no && *no) && isatty(fileno(out));
}

/* --json was given: errors are objects on standard output. */
static bool as_json;

void cli_set_json(bool json) {
    as_json = json;
}

static void print_failure(const char *text, const char *diagnostics) {
    printf("{\"ok\": false, \"error\": ");
    cli_json_text(stdout, text);
    printf(", \"diagnostics\": %s}\n", diagnostics);
}

int cli_fail_diags(const tg_diags *diags, const char *message, tg_arena *arena) {
    tg_strbuf text;
    tg_strbuf_init(&text, arena);
    if (as_json) {
        tg_diags_render_json(diags, &text);
        print_failure(message, text.data ? text.data : "[]");
        return CLI_FAILED;
    }
    tg_diags_render(diags, cli_use_colour(stderr), &text);
    fflush(stdout);
    fprintf(stderr, "%s", text.data ? text.data : "");
    return diags->n_errors ? CLI_FAILED : cli_error("%s", message);
}

__attribute__((format(printf, 1, 0))) static void report(const char *fmt, va_list args) {
    char text[2048];
    (void)tg_vformat(text, sizeof text, fmt, args);
    if (as_json) {
        print_failure(text, "[]");
    } else {
        fflush(stdout);
        fprintf(stderr, "tegula: %s\n", text);
    }
}

int cli_error(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    report(fmt, args);
    va_end(args);
    return CLI_FAILED;
}

int cli_wrong_usage(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    report(fmt, args);
    va_end(args);
    return CLI_USAGE;
}

const char *cli_why_unread(tg_status status) {
    return status == TG_ERROR_INVALID_ARGUMENT ? "it is too large"
           : status == TG_ERROR_IO             ? "it is no file, or reading fails"
                                               : tg_status_name(status);
}

int cli_cannot_write(const char *path, tg_status status) {
    return cli_error("cannot write %s: %s", path, status == TG_ERROR_IO ? "no space, no permission, or a directory of that name" : "no such directory");
}

/* Colours the heads of rendered diagnostics: "error[E0402]: …", "warning[…]: …". */
static void print_coloured(const char *text) {
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        bool error = strncmp(line, "error", 5) == 0, warning = strncmp(line, "warning", 7) == 0;
        fprintf(stderr, "%s%.*s%s\n",
                error     ? "\033[1;31m"
                : warning ? "\033[1;33m"
                          : "",
                (int)n, line, error || warning ? "\033[0m" : "");
        line += n + (line[n] == '\n');
    }
}

int cli_last_error(const tg_context *context) {
    const char *text = tg_last_error(context);
    if (as_json) {
        print_failure(text, tg_last_diagnostics(context));
    } else if (strncmp(text, "error", 5) != 0 && strncmp(text, "warning", 7) != 0) {
        return cli_error("%s", text);
    } else if (cli_use_colour(stderr)) {
        print_coloured(text);
    } else {
        fprintf(stderr, "%s", text);
    }
    return CLI_FAILED;
}

void cli_json_text(FILE *out, const char *text) {
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    if (!arena || TG_PROTECT(&u)) {
        fputs("\"out of memory\"", out);
    } else {
        tg_strbuf quoted;
        tg_strbuf_init(&quoted, arena);
        tg_strbuf_json(&quoted, text, strlen(text));
        fwrite(quoted.data, 1, quoted.len, out);
    }
    tg_arena_destroy(arena);
}

/* ---- progress ----------------------------------------------------------------------------------------------
 */

struct cli_progress {
    const char *what;
    double start;
    bool stop, shown;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
    pthread_t thread;
};

static void *progress_main(void *user) {
    cli_progress *p = user;
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 1;
        pthread_cond_timedwait(&p->stopped, &p->lock, &until);
        double seconds = (tg_now_ms() - p->start) / 1e3;
        if (!p->stop && seconds >= 0.9) {
            fprintf(stderr, "\r\033[K%s … %.0f s", p->what, seconds);
            fflush(stderr);
            p->shown = true;
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

cli_progress *cli_progress_start(const char *what) {
    cli_progress *p = isatty(fileno(stderr)) ? calloc(1, sizeof *p) : NULL;
    if (!p) {
        return NULL;
    }
    p->what = what;
    p->start = tg_now_ms();
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->stopped, NULL);
    if (pthread_create(&p->thread, NULL, progress_main, p)) {
        free(p);
        return NULL;
    }
    return p;
}

void cli_progress_stop(cli_progress *p) {
    if (!p) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_signal(&p->stopped);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    if (p->shown) {
        fprintf(stderr, "\r\033[K");
    }
    pthread_cond_destroy(&p->stopped);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
